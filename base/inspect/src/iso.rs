//! Optical discs: ISO 9660 and UDF.

use crate::Format;
use crate::bytes::Header;

/// The first volume descriptor.
const AT: usize = 32 << 10;

/// Its identifier is where every disc has it.
pub fn looks_like(prefix: &[u8]) -> bool {
    let id = prefix.get(AT + 1..AT + 6).unwrap_or_default();
    [b"CD001", b"NSR02", b"NSR03", b"BEA01"].iter().any(|known| id == *known)
}

/// The size that the disc says it has, where it says so.
pub fn size(prefix: &[u8]) -> Option<u64> {
    let header = Header { bytes: prefix.get(AT..)?, format: Format::Iso };
    if header.bytes.first() != Some(&1) {
        return None;
    }
    let (blocks, block) = (header.le32(80).ok()?, header.le16(128).ok()?);
    Some(u64::from(blocks) * u64::from(block))
}
