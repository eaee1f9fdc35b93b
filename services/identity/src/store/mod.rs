//! The SQL of identity: a file a noun, functions that take the caller's transaction.

pub mod access_rule;
pub mod application_credential;
pub mod assignment;
pub mod catalog;
pub mod credential;
pub mod directory;
pub mod domain_config;
pub mod endpoint_group;
pub mod group;
pub mod identity_provider;
pub mod key;
pub mod limit;
pub mod mapping;
pub mod oauth1;
pub mod password;
pub mod policy_association;
pub mod project;
pub mod role;
pub mod service_provider;
pub mod shadow;
pub mod token;
pub mod trust;
pub mod user;

use fault::Fault;
use serde_json::{Map, Value};
use store::Row;

/// A JSON object from a column.
fn object(row: &Row, column: usize) -> Result<Map<String, Value>, Fault> {
    row.json(column)
}

/// A JSON object for a column.
fn text(object: &Map<String, Value>) -> String {
    Value::Object(object.clone()).to_string()
}

/// Whether an insert or update did not run into a name that is taken.
fn unless_taken(outcome: Result<u64, store::StoreError>) -> Result<bool, Fault> {
    match outcome {
        Ok(_) => Ok(true),
        Err(store::StoreError::Unique { .. }) => Ok(false),
        Err(other) => Err(other.fault()),
    }
}
