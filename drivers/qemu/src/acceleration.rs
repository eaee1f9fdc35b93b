//! Whether KVM really runs guests here.
//!
//! `/dev/kvm` may open, and its first instructions may even run, on hosts where ordinary guests hang (nested
//! virtualisation that is switched off half-way). So a real QEMU runs a real, if tiny, guest: a boot sector that goes
//! through the BIOS, protected mode, paging and long mode, and counts timer interrupts. It has two seconds, but not much
//! more than what the same guest takes when it is emulated beside it: a machine under load is slow with both, and KVM
//! that is of any use is never several times slower than emulation.

use std::path::Path;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{ChildStderr, Command};
use tokio::time::{Instant, timeout, timeout_at};

/// What the operator wants guests to run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acceleration {
    /// KVM where it works, emulation otherwise.
    #[default]
    Auto,
    /// KVM, without a probe.
    Kvm,
    /// Emulation.
    Tcg,
}

/// The boot sector: assembled from `probe.S`, as a test checks.
static PROBE: &[u8] = include_bytes!("probe.bin");
/// QEMU returns `(code << 1) | 1` for the code that the guest writes to the debug exit: 0x2a.
const PASSED: i32 = (0x2a << 1) | 1;
const PATIENCE: Duration = Duration::from_secs(2);
/// How much longer than emulation KVM may take, and what it may take in any case.
const SLOWER: u32 = 3;
const LEAST: Duration = Duration::from_millis(600);

/// Runs the boot sector under KVM; the error says why KVM is of no use.
pub async fn probe(program: &Path) -> Result<(), String> {
    if let Err(error) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/kvm") {
        return Err(format!("/dev/kvm cannot be opened: {error}"));
    }
    let begun = Instant::now();
    let (mut kvm, mut emulated) = (pin!(run(program, "kvm")), pin!(run(program, "tcg")));
    let yardstick = tokio::select! {
        outcome = &mut kvm => return outcome,
        yardstick = &mut emulated => yardstick,
    };
    if yardstick.is_err() {
        return kvm.await;
    }
    let limit = (begun.elapsed() * SLOWER).max(LEAST);
    timeout_at(begun + limit, kvm).await.unwrap_or_else(|_| {
        Err(format!(
            "a small guest did not come through in {limit:?} under kvm, and did when it was emulated"
        ))
    })
}

async fn run(program: &Path, accelerator: &str) -> Result<(), String> {
    let floppy = floppy().map_err(|error| format!("the probe's disk cannot be made: {error}"))?;
    // The child inherits the descriptor under its number; the file has no name that could be left behind.
    let image = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&floppy));
    let cpu = if accelerator == "kvm" { "host" } else { "max" };
    let mut child = Command::new(program)
        .args(["-nodefaults", "-no-user-config", "-no-reboot", "-machine", "q35", "-accel", accelerator])
        .args([
            "-cpu",
            cpu,
            "-m",
            "32M",
            "-display",
            "none",
            "-device",
            "isa-debug-exit,iobase=0xf4,iosize=4",
        ])
        .args([
            "-drive",
            &format!("file={image},format=raw,if=ide,snapshot=off,readonly=off,file.locking=off"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{} does not start: {error}", program.display()))?;
    let complaint = complaint(child.stderr.take());
    let outcome = timeout(PATIENCE, async {
        tokio::select! {
            status = child.wait() => match status {
                Ok(status) if status.code() == Some(PASSED) => Ok(()),
                Ok(status) => Err(format!("a small guest failed: QEMU ended with {status}")),
                Err(error) => Err(format!("QEMU cannot be waited for: {error}")),
            },
            line = complaint => Err(format!("a small guest failed: {line}")),
        }
    })
    .await;
    // Ends it where it still runs; the kernel lets go of a hanging guest on SIGKILL.
    let _ = child.start_kill();
    outcome.unwrap_or_else(|_| {
        Err(format!("a small guest did not come through in {PATIENCE:?} under {accelerator}"))
    })
}

/// QEMU stays, with the guest stopped, when KVM gives up on it; returns the line in which it says so.
async fn complaint(stderr: Option<ChildStderr>) -> String {
    if let Some(stderr) = stderr {
        let mut lines = BufReader::new(stderr.take(64 << 10)).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains("internal error") {
                return line;
            }
        }
    }
    std::future::pending().await
}

/// The boot sector on a disk in memory, inheritable.
fn floppy() -> std::io::Result<std::fs::File> {
    use std::io::Write;
    let memory = nix::sys::memfd::memfd_create("probe", nix::sys::memfd::MFdFlags::empty())?;
    let mut file = std::fs::File::from(memory);
    file.write_all(PROBE)?;
    file.set_len(1 << 20)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QEMU: &str = "/usr/bin/qemu-system-x86_64";

    #[tokio::test]
    async fn the_probe_itself_comes_through_where_guests_are_emulated() {
        assert!(Path::new(QEMU).exists(), "apt-get install qemu-system-x86");
        run(Path::new(QEMU), "tcg").await.unwrap();
    }

    #[tokio::test]
    async fn the_probe_under_kvm_ends_in_time_either_way() {
        let begun = std::time::Instant::now();
        println!("KVM here: {:?} after {:?}", probe(Path::new(QEMU)).await, begun.elapsed());
        assert!(begun.elapsed() < Duration::from_millis(2900));
    }

    #[test]
    fn the_boot_sector_is_what_its_source_says() {
        let folder = tempfile::tempdir().unwrap();
        let object = folder.path().join("probe.o");
        let binary = folder.path().join("probe.bin");
        let source = "src/probe.S";
        let run = |program: &str, arguments: &[&std::ffi::OsStr]| {
            let status = std::process::Command::new(program).args(arguments).status();
            assert!(status.expect("apt-get install binutils").success());
        };
        run("as", &["--64".as_ref(), "-o".as_ref(), object.as_ref(), source.as_ref()]);
        let text = ["-Ttext".as_ref(), "0x7c00".as_ref(), "--oformat".as_ref(), "binary".as_ref()];
        run("ld", &[&text[..], &["-o".as_ref(), binary.as_ref(), object.as_ref()]].concat());
        assert_eq!(std::fs::read(binary).unwrap(), PROBE);
    }
}
