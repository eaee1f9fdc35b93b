//! Credentials for other systems on the wire.

use super::{body, expected, given, list, one, unfit};
use crate::Identity;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

/// What a new credential must say; something beside it is not looked at.
fn credential(required: &[&str]) -> Schema {
    let text = json!({"type": "string"});
    let properties = json!({
        "id": text, "blob": text, "type": text, "user_id": text, "project_id": {"type": ["string", "null"]},
    });
    let inner = json!({"type": "object", "properties": properties, "required": required});
    Schema::new(json!({"type": "object", "properties": {"credential": inner}, "required": ["credential"]}))
}

static CREATE: LazyLock<Schema> = LazyLock::new(|| credential(&["blob", "type", "user_id"]));
static CREATE_EC2: LazyLock<Schema> =
    LazyLock::new(|| credential(&["blob", "type", "user_id", "project_id"]));
static UPDATE: LazyLock<Schema> = LazyLock::new(|| {
    let inner = json!({"type": "object", "properties": {"blob": {"type": "string"}}, "additionalProperties": false,
        "required": ["blob"]});
    Schema::new(json!({"type": "object", "properties": {"credential": inner}, "required": ["credential"]}))
});

/// `GET /v3/credentials`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.credential_list(&ask.cx).await?;
    Ok(list(&ask, "credentials", all.iter().map(|one| one.body(&ask.cx.base)), &["user_id", "type"]))
}

/// `POST /v3/credentials`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let mut said = body(&mut ask).await?;
    let schema = if said["credential"]["type"] == "ec2" { &CREATE_EC2 } else { &CREATE };
    schema.check(&said).map_err(unfit)?;
    let Value::Object(given) = said["credential"].take() else {
        return Err(expected("credential", "request body"));
    };
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
