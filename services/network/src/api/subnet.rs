//! Subnets.

use super::resource;
use crate::Network;
use crate::store::{self as rows, Condition};
use fault::Fault;
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /v2.0/subnets`
pub async fn list(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::list(network, ask, |_, tx, cx, listing| {
        let columns = [
            ("id", "id"),
            ("name", "name"),
            ("project_id", "project_id"),
            ("network_id", "network_id"),
            ("subnetpool_id", "pool_id"),
        ];
        let mut condition = Condition::all().narrowed(listing, &columns);
        if let Some(shared) = listing.only("shared") {
            let shared = shared.iter().any(|word| word == "True");
            let operator = if shared { "IN" } else { "NOT IN" };
            condition = condition
                .and(&format!("network_id {operator} (SELECT id FROM networks WHERE shared = 1)"), []);
        }
        rows::subnet::seen(tx, &cx.who, condition)
    })
    .await
}

/// `GET /v2.0/subnets/{id}`
pub async fn show(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::show(network, ask, |_, tx, cx, id| rows::subnet::find_seen(tx, &cx.who, id)).await
}

/// `POST /v2.0/subnets`
pub async fn create(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::create(network, ask, Network::subnet_create).await
}

/// `PUT /v2.0/subnets/{id}`
pub async fn update(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::update(network, ask, Network::subnet_update).await
}

/// `DELETE /v2.0/subnets/{id}`
pub async fn delete(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::delete(network, ask, Network::subnet_delete).await
}
