//! Proofs: how somebody shows to be a user, by password, one-time password, earlier token, application
//! credential or signature of a program.

use crate::Identity;
use crate::model::application_credential::ApplicationCredential;
use crate::model::project::Project;
use crate::model::signed_request::Signed;
use crate::model::token::{Delegation, Payload};
use crate::model::totp;
use crate::model::user::User;
use crate::ops::missing;
use crate::ops::password::check_current;
use crate::ops::token::{Delegated, unauthenticated};
use crate::places::Source;
use crate::store;
use ::store::Tx;
use fault::{Fault, Kind};
use kernel::Micros;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How a caller proves to be a user.
#[derive(Default)]
pub struct Proof {
    /// `password`, `totp`, `token`, `application_credential` and `oauth1`, in the order given.
    pub methods: Vec<String>,
    /// The user and the password, for the method `password`.
    pub password: Option<(Named, Zeroizing<String>)>,
    /// The user and the passcode, for the method `totp`.
    pub totp: Option<(Named, String)>,
    /// The token, for the method `token`.
    pub token: Option<String>,
    /// The credential and its secret, for the method `application_credential`.
    pub credential: Option<(NamedCredential, Zeroizing<String>)>,
    /// Where the caller is.
    pub address: Arc<str>,
    /// The request itself, for the method `oauth1`.
    pub signed: Option<Signed>,
}

/// Something by its id, or by its name in a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By id.
    Id(String),
    /// By name, in the domain with this id or this name.
    In(String, Box<Named>),
    /// A domain by name.
    Domain(String),
}

/// An application credential by its id, or by its name and its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedCredential {
    /// By id.
    Id(String),
    /// By name.
    Of(Named, String),
}

/// Who somebody turned out to be, and what a new token takes over from the proof.
#[derive(Clone)]
pub(super) struct Proved {
    pub(super) user_id: String,
    pub(super) methods: Vec<String>,
    /// What the token says that was shown.
    pub(super) parent: Option<Payload>,
    /// What was lent, and the project that it was lent for: the new token is for that one and no other.
    pub(super) bound: Option<(Delegation, String)>,
    /// Since when the user's tokens were valid at the proof, where that matters.
    pub(super) valid_since: Option<Micros>,
}

impl Proved {
    /// A user who came by this method.
    pub(super) fn by(user_id: &str, method: &str) -> Self {
        let methods = vec![method.to_owned()];
        Self { user_id: user_id.to_owned(), methods, parent: None, bound: None, valid_since: None }
    }

    /// What was proved earlier by these methods counts as well.
    pub(super) fn also_by(&mut self, methods: &[String]) {
        for earlier in methods {
            if !self.methods.contains(earlier) {
                self.methods.push(earlier.clone());
            }
        }
    }
}

impl Identity {
    pub(super) async fn prove(&self, proof: Proof) -> Result<Proved, Fault> {
        let mut proved = Proved { methods: proof.methods.clone(), ..Proved::by("", "") };
        for method in &proof.methods {
            let user_id = match (method.as_str(), &proof) {
                ("password", Proof { password: Some((user, password)), .. }) => {
                    self.prove_by_password(&proof.address, user, password.clone(), &mut proved).await?
                }
                ("totp", Proof { totp: Some((user, passcode)), .. }) => {
                    self.prove_by_totp(&proof.address, user, passcode.clone()).await?
                }
                ("token", Proof { token: Some(token), .. }) => {
                    self.prove_by_token(token, &mut proved).await?
                }
                ("application_credential", Proof { credential: Some((credential, secret)), .. }) => {
                    let credential =
                        self.prove_by_credential(&proof.address, credential, secret.clone()).await?;
                    proved.bound = Some((Delegation::Credential(credential.id), credential.project_id));
                    credential.user_id
                }
                ("oauth1", Proof { signed: Some(signed), .. }) => {
                    let access = self.prove_by_signature(signed).await?;
                    proved.bound = Some((Delegation::Access(access.id), access.project_id));
                    access.user_id
                }
                _ => {
                    let said = "Attempted to authenticate with an unsupported method.";
                    return Err(Fault::new(Kind::Unauthenticated, said));
                }
            };
            if !proved.user_id.is_empty() && proved.user_id != user_id {
                return Err(unauthenticated());
            }
            proved.user_id = user_id;
        }
        Ok(proved)
    }

    async fn prove_by_password(
        &self,
        address: &Arc<str>,
        user: &Named,
        password: Zeroizing<String>,
        proved: &mut Proved,
    ) -> Result<String, Fault> {
        if let Some(id) = self.directory_prove(address, user, &password).await? {
            return Ok(id);
        }
        let called = format!("{user:?}");
        let user = user.clone();
        let found = self.db.read(move |tx| find_user(tx, &user)).await?;
        let account = found.as_ref().map_or(called, |user| user.id.clone());
        let source = Source { address: address.clone(), account };
        let user = self.password_prove(&source, found, password).await?;
        check_current(&self.settings.compliance, &user, self.db.clock().now())?;
        proved.valid_since = Some(user.valid_since);
        Ok(user.id)
    }

