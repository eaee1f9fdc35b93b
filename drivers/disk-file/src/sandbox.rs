//! Foreign programs that touch disks, with bounded means: time, processor, memory, files.
//!
//! They only ever see images that were inspected, with their format named; this is the second net.

use metal::driver::{Driven, DriverError};
use nix::sys::resource::{Resource, setrlimit};
use std::io::{ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PROCESSOR_SECONDS: u64 = 60;
const MEMORY: u64 = 1 << 30;
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs a program to its end. `None`: it is not installed.
pub fn run(mut command: Command) -> Driven<Option<()>> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C.UTF-8");
    #[expect(unsafe_code, reason = "what happens between fork and exec has no safe form")]
    // SAFETY: `confine` makes system calls only and allocates nothing.
    unsafe {
        command.pre_exec(confine);
    }
    let mut child = match command.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DriverError::Failed(format!("{name} does not start: {error}"))),
        Ok(child) => child,
    };
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
            other => {
                // Both fail only when it has ended already.
                let _ = child.kill().and_then(|()| child.wait());
                return Err(DriverError::Failed(format!("{name} did not end in {PATIENCE:?}: {other:?}")));
            }
        }
    };
    if status.success() {
        return Ok(Some(()));
    }
    let mut said = String::new();
    if let Some(stderr) = child.stderr.take() {
        // What cannot be read is not told.
        let _ = stderr.take(4096).read_to_string(&mut said);
    }
    if said.contains("No space left") || said.contains("Disk quota exceeded") {
        return Err(DriverError::Full(name));
    }
    if said.contains("Failed to get") && said.contains("lock") {
        return Err(DriverError::NotYet(format!("the disk is in use: {}", said.trim())));
    }
    Err(DriverError::Failed(format!("{name} ended with {status}: {}", said.trim())))
}

fn confine() -> std::io::Result<()> {
    nix::unistd::setsid()?;
    setrlimit(Resource::RLIMIT_CPU, PROCESSOR_SECONDS, PROCESSOR_SECONDS)?;
    setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY)?;
    setrlimit(Resource::RLIMIT_NOFILE, 64, 64)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    Ok(())
}
