//! Routers in the store.

use super::{Condition, owned, port};
use crate::model::faults;
use crate::model::port::{Port, owner};
use crate::model::router::{Router, RouterRow};
use crate::record::Record;
use fault::Fault;
use policy::Who;
use store::Tx;

/// Routers that `who` sees.
pub fn seen(tx: &Tx, who: &Who, narrowed: impl Fn(Condition) -> Condition) -> Result<Vec<Router>, Fault> {
    let rows: Vec<RouterRow> = narrowed(owned(who, "project_id")).rows(tx)?;
    rows.into_iter().map(|row| complete(tx, row)).collect()
}

/// The router, if `who` sees it.
pub fn find_seen(tx: &Tx, who: &Who, id: &str) -> Result<RouterRow, Fault> {
    let found = owned(who, "project_id").and("id = ?", [id.into()]).row(tx)?;
    found.ok_or_else(|| faults::router_missing(id))
}

/// The router, whoever asks.
pub fn find(tx: &Tx, id: &str) -> Result<RouterRow, Fault> {
    RouterRow::find(tx, id)?.ok_or_else(|| faults::router_missing(id))
}

/// The router with its way out.
pub fn complete(tx: &Tx, row: RouterRow) -> Result<Router, Fault> {
    let gateway = match &row.gateway_port_id {
        None => None,
        Some(id) => {
            let port = port::find(tx, "", id)?;
            Some((port.row.network_id, port.fixed_ips))
        }
    };
    Ok(Router { row, gateway })
}

/// The router's ports on tenants' networks, the oldest first.
pub fn interfaces(tx: &Tx, router_id: &str) -> Result<Vec<Port>, Fault> {
    let condition =
        Condition::is("device_id", router_id).and("device_owner = ?", [owner::ROUTER_INTERFACE.into()]);
    let mut ports = port::all(tx, "", condition)?;
    ports.sort_by(|a, b| (a.row.created_at, &a.row.id).cmp(&(b.row.created_at, &b.row.id)));
    Ok(ports)
}

/// The ids of the routers that have a port on a network.
pub fn on_network(tx: &Tx, network_id: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT DISTINCT device_id FROM ports WHERE network_id = ?1 AND device_owner IN (?2, ?3)";
    let params = store::params![network_id, owner::ROUTER_INTERFACE, owner::ROUTER_GATEWAY];
    tx.query(sql, params)?.iter().map(|row| row.text(0)).collect()
}
