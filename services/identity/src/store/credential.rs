//! Rows of credentials, whose secrets are sealed.

use super::key::{Ring, keys};
use super::seal::{opened, sealed};
use super::{object, text, unless_taken};
use crate::model::credential::Credential;
use crate::model::fernet::Key;
use fault::Fault;
use store::{Row, Tx, params};

const CREDENTIALS: &str =
    "SELECT id, user_id, project_id, type, secret_blob, extra, sealed FROM identity_credentials";

fn credential(row: &Row, keys: &[Key]) -> Result<Credential, Fault> {
    Ok(Credential {
        id: row.text(0)?,
        user_id: row.text(1)?,
        project_id: row.opt_text(2)?,
        kind: row.text(3)?,
        blob: if row.flag(6)? { opened(keys, &row.text(4)?)? } else { row.text(4)?.into() },
        extra: object(row, 5)?,
    })
}

/// Every credential.
pub fn credentials(tx: &Tx) -> Result<Vec<Credential>, Fault> {
    let keys = keys(tx, Ring::Credentials)?;
    tx.query(&format!("{CREDENTIALS} ORDER BY id"), params![])?
        .iter()
        .map(|row| credential(row, &keys))
        .collect()
}

/// Whose credentials there are.
pub fn credential_owners(tx: &Tx) -> Result<Vec<String>, Fault> {
    let sql = "SELECT DISTINCT user_id FROM identity_credentials ORDER BY user_id";
    tx.query(sql, params![])?.iter().map(|row| row.text(0)).collect()
}

/// The credentials of a user.
pub fn credentials_of_owner(tx: &Tx, user_id: &str) -> Result<Vec<Credential>, Fault> {
    let keys = keys(tx, Ring::Credentials)?;
    let rows = tx.query(&format!("{CREDENTIALS} WHERE user_id = ?1"), params![user_id])?;
    rows.iter().map(|row| credential(row, &keys)).collect()
}

/// The credential of that id.
pub fn credential_by_id(tx: &Tx, id: &str) -> Result<Option<Credential>, Fault> {
    let keys = keys(tx, Ring::Credentials)?;
    let row = tx.query_one(&format!("{CREDENTIALS} WHERE id = ?1"), params![id])?;
    row.as_ref().map(|row| credential(row, &keys)).transpose()
}

/// The credentials of a user that have a type.
pub fn credentials_of_user(tx: &Tx, user_id: &str, kind: &str) -> Result<Vec<Credential>, Fault> {
    let keys = keys(tx, Ring::Credentials)?;
    let sql = format!("{CREDENTIALS} WHERE user_id = ?1 AND type = ?2 ORDER BY id");
    tx.query(&sql, params![user_id, kind])?.iter().map(|row| credential(row, &keys)).collect()
}

/// Seals every secret anew, with the primary key. Those from before there were keys are plain until then.
pub fn credentials_seal(tx: &Tx) -> Result<(), Fault> {
    for one in credentials(tx)? {
        credential_update(tx, &one)?;
    }
    Ok(())
}

/// Whether some secret is still plain.
pub fn any_is_plain(tx: &Tx) -> Result<bool, Fault> {
    Ok(tx.query_one("SELECT 1 FROM identity_credentials WHERE sealed = 0 LIMIT 1", params![])?.is_some())
}

/// Adds a credential; false if its id is taken.
pub fn credential_insert(tx: &Tx, one: &Credential) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_credentials (id, user_id, project_id, type, secret_blob, extra, sealed) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)";
    let project = one.project_id.as_deref();
    unless_taken(tx.try_execute(
        sql,
        params![&one.id, &one.user_id, project, &one.kind, sealed(tx, &one.blob)?, text(&one.extra)],
    ))
}

/// Keeps another secret.
pub fn credential_update(tx: &Tx, one: &Credential) -> Result<(), Fault> {
    let sql = "UPDATE identity_credentials SET secret_blob = ?2, sealed = 1 WHERE id = ?1";
    tx.execute(sql, params![&one.id, sealed(tx, &one.blob)?]).map(drop)
}

/// Removes a credential.
pub fn credential_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_credentials WHERE id = ?1", params![id]).map(drop)
}
