//! Policies that share things, in the store.

use super::{Condition, owned};
use crate::model::faults;
use crate::model::rbac::RbacPolicy;
use crate::record::Record;
use fault::Fault;
use policy::Who;
use store::{Tx, params};

/// Policies that `who` sees: own ones.
pub fn seen(tx: &Tx, who: &Who, narrowed: impl Fn(Condition) -> Condition) -> Result<Vec<RbacPolicy>, Fault> {
    narrowed(owned(who, "project_id")).rows(tx)
}

/// The policy, if `who` sees it.
pub fn find_seen(tx: &Tx, who: &Who, id: &str) -> Result<RbacPolicy, Fault> {
    let found = owned(who, "project_id").and("id = ?", [id.into()]).row(tx)?;
    found.ok_or_else(|| faults::rbac_missing(id))
}

/// One policy by what it says.
pub fn of(tx: &Tx, object_id: &str, action: &str, target: &str) -> Result<Option<RbacPolicy>, Fault> {
    let condition = "WHERE object_id = ?1 AND action = ?2 AND target_project = ?3";
    RbacPolicy::first(tx, condition, params![object_id, action, target])
}

/// No policy of a thing is left.
pub fn forget(tx: &Tx, object_id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM network_rbac WHERE object_id = ?1", params![object_id]).map(drop)
}
