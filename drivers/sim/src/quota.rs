//! What services say when a quota is exhausted: each its own words, for what the operation would have added.

use fault::{Fault, Kind};

/// What an operation of the network service adds, by how its name begins; the longer beginnings first.
const NETWORK: [(&str, &str); 11] = [
    ("network", "network"),
    ("subnetpool", "subnetpool"),
    ("subnet", "subnet"),
    ("port", "port"),
    ("router_routes", "router_route"),
    // An interface is a port.
    ("router_interface", "port"),
    ("router", "router"),
    ("floating_ip", "floatingip"),
    ("security_group_rule", "security_group_rule"),
    ("security_group", "security_group"),
    ("rbac_policy", "rbac_policy"),
];

/// What the compute service says, by how the operation's name begins.
const COMPUTE: [(&str, &str); 6] = [
    ("keypair", "Quota exceeded, too many key pairs."),
    ("group", "Quota exceeded, too many server groups."),
    ("metadata", "Maximum number of metadata items exceeds 128"),
    ("interface", "Maximum number of ports exceeded"),
    ("security_group_rule", "Quota exceeded for resources: ['security_group_rule']."),
    ("security_group", "Quota exceeded for resources: ['security_group']."),
];

/// The fault of a service whose quota is exhausted.
pub(crate) fn exhausted(service: &str, operation: &str) -> Fault {
    let said = match service {
        "compute" => of(&COMPUTE, operation)
            .unwrap_or("Quota exceeded for instances: Requested 1, but already used 10 of 10 instances")
            .to_owned(),
        "network" => {
            format!("Quota exceeded for resources: ['{}'].", of(&NETWORK, operation).unwrap_or("port"))
        }
        _ => "The quota has been exceeded.".to_owned(),
    };
    Fault::new(Kind::OverQuota, said).named("OverQuota")
}

fn of(table: &[(&str, &'static str)], operation: &str) -> Option<&'static str> {
    table.iter().find(|(begin, _)| operation.starts_with(begin)).map(|(_, said)| *said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_the_words_of_what_it_adds() {
        for (service, operation, says) in [
            ("network", "network_create", "Quota exceeded for resources: ['network']."),
            ("network", "subnet_create", "Quota exceeded for resources: ['subnet']."),
            ("network", "subnetpool_create", "Quota exceeded for resources: ['subnetpool']."),
            ("network", "port_create", "Quota exceeded for resources: ['port']."),
            ("network", "router_create", "Quota exceeded for resources: ['router']."),
            ("network", "router_routes_add", "Quota exceeded for resources: ['router_route']."),
            ("network", "router_interface_add", "Quota exceeded for resources: ['port']."),
            ("network", "floating_ip_create", "Quota exceeded for resources: ['floatingip']."),
            ("network", "security_group_create", "Quota exceeded for resources: ['security_group']."),
            (
                "network",
                "security_group_rule_create",
                "Quota exceeded for resources: ['security_group_rule'].",
            ),
            ("network", "rbac_policy_create", "Quota exceeded for resources: ['rbac_policy']."),
            ("compute", "keypair_create", "Quota exceeded, too many key pairs."),
            ("compute", "group_create", "Quota exceeded, too many server groups."),
            (
                "compute",
                "server_create",
                "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances",
            ),
            ("image", "image_create", "The quota has been exceeded."),
        ] {
            assert_eq!(exhausted(service, operation).public(), says, "{operation}");
        }
    }
}
