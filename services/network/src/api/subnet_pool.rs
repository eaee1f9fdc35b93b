//! Subnet pools.

use super::resource;
use crate::Network;
use crate::store as rows;
use fault::Fault;
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /v2.0/subnetpools`
pub async fn list(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::list(network, ask, |_, tx, cx, listing| {
        let columns = [("id", "id"), ("name", "name"), ("project_id", "project_id")];
        rows::subnet_pool::seen(tx, &cx.who, rows::Condition::all().narrowed(listing, &columns))
    })
    .await
}

/// `GET /v2.0/subnetpools/{id}`
pub async fn show(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::show(network, ask, |_, tx, cx, id| rows::subnet_pool::find_seen(tx, &cx.who, id)).await
}

/// `POST /v2.0/subnetpools`
pub async fn create(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::create(network, ask, Network::subnet_pool_create).await
}

/// `PUT /v2.0/subnetpools/{id}`
pub async fn update(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::update(network, ask, Network::subnet_pool_update).await
}

/// `DELETE /v2.0/subnetpools/{id}`
pub async fn delete(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::delete(network, ask, Network::subnet_pool_delete).await
}
