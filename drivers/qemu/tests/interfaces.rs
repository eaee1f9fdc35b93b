//! Interfaces of real machines: taps in a network namespace, plugged in before and while a machine runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on fails"
)]

mod guest;

use guest::{disk, hears, machine, second};
use metal::driver::{DriverError, Hypervisor, Machine, Nic, Tap};
use metal::server::MachineState;
use qemu::{Acceleration, Config, Qemu};
use std::process::Command;
use std::time::Instant;
use tempfile::TempDir;

const ID: &str = "77f7ac5c-1111-4c8e-9a34-0d9a5a8f7b11";

/// A network namespace with taps, gone at the end of its test.
struct Namespace(String);

impl Namespace {
    fn new(name: &str, taps: &[&str]) -> Self {
        let namespace = Self(format!("dq-{name}-{}", std::process::id()));
        namespace.ip(&["netns", "add", &namespace.0]);
        for tap in taps {
            namespace.ip(&["-n", &namespace.0, "tuntap", "add", "dev", tap, "mode", "tap"]);
            namespace.ip(&["-n", &namespace.0, "link", "set", tap, "up"]);
        }
        namespace
    }

    fn ip(&self, words: &[&str]) -> String {
        let output = Command::new("ip").args(words).output().expect("apt-get install iproute2");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "run as root: ip {}: {said}", words.join(" "));
        said
    }

    /// Somebody has the tap open.
    fn carries(&self, tap: &str) -> bool {
        self.ip(&["-n", &self.0, "link", "show", "dev", tap]).contains("LOWER_UP")
    }

    fn nic(&self, port: &str, tap: &str) -> Nic {
        Nic {
            port_id: port.into(),
            mac: format!("fa:16:3e:00:00:{:02x}", tap.as_bytes()[tap.len() - 1]),
            mtu: 1442,
            tap: Tap { name: tap.into(), namespace: Some(self.0.clone()), offloads: false },
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

struct Place {
    folder: TempDir,
    machine: Machine,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(folder.path());
        Self { machine: machine(ID, &disk), folder }
    }

    async fn open(&self) -> Qemu {
        let config =
            Config { acceleration: Acceleration::Tcg, cgroup: None, ..Config::new(self.folder.path()) };
        Qemu::open(config).await.unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.folder.path().join("servers").join(ID).join("pid"));
        if let Ok(pid) = pid.unwrap_or_default().parse() {
            let _ =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }
}

async fn ports(qemu: &Qemu) -> Vec<String> {
    qemu.machine(ID).await.unwrap().unwrap().ports
}

#[tokio::test]
async fn interfaces_come_and_go_while_a_q35_runs() {
    interfaces_come_and_go("q35").await;
}

#[tokio::test]
async fn interfaces_come_and_go_while_a_pc_runs() {
    interfaces_come_and_go("pc").await;
}

async fn interfaces_come_and_go(machine_type: &str) {
    let namespace = Namespace::new(machine_type, &["t1", "t2"]);
    let mut place = Place::new();
    place.machine.hardware.insert("hw_machine_type".into(), machine_type.into());
    place.machine.nics = vec![namespace.nic("p1", "t1")];
    let qemu = place.open().await;
    qemu.start(&place.machine).await.unwrap();
    assert!(namespace.carries("t1") && !namespace.carries("t2"));
    hears(&qemu, ID, "second 00001").await;
    let late = namespace.nic("p2", "t2");
    let begun = Instant::now();
    qemu.plug(ID, &late).await.unwrap();
    println!("plugged in {:?}", begun.elapsed());
    qemu.plug(ID, &late).await.unwrap();
    assert!(namespace.carries("t2"));
    assert_eq!(ports(&qemu).await, ["p1", "p2"]);
    let begun = Instant::now();
    qemu.unplug(ID, "p1").await.unwrap();
    println!("unplugged in {:?}", begun.elapsed());
    qemu.unplug(ID, "p1").await.unwrap();
    assert!(!namespace.carries("t1"));
    assert_eq!(ports(&qemu).await, ["p2"]);
    qemu.plug(ID, &namespace.nic("p1", "t1")).await.unwrap();
    assert_eq!(ports(&qemu).await, ["p2", "p1"]);
    drop(qemu);
    let qemu = place.open().await;
    assert_eq!(ports(&qemu).await, ["p2", "p1"]);
    qemu.unplug(ID, "p2").await.unwrap();
    assert_eq!(ports(&qemu).await, ["p1"]);
}

#[tokio::test]
async fn a_saved_machine_wakes_up_with_interfaces_that_came_late() {
    let namespace = Namespace::new("saved", &["t1", "t2"]);
    let mut place = Place::new();
    let (first, late) = (namespace.nic("p1", "t1"), namespace.nic("p2", "t2"));
    place.machine.nics = vec![first.clone()];
    let qemu = place.open().await;
    qemu.start(&place.machine).await.unwrap();
    hears(&qemu, ID, "second 00001").await;
    qemu.plug(ID, &late).await.unwrap();
    qemu.unplug(ID, "p1").await.unwrap();
    qemu.plug(ID, &first).await.unwrap();
    qemu.suspend(ID).await.unwrap();
    assert!(!namespace.carries("t1") && !namespace.carries("t2"));
    assert!(matches!(qemu.plug(ID, &late).await, Err(DriverError::NotYet(_))));
    let before = second(&qemu, ID).await;
    assert!(matches!(qemu.start(&place.machine).await, Err(DriverError::Refused(_))), "one port is missing");
    place.machine.nics = vec![first, late];
    qemu.start(&place.machine).await.unwrap();
    assert_eq!(qemu.machine(ID).await.unwrap().unwrap().state, MachineState::Running);
    assert!(namespace.carries("t1") && namespace.carries("t2"));
    hears(&qemu, ID, &format!("second {:05}", before + 1)).await;
}

#[tokio::test]
async fn a_tap_that_is_missing_or_taken_is_waited_for() {
    let namespace = Namespace::new("busy", &["t1"]);
    let mut place = Place::new();
    let other = Place::new();
    let qemu = place.open().await;
    place.machine.nics = vec![namespace.nic("p1", "nowhere0")];
    assert!(matches!(qemu.start(&place.machine).await, Err(DriverError::NotYet(_))));
    let mut nowhere = namespace.nic("p1", "t1");
    nowhere.tap.namespace = Some("no-such-namespace".into());
    place.machine.nics = vec![nowhere];
    assert!(matches!(qemu.start(&place.machine).await, Err(DriverError::NotYet(_))));
    place.machine.nics = vec![namespace.nic("p1", "t1")];
    qemu.start(&place.machine).await.unwrap();
    let second = other.open().await;
    let taken = Machine { nics: place.machine.nics.clone(), ..other.machine.clone() };
    assert!(matches!(second.start(&taken).await, Err(DriverError::NotYet(_))));
    qemu.destroy(ID).await.unwrap();
    second.start(&taken).await.unwrap();
}
