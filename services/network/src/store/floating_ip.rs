//! Floating IPs in the store.

use super::{Condition, owned};
use crate::model::faults;
use crate::model::floating_ip::{FloatingIp, FloatingIpRow};
use crate::model::port::PortRow;
use crate::record::Record;
use fault::{Fault, Means};
use policy::Who;
use std::collections::HashMap;
use std::net::IpAddr;
use store::{Tx, params};

/// Floating IPs that `who` sees.
pub fn seen(tx: &Tx, who: &Who, narrowed: impl Fn(Condition) -> Condition) -> Result<Vec<FloatingIp>, Fault> {
    let rows: Vec<FloatingIpRow> = narrowed(owned(who, "project_id")).rows(tx)?;
    rows.into_iter().map(|row| complete(tx, row)).collect()
}

/// The floating IP, if `who` sees it.
pub fn find_seen(tx: &Tx, who: &Who, id: &str) -> Result<FloatingIpRow, Fault> {
    let found = owned(who, "project_id").and("id = ?", [id.into()]).row(tx)?;
    found.ok_or_else(|| faults::floating_ip_missing(id))
}

/// The floating IP with its port.
pub fn complete(tx: &Tx, row: FloatingIpRow) -> Result<FloatingIp, Fault> {
    let port = match &row.port_id {
        None => None,
        Some(id) => PortRow::find(tx, id)?,
    };
    Ok(FloatingIp { row, port })
}

/// Those that lead to a port.
pub fn of_port(tx: &Tx, port_id: &str) -> Result<Vec<FloatingIpRow>, Fault> {
    FloatingIpRow::select(tx, "WHERE port_id = ?1 ORDER BY address", params![port_id])
}

/// The addresses that lead to these ports, by port.
pub fn addresses(tx: &Tx, port_ids: &[String]) -> Result<HashMap<String, Vec<IpAddr>>, Fault> {
    let sql = "SELECT port_id, address FROM floating_ips WHERE port_id IN ({ids}) ORDER BY address";
    tx.lists_among(sql, port_ids, |row| row.text(1)?.parse().or_bug())
}

/// Those that a router translates.
pub fn of_router(tx: &Tx, router_id: &str) -> Result<Vec<FloatingIpRow>, Fault> {
    FloatingIpRow::select(tx, "WHERE router_id = ?1 ORDER BY address", params![router_id])
}
