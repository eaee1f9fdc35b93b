//! Rows of application credentials.

use super::access_rule::{access_rule_attach, access_rules_of_credential};
use super::unless_taken;
use crate::model::application_credential::ApplicationCredential;
use fault::Fault;
use serde_json::json;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, user_id, project_id, name, description, secret_hash, expires_at, unrestricted, roles \
                      FROM identity_application_credentials";

fn credential(tx: &Tx, row: &Row) -> Result<ApplicationCredential, Fault> {
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
        access_rules: access_rules_of_credential(tx, &row.text(0)?)?,
    })
}

/// The application credential of that id.
pub fn application_credential_by_id(tx: &Tx, id: &str) -> Result<Option<ApplicationCredential>, Fault> {
    tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?
        .as_ref()
        .map(|row| credential(tx, row))
        .transpose()
}

/// The application credentials of a user.
pub fn application_credentials_of_user(tx: &Tx, user_id: &str) -> Result<Vec<ApplicationCredential>, Fault> {
    tx.query(&format!("{SELECT} WHERE user_id = ?1 ORDER BY id"), params![user_id])?
        .iter()
        .map(|row| credential(tx, row))
        .collect()
}

/// Adds an application credential; false if its name is taken.
pub fn application_credential_insert(tx: &Tx, one: &ApplicationCredential) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_application_credentials (id, user_id, project_id, name, description, secret_hash, \
               expires_at, unrestricted, roles) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let added = unless_taken(tx.try_execute(
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
    ))?;
    for rule in one.access_rules.iter().filter(|_| added) {
        access_rule_attach(tx, &one.id, &rule.id)?;
    }
    Ok(added)
}

/// Removes an application credential. Its access rules stay its user's.
pub fn application_credential_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_credential_access_rules WHERE credential_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_application_credentials WHERE id = ?1", params![id]).map(drop)
}

/// Removes those for a project on which their user was granted this role itself.
pub fn application_credentials_of_role_delete(tx: &Tx, role_id: &str) -> Result<(), Fault> {
    let sql = "SELECT id FROM identity_application_credentials AS credential WHERE EXISTS \
               (SELECT 1 FROM identity_assignments WHERE actor_kind = 'user' AND actor_id = credential.user_id \
               AND target_kind = 'project' AND target_id = credential.project_id AND role_id = ?1)";
    delete_found(tx, sql, params![role_id])
}

/// Removes those of a user, and its access rules.
pub fn application_credentials_of_user_delete(tx: &Tx, user_id: &str) -> Result<(), Fault> {
    delete_found(tx, "SELECT id FROM identity_application_credentials WHERE user_id = ?1", params![user_id])?;
    tx.execute("DELETE FROM identity_access_rules WHERE user_id = ?1", params![user_id]).map(drop)
}

/// Removes those for a project.
pub fn application_credentials_of_project_delete(tx: &Tx, project_id: &str) -> Result<(), Fault> {
    delete_found(
        tx,
        "SELECT id FROM identity_application_credentials WHERE project_id = ?1",
        params![project_id],
    )
}

fn delete_found(tx: &Tx, sql: &str, values: &[store::Value]) -> Result<(), Fault> {
    for row in tx.query(sql, values)? {
        application_credential_delete(tx, &row.text(0)?)?;
    }
    Ok(())
}
