//! Looks at disk images without trusting them: what format they really are, and whether they are safe to open.
//!
//! An image is what its owner declares it to be, or it is refused: nothing is guessed. A format that can name other
//! files (backing files, data files, extents, parents) may not do so, because the next program that opens the image
//! would open them too. Numbers that lead outside the image are refused before anybody follows them. Images are hostile
//! input: nothing here panics, and memory is bounded whatever a header claims.
//!
//! * [`inspect`]: a whole image that can be read at any place
//! * [`Stream`]: an image on its way in: a wrong one is refused after its first 64 KiB
//! * one module for each format that has an inside to look at

mod bytes;
mod detect;
mod iso;
mod luks;
mod mbr;
mod qcow2;
mod stream;
mod vdi;
mod vhd;
mod vhdx;
mod vmdk;

pub use qcow2::{Backing, backing};
pub use stream::Stream;

use bytes::{Image, read_prefix};
use std::fmt;
use std::io::{Read, Seek};

/// How much of an image's beginning tells all formats apart.
pub const PREFIX: usize = 64 << 10;

/// What the content of an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Bytes of a disk, in no format that we know.
    Raw,
    /// Bytes of a disk that is partitioned (MBR or GPT): a raw image.
    Gpt,
    /// QEMU's copy-on-write format.
    Qcow2,
    /// QEMU's short-lived enhanced format.
    Qed,
    /// VMware's format.
    Vmdk,
    /// VirtualBox's format.
    Vdi,
    /// Microsoft's old format (`vpc` in QEMU).
    Vhd,
    /// Microsoft's new format.
    Vhdx,
    /// A CD, DVD or other optical disc.
    Iso,
    /// An encrypted disk.
    Luks,
    /// Parallels' and Virtuozzo's format.
    Ploop,
}

impl Format {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Gpt => "gpt",
            Self::Qcow2 => "qcow2",
            Self::Qed => "qed",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
            Self::Iso => "iso",
            Self::Luks => "luks",
            Self::Ploop => "ploop",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What was found out about an image that is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// What its content is.
    pub format: Format,
    /// The size in bytes of the disk that a guest sees.
    pub virtual_size: u64,
    /// The size in bytes of the image itself.
    pub bytes: u64,
}

/// Why an image is refused: one sentence for its owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not what it is declared to be.
    #[error("The image is declared as {declared} but its content is {detected}.")]
    Mismatch {
        /// The format in the request.
        declared: String,
        /// The format of the content.
        detected: Format,
    },
    /// It would be read as different things by different programs.
    #[error("The content of the image is several formats at once: {0}.")]
    Ambiguous(String),
    /// Nobody can look into such an image.
    #[error("The image format {0} is not supported.")]
    Unsupported(String),
    /// It is in a format that we know, but not in a form that is safe.
    #[error("The {format} image {why}.")]
    Unsafe {
        /// Its format.
        format: Format,
        /// The rest of the sentence.
        why: String,
    },
    /// The image's file failed.
    #[error("The image cannot be read: {0}.")]
    Unreadable(String),
}

impl Refusal {
    fn of(format: Format, why: impl Into<String>) -> Self {
        Self::Unsafe { format, why: why.into() }
    }
}

/// Inspects a whole image against the format that it is declared to have (`raw`, `qcow2`, …, as the API writes it).
pub fn inspect(declared: &str, file: &mut (impl Read + Seek)) -> Result<Inspection, Refusal> {
    let mut image = Image::new(file)?;
    let bytes = image.length;
    let prefix = read_prefix(&mut image)?;
    let mut found = detect::formats(&prefix);
    if found.is_empty() && declared == "vhd" && vhd::has_footer(&mut image)? {
        found.push(Format::Vhd);
    }
    let format = detect::agree(declared, &found)?;
    let virtual_size = match format {
        Format::Qcow2 => qcow2::check(&mut image, &prefix)?,
        Format::Vmdk => vmdk::check(&mut image, &prefix)?,
        Format::Vdi => vdi::check(&prefix)?,
        Format::Vhd => vhd::check(&mut image, &prefix)?,
        Format::Vhdx => vhdx::check(&mut image)?,
        Format::Iso => iso::size(&prefix).unwrap_or(bytes),
        Format::Luks => luks::check(&prefix, bytes)?,
        Format::Gpt => {
            mbr::check(&prefix)?;
            bytes
        }
        Format::Qed => return Err(Refusal::Unsupported("qed".into())),
        Format::Raw | Format::Ploop => bytes,
    };
    if i64::try_from(virtual_size).is_err() {
        return Err(Refusal::of(format, format!("claims an impossible size of {virtual_size} bytes")));
    }
    Ok(Inspection { format, virtual_size, bytes })
}

#[cfg(test)]
mod tests;
