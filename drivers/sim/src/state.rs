//! The records of simulated hosts and the one file that they are kept in.
//!
//! The file is a log: a line for each record written or removed, rewritten when it is opened and when it has grown. A
//! write is one system call without fsync: the records outlive our process, not the machine, as real guests do. Machines,
//! taps, images and disks are a host's; what the switch realises is known on all hosts, as with OVN's database.

use kernel::LockFile;
use metal::Kind;
use metal::server::MachineState;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, MutexGuard};

/// A machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MachineRecord {
    pub incarnation: i64,
    pub name: String,
    pub vcpus: u32,
    pub memory_mib: u64,
    pub state: MachineState,
    /// Port, MAC address.
    pub nics: BTreeMap<String, String>,
    pub disks: Vec<String>,
    pub boots: u32,
    pub stopped_because: Option<String>,
}

/// Something that the switch realises.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SwitchRecord {
    pub revision: i64,
    /// For ports: the link is up when plugged.
    pub admin_up: bool,
    /// The host that realised it, and that is told when a link changes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}

/// The copy of an image: its data is not kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ImageRecord {
    pub sha512: String,
    pub bytes: u64,
}

/// A server's disks: name and size in bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct DisksRecord {
    pub incarnation: i64,
    pub disks: BTreeMap<String, u64>,
    /// The image that the root disk lies on.
    #[serde(default)]
    pub image: Option<String>,
}

/// What one host holds.
#[derive(Default)]
pub(crate) struct Records {
    pub machines: BTreeMap<String, MachineRecord>,
    pub taps: BTreeSet<String>,
    pub images: BTreeMap<String, ImageRecord>,
    pub disks: BTreeMap<String, DisksRecord>,
}

/// What all hosts hold.
#[derive(Default)]
pub(crate) struct Holdings {
    /// By name.
    hosts: BTreeMap<String, Records>,
    /// By kind's word and id.
    pub switch: BTreeMap<(String, String), SwitchRecord>,
    /// On how many hosts a port has a tap.
    plugged: HashMap<String, u32>,
}

pub(crate) struct State {
    holdings: Holdings,
    log: Log,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    area: &'a str,
    id: String,
    /// None for what all hosts know, and for a host by itself.
    #[serde(default)]
    host: String,
    #[serde(default)]
    value: Option<serde_json::Value>,
}

struct Log {
    path: PathBuf,
    file: File,
    lines: usize,
    _lock: LockFile,
}

impl Holdings {
    fn host(&mut self, name: &str) -> &mut Records {
        self.hosts.entry(name.to_owned()).or_default()
    }

    fn all(&self) -> usize {
        let of =
            |host: &Records| host.machines.len() + host.images.len() + host.disks.len() + host.taps.len();
        self.hosts.values().map(of).sum::<usize>() + self.switch.len()
    }

    fn tap(&mut self, host: &str, id: &str, there: bool) -> bool {
        let taps = &mut self.host(host).taps;
        let changed = if there { taps.insert(id.to_owned()) } else { taps.remove(id) };
        if changed {
            let count = self.plugged.entry(id.to_owned()).or_default();
            *count = if there { *count + 1 } else { *count - 1 };
            if *count == 0 {
                self.plugged.remove(id);
            }
        }
        changed
    }

    fn read(text: &[u8]) -> Self {
        let mut holdings = Self::default();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            // The last line may be torn.
            let Ok(text) = std::str::from_utf8(line) else { continue };
            let Ok(line) = serde_json::from_str::<Line<'_>>(text) else { continue };
            holdings.replay(&line);
        }
        holdings
    }

    fn replay(&mut self, line: &Line<'_>) {
        let (host, id, value) = (line.host.as_str(), line.id.clone(), line.value.clone());
        match line.area {
            "machine" => set(&mut self.host(host).machines, id, value),
            "image" => set(&mut self.host(host).images, id, value),
            "disks" => set(&mut self.host(host).disks, id, value),
            "tap" => drop(self.tap(host, &id, value.is_some())),
            kind => set(&mut self.switch, (kind.to_owned(), id), value),
        }
    }

    /// Every record as a line.
    fn written(&self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        for (name, host) in &self.hosts {
            for (id, record) in &host.machines {
                push(&mut text, "machine", name, id, Some(record))?;
            }
            for (id, record) in &host.images {
                push(&mut text, "image", name, id, Some(record))?;
            }
            for (id, record) in &host.disks {
                push(&mut text, "disks", name, id, Some(record))?;
            }
            for id in &host.taps {
                push(&mut text, "tap", name, id, Some(&true))?;
            }
        }
        for ((kind, id), record) in &self.switch {
            push(&mut text, kind, "", id, Some(record))?;
        }
        Ok(text)
    }
}

impl State {
    /// Opens the file for hosts of these names. Others that are in it stay there.
    pub(crate) fn open(dir: &Path, hosts: &[&str]) -> io::Result<Self> {
        let lock = LockFile::take(&dir.join("lock"))?;
        let path = dir.join("state");
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let mut holdings = Holdings::read(&text);
        for host in hosts {
            holdings.host(host);
        }
        let mut state = Self { holdings, log: Log { path, file, lines: 0, _lock: lock } };
        state.rewrite()?;
        Ok(state)
    }

    /// What all hosts hold.
    pub(crate) fn copy(&self) -> io::Result<Vec<u8>> {
        self.holdings.written()
    }

