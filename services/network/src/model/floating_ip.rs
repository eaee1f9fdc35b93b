//! Floating IPs.

use super::attribute::{Attribute, Default, Noun, at, shown};
use super::check::{Check, Convert};
use super::port::PortRow;
use super::{Body, faults, object};
use crate::record::{Json, record};
use kernel::Micros;
use serde_json::{Map, Value, json};

record! {
    /// A floating IP.
    FloatingIpRow in "floating_ips" {
        id: String,
        /// The owner.
        project_id: String,
        description: String,
        /// The external network.
        network_id: String,
        /// The port that holds the address on the external network.
        holder_id: String,
        /// The address outside.
        address: String,
        /// The port that has the address inside.
        port_id: Option<String>,
        /// The address inside.
        fixed_ip: Option<String>,
        /// The router that translates.
        router_id: Option<String>,
        dns_name: String,
        dns_domain: String,
        tags: Json<Vec<String>>,
        revision_number: i64,
        created_at: Micros,
        updated_at: Micros,
    }
}

/// A floating IP with the port that it leads to.
#[derive(Clone, Debug)]
pub struct FloatingIp {
    /// The row.
    pub row: FloatingIpRow,
    /// The port.
    pub port: Option<PortRow>,
}

const ATTRIBUTES: &[Attribute] = &[
    shown("id", "VFS"),
    at("floating_ip_address", "PVFSE", Default::Null, Convert::Address, Check::AddressOrNull),
    at("subnet_id", "P", Default::Null, Convert::None, Check::IdOrNull),
    at("floating_network_id", "PVFS", Default::Required, Convert::None, Check::Id),
    at("router_id", "VFS", Default::Unset, Convert::None, Check::IdOrNull),
    at("port_id", "PUVF", Default::Null, Convert::None, Check::IdOrNull),
    at("fixed_ip_address", "PUVFS", Default::Null, Convert::Address, Check::AddressOrNull),
    at("project_id", "PVFS", Default::Required, Convert::None, Check::Text(255)),
    shown("status", "VFS"),
    at("qos_policy_id", "PUVE", Default::Null, Convert::None, Check::IdOrNull),
    shown("revision_number", "VF"),
    shown("tags", "VF"),
    shown("created_at", "V"),
    shown("updated_at", "V"),
    at("dns_name", "PV", Default::Text(""), Convert::Lower, Check::DnsName),
    at("dns_domain", "PV", Default::Text(""), Convert::Lower, Check::DnsDomain),
    shown("port_details", "V"),
    at("description", "PUVF", Default::Text(""), Convert::None, Check::Text(255)),
];

/// Floating IPs in the API.
pub static NOUN: Noun = Noun {
    one: "floatingip",
    many: "floatingips",
    path: "floatingips",
    attributes: ATTRIBUTES,
    missing: faults::floating_ip_missing,
};

impl Body for FloatingIp {
    const NOUN: &'static Noun = &NOUN;

    fn body(&self) -> Map<String, Value> {
        let row = &self.row;
        let details = self.port.as_ref().map(|port| {
            json!({
                "name": port.name,
                "network_id": port.network_id,
                "mac_address": port.mac,
                "admin_state_up": port.admin_up,
                "status": port.status(),
                "device_id": port.device_id,
                "device_owner": port.device_owner,
            })
        });
        object! {
            "id": row.id,
            "tenant_id": row.project_id,
            "project_id": row.project_id,
            "floating_ip_address": row.address,
            "floating_network_id": row.network_id,
            "router_id": row.router_id,
            "port_id": row.port_id,
            "fixed_ip_address": row.fixed_ip,
            "status": if row.port_id.is_some() { "ACTIVE" } else { "DOWN" },
            "port_details": details,
            "dns_domain": row.dns_domain,
            "dns_name": row.dns_name,
            "qos_policy_id": Value::Null,
            "description": row.description,
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
