//! The records of a simulated host and the file that they are kept in.
//!
//! The file is a log: a line for each record written or removed, rewritten when it is opened and when it has grown. A
//! write is one system call without fsync: the records outlive our process, not the machine, as real guests do.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use metal::server::MachineState;

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

/// Everything that the host holds.
pub(crate) struct State {
    pub machines: BTreeMap<String, MachineRecord>,
    /// By kind's word and id.
    pub switch: BTreeMap<(String, String), SwitchRecord>,
    pub taps: BTreeSet<String>,
    pub images: BTreeMap<String, ImageRecord>,
    pub disks: BTreeMap<String, DisksRecord>,
    log: Log,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    area: &'a str,
    id: String,
    #[serde(default)]
    value: Option<serde_json::Value>,
}

struct Log {
    path: PathBuf,
    file: File,
    lines: usize,
    _lock: File,
}

impl State {
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let lock = lock(&dir.join("lock"))?;
        let path = dir.join("state");
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let mut state = Self {
            machines: BTreeMap::new(),
            switch: BTreeMap::new(),
            taps: BTreeSet::new(),
            images: BTreeMap::new(),
            disks: BTreeMap::new(),
            log: Log { path, file, lines: 0, _lock: lock },
        };
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            // The last line may be torn.
            let Ok(text) = std::str::from_utf8(line) else { continue };
            let Ok(line) = serde_json::from_str::<Line<'_>>(text) else { continue };
            state.replay(&line);
        }
        state.rewrite()?;
        Ok(state)
    }

    fn replay(&mut self, line: &Line<'_>) {
        let (id, value) = (line.id.clone(), line.value.clone());
        match line.area {
            "machine" => set(&mut self.machines, id, value),
            "image" => set(&mut self.images, id, value),
            "disks" => set(&mut self.disks, id, value),
            "tap" if value.is_some() => {
                self.taps.insert(id);
            }
            "tap" => {
                self.taps.remove(&id);
            }
            kind => set(&mut self.switch, (kind.to_owned(), id), value),
        }
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let mut text = Vec::new();
        for (id, record) in &self.machines {
            push(&mut text, "machine", id, Some(record))?;
        }
        for (id, record) in &self.images {
            push(&mut text, "image", id, Some(record))?;
        }
        for (id, record) in &self.disks {
            push(&mut text, "disks", id, Some(record))?;
        }
        for id in &self.taps {
            push(&mut text, "tap", id, Some(&true))?;
        }
        for ((kind, id), record) in &self.switch {
            push(&mut text, kind, id, Some(record))?;
        }
        let young = self.log.path.with_extension("new");
        std::fs::write(&young, &text)?;
        std::fs::rename(&young, &self.log.path)?;
        self.log.file = OpenOptions::new().append(true).open(&self.log.path)?;
        self.log.lines = 0;
        Ok(())
    }

    fn all(&self) -> usize {
        self.machines.len() + self.images.len() + self.disks.len() + self.taps.len() + self.switch.len()
    }

    /// Writes one record (`None`: its removal) to the file.
    fn write<T: Serialize>(&mut self, area: &str, id: &str, value: Option<&T>) -> io::Result<()> {
        let mut text = Vec::with_capacity(256);
        push(&mut text, area, id, value)?;
        self.log.file.write_all(&text)?;
        self.log.lines += 1;
        if self.log.lines > 10_000 + 4 * self.all() { self.rewrite() } else { Ok(()) }
    }

    pub(crate) fn machine_put(&mut self, id: &str, record: MachineRecord) -> io::Result<()> {
        self.write("machine", id, Some(&record))?;
        self.machines.insert(id.to_owned(), record);
        Ok(())
    }

    pub(crate) fn machine_remove(&mut self, id: &str) -> io::Result<()> {
        if self.machines.contains_key(id) {
            self.write::<bool>("machine", id, None)?;
            self.machines.remove(id);
        }
        Ok(())
    }

    pub(crate) fn switch_put(&mut self, kind: &str, id: &str, record: SwitchRecord) -> io::Result<()> {
        self.write(kind, id, Some(&record))?;
        self.switch.insert((kind.to_owned(), id.to_owned()), record);
        Ok(())
    }

    pub(crate) fn switch_remove(&mut self, kind: &str, id: &str) -> io::Result<()> {
        let key = (kind.to_owned(), id.to_owned());
        if self.switch.contains_key(&key) {
            self.write::<bool>(kind, id, None)?;
            self.switch.remove(&key);
        }
        Ok(())
    }

    pub(crate) fn switch_get(&self, kind: &str, id: &str) -> Option<&SwitchRecord> {
        self.switch.get(&(kind.to_owned(), id.to_owned()))
    }

    pub(crate) fn tap_put(&mut self, id: &str) -> io::Result<bool> {
        if self.taps.contains(id) {
            return Ok(false);
        }
        self.write("tap", id, Some(&true))?;
        Ok(self.taps.insert(id.to_owned()))
    }

    pub(crate) fn tap_remove(&mut self, id: &str) -> io::Result<bool> {
        if !self.taps.contains(id) {
            return Ok(false);
        }
        self.write::<bool>("tap", id, None)?;
        Ok(self.taps.remove(id))
    }

    pub(crate) fn image_put(&mut self, id: &str, record: ImageRecord) -> io::Result<()> {
        self.write("image", id, Some(&record))?;
        self.images.insert(id.to_owned(), record);
        Ok(())
    }

    pub(crate) fn image_remove(&mut self, id: &str) -> io::Result<()> {
        self.write::<bool>("image", id, None)?;
        self.images.remove(id);
        Ok(())
    }

    pub(crate) fn disks_put(&mut self, id: &str, record: DisksRecord) -> io::Result<()> {
        self.write("disks", id, Some(&record))?;
        self.disks.insert(id.to_owned(), record);
        Ok(())
    }

    pub(crate) fn disks_remove(&mut self, id: &str) -> io::Result<()> {
        if self.disks.contains_key(id) {
            self.write::<bool>("disks", id, None)?;
            self.disks.remove(id);
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

fn push<T: Serialize>(text: &mut Vec<u8>, area: &str, id: &str, value: Option<&T>) -> io::Result<()> {
    #[derive(Serialize)]
    struct Written<'a, T> {
        area: &'a str,
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<&'a T>,
    }
    serde_json::to_writer(&mut *text, &Written { area, id, value })?;
    text.push(b'\n');
    Ok(())
}

/// One process has a simulated host. A process that was killed lets go at once; one that ends may need a moment.
fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    for _ in 0..200 {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => {
                std::thread::sleep(std::time::Duration::from_millis(10))
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::other(format!("another process uses {}", path.display())))
}
