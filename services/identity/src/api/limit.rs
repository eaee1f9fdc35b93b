//! Registered limits and limits on the wire.

use super::{check_query, exactly, given, id, list, name, one, or_null, unfit};
use crate::Identity;
use fault::Fault;
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

fn amount() -> Value {
    json!({"type": "integer", "minimum": -1, "maximum": i32::MAX})
}

fn region() -> Value {
    json!({"type": ["string", "null"]})
}

fn description() -> Value {
    json!({"type": ["string", "null"], "maxLength": 255})
}

fn registered() -> Value {
    json!({
        "service_id": {"type": "string"}, "region_id": region(), "resource_name": name(255), "default_limit": amount(),
        "description": description(),
    })
}

/// A schema of `{NOUNS: [{…}, …]}`.
fn several(nouns: &str, required: &[&str], properties: Value) -> Schema {
    let inner = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    });
    Schema::new(json!({
        "type": "object", "properties": {nouns: {"type": "array", "items": inner, "minItems": 1}}, "required": [nouns],
        "additionalProperties": false,
    }))
}

static REGISTERED_CREATE: LazyLock<Schema> = LazyLock::new(|| {
    several("registered_limits", &["service_id", "resource_name", "default_limit"], registered())
});
static REGISTERED_UPDATE: LazyLock<Schema> =
    LazyLock::new(|| exactly("registered_limit", json!({"properties": registered()})));
static CREATE: LazyLock<Schema> = LazyLock::new(|| {
    let properties = json!({
        "service_id": {"type": "string"}, "region_id": region(), "resource_name": name(255), "resource_limit": amount(),
        "description": description(), "project_id": or_null(id()), "domain_id": or_null(id()),
    });
    several("limits", &["service_id", "resource_name", "resource_limit"], properties)
});
static UPDATE: LazyLock<Schema> = LazyLock::new(|| {
    exactly("limit", json!({"properties": {"resource_limit": amount(), "description": description()}}))
});
static QUERY: LazyLock<Schema> = LazyLock::new(|| {
    let known = json!({"resource_name": name(255), "project_id": id(), "domain_id": id()});
    Schema::new(json!({"type": "object", "properties": known}))
});

const FILTERS: &[&str] = &["service_id", "region_id", "resource_name", "project_id", "domain_id"];

async fn all_given(ask: &mut Ask, nouns: &str, schema: &Schema) -> Result<Vec<Map<String, Value>>, Fault> {
    let mut body = super::body(ask).await?;
    schema.check(&body).map_err(unfit)?;
    let all = body[nouns].take();
    let all = all.as_array().into_iter().flatten().filter_map(Value::as_object);
    Ok(all.cloned().collect())
}

/// `GET /v3/registered_limits`
pub async fn registered_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    check_query(&ask, &QUERY)?;
    let all = identity.registered_limit_list(&ask.cx).await?;
    Ok(list(&ask, "registered_limits", all.iter().map(|one| one.body(&ask.cx.base)), &FILTERS[..3]))
}

/// `POST /v3/registered_limits`
pub async fn registered_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = all_given(&mut ask, "registered_limits", &REGISTERED_CREATE).await?;
    let made = identity.registered_limit_create(&ask.cx, given).await?;
    let bodies: Vec<Value> = made.iter().map(|one| one.body(&ask.cx.base)).collect();
    Ok(one(201, "registered_limits", json!(bodies)))
}

/// `GET /v3/registered_limits/{id}`
pub async fn registered_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.registered_limit_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "registered_limit", found.body(&ask.cx.base)))
}

/// `PATCH /v3/registered_limits/{id}`
pub async fn registered_update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "registered_limit", &REGISTERED_UPDATE).await?;
    let changed = identity.registered_limit_update(&ask.cx, ask.id("id"), given).await?;
    Ok(one(200, "registered_limit", changed.body(&ask.cx.base)))
}

/// `DELETE /v3/registered_limits/{id}`
pub async fn registered_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.registered_limit_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/limits/model`
pub async fn model_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    Ok(one(200, "model", identity.limit_model(&ask.cx)?.body()))
}

/// `GET /v3/limits`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    check_query(&ask, &QUERY)?;
    let all = identity.limit_list(&ask.cx).await?;
    Ok(list(&ask, "limits", all.iter().map(|one| one.body(&ask.cx.base)), FILTERS))
}

/// `POST /v3/limits`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = all_given(&mut ask, "limits", &CREATE).await?;
    for limit in &given {
        check_holder(limit)?;
    }
    let made = identity.limit_create(&ask.cx, given).await?;
    let bodies: Vec<Value> = made.iter().map(|one| one.body(&ask.cx.base)).collect();
    Ok(one(201, "limits", json!(bodies)))
}

/// A limit is a project's or a domain's.
fn check_holder(limit: &Map<String, Value>) -> Result<(), Fault> {
    match (limit.contains_key("project_id"), limit.contains_key("domain_id")) {
        (true, false) | (false, true) => Ok(()),
        _ => Err(super::expected("either project_id or domain_id", "limit")),
    }
}

/// `GET /v3/limits/{id}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.limit_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "limit", found.body(&ask.cx.base)))
}

/// `PATCH /v3/limits/{id}`
pub async fn update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "limit", &UPDATE).await?;
    let changed = identity.limit_update(&ask.cx, ask.id("id"), given).await?;
    Ok(one(200, "limit", changed.body(&ask.cx.base)))
}

/// `DELETE /v3/limits/{id}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.limit_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}
