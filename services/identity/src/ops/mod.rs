//! The rules of identity: what is allowed, what follows from what. A file a noun; each op is one transaction.

pub mod access_rule;
pub mod application_credential;
pub mod assignment;
pub mod assignment_list;
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
pub mod policy_document;
pub mod project;
pub mod proof;
pub mod receipt;
pub mod role;
pub mod service_provider;
mod tend;
pub mod token;
pub mod trust;
pub mod user;

use ::store::Tx;
use fault::Fault;
use kernel::Micros;
use policy::Target;
use serde_json::{Map, Value};
use web::Cx;

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

/// The sentence for what cannot be beside what there is.
fn conflict(noun: &str, why: &str) -> Fault {
    Fault::conflict(format!("Conflict occurred attempting to store {noun} - {why}."))
}

/// The sentence for what is there already.
fn duplicate(noun: &str) -> Fault {
    conflict(noun, "Duplicate entry")
}

/// The sentence for an id that is taken.
fn duplicate_id(noun: &str, id: &str) -> Fault {
    conflict(noun, &format!("Duplicate entry found with ID {id}"))
}

/// The sentence for a name that is taken in a domain; of roles and the like, which may have none, in the cloud.
fn taken(noun: &str, name: &str, domain_id: &str) -> Fault {
    let place = if domain_id.is_empty() { String::new() } else { format!(" at domain ID {domain_id}") };
    conflict(noun, &format!("Duplicate entry found with name {name}{place}"))
}

/// The domain of what the caller makes and says no domain of.
fn own_domain(cx: &Cx) -> String {
    let own = cx.who.domain_id.clone().or_else(|| cx.who.project_domain_id.clone());
    own.unwrap_or_else(|| "default".to_owned())
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
    if differs(given, "id", id) {
        return Err(Fault::bad_input("Cannot change ID"));
    }
    if !domain_id.is_empty() && differs(given, "domain_id", domain_id) {
        return Err(Fault::bad_input("Cannot change Domain ID"));
    }
    Ok(())
}

/// The text of an attribute; `None` if it is absent or null.
fn text(given: &Map<String, Value>, name: &str) -> Option<String> {
    given.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// The whole number of an attribute, which JSON Schema lets a client write as `7.0` too; `None` if it is absent or null.
fn number(given: &Map<String, Value>, name: &str) -> Option<i64> {
    let value = given.get(name)?;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and `as` stops at the bounds")]
    let whole = |number: f64| (number.fract() == 0.0).then_some(number as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(whole))
}

/// The new name of something, if it gets one. Blanks around it do not count.
fn new_name(given: &Map<String, Value>) -> Option<String> {
    given.get("name").and_then(Value::as_str).map(|name| name.trim().to_owned())
}

/// Something is given that is not what there is; null is nothing that is empty.
fn differs(given: &Map<String, Value>, name: &str, own: &str) -> bool {
    given.get(name).is_some_and(|value| value.as_str().unwrap_or_default() != own)
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

/// The sentence for what should be a time and is none.
pub(crate) fn no_timestamp() -> Fault {
    blamed("Timestamp not in expected format.")
}

fn blamed(why: &str) -> Fault {
    Fault::bad_input(format!(
        "{why} The server could not comply with the request since it is either malformed or otherwise incorrect. The client \
         is assumed to be in error."
    ))
}

/// When something that the caller makes shall end, which must not be over yet. It is a time of UTC, with or without
/// its `Z`.
fn expiration(tx: &Tx, text: &str) -> Result<Micros, Fault> {
    let text = format!("{}Z", text.strip_suffix('Z').unwrap_or(text));
    let end = Micros::parse(&text).ok_or_else(no_timestamp)?;
    if end < tx.now() { Err(blamed("The 'expires_at' must not be before now.")) } else { Ok(end) }
}
