//! An image on its way in: a wrong one is refused after its first 64 KiB, before the rest is stored.
//!
//! This only turns the obvious away early. What counts is [`crate::inspect`] on the finished file.

use crate::bytes::Header;
use crate::{Format, PREFIX, Refusal, detect, qcow2};

/// Watches the beginning of an image go by.
#[derive(Debug)]
pub struct Stream {
    declared: String,
    prefix: Vec<u8>,
    decided: bool,
}

impl Stream {
    /// For an image that is declared to have this format.
    pub fn new(declared: &str) -> Self {
        Self { declared: declared.to_owned(), prefix: Vec::new(), decided: false }
    }

    /// The next piece. Once it has refused, it has refused for good; once it has not, later pieces cost nothing.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        if self.decided {
            return Ok(());
        }
        let missing = PREFIX - self.prefix.len();
        self.prefix.extend_from_slice(&chunk[..chunk.len().min(missing)]);
        if self.prefix.len() < PREFIX { Ok(()) } else { self.decide() }
    }

    /// There are no more pieces.
    pub fn finish(mut self) -> Result<(), Refusal> {
        if self.decided { Ok(()) } else { self.decide() }
    }

    fn decide(&mut self) -> Result<(), Refusal> {
        let found = detect::formats(&self.prefix);
        // The mark of a fixed VHD is at its end.
        let may_be_fixed = self.declared == "vhd" && found.is_empty();
        if !may_be_fixed && detect::agree(&self.declared, &found)? == Format::Qcow2 {
            qcow2::features(&Header { bytes: &self.prefix, format: Format::Qcow2 })?;
        }
        self.decided = true;
        self.prefix = Vec::new();
        Ok(())
    }
}
