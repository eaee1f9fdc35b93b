//! Networks.

use super::attribute::{Attribute, Default, Noun, at, shown};
use super::check::{Check, Convert};
use super::{Body, faults, object};
use crate::record::{Json, record};
use kernel::Micros;
use policy::Who;
use serde_json::{Map, Value};

record! {
    /// A network.
    NetworkRow in "networks" {
        id: String,
        /// The owner.
        project_id: String,
        name: String,
        description: String,
        admin_up: bool,
        /// Every project may use it.
        shared: bool,
        /// Routers have their gateways and floating IPs their addresses there.
        external: bool,
        /// The largest packet.
        mtu: i64,
        /// `geneve`, `flat` or `vlan`.
        provider_type: String,
        /// The physical network, if it touches one.
        physical_network: Option<String>,
        /// VNI or VLAN.
        segmentation_id: Option<i64>,
        /// What ports have unless they say otherwise.
        port_security: bool,
        /// The domain for names in an outside DNS.
        dns_domain: String,
        /// The external network that auto-allocation takes.
        is_default: bool,
        az_hints: Json<Vec<String>>,
        tags: Json<Vec<String>>,
        revision_number: i64,
        /// Rises with each change of what the switch must hold.
        revision: i64,
        created_at: Micros,
        updated_at: Micros,
    }
}

/// A network with what its body says beyond its row.
#[derive(Clone, Debug)]
pub struct Net {
    /// The row.
    pub row: NetworkRow,
    /// The ids of its subnets.
    pub subnets: Vec<String>,
    /// It is shared with the one who asks, in some way.
    pub shared_with_caller: bool,
}

impl Net {
    /// Whether ports of the caller may be on it: it is his, or shared with him, or he sees every project's things.
    pub fn takes_ports_of(&self, who: &Who) -> bool {
        who.overseer || self.shared_with_caller || self.row.project_id == who.project()
    }
}

const ATTRIBUTES: &[Attribute] = &[
    shown("id", "VFS"),
    at("name", "PUVFS", Default::Text(""), Convert::None, Check::Name(255)),
    shown("subnets", "V"),
    at("admin_state_up", "PUVFS", Default::Flag(true), Convert::Flag, Check::None),
    shown("status", "VFS"),
    at("project_id", "PVFS", Default::Required, Convert::None, Check::Text(255)),
    at("shared", "PUVFE", Default::Flag(false), Convert::Flag, Check::None),
    at("router:external", "PUVFE", Default::Flag(false), Convert::Flag, Check::None),
    at("mtu", "PUVFSE", Default::Number(0), Convert::Number, Check::NonNegative),
    shown("availability_zones", "V"),
    at("availability_zone_hints", "PVS", Default::Empty, Convert::None, Check::UniqueTexts(255)),
    at("port_security_enabled", "PUVE", Default::Flag(true), Convert::Flag, Check::None),
    at("provider:network_type", "PUVFE", Default::Unset, Convert::None, Check::Text(32)),
    at("provider:physical_network", "PUVFE", Default::Unset, Convert::None, Check::Text(64)),
    at("provider:segmentation_id", "PUVFE", Default::Unset, Convert::Number, Check::None),
    at("qos_policy_id", "PUVE", Default::Null, Convert::None, Check::IdOrNull),
    at("is_default", "PUVFE", Default::Flag(false), Convert::Flag, Check::None),
    at("dns_domain", "PUV", Default::Text(""), Convert::Lower, Check::DnsDomain),
    at("description", "PUVF", Default::Text(""), Convert::None, Check::Text(255)),
    shown("revision_number", "VF"),
    shown("tags", "VF"),
    shown("created_at", "V"),
    shown("updated_at", "V"),
];

/// Networks in the API.
pub static NOUN: Noun = Noun {
    one: "network",
    many: "networks",
    path: "networks",
    attributes: ATTRIBUTES,
    missing: faults::network_missing,
};

/// The availability zone that everything is in.
pub const ZONE: &str = "nova";

impl Body for Net {
    const NOUN: &'static Noun = &NOUN;

    fn body(&self) -> Map<String, Value> {
        let row = &self.row;
        let mut body = object! {
            "id": row.id,
            "name": row.name,
            "tenant_id": row.project_id,
            "project_id": row.project_id,
            "admin_state_up": row.admin_up,
            "mtu": row.mtu,
            "status": "ACTIVE",
            "subnets": self.subnets,
            "shared": self.shared_with_caller,
            "availability_zone_hints": row.az_hints.0,
            "availability_zones": if self.subnets.is_empty() { Vec::new() } else { vec![ZONE] },
            "ipv4_address_scope": Value::Null,
            "ipv6_address_scope": Value::Null,
            "router:external": row.external,
            "vlan_transparent": Value::Null,
            "description": row.description,
            "port_security_enabled": row.port_security,
            "dns_domain": row.dns_domain,
            "qos_policy_id": Value::Null,
            "created_at": row.created_at.seconds_z(),
            "updated_at": row.updated_at.seconds_z(),
            "revision_number": row.revision_number,
            "tags": row.tags.0,
            "provider:network_type": row.provider_type,
            "provider:physical_network": row.physical_network,
            "provider:segmentation_id": row.segmentation_id,
        };
        if row.external {
            body.insert("is_default".into(), row.is_default.into());
        }
        body
    }

    fn owner(&self) -> &str {
        &self.row.project_id
    }
}
