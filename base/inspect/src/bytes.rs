//! Reading numbers and pieces out of images, never further than the image goes.

use crate::{Format, PREFIX, Refusal};
use std::io::{Read, Seek, SeekFrom};

/// An image that can be read at any place.
pub struct Image<'a, F> {
    file: &'a mut F,
    /// Its length in bytes.
    pub length: u64,
}

impl<'a, F: Read + Seek> Image<'a, F> {
    /// Measures the image.
    pub fn new(file: &'a mut F) -> Result<Self, Refusal> {
        let length = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
        Ok(Self { file, length })
    }

    /// The bytes at a place: fewer when the image ends before. The caller bounds `length`.
    pub fn read(&mut self, at: u64, length: usize) -> Result<Vec<u8>, Refusal> {
        let mut bytes = Vec::new();
        if at < self.length {
            self.file.seek(SeekFrom::Start(at)).map_err(unreadable)?;
            self.file.take(length as u64).read_to_end(&mut bytes).map_err(unreadable)?;
        }
        Ok(bytes)
    }
}

/// The beginning of an image.
pub fn read_prefix<F: Read + Seek>(image: &mut Image<'_, F>) -> Result<Vec<u8>, Refusal> {
    image.read(0, PREFIX)
}

fn unreadable(error: std::io::Error) -> Refusal {
    Refusal::Unreadable(error.to_string())
}

fn piece<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Numbers in a header of some format; one that the header is too short for refuses the image.
#[derive(Clone, Copy)]
pub struct Header<'a> {
    /// The header.
    pub bytes: &'a [u8],
    /// Whose it is.
    pub format: Format,
}

impl Header<'_> {
    fn part<const N: usize>(&self, at: usize) -> Result<[u8; N], Refusal> {
        piece(self.bytes, at).ok_or_else(|| Refusal::of(self.format, "is cut short"))
    }

    /// A big-endian number of four bytes.
    pub fn be32(&self, at: usize) -> Result<u32, Refusal> {
        self.part(at).map(u32::from_be_bytes)
    }

    /// A big-endian number of eight bytes.
    pub fn be64(&self, at: usize) -> Result<u64, Refusal> {
        self.part(at).map(u64::from_be_bytes)
    }

    /// A big-endian number of two bytes.
    pub fn be16(&self, at: usize) -> Result<u16, Refusal> {
        self.part(at).map(u16::from_be_bytes)
    }

    /// A little-endian number of two bytes.
    pub fn le16(&self, at: usize) -> Result<u16, Refusal> {
        self.part(at).map(u16::from_le_bytes)
    }

    /// A little-endian number of four bytes.
    pub fn le32(&self, at: usize) -> Result<u32, Refusal> {
        self.part(at).map(u32::from_le_bytes)
    }

    /// A little-endian number of eight bytes.
    pub fn le64(&self, at: usize) -> Result<u64, Refusal> {
        self.part(at).map(u64::from_le_bytes)
    }
}
