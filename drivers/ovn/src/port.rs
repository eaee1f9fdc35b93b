//! A port: a logical switch port with its addresses, its DHCP, its names and its membership in security groups.
//!
//! What other objects need to know of a port (its network, subnets, groups and names) is written on its row as
//! labels, so that a network or group that is made again finds its ports.

use crate::network;
use crate::ovsdb::{Atom, Datum, Replica, Row};
use crate::rows::{Draft, Owner, Transaction, Wanted, find, label};
use crate::security_group;
use metal::driver::Driven;
use metal::network::PortSpec;
use metal::{DriverError, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The owner of a port's row.
pub fn owner(id: &str) -> Owner {
    Owner::new(Kind::Port.word(), id)
}

/// What makes the port so.
pub fn draft(replica: &Replica, id: &str, revision: i64, spec: &PortSpec) -> Driven<Transaction> {
    let Some((switch, network)) = network::switch(replica, &spec.network_id) else {
        return Err(DriverError::NotYet(format!("network {} is not there yet", spec.network_id)));
    };
    let mut draft = Draft::new(replica);
    let groups = groups(replica, spec)?;
    let old = find(replica, &owner(id), "head").map(|(_, row)| names(row, network::domain(network)));
    let dhcp = |ipv6| dhcp_of(replica, spec, ipv6);
    let wanted = Wanted::new("Logical_Switch_Port", "head")
        .one("name", id)
        .with("addresses", Datum::set(addresses(spec)))
        .with("port_security", Datum::set(port_security(spec)))
        .one("enabled", spec.admin_up)
        .with("dhcpv4_options", Datum::set(dhcp(false)))
        .with("dhcpv6_options", Datum::set(dhcp(true)))
        .label("revision", revision.to_string())
        .label("network", &spec.network_id)
        .label("subnets", spec.fixed_ips.iter().map(|ip| ip.subnet_id.as_str()).collect::<Vec<_>>().join(" "))
        .label(
            "addresses",
            spec.fixed_ips.iter().map(|ip| ip.address.to_string()).collect::<Vec<_>>().join(" "),
        )
        .label("names", spec.dns_names.join(" "))
        .label("groups", if spec.port_security { spec.security_groups.join(" ") } else { String::new() })
        .under_row(switch);
    let records =
        records(&spec.dns_names, spec.fixed_ips.iter().map(|ip| ip.address), network::domain(network));
    let atoms = draft.owns(&owner(id), vec![wanted]);
    if let Some(atom) = atoms.get("head") {
        security_group::join(&mut draft, replica, atom, &groups);
    }
    let old = old.unwrap_or_default().into_keys().collect();
    network::rename(&mut draft, replica, (&spec.network_id, id), &old, records);
    Ok(draft.finish())
}

/// What removes the port.
pub fn removal(replica: &Replica, id: &str) -> Transaction {
    let mut draft = Draft::new(replica);
    leave(&mut draft, replica, id);
    draft.finish()
}

/// The port goes, with its names.
pub fn leave(draft: &mut Draft<'_>, replica: &Replica, id: &str) {
    if let Some((_, row)) = find(replica, &owner(id), "head")
        && let Some(network_id) = label(row, "network")
        && let Some((_, network)) = network::switch(replica, network_id)
    {
        let old = names(row, network::domain(network)).into_keys().collect();
        network::rename(draft, replica, (network_id, id), &old, BTreeMap::new());
    }
    draft.owns(&owner(id), Vec::new());
}

/// The rows of a network's ports: id, UUID, row.
pub fn of_network<'a>(replica: &'a Replica, network_id: &str) -> Vec<(&'a str, &'a str, &'a Row)> {
    let ports = network::switch(replica, network_id).and_then(|(_, row)| row.get("ports"));
    let uuids = ports.into_iter().flat_map(Datum::atoms).filter_map(Atom::uuid);
    let rows = uuids.filter_map(|uuid| Some((uuid, replica.row("Logical_Switch_Port", uuid)?.as_ref())));
    let ours = rows.filter(|(_, row)| label(row, "kind") == Some(Kind::Port.word()));
    ours.filter_map(|(uuid, row)| Some((label(row, "id")?, uuid, row))).collect()
}

/// The port's DHCP row: that of the first of its subnets that has one.
pub fn dhcp(row: &Row, ipv6: bool, options: impl Fn(&str) -> Option<Atom>) -> Option<Atom> {
    let subnets = label(row, "subnets").unwrap_or_default().split(' ');
    let addresses = label(row, "addresses").unwrap_or_default().split(' ');
    let matching = subnets.zip(addresses).filter(|(_, address)| address.contains(':') == ipv6);
    matching.filter_map(|(subnet, _)| options(subnet)).next()
}

