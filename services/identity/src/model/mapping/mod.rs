//! Mappings: what becomes here of somebody for whom an identity provider vouches.
//!
//! A mapping is a list of rules. Each says what must be true of the provider's attributes (`remote`) and what then
//! follows here (`local`): a user, groups, projects with roles. [`engine`] applies them, as Keystone does; it is pure.
//!
//! * [`engine`]: conditions, substitution, and what comes out · [`template`]: `{0}` in texts · [`literal`]: lists in texts
//! * [`schema`]: what a mapping looks like, in its three versions

pub mod engine;
pub mod literal;
pub mod schema;
pub mod template;

pub use engine::{Mapped, Unmapped, apply};

use serde_json::{Value, json};

/// The version of a mapping that says none.
pub const DEFAULT_VERSION: &str = "1.0";

/// The versions there are. From the second on, what a rule says of a domain holds for its user and projects too; with
/// the third, a provider sends projects as JSON, and what it does not send any more is taken away.
pub const VERSIONS: [&str; 3] = [DEFAULT_VERSION, "2.0", "3.0"];

/// The largest mapping, as JSON: what fits into a column of Keystone's.
pub const LARGEST: usize = 65_535;

/// A mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// Its id: a name.
    pub id: String,
    /// The rules, a list that fits the schema.
    pub rules: Value,
    /// Which version of the schema.
    pub schema_version: String,
}

impl Mapping {
    /// As the API writes it below `mapping`.
    pub fn body(&self, base: &str) -> Value {
        json!({
            "id": self.id, "rules": self.rules, "schema_version": self.schema_version,
            "links": {"self": format!("{base}/v3/OS-FEDERATION/mappings/{}", self.id)},
        })
    }
}
