//! Policy documents: texts that identity keeps and does not read.

use serde_json::{Map, Value, json};

/// A policy document.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyDocument {
    /// Its id.
    pub id: String,
    /// Its media type.
    pub kind: String,
    /// The document.
    pub blob: String,
    /// Attributes of the caller's own.
    pub extra: Map<String, Value>,
}

impl PolicyDocument {
    /// As the API writes it below `policy`.
    pub fn body(&self, base: &str) -> Value {
        let mut body = self.extra.clone();
        body.insert("id".into(), json!(self.id));
        body.insert("type".into(), json!(self.kind));
        body.insert("blob".into(), json!(self.blob));
        body.insert("links".into(), json!({"self": format!("{base}/v3/policies/{}", self.id)}));
        Value::Object(body)
    }
}
