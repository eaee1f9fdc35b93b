//! The rules of the cloud: who may do what, what follows from it. One transaction an operation, given by the caller.

pub mod addressing;
pub mod agent;
pub mod default_group;
pub mod floating_ip;
pub(crate) mod may;
pub mod network;
pub mod port;
pub mod quota;
pub mod rbac;
pub mod router;
pub mod router_interface;
pub mod security_group;
pub mod security_group_rule;
pub(crate) mod shown;
pub mod subnet;
pub mod subnet_pool;
pub mod tag;

use crate::model::attribute::Wish;
use crate::model::network::NetworkRow;
use crate::model::{Body, faults};
use crate::store::network::is_shared_with;
use fault::Fault;
use policy::Target;
use store::Tx;
use web::Cx;

/// A target with the words that rules know flags by.
pub(crate) fn flagged(target: Target, name: &str, flag: bool) -> Target {
    target.with(name, if flag { "True" } else { "False" })
}

/// A target with all that is said of the thing. What is known of it otherwise comes first.
pub(crate) fn told<T: Body>(target: Target, thing: &T) -> Target {
    Target::none().with_body(&thing.body()).and(target)
}

/// What rules about things on a network see of it.
pub(crate) fn on_network(tx: &Tx, cx: &Cx, target: Target, network: &NetworkRow) -> Result<Target, Fault> {
    let shared = network.shared || is_shared_with(tx, &network.id, cx.who.project())?;
    Ok(of_network(target, &network.project_id, shared))
}

/// The same, of a network of this owner that is shared with the caller or not.
fn of_network(target: Target, owner: &str, shared: bool) -> Target {
    flagged(of(target, "network", owner), "networks:shared", shared)
}

/// What rules about a security group's rule see of the group of this owner.
fn of_group(target: Target, owner: &str) -> Target {
    of(target, "security_group", owner)
}

/// A target that belongs to a thing of this owner, under both names that Neutron has for a project.
fn of(target: Target, thing: &str, owner: &str) -> Target {
    target.with(&format!("{thing}:project_id"), owner).with(&format!("{thing}:tenant_id"), owner)
}

/// What rules about a network see, which is shared with the caller or not.
pub(crate) fn network_target(network: &NetworkRow, shared: bool) -> Target {
    let target = of(Target::project(&network.project_id), "network", &network.project_id);
    let target = flagged(target, "shared", shared);
    flagged(target, "router:external", network.external)
}

/// Quality of service is not offered: a policy that is named does not exist.
pub(crate) fn no_qos(wish: &Wish) -> Result<(), Fault> {
    match wish.text("qos_policy_id") {
        Some(id) => Err(faults::qos_policy_missing(&id)),
        None => Ok(()),
    }
}

/// Refuses availability zones that do not exist.
pub(crate) fn zones_exist(hints: &[String]) -> Result<(), Fault> {
    match hints.iter().find(|hint| hint.as_str() != crate::model::network::ZONE) {
        None => Ok(()),
        Some(zone) => {
            let sentence = format!("AvailabilityZone {zone} could not be found.");
            Err(faults::missing("AvailabilityZoneNotFound", sentence))
        }
    }
}
