//! Service providers: clouds that take the users of this one.

use serde_json::{Value, json};

/// What `RelayState` begins with, unless somebody says otherwise.
pub const RELAY_STATE_PREFIX: &str = "ss:mem:";

/// A service provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceProvider {
    /// Its id: a name.
    pub id: String,
    /// Tokens tell of it.
    pub enabled: bool,
    /// For people.
    pub description: Option<String>,
    /// Where users log in there.
    pub auth_url: String,
    /// Where what vouches for them is sent.
    pub sp_url: String,
    /// What `RelayState` begins with.
    pub relay_state_prefix: String,
}

impl ServiceProvider {
    /// As the API writes it below `service_provider`.
    pub fn body(&self, base: &str) -> Value {
        json!({
            "id": self.id, "enabled": self.enabled, "description": self.description, "auth_url": self.auth_url,
            "sp_url": self.sp_url, "relay_state_prefix": self.relay_state_prefix,
            "links": {"self": format!("{base}/v3/OS-FEDERATION/service_providers/{}", self.id)},
        })
    }

    /// What tokens tell of it.
    pub fn told(&self) -> Value {
        json!({"id": self.id, "auth_url": self.auth_url, "sp_url": self.sp_url})
    }
}
