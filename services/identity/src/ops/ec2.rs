//! EC2 keys: made and removed by their user, and tokens for requests that are signed with them.

use super::credential::{delegated, no_delegation};
use super::proof::Proved;
use super::token::{Mint, Token, issue, unauthenticated};
use super::{describe, missing};
use crate::Identity;
use crate::model::credential::Credential;
use crate::model::ec2::{self, Blob, KIND, METHOD, Signed};
use crate::model::token::{Delegation, Scope};
use crate::rules;
use crate::store::{self, credential::*};
use ::store::Tx;
use fault::Fault;
use kernel::Micros;
use policy::{Rule, Target};
use serde_json::Map;
use std::time::Duration;
use subtle::ConstantTimeEq;
use web::Cx;

/// How old a signature may be (Keystone's `auth_ttl`).
const LIFE: Duration = Duration::from_secs(15 * 60);

/// Which form of signature a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// That of EC2 and its kin.
    Ec2,
    /// That of S3, where the receiver says what was signed.
    S3,
}

fn owned_by(user_id: &str) -> Target {
    describe(Target::none(), "credential", &[("user_id", user_id)]).with("user_id", user_id)
}

fn known(tx: &Tx, user_id: &str) -> Result<(), Fault> {
    store::user::user_by_id(tx, user_id)?.map(drop).ok_or_else(|| missing("user", user_id))
}

fn primary(tx: &Tx, cx: &Cx) -> Result<(), Fault> {
    if delegated(tx, cx)? { Err(no_delegation()) } else { Ok(()) }
}

/// The keys with that access key, if the caller may do `rule` to them.
fn key_for(tx: &Tx, cx: &Cx, user_id: &str, access: &str, rule: &'static Rule) -> Result<Credential, Fault> {
    let id = ec2::id_of(access);
    let found = credential_by_id(tx, &id)?.ok_or_else(|| missing("credential", &id))?;
    cx.may(rule, &owned_by(&found.user_id))?;
    known(tx, user_id)?;
    if found.kind != KIND {
        return Err(unauthenticated());
    }
    primary(tx, cx)?;
    Ok(found)
}

impl Identity {
    /// The EC2 keys of a user.
    pub async fn ec2_key_list(&self, cx: &Cx, user_id: &str) -> Result<Vec<Credential>, Fault> {
        let (cx, user_id) = (cx.clone(), user_id.to_owned());
        self.db
            .read(move |tx| {
                cx.may(&rules::EC2_LIST_CREDENTIALS, &owned_by(&user_id))?;
                primary(tx, &cx)?;
                known(tx, &user_id)?;
                credentials_of_user(tx, &user_id, KIND)
            })
            .await
    }

    /// One pair of EC2 keys.
    pub async fn ec2_key_show(&self, cx: &Cx, user_id: &str, access: &str) -> Result<Credential, Fault> {
        let (cx, user_id, access) = (cx.clone(), user_id.to_owned(), access.to_owned());
        self.db.read(move |tx| key_for(tx, &cx, &user_id, &access, &rules::EC2_GET_CREDENTIAL)).await
    }

    /// Makes a pair of EC2 keys for a project.
    pub async fn ec2_key_create(
        &self,
        cx: &Cx,
        user_id: &str,
        project_id: &str,
    ) -> Result<Credential, Fault> {
        let (cx, user_id, project_id) = (cx.clone(), user_id.to_owned(), project_id.to_owned());
        self.db
            .write(move |tx| {
                cx.may(&rules::EC2_CREATE_CREDENTIAL, &owned_by(&user_id))?;
                known(tx, &user_id)?;
                store::project::project_by_id(tx, &project_id)?
                    .ok_or_else(|| missing("project", &project_id))?;
                primary(tx, &cx)?;
                let (access, secret) = (tx.entropy().hex_id(), tx.entropy().hex_id());
                let made = Credential {
                    id: ec2::id_of(&access),
                    user_id: user_id.clone(),
                    project_id: Some(project_id.clone()),
                    kind: KIND.to_owned(),
                    blob: Blob { access, secret: secret.into(), ..Blob::default() }.text().into(),
                    extra: Map::new(),
                };
                credential_insert(tx, &made)?;
                Ok(made)
            })
            .await
    }

