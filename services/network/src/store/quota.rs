//! Quotas: limits as they were set, and what is used, counted.

use crate::model::faults;
use crate::model::quota::{RESOURCES, Resource, resource};
use fault::Fault;
use store::{Tx, params};

/// The limit of a project.
pub fn limit(tx: &Tx, project: &str, resource: &Resource) -> Result<i64, Fault> {
    let sql = "SELECT amount FROM network_quotas WHERE project_id = ?1 AND resource = ?2";
    tx.query_one(sql, params![project, resource.name])?.map_or(Ok(resource.default), |row| row.int(0))
}

/// What a project has.
pub fn used(tx: &Tx, project: &str, resource: &Resource) -> Result<i64, Fault> {
    let Some(table) = resource.table else { return Ok(0) };
    let sql = format!("SELECT COUNT(*) FROM {table} WHERE project_id = ?1");
    tx.query_one(&sql, params![project])?.map_or(Ok(0), |row| row.int(0))
}

/// Refuses one more beyond the limit. Counted in the transaction that adds it, so that two never take the same place.
pub fn charge(tx: &Tx, project: &str, name: &str) -> Result<(), Fault> {
    let Some(resource) = resource(name).filter(|_| !project.is_empty()) else { return Ok(()) };
    let limit = limit(tx, project, resource)?;
    if limit >= 0 && used(tx, project, resource)? >= limit {
        return Err(faults::over_quota(name));
    }
    Ok(())
}

/// Every limit of a project.
pub fn limits(tx: &Tx, project: &str) -> Result<Vec<(&'static str, i64)>, Fault> {
    RESOURCES.iter().map(|resource| Ok((resource.name, limit(tx, project, resource)?))).collect()
}

/// The limits of a project of which nobody has said anything.
pub fn defaults() -> Vec<(&'static str, i64)> {
    RESOURCES.iter().map(|resource| (resource.name, resource.default)).collect()
}

/// A limit is this from now on.
pub fn set(tx: &Tx, project: &str, name: &str, amount: i64) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO network_quotas (project_id, resource, amount) VALUES (?1, ?2, ?3)
         ON CONFLICT (project_id, resource) DO UPDATE SET amount = excluded.amount",
        params![project, name, amount],
    )
    .map(drop)
}

/// The project has the defaults again. Says whether it had others.
pub fn forget(tx: &Tx, project: &str) -> Result<bool, Fault> {
    Ok(tx.execute("DELETE FROM network_quotas WHERE project_id = ?1", params![project])? > 0)
}

/// Projects that have limits of their own.
pub fn projects(tx: &Tx) -> Result<Vec<String>, Fault> {
    let rows = tx.query("SELECT DISTINCT project_id FROM network_quotas ORDER BY project_id", &[])?;
    Ok(rows
        .iter()
        .map(|row| row.text(0))
        .collect::<Result<std::collections::BTreeSet<_>, _>>()?
        .into_iter()
        .collect())
}
