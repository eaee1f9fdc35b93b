//! Access rules: what the tokens of an application credential may be used for.

use policy::Access;
use serde_json::{Value, json};

/// An access rule of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// Its id.
    pub id: String,
    /// Its user.
    pub user_id: String,
    /// The kind of request that it allows.
    pub access: Access,
}

impl AccessRule {
    /// As it stands in what has access rules.
    pub fn plain(&self) -> Value {
        let Access { service, method, path } = &self.access;
        json!({"id": self.id, "service": service, "method": method, "path": path})
    }

    /// As the API writes it below `access_rule`.
    pub fn body(&self, base: &str) -> Value {
        let mut body = self.plain();
        body["links"] = json!({"self": format!("{base}/v3/users/{}/access_rules/{}", self.user_id, self.id)});
        body
    }
}
