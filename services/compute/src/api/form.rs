//! The form of bodies: JSON Schema tables with Nova's formats, and its sentences about what does not fit.

use fault::Fault;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use web::schema::{Schema, Violation};
use web::{Ask, Version};

/// What Nova says of a body that is no JSON.
pub const MALFORMED: &str = "Malformed request body";

type Kept = HashMap<(&'static str, Version), Arc<Schema>>;
static KEPT: Mutex<Option<Kept>> = Mutex::new(None);

/// The schema of that name at a version, made once.
fn schema(name: &'static str, version: Version, make: fn(Version) -> Value) -> Arc<Schema> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let all = kept.get_or_insert_with(HashMap::new);
    all.entry((name, version))
        .or_insert_with(|| Arc::new(Schema::with_formats(make(version), formatted).numbers_in_text()))
        .clone()
}

/// The body, if it fits the schema of that name at the version in force.
pub async fn body(ask: &mut Ask, name: &'static str, make: fn(Version) -> Value) -> Result<Value, Fault> {
    let value = ask.json_or(MALFORMED).await?;
    check(&value, name, ask.cx.version, make)?;
    Ok(value)
}

/// Refuses, in Nova's words, what does not fit.
pub fn check(
    value: &Value,
    name: &'static str,
    version: Version,
    make: fn(Version) -> Value,
) -> Result<(), Fault> {
    schema(name, version, make).check(value).map_err(|violation| Fault::bad_input(told(&violation)))
}

fn told(violation: &Violation) -> String {
    let name = "An invalid 'name' value was provided. The name must be:";
    if violation.message.ends_with("is not a 'name'") {
        return format!("{name} printable characters. Can not start or end with whitespace.");
    }
    if violation.message.ends_with("is not a 'az_name'") {
        return format!("{name} printable characters except :.Can not start or end with whitespace.");
    }
    if violation.message.ends_with("is not a 'name_with_leading_trailing_spaces'") {
        return format!("{name} printable characters with at least one non space character");
    }
    if violation.path.is_empty() {
        return violation.message.clone();
    }
    let (field, shown) = (violation.field(), violation.shown());
    format!("Invalid input for field/attribute {field}. Value: {shown}. {}", violation.message)
}

/// Nova's own formats.
fn formatted(name: &str, text: &str) -> Option<bool> {
    match name {
        "name" => Some(is_name(text)),
        "az_name" => Some(is_name(text) && !text.contains(':')),
        "name_with_leading_trailing_spaces" => Some(text.chars().all(printable) && !text.trim().is_empty()),
        "base64" => Some(is_base64(text)),
        // Ids may be written without dashes, in braces and in capitals.
        "uuid" => Some(uuid::Uuid::try_parse(text.trim_start_matches("urn:uuid:")).is_ok()),
        _ => None,
    }
}

fn is_name(text: &str) -> bool {
    text.chars().all(printable) && text.trim() == text
}

/// Neither a control nor a format character, nor one that Nova's tables leave out (beyond the basic plane).
fn printable(c: char) -> bool {
    let code = u32::from(c);
    let formats = matches!(code, 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb);
    let private = (0xe000..=0xf8ff).contains(&code);
    !c.is_control() && !formats && !private && code < 0xffff
}

/// As Python reads it: what is no digit of base64 is skipped, the padding must be right.
fn is_base64(text: &str) -> bool {
    let digits =
        text.bytes().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')).count();
    let padding = text.bytes().filter(|byte| *byte == b'=').count();
    match digits % 4 {
        0 => true,
        1 => false,
        rest => padding >= 4 - rest,
    }
}

/// `{"type": "object", …}` with these properties and no others.
pub fn object(properties: Value, required: &[&str]) -> Value {
    if required.is_empty() {
        return json!({"type": "object", "properties": properties, "additionalProperties": false});
    }
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// A body with one key.
pub fn wrapped(key: &str, inner: Value) -> Value {
    let mut properties = Map::new();
    properties.insert(key.to_owned(), inner);
    json!({"type": "object", "properties": properties, "required": [key], "additionalProperties": false})
}

/// A name.
pub fn name() -> Value {
    json!({"type": "string", "format": "name", "minLength": 1, "maxLength": 255})
}

/// A flag in any of its spellings.
pub fn boolean() -> Value {
    json!({"type": ["boolean", "string"], "enum": [
        true, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes",
        false, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no"]})
}

/// A number of at least 1, perhaps as text.
pub fn positive() -> Value {
    json!({"type": ["integer", "string"], "pattern": "^[0-9]*$", "minimum": 1, "minLength": 1})
}

/// An address of either family.
pub fn address() -> Value {
    json!({"type": "string", "oneOf": [{"format": "ipv4"}, {"format": "ipv6"}]})
}

/// The user's own pairs.
pub fn pairs() -> Value {
    json!({"type": "object",
        "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$": {"type": "string", "maxLength": 255}},
        "additionalProperties": false})
}

/// A description.
pub fn description() -> Value {
    json!({"type": ["string", "null"], "format": "printable", "minLength": 0, "maxLength": 255})
}

/// A host name with domain.
pub fn fqdn() -> Value {
    json!({"type": "string", "pattern": "^[a-zA-Z0-9-._]*$", "minLength": 1, "maxLength": 255})
}

/// A tag.
pub fn tag() -> Value {
    json!({"type": "string", "pattern": "^[^,/]*$", "minLength": 1, "maxLength": 60})
}

/// Base64 of at most 65535 characters, perhaps null.
pub fn user_data(nullable: bool) -> Value {
    let kind = if nullable { json!(["string", "null"]) } else { json!("string") };
    json!({"type": kind, "format": "base64", "maxLength": 65535})
}

/// Files to inject.
pub fn personality() -> Value {
    json!({"type": "array", "items": object(
        json!({"path": {"type": "string"}, "contents": {"type": "string", "format": "base64"}}), &[])})
}

/// A number, perhaps as text.
pub fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            #[expect(clippy::cast_possible_truncation, reason = "the schema let whole numbers only through")]
            number.as_f64().map(|number| number as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A number that is not negative, perhaps as text.
pub fn count(value: &Value) -> Option<u64> {
    int(value).and_then(|number| u64::try_from(number).ok())
}

/// A flag in any of its spellings.
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => crate::ops::server_list::truth(text),
        _ => None,
    }
}

/// A text that is there and not null.
pub fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// An address of IP version 6, in its shortest form whatever form it came in.
pub fn address_v6(value: &Value) -> Option<String> {
    let given = text(value)?;
    Some(given.parse::<std::net::Ipv6Addr>().map_or(given, |address| address.to_string()))
}

/// Pairs of texts; numbers as text.
pub fn texts(value: &Value) -> std::collections::BTreeMap<String, String> {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    value.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), shown(value))).collect()
}

