//! Flavors: how much of a host a server gets.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A flavor, as servers remember it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlavorFacts {
    /// Its id, which an administrator chose.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Processors.
    pub vcpus: u64,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Root disk in GiB; 0 takes the image's own size.
    pub root_gib: u64,
    /// Ephemeral disk in GiB.
    pub ephemeral_gib: u64,
    /// Swap in MiB.
    pub swap_mib: u64,
    /// Extra specs.
    pub specs: BTreeMap<String, String>,
}

/// A flavor.
#[derive(Clone, Debug, PartialEq)]
pub struct Flavor {
    /// What servers remember of it.
    pub facts: FlavorFacts,
    /// Its number, for sorting by `id`.
    pub number: i64,
    /// An old factor for bandwidth.
    pub rxtx_factor: f64,
    /// Everybody may use it.
    pub is_public: bool,
    /// Nobody may.
    pub disabled: bool,
    /// For people.
    pub description: Option<String>,
}

impl FlavorFacts {
    /// What a server of it takes of a host, by resource class. `disk_gib` is what its root disk will have.
    pub fn amounts(&self, disk_gib: u64) -> contract::placement::Amounts {
        let swap_gib = self.swap_mib.div_ceil(1024);
        let disk = disk_gib + self.ephemeral_gib + swap_gib;
        let all = [("VCPU", self.vcpus), ("MEMORY_MB", self.memory_mib), ("DISK_GB", disk)];
        all.into_iter()
            .filter(|(_, amount)| *amount > 0)
            .map(|(class, amount)| (class.to_owned(), amount))
            .collect()
    }

    /// Traits that a host must have, and must not have.
    pub fn traits(&self) -> (Vec<String>, Vec<String>) {
        let wanting = |value: &str| {
            let named = self.specs.iter().filter(move |(_, own)| own.as_str() == value);
            named.filter_map(|(key, _)| key.strip_prefix("trait:").map(str::to_owned)).collect::<Vec<_>>()
        };
        (wanting("required"), wanting("forbidden"))
    }
}