    /// By a passcode of one of the user's secrets of type totp, this one or the one before it. Failures count as those of
    /// passwords do.
    async fn prove_by_totp(
        &self,
        address: &Arc<str>,
        user: &Named,
        passcode: String,
    ) -> Result<String, Fault> {
        let user = self.directory_resolve(address, user).await?;
        let look = move |tx: &Tx| {
            let user = find_user(tx, &user)?.filter(|user| user.enabled).ok_or_else(unauthenticated)?;
            let secrets = store::credential::credentials_of_user(tx, &user.id, "totp")?;
            let right = secrets.iter().any(|one| totp::verify(&one.blob, &passcode, tx.now()));
            Ok((user, right))
        };
        let (user, right) = self.db.read(look).await?;
        self.login_judge(&user, right).await?;
        Ok(user.id)
    }

    async fn prove_by_token(&self, text: &str, proved: &mut Proved) -> Result<String, Fault> {
        let token = self.token_given(text).await?;
        if token.delegated.is_some() || token.by_ec2() {
            return Err(Fault::forbidden(match &token.delegated {
                None | Some(Delegated::Credential(_)) => {
                    "You are not authorized to perform the requested action: Using a delegated token to create another \
                     token is not allowed.."
                }
                Some(Delegated::Trust(_)) => {
                    "You are not authorized to perform the requested action: Using trust-scoped token to create another \
                     token. Create a new trust-scoped token instead."
                }
                Some(Delegated::Access(_)) => {
                    "You are not authorized to perform the requested action: Using OAuth-scoped token to create another \
                     token. Create a new OAuth-scoped token instead."
                }
            }));
        }
        proved.also_by(&token.payload.methods);
        proved.valid_since = Some(token.user.valid_since);
        proved.parent = Some(token.payload.clone());
        Ok(token.user.id.clone())
    }

    async fn prove_by_credential(
        &self,
        address: &Arc<str>,
        credential: &NamedCredential,
        secret: Zeroizing<String>,
    ) -> Result<ApplicationCredential, Fault> {
        let credential = match credential {
            NamedCredential::Of(user, name) => {
                NamedCredential::Of(self.directory_resolve(address, user).await?, name.clone())
            }
            by_id @ NamedCredential::Id(_) => by_id.clone(),
        };
        let called = format!("{credential:?}");
        let found = self.db.read(move |tx| find_credential(tx, &credential)).await?;
        let account = found.as_ref().map_or(called, |found| found.id.clone());
        let source = Source { address: address.clone(), account };
        let hash = found.as_ref().map(|found| found.secret_hash.clone());
        let right = self.hashing.verify(Some(&source), secret, hash).await?;
        let found = found.filter(|found| right && !found.ended(self.db.clock().now()));
        found.ok_or_else(unauthenticated)
    }
}

/// Of a name that there is not, nobody learns that: the answer takes as long as for a wrong secret.
fn find_credential(tx: &Tx, credential: &NamedCredential) -> Result<Option<ApplicationCredential>, Fault> {
    use store::application_credential::{application_credential_by_id, application_credentials_of_user};
    match credential {
        NamedCredential::Id(id) => match application_credential_by_id(tx, id)? {
            None => Err(missing("Application Credential", id)),
            found => Ok(found),
        },
        NamedCredential::Of(user, name) => {
            let Some(user) = find_user(tx, user)? else { return Ok(None) };
            let all = application_credentials_of_user(tx, &user.id)?;
            Ok(all.into_iter().find(|one| one.name == *name))
        }
    }
}

pub(super) fn find_domain(tx: &Tx, domain: &Named) -> Result<Option<Project>, Fault> {
    let found = match domain {
        Named::Id(id) => store::project::project_by_id(tx, id)?,
        Named::Domain(name) | Named::In(name, _) => store::project::project_by_name(tx, "", name)?,
    };
    Ok(found.filter(|found| found.is_domain))
}

fn find_user(tx: &Tx, user: &Named) -> Result<Option<User>, Fault> {
    match user {
        Named::Id(id) => store::user::user_by_id(tx, id),
        Named::Domain(_) => Ok(None),
        Named::In(name, domain) => match find_domain(tx, domain)? {
            Some(domain) => store::user::user_by_name(tx, &domain.id, name),
            None => Ok(None),
        },
    }
}

pub(super) fn find_project(tx: &Tx, project: &Named) -> Result<Option<Project>, Fault> {
    match project {
        Named::Id(id) => store::project::project_by_id(tx, id),
        Named::Domain(_) => Ok(None),
        Named::In(name, domain) => match find_domain(tx, domain)? {
            Some(domain) => store::project::project_by_name(tx, &domain.id, name),
            None => Ok(None),
        },
    }
}
