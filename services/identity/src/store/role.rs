//! Rows of roles and of which implies which.

use super::{object, text, unless_taken};
use crate::model::role::Role;
use fault::Fault;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, name, domain_id, description, options, extra FROM identity_roles";
/// The names of roles.
pub const NAMES: &str = "SELECT id, name, domain_id FROM identity_roles WHERE id IN ({ids})";

fn role(row: &Row) -> Result<Role, Fault> {
    Ok(Role {
        id: row.text(0)?,
        name: row.text(1)?,
        domain_id: row.text(2)?,
        description: row.opt_text(3)?,
        options: object(row, 4)?,
        extra: object(row, 5)?,
    })
}

/// The role of that id.
pub fn role_by_id(tx: &Tx, id: &str) -> Result<Option<Role>, Fault> {
    tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?.as_ref().map(role).transpose()
}

/// Every role, of the cloud and of domains.
pub fn roles(tx: &Tx) -> Result<Vec<Role>, Fault> {
    tx.query(&format!("{SELECT} ORDER BY id"), params![])?.iter().map(role).collect()
}

/// Adds a role; false if its name is taken.
pub fn role_insert(tx: &Tx, role: &Role) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_roles (id, name, domain_id, description, options, extra) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![
        &role.id,
        &role.name,
        &role.domain_id,
        role.description.as_deref(),
        text(&role.options),
        text(&role.extra)
    ];
    unless_taken(tx.try_execute(sql, values))
}

/// Writes what can change of a role; false if its new name is taken.
pub fn role_update(tx: &Tx, role: &Role) -> Result<bool, Fault> {
    let sql = "UPDATE identity_roles SET name = ?2, description = ?3, options = ?4, extra = ?5 WHERE id = ?1";
    let values =
        params![&role.id, &role.name, role.description.as_deref(), text(&role.options), text(&role.extra)];
    unless_taken(tx.try_execute(sql, values))
}

/// Removes a role, its implications and its grants, and what programs were given where it was granted to their users.
pub fn role_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    super::application_credential::application_credentials_of_role_delete(tx, id)?;
    tx.execute("DELETE FROM identity_implied_roles WHERE prior_id = ?1 OR implied_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_assignments WHERE role_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_roles WHERE id = ?1", params![id])?;
    Ok(())
}

/// Gives a role another id, wherever it is named.
pub fn role_renumber(tx: &Tx, id: &str, new: &str) -> Result<(), Fault> {
    for (table, column) in [
        ("identity_roles", "id"),
        ("identity_implied_roles", "prior_id"),
        ("identity_implied_roles", "implied_id"),
        ("identity_assignments", "role_id"),
    ] {
        let sql = format!("UPDATE {table} SET {column} = ?2 WHERE {column} = ?1");
        tx.execute(&sql, params![id, new])?;
    }
    // lists of ids, as JSON
    let (quoted, new) = (format!("\"{id}\""), format!("\"{new}\""));
    for table in [
        "identity_application_credentials",
        "identity_trusts",
        "identity_request_tokens",
        "identity_access_tokens",
    ] {
        tx.execute(&format!("UPDATE {table} SET roles = REPLACE(roles, ?1, ?2)"), params![&quoted, &new])?;
    }
    Ok(())
}

/// Which role implies which: (prior, implied).
pub fn implications(tx: &Tx) -> Result<Vec<(String, String)>, Fault> {
    let sql = "SELECT prior_id, implied_id FROM identity_implied_roles ORDER BY prior_id, implied_id";
    tx.query(sql, params![])?.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// The role `prior_id` implies `implied_id`; false if it did already.
pub fn implication_add(tx: &Tx, prior_id: &str, implied_id: &str) -> Result<bool, Fault> {
    let sql =
        "INSERT INTO identity_implied_roles (prior_id, implied_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, params![prior_id, implied_id])? > 0)
}

/// It does not imply it any more; false if it did not.
pub fn implication_remove(tx: &Tx, prior_id: &str, implied_id: &str) -> Result<bool, Fault> {
    let sql = "DELETE FROM identity_implied_roles WHERE prior_id = ?1 AND implied_id = ?2";
    Ok(tx.execute(sql, params![prior_id, implied_id])? > 0)
}
