//! What a new cloud starts with: the domain Default, roles and what they imply, the users and projects `admin` and
//! `demo`, and the catalog. Repeating it changes nothing but the addresses in the catalog, which follow the settings.

use crate::Identity;
use crate::hashing::LOWEST_COST;
use crate::model::assignment::{ActorKind, Assignment, TargetKind};
use crate::model::catalog::{Endpoint, Region, Service};
use crate::model::password::{self, Scheme};
use crate::model::project::Project;
use crate::model::role::Role;
use crate::model::user::{Login, User};
use crate::ops::password::activity_watch;
use crate::store::{self, assignment::assignment_add, catalog::*, key::Ring, project::*, role::*, user::*};
use ::store::{Db, Tx};
use fault::Fault;
use kernel::Micros;
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use std::time::Duration;
use zeroize::Zeroizing;

/// The domain that everything is in unless somebody says otherwise.
pub const DEFAULT_DOMAIN: &str = "default";

/// A service of the cloud, as the catalog has it.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Its type (`compute`).
    pub kind: &'static str,
    /// Its name (`nova`).
    pub name: &'static str,
    /// Its path below the cloud's address (`/compute/v2.1`).
    pub path: &'static str,
}

impl Offer {
    /// The id of its entry, the same in every cloud: services of another cloud, taken over, are called the same and stand
    /// beside it.
    fn id(&self) -> String {
        let digest = Sha256::digest(format!("{} {}", self.kind, self.name));
        base16ct::lower::encode_string(&digest[..16])
    }

    /// Its entry. That of a cloud that was founded when ids were random is known by type and name.
    fn entry<'a>(&self, known: &'a [Service]) -> Option<&'a Service> {
        let called_so = |one: &&Service| one.kind == self.kind && one.name.as_deref() == Some(self.name);
        known.iter().find(|one| one.id == self.id()).or_else(|| known.iter().find(called_so))
    }
}

/// The generated passwords of the first users. They have 128 random bits, which nobody guesses however cheap a guess
/// is: hence they are hashed at the lowest cost, and the first token comes in time.
pub struct FirstPasswords {
    /// Of the user `admin`.
    pub admin: Zeroizing<String>,
    /// Of the user `demo`.
    pub demo: Zeroizing<String>,
}

/// Whether the store holds a cloud already, whoever started it. Brings the schema up to date.
pub fn founded(db: &Db) -> Result<bool, Fault> {
    db.migrate("identity", crate::migrations::MIGRATIONS)?;
    db.read_now(|tx| Ok(project_by_id(tx, DEFAULT_DOMAIN)?.is_some()))
}

impl Identity {
    /// Makes what is missing. Says whether this was the first start.
    pub fn bootstrap(
        &self,
        public_url: &str,
        region: &str,
        offers: &'static [Offer],
        passwords: &FirstPasswords,
    ) -> Result<bool, Fault> {
        let (public_url, region) = (public_url.to_owned(), region.to_owned());
        let (admin, demo) = (passwords.admin.clone(), passwords.demo.clone());
        let compliance = self.settings.compliance.clone();
        self.db.write_now(move |tx| {
            let first = project_by_id(tx, DEFAULT_DOMAIN)?.is_none();
            if first {
                if admin.is_empty() || demo.is_empty() {
                    return Err(Fault::bug("the first users have no passwords"));
                }
                people(tx, &admin, &demo)?;
                activity_watch(tx, &compliance)?;
            }
            catalog(tx, &public_url, &region, offers)?;
            Ok(first)
        })
    }
}

fn people(tx: &Tx, admin_password: &str, demo_password: &str) -> Result<(), Fault> {
    store::key::keys_rotate(tx, Ring::Tokens, Duration::ZERO)?;
    place(tx, DEFAULT_DOMAIN, "Default", true, "The default domain")?;
    let [reader, member, manager, admin, service] =
        ["reader", "member", "manager", "admin", "service"].map(|name| role(tx, name));
    let (reader, member, manager, admin) = (reader?, member?, manager?, admin?);
    service?;
    for (prior, implied) in [(&admin, &manager), (&manager, &member), (&member, &reader)] {
        implication_add(tx, prior, implied)?;
    }
    let admin_user = user(tx, "admin", admin_password)?;
    let demo_user = user(tx, "demo", demo_password)?;
    let (admin_project, demo_project) = (tx.entropy().hex_id(), tx.entropy().hex_id());
    place(tx, &admin_project, "admin", false, "The project of the cloud's administrators")?;
    place(tx, &demo_project, "demo", false, "A project to try things in")?;
    grant(tx, &admin_user, TargetKind::Project, &admin_project, &admin)?;
    grant(tx, &admin_user, TargetKind::Project, &demo_project, &admin)?;
    grant(tx, &admin_user, TargetKind::Domain, DEFAULT_DOMAIN, &admin)?;
    grant(tx, &admin_user, TargetKind::System, "all", &admin)?;
    grant(tx, &demo_user, TargetKind::Project, &demo_project, &member)
}

