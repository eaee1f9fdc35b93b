//! Real machines under a real QEMU, emulated, with a guest of one sector.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod guest;

use guest::{PATIENCE, disk, hears, machine, said, second};
use metal::driver::{DriverError, Hypervisor, KnownMachine, Machine};
use metal::server::MachineState;
use metal::suite::hypervisor_suite;
use qemu::{Acceleration, Config, Qemu};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ID: &str = "4e9a2f0c-6d0f-4c8e-9a34-0d9a5a8f7b11";

/// A state directory, a disk, and what becomes of a machine when its test fails half-way: it ends with the test.
struct Place {
    folder: TempDir,
    machine: Machine,
}

impl Place {
    fn new() -> Self {
        assert!(Path::new("/usr/bin/qemu-system-x86_64").exists(), "apt-get install qemu-system-x86");
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(folder.path());
        Self { machine: machine(ID, &disk), folder }
    }

    async fn open(&self) -> Qemu {
        let mut config = Config::new(self.folder.path());
        config.acceleration = Acceleration::Tcg;
        // Machines of tests that run at the same time have the same id.
        config.cgroup =
            self.folder.path().file_name().map(|name| format!("drystone-test{}", name.to_string_lossy()));
        Qemu::open(config).await.unwrap()
    }

    async fn started(&self) -> Qemu {
        let qemu = self.open().await;
        qemu.start(&self.machine).await.unwrap();
        hears(&qemu, ID, "ready").await;
        qemu
    }

    fn pid(&self) -> Option<i32> {
        std::fs::read_to_string(self.folder.path().join("servers").join(ID).join("pid")).ok()?.parse().ok()
    }

