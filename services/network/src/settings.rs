//! What an operator may choose of the network.

use ipnet::Ipv4Net;
use std::net::{IpAddr, Ipv4Addr};

/// What an operator may choose of the network.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The largest packet on the wires between hosts, in bytes.
    pub physical_mtu: i64,
    /// The domain in which ports have names, with a final dot. Empty: no names.
    pub dns_domain: String,
    /// How long a DHCP lease lasts, in seconds.
    pub lease_seconds: u32,
    /// The physical network of the external network that the first start makes.
    pub physical_network: String,
    /// The range of that network, unless its hosts have it already.
    pub external: Ipv4Net,
    /// The host itself answers the gateway addresses of external networks: on a single machine without a real gateway.
    pub host_is_gateway: bool,
    /// The range of the network that the demo project gets at the first start.
    pub private: Ipv4Net,
    /// Name servers that guests of that network are told.
    pub name_servers: Vec<IpAddr>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            physical_mtu: 1500,
            dns_domain: "drystone.internal.".into(),
            lease_seconds: 43_200,
            physical_network: "public".into(),
            external: Ipv4Net::new_assert(Ipv4Addr::new(172, 24, 4, 0), 24),
            host_is_gateway: true,
            private: Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 24),
            name_servers: Vec::new(),
        }
    }
}
