//! Identity providers and their protocols on the wire.

use super::{check_query, exactly, flag_or_word, flags, given, id, list, one, or_null};
use crate::Identity;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

/// How a provider calls itself.
fn remote_id() -> Value {
    json!({"type": "string", "maxLength": 64})
}

fn attributes() -> Value {
    json!({
        "enabled": flag_or_word(), "description": {"type": ["string", "null"]},
        "authorization_ttl": {"type": ["integer", "null"], "minimum": 0},
        "remote_ids": {"type": ["array", "null"], "items": remote_id(), "uniqueItems": true},
    })
}

static QUERY: LazyLock<Schema> = LazyLock::new(|| flags(&["enabled"]));
static CREATE: LazyLock<Schema> = LazyLock::new(|| {
    let mut attributes = attributes();
    attributes["domain_id"] = or_null(id());
    let inner = json!({"type": "object", "properties": attributes, "additionalProperties": false});
    let properties = json!({"identity_provider": inner});
    Schema::new(json!({"type": "object", "properties": properties, "additionalProperties": false}))
});
static UPDATE: LazyLock<Schema> =
    LazyLock::new(|| exactly("identity_provider", json!({"properties": attributes(), "minProperties": 1})));

fn mapping_id() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 64})
}

static PROTOCOL_CREATE: LazyLock<Schema> = LazyLock::new(|| {
    let properties = json!({"mapping_id": mapping_id(), "remote_id_attribute": or_null(remote_id())});
    exactly("protocol", json!({"properties": properties, "required": ["mapping_id"]}))
});
static PROTOCOL_UPDATE: LazyLock<Schema> = LazyLock::new(|| {
    let properties = json!({"mapping_id": mapping_id(), "remote_id_attribute": remote_id()});
    exactly("protocol", json!({"properties": properties, "minProperties": 1, "required": ["mapping_id"]}))
});

/// `GET /v3/OS-FEDERATION/identity_providers`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    check_query(&ask, &QUERY)?;
    let all = identity.identity_provider_list(&ask.cx).await?;
    Ok(list(&ask, "identity_providers", all.iter().map(|one| one.body(&ask.cx.base)), &["id", "enabled"]))
}

/// `GET /v3/OS-FEDERATION/identity_providers/{id}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.identity_provider_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "identity_provider", found.body(&ask.cx.base)))
}

/// `PUT /v3/OS-FEDERATION/identity_providers/{id}`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "identity_provider", &CREATE).await?;
    let made = identity.identity_provider_create(&ask.cx, ask.id("id"), given).await?;
    Ok(one(201, "identity_provider", made.body(&ask.cx.base)))
}

/// `PATCH /v3/OS-FEDERATION/identity_providers/{id}`
pub async fn update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "identity_provider", &UPDATE).await?;
    let changed = identity.identity_provider_update(&ask.cx, ask.id("id"), given).await?;
    Ok(one(200, "identity_provider", changed.body(&ask.cx.base)))
}

/// `DELETE /v3/OS-FEDERATION/identity_providers/{id}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.identity_provider_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/OS-FEDERATION/identity_providers/{id}/protocols`
pub async fn protocol_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.protocol_list(&ask.cx, ask.id("id")).await?;
    let body = |protocol: &crate::model::identity_provider::Protocol| {
        let mut body = protocol.body(&ask.cx.base);
        body["idp_id"] = json!(protocol.provider_id);
        body["remote_id_attribute"] = json!(protocol.remote_id_attribute);
        body
    };
    Ok(list(&ask, "protocols", all.iter().map(body), &[]))
}

/// `GET /v3/OS-FEDERATION/identity_providers/{id}/protocols/{protocol}`
pub async fn protocol_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.protocol_show(&ask.cx, ask.id("id"), ask.id("protocol")).await?;
    Ok(one(200, "protocol", found.body(&ask.cx.base)))
}

/// `PUT /v3/OS-FEDERATION/identity_providers/{id}/protocols/{protocol}`
pub async fn protocol_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "protocol", &PROTOCOL_CREATE).await?;
    let made = identity.protocol_create(&ask.cx, ask.id("id"), ask.id("protocol"), given).await?;
    Ok(one(201, "protocol", made.body(&ask.cx.base)))
}

/// `PATCH /v3/OS-FEDERATION/identity_providers/{id}/protocols/{protocol}`
pub async fn protocol_update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "protocol", &PROTOCOL_UPDATE).await?;
    let changed = identity.protocol_update(&ask.cx, ask.id("id"), ask.id("protocol"), given).await?;
    Ok(one(200, "protocol", changed.body(&ask.cx.base)))
}

/// `DELETE /v3/OS-FEDERATION/identity_providers/{id}/protocols/{protocol}`
pub async fn protocol_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.protocol_delete(&ask.cx, ask.id("id"), ask.id("protocol")).await?;
    Ok(Answer::empty(204))
}
