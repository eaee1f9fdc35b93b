//! Encrypted disks: LUKS, of whose versions QEMU opens the first only.

use crate::bytes::Header;
use crate::{Format, Refusal};

/// Checks the header; returns the size of the disk.
pub fn check(prefix: &[u8], length: u64) -> Result<u64, Refusal> {
    let header = Header { bytes: prefix, format: Format::Luks };
    let version = header.be16(6)?;
    if version != 1 {
        return Err(Refusal::of(Format::Luks, format!("is of version {version}, where only 1 is known")));
    }
    let payload = u64::from(header.be32(104)?) * 512;
    length.checked_sub(payload).ok_or_else(|| Refusal::of(Format::Luks, "is cut short"))
}
