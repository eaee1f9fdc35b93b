//! Copy-on-write overlays: new qcow2 images of ours, written byte by byte (docs/interop/qcow2.txt of QEMU).
//!
//! An empty image is five pieces: header, table of reference counts, one block of them, and the first table, which is
//! all zeroes. That needs no program; a test lets `qemu-img check` prove it. The base is named relative to the overlay,
//! so that a state directory can be moved.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

const CLUSTER: u64 = 64 << 10;
/// Version 3 with the compression type, rounded up.
const HEADER: u32 = 112;
const BACKING_FORMAT: u32 = 0xe279_2aca;
/// The longest name that readers accept.
const LONGEST_NAME: usize = 1023;

/// What an overlay lies on.
pub struct Base<'a> {
    /// Its path, relative to the overlay's folder.
    pub name: &'a str,
    /// `qcow2` or `raw`.
    pub format: &'a str,
}

/// Writes an empty image of `size` bytes on a base, or on nothing.
pub fn write(file: &mut File, size: u64, base: Option<&Base<'_>>) -> io::Result<()> {
    let entries = size.div_ceil(CLUSTER * (CLUSTER / 8));
    let table_clusters = (entries * 8).div_ceil(CLUSTER).max(1);
    let clusters = 3 + table_clusters;
    let too_large = || io::Error::new(io::ErrorKind::InvalidInput, "a disk of this size is not supported");
    // All in one block of reference counts, and within what QEMU accepts for the first table (32 MiB).
    let entries = u32::try_from(entries).ok().filter(|_| table_clusters <= 512).ok_or_else(too_large)?;
    let mut header = header(size, entries, base)?;
    header.resize(usize::try_from(CLUSTER).map_err(io::Error::other)?, 0);
    file.write_all(&header)?;
    file.seek(SeekFrom::Start(CLUSTER))?;
    file.write_all(&(2 * CLUSTER).to_be_bytes())?;
    file.seek(SeekFrom::Start(2 * CLUSTER))?;
    for _ in 0..clusters {
        file.write_all(&1_u16.to_be_bytes())?;
    }
    file.set_len(clusters * CLUSTER)
}

fn header(size: u64, entries: u32, base: Option<&Base<'_>>) -> io::Result<Vec<u8>> {
    let mut extensions = Vec::new();
    if let Some(base) = base {
        let length = u32::try_from(base.format.len()).map_err(io::Error::other)?;
        extensions.extend(BACKING_FORMAT.to_be_bytes());
        extensions.extend(length.to_be_bytes());
        extensions.extend(base.format.as_bytes());
        extensions.resize(extensions.len().next_multiple_of(8), 0);
    }
    extensions.extend([0; 8]);
    let name = base.map_or("", |base| base.name);
    if name.len() > LONGEST_NAME {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path of the image is too long"));
    }
    let name_at = if name.is_empty() { 0 } else { u64::from(HEADER) + extensions.len() as u64 };
    let mut bytes = Vec::new();
    bytes.extend(b"QFI\xfb");
    bytes.extend(3_u32.to_be_bytes());
    bytes.extend(name_at.to_be_bytes());
    bytes.extend(u32::try_from(name.len()).map_err(io::Error::other)?.to_be_bytes());
    bytes.extend(16_u32.to_be_bytes()); // clusters of 2^16 bytes
    bytes.extend(size.to_be_bytes());
    bytes.extend(0_u32.to_be_bytes()); // not encrypted
    bytes.extend(entries.to_be_bytes());
    bytes.extend((3 * CLUSTER).to_be_bytes()); // the first table
    bytes.extend(CLUSTER.to_be_bytes()); // the table of reference counts
    bytes.extend(1_u32.to_be_bytes()); // which is one cluster
    bytes.extend(0_u32.to_be_bytes()); // no snapshots
    bytes.extend([0; 8]);
    bytes.extend([0; 24]); // no features
    bytes.extend(4_u32.to_be_bytes()); // reference counts of 2^4 bits
    bytes.extend(HEADER.to_be_bytes());
    bytes.extend([0; 8]); // compressed with zlib, if ever
    bytes.extend(extensions);
    bytes.extend(name.as_bytes());
    Ok(bytes)
}

/// The size of the disk in an image of ours.
pub fn size(path: &Path) -> io::Result<u64> {
    let mut header = [0; 32];
    File::open(path)?.read_exact(&mut header)?;
    let mut size = [0; 8];
    size.copy_from_slice(&header[24..32]);
    Ok(u64::from_be_bytes(size))
}

/// The name of the base of an image of ours; `None` if it has none or is no such image.
pub fn base(path: &Path) -> io::Result<Option<String>> {
    let backing = inspect::backing(&mut File::open(path)?).map_err(io::Error::other)?;
    Ok(backing.map(|backing| backing.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn checked(path: &Path) -> serde_json::Value {
        let run = |what: &str| {
            let output =
                Command::new("qemu-img").args([what, "--output=json", "-f", "qcow2"]).arg(path).output();
            let output = output.expect("apt-get install qemu-utils");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice(&output.stdout).unwrap()
        };
        let check: serde_json::Value = run("check");
        assert_eq!(check["check-errors"], 0);
        assert!(check["leaks"].is_null() && check["corruptions"].is_null(), "{check}");
        run("info")
    }

    #[test]
    fn qemu_finds_nothing_wrong_with_our_images() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("images")).unwrap();
        std::fs::create_dir(folder.path().join("disks")).unwrap();
        std::fs::write(folder.path().join("images/base"), vec![7; 1 << 20]).unwrap();
        let path = folder.path().join("disks/overlay");
        for size in [512, 1 << 20, 40 << 30, 512 << 20, (512 << 20) + 512, 4 << 40, 5 << 40, 1 << 47] {
            let base = Base { name: "../images/base", format: "raw" };
            write(&mut File::create(&path).unwrap(), size, Some(&base)).unwrap();
            let info = checked(&path);
            assert_eq!(info["virtual-size"], size);
            assert_eq!(info["backing-filename"], "../images/base");
            assert_eq!(info["backing-filename-format"], "raw");
            assert_eq!(super::size(&path).unwrap(), size);
            assert_eq!(super::base(&path).unwrap().as_deref(), Some("../images/base"));
        }
        write(&mut File::create(&path).unwrap(), 1 << 30, None).unwrap();
        assert!(checked(&path)["backing-filename"].is_null());
        assert_eq!(super::base(&path).unwrap(), None);
    }

    #[test]
    fn an_overlay_reads_as_its_base_and_keeps_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("base"), vec![7; 1 << 20]).unwrap();
        let path = folder.path().join("overlay");
        let base = Base { name: "base", format: "raw" };
        write(&mut File::create(&path).unwrap(), 8 << 20, Some(&base)).unwrap();
        let io = |commands: &[&str]| {
            let mut command = Command::new("qemu-io");
            command.args(["-f", "qcow2"]);
            for words in commands {
                command.args(["-c", words]);
            }
            let output = command.arg(&path).output().expect("apt-get install qemu-utils");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && !text.contains("failed"), "{text}");
        };
        io(&["read -P 7 0 1M", "read -P 0 1M 7M", "write -P 9 512k 64k", "write -P 5 7M 1M"]);
        io(&["read -P 9 512k 64k", "read -P 7 0 512k", "read -P 5 7M 1M"]);
        checked(&path);
    }

    #[test]
    fn an_impossible_size_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = File::create(folder.path().join("overlay")).unwrap();
        assert!(write(&mut file, u64::MAX, None).is_err());
    }
}
