//! What this host's QEMU is and can: version, machine types, system call filter, acceleration.
//!
//! Asking costs a few short-lived processes and, for KVM, a small virtual machine; so the answers are kept in
//! `STATE_DIR/acceleration` and hold until the host boots again or QEMU's file changes.

use crate::acceleration::{self, Acceleration};
use metal::driver::{Driven, DriverError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// What is known of QEMU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// What the answers hold for: the boot, and QEMU's file.
    key: String,
    /// The version as one number (7.2.1 is 7002001).
    pub version: u64,
    /// The versioned machine type for each name.
    pub machine_types: BTreeMap<String, String>,
    /// QEMU can filter its system calls.
    pub sandbox: bool,
    /// What KVM did with a guest; `None` while nobody has asked.
    kvm: Option<Result<(), String>>,
}

impl Host {
    /// Reads what is kept, or asks.
    pub async fn learn(program: &Path, state_dir: &Path, wish: Acceleration) -> Driven<(Self, String)> {
        let path = find(program)?;
        let kept = state_dir.join("acceleration");
        let key = key(&path)?;
        let known = std::fs::read(&kept).ok().and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        let before = known.filter(|host| host.key == key);
        let asked = async {
            match before.clone() {
                Some(host) => Ok(host),
                None => ask(&path, key).await,
            }
        };
        let probed = async {
            match before.as_ref().and_then(|host| host.kvm.clone()) {
                None if wish == Acceleration::Auto => Some(acceleration::probe(&path).await),
                known => known,
            }
        };
        // The probe takes its time and does not need the answers.
        let (asked, probed) = tokio::join!(asked, probed);
        let host = Self { kvm: probed, ..asked? };
        let acceleration = host.choose(wish);
        if before.as_ref() != Some(&host) {
            keep(&kept, &host);
        }
        Ok((host, acceleration))
    }

    fn choose(&self, wish: Acceleration) -> String {
        match (wish, &self.kvm) {
            (Acceleration::Kvm, _) | (Acceleration::Auto, Some(Ok(()))) => "kvm".into(),
            (Acceleration::Tcg, _) | (Acceleration::Auto, None) => "tcg".into(),
            (Acceleration::Auto, Some(Err(why))) => {
                tracing::info!(why, "KVM is not used: guests are emulated (tcg), which is many times slower");
                "tcg".into()
            }
        }
    }
}

/// A lost copy costs one more probe, so failures to write are told and passed over.
fn keep(path: &Path, host: &Host) {
    let temporary = path.with_extension("new");
    let written = serde_json::to_vec_pretty(host)
        .map_err(std::io::Error::from)
        .and_then(|bytes| std::fs::write(&temporary, bytes))
        .and_then(|()| std::fs::rename(&temporary, path));
    if let Err(error) = written {
        tracing::warn!(%error, path = %path.display(), "what is known of QEMU is not kept");
    }
}

fn find(program: &Path) -> Driven<PathBuf> {
    let places: Vec<PathBuf> = if program.components().count() > 1 {
        vec![program.to_owned()]
    } else {
        ["/usr/bin", "/usr/local/bin", "/usr/libexec"]
            .iter()
            .map(|folder| Path::new(folder).join(program))
            .collect()
    };
    places.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        DriverError::Failed(format!(
            "{} is not installed: apt-get install qemu-system-x86",
            program.display()
        ))
    })
}

fn key(program: &Path) -> Driven<String> {
    let failed =
        |error: std::io::Error| DriverError::Failed(format!("cannot read {}: {error}", program.display()));
    let file = std::fs::metadata(program).map_err(failed)?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Ok(format!("{} {} {} {}", boot.trim(), program.display(), file.size(), file.mtime()))
}

async fn ask(program: &Path, key: String) -> Driven<Host> {
    let (version, machines, help) = tokio::try_join!(
        output(program, &["-version"]),
        output(program, &["-machine", "help"]),
        output(program, &["-help"])
    )?;
    Ok(Host {
        key,
        version: version_number(&version).ok_or_else(|| {
            DriverError::Failed(format!("{} does not tell its version: {version:?}", program.display()))
        })?,
        machine_types: machine_types(&machines),
        sandbox: help.contains("\n-sandbox"),
        kvm: None,
    })
}

async fn output(program: &Path, arguments: &[&str]) -> Driven<String> {
    let failed =
        |why: String| DriverError::Failed(format!("{} {}: {why}", program.display(), arguments.join(" ")));
    let running = Command::new(program).args(arguments).kill_on_drop(true).output();
    let output = timeout(Duration::from_secs(10), running)
        .await
        .map_err(|_| failed("no answer in ten seconds".into()))?
        .map_err(|error| failed(error.to_string()))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn version_number(text: &str) -> Option<u64> {
    let numbers = text.split("version ").nth(1)?.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut parts = numbers.split('.').map(|part| part.parse::<u64>().unwrap_or(0));
    Some(parts.next()? * 1_000_000 + parts.next().unwrap_or(0) * 1000 + parts.next().unwrap_or(0))
}

fn machine_types(text: &str) -> BTreeMap<String, String> {
    let mut types = BTreeMap::new();
    for line in text.lines().skip(1) {
        let Some(name) = line.split_whitespace().next() else { continue };
        let alias = line.split("(alias of ").nth(1).and_then(|rest| rest.split(')').next());
        types.insert(name.to_owned(), alias.unwrap_or(name).to_owned());
    }
    types
}

/// Processors of this host.
pub fn processors() -> u32 {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let listed = text.lines().filter(|line| line.starts_with("processor")).count();
    u32::try_from(listed.max(1)).unwrap_or(1)
}

/// Memory of this host in MiB.
pub fn memory_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib =
        line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// The processor, in Nova's words.
pub fn cpu_info() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let per_socket = field("cpu cores").parse::<u32>().unwrap_or(1).max(1);
    let siblings = field("siblings").parse::<u32>().unwrap_or(per_socket).max(1);
    let vendor = match field("vendor_id").as_str() {
        "GenuineIntel" => "Intel".to_owned(),
        "AuthenticAMD" => "AMD".to_owned(),
        other => other.to_owned(),
    };
    serde_json::json!({
        "arch": std::env::consts::ARCH, "vendor": vendor, "model": field("model name"),
        "features": field("flags").split_whitespace().collect::<Vec<_>>(),
        "topology": {
            "sockets": (processors() / siblings).max(1), "cores": per_socket, "threads": (siblings / per_socket).max(1),
        },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_one_number() {
        let text = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright (c) 2003";
        assert_eq!(version_number(text), Some(7_002_022));
        assert_eq!(version_number("QEMU emulator version 10.0.50"), Some(10_000_050));
        assert_eq!(version_number("something else"), None);
    }

    #[test]
    fn aliases_of_machine_types_are_resolved() {
        let text = "Supported machines are:\nmicrovm   microvm (i386)\n\
            q35       Standard PC (Q35 + ICH9, 2009) (alias of pc-q35-7.2)\npc-q35-7.2 Standard PC";
        let types = machine_types(text);
        assert_eq!(types["q35"], "pc-q35-7.2");
        assert_eq!(types["pc-q35-7.2"], "pc-q35-7.2");
    }
}
