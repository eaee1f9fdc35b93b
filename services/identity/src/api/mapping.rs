//! Mappings on the wire.

use super::{body, list, one};
use crate::Identity;
use crate::model::mapping::{DEFAULT_VERSION, Mapping, schema};
use fault::Fault;
use serde_json::Value;
use std::sync::Arc;
use web::{Answer, Ask};

/// The mapping in the body, which has to fit the schema of its version.
async fn mapping(ask: &mut Ask) -> Result<Mapping, Fault> {
    let mut given = match body(ask).await?["mapping"].take() {
        Value::Object(given) => given,
        Value::Null => serde_json::Map::new(),
        _ => return Err(Fault::bad_input("A mapping is an object.")),
    };
    let version = given.entry("schema_version").or_insert(Value::Null);
    if version.is_null() || *version == "" {
        *version = DEFAULT_VERSION.into();
    }
    let version = version.as_str().map_or_else(|| version.to_string(), str::to_owned);
    schema::check(&given, &version).map_err(Fault::bad_input)?;
    let rules = given.remove("rules").unwrap_or_default();
    Ok(Mapping { id: ask.id("id").to_owned(), rules, schema_version: version })
}

/// `GET /v3/OS-FEDERATION/mappings`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.mapping_list(&ask.cx).await?;
    Ok(list(&ask, "mappings", all.iter().map(|mapping| mapping.body(&ask.cx.base)), &[]))
}

/// `GET /v3/OS-FEDERATION/mappings/{id}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.mapping_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "mapping", found.body(&ask.cx.base)))
}

/// `PUT /v3/OS-FEDERATION/mappings/{id}`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    ask.cx.may(&crate::rules::CREATE_MAPPING, &policy::Target::none())?;
    let given = mapping(&mut ask).await?;
    let made = identity.mapping_create(&ask.cx, given).await?;
    Ok(one(201, "mapping", made.body(&ask.cx.base)))
}

/// `PATCH /v3/OS-FEDERATION/mappings/{id}`
pub async fn update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    ask.cx.may(&crate::rules::UPDATE_MAPPING, &policy::Target::none())?;
    let given = mapping(&mut ask).await?;
    let changed = identity.mapping_update(&ask.cx, given).await?;
    Ok(one(200, "mapping", changed.body(&ask.cx.base)))
}

/// `DELETE /v3/OS-FEDERATION/mappings/{id}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.mapping_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}
