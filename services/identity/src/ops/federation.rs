//! Logging in as somebody for whom an identity provider vouches.
//!
//! The mapping says who that is here. One of ours logs in as itself. Whoever is not ours gets a shadow: a user of the
//! provider's domain with the id that Keystone gives it, so that it can be granted roles and own things. Groups by mapping
//! are memberships that end.

use super::identity_provider::{protocol, provider};
use super::mapping::mapping;
use super::project::project_of_mapping;
use super::proof::{Proved, find_domain};
use super::receipt::part_proved;
use super::token::{Granted, Mint, fernet_open, fernet_seal, issue, unauthenticated, usual_scope};
use super::{duplicate, expected, missing, proof::Named};
use crate::Identity;
use crate::model::assignment::{ActorKind, Assignment, TargetKind};
use crate::model::identity_provider::{IdentityProvider, Protocol};
use crate::model::mapping::engine::Assertion;
use crate::model::mapping::{Mapped, Mapping, Unmapped, apply};
use crate::model::project::Project;
use crate::model::role::Role;
use crate::model::token::{Delegation, Federation, MOST_GROUPS, Scope, federated_method};
use crate::model::user::User;
use crate::oidc::code::{Attempt, Brought};
use crate::oidc::{ISSUER, Provider};
use crate::store::{self, shadow::*};
use ::store::Tx;
use fault::{Fault, Kind};
use kernel::Micros;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// The version of mappings from which on a provider's word takes roles away, too.
const SYNCED: &str = "3.0";

/// How many projects one login may make or give roles on.
const MOST_PROJECTS: usize = 1000;

/// How long the name, the id or the address of somebody may be, in characters: what fits into Keystone's columns.
const LONGEST: usize = 255;

/// How long a browser may be with the provider.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// How long things last.
#[derive(Clone, Copy)]
struct Lives {
    token: Duration,
    membership: Duration,
    mint: Mint,
}

impl Identity {
    /// Whom the provider of this protocol vouches for with an access token, logged in. `receipt` is one that was given out
    /// before.
    pub async fn federated_login(
        &self,
        provider_id: &str,
        protocol_id: &str,
        bearer: Option<&str>,
        receipt: Option<String>,
    ) -> Result<Granted, Fault> {
        self.open(provider_id, protocol_id).await?;
        let relation = self.providers.iter().find(|one| one.is(provider_id, protocol_id));
        let relation = relation.ok_or_else(|| unauthenticated().because("no settings name this provider"))?;
        let assertion = relation.vouched(bearer.ok_or_else(unauthenticated)?).await?;
        self.enter(provider_id, protocol_id, assertion, receipt).await
    }

    /// Whether anybody may come in by this protocol of this provider: before it is asked.
    async fn open(&self, provider_id: &str, protocol_id: &str) -> Result<(), Fault> {
        let (provider_id, protocol_id) = (provider_id.to_owned(), protocol_id.to_owned());
        self.db.read(move |tx| open(tx, &provider_id, &protocol_id).map(drop)).await
    }

    /// Sends a browser to a provider: where to, and what it brings back, sealed.
    pub async fn websso_begin(
        &self,
        provider_id: Option<&str>,
        protocol_id: &str,
        origin: &str,
        back: &str,
    ) -> Result<(String, String), Fault> {
        if !self.settings.federation.trusted_dashboards.iter().any(|trusted| trusted == origin) {
            return Err(unauthenticated());
        }
        let fits = |one: &&Provider| {
            one.by(protocol_id).is_some_and(|id| provider_id.is_none_or(|provider_id| provider_id == id))
        };
        let mut all = self.providers.iter().filter(fits);
        let (relation, provider_id) = match (all.next(), all.next()) {
            (Some(one), None) => (one, one.by(protocol_id).unwrap_or_default()),
            (None, _) => return Err(unauthenticated()),
            (Some(_), Some(_)) => {
                return Err(Fault::bad_input("Several identity providers have this protocol: name one."));
            }
        };
        let attempt = Attempt::new(provider_id, protocol_id, origin, self.db.entropy());
        let entrance = relation.entrance(&attempt, back).await?;
        let packed = serde_json::to_vec(&attempt).map_err(Fault::bug)?;
        let sealed = self.db.read(move |tx| fernet_seal(tx, tx.now(), &packed)).await?;
        Ok((entrance, sealed))
    }

