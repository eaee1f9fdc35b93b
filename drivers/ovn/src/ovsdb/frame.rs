//! Cuts a stream of bytes into JSON objects. OVSDB's JSON-RPC has no framing of its own: a message ends where its
//! outermost brace closes.

/// The largest message that is taken: a full dump of a database of some 100,000 rows.
const LARGEST: usize = 256 << 20;

/// Why a stream cannot be cut.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A message does not begin with a brace.
    #[error("a message begins with byte {0:#04x} instead of a brace")]
    NotAnObject(u8),
    /// A message is larger than any database.
    #[error("a message is larger than {LARGEST} bytes")]
    TooLarge,
}

/// Collects bytes and gives back whole objects. Each byte is looked at once.
#[derive(Debug, Default)]
pub struct Splitter {
    buffer: Vec<u8>,
    scanned: usize,
    depth: u32,
    in_string: bool,
    escaped: bool,
}

impl Splitter {
    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole object, if all of it has come.
    pub fn next_object(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        if self.depth == 0 && self.scanned == 0 {
            let blank = self.buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            self.buffer.drain(..blank);
        }
        while let Some(&byte) = self.buffer.get(self.scanned) {
            if self.depth == 0 && byte != b'{' {
                return Err(FrameError::NotAnObject(byte));
            }
            self.scanned += 1;
            if self.ends_with(byte) {
                let rest = self.buffer.split_off(self.scanned);
                self.scanned = 0;
                return Ok(Some(std::mem::replace(&mut self.buffer, rest)));
            }
        }
        if self.buffer.len() > LARGEST { Err(FrameError::TooLarge) } else { Ok(None) }
    }

    /// Steps over a byte; true when it closes the outermost brace.
    fn ends_with(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_out_whole_however_they_are_cut() {
        let stream = br#"{"a":"}\"{"} {"b":[{"c":"\\"}]}{"d":1}"#;
        for size in 1..stream.len() {
            let mut splitter = Splitter::default();
            let mut found = Vec::new();
            for piece in stream.chunks(size) {
                splitter.push(piece);
                while let Some(object) = splitter.next_object().unwrap() {
                    found.push(String::from_utf8(object).unwrap());
                }
            }
            assert_eq!(found, [r#"{"a":"}\"{"}"#, r#"{"b":[{"c":"\\"}]}"#, r#"{"d":1}"#]);
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        let mut splitter = Splitter::default();
        splitter.push(b"  HTTP/1.1 400");
        assert_eq!(splitter.next_object(), Err(FrameError::NotAnObject(b'H')));
    }
}
