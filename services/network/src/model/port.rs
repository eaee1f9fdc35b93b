//! Ports.

use super::attribute::{Attribute, Default, Noun, at, shown};
use super::check::{Check, Convert};
use super::{Body, faults, object};
use crate::record::{Json, record};
use kernel::Micros;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// Owners of ports that the network service itself makes.
pub mod owner {
    /// A router's port on a tenant's network.
    pub const ROUTER_INTERFACE: &str = "network:router_interface";
    /// A router's port on an external network.
    pub const ROUTER_GATEWAY: &str = "network:router_gateway";
    /// The address of a floating IP.
    pub const FLOATING_IP: &str = "network:floatingip";
    /// Where every host answers DHCP and metadata.
    pub const DISTRIBUTED: &str = "network:distributed";

    /// Whether the switch holds ports of an owner as ports of their own; a router's or a network's are told with those.
    pub fn is_switched(owner: &str) -> bool {
        !matches!(owner, ROUTER_INTERFACE | ROUTER_GATEWAY | FLOATING_IP | DISTRIBUTED)
    }
}

/// A further address that a port may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressPair {
    /// The MAC address.
    pub mac_address: String,
    /// The address or range.
    pub ip_address: String,
}

record! {
    /// A port.
    PortRow in "ports" {
        id: String,
        network_id: String,
        /// The owner; empty for ports that belong to nobody (gateways, floating IPs).
        project_id: String,
        name: String,
        description: String,
        mac: String,
        admin_up: bool,
        device_id: String,
        device_owner: String,
        port_security: bool,
        pairs: Json<Vec<AddressPair>>,
        dhcp_options: Json<Vec<Value>>,
        dns_name: String,
        vnic_type: String,
        /// The host that it is bound to, or empty.
        host: String,
        profile: Json<Value>,
        /// Made by compute, and gone with its server.
        made_by_compute: bool,
        /// When it was given to its device.
        attached_at: Micros,
        /// The host says that the link is up.
        up: bool,
        tags: Json<Vec<String>>,
        revision_number: i64,
        /// Rises with each change of what the switch must hold.
        revision: i64,
        created_at: Micros,
        updated_at: Micros,
    }
}

/// An address of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedIp {
    /// Its subnet.
    pub subnet_id: String,
    /// The address.
    pub address: IpAddr,
}

/// A port with its addresses and groups.
#[derive(Clone, Debug)]
pub struct Port {
    /// The row.
    pub row: PortRow,
    /// Its addresses, in order.
    pub fixed_ips: Vec<FixedIp>,
    /// The ids of its security groups.
    pub groups: Vec<String>,
    /// The domain in which it has a name, with a final dot.
    pub domain: String,
}

const VNIC_TYPES: &[&str] = &[
    "normal",
    "direct",
    "macvtap",
    "baremetal",
    "direct-physical",
    "virtio-forwarder",
    "smart-nic",
    "vdpa",
    "accelerator-direct",
    "accelerator-direct-physical",
    "remote-managed",
];

const ATTRIBUTES: &[Attribute] = &[
    shown("id", "VFS"),
    at("name", "PUVFS", Default::Text(""), Convert::None, Check::Name(255)),
    at("network_id", "PVFS", Default::Required, Convert::None, Check::Id),
    at("admin_state_up", "PUVFS", Default::Flag(true), Convert::Flag, Check::None),
    at("mac_address", "PUVFSE", Default::Unset, Convert::Mac, Check::Mac),
    at("fixed_ips", "PUVFE", Default::Unset, Convert::None, Check::FixedIps),
    at("device_id", "PUVFSE", Default::Text(""), Convert::None, Check::Text(255)),
    at("device_owner", "PUVFSE", Default::Text(""), Convert::None, Check::Text(255)),
    at("project_id", "PVFS", Default::Required, Convert::None, Check::Text(255)),
    shown("status", "VFS"),
    at("allowed_address_pairs", "PUVE", Default::Unset, Convert::NullToEmpty, Check::AddressPairs),
    at("extra_dhcp_opts", "PUV", Default::Null, Convert::None, Check::DhcpOptions),
    shown("ip_allocation", "VFS"),
    shown("binding:vif_type", "V"),
    shown("binding:vif_details", "V"),
    at("binding:vnic_type", "PUVFE", Default::Text("normal"), Convert::None, Check::OneOf(VNIC_TYPES)),
    at("binding:host_id", "PUVFE", Default::Unset, Convert::None, Check::TextOrNull(255)),
    at("binding:profile", "PUVE", Default::Unset, Convert::None, Check::ObjectOrNull),
    at("port_security_enabled", "PUVE", Default::Unset, Convert::Flag, Check::None),
    at("qos_policy_id", "PUVE", Default::Null, Convert::None, Check::IdOrNull),
    shown("revision_number", "VF"),
    at("tags", "PVF", Default::Empty, Convert::None, Check::UniqueTexts(255)),
    shown("created_at", "V"),
    shown("updated_at", "V"),
    at("propagate_uplink_status", "PU", Default::Flag(true), Convert::Flag, Check::None),
    at("dns_name", "PUVF", Default::Text(""), Convert::Lower, Check::DnsName),
    shown("dns_assignment", "V"),
    at("description", "PUVF", Default::Text(""), Convert::None, Check::Text(255)),
    at("security_groups", "PUVF", Default::Unset, Convert::NullToEmpty, Check::Ids),
];

