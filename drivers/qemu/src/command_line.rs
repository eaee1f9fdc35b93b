//! QEMU's command line for a machine: a pure function of its shape and of the descriptors that it inherits.

use crate::devices::{self, Buses};
use crate::record::{Record, Shape};
use serde_json::{Value, json};
use std::os::fd::RawFd;

/// What the command line needs beside the machine's shape.
pub struct Surroundings<'a> {
    /// `kvm` or `tcg`.
    pub acceleration: &'a str,
    /// The listening socket of the monitor.
    pub monitor: RawFd,
    /// The listening socket of the serial console.
    pub serial: RawFd,
    /// Open taps in the order of the interfaces.
    pub taps: &'a [RawFd],
    /// QEMU was built with a system call filter.
    pub sandbox: bool,
    /// The kernel can carry virtio queues to taps by itself.
    pub vhost: bool,
    /// The guest comes from a saved state: QEMU waits for it and does not run the guest by itself.
    pub incoming: bool,
}

/// Words of the command line in the making.
struct Words(Vec<String>);

impl Words {
    fn add(&mut self, option: &str, value: impl Into<String>) {
        self.0.push(option.to_owned());
        self.0.push(value.into());
    }

    fn json(&mut self, option: &str, value: &Value) {
        self.add(option, value.to_string());
    }
}

/// The command line.
pub fn command_line(record: &Record, around: &Surroundings<'_>) -> Vec<String> {
    let shape = &record.shape;
    let mut words = Words(vec!["-nodefaults".into(), "-no-user-config".into(), "-no-shutdown".into()]);
    identity(&mut words, record);
    processor(&mut words, shape, around);
    control(&mut words, around);
    fixed_devices(&mut words, shape);
    disks(&mut words, shape);
    for (nic, tap) in shape.nics.iter().zip(around.taps) {
        let (_, netdev) = devices::nic_names(&nic.port_id);
        let vhost = if around.vhost && nic.model == "virtio-net-pci" { ",vhost=on" } else { "" };
        words.add("-netdev", format!("tap,id={netdev},fd={tap}{vhost}"));
        words.json("-device", &devices::nic(shape, nic));
    }
    if let Some((kernel, ramdisk, arguments)) = &shape.direct_boot {
        words.add("-kernel", kernel.to_string_lossy());
        if let Some(ramdisk) = ramdisk {
            words.add("-initrd", ramdisk.to_string_lossy());
        }
        words.add("-append", arguments.clone());
    }
    if around.incoming {
        words.add("-incoming", "defer");
        words.0.push("-S".into());
    }
    words.0
}

/// Doubles commas, as values in QEMU's comma lists want.
fn escaped(value: &str) -> String {
    value.replace(',', ",,")
}

fn identity(words: &mut Words, record: &Record) {
    words.add("-name", format!("guest={},debug-threads=on", escaped(&record.name)));
    let mut system =
        String::from("type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova,version=1.0");
    if is_uuid(&record.id) {
        words.add("-uuid", record.id.clone());
        system.push_str(&format!(",serial={0},uuid={0}", record.id));
    }
    // cloud-init knows an OpenStack guest by the product's name.
    words.add("-smbios", system + ",family=Virtual Machine");
}

