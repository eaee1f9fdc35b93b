//! Devices and block nodes as QEMU's own JSON: the same on the command line and when plugged in later.

use crate::record::{DiskShape, NicShape, Shape};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where a device in a slot sits: a root port of its own, or a place on the plain bus.
pub fn place(shape: &Shape, slot: u8) -> (String, String) {
    if shape.is_q35() {
        (format!("port{slot}"), "0x0".into())
    } else {
        ("pci.0".into(), format!("{:#x}", slot + 8))
    }
}

/// The bus of devices that stay.
pub fn root_bus(shape: &Shape) -> &'static str {
    if shape.is_q35() { "pcie.0" } else { "pci.0" }
}

/// Root ports: eight to a device, from device 8 on.
pub fn root_port(slot: u8) -> Value {
    json!({
        "driver": "pcie-root-port", "id": format!("port{slot}"), "bus": "pcie.0", "chassis": slot + 1,
        "port": slot, "addr": format!("{:#x}.{:#x}", 8 + slot / 8, slot % 8), "multifunction": slot.is_multiple_of(8),
    })
}

/// QEMU's names of the port's device and of its other end.
pub fn nic_names(port_id: &str) -> (String, String) {
    (format!("nic-{port_id}"), format!("tap-{port_id}"))
}

/// An interface.
pub fn nic(shape: &Shape, nic: &NicShape) -> Value {
    let (id, netdev) = nic_names(&nic.port_id);
    let (bus, addr) = place(shape, nic.slot);
    let mut device = json!({
        "driver": nic.model, "id": id, "netdev": netdev, "mac": nic.mac, "bus": bus, "addr": addr, "romfile": "",
    });
    if nic.model == "virtio-net-pci" {
        device["host_mtu"] = json!(nic.mtu);
    }
    device
}

/// A disk's block node, called `disk<index>`.
pub fn disk_node(index: usize, disk: &DiskShape) -> Value {
    node(&format!("disk{index}"), &disk.path, &disk.format, false)
}

/// The config drive's block node.
pub fn cdrom_node(path: &Path) -> Value {
    node("config", path, "raw", true)
}

fn node(name: &str, path: &Path, format: &str, read_only: bool) -> Value {
    // Writes are flushed when the guest says so in either case; past the page cache they do not fill it as well.
    let direct = !read_only && bypasses_cache(path);
    let mut node = layer(path, format, read_only, direct);
    node["node-name"] = json!(name);
    if let Some((base, format)) = base(path, format) {
        // Many machines read the same base: that is what a page cache is for.
        node["backing"] = layer(&base, &format, true, false);
    }
    node
}

fn layer(path: &Path, format: &str, read_only: bool, direct: bool) -> Value {
    json!({
        "driver": format, "read-only": read_only, "discard": "unmap",
        "cache": { "direct": direct, "no-flush": false },
        "file": {
            "driver": "file", "filename": path, "read-only": read_only, "discard": "unmap", "locking": "auto",
            "aio": if direct { "native" } else { "threads" }, "cache": { "direct": direct, "no-flush": false },
        },
    })
}

/// What an overlay lies on; where it cannot be read, QEMU finds it by itself.
fn base(path: &Path, format: &str) -> Option<(PathBuf, String)> {
    if format != "qcow2" {
        return None;
    }
    let backing = inspect::backing(&mut File::open(path).ok()?).ok()??;
    Some((path.parent()?.join(backing.name), backing.format?))
}

/// Not every file system can.
fn bypasses_cache(path: &Path) -> bool {
    OpenOptions::new().read(true).custom_flags(libc::O_DIRECT).open(path).is_ok()
}

/// Hands out places on buses that count their disks.
#[derive(Default)]
pub struct Buses {
    sata: u8,
    ide: u8,
    scsi: u8,
}

impl Buses {
    /// The device for the block node `drive` on the named bus.
    pub fn device(&mut self, shape: &Shape, bus: &str, slot: Option<u8>, drive: &str, cdrom: bool) -> Value {
        let id = format!("{drive}-device");
        let kind = |disk: &str, cd: &str| if cdrom { cd.to_owned() } else { disk.to_owned() };
        match bus {
            "scsi" => {
                self.scsi += 1;
                json!({ "driver": kind("scsi-hd", "scsi-cd"), "id": id, "drive": drive, "bus": "scsi0.0",
                        "scsi-id": 0, "lun": self.scsi - 1 })
            }
            "sata" => {
                self.sata += 1;
                let bus = if shape.is_q35() { "ide" } else { "ahci" };
                json!({ "driver": kind("ide-hd", "ide-cd"), "id": id, "drive": drive,
                        "bus": format!("{bus}.{}", self.sata - 1) })
            }
            "ide" => {
                self.ide += 1;
                let at = self.ide - 1;
                json!({ "driver": kind("ide-hd", "ide-cd"), "id": id, "drive": drive,
                        "bus": format!("ide.{}", at / 2), "unit": at % 2 })
            }
            "usb" => json!({ "driver": "usb-storage", "id": id, "drive": drive, "bus": "usb.0" }),
            _ => {
                let (bus, addr) = place(shape, slot.unwrap_or(0));
                json!({ "driver": "virtio-blk-pci", "id": id, "drive": drive, "bus": bus, "addr": addr })
            }
        }
    }
}
