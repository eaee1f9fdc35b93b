//! The file that keeps a second process away from an SQLite store.

use fault::{Fault, Kind, Means};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Held as long as the store is open; the kernel releases it with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, never read")] File);

/// Takes the lock beside `store`, or says which process has it.
pub(crate) fn take(store: &Path) -> Result<Lock, Fault> {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    let path = Path::new(&name);
    let cannot = || format!("Cannot open the lock file {}.", path.display());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .means(Kind::Unavailable, cannot())?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(held_by_another(store, &mut file)),
        Err(TryLockError::Error(error)) => return Err(Fault::unavailable(cannot()).because(error)),
    }
    file.set_len(0).and_then(|()| file.rewind()).means(Kind::Unavailable, cannot())?;
    writeln!(file, "{}", std::process::id()).means(Kind::Unavailable, cannot())?;
    Ok(Lock(file))
}

fn held_by_another(store: &Path, file: &mut File) -> Fault {
    let mut pid = String::new();
    let known = file.read_to_string(&mut pid).is_ok() && !pid.trim().is_empty();
    let who = if known { format!("process {}", pid.trim()) } else { "another process".to_owned() };
    Fault::conflict(format!(
        "The store {} is in use by {who}. Stop it first, or name another directory.",
        store.display()
    ))
}
