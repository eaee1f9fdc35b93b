//! Subnets.

use super::attribute::{Attribute, Default, Noun, at, shown};
use super::check::{Check, Convert};
use super::{Body, faults, object};
use crate::record::{Json, record};
use ipnet::IpNet;
use kernel::Micros;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// A range of addresses that ports get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// The first one.
    pub start: IpAddr,
    /// The last one.
    pub end: IpAddr,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub destination: IpNet,
    /// By way of.
    pub nexthop: IpAddr,
}

record! {
    /// A subnet.
    Subnet in "subnets" {
        id: String,
        network_id: String,
        /// The pool that its range is from, if it is from one.
        pool_id: Option<String>,
        /// The owner.
        project_id: String,
        name: String,
        description: String,
        ip_version: i64,
        cidr: String,
        gateway_ip: Option<String>,
        enable_dhcp: bool,
        pools: Json<Vec<Pool>>,
        nameservers: Json<Vec<IpAddr>>,
        host_routes: Json<Vec<Route>>,
        ra_mode: Option<String>,
        address_mode: Option<String>,
        service_types: Json<Vec<String>>,
        /// Its network is external.
        external: bool,
        tags: Json<Vec<String>>,
        revision_number: i64,
        created_at: Micros,
        updated_at: Micros,
    }
}

const MODES: &[&str] = &["dhcpv6-stateful", "dhcpv6-stateless", "slaac"];

const ATTRIBUTES: &[Attribute] = &[
    shown("id", "VFS"),
    at("name", "PUVFS", Default::Text(""), Convert::None, Check::Name(255)),
    at("ip_version", "PVFS", Default::Required, Convert::Number, Check::IpVersion),
    at("network_id", "PVFS", Default::Required, Convert::None, Check::Id),
    at("subnetpool_id", "PVFS", Default::Unset, Convert::None, Check::IdOrNull),
    at("prefixlen", "P", Default::Unset, Convert::Number, Check::NonNegative),
    at("cidr", "PVFS", Default::Unset, Convert::Cidr, Check::SubnetOrNull),
    at("gateway_ip", "PUVFS", Default::Unset, Convert::Address, Check::AddressOrNull),
    at("allocation_pools", "PUV", Default::Unset, Convert::Pools, Check::Pools),
    at("dns_nameservers", "PUV", Default::Unset, Convert::NullToEmpty, Check::NameServers),
    at("host_routes", "PUV", Default::Unset, Convert::NullToEmpty, Check::Routes),
    at("project_id", "PVFS", Default::Required, Convert::None, Check::Text(255)),
    at("enable_dhcp", "PUVFS", Default::Flag(true), Convert::Flag, Check::None),
    at("ipv6_ra_mode", "PVFS", Default::Unset, Convert::None, Check::OneOfOrNull(MODES)),
    at("ipv6_address_mode", "PVFS", Default::Unset, Convert::None, Check::OneOfOrNull(MODES)),
    at("shared", "F", Default::Unset, Convert::Flag, Check::None),
    shown("revision_number", "VF"),
    at("router:external", "VF", Default::Unset, Convert::Flag, Check::None),
    at("service_types", "PUVE", Default::Unset, Convert::None, Check::ServiceTypes),
    at("use_default_subnetpool", "P", Default::Flag(false), Convert::Flag, Check::None),
    shown("tags", "VF"),
    shown("created_at", "V"),
    shown("updated_at", "V"),
    at("description", "PUVF", Default::Text(""), Convert::None, Check::Text(255)),
];

/// Subnets in the API.
pub static NOUN: Noun = Noun {
    one: "subnet",
    many: "subnets",
    path: "subnets",
    attributes: ATTRIBUTES,
    missing: faults::subnet_missing,
};

impl Subnet {
    /// Its range.
    pub fn net(&self) -> Option<IpNet> {
        self.cidr.parse().ok()
    }

    /// Its gateway.
    pub fn gateway(&self) -> Option<IpAddr> {
        self.gateway_ip.as_deref().and_then(|text| text.parse().ok())
    }

    /// Its ports make their addresses themselves.
    pub fn is_auto(&self) -> bool {
        self.ip_version == 6 && matches!(self.address_mode.as_deref(), Some("slaac" | "dhcpv6-stateless"))
    }
}

impl Body for Subnet {
    const NOUN: &'static Noun = &NOUN;

    fn body(&self) -> Map<String, Value> {
        object! {
            "id": self.id,
            "name": self.name,
            "tenant_id": self.project_id,
            "project_id": self.project_id,
            "network_id": self.network_id,
            "ip_version": self.ip_version,
            "subnetpool_id": self.pool_id,
            "enable_dhcp": self.enable_dhcp,
            "ipv6_ra_mode": self.ra_mode,
            "ipv6_address_mode": self.address_mode,
            "gateway_ip": self.gateway_ip,
            "cidr": self.cidr,
            "allocation_pools": self.pools.0,
            "host_routes": self.host_routes.0,
            "dns_nameservers": self.nameservers.0,
            "description": self.description,
            "router:external": self.external,
            "service_types": self.service_types.0,
            "tags": self.tags.0,
            "created_at": self.created_at.seconds_z(),
            "updated_at": self.updated_at.seconds_z(),
            "revision_number": self.revision_number,
        }
    }

    fn owner(&self) -> &str {
        &self.project_id
    }
}
