//! Floating IPs.

use super::resource;
use crate::Network;
use crate::store as rows;
use fault::Fault;
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /v2.0/floatingips`
pub async fn list(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::list(network, ask, |_, tx, cx, listing| {
        let columns =
            [("id", "id"), ("project_id", "project_id"), ("port_id", "port_id"), ("router_id", "router_id")];
        rows::floating_ip::seen(tx, &cx.who, |condition| condition.narrowed(listing, &columns))
    })
    .await
}

/// `GET /v2.0/floatingips/{id}`
pub async fn show(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::show(network, ask, |_, tx, cx, id| {
        rows::floating_ip::complete(tx, rows::floating_ip::find_seen(tx, &cx.who, id)?)
    })
    .await
}

/// `POST /v2.0/floatingips`
pub async fn create(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::create(network, ask, Network::floating_ip_create).await
}

/// `PUT /v2.0/floatingips/{id}`
pub async fn update(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::update(network, ask, Network::floating_ip_update).await
}

/// `DELETE /v2.0/floatingips/{id}`
pub async fn delete(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::delete(network, ask, Network::floating_ip_delete).await
}
