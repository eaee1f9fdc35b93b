//! HTTP and JSON of identity: decode, call one op, encode. A file a noun.

pub mod access_rule;
pub mod application_credential;
pub mod assignment;
pub mod auth;
pub mod catalog;
pub mod credential;
pub mod discovery;
pub mod domain_config;
pub mod ec2;
pub mod endpoint_group;
pub mod federation;
pub mod group;
pub mod identity_provider;
pub mod limit;
pub mod mapping;
pub mod oauth1;
pub mod oauth2;
pub mod policy_association;
pub mod policy_document;
pub mod project;
pub mod role;
pub mod service_provider;
pub mod trust;
pub mod user;

use crate::model::narrow::Narrow;
use crate::ops::expected;
use fault::Fault;
use http::Method;
use serde_json::{Map, Value, json};
use web::schema::{Schema, Violation};
use web::{Answer, Ask};

/// `{"user": {…}}` with links beside the noun's own.
fn one(status: u16, noun: &str, body: Value) -> Answer {
    Answer::json(status, &json!({ noun: body }))
}

/// `{"users": […], "links": {…}}`, narrowed to what the query asks for, and to a page of it if it asks for one.
fn list(ask: &Ask, nouns: &str, bodies: impl IntoIterator<Item = Value>, filters: &[&str]) -> Answer {
    let mut bodies = bodies.into_iter();
    if let Some(marker) = ask.query.get("marker") {
        bodies.find(|body| body["id"] == marker);
    }
    let mut kept: Vec<Value> = bodies.filter(|body| fits(ask, body, filters)).collect();
    let limit = ask.query.get("limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0);
    let mut links = links(ask);
    let last = limit.filter(|limit| kept.len() >= *limit).and_then(|limit| kept[limit - 1]["id"].as_str());
    let next = last.map(|last| ask.cx.url(&format!("{}?{}", ask.path, ask.query.with("marker", last))));
    if let Some(next) = &next {
        links["next"] = json!(next);
        kept.truncate(limit.unwrap_or_default());
    }
    // By hand: `json!` would make a copy of all of it.
    let mut page = Map::new();
    page.insert(nouns.to_owned(), Value::Array(kept));
    page.insert("links".to_owned(), links);
    if next.is_some() {
        page.insert("truncated".to_owned(), Value::Bool(true));
    }
    Answer::ok(&Value::Object(page))
}

/// As [`list`], of nouns that a marker has to be one of.
fn paged(ask: &Ask, nouns: &str, bodies: Vec<Value>, filters: &[&str]) -> Result<Answer, Fault> {
    match ask.query.get("marker") {
        Some(marker) if !bodies.iter().any(|body| body["id"] == marker) => {
            Err(Fault::not_found(format!("Marker {marker} could not be found.")))
        }
        _ => Ok(list(ask, nouns, bodies, filters)),
    }
}

fn links(ask: &Ask) -> Value {
    json!({"next": null, "self": here(ask), "previous": null})
}

/// The address that was asked.
fn here(ask: &Ask) -> String {
    let query = ask.query.raw();
    let mark = if query.is_empty() { "" } else { "?" };
    ask.cx.url(&format!("{}{mark}{query}", ask.path))
}

/// Whether a body has what the query asks of it: `name=x`, and with an operator `name__contains=x`.
fn fits(ask: &Ask, body: &Value, filters: &[&str]) -> bool {
    ask.query.pairs().all(|(asked, wanted)| {
        let (name, operator) = asked.split_once("__").unwrap_or((asked, ""));
        if !filters.contains(&name) {
            return true;
        }
        let (own, wanted_low) = (plain(&body[name]), wanted.to_lowercase());
        let low = own.to_lowercase();
        match operator {
            "contains" => own.contains(wanted),
            "icontains" => low.contains(&wanted_low),
            "startswith" => own.starts_with(wanted),
            "istartswith" => low.starts_with(&wanted_low),
            "endswith" => own.ends_with(wanted),
            "iendswith" => low.ends_with(&wanted_low),
            _ if !operator.is_empty() => true,
            _ if body[name].is_boolean() => truth(wanted) == body[name].as_bool().unwrap_or_default(),
            _ => own == wanted && !body[name].is_null(),
        }
    })
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What a word says that stands where a flag is meant: anything but a no is a yes.
fn truth(text: &str) -> bool {
    !matches!(text.to_ascii_lowercase().as_str(), "0" | "false" | "n" | "no" | "off")
}

/// What a word says that must be a yes or a no; `None` if it is neither.
fn yes_or_no(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Some(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Some(false),
        _ => None,
    }
}

/// What a list need not be read beyond. One that goes on from a marker has to find that, which may be anything.
fn narrow(ask: &Ask) -> Narrow {
    if ask.query.get("marker").is_some() {
        return Narrow::default();
    }
    let [domain_id, name] = ["domain_id", "name"].map(|name| ask.query.get(name).map(str::to_owned));
    Narrow { domain_id, name }
}

/// Whether a flag is set in the query. It is by being there: only `0` takes it back, `false` does not.
fn flag(ask: &Ask, name: &str) -> bool {
    ask.query.get(name).is_some_and(|value| value != "0")
}

/// What stands below `noun` in the body, checked against the schema. Colons and dashes in the
/// names of what is made become underscores.
async fn given(ask: &mut Ask, noun: &str, schema: &Schema) -> Result<Map<String, Value>, Fault> {
    let mut body = body(ask).await?;
    schema.check(&body).map_err(unfit)?;
    let Value::Object(mut given) = body[noun].take() else { return Ok(Map::new()) };
    if ask.method == Method::POST {
        given = given.into_iter().map(|(name, value)| (name.replace([':', '-'], "_"), value)).collect();
    }
    for name in ["enabled", "is_domain"] {
        if let Some(Value::String(word)) = given.get(name) {
            let flag = !word.is_empty() && truth(word);
            given.insert(name.to_owned(), json!(flag));
        }
    }
    Ok(given)
}

/// The body: a JSON object, or nothing, which counts as an empty one.
async fn body(ask: &mut Ask) -> Result<Value, Fault> {
    let bytes = ask.bytes(web::ask::LARGEST_JSON).await?;
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    let kind = ask.header("content-type").split(';').next().unwrap_or_default().trim();
    if !matches!(kind, "" | "application/json") {
        return Err(expected("application/json", "Content-Type header"));
    }
    match serde_json::from_slice(&bytes) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err(expected("valid JSON", "request body")),
        Err(error) => Err(expected("valid JSON", "request body").because(error)),
    }
}

/// The query's pairs as far as `schema` demands something of them.
fn check_query(ask: &Ask, schema: &Schema) -> Result<(), Fault> {
    let pairs = ask.query.pairs().map(|(name, value)| (name.to_owned(), json!(value)));
    schema.check(&Value::Object(pairs.collect())).map_err(unfit)
}

/// What the caller reads of something that does not fit its schema.
fn unfit(found: Violation) -> Fault {
    if found.path.is_empty() {
        return Fault::bad_input(found.message);
    }
    let (field, shown) = (found.field(), found.shown());
    Fault::bad_input(format!("Invalid input for field/attribute {field}. Value: {shown}. {}", found.message))
}

/// The same in the words of the older operations, which name the way to the value.
fn unfit_at(found: Violation) -> Fault {
    if found.path.is_empty() {
        return Fault::bad_input(found.message);
    }
    Fault::bad_input(format!("Invalid input for field '{}': {}", found.path.join("/"), found.message))
}

/// A schema of `{NOUN: {…}}`.
fn below(noun: &str, required: &[&str], properties: Value) -> Schema {
    let mut inner = json!({"type": "object", "properties": properties, "additionalProperties": true});
    match required.is_empty() {
        true => inner["minProperties"] = json!(1),
        false => inner["required"] = json!(required),
    }
    Schema::new(
        json!({"type": "object", "properties": {noun: inner}, "required": [noun], "additionalProperties": false}),
    )
}

/// A schema of `{NOUN: {…}}` that allows nothing but the properties that `inner` names.
fn exactly(noun: &str, mut inner: Value) -> Schema {
    inner["type"] = json!("object");
    inner["additionalProperties"] = json!(false);
    Schema::new(
        json!({"type": "object", "properties": {noun: inner}, "required": [noun], "additionalProperties": false}),
    )
}

/// A body's part that may stay empty.
fn below_any(noun: &str, properties: Value) -> Schema {
    let inner = json!({"type": "object", "properties": properties, "additionalProperties": true});
    Schema::new(
        json!({"type": "object", "properties": {noun: inner}, "required": [noun], "additionalProperties": false}),
    )
}

fn name(longest: u32) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": longest, "pattern": r"[\S]+"})
}

fn id() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-zA-Z0-9-]+$"})
}

fn or_null(mut schema: Value) -> Value {
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

/// A flag in a body: true and false, or a word for either, which clients of old send.
fn flag_or_word() -> Value {
    json!({"type": ["boolean", "string", "null"], "enum": [
        true, "True", "TRUE", "true", false, "False", "FALSE", "false", "", "1", "0", "y", "Y", "n", "N", "on", "ON", "off",
        "OFF", "yes", "no",
    ]})
}

/// A flag in a body that is nothing else.
fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// Resource options, each of them a flag.
fn options(names: &[&str]) -> Value {
    let flags: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({"type": ["boolean", "null"]}))).collect();
    json!({"type": "object", "properties": flags, "additionalProperties": false})
}

/// A query whose flags are words that mean yes or no.
fn flags(names: &[&str]) -> Schema {
    let flags: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), flag_or_word())).collect();
    Schema::new(json!({"type": "object", "properties": flags}))
}
