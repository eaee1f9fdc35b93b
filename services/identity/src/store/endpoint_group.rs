//! Rows of endpoint groups, and of what the catalogs of projects are narrowed to.

use super::token::epoch_advance;
use super::{object, text};
use crate::model::endpoint_group::EndpointGroup;
use fault::Fault;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, name, description, filters FROM identity_endpoint_groups";

/// What a project is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// An endpoint.
    Endpoint,
    /// A group of them.
    Group,
}

impl Shown {
    const fn word(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::Group => "group",
        }
    }
}

fn group(row: &Row) -> Result<EndpointGroup, Fault> {
    Ok(EndpointGroup {
        id: row.text(0)?,
        name: row.text(1)?,
        description: row.opt_text(2)?,
        filters: object(row, 3)?,
    })
}

/// Every endpoint group.
pub fn endpoint_groups(tx: &Tx) -> Result<Vec<EndpointGroup>, Fault> {
    tx.query(&format!("{SELECT} ORDER BY id"), params![])?.iter().map(group).collect()
}

/// The endpoint group of that id.
pub fn endpoint_group_by_id(tx: &Tx, id: &str) -> Result<Option<EndpointGroup>, Fault> {
    tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?.as_ref().map(group).transpose()
}

/// Adds or rewrites an endpoint group.
pub fn endpoint_group_put(tx: &Tx, one: &EndpointGroup) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_endpoint_groups (id, name, description, filters) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (id) DO UPDATE SET name = ?2, description = ?3, filters = ?4";
    tx.execute(sql, params![&one.id, &one.name, one.description.as_deref(), text(&one.filters)])?;
    epoch_advance(tx)
}

/// Removes an endpoint group.
pub fn endpoint_group_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    shown_forget(tx, id)?;
    tx.execute("DELETE FROM identity_endpoint_groups WHERE id = ?1", params![id])?;
    epoch_advance(tx)
}

/// The ids of what a project is shown.
pub fn shown_to(tx: &Tx, project_id: &str, what: Shown) -> Result<Vec<String>, Fault> {
    let sql = "SELECT other_id FROM identity_project_endpoints WHERE project_id = ?1 AND kind = ?2 ORDER BY other_id";
    tx.query(sql, params![project_id, what.word()])?.iter().map(|row| row.text(0)).collect()
}

/// The ids of the projects that are shown something.
pub fn projects_shown(tx: &Tx, what: Shown, id: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT project_id FROM identity_project_endpoints WHERE kind = ?1 AND other_id = ?2 ORDER BY project_id";
    tx.query(sql, params![what.word(), id])?.iter().map(|row| row.text(0)).collect()
}

/// The project is shown it.
pub fn shown_add(tx: &Tx, project_id: &str, what: Shown, id: &str) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_project_endpoints (project_id, kind, other_id) VALUES (?1, ?2, ?3) \
               ON CONFLICT DO NOTHING";
    tx.execute(sql, params![project_id, what.word(), id])?;
    epoch_advance(tx)
}

/// The project is not shown it any more; false if it was not.
pub fn shown_remove(tx: &Tx, project_id: &str, what: Shown, id: &str) -> Result<bool, Fault> {
    let sql = "DELETE FROM identity_project_endpoints WHERE project_id = ?1 AND kind = ?2 AND other_id = ?3";
    let removed = tx.execute(sql, params![project_id, what.word(), id])? > 0;
    epoch_advance(tx)?;
    Ok(removed)
}

/// A project, an endpoint or a group is gone.
pub fn shown_forget(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_project_endpoints WHERE project_id = ?1 OR other_id = ?1", params![id])
        .map(drop)
}
