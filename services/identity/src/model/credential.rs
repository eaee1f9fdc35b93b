//! Credentials for other systems: texts that identity keeps and, but for a few types, does not read.

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// A credential of a user for another system.
#[derive(Clone, PartialEq)]
pub struct Credential {
    /// Its id.
    pub id: String,
    /// Its owner.
    pub user_id: String,
    /// The project that it is for.
    pub project_id: Option<String>,
    /// Its type (`ec2`, `totp`, `cert`, …).
    pub kind: String,
    /// The secret, in a form that belongs to its type.
    pub blob: Zeroizing<String>,
    /// Attributes of the caller's own.
    pub extra: Map<String, Value>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({} {})", self.id, self.kind)
    }
}

impl Credential {
    /// Whether it has an access key, and an id made of that.
    pub fn is_ec2(&self) -> bool {
        self.kind.eq_ignore_ascii_case("ec2")
    }

    /// As the API writes it below `credential`.
    pub fn body(&self, base: &str) -> Value {
        let mut body = self.extra.clone();
        body.insert("id".into(), json!(self.id));
        body.insert("user_id".into(), json!(self.user_id));
        body.insert("project_id".into(), json!(self.project_id));
        body.insert("type".into(), json!(self.kind));
        body.insert("blob".into(), json!(*self.blob));
        body.insert("links".into(), json!({"self": format!("{base}/v3/credentials/{}", self.id)}));
        Value::Object(body)
    }
}
