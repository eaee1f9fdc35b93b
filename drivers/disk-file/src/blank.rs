//! Disks that start empty: ephemeral ones with a file system, where this host can make one, and swap.

use crate::durable::{Draft, failed};
use crate::sandbox;
use metal::driver::{Driven, DriverError};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

const PAGE: u64 = 4096;
/// Smaller ones cannot hold a file system.
const SMALLEST_EXT4: u64 = 4;

/// Makes a raw, sparse disk. One whose name begins with `swap` is ready for `swapon`; any other one carries an ext4 file
/// system labelled with its name, as Nova's do, or nothing where `mkfs.ext4` is missing.
pub fn make(path: &Path, name: &str, mib: u64) -> Driven<()> {
    let bytes = mib.checked_mul(1 << 20).filter(|bytes| i64::try_from(*bytes).is_ok());
    let bytes = bytes.ok_or_else(|| DriverError::Refused(format!("a disk of {mib} MiB is too large")))?;
    let mut draft = Draft::new(path)?;
    draft.file.set_len(bytes).map_err(|error| failed("make", path, &error))?;
    if name.starts_with("swap") {
        swap(&mut draft, bytes).map_err(|error| failed("write", path, &error))?;
    } else if mib >= SMALLEST_EXT4 {
        let mut mkfs = Command::new("mkfs.ext4");
        mkfs.args(["-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", "-L"]);
        let label: String = name.chars().take(16).collect();
        if sandbox::run({
            mkfs.arg(label).arg(draft.place());
            mkfs
        })?
        .is_none()
        {
            tracing::info!("ephemeral disks are left without a file system: apt-get install e2fsprogs");
        }
    }
    draft.keep()
}

/// What `mkswap` writes: version, last page, a mark at the end of the first page.
fn swap(draft: &mut Draft, bytes: u64) -> std::io::Result<()> {
    let pages = bytes / PAGE;
    let last = u32::try_from(pages.saturating_sub(1)).unwrap_or(u32::MAX);
    draft.file.seek(SeekFrom::Start(1024))?;
    draft.file.write_all(&1_u32.to_le_bytes())?;
    draft.file.write_all(&last.to_le_bytes())?;
    draft.file.seek(SeekFrom::Start(PAGE - 10))?;
    draft.file.write_all(b"SWAPSPACE2")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blkid(path: &Path) -> String {
        let output = Command::new("blkid").args(["-p", "-o", "export"]).arg(path).output();
        String::from_utf8_lossy(&output.expect("apt-get install util-linux").stdout).into_owned()
    }

    #[test]
    fn swap_is_swap_and_ephemeral_disks_have_a_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("swap");
        make(&path, "swap", 64).unwrap();
        assert!(blkid(&path).contains("TYPE=swap"), "{}", blkid(&path));
        let path = folder.path().join("ephemeral0");
        assert!(Path::new("/usr/sbin/mkfs.ext4").exists(), "apt-get install e2fsprogs");
        make(&path, "ephemeral0", 1024).unwrap();
        let found = blkid(&path);
        assert!(found.contains("TYPE=ext4") && found.contains("LABEL=ephemeral0"), "{found}");
        use std::os::unix::fs::MetadataExt;
        assert!(std::fs::metadata(&path).unwrap().blocks() * 512 < 64 << 20, "it is sparse");
    }
}
