//! JSON and paths as OpenStack's metadata service writes and reads them: some guests compare bytes.

use serde::Serialize;
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// JSON with a space after commas and colons, and only ASCII.
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut text, Spaced);
    // Values of JSON can always be written to memory.
    let _ = value.serialize(&mut writer);
    text
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for letter in fragment.chars() {
            // Python leaves DEL as it is, too.
            if letter.is_ascii() {
                writer.write_all(&[letter as u8])?;
            } else {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

/// The parts of a path, without empty ones and `.`, and with `..` followed.
pub(crate) fn parts(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_spaced_and_ascii() {
        let value = serde_json::json!({"a": [1, "b\n\u{1f600}é"], "c": {}, "d": []});
        assert_eq!(json(&value), br#"{"a": [1, "b\n\ud83d\ude00\u00e9"], "c": {}, "d": []}"#);
    }

    #[test]
    fn paths_are_normalised() {
        assert_eq!(parts("//latest/./meta-data/../user-data/"), ["latest", "user-data"]);
        assert!(parts("/../").is_empty());
    }
}
