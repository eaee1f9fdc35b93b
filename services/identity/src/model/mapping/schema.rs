//! What a mapping looks like, in its three versions; Keystone's sentences about one that does not.

use super::{LARGEST, VERSIONS, engine::pattern};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use web::schema::Schema;

static SCHEMAS: LazyLock<[Schema; 3]> =
    LazyLock::new(|| [Schema::new(mapping(1)), Schema::new(mapping(2)), Schema::new(mapping(3))]);

/// What a mapping sends as `projects_json` looks like.
static PROJECTS: LazyLock<Schema> = LazyLock::new(|| Schema::new(projects(2)));

/// What is wrong with a mapping of that version, all of it; patterns that cannot be read are told at once, not to
/// users who log in.
pub fn check(mapping: &Map<String, Value>, version: &str) -> Result<(), String> {
    let Some(place) = VERSIONS.iter().position(|known| *known == version) else {
        return Err(format!("There is no schema of mappings of version {version}."));
    };
    complaint(&SCHEMAS[place], &Value::Object(mapping.clone()))?;
    let rules = mapping.get("rules").unwrap_or(&Value::Null);
    if rules.to_string().len() > LARGEST {
        return Err(format!("A mapping has at most {LARGEST} bytes."));
    }
    check_patterns(rules)
}

/// What is wrong with projects that a provider sends.
pub fn check_projects(projects: &Value) -> Result<(), String> {
    complaint(&PROJECTS, projects)
}

fn complaint(schema: &Schema, value: &Value) -> Result<(), String> {
    let mut messages: Vec<String> = schema.violations(value).into_iter().map(|one| one.message).collect();
    messages.sort();
    let told: String = messages.iter().flat_map(|message| [message.as_str(), "\n"]).collect();
    if told.is_empty() { Ok(()) } else { Err(told) }
}

fn check_patterns(rules: &Value) -> Result<(), String> {
    let conditions = rules.as_array().into_iter().flatten().filter_map(|rule| rule["remote"].as_array());
    for condition in conditions.flatten().filter(|condition| condition["regex"] == true) {
        let lists =
            ["any_one_of", "not_any_of", "whitelist", "blacklist"].map(|name| condition[name].as_array());
        for one in lists.into_iter().flatten().flatten() {
            let text = one.as_str().ok_or_else(|| format!("{one} is not a regular expression."))?;
            pattern(text).map_err(|why| format!("{text:?} is not a regular expression: {why}"))?;
        }
    }
    Ok(())
}

fn text() -> Value {
    json!({"type": "string"})
}

fn exactly(required: &[&str], properties: Value) -> Value {
    let mut table = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    table
}

fn domain() -> Value {
    exactly(&[], json!({"id": text(), "name": text()}))
}

fn projects(version: u8) -> Value {
    let roles = json!({"type": "array", "items": exactly(&["name"], json!({"name": text()}))});
    let mut one = exactly(&["name", "roles"], json!({"name": text(), "roles": roles}));
    if version > 1 {
        one["properties"]["domain"] = domain();
    }
    json!({"type": "array", "items": one})
}

fn local(version: u8) -> Value {
    let kind = json!({"type": "string", "enum": ["ephemeral", "local"]});
    let user = json!({"id": text(), "name": text(), "email": text(), "domain": domain(), "type": kind});
    let by_id = exactly(&["id"], json!({"id": text()}));
    let by_name = exactly(&["name", "domain"], json!({"name": text(), "domain": domain()}));
    let mut all = json!({
        "user": exactly(&[], user), "projects": projects(version),
        "group": {"type": "object", "oneOf": [by_id, by_name]},
        "groups": text(), "group_ids": text(), "domain": domain(),
    });
    if version > 2 {
        all["projects_json"] = text();
    }
    exactly(&[], all)
}

fn remote() -> Value {
    let with = |name: &str| {
        exactly(
            &["type", name],
            json!({"type": text(), name: {"type": "array"}, "regex": {"type": "boolean"}}),
        )
    };
    let bare = exactly(&["type"], json!({"type": text()}));
    json!({"type": "object", "oneOf": [
        bare, with("any_one_of"), with("not_any_of"), with("blacklist"), with("whitelist"),
    ]})
}

fn mapping(version: u8) -> Value {
    let rule = exactly(
        &["local", "remote"],
        json!({
            "local": {"type": "array", "items": local(version)},
            "remote": {"minItems": 1, "type": "array", "items": remote()},
        }),
    );
    json!({
        "type": "object", "required": ["rules"],
        "properties": {"rules": {"minItems": 1, "type": "array", "items": rule}, "schema_version": text()},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rules: Value, version: &str) -> String {
        check(json!({"rules": rules}).as_object().unwrap(), version).unwrap_err()
    }

    #[test]
    fn everything_that_is_wrong_is_told_in_order() {
        let said = told(json!([{"local": [{"color": 1}], "remote": []}, {"remote": [{"type": "a"}]}]), "1.0");
        assert_eq!(
            said,
            "'local' is a required property\nAdditional properties are not allowed ('color' was unexpected)\n[] \
             should be non-empty\n"
        );
    }

    #[test]
    fn a_version_knows_what_the_next_one_brings() {
        let domain = json!([{"local": [{"projects": [{"name": "p", "roles": [], "domain": {"id": "d"}}]}],
                             "remote": [{"type": "a"}]}]);
        told(domain.clone(), "1.0");
        check(json!({"rules": domain}).as_object().unwrap(), "2.0").unwrap();
        let sent = json!([{"local": [{"projects_json": "{0}"}], "remote": [{"type": "a"}]}]);
        told(sent.clone(), "2.0");
        check(json!({"rules": sent}).as_object().unwrap(), "3.0").unwrap();
        assert_eq!(told(json!([]), "4.0"), "There is no schema of mappings of version 4.0.");
    }

    #[test]
    fn patterns_that_cannot_be_read_are_told_at_once() {
        let remote = |list: Value| json!([{"local": [], "remote": [{"type": "a", "any_one_of": list, "regex": true}]}]);
        assert!(told(remote(json!(["("])), "1.0").contains("is not a regular expression"));
        assert_eq!(told(remote(json!([5])), "1.0"), "5 is not a regular expression.");
        check(json!({"rules": remote(json!(["^a.*\\Z"]))}).as_object().unwrap(), "1.0").unwrap();
    }
}
