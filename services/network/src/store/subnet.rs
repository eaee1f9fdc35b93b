//! Subnets in the store.

use super::Condition;
use crate::model::faults;
use crate::model::subnet::Subnet;
use crate::record::Record;
use fault::Fault;
use policy::Who;
use store::{Tx, params};

const VISIBLE: &str = "(project_id = ? OR network_id IN (SELECT id FROM networks WHERE project_id = ?) OR network_id IN \
                       (SELECT object_id FROM network_rbac WHERE object_type = 'network' AND target_project IN (?, '*')))";

/// Subnets that `who` sees: own, those of own networks, those of shared and external networks.
pub fn seen(tx: &Tx, who: &Who, condition: Condition) -> Result<Vec<Subnet>, Fault> {
    let project = || who.project().into();
    let condition =
        if who.overseer { condition } else { condition.and(VISIBLE, [project(), project(), project()]) };
    condition.rows(tx)
}

/// The subnet, if `who` sees it.
pub fn find_seen(tx: &Tx, who: &Who, id: &str) -> Result<Subnet, Fault> {
    let found = seen(tx, who, Condition::is("id", id))?.into_iter().next();
    found.ok_or_else(|| faults::subnet_missing(id))
}

/// The subnet, whoever asks.
pub fn find(tx: &Tx, id: &str) -> Result<Subnet, Fault> {
    Subnet::find(tx, id)?.ok_or_else(|| faults::subnet_missing(id))
}

/// The subnets of a network, the oldest first.
pub fn of_network(tx: &Tx, network_id: &str) -> Result<Vec<Subnet>, Fault> {
    Subnet::select(tx, "WHERE network_id = ?1 ORDER BY created_at, id", params![network_id])
}

/// Removes a subnet, and the place where the search for its addresses goes on.
pub fn remove(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM subnet_cursors WHERE subnet_id = ?1", params![id])?;
    Subnet::remove(tx, id)
}
