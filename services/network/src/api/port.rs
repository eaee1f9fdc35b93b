//! Ports.

use super::resource;
use crate::Network;
use crate::store::{self as rows, Condition};
use fault::Fault;
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /v2.0/ports`
pub async fn list(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::list(network, ask, |network, tx, cx, listing| {
        let columns = [
            ("id", "id"),
            ("name", "name"),
            ("project_id", "project_id"),
            ("network_id", "network_id"),
            ("device_id", "device_id"),
            ("device_owner", "device_owner"),
            ("mac_address", "mac"),
        ];
        let mut condition = Condition::all().narrowed(listing, &columns);
        for (part, column) in [("subnet_id", "subnet_id"), ("ip_address", "address")] {
            if let Some(values) = listing.fixed_ip(part).filter(|values| values.len() <= 100) {
                let marks = vec!["?"; values.len()].join(", ");
                let sql = format!("id IN (SELECT port_id FROM port_addresses WHERE {column} IN ({marks}))");
                condition = condition.and(&sql, values.iter().map(store::Value::from));
            }
        }
        rows::port::seen(tx, &cx.who, network.domain(), condition)
    })
    .await
}

/// `GET /v2.0/ports/{id}`
pub async fn show(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::show(network, ask, |network, tx, cx, id| {
        rows::port::find_seen(tx, &cx.who, network.domain(), id)
    })
    .await
}

/// `POST /v2.0/ports`
pub async fn create(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::create(network, ask, Network::port_create).await
}

/// `PUT /v2.0/ports/{id}`
pub async fn update(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::update(network, ask, Network::port_update).await
}

/// `DELETE /v2.0/ports/{id}`
pub async fn delete(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::delete(network, ask, Network::port_delete).await
}
