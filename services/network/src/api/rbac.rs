//! Policies that share things.

use super::resource;
use crate::Network;
use crate::store as rows;
use fault::Fault;
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /v2.0/rbac-policies`
pub async fn list(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::list(network, ask, |_, tx, cx, _| rows::rbac::seen(tx, &cx.who, |condition| condition)).await
}

/// `GET /v2.0/rbac-policies/{id}`
pub async fn show(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::show(network, ask, |_, tx, cx, id| rows::rbac::find_seen(tx, &cx.who, id)).await
}

/// `POST /v2.0/rbac-policies`
pub async fn create(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::create(network, ask, Network::rbac_policy_create).await
}

/// `PUT /v2.0/rbac-policies/{id}`
pub async fn update(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::update(network, ask, Network::rbac_policy_update).await
}

/// `DELETE /v2.0/rbac-policies/{id}`
pub async fn delete(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::delete(network, ask, Network::rbac_policy_delete).await
}
