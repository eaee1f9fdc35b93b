//! The engine: what a mapping's rules make of a provider's attributes. It does what Keystone's does; the judge
//! `conformance/identity/mapping` holds one against the other.
//!
//! Patterns cost time in proportion to what they look at, and how much text comes out is bounded.

use super::{Mapping, literal, schema, template};
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use web::schema::python;

/// What a provider says: names and values; several values of one name stand behind each other, with semicolons.
pub type Assertion = BTreeMap<String, String>;

/// How much text a mapping may make.
const MOST_TEXT: usize = 1 << 20;

/// How large a compiled pattern may be.
const LARGEST_PATTERN: usize = 1 << 20;

/// What came out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapped {
    /// The user: `id`, `name`, `email`, `domain`, and `type`: `ephemeral` or `local`.
    pub user: Map<String, Value>,
    /// Groups by id.
    pub group_ids: Vec<Value>,
    /// Groups by name, with their domains.
    pub group_names: Vec<Value>,
    /// Projects with names, roles, and perhaps domains.
    pub projects: Vec<Value>,
}

/// Why nothing came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmapped {
    /// No rule fits what the provider said.
    Nothing,
    /// What a rule made of it is not allowed.
    Invalid(String),
    /// A rule's `local` asks for more than its `remote` matched.
    Direct,
    /// A rule cannot be applied to this.
    Broken(String),
}

/// What one condition matched.
#[derive(Clone, Debug)]
pub struct Direct(pub(super) Vec<String>);

impl Direct {
    /// As texts are filled with it: one value by itself, several as a list.
    pub(super) fn value(&self) -> Value {
        match self.0.as_slice() {
            [one] => json!(one),
            all => json!(all),
        }
    }
}

/// Applies a mapping.
pub fn apply(mapping: &Mapping, assertion: &Assertion) -> Result<Mapped, Unmapped> {
    let version = super::VERSIONS.iter().position(|known| *known == mapping.schema_version);
    let version =
        version.ok_or_else(|| broken(format!("there is no version {}", mapping.schema_version)))? + 1;
    let said: BTreeMap<&str, Vec<&str>> =
        assertion.iter().map(|(name, value)| (name.as_str(), value.split(';').collect())).collect();
    let mut filler = Filler { version, room: MOST_TEXT };
    let mut locals = Vec::new();
    for rule in list(&mapping.rules)? {
        let Some(maps) = matched(list(&rule["remote"])?, &said)? else { continue };
        for local in list(&rule["local"])? {
            locals.push(filler.object(object(local)?, &maps)?);
        }
    }
    Outcome { version, mapped: Mapped::default(), seen: BTreeSet::new() }.of(locals)
}

fn broken(why: impl Into<String>) -> Unmapped {
    Unmapped::Broken(why.into())
}

fn list(value: &Value) -> Result<&Vec<Value>, Unmapped> {
    value.as_array().ok_or_else(|| broken(format!("{} is no list", python(value))))
}

fn object(value: &Value) -> Result<&Map<String, Value>, Unmapped> {
    value.as_object().ok_or_else(|| broken(format!("{} is no object", python(value))))
}

/// A pattern as mappings have it; it is Python's but for looking around and back.
pub fn pattern(text: &str) -> Result<Regex, regex::Error> {
    // The end of everything is \Z there and \z here.
    let mut ours = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        ours.push(letter);
        if letter == '\\'
            && let Some(next) = letters.next()
        {
            ours.push(if next == 'Z' { 'z' } else { next });
        }
    }
    RegexBuilder::new(&ours).size_limit(LARGEST_PATTERN).build()
}

/// What the conditions of a rule matched; `None` if one does not hold.
fn matched(conditions: &[Value], said: &BTreeMap<&str, Vec<&str>>) -> Result<Option<Vec<Direct>>, Unmapped> {
    let mut maps = Vec::new();
    for condition in conditions {
        let name = condition["type"].as_str().ok_or_else(|| broken("a condition has no type"))?;
        let Some(values) = said.get(name) else { return Ok(None) };
        let regex = condition["regex"] == true;
        let test = |list: &str| condition.get(list).filter(|list| !list.is_null());
        if let Some(wanted) = test("any_one_of") {
            if hits(wanted, values, regex)?.contains(&true) {
                continue;
            }
            return Ok(None);
        }
        if let Some(unwanted) = test("not_any_of") {
            if hits(unwanted, values, regex)?.contains(&true) {
                return Ok(None);
            }
            continue;
        }
        let kept = match (test("blacklist"), test("whitelist")) {
            (Some(black), _) => distinct(values, &hits(black, values, regex)?, false),
            // By pattern, what is there twice stays there twice.
            (None, Some(white)) if regex => picked(values, &hits(white, values, true)?),
            (None, Some(white)) => distinct(values, &hits(white, values, false)?, true),
            (None, None) => values.iter().map(|value| (*value).to_owned()).collect(),
        };
        maps.push(Direct(kept));
    }
    Ok(Some(maps))
}

