//! The serial console's log: QEMU appends, we read its end and keep it from growing without bound.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// What is kept of a log at least.
const KEPT: u64 = 1 << 20;
/// A log longer than this is cut.
const LONGEST: u64 = 2 << 20;
/// File systems cut whole blocks only.
const BLOCK: u64 = 64 << 10;

/// The end of the log, at most `bytes`.
pub fn tail(path: &Path, bytes: u64) -> io::Result<Vec<u8>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let length = file.seek(SeekFrom::End(0))?;
    let wanted = bytes.min(KEPT);
    file.seek(SeekFrom::Start(length.saturating_sub(wanted)))?;
    let mut text = Vec::new();
    file.take(wanted).read_to_end(&mut text)?;
    Ok(text)
}

/// Cuts the beginning off a log that has grown too long. QEMU opens it for appending, so that what it writes
/// meanwhile is not lost: the file system removes the beginning, or where it cannot, empties it.
pub fn trim(path: &Path) -> io::Result<()> {
    use nix::fcntl::{FallocateFlags, fallocate};
    let length = std::fs::metadata(path)?.len();
    if length <= LONGEST {
        return Ok(());
    }
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let cut = i64::try_from((length - KEPT) / BLOCK * BLOCK).map_err(io::Error::other)?;
    let punch = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    fallocate(&file, FallocateFlags::FALLOC_FL_COLLAPSE_RANGE, 0, cut)
        .or_else(|_| fallocate(&file, punch, 0, cut))?;
    Ok(())
}

/// The last line that says something.
pub fn last_line(path: &Path) -> Option<String> {
    let text = tail(path, 4096).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_long_log_keeps_its_end_and_what_is_appended_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console.log");
        let mut log = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        for line in 0..400_000 {
            writeln!(log, "line {line:8}").unwrap();
        }
        trim(&path).unwrap();
        writeln!(log, "the last line").unwrap();
        trim(&path).unwrap();
        let end = tail(&path, 1000).unwrap();
        assert!(end.ends_with(b"line   399999\nthe last line\n"));
        use std::os::unix::fs::MetadataExt;
        assert!(std::fs::metadata(&path).unwrap().blocks() * 512 < LONGEST + (1 << 20));
        assert_eq!(last_line(&path).as_deref(), Some("the last line"));
    }

    #[test]
    fn a_log_that_is_not_there_is_empty() {
        assert!(tail(Path::new("/nowhere/at/all"), 10).unwrap().is_empty());
    }
}
