//! Subnets.

use super::attribute::{Attribute, Default, Noun, at, shown};
use super::check::{Check, Convert};
use super::{Body, faults, object};
use crate::record::{Json, record};
use fault::Fault;
use ipnet::IpNet;
use kernel::Micros;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt::Display;
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

/// What a subnet must be in itself, whatever else there is.
impl Subnet {
    /// The least that its network must let through in one packet.
    pub fn least_mtu(&self) -> i64 {
        if self.ip_version == 6 { 1280 } else { 68 }
    }

    /// Refuses a subnet that contradicts itself; `old` is what it was before a change.
    pub fn check(&self, net: IpNet, old: Option<&Self>) -> Result<(), Fault> {
        self.check_version("cidr", net.addr(), &net)?;
        self.check_dhcp(net, old.is_some_and(|old| old.enable_dhcp))?;
        self.check_gateway(net)?;
        self.check_servers(old)?;
        self.check_routes(old)?;
        self.check_modes(net, old)
    }

    /// Refuses what is of the other version of IP.
    fn check_version(&self, name: &str, address: IpAddr, written: &dyn Display) -> Result<(), Fault> {
        let version = self.ip_version;
        if address.is_ipv6() == (version == 6) {
            return Ok(());
        }
        Err(faults::invalid(format!("{name} '{written}' does not match the ip_version '{version}'")))
    }

    fn check_gateway(&self, net: IpNet) -> Result<(), Fault> {
        let Some(gateway) = self.gateway() else { return Ok(()) };
        self.check_version("gateway_ip", gateway, &gateway)?;
        let ends = net.contains(&gateway) && (gateway == net.network() || gateway == net.broadcast());
        if self.ip_version == 4 && ends && net.prefix_len() < 31 {
            return Err(faults::invalid("Gateway is not valid on subnet"));
        }
        Ok(())
    }

    fn check_servers(&self, old: Option<&Self>) -> Result<(), Fault> {
        if self.nameservers.0.len() > 5 {
            let what = old.map_or("new subnet", |old| old.id.as_str());
            let sentence = format!(
                "Unable to complete operation for {what}. The number of DNS nameservers exceeds the limit 5."
            );
            return Err(faults::refused("DNSNameServersExhausted", sentence));
        }
        self.nameservers.0.iter().try_for_each(|server| self.check_version("dns_nameserver", *server, server))
    }

    fn check_routes(&self, old: Option<&Self>) -> Result<(), Fault> {
        let routes = &self.host_routes.0;
        if routes.len() > 20 {
            let what = old.map_or("new subnet", |old| old.id.as_str());
            let sentence = format!(
                "Unable to complete operation for {what}. The number of host routes exceeds the limit 20."
            );
            return Err(faults::refused("HostRoutesExhausted", sentence));
        }
        routes.iter().try_for_each(|route| {
            self.check_version("nexthop", route.nexthop, &route.nexthop)?;
            self.check_version("destination", route.destination.addr(), &route.destination)
        })
    }

    fn check_dhcp(&self, net: IpNet, had_it: bool) -> Result<(), Fault> {
        if !self.enable_dhcp || had_it {
            return Ok(());
        }
        let sentence = match net {
            IpNet::V4(net) if net.prefix_len() > 30 => {
                "Subnet has a prefix length that is incompatible with DHCP service enabled"
            }
            IpNet::V6(net) if net.prefix_len() > 126 => {
                "Subnet has a prefix length that is incompatible with DHCP service enabled"
            }
            net if net.addr().is_multicast() => "Multicast IP subnet is not supported if enable_dhcp is True",
            net if net.addr().is_loopback() => "Loopback IP subnet is not supported if enable_dhcp is True",
            IpNet::V4(net) if net.network().is_unspecified() => {
                "First IP '0.0.0.0' of network is not supported if enable_dhcp is True."
            }
            _ => return Ok(()),
        };
        Err(faults::invalid(sentence))
    }

    fn check_modes(&self, net: IpNet, old: Option<&Self>) -> Result<(), Fault> {
        let set = self.ra_mode.is_some() || self.address_mode.is_some();
        if self.ip_version == 4 {
            return match (&self.ra_mode, &self.address_mode) {
                (Some(_), _) => Err(faults::invalid("ipv6_ra_mode is not valid when ip_version is 4")),
                (_, Some(_)) => Err(faults::invalid("ipv6_address_mode is not valid when ip_version is 4")),
                _ => Ok(()),
            };
        }
        if set && !self.enable_dhcp {
            return Err(faults::invalid(match old {
                None => "ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False",
                Some(_) => "Cannot disable enable_dhcp with ipv6 attributes set",
            }));
        }
        if let (Some(ra), Some(mode)) = (&self.ra_mode, &self.address_mode)
            && ra != mode
        {
            return Err(faults::invalid(format!(
                "ipv6_ra_mode set to '{ra}' with ipv6_address_mode set to '{mode}' is not valid. If both attributes are set, \
             they must be the same value"
            )));
        }
        if self.is_auto() && net.prefix_len() != 64 {
            return Err(faults::invalid(format!(
                "Invalid CIDR {net} for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the \
             prefix to be /64"
            )));
        }
        Ok(())
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
