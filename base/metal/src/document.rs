//! A JSON document that is handed on as it is.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// A JSON document as its text: an agent keeps one for each of its servers, and as a tree of values it is five times as
/// large. It is written as it was read, so that a digest of what it stands in stays the same.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(Box<RawValue>);

impl Document {
    /// What it says.
    pub fn value(&self) -> Value {
        // Nothing but JSON gets in here.
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        // A value always can be written.
        to_raw_value(&value).map(Self).unwrap_or_default()
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for Document {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_goes_in_comes_out_in_its_own_order() {
        let value = json!({"links": [{"mtu": 1442}], "a": null});
        let document = Document::from(value.clone());
        assert_eq!(document.value(), value);
        let text = r#"{"links":[{"mtu":1442}],"a":null}"#;
        assert_eq!(serde_json::to_string(&document).unwrap(), text);
        assert_eq!(serde_json::from_str::<Document>(text).unwrap(), document);
        assert_eq!(Document::default().value(), Value::Null);
    }
}
