//! JSON bodies checked against tables of what is allowed.
//!
//! The tables are JSON Schema, in the subset that OpenStack's services use, and a [`Violation`] reads as Python's
//! `jsonschema` words it, since clients show those sentences to people. As there, the first violation in the order of
//! the schema's keywords is the one that is told.

use regex_lite::Regex;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A schema, read once.
pub struct Schema {
    root: Value,
    patterns: HashMap<String, Regex>,
    format: fn(&str, &str) -> Option<bool>,
    numbers_in_text: bool,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.root.fmt(f)
    }
}

/// What is wrong with a body, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The way to the wrong value (`server`, `networks`, `0`).
    pub path: Vec<String>,
    /// The wrong value.
    pub value: Value,
    /// What is wrong with it.
    pub message: String,
}

impl Violation {
    /// The last step of the way; empty for the body itself.
    pub fn field(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// The value as Python prints it in a sentence (strings without quotes).
    pub fn shown(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            other => python(other),
        }
    }
}

impl Schema {
    /// A schema as `json!` has it. A pattern that cannot be read matches nothing; tests of the schema show that.
    pub fn new(root: Value) -> Self {
        Self::with_formats(root, |_, _| None)
    }

    /// A schema whose further `format`s are known to `format` (given the format's name and the text).
    pub fn with_formats(root: Value, format: fn(&str, &str) -> Option<bool>) -> Self {
        let mut patterns = HashMap::new();
        gather_patterns(&root, &mut patterns);
        Self { root, patterns, format, numbers_in_text: false }
    }

    /// Bounds numbers that are written as text too (`"10"`), as Nova does.
    #[must_use]
    pub fn numbers_in_text(mut self) -> Self {
        self.numbers_in_text = true;
        self
    }

    /// The first thing that is wrong with `value`.
    pub fn check(&self, value: &Value) -> Result<(), Violation> {
        self.violations(value).into_iter().next().map_or(Ok(()), Err)
    }

    /// Everything that is wrong with `value`.
    pub fn violations(&self, value: &Value) -> Vec<Violation> {
        let mut walk = Walk { schema: self, path: Vec::new(), found: Vec::new() };
        walk.value(&self.root, value);
        walk.found
    }

    fn valid(&self, schema: &Value, value: &Value) -> bool {
        let mut walk = Walk { schema: self, path: Vec::new(), found: Vec::new() };
        walk.value(schema, value);
        walk.found.is_empty()
    }

    /// Keywords that bound one value: lengths, numbers, patterns, formats.
    fn bound(&self, keyword: &str, demand: &Value, value: &Value) -> Option<String> {
        let text = || python(value);
        let least = demand.as_f64();
        let size = match value {
            Value::String(own) if keyword.ends_with("Length") => Some(own.chars().count()),
            Value::Array(own) if keyword.ends_with("Items") => Some(own.len()),
            Value::Object(own) if keyword.ends_with("Properties") => Some(own.len()),
            _ => None,
        };
        let bound = demand.as_u64().and_then(|bound| usize::try_from(bound).ok());
        match keyword {
            "minLength" | "minItems" | "minProperties" => (size? < bound?).then(|| match (bound, keyword) {
                (Some(1), _) => format!("{} should be non-empty", text()),
                (_, "minProperties") => format!("{} does not have enough properties", text()),
                _ => format!("{} is too short", text()),
            }),
            "maxLength" | "maxItems" | "maxProperties" => (size? > bound?).then(|| match keyword {
                "maxProperties" => format!("{} has too many properties", text()),
                _ if bound == Some(0) => format!("{} is expected to be empty", text()),
                _ => format!("{} is too long", text()),
            }),
            "minimum" => (self.number(value)? < least?)
                .then(|| format!("{} is less than the minimum of {demand}", text())),
            "maximum" => (self.number(value)? > least?)
                .then(|| format!("{} is greater than the maximum of {demand}", text())),
            "pattern" => (!self.matches(demand.as_str()?, value.as_str()?))
                .then(|| format!("{} does not match {}", text(), python(demand))),
            "format" => (!self.has_format(demand.as_str()?, value.as_str()?))
                .then(|| format!("{} is not a {}", text(), python(demand))),
            "uniqueItems" => {
                let all = value.as_array()?;
                let twice = all.iter().enumerate().any(|(number, one)| all[..number].contains(one));
                (twice && *demand == Value::Bool(true)).then(|| format!("{} has non-unique elements", text()))
            }
            _ => None,
        }
    }

    fn number(&self, value: &Value) -> Option<f64> {
        let text = value.as_str().filter(|_| self.numbers_in_text);
        value.as_f64().or_else(|| text?.trim().parse().ok())
    }

    fn matches(&self, pattern: &str, text: &str) -> bool {
        self.patterns.get(pattern).is_some_and(|regex| regex.is_match(text))
    }

