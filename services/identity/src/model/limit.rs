//! Limits of resources: what a project may have of something by default, and what single projects and domains may.

use serde_json::{Value, json};

/// How limits relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitModel {
    /// Not at all.
    Flat,
    /// Domains and the projects right below them: no project's limit is above its domain's.
    StrictTwoLevel,
}

impl LimitModel {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::StrictTwoLevel => "strict_two_level",
        }
    }

    /// The model of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Flat, Self::StrictTwoLevel].into_iter().find(|model| model.name() == name)
    }

    /// How deep projects may be below their domain, if the model says so.
    pub const fn deepest(self) -> Option<usize> {
        match self {
            Self::Flat => None,
            Self::StrictTwoLevel => Some(2),
        }
    }

    /// As the API writes it below `model`.
    pub fn body(self) -> Value {
        let description = match self {
            Self::Flat => {
                "Limit enforcement and validation does not take project hierarchy into consideration."
            }
            Self::StrictTwoLevel => "This model requires project hierarchy never exceeds a depth of two",
        };
        json!({"name": self.name(), "description": description})
    }
}

/// What is limited: a resource of a service, in a region or in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The service.
    pub service_id: String,
    /// The region; `None` for all.
    pub region_id: Option<String>,
    /// The resource's name.
    pub name: String,
}

/// What a project may have of a resource by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredLimit {
    /// Its id.
    pub id: String,
    /// Of what.
    pub resource: Resource,
    /// How much; -1 is no limit.
    pub default_limit: i64,
    /// For people.
    pub description: Option<String>,
}

/// Whose limit it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A project.
    Project(String),
    /// A domain.
    Domain(String),
}

/// What one project or domain may have of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its id.
    pub id: String,
    /// The registered limit that it stands instead of.
    pub registered_id: String,
    /// Of what.
    pub resource: Resource,
    /// Whose.
    pub holder: Holder,
    /// How much; -1 is no limit.
    pub resource_limit: i64,
    /// For people.
    pub description: Option<String>,
}

impl RegisteredLimit {
    /// As the API writes it below `registered_limit`.
    pub fn body(&self, base: &str) -> Value {
        json!({
            "id": self.id, "service_id": self.resource.service_id, "region_id": self.resource.region_id,
            "resource_name": self.resource.name, "default_limit": self.default_limit, "description": self.description,
            "links": {"self": format!("{base}/v3/registered_limits/{}", self.id)},
        })
    }
}

impl Holder {
    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::Project(id) | Self::Domain(id) => id,
        }
    }

    /// The project, if it is one.
    pub fn project_id(&self) -> Option<&str> {
        if let Self::Project(id) = self { Some(id) } else { None }
    }

    /// The domain, if it is one.
    pub fn domain_id(&self) -> Option<&str> {
        if let Self::Domain(id) = self { Some(id) } else { None }
    }
}

impl Limit {
    /// As the API writes it below `limit`.
    pub fn body(&self, base: &str) -> Value {
        json!({
            "id": self.id, "service_id": self.resource.service_id, "region_id": self.resource.region_id,
            "resource_name": self.resource.name, "resource_limit": self.resource_limit,
            "description": self.description, "project_id": self.holder.project_id(),
            "domain_id": self.holder.domain_id(), "links": {"self": format!("{base}/v3/limits/{}", self.id)},
        })
    }
}
