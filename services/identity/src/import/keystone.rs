//! The rows of a Keystone database, read as what we keep.

use super::endpoint_group::EndpointGroups;
use super::federation::Federation;
use super::limit::Limits;
use super::oauth1::Oauth1;
use super::policy_document::PolicyDocuments;
use super::{Revocation, Wishes};
use crate::model::access_rule::AccessRule;
use crate::model::application_credential::ApplicationCredential;
use crate::model::assignment::{ActorKind, Assignment, TargetKind};
use crate::model::catalog::{Endpoint, Region, Service};
use crate::model::credential::Credential;
use crate::model::domain_config::{Options, Part};
use crate::model::fernet::{self, Key};
use crate::model::password;
use crate::model::project::Project;
use crate::model::role::Role;
use crate::model::trust::Trust;
use crate::model::user::{Group, Login, User};
use crate::store::directory::Mapping;
use ::store::foreign::{Record, Tables};
use fault::Fault;
use kernel::Micros;
use policy::Access;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The tables that are read, or whose rows are counted among what is left behind.
pub const TABLES: &[&str] = &[
    "project",
    "project_tag",
    "project_option",
    "user",
    "local_user",
    "nonlocal_user",
    "password",
    "user_option",
    "group",
    "user_group_membership",
    "role",
    "role_option",
    "implied_role",
    "assignment",
    "system_assignment",
    "application_credential",
    "application_credential_role",
    "application_credential_access_rule",
    "access_rule",
    "trust",
    "trust_role",
    "credential",
    "region",
    "service",
    "endpoint",
    "revocation_event",
    "federated_user",
    "id_mapping",
    "identity_provider",
    "idp_remote_ids",
    "federation_protocol",
    "mapping",
    "expiring_user_group_membership",
    "limit",
    "registered_limit",
    "policy",
    "endpoint_group",
    "project_endpoint",
    "project_endpoint_group",
    "consumer",
    "access_token",
    "service_provider",
    "policy_association",
    "whitelisted_config",
    "sensitive_config",
];

/// The domain of domains, and what a role of the whole cloud has for a domain.
const ROOT: &str = "<<keystone.domain.root>>";
const NO_DOMAIN: &str = "<<null>>";

/// The ids under which Keystone keeps options.
const OPTIONS: &[(&str, &str)] = &[
    ("1000", "ignore_change_password_upon_first_use"),
    ("1001", "ignore_password_expiry"),
    ("1002", "ignore_lockout_failure_attempts"),
    ("1003", "lock_password"),
    ("1004", "ignore_user_inactivity"),
    ("MFAR", "multi_factor_auth_rules"),
    ("MFAE", "multi_factor_auth_enabled"),
    ("IMMU", "immutable"),
];

/// What a Keystone has, as we keep it.
#[derive(Debug, Default)]
pub struct Estate {
    /// Domains first.
    pub(super) projects: Vec<Project>,
    pub(super) users: Vec<User>,
    /// Users who have no name of their own: an identity provider vouches for them.
    pub(super) nameless: HashSet<String>,
    /// The passwords that users had, oldest first.
    pub(super) past_passwords: HashMap<String, Vec<String>>,
    pub(super) groups: Vec<Group>,
    /// Users and groups of directories, and what they are called there.
    pub(super) mappings: Vec<Mapping>,
    /// Options of domains.
    pub(super) domain_options: BTreeMap<String, Options>,
    /// Users and their groups.
    pub(super) memberships: Vec<(String, String)>,
    pub(super) roles: Vec<Role>,
    pub(super) implications: Vec<(String, String)>,
    pub(super) assignments: Vec<Assignment>,
    pub(super) access_rules: Vec<AccessRule>,
    pub(super) application_credentials: Vec<ApplicationCredential>,
    pub(super) trusts: Vec<Trust>,
    pub(super) credentials: Vec<Credential>,
    pub(super) regions: Vec<Region>,
    pub(super) services: Vec<Service>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) endpoint_groups: EndpointGroups,
    pub(super) limits: Limits,
    pub(super) policies: PolicyDocuments,
    pub(super) federation: Federation,
    pub(super) oauth1: Oauth1,
    pub(super) revocations: Vec<Revocation>,
    /// What is left behind, and how much of it.
    pub(super) left: BTreeMap<&'static str, usize>,
}

