//! A QEMU process: started in a session and control group of its own, found again after our restart, ended.
//!
//! Two facts carry everything. The process inherits an flock on `lock` in its folder, so the kernel itself says whether
//! one lives, however it was started and whatever became of us; a second one cannot start meanwhile. And before it
//! becomes QEMU it writes its process id into `pid`, so that whoever finds the lock taken also finds the id; taking a
//! pidfd and seeing the lock still held afterwards rules out a re-used id.

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The lock that a living QEMU holds; `None` while one holds it.
pub fn lock(folder: &Path) -> io::Result<Option<File>> {
    let file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

/// How a process ended, as far as we know: only its parent learns the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It returned this code.
    Returned(i32),
    /// A signal ended it.
    Killed(i32),
    /// It is gone; we were not its parent.
    Unknown,
}

/// A living process.
#[derive(Debug)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    fd: AsyncFd<OwnedFd>,
}

impl Process {
    /// The process that holds the folder's lock, if one does.
    pub async fn find(folder: &Path) -> io::Result<Option<Self>> {
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            if lock(folder)?.is_some() {
                return Ok(None);
            }
            // Written between fork and exec: it can be missing only for an instant.
            if let Some(pid) = read_pid(folder) {
                let found = Self::of(pid);
                if lock(folder)?.is_some() {
                    return Ok(None);
                }
                if let Ok(found) = found {
                    return Ok(Some(found));
                }
            }
            if Instant::now() > deadline {
                let path = folder.join("pid");
                return Err(io::Error::other(format!(
                    "a process holds {}/lock but {} does not name it; see `fuser {}/lock`",
                    folder.display(),
                    path.display(),
                    folder.display()
                )));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn of(pid: i32) -> io::Result<Self> {
        let fd = open_pidfd(pid)?;
        #[expect(unsafe_code, reason = "tokio asks for a promise about the descriptor")]
        // SAFETY: an `OwnedFd` names one descriptor all its life and closes it last.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE)? };
        Ok(Self { pid, fd })
    }

    /// Returns once the process has ended.
    pub async fn ended(&self) -> Ending {
        // The descriptor stays readable for ever after; an error cannot say more.
        let _ = self.fd.readable().await;
        self.reap()
    }

    /// Collects the status if the process is our child and has ended.
    fn reap(&self) -> Ending {
        match waitid(Id::PIDFd(self.fd.as_fd()), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG) {
            Ok(WaitStatus::Exited(_, code)) => Ending::Returned(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => Ending::Killed(signal as i32),
            _ => Ending::Unknown,
        }
    }

    /// Ends it at once.
    pub fn kill(&self) -> io::Result<()> {
        match send_signal(self.fd.as_raw_fd(), libc::SIGKILL) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            other => other,
        }
    }
}

fn read_pid(folder: &Path) -> Option<i32> {
    std::fs::read_to_string(folder.join("pid")).ok()?.trim().parse().ok()
}

fn open_pidfd(pid: i32) -> io::Result<OwnedFd> {
    #[expect(unsafe_code, reason = "pidfd_open has no safe form")]
    // SAFETY: the call reads nothing of ours; a descriptor that it returns is new and owned by nobody else.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(i32::try_from(fd).map_err(io::Error::other)?))
    }
}

fn send_signal(pidfd: RawFd, signal: i32) -> io::Result<()> {
    #[expect(unsafe_code, reason = "pidfd_send_signal has no safe form")]
    // SAFETY: the call takes a descriptor that we own, a number and a null pointer, which it allows.
    let result = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd, signal, std::ptr::null::<libc::siginfo_t>(), 0)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Everything that a new process gets.
pub struct Launch<'a> {
    /// The program.
    pub program: &'a Path,
    /// What it is told.
    pub arguments: &'a [String],
    /// Its working directory, where `lock`, `pid` and `qemu.log` are.
    pub folder: &'a Path,
    /// The lock on the folder, which moves to the process.
    pub lock: File,
    /// `cgroup.procs` of the control group that it joins.
    pub cgroup: Option<File>,
    /// Descriptors that it inherits under their numbers.
    pub inherited: Vec<OwnedFd>,
    /// It gives up every privilege beyond those of the owner of its files.
    pub humble: bool,
}

