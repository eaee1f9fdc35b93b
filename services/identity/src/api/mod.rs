//! HTTP and JSON of identity: decode, call one op, encode. A file a noun.

pub mod assignment;
pub mod auth;
pub mod catalog;
pub mod discovery;
pub mod group;
pub mod project;
pub mod role;
pub mod user;

use fault::Fault;
use serde_json::{Map, Value, json};
use web::schema::Schema;
use web::{Answer, Ask};

/// `{"user": {…}}` with links beside the noun's own.
fn one(status: u16, noun: &str, body: Value) -> Answer {
    Answer::json(status, &json!({ noun: body }))
}

/// `{"users": […], "links": {…}}`, narrowed to what the query asks for.
fn list(ask: &Ask, nouns: &str, bodies: impl IntoIterator<Item = Value>, filters: &[&str]) -> Answer {
    let kept: Vec<Value> = bodies.into_iter().filter(|body| fits(ask, body, filters)).collect();
    Answer::ok(&json!({ nouns: kept, "links": links(ask) }))
}

fn links(ask: &Ask) -> Value {
    let query: Vec<String> = ask.query.pairs().map(|(name, value)| format!("{name}={}", web::ask::encoded(value))).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    json!({"next": null, "self": format!("{}{}{query}", ask.cx.base, ask.path), "previous": null})
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
            _ if body[name].is_boolean() => truth(wanted) == body[name].as_bool().unwrap_or_default(),
            _ => own == wanted,
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

/// A flag in a query: present without a value, or anything but a no.
fn truth(text: &str) -> bool {
    !matches!(text.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off")
}

/// Whether a flag is set in the query.
fn flag(ask: &Ask, name: &str) -> bool {
    ask.query.get(name).is_some_and(truth)
}

/// What stands below `noun` in the body, checked against the schema.
async fn given(ask: &mut Ask, noun: &str, schema: &Schema) -> Result<Map<String, Value>, Fault> {
    let mut body = ask.json_or(MALFORMED).await?;
    if !body.is_object() {
        return Err(Fault::bad_input(MALFORMED));
    }
    schema.check(&body).map_err(|wrong| match wrong.path.is_empty() {
        true => Fault::bad_input(wrong.message),
        false => Fault::bad_input(format!("Invalid input for field '{}': {}", wrong.path.join("/"), wrong.message)),
    })?;
    match body[noun].take() {
        Value::Object(given) => Ok(given),
        _ => Err(Fault::bad_input(MALFORMED)),
    }
}

const MALFORMED: &str = "Expecting to find valid JSON in request body. The server could not comply with the request \
                         since it is either malformed or otherwise incorrect. The client is assumed to be in error.";

/// A schema of `{NOUN: {…}}`.
fn below(noun: &str, required: &[&str], properties: Value) -> Schema {
    let mut inner = json!({"type": "object", "properties": properties, "additionalProperties": true});
    match required.is_empty() {
        true => inner["minProperties"] = json!(1),
        false => inner["required"] = json!(required),
    }
    Schema::new(json!({"type": "object", "properties": {noun: inner}, "required": [noun]}))
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

/// Booleans, also in the forms in which old clients send them.
fn boolean() -> Value {
    json!({"type": "boolean", "enum": [true, false]})
}

fn options() -> Value {
    json!({"type": "object", "properties": {"immutable": {"type": ["boolean", "null"]}}})
}
