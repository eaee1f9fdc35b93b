//! OAuth 1.0: programs that act in a user's place, from what they ask for to the signature that gets them a token.

use super::credential::delegated;
use super::expand::role_ids_on;
use super::token::unauthenticated;
use super::trust::{forbidden, roles_wanted};
use super::{check_same, describe, expected, missing, text};
use crate::Identity;
use crate::model::oauth1::{
    ACCESS_LIFE, AccessToken, Authorized, Consumer, REQUEST_LIFE, RequestToken, is_verifier, verifier,
};
use crate::model::project::merge_extra;
use crate::model::role::{Role, with_implied};
use crate::model::signed_request::{Flaw, Signed, is_id};
use crate::model::token::{Payload, Scope};
use crate::rules;
use crate::store::{self, oauth1::*, token::epoch_advance};
use ::store::Tx;
use fault::Fault;
use policy::{Rule, Target};
use serde_json::{Map, Value};
use web::Cx;

const CONSUMER: &[&str] = &["id", "description", "secret", "links"];

fn no_consumer() -> Fault {
    Fault::not_found("Consumer not found")
}

fn no_request_token() -> Fault {
    Fault::not_found("Request token not found")
}

pub(crate) fn no_access_token() -> Fault {
    Fault::not_found("Access token not found")
}

/// What the caller hears whose request cannot even be checked.
fn flawed(flaw: Flaw) -> Fault {
    let Flaw { error, description } = flaw;
    Fault::bad_input(format!("Validation failed with errors: {error}, detail message is: {description}."))
}

fn invalid(description: &'static str) -> Fault {
    flawed(Flaw { error: "invalid_request", description })
}

/// What is wanted of the header; what is not there is named.
fn needed<'a>(value: &'a str, name: &str) -> Result<&'a str, Fault> {
    if value.is_empty() { Err(expected(name, "request")) } else { Ok(value) }
}

/// What a program was given manages nothing of this: whoever lends, lends what is the user's own.
fn primary(tx: &Tx, cx: &Cx) -> Result<(), Fault> {
    if delegated(tx, cx)? { Err(forbidden()) } else { Ok(()) }
}

/// The access token, if the caller may do `rule` to those of its user.
fn access_token_for(
    tx: &Tx,
    cx: &Cx,
    user_id: &str,
    id: &str,
    rule: &'static Rule,
) -> Result<AccessToken, Fault> {
    cx.may(rule, &Target::none())?;
    primary(tx, cx)?;
    access_token_by_id(tx, id)?.filter(|found| found.user_id == user_id).ok_or_else(no_access_token)
}

impl Identity {
    /// Every program.
    pub async fn consumer_list(&self, cx: &Cx) -> Result<Vec<Consumer>, Fault> {
        cx.may(&rules::LIST_CONSUMERS, &Target::none())?;
        self.db.read(consumers).await
    }

    /// One program.
    pub async fn consumer_show(&self, cx: &Cx, id: &str) -> Result<Consumer, Fault> {
        cx.may(&rules::GET_CONSUMER, &Target::none())?;
        let id = id.to_owned();
        self.db.read(move |tx| consumer_by_id(tx, &id)?.ok_or_else(no_consumer)).await
    }

    /// Enters a program, with a secret of its own.
    pub async fn consumer_create(&self, cx: &Cx, given: Map<String, Value>) -> Result<Consumer, Fault> {
        cx.may(&rules::CREATE_CONSUMER, &Target::none())?;
        self.db
            .write(move |tx| {
                let mut made = Consumer {
                    id: tx.entropy().hex_id(),
                    secret: tx.entropy().hex_id().into(),
                    description: text(&given, "description"),
                    extra: Map::new(),
                };
                merge_extra(&mut made.extra, &given, CONSUMER);
                consumer_insert(tx, &made)?;
                Ok(made)
            })
            .await
    }

