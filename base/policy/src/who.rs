//! The caller of an operation and the thing that it is done to, as rules see them.

use crate::access::Access;
use std::collections::BTreeMap;

/// Who asks: what a validated token says. Roles are effective ones, implied roles included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// The user.
    pub user_id: String,
    /// The user's name.
    pub user_name: String,
    /// The user's domain.
    pub user_domain_id: String,
    /// The name of the user's domain.
    pub user_domain_name: String,
    /// The project that the token is for.
    pub project_id: Option<String>,
    /// Its name.
    pub project_name: Option<String>,
    /// Its domain.
    pub project_domain_id: Option<String>,
    /// The name of its domain.
    pub project_domain_name: Option<String>,
    /// The domain that the token is for.
    pub domain_id: Option<String>,
    /// Its name.
    pub domain_name: Option<String>,
    /// The token is for the whole system.
    pub system: bool,
    /// The names of the effective roles.
    pub roles: Vec<String>,
    /// How the caller proved to be the user.
    pub methods: Vec<String>,
    /// The only requests that the token is good for; `None` if it is good for all.
    pub access: Option<Vec<Access>>,
    /// When the token ends, in microseconds since the epoch.
    pub expires_at: i64,
}

impl Who {
    /// The cloud itself, when it acts for nobody.
    pub fn cloud() -> Self {
        Self {
            user_id: "drystone".into(),
            user_name: "drystone".into(),
            system: true,
            roles: ["admin", "manager", "member", "reader", "service"].map(String::from).to_vec(),
            expires_at: i64::MAX,
            ..Self::default()
        }
    }

    /// Whether the caller has the role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own.eq_ignore_ascii_case(role))
    }

    /// Whether the caller has the admin role: sees other projects' things.
    pub fn is_admin(&self) -> bool {
        self.has_role("admin")
    }

    /// Whether the token is good for a request to a service. With two paths for the same: as it came and as the service
    /// knows it.
    pub fn reaches(&self, service: &str, method: &str, paths: [&str; 2]) -> bool {
        let covers = |access: &Access| paths.into_iter().any(|path| access.covers(service, method, path));
        self.access.as_ref().is_none_or(|all| all.iter().any(covers))
    }

    /// The project of the token, or nothing.
    pub fn project(&self) -> &str {
        self.project_id.as_deref().unwrap_or_default()
    }

    /// The value that a rule knows under `key`.
    pub(crate) fn attribute(&self, key: &str) -> Option<&str> {
        match key {
            "user_id" => Some(&self.user_id),
            "project_id" | "tenant_id" | "tenant" => self.project_id.as_deref(),
            "domain_id" | "token.domain.id" => self.domain_id.as_deref(),
            "user_domain_id" => Some(&self.user_domain_id),
            "project_domain_id" | "token.project.domain.id" => self.project_domain_id.as_deref(),
            "system_scope" => self.system.then_some("all"),
            "is_admin" => Some(if self.is_admin() { "True" } else { "False" }),
            "is_admin_project" => Some("True"),
            _ => None,
        }
    }
}

/// What an operation is done to: the values that `%(…)s` in a rule stands for.
#[derive(Clone, Debug, Default)]
pub struct Target(BTreeMap<String, String>);

impl Target {
    /// Nothing in particular, as in a list or a create without owner.
    pub fn none() -> Self {
        Self::default()
    }

    /// A thing of a project.
    pub fn project(project_id: &str) -> Self {
        Self::none().with("project_id", project_id).with("tenant_id", project_id)
    }

    /// A thing that the caller makes: of the caller's own project and user.
    pub fn own(who: &Who) -> Self {
        Self::project(who.project()).with("user_id", &who.user_id)
    }

    /// Adds a value.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.0.insert(key.to_owned(), value.to_owned());
        self
    }

    /// All values of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}
