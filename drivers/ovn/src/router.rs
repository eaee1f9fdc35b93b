//! A router: a logical router with its ports, its gateway, routes and address translation.
//!
//! Each port has two halves: one on the router, one on the network's switch. Both belong to the router and go with
//! it. Floating IPs are translated where the gateway is.

use crate::ovsdb::{Datum, Replica};
use crate::rows::{Draft, Owner, Transaction, Wanted};
use crate::{network, port};
use ipnet::IpNet;
use metal::driver::Driven;
use metal::network::{RouterGateway, RouterSpec};
use metal::{DriverError, Kind};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The first release of OVN that needs floating IPs to be stateless on the userspace datapath: it sends packets
/// around once more than the datapath's limit on recirculation bears.
const STATELESS_SINCE: u32 = 25;

/// The owner of a router's rows.
pub fn owner(id: &str) -> Owner {
    Owner::new(Kind::Router.word(), id)
}

/// A router's port on a network.
struct Port<'a> {
    id: &'a str,
    network_id: &'a str,
    mac: &'a str,
    addresses: &'a [IpNet],
    gateway: bool,
}

/// What makes the router so. The first of `chassis` carries its gateway, the others stand by.
pub fn draft(
    replica: &Replica,
    id: &str,
    revision: i64,
    spec: &RouterSpec,
    chassis: &[String],
    in_kernel: bool,
) -> Driven<Transaction> {
    let mut wanted = vec![
        Wanted::new("Logical_Router", "head")
            .one("name", format!("drystone-{id}"))
            .one("enabled", spec.admin_up)
            .with(
                "options",
                Datum::map([("always_learn_from_arp_request", "false"), ("dynamic_neigh_routers", "true")]),
            )
            .label("revision", revision.to_string())
            .label("name", &spec.name),
    ];
    for port in ports(spec) {
        wanted.extend(router_port(replica, &port)?);
    }
    wanted.extend(routes(spec));
    if let Some(gateway) = &spec.gateway {
        wanted.extend(standing_by(gateway, chassis));
        wanted.extend(translations(spec, gateway, !in_kernel && release(replica) >= STATELESS_SINCE));
    }
    let mut words = BTreeSet::new();
    wanted.retain(|want| words.insert(want.word().to_owned()));
    let mut draft = Draft::new(replica);
    // A port that was made by itself and then given to the router becomes the router's in one go: its name can be there
    // only once, and its own removal may come later than this.
    for port in ports(spec) {
        port::leave(&mut draft, replica, port.id);
    }
    draft.owns(&owner(id), wanted);
    Ok(draft.finish())
}

/// What removes the router.
pub fn removal(replica: &Replica, id: &str) -> Transaction {
    let mut draft = Draft::new(replica);
    draft.owns(&owner(id), Vec::new());
    draft.finish()
}

fn ports(spec: &RouterSpec) -> impl Iterator<Item = Port<'_>> {
    let interfaces = spec.interfaces.iter().map(|port| Port {
        id: &port.port_id,
        network_id: &port.network_id,
        mac: &port.mac,
        addresses: &port.addresses,
        gateway: false,
    });
    interfaces.chain(spec.gateway.iter().map(|port| Port {
        id: &port.port_id,
        network_id: &port.network_id,
        mac: &port.mac,
        addresses: &port.addresses,
        gateway: true,
    }))
}

fn port_name(port_id: &str) -> String {
    format!("lrp-{port_id}")
}

/// Both halves of a port.
fn router_port(replica: &Replica, port: &Port<'_>) -> Driven<[Wanted; 2]> {
    let Some((switch, _)) = network::switch(replica, port.network_id) else {
        return Err(DriverError::NotYet(format!("network {} is not there yet", port.network_id)));
    };
    if port.addresses.is_empty() {
        return Err(DriverError::Refused(format!("port {} of the router has no address", port.id)));
    }
    let name = port_name(port.id);
    let ipv6 = port.addresses.iter().any(|net| net.addr().is_ipv6());
    let advertise = !port.gateway && ipv6;
    let advertisement = if advertise { ipv6_ra(replica, port) } else { Vec::new() };
    let mut options = vec![("router-port", name.clone())];
    if port.gateway {
        options.push(("nat-addresses", "router".to_owned()));
        options.push(("exclude-lb-vips-from-garp", "true".to_owned()));
    }
    Ok([
        Wanted::new("Logical_Router_Port", format!("port {}", port.id))
            .one("name", name)
            .one("mac", port.mac)
            .with("networks", Datum::set(port.addresses.iter().map(ToString::to_string)))
            .with("ipv6_ra_configs", Datum::map(advertisement))
            .under("head"),
        Wanted::new("Logical_Switch_Port", format!("peer {}", port.id))
            .one("name", port.id)
            .one("type", "router")
            .one("addresses", "router")
            .with("options", Datum::map(options))
            .under_row(switch),
    ])
}

