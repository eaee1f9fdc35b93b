//! The rules of identity: what is allowed, what follows from what. A file a noun; each op is one transaction.

pub mod assignment;
pub mod catalog;
pub mod group;
pub mod project;
pub mod role;
pub mod token;
pub mod user;

use fault::Fault;
use policy::Target;
use serde_json::{Map, Value};

/// `Could not find user: 42.`
fn missing(noun: &str, id: &str) -> Fault {
    Fault::not_found(format!("Could not find {noun}: {id}."))
}

/// The sentence for a name that is taken.
fn taken(noun: &str, name: &str) -> Fault {
    Fault::conflict(format!("Conflict occurred attempting to store {noun} - Duplicate entry found with name {name}."))
}

/// The text of an attribute; `None` if it is absent or null.
fn text(given: &Map<String, Value>, name: &str) -> Option<String> {
    given.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// Adds what rules may ask of a thing below `target.NOUN.`; null is Python's `None` there.
fn describe(target: Target, noun: &str, facts: &[(&str, &str)]) -> Target {
    facts.iter().fold(target, |target, (name, value)| {
        let value = if value.is_empty() { "None" } else { value };
        target.with(&format!("target.{noun}.{name}"), value)
    })
}