/// Ports in the API.
pub static NOUN: Noun =
    Noun { one: "port", many: "ports", path: "ports", attributes: ATTRIBUTES, missing: faults::port_missing };

impl PortRow {
    /// The cloud's own, not a tenant's: no port security, no default group, no business of users.
    pub fn is_trusted(&self) -> bool {
        self.device_owner.starts_with("network:")
    }

    /// See [`owner::is_switched`].
    pub fn is_switched(&self) -> bool {
        owner::is_switched(&self.device_owner)
    }

    /// It is a router's.
    pub fn is_router_port(&self) -> bool {
        matches!(self.device_owner.as_str(), owner::ROUTER_INTERFACE | owner::ROUTER_GATEWAY)
    }

    /// What the API says of its state: a projection of where it is bound and what its host reports.
    pub fn status(&self) -> &'static str {
        match self.device_owner.as_str() {
            owner::FLOATING_IP => "N/A",
            owner::ROUTER_INTERFACE | owner::ROUTER_GATEWAY if self.admin_up => "ACTIVE",
            owner::DISTRIBUTED => "DOWN",
            _ if self.up && self.admin_up && !self.host.is_empty() => "ACTIVE",
            _ => "DOWN",
        }
    }

    fn vif_type(&self) -> &'static str {
        match self.device_owner.as_str() {
            owner::ROUTER_INTERFACE | owner::ROUTER_GATEWAY | owner::DISTRIBUTED | owner::FLOATING_IP => {
                "unbound"
            }
            _ if self.host.is_empty() => "unbound",
            _ => "ovs",
        }
    }
}

impl Port {
    /// The names under which its addresses are known.
    pub fn dns_assignment(&self) -> Vec<Value> {
        let name = |address: &IpAddr| match self.row.dns_name.as_str() {
            "" => format!("host-{}", address.to_string().replace(['.', ':'], "-")),
            name => name.trim_end_matches('.').to_owned(),
        };
        let entry = |fixed: &FixedIp| {
            let hostname = name(&fixed.address);
            let short = hostname
                .strip_suffix(&format!(".{}", self.domain.trim_end_matches('.')))
                .unwrap_or(&hostname);
            let fqdn =
                if self.domain.is_empty() { format!("{short}.") } else { format!("{short}.{}", self.domain) };
            serde_json::json!({"ip_address": fixed.address, "hostname": short, "fqdn": fqdn})
        };
        self.fixed_ips.iter().map(entry).collect()
    }
}

impl Body for Port {
    const NOUN: &'static Noun = &NOUN;

    fn body(&self) -> Map<String, Value> {
        let row = &self.row;
        let fixed_ips = self.fixed_ips.iter();
        let fixed_ips = fixed_ips
            .map(|fixed| serde_json::json!({"subnet_id": fixed.subnet_id, "ip_address": fixed.address}));
        let details = match row.vif_type() {
            "ovs" => {
                serde_json::json!({"port_filter": true, "connectivity": "l2", "bound_drivers": {"0": "ovn"}})
            }
            _ => serde_json::json!({}),
        };
        object! {
            "id": row.id,
            "name": row.name,
            "network_id": row.network_id,
            "tenant_id": row.project_id,
            "project_id": row.project_id,
            "mac_address": row.mac,
            "admin_state_up": row.admin_up,
            "status": row.status(),
            "device_id": row.device_id,
            "device_owner": row.device_owner,
            "fixed_ips": fixed_ips.collect::<Vec<_>>(),
            "allowed_address_pairs": row.pairs.0,
            "extra_dhcp_opts": row.dhcp_options.0,
            "security_groups": self.groups,
            "description": row.description,
            "binding:vnic_type": row.vnic_type,
            "binding:profile": row.profile.0,
            "binding:host_id": row.host,
            "binding:vif_type": row.vif_type(),
            "binding:vif_details": details,
            "port_security_enabled": row.port_security,
            "dns_name": row.dns_name,
            "dns_assignment": self.dns_assignment(),
            "qos_policy_id": Value::Null,
            "qos_network_policy_id": Value::Null,
            "ip_allocation": if self.fixed_ips.is_empty() { "none" } else { "immediate" },
            "created_at": row.created_at.seconds_z(),
            "updated_at": row.updated_at.seconds_z(),
            "revision_number": row.revision_number,
            "tags": row.tags.0,
        }
    }

    fn owner(&self) -> &str {
        &self.row.project_id
    }
}