    /// Takes a browser back that brings a code: where it wants its token sent, and what it is given.
    pub async fn websso_end(
        &self,
        sealed: &str,
        state: &str,
        brought: Brought<'_>,
        back: &str,
    ) -> Result<(String, Granted), Fault> {
        let sealed = sealed.to_owned();
        let opened =
            self.db.read(move |tx| Ok(fernet_open(tx, &sealed)?.map(|found| (found, tx.now())))).await?;
        let ((packed, at), now) = opened.ok_or_else(unauthenticated)?;
        let attempt: Attempt = serde_json::from_slice(&packed).map_err(|_| unauthenticated())?;
        if now.since(at) > PATIENCE || !attempt.is(state) {
            return Err(unauthenticated());
        }
        let relation =
            self.providers.iter().find(|one| one.is(&attempt.identity_provider, &attempt.protocol));
        let relation = relation.ok_or_else(unauthenticated)?;
        let assertion = relation.redeemed(&attempt, brought, back).await?;
        let granted = self.enter(&attempt.identity_provider, &attempt.protocol, assertion, None).await?;
        Ok((attempt.origin, granted))
    }

    /// Logs in whom the provider says this of.
    async fn enter(
        &self,
        provider_id: &str,
        protocol_id: &str,
        assertion: Assertion,
        receipt: Option<String>,
    ) -> Result<Granted, Fault> {
        let settings = &self.settings;
        let lives = Lives {
            token: settings.token_life,
            membership: settings.federation.authorization_ttl,
            mint: self.mint(),
        };
        let (provider_id, protocol_id) = (provider_id.to_owned(), protocol_id.to_owned());
        // A mapping may have many patterns, and a provider much to say: all others who write need not wait for that.
        let said = Arc::new(assertion);
        let assertion = said.clone();
        let judged = self.db.read(move |tx| judge(tx, &provider_id, &protocol_id, &said)).await?;
        self.db.write(move |tx| log_in(tx, &judged, &assertion, receipt.as_deref(), lives)).await
    }

    /// The ids of users for whom somebody vouches: by provider, protocol, and what they are called there; each or all of them.
    pub async fn users_vouched_for(&self, by: [Option<&str>; 3]) -> Result<BTreeSet<String>, Fault> {
        let by = by.map(|said| said.unwrap_or_default().to_owned());
        self.db.read(move |tx| users_of_shadows(tx, &by)).await
    }

    /// By whom, and as what, a user is vouched for; null if by nobody.
    pub async fn user_federated(&self, id: &str) -> Result<Value, Fault> {
        let id = id.to_owned();
        let all = self.db.read(move |tx| shadows_of_user(tx, &id)).await?;
        let mut providers: Vec<Value> = Vec::new();
        for (provider, protocol, unique) in all {
            let protocol = json!({"protocol_id": protocol, "unique_id": unique});
            match providers.iter_mut().find(|one| one["idp_id"] == *provider) {
                Some(one) => {
                    one["protocols"].as_array_mut().into_iter().for_each(|all| all.push(protocol.clone()))
                }
                None => providers.push(json!({"idp_id": provider, "protocols": [protocol]})),
            }
        }
        Ok(if providers.is_empty() { Value::Null } else { json!(providers) })
    }
}

fn forbidden() -> Fault {
    Fault::forbidden("You are not authorized to perform the requested action.")
}

/// A protocol by which a provider may vouch for its users now.
fn open(tx: &Tx, provider_id: &str, protocol_id: &str) -> Result<(IdentityProvider, Protocol), Fault> {
    let provider = provider(tx, provider_id)?;
    if !provider.enabled {
        return Err(forbidden());
    }
    Ok((provider, protocol(tx, provider_id, protocol_id)?))
}

/// What a mapping makes of what a provider said.
struct Judged {
    provider: IdentityProvider,
    protocol: Protocol,
    mapping: Mapping,
    mapped: Mapped,
}

fn judge(tx: &Tx, provider_id: &str, protocol_id: &str, assertion: &Assertion) -> Result<Judged, Fault> {
    let (provider, protocol) = open(tx, provider_id, protocol_id)?;
    check_remote_id(&provider, &protocol, assertion)?;
    let mapping = mapping(tx, &protocol.mapping_id)?;
    let mapped = apply(&mapping, assertion).map_err(|why| unmapped(&mapping, why))?;
    Ok(Judged { provider, protocol, mapping, mapped })
}

