//! Networks, ports, routers and security groups as a switch realises them.
//!
//! Each object says all that its realisation needs except what another object says: a port names its network and its
//! security groups, and waits until they are there.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A virtual network with its subnets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// Its name, for operators who look into the switch.
    pub name: String,
    /// The largest packet that a port may send, in bytes.
    pub mtu: u32,
    /// Where the network touches the outside, if it does.
    pub provider: Option<Provider>,
    /// The domain in which its ports have names, without a final dot (`openstacklocal`). Empty: no names.
    pub dns_domain: String,
    /// Its subnets.
    pub subnets: Vec<SubnetSpec>,
    /// The port at which every host answers metadata and DHCP for this network; `None` without DHCP subnets.
    pub metadata: Option<MetadataPort>,
}

/// A physical network that a virtual one is bridged to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its name in the host's configuration (`public`).
    pub physical_network: String,
    /// The VLAN on it; `None` is flat.
    pub vlan: Option<u16>,
    /// The gateway addresses of its subnets that the host itself answers, so that a single machine can reach
    /// floating IPs. Empty where a real gateway stands on the wire.
    pub host_addresses: Vec<IpNet>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetSpec {
    /// Its id in the API.
    pub id: String,
    /// Its range.
    pub cidr: IpNet,
    /// Its gateway, if any.
    pub gateway: Option<IpAddr>,
    /// How its ports get their addresses; `None` leaves it to the guests.
    pub dhcp: Option<Dhcp>,
}

/// DHCP for a subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dhcp {
    /// The MAC address that answers.
    pub server_mac: String,
    /// The address that answers.
    pub server_address: IpAddr,
    /// How long a lease lasts, in seconds.
    pub lease_seconds: u32,
    /// The name servers that guests are told.
    pub name_servers: Vec<IpAddr>,
    /// Further routes that guests are told: destination and next hop.
    pub routes: Vec<(IpNet, IpAddr)>,
}

/// The port at which every host answers metadata for a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataPort {
    /// Its id in the API (`network:distributed`).
    pub id: String,
    /// Its MAC address.
    pub mac: String,
    /// Its addresses with the lengths of their subnets' prefixes.
    pub addresses: Vec<IpNet>,
}

/// A port of a network, other than a router's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSpec {
    /// The network it belongs to.
    pub network_id: String,
    /// Its MAC address, lower case with colons.
    pub mac: String,
    /// Its addresses.
    pub fixed_ips: Vec<FixedIp>,
    /// The link is up when this is true.
    pub admin_up: bool,
    /// Only its own addresses and the allowed pairs may be used; security groups apply.
    pub port_security: bool,
    /// Further addresses that it may use: a MAC address (`None`: its own) and a range.
    pub allowed_pairs: Vec<(Option<String>, IpNet)>,
    /// The security groups whose rules apply. With port security and no group nothing is let through.
    pub security_groups: Vec<String>,
    /// Names (without domain) under which the network's DNS knows it.
    pub dns_names: Vec<String>,
    /// What it serves: a server on a host, or nothing that we wire.
    pub bound_host: Option<String>,
}

/// An address of a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedIp {
    /// The subnet it is from.
    pub subnet_id: String,
    /// The address.
    pub address: IpAddr,
}

/// A router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterSpec {
    /// Its name, for operators.
    pub name: String,
    /// It forwards when this is true.
    pub admin_up: bool,
    /// Its ports on tenants' networks.
    pub interfaces: Vec<RouterInterface>,
    /// Its way out.
    pub gateway: Option<RouterGateway>,
    /// Static routes: destination and next hop.
    pub routes: Vec<(IpNet, IpAddr)>,
    /// Floating IPs that it translates.
    pub floating_ips: Vec<FloatingIpSpec>,
}

/// A router's port on a tenant's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterInterface {
    /// The port's id in the API.
    pub port_id: String,
    /// The network.
    pub network_id: String,
    /// The MAC address.
    pub mac: String,
    /// Its addresses with their prefixes.
    pub addresses: Vec<IpNet>,
}

/// A router's way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterGateway {
    /// The gateway port's id in the API.
    pub port_id: String,
    /// The external network.
    pub network_id: String,
    /// The MAC address.
    pub mac: String,
    /// Its addresses with their prefixes.
    pub addresses: Vec<IpNet>,
    /// Where packets for the outside go.
    pub next_hop: Option<IpAddr>,
    /// The tenants' ranges that leave under the gateway's address; empty without SNAT.
    pub snat: Vec<IpNet>,
}

/// A floating IP on a router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloatingIpSpec {
    /// Its id in the API.
    pub id: String,
    /// The address outside.
    pub external: IpAddr,
    /// The address inside.
    pub fixed: IpAddr,
    /// The port that has the address inside.
    pub port_id: String,
}

/// A set of rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupSpec {
    /// Its name, for operators.
    pub name: String,
    /// Connections are tracked: an answer is let through without a rule of its own.
    pub stateful: bool,
    /// What is let through.
    pub rules: Vec<RuleSpec>,
}

/// One thing that is let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSpec {
    /// Its id in the API.
    pub id: String,
    /// Towards the port (`ingress`) or from it.
    pub ingress: bool,
    /// IPv6 instead of IPv4.
    pub ipv6: bool,
    /// The IP protocol's number; `None` is any.
    pub protocol: Option<u8>,
    /// Ports from (TCP, UDP, SCTP) or ICMP type.
    pub port_min: Option<u16>,
    /// Ports to (TCP, UDP, SCTP) or ICMP code.
    pub port_max: Option<u16>,
    /// Who is at the other end.
    pub remote: Remote,
}

/// Who is at the other end of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remote {
    /// Anybody.
    Any,
    /// Addresses of a range.
    Range(IpNet),
    /// Ports of a security group.
    Group(String),
}
