//! A security group: a port group with an ACL for each rule. One more group drops what no rule lets through.

use crate::ovsdb::{Atom, Datum, Replica, Row};
use crate::rows::{Draft, Owner, Transaction, Wanted, find, label};
use metal::Kind;
use metal::network::{Remote, RuleSpec, SecurityGroupSpec};
use std::collections::BTreeSet;

/// The group of all ports with port security.
const DROP: &str = "pg_drystone_drop";
const ALLOWS: i64 = 1002;
const DROPS: i64 = 1001;

/// The owner of a security group's rows.
pub fn owner(id: &str) -> Owner {
    Owner::new(Kind::SecurityGroup.word(), id)
}

fn drop_owner() -> Owner {
    Owner::new("default", "drop")
}

/// The port group of a security group.
pub fn group<'a>(replica: &'a Replica, id: &str) -> Option<(&'a str, &'a Row)> {
    find(replica, &owner(id), "head")
}

/// The port group that drops.
pub fn default_group(replica: &Replica) -> Option<&str> {
    find(replica, &drop_owner(), "head").map(|(uuid, _)| uuid)
}

/// The name of a security group's port group; its addresses are `$name_ip4` and `$name_ip6`.
fn group_name(id: &str) -> String {
    format!("pg_{}", id.replace('-', "_"))
}

/// What makes the group so.
pub fn draft(replica: &Replica, id: &str, revision: i64, spec: &SecurityGroupSpec) -> Transaction {
    let mut draft = Draft::new(replica);
    let name = group_name(id);
    let mut wanted = vec![
        Wanted::new("Port_Group", "head")
            .one("name", name.as_str())
            .with("ports", Datum::set(ports(replica, id)))
            .label("revision", revision.to_string())
            .label("name", &spec.name),
    ];
    let action = if spec.stateful { "allow-related" } else { "allow-stateless" };
    let mut words = BTreeSet::new();
    for rule in spec.rules.iter().filter(|rule| words.insert(&rule.id)) {
        let word = format!("rule {}", rule.id);
        wanted.push(acl(&word, rule.ingress, ALLOWS, &condition(&name, rule), action));
    }
    draft.owns(&owner(id), wanted);
    draft.finish()
}

/// What removes the group.
pub fn removal(replica: &Replica, id: &str) -> Transaction {
    let mut draft = Draft::new(replica);
    draft.owns(&owner(id), Vec::new());
    draft.finish()
}

/// What makes the group that drops. Asking for an address is always let through, as the switch itself answers.
pub fn default_draft(replica: &Replica) -> Transaction {
    let mut draft = Draft::new(replica);
    let dhcp = [
        ("dhcp4", "ip4 && udp.src == 68 && udp.dst == 67"),
        ("dhcp6", "ip6 && udp.src == 546 && udp.dst == 547"),
    ];
    let mut wanted = vec![
        Wanted::new("Port_Group", "head").one("name", DROP),
        acl("from", false, DROPS, &format!("inport == @{DROP} && ip"), "drop"),
        acl("to", true, DROPS, &format!("outport == @{DROP} && ip"), "drop"),
    ];
    for (word, packets) in dhcp {
        wanted.push(acl(word, false, ALLOWS, &format!("inport == @{DROP} && {packets}"), "allow-related"));
    }
    draft.owns(&drop_owner(), wanted);
    draft.finish()
}

/// What removes the group that drops.
pub fn default_removal(replica: &Replica) -> Transaction {
    let mut draft = Draft::new(replica);
    draft.owns(&drop_owner(), Vec::new());
    draft.finish()
}

/// A port is in exactly these groups.
pub fn join(draft: &mut Draft<'_>, replica: &Replica, port: &Atom, groups: &BTreeSet<String>) {
    for (uuid, row) in replica.rows("Port_Group") {
        let ours = matches!(label(row, "kind"), Some("security_group" | "default"));
        let is_in =
            port.uuid().is_some_and(|port| row.get("ports").is_some_and(|ports| ports.holds_row(port)));
        let belongs = groups.contains(uuid);
        if ours && is_in != belongs {
            draft.member("Port_Group", uuid, "ports", port.clone(), belongs);
        }
    }
}

