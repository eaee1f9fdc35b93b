//! Options of domains on the wire.

use super::one;
use crate::Identity;
use crate::model::domain_config::{Options, Part};
use fault::Fault;
use serde_json::Value;
use std::sync::Arc;
use web::{Answer, Ask};

/// The part that the path names.
fn part(ask: &Ask) -> Part {
    let named = |slot: &str| Some(ask.id(slot).to_owned()).filter(|word| !word.is_empty());
    Part { group: named("group"), name: named("option") }
}

async fn given(ask: &mut Ask) -> Result<Options, Fault> {
    match super::body(ask).await?["config"].take() {
        Value::Object(given) => Ok(given),
        _ => Ok(Options::new()),
    }
}

/// `GET /v3/domains/{id}/config`, `…/{group}` and `…/{group}/{option}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let options = identity.domain_config_show(&ask.cx, ask.id("id"), part(&ask)).await?;
    Ok(one(200, "config", options.into()))
}

/// `PUT /v3/domains/{id}/config`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask).await?;
    let (options, had) = identity.domain_config_create(&ask.cx, ask.id("id"), given).await?;
    Ok(one(if had { 200 } else { 201 }, "config", options.into()))
}

/// `PATCH /v3/domains/{id}/config`, `…/{group}` and `…/{group}/{option}`
pub async fn update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask).await?;
    let options = identity.domain_config_update(&ask.cx, ask.id("id"), part(&ask), given).await?;
    Ok(one(200, "config", options.into()))
}

/// `DELETE /v3/domains/{id}/config`, `…/{group}` and `…/{group}/{option}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.domain_config_delete(&ask.cx, ask.id("id"), part(&ask)).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/domains/config/default`, `…/{group}/default` and `…/{group}/{option}/default`
pub async fn defaults(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    Ok(one(200, "config", identity.domain_config_default(&ask.cx, &part(&ask))?.into()))
}

/// `GET /v3/domains/{id}/config/security_compliance` and `…/{option}`
pub async fn compliance(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let name = part(&ask).name;
    let options = identity.domain_config_compliance(&ask.cx, ask.id("id"), name.as_deref())?;
    Ok(one(200, "config", options.into()))
}
