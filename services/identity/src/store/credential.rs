//! Rows of credentials and policy documents.

use super::{object, text, unless_taken};
use crate::model::credential::{Credential, PolicyBlob};
use fault::Fault;
use store::{Row, Tx, params};

const CREDENTIALS: &str =
    "SELECT id, user_id, project_id, type, secret_blob, extra FROM identity_credentials";
const POLICIES: &str = "SELECT id, type, document, extra FROM identity_policies";

fn credential(row: &Row) -> Result<Credential, Fault> {
    Ok(Credential {
        id: row.text(0)?,
        user_id: row.text(1)?,
        project_id: row.opt_text(2)?,
        kind: row.text(3)?,
        blob: row.text(4)?,
        extra: object(row, 5)?,
    })
}

fn policy(row: &Row) -> Result<PolicyBlob, Fault> {
    Ok(PolicyBlob { id: row.text(0)?, kind: row.text(1)?, blob: row.text(2)?, extra: object(row, 3)? })
}

/// Every credential.
pub fn credentials(tx: &Tx) -> Result<Vec<Credential>, Fault> {
    tx.query(&format!("{CREDENTIALS} ORDER BY id"), params![])?.iter().map(credential).collect()
}

/// The credential of that id.
pub fn credential_by_id(tx: &Tx, id: &str) -> Result<Option<Credential>, Fault> {
    tx.query_one(&format!("{CREDENTIALS} WHERE id = ?1"), params![id])?.as_ref().map(credential).transpose()
}

/// Adds a credential; false if its id is taken.
pub fn credential_insert(tx: &Tx, one: &Credential) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_credentials (id, user_id, project_id, type, secret_blob, extra) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let project = one.project_id.as_deref();
    unless_taken(
        tx.try_execute(sql, params![&one.id, &one.user_id, project, &one.kind, &one.blob, text(&one.extra)]),
    )
}

/// Keeps another secret.
pub fn credential_update(tx: &Tx, one: &Credential) -> Result<(), Fault> {
    let sql = "UPDATE identity_credentials SET secret_blob = ?2 WHERE id = ?1";
    tx.execute(sql, params![&one.id, &one.blob]).map(drop)
}

/// Removes a credential.
pub fn credential_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_credentials WHERE id = ?1", params![id]).map(drop)
}

/// Every policy document.
pub fn policies(tx: &Tx) -> Result<Vec<PolicyBlob>, Fault> {
    tx.query(&format!("{POLICIES} ORDER BY id"), params![])?.iter().map(policy).collect()
}

/// The policy document of that id.
pub fn policy_by_id(tx: &Tx, id: &str) -> Result<Option<PolicyBlob>, Fault> {
    tx.query_one(&format!("{POLICIES} WHERE id = ?1"), params![id])?.as_ref().map(policy).transpose()
}

/// Adds a policy document, or writes it anew.
pub fn policy_put(tx: &Tx, one: &PolicyBlob) -> Result<(), Fault> {
    policy_delete(tx, &one.id)?;
    let sql = "INSERT INTO identity_policies (id, type, document, extra) VALUES (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![&one.id, &one.kind, &one.blob, text(&one.extra)]).map(drop)
}

/// Removes a policy document.
pub fn policy_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_policies WHERE id = ?1", params![id]).map(drop)
}
