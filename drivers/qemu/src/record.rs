//! What is remembered of a machine in `servers/<id>/machine.json`: written whole and durably before the world changes.
//!
//! After a crash at any instruction, the record and the lock together say what was going on: the lock says whether a
//! QEMU lives, the record says what it was meant to do.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The number of this form of the record.
pub const FORMAT: u32 = 1;

/// A machine as it was last started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`] of whoever wrote it.
    pub format: u32,
    /// The server's id.
    pub id: String,
    /// The server's name.
    pub name: String,
    /// The life of the server that was started.
    pub incarnation: i64,
    /// What it was last meant to do.
    pub phase: Phase,
    /// It was frozen on request, and stays so when started again.
    #[serde(default)]
    pub frozen: bool,
    /// Why it is off, when it was not asked to be.
    #[serde(default)]
    pub because: Option<String>,
    /// What the guest sees.
    pub shape: Shape,
}

/// What a machine was last meant to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// To run. Without a living QEMU it ended unexpectedly.
    Started,
    /// To end; nothing is to be explained when it has.
    Ending,
    /// Off.
    Off,
    /// To be saved to disk: the saved state is not whole yet.
    Suspending,
    /// Saved to disk: the saved state is whole, and no QEMU may run.
    Suspended,
    /// To be restored: the saved state is whole, and the QEMU that reads it has not run the guest yet.
    Resuming,
}

/// What a guest can see of its machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The versioned machine type.
    pub machine_type: String,
    /// Processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Root ports (PCI Express only).
    pub root_ports: u8,
    /// The bus of its disks.
    pub disk_bus: String,
    /// Its disks.
    pub disks: Vec<DiskShape>,
    /// The config drive.
    pub config_drive: Option<PathBuf>,
    /// The bus of the config drive.
    pub cdrom_bus: String,
    /// The config drive's slot, if its bus has slots.
    pub cdrom_slot: Option<u8>,
    /// Its interfaces.
    pub nics: Vec<NicShape>,
    /// The graphics card.
    pub video: Option<String>,
    /// It has a pointer that knows its place on the screen.
    pub tablet: bool,
    /// The guest is Windows.
    pub windows: bool,
    /// Direct boot: kernel, ramdisk and command line.
    pub direct_boot: Option<(PathBuf, Option<PathBuf>, String)>,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskShape {
    /// Where it is.
    pub path: PathBuf,
    /// `qcow2` or `raw`.
    pub format: String,
    /// Its slot, if its bus has slots.
    pub slot: Option<u8>,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicShape {
    /// The port's id.
    pub port_id: String,
    /// The MAC address.
    pub mac: String,
    /// The MTU that the guest is told.
    pub mtu: u32,
    /// QEMU's name of the device.
    pub model: String,
    /// The tap carries offloads, and so may the device.
    pub offloads: bool,
    /// Its slot.
    pub slot: u8,
}

impl Shape {
    /// The machine has PCI Express.
    pub fn is_q35(&self) -> bool {
        self.machine_type.contains("q35")
    }

    /// The lowest slot that nothing is in.
    pub fn free_slot(&self) -> Option<u8> {
        let last = if self.is_q35() { self.root_ports } else { crate::hardware::SLOTS };
        let taken = |slot: &u8| {
            self.nics.iter().any(|nic| nic.slot == *slot)
                || self.disks.iter().any(|disk| disk.slot == Some(*slot))
                || self.cdrom_slot == Some(*slot)
        };
        (0..last).find(|slot| !taken(slot))
    }
}

/// Reads the record in a folder; `None` when there is none.
pub fn read(folder: &Path) -> io::Result<Option<Record>> {
    let path = folder.join("machine.json");
    let bytes = match std::fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let unreadable = |why: String| io::Error::other(format!("{} cannot be read: {why}", path.display()));
    let record: Record = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    if record.format > FORMAT {
        return Err(unreadable(format!("its format {} is of a newer release", record.format)));
    }
    Ok(Some(record))
}

/// Writes the record, whole or not at all, and durably.
pub fn write(folder: &Path, record: &Record) -> io::Result<()> {
    let temporary = folder.join("machine.json.new");
    let mut file = File::create(&temporary)?;
    file.write_all(&serde_json::to_vec_pretty(record)?)?;
    file.sync_all()?;
    std::fs::rename(&temporary, folder.join("machine.json"))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The record of a small machine.
    pub fn record() -> Record {
        let nic = |port: &str, slot| NicShape {
            port_id: port.into(),
            mac: "fa:16:3e:00:00:01".into(),
            mtu: 1442,
            model: "virtio-net-pci".into(),
            offloads: false,
            slot,
        };
        let shape = Shape {
            machine_type: "pc-q35-7.2".into(),
            vcpus: 2,
            memory_mib: 128,
            root_ports: 8,
            disk_bus: "virtio".into(),
            disks: vec![DiskShape { path: "/disks/a, b".into(), format: "qcow2".into(), slot: Some(0) }],
            config_drive: Some("/disks/config.iso".into()),
            cdrom_bus: "virtio".into(),
            cdrom_slot: Some(1),
            nics: vec![nic("p1", 2), nic("p2", 4)],
            video: Some("VGA".into()),
            tablet: true,
            windows: false,
            direct_boot: None,
        };
        Record {
            format: FORMAT,
            id: "4e9a2f0c-6d0f-4c8e-9a34-0d9a5a8f7b11".into(),
            name: "a, b".into(),
            incarnation: 1,
            phase: Phase::Started,
            frozen: false,
            because: None,
            shape,
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_newer_ones_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), None);
        write(folder.path(), &record()).unwrap();
        assert_eq!(read(folder.path()).unwrap(), Some(record()));
        write(folder.path(), &Record { format: FORMAT + 1, ..record() }).unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("newer release"));
    }

    #[test]
    fn the_lowest_free_slot_is_taken_first() {
        let mut shape = record().shape;
        for expected in [3, 5, 6, 7] {
            assert_eq!(shape.free_slot(), Some(expected));
            let nic = NicShape { slot: expected, ..shape.nics[0].clone() };
            shape.nics.push(nic);
        }
        assert_eq!(shape.free_slot(), None);
    }
}
