//! Microsoft's old format: a footer of 512 bytes at the end, and in dynamic images also in front.

use crate::bytes::{Header, Image};
use crate::{Format, Refusal};
use std::io::{Read, Seek};

const FOOTER: usize = 512;

/// A fixed image has its mark at the end only.
pub fn has_footer<F: Read + Seek>(image: &mut Image<'_, F>) -> Result<bool, Refusal> {
    Ok(footer(image)?.starts_with(b"conectix"))
}

fn footer<F: Read + Seek>(image: &mut Image<'_, F>) -> Result<Vec<u8>, Refusal> {
    image.read(image.length.saturating_sub(FOOTER as u64), FOOTER)
}

/// Checks the kind; returns the size of the disk.
pub fn check<F: Read + Seek>(image: &mut Image<'_, F>, prefix: &[u8]) -> Result<u64, Refusal> {
    let dynamic = prefix.starts_with(b"conectix");
    let end = footer(image)?;
    let header = Header { bytes: if dynamic { prefix } else { &end }, format: Format::Vhd };
    match (header.be32(60)?, dynamic) {
        (2, false) | (3, true) => header.be64(48),
        (4, _) => Err(Refusal::of(Format::Vhd, "is a difference to a parent image")),
        (kind, _) => Err(Refusal::of(Format::Vhd, format!("is of the unknown type {kind}"))),
    }
}
