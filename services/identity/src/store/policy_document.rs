//! Rows of policy documents.

use super::{object, text};
use crate::model::policy_document::PolicyDocument;
use fault::Fault;
use store::{Row, Tx, params};

const POLICIES: &str = "SELECT id, type, document, extra FROM identity_policies";

fn policy(row: &Row) -> Result<PolicyDocument, Fault> {
    Ok(PolicyDocument { id: row.text(0)?, kind: row.text(1)?, blob: row.text(2)?, extra: object(row, 3)? })
}

/// Every policy document.
pub fn policies(tx: &Tx) -> Result<Vec<PolicyDocument>, Fault> {
    tx.query(&format!("{POLICIES} ORDER BY id"), params![])?.iter().map(policy).collect()
}

/// The policy document of that id.
pub fn policy_by_id(tx: &Tx, id: &str) -> Result<Option<PolicyDocument>, Fault> {
    tx.query_one(&format!("{POLICIES} WHERE id = ?1"), params![id])?.as_ref().map(policy).transpose()
}

/// Adds a policy document, or writes it anew.
pub fn policy_put(tx: &Tx, one: &PolicyDocument) -> Result<(), Fault> {
    policy_delete(tx, &one.id)?;
    let sql = "INSERT INTO identity_policies (id, type, document, extra) VALUES (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![&one.id, &one.kind, &one.blob, text(&one.extra)]).map(drop)
}

/// Removes a policy document.
pub fn policy_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_policies WHERE id = ?1", params![id]).map(drop)
}
