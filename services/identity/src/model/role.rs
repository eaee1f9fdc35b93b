//! Roles, and which roles imply which.

use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};

/// A role.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its domain; empty for a role of the whole cloud.
    pub domain_id: String,
    /// For people; `None` if none was ever given.
    pub description: Option<String>,
    /// Resource options.
    pub options: Map<String, Value>,
    /// Attributes of the caller's own.
    pub extra: Map<String, Value>,
}

impl Role {
    /// Whether the option `immutable` is set.
    pub fn immutable(&self) -> bool {
        self.options.get("immutable") == Some(&Value::Bool(true))
    }

    /// The domain as the API writes it: null for a role of the whole cloud.
    pub fn domain(&self) -> Value {
        if self.domain_id.is_empty() { Value::Null } else { json!(self.domain_id) }
    }

    /// As the API writes it below `role`.
    pub fn body(&self, base: &str) -> Value {
        let mut body = self.plain();
        body["links"] = json!({"self": format!("{base}/v3/roles/{}", self.id)});
        body
    }

    /// The same without links, as it stands in things that carry roles.
    pub fn plain(&self) -> Value {
        let mut body = self.extra.clone();
        body.insert("id".into(), json!(self.id));
        body.insert("name".into(), json!(self.name));
        body.insert("domain_id".into(), self.domain());
        body.insert("description".into(), json!(self.description));
        body.insert("options".into(), Value::Object(self.options.clone()));
        Value::Object(body)
    }
}

/// All roles that `own` amount to, given which role implies which (prior, implied). Circles end.
pub fn with_implied(
    own: impl IntoIterator<Item = String>,
    implications: &[(String, String)],
) -> BTreeSet<String> {
    let mut by_prior: HashMap<&str, Vec<&str>> = HashMap::new();
    for (prior, implied) in implications {
        by_prior.entry(prior).or_default().push(implied);
    }
    let mut all: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<String> = own.into_iter().collect();
    while let Some(role) = open.pop() {
        if all.insert(role.clone()) {
            open.extend(
                by_prior.get(role.as_str()).into_iter().flatten().map(|implied| (*implied).to_owned()),
            );
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implications_are_followed_and_circles_end() {
        let pairs = [("admin", "manager"), ("manager", "member"), ("member", "reader"), ("reader", "admin")];
        let pairs = pairs.map(|(prior, implied)| (prior.to_owned(), implied.to_owned()));
        let all = with_implied(["manager".to_owned()], &pairs[..3]);
        assert_eq!(all.into_iter().collect::<Vec<_>>(), ["manager", "member", "reader"]);
        assert_eq!(with_implied(["reader".to_owned()], &pairs).len(), 4);
    }
}
