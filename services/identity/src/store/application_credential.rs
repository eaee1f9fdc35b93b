//! Rows of application credentials.

use super::unless_taken;
use crate::model::application_credential::ApplicationCredential;
use fault::Fault;
use serde_json::json;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, user_id, project_id, name, description, secret_hash, expires_at, unrestricted, roles \
                      FROM identity_application_credentials";

fn credential(row: &Row) -> Result<ApplicationCredential, Fault> {
    Ok(ApplicationCredential {
        id: row.text(0)?,
        user_id: row.text(1)?,
        project_id: row.text(2)?,
        name: row.text(3)?,
        description: row.opt_text(4)?,
        secret_hash: row.text(5)?,
        expires_at: row.opt_at(6)?,
        unrestricted: row.opt_int(7)?.map(|flag| flag != 0),
        roles: row.json(8)?,
    })
}

/// The application credential of that id.
pub fn application_credential_by_id(tx: &Tx, id: &str) -> Result<Option<ApplicationCredential>, Fault> {
    tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?.as_ref().map(credential).transpose()
}

/// The application credentials of a user.
pub fn application_credentials_of_user(tx: &Tx, user_id: &str) -> Result<Vec<ApplicationCredential>, Fault> {
    tx.query(&format!("{SELECT} WHERE user_id = ?1 ORDER BY id"), params![user_id])?
        .iter()
        .map(credential)
        .collect()
}

/// Adds an application credential; false if its name is taken.
pub fn application_credential_insert(tx: &Tx, one: &ApplicationCredential) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_application_credentials (id, user_id, project_id, name, description, secret_hash, \
               expires_at, unrestricted, roles) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    unless_taken(tx.try_execute(
        sql,
        params![
            &one.id,
            &one.user_id,
            &one.project_id,
            &one.name,
            one.description.as_deref(),
            &one.secret_hash,
            one.expires_at,
            one.unrestricted.map(i64::from),
            json!(one.roles).to_string()
        ],
    ))
}

/// Removes an application credential.
pub fn application_credential_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_application_credentials WHERE id = ?1", params![id])?;
    Ok(())
}

/// Removes those of a user for a project.
pub fn application_credentials_forget(tx: &Tx, user_id: &str, project_id: &str) -> Result<(), Fault> {
    let sql = "DELETE FROM identity_application_credentials WHERE user_id = ?1 AND project_id = ?2";
    tx.execute(sql, params![user_id, project_id])?;
    Ok(())
}