impl Estate {
    /// Reads it. The error says which row of which table does not fit.
    pub fn read(tables: &Tables, wishes: &Wishes) -> Result<Self, Fault> {
        if !["project", "user", "local_user", "assignment"].iter().all(|table| tables.has(table)) {
            return Err(Fault::bad_input("This is no database of Keystone: it has not its tables."));
        }
        if tables.rows("project").is_empty() {
            return Err(Fault::bad_input(
                "The tables of Keystone are empty: was it dumped without its rows?",
            ));
        }
        let mut estate = Self {
            projects: projects(tables)?,
            groups: each(tables, "group", group)?,
            mappings: mappings(tables)?,
            memberships: pairs(tables, "user_group_membership", ["user_id", "group_id"])?,
            roles: roles(tables)?,
            implications: pairs(tables, "implied_role", ["prior_role_id", "implied_role_id"])?,
            access_rules: each(tables, "access_rule", access_rule)?,
            trusts: trusts(tables)?,
            regions: each(tables, "region", region)?,
            services: each(tables, "service", service)?,
            endpoints: each(tables, "endpoint", endpoint)?,
            endpoint_groups: EndpointGroups::read(tables)?,
            limits: Limits::read(tables)?,
            policies: PolicyDocuments::read(tables)?,
            federation: Federation::read(tables)?,
            oauth1: Oauth1::read(tables)?,
            revocations: revocations(tables)?,
            ..Self::default()
        };
        estate.check_trees()?;
        estate.read_domain_options(tables)?;
        estate.read_users(tables)?;
        estate.read_assignments(tables)?;
        estate.read_application_credentials(tables)?;
        estate.read_credentials(tables, &wishes.credential_keys)?;
        Ok(estate)
    }

    fn leave(&mut self, what: &'static str, count: usize) {
        *self.left.entry(what).or_default() += count;
    }

    /// Whoever looks upwards comes to an end.
    fn check_trees(&self) -> Result<(), Fault> {
        check_tree("project", self.projects.iter().map(|one| (&one.id, Some(&one.parent_id))))?;
        check_tree("region", self.regions.iter().map(|one| (&one.id, one.parent_region_id.as_ref())))?;
        check_tree("trust", self.trusts.iter().map(|one| (&one.id, one.parent_id.as_ref())))
    }

    fn read_domain_options(&mut self, tables: &Tables) -> Result<(), Fault> {
        for row in tables.rows("whitelisted_config").iter().chain(tables.rows("sensitive_config")) {
            let (group, name) = (row.text("group")?, row.text("option")?);
            if (Part { group: Some(group.clone()), name: Some(name.clone()) }).check().is_err() {
                self.leave("options of domains that are none here", 1);
                continue;
            }
            let own = self.domain_options.entry(row.text("domain_id")?).or_default();
            own.entry(group).or_insert_with(|| json!({}))[name] = row.json("value")?;
        }
        Ok(())
    }

    fn read_users(&mut self, tables: &Tables) -> Result<(), Fault> {
        let locals = by(tables, "local_user", "user_id")?;
        let elsewhere = by(tables, "nonlocal_user", "user_id")?;
        let passwords = by(tables, "password", "local_user_id")?;
        let options = options(tables, "user_option", "user_id")?;
        let vouched = self.federation.names();
        for row in tables.rows("user") {
            let id = row.text("id")?;
            let local = locals.get(&id).and_then(|rows| rows.first().copied());
            let named = local.or_else(|| elsewhere.get(&id)?.first().copied());
            let name = match (named, vouched.get(&id)) {
                (Some(named), _) => named.text("name")?,
                (None, Some(name)) => {
                    self.nameless.insert(id.clone());
                    name.clone()
                }
                (None, None) => {
                    self.leave("users without a name", 1);
                    continue;
                }
            };
            let mut own = match local {
                Some(local) => passwords.get(&local.text("id")?).cloned().unwrap_or_default(),
                None => Vec::new(),
            };
            let mut user = User {
                name,
                domain_id: row.text("domain_id")?,
                enabled: row.flag("enabled")?,
                default_project_id: row.opt_text("default_project_id")?,
                options: options.get(&id).cloned().unwrap_or_default(),
                extra: extra(row)?,
                id,
                ..User::default()
            };
            own.sort_by_key(|row| row.opt_int("created_at_int").unwrap_or_default());
            if let Some(newest) = own.pop() {
                self.set_password(&mut user, newest)?;
            }
            let past: Vec<_> =
                own.iter().map(|row| row.opt_text("password_hash")).collect::<Result<_, _>>()?;
            self.past_passwords.insert(user.id.clone(), past.into_iter().flatten().collect());
            self.users.push(user);
        }
        Ok(())
    }

