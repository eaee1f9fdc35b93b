//! A rule as its service declares it: a name, who may, and with tokens of which scope.

/// For what a token was given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole system.
    System,
    /// A domain.
    Domain,
    /// A project; tokens for nothing count as these, as oslo.policy has it.
    Project,
}

impl Scope {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Domain => "domain",
            Self::Project => "project",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::System => 1,
            Self::Domain => 2,
            Self::Project => 4,
        }
    }
}

/// The scopes that a rule takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Tokens of every scope.
    pub const ANY: Self = Self(7);
    /// Tokens for a project alone.
    pub const PROJECT: Self = Self(Scope::Project.bit());
    /// Tokens for the system or a project.
    pub const SYSTEM_PROJECT: Self = Self(Scope::System.bit() | Scope::Project.bit());

    /// Whether a scope is among them.
    pub const fn take(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Their words, as oslo.policy orders them.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        [Scope::System, Scope::Domain, Scope::Project]
            .into_iter()
            .filter(move |scope| self.take(*scope))
            .map(Scope::word)
    }
}

/// An operation's rule as its service declares it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The type of its service. Names are a service's own: each has a `context_is_admin`.
    pub service: &'static str,
    /// Its name as in OpenStack's policy files (`os_compute_api:servers:show`).
    pub name: &'static str,
    /// Who may, unless the operator says otherwise.
    pub default: &'static str,
    /// One sentence for the operator.
    pub about: &'static str,
    /// With tokens of which scope.
    pub scopes: Scopes,
    /// What it was in earlier releases, if it had another name.
    pub was: Option<Older>,
}

/// A rule of an earlier release: a file that speaks of that one alone means the newer one too, unless it only repeats what
/// held then by default.
#[derive(Clone, Copy, Debug)]
pub struct Older {
    /// The name.
    pub name: &'static str,
    /// The default.
    pub default: &'static str,
}

impl Rule {
    /// A rule for tokens of any scope, which never had another name.
    pub const fn new(
        service: &'static str,
        name: &'static str,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self { service, name, default, about, scopes: Scopes::ANY, was: None }
    }

    /// The same for tokens of these scopes.
    #[must_use]
    pub const fn scoped(self, scopes: Scopes) -> Self {
        Self { scopes, ..self }
    }

    /// Whether it had this name.
    pub fn was_called(&self, name: &str) -> bool {
        self.was.is_some_and(|older| older.name == name)
    }

    /// The same with the name that it had, and its default then.
    #[must_use]
    pub const fn was(self, name: &'static str, default: &'static str) -> Self {
        Self { was: Some(Older { name, default }), ..self }
    }
}

/// A service's table of rules. First its type and the scopes that its rules take, then for each rule
/// `IDENT "name" "default" "about" [SCOPES] was "older name" "older default";` a static, and `ALL` with every one. The last
/// two are said of rules that take other scopes, or had another name.
#[macro_export]
macro_rules! rules {
    ($service:ident [$usual:ident]; $($ident:ident $name:literal $default:tt $about:literal $([$scopes:ident])? $(was $was:literal $before:literal)?;)*) => {
        $(#[doc = $about] pub static $ident: $crate::Rule =
            $crate::Rule::new(stringify!($service), $name, $default, $about)
                .scoped($crate::Scopes::$usual)$(.scoped($crate::Scopes::$scopes))?$(.was($was, $before))?;)*

        /// Every rule.
        pub static ALL: &[$crate::Rule] = &[$(
            $crate::Rule::new(stringify!($service), $name, $default, $about)
                .scoped($crate::Scopes::$usual)$(.scoped($crate::Scopes::$scopes))?$(.was($was, $before))?
        ),*];
    };
}
