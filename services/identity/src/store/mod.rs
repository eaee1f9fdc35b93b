//! The SQL of identity: a file a noun, functions that take the caller's transaction.

pub mod access_rule;
pub mod application_credential;
pub mod assignment;
pub mod catalog;
pub mod credential;
pub mod directory;
pub mod domain_config;
pub mod ended;
pub mod endpoint_group;
pub mod group;
pub mod identity_provider;
pub mod key;
pub mod limit;
pub mod mapping;
pub mod oauth1;
pub mod password;
pub mod policy_association;
pub mod policy_document;
pub mod project;
pub mod role;
mod seal;
pub mod service_provider;
pub mod shadow;
pub mod token;
pub mod trust;
pub mod user;

use crate::model::narrow::Narrow;
use fault::Fault;
use serde_json::Map;
use store::{Row, Tx, Value};

/// The condition that narrows a list, and its values; `name` is what stands for the name in SQL.
fn narrowed(narrow: &Narrow, name: &str) -> (String, Vec<Value>) {
    let both = [("domain_id", &narrow.domain_id), (name, &narrow.name)];
    let said = both.into_iter().filter_map(|(column, value)| Some((column, value.as_deref()?)));
    let mut condition = String::from("1 = 1");
    let mut values = Vec::new();
    for (column, value) in said {
        values.push(value.into());
        condition += &format!(" AND {column} = ?{}", values.len());
    }
    (condition, values)
}

/// A JSON object from a column.
fn object(row: &Row, column: usize) -> Result<Map<String, serde_json::Value>, Fault> {
    row.json(column)
}

/// A JSON object for a column.
fn text(object: &Map<String, serde_json::Value>) -> String {
    serde_json::Value::Object(object.clone()).to_string()
}

/// Whether an insert or update did not run into a name that is taken.
fn unless_taken(outcome: Result<u64, store::StoreError>) -> Result<bool, Fault> {
    match outcome {
        Ok(_) => Ok(true),
        Err(store::StoreError::Unique { .. }) => Ok(false),
        Err(other) => Err(other.fault()),
    }
}

/// What `sql` says of these: id, name, and the id of the domain.
pub fn names(tx: &Tx, sql: &str, ids: &[String]) -> Result<Vec<(String, String, String)>, Fault> {
    tx.query_among(sql, ids)?.iter().map(|row| Ok((row.text(0)?, row.text(1)?, row.text(2)?))).collect()
}
