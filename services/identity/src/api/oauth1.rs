//! OAuth 1.0 on the wire: programs, what they ask for with signed requests, and what users lend them.

use super::{list, one, unfit_at};
use crate::Identity;
use crate::model::oauth1::form;
use crate::model::role::Role;
use crate::model::signed_request::Signed;
use crate::ops::oauth1::no_access_token;
use crate::ops::token::unauthenticated;
use crate::ops::{expected, missing};
use crate::rules;
use fault::Fault;
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

static CREATE: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new(json!({"type": "object", "properties": {"description": {"type": ["string", "null"]}}}))
});
static UPDATE: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new(json!({
        "type": "object", "properties": {"description": {"type": ["string", "null"]}}, "not": {"required": ["secret"]},
        "minProperties": 1,
    }))
});
static ROLES: LazyLock<Schema> = LazyLock::new(|| {
    let role = json!({
        "type": "object", "properties": {"id": super::id(), "name": super::name(255)}, "minProperties": 1,
        "maxProperties": 1, "additionalProperties": false,
    });
    Schema::new(json!({"type": "array", "items": role}))
});

/// Where identity is found below the address of the cloud.
const MOUNTS: [&str; 2] = ["", "/identity"];

const FORM: &str = "application/x-www-form-urlencoded";

/// `GET /v3/OS-OAUTH1/consumers`
pub async fn consumer_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.consumer_list(&ask.cx).await?;
    Ok(list(&ask, "consumers", all.iter().map(|consumer| consumer.body(&ask.cx.base)), &[]))
}

/// `POST /v3/OS-OAUTH1/consumers`
pub async fn consumer_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = consumer(&mut ask, &CREATE).await?;
    let made = identity.consumer_create(&ask.cx, given).await?;
    Ok(one(201, "consumer", made.body_with_secret(&ask.cx.base)))
}

/// `GET /v3/OS-OAUTH1/consumers/{id}`
pub async fn consumer_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.consumer_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "consumer", found.body(&ask.cx.base)))
}

/// `PATCH /v3/OS-OAUTH1/consumers/{id}`
pub async fn consumer_update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = consumer(&mut ask, &UPDATE).await?;
    let changed = identity.consumer_update(&ask.cx, ask.id("id"), given).await?;
    Ok(one(200, "consumer", changed.body(&ask.cx.base)))
}

/// `DELETE /v3/OS-OAUTH1/consumers/{id}`
pub async fn consumer_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.consumer_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

/// What is said of a program: what stands below `consumer`, which may be left out.
async fn consumer(ask: &mut Ask, schema: &Schema) -> Result<Map<String, Value>, Fault> {
    let mut body = super::body(ask).await?;
    let given = Some(body["consumer"].take()).filter(|given| !given.is_null()).unwrap_or_else(|| json!({}));
    schema.check(&given).map_err(unfit_at)?;
    Ok(given.as_object().cloned().unwrap_or_default())
}

/// `POST /v3/OS-OAUTH1/request_token`
pub async fn request_token_create(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let project_id = ask.header("requested-project-id").to_owned();
    let made = identity.request_token_create(signed(&ask)?, project_id).await?;
    Ok(Answer::bytes(201, FORM, form(&made.id, &made.secret, made.expires_at)))
}

/// `PUT /v3/OS-OAUTH1/authorize/{id}`
pub async fn request_token_authorize(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let mut body = super::body(&mut ask).await?;
    let roles = Some(body["roles"].take()).filter(|roles| !roles.is_null()).unwrap_or_else(|| json!([]));
    ROLES.check(&roles).map_err(unfit_at)?;
    let roles = roles.as_array().cloned().unwrap_or_default();
    let verifier = identity.request_token_authorize(&ask.cx, ask.id("id"), roles).await?;
    Ok(Answer::ok(&json!({"token": {"oauth_verifier": verifier}})))
}

/// `POST /v3/OS-OAUTH1/access_token`
pub async fn access_token_create(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let made = identity.access_token_create(signed(&ask)?).await?;
    Ok(Answer::bytes(201, FORM, form(&made.id, &made.secret, made.expires_at)))
}

/// What a request says that is signed.
pub(super) fn signed(ask: &Ask) -> Result<Signed, Fault> {
    let signed = Signed::of(ask.header("authorization"));
    let signed = signed.ok_or_else(|| expected("oauth_consumer_key", "request"))?;
    // The address under which the cloud is known, and the one under which the client says that it asks; below either of them
    // the two places where we are found, for clients sign the one that they log in at and ask the one of the catalog.
    let (scheme, rest) = ask.cx.base.split_once("://").unwrap_or(("http", &ask.cx.base));
    let root = MOUNTS.iter().rev().find_map(|mount| rest.strip_suffix(mount)).unwrap_or(rest);
    let (public, below) = root.split_at(root.find('/').unwrap_or(root.len()));
    let signed = [public, ask.header("host")].into_iter().fold(signed, |signed, host| {
        let at = |signed: Signed, mount| signed.at(scheme, host, &format!("{below}{mount}{}", ask.path));
        MOUNTS.into_iter().fold(signed, at)
    });
    Ok(signed.with(ask.query.pairs()))
}

/// `GET /v3/users/{id}/OS-OAUTH1/access_tokens`
pub async fn access_token_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.access_token_list(&ask.cx, ask.id("id")).await?;
    Ok(list(&ask, "access_tokens", all.iter().map(|token| token.body(&ask.cx.base)), &[]))
}

/// `GET /v3/users/{id}/OS-OAUTH1/access_tokens/{token}`
pub async fn access_token_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.access_token_show(&ask.cx, ask.id("id"), ask.id("token")).await?;
    Ok(one(200, "access_token", found.body(&ask.cx.base)))
}

/// `DELETE /v3/users/{id}/OS-OAUTH1/access_tokens/{token}`
pub async fn access_token_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.access_token_delete(&ask.cx, ask.id("id"), ask.id("token")).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/users/{id}/OS-OAUTH1/access_tokens/{token}/roles`
pub async fn access_token_role_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let rule = &rules::LIST_ACCESS_TOKEN_ROLES;
    let all =
        identity.access_token_roles(&ask.cx, ask.id("id"), ask.id("token"), rule, no_access_token).await?;
    Ok(list(&ask, "roles", all.iter().map(|role| role_body(role, &ask)), &[]))
}

/// `GET /v3/users/{id}/OS-OAUTH1/access_tokens/{token}/roles/{role}`
pub async fn access_token_role_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let rule = &rules::GET_ACCESS_TOKEN_ROLE;
    let all =
        identity.access_token_roles(&ask.cx, ask.id("id"), ask.id("token"), rule, unauthenticated).await?;
    let found = all.iter().find(|role| role.id == ask.id("role"));
    let found = found.ok_or_else(|| missing("role", ask.id("role")))?;
    Ok(one(200, "role", role_body(found, &ask)))
}

/// A role as it is told here: without its description.
fn role_body(role: &Role, ask: &Ask) -> Value {
    let mut body = role.body(&ask.cx.base);
    if let Some(body) = body.as_object_mut() {
        body.shift_remove("description");
    }
    body
}