/// The ports that say that they belong to the group.
fn ports(replica: &Replica, id: &str) -> Vec<Atom> {
    let says =
        |row: &Row| label(row, "groups").is_some_and(|groups| groups.split(' ').any(|group| group == id));
    let rows = replica.rows("Logical_Switch_Port").filter(|(_, row)| says(row));
    rows.map(|(uuid, _)| Atom::Uuid(uuid.to_owned())).collect()
}

fn acl(word: &str, towards: bool, priority: i64, condition: &str, action: &str) -> Wanted {
    Wanted::new("ACL", word)
        .one("direction", if towards { "to-lport" } else { "from-lport" })
        .one("priority", priority)
        .one("match", condition)
        .one("action", action)
        .under("head")
}

/// What a rule lets through, in OVN's language.
fn condition(group: &str, rule: &RuleSpec) -> String {
    let (version, other) = (if rule.ipv6 { "ip6" } else { "ip4" }, if rule.ingress { "src" } else { "dst" });
    let direction = if rule.ingress { "outport" } else { "inport" };
    let mut all = vec![format!("{direction} == @{group}"), version.to_owned()];
    match &rule.remote {
        Remote::Any => {}
        Remote::Range(range) if range.prefix_len() == 0 => {}
        Remote::Range(range) => all.push(format!("{version}.{other} == {}", range.trunc())),
        Remote::Group(id) => all.push(format!("{version}.{other} == ${}_{version}", group_name(id))),
    }
    all.extend(protocol(rule));
    all.join(" && ")
}

fn protocol(rule: &RuleSpec) -> Vec<String> {
    let Some(number) = rule.protocol else { return Vec::new() };
    let word = match number {
        6 => "tcp",
        17 => "udp",
        132 => "sctp",
        1 | 58 => {
            if rule.ipv6 {
                "icmp6"
            } else {
                "icmp4"
            }
        }
        _ => return vec![format!("ip.proto == {number}")],
    };
    let mut all = vec![word.to_owned()];
    let (low, high) = if word.starts_with("icmp") { ("type", "code") } else { ("dst", "dst") };
    match (rule.port_min, rule.port_max) {
        (Some(kind), code) if low == "type" => {
            all.push(format!("{word}.{low} == {kind}"));
            all.extend(code.map(|code| format!("{word}.{high} == {code}")));
        }
        (Some(min), Some(max)) if min == max => all.push(format!("{word}.{low} == {min}")),
        (min, max) if low == "dst" => {
            all.extend(min.map(|min| format!("{word}.{low} >= {min}")));
            all.extend(max.map(|max| format!("{word}.{high} <= {max}")));
        }
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(
        ingress: bool,
        ipv6: bool,
        protocol: Option<u8>,
        ports: (Option<u16>, Option<u16>),
        remote: Remote,
    ) -> String {
        let (port_min, port_max) = ports;
        condition("pg_a", &RuleSpec { id: "r".into(), ingress, ipv6, protocol, port_min, port_max, remote })
    }

    #[test]
    fn rules_read_as_neutron_writes_them() {
        let range = Remote::Range("10.1.2.3/8".parse().unwrap());
        assert_eq!(
            rule(true, false, Some(6), (Some(22), Some(22)), range),
            "outport == @pg_a && ip4 && ip4.src == 10.0.0.0/8 && tcp && tcp.dst == 22"
        );
        assert_eq!(
            rule(false, true, Some(17), (Some(1), Some(99)), Remote::Group("b-c".into())),
            "inport == @pg_a && ip6 && ip6.dst == $pg_b_c_ip6 && udp && udp.dst >= 1 && udp.dst <= 99"
        );
        assert_eq!(
            rule(true, true, Some(1), (Some(128), Some(0)), Remote::Any),
            "outport == @pg_a && ip6 && icmp6 && icmp6.type == 128 && icmp6.code == 0"
        );
        let any = Remote::Range("0.0.0.0/0".parse().unwrap());
        assert_eq!(
            rule(true, false, Some(112), (None, None), any),
            "outport == @pg_a && ip4 && ip.proto == 112"
        );
    }
}
