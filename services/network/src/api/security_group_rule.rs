//! Rules of security groups.

use super::resource;
use crate::Network;
use crate::model::attribute::Wish;
use crate::model::faults;
use crate::store::Condition;
use fault::Fault;
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /v2.0/security-group-rules`
pub async fn list(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::list(network, ask, |network, tx, cx, listing| {
        let columns = [("id", "id"), ("security_group_id", "group_id")];
        network.security_group_rules_seen(tx, &cx.who, Condition::all().narrowed(listing, &columns))
    })
    .await
}

/// `GET /v2.0/security-group-rules/{id}`
pub async fn show(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::show(network, ask, |network, tx, cx, id| network.rule_seen(tx, &cx.who, id)).await
}

/// `POST /v2.0/security-group-rules`
pub async fn create(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::create_checked(network, ask, apart, Network::security_group_rule_create).await
}

/// `PUT /v2.0/security-group-rules/{id}`
pub async fn update(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::update(network, ask, Network::security_group_rule_update).await
}

/// `DELETE /v2.0/security-group-rules/{id}`
pub async fn delete(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::delete(network, ask, Network::security_group_rule_delete).await
}

/// Refuses two rules in one request that are the same, and rules of several groups.
fn apart(wishes: &[Wish]) -> Result<(), Fault> {
    const NAMES: [&str; 8] = [
        "direction",
        "ethertype",
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_group_id",
        "remote_ip_prefix",
        "security_group_id",
    ];
    for (at, wish) in wishes.iter().enumerate() {
        if wishes[..at].iter().any(|other| other.text("security_group_id") != wish.text("security_group_id"))
        {
            let sentence = "Only allowed to update rules for one security profile at a time";
            return Err(faults::refused("SecurityGroupNotSingleGroupRules", sentence));
        }
        if wishes[..at].iter().any(|other| NAMES.iter().all(|name| other.value(name) == wish.value(name))) {
            return Err(faults::conflict(
                "DuplicateSecurityGroupRuleInPost",
                "Duplicate Security Group Rule in POST.",
            ));
        }
    }
    Ok(())
}