/// Guests take their addresses from DHCPv6 where the network has it, and make them up otherwise.
fn ipv6_ra(replica: &Replica, port: &Port<'_>) -> Vec<(&'static str, String)> {
    let served = |net: &IpNet| {
        let cidr = Datum::one(net.trunc().to_string());
        let tag = network::owner(port.network_id).tag();
        replica.tagged(&tag).any(|(table, _, row)| table == "DHCP_Options" && row.get("cidr") == Some(&cidr))
    };
    let stateful = port.addresses.iter().any(served);
    let mode = if stateful { "dhcpv6_stateful" } else { "slaac" };
    vec![("address_mode", mode.to_owned()), ("send_periodic", "true".to_owned())]
}

fn routes(spec: &RouterSpec) -> Vec<Wanted> {
    let gateway = spec.gateway.as_ref();
    let default = gateway.and_then(|gateway| gateway.next_hop).map(|hop| {
        let everything = if hop.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
        let output = gateway.map(|gateway| port_name(&gateway.port_id));
        (everything.to_owned(), hop, output)
    });
    let own = spec.routes.iter().map(|(to, hop)| (to.trunc().to_string(), *hop, None));
    own.chain(default)
        .map(|(to, hop, output)| {
            Wanted::new("Logical_Router_Static_Route", format!("route {to} {hop}"))
                .one("ip_prefix", to)
                .one("nexthop", hop.to_string())
                .with("output_port", Datum::set(output))
                .under("head")
        })
        .collect()
}

fn standing_by(gateway: &RouterGateway, chassis: &[String]) -> Vec<Wanted> {
    let port = format!("port {}", gateway.port_id);
    let ranked = chassis.iter().zip((1..=100_i64).rev());
    ranked
        .map(|(chassis, priority)| {
            Wanted::new("Gateway_Chassis", format!("chassis {chassis}"))
                .one("name", format!("{}_{chassis}", port_name(&gateway.port_id)))
                .one("chassis_name", chassis.as_str())
                .one("priority", priority)
                .under(&port)
        })
        .collect()
}

fn translations(spec: &RouterSpec, gateway: &RouterGateway, stateless: bool) -> Vec<Wanted> {
    let nat = |word: String, kind: &str, external: IpAddr, logical: String| {
        let options =
            if stateless && kind == "dnat_and_snat" { vec![("stateless", "true")] } else { Vec::new() };
        Wanted::new("NAT", word)
            .one("type", kind)
            .one("external_ip", external.to_string())
            .one("logical_ip", logical)
            .with("options", Datum::map(options))
            .under("head")
    };
    let mut wanted = Vec::new();
    for range in &gateway.snat {
        let same = |net: &&IpNet| net.addr().is_ipv4() == range.addr().is_ipv4();
        if let Some(own) = gateway.addresses.iter().find(same) {
            let range = range.trunc().to_string();
            wanted.push(nat(format!("snat {range}"), "snat", own.addr(), range));
        }
    }
    for ip in &spec.floating_ips {
        let word = format!("floating ip {}", ip.id);
        wanted.push(nat(word, "dnat_and_snat", ip.external, ip.fixed.to_string()));
    }
    wanted
}

/// The year of OVN's release, as ovn-northd says it; 0 while it has not said so.
fn release(replica: &Replica) -> u32 {
    let row = replica.rows("NB_Global").next();
    let version = row.and_then(|(_, row)| row.get("options")?.get("northd_internal_version"));
    version.and_then(|version| version.split('.').next()?.parse().ok()).unwrap_or(0)
}
