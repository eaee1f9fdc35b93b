//! The file that describes simulated hosts: racks, zones, aggregates, traits, sizes, timings.
//!
//! ```toml
//! [host]                   # what every host is, unless its rack says otherwise
//! vcpus = 64
//! memory_gib = 512
//! disk_gib = 20480
//! boot = "2s ± 0.5s"
//!
//! [[rack]]                 # hosts r1-01 to r1-20
//! name = "r1"
//! hosts = 20
//! zone = "east"
//! aggregates = ["fast-disks"]
//! traits = ["CUSTOM_SSD"]
//! ```

use crate::{Config, Timing};
use serde::Deserialize;
use std::collections::BTreeSet;

/// More hosts than this are a mistake.
const MOST: usize = 20_000;

/// A host to be simulated.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Its availability zone, if it is in one of its own.
    pub zone: Option<String>,
    /// The aggregates that it is in.
    pub aggregates: Vec<String>,
    /// How large and how slow it is.
    pub config: Config,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    host: Shape,
    #[serde(default, rename = "rack")]
    racks: Vec<Rack>,
}

/// What may be said of all hosts.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Shape {
    vcpus: Option<u32>,
    memory_gib: Option<u64>,
    disk_gib: Option<u64>,
    boot: Option<String>,
    stop: Option<String>,
    physical_networks: Option<Vec<String>>,
}

/// What may be said of the hosts of a rack; the rest as in [`Shape`], which serde cannot flatten and be strict with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rack {
    name: String,
    hosts: usize,
    zone: Option<String>,
    #[serde(default)]
    aggregates: Vec<String>,
    #[serde(default)]
    traits: Vec<String>,
    vcpus: Option<u32>,
    memory_gib: Option<u64>,
    disk_gib: Option<u64>,
    boot: Option<String>,
    stop: Option<String>,
    physical_networks: Option<Vec<String>>,
}

/// Hosts that are all alike.
pub fn uniform(count: usize, config: &Config) -> Result<Vec<Plan>, String> {
    if count == 0 || count > MOST {
        return Err(format!("{count} hosts cannot be simulated; 1 to {MOST} can"));
    }
    let plan = |name| Plan { name, zone: None, aggregates: Vec::new(), config: config.clone() };
    Ok(names("sim", count).map(plan).collect())
}

/// The hosts that a file describes. The error is a part of a sentence that says what is wrong with it.
pub fn parse(text: &str, default: &Config) -> Result<Vec<Plan>, String> {
    let file: File = toml::from_str(text).map_err(|error| mistake(text, &error))?;
    if file.racks.is_empty() {
        return Err("it has no [[rack]]".to_owned());
    }
    let total: usize = file.racks.iter().map(|rack| rack.hosts).fold(0, usize::saturating_add);
    if total > MOST {
        return Err(format!("it has {total} hosts; at most {MOST} can be simulated"));
    }
    let mut known = BTreeSet::new();
    let mut plans = Vec::with_capacity(total);
    for rack in &file.racks {
        let of_rack = |why: String| format!("rack {:?}: {why}", rack.name);
        rack.check().map_err(of_rack)?;
        if !known.insert(&rack.name) {
            return Err(of_rack("it is there twice".to_owned()));
        }
        let config = rack.config(&file.host, default).map_err(of_rack)?;
        plans.extend(names(&rack.name, rack.hosts).map(|name| Plan {
            name,
            zone: rack.zone.clone(),
            aggregates: rack.aggregates.clone(),
            config: config.clone(),
        }));
    }
    // The first host by name is the one that others find the network's database on.
    plans.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(pair) = plans.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(format!("two racks name a host {:?}", pair[0].name));
    }
    Ok(plans)
}

/// TOML's message in one line, with the line that it is about.
fn mistake(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
    let message = error.message().trim().replace('\n', ", ");
    line.map_or(message.clone(), |line| format!("line {line}: {message}"))
}

fn names(stem: &str, count: usize) -> impl Iterator<Item = String> {
    let width = count.to_string().len();
    (1..=count).map(move |number| format!("{stem}-{number:0width$}"))
}