/// Whether all that was looked at is as it was.
fn still_holds(tx: &Tx, judged: &Judged) -> Result<bool, Fault> {
    let (provider, protocol) = open(tx, &judged.provider.id, &judged.protocol.id)?;
    let mapping = mapping(tx, &protocol.mapping_id)?;
    Ok(provider == judged.provider && protocol == judged.protocol && mapping == judged.mapping)
}

fn log_in(
    tx: &Tx,
    judged: &Judged,
    assertion: &Assertion,
    receipt: Option<&str>,
    lives: Lives,
) -> Result<Granted, Fault> {
    let anew = match still_holds(tx, judged)? {
        true => None,
        false => Some(judge(tx, &judged.provider.id, &judged.protocol.id, assertion)?),
    };
    let Judged { provider, protocol, mapping, mapped } = anew.as_ref().unwrap_or(judged);
    let mut login = Login { tx, provider, protocol, mapping, lives, changed: false };
    let granted = login.enter(mapped, assertion, receipt)?;
    if login.changed {
        store::token::epoch_advance(tx)?;
    }
    Ok(granted)
}

/// The provider that speaks is one that this identity provider stands for.
fn check_remote_id(
    provider: &IdentityProvider,
    protocol: &Protocol,
    assertion: &Assertion,
) -> Result<(), Fault> {
    if provider.remote_ids.is_empty() {
        return Ok(());
    }
    let name = protocol.remote_id_attribute.as_deref().filter(|name| !name.is_empty()).unwrap_or(ISSUER);
    let said = assertion.get(name);
    let said = said.ok_or_else(|| unauthenticated().because(format!("the provider does not say {name}")))?;
    if provider.remote_ids.contains(said) { Ok(()) } else { Err(forbidden()) }
}

/// What the caller is told of a mapping that does not fit, and what the log is. Whom no rule knows has failed to log in.
fn unmapped(mapping: &Mapping, why: Unmapped) -> Fault {
    let id = &mapping.id;
    match why {
        Unmapped::Nothing => unauthenticated().because(format!("no rule of the mapping {id} fits")),
        Unmapped::Invalid(why) => unauthenticated().because(format!("the mapping {id}: {why}")),
        Unmapped::Direct => Fault::bug(format!("the mapping {id} fills in more than its conditions match")),
        Unmapped::Broken(why) => Fault::bug(format!("the mapping {id} cannot be applied: {why}")),
    }
}

/// One login.
struct Login<'a> {
    tx: &'a Tx,
    provider: &'a IdentityProvider,
    protocol: &'a Protocol,
    mapping: &'a Mapping,
    lives: Lives,
    /// Something is other than before that tokens may stand for.
    changed: bool,
}

