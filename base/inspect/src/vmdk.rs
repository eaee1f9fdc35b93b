//! VMware's format: only the two forms that are one file, `monolithicSparse` and `streamOptimized`.
//!
//! A VMDK has a text inside, the descriptor, that names the files with its data. That text is believed by whoever opens
//! the image, so each line must be one that we understand, and none may lead elsewhere.

use crate::bytes::{Header, Image};
use crate::{Format, Refusal};
use std::io::{Read, Seek};

const SECTOR: u64 = 512;
/// QEMU's own bound.
const LONGEST_DESCRIPTOR: u64 = (1 << 20) - 1;
/// "The table of grain directories is at the end": there is a footer.
const AT_END: u64 = u64::MAX;

fn refused(why: impl Into<String>) -> Refusal {
    Refusal::of(Format::Vmdk, why)
}

/// It is a sparse extent, an extent of ESX, or a bare descriptor.
pub fn looks_like(prefix: &[u8]) -> bool {
    prefix.starts_with(b"KDMV") || prefix.starts_with(b"COWD") || is_descriptor(prefix)
}

/// A text that QEMU, or anybody lenient, would take for a descriptor.
fn is_descriptor(prefix: &[u8]) -> bool {
    let text = &prefix[..prefix.len().min(4096)];
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    let Ok(text) = std::str::from_utf8(&text[..end]) else { return false };
    let text = text.to_ascii_lowercase();
    if text.trim_start().starts_with("# disk descriptorfile") || text.contains("createtype=") {
        return true;
    }
    // QEMU: after comments and empty lines comes the version.
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| {
        line.strip_prefix("version=").is_some_and(|rest| rest.starts_with(['1', '2', '3']))
    })
}

struct Sparse {
    version: u32,
    sectors: u64,
    descriptor_at: u64,
    descriptor_length: u64,
    directory: u64,
}

fn sparse(bytes: &[u8]) -> Result<Sparse, Refusal> {
    let header = Header { bytes, format: Format::Vmdk };
    if !bytes.starts_with(b"KDMV") {
        return Err(refused("only describes data in other files, or is an extent of another image"));
    }
    Ok(Sparse {
        version: header.le32(4)?,
        sectors: header.le64(12)?,
        descriptor_at: header.le64(28)?,
        descriptor_length: header.le64(36)?,
        directory: header.le64(56)?,
    })
}

/// Checks header, descriptor and footer; returns the size of the disk.
pub fn check<F: Read + Seek>(image: &mut Image<'_, F>, prefix: &[u8]) -> Result<u64, Refusal> {
    let header = sparse(prefix)?;
    if !(1..=3).contains(&header.version) {
        return Err(refused(format!("is of the unknown version {}", header.version)));
    }
    if header.descriptor_at != 1 {
        return Err(refused(format!("has its descriptor in sector {}, not 1", header.descriptor_at)));
    }
    if header.directory == AT_END {
        footer(image, &header)?;
    }
    let length = header.descriptor_length.saturating_mul(SECTOR).min(LONGEST_DESCRIPTOR);
    let text = image.read(SECTOR, usize::try_from(length).unwrap_or(0))?;
    descriptor(&text)?;
    header.sectors.checked_mul(SECTOR).ok_or_else(|| refused("claims an impossible size"))
}

/// The copy of the header at the end of a stream, which wins over the header for whoever reads it: three sectors.
fn footer<F: Read + Seek>(image: &mut Image<'_, F>, header: &Sparse) -> Result<(), Refusal> {
    let Some(at) = image.length.checked_sub(3 * SECTOR) else { return Err(refused("is cut short")) };
    let end = image.read(at, 1536)?;
    let (Some(marker), Some(copy), Some(last)) = (end.get(..512), end.get(512..1024), end.get(1024..)) else {
        return Err(refused("is cut short"));
    };
    if !copy.starts_with(b"KDMV") {
        return Err(refused("has a footer with another signature than its header"));
    }
    let copy = sparse(copy)?;
    if copy.version != header.version {
        return Err(refused("has a footer of another version than its header"));
    }
    if copy.descriptor_at != header.descriptor_at || copy.descriptor_length != header.descriptor_length {
        return Err(refused("has a footer with another descriptor than its header"));
    }
    if copy.sectors != header.sectors {
        return Err(refused("has a footer with another size than its header"));
    }
    if copy.directory == AT_END {
        return Err(refused("has a footer that points to another footer"));
    }
    marker_is(marker, 3, "footer")?;
    if last.get(..8) != Some(&[0; 8]) {
        return Err(refused("has an invalid end-of-stream marker"));
    }
    marker_is(last, 0, "end-of-stream")
}

/// A marker: a value, no size, its kind, and nothing else.
fn marker_is(bytes: &[u8], kind: u32, name: &str) -> Result<(), Refusal> {
    let marker = Header { bytes, format: Format::Vmdk };
    let clean = bytes.get(16..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
    if marker.le32(8)? != 0 || marker.le32(12)? != kind || !clean {
        return Err(refused(format!("has an invalid {name} marker")));
    }
    Ok(())
}

fn descriptor(bytes: &[u8]) -> Result<(), Refusal> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = bytes.get(..end).filter(|text| text.is_ascii()).unwrap_or_default();
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    if text.trim().is_empty() {
        return Err(refused("has no descriptor"));
    }
    let kind = text.split("createtype=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    if !["monolithicsparse", "streamoptimized"].contains(&kind) || text.matches("createtype").count() != 1 {
        return Err(refused(
            "is neither monolithicSparse nor streamOptimized: convert it with \"qemu-img convert\"",
        ));
    }
    let mut extents = 0;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        extents += usize::from(is_extent(line)?);
    }
    match extents {
        0 => Err(refused("names no extents")),
        _ => Ok(()),
    }
}

/// Whether a line names an extent; lines that are nothing known refuse the image.
fn is_extent(line: &str) -> Result<bool, Refusal> {
    let word = line.split([' ', '\t']).next().unwrap_or_default();
    if ["rw", "rdonly", "noaccess"].contains(&word) {
        if line.contains(['/', '\\']) {
            return Err(refused("names an extent in another folder"));
        }
        return Ok(true);
    }
    let field = line.split_once('=').map(|(name, value)| (name, value.trim_matches([' ', '"'])));
    match field {
        _ if line.starts_with("ddb") => Ok(false),
        Some(("parentfilenamehint", _)) => Err(refused("has a parent image")),
        Some(("parentcid", parent)) if parent != "ffffffff" => Err(refused("has a parent image")),
        Some((name, _)) if !name.contains(' ') => Ok(false),
        _ => Err(refused("has a line in its descriptor that means nothing known")),
    }
}
