//! The envelope of everything a host is asked to hold, and of everything it reports.
//!
//! `incarnation` counts how often a thing was given a new life on a host (a rebuilt or moved server); `revision` rises
//! in every transaction that changes what the host must hold. An agent refuses a lower revision, treats an equal one
//! with the same content as done, and destroys only what a tombstone (a [`Wanted`] without spec) names.

use crate::network::{NetworkSpec, PortSpec, RouterSpec, SecurityGroupSpec};
use crate::server::{ServerObserved, ServerSpec};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// The sorts of things that a host holds. The order is the order in which a host builds them up; it is taken down
/// in the opposite order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A virtual network with its subnets.
    Network,
    /// A set of rules that ports refer to.
    SecurityGroup,
    /// A port of a network.
    Port,
    /// A router with interfaces, gateway, routes and floating IPs.
    Router,
    /// A virtual machine.
    Server,
}

impl Kind {
    /// Every kind, in building order.
    pub const ALL: [Self; 5] = [Self::Network, Self::SecurityGroup, Self::Port, Self::Router, Self::Server];

    /// The word on the wire, in ledgers and in paths.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::SecurityGroup => "security_group",
            Self::Port => "port",
            Self::Router => "router",
            Self::Server => "server",
        }
    }

    /// The kind of that word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One thing that a host must hold, or, without spec, must not hold any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The record's format; an agent refuses formats it does not know.
    pub format: u32,
    /// The sort of thing.
    pub kind: Kind,
    /// Its id in the API, dashed.
    pub id: String,
    /// The store's timeline: rises when the store was restored from a backup or reset.
    pub timeline: i64,
    /// Which life of the thing this is.
    pub incarnation: i64,
    /// Which state of this life.
    pub revision: i64,
    /// What it must look like; `None` is the tombstone.
    pub spec: Option<Spec>,
}

impl Wanted {
    /// The format that this release writes.
    pub const FORMAT: u32 = 1;

    /// What fences compare: later timelines win, then later incarnations, then later revisions.
    pub const fn rank(&self) -> (i64, i64, i64) {
        (self.timeline, self.incarnation, self.revision)
    }

    /// A digest of the content, by which an agent tells a repeat from a contradiction at equal rank. A later release
    /// that adds a field to a spec leaves it out of the JSON while it has its default, so that old content keeps its
    /// digest.
    pub fn digest(&self) -> String {
        // Specs have no maps with keys that are not strings: they always can be written.
        let json = serde_json::to_vec(&self.spec).unwrap_or_default();
        base16ct::lower::encode_string(&Sha256::digest(&json)[..16])
    }
}

/// What a thing must look like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spec {
    /// See [`NetworkSpec`].
    Network(NetworkSpec),
    /// See [`SecurityGroupSpec`].
    SecurityGroup(SecurityGroupSpec),
    /// See [`PortSpec`].
    Port(PortSpec),
    /// See [`RouterSpec`].
    Router(RouterSpec),
    /// See [`ServerSpec`].
    Server(Box<ServerSpec>),
}

/// What an agent says of one object. Accepted by the controller only if (epoch, sequence) is newer than the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The sort of thing.
    pub kind: Kind,
    /// Its id in the API.
    pub id: String,
    /// The timeline of the wanted state that it answers.
    pub timeline: i64,
    /// The incarnation that it answers.
    pub incarnation: i64,
    /// The revision that was reached or tried.
    pub revision: i64,
    /// Rises at each start of the agent.
    pub epoch: i64,
    /// Rises with each report of one epoch.
    pub sequence: i64,
    /// What is the case.
    pub observed: Observed,
}

/// What is the case on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// The wanted state is reached. For a port: it is wired as asked (`up` says whether its link is up).
    Applied {
        /// For ports: the link is up. True for everything else.
        up: bool,
    },
    /// The wanted state waits for something that the host does not have yet.
    Waiting {
        /// What it waits for, for operators.
        reason: String,
    },
    /// The wanted state could not be reached; the agent goes on trying.
    Failed {
        /// What is wrong, for operators and for the fault of a server.
        reason: String,
    },
    /// The state of a virtual machine.
    Server(Box<ServerObserved>),
    /// The tombstone is carried out: nothing of the thing is left on the host.
    Gone,
}

/// What a host says of itself when its agent joins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The host's name, as operators know it.
    pub name: String,
    /// An id that stays over restarts of the agent.
    pub id: String,
    /// The agent's release.
    pub version: String,
    /// Rises at each start of the agent.
    pub epoch: i64,
    /// Real or simulated metal.
    pub metal: String,
    /// Processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Room for disks in GiB, all and free.
    pub disk_gib: u64,
    /// See `disk_gib`.
    pub disk_free_gib: u64,
    /// `kvm`, `tcg` or `sim`.
    pub acceleration: String,
    /// The hypervisor's name (`QEMU`) and its version as one number (7.2.1 is 7002001).
    pub hypervisor: String,
    /// See `hypervisor`.
    pub hypervisor_version: u64,
    /// The host's processor for `cpu_info`, as JSON text of the hypervisor.
    pub cpu_info: String,
    /// The host's address.
    pub address: String,
    /// Physical networks that this host is connected to.
    pub physical_networks: Vec<String>,
    /// What sets the host apart from others, in Placement's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<String>,
}
