//! Rows of trusts.

use super::{object, text, unless_taken};
use crate::model::trust::Trust;
use fault::Fault;
use serde_json::json;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, trustor_id, trustee_id, project_id, impersonation, roles, expires_at, remaining_uses, \
                      parent_id, depth, extra FROM identity_trusts";

fn trust(row: &Row) -> Result<Trust, Fault> {
    Ok(Trust {
        id: row.text(0)?,
        trustor_id: row.text(1)?,
        trustee_id: row.text(2)?,
        project_id: row.opt_text(3)?,
        impersonation: row.flag(4)?,
        roles: row.json(5)?,
        expires_at: row.opt_at(6)?,
        remaining_uses: row.opt_int(7)?,
        parent_id: row.opt_text(8)?,
        depth: row.int(9)?,
        extra: object(row, 10)?,
    })
}

/// Every trust.
pub fn trusts(tx: &Tx) -> Result<Vec<Trust>, Fault> {
    tx.query(&format!("{SELECT} ORDER BY id"), params![])?.iter().map(trust).collect()
}

/// The trust of that id.
pub fn trust_by_id(tx: &Tx, id: &str) -> Result<Option<Trust>, Fault> {
    tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?.as_ref().map(trust).transpose()
}

/// Adds a trust; false if there is the same one already.
pub fn trust_insert(tx: &Tx, one: &Trust) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_trusts (id, trustor_id, trustee_id, project_id, impersonation, roles, expires_at, \
               remaining_uses, parent_id, depth, extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    unless_taken(tx.try_execute(
        sql,
        params![
            &one.id,
            &one.trustor_id,
            &one.trustee_id,
            one.project_id.as_deref(),
            one.impersonation,
            json!(one.roles).to_string(),
            one.expires_at,
            one.remaining_uses,
            one.parent_id.as_deref(),
            one.depth,
            text(&one.extra)
        ],
    ))
}

/// A token was had of the trust.
pub fn trust_use(tx: &Tx, id: &str) -> Result<(), Fault> {
    let sql =
        "UPDATE identity_trusts SET remaining_uses = remaining_uses - 1 WHERE id = ?1 AND remaining_uses > 0";
    tx.execute(sql, params![id]).map(drop)
}

/// Removes a trust, and those as which it was handed on.
pub fn trust_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    delete_where(tx, "parent_id", id)?;
    tx.execute("DELETE FROM identity_trusts WHERE id = ?1", params![id]).map(drop)
}

/// Removes the trusts that a user gave or was given.
pub fn trusts_of_user_delete(tx: &Tx, user_id: &str) -> Result<(), Fault> {
    delete_where(tx, "trustor_id", user_id)?;
    delete_where(tx, "trustee_id", user_id)
}

/// Removes the trusts that are for a project.
pub fn trusts_of_project_delete(tx: &Tx, project_id: &str) -> Result<(), Fault> {
    delete_where(tx, "project_id", project_id)
}

fn delete_where(tx: &Tx, column: &str, value: &str) -> Result<(), Fault> {
    let sql = format!("SELECT id FROM identity_trusts WHERE {column} = ?1");
    for row in tx.query(&sql, params![value])? {
        trust_delete(tx, &row.text(0)?)?;
    }
    Ok(())
}
