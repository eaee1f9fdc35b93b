//! The process that drives QEMU is killed at random moments of everything that it does; afterwards each machine is whole.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on fails"
)]

mod guest;

use guest::{disk, hears, machine};
use metal::driver::Hypervisor;
use metal::server::MachineState;
use qemu::{Acceleration, Config, Qemu};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const ID: &str = "c0ffee00-1111-4c8e-9a34-0d9a5a8f7b11";
const PLACE: &str = "DRYSTONE_QEMU_CRASH_PLACE";

async fn open(folder: &Path) -> Qemu {
    let config = Config { acceleration: Acceleration::Tcg, cgroup: None, ..Config::new(folder) };
    Qemu::open(config).await.unwrap()
}

/// Processes whose working directory is the machine's folder.
fn processes(folder: &Path) -> Vec<i32> {
    let folder = folder.join("servers").join(ID);
    let numbers = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter(|pid: &i32| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder))
        .collect()
}

/// Everything that is done to machines, for ever.
#[tokio::test]
#[ignore = "the process that is killed: run by a_driver_that_dies_leaves_whole_machines"]
async fn victim() {
    let folder = PathBuf::from(std::env::var(PLACE).unwrap());
    let qemu = open(&folder).await;
    let machine = machine(ID, &folder.join("guest.raw"));
    loop {
        qemu.start(&machine).await.unwrap();
        qemu.suspend(ID).await.unwrap();
        qemu.start(&machine).await.unwrap();
        qemu.pause(ID).await.unwrap();
        qemu.unpause(ID).await.unwrap();
        qemu.stop(ID, None).await.unwrap();
    }
}

#[tokio::test]
async fn a_driver_that_dies_leaves_whole_machines() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let machine = machine(ID, &disk(place));
    let mut seen = std::collections::BTreeSet::new();
    for round in 0_u64..24 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "victim", "--ignored"])
            .env(PLACE, place)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Spread over about one turn of the victim's loop, differently in each round.
        std::thread::sleep(Duration::from_millis(20 + round * 7919 % 700));
        victim.kill().unwrap();
        victim.wait().unwrap();
        let record =
            std::fs::read_to_string(place.join("servers").join(ID).join("machine.json")).unwrap_or_default();
        seen.extend(record.lines().find(|line| line.contains("\"phase\"")).map(str::to_owned));
        assert!(processes(place).len() <= 1, "never two");
        let qemu = open(place).await;
        qemu.start(&machine).await.unwrap_or_else(|error| panic!("round {round}, {seen:?}: {error}"));
        let known = qemu.machine(ID).await.unwrap().unwrap();
        if known.state == MachineState::Paused {
            qemu.unpause(ID).await.unwrap();
        }
        assert_eq!(qemu.machine(ID).await.unwrap().unwrap().state, MachineState::Running);
        assert_eq!(processes(place).len(), 1);
        hears(&qemu, ID, "ready").await;
        match round % 3 {
            0 => qemu.suspend(ID).await.unwrap(),
            1 => qemu.stop(ID, None).await.unwrap(),
            _ => {}
        }
    }
    println!("killed in these phases: {seen:?}");
    let qemu = open(place).await;
    qemu.destroy(ID).await.unwrap();
    assert!(processes(place).is_empty());
    assert!(!place.join("servers").join(ID).exists());
}