    fn set_password(&mut self, user: &mut User, row: &Record) -> Result<(), Fault> {
        user.password_hash = row.opt_text("password_hash")?;
        user.password_expires_at = row.opt_at("expires_at_int")?;
        user.login = Login {
            password_made_at: row.opt_at("created_at_int")?,
            password_own: row.flag("self_service")?,
            ..Login::default()
        };
        if user.password_hash.as_deref().is_some_and(|hash| !password::is_known(hash)) {
            self.leave("passwords in a form that nobody can check any more", 1);
        }
        Ok(())
    }

    fn read_assignments(&mut self, tables: &Tables) -> Result<(), Fault> {
        for row in tables.rows("assignment").iter().chain(tables.rows("system_assignment")) {
            let (actor_kind, target_kind) = match row.text("type")?.as_str() {
                "UserProject" => (ActorKind::User, TargetKind::Project),
                "GroupProject" => (ActorKind::Group, TargetKind::Project),
                "UserDomain" => (ActorKind::User, TargetKind::Domain),
                "GroupDomain" => (ActorKind::Group, TargetKind::Domain),
                "UserSystem" => (ActorKind::User, TargetKind::System),
                "GroupSystem" => (ActorKind::Group, TargetKind::System),
                _ => {
                    self.leave("assignments of an unknown type", 1);
                    continue;
                }
            };
            let target_id = match target_kind {
                TargetKind::System => "all".to_owned(),
                TargetKind::Project | TargetKind::Domain => row.text("target_id")?,
            };
            self.assignments.push(Assignment {
                actor_kind,
                actor_id: row.text("actor_id")?,
                target_kind,
                target_id,
                role_id: row.text("role_id")?,
                inherited: row.flag("inherited")?,
            });
        }
        Ok(())
    }

    fn read_application_credentials(&mut self, tables: &Tables) -> Result<(), Fault> {
        let roles = by(tables, "application_credential_role", "application_credential_id")?;
        let rules = by(tables, "application_credential_access_rule", "application_credential_id")?;
        let external =
            tables.rows("access_rule").iter().map(|row| Ok((row.text("id")?, row.text("external_id")?)));
        let external: HashMap<String, String> = external.collect::<Result<_, Fault>>()?;
        for row in tables.rows("application_credential") {
            let number = row.text("internal_id")?;
            let Some(project_id) = row.opt_text("project_id")? else {
                self.leave("application credentials for the system", 1);
                continue;
            };
            let of = |found: &HashMap<String, Vec<&Record>>, column: &str| -> Result<Vec<String>, Fault> {
                found.get(&number).into_iter().flatten().map(|row| row.text(column)).collect()
            };
            let wanted: Vec<_> = of(&rules, "access_rule_id")?;
            let wanted: Vec<_> = wanted.iter().filter_map(|id| external.get(id)).collect();
            self.application_credentials.push(ApplicationCredential {
                id: row.text("id")?,
                user_id: row.text("user_id")?,
                project_id,
                name: row.text("name")?,
                description: row.opt_text("description")?,
                secret_hash: row.text("secret_hash")?,
                expires_at: row.opt_at("expires_at")?,
                unrestricted: row.opt_text("unrestricted")?.map(|_| row.flag("unrestricted")).transpose()?,
                roles: of(&roles, "role_id")?,
                access_rules: self
                    .access_rules
                    .iter()
                    .filter(|one| wanted.contains(&&one.id))
                    .cloned()
                    .collect(),
            });
        }
        Ok(())
    }

    /// Secrets of credentials are sealed with keys of their own; without these they stay behind.
    fn read_credentials(&mut self, tables: &Tables, keys: &[[u8; 32]]) -> Result<(), Fault> {
        let keys: Vec<Key> = keys.iter().copied().map(Key::new).collect();
        for row in tables.rows("credential") {
            let opened = fernet::open(&keys, &row.text("encrypted_blob")?);
            let blob = opened.and_then(|(bytes, _)| String::from_utf8(bytes).ok());
            // Secrets of EC2 keys are sealed twice written: a text with JSON, as JSON.
            let blob = blob.map(|text| serde_json::from_str::<String>(&text).unwrap_or(text));
            let Some(blob) = blob else {
                self.leave("credentials that none of the given keys opens", 1);
                continue;
            };
            self.credentials.push(Credential {
                id: row.text("id")?,
                user_id: row.text("user_id")?,
                project_id: row.opt_text("project_id")?,
                kind: row.text("type")?,
                blob: blob.into(),
                extra: extra(row)?,
            });
        }
        Ok(())
    }
}

