//! The hardware of a machine, chosen from what the server asks and what its image says (`hw_*` properties).
//!
//! A [`Shape`] is everything that a guest can see. It is written down when a machine is first started, because a guest
//! that was saved to disk wakes up only in exactly the machine that it fell asleep in.

use crate::record::{DiskShape, NicShape, Shape};
use metal::driver::{Driven, DriverError, Machine, Nic};
use std::collections::BTreeMap;

/// Slots for disks and interfaces: what the plain bus of `pc` leaves free, and three devices full of root ports.
pub const SLOTS: u8 = 24;
/// Slots that stay free for interfaces and volumes that come later.
const SPARE: usize = 5;
/// As Nova's: guests start a second faster on it than on `q35` when they are emulated.
const DEFAULT_TYPE: &str = "pc";

/// Chooses the hardware. `resolve` turns a machine type such as `q35` into the versioned one that QEMU means by it.
pub fn choose(machine: &Machine, resolve: impl Fn(&str) -> Option<String>) -> Driven<Shape> {
    let wish = |key: &str| machine.hardware.get(key).map(String::as_str).filter(|value| !value.is_empty());
    let machine_type = machine_type(wish("hw_machine_type").unwrap_or(DEFAULT_TYPE), resolve)?;
    let q35 = machine_type.contains("q35");
    let disk_bus = one_of("hw_disk_bus", wish("hw_disk_bus").unwrap_or("virtio"), DISK_BUSES)?;
    // Whoever can read the root disk can read a config drive beside it: cloud kernels come without drivers for SATA.
    let cdrom_bus = one_of("hw_cdrom_bus", wish("hw_cdrom_bus").unwrap_or(disk_bus), DISK_BUSES)?;
    if q35 && [disk_bus, cdrom_bus].contains(&"ide") {
        return refused(
            "the machine type q35 has no IDE bus: set hw_disk_bus or hw_cdrom_bus to sata, or hw_machine_type to pc",
        );
    }
    one_of("hw_firmware_type", wish("hw_firmware_type").unwrap_or("bios"), &["bios"])?;
    let mut slots = 0..;
    let disks = machine.disks.iter().map(|disk| DiskShape {
        path: disk.path.clone(),
        format: disk.format.clone(),
        slot: if disk_bus == "virtio" { slots.next() } else { None },
    });
    let disks: Vec<DiskShape> = disks.collect();
    let cdrom_slot =
        if machine.config_drive.is_some() && cdrom_bus == "virtio" { slots.next() } else { None };
    let model = nic_model(&machine.hardware)?;
    let nics: Vec<NicShape> =
        machine.nics.iter().zip(&mut slots).map(|(nic, slot)| nic_shape(nic, model, slot)).collect();
    let used = slots.next().unwrap_or(0);
    if used > SLOTS {
        return refused(&format!("disks and ports need {used} slots, and a machine has {SLOTS}"));
    }
    Ok(Shape {
        machine_type,
        vcpus: machine.vcpus.max(1),
        memory_mib: machine.memory_mib.max(1),
        // Whole devices of eight root ports: a device costs the guest's start a little, so none more than needed.
        root_ports: if q35 { (usize::from(used) + SPARE).div_ceil(8).min(3) as u8 * 8 } else { 0 },
        disk_bus: disk_bus.to_owned(),
        disks,
        config_drive: machine.config_drive.clone(),
        cdrom_bus: cdrom_bus.to_owned(),
        cdrom_slot,
        nics,
        video: video(wish("hw_video_model"))?,
        tablet: wish("hw_pointer_model") != Some("ps2mouse"),
        windows: wish("os_type") == Some("windows"),
        direct_boot: machine.direct_boot.clone(),
    })
}

const DISK_BUSES: &[&str] = &["virtio", "scsi", "sata", "ide", "usb"];

fn machine_type(wish: &str, resolve: impl Fn(&str) -> Option<String>) -> Driven<String> {
    match resolve(wish) {
        Some(full) if full.contains("q35") || full.contains("i440fx") => Ok(full),
        _ => refused(&format!(
            "this host's QEMU has no machine type {wish:?} (hw_machine_type): pc and q35 work"
        )),
    }
}

fn one_of<'a>(property: &str, wish: &'a str, known: &[&str]) -> Driven<&'a str> {
    if known.contains(&wish) {
        return Ok(wish);
    }
    refused(&format!("{property} {wish:?} is not supported: it may be {}", known.join(", ")))
}

/// The kind of interface that the image wants.
pub fn nic_model(hardware: &BTreeMap<String, String>) -> Driven<&'static str> {
    let wish = hardware.get("hw_vif_model").map_or("virtio", String::as_str);
    Ok(match wish {
        "virtio" | "" => "virtio-net-pci",
        "e1000" => "e1000",
        "e1000e" => "e1000e",
        "rtl8139" => "rtl8139",
        "vmxnet3" => "vmxnet3",
        "ne2k_pci" => "ne2k_pci",
        "pcnet" => "pcnet",
        other => {
            let known = "virtio, e1000, e1000e, rtl8139, vmxnet3, ne2k_pci, pcnet";
            return refused(&format!("hw_vif_model {other:?} is not supported: it may be {known}"));
        }
    })
}

/// An interface in a slot.
pub fn nic_shape(nic: &Nic, model: &str, slot: u8) -> NicShape {
    NicShape {
        port_id: nic.port_id.clone(),
        mac: nic.mac.clone(),
        mtu: nic.mtu,
        model: model.to_owned(),
        offloads: nic.tap.offloads,
        slot,
    }
}

fn video(wish: Option<&str>) -> Driven<Option<String>> {
    Ok(Some(match wish {
        None | Some("vga" | "std") => "VGA".to_owned(),
        Some("virtio") => "virtio-vga".to_owned(),
        Some("cirrus") => "cirrus-vga".to_owned(),
        Some("bochs") => "bochs-display".to_owned(),
        Some("qxl") => "qxl-vga".to_owned(),
        Some("none") => return Ok(None),
        Some(other) => {
            return refused(&format!(
                "hw_video_model {other:?} is not supported: it may be vga, virtio, cirrus, bochs, qxl, none"
            ));
        }
    }))
}

fn refused<T>(why: &str) -> Driven<T> {
    Err(DriverError::Refused(why.to_owned()))
}