    /// Changes what is told of a program.
    pub async fn consumer_update(
        &self,
        cx: &Cx,
        id: &str,
        given: Map<String, Value>,
    ) -> Result<Consumer, Fault> {
        cx.may(&rules::UPDATE_CONSUMER, &Target::none())?;
        check_same(&given, id, "")?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                let mut consumer = consumer_by_id(tx, &id)?.ok_or_else(no_consumer)?;
                if given.contains_key("description") {
                    consumer.description = text(&given, "description");
                }
                merge_extra(&mut consumer.extra, &given, CONSUMER);
                consumer_update(tx, &consumer)?;
                Ok(consumer)
            })
            .await
    }

    /// Removes a program, and with it what it asked for and was given, and the tokens that it had of that.
    pub async fn consumer_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        cx.may(&rules::DELETE_CONSUMER, &Target::none())?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                consumer_by_id(tx, &id)?.ok_or_else(no_consumer)?;
                consumer_delete(tx, &id)?;
                epoch_advance(tx)
            })
            .await
    }

    /// A program asks to act on a project.
    pub async fn request_token_create(
        &self,
        signed: Signed,
        project_id: String,
    ) -> Result<RequestToken, Fault> {
        needed(signed.consumer(), "oauth_consumer_key")?;
        needed(&project_id, "Requested-Project-Id")?;
        self.db
            .write(move |tx| {
                store::project::project_by_id(tx, &project_id)?
                    .ok_or_else(|| missing("project", &project_id))?;
                let consumer = consumer_by_id(tx, signed.consumer())?.ok_or_else(no_consumer)?;
                if let Some(flaw) = signed.flaw(tx.now()) {
                    return Err(flawed(flaw));
                }
                if signed.callback().is_empty() {
                    return Err(invalid("Missing callback URI."));
                }
                if !signed.is_by(&consumer.secret, "") {
                    return Err(unauthenticated().because("the signature is not the program's"));
                }
                let made = RequestToken {
                    id: tx.entropy().hex_id(),
                    secret: tx.entropy().hex_id().into(),
                    consumer_id: consumer.id,
                    project_id: project_id.clone(),
                    authorized: None,
                    expires_at: tx.now().plus(REQUEST_LIFE),
                };
                request_token_insert(tx, &made)?;
                Ok(made)
            })
            .await
    }

    /// A user lends roles on the project that a program asked for. Answers the verifier, which the user tells the program.
    pub async fn request_token_authorize(
        &self,
        cx: &Cx,
        id: &str,
        roles: Vec<Value>,
    ) -> Result<String, Fault> {
        cx.may(&rules::AUTHORIZE_REQUEST_TOKEN, &Target::none())?;
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                primary(tx, &cx)?;
                let request = request_token_by_id(tx, &id)?.ok_or_else(no_request_token)?;
                if request.expires_at < tx.now() {
                    return Err(unauthenticated().because("the request token has ended"));
                }
                let roles = roles_wanted(tx, &roles)?;
                let own = role_ids_on(tx, &cx.who.user_id, &Scope::Project(request.project_id))?;
                if !roles.iter().all(|role| own.contains(role)) {
                    return Err(unauthenticated().because("the user has not the roles that are lent"));
                }
                let verifier = verifier(|limit| tx.entropy().below(limit));
                let by = Authorized { user_id: cx.who.user_id.clone(), roles, verifier };
                request_token_authorize(tx, &id, &by)?;
                Ok(by.verifier)
            })
            .await
    }

    /// A program makes an access token of its request token, once a user has authorised that.
    pub async fn access_token_create(&self, signed: Signed) -> Result<AccessToken, Fault> {
        needed(signed.consumer(), "oauth_consumer_key")?;
        needed(signed.token(), "oauth_token")?;
        needed(signed.verifier(), "oauth_verifier")?;
        self.db
            .write(move |tx| {
                let request = request_token_by_id(tx, signed.token())?.ok_or_else(no_request_token)?;
                if request.expires_at < tx.now() {
                    return Err(unauthenticated().because("the request token has ended"));
                }
                if let Some(flaw) = signed.flaw(tx.now()) {
                    return Err(flawed(flaw));
                }
                if !is_verifier(signed.verifier()) {
                    return Err(invalid("Invalid verifier format."));
                }
                let consumer = consumer_by_id(tx, signed.consumer())?;
                let consumer = consumer.filter(|consumer| consumer.id == request.consumer_id);
                let consumer = consumer.ok_or_else(unauthenticated)?;
                let by = request.authorized.filter(|by| by.verifier == signed.verifier());
                let by = by.ok_or_else(|| unauthenticated().because("the verifier is another one"))?;
                if !signed.is_by(&consumer.secret, &request.secret) {
                    return Err(unauthenticated().because("the signature is not the program's"));
                }
                let made = AccessToken {
                    id: tx.entropy().hex_id(),
                    secret: tx.entropy().hex_id().into(),
                    consumer_id: consumer.id,
                    project_id: request.project_id,
                    user_id: by.user_id,
                    roles: by.roles,
                    expires_at: tx.now().plus(ACCESS_LIFE),
                };
                access_token_insert(tx, &made, &request.id)?;
                Ok(made)
            })
            .await
    }

    /// What programs were given by a user.
    pub async fn access_token_list(&self, cx: &Cx, user_id: &str) -> Result<Vec<AccessToken>, Fault> {
        cx.may(&rules::LIST_ACCESS_TOKENS, &Target::none())?;
        let (cx, user_id) = (cx.clone(), user_id.to_owned());
        self.db
            .read(move |tx| {
                primary(tx, &cx)?;
                access_tokens_of_user(tx, &user_id)
            })
            .await
    }

    /// One access token.
    pub async fn access_token_show(&self, cx: &Cx, user_id: &str, id: &str) -> Result<AccessToken, Fault> {
        let (cx, user_id, id) = (cx.clone(), user_id.to_owned(), id.to_owned());
        let rule = &rules::GET_ACCESS_TOKEN;
        self.db.read(move |tx| access_token_for(tx, &cx, &user_id, &id, rule)).await
    }

    /// Takes back what a program was given, and with it its tokens. The rule is that of EC2 keys, as in Keystone.
    pub async fn access_token_delete(&self, cx: &Cx, user_id: &str, id: &str) -> Result<(), Fault> {
        let target = describe(Target::none(), "credential", &[("user_id", "")]).with("user_id", user_id);
        cx.may(&rules::EC2_DELETE_CREDENTIAL, &target)?;
        let (cx, user_id, id) = (cx.clone(), user_id.to_owned(), id.to_owned());
        self.db
            .write(move |tx| {
                primary(tx, &cx)?;
                let found = access_token_by_id(tx, &id)?.ok_or_else(no_access_token)?;
                if found.user_id != user_id {
                    return Err(unauthenticated().because("the access token is another user's"));
                }
                access_token_delete(tx, &id)?;
                epoch_advance(tx)
            })
            .await
    }

    /// The roles that a program was lent. Who asks for those of another user hears what `stranger` says.
    pub async fn access_token_roles(
        &self,
        cx: &Cx,
        user_id: &str,
        id: &str,
        rule: &'static Rule,
        stranger: fn() -> Fault,
    ) -> Result<Vec<Role>, Fault> {
        cx.may(rule, &Target::none())?;
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        self.db
            .read(move |tx| {
                let found = access_token_by_id(tx, &id)?.ok_or_else(no_access_token)?;
                if found.user_id != user_id {
                    return Err(stranger());
                }
                let roles = found.roles.iter().map(|role| store::role::role_by_id(tx, role));
                Ok(roles.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
            })
            .await
    }

    /// The access token with which a request for a token was signed.
    pub(super) async fn prove_by_signature(&self, signed: &Signed) -> Result<AccessToken, Fault> {
        needed(signed.token(), "oauth_token")?;
        let signed = signed.clone();
        self.db
            .read(move |tx| {
                let access = access_token_by_id(tx, signed.token())?.ok_or_else(no_access_token)?;
                let right = access.expires_at >= tx.now()
                    && signed.flaw(tx.now()).is_none()
                    && is_id(signed.token())
                    && access.consumer_id == signed.consumer();
                let consumer = consumer_by_id(tx, signed.consumer())?.filter(|_| right);
                let consumer = consumer.ok_or_else(unauthenticated)?;
                match signed.is_by(&consumer.secret, &access.secret) {
                    true => Ok(access),
                    false => Err(unauthenticated().because("the signature is not the program's")),
                }
            })
            .await
    }
}

/// The access token of a token and its roles; `None` if it is gone or not what the token says.
pub(super) fn access_in_force(
    tx: &Tx,
    id: &str,
    payload: &Payload,
) -> Result<Option<(AccessToken, Vec<Role>)>, Fault> {
    let found = access_token_by_id(tx, id)?;
    let scope = |access: &AccessToken| Scope::Project(access.project_id.clone());
    let Some(access) = found.filter(|own| own.user_id == payload.user_id && scope(own) == payload.scope)
    else {
        return Ok(None);
    };
    let lent = with_implied(access.roles.iter().cloned(), &store::role::implications(tx)?);
    let own = role_ids_on(tx, &access.user_id, &payload.scope)?;
    let roles = super::expand::roles_named(tx, lent.intersection(&own).cloned().collect())?;
    Ok(Some((access, roles)))
}
