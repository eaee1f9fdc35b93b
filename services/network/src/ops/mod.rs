//! The rules of the cloud: who may do what, what follows from it. One transaction an operation, given by the caller.

pub mod addressing;
pub mod agent;
pub mod default_group;
pub mod floating_ip;
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

use crate::model::attribute::{Noun, Wish};
use crate::model::faults;
use crate::model::network::NetworkRow;
use crate::rules;
use crate::store::network::is_shared_with;
use fault::Fault;
use policy::{Rule, Target};
use serde_json::Value;
use store::Tx;
use web::Cx;

/// A target with the words that rules know flags by.
pub(crate) fn flagged(target: Target, name: &str, flag: bool) -> Target {
    target.with(name, if flag { "True" } else { "False" })
}

/// What rules about things on a network see of it.
pub(crate) fn on_network(tx: &Tx, cx: &Cx, target: Target, network: &NetworkRow) -> Result<Target, Fault> {
    let shared = network.shared || is_shared_with(tx, &network.id, cx.who.project())?;
    Ok(of_network(target, &network.project_id, shared))
}

/// The same, of a network of this owner that is shared with the caller or not.
fn of_network(target: Target, owner: &str, shared: bool) -> Target {
    flagged(target.with("network:project_id", owner), "networks:shared", shared)
}

/// What rules about a network see.
pub(crate) fn network_target(network: &NetworkRow) -> Target {
    let target = Target::project(&network.project_id).with("network:project_id", &network.project_id);
    let target = flagged(target, "shared", network.shared);
    flagged(target, "router:external", network.external)
}

/// Refuses what a rule, or a rule of an attribute that the caller names, does not allow. The sentence joins the rules
/// as oslo.policy writes them.
pub(crate) fn may(
    cx: &Cx,
    action: &str,
    noun: &Noun,
    wish: &Wish,
    target: &Target,
    create: bool,
) -> Result<(), Fault> {
    let mut refused = refusing(cx, action, target);
    let mut text = format!("rule:{action}");
    for attribute in wish.ruled(noun, create) {
        let name = format!("{action}:{}", attribute.name);
        refused = refused.or_else(|| refusing(cx, &name, target));
        let parts = if attribute.parted() { parts(wish.value(attribute.name)) } else { Vec::new() };
        let parts: Vec<_> = parts.into_iter().map(|part| format!("{name}:{part}")).collect();
        refused = refused.or_else(|| parts.iter().find_map(|part| refusing(cx, part, target)));
        let own = match parts.is_empty() {
            true => format!("rule:{name}"),
            false => {
                let parts: Vec<_> = parts.iter().map(|part| format!("rule:{part}")).collect();
                format!("(rule:{name} and ({}))", parts.join(" and "))
            }
        };
        text = format!("({text} and {own})");
    }
    refused.map_or(Ok(()), |rule| Err(cx.explained(faults::disallowed(text), rule)))
}

/// The rule of that name, if it does not allow; one that is not in the table asks for nothing beyond the others.
fn refusing(cx: &Cx, name: &str, target: &Target) -> Option<&'static Rule> {
    rules::named(name).filter(|rule| !cx.allows(rule, target))
}

/// The names of the parts of an attribute that have rules of their own.
fn parts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Object(map)) => map.keys().cloned().collect(),
        Some(Value::Array(items)) => {
            let mut names: Vec<String> = Vec::new();
            for key in items.iter().filter_map(Value::as_object).flat_map(|map| map.keys()) {
                if !names.contains(key) {
                    names.push(key.clone());
                }
            }
            names
        }
        _ => Vec::new(),
    }
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
