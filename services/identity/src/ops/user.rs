//! Users.

use super::directory::{check_own, check_own_domain};
use super::password::password_set;
use super::{check_same, describe, missing, new_name, own_domain, taken, text};
use crate::Identity;
use crate::model::narrow::Narrow;
use crate::model::project::{Project, merge_extra, merge_options};
use crate::model::user::{Login, User};
use crate::rules;
use crate::store::{self, user::*};
use ::store::Tx;
use fault::Fault;
use kernel::Micros;
use policy::{Rule, Target};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use web::Cx;
use zeroize::Zeroizing;

const KNOWN: &[&str] = &[
    "id",
    "name",
    "domain_id",
    "enabled",
    "default_project_id",
    "password",
    "original_password",
    "options",
    "links",
    "password_expires_at",
    "federated",
];

/// What rules may ask of a user.
pub(super) fn user_target(user: Option<&User>) -> Target {
    let Some(user) = user else { return Target::none() };
    let facts = [("id", user.id.as_str()), ("domain_id", &user.domain_id)];
    describe(Target::none(), "user", &facts).with("user_id", &user.id)
}

/// The user, if the caller may do `rule` to it.
pub(super) fn user_for(tx: &Tx, cx: &Cx, id: &str, rule: &'static Rule) -> Result<User, Fault> {
    let found = user_by_id(tx, id)?;
    cx.may(rule, &user_target(found.as_ref()))?;
    found.ok_or_else(|| missing("user", id))
}

impl Identity {
    /// Every user that the caller may see; of a domain that has a directory, whom that knows (by this name, if there
    /// is one). A list that is of no such domain shows our own users.
    pub async fn user_list(&self, cx: &Cx, domain: Option<&str>, narrow: Narrow) -> Result<Vec<User>, Fault> {
        let own = cx.who.domain_id.clone();
        let target = own.as_ref().map_or(Target::none(), |own| Target::none().with("target.domain_id", own));
        cx.may(&rules::LIST_USERS, &target)?;
        let elsewhere = match list_domain(cx, domain) {
            Some(domain) => self.directory_people(&domain, narrow.name.as_deref()).await?,
            None => None,
        };
        self.db
            .read(move |tx| {
                let mirrored = store::directory::mirrored(tx, "user")?;
                let shown = |user: &User| match &elsewhere {
                    Some(ids) => ids.contains(&user.id),
                    None => !mirrored.contains(&user.id),
                };
                let of_own = |user: &User| own.as_ref().is_none_or(|own| user.domain_id == *own);
                let all = users_narrowed(tx, &narrow)?.into_iter();
                Ok(all.filter(|user| shown(user) && of_own(user)).collect())
            })
            .await
    }

    /// One user.
    pub async fn user_show(&self, cx: &Cx, id: &str) -> Result<User, Fault> {
        self.directory_refresh([id.to_owned()]).await?;
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db.read(move |tx| user_for(tx, &cx, &id, &rules::GET_USER)).await
    }

    /// Makes a user.
    pub async fn user_create(&self, cx: &Cx, given: Map<String, Value>) -> Result<User, Fault> {
        let domain_id = text(&given, "domain_id").unwrap_or_else(|| own_domain(cx));
        // Who may do this in one domain has to say which: the caller's own is only meant if the rule does not ask.
        let target = match text(&given, "domain_id") {
            Some(said) => describe(Target::none(), "user", &[("domain_id", &said)]),
            None => Target::none(),
        };
        cx.may(&rules::CREATE_USER, &target)?;
        let hash = self.hash_given(&given).await?;
        let (compliance, said) = (self.settings.compliance.clone(), self.settings.domain_options.clone());
        self.db
            .write(move |tx| {
                check_own_domain(tx, &said, &domain_id)?;
                let domain = store::project::project_by_id(tx, &domain_id)?.filter(|domain| domain.is_domain);
                if domain.is_none() {
                    return Err(missing("domain", &domain_id));
                }
                check_default_project(tx, &given)?;
                let mut user = User {
                    id: tx.entropy().hex_id(),
                    name: text(&given, "name").unwrap_or_default().trim().to_owned(),
                    domain_id: domain_id.clone(),
                    enabled: given.get("enabled").and_then(Value::as_bool).unwrap_or(true),
                    default_project_id: text(&given, "default_project_id"),
                    password_hash: None,
                    password_expires_at: None,
                    options: Map::new(),
                    extra: Map::new(),
                    valid_since: Micros(0),
                    login: Login::default(),
                };
                merge_options(&mut user.options, given.get("options"));
                compliance.active(&mut user, tx.now());
                if let Some(hash) = &hash {
                    password_set(tx, &compliance, &mut user, hash, false)?;
                    user.valid_since = Micros(0);
                }
                merge_extra(&mut user.extra, &given, KNOWN);
                if !user_insert(tx, &user)? {
                    return Err(taken("user", &user.name, &user.domain_id));
                }
                Ok(user)
            })
            .await
    }