    /// All hosts hold what they held when the copy was made.
    pub(crate) fn put_back(&mut self, copy: &[u8]) -> io::Result<()> {
        self.holdings = Holdings::read(copy);
        self.rewrite()
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let young = self.log.path.with_extension("new");
        std::fs::write(&young, self.holdings.written()?)?;
        std::fs::rename(&young, &self.log.path)?;
        self.log.file = OpenOptions::new().append(true).open(&self.log.path)?;
        self.log.lines = 0;
        Ok(())
    }

    /// Writes one record (`None`: its removal) to the file.
    fn write<T: Serialize>(&mut self, area: &str, host: &str, id: &str, value: Option<&T>) -> io::Result<()> {
        // Before the line is added, since memory does not have it yet.
        if self.log.lines > 10_000 && self.log.lines > 10_000 + 4 * self.holdings.all() {
            self.rewrite()?;
        }
        let mut text = Vec::with_capacity(256);
        push(&mut text, area, host, id, value)?;
        self.log.file.write_all(&text)?;
        self.log.lines += 1;
        Ok(())
    }
}

/// One host's part of the state, and what all hosts know, for as long as one call takes.
pub(crate) struct View<'a> {
    pub state: MutexGuard<'a, State>,
    pub host: &'a str,
}

impl Deref for View<'_> {
    type Target = Records;

    fn deref(&self) -> &Records {
        // Every host that has a view was entered when the state was opened.
        static NOTHING: LazyLock<Records> = LazyLock::new(Records::default);
        self.state.holdings.hosts.get(self.host).unwrap_or(&NOTHING)
    }
}

impl View<'_> {
    fn own(&mut self) -> &mut Records {
        self.state.holdings.host(self.host)
    }

    pub(crate) fn machine_put(&mut self, id: &str, record: MachineRecord) -> io::Result<()> {
        self.state.write("machine", self.host, id, Some(&record))?;
        self.own().machines.insert(id.to_owned(), record);
        Ok(())
    }

    pub(crate) fn machine_remove(&mut self, id: &str) -> io::Result<()> {
        if self.machines.contains_key(id) {
            self.state.write::<bool>("machine", self.host, id, None)?;
            self.own().machines.remove(id);
        }
        Ok(())
    }

    pub(crate) fn switch(&self) -> &BTreeMap<(String, String), SwitchRecord> {
        &self.state.holdings.switch
    }

    pub(crate) fn switch_put(&mut self, kind: &str, id: &str, record: SwitchRecord) -> io::Result<()> {
        self.state.write(kind, "", id, Some(&record))?;
        self.state.holdings.switch.insert((kind.to_owned(), id.to_owned()), record);
        Ok(())
    }

    pub(crate) fn switch_remove(&mut self, kind: &str, id: &str) -> io::Result<()> {
        let key = (kind.to_owned(), id.to_owned());
        if self.switch().contains_key(&key) {
            self.state.write::<bool>(kind, "", id, None)?;
            self.state.holdings.switch.remove(&key);
        }
        Ok(())
    }

    pub(crate) fn switch_get(&self, kind: &str, id: &str) -> Option<&SwitchRecord> {
        self.switch().get(&(kind.to_owned(), id.to_owned()))
    }

    /// Some host has a tap for the port.
    pub(crate) fn is_plugged(&self, port_id: &str) -> bool {
        self.state.holdings.plugged.contains_key(port_id)
    }

    /// The host that is told when the port's link changes.
    pub(crate) fn told(&self, port_id: &str) -> Option<String> {
        self.switch_get(Kind::Port.word(), port_id).map(|port| port.by.clone())
    }

    /// Makes or removes the port's tap on this host. Says whether that changed anything.
    pub(crate) fn tap_set(&mut self, id: &str, there: bool) -> io::Result<bool> {
        if self.taps.contains(id) == there {
            return Ok(false);
        }
        self.state.write("tap", self.host, id, there.then_some(&true))?;
        Ok(self.state.holdings.tap(self.host, id, there))
    }

    pub(crate) fn image_put(&mut self, id: &str, record: ImageRecord) -> io::Result<()> {
        self.state.write("image", self.host, id, Some(&record))?;
        self.own().images.insert(id.to_owned(), record);
        Ok(())
    }

    pub(crate) fn image_remove(&mut self, id: &str) -> io::Result<()> {
        self.state.write::<bool>("image", self.host, id, None)?;
        self.own().images.remove(id);
        Ok(())
    }

    pub(crate) fn disks_put(&mut self, id: &str, record: DisksRecord) -> io::Result<()> {
        self.state.write("disks", self.host, id, Some(&record))?;
        self.own().disks.insert(id.to_owned(), record);
        Ok(())
    }

    pub(crate) fn disks_remove(&mut self, id: &str) -> io::Result<()> {
        if self.disks.contains_key(id) {
            self.state.write::<bool>("disks", self.host, id, None)?;
            self.own().disks.remove(id);
        }
        Ok(())
    }
}

fn set<K: Ord, T: DeserializeOwned>(into: &mut BTreeMap<K, T>, key: K, value: Option<serde_json::Value>) {
    match value.and_then(|value| serde_json::from_value(value).ok()) {
        Some(record) => drop(into.insert(key, record)),
        None => drop(into.remove(&key)),
    }
}

fn push<T: Serialize>(
    text: &mut Vec<u8>,
    area: &str,
    host: &str,
    id: &str,
    value: Option<&T>,
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Written<'a, T> {
        area: &'a str,
        id: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        host: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<&'a T>,
    }
    serde_json::to_writer(&mut *text, &Written { area, id, host, value })?;
    text.push(b'\n');
    Ok(())
}
