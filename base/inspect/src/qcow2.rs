//! QEMU's copy-on-write format, versions 2 and 3 (docs/interop/qcow2.txt of QEMU).

use crate::bytes::{Header, Image};
use crate::{Format, Refusal};
use std::io::{Read, Seek};

/// Incompatible features that change nothing for a reader: dirty reference counts, and a compression type.
const HARMLESS: u64 = 1 << 0 | 1 << 3;
const CORRUPT: u64 = 1 << 1;
const DATA_FILE: u64 = 1 << 2;
const EXTENDED_L2: u64 = 1 << 4;
/// QEMU's own bounds.
const LARGEST_TABLE: u64 = 32 << 20;
const LARGEST_REFCOUNTS: u64 = 8 << 20;
const MOST_SNAPSHOTS: u32 = 65_536;

fn refused(why: impl Into<String>) -> Refusal {
    Refusal::of(Format::Qcow2, why)
}

/// What a qcow2 image of our own lies on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backing {
    /// Its path, absolute or relative to the image's folder.
    pub name: String,
    /// Its format, where the image says so.
    pub format: Option<String>,
}

/// Reads what an image lies on; `None` when on nothing, or when it is no qcow2 image. Only for images that we have made
/// ourselves: one from elsewhere that lies on anything is refused by [`crate::inspect`].
pub fn backing(file: &mut (impl Read + Seek)) -> Result<Option<Backing>, Refusal> {
    let mut image = Image::new(file)?;
    let bytes = image.read(0, crate::PREFIX)?;
    let header = Header { bytes: &bytes, format: Format::Qcow2 };
    if !bytes.starts_with(b"QFI\xfb") || header.be64(8)? == 0 {
        return Ok(None);
    }
    let outside = || refused("names its backing file outside of its header");
    let at = usize::try_from(header.be64(8)?).map_err(|_| outside())?;
    let length = usize::try_from(header.be32(16)?).map_err(|_| outside())?;
    let name = at.checked_add(length).and_then(|end| bytes.get(at..end)).ok_or_else(outside)?;
    let name = String::from_utf8(name.to_vec()).map_err(|_| outside())?;
    Ok(Some(Backing { name, format: backing_format(&header)? }))
}

fn backing_format(header: &Header<'_>) -> Result<Option<String>, Refusal> {
    let mut at =
        if header.be32(4)? == 3 { usize::try_from(header.be32(100)?).unwrap_or(usize::MAX) } else { 72 };
    while at < header.bytes.len() {
        let (kind, length) = (header.be32(at)?, usize::try_from(header.be32(at + 4)?).unwrap_or(usize::MAX));
        let end = (at + 8).saturating_add(length);
        match kind {
            0 => break,
            0xe279_2aca => {
                let format =
                    header.bytes.get(at + 8..end).map(|text| String::from_utf8_lossy(text).into_owned());
                return Ok(format);
            }
            _ => at = end.saturating_add(7) & !7,
        }
    }
    Ok(None)
}

/// Checks what the first hundred bytes tell: version, backing and data files, features, encryption.
pub fn features(header: &Header<'_>) -> Result<(), Refusal> {
    let version = header.be32(4)?;
    if !(2..=3).contains(&version) {
        return Err(refused(format!("is of version {version}, where 2 and 3 are known")));
    }
    if header.be64(8)? != 0 || header.be32(16)? != 0 {
        return Err(refused("has a backing file: flatten it with \"qemu-img convert\" first"));
    }
    match header.be32(32)? {
        0 => {}
        1 | 2 => return Err(refused("is encrypted")),
        other => return Err(refused(format!("has the unknown encryption method {other}"))),
    }
    if version == 2 {
        return Ok(());
    }
    let features = header.be64(72)?;
    if features & DATA_FILE != 0 {
        return Err(refused("keeps its data in another file: convert it with \"qemu-img convert\" first"));
    }
    if features & CORRUPT != 0 {
        return Err(refused("is marked as corrupt: repair it with \"qemu-img check -r all\" first"));
    }
    if features & EXTENDED_L2 != 0 {
        return Err(refused("uses extended L2 entries, which are not supported"));
    }
    if features & !HARMLESS != 0 {
        return Err(refused(format!("uses unknown features ({:#x})", features & !HARMLESS)));
    }
    Ok(())
}

