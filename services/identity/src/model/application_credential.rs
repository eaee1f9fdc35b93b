//! Application credentials: what programs log in with instead of a user's password.

use crate::model::access_rule::AccessRule;
use crate::model::role::Role;
use kernel::Micros;
use serde_json::{Value, json};

/// An application credential.
#[derive(Clone, PartialEq)]
pub struct ApplicationCredential {
    /// Its id.
    pub id: String,
    /// The user whom it stands for.
    pub user_id: String,
    /// The project that its tokens are for.
    pub project_id: String,
    /// Its name, unique to the user.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// The hash of its secret.
    pub secret_hash: String,
    /// When it ends.
    pub expires_at: Option<Micros>,
    /// It may manage other application credentials. Unsaid is no.
    pub unrestricted: Option<bool>,
    /// The ids of the roles that its tokens carry, as far as the user still has them.
    pub roles: Vec<String>,
    /// The only requests that its tokens are good for; none means all.
    pub access_rules: Vec<AccessRule>,
}

impl std::fmt::Debug for ApplicationCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApplicationCredential({} {})", self.id, self.name)
    }
}

impl ApplicationCredential {
    /// Whether it has ended.
    pub fn ended(&self, now: Micros) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether its tokens may not manage application credentials.
    pub fn restricted(&self) -> bool {
        self.unrestricted != Some(true)
    }

    /// Its access rules, if it has any.
    pub fn write_access_rules(&self, body: &mut Value) {
        if !self.access_rules.is_empty() {
            body["access_rules"] = self.access_rules.iter().map(AccessRule::plain).collect();
        }
    }

    /// As the API writes it below `application_credential`.
    pub fn body(&self, base: &str, roles: &[Role]) -> Value {
        let role = |role: &Role| {
            json!({
                "id": role.id, "name": role.name, "domain_id": role.domain(), "description": role.description,
                "options": role.options,
            })
        };
        let own = roles.iter().filter(|role| self.roles.contains(&role.id));
        let mut body = json!({
            "id": self.id, "name": self.name, "description": self.description, "user_id": self.user_id,
            "project_id": self.project_id, "system": null, "expires_at": self.expires_at.map(Micros::micros_naked),
            "unrestricted": self.unrestricted, "roles": own.map(role).collect::<Vec<_>>(),
            "links": {"self": format!("{base}/v3/application_credentials/{}", self.id)},
        });
        self.write_access_rules(&mut body);
        body
    }
}
