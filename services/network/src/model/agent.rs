//! Agents: what Neutron's users see of the hosts.
//!
//! A host is two agents, as with OVN: its controller of the switch and its metadata agent.

use super::attribute::{Attribute, Default, Noun, at, shown};
use super::check::{Check, Convert};
use super::{Body, faults, network, object};
use crate::record::record;
use kernel::Micros;
use serde_json::{Map, Value, json};

record! {
    /// A host that has joined at some time.
    HostRow in "network_hosts" {
        id: String,
        name: String,
        metal: String,
        version: String,
        physical_networks: String,
        description: String,
        first_seen: Micros,
        /// When its agent last started.
        started_at: Micros,
        /// When it was last seen.
        seen_at: Micros,
        /// The start of the agent that was last seen.
        epoch: i64,
    }
}

/// Which half of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The controller of the switch.
    Switch,
    /// The metadata agent.
    Metadata,
}

/// An agent.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its host.
    pub host: HostRow,
    /// Which half of it.
    pub half: Half,
    /// It is connected now.
    pub alive: bool,
}

const ATTRIBUTES: &[Attribute] = &[
    shown("id", "VF"),
    shown("agent_type", "VF"),
    shown("binary", "VF"),
    shown("topic", "VF"),
    shown("host", "VF"),
    at("admin_state_up", "UVF", Default::Unset, Convert::Flag, Check::None),
    shown("created_at", "V"),
    shown("started_at", "V"),
    shown("heartbeat_timestamp", "V"),
    at("alive", "VF", Default::Unset, Convert::Flag, Check::None),
    shown("configurations", "V"),
    at("description", "UVF", Default::Unset, Convert::None, Check::TextOrNull(255)),
    shown("availability_zone", "VF"),
];

/// Agents in the API.
pub static NOUN: Noun = Noun {
    one: "agent",
    many: "agents",
    path: "agents",
    attributes: ATTRIBUTES,
    missing: faults::agent_missing,
};

impl Agent {
    /// Its id: the host's own for the switch, one derived from it for metadata, as OVN's metadata agents have.
    pub fn id(&self) -> String {
        match self.half {
            Half::Switch => self.host.id.clone(),
            Half::Metadata => derived(&self.host.id),
        }
    }
}

/// Another id that is always the same for the same one: its last digit turned.
fn derived(id: &str) -> String {
    let mut text = id.to_owned();
    let last = text.pop().and_then(|digit| digit.to_digit(16)).unwrap_or(0);
    text.push(char::from_digit(last ^ 1, 16).unwrap_or('0'));
    text
}

fn naked(at: Micros) -> String {
    at.seconds_z().trim_end_matches('Z').replace('T', " ")
}

impl Body for Agent {
    const NOUN: &'static Noun = &NOUN;

    fn body(&self) -> Map<String, Value> {
        let (agent_type, binary) = match self.half {
            Half::Switch => ("OVN Controller agent", "ovn-controller"),
            Half::Metadata => ("OVN Metadata agent", "neutron-ovn-metadata-agent"),
        };
        let mappings: Vec<_> = self
            .host
            .physical_networks
            .split(',')
            .filter(|name| !name.is_empty())
            .map(|name| format!("{name}:br-{name}"))
            .collect();
        let configurations = match self.half {
            Half::Switch => json!({"chassis_name": self.host.id, "bridge-mappings": mappings.join(",")}),
            Half::Metadata => json!({}),
        };
        object! {
            "id": self.id(),
            "agent_type": agent_type,
            "binary": binary,
            "topic": "n/a",
            "host": self.host.name,
            "admin_state_up": true,
            "created_at": naked(self.host.first_seen),
            "started_at": naked(self.host.started_at),
            "heartbeat_timestamp": naked(self.host.seen_at),
            "alive": self.alive,
            "configurations": configurations,
            "description": self.host.description,
            "availability_zone": network::ZONE,
            "resources_synced": Value::Null,
        }
    }

    fn owner(&self) -> &str {
        ""
    }
}