/// Checks the whole header and its tables' places; returns the size of the disk.
pub fn check<F: Read + Seek>(image: &mut Image<'_, F>, prefix: &[u8]) -> Result<u64, Refusal> {
    let header = Header { bytes: prefix, format: Format::Qcow2 };
    features(&header)?;
    let cluster_bits = header.be32(20)?;
    if !(9..=21).contains(&cluster_bits) {
        return Err(refused(format!(
            "has clusters of 2^{cluster_bits} bytes, where 9 to 21 bits are allowed"
        )));
    }
    let cluster = 1_u64 << cluster_bits;
    if header.be32(4)? == 3 {
        version_three(image, &header, cluster)?;
    } else {
        extensions(image, 72, cluster)?;
    }
    tables(image, &header, cluster)?;
    header.be64(24)?.checked_next_multiple_of(512).ok_or_else(|| refused("claims an impossible size"))
}

fn version_three<F: Read + Seek>(
    image: &mut Image<'_, F>,
    header: &Header<'_>,
    cluster: u64,
) -> Result<(), Refusal> {
    let length = u64::from(header.be32(100)?);
    if length < 104 || length > cluster || !length.is_multiple_of(8) {
        return Err(refused(format!("has a header of the impossible length {length}")));
    }
    if header.be32(96)? > 6 {
        return Err(refused("has reference counts of more than 64 bits"));
    }
    if length > 104 && header.be32(104)? >> 24 > 1 {
        return Err(refused("is compressed in an unknown way"));
    }
    extensions(image, length, cluster)
}

/// Walks the header's extensions: two of them name other files or keys.
fn extensions<F: Read + Seek>(image: &mut Image<'_, F>, mut at: u64, cluster: u64) -> Result<(), Refusal> {
    while at + 8 <= cluster && at + 8 <= image.length {
        let bytes = image.read(at, 8)?;
        let extension = Header { bytes: &bytes, format: Format::Qcow2 };
        let (kind, length) = (extension.be32(0)?, u64::from(extension.be32(4)?));
        match kind {
            0 => return Ok(()),
            0x4441_5441 => return Err(refused("names another file for its data")),
            0x0537_be77 => return Err(refused("is encrypted")),
            _ => {}
        }
        at += 8 + length.next_multiple_of(8);
        if at > cluster {
            return Err(refused("has a header extension that reaches out of its header"));
        }
    }
    Ok(())
}

fn tables<F: Read + Seek>(
    image: &mut Image<'_, F>,
    header: &Header<'_>,
    cluster: u64,
) -> Result<(), Refusal> {
    let size = header.be64(24)?;
    let entries = u64::from(header.be32(36)?);
    // A level-two table fills a cluster with entries of eight bytes, each for a cluster.
    let needed = size.div_ceil(cluster * (cluster / 8));
    if entries < needed {
        return Err(refused(format!(
            "has {entries} entries in its first table, where its size needs {needed}"
        )));
    }
    within(image, "first table", header.be64(40)?, entries * 8, LARGEST_TABLE, cluster)?;
    let refcounts = u64::from(header.be32(56)?) * cluster;
    within(image, "table of reference counts", header.be64(48)?, refcounts, LARGEST_REFCOUNTS, cluster)?;
    let snapshots = header.be32(60)?;
    if snapshots > MOST_SNAPSHOTS {
        return Err(refused(format!("claims {snapshots} snapshots")));
    }
    if snapshots > 0 {
        within(image, "table of snapshots", header.be64(64)?, u64::from(snapshots) * 40, u64::MAX, cluster)?;
    }
    Ok(())
}

fn within<F>(
    image: &Image<'_, F>,
    what: &str,
    at: u64,
    length: u64,
    most: u64,
    cluster: u64,
) -> Result<(), Refusal> {
    let end = at.checked_add(length);
    let fits = end.is_some_and(|end| end <= image.length.next_multiple_of(cluster));
    if length > most || !at.is_multiple_of(cluster) || (length > 0 && (at < cluster || !fits)) {
        return Err(refused(format!("has its {what} at an impossible place ({length} bytes at {at})")));
    }
    Ok(())
}
