//! Brings dead daemons back.
//!
//! A daemon that crashes is restarted by its own monitor, also while we are not there. One that was killed takes its
//! monitor along and is started here. The pid file's lock keeps the two from doing it both. The kernel tells of a
//! death (pidfd), so that nothing is polled: the sooner a daemon is back, the shorter is the pause after which the
//! others try to reach it again.

use super::process::{self, Daemon};
use crate::place::Place;
use futures_util::future::{join, join_all};
use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

/// How long a monitor has to bring its daemon back.
const GRACE: Duration = Duration::from_millis(150);
/// The pause after a failed start, and between looks at a process where the kernel has no pidfd.
const PAUSE: Duration = Duration::from_millis(500);
/// A log that has grown to this size is begun anew.
const LARGEST_LOG: u64 = 16 << 20;

/// Looks after the daemons for ever.
pub async fn keep(place: Place, daemons: Arc<Vec<Daemon>>) {
    let watches = join_all(daemons.iter().map(|daemon| watch(&place, daemon)));
    let logs = async {
        loop {
            sleep(Duration::from_secs(60)).await;
            daemons.iter().for_each(|daemon| shorten_log(&place, daemon));
        }
    };
    join(watches, logs).await;
}

async fn watch(place: &Place, daemon: &Daemon) {
    let pid_file = place.pid_file(daemon.name);
    loop {
        if let Some(pid) = process::holder(&pid_file) {
            let ended = async {
                let exit = exit_of(pid)?;
                if process::holder(&pid_file) == Some(pid) {
                    drop(exit.readable().await?);
                }
                io::Result::Ok(())
            };
            if ended.await.is_err() {
                sleep(PAUSE).await;
            }
            continue;
        }
        sleep(GRACE).await;
        if process::holder(&pid_file).is_some() {
            tracing::warn!(daemon = daemon.name, "crashed and was restarted by its monitor");
        } else if let Err(error) = process::start(place, daemon).await {
            tracing::error!(daemon = daemon.name, %error, "died and cannot be started again");
            sleep(PAUSE).await;
        } else {
            tracing::warn!(daemon = daemon.name, "had died and was started again");
        }
    }
}

/// A descriptor that becomes readable when the process ends.
fn exit_of(pid: i32) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(
        unsafe_code,
        reason = "pidfd_open has no safe wrapper, nor has the registration of a descriptor"
    )]
    // SAFETY: the call takes two numbers; what it answers is a descriptor that nobody else owns, and an `OwnedFd`
    // stays the same open descriptor for as long as it lives.
    unsafe {
        match libc::syscall(libc::SYS_pidfd_open, pid, 0) {
            -1 => Err(io::Error::last_os_error()),
            fd => AsyncFd::register(OwnedFd::from_raw_fd(RawFd::try_from(fd).map_err(io::Error::other)?))
                .map_err(io::Error::other),
        }
    }
}

fn shorten_log(place: &Place, daemon: &Daemon) {
    let path = process::log(place, daemon.name);
    if std::fs::metadata(&path).is_ok_and(|log| log.len() > LARGEST_LOG)
        && let Err(error) = std::fs::File::options().write(true).open(&path).and_then(|log| log.set_len(0))
    {
        tracing::warn!(%error, path = %path.display(), "the log cannot be shortened");
    }
}
