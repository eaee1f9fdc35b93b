//! A store as it is at one moment, in a file of its own; and back to that moment. For the embedded store.

use crate::error::StoreError;
use crate::sqlite::{Durability, Lite};
use fault::{Fault, Kind, Means};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::path::Path;
use std::time::Duration;

/// Between two looks whether a store that is being written to is free.
const PAUSE: Duration = Duration::from_millis(2);

/// Copies the store at `from` to a new file at `to`.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    let source = Lite::open(from, Durability::Full, false)?;
    let young = to.with_extension("new");
    match std::fs::remove_file(&young) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Fault::unavailable("The copy of the store cannot be made.").because(error));
        }
        _ => {}
    }
    let copied = Connection::open(&young).and_then(|mut target| pour(source.connection(), &mut target));
    copied.map_err(leaf).means(Kind::Unavailable, "The store cannot be copied.")?;
    std::fs::rename(&young, to).means(Kind::Unavailable, "The copy of the store cannot be named.")
}

/// Makes the store at `path` what the copy at `from` is, in one transaction: others see the one or the other.
pub(crate) fn put_back(path: &Path, from: &Path) -> Result<(), Fault> {
    let source = Connection::open(from).map_err(leaf).means(Kind::Unavailable, "The copy cannot be read.")?;
    let mut target = Lite::open(path, Durability::Full, true)?;
    let poured = pour(&source, target.connection_mut());
    poured.map_err(leaf).means(Kind::Unavailable, "The store cannot be put back.")
}

fn pour(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    let backup = Backup::new(from, to)?;
    loop {
        // All pages in one step: then they are those of one moment.
        match backup.step(-1)? {
            StepResult::Done => return Ok(()),
            _ => std::thread::sleep(PAUSE),
        }
    }
}

fn leaf(error: rusqlite::Error) -> StoreError {
    StoreError::Other(error.to_string())
}