/// An address.
pub fn ip(value: &Value) -> Option<IpAddr> {
    value.as_str()?.parse().ok()
}

/// The last part of a URL, for references that may be links.
pub fn reference(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let path = text.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(name: &'static str, value: Value, make: fn(Version) -> Value) -> String {
        check(&value, name, Version::new(2, 1), make).unwrap_err().public().to_owned()
    }

    #[test]
    fn the_sentences_are_novas() {
        let make = |_| wrapped("server", object(json!({"name": name(), "count": positive()}), &["name"]));
        assert_eq!(
            wrong("a", json!({"server": {"name": " x"}}), make),
            "An invalid 'name' value was provided. The name must be: printable characters. Can not start or end with whitespace."
        );
        assert_eq!(
            wrong("a", json!({"server": {"name": ""}}), make),
            "Invalid input for field/attribute name. Value: . '' should be non-empty"
        );
        assert_eq!(
            wrong("a", json!({"server": {"name": "x", "count": "0"}}), make),
            "Invalid input for field/attribute count. Value: 0. '0' is less than the minimum of 1"
        );
        assert_eq!(
            wrong("a", json!({"server": {}}), make),
            "Invalid input for field/attribute server. Value: {}. 'name' is a required property"
        );
        assert_eq!(wrong("a", json!({}), make), "'server' is a required property");
    }

    #[test]
    fn base64_is_read_as_python_reads_it() {
        for (text, good) in
            [("", true), ("YQ==", true), ("YWI=", true), ("YQ", false), ("Y", false), ("YW\nI=", true)]
        {
            assert_eq!(is_base64(text), good, "{text}");
        }
    }
}
