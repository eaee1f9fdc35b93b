//! Service providers on the wire.

use super::{check_query, exactly, flag_or_word, flags, given, list, one};
use crate::Identity;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

fn attributes() -> Value {
    let url = json!({"type": "string", "minLength": 0, "maxLength": 225, "pattern": "^[a-zA-Z0-9+.-]+:.+"});
    let text = json!({"type": ["string", "null"]});
    json!({
        "auth_url": url, "sp_url": url, "description": text, "enabled": flag_or_word(), "relay_state_prefix": text,
    })
}

static QUERY: LazyLock<Schema> = LazyLock::new(|| flags(&["enabled"]));
static CREATE: LazyLock<Schema> = LazyLock::new(|| {
    exactly("service_provider", json!({"properties": attributes(), "required": ["auth_url", "sp_url"]}))
});
static UPDATE: LazyLock<Schema> =
    LazyLock::new(|| exactly("service_provider", json!({"properties": attributes(), "minProperties": 1})));

/// `GET /v3/OS-FEDERATION/service_providers`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    check_query(&ask, &QUERY)?;
    let all = identity.service_provider_list(&ask.cx).await?;
    Ok(list(&ask, "service_providers", all.iter().map(|one| one.body(&ask.cx.base)), &["id", "enabled"]))
}

/// `GET /v3/OS-FEDERATION/service_providers/{id}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.service_provider_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "service_provider", found.body(&ask.cx.base)))
}

/// `PUT /v3/OS-FEDERATION/service_providers/{id}`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "service_provider", &CREATE).await?;
    let made = identity.service_provider_create(&ask.cx, ask.id("id"), given).await?;
    Ok(one(201, "service_provider", made.body(&ask.cx.base)))
}

/// `PATCH /v3/OS-FEDERATION/service_providers/{id}`
pub async fn update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "service_provider", &UPDATE).await?;
    let changed = identity.service_provider_update(&ask.cx, ask.id("id"), given).await?;
    Ok(one(200, "service_provider", changed.body(&ask.cx.base)))
}

/// `DELETE /v3/OS-FEDERATION/service_providers/{id}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.service_provider_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}
