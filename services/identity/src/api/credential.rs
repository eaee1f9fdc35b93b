//! Credentials for other systems and policy documents on the wire.

use super::{below, expected, given, list, one};
use crate::Identity;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

static CREATE: LazyLock<Schema> = LazyLock::new(|| {
    let text = json!({"type": "string"});
    let properties = json!({
        "id": text, "blob": text, "type": text, "user_id": text, "project_id": {"type": ["string", "null"]},
    });
    below("credential", &["blob", "type", "user_id"], properties)
});
static UPDATE: LazyLock<Schema> = LazyLock::new(|| {
    let inner = json!({"type": "object", "properties": {"blob": {"type": "string"}}, "required": ["blob"],
        "additionalProperties": false});
    Schema::new(json!({"type": "object", "properties": {"credential": inner}, "required": ["credential"]}))
});
static POLICY_CREATE: LazyLock<Schema> = LazyLock::new(|| below("policy", &["blob", "type"], document()));
static POLICY_UPDATE: LazyLock<Schema> = LazyLock::new(|| below("policy", &[], document()));

fn document() -> Value {
    json!({"blob": {"type": "string"}, "type": {"type": "string", "maxLength": 255}})
}

/// `GET /v3/credentials`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.credential_list(&ask.cx).await?;
    Ok(list(&ask, "credentials", all.iter().map(|one| one.body(&ask.cx.base)), &["user_id", "type"]))
}

/// `POST /v3/credentials`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "credential", &CREATE).await?;
    if given.get("type").and_then(Value::as_str) == Some("ec2") && !given.contains_key("project_id") {
        return Err(expected("project_id", "credential"));
    }
    let made = identity.credential_create(&ask.cx, given).await?;
    Ok(one(201, "credential", made.body(&ask.cx.base)))
}

/// `GET /v3/credentials/{id}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.credential_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "credential", found.body(&ask.cx.base)))
}

/// `PATCH /v3/credentials/{id}`
pub async fn update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "credential", &UPDATE).await?;
    let changed = identity.credential_update(&ask.cx, ask.id("id"), given).await?;
    Ok(one(200, "credential", changed.body(&ask.cx.base)))
}

/// `DELETE /v3/credentials/{id}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.credential_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/policies`
pub async fn policy_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.policy_list(&ask.cx).await?;
    Ok(list(&ask, "policies", all.iter().map(|one| one.body(&ask.cx.base)), &["type"]))
}

/// `POST /v3/policies`
pub async fn policy_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "policy", &POLICY_CREATE).await?;
    let made = identity.policy_put(&ask.cx, None, given).await?;
    Ok(one(201, "policy", made.body(&ask.cx.base)))
}

/// `GET /v3/policies/{id}`
pub async fn policy_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.policy_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "policy", found.body(&ask.cx.base)))
}

/// `PATCH /v3/policies/{id}`
pub async fn policy_update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "policy", &POLICY_UPDATE).await?;
    let changed = identity.policy_put(&ask.cx, Some(ask.id("id").to_owned()), given).await?;
    Ok(one(200, "policy", changed.body(&ask.cx.base)))
}

/// `DELETE /v3/policies/{id}`
pub async fn policy_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.policy_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}