impl Rack {
    fn check(&self) -> Result<(), String> {
        let plain = |text: &str| {
            text.starts_with(|first: char| first.is_ascii_alphanumeric())
                && text.len() <= 60
                && text.chars().all(|one| one.is_ascii_alphanumeric() || matches!(one, '-' | '.' | '_'))
        };
        let wrong = |what: &str, name: &str| {
            Err(format!("{name:?} is no name for {what}; letters, digits, dashes, dots and underscores are"))
        };
        if !plain(&self.name) {
            return wrong("a rack", &self.name);
        }
        if let Some(zone) = self.zone.as_ref().filter(|zone| !plain(zone)) {
            return wrong("a zone", zone);
        }
        if let Some(name) = self.aggregates.iter().find(|name| !plain(name)) {
            return wrong("an aggregate", name);
        }
        // A zone is an aggregate of its name, in Nova as here.
        if let Some(name) = self.aggregates.iter().find(|name| self.zone.as_ref() == Some(name)) {
            return Err(format!("{name:?} is its zone and cannot be an aggregate too"));
        }
        let is_trait = |name: &str| {
            name.starts_with("CUSTOM_")
                || ["HW_", "COMPUTE_", "STORAGE_", "MISC_"].iter().any(|p| name.starts_with(p))
        };
        let letters = |one: char| one.is_ascii_uppercase() || one.is_ascii_digit() || one == '_';
        if let Some(name) = self.traits.iter().find(|name| !is_trait(name) || !name.chars().all(letters)) {
            return Err(format!("{name:?} is no trait; traits of one's own begin with CUSTOM_, in capitals"));
        }
        if self.hosts == 0 { Err("it has no hosts".to_owned()) } else { Ok(()) }
    }

    fn config(&self, all: &Shape, default: &Config) -> Result<Config, String> {
        let timing = |own: &Option<String>, all: &Option<String>, default: Timing| {
            own.as_ref().or(all.as_ref()).map_or(Ok(default), |text| text.parse())
        };
        let networks = self.physical_networks.as_ref().or(all.physical_networks.as_ref());
        let config = Config {
            boot: timing(&self.boot, &all.boot, default.boot)?,
            stop: timing(&self.stop, &all.stop, default.stop)?,
            vcpus: self.vcpus.or(all.vcpus).unwrap_or(default.vcpus),
            memory_mib: self
                .memory_gib
                .or(all.memory_gib)
                .map_or(Some(default.memory_mib), |gib| gib.checked_mul(1024))
                .ok_or("its memory is too large")?,
            disk_bytes: self
                .disk_gib
                .or(all.disk_gib)
                .map_or(Some(default.disk_bytes), |gib| gib.checked_mul(1 << 30))
                .ok_or("its disk is too large")?,
            physical_networks: networks.unwrap_or(&default.physical_networks).clone(),
            traits: self.traits.clone(),
            ..default.clone()
        };
        if config.vcpus == 0 || config.memory_mib == 0 || config.disk_bytes == 0 {
            return Err("a host needs processors, memory and a disk".to_owned());
        }
        if config.vcpus > 4096 || config.memory_mib > 1 << 30 || config.disk_bytes > 1 << 50 {
            return Err("no host is that large".to_owned());
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_becomes_hosts() {
        let text = r#"
            [host]
            vcpus = 8
            boot = "2s ± 0.5s"
            [[rack]]
            name = "b"
            hosts = 12
            zone = "west"
            [[rack]]
            name = "a"
            hosts = 1
            aggregates = ["fast"]
            traits = ["CUSTOM_SSD"]
            vcpus = 16
            memory_gib = 4
        "#;
        let plans = parse(text, &Config::default()).unwrap();
        let names: Vec<_> = plans.iter().map(|plan| plan.name.as_str()).collect();
        assert_eq!((names.len(), &names[..3], names[12]), (13, &["a-1", "b-01", "b-02"][..], "b-12"));
        let (first, last) = (&plans[0], &plans[12]);
        assert_eq!((first.config.vcpus, first.config.memory_mib, last.config.vcpus), (16, 4096, 8));
        assert_eq!(
            (&first.aggregates[..], &first.config.traits[..]),
            (&["fast".into()][..], &["CUSTOM_SSD".into()][..])
        );
        assert_eq!(last.zone.as_deref(), Some("west"));
        assert_eq!(last.config.boot, "2s ± 0.5s".parse().unwrap());
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        let rack = |more: &str| format!("[[rack]]\nname = \"r\"\nhosts = 2\n{more}");
        for (text, says) in [
            (String::new(), "it has no [[rack]]"),
            ("[[rack]]\nname = \"r\"".to_owned(), "missing field `hosts`"),
            (rack("colour = \"red\""), "line 4: unknown field `colour`"),
            (rack("boot = \"soon\""), "rack \"r\": \"soon\" is no time"),
            (rack("traits = [\"ssd\"]"), "\"ssd\" is no trait"),
            (rack("vcpus = 0"), "a host needs processors"),
            (rack("vcpus = -1"), "line 4"),
            (rack("disk_gib = 18446744073709551"), "its disk is too large"),
            (rack("zone = \"a b\""), "\"a b\" is no name for a zone"),
            (rack(&rack("")), "it is there twice"),
            (rack("[[rack]]\nname = \"q\"\nhosts = 0"), "rack \"q\": it has no hosts"),
            (rack("[[rack]]\nname = \"q\"\nhosts = 99999"), "at most"),
            ("rack = 1".to_owned(), "line 1"),
        ] {
            let said = parse(&text, &Config::default()).unwrap_err();
            assert!(said.contains(says) && !said.contains('\n'), "{text:?} says {said:?}");
        }
    }
}
