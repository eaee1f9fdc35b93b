//! Regions, services and endpoints on the wire.

use super::{below, below_any, boolean, check_query, given, list, name, one, or_null};
use crate::Identity;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

fn region_attributes() -> Value {
    json!({
        "id": {"type": ["string", "null"], "maxLength": 255}, "description": or_null(json!({"type": "string"})),
        "parent_region_id": {"type": ["string", "null"], "maxLength": 255},
    })
}

fn service_attributes() -> Value {
    let type_name = json!({"type": "string", "minLength": 1, "maxLength": 255});
    json!({
        "type": type_name, "name": type_name, "enabled": boolean(),
    })
}

const INTERFACES: [&str; 3] = ["admin", "internal", "public"];

fn endpoint_attributes() -> Value {
    json!({
        "interface": {"type": "string", "enum": INTERFACES},
        "service_id": name(64), "region_id": {"type": ["string", "null"]}, "region": {"type": ["string", "null"]},
        "url": {"type": "string", "maxLength": 225, "pattern": "^[a-zA-Z0-9+.-]+:.+"}, "enabled": boolean(),
        "name": {"type": "string"},
    })
}

static REGION: LazyLock<Schema> = LazyLock::new(|| below_any("region", region_attributes()));
static REGION_UPDATE: LazyLock<Schema> = LazyLock::new(|| below("region", &[], region_attributes()));
static REGION_QUERY: LazyLock<Schema> = LazyLock::new(|| {
    let known = json!({"parent_region_id": {"type": "string", "minLength": 1}});
    Schema::new(json!({"type": "object", "properties": known, "additionalProperties": false}))
});
static ENDPOINT_QUERY: LazyLock<Schema> = LazyLock::new(|| {
    let interface = json!({"interface": {"type": "string", "enum": INTERFACES}});
    Schema::new(json!({"type": "object", "properties": interface}))
});
static SERVICE_CREATE: LazyLock<Schema> = LazyLock::new(|| below("service", &["type"], service_attributes()));
static SERVICE_UPDATE: LazyLock<Schema> = LazyLock::new(|| below("service", &[], service_attributes()));
static ENDPOINT_CREATE: LazyLock<Schema> =
    LazyLock::new(|| below("endpoint", &["interface", "service_id", "url"], endpoint_attributes()));
static ENDPOINT_UPDATE: LazyLock<Schema> = LazyLock::new(|| below("endpoint", &[], endpoint_attributes()));

/// `GET /v3/regions`
pub async fn region_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    check_query(&ask, &REGION_QUERY)?;
    let all = identity.region_list(&ask.cx).await?;
    Ok(list(&ask, "regions", all.iter().map(|region| region.body(&ask.cx.base)), &["parent_region_id"]))
}

/// `POST /v3/regions`
pub async fn region_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "region", &REGION).await?;
    let region = identity.region_create(&ask.cx, None, given).await?;
    Ok(one(201, "region", region.body(&ask.cx.base)))
}

/// `PUT /v3/regions/{id}`
pub async fn region_create_as(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "region", &REGION).await?;
    let id = ask.id("id").to_owned();
    if given.get("id").and_then(Value::as_str).is_some_and(|own| own != id) {
        let other = given.get("id").and_then(Value::as_str).unwrap_or_default();
        return Err(Fault::bad_input(format!("Conflicting region IDs specified: \"{id}\" != \"{other}\"")));
    }
    let region = identity.region_create(&ask.cx, Some(id), given).await?;
    Ok(one(201, "region", region.body(&ask.cx.base)))
}

/// `GET /v3/regions/{id}`
pub async fn region_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let region = identity.region_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "region", region.body(&ask.cx.base)))
}

/// `PATCH /v3/regions/{id}`
pub async fn region_update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "region", &REGION_UPDATE).await?;
    let region = identity.region_update(&ask.cx, ask.id("id"), given).await?;
    Ok(one(200, "region", region.body(&ask.cx.base)))
}

/// `DELETE /v3/regions/{id}`
pub async fn region_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.region_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/services`
pub async fn service_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.service_list(&ask.cx).await?;
    Ok(list(&ask, "services", all.iter().map(|service| service.body(&ask.cx.base)), &["type", "name"]))
}

/// `POST /v3/services`
pub async fn service_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "service", &SERVICE_CREATE).await?;
    let service = identity.service_put(&ask.cx, None, given).await?;
    Ok(one(201, "service", service.body(&ask.cx.base)))
}

/// `GET /v3/services/{id}`
pub async fn service_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let service = identity.service_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "service", service.body(&ask.cx.base)))
}

/// `PATCH /v3/services/{id}`
pub async fn service_update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "service", &SERVICE_UPDATE).await?;
    let service = identity.service_put(&ask.cx, Some(ask.id("id").to_owned()), given).await?;
    Ok(one(200, "service", service.body(&ask.cx.base)))
}

/// `DELETE /v3/services/{id}`
pub async fn service_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.service_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/endpoints`
pub async fn endpoint_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    check_query(&ask, &ENDPOINT_QUERY)?;
    let all = identity.endpoint_list(&ask.cx).await?;
    let filters = ["interface", "service_id", "region_id"];
    Ok(list(&ask, "endpoints", all.iter().map(|endpoint| endpoint.body(&ask.cx.base)), &filters))
}

/// `POST /v3/endpoints`
pub async fn endpoint_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "endpoint", &ENDPOINT_CREATE).await?;
    let endpoint = identity.endpoint_put(&ask.cx, None, given).await?;
    Ok(one(201, "endpoint", endpoint.body(&ask.cx.base)))
}

/// `GET /v3/endpoints/{id}`
pub async fn endpoint_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let endpoint = identity.endpoint_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "endpoint", endpoint.body(&ask.cx.base)))
}

/// `PATCH /v3/endpoints/{id}`
pub async fn endpoint_update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "endpoint", &ENDPOINT_UPDATE).await?;
    let endpoint = identity.endpoint_put(&ask.cx, Some(ask.id("id").to_owned()), given).await?;
    Ok(one(200, "endpoint", endpoint.body(&ask.cx.base)))
}

/// `DELETE /v3/endpoints/{id}`
pub async fn endpoint_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.endpoint_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}
