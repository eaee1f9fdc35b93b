//! Which metal a host stands on is known to the drivers and to `wire_up` alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// The crates of the drivers, as others would name them.
const DRIVERS: [&str; 4] = ["qemu", "ovn", "disk-file", "sim"];

fn root() -> PathBuf {
    PathBuf::from("../..")
}

fn files(dir: &Path, name_ends: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files(&entry, name_ends, found);
        } else if entry.to_str().unwrap().ends_with(name_ends) {
            found.push(entry);
        }
    }
}

/// What a manifest says that the crate itself is made of; its tests may stand on simulated metal.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let own = manifest.split("\n[").filter(|section| section.starts_with("dependencies]"));
    own.flat_map(|section| section.lines().skip(1)).filter_map(|line| line.split(['.', ' ', '=']).next())
}

#[test]
fn no_service_and_no_agent_depends_on_a_driver() {
    let mut manifests = Vec::new();
    for folder in ["base", "services", "agent"] {
        files(&root().join(folder), "Cargo.toml", &mut manifests);
    }
    assert!(manifests.len() > 10, "{manifests:?}");
    for manifest in manifests {
        let text = fs::read_to_string(&manifest).unwrap();
        let known: Vec<_> = dependencies(&text).filter(|name| DRIVERS.contains(name)).collect();
        assert!(known.is_empty(), "{} depends on {known:?}", manifest.display());
    }
}

#[test]
fn in_the_program_only_wire_up_names_the_drivers() {
    let mut sources = Vec::new();
    files(&root().join("bin/drystone/src"), ".rs", &mut sources);
    let names = |text: &str| {
        DRIVERS.map(|driver| driver.replace('-', "_")).into_iter().any(|driver| {
            [format!(" {driver}::"), format!("({driver}::"), format!("<{driver}::")]
                .iter()
                .any(|name| text.contains(name.as_str()))
        })
    };
    let mut knowing = Vec::new();
    for source in sources {
        let text = fs::read_to_string(&source).unwrap();
        if text.lines().filter(|line| !line.trim_start().starts_with("//")).any(names) {
            knowing.push(
                source.strip_prefix(root().join("bin/drystone/src")).unwrap().to_str().unwrap().to_owned(),
            );
        }
    }
    knowing.sort();
    assert_eq!(
        knowing,
        [
            "wire_up.rs",
            "wire_up/repeat.rs",
            "wire_up/rewind.rs",
            "wire_up/simulation.rs",
            "wire_up/torture/cloud.rs",
            "wire_up/torture/mod.rs"
        ]
    );
}