    async fn type_into(&self, byte: u8) {
        let path = self.folder.path().join("servers").join(ID).join("serial");
        tokio::net::UnixStream::connect(path).await.unwrap().write_all(&[byte]).await.unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            let _ =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
        let cgroups = [Path::new("/sys/fs/cgroup"), Path::new("/sys/fs/cgroup/unified")];
        let name = format!("drystone-test{}", self.folder.path().file_name().unwrap().to_string_lossy());
        for root in cgroups {
            for _ in 0..50 {
                let gone = std::fs::remove_dir(root.join(&name).join(ID)).map_or(true, |()| true)
                    && std::fs::remove_dir(root.join(&name)).is_ok();
                if gone || !root.join(&name).exists() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

async fn known(qemu: &Qemu) -> KnownMachine {
    qemu.machine(ID).await.unwrap().expect("the machine is known")
}

async fn becomes(qemu: &Qemu, state: MachineState) -> KnownMachine {
    let begun = Instant::now();
    loop {
        let known = known(qemu).await;
        if known.state == state {
            return known;
        }
        assert!(begun.elapsed() < PATIENCE, "not {state:?} but {known:?}");
        tokio::time::timeout(PATIENCE, qemu.changed()).await.expect("a change is told");
    }
}

#[tokio::test]
async fn it_passes_the_suite_that_its_simulation_passes() {
    let place = Place::new();
    hypervisor_suite(&place.open().await, &place.machine, None).await.unwrap();
}

#[tokio::test]
async fn a_machine_starts_once_and_stops_for_good() {
    let place = Place::new();
    let qemu = place.open().await;
    assert!(qemu.machines().await.unwrap().is_empty());
    let begun = Instant::now();
    qemu.start(&place.machine).await.unwrap();
    println!("started in {:?}", begun.elapsed());
    assert_eq!(known(&qemu).await.state, MachineState::Running);
    hears(&qemu, ID, "ready").await;
    println!("the guest speaks after {:?}", begun.elapsed());
    let pid = place.pid();
    qemu.start(&place.machine).await.unwrap();
    assert_eq!(place.pid(), pid, "a repeated start finds its own work");
    let begun = Instant::now();
    qemu.stop(ID, None).await.unwrap();
    println!("stopped in {:?}", begun.elapsed());
    let off = known(&qemu).await;
    assert_eq!((off.state, off.stopped_because), (MachineState::Off, None));
    qemu.stop(ID, None).await.unwrap();
    qemu.start(&place.machine).await.unwrap();
    assert_eq!(known(&qemu).await.state, MachineState::Running);
    assert!(said(&qemu, ID).await.contains("ready"), "the console of a life goes on");
}

#[tokio::test]
async fn a_kind_stop_lets_the_guest_say_goodbye() {
    let place = Place::new();
    let qemu = place.started().await;
    qemu.stop(ID, Some(PATIENCE)).await.unwrap();
    assert!(said(&qemu, ID).await.contains("bye"));
    assert_eq!(known(&qemu).await.state, MachineState::Off);
}

#[tokio::test]
async fn a_guest_that_switches_itself_off_has_not_crashed() {
    let place = Place::new();
    let qemu = place.started().await;
    place.type_into(b'o').await;
    let off = becomes(&qemu, MachineState::Off).await;
    assert_eq!(off.stopped_because, None);
}

#[tokio::test]
async fn a_guest_that_switches_itself_off_unwatched_has_not_crashed_either() {
    let place = Place::new();
    drop(place.started().await);
    place.type_into(b'o').await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let qemu = place.open().await;
    assert_eq!(becomes(&qemu, MachineState::Off).await.stopped_because, None);
}

#[tokio::test]
async fn a_guest_that_starts_again_stays_in_its_process() {
    let place = Place::new();
    let qemu = place.started().await;
    let pid = place.pid();
    place.type_into(b'r').await;
    let begun = Instant::now();
    while said(&qemu, ID).await.matches("ready").count() < 2 {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(place.pid(), pid);
    assert_eq!(known(&qemu).await.state, MachineState::Running);
}

#[tokio::test]
async fn a_killed_qemu_is_noticed_with_its_reason() {
    let place = Place::new();
    let qemu = place.started().await;
    let pid = nix::unistd::Pid::from_raw(place.pid().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    let off = becomes(&qemu, MachineState::Off).await;
    assert_eq!(off.stopped_because.as_deref(), Some("QEMU was killed by signal 9"));
    qemu.start(&place.machine).await.unwrap();
    assert_eq!(known(&qemu).await.stopped_because, None);
}

#[tokio::test]
async fn a_qemu_killed_while_nobody_looked_is_noticed_too() {
    let place = Place::new();
    drop(place.started().await);
    let pid = nix::unistd::Pid::from_raw(place.pid().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let qemu = place.open().await;
    let off = known(&qemu).await;
    assert_eq!(off.state, MachineState::Off);
    assert_eq!(off.stopped_because.as_deref(), Some("QEMU ended unexpectedly"));
    assert_eq!(qemu.changed().await, ID);
}

#[tokio::test]
async fn a_running_machine_is_found_again() {
    let place = Place::new();
    let first = place.started().await;
    let pid = place.pid();
    drop(first);
    let begun = Instant::now();
    let second = place.open().await;
    println!("found again in {:?}", begun.elapsed());
    assert_eq!(known(&second).await.state, MachineState::Running);
    second.start(&place.machine).await.unwrap();
    assert_eq!(place.pid(), pid);
    second.stop(ID, Some(PATIENCE)).await.unwrap();
    assert!(said(&second, ID).await.contains("bye"));
}

#[tokio::test]
async fn two_drivers_never_run_one_machine_twice() {
    let place = Place::new();
    let first = place.open().await;
    let second = place.open().await;
    first.start(&place.machine).await.unwrap();
    let error = second.start(&place.machine).await.unwrap_err();
    assert!(error.to_string().contains("holds"), "{error}");
}

#[tokio::test]
async fn a_frozen_machine_stands_still() {
    let place = Place::new();
    let qemu = place.started().await;
    hears(&qemu, ID, "second 00001").await;
    qemu.pause(ID).await.unwrap();
    assert_eq!(known(&qemu).await.state, MachineState::Paused);
    let before = second(&qemu, ID).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(second(&qemu, ID).await, before);
    qemu.start(&place.machine).await.unwrap();
    assert_eq!(known(&qemu).await.state, MachineState::Paused, "frozen on request, it stays frozen");
    qemu.unpause(ID).await.unwrap();
    qemu.unpause(ID).await.unwrap();
    hears(&qemu, ID, &format!("second {:05}", before + 1)).await;
}

#[tokio::test]
async fn a_saved_machine_wakes_up_where_it_fell_asleep() {
    let place = Place::new();
    let qemu = place.started().await;
    hears(&qemu, ID, "second 00001").await;
    let begun = Instant::now();
    qemu.suspend(ID).await.unwrap();
    println!("saved in {:?}", begun.elapsed());
    assert_eq!(known(&qemu).await.state, MachineState::Suspended);
    assert_eq!(place.pid(), None, "its memory is given back");
    qemu.suspend(ID).await.unwrap();
    let before = second(&qemu, ID).await;
    drop(qemu);
    let qemu = place.open().await;
    assert_eq!(known(&qemu).await.state, MachineState::Suspended);
    let begun = Instant::now();
    qemu.start(&place.machine).await.unwrap();
    println!("awake in {:?}", begun.elapsed());
    assert_eq!(known(&qemu).await.state, MachineState::Running);
    let text = hears(&qemu, ID, &format!("second {:05}", before + 1)).await;
    assert_eq!(text.matches("ready").count(), 1, "it did not boot again");
    assert!(!place.folder.path().join("servers").join(ID).join("saved").exists(), "never to be used twice");
}

#[tokio::test]
async fn stopping_a_saved_machine_discards_what_was_saved() {
    let place = Place::new();
    let qemu = place.started().await;
    qemu.suspend(ID).await.unwrap();
    qemu.stop(ID, None).await.unwrap();
    assert_eq!(known(&qemu).await.state, MachineState::Off);
    qemu.start(&place.machine).await.unwrap();
    let begun = Instant::now();
    while said(&qemu, ID).await.matches("ready").count() < 2 {
        assert!(begun.elapsed() < PATIENCE, "it boots");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_screen_speaks_rfb() {
    let place = Place::new();
    let qemu = place.started().await;
    let mut screen = qemu.screen(ID).await.unwrap();
    let mut greeting = [0; 12];
    screen.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"RFB 003.008\n");
    qemu.stop(ID, None).await.unwrap();
    assert!(matches!(qemu.screen(ID).await, Err(DriverError::Refused(_))));
}

#[tokio::test]
async fn nothing_is_left_of_a_destroyed_machine() {
    let place = Place::new();
    let qemu = place.started().await;
    let pid = place.pid().unwrap();
    let in_group = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    assert!(in_group.contains(ID), "a control group of its own: {in_group}");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    for line in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(line), "no privileges: {line} in {status}");
    }
    qemu.destroy(ID).await.unwrap();
    assert!(!place.folder.path().join("servers").join(ID).exists());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
    assert_eq!(qemu.machine(ID).await.unwrap(), None);
    qemu.destroy(ID).await.unwrap();
    assert!(qemu.machines().await.unwrap().is_empty());
}

#[tokio::test]
async fn lives_go_one_way_and_one_at_a_time() {
    let place = Place::new();
    let qemu = place.started().await;
    let next = Machine { incarnation: 2, ..place.machine.clone() };
    assert!(matches!(qemu.start(&next).await, Err(DriverError::NotYet(_))));
    qemu.stop(ID, None).await.unwrap();
    qemu.start(&next).await.unwrap();
    assert_eq!(known(&qemu).await.incarnation, 2);
    assert!(matches!(qemu.start(&place.machine).await, Err(DriverError::Refused(_))));
}

#[tokio::test]
async fn a_machine_that_cannot_start_says_why_and_leaves_no_process() {
    let place = Place::new();
    let qemu = place.open().await;
    let mut machine = place.machine.clone();
    machine.disks[0].path = "/nowhere/at/all".into();
    let error = qemu.start(&machine).await.unwrap_err();
    assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    assert_eq!(known(&qemu).await.state, MachineState::Off);
    assert_eq!(place.pid(), None);
    qemu.start(&place.machine).await.unwrap();
}

#[tokio::test]
async fn wishes_for_hardware_are_granted_or_refused_in_words() {
    let place = Place::new();
    let qemu = place.open().await;
    for (key, value, works) in [
        ("hw_disk_bus", "sata", true),
        ("hw_disk_bus", "scsi", true),
        ("hw_disk_bus", "usb", true),
        ("hw_disk_bus", "ide", false),
        ("hw_disk_bus", "floppy", false),
        ("hw_video_model", "none", true),
        ("hw_machine_type", "pc", true),
        ("hw_machine_type", "abacus", false),
        ("hw_vif_model", "telegraph", false),
    ] {
        let mut machine = place.machine.clone();
        machine.hardware.insert(key.into(), value.into());
        let started = qemu.start(&machine).await;
        match started {
            Ok(()) => assert!(works, "{key}={value} starts"),
            Err(DriverError::Refused(why)) => assert!(!works && why.contains(key), "{key}={value}: {why}"),
            Err(other) => panic!("{key}={value}: {other}"),
        }
        if works {
            hears(&qemu, ID, "ready").await;
        }
        qemu.destroy(ID).await.unwrap();
    }
}
