//! Groups of endpoints: those that have something in common, which projects see together.

use crate::model::catalog::Endpoint;
use serde_json::{Map, Value, json};

/// What endpoints can be told apart by.
pub const FILTERS: [&str; 3] = ["service_id", "region_id", "interface"];

/// A group of endpoints.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointGroup {
    /// Its id.
    pub id: String,
    /// Its name; several may have the same.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// What its endpoints have in common.
    pub filters: Map<String, Value>,
}

impl EndpointGroup {
    /// Whether an endpoint is in it.
    pub fn has(&self, endpoint: &Endpoint) -> bool {
        self.filters.iter().all(|(name, wanted)| match name.as_str() {
            "service_id" => *wanted == json!(endpoint.service_id),
            "region_id" => *wanted == json!(endpoint.region_id),
            "interface" => *wanted == json!(endpoint.interface),
            _ => false,
        })
    }

    /// As the API writes it below `endpoint_group`.
    pub fn body(&self, base: &str) -> Value {
        json!({
            "id": self.id, "name": self.name, "description": self.description, "filters": self.filters,
            "links": {"self": format!("{base}/v3/OS-EP-FILTER/endpoint_groups/{}", self.id)},
        })
    }
}
