//! A network: a logical switch with its DHCP, its names, its metadata port and its way to a physical network.

use crate::ovsdb::{Atom, Datum, Replica, Row};
use crate::port;
use crate::rows::{Draft, Owner, Transaction, Wanted, find, label};
use ipnet::IpNet;
use metal::Kind;
use metal::driver::Driven;
use metal::network::{Dhcp, NetworkSpec, SubnetSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

/// The address at which guests ask for metadata.
pub const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// The owner of a network's rows.
pub fn owner(id: &str) -> Owner {
    Owner::new(Kind::Network.word(), id)
}

/// The logical switch of a network.
pub fn switch<'a>(replica: &'a Replica, id: &str) -> Option<(&'a str, &'a Row)> {
    find(replica, &owner(id), "head")
}

/// What makes the network so. `name_servers` serve where a subnet names none.
pub fn draft(
    replica: &Replica,
    id: &str,
    revision: i64,
    spec: &NetworkSpec,
    name_servers: &[IpAddr],
) -> Driven<Transaction> {
    let mut draft = Draft::new(replica);
    let ports = port::of_network(replica, id);
    let named = !spec.dns_domain.is_empty();
    let dns = if named { vec![Atom::Named("dns".to_owned())] } else { Vec::new() };
    let mut wanted = vec![
        Wanted::new("Logical_Switch", "head")
            .one("name", format!("drystone-{id}"))
            .with("dns_records", Datum::set(dns))
            .with("other_config", Datum::map([("mcast_snoop", "false"), ("vlan-passthru", "false")]))
            .label("revision", revision.to_string())
            .label("name", &spec.name)
            .label("domain", &spec.dns_domain),
    ];
    if named {
        let records = ports.iter().flat_map(|(_, _, row)| port::names(row, &spec.dns_domain));
        wanted.push(Wanted::new("DNS", "dns").with("records", Datum::map(records)));
    }
    wanted.extend(localnet(id, spec));
    wanted.extend(metadata(spec));
    wanted.extend(spec.subnets.iter().filter_map(|subnet| dhcp_options(spec, subnet, name_servers)));
    let names = draft.owns(&owner(id), wanted);
    for (_, uuid, row) in ports {
        for (column, ipv6) in [("dhcpv4_options", false), ("dhcpv6_options", true)] {
            let options = port::dhcp(row, ipv6, |subnet| names.get(&dhcp_word(subnet)).cloned());
            draft.column("Logical_Switch_Port", uuid, row, column, Datum::set(options));
        }
    }
    Ok(draft.finish())
}

/// The names of a port are `new` ones, and no more the `old` ones, except where another port has the same.
pub fn rename(
    draft: &mut Draft<'_>,
    replica: &Replica,
    (id, port_id): (&str, &str),
    old: &BTreeSet<String>,
    mut new: BTreeMap<String, String>,
) {
    let Some((uuid, row)) = find(replica, &owner(id), "dns") else { return };
    if old.iter().any(|name| !new.contains_key(name)) {
        let others = port::of_network(replica, id).into_iter().filter(|(other, _, _)| *other != port_id);
        let domain = switch(replica, id).map(|(_, row)| domain(row)).unwrap_or_default();
        for (name, value) in others.flat_map(|(_, _, row)| port::names(row, domain)) {
            if old.contains(&name) {
                new.entry(name).or_insert(value);
            }
        }
    }
    draft.pairs(("DNS", uuid, row), "records", old, &new);
}

/// The domain of a network.
pub fn domain(row: &Row) -> &str {
    label(row, "domain").unwrap_or_default()
}

/// The word of a subnet's DHCP row among its network's.
pub fn dhcp_word(subnet_id: &str) -> String {
    format!("subnet {subnet_id}")
}

fn localnet(id: &str, spec: &NetworkSpec) -> Option<Wanted> {
    let provider = spec.provider.as_ref()?;
    Some(
        Wanted::new("Logical_Switch_Port", "localnet")
            .one("name", format!("localnet-{id}"))
            .one("type", "localnet")
            .one("addresses", "unknown")
            .with("tag", Datum::set(provider.vlan.map(i64::from)))
            .with("options", Datum::map([("network_name", provider.physical_network.as_str())]))
            .under("head"),
    )
}

