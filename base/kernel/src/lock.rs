//! The file by which one process keeps all others away from something.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// One that ends may need a moment, and so may a child that was forked and has not become its program yet.
const PATIENCE: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(10);

/// Held until it is dropped; the kernel releases it with the process, however that ends.
#[derive(Debug)]
pub struct LockFile(#[expect(dead_code, reason = "held, never read")] File);

/// Why a lock was not had.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it: this one, where it is known.
    Held(Option<u32>),
    /// The file cannot be used.
    Unusable(io::Error),
}

impl LockFile {
    /// Takes the lock, for at most half a second of waiting, and leaves our process id in the file.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let mut file = opened.map_err(LockError::Unusable)?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if waited < PATIENCE => std::thread::sleep(STEP),
                Err(TryLockError::WouldBlock) => return Err(LockError::Held(holder(&mut file))),
                Err(TryLockError::Error(error)) => return Err(LockError::Unusable(error)),
            }
            waited += STEP;
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map(|()| Self(file)).map_err(LockError::Unusable)
    }
}

impl LockError {
    /// Who has it, for a sentence: `process 17`.
    pub fn who(&self) -> String {
        match self {
            Self::Held(Some(pid)) => format!("process {pid}"),
            _ => "another process".to_owned(),
        }
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

impl From<LockError> for io::Error {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Unusable(error) => error,
            held @ LockError::Held(_) => Self::other(format!("{} has it", held.who())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_is_told_who_has_it_until_it_is_dropped() {
        let path = std::env::temp_dir().join(format!("lock-{}", std::process::id()));
        let first = LockFile::take(&path).unwrap();
        assert!(
            matches!(LockFile::take(&path), Err(LockError::Held(Some(pid))) if pid == std::process::id())
        );
        drop(first);
        LockFile::take(&path).unwrap();
        std::fs::remove_file(path).unwrap();
    }
}
