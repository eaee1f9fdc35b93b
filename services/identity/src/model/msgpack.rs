//! The few forms of MessagePack that tokens and receipts consist of, as Keystone writes them.

use kernel::Micros;

fn hex_bytes(id: &str) -> Option<[u8; 16]> {
    (id.len() == 32).then(|| uuid::Uuid::try_parse(id).ok().map(uuid::Uuid::into_bytes)).flatten()
}

/// Writes one payload.
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn list(&mut self, length: usize) {
        match u8::try_from(length) {
            Ok(short) if short < 16 => self.0.push(0x90 | short),
            _ => {
                self.0.push(0xdc);
                self.0.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
            }
        }
    }

    pub(super) fn number(&mut self, number: u64) {
        match u8::try_from(number) {
            Ok(small) if small < 0x80 => self.0.push(small),
            _ => {
                self.0.push(0xcf);
                self.0.extend(number.to_be_bytes());
            }
        }
    }

    /// A time: seconds as a float.
    pub(super) fn moment(&mut self, at: Micros) {
        #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 fit for centuries")]
        let seconds = at.0 as f64 / 1e6;
        self.0.push(0xcb);
        self.0.extend(seconds.to_be_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend([0xc4, u8::try_from(bytes.len()).unwrap_or(u8::MAX)]);
        self.0.extend(&bytes[..bytes.len().min(255)]);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.0.extend([0xd9, u8::try_from(text.len()).unwrap_or(u8::MAX)]);
        self.0.extend(&text.as_bytes()[..text.len().min(255)]);
    }

    /// An id as bytes if it can be, else as text.
    pub(super) fn bare_id(&mut self, id: &str) {
        match hex_bytes(id) {
            Some(bytes) => self.bytes(&bytes),
            None => self.text(id),
        }
    }

    /// A pair: whether the id travels as bytes, and the id.
    pub(super) fn id(&mut self, id: &str) {
        self.list(2);
        match hex_bytes(id) {
            Some(bytes) => {
                self.0.push(0xc3);
                self.bytes(&bytes);
            }
            None => {
                self.0.push(0xc2);
                self.text(id);
            }
        }
    }
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Number(u64),
    Float(f64),
    Flag(bool),
    Nothing,
    Bytes(Vec<u8>),
    List(Vec<Item>),
}

/// The items of the list that a payload is; `None` if it is none.
pub(super) fn items(bytes: &[u8]) -> Option<std::vec::IntoIter<Item>> {
    Reader { bytes }.one(0)?.list().map(Vec::into_iter)
}

struct Reader<'a> {
    bytes: &'a [u8],
}

/// Lists in lists, at most so deep.
const DEEPEST: u8 = 4;

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (head, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|one| one[0])
    }

    fn unsigned(&mut self, width: usize) -> Option<u64> {
        Some(self.take(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn data(&mut self, length: u64) -> Option<Item> {
        self.take(usize::try_from(length).ok()?).map(|bytes| Item::Bytes(bytes.to_vec()))
    }

    fn items(&mut self, count: u64, depth: u8) -> Option<Item> {
        (depth < DEEPEST && count <= 64).then_some(())?;
        (0..count).map(|_| self.one(depth + 1)).collect::<Option<Vec<_>>>().map(Item::List)
    }

    fn one(&mut self, depth: u8) -> Option<Item> {
        match self.byte()? {
            small @ 0..=0x7f => Some(Item::Number(u64::from(small))),
            list @ 0x90..=0x9f => self.items(u64::from(list & 0x0f), depth),
            text @ 0xa0..=0xbf => self.data(u64::from(text & 0x1f)),
            0xc0 => Some(Item::Nothing),
            0xc2 => Some(Item::Flag(false)),
            0xc3 => Some(Item::Flag(true)),
            0xc4 | 0xd9 => self.unsigned(1).and_then(|length| self.data(length)),
            0xc5 | 0xda => self.unsigned(2).and_then(|length| self.data(length)),
            0xcb => self.unsigned(8).map(|bits| Item::Float(f64::from_bits(bits))),
            0xcc => self.unsigned(1).map(Item::Number),
            0xcd => self.unsigned(2).map(Item::Number),
            0xce => self.unsigned(4).map(Item::Number),
            0xcf => self.unsigned(8).map(Item::Number),
            0xdc => self.unsigned(2).and_then(|count| self.items(count, depth)),
            _ => None,
        }
    }
}

impl Item {
    pub(super) fn list(self) -> Option<Vec<Self>> {
        if let Self::List(all) = self { Some(all) } else { None }
    }

    pub(super) fn number(self) -> Option<u64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// A time: seconds as a float, or as a number.
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are small")]
    #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
    pub(super) fn moment(self) -> Option<Micros> {
        let seconds = match self {
            Self::Float(number) => number,
            Self::Number(number) => number as f64,
            _ => return None,
        };
        (seconds.is_finite() && seconds.abs() <= 1e11).then(|| Micros((seconds * 1e6).round() as i64))
    }

    pub(super) fn audit_id(self) -> Option<String> {
        use base64::Engine;
        if let Self::Bytes(bytes) = self {
            Some(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
        } else {
            None
        }
    }

    /// An id that is bytes if it has 16 of them, else text.
    pub(super) fn bare_id(self) -> Option<String> {
        let Self::Bytes(bytes) = self else { return None };
        match uuid::Uuid::from_slice(&bytes) {
            Ok(id) => Some(id.simple().to_string()),
            Err(_) => String::from_utf8(bytes).ok(),
        }
    }

    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Bytes(text) => String::from_utf8(text).ok(),
            _ => None,
        }
    }

    pub(super) fn id(self) -> Option<String> {
        let mut pair = self.list()?.into_iter();
        match (pair.next()?, pair.next()?) {
            (Self::Flag(true), bytes) => bytes.bare_id(),
            (Self::Flag(false), Self::Bytes(text)) => String::from_utf8(text).ok(),
            _ => None,
        }
    }
}