    fn has_format(&self, name: &str, text: &str) -> bool {
        if let Some(known) = (self.format)(name, text) {
            return known;
        }
        match name {
            "uuid" => uuid::Uuid::try_parse(text).is_ok(),
            "date-time" => kernel::Micros::parse(text).is_some(),
            "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
            "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
            "uri" => text.split_once(':').is_some_and(|(scheme, _)| !scheme.is_empty()),
            _ => true,
        }
    }
}

/// A way through a value and the schema that it shall fit.
struct Walk<'a> {
    schema: &'a Schema,
    path: Vec<String>,
    found: Vec<Violation>,
}

impl Walk<'_> {
    fn wrong(&mut self, value: &Value, message: String) {
        self.found.push(Violation { path: self.path.clone(), value: value.clone(), message });
    }

    fn value(&mut self, schema: &Value, value: &Value) {
        match schema {
            Value::Bool(true) => {}
            Value::Object(table) => {
                for (keyword, demand) in table {
                    self.keyword(keyword, demand, table, value);
                }
            }
            _ => self.wrong(value, format!("False schema does not allow {}", python(value))),
        }
    }

    fn below(&mut self, step: String, schema: &Value, value: &Value) {
        self.path.push(step);
        self.value(schema, value);
        self.path.pop();
    }

    fn keyword(&mut self, keyword: &str, demand: &Value, table: &Map<String, Value>, value: &Value) {
        let text = || python(value);
        let complaint = match keyword {
            "type" => (!types(demand).any(|name| has_type(name, value))).then(|| {
                format!(
                    "{} is not of type {}",
                    text(),
                    types(demand).map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ")
                )
            }),
            "enum" => (!demand.as_array().is_some_and(|all| all.contains(value)))
                .then(|| format!("{} is not one of {}", text(), python(demand))),
            "const" => (demand != value).then(|| format!("{} was expected", python(demand))),
            "properties" => return self.properties(demand, value),
            "patternProperties" => return self.pattern_properties(demand, value),
            "additionalProperties" => return self.additional(demand, table, value),
            "required" => return self.required(demand, value),
            "items" => return self.items(demand, value),
            "allOf" => return demand.as_array().into_iter().flatten().for_each(|one| self.value(one, value)),
            "oneOf" | "anyOf" | "not" => self.combined(keyword, demand, value),
            _ => self.schema.bound(keyword, demand, value),
        };
        if let Some(message) = complaint {
            self.wrong(value, message);
        }
    }

    fn properties(&mut self, demand: &Value, value: &Value) {
        let (Some(demand), Some(value)) = (demand.as_object(), value.as_object()) else { return };
        for (name, schema) in demand {
            if let Some(inner) = value.get(name) {
                self.below(name.clone(), schema, inner);
            }
        }
    }

    fn pattern_properties(&mut self, demand: &Value, value: &Value) {
        let (Some(demand), Some(value)) = (demand.as_object(), value.as_object()) else { return };
        for (pattern, schema) in demand {
            for (name, inner) in value.iter().filter(|(name, _)| self.schema.matches(pattern, name)) {
                self.below(name.clone(), schema, inner);
            }
        }
    }

    fn additional(&mut self, demand: &Value, table: &Map<String, Value>, value: &Value) {
        let Some(object) = value.as_object() else { return };
        let named = table.get("properties").and_then(Value::as_object);
        let patterns: Vec<&String> = table
            .get("patternProperties")
            .and_then(Value::as_object)
            .map(|all| all.keys().collect())
            .unwrap_or_default();
        let extra: Vec<&String> = object
            .keys()
            .filter(|name| !named.is_some_and(|named| named.contains_key(*name)))
            .filter(|name| !patterns.iter().any(|pattern| self.schema.matches(pattern, name)))
            .collect();
        if demand.is_object() {
            for name in extra {
                self.below(name.clone(), demand, &object[name]);
            }
            return;
        }
        if *demand != Value::Bool(false) || extra.is_empty() {
            return;
        }
        let list = extra.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        let message = if patterns.is_empty() {
            let verb = if extra.len() == 1 { "was" } else { "were" };
            format!("Additional properties are not allowed ({list} {verb} unexpected)")
        } else {
            let verb = if extra.len() == 1 { "does" } else { "do" };
            let regexes = patterns.iter().map(|pattern| quoted(pattern)).collect::<Vec<_>>().join(", ");
            format!("{list} {verb} not match any of the regexes: {regexes}")
        };
        self.wrong(value, message);
    }

    fn required(&mut self, demand: &Value, value: &Value) {
        let (Some(demand), Some(own)) = (demand.as_array(), value.as_object()) else { return };
        for name in demand.iter().filter_map(Value::as_str).filter(|name| !own.contains_key(*name)) {
            self.wrong(value, format!("{} is a required property", quoted(name)));
        }
    }

    fn items(&mut self, demand: &Value, value: &Value) {
        for (number, inner) in value.as_array().into_iter().flatten().enumerate() {
            self.below(number.to_string(), demand, inner);
        }
    }

    fn combined(&self, keyword: &str, demand: &Value, value: &Value) -> Option<String> {
        if keyword == "not" {
            return self
                .schema
                .valid(demand, value)
                .then(|| format!("{} should not be valid under {}", python(value), python(demand)));
        }
        let all = demand.as_array().map(Vec::as_slice).unwrap_or_default();
        match all.iter().filter(|schema| self.schema.valid(schema, value)).count() {
            0 => Some(format!("{} is not valid under any of the given schemas", python(value))),
            1 => None,
            _ if keyword == "anyOf" => None,
            _ => Some(format!("{} is valid under each of several given schemas", python(value))),
        }
    }
}