    /// Removes a pair of EC2 keys.
    pub async fn ec2_key_delete(&self, cx: &Cx, user_id: &str, access: &str) -> Result<(), Fault> {
        let (cx, user_id, access) = (cx.clone(), user_id.to_owned(), access.to_owned());
        self.db
            .write(move |tx| {
                let key = key_for(tx, &cx, &user_id, &access, &rules::EC2_DELETE_CREDENTIAL)?;
                credential_delete(tx, &key.id)
            })
            .await
    }

    /// Gives out a token for a request that is signed with EC2 keys.
    pub async fn ec2_token_create(
        &self,
        cx: &Cx,
        signed: Signed,
        form: Form,
    ) -> Result<(String, Token), Fault> {
        let rule = match form {
            Form::Ec2 => &rules::EC2TOKENS_VALIDATE,
            Form::S3 => &rules::S3TOKENS_VALIDATE,
        };
        cx.may(rule, &Target::none())?;
        let mint = self.mint();
        let id = ec2::id_of(&signed.access);
        let owner = self.db.read(move |tx| Ok(credential_by_id(tx, &id)?.map(|found| found.user_id))).await?;
        self.directory_refresh(owner).await?;
        self.db
            .read(move |tx| {
                let id = ec2::id_of(&signed.access);
                let found = credential_by_id(tx, &id)?.filter(|found| found.kind == KIND);
                let found = found.ok_or_else(|| Fault::not_found("EC2 access key not found."))?;
                let blob = Blob::of(&found);
                if !fits(&signed, &blob.secret, form) || !timely(&signed, tx.now()) {
                    return Err(unauthenticated());
                }
                token_of(tx, &found, &blob, mint)
            })
            .await
    }
}

/// Whether the signature is the secret key's.
fn fits(signed: &Signed, secret: &str, form: Form) -> bool {
    let same = |expected: Option<String>| {
        expected.is_some_and(|expected| expected.as_bytes().ct_eq(signed.signature.as_bytes()).into())
    };
    match form {
        Form::S3 => same(signed.expected_s3(secret)),
        Form::Ec2 => same(signed.expected(secret)) || same(signed.clone().without_port().expected(secret)),
    }
}

/// Whether the signature is young enough; a request without a time was signed without one on purpose.
fn timely(signed: &Signed, now: Micros) -> bool {
    let Some(stamp) = signed.stamp() else { return true };
    Micros::parse(stamp).is_some_and(|stamp| now <= stamp.plus(LIFE))
}

/// The token of the keys' user for their project, by what they are bound to.
fn token_of(tx: &Tx, key: &Credential, blob: &Blob, mint: Mint) -> Result<(String, Token), Fault> {
    let mut user_id = key.user_id.clone();
    let delegation = match (&blob.trust_id, &blob.credential_id, &blob.access_token_id) {
        (Some(id), ..) => {
            let trust = store::trust::trust_by_id(tx, id)?.filter(|trust| trust.usable(tx.now()));
            let trust = trust.ok_or_else(|| missing("trust", id))?;
            // Keys that were made with a token of the trust are the trustor's. Nobody names a trust of others.
            if trust.impersonation {
                if key.user_id != trust.trustor_id {
                    return Err(unauthenticated());
                }
                user_id = trust.trustee_id;
            }
            Some(Delegation::Trust(id.clone()))
        }
        (None, Some(id), _) => Some(Delegation::Credential(id.clone())),
        (None, None, Some(id)) => Some(Delegation::Access(id.clone())),
        (None, None, None) => None,
    };
    let project_id = key.project_id.clone().ok_or_else(|| missing("project", "None"))?;
    store::project::project_by_id(tx, &project_id)?.ok_or_else(|| missing("project", &project_id))?;
    let user = store::user::user_by_id(tx, &user_id)?.ok_or_else(|| missing("user", &user_id))?;
    let proved = Proved::by(&user_id, METHOD);
    issue(tx, &proved, &user, Scope::Project(project_id), delegation, mint)?.ok_or_else(unauthenticated)
}
