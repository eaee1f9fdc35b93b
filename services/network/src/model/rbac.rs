//! Who else may use a thing: policies that share networks and security groups with projects.

use super::attribute::{Attribute, Default, Noun, at, shown};
use super::check::{Check, Convert};
use super::{Body, faults, object};
use crate::record::record;
use serde_json::{Map, Value};

/// The target that stands for every project.
pub const EVERYBODY: &str = "*";
/// Ports may be put there; groups may be used.
pub const AS_SHARED: &str = "access_as_shared";
/// Routers may have their gateways and floating IPs their addresses there.
pub const AS_EXTERNAL: &str = "access_as_external";

record! {
    /// A policy that shares a thing.
    RbacPolicy in "network_rbac" {
        id: String,
        /// The owner of the policy.
        project_id: String,
        object_type: String,
        object_id: String,
        action: String,
        /// Who may, or `*`.
        target_project: String,
    }
}

const ATTRIBUTES: &[Attribute] = &[
    shown("id", "VF"),
    at("object_type", "PVFE", Default::Required, Convert::ShareableType, Check::None),
    at("object_id", "PVFE", Default::Required, Convert::None, Check::Id),
    at("target_tenant", "PUVFE", Default::Required, Convert::None, Check::TargetProject),
    at("project_id", "PVF", Default::Required, Convert::None, Check::Text(255)),
    at("action", "PVFE", Default::Required, Convert::None, Check::Text(255)),
];

/// Policies in the API.
pub static NOUN: Noun = Noun {
    one: "rbac_policy",
    many: "rbac_policies",
    path: "rbac-policies",
    attributes: ATTRIBUTES,
    missing: faults::rbac_missing,
};

impl Body for RbacPolicy {
    const NOUN: &'static Noun = &NOUN;

    fn body(&self) -> Map<String, Value> {
        object! {
            "id": self.id,
            "project_id": self.project_id,
            "object_id": self.object_id,
            "action": self.action,
            "target_tenant": self.target_project,
            "object_type": self.object_type,
            "tenant_id": self.project_id,
        }
    }

    fn owner(&self) -> &str {
        &self.project_id
    }
}
