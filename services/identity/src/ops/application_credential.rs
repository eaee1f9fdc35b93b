//! Application credentials: made by their user with a token for a project, for that project.

use super::access_rule::access_rule_wanted;
use super::token::{Delegated, token_of_caller};
use super::trust::roles_wanted;
use super::{expiration, text};
use crate::Identity;
use crate::model::access_rule::AccessRule;
use crate::model::application_credential::ApplicationCredential;
use crate::model::role::{Role, with_implied};
use crate::ops::token::Token;
use crate::rules;
use crate::store::{self, application_credential::*};
use ::store::Tx;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fault::Fault;
use policy::{Rule, Target};
use serde_json::{Map, Value};
use web::Cx;
use zeroize::Zeroizing;

fn owned_by(user_id: &str) -> Target {
    Target::none().with("user_id", user_id)
}

fn missing(id: &str) -> Fault {
    Fault::not_found(format!("Could not find Application Credential: {id}."))
}

fn unassigned() -> Fault {
    invalid("Cannot create an application credential with unassigned role")
}

fn invalid(detail: &str) -> Fault {
    Fault::bad_input(format!("Invalid application credential: {detail}"))
}

/// The credential, if the caller may do `rule` to it. Whose it is says the credential, not the path.
fn credential_for(
    tx: &Tx,
    cx: &Cx,
    user_id: &str,
    id: &str,
    rule: &'static Rule,
) -> Result<ApplicationCredential, Fault> {
    let found = application_credential_by_id(tx, id)?;
    cx.may(rule, &owned_by(found.as_ref().map_or(user_id, |found| &found.user_id)))?;
    found.ok_or_else(|| missing(id))
}

/// The caller's own token. One that was had of a restricted credential, of a trust or by OAuth makes and removes
/// none.
fn own_token(tx: &Tx, cx: &Cx) -> Result<Token, Fault> {
    let token = token_of_caller(tx, cx)?;
    match &token.delegated {
        None => Ok(token),
        Some(Delegated::Credential(one)) if !one.restricted() => Ok(token),
        Some(Delegated::Credential(_)) => Err(Fault::forbidden(
            "You are not authorized to perform the requested action: Using method 'application_credential' is not \
             allowed for managing additional application credentials..",
        )),
        Some(Delegated::Trust(_) | Delegated::Access(_)) => Err(super::trust::forbidden()),
    }
}

/// Whoever acts by a trust or by OAuth neither sees nor makes what programs were given: that would outlive what was lent.
pub(super) fn not_lent(tx: &Tx, cx: &Cx) -> Result<(), Fault> {
    match token_of_caller(tx, cx)?.delegated {
        Some(Delegated::Trust(_) | Delegated::Access(_)) => Err(super::trust::forbidden()),
        _ => Ok(()),
    }
}

impl Identity {
    /// A user's application credentials, and the roles of the cloud to tell theirs by.
    pub async fn application_credential_list(
        &self,
        cx: &Cx,
        user_id: &str,
    ) -> Result<(Vec<ApplicationCredential>, Vec<Role>), Fault> {
        let (cx, user_id) = (cx.clone(), user_id.to_owned());
        self.db
            .read(move |tx| {
                cx.may(&rules::LIST_APPLICATION_CREDENTIALS, &owned_by(&user_id))?;
                not_lent(tx, &cx)?;
                Ok((application_credentials_of_user(tx, &user_id)?, store::role::roles(tx)?))
            })
            .await
    }

    /// One application credential.
    pub async fn application_credential_show(
        &self,
        cx: &Cx,
        user_id: &str,
        id: &str,
    ) -> Result<(ApplicationCredential, Vec<Role>), Fault> {
        let (cx, user_id, id) = (cx.clone(), user_id.to_owned(), id.to_owned());
        self.db
            .read(move |tx| {
                let found = credential_for(tx, &cx, &user_id, &id, &rules::GET_APPLICATION_CREDENTIAL)?;
                not_lent(tx, &cx)?;
                Ok((found, store::role::roles(tx)?))
            })
            .await
    }

