//! What a token stands for at this moment: its owner, its target and the roles, read anew each time.

use super::oauth1::access_in_force;
use super::trust::{Trusted, trust_in_force};
use crate::model::application_credential::ApplicationCredential;
use crate::model::assignment::{self, TargetKind};
use crate::model::ec2;
use crate::model::oauth1::AccessToken;
use crate::model::project::Project;
use crate::model::role::{Role, with_implied};
use crate::model::service_provider::ServiceProvider;
use crate::model::token::{Delegation, Federation, Payload, Scope};
use crate::model::user::User;
use crate::store;
use ::store::Tx;
use fault::Fault;
use kernel::Micros;
use policy::{Access, Who};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A valid token: what it says and what that stands for now.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it says.
    pub payload: Payload,
    /// When it was given out.
    pub issued_at: Micros,
    /// Who proved to be somebody.
    pub user: User,
    /// The user's domain.
    pub user_domain: Project,
    /// The project or domain that it is for, and that project's domain.
    pub target: Option<(Project, Option<Project>)>,
    /// The roles that it carries.
    pub roles: Vec<Role>,
    /// What else it was had of.
    pub delegated: Option<Delegated>,
    /// When the first of its user's memberships ends that end, and roles with it.
    pub joined_until: Option<Micros>,
    /// Other clouds that take users of this one.
    pub service_providers: Vec<ServiceProvider>,
}

/// What a token was had of besides its owner's proof, in force.
#[derive(Clone, Debug)]
pub enum Delegated {
    /// An application credential.
    Credential(Box<ApplicationCredential>),
    /// A trust.
    Trust(Box<Trusted>),
    /// An access token of OAuth 1.0.
    Access(Box<AccessToken>),
}

/// What a payload stands for now; `None` if the user, the target or every role on it is gone or disabled.
pub(super) fn expand(tx: &Tx, payload: Payload, issued_at: Micros) -> Result<Option<Token>, Fault> {
    let Some((user, user_domain)) = owner(tx, &payload.user_id)? else { return Ok(None) };
    let Some(target) = target(tx, &payload.scope)? else { return Ok(None) };
    let Some((roles, delegated)) = lot(tx, &payload)? else { return Ok(None) };
    if roles.is_empty() && payload.scope != Scope::Unscoped {
        return Ok(None);
    }
    let service_providers = store::service_provider::service_providers_enabled(tx)?;
    let joined_until = store::shadow::groups_joined(tx, &user.id)?.into_iter().map(|(_, end)| end).min();
    Ok(Some(Token {
        payload,
        issued_at,
        user,
        user_domain,
        target,
        roles,
        delegated,
        joined_until,
        service_providers,
    }))
}

/// A user and its domain, unless one of them is gone or disabled.
pub(super) fn owner(tx: &Tx, user_id: &str) -> Result<Option<(User, Project)>, Fault> {
    let found = store::user::user_by_id(tx, user_id)?.filter(|user| user.enabled);
    let Some(user) = found else { return Ok(None) };
    let domain = store::project::project_by_id(tx, &user.domain_id)?.filter(|domain| domain.enabled);
    Ok(domain.map(|domain| (user, domain)))
}

/// The enabled project or domain that a scope names, and its domain; the outer `None` if there is none such.
type Target = Option<(Project, Option<Project>)>;

fn target(tx: &Tx, scope: &Scope) -> Result<Option<Target>, Fault> {
    let (Scope::Project(id) | Scope::Domain(id)) = scope else { return Ok(Some(None)) };
    let found = store::project::project_by_id(tx, id)?.filter(|project| project.enabled);
    let Some(project) = found else { return Ok(None) };
    let domain = store::project::project_by_id(tx, &project.domain_id)?;
    let enabled = domain.as_ref().is_none_or(|domain| domain.enabled);
    Ok(enabled.then_some(Some((project, domain))))
}

/// Roles, and what they were had of.
type Lot = (Vec<Role>, Option<Delegated>);

/// What a payload carries; `None` if what it was had of is not in force any more.
fn lot(tx: &Tx, payload: &Payload) -> Result<Option<Lot>, Fault> {
    match &payload.delegation {
        Some(Delegation::Federation(federation)) if !vouches(tx, federation)? => Ok(None),
        None | Some(Delegation::Federation(_)) => {
            Ok(Some((roles_on(tx, &payload.user_id, &payload.scope)?, None)))
        }
        Some(Delegation::Credential(id)) => {
            let Some(credential) = credential_in_force(tx, id, payload)? else { return Ok(None) };
            let mut roles = roles_on(tx, &payload.user_id, &payload.scope)?;
            roles.retain(|role| credential.roles.contains(&role.id));
            Ok(Some((roles, Some(Delegated::Credential(Box::new(credential))))))
        }
        Some(Delegation::Trust(id)) => {
            let found = trust_in_force(tx, id, payload)?;
            Ok(found.map(|(trusted, roles)| (roles, Some(Delegated::Trust(Box::new(trusted))))))
        }
        Some(Delegation::Access(id)) => {
            let found = access_in_force(tx, id, payload)?;
            Ok(found.map(|(access, roles)| (roles, Some(Delegated::Access(Box::new(access))))))
        }
    }
}