    /// Changes a user. A new password, and disabling, revoke its tokens.
    pub async fn user_update(&self, cx: &Cx, id: &str, given: Map<String, Value>) -> Result<User, Fault> {
        self.directory_refresh([id.to_owned()]).await?;
        let (cx_own, id_own) = (cx.clone(), id.to_owned());
        let changeable = move |tx: &Tx| {
            user_for(tx, &cx_own, &id_own, &rules::UPDATE_USER)?;
            check_own(tx, &id_own)
        };
        self.db.read(changeable).await?;
        let hash = self.hash_given(&given).await?;
        let compliance = self.settings.compliance.clone();
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let mut user = user_for(tx, &cx, &id, &rules::UPDATE_USER)?;
                check_own(tx, &id)?;
                check_same(&given, &user.id, &user.domain_id)?;
                check_default_project(tx, &given)?;
                if let Some(name) = new_name(&given) {
                    user.name = name;
                }
                if let Some(enabled) = given.get("enabled").and_then(Value::as_bool) {
                    user.enabled = enabled;
                    // Whoever was locked out, or was not active, gets in again.
                    user.login.failures = 0;
                    user.login.failed_at = None;
                    compliance.active(&mut user, tx.now());
                }
                if given.contains_key("default_project_id") {
                    user.default_project_id = text(&given, "default_project_id");
                }
                merge_options(&mut user.options, given.get("options"));
                compliance.watch(&mut user);
                if let Some(hash) = &hash {
                    password_set(tx, &compliance, &mut user, hash, false)?;
                }
                if !user.enabled {
                    user.revoke_tokens(tx.now());
                }
                merge_extra(&mut user.extra, &given, KNOWN);
                write(tx, &user)?;
                Ok(user)
            })
            .await
    }

    /// Removes a user.
    pub async fn user_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        self.directory_refresh([id.to_owned()]).await?;
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                user_for(tx, &cx, &id, &rules::DELETE_USER)?;
                check_own(tx, &id)?;
                user_delete(tx, &id)?;
                store::token::epoch_advance(tx)
            })
            .await
    }

    /// Ends all tokens of a user.
    pub async fn user_tokens_revoke(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        self.directory_refresh([id.to_owned()]).await?;
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let mut user = user_for(tx, &cx, &id, &rules::REVOKE_TOKENS_FOR_USER)?;
                user.revoke_tokens(tx.now());
                write(tx, &user)
            })
            .await
    }

    /// The projects on which a user has a role, directly, through a group or inherited.
    pub async fn user_projects(&self, cx: &Cx, id: &str) -> Result<Vec<Project>, Fault> {
        self.directory_refresh([id.to_owned()]).await?;
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .read(move |tx| {
                user_for(tx, &cx, &id, &rules::LIST_USER_PROJECTS)?;
                projects_of_user(tx, &id)
            })
            .await
    }

    /// The projects (or domains) that the caller has a role on, disabled ones among them.
    pub async fn own_scopes(&self, cx: &Cx, domains: bool) -> Result<Vec<Project>, Fault> {
        let id = cx.who.user_id.clone();
        self.db
            .read(move |tx| if domains { domains_of_user(tx, &id) } else { projects_of_user(tx, &id) })
            .await
    }

    /// Whether the caller has a role on the system.
    pub async fn own_system(&self, cx: &Cx) -> Result<bool, Fault> {
        use crate::model::assignment::{TargetKind, on_target};
        let id = cx.who.user_id.clone();
        self.db
            .read(move |tx| {
                let own = store::assignment::assignments_of_user(tx, &id)?;
                Ok(!on_target(&own, TargetKind::System, "all").is_empty())
            })
            .await
    }

    async fn hash_given(&self, given: &Map<String, Value>) -> Result<Option<String>, Fault> {
        match text(given, "password") {
            Some(password) => {
                self.password_check(&password)?;
                self.hashing.hash(Zeroizing::new(password)).await.map(Some)
            }
            None => Ok(None),
        }
    }
}

/// The domain that a list is of: the caller's own, the one that is asked for, or that of the caller's project.
pub(super) fn list_domain(cx: &Cx, asked: Option<&str>) -> Option<String> {
    let own = cx.who.domain_id.clone();
    own.or_else(|| asked.map(str::to_owned)).or_else(|| cx.who.project_domain_id.clone())
}

fn write(tx: &Tx, user: &User) -> Result<(), Fault> {
    if !user_update(tx, user)? {
        return Err(taken("user", &user.name, ""));
    }
    store::token::epoch_advance(tx)
}

/// A token without scope would be for the default project, and a domain is none.
fn check_default_project(tx: &Tx, given: &Map<String, Value>) -> Result<(), Fault> {
    let Some(id) = text(given, "default_project_id") else { return Ok(()) };
    match store::project::project_by_id(tx, &id)? {
        Some(project) if project.is_domain => {
            Err(Fault::bad_input(format!("User's default project ID cannot be a domain ID: {id}")))
        }
        _ => Ok(()),
    }
}

pub(super) fn projects_of_user(tx: &Tx, user_id: &str) -> Result<Vec<Project>, Fault> {
    use crate::model::assignment::TargetKind;
    let mut found = BTreeMap::new();
    for one in store::assignment::assignments_of_user(tx, user_id)? {
        let projects = match (one.target_kind, one.inherited) {
            (TargetKind::Project, false) => {
                store::project::project_by_id(tx, &one.target_id)?.into_iter().collect()
            }
            (TargetKind::Project | TargetKind::Domain, true) => {
                store::project::projects_below(tx, &one.target_id)?
            }
            (TargetKind::Domain | TargetKind::System, _) => Vec::new(),
        };
        found.extend(projects.into_iter().map(|project| (project.id.clone(), project)));
    }
    Ok(found.into_values().collect())
}

fn domains_of_user(tx: &Tx, user_id: &str) -> Result<Vec<Project>, Fault> {
    use crate::model::assignment::TargetKind;
    let own = store::assignment::assignments_of_user(tx, user_id)?;
    let domains = own.into_iter().filter(|one| one.target_kind == TargetKind::Domain && !one.inherited);
    let ids: BTreeSet<String> = domains.map(|one| one.target_id).collect();
    let found = ids.iter().map(|id| store::project::project_by_id(tx, id)).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}