    /// Makes an application credential. Answers its secret, which nobody learns later.
    pub async fn application_credential_create(
        &self,
        cx: &Cx,
        user_id: &str,
        given: Map<String, Value>,
    ) -> Result<(ApplicationCredential, Vec<Role>, Zeroizing<String>), Fault> {
        cx.may(&rules::CREATE_APPLICATION_CREDENTIAL, &owned_by(user_id))?;
        if cx.who.user_id != user_id {
            return Err(Fault::forbidden(
                "You are not authorized to perform the requested action: Cannot create an application credential for \
                 another user..",
            ));
        }
        let (cx, user_id) = (cx.clone(), user_id.to_owned());
        let secret = self.secret(&given);
        let secret_hash = self.hashing.hash(secret.clone()).await?;
        let (made, roles) = self
            .db
            .write(move |tx| {
                let token = own_token(tx, &cx)?;
                let made = ApplicationCredential {
                    id: tx.entropy().hex_id(),
                    user_id: user_id.clone(),
                    project_id: cx
                        .who
                        .project_id
                        .clone()
                        .ok_or_else(|| invalid("The token is not for a project"))?,
                    name: text(&given, "name").unwrap_or_default(),
                    description: text(&given, "description"),
                    secret_hash: secret_hash.clone(),
                    expires_at: text(&given, "expires_at")
                        .filter(|end| !end.is_empty())
                        .map(|end| expiration(tx, &end))
                        .transpose()?,
                    unrestricted: given.get("unrestricted").and_then(Value::as_bool),
                    roles: wanted_roles(tx, &token, given.get("roles"))?,
                    access_rules: wanted_access(tx, &user_id, given.get("access_rules"))?,
                };
                if !application_credential_insert(tx, &made)? {
                    return Err(super::taken("application_credential", &made.name, ""));
                }
                Ok((made, store::role::roles(tx)?))
            })
            .await?;
        Ok((made, roles, secret))
    }

    /// The secret that is given, or one of 512 random bits.
    fn secret(&self, given: &Map<String, Value>) -> Zeroizing<String> {
        let own = text(given, "secret").filter(|secret| !secret.is_empty());
        Zeroizing::new(own.unwrap_or_else(|| URL_SAFE_NO_PAD.encode(self.db.entropy().bytes::<64>())))
    }

    /// Removes an application credential, and with it its tokens.
    pub async fn application_credential_delete(&self, cx: &Cx, user_id: &str, id: &str) -> Result<(), Fault> {
        let (cx, user_id, id) = (cx.clone(), user_id.to_owned(), id.to_owned());
        self.db
            .write(move |tx| {
                credential_for(tx, &cx, &user_id, &id, &rules::DELETE_APPLICATION_CREDENTIAL)?;
                own_token(tx, &cx)?;
                application_credential_delete(tx, &id)?;
                store::token::epoch_advance(tx)
            })
            .await
    }
}

/// The access rules that are asked for; new ones are made.
fn wanted_access(tx: &Tx, user_id: &str, asked: Option<&Value>) -> Result<Vec<AccessRule>, Fault> {
    let asked = asked.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let mut all: Vec<AccessRule> = Vec::new();
    for given in asked {
        let wanted = access_rule_wanted(tx, user_id, given)?;
        if !all.contains(&wanted) {
            all.push(wanted);
        }
    }
    Ok(all)
}

/// The roles that are asked for, by id or name, with what they imply; all of the token's if none are. Nobody hands out
/// more than the token carries.
fn wanted_roles(tx: &Tx, token: &Token, asked: Option<&Value>) -> Result<Vec<String>, Fault> {
    let own: Vec<String> = token.roles.iter().map(|role| role.id.clone()).collect();
    let asked = asked.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if asked.is_empty() {
        return Ok(own);
    }
    let wanted = roles_wanted(tx, asked)?;
    let wanted: Vec<String> = with_implied(wanted, &store::role::implications(tx)?).into_iter().collect();
    match wanted.iter().all(|role| own.contains(role)) {
        true => Ok(wanted),
        false => Err(unassigned()),
    }
}
