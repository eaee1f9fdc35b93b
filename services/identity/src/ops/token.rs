//! Tokens: what the one says that somebody gets who proved to be a user, and what it stands for later.
//!
//! Validation reads one row (the epoch) and a cache. Whenever something changes that a token may stand for (a user, a
//! project, a grant, a key, a revocation), the epoch rises in the same transaction and every cached answer is stale at
//! once, on every controller.

use crate::Identity;
use crate::model::application_credential::ApplicationCredential;
use crate::model::assignment::{self, TargetKind};
use crate::model::project::Project;
use crate::model::role::{Role, with_implied};
use crate::model::token::{Payload, Scope, audit_id};
use crate::model::user::User;
use crate::model::{catalog, fernet};
use crate::ops::proof::{Named, Proof, find_domain, find_project};
use crate::store;
use ::store::Tx;
use async_trait::async_trait;
use fault::{Fault, Kind};
use kernel::Micros;
use policy::{Target, Who};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use web::Cx;

/// What the caller asks the token to be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing said: the user's default project, if there is one.
    Default,
    /// Nothing, explicitly.
    Unscoped,
    /// A project.
    Project(Named),
    /// A domain.
    Domain(Named),
    /// The system.
    System,
}

/// A valid token: what it says and what that stands for now.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it says.
    pub payload: Payload,
    /// When it was given out.
    pub issued_at: Micros,
    /// Whose it is.
    pub user: User,
    /// The user's domain.
    pub user_domain: Project,
    /// The project or domain that it is for, and that project's domain.
    pub target: Option<(Project, Option<Project>)>,
    /// The roles that it carries.
    pub roles: Vec<Role>,
    /// The application credential that it was proved with.
    pub credential: Option<ApplicationCredential>,
}

/// Answers of earlier validations, by token.
#[derive(Default)]
pub struct Cache(Mutex<HashMap<[u8; 32], Remembered>>);

/// The epoch at which a token was looked at, and its owner.
type Remembered = (i64, Arc<Who>);

/// How many tokens are remembered; when there are more, all are forgotten.
const REMEMBERED: usize = 20_000;

/// The one answer to whoever does not prove who he is: it tells nothing of what was wrong.
pub(crate) fn unauthenticated() -> Fault {
    Fault::new(Kind::Unauthenticated, "The request you have made requires authentication.")
}

impl Identity {
    /// Gives out a token. Answers it with its text.
    pub async fn token_create(&self, proof: Proof, wish: Wish) -> Result<(String, Token), Fault> {
        if proof.credential.is_some() && wish != Wish::Default {
            let said = "Error authenticating with application credential: Application credentials cannot request a scope.";
            return Err(Fault::new(Kind::Unauthenticated, said));
        }
        let proved = self.prove(proof).await?;
        let life = self.token_life;
        self.db
            .read(move |tx| {
                let user = store::user::user_by_id(tx, &proved.user_id)?.ok_or_else(unauthenticated)?;
                let scope = match &proved.bound {
                    Some((_, project)) => Scope::Project(project.clone()),
                    None => scope(tx, &user, &wish)?,
                };
                // Tokens carry whole seconds. One that was given out after a change must not seem older than it.
                let now = tx.now().whole_seconds().max(user.valid_since);
                let parent = proved.parent.as_ref();
                let mut audit_ids = vec![audit_id(tx.entropy().bytes())];
                audit_ids.extend(parent.and_then(|token| token.audit_ids.last().cloned()));
                let payload = Payload {
                    user_id: user.id,
                    methods: proved.methods.clone(),
                    scope,
                    expires_at: parent.map_or_else(|| now.plus(life), |token| token.expires_at),
                    audit_ids,
                    credential_id: proved.bound.as_ref().map(|(credential, _)| credential.clone()),
                };
                let token = expand(tx, payload, now)?.ok_or_else(unauthenticated)?;
                Ok((seal(tx, &token)?, token))
            })
            .await
    }

    /// What a token says and stands for; `None` if it is not valid (any more).
    pub async fn token_read(&self, text: &str) -> Result<Option<Token>, Fault> {
        let text = text.to_owned();
        self.db.read(move |tx| read(tx, &text)).await
    }

    /// A token that must be valid. Why it is not is nobody's business.
    pub(super) async fn token_given(&self, text: &str) -> Result<Token, Fault> {
        if text.is_empty() {
            return Err(Fault::not_found("No token in the request"));
        }
        self.token_read(text).await?.ok_or_else(|| Fault::not_found("Could not recognize Fernet token"))
    }

    /// The token that is asked about, if the caller may ask.
    pub async fn token_for(&self, cx: &Cx, text: &str, rule: &'static policy::Rule) -> Result<Token, Fault> {
        let token = self.token_given(text).await?;
        cx.may(rule, &Target::none().with("target.token.user_id", &token.user.id))?;
        Ok(token)
    }

