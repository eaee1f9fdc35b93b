//! Credentials for other systems, each its owner's.

use super::token::token_of_caller;
use super::{describe, duplicate_id, expected, missing, text};
use crate::Identity;
use crate::model::credential::Credential;
use crate::model::ec2;
use crate::model::project::merge_extra;
use crate::rules;
use crate::store::credential::*;
use crate::store::key::{Ring, keys, keys_rotate};
use ::store::Tx;
use fault::Fault;
use policy::{Rule, Target};
use serde_json::{Map, Value};
use std::time::Duration;
use web::Cx;

const CREDENTIAL: &[&str] = &["id", "user_id", "project_id", "type", "blob", "links"];

fn owned_by(user_id: &str) -> Target {
    describe(Target::none(), "credential", &[("user_id", user_id)])
}

fn credential_for(tx: &Tx, cx: &Cx, id: &str, rule: &'static Rule) -> Result<Credential, Fault> {
    let found = credential_by_id(tx, id)?;
    cx.may(rule, &owned_by(found.as_ref().map_or("", |found| &found.user_id)))?;
    let found = found.ok_or_else(|| missing("credential", id))?;
    if delegated(tx, cx)? { Err(no_delegation()) } else { Ok(found) }
}

/// Whether the caller's token stands for less than the user: it was had of something that was lent, or of EC2 keys.
pub(super) fn delegated(tx: &Tx, cx: &Cx) -> Result<bool, Fault> {
    let token = token_of_caller(tx, cx)?;
    Ok(token.delegated.is_some() || token.by_ec2())
}

pub(super) fn no_delegation() -> Fault {
    Fault::forbidden(
        "You are not authorized to perform the requested action: Delegated tokens cannot access credentials directly.",
    )
}

/// What the secret of a credential of type ec2 says: an object with an access key.
fn ec2_blob(blob: &str) -> Result<Map<String, Value>, Fault> {
    let parsed = serde_json::from_str::<Value>(blob);
    let parsed = parsed.map_err(|error| Fault::bad_input("Invalid blob in credential").because(error))?;
    match parsed {
        Value::Object(object) if object.get("access").is_some_and(Value::is_string) => Ok(object),
        Value::Object(object) if !object.is_empty() => Err(expected("access", "credential")),
        _ => Err(expected("blob", "credential")),
    }
}

/// The id of a credential of type ec2: whoever shows its access key finds it.
fn ec2_id(blob: &str) -> Result<String, Fault> {
    let object = ec2_blob(blob)?;
    Ok(ec2::id_of(object.get("access").and_then(Value::as_str).unwrap_or_default()))
}

/// Gives the ring of credentials its first keys, and seals what is still plain.
pub(crate) fn seal_all(tx: &Tx) -> Result<(), Fault> {
    if keys(tx, Ring::Credentials)?.is_empty() {
        keys_rotate(tx, Ring::Credentials, Duration::ZERO)?;
    }
    if any_is_plain(tx)? { credentials_seal(tx) } else { Ok(()) }
}

impl Identity {
    /// The credentials that the caller may see.
    pub async fn credential_list(&self, cx: &Cx) -> Result<Vec<Credential>, Fault> {
        cx.may(&rules::LIST_CREDENTIALS, &owned_by(&cx.who.user_id))?;
        let cx = cx.clone();
        self.db
            .read(move |tx| {
                if delegated(tx, &cx)? {
                    return Ok(Vec::new());
                }
                let owners = credential_owners(tx)?;
                let seen = owners.iter().filter(|owner| cx.allows(&rules::GET_CREDENTIAL, &owned_by(owner)));
                let all = seen.map(|owner| credentials_of_owner(tx, owner)).collect::<Result<Vec<_>, _>>()?;
                let mut all: Vec<Credential> = all.into_iter().flatten().collect();
                all.sort_by(|one, other| one.id.cmp(&other.id));
                Ok(all)
            })
            .await
    }

    /// One credential.
    pub async fn credential_show(&self, cx: &Cx, id: &str) -> Result<Credential, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db.read(move |tx| credential_for(tx, &cx, &id, &rules::GET_CREDENTIAL)).await
    }

    /// Keeps a credential.
    pub async fn credential_create(&self, cx: &Cx, given: Map<String, Value>) -> Result<Credential, Fault> {
        let cx = cx.clone();
        self.db
            .write(move |tx| {
                let word = |name: &str| text(&given, name).unwrap_or_default();
                cx.may(&rules::CREATE_CREDENTIAL, &owned_by(&word("user_id")))?;
                if delegated(tx, &cx)? {
                    return Err(no_delegation());
                }
                let mut made = Credential {
                    id: tx.entropy().hex_id(),
                    user_id: word("user_id"),
                    project_id: text(&given, "project_id"),
                    kind: word("type"),
                    blob: word("blob").into(),
                    extra: Map::new(),
                };
                if made.is_ec2() {
                    made.id = ec2_id(&made.blob)?;
                }
                merge_extra(&mut made.extra, &given, CREDENTIAL);
                if !credential_insert(tx, &made)? {
                    return Err(duplicate_id("credential", &made.id));
                }
                Ok(made)
            })
            .await
    }

    /// Changes the secret of a credential. Nothing else of it ever changes.
    pub async fn credential_update(
        &self,
        cx: &Cx,
        id: &str,
        given: Map<String, Value>,
    ) -> Result<Credential, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let mut credential = credential_for(tx, &cx, &id, &rules::UPDATE_CREDENTIAL)?;
                let blob = text(&given, "blob").unwrap_or_default();
                if credential.is_ec2() {
                    let (old, new) = (ec2_blob(&credential.blob)?, ec2_blob(&blob)?);
                    let bound = ["trust_id", "app_cred_id", "access_token_id", "access_id"];
                    if let Some(name) = bound.into_iter().find(|name| old.get(*name) != new.get(*name)) {
                        return Err(Fault::bad_input(format!("{name} can not be updated for credential")));
                    }
                }
                credential.blob = blob.into();
                credential_update(tx, &credential)?;
                Ok(credential)
            })
            .await
    }

    /// Forgets a credential.
    pub async fn credential_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                credential_for(tx, &cx, &id, &rules::DELETE_CREDENTIAL)?;
                credential_delete(tx, &id)
            })
            .await
    }
}
