//! Ports in the store, with their addresses and groups.

use super::Condition;
use crate::model::port::{FixedIp, Port, PortRow, owner};
use crate::model::subnet::{Pool, Subnet};
use crate::model::{address, faults};
use crate::record::Record;
use contract::network::PortShown;
use fault::{Fault, Means};
use ipnet::IpNet;
use policy::Who;
use std::collections::HashMap;
use std::net::IpAddr;
use store::{Tx, params};

const VISIBLE: &str = "(project_id = ? OR network_id IN (SELECT id FROM networks WHERE project_id = ?))";

/// Ports that `who` sees: own, and those on own networks.
pub fn seen(tx: &Tx, who: &Who, domain: &str, condition: Condition) -> Result<Vec<Port>, Fault> {
    let project = || who.project().into();
    let condition = if who.overseer { condition } else { condition.and(VISIBLE, [project(), project()]) };
    complete(tx, domain, condition.rows(tx)?)
}

/// The port, if `who` sees it.
pub fn find_seen(tx: &Tx, who: &Who, domain: &str, id: &str) -> Result<Port, Fault> {
    let found = seen(tx, who, domain, Condition::is("id", id))?.into_iter().next();
    found.ok_or_else(|| faults::port_missing(id))
}

/// The port, whoever asks.
pub fn find(tx: &Tx, domain: &str, id: &str) -> Result<Port, Fault> {
    let row = PortRow::find(tx, id)?.ok_or_else(|| faults::port_missing(id))?;
    let port = complete(tx, domain, vec![row])?.pop();
    port.ok_or_else(|| faults::port_missing(id))
}

/// The ports for which a condition holds.
pub fn all(tx: &Tx, domain: &str, condition: Condition) -> Result<Vec<Port>, Fault> {
    complete(tx, domain, condition.rows(tx)?)
}

/// The port at which a network answers DHCP and metadata.
pub fn distributed(tx: &Tx, domain: &str, network_id: &str) -> Result<Option<Port>, Fault> {
    let condition =
        Condition::is("network_id", network_id).and("device_owner = ?", [owner::DISTRIBUTED.into()]);
    Ok(all(tx, domain, condition)?.pop())
}

/// What these servers show of their ports; those of one server in the order in which they were attached. What
/// [`PortRow::is_trusted`] is true of is no server's.
pub fn shown(tx: &Tx, server_ids: &[String]) -> Result<Vec<PortShown>, Fault> {
    let mut ports: Vec<PortShown> = Vec::new();
    let sql = "SELECT p.id, p.device_id, p.mac, n.name, a.address FROM ports p JOIN networks n ON n.id = p.network_id
               LEFT JOIN port_addresses a ON a.port_id = p.id
               WHERE p.device_id IN ({ids}) AND p.device_owner NOT LIKE 'network:%' ORDER BY p.attached_at, p.id, a.place";
    for row in tx.query_among(sql, server_ids)? {
        let id = row.text(0)?;
        if ports.last().is_none_or(|last| last.id != id) {
            ports.push(PortShown {
                id,
                server_id: row.text(1)?,
                mac: row.text(2)?,
                network_name: row.text(3)?,
                fixed_ips: Vec::new(),
                floating_ips: Vec::new(),
                security_groups: Vec::new(),
            });
        }
        if let (Some(port), Some(address)) = (ports.last_mut(), row.opt_text(4)?) {
            port.fixed_ips.push(address.parse().or_bug()?);
        }
    }
    let ids: Vec<String> = ports.iter().map(|port| port.id.clone()).collect();
    let mut groups = group_names(tx, &ids)?;
    let mut floating_ips = super::floating_ip::addresses(tx, &ids)?;
    for port in &mut ports {
        port.security_groups = groups.remove(&port.id).unwrap_or_default();
        port.floating_ips = floating_ips.remove(&port.id).unwrap_or_default();
    }
    Ok(ports)
}

/// The names of the security groups of ports, by port.
fn group_names(tx: &Tx, port_ids: &[String]) -> Result<HashMap<String, Vec<String>>, Fault> {
    let sql = "SELECT p.port_id, g.name FROM port_groups p JOIN security_groups g ON g.id = p.group_id
               WHERE p.port_id IN ({ids}) ORDER BY p.port_id, p.group_id";
    tx.lists_among(sql, port_ids, |row| row.text(1))
}

fn complete(tx: &Tx, domain: &str, rows: Vec<PortRow>) -> Result<Vec<Port>, Fault> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let sql = "SELECT port_id, subnet_id, address FROM port_addresses WHERE port_id IN ({ids}) ORDER BY port_id, place";
    let mut fixed_ips = tx.lists_among(sql, &ids, |row| fixed_ip(&row.text(1)?, &row.text(2)?))?;
    let sql = "SELECT port_id, group_id FROM port_groups WHERE port_id IN ({ids}) ORDER BY port_id, group_id";
    let mut groups = tx.lists_among(sql, &ids, |row| row.text(1))?;
    let ports = rows.into_iter().map(|row| Port {
        fixed_ips: fixed_ips.remove(&row.id).unwrap_or_default(),
        groups: groups.remove(&row.id).unwrap_or_default(),
        domain: domain.to_owned(),
        row,
    });
    Ok(ports.collect())
}