pub(crate) fn place(tx: &Tx, id: &str, name: &str, is_domain: bool, description: &str) -> Result<(), Fault> {
    let above = if is_domain { "" } else { DEFAULT_DOMAIN };
    let project = Project {
        id: id.to_owned(),
        name: name.to_owned(),
        domain_id: above.to_owned(),
        parent_id: above.to_owned(),
        is_domain,
        enabled: true,
        description: Some(description.to_owned()),
        tags: Vec::new(),
        options: Map::new(),
        extra: Map::new(),
    };
    project_insert(tx, &project)?;
    Ok(())
}

pub(crate) fn role(tx: &Tx, name: &str) -> Result<String, Fault> {
    let id = tx.entropy().hex_id();
    let options = Map::from_iter([("immutable".to_owned(), json!(true))]);
    let (name, domain_id) = (name.to_owned(), String::new());
    role_insert(
        tx,
        &Role { id: id.clone(), name, domain_id, description: None, options, extra: Map::new() },
    )?;
    Ok(id)
}

pub(crate) fn user(tx: &Tx, name: &str, password: &str) -> Result<String, Fault> {
    let hash = password::hash(password.as_bytes(), Scheme::Bcrypt(LOWEST_COST), tx.entropy().bytes());
    let user = User {
        id: tx.entropy().hex_id(),
        name: name.to_owned(),
        domain_id: DEFAULT_DOMAIN.to_owned(),
        enabled: true,
        default_project_id: None,
        password_hash: hash,
        password_expires_at: None,
        options: Map::new(),
        extra: Map::new(),
        valid_since: Micros(0),
        login: Login::default(),
    };
    user_insert(tx, &user)?;
    Ok(user.id)
}

fn grant(tx: &Tx, user: &str, target_kind: TargetKind, target: &str, role: &str) -> Result<(), Fault> {
    assignment_add(tx, &to_user(user, target_kind, target, role))
}

/// What one of the first users is granted.
pub(crate) fn to_user(user: &str, target_kind: TargetKind, target: &str, role: &str) -> Assignment {
    Assignment {
        actor_kind: ActorKind::User,
        actor_id: user.to_owned(),
        target_kind,
        target_id: target.to_owned(),
        role_id: role.to_owned(),
        inherited: false,
    }
}

/// The cloud's own entries; what administrators added stays.
fn catalog(tx: &Tx, public_url: &str, region: &str, offers: &[Offer]) -> Result<(), Fault> {
    if region_by_id(tx, region)?.is_none() {
        let (id, description) = (region.to_owned(), String::new());
        region_insert(tx, &Region { id, parent_region_id: None, description, extra: Map::new() })?;
    }
    let (known, endpoints) = (services(tx)?, endpoints(tx)?);
    for offer in offers {
        let own = offer.entry(&known);
        let service = own.cloned().unwrap_or_else(|| Service {
            id: offer.id(),
            kind: offer.kind.to_owned(),
            name: Some(offer.name.to_owned()),
            enabled: true,
            extra: Map::new(),
        });
        if own.is_none() {
            service_put(tx, &service)?;
        }
        for interface in ["public", "internal", "admin"] {
            let mine = |one: &&Endpoint| {
                one.service_id == service.id
                    && one.interface == interface
                    && one.region_id.as_deref() == Some(region)
            };
            let url = format!("{}{}", public_url.trim_end_matches('/'), offer.path);
            let id = endpoints.iter().find(mine).map_or_else(|| tx.entropy().hex_id(), |one| one.id.clone());
            let (service_id, interface) = (service.id.clone(), interface.to_owned());
            let region_id = Some(region.to_owned());
            let own =
                Endpoint { id, service_id, interface, region_id, url, enabled: true, extra: Map::new() };
            // What is so already is not written: that would have every controller look at all tokens once more.
            if !endpoints.contains(&own) {
                endpoint_put(tx, &own)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Clock, Entropy};

    const OFFERS: &[Offer] = &[Offer { kind: "identity", name: "keystone", path: "/identity" }];

    #[test]
    fn a_service_that_is_called_the_same_keeps_its_addresses() {
        let (clock, entropy) = (Clock::system(), Entropy::system().unwrap());
        let db = Db::open_memory(::store::Parts { clock, entropy }).unwrap();
        assert!(!founded(&db).unwrap());
        let urls = db.write_now(|tx| {
            catalog(tx, "http://here", "RegionOne", OFFERS)?;
            let own = services(tx)?.remove(0);
            let endpoint = endpoints(tx)?.remove(0);
            for digit in ["0", "f"] {
                let service_id = digit.repeat(32);
                service_put(tx, &Service { id: service_id.clone(), ..own.clone() })?;
                let url = "http://there/v3".to_owned();
                endpoint_put(tx, &Endpoint { id: service_id.clone(), service_id, url, ..endpoint.clone() })?;
            }
            catalog(tx, "http://elsewhere", "RegionOne", OFFERS)?;
            let mut urls: Vec<String> = endpoints(tx)?.into_iter().map(|one| one.url).collect();
            urls.sort();
            Ok(urls)
        });
        let (ours, theirs) = ("http://elsewhere/identity", "http://there/v3");
        assert_eq!(urls.unwrap(), [ours, ours, ours, theirs, theirs]);
    }
}
