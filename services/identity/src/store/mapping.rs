//! Rows of mappings.

use super::unless_taken;
use crate::model::mapping::Mapping;
use fault::Fault;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, rules, schema_version FROM identity_federation_mappings";

fn mapping(row: &Row) -> Result<Mapping, Fault> {
    Ok(Mapping { id: row.text(0)?, rules: row.json(1)?, schema_version: row.text(2)? })
}

/// Every mapping.
pub fn mappings(tx: &Tx) -> Result<Vec<Mapping>, Fault> {
    tx.query(&format!("{SELECT} ORDER BY id"), params![])?.iter().map(mapping).collect()
}

/// The mapping of that id.
pub fn mapping_by_id(tx: &Tx, id: &str) -> Result<Option<Mapping>, Fault> {
    tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?.as_ref().map(mapping).transpose()
}

/// Adds a mapping; false if its id is taken.
pub fn mapping_insert(tx: &Tx, one: &Mapping) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_federation_mappings (id, rules, schema_version) VALUES (?1, ?2, ?3)";
    unless_taken(tx.try_execute(sql, params![&one.id, one.rules.to_string(), &one.schema_version]))
}

/// Writes a mapping.
pub fn mapping_update(tx: &Tx, one: &Mapping) -> Result<(), Fault> {
    let sql = "UPDATE identity_federation_mappings SET rules = ?2, schema_version = ?3 WHERE id = ?1";
    tx.execute(sql, params![&one.id, one.rules.to_string(), &one.schema_version]).map(drop)
}

/// Removes a mapping.
pub fn mapping_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_federation_mappings WHERE id = ?1", params![id]).map(drop)
}
