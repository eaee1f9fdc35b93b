//! Identity providers: who vouches for users that are not ours, and the protocols by which they do.

use serde_json::{Value, json};

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Its id: a name.
    pub id: String,
    /// Where its users live, unless the mapping says otherwise.
    pub domain_id: String,
    /// Its users may log in.
    pub enabled: bool,
    /// For people.
    pub description: Option<String>,
    /// How it calls itself, sorted: with OpenID Connect, its issuers.
    pub remote_ids: Vec<String>,
    /// For how many minutes memberships by mapping hold; unset: for as long as the cloud says.
    pub authorization_ttl: Option<i64>,
}

impl IdentityProvider {
    /// As the API writes it below `identity_provider`.
    pub fn body(&self, base: &str) -> Value {
        let link = format!("{base}/v3/OS-FEDERATION/identity_providers/{}", self.id);
        json!({
            "id": self.id, "domain_id": self.domain_id, "enabled": self.enabled, "description": self.description,
            "remote_ids": self.remote_ids, "authorization_ttl": self.authorization_ttl,
            "links": {"self": link, "protocols": format!("{link}/protocols")},
        })
    }
}

/// A protocol by which a provider vouches for its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Its name, one of this provider's.
    pub id: String,
    /// The provider.
    pub provider_id: String,
    /// What makes users here of what the provider says.
    pub mapping_id: String,
    /// Which attribute says who the provider is.
    pub remote_id_attribute: Option<String>,
}

impl Protocol {
    /// As the API writes it below `protocol`.
    pub fn body(&self, base: &str) -> Value {
        let provider = format!("{base}/v3/OS-FEDERATION/identity_providers/{}", self.provider_id);
        let mut body = json!({
            "id": self.id, "mapping_id": self.mapping_id,
            "links": {"self": format!("{provider}/protocols/{}", self.id), "identity_provider": provider},
        });
        if let Some(attribute) = &self.remote_id_attribute {
            body["remote_id_attribute"] = json!(attribute);
        }
        body
    }
}
