//! Routers.

use super::resource;
use crate::Network;
use crate::model::faults;
use crate::model::port::Port;
use crate::model::subnet::Subnet;
use crate::store as rows;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /v2.0/routers`
pub async fn list(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::list(network, ask, |_, tx, cx, listing| {
        let columns = [("id", "id"), ("name", "name"), ("project_id", "project_id")];
        rows::router::seen(tx, &cx.who, |condition| condition.narrowed(listing, &columns))
    })
    .await
}

/// `GET /v2.0/routers/{id}`
pub async fn show(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::show(network, ask, |_, tx, cx, id| {
        rows::router::complete(tx, rows::router::find_seen(tx, &cx.who, id)?)
    })
    .await
}

/// `POST /v2.0/routers`
pub async fn create(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::create(network, ask, Network::router_create).await
}

/// `PUT /v2.0/routers/{id}`
pub async fn update(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::update(network, ask, Network::router_update).await
}

/// `DELETE /v2.0/routers/{id}`
pub async fn delete(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::delete(network, ask, Network::router_delete).await
}

/// `PUT /v2.0/routers/{id}/add_router_interface`
pub async fn interface_add(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    interface(network, ask, Network::router_interface_add).await
}

/// `PUT /v2.0/routers/{id}/remove_router_interface`
pub async fn interface_remove(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    interface(network, ask, Network::router_interface_remove).await
}

type Connect = fn(&Network, &store::Tx, &web::Cx, &str, &Value) -> Result<(Port, Vec<Subnet>), Fault>;

async fn interface(network: Arc<Network>, mut ask: Ask, connect: Connect) -> Result<Answer, Fault> {
    let body = resource::json(&mut ask).await?;
    let (cx, service, id) = (ask.cx.clone(), network.clone(), ask.id("id").to_owned());
    let router = id.clone();
    let (port, subnets) = network.db.write(move |tx| connect(&service, tx, &cx, &id, &body)).await?;
    let ids: Vec<_> = subnets.iter().map(|subnet| subnet.id.as_str()).collect();
    Ok(Answer::ok(&json!({
        "id": router,
        "project_id": port.row.project_id,
        "port_id": port.row.id,
        "network_id": port.row.network_id,
        "subnet_id": ids.last(),
        "subnet_ids": ids,
    })))
}

/// `PUT /v2.0/routers/{id}/add_extraroutes`
pub async fn routes_add(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    routes(network, ask, true).await
}

/// `PUT /v2.0/routers/{id}/remove_extraroutes`
pub async fn routes_remove(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    routes(network, ask, false).await
}

async fn routes(network: Arc<Network>, mut ask: Ask, add: bool) -> Result<Answer, Fault> {
    let body = resource::json(&mut ask).await?;
    let routes = body.get("router").and_then(|router| router.get("routes")).cloned();
    let routes = routes.ok_or_else(|| faults::bad("Invalid input for routes. Reason: it is required."))?;
    resource::change(network, ask, move |network, tx, cx, id| network.router_routes(tx, cx, id, &routes, add))
        .await
}