fn fixed_ip(subnet_id: &str, address: &str) -> Result<FixedIp, Fault> {
    Ok(FixedIp { subnet_id: subnet_id.to_owned(), address: address.parse().or_bug()? })
}

/// The port has this address. Says whether it was free.
pub fn address_take(
    tx: &Tx,
    port: &PortRow,
    subnet: &Subnet,
    address: IpAddr,
    place: usize,
) -> Result<bool, Fault> {
    let net = net(subnet)?;
    let taken = tx.execute(
        "INSERT INTO port_addresses (network_id, address, subnet_id, port_id, place, distance)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        params![
            &port.network_id,
            address.to_string(),
            &subnet.id,
            &port.id,
            place,
            address::offset(net, address)
        ],
    )?;
    Ok(taken > 0)
}

/// The port does not have this address any more.
pub fn address_give_back(tx: &Tx, port_id: &str, address: IpAddr) -> Result<(), Fault> {
    let sql = "DELETE FROM port_addresses WHERE port_id = ?1 AND address = ?2";
    tx.execute(sql, params![port_id, address.to_string()]).map(drop)
}

/// The port has none of its addresses any more.
pub fn addresses_give_back(tx: &Tx, port_id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM port_addresses WHERE port_id = ?1", params![port_id]).map(drop)
}

/// The next address of a subnet's pools that nobody has, behind the one that was given out last and then from the
/// beginning again: what was given back rests before others get it, and no search walks over all that is taken.
pub fn address_free(tx: &Tx, subnet: &Subnet) -> Result<Option<IpAddr>, Fault> {
    let net = net(subnet)?;
    let cursor = tx.query_one("SELECT next FROM subnet_cursors WHERE subnet_id = ?1", params![&subnet.id])?;
    let cursor = cursor.map(|row| row.int(0)).transpose()?;
    for from in cursor.into_iter().chain([0]) {
        for pool in &subnet.pools.0 {
            if let Some(offset) = free_in(tx, &subnet.id, net, pool, from)? {
                return Ok(Some(address::at_offset(net, offset)));
            }
        }
    }
    Ok(None)
}

/// The search for a free address goes on behind this one.
pub fn cursor_put(tx: &Tx, subnet: &Subnet, last: IpAddr) -> Result<(), Fault> {
    let sql = "INSERT INTO subnet_cursors (subnet_id, next) VALUES (?1, ?2)
               ON CONFLICT (subnet_id) DO UPDATE SET next = excluded.next";
    tx.execute(sql, params![&subnet.id, address::offset(net(subnet)?, last) + 1]).map(drop)
}

/// The first address of a pool that is free and not before `from`.
fn free_in(tx: &Tx, subnet_id: &str, net: IpNet, pool: &Pool, from: i64) -> Result<Option<i64>, Fault> {
    let (first, last) = (address::offset(net, pool.start).max(from), address::offset(net, pool.end));
    if first > last {
        return Ok(None);
    }
    let begin = "SELECT 1 FROM port_addresses WHERE subnet_id = ?1 AND distance = ?2";
    if tx.query_one(begin, params![subnet_id, first])?.is_none() {
        return Ok(Some(first));
    }
    let gap = "SELECT a.distance + 1 FROM port_addresses a WHERE a.subnet_id = ?1 AND a.distance >= ?2 AND a.distance < ?3 \
               AND NOT EXISTS (SELECT 1 FROM port_addresses b WHERE b.subnet_id = a.subnet_id \
               AND b.distance = a.distance + 1) ORDER BY a.distance LIMIT 1";
    tx.query_one(gap, params![subnet_id, first, last])?.map(|row| row.int(0)).transpose()
}

fn net(subnet: &Subnet) -> Result<IpNet, Fault> {
    subnet.net().ok_or_else(|| Fault::bug(format!("subnet {} has no range", subnet.id)))
}

/// Who has an address of a network: the port's id and owner.
pub fn address_holder(tx: &Tx, network_id: &str, address: IpAddr) -> Result<Option<String>, Fault> {
    let sql = "SELECT port_id FROM port_addresses WHERE network_id = ?1 AND address = ?2";
    tx.query_one(sql, params![network_id, address.to_string()])?.map(|row| row.text(0)).transpose()
}

/// Ports that have an address of a subnet.
pub fn on_subnet(tx: &Tx, subnet_id: &str) -> Result<Vec<PortRow>, Fault> {
    let condition = "WHERE id IN (SELECT port_id FROM port_addresses WHERE subnet_id = ?1) ORDER BY id";
    PortRow::select(tx, condition, params![subnet_id])
}

/// The port's groups are these.
pub fn groups_set(tx: &Tx, port_id: &str, groups: &[String]) -> Result<(), Fault> {
    tx.execute("DELETE FROM port_groups WHERE port_id = ?1", params![port_id])?;
    for group in groups {
        let sql = "INSERT INTO port_groups (port_id, group_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        tx.execute(sql, params![port_id, group])?;
    }
    Ok(())
}

/// A MAC address is taken on a network.
pub fn mac_taken(tx: &Tx, network_id: &str, mac: &str) -> Result<bool, Fault> {
    Ok(tx
        .query_one("SELECT 1 FROM ports WHERE network_id = ?1 AND mac = ?2", params![network_id, mac])?
        .is_some())
}
