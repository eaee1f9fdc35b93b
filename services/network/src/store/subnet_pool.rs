//! Subnet pools in the store.

use super::Condition;
use crate::model::faults;
use crate::model::subnet_pool::SubnetPool;
use fault::Fault;
use ipnet::IpNet;
use policy::Who;
use store::{Tx, params};

/// Subnet pools that `who` sees: own and shared ones.
pub fn seen(tx: &Tx, who: &Who, condition: Condition) -> Result<Vec<SubnetPool>, Fault> {
    let visible = "(project_id = ? OR shared = 1)";
    if who.overseer { condition.rows(tx) } else { condition.and(visible, [who.project().into()]).rows(tx) }
}

/// The pool, if `who` sees it.
pub fn find_seen(tx: &Tx, who: &Who, id: &str) -> Result<SubnetPool, Fault> {
    let found = seen(tx, who, Condition::is("id", id))?.into_iter().next();
    found.ok_or_else(|| faults::subnet_pool_missing(id))
}

/// The default pool of a version of IP.
pub fn default_of(tx: &Tx, version: i64) -> Result<Option<SubnetPool>, Fault> {
    Condition::is("is_default", true).and("ip_version = ?", [version.into()]).row(tx)
}

/// The ranges that subnets have of a pool, with their owners.
pub fn taken(tx: &Tx, id: &str) -> Result<Vec<(IpNet, String)>, Fault> {
    let rows = tx.query("SELECT cidr, project_id FROM subnets WHERE pool_id = ?1", params![id])?;
    let mut taken = Vec::new();
    for row in rows {
        if let Ok(net) = row.text(0)?.parse() {
            taken.push((net, row.text(1)?));
        }
    }
    Ok(taken)
}
