//! What this service says when something is wrong: Neutron's error types with their sentences, each once.

use fault::{Fault, Kind};
use policy::{Rule, Scope};
use std::fmt::Display;

/// A request that Neutron's API layer refuses itself.
pub fn bad(sentence: impl Into<String>) -> Fault {
    Fault::bad_input(sentence.into()).named("HTTPBadRequest")
}

/// The 404 that tells nothing.
pub fn nothing() -> Fault {
    Fault::not_found("The resource could not be found.").named("HTTPNotFound")
}

/// `InvalidInput`.
pub fn invalid(message: impl Display) -> Fault {
    invalid_named("InvalidInput", message)
}

/// A refinement of `InvalidInput` that keeps its sentence.
pub fn invalid_named(name: &'static str, message: impl Display) -> Fault {
    Fault::bad_input(format!("Invalid input for operation: {message}.")).named(name)
}

/// `BadRequest`.
pub fn bad_request(resource: &str, message: impl Display) -> Fault {
    Fault::bad_input(format!("Bad {resource} request: {message}.")).named("BadRequest")
}

/// A 400 with a type and a sentence of its own.
pub fn refused(name: &'static str, sentence: impl Into<String>) -> Fault {
    Fault::bad_input(sentence.into()).named(name)
}

/// A 409 with a type and a sentence.
pub fn conflict(name: &'static str, sentence: impl Into<String>) -> Fault {
    Fault::conflict(sentence.into()).named(name)
}

/// A 404 with a type and a sentence.
pub fn missing(name: &'static str, sentence: impl Into<String>) -> Fault {
    Fault::not_found(sentence.into()).named(name)
}

/// A 403 by a rule, or by several joined as oslo.policy writes them.
pub fn disallowed(rules: impl Display) -> Fault {
    Fault::forbidden(format!("{rules} is disallowed by policy")).named("PolicyNotAuthorized")
}

/// A 403 by what a token is for, as oslo.policy writes it.
pub fn out_of_scope(rule: &Rule, scope: Scope) -> Fault {
    let scopes = rule.scopes.words().collect::<Vec<_>>().join("', '");
    let (name, scope) = (rule.name, scope.word());
    Fault::forbidden(format!(
        "rule:{name} requires a scope of ['{scopes}'], request was made with {scope} scope."
    ))
    .named("InvalidScope")
}

/// Over quota.
pub fn over_quota(resource: &str) -> Fault {
    Fault::new(Kind::OverQuota, format!("Quota exceeded for resources: ['{resource}'].")).named("OverQuota")
}

macro_rules! absent {
    ($($name:ident, $code:literal, $sentence:literal;)*) => {
        $(#[doc = concat!("`", $code, "`.")] pub fn $name(id: &str) -> Fault {
            missing($code, $sentence.replace("{id}", id))
        })*
    };
}

absent! {
    network_missing, "NetworkNotFound", "Network {id} could not be found.";
    subnet_missing, "SubnetNotFound", "Subnet {id} could not be found.";
    subnet_pool_missing, "SubnetPoolNotFound", "Subnet pool {id} could not be found.";
    port_missing, "PortNotFound", "Port {id} could not be found.";
    router_missing, "RouterNotFound", "Router {id} could not be found";
    floating_ip_missing, "FloatingIPNotFound", "Floating IP {id} could not be found";
    security_group_missing, "SecurityGroupNotFound", "Security group {id} does not exist";
    security_group_rule_missing, "SecurityGroupRuleNotFound", "Security group rule {id} does not exist";
    rbac_missing, "RbacPolicyNotFound", "RBAC policy of type network with ID {id} not found";
    agent_missing, "AgentNotFound", "Agent {id} could not be found.";
    qos_policy_missing, "QosPolicyNotFound", "QoS policy {id} could not be found.";
}

/// A largest packet with which a subnet cannot be.
pub fn mtu_too_small(network: &str, least: i64) -> Fault {
    let sentence = format!("MTU of {network} is not valid, subnet requires a minimum of {least}");
    conflict("NetworkMTUSubnetConflict", sentence)
}

/// A network whose pools are used up.
pub fn no_address_left(network: &str) -> Fault {
    conflict("IpAddressGenerationFailure", format!("No more IP addresses available on network {network}."))
}
