//! The rules of identity: what is allowed, what follows from what. A file a noun; each op is one transaction.

pub mod access_rule;
pub mod application_credential;
pub mod assignment;
pub mod catalog;
pub mod credential;
pub mod directory;
pub mod domain_config;
pub mod ec2;
pub mod endpoint_group;
pub mod expand;
pub mod federation;
pub mod group;
pub mod identity_provider;
pub mod key;
pub mod limit;
pub mod mapping;
pub(crate) mod memory;
mod mirror;
pub mod oauth1;
pub mod password;
pub mod policy_association;
pub mod project;
pub mod proof;
pub mod receipt;
pub mod role;
pub mod service_provider;
pub mod token;
pub mod trust;
pub mod user;

use ::store::Tx;
use fault::Fault;
use kernel::Micros;
use policy::Target;
use serde_json::{Map, Value};

/// `Could not find user: 42.`
pub(crate) fn missing(noun: &str, id: &str) -> Fault {
    Fault::not_found(format!("Could not find {noun}: {id}."))
}

/// The sentence for something that is not where it has to be.
pub(crate) fn expected(attribute: &str, target: &str) -> Fault {
    Fault::bad_input(format!(
        "Expecting to find {attribute} in {target}. The server could not comply with the request since it is either \
         malformed or otherwise incorrect. The client is assumed to be in error."
    ))
}

/// The sentence for a name that is taken in a domain; of roles and the like, which may have none, in the cloud.
fn taken(noun: &str, name: &str, domain_id: &str) -> Fault {
    let place = if domain_id.is_empty() { String::new() } else { format!(" at domain ID {domain_id}") };
    Fault::conflict(format!(
        "Conflict occurred attempting to store {noun} - Duplicate entry found with name {name}{place}."
    ))
}

/// What has the option `immutable` set is neither changed nor removed until that is taken back.
fn immutable(verb: &str, noun: &str, id: &str) -> Fault {
    Fault::forbidden(format!(
        "Unable to {verb} immutable {noun} resource: `{id}. Set resource option \"immutable\" to false first."
    ))
}

/// An immutable thing takes one change only: that it is not immutable any more.
fn check_mutable(
    options: &Map<String, Value>,
    given: &Map<String, Value>,
    noun: &str,
    id: &str,
) -> Result<(), Fault> {
    let is_set = |value: Option<&Value>| value == Some(&Value::Bool(true));
    let wanted = given.get("options").and_then(|options| options.get("immutable"));
    let unlocks = given.len() == 1 && wanted.is_some() && !is_set(wanted);
    if is_set(options.get("immutable")) && !unlocks { Err(immutable("update", noun, id)) } else { Ok(()) }
}

/// Ids never change, and nothing moves to another domain. `domain_id` is empty where there is none.
fn check_same(given: &Map<String, Value>, id: &str, domain_id: &str) -> Result<(), Fault> {
    if text(given, "id").is_some_and(|other| other != id) {
        return Err(Fault::bad_input("Cannot change ID"));
    }
    if !domain_id.is_empty() && text(given, "domain_id").is_some_and(|other| other != domain_id) {
        return Err(Fault::bad_input("Cannot change Domain ID"));
    }
    Ok(())
}

/// The text of an attribute; `None` if it is absent or null.
fn text(given: &Map<String, Value>, name: &str) -> Option<String> {
    given.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A text that is empty unless it is given; null stays null.
fn text_or_empty(given: &Map<String, Value>, name: &str) -> Option<String> {
    if given.contains_key(name) { text(given, name) } else { Some(String::new()) }
}

/// Adds what rules may ask of a thing below `target.NOUN.`; null is Python's `None` there.
fn describe(target: Target, noun: &str, facts: &[(&str, &str)]) -> Target {
    facts.iter().fold(target, |target, (name, value)| {
        let value = if value.is_empty() { "None" } else { value };
        target.with(&format!("target.{noun}.{name}"), value)
    })
}

/// When something that the caller makes shall end: `expires_at`, which must not be over yet.
fn expiration(tx: &Tx, given: &Map<String, Value>) -> Result<Option<Micros>, Fault> {
    const BLAME: &str = "The server could not comply with the request since it is either malformed or otherwise \
                         incorrect. The client is assumed to be in error.";
    let Some(text) = text(given, "expires_at").filter(|text| !text.is_empty()) else { return Ok(None) };
    let bad = |why: &str| Fault::bad_input(format!("{why} {BLAME}"));
    let end = Micros::parse(&text).ok_or_else(|| bad("Timestamp not in expected format."))?;
    if end < tx.now() { Err(bad("The 'expires_at' must not be before now.")) } else { Ok(Some(end)) }
}
