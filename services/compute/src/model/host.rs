//! Hosts and the services on them, as operators see them.

use kernel::Micros;
use metal::HostFacts;

/// A host with what its agent said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// The hypervisor's id, and the placement provider's.
    pub id: String,
    /// Its id in old microversions.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// What its agent said.
    pub facts: HostFacts,
    /// Its agent is connected.
    pub up: bool,
    /// When its agent was last heard of.
    pub seen_at: Micros,
}

/// A service of Nova as clients know them.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Its id.
    pub id: String,
    /// Its id in old microversions.
    pub number: i64,
    /// `nova-compute`, `nova-scheduler`, `nova-conductor`.
    pub kind: String,
    /// The host's name.
    pub host: String,
    /// No new servers.
    pub disabled: bool,
    /// Why not.
    pub disabled_reason: Option<String>,
    /// An administrator knows that it is dead.
    pub forced_down: bool,
    /// It answers.
    pub up: bool,
    /// When it was last heard of.
    pub seen_at: Option<Micros>,
    /// Its availability zone.
    pub zone: String,
}

/// A host aggregate.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Its id in the API.
    pub number: i64,
    /// Its other id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The availability zone that it makes of its hosts.
    pub zone: Option<String>,
    /// Its pairs.
    pub metadata: std::collections::BTreeMap<String, String>,
    /// Names of its hosts.
    pub hosts: Vec<String>,
    /// When it was made.
    pub created_at: Micros,
    /// When it was changed.
    pub updated_at: Option<Micros>,
}