impl Launch<'_> {
    /// Starts the process. When this returns, its id is written down and it holds the lock.
    pub fn start(self) -> io::Result<Process> {
        remove_if_there(&self.folder.join("pid"))?;
        let pid_file = OpenOptions::new().create_new(true).write(true).open(self.folder.join("pid"))?;
        let log = File::create(self.folder.join("qemu.log"))?;
        let mut command = Command::new(self.program);
        command.args(self.arguments.iter().map(OsString::from)).current_dir(self.folder);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C.UTF-8");
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let kept: Vec<RawFd> =
            self.inherited.iter().map(AsRawFd::as_raw_fd).chain([self.lock.as_raw_fd()]).collect();
        let pid_fd = pid_file.as_raw_fd();
        let cgroup_fd = self.cgroup.as_ref().map(AsRawFd::as_raw_fd);
        let humble = self.humble;
        #[expect(unsafe_code, reason = "what happens between fork and exec has no safe form")]
        // SAFETY: both functions make async-signal-safe calls only and allocate nothing; the descriptors that they use
        // are open in the parent until `spawn` has returned.
        unsafe {
            command.pre_exec(move || {
                settle(pid_fd, cgroup_fd, &kept)?;
                if humble { give_up_privileges() } else { Ok(()) }
            });
        }
        // Dropping the handle neither ends nor reaps the child: `Process` does both through its pidfd.
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        Process::of(pid)
    }
}

/// Runs in the child before it becomes QEMU: own session, own control group, its id written down, descriptors kept.
fn settle(pid_fd: RawFd, cgroup: Option<RawFd>, kept: &[RawFd]) -> io::Result<()> {
    nix::unistd::setsid()?;
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let mut digits = [0u8; 12];
    write_raw(pid_fd, decimal(std::process::id(), &mut digits))?;
    if let Some(cgroup) = cgroup {
        // Control groups are a convenience: a host that denies them still runs machines.
        let _ = write_raw(cgroup, b"0");
    }
    for fd in kept {
        #[expect(unsafe_code, reason = "a borrowed descriptor by number has no safe form")]
        // SAFETY: fcntl on a number that is open in this process, or fails.
        if unsafe { libc::fcntl(*fd, libc::F_SETFD, 0) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// A process of root's gets the capabilities of its bounding set when it becomes another program: none are left there.
fn give_up_privileges() -> io::Result<()> {
    nix::sys::prctl::set_no_new_privs()?;
    for capability in 0..64 {
        #[expect(unsafe_code, reason = "PR_CAPBSET_DROP has no safe form")]
        // SAFETY: takes two numbers. It fails for capabilities that do not exist, and for processes that have none to
        // give up.
        unsafe {
            libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
        }
    }
    Ok(())
}

fn write_raw(fd: RawFd, bytes: &[u8]) -> io::Result<()> {
    #[expect(unsafe_code, reason = "a descriptor by number has no safe form")]
    // SAFETY: the pointer and length are those of a live slice.
    let written = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
    if written < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The number in decimal, without allocating.
fn decimal(mut number: u32, digits: &mut [u8; 12]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 || at == 0 {
            return &digits[at..];
        }
    }
}

/// Removes a file that may not be there.
pub fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(folder: &Path) -> Process {
        let lock = lock(folder).unwrap().expect("nothing runs yet");
        let arguments = ["60".to_owned()];
        Launch {
            program: Path::new("/bin/sleep"),
            arguments: &arguments,
            folder,
            lock,
            cgroup: None,
            inherited: vec![],
            humble: false,
        }
        .start()
        .unwrap()
    }

    #[tokio::test]
    async fn a_process_holds_its_lock_and_is_found_by_it() {
        let folder = tempfile::tempdir().unwrap();
        let started = sleeper(folder.path());
        assert!(lock(folder.path()).unwrap().is_none(), "a second one must not start");
        let found = Process::find(folder.path()).await.unwrap().expect("it lives");
        assert_eq!(found.pid, started.pid);
        found.kill().unwrap();
        assert_eq!(started.ended().await, Ending::Killed(9));
        assert!(Process::find(folder.path()).await.unwrap().is_none());
        assert!(lock(folder.path()).unwrap().is_some());
        found.kill().unwrap();
    }

    #[test]
    fn numbers_are_written_without_allocating() {
        for number in [0, 7, 10, 4_194_304, u32::MAX] {
            assert_eq!(decimal(number, &mut [0; 12]), number.to_string().as_bytes());
        }
    }
}
