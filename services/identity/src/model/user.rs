//! Users and groups.

use kernel::Micros;
use serde_json::{Map, Value, json};

/// A user.
#[derive(Clone, Default, PartialEq)]
pub struct User {
    /// Its id.
    pub id: String,
    /// Its name, unique in its domain.
    pub name: String,
    /// Its domain.
    pub domain_id: String,
    /// It may log in. Who was not active for too long may not, whatever was set.
    pub enabled: bool,
    /// The project that a token without scope is for.
    pub default_project_id: Option<String>,
    /// The hash of its password; without one it cannot log in by password.
    pub password_hash: Option<String>,
    /// When the password ends.
    pub password_expires_at: Option<Micros>,
    /// Resource options.
    pub options: Map<String, Value>,
    /// Attributes of the caller's own (`description`, `email`).
    pub extra: Map<String, Value>,
    /// Tokens issued before are revoked; whole seconds.
    pub valid_since: Micros,
    /// What the rules for passwords ask.
    pub login: Login,
}

/// What is known of a user's logins and password.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Login {
    /// How many logins failed since one succeeded, as far as that is counted.
    pub failures: i64,
    /// When the last one failed.
    pub failed_at: Option<Micros>,
    /// When the password was set.
    pub password_made_at: Option<Micros>,
    /// The user set it, not somebody else.
    pub password_own: bool,
    /// When the user was active last, while that is watched.
    pub active_at: Option<Micros>,
    /// Until when that keeps the user enabled.
    pub active_until: Option<Micros>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "User({} {})", self.id, self.name)
    }
}

impl User {
    /// Revokes every token that was given out so far. Tokens carry whole seconds, so this is a whole second that no
    /// earlier token has; tokens that are given out later in the same second are stamped with it.
    pub fn revoke_tokens(&mut self, now: Micros) {
        let second = std::time::Duration::from_secs(1);
        self.valid_since = now.whole_seconds().plus(second).max(self.valid_since.plus(second));
    }

    /// As the API writes it below `user`.
    pub fn body(&self, base: &str) -> Value {
        let mut body = self.extra.clone();
        body.insert("id".into(), json!(self.id));
        body.insert("name".into(), json!(self.name));
        body.insert("domain_id".into(), json!(self.domain_id));
        body.insert("enabled".into(), json!(self.enabled));
        if let Some(project) = &self.default_project_id {
            body.insert("default_project_id".into(), json!(project));
        }
        body.insert("password_expires_at".into(), json!(self.password_expires_at.map(Micros::micros_naked)));
        body.insert("options".into(), Value::Object(self.options.clone()));
        body.insert("links".into(), json!({"self": format!("{base}/v3/users/{}", self.id)}));
        Value::Object(body)
    }
}

/// A group of users.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its name, unique in its domain.
    pub name: String,
    /// Its domain.
    pub domain_id: String,
    /// For people.
    pub description: Option<String>,
    /// Attributes of the caller's own.
    pub extra: Map<String, Value>,
}

impl Group {
    /// As the API writes it below `group`.
    pub fn body(&self, base: &str) -> Value {
        let mut body = self.extra.clone();
        body.insert("id".into(), json!(self.id));
        body.insert("name".into(), json!(self.name));
        body.insert("domain_id".into(), json!(self.domain_id));
        body.insert("description".into(), json!(self.description));
        body.insert("links".into(), json!({"self": format!("{base}/v3/groups/{}", self.id)}));
        Value::Object(body)
    }
}