    /// The token is not valid any more.
    pub async fn token_revoke(&self, cx: &Cx, text: &str) -> Result<(), Fault> {
        let token = self.token_for(cx, text, &crate::rules::REVOKE_TOKEN).await?;
        let Some(audit_id) = token.payload.audit_ids.first().cloned() else { return Ok(()) };
        let expires_at = token.payload.expires_at;
        self.db.write(move |tx| store::token::token_revoke(tx, &audit_id, expires_at)).await
    }

    /// The catalog for what a token is for.
    pub async fn token_catalog(&self, project_id: Option<String>, user_id: String) -> Result<Value, Fault> {
        self.db
            .read(move |tx| {
                let (services, endpoints) = (store::catalog::services(tx)?, store::catalog::endpoints(tx)?);
                Ok(catalog::catalog(&services, &endpoints, project_id.as_deref(), &user_id))
            })
            .await
    }

    /// Rotates the token keys.
    pub async fn keys_rotate(&self, keep: usize) -> Result<(), Fault> {
        self.db.write(move |tx| store::token::keys_rotate(tx, keep)).await
    }
}

/// What the token will be for.
fn scope(tx: &Tx, user: &User, wish: &Wish) -> Result<Scope, Fault> {
    Ok(match wish {
        Wish::Unscoped => Scope::Unscoped,
        Wish::System => Scope::System,
        Wish::Project(project) => {
            let project = find_project(tx, project)?.ok_or_else(unauthenticated)?;
            if project.is_domain { Scope::Domain(project.id) } else { Scope::Project(project.id) }
        }
        Wish::Domain(domain) => Scope::Domain(find_domain(tx, domain)?.ok_or_else(unauthenticated)?.id),
        Wish::Default => match &user.default_project_id {
            Some(id) if usable(tx, user, id)? => Scope::Project(id.clone()),
            _ => Scope::Unscoped,
        },
    })
}

fn usable(tx: &Tx, user: &User, project_id: &str) -> Result<bool, Fault> {
    let Some(project) = store::project::project_by_id(tx, project_id)? else { return Ok(false) };
    Ok(project.enabled && !roles_on(tx, user, &Scope::Project(project.id.clone()))?.is_empty())
}

/// The effective roles of a user on something, implied ones included.
fn roles_on(tx: &Tx, user: &User, scope: &Scope) -> Result<Vec<Role>, Fault> {
    let own = store::assignment::assignments_of_user(tx, &user.id)?;
    let direct = match scope {
        Scope::Unscoped => return Ok(Vec::new()),
        Scope::System => assignment::on_target(&own, TargetKind::System, "all"),
        Scope::Domain(id) => assignment::on_target(&own, TargetKind::Domain, id),
        Scope::Project(id) => {
            let Some(project) = store::project::project_by_id(tx, id)? else { return Ok(Vec::new()) };
            let above = store::project::project_ancestors(tx, &project)?;
            let above: Vec<String> = above.into_iter().map(|project| project.id).collect();
            assignment::on_project(&own, &project, &above)
        }
    };
    let all = with_implied(direct, &store::role::implications(tx)?);
    let mut roles = Vec::new();
    for id in all {
        // Roles of a domain only stand for what they imply.
        roles.extend(store::role::role_by_id(tx, &id)?.filter(|role| role.domain_id.is_empty()));
    }
    Ok(roles)
}

/// What a payload stands for now; `None` if the user, the target or every role on it is gone or disabled.
fn expand(tx: &Tx, payload: Payload, issued_at: Micros) -> Result<Option<Token>, Fault> {
    let Some(user) = store::user::user_by_id(tx, &payload.user_id)?.filter(|user| user.enabled) else {
        return Ok(None);
    };
    let Some(user_domain) =
        store::project::project_by_id(tx, &user.domain_id)?.filter(|domain| domain.enabled)
    else {
        return Ok(None);
    };
    let target = match &payload.scope {
        Scope::Unscoped | Scope::System => None,
        Scope::Project(id) | Scope::Domain(id) => {
            let Some(project) = store::project::project_by_id(tx, id)?.filter(|project| project.enabled)
            else {
                return Ok(None);
            };
            let domain = store::project::project_by_id(tx, &project.domain_id)?;
            if domain.as_ref().is_some_and(|domain| !domain.enabled) {
                return Ok(None);
            }
            Some((project, domain))
        }
    };
    let mut roles = roles_on(tx, &user, &payload.scope)?;
    let credential = match &payload.credential_id {
        None => None,
        Some(id) => match credential_in_force(tx, id, &payload)? {
            None => return Ok(None),
            Some(credential) => {
                roles.retain(|role| credential.roles.contains(&role.id));
                Some(credential)
            }
        },
    };
    if roles.is_empty() && payload.scope != Scope::Unscoped {
        return Ok(None);
    }
    Ok(Some(Token { payload, issued_at, user, user_domain, target, roles, credential }))
}

