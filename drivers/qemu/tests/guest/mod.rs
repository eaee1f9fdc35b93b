//! The guest of these tests: one sector of machine code, assembled here, on a disk of one MiB.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "each file of tests uses a part of it")]

use metal::driver::{Hypervisor, Machine, MachineDisk};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Makes the guest's disk in a folder.
pub fn disk(folder: &Path) -> PathBuf {
    let object = folder.join("guest.o");
    let disk = folder.join("guest.raw");
    let source = "tests/guest/guest.S";
    let done = |command: &mut Command| {
        let status = command.status().expect("the assembler is missing: apt-get install binutils");
        assert!(status.success());
    };
    done(Command::new("as").arg("--64").arg("-o").arg(&object).arg(source));
    done(Command::new("ld").args(["-Ttext", "0x7c00", "--oformat", "binary", "-o"]).arg(&disk).arg(&object));
    std::fs::OpenOptions::new().write(true).open(&disk).unwrap().set_len(1 << 20).unwrap();
    disk
}

/// A machine with this disk.
pub fn machine(id: &str, disk: &Path) -> Machine {
    Machine {
        id: id.into(),
        incarnation: 1,
        name: "a guest, of one sector".into(),
        vcpus: 1,
        memory_mib: 32,
        disks: vec![MachineDisk { path: disk.into(), format: "raw".into() }],
        config_drive: None,
        direct_boot: None,
        nics: vec![],
        hardware: [("hw_machine_type".to_owned(), "q35".to_owned())].into(),
    }
}

/// How long is waited for what has to come: a machine that is busy with other things is slow.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What the guest has said on its serial console.
pub async fn said(hypervisor: &impl Hypervisor, id: &str) -> String {
    String::from_utf8_lossy(&hypervisor.console_log(id, 1 << 16).await.unwrap()).into_owned()
}

/// Waits until the guest has said something.
pub async fn hears(hypervisor: &impl Hypervisor, id: &str, words: &str) -> String {
    let begun = Instant::now();
    loop {
        let text = said(hypervisor, id).await;
        if text.contains(words) {
            return text;
        }
        assert!(begun.elapsed() < PATIENCE, "the guest did not say {words:?} but {text:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The last second that the guest has counted.
pub async fn second(hypervisor: &impl Hypervisor, id: &str) -> u32 {
    let text = said(hypervisor, id).await;
    let last = text.rsplit("second ").find_map(|rest| rest.get(..5)?.parse().ok());
    last.unwrap_or(0)
}
