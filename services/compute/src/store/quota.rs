//! Limits: of projects (and of users in them), and of the class of all that have none.

use crate::model::quota::{RESOURCES, Resource};
use fault::Fault;
use std::collections::HashMap;
use store::{Tx, params};

/// The class of those that have no quotas of their own.
pub const DEFAULT_CLASS: &str = "default";

/// What was set for a class.
pub fn class_limits(tx: &Tx, class: &str) -> Result<HashMap<String, i64>, Fault> {
    let sql = "SELECT resource, value FROM compute_quota_classes WHERE class = ?1";
    tx.query(sql, params![class])?.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}

/// Sets a limit of a class.
pub fn class_limit_set(tx: &Tx, class: &str, resource: &str, value: i64) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO compute_quota_classes (class, resource, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (class, resource) DO UPDATE SET value = excluded.value",
        params![class, resource, value],
    )
    .map(drop)
}

/// The limits of those that have none of their own.
pub fn defaults(tx: &Tx) -> Result<HashMap<&'static str, i64>, Fault> {
    let set = class_limits(tx, DEFAULT_CLASS)?;
    Ok(RESOURCES
        .iter()
        .map(|resource| (resource.name, set.get(resource.name).copied().unwrap_or(resource.default)))
        .collect())
}

/// The limits of a project, or of a user in it (empty: the project).
pub fn limits(tx: &Tx, project_id: &str, user_id: &str) -> Result<HashMap<&'static str, i64>, Fault> {
    let mut limits = defaults(tx)?;
    // The user's own come last and count.
    let sql = "SELECT resource, value FROM compute_quotas
               WHERE project_id = ?1 AND user_id IN ('', ?2) ORDER BY user_id <> ''";
    for row in tx.query(sql, params![project_id, user_id])? {
        let name = row.text(0)?;
        if let Some(resource) = RESOURCES.iter().find(|resource| resource.name == name) {
            limits.insert(resource.name, row.int(1)?);
        }
    }
    Ok(limits)
}

/// The limit of one resource for a project.
pub fn limit(tx: &Tx, project_id: &str, name: &str) -> Result<i64, Fault> {
    Ok(limits(tx, project_id, "")?.get(name).copied().unwrap_or(-1))
}

/// Sets a limit of a project or of a user in it.
pub fn limit_set(
    tx: &Tx,
    project_id: &str,
    user_id: &str,
    resource: &Resource,
    value: i64,
) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO compute_quotas (project_id, user_id, resource, value) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (project_id, user_id, resource) DO UPDATE SET value = excluded.value",
        params![project_id, user_id, resource.name, value],
    )
    .map(drop)
}

/// The project, or the user in it, has no limits of its own any more. Without a user those of its users go too.
pub fn limits_reset(tx: &Tx, project_id: &str, user_id: &str) -> Result<(), Fault> {
    let sql = "DELETE FROM compute_quotas WHERE project_id = ?1 AND (?2 = '' OR user_id = ?2)";
    tx.execute(sql, params![project_id, user_id]).map(drop)
}
