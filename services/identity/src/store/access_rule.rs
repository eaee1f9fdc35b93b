//! Rows of access rules, and which application credential has which.

use crate::model::access_rule::AccessRule;
use fault::Fault;
use policy::Access;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, user_id, service, method, path FROM identity_access_rules";

fn rule(row: &Row) -> Result<AccessRule, Fault> {
    let access = Access { service: row.text(2)?, method: row.text(3)?, path: row.text(4)? };
    Ok(AccessRule { id: row.text(0)?, user_id: row.text(1)?, access })
}

/// The access rules of a user.
pub fn access_rules_of_user(tx: &Tx, user_id: &str) -> Result<Vec<AccessRule>, Fault> {
    tx.query(&format!("{SELECT} WHERE user_id = ?1 ORDER BY id"), params![user_id])?
        .iter()
        .map(rule)
        .collect()
}

/// The access rules of an application credential.
pub fn access_rules_of_credential(tx: &Tx, credential_id: &str) -> Result<Vec<AccessRule>, Fault> {
    let sql = format!(
        "{SELECT} WHERE id IN (SELECT rule_id FROM identity_credential_access_rules WHERE credential_id = ?1) ORDER BY id"
    );
    tx.query(&sql, params![credential_id])?.iter().map(rule).collect()
}

/// The access rule of that id.
pub fn access_rule_by_id(tx: &Tx, id: &str) -> Result<Option<AccessRule>, Fault> {
    tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?.as_ref().map(rule).transpose()
}

/// Adds an access rule.
pub fn access_rule_insert(tx: &Tx, one: &AccessRule) -> Result<(), Fault> {
    let sql =
        "INSERT INTO identity_access_rules (id, user_id, service, method, path) VALUES (?1, ?2, ?3, ?4, ?5)";
    let Access { service, method, path } = &one.access;
    tx.execute(sql, params![&one.id, &one.user_id, service, method, path]).map(drop)
}

/// The application credential has the access rule.
pub fn access_rule_attach(tx: &Tx, credential_id: &str, rule_id: &str) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_credential_access_rules (credential_id, rule_id) VALUES (?1, ?2) \
               ON CONFLICT DO NOTHING";
    tx.execute(sql, params![credential_id, rule_id]).map(drop)
}

/// Whether an application credential has the access rule.
pub fn access_rule_is_used(tx: &Tx, id: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM identity_credential_access_rules WHERE rule_id = ?1 LIMIT 1";
    Ok(tx.query_one(sql, params![id])?.is_some())
}

/// Removes an access rule.
pub fn access_rule_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_access_rules WHERE id = ?1", params![id]).map(drop)
}