impl Login<'_> {
    fn enter(
        &mut self,
        mapped: &Mapped,
        assertion: &Assertion,
        receipt: Option<&str>,
    ) -> Result<Granted, Fault> {
        let groups = self.groups(mapped)?;
        let (user, vouched) = if mapped.user["type"] == "local" {
            (self.local(&mapped.user)?, None)
        } else {
            let user = self.shadow(&mapped.user, assertion)?;
            self.projects(&user, &mapped.projects)?;
            self.join(&user, &groups)?;
            let federation = Federation {
                group_ids: groups.into_iter().take(MOST_GROUPS).collect(),
                provider_id: self.provider.id.clone(),
                protocol_id: self.protocol.id.clone(),
            };
            (user, Some(Delegation::Federation(federation)))
        };
        let mut proved = Proved::by(&user.id, &federated_method(&self.protocol.id));
        if let Some(begun) = part_proved(self.tx, &user, receipt, &mut proved)? {
            return Ok(Granted::Receipt(Box::new(begun)));
        }
        let scope = if vouched.is_some() { Scope::Unscoped } else { usual_scope(self.tx, &user)? };
        let issued = issue(self.tx, &proved, &user, scope, vouched, self.lives.mint)?;
        let (text, token) = issued.ok_or_else(unauthenticated)?;
        Ok(Granted::Token(text, Box::new(token)))
    }

    /// The groups that the mapping names: by id they must be there, by name they need not.
    fn groups(&self, mapped: &Mapped) -> Result<BTreeSet<String>, Fault> {
        let mut all = BTreeSet::new();
        for id in &mapped.group_ids {
            let id = id.as_str().unwrap_or_default();
            if store::group::group_by_id(self.tx, id)?.is_none() {
                let mapping = &self.mapping.id;
                let why = format!("Group {id} returned by mapping {mapping} was not found in the backend.");
                return Err(Fault::bug(why));
            }
            all.insert(id.to_owned());
        }
        let known = if mapped.group_names.is_empty() { Vec::new() } else { store::group::groups(self.tx)? };
        let known: BTreeMap<_, _> =
            known.iter().map(|one| ((one.domain_id.as_str(), one.name.as_str()), one)).collect();
        // There are many groups and few domains.
        let mut domains: BTreeMap<String, String> = BTreeMap::new();
        for group in &mapped.group_names {
            let said = group.get("domain");
            let shown = said.map(Value::to_string).unwrap_or_default();
            if !domains.contains_key(&shown) {
                domains.insert(shown.clone(), self.domain(said)?.id);
            }
            let place = (domains[&shown].as_str(), group["name"].as_str().unwrap_or_default());
            all.extend(known.get(&place).map(|found| found.id.clone()));
        }
        Ok(all)
    }

    /// A domain by id or name; the provider's if neither is said.
    fn domain(&self, said: Option<&Value>) -> Result<Project, Fault> {
        let text = |name: &str| said.and_then(|said| said[name].as_str()).map(str::to_owned);
        let named = match (text("id"), text("name")) {
            (Some(id), _) => Named::Id(id),
            (None, Some(name)) => Named::Domain(name),
            (None, None) => Named::Id(self.provider.domain_id.clone()),
        };
        let shown = match &named {
            Named::Id(name) | Named::Domain(name) | Named::In(name, _) => name.clone(),
        };
        find_domain(self.tx, &named)?.ok_or_else(|| missing("domain", &shown))
    }

    /// One of our own users.
    fn local(&self, said: &Map<String, Value>) -> Result<User, Fault> {
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        let found = match (text("id"), text("name")) {
            (Some(id), _) => store::user::user_by_id(self.tx, id)?,
            (None, Some(name)) => {
                let domain = said.get("domain").ok_or_else(|| expected("domain", "user"))?;
                match self.domain(Some(domain)) {
                    Ok(domain) => store::user::user_by_name(self.tx, &domain.id, name)?,
                    Err(fault) if fault.kind == Kind::NotFound => None,
                    Err(fault) => return Err(fault),
                }
            }
            (None, None) => None,
        };
        found.filter(|user| user.enabled).ok_or_else(unauthenticated)
    }

    /// The user here who stands for one of the provider's; made at the first login.
    fn shadow(&mut self, said: &Map<String, Value>, assertion: &Assertion) -> Result<User, Fault> {
        let text = |name: &str| said.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let remote = assertion.get("REMOTE_USER").map(String::as_str).filter(|name| !name.is_empty());
        let name = text("name").or(remote).or(text("id")).ok_or_else(unauthenticated)?.to_owned();
        let unique = quoted(text("id").unwrap_or(&name));
        let (provider_id, protocol_id) = (self.provider.id.clone(), self.protocol.id.clone());
        let email = text("email").map(str::to_owned);
        for said in [Some(&name), Some(&unique), email.as_ref()].into_iter().flatten() {
            check_kept(said)?;
        }
        let known = user_of_shadow(self.tx, &provider_id, &protocol_id, &unique)?;
        let known = known.map(|id| store::user::user_by_id(self.tx, &id)).transpose()?.flatten();
        if let Some(mut user) = known {
            let same_email =
                email.as_ref().is_none_or(|email| user.extra.get("email") == Some(&json!(email)));
            let renamed = user.name != name && is_nameless(self.tx, &user.id)?;
            if renamed || !same_email {
                if renamed {
                    user.name = name;
                }
                user.extra.extend(email.map(|email| ("email".to_owned(), json!(email))));
                store::user::user_update(self.tx, &user)?;
                self.changed = true;
            }
            return Ok(user);
        }
        let domain = self.domain(said.get("domain"))?;
        let id = public_id(&domain.id, &unique);
        let mut user = User { id, domain_id: domain.id, enabled: true, ..User::default() };
        user.name.clone_from(&user.id);
        user.extra.extend(email.map(|email| ("email".to_owned(), json!(email))));
        if store::user::user_by_id(self.tx, &user.id)?.is_some() || !store::user::user_insert(self.tx, &user)?
        {
            return Err(duplicate("federated_user"));
        }
        shadow_put(self.tx, &provider_id, &protocol_id, &unique, &user.id, &name)?;
        user.name = name;
        self.changed = true;
        Ok(user)
    }

    /// The memberships that the mapping gives, and no other of this provider.
    fn join(&mut self, user: &User, groups: &BTreeSet<String>) -> Result<(), Fault> {
        let minutes = self.provider.authorization_ttl.and_then(|minutes| u64::try_from(minutes).ok());
        let life =
            minutes.map_or(self.lives.membership, |minutes| Duration::from_secs(minutes.saturating_mul(60)));
        // Without one of its own, a membership holds as long as what is given out with it.
        let life = if life.is_zero() { self.lives.token } else { life };
        let now = self.tx.now();
        let before = memberships_of_user(self.tx, &user.id, Some(&self.provider.id))?;
        let held: BTreeMap<String, Micros> = before.into_iter().filter(|(_, end)| now < *end).collect();
        let end = now.plus(life);
        memberships_put(self.tx, &user.id, &self.provider.id, groups, end)?;
        self.changed |= !held.keys().eq(groups) || held.values().any(|before| end < *before);
        Ok(())
    }

    /// Projects that the mapping gives with roles; such as are not there are made.
    fn projects(&mut self, user: &User, said: &[Value]) -> Result<(), Fault> {
        if said.is_empty() && self.mapping.schema_version != SYNCED {
            return Ok(());
        }
        if said.len() > MOST_PROJECTS {
            return Err(Fault::bad_input(format!(
                "The mapping gives more than {MOST_PROJECTS} projects to one user."
            )));
        }
        let roles = store::role::roles(self.tx)?;
        let mut wanted = BTreeSet::new();
        for project in said {
            let named = project["roles"].as_array().into_iter().flatten();
            let own =
                named.map(|role| self.role(&roles, &role["name"], user)).collect::<Result<Vec<_>, _>>()?;
            let domain = self.domain(project.get("domain"))?;
            let name = project["name"].as_str().unwrap_or_default();
            let (id, made) = project_of_mapping(self.tx, &domain, name)?;
            self.changed |= made;
            wanted.extend(own.into_iter().map(|role| (id.clone(), role)));
        }
        let held = store::assignment::assignments_of_user(self.tx, &user.id)?.into_iter().filter(|one| {
            one.actor_kind == ActorKind::User && one.target_kind == TargetKind::Project && !one.inherited
        });
        let held: BTreeSet<_> = held.map(|one| (one.target_id, one.role_id)).collect();
        for (project, role) in wanted.difference(&held) {
            store::assignment::assignment_add(self.tx, &assignment(user, project, role))?;
            self.changed = true;
        }
        if self.mapping.schema_version == SYNCED {
            for (project, role) in held.difference(&wanted) {
                store::assignment::assignment_remove(self.tx, &assignment(user, project, role))?;
                self.changed = true;
            }
        }
        Ok(())
    }

    /// A role by its name: one of the cloud, or of the user's domain.
    fn role(&self, roles: &[Role], name: &Value, user: &User) -> Result<String, Fault> {
        let named: Vec<&Role> = roles.iter().filter(|role| *name == *role.name).collect();
        let good = |role: &&&Role| role.domain_id.is_empty() || role.domain_id == user.domain_id;
        let shown = name.as_str().unwrap_or_default();
        match (named.iter().find(good), named.is_empty()) {
            (Some(role), _) => Ok(role.id.clone()),
            (None, true) => Err(missing("role", shown)),
            (None, false) => Err(Fault::forbidden(format!(
                "role: {shown} must be within the same domain as the identity provider: {}.",
                self.provider.id
            ))),
        }
    }
}

/// What a provider calls somebody can be kept.
fn check_kept(text: &str) -> Result<(), Fault> {
    if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        return Err(Fault::bad_input(format!(
            "The id, the name and the address of a federated user have at most {LONGEST} characters, all of them visible."
        )));
    }
    Ok(())
}

fn assignment(user: &User, project_id: &str, role_id: &str) -> Assignment {
    Assignment {
        actor_kind: ActorKind::User,
        actor_id: user.id.clone(),
        target_kind: TargetKind::Project,
        target_id: project_id.to_owned(),
        role_id: role_id.to_owned(),
        inherited: false,
    }
}

/// The id of a shadow, as Keystone makes it: the same each time, and the same there.
fn public_id(domain_id: &str, unique: &str) -> String {
    use sha2::Digest;
    let mut digest = sha2::Sha256::new();
    for part in [domain_id, "user", unique] {
        digest.update(part.as_bytes());
    }
    base16ct::lower::encode_string(&digest.finalize())
}

/// As Python's `quote` writes it: slashes stay.
fn quoted(text: &str) -> String {
    web::ask::encoded(text).replace("%2F", "/")
}