fn is_uuid(id: &str) -> bool {
    id.len() == 36 && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn processor(words: &mut Words, shape: &Shape, around: &Surroundings<'_>) {
    let kvm = around.acceleration == "kvm";
    words.add("-machine", format!("{},usb=off,vmport=off,dump-guest-core=off", shape.machine_type));
    // Translated code takes memory beside the guest's own: no more than a part of that.
    let translated = (shape.memory_mib / 4).clamp(32, 512);
    words.add("-accel", if kvm { "kvm".to_owned() } else { format!("tcg,tb-size={translated}") });
    let windows = if shape.windows { ",hv_relaxed,hv_vapic,hv_time,hv_spinlocks=0x1fff" } else { "" };
    words.add("-cpu", if kvm { format!("host{windows}") } else { "max".into() });
    words.add("-smp", format!("{0},sockets={0},cores=1,threads=1", shape.vcpus));
    words.add("-m", format!("{}M", shape.memory_mib));
    words.add("-rtc", if shape.windows { "base=localtime,driftfix=slew" } else { "base=utc,driftfix=slew" });
    if kvm {
        words.add("-global", "kvm-pit.lost_tick_policy=delay");
    }
    let power = if shape.is_q35() { "ICH9-LPC" } else { "PIIX4_PM" };
    words.add("-global", format!("{power}.disable_s3=1"));
    words.add("-global", format!("{power}.disable_s4=1"));
    words.add("-boot", "menu=off,strict=on");
}

fn control(words: &mut Words, around: &Surroundings<'_>) {
    if around.sandbox {
        words.add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    }
    words.add("-chardev", format!("socket,id=monitor,fd={},server=on,wait=off", around.monitor));
    words.add("-mon", "chardev=monitor,mode=control");
    let log = "logfile=console.log,logappend=on";
    words.add("-chardev", format!("socket,id=serial0,fd={},server=on,wait=off,{log}", around.serial));
    words.json("-device", &json!({ "driver": "isa-serial", "id": "serial0-device", "chardev": "serial0" }));
    // Paths of our own sockets are relative to the machine's folder, which is the working directory.
    words.add("-vnc", "unix:screen");
}

fn fixed_devices(words: &mut Words, shape: &Shape) {
    for slot in 0..shape.root_ports {
        words.json("-device", &devices::root_port(slot));
    }
    let bus = devices::root_bus(shape);
    if let Some(video) = &shape.video {
        words.json("-device", &json!({ "driver": video, "id": "video", "bus": bus, "addr": "0x2" }));
    }
    let usb = [&shape.disk_bus, &shape.cdrom_bus].iter().any(|bus| *bus == "usb");
    if shape.tablet || usb {
        words.json("-device", &json!({ "driver": "qemu-xhci", "id": "usb", "bus": bus, "addr": "0x3" }));
    }
    if shape.tablet {
        words.json("-device", &json!({ "driver": "usb-tablet", "id": "tablet", "bus": "usb.0" }));
    }
    words.add("-object", "rng-builtin,id=entropy");
    let rng = json!({ "driver": "virtio-rng-pci", "id": "rng", "rng": "entropy", "bus": bus, "addr": "0x4" });
    words.json("-device", &rng);
    let balloon = json!({
        "driver": "virtio-balloon-pci", "id": "balloon", "bus": bus, "addr": "0x5", "free-page-reporting": true,
    });
    words.json("-device", &balloon);
    if [&shape.disk_bus, &shape.cdrom_bus].iter().any(|bus| *bus == "scsi") {
        words.json(
            "-device",
            &json!({ "driver": "virtio-scsi-pci", "id": "scsi0", "bus": bus, "addr": "0x6" }),
        );
    }
    if !shape.is_q35() && [&shape.disk_bus, &shape.cdrom_bus].iter().any(|bus| *bus == "sata") {
        words.json("-device", &json!({ "driver": "ich9-ahci", "id": "ahci", "bus": bus, "addr": "0x7" }));
    }
}

fn disks(words: &mut Words, shape: &Shape) {
    let mut buses = Buses::default();
    for (index, disk) in shape.disks.iter().enumerate() {
        words.json("-blockdev", &devices::disk_node(index, disk));
        let mut device = buses.device(shape, &shape.disk_bus, disk.slot, &format!("disk{index}"), false);
        if index == 0 {
            device["bootindex"] = json!(1);
        }
        words.json("-device", &device);
    }
    if let Some(path) = &shape.config_drive {
        words.json("-blockdev", &devices::cdrom_node(path));
        words.json("-device", &buses.device(shape, &shape.cdrom_bus, shape.cdrom_slot, "config", true));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    fn around(taps: &[RawFd]) -> Surroundings<'_> {
        Surroundings {
            acceleration: "tcg",
            monitor: 10,
            serial: 11,
            taps,
            sandbox: true,
            vhost: false,
            incoming: false,
        }
    }

    #[test]
    fn commas_and_descriptors_reach_qemu_unharmed() {
        let line = command_line(&record(), &around(&[12, 13]));
        let has = |option: &str, value: &str| {
            line.windows(2).any(|pair| pair[0] == option && pair[1].contains(value))
        };
        assert!(has("-name", "guest=a,, b,"));
        assert!(has("-blockdev", r#""filename":"/disks/a, b""#));
        assert!(has("-netdev", "tap,id=tap-p1,fd=12") && has("-netdev", "tap,id=tap-p2,fd=13"));
        assert!(has("-chardev", "socket,id=monitor,fd=10,server=on,wait=off"));
        assert!(has("-smbios", "product=OpenStack Nova"));
        assert!(has("-uuid", "4e9a2f0c"));
        assert!(has("-device", r#""bus":"port4""#));
        assert!(!line.iter().any(|word| word == "-incoming" || word == "-no-reboot"));
        assert_eq!(line.iter().filter(|word| word.contains("pcie-root-port")).count(), 8);
    }

    #[test]
    fn a_saved_guest_is_waited_for() {
        let line = command_line(&record(), &Surroundings { incoming: true, ..around(&[12, 13]) });
        assert!(line.ends_with(&["-incoming".to_owned(), "defer".to_owned(), "-S".to_owned()]));
    }
}
