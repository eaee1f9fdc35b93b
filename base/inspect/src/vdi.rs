//! VirtualBox's format.

use crate::bytes::Header;
use crate::{Format, Refusal};

/// Checks the header; returns the size of the disk.
pub fn check(prefix: &[u8]) -> Result<u64, Refusal> {
    let header = Header { bytes: prefix, format: Format::Vdi };
    match header.le32(0x4c)? {
        1 | 2 => header.le64(0x170),
        3 | 4 => Err(Refusal::of(Format::Vdi, "is a difference to a parent image")),
        other => Err(Refusal::of(Format::Vdi, format!("is of the unknown type {other}"))),
    }
}