fn picked(values: &[&str], hits: &[bool]) -> Vec<String> {
    let all = values.iter().zip(hits).filter(|(_, hit)| **hit);
    all.map(|(value, _)| (*value).to_owned()).collect()
}

/// The values that were hit (or were not), each once.
fn distinct(values: &[&str], hits: &[bool], hit: bool) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let all = values.iter().zip(hits).filter(|(value, own)| **own == hit && seen.insert(**value));
    all.map(|(value, _)| (*value).to_owned()).collect()
}

/// Which values are in a list, or match a pattern in it.
fn hits(wanted: &Value, values: &[&str], regex: bool) -> Result<Vec<bool>, Unmapped> {
    let wanted = list(wanted)?;
    if !regex {
        if let Some(bad) = wanted.iter().find(|one| one.is_array() || one.is_object()) {
            return Err(broken(format!("{} cannot be compared with a value", python(bad))));
        }
        let wanted: BTreeSet<&str> = wanted.iter().filter_map(Value::as_str).collect();
        return Ok(values.iter().map(|value| wanted.contains(value)).collect());
    }
    let mut patterns: Vec<Regex> = Vec::new();
    let mut hit = |value: &&str| -> Result<bool, Unmapped> {
        for (number, one) in wanted.iter().enumerate() {
            if number == patterns.len() {
                let text = one.as_str().ok_or_else(|| broken(format!("{} is no pattern", python(one))))?;
                patterns.push(pattern(text).map_err(|why| broken(why.to_string()))?);
            }
            if patterns[number].is_match(value) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    values.iter().map(&mut hit).collect()
}

/// Fills what matched into a rule's `local`.
struct Filler {
    version: usize,
    room: usize,
}

impl Filler {
    fn object(
        &mut self,
        local: &Map<String, Value>,
        maps: &[Direct],
    ) -> Result<Map<String, Value>, Unmapped> {
        local.iter().map(|(name, value)| Ok((name.clone(), self.value(name, value, maps)?))).collect()
    }

    fn value(&mut self, name: &str, value: &Value, maps: &[Direct]) -> Result<Value, Unmapped> {
        match value {
            Value::Object(inner) => self.object(inner, maps).map(Value::Object),
            Value::Array(all) => {
                let each = all.iter().map(|one| self.object(object(one)?, maps).map(Value::Object));
                each.collect::<Result<_, _>>().map(Value::Array)
            }
            Value::String(text) if self.version > 2 && name == "projects_json" => self.sent(text, maps),
            Value::String(text) => template::filled(text, maps, &mut self.room).map(Value::String),
            other => Err(broken(format!("{} is no text", python(other)))),
        }
    }

    /// Projects as a provider sends them: JSON, in the value that the text names.
    fn sent(&mut self, text: &str, maps: &[Direct]) -> Result<Value, Unmapped> {
        let digits = text.strip_prefix('{').unwrap_or(text);
        let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
        if end == 0 {
            return Err(Unmapped::Invalid(format!(
                "The rule [{text}] for key [projects_json] does not match the expected pattern [\\{{?(\\d+)\\}}?]."
            )));
        }
        let direct = digits[..end].parse().ok().and_then(|number: usize| maps.get(number));
        let direct = direct.ok_or_else(|| broken(format!("{text} is more than matched")))?;
        let projects = match direct.value() {
            Value::String(text) => serde_json::from_str(&text).map_err(|why| broken(why.to_string()))?,
            all => all,
        };
        let size = projects.to_string().len();
        self.room = self.room.checked_sub(size).ok_or_else(|| broken("more projects than is good"))?;
        schema::check_projects(&projects).map_err(Unmapped::Invalid)?;
        Ok(projects)
    }
}

/// Brings together what the rules made.
struct Outcome {
    version: usize,
    mapped: Mapped,
    /// The ids of groups so far, as JSON: there may be very many.
    seen: BTreeSet<String>,
}

impl Outcome {
    fn of(mut self, locals: Vec<Map<String, Value>>) -> Result<Mapped, Unmapped> {
        let Some(last) = locals.last() else { return Err(Unmapped::Nothing) };
        let last_domain = last.get("domain").cloned().unwrap_or(Value::Null);
        for local in locals {
            self.take(local)?;
        }
        let user = &mut self.mapped.user;
        user.entry("type").or_insert_with(|| json!("ephemeral"));
        if !["ephemeral", "local"].iter().any(|kind| user["type"] == *kind) {
            let kind = template::plain(&user["type"]);
            return Err(Unmapped::Invalid(format!("User type {kind} not supported")));
        }
        if self.version > 1 && is_empty(user.get("domain")) {
            user.insert("domain".to_owned(), last_domain);
        }
        Ok(self.mapped)
    }

    fn take(&mut self, mut local: Map<String, Value>) -> Result<(), Unmapped> {
        if let Some(Value::Object(user)) = local.get("user")
            && self.mapped.user.is_empty()
        {
            self.mapped.user.clone_from(user);
        }
        if let Some(group) = local.get("group") {
            match group.get("id") {
                Some(id) => self.group_id(id.clone()),
                None if group.get("name").is_some() => self.mapped.group_names.push(group.clone()),
                None => {}
            }
        }
        if let Some(Value::String(groups)) = local.get("groups") {
            let named = named_groups(groups, &local)?;
            self.mapped.group_names.extend(named);
        }
        if let Some(Value::String(ids)) = local.get("group_ids") {
            for id in literal::members(ids) {
                if id.is_array() || id.is_object() {
                    return Err(broken(format!("{} is no id of a group", python(&id))));
                }
                self.group_id(id);
            }
        }
        if local.contains_key("projects") || local.contains_key("projects_json") {
            self.mapped.projects = self.projects(&mut local)?;
        }
        Ok(())
    }

    fn group_id(&mut self, id: Value) {
        if self.seen.insert(id.to_string()) {
            self.mapped.group_ids.push(id);
        }
    }

    fn projects(&self, local: &mut Map<String, Value>) -> Result<Vec<Value>, Unmapped> {
        let mut all = Vec::new();
        for name in ["projects", "projects_json"] {
            match local.remove(name) {
                None => {}
                Some(Value::Array(own)) => all.extend(own),
                Some(other) => return Err(broken(format!("{} are no projects", python(&other)))),
            }
        }
        if self.version > 1 {
            let domain = local.get("domain").cloned().unwrap_or(Value::Null);
            for project in all.iter_mut().filter_map(Value::as_object_mut) {
                if is_empty(project.get("domain")) {
                    project.insert("domain".to_owned(), domain.clone());
                }
            }
        }
        Ok(all)
    }
}

/// What Python takes for false.
fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(table)) => table.is_empty(),
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    }
}

