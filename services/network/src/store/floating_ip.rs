//! Floating IPs in the store.

use super::{Condition, owned};
use crate::model::faults;
use crate::model::floating_ip::{FloatingIp, FloatingIpRow};
use crate::model::port::PortRow;
use crate::record::Record;
use fault::Fault;
use policy::Who;
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

/// Those that lead to these ports.
pub fn of_ports(tx: &Tx, port_ids: &[String]) -> Result<Vec<FloatingIpRow>, Fault> {
    let condition = Condition::all().among("port_id", port_ids);
    FloatingIpRow::select(tx, &format!("{} ORDER BY address", condition.sql()), condition.params())
}

/// Those that a router translates.
pub fn of_router(tx: &Tx, router_id: &str) -> Result<Vec<FloatingIpRow>, Fault> {
    FloatingIpRow::select(tx, "WHERE router_id = ?1 ORDER BY address", params![router_id])
}