/// Whether the provider that vouched for somebody still may.
fn vouches(tx: &Tx, federation: &Federation) -> Result<bool, Fault> {
    let found = store::identity_provider::provider_by_id(tx, &federation.provider_id)?;
    Ok(found.is_some_and(|provider| provider.enabled))
}

/// The application credential of a token, unless it is gone, has ended or is not this user's for this project.
fn credential_in_force(tx: &Tx, id: &str, payload: &Payload) -> Result<Option<ApplicationCredential>, Fault> {
    let found = store::application_credential::application_credential_by_id(tx, id)?;
    // Whoever may ask about a token that has ended asks of its last moment.
    let at = tx.now().min(Micros(payload.expires_at.0 - 1));
    Ok(found.filter(|one| {
        let scope = Scope::Project(one.project_id.clone());
        one.user_id == payload.user_id && scope == payload.scope && !one.ended(at)
    }))
}

/// The effective roles of a user on something.
pub(super) fn roles_on(tx: &Tx, user_id: &str, scope: &Scope) -> Result<Vec<Role>, Fault> {
    roles_named(tx, role_ids_on(tx, user_id, scope)?)
}

/// The ids of the effective roles of a user on something: implied ones and those of domains included.
pub(super) fn role_ids_on(tx: &Tx, user_id: &str, scope: &Scope) -> Result<BTreeSet<String>, Fault> {
    let own = store::assignment::assignments_of_user(tx, user_id)?;
    let direct = match scope {
        Scope::Unscoped => return Ok(BTreeSet::new()),
        Scope::System => assignment::on_target(&own, TargetKind::System, "all"),
        Scope::Domain(id) => assignment::on_target(&own, TargetKind::Domain, id),
        Scope::Project(id) => {
            let Some(project) = store::project::project_by_id(tx, id)? else { return Ok(BTreeSet::new()) };
            let above = store::project::project_ancestors(tx, &project)?;
            let above: Vec<String> = above.into_iter().map(|project| project.id).collect();
            assignment::on_project(&own, &project, &above)
        }
    };
    Ok(with_implied(direct, &store::role::implications(tx)?))
}

/// The roles of these ids, as tokens carry them: roles of a domain only stand for what they imply.
pub(super) fn roles_named(tx: &Tx, ids: BTreeSet<String>) -> Result<Vec<Role>, Fault> {
    let mut roles = Vec::new();
    for id in ids {
        roles.extend(store::role::role_by_id(tx, &id)?.filter(|role| role.domain_id.is_empty()));
    }
    Ok(roles)
}

impl Token {
    /// It says no later end than that of what it was had of.
    pub(super) fn end_with_what_was_lent(&mut self) {
        let end = self.lent_until().unwrap_or(self.payload.expires_at);
        self.payload.expires_at = end.min(self.payload.expires_at);
    }

    fn lent_until(&self) -> Option<Micros> {
        match &self.delegated {
            None | Some(Delegated::Access(_)) => None,
            Some(Delegated::Credential(credential)) => credential.expires_at,
            Some(Delegated::Trust(trusted)) => trusted.trust.expires_at,
        }
    }

    /// When it ends: with its own time, or earlier with what it was had of or with whom it stands for.
    fn ends_at(&self) -> Micros {
        let trustor = self.trusted().and_then(|trusted| trusted.trustor.login.active_until);
        let earlier = [self.lent_until(), trustor, self.user.login.active_until, self.joined_until];
        earlier.into_iter().flatten().fold(self.payload.expires_at, Ord::min)
    }

    /// Whose id stands in addresses of its catalog: the trustor's, whoever acts.
    pub fn catalog_user(&self) -> &str {
        &self.trusted().map_or(&self.user, |trusted| &trusted.trustor).id
    }

    /// Whether it was had by signing with EC2 keys: it is good for other services, and for nothing here.
    pub(super) fn by_ec2(&self) -> bool {
        self.payload.methods.iter().any(|method| method == ec2::METHOD)
    }

    /// The trust that it was had of.
    pub(super) fn trusted(&self) -> Option<&Trusted> {
        match &self.delegated {
            Some(Delegated::Trust(trusted)) => Some(trusted),
            _ => None,
        }
    }

    /// The only requests that it is good for, and that it can be asked about, which services do for their own callers.
    pub fn access(&self) -> Option<Vec<Access>> {
        let Some(Delegated::Credential(credential)) = &self.delegated else { return None };
        let own = credential.access_rules.iter().map(|rule| rule.access.clone());
        let word = str::to_owned;
        let asked =
            Access { service: word("identity"), method: word("GET"), path: word("**/v3/auth/tokens") };
        (!credential.access_rules.is_empty()).then(|| own.chain([asked]).collect())
    }

    /// As whom its owner acts: as the trustor if the trust says so.
    fn acting(&self) -> (&User, &Project) {
        match self.trusted().filter(|trusted| trusted.trust.impersonation) {
            Some(trusted) => (&trusted.trustor, &trusted.trustor_domain),
            None => (&self.user, &self.user_domain),
        }
    }

