//! Projects, and the domains that contain them. A domain is a project that acts as one.

use serde_json::{Map, Value, json};

/// A project or a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Its id: 32 hex digits, or `default`.
    pub id: String,
    /// Its name, unique in its domain (a domain's: in the cloud).
    pub name: String,
    /// Its domain; empty for a domain.
    pub domain_id: String,
    /// The project or domain above it; empty for a domain.
    pub parent_id: String,
    /// It is a domain.
    pub is_domain: bool,
    /// Tokens for it are given out and valid.
    pub enabled: bool,
    /// For people.
    pub description: Option<String>,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// Resource options (`immutable`).
    pub options: Map<String, Value>,
    /// Attributes of the caller's own.
    pub extra: Map<String, Value>,
}

impl Project {
    /// Whether the option `immutable` is set: it can be neither changed nor deleted until that is taken back.
    pub fn immutable(&self) -> bool {
        self.options.get("immutable") == Some(&Value::Bool(true))
    }

    /// As the API writes it below `project`. A domain can be looked at as a project too.
    pub fn body(&self, base: &str) -> Value {
        let mut body = self.common(base, "projects");
        body.insert("domain_id".into(), or_null(&self.domain_id));
        body.insert("parent_id".into(), or_null(&self.parent_id));
        body.insert("is_domain".into(), json!(self.is_domain));
        Value::Object(body)
    }

    /// As the API writes it below `domain`.
    pub fn domain_body(&self, base: &str) -> Value {
        Value::Object(self.common(base, "domains"))
    }

    fn common(&self, base: &str, nouns: &str) -> Map<String, Value> {
        let mut body = self.extra.clone();
        body.insert("id".into(), json!(self.id));
        body.insert("name".into(), json!(self.name));
        body.insert("description".into(), json!(self.description));
        body.insert("enabled".into(), json!(self.enabled));
        body.insert("tags".into(), json!(self.tags));
        body.insert("options".into(), Value::Object(self.options.clone()));
        body.insert("links".into(), json!({"self": format!("{base}/v3/{nouns}/{}", self.id)}));
        body
    }
}

fn or_null(id: &str) -> Value {
    if id.is_empty() { Value::Null } else { json!(id) }
}

/// Puts what a request gives over what is there: the named attributes are handled by the caller, the rest is `extra`,
/// where a null stays a null.
pub fn merge_extra(extra: &mut Map<String, Value>, given: &Map<String, Value>, known: &[&str]) {
    for (name, value) in given.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        extra.insert(name.clone(), value.clone());
    }
}

/// Puts resource options over those that are there: a null takes one away.
pub fn merge_options(options: &mut Map<String, Value>, given: Option<&Value>) {
    for (name, value) in given.and_then(Value::as_object).into_iter().flatten() {
        if value.is_null() {
            options.remove(name);
        } else {
            options.insert(name.clone(), value.clone());
        }
    }
}