fn metadata(spec: &NetworkSpec) -> Option<Wanted> {
    let port = spec.metadata.as_ref()?;
    let addresses = port.addresses.iter().map(|address| format!(" {}", address.addr()));
    Some(
        Wanted::new("Logical_Switch_Port", "metadata")
            .one("name", port.id.as_str())
            .one("type", "localport")
            .one("addresses", port.mac.clone() + &addresses.collect::<String>())
            .under("head"),
    )
}

fn dhcp_options(spec: &NetworkSpec, subnet: &SubnetSpec, name_servers: &[IpAddr]) -> Option<Wanted> {
    let dhcp = subnet.dhcp.as_ref()?;
    let options = match subnet.cidr {
        IpNet::V4(_) => options_v4(spec, subnet, dhcp, name_servers),
        IpNet::V6(_) => options_v6(spec, dhcp, name_servers),
    };
    Some(
        Wanted::new("DHCP_Options", dhcp_word(&subnet.id))
            .one("cidr", subnet.cidr.to_string())
            .with("options", Datum::map(options))
            .label("subnet", &subnet.id),
    )
}

fn options_v4(
    spec: &NetworkSpec,
    subnet: &SubnetSpec,
    dhcp: &Dhcp,
    name_servers: &[IpAddr],
) -> Vec<(&'static str, String)> {
    let mut options = vec![
        ("server_id", dhcp.server_address.to_string()),
        ("server_mac", dhcp.server_mac.clone()),
        ("lease_time", dhcp.lease_seconds.to_string()),
        ("mtu", spec.mtu.to_string()),
        ("dns_server", format!("{{{}}}", join(&resolvers(dhcp, name_servers, false)))),
    ];
    if let Some(gateway) = subnet.gateway {
        options.push(("router", gateway.to_string()));
    }
    if !spec.dns_domain.is_empty() {
        options.push(("domain_name", format!("\"{}\"", spec.dns_domain)));
    }
    let routes = routes(spec, subnet, dhcp);
    if !routes.is_empty() {
        options.push(("classless_static_route", format!("{{{}}}", routes.join(", "))));
    }
    options
}

/// Whoever understands option 121 ignores the router option: the default route is here too.
fn routes(spec: &NetworkSpec, subnet: &SubnetSpec, dhcp: &Dhcp) -> Vec<String> {
    let metadata =
        spec.metadata.iter().flat_map(|port| &port.addresses).find(|net| subnet.cidr.contains(&net.addr()));
    let mut routes: Vec<(String, IpAddr)> = Vec::new();
    routes.extend(metadata.map(|net| (format!("{METADATA}/32"), net.addr())));
    let own = dhcp.routes.iter().filter(|(to, via)| to.addr().is_ipv4() && via.is_ipv4());
    routes.extend(own.map(|(to, via)| (to.trunc().to_string(), *via)));
    let default = "0.0.0.0/0".to_owned();
    if let Some(gateway) = subnet.gateway
        && !routes.is_empty()
        && !routes.iter().any(|(to, _)| *to == default)
    {
        routes.push((default, gateway));
    }
    routes.iter().map(|(to, via)| format!("{to},{via}")).collect()
}

fn options_v6(spec: &NetworkSpec, dhcp: &Dhcp, name_servers: &[IpAddr]) -> Vec<(&'static str, String)> {
    let mut options = vec![("server_id", dhcp.server_mac.clone())];
    let servers = resolvers(dhcp, name_servers, true);
    if !servers.is_empty() {
        options.push(("dns_server", format!("{{{}}}", join(&servers))));
    }
    if !spec.dns_domain.is_empty() {
        options.push(("domain_search", format!("\"{}\"", spec.dns_domain)));
    }
    options
}

/// The subnet's own name servers, else the host's, else the address that answers DHCP: OVN answers the network's
/// own names whatever server they are asked of.
fn resolvers(dhcp: &Dhcp, name_servers: &[IpAddr], ipv6: bool) -> Vec<IpAddr> {
    let of =
        |servers: &[IpAddr]| servers.iter().copied().filter(|one| one.is_ipv6() == ipv6).collect::<Vec<_>>();
    let own = of(&dhcp.name_servers);
    if !own.is_empty() {
        return own;
    }
    let hosts = if dhcp.name_servers.is_empty() { of(name_servers) } else { Vec::new() };
    if hosts.is_empty() { of(&[dhcp.server_address]) } else { hosts }
}

fn join(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What removes the network: its switch with every port on it, its DHCP and its names.
pub fn removal(replica: &Replica, id: &str) -> Transaction {
    let mut draft = Draft::new(replica);
    draft.owns(&owner(id), Vec::new());
    draft.finish()
}