    /// Whether it was given out before its owner, or whoever stands behind it, got rid of all tokens.
    pub(super) fn outdated(&self) -> bool {
        let trustor = self.trusted().map(|trusted| trusted.trustor.valid_since);
        self.issued_at < self.user.valid_since || trustor.is_some_and(|since| self.issued_at < since)
    }

    /// Who its owner is, as the rules of all services see it.
    pub fn who(&self) -> Who {
        let (project, domain) = match (&self.payload.scope, &self.target) {
            (Scope::Project(_), Some((project, domain))) => (Some((project, domain.as_ref())), None),
            (Scope::Domain(_), Some((domain, _))) => (None, Some(domain)),
            _ => (None, None),
        };
        let (user, user_domain) = self.acting();
        Who {
            user_id: user.id.clone(),
            user_name: user.name.clone(),
            user_domain_id: user_domain.id.clone(),
            user_domain_name: user_domain.name.clone(),
            project_id: project.map(|(project, _)| project.id.clone()),
            project_name: project.map(|(project, _)| project.name.clone()),
            project_domain_id: project.and_then(|(_, domain)| domain).map(|domain| domain.id.clone()),
            project_domain_name: project.and_then(|(_, domain)| domain).map(|domain| domain.name.clone()),
            domain_id: domain.map(|domain| domain.id.clone()),
            domain_name: domain.map(|domain| domain.name.clone()),
            system: self.payload.scope == Scope::System,
            roles: self.roles.iter().map(|role| role.name.clone()).collect(),
            methods: self.payload.methods.clone(),
            access: self.access(),
            expires_at: self.ends_at().0,
            cloud: false,
            // Each service says for itself.
            admin: false,
            overseer: false,
        }
    }

    /// As the API writes it below `token`, without catalog.
    pub fn body(&self) -> Value {
        let (user, domain) = self.acting();
        let mut body = json!({
            "methods": self.payload.methods,
            "user": {
                "domain": named(domain), "id": user.id, "name": user.name,
                "password_expires_at": user.password_expires_at.map(Micros::micros_naked),
            },
            "audit_ids": self.payload.audit_ids,
            "expires_at": self.payload.expires_at.micros_z(),
            "issued_at": self.issued_at.micros_z(),
        });
        match (&self.payload.scope, &self.target) {
            (Scope::Project(_), Some((project, domain))) => {
                body["project"] = named(project);
                body["project"]["domain"] = domain.as_ref().map_or(Value::Null, named);
                body["is_domain"] = json!(project.is_domain);
            }
            (Scope::Domain(_), Some((domain, _))) => body["domain"] = named(domain),
            (Scope::System, _) => body["system"] = json!({"all": true}),
            (Scope::Unscoped | Scope::Project(_) | Scope::Domain(_), _) => {}
        }
        if self.payload.scope != Scope::Unscoped {
            body["roles"] = self.roles.iter().map(|role| json!({"id": role.id, "name": role.name})).collect();
        }
        if !self.service_providers.is_empty() {
            body["service_providers"] = self.service_providers.iter().map(ServiceProvider::told).collect();
        }
        self.write_delegated(&mut body);
        body
    }

    /// What it was had of. Of the roles of a trust, and of those for whom a provider vouches, Keystone tells everything.
    fn write_delegated(&self, body: &mut Value) {
        if let Some(Delegation::Federation(federation)) = &self.payload.delegation {
            let groups: Vec<Value> = federation.group_ids.iter().map(|id| json!({"id": id})).collect();
            body["user"]["OS-FEDERATION"] = json!({
                "groups": groups, "identity_provider": {"id": federation.provider_id},
                "protocol": {"id": federation.protocol_id},
            });
            if let Some(user) = body["user"].as_object_mut() {
                user.remove("password_expires_at");
            }
            if self.payload.scope != Scope::Unscoped {
                body["roles"] = self.roles.iter().map(Role::plain).collect();
            }
        }
        match &self.delegated {
            None => {}
            Some(Delegated::Credential(one)) => {
                let mut own = json!({"id": one.id, "name": one.name, "restricted": one.restricted()});
                one.write_access_rules(&mut own);
                body["application_credential"] = own;
            }
            Some(Delegated::Access(access)) => {
                body["OS-OAUTH1"] = json!({"access_token_id": access.id, "consumer_id": access.consumer_id});
            }
            Some(Delegated::Trust(trusted)) => {
                let trust = &trusted.trust;
                body["OS-TRUST:trust"] = json!({
                    "id": trust.id, "trustor_user": {"id": trust.trustor_id}, "trustee_user": {"id": trust.trustee_id},
                    "impersonation": trust.impersonation,
                });
                body["roles"] = self.roles.iter().map(Role::plain).collect();
                if let Some(body) = body.as_object_mut() {
                    body.remove("is_domain");
                }
            }
        }
    }
}

fn named(project: &Project) -> Value {
    json!({"id": project.id, "name": project.name})
}