/// The application credential of a token, unless it is gone, has ended or is not this user's for this project.
fn credential_in_force(tx: &Tx, id: &str, payload: &Payload) -> Result<Option<ApplicationCredential>, Fault> {
    let found = store::application_credential::application_credential_by_id(tx, id)?;
    Ok(found.filter(|one| {
        let scope = Scope::Project(one.project_id.clone());
        one.user_id == payload.user_id && scope == payload.scope && !one.ended(tx.now())
    }))
}

fn seal(tx: &Tx, token: &Token) -> Result<String, Fault> {
    let keys = store::token::keys(tx)?;
    let primary = keys.first().ok_or_else(|| Fault::bug("there is no token key"))?;
    let seconds = u64::try_from(token.issued_at.0 / 1_000_000).map_err(Fault::bug)?;
    fernet::seal(primary, seconds, tx.entropy().bytes(), &token.payload.pack())
        .ok_or_else(|| Fault::bug("a token cannot be sealed"))
}

pub(super) fn read(tx: &Tx, text: &str) -> Result<Option<Token>, Fault> {
    let Some((bytes, seconds)) = fernet::open(&store::token::keys(tx)?, text) else { return Ok(None) };
    let Some(payload) = Payload::unpack(&bytes) else { return Ok(None) };
    let issued_at = Micros(i64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000));
    if payload.expires_at <= tx.now() {
        return Ok(None);
    }
    // Only its own audit id counts: what was made of a token outlives its revocation, as in OpenStack.
    if payload.audit_ids.first().map_or(Ok(true), |id| store::token::is_revoked(tx, id))? {
        return Ok(None);
    }
    let token = expand(tx, payload, issued_at)?;
    Ok(token.filter(|token| token.issued_at >= token.user.valid_since))
}

impl Token {
    /// When it ends: with its own time, or earlier with its credential's.
    fn ends_at(&self) -> Micros {
        let credential = self.credential.as_ref().and_then(|one| one.expires_at);
        credential.map_or(self.payload.expires_at, |end| end.min(self.payload.expires_at))
    }

    /// Who its owner is, as the rules of all services see it.
    pub fn who(&self) -> Who {
        let (project, domain) = match (&self.payload.scope, &self.target) {
            (Scope::Project(_), Some((project, domain))) => (Some((project, domain.as_ref())), None),
            (Scope::Domain(_), Some((domain, _))) => (None, Some(domain)),
            _ => (None, None),
        };
        Who {
            user_id: self.user.id.clone(),
            user_name: self.user.name.clone(),
            user_domain_id: self.user_domain.id.clone(),
            user_domain_name: self.user_domain.name.clone(),
            project_id: project.map(|(project, _)| project.id.clone()),
            project_name: project.map(|(project, _)| project.name.clone()),
            project_domain_id: project.and_then(|(_, domain)| domain).map(|domain| domain.id.clone()),
            project_domain_name: project.and_then(|(_, domain)| domain).map(|domain| domain.name.clone()),
            domain_id: domain.map(|domain| domain.id.clone()),
            domain_name: domain.map(|domain| domain.name.clone()),
            system: self.payload.scope == Scope::System,
            roles: self.roles.iter().map(|role| role.name.clone()).collect(),
            expires_at: self.ends_at().0,
        }
    }

    /// As the API writes it below `token`, without catalog.
    pub fn body(&self) -> Value {
        let named = |project: &Project| json!({"id": project.id, "name": project.name});
        let mut body = json!({
            "methods": self.payload.methods,
            "user": {
                "domain": named(&self.user_domain), "id": self.user.id, "name": self.user.name,
                "password_expires_at": self.user.password_expires_at.map(Micros::micros_naked),
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
            if let Some(one) = &self.credential {
                body["application_credential"] =
                    json!({"id": one.id, "name": one.name, "restricted": one.restricted()});
            }
            body["roles"] = self.roles.iter().map(|role| json!({"id": role.id, "name": role.name})).collect();
        }
        body
    }
}

#[async_trait]
impl web::Authenticate for Identity {
    async fn who(&self, token: &str) -> Result<Option<Arc<Who>>, Fault> {
        use sha2::Digest;
        let key: [u8; 32] = sha2::Sha256::digest(token.as_bytes()).into();
        let epoch = self.db.read(store::token::epoch).await?;
        let cached = self.cache.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((at, who)) = cached
            && at == epoch
            && who.expires_at > self.db.clock().now().0
        {
            return Ok(Some(who));
        }
        let Some(token) = self.token_read(token).await? else { return Ok(None) };
        let who = Arc::new(token.who());
        let mut cache = self.cache.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= REMEMBERED {
            cache.clear();
        }
        cache.insert(key, (epoch, who.clone()));
        Ok(Some(who))
    }
}
