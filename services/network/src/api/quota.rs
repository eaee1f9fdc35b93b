//! Quotas.

use super::resource;
use crate::Network;
use crate::model::faults;
use fault::{Fault, Kind};
use serde_json::json;
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /v2.0/quotas`
pub async fn list(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    let service = network.clone();
    let quotas = network.db.read(move |tx| service.quota_list(tx, &ask.cx)).await?;
    Ok(Answer::ok(&json!({"quotas": quotas})))
}

/// `GET /v2.0/quotas/{id}`
pub async fn show(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    let (cx, project) = (ask.cx.clone(), ask.id("id").to_owned());
    if project == "tenant" || project == "project" {
        let key = format!("{project}_id");
        let missing = || faults::refused("QuotaMissingTenant", "Tenant-id was missing from quota request.");
        let own = cx.who.project_id.as_deref().ok_or_else(missing)?;
        return Ok(Answer::ok(&json!({project: {key: own}})));
    }
    let service = network.clone();
    let quota = network.db.read(move |tx| service.quota_show(tx, &cx, &project)).await?;
    Ok(Answer::ok(&json!({"quota": quota})))
}

/// `GET /v2.0/quotas/{id}/default`
pub async fn default(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    Ok(Answer::ok(&json!({"quota": network.quota_default(&ask.cx, ask.id("id"))?})))
}

/// `GET /v2.0/quotas/{id}/details`
pub async fn details(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    let (service, project) = (network.clone(), ask.id("id").to_owned());
    let quota = network.db.read(move |tx| service.quota_details(tx, &ask.cx, &project)).await?;
    Ok(Answer::ok(&json!({"quota": quota})))
}

/// `PUT /v2.0/quotas/{id}`
pub async fn update(network: Arc<Network>, mut ask: Ask) -> Result<Answer, Fault> {
    let body = resource::json(&mut ask).await?;
    let (service, project) = (network.clone(), ask.id("id").to_owned());
    let quota = network.db.write(move |tx| service.quota_update(tx, &ask.cx, &project, &body)).await?;
    Ok(Answer::ok(&json!({"quota": quota})))
}

/// `DELETE /v2.0/quotas/{id}`
pub async fn delete(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::delete(network, ask, Network::quota_delete).await
}

/// `POST /v2.0/quotas`
pub async fn create(_: Arc<Network>, _: Ask) -> Result<Answer, Fault> {
    Err(Fault::new(Kind::NotImplemented, "POST requests are not supported on this resource."))
}