pub(super) fn each<T>(
    tables: &Tables,
    table: &str,
    read: fn(&Record) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    tables.rows(table).iter().map(read).collect()
}

pub(super) fn pairs(
    tables: &Tables,
    table: &str,
    columns: [&str; 2],
) -> Result<Vec<(String, String)>, Fault> {
    let rows = tables.rows(table).iter();
    rows.map(|row| Ok((row.text(columns[0])?, row.text(columns[1])?))).collect()
}

/// The rows of a table by one of their columns.
fn by<'a>(tables: &'a Tables, table: &str, column: &str) -> Result<HashMap<String, Vec<&'a Record>>, Fault> {
    let mut found: HashMap<String, Vec<&Record>> = HashMap::new();
    for row in tables.rows(table) {
        found.entry(row.text(column)?).or_default().push(row);
    }
    Ok(found)
}

/// Resource options by what they belong to. Those that nobody knows say nothing.
fn options(tables: &Tables, table: &str, column: &str) -> Result<HashMap<String, Map<String, Value>>, Fault> {
    let mut found: HashMap<String, Map<String, Value>> = HashMap::new();
    for row in tables.rows(table) {
        let id = row.text("option_id")?;
        if let Some((_, name)) = OPTIONS.iter().find(|(known, _)| *known == id) {
            found.entry(row.text(column)?).or_default().insert((*name).to_owned(), row.json("option_value")?);
        }
    }
    Ok(found)
}

/// Attributes of the caller's own.
pub(super) fn extra(row: &Record) -> Result<Map<String, Value>, Fault> {
    match row.json("extra")? {
        Value::Object(extra) => Ok(extra),
        _ => Ok(Map::new()),
    }
}

fn projects(tables: &Tables) -> Result<Vec<Project>, Fault> {
    let mut options = options(tables, "project_option", "project_id")?;
    let tags = by(tables, "project_tag", "project_id")?;
    let mut projects = Vec::new();
    for row in tables.rows("project") {
        let (id, is_domain) = (row.text("id")?, row.flag("is_domain")?);
        if id == ROOT {
            continue;
        }
        let domain_id = if is_domain { String::new() } else { row.text("domain_id")? };
        let parent_id = if is_domain { None } else { row.opt_text("parent_id")? };
        let own = tags.get(&id).into_iter().flatten().map(|row| row.text("name"));
        let mut own: Vec<String> = own.collect::<Result<_, _>>()?;
        own.sort();
        projects.push(Project {
            name: row.text("name")?,
            parent_id: parent_id.unwrap_or_else(|| domain_id.clone()),
            domain_id,
            is_domain,
            enabled: row.flag("enabled")?,
            description: row.opt_text("description")?,
            tags: own,
            options: options.remove(&id).unwrap_or_default(),
            extra: extra(row)?,
            id,
        });
    }
    projects.sort_by(|one, other| (!one.is_domain, &one.id).cmp(&(!other.is_domain, &other.id)));
    Ok(projects)
}

fn roles(tables: &Tables) -> Result<Vec<Role>, Fault> {
    let mut options = options(tables, "role_option", "role_id")?;
    let role = |row: &Record| {
        let id = row.text("id")?;
        Ok(Role {
            name: row.text("name")?,
            domain_id: row.opt_text("domain_id")?.filter(|domain| domain != NO_DOMAIN).unwrap_or_default(),
            description: row.opt_text("description")?,
            options: options.remove(&id).unwrap_or_default(),
            extra: extra(row)?,
            id,
        })
    };
    tables.rows("role").iter().map(role).collect()
}

fn group(row: &Record) -> Result<Group, Fault> {
    Ok(Group {
        id: row.text("id")?,
        name: row.text("name")?,
        domain_id: row.text("domain_id")?,
        description: row.opt_text("description")?,
        extra: extra(row)?,
    })
}

/// What is of a directory. Keystone maps its own users, too, where it has several databases; these have their own ids.
fn mappings(tables: &Tables) -> Result<Vec<Mapping>, Fault> {
    let read = |row: &Record| {
        Ok(Mapping {
            public_id: row.text("public_id")?,
            domain_id: row.text("domain_id")?,
            local_id: row.text("local_id")?,
            kind: row.text("entity_type")?,
        })
    };
    let all: Vec<Mapping> = tables.rows("id_mapping").iter().map(read).collect::<Result<_, Fault>>()?;
    Ok(all.into_iter().filter(|one| one.public_id != one.local_id).collect())
}