fn dhcp_of(replica: &Replica, spec: &PortSpec, ipv6: bool) -> Option<Atom> {
    let owner = network::owner(&spec.network_id);
    let matching = spec.fixed_ips.iter().filter(|ip| ip.address.is_ipv6() == ipv6);
    let mut rows = matching.filter_map(|ip| find(replica, &owner, &network::dhcp_word(&ip.subnet_id)));
    rows.next().map(|(uuid, _)| Atom::Uuid(uuid.to_owned()))
}

/// The DNS records of a port: its names, with and without domain, and its addresses.
pub fn names(row: &Row, domain: &str) -> BTreeMap<String, String> {
    let words =
        |name: &str| label(row, name).unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let names: Vec<String> = words("names");
    let addresses: Vec<String> = words("addresses");
    records(&names, addresses.iter().filter_map(|address| address.parse().ok()), domain)
}

fn records(
    names: &[String],
    addresses: impl Iterator<Item = IpAddr>,
    domain: &str,
) -> BTreeMap<String, String> {
    let addresses: Vec<IpAddr> = addresses.collect();
    let Some(first) = names.first().filter(|_| !domain.is_empty() && !addresses.is_empty()) else {
        return BTreeMap::new();
    };
    let all = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let mut records = BTreeMap::new();
    for name in names {
        records.insert(name.to_lowercase(), all.clone());
        records.insert(format!("{name}.{domain}").to_lowercase(), all.clone());
    }
    let full = format!("{first}.{domain}").to_lowercase();
    records.extend(addresses.iter().map(|address| (reverse(*address), full.clone())));
    records
}

/// The name under which an address is looked up.
fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().rev().flat_map(|byte| [byte & 0xf, byte >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}.")).collect::<String>() + "ip6.arpa"
        }
    }
}

fn with_addresses(mac: &str, addresses: impl Iterator<Item = String>) -> String {
    std::iter::once(mac.to_owned()).chain(addresses).collect::<Vec<_>>().join(" ")
}

/// Where the switch finds the port. Without port security it may have any address.
fn addresses(spec: &PortSpec) -> BTreeSet<String> {
    let own = with_addresses(&spec.mac, spec.fixed_ips.iter().map(|ip| ip.address.to_string()));
    let mut addresses = BTreeSet::from([own]);
    if spec.port_security {
        let pairs = spec.allowed_pairs.iter().filter_map(|(mac, _)| mac.as_deref());
        addresses.extend(pairs.map(str::to_lowercase).filter(|mac| *mac != spec.mac));
    } else {
        addresses.insert("unknown".to_owned());
    }
    addresses
}

/// What the port may say it is.
fn port_security(spec: &PortSpec) -> Vec<String> {
    if !spec.port_security {
        return Vec::new();
    }
    let own = spec.fixed_ips.iter().map(|ip| ip.address.to_string()).collect();
    let mut allowed: BTreeMap<String, Vec<String>> = BTreeMap::from([(spec.mac.clone(), own)]);
    for (mac, range) in &spec.allowed_pairs {
        let mac = mac.as_deref().unwrap_or(&spec.mac).to_lowercase();
        let whole = range.prefix_len() == range.max_prefix_len();
        let range = if whole { range.addr().to_string() } else { range.to_string() };
        allowed.entry(mac).or_default().push(range);
    }
    allowed.iter().map(|(mac, ranges)| with_addresses(mac, ranges.iter().cloned())).collect()
}

/// The rows of the groups whose rules apply: UUID of each.
fn groups(replica: &Replica, spec: &PortSpec) -> Driven<BTreeSet<String>> {
    let mut groups = BTreeSet::new();
    if !spec.port_security {
        return Ok(groups);
    }
    let Some(drop) = security_group::default_group(replica) else {
        return Err(DriverError::NotYet(
            "the rule that drops what no group lets through is not there yet".to_owned(),
        ));
    };
    groups.insert(drop.to_owned());
    for id in &spec.security_groups {
        let Some((uuid, _)) = security_group::group(replica, id) else {
            return Err(DriverError::NotYet(format!("security group {id} is not there yet")));
        };
        groups.insert(uuid.to_owned());
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_names_in_both_directions() {
        let names = ["Web".to_owned()];
        let records =
            records(&names, ["10.0.1.7".parse().unwrap(), "fd00::1".parse().unwrap()].into_iter(), "x.org");
        assert_eq!(records["web.x.org"], "10.0.1.7 fd00::1");
        assert_eq!(records["web"], records["web.x.org"]);
        assert_eq!(records["7.1.0.10.in-addr.arpa"], "web.x.org");
        assert!(
            records.contains_key("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa")
        );
    }
}
