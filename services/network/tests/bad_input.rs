//! Bodies that Neutron refuses: the same statuses, types and sentences, recorded from Neutron 29.

use crate::cloud::{ADMIN, Cloud, DEMO};
use serde_json::{Value, json};

const NOBODY: &str = "00000000-0000-0000-0000-000000000001";

/// Noun, body, status, type, message. `{n}`, `{s}` and `{g}` stand for a network, its subnet and a group.
fn table() -> Vec<(&'static str, Value, u16, &'static str, &'static str)> {
    let n = "{n}";
    let subnet = |more: Value| {
        let mut body = json!({"network_id": n, "cidr": "10.2.0.0/24", "ip_version": 4});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let port = |more: Value| {
        let mut body = json!({"network_id": n});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let rule = |more: Value| {
        let mut body = json!({"security_group_id": "{g}", "direction": "ingress"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    vec![
        ("network", json!({"foo": 1}), 400, "HTTPBadRequest", "Unrecognized attribute(s) 'foo'"),
        ("network", json!([]), 400, "HTTPBadRequest", "Object 'network' contains invalid data"),
        (
            "network",
            json!({"name": 5}),
            400,
            "HTTPBadRequest",
            "Invalid input for name. Reason: '5' is not a valid string.",
        ),
        ("network", json!({"id": "x"}), 400, "HTTPBadRequest", "Attribute 'id' not allowed in POST"),
        (
            "network",
            json!({"admin_state_up": "maybe"}),
            400,
            "InvalidInput",
            "Invalid input for operation: 'maybe' cannot be converted to boolean.",
        ),
        (
            "network",
            json!({"shared": true}),
            403,
            "PolicyNotAuthorized",
            "(rule:create_network and rule:create_network:shared) is disallowed by policy",
        ),
        (
            "network",
            json!({"tenant_id": "other"}),
            400,
            "HTTPBadRequest",
            "Specifying 'project_id' other than the authenticated project in request is not allowed for the current user.",
        ),
        (
            "subnet",
            json!({"network_id": n, "ip_version": 4}),
            400,
            "BadRequest",
            "Bad subnets request: a subnetpool must be specified in the absence of a cidr.",
        ),
        (
            "subnet",
            subnet(json!({"cidr": "10.1.0.0/16"})),
            400,
            "InvalidInput",
            "Invalid input for operation: Requested subnet with cidr: 10.1.0.0/16 for network: {n} overlaps with another subnet.",
        ),
        (
            "subnet",
            subnet(json!({"gateway_ip": "10.2.0.255"})),
            400,
            "InvalidInput",
            "Invalid input for operation: Gateway is not valid on subnet.",
        ),
        (
            "subnet",
            subnet(json!({"allocation_pools": [{"start": "10.2.0.1", "end": "10.2.0.9"}]})),
            409,
            "GatewayConflictWithAllocationPools",
            "Gateway ip 10.2.0.1 conflicts with allocation pool 10.2.0.1-10.2.0.9.",
        ),
        (
            "subnet",
            subnet(json!({"dns_nameservers": ["x"]})),
            400,
            "HTTPBadRequest",
            "Invalid input for dns_nameservers. Reason: 'x' is not a valid nameserver. 'x' is not a valid IP address.",
        ),
        (
            "subnet",
            subnet(json!({"ip_version": 6})),
            400,
            "InvalidInput",
            "Invalid input for operation: cidr '10.2.0.0/24' does not match the ip_version '6'.",
        ),
        (
            "port",
            json!({"network_id": NOBODY}),
            404,
            "NetworkNotFound",
            "Network 00000000-0000-0000-0000-000000000001 could not be found.",
        ),
        (
            "port",
            port(json!({"mac_address": "zz"})),
            400,
            "HTTPBadRequest",
            "Invalid input for mac_address. Reason: 'zz' is not a valid MAC address.",
        ),
        (
            "port",
            port(json!({"fixed_ips": [{"ip_address": "10.99.0.1"}]})),
            400,
            "InvalidIpForNetwork",
            "IP address 10.99.0.1 is not a valid IP for any of the subnets on the specified network.",
        ),
        (
            "port",
            port(json!({"fixed_ips": [{"ip_address": "10.1.0.2"}]})),
            409,
            "IpAddressAlreadyAllocated",
            "IP address 10.1.0.2 already allocated in subnet {s}",
        ),
        (
            "port",
            port(json!({"security_groups": [NOBODY]})),
            404,
            "SecurityGroupNotFound",
            "Security group 00000000-0000-0000-0000-000000000001 does not exist",
        ),
        (
            "port",
            port(json!({"binding:host_id": "h"})),
            403,
            "PolicyNotAuthorized",
            "(rule:create_port and rule:create_port:binding:host_id) is disallowed by policy",
        ),
        (
            "port",
            port(json!({"allowed_address_pairs": [{"mac_address": "fa:16:3e:00:00:01"}]})),
            400,
            "AllowedAddressPairsMissingIP",
            "AllowedAddressPair must contain ip_address",
        ),
        (
            "router",
            json!({"external_gateway_info": {"network_id": n}}),
            400,
            "BadRequest",
            "Bad router request: Network {n} is not an external network.",
        ),
        ("router", json!({"routes": []}), 400, "HTTPBadRequest", "Attribute 'routes' not allowed in POST"),
        (
            "floatingip",
            json!({"floating_network_id": n}),
            400,
            "BadRequest",
            "Bad floatingip request: Network {n} is not a valid external network.",
        ),
        (
            "security_group",
            json!({"name": "Default"}),
            409,
            "SecurityGroupDefaultAlreadyExists",
            "Default security group already exists.",
        ),
        (
            "security_group_rule",
            rule(json!({"port_range_min": 80, "port_range_max": 80})),
            400,
            "SecurityGroupProtocolRequiredWithPorts",
            "Must also specify protocol if port range is given.",
        ),
        (
            "security_group_rule",
            rule(json!({"protocol": "TCP", "port_range_min": 80, "port_range_max": 70})),
            400,
            "SecurityGroupInvalidPortRange",
            "For TCP/UDP protocols, port_range_min must be <= port_range_max",
        ),
        (
            "security_group_rule",
            rule(json!({"protocol": "icmp", "port_range_min": 300})),
            400,
            "SecurityGroupInvalidIcmpValue",
            "Invalid value for ICMP type (port_range_min) 300. It must be 0 to 255.",
        ),
        (
            "security_group_rule",
            rule(json!({"remote_ip_prefix": "x"})),
            400,
            "InvalidCIDR",
            "Invalid CIDR x given as IP prefix.",
        ),
        (
            "security_group_rule",
            rule(json!({"remote_ip_prefix": "fd00::/64"})),
            400,
            "SecurityGroupRuleParameterConflict",
            "Conflicting value ethertype IPv4 for CIDR fd00::/64",
        ),
    ]
}

#[tokio::test]
async fn what_neutron_refuses_is_refused_in_its_words_and_changes_nothing() {
    let cloud = Cloud::start().await;
    let made = cloud.post(DEMO, "/v2.0/networks", json!({"network": {"name": "n"}})).await.one("network");
    let network = made["id"].as_str().unwrap().to_owned();
    let subnet = json!({"subnet": {"network_id": network, "cidr": "10.1.0.0/24", "ip_version": 4}});
    let subnet =
        cloud.post(DEMO, "/v2.0/subnets", subnet).await.one("subnet")["id"].as_str().unwrap().to_owned();
    let group = cloud.get(DEMO, "/v2.0/security-groups").await.ids("security_groups")[0].clone();
    let fill = |text: &str| text.replace("{n}", &network).replace("{s}", &subnet).replace("{g}", &group);
    let before = everything(&cloud).await;
    for (noun, body, status, name, message) in table() {
        let body: Value = serde_json::from_str(&fill(&json!({noun: body}).to_string())).unwrap();
        let path = format!("/v2.0/{}s", noun.replace('_', "-"));
        let told = cloud.post(DEMO, &path, body.clone()).await;
        assert_eq!(told.error(), (status, name, fill(message).as_str()), "{body}");
    }
    assert_eq!(everything(&cloud).await, before);
}

async fn everything(cloud: &Cloud) -> Vec<Value> {
    let mut all = Vec::new();
    for path in
        ["networks", "subnets", "ports", "routers", "floatingips", "security-groups", "security-group-rules"]
    {
        all.push(cloud.get(ADMIN, &format!("/v2.0/{path}")).await.body);
    }
    all
}