/// The groups of a text: names in the rule's domain; or, where the text has `name` in it, JSON that says the domain.
fn named_groups(groups: &str, local: &Map<String, Value>) -> Result<Vec<Value>, Unmapped> {
    let invalid = || {
        let rule = python(&Value::Object(local.clone()));
        Unmapped::Invalid(format!(
            "Invalid rule: {rule}. Both 'groups' and 'domain' keywords must be specified."
        ))
    };
    if !groups.contains("name") {
        let domain = local.get("domain").ok_or_else(invalid)?;
        let all = literal::members(groups).into_iter();
        return Ok(all.map(|name| json!({"name": name, "domain": domain})).collect());
    }
    let mut all = Vec::new();
    for member in literal::members(groups) {
        let Value::String(text) = member else {
            return Err(broken(format!("{} is no text", python(&member))));
        };
        let group = match text.starts_with("JSON:") {
            true => serde_json::from_str(text.trim_start_matches(['J', 'S', 'O', 'N', ':']))
                .map_err(|why| broken(why.to_string()))?,
            false => Value::String(text),
        };
        let has_domain = match &group {
            Value::Object(table) => table.contains_key("domain"),
            Value::String(text) => text.contains("domain"),
            Value::Array(all) => all.iter().any(|one| one == "domain"),
            _ => return Err(broken(format!("{} is no group", python(&group)))),
        };
        if !has_domain {
            return Err(invalid());
        }
        all.push(group);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(version: &str, rules: Value, said: &[(&str, &str)]) -> Result<Mapped, Unmapped> {
        let mapping = Mapping { id: "m".to_owned(), rules, schema_version: version.to_owned() };
        let assertion = said.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        apply(&mapping, &assertion)
    }

    fn rule(local: Value, remote: Value) -> Value {
        json!([{"local": [local], "remote": remote}])
    }

    #[test]
    fn conditions_decide_whether_a_rule_applies() {
        let local = json!({"user": {"name": "{0}"}});
        for (condition, applies) in [
            (json!({"type": "g", "any_one_of": ["b", "x"]}), true),
            (json!({"type": "g", "any_one_of": ["x", 5]}), false),
            (json!({"type": "g", "any_one_of": []}), false),
            (json!({"type": "g", "not_any_of": ["x"]}), true),
            (json!({"type": "g", "not_any_of": ["b"]}), false),
            (json!({"type": "g", "any_one_of": ["^.$"], "regex": true}), true),
            (json!({"type": "g", "not_any_of": ["^b\\Z"], "regex": true}), false),
            (json!({"type": "absent", "not_any_of": ["x"]}), false),
        ] {
            let rules = rule(local.clone(), json!([{"type": "u"}, condition]));
            let told = outcome("1.0", rules, &[("u", "ann"), ("g", "a;b")]);
            match applies {
                true => assert_eq!(told.unwrap().user["name"], "ann", "{condition}"),
                false => assert_eq!(told, Err(Unmapped::Nothing), "{condition}"),
            }
        }
    }

    #[test]
    fn lists_say_which_values_go_on() {
        let remote = json!([{"type": "u"}, {"type": "g", "whitelist": ["a", "c"]}, {"type": "g", "blacklist": ["a"]},
                            {"type": "g", "whitelist": ["^[ab]"], "regex": true}]);
        let rules = json!([
            {"local": [{"user": {"name": "{0}"}}, {"groups": "{1}", "domain": {"id": "d"}}, {"group_ids": "{2}"}],
             "remote": remote},
            {"local": [{"group_ids": "{0}"}], "remote": [{"type": "g", "whitelist": ["^[ab]"], "regex": true}]},
        ]);
        let mapped = outcome("1.0", rules, &[("u", "ann"), ("g", "a;b;c;a")]).unwrap();
        let named = |name: &str| json!({"name": name, "domain": {"id": "d"}});
        assert_eq!(mapped.group_names, [named("a"), named("c")]);
        assert_eq!(mapped.group_ids, [json!("b"), json!("c"), json!("a")]);
        assert_eq!(Value::Object(mapped.user), json!({"name": "ann", "type": "ephemeral"}));
    }

    #[test]
    fn the_first_user_counts_and_the_last_projects() {
        let rules = json!([
            {"local": [{"user": {"name": "{0}", "type": "local"}, "projects": [{"name": "p", "roles": []}]}],
             "remote": [{"type": "u"}]},
            {"local": [{"user": {"name": "other"}, "projects": [{"name": "q-{0}", "roles": [{"name": "reader"}]}]}],
             "remote": [{"type": "u"}]},
        ]);
        let mapped = outcome("1.0", rules, &[("u", "ann")]).unwrap();
        assert_eq!((&mapped.user["name"], &mapped.user["type"]), (&json!("ann"), &json!("local")));
        assert_eq!(json!(mapped.projects), json!([{"name": "q-ann", "roles": [{"name": "reader"}]}]));
    }

    #[test]
    fn a_domain_holds_for_everything_from_the_second_version_on() {
        let local = json!({"user": {"name": "{0}"}, "projects": [{"name": "p", "roles": []}], "domain": {"name": "d"}});
        let rules = rule(local, json!([{"type": "u"}]));
        let first = outcome("1.0", rules.clone(), &[("u", "ann")]).unwrap();
        assert!(!first.user.contains_key("domain") && first.projects[0].get("domain").is_none());
        let second = outcome("2.0", rules, &[("u", "ann")]).unwrap();
        assert_eq!(
            (&second.user["domain"], &second.projects[0]["domain"]),
            (&json!({"name": "d"}), &json!({"name": "d"}))
        );
    }

    #[test]
    fn a_provider_sends_projects_in_the_third_version() {
        let rules = rule(json!({"user": {"name": "u"}, "projects_json": "{0}"}), json!([{"type": "p"}]));
        let sent = r#"[{"name": "p", "roles": [{"name": "reader"}]}]"#;
        let mapped = outcome("3.0", rules.clone(), &[("p", sent)]).unwrap();
        assert_eq!(mapped.projects[0], json!({"name": "p", "roles": [{"name": "reader"}], "domain": null}));
        let told = outcome("3.0", rules.clone(), &[("p", r#"[{"name": "p"}]"#)]);
        assert_eq!(told, Err(Unmapped::Invalid("'roles' is a required property\n".to_owned())));
        assert!(matches!(outcome("3.0", rules, &[("p", "x")]), Err(Unmapped::Broken(_))));
    }

    #[test]
    fn groups_may_be_json() {
        let rules = rule(json!({"user": {"name": "u"}, "groups": "{0}"}), json!([{"type": "g"}]));
        let group = r#"JSON:{"name": "g", "domain": {"id": "d"}}"#;
        let mapped = outcome("1.0", rules.clone(), &[("g", group)]).unwrap();
        assert_eq!(mapped.group_names, [json!({"name": "g", "domain": {"id": "d"}})]);
        let told = outcome("1.0", rules, &[("g", "plain")]).unwrap_err();
        let said = "Invalid rule: {'user': {'name': 'u'}, 'groups': 'plain'}. Both 'groups' and 'domain' keywords must be \
                    specified.";
        assert_eq!(told, Unmapped::Invalid(said.to_owned()));
    }
}
