//! Letting the administrator in again: for when the password is lost, or the last administrator took away its own roles.
//! What `keystone-manage bootstrap` is called for on a cloud that is there already.

use crate::bootstrap::{DEFAULT_DOMAIN, place, role, to_user, user};
use crate::hashing::LOWEST_COST;
use crate::model::assignment::TargetKind;
use crate::model::password::{self, Scheme};
use crate::model::user::User;
use crate::ops::directory::check_own_domain;
use crate::ops::password::password_set;
use crate::settings::Settings;
use crate::store::{assignment::*, project::*, role::*, token::epoch_advance, user::*};
use ::store::{Db, Tx};
use fault::{Fault, Kind};

/// The administrator's name, and that of its project and its role.
const ADMIN: &str = "admin";

/// Gives the user `admin` of the domain Default this password, which is random, and all that lets it in. Says what else was
/// missing for that, a sentence each. Its tokens so far end.
pub fn readmit(db: &Db, settings: &Settings, password: &str) -> Result<Vec<&'static str>, Fault> {
    db.migrate("identity", crate::migrations::MIGRATIONS)?;
    let (settings, password) = (settings.clone(), zeroize::Zeroizing::new(password.to_owned()));
    db.write_now(move |tx| {
        let mut done = Vec::new();
        check_domain(tx, &settings, &mut done)?;
        let role = match roles(tx)?.into_iter().find(|role| role.name == ADMIN && role.domain_id.is_empty()) {
            Some(role) => role.id,
            None => {
                done.push("The role admin was gone: it is there again, and implies nothing.");
                role(tx, ADMIN)?
            }
        };
        let project = admin_project(tx, &mut done)?;
        let user = admin_user(tx, &settings, &password, &mut done)?;
        for (kind, id, said) in [
            (TargetKind::Project, &*project, "It had no role admin on the project admin."),
            (TargetKind::Domain, DEFAULT_DOMAIN, "It had no role admin on the domain Default."),
            (TargetKind::System, "all", "It had no role admin on the system."),
        ] {
            let grant = to_user(&user, kind, id, &role);
            if !assignment_exists(tx, &grant)? {
                assignment_add(tx, &grant)?;
                done.push(said);
            }
        }
        epoch_advance(tx)?;
        Ok(done)
    })
}

/// The domain Default is there, enabled, and has users of its own.
fn check_domain(tx: &Tx, settings: &Settings, done: &mut Vec<&'static str>) -> Result<(), Fault> {
    let Some(mut domain) = project_by_id(tx, DEFAULT_DOMAIN)? else {
        return Err(Fault::not_found("There is no cloud here yet: its first start makes the user admin."));
    };
    check_own_domain(tx, &settings.domain_options, DEFAULT_DOMAIN).map_err(|fault| match fault.kind {
        Kind::Forbidden => Fault::forbidden(
            "The users of the domain Default live in a directory: that has to let the administrator in.",
        ),
        _ => fault,
    })?;
    if !domain.enabled {
        domain.enabled = true;
        project_update(tx, &domain)?;
        done.push("The domain Default was disabled.");
    }
    Ok(())
}

fn admin_project(tx: &Tx, done: &mut Vec<&'static str>) -> Result<String, Fault> {
    match project_by_name(tx, DEFAULT_DOMAIN, ADMIN)? {
        Some(mut project) => {
            if !project.enabled {
                project.enabled = true;
                project_update(tx, &project)?;
                done.push("The project admin was disabled.");
            }
            Ok(project.id)
        }
        None => {
            let id = tx.entropy().hex_id();
            place(tx, &id, ADMIN, false, "The project of the cloud's administrators")?;
            done.push("The project admin was gone: there is a new one.");
            Ok(id)
        }
    }
}

fn admin_user(
    tx: &Tx,
    settings: &Settings,
    password: &str,
    done: &mut Vec<&'static str>,
) -> Result<String, Fault> {
    let Some(mut found) = user_by_name(tx, DEFAULT_DOMAIN, ADMIN)? else {
        done.push("The user admin was gone: there is a new one.");
        return user(tx, ADMIN, password);
    };
    if !found.enabled {
        done.push("It was disabled.");
    }
    if found.options.remove("multi_factor_auth_rules").is_some() {
        done.push("It had rules of several factors: they are gone.");
    }
    let hash = password::hash(password.as_bytes(), Scheme::Bcrypt(LOWEST_COST), tx.entropy().bytes());
    let hash = hash.ok_or_else(|| Fault::bug("a password cannot be hashed"))?;
    admit(tx, settings, &mut found, &hash)?;
    user_update(tx, &found)?;
    Ok(found.id)
}

/// Nothing that is looked at when somebody logs in keeps the user out.
fn admit(tx: &Tx, settings: &Settings, user: &mut User, hash: &str) -> Result<(), Fault> {
    user.enabled = true;
    user.login.failures = 0;
    user.login.failed_at = None;
    settings.compliance.active(user, tx.now());
    password_set(tx, &settings.compliance, user, hash, true)?;
    // It may be changed at once, as one that an administrator set.
    user.login.password_own = false;
    Ok(())
}