fn access_rule(row: &Record) -> Result<AccessRule, Fault> {
    let text = |name| row.opt_text(name).map(Option::unwrap_or_default);
    let access = Access { service: text("service")?, method: text("method")?, path: text("path")? };
    Ok(AccessRule { id: row.text("external_id")?, user_id: row.text("user_id")?, access })
}

fn trusts(tables: &Tables) -> Result<Vec<Trust>, Fault> {
    let roles = by(tables, "trust_role", "trust_id")?;
    let mut trusts = Vec::new();
    for row in tables.rows("trust") {
        if row.opt_text("deleted_at")?.is_some() {
            continue;
        }
        let id = row.text("id")?;
        let own = roles.get(&id).into_iter().flatten().map(|row| row.text("role_id"));
        trusts.push(Trust {
            trustor_id: row.text("trustor_user_id")?,
            trustee_id: row.text("trustee_user_id")?,
            project_id: row.opt_text("project_id")?,
            impersonation: row.flag("impersonation")?,
            roles: own.collect::<Result<_, _>>()?,
            expires_at: row.opt_at("expires_at_int")?,
            remaining_uses: row.opt_int("remaining_uses")?,
            parent_id: row.opt_text("redelegated_trust_id")?,
            depth: row.opt_int("redelegation_count")?.unwrap_or_default(),
            extra: extra(row)?,
            id,
        });
    }
    Ok(trusts)
}

fn region(row: &Record) -> Result<Region, Fault> {
    Ok(Region {
        id: row.text("id")?,
        parent_region_id: row.opt_text("parent_region_id")?,
        description: row.text("description")?,
        extra: extra(row)?,
    })
}

fn service(row: &Record) -> Result<Service, Fault> {
    let mut extra = extra(row)?;
    let name = extra.remove("name").and_then(|name| name.as_str().map(str::to_owned));
    let kind = row.opt_text("type")?.unwrap_or_default();
    Ok(Service { id: row.text("id")?, kind, name, enabled: row.flag("enabled")?, extra })
}

fn endpoint(row: &Record) -> Result<Endpoint, Fault> {
    Ok(Endpoint {
        id: row.text("id")?,
        service_id: row.text("service_id")?,
        interface: row.text("interface")?,
        region_id: row.opt_text("region_id")?,
        url: row.text("url")?,
        enabled: row.flag("enabled")?,
        extra: extra(row)?,
    })
}

/// Whether nothing is above itself, of things and what is right above them.
fn check_tree<'a>(
    noun: &str,
    pairs: impl Iterator<Item = (&'a String, Option<&'a String>)>,
) -> Result<(), Fault> {
    let above: HashMap<&String, &String> = pairs.filter_map(|(id, above)| Some((id, above?))).collect();
    let mut good = HashSet::new();
    for start in above.keys() {
        let (mut path, mut next) = (HashSet::new(), *start);
        while let Some(parent) = above.get(next).filter(|_| !good.contains(next)) {
            if !path.insert(next) {
                return Err(Fault::bad_input(format!("The {noun} {next:?} is above itself.")));
            }
            next = *parent;
        }
        good.extend(path);
    }
    Ok(())
}

/// What was revoked there stays revoked. Events about projects, domains and roles say what is looked up here each time.
fn revocations(tables: &Tables) -> Result<Vec<Revocation>, Fault> {
    let mut found = Vec::new();
    for row in tables.rows("revocation_event") {
        let Some(before) = row.opt_at("issued_before")? else { continue };
        let (own, first) = (row.opt_text("audit_id")?, row.opt_text("audit_chain_id")?);
        let chain = own.is_none();
        if let Some(audit_id) = own.or(first) {
            /// How long it is remembered that a token was revoked, if the event does not say when the token ends.
            const LONGEST: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 60 * 60);
            let end = row.opt_at("expires_at")?.unwrap_or_else(|| before.plus(LONGEST));
            found.push(Revocation::Token { audit_id, chain, end });
        } else if let Some(user_id) = row.opt_text("user_id")?
            && ["project_id", "domain_id", "role_id", "trust_id", "consumer_id", "access_token_id"]
                .iter()
                .all(|name| matches!(row.opt_text(name), Ok(None)))
        {
            found.push(Revocation::User(user_id, before));
        }
    }
    Ok(found)
}

/// The first moment at which a token is not revoked that no later one is.
pub(super) fn after(before: Micros) -> Micros {
    before.whole_seconds().plus(std::time::Duration::from_secs(1))
}
