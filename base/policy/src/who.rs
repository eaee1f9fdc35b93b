//! The caller of an operation and the thing that it is done to, as rules see them.

use crate::access::Access;
use crate::rule::Scope;
use serde_json::{Map, Value};
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
    /// It is the cloud itself, which has no token and so no scope that a rule could miss.
    pub cloud: bool,
    /// The service that is asked counts the caller among its administrators ([`crate::Policy::place`]).
    pub admin: bool,
    /// It shows the caller the things of every project, as it does to administrators and Neutron to other services too.
    pub overseer: bool,
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
            cloud: true,
            admin: true,
            overseer: true,
            ..Self::default()
        }
    }

    /// Whether the caller has the role, in whichever case of letters.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| match own.is_ascii() && role.is_ascii() {
            true => own.eq_ignore_ascii_case(role),
            false => own.to_lowercase() == role.to_lowercase(),
        })
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

    /// For what the token was given out.
    pub fn scope(&self) -> Scope {
        match (self.system, &self.domain_id) {
            (true, _) => Scope::System,
            (false, Some(_)) => Scope::Domain,
            (false, None) => Scope::Project,
        }
    }

    /// Whether an attribute is so, or one of its values where it has several; `None` if the caller has it not.
    pub(crate) fn has(&self, fact: Fact, so: impl Fn(&str) -> bool) -> Option<bool> {
        let any = |all: &[String]| Some(all.iter().any(|one| so(one)));
        match fact {
            Fact::Roles => any(&self.roles),
            Fact::Methods => any(&self.methods),
            _ => self.fact(fact).map(so),
        }
    }

    /// An attribute that has one value.
    fn fact(&self, fact: Fact) -> Option<&str> {
        match fact {
            Fact::User => Some(&self.user_id),
            Fact::UserName => Some(&self.user_name),
            Fact::UserDomain => Some(&self.user_domain_id),
            Fact::UserDomainName => Some(&self.user_domain_name),
            Fact::Project => self.project_id.as_deref(),
            Fact::ProjectName => self.project_name.as_deref(),
            Fact::ProjectDomain => self.project_domain_id.as_deref(),
            Fact::ProjectDomainName => self.project_domain_name.as_deref(),
            Fact::Domain => self.domain_id.as_deref(),
            Fact::DomainName => self.domain_name.as_deref(),
            Fact::System => self.system.then_some("all"),
            Fact::Admin => Some(if self.admin { "True" } else { "False" }),
            Fact::AdminProject => Some("True"),
            Fact::Roles | Fact::Methods | Fact::Service | Fact::Unknown => None,
        }
    }
}

/// The attributes of a caller that rules know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// `user_id`.
    User,
    /// `user_name`.
    UserName,
    /// `user_domain_id`.
    UserDomain,
    /// `token.user.domain.name`.
    UserDomainName,
    /// `project_id`.
    Project,
    /// `project_name`.
    ProjectName,
    /// `project_domain_id`.
    ProjectDomain,
    /// `token.project.domain.name`.
    ProjectDomainName,
    /// `domain_id`.
    Domain,
    /// `domain_name`.
    DomainName,
    /// `roles`: their names, in the case that they have, unlike `role:`.
    Roles,
    /// `token.methods`.
    Methods,
    /// `system_scope`.
    System,
    /// `is_admin`.
    Admin,
    /// `is_admin_project`.
    AdminProject,
    /// What a service that asks for somebody says of itself. No service asks through another here.
    Service,
    /// Nothing that a caller has.
    Unknown,
}

/// The words for what callers carry as Python's `None` where they have it not. They carry nothing else then, not even that.
const NONE: [&str; 14] = [
    "project_id",
    "tenant_id",
    "tenant",
    "project_name",
    "project_domain_id",
    "project_domain",
    "domain_id",
    "domain",
    "domain_name",
    "system_scope",
    "service_user_id",
    "service_user_domain_id",
    "service_project_id",
    "service_project_domain_id",
];

impl Fact {
    /// Whether a caller without the attribute of this word carries it as `None`.
    pub(crate) fn is_none(word: &str) -> bool {
        NONE.contains(&word)
    }

    /// By the words of OpenStack's services for it.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "user_id" | "user" | "token.user.id" => Self::User,
            "user_name" | "token.user.name" => Self::UserName,
            "user_domain_id" | "user_domain" | "token.user.domain.id" => Self::UserDomain,
            "token.user.domain.name" => Self::UserDomainName,
            "project_id" | "tenant_id" | "tenant" | "token.project.id" => Self::Project,
            "project_name" | "token.project.name" => Self::ProjectName,
            "project_domain_id" | "project_domain" | "token.project.domain.id" => Self::ProjectDomain,
            "token.project.domain.name" => Self::ProjectDomainName,
            "domain_id" | "domain" | "token.domain.id" => Self::Domain,
            "domain_name" | "token.domain.name" => Self::DomainName,
            "roles" | "token.roles.name" => Self::Roles,
            "token.methods" => Self::Methods,
            "system_scope" | "system" => Self::System,
            "is_admin" => Self::Admin,
            "is_admin_project" => Self::AdminProject,
            "service_roles"
            | "service_user_id"
            | "service_user_domain_id"
            | "service_project_id"
            | "service_project_domain_id" => Self::Service,
            _ => Self::Unknown,
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

    /// Adds what a thing's body says of it.
    #[must_use]
    pub fn with_body(self, body: &Map<String, Value>) -> Self {
        body.iter().fold(self, |target, (key, value)| target.with_value(key, value))
    }

    /// Adds a value in Python's words: `True`, `None`. Lists and objects are no values that rules could name.
    #[must_use]
    pub fn with_value(self, key: &str, value: &Value) -> Self {
        match value {
            Value::Null => self.with(key, "None"),
            Value::Bool(true) => self.with(key, "True"),
            Value::Bool(false) => self.with(key, "False"),
            Value::Number(number) => self.with(key, &number.to_string()),
            Value::String(text) => self.with(key, text),
            Value::Array(_) | Value::Object(_) => self,
        }
    }

    /// All values of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether it has what rules ask under this name, among [`crate::Policy::asked_of_target`].
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some() || self.field(key).is_some()
    }

    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// A field, by its resource and its name. The target knows a field of what it is by its name alone, and one of what it
    /// belongs to by the resource's name before.
    pub(crate) fn field(&self, key: &str) -> Option<&str> {
        self.value(key).or_else(|| key.split_once(':').and_then(|(_, field)| self.value(field)))
    }
}
