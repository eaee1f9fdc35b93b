//! Who has which role on what, and what that amounts to.

use crate::model::project::Project;
use std::collections::BTreeSet;

/// Who has a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ActorKind {
    /// A user.
    User,
    /// A group, and with it every user in it.
    Group,
}

/// What a role is had on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TargetKind {
    /// A project.
    Project,
    /// A domain.
    Domain,
    /// The whole system; the target's id is `all`.
    System,
}

impl ActorKind {
    /// The word in the store and on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

impl TargetKind {
    /// The word in the store and on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Domain => "domain",
            Self::System => "system",
        }
    }
}

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Assignment {
    /// User or group.
    pub actor_kind: ActorKind,
    /// Which one.
    pub actor_id: String,
    /// Project, domain or system.
    pub target_kind: TargetKind,
    /// Which one.
    pub target_id: String,
    /// The role.
    pub role_id: String,
    /// It holds for the projects below the target, not for the target itself.
    pub inherited: bool,
}

/// The roles that hold on a project: direct ones, and those inherited from the projects and the domain above it.
/// `above` is the way up from the project's parent to its domain.
pub fn on_project(assignments: &[Assignment], project: &Project, above: &[String]) -> BTreeSet<String> {
    let holds = |one: &&Assignment| match one.target_kind {
        TargetKind::System => false,
        _ if one.inherited => above.contains(&one.target_id),
        TargetKind::Project => one.target_id == project.id,
        TargetKind::Domain => project.is_domain && one.target_id == project.id,
    };
    assignments.iter().filter(holds).map(|one| one.role_id.clone()).collect()
}

/// The roles that hold on a domain, or on the system.
pub fn on_target(assignments: &[Assignment], kind: TargetKind, id: &str) -> BTreeSet<String> {
    let holds = |one: &&Assignment| !one.inherited && one.target_kind == kind && one.target_id == id;
    assignments.iter().filter(holds).map(|one| one.role_id.clone()).collect()
}