fn types(demand: &Value) -> impl Iterator<Item = &str> {
    let many = demand.as_array().map(Vec::as_slice).unwrap_or_default();
    demand.as_str().into_iter().chain(many.iter().filter_map(Value::as_str))
}

fn has_type(name: &str, value: &Value) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        _ => false,
    }
}

fn gather_patterns(schema: &Value, into: &mut HashMap<String, Regex>) {
    let mut take = |pattern: &str| {
        if let Ok(regex) = Regex::new(pattern) {
            into.insert(pattern.to_owned(), regex);
        }
    };
    match schema {
        Value::Object(table) => {
            table.get("pattern").and_then(Value::as_str).into_iter().for_each(&mut take);
            let names = table.get("patternProperties").and_then(Value::as_object);
            names.into_iter().flat_map(Map::keys).for_each(|pattern| take(pattern));
            table.values().for_each(|inner| gather_patterns(inner, into));
        }
        Value::Array(all) => all.iter().for_each(|inner| gather_patterns(inner, into)),
        _ => {}
    }
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for letter in text.chars() {
        match letter {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            letter if letter == quote => out.extend(['\\', letter]),
            letter if letter.is_ascii_control() => drop(write!(out, "\\x{:02x}", u32::from(letter))),
            letter => out.push(letter),
        }
    }
    out.push(quote);
    out
}

/// A value as Python's `repr` writes it.
pub fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(all) => format!("[{}]", all.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let mut text = String::from("{");
            for (number, (name, inner)) in table.iter().enumerate() {
                let comma = if number == 0 { "" } else { ", " };
                let _ = write!(text, "{comma}{}: {}", quoted(name), python(inner));
            }
            text + "}"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaint(schema: Value, value: Value) -> String {
        Schema::new(schema).check(&value).unwrap_err().message
    }

    #[test]
    fn the_sentences_are_those_of_python() {
        assert_eq!(
            complaint(json!({"type": ["string", "null"]}), json!(1)),
            "1 is not of type 'string', 'null'"
        );
        assert_eq!(complaint(json!({"required": ["name"]}), json!({})), "'name' is a required property");
        assert_eq!(complaint(json!({"minLength": 1}), json!("")), "'' should be non-empty");
        assert_eq!(complaint(json!({"maxLength": 2}), json!("abc")), "'abc' is too long");
        assert_eq!(complaint(json!({"enum": ["a", true]}), json!("x")), "'x' is not one of ['a', True]");
        assert_eq!(complaint(json!({"minimum": 1}), json!(0)), "0 is less than the minimum of 1");
        assert_eq!(complaint(json!({"pattern": "^a$"}), json!("b")), "'b' does not match '^a$'");
        assert_eq!(complaint(json!({"format": "uuid"}), json!("b")), "'b' is not a 'uuid'");
        assert_eq!(
            complaint(
                json!({"properties": {"a": {}}, "additionalProperties": false}),
                json!({"b": 1, "c": 2})
            ),
            "Additional properties are not allowed ('b', 'c' were unexpected)"
        );
        assert_eq!(
            complaint(
                json!({"patternProperties": {"^a": {}}, "additionalProperties": false}),
                json!({"b": 1})
            ),
            "'b' does not match any of the regexes: '^a'"
        );
        assert_eq!(
            complaint(json!({"oneOf": [{"type": "string"}, {"type": "null"}]}), json!({"a": null})),
            "{'a': None} is not valid under any of the given schemas"
        );
    }

    #[test]
    fn the_way_to_the_wrong_value_is_told() {
        let schema = Schema::new(json!({"properties": {"list": {"items": {"type": "integer"}}}}));
        let violation = schema.check(&json!({"list": [1, "2"]})).unwrap_err();
        assert_eq!((violation.path.join("/"), violation.shown()), ("list/1".to_owned(), "2".to_owned()));
    }
}
