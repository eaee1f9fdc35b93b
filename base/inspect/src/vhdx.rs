//! Microsoft's new format: regions found through a table, metadata found through another (MS-VHDX).

use crate::bytes::{Header, Image};
use crate::{Format, Refusal};
use std::io::{Read, Seek};

const TABLE: usize = 64 << 10;
const MOST_ENTRIES: usize = 2047;
/// Ids as they lie in the file: the first three fields are little-endian.
const METADATA: [u8; 16] = id(0x8b7c_a206, 0x4790, 0x4b9a, 0xb8fe_575f_050f_886e);
const DISK_SIZE: [u8; 16] = id(0x2fa5_4224, 0xcd1b, 0x4876, 0xb211_5dbe_d83b_f4b8);
const PARAMETERS: [u8; 16] = id(0xcaa1_6737, 0xfa36, 0x4d43, 0xb3b6_33f0_aa44_e76b);
const PARENT: [u8; 16] = id(0xa8d3_5f2d, 0xb30b, 0x454d, 0xabf7_d3d8_4834_ab0c);

const fn id(a: u32, b: u16, c: u16, d: u64) -> [u8; 16] {
    let (a, b, c, d) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes(), d.to_be_bytes());
    [a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]]
}

fn refused(why: impl Into<String>) -> Refusal {
    Refusal::of(Format::Vhdx, why)
}

/// Finds the metadata; returns the size of the disk.
pub fn check<F: Read + Seek>(image: &mut Image<'_, F>) -> Result<u64, Refusal> {
    let metadata = metadata(image)?;
    let table = image.read(metadata, TABLE)?;
    let header = Header { bytes: &table, format: Format::Vhdx };
    if !table.starts_with(b"metadata") {
        return Err(refused("has no metadata where it says"));
    }
    let count = usize::from(header.le16(10)?);
    if count > MOST_ENTRIES {
        return Err(refused(format!("claims {count} entries of metadata")));
    }
    let mut size = None;
    for entry in entries(&table, 32, count) {
        let at = Header { bytes: entry, format: Format::Vhdx }.le32(16)?;
        let place = metadata.saturating_add(u64::from(at));
        match entry.get(..16) {
            Some(id) if id == DISK_SIZE => size = Some(number(image, place)?),
            Some(id) if id == PARAMETERS && number(image, place)? >> 33 & 1 == 1 => {
                return Err(refused("is a difference to a parent image"));
            }
            Some(id) if id == PARENT => return Err(refused("is a difference to a parent image")),
            _ => {}
        }
    }
    size.ok_or_else(|| refused("does not tell its size"))
}

/// Where the region with the metadata is.
fn metadata<F: Read + Seek>(image: &mut Image<'_, F>) -> Result<u64, Refusal> {
    let table = image.read(192 << 10, TABLE)?;
    let header = Header { bytes: &table, format: Format::Vhdx };
    if !table.starts_with(b"regi") {
        return Err(refused("has no table of regions"));
    }
    let count = usize::try_from(header.le32(8)?).unwrap_or(usize::MAX);
    if count > MOST_ENTRIES {
        return Err(refused(format!("claims {count} regions")));
    }
    let found = entries(&table, 16, count).find(|entry| entry.get(..16) == Some(&METADATA));
    let entry = found.ok_or_else(|| refused("has no metadata"))?;
    Header { bytes: entry, format: Format::Vhdx }.le64(16)
}

/// Entries of 32 bytes after a table's own header.
fn entries(table: &[u8], first: usize, count: usize) -> impl Iterator<Item = &[u8]> {
    table.get(first..).unwrap_or_default().chunks_exact(32).take(count)
}

fn number<F: Read + Seek>(image: &mut Image<'_, F>, at: u64) -> Result<u64, Refusal> {
    let bytes = image.read(at, 8)?;
    Header { bytes: &bytes, format: Format::Vhdx }.le64(0)
}
