//! Routers.

use super::attribute::{Attribute, Default, Noun, at, shown};
use super::check::{Check, Convert};
use super::port::FixedIp;
use super::subnet::Route;
use super::{Body, faults, network, object};
use crate::record::{Json, record};
use kernel::Micros;
use serde_json::{Map, Value, json};

record! {
    /// A router.
    RouterRow in "routers" {
        id: String,
        /// The owner.
        project_id: String,
        name: String,
        description: String,
        admin_up: bool,
        /// Its port on an external network.
        gateway_port_id: Option<String>,
        /// Tenants' packets leave under the gateway's address.
        enable_snat: bool,
        routes: Json<Vec<Route>>,
        az_hints: Json<Vec<String>>,
        tags: Json<Vec<String>>,
        revision_number: i64,
        /// Rises with each change of what the switch must hold.
        revision: i64,
        created_at: Micros,
        updated_at: Micros,
    }
}

/// A router with its way out.
#[derive(Clone, Debug)]
pub struct Router {
    /// The row.
    pub row: RouterRow,
    /// The external network and the gateway's addresses.
    pub gateway: Option<(String, Vec<FixedIp>)>,
}

const ATTRIBUTES: &[Attribute] = &[
    shown("id", "VFS"),
    at("name", "PUVFS", Default::Text(""), Convert::None, Check::Name(255)),
    at("admin_state_up", "PUVFS", Default::Flag(true), Convert::Flag, Check::None),
    shown("status", "VS"),
    at("project_id", "PVFS", Default::Required, Convert::None, Check::Text(255)),
    at("external_gateway_info", "PUVE", Default::Null, Convert::None, Check::Gateway),
    at("ha", "PUVE", Default::Unset, Convert::FlagOrNull, Check::None),
    at("flavor_id", "PVS", Default::Unset, Convert::None, Check::IdOrNull),
    shown("revision_number", "VF"),
    shown("availability_zones", "V"),
    at("availability_zone_hints", "PV", Default::Empty, Convert::None, Check::UniqueTexts(255)),
    at("enable_snat", "VFS", Default::Unset, Convert::Flag, Check::None),
    shown("tags", "VF"),
    shown("created_at", "V"),
    shown("updated_at", "V"),
    at("routes", "UV", Default::Unset, Convert::NullToEmpty, Check::Routes),
    at("description", "PUVF", Default::Text(""), Convert::None, Check::Text(255)),
];

/// Routers in the API.
pub static NOUN: Noun = Noun {
    one: "router",
    many: "routers",
    path: "routers",
    attributes: ATTRIBUTES,
    missing: faults::router_missing,
};

impl Body for Router {
    const NOUN: &'static Noun = &NOUN;

    fn body(&self) -> Map<String, Value> {
        let row = &self.row;
        let gateway = self.gateway.as_ref().map(|(network_id, fixed_ips)| {
            let fixed_ips = fixed_ips.iter();
            let fixed_ips =
                fixed_ips.map(|fixed| json!({"subnet_id": fixed.subnet_id, "ip_address": fixed.address}));
            json!({
                "network_id": network_id,
                "external_fixed_ips": fixed_ips.collect::<Vec<_>>(),
                "enable_snat": row.enable_snat,
            })
        });
        object! {
            "id": row.id,
            "name": row.name,
            "tenant_id": row.project_id,
            "project_id": row.project_id,
            "admin_state_up": row.admin_up,
            "status": "ACTIVE",
            "external_gateway_info": gateway,
            "description": row.description,
            "availability_zones": if self.gateway.is_some() { vec![network::ZONE] } else { Vec::new() },
            "availability_zone_hints": row.az_hints.0,
            "distributed": false,
            "ha": true,
            "enable_snat": row.enable_snat,
            "routes": row.routes.0,
            "flavor_id": Value::Null,
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
