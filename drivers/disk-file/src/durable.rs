//! Files that are there whole or not at all, after a crash and on a full disk too.

use metal::driver::{Driven, DriverError};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// An error of the file system, as drivers tell it.
pub fn failed(what: &str, path: &Path, error: &io::Error) -> DriverError {
    match error.raw_os_error() {
        Some(libc::ENOSPC | libc::EDQUOT) => DriverError::Full(path.display().to_string()),
        _ => DriverError::Failed(format!("cannot {what} {}: {error}", path.display())),
    }
}

/// The beginning of names of files that are not whole yet.
pub const UNFINISHED: &str = ".unfinished-";

/// A file in the making: dropped before it is kept, nothing of it stays.
pub struct Draft {
    /// The open file.
    pub file: File,
    unfinished: PathBuf,
    path: PathBuf,
    kept: bool,
}

impl Draft {
    /// A file that will be at `path`.
    pub fn new(path: &Path) -> Driven<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = path.with_file_name(format!("{UNFINISHED}{name}"));
        let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&unfinished);
        let file = file.map_err(|error| failed("make", path, &error))?;
        Ok(Self { file, unfinished, path: path.to_owned(), kept: false })
    }

    /// Where it is meanwhile.
    pub fn place(&self) -> &Path {
        &self.unfinished
    }

    /// Makes it durable and gives it its name.
    pub fn keep(mut self) -> Driven<()> {
        let kept = self
            .file
            .sync_all()
            .and_then(|()| std::fs::rename(&self.unfinished, &self.path))
            .and_then(|()| sync_folder(&self.path));
        kept.map_err(|error| failed("keep", &self.path, &error))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = std::fs::remove_file(&self.unfinished)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %self.unfinished.display(), "an unfinished file stays until the next start");
        }
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Removes what drafts have left in a folder when their process was killed.
pub fn clean(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Room on a folder's file system in bytes: all and free.
pub fn room(folder: &Path) -> Driven<(u64, u64)> {
    let room =
        nix::sys::statvfs::statvfs(folder).map_err(|error| failed("measure", folder, &error.into()))?;
    let unit = room.fragment_size();
    Ok((room.blocks() * unit, room.blocks_available() * unit))
}
