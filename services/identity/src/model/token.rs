//! What a token says, packed as Keystone packs it: a MessagePack list whose first number tells the kind.
//!
//! Kinds that are given out: 0 unscoped, 1 domain, 2 project, 3 project by a trust, 8 system, 9 project by an
//! application credential. Ids of 32 hex digits travel as 16 bytes; a Keystone with the same keys reads our tokens, and
//! we read its.

use kernel::Micros;

/// The methods in the order in which their bits are given out.
const METHODS: [&str; 8] =
    ["external", "password", "token", "oauth1", "mapped", "application_credential", "ec2credential", "totp"];

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing yet.
    Unscoped,
    /// A project.
    Project(String),
    /// A domain.
    Domain(String),
    /// The whole system.
    System,
}

/// What a token was had of besides its owner's proof: its scope is then a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delegation {
    /// An application credential, by id.
    Credential(String),
    /// A trust, by id.
    Trust(String),
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Whose it is.
    pub user_id: String,
    /// How the owner proved to be who he is.
    pub methods: Vec<String>,
    /// What it is for.
    pub scope: Scope,
    /// When it ends.
    pub expires_at: Micros,
    /// Its own audit id, then that of the token it descends from.
    pub audit_ids: Vec<String>,
    /// What else it was had of.
    pub delegation: Option<Delegation>,
}

impl Payload {
    /// Packs it.
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(96));
        let (kind, length) = match (&self.scope, &self.delegation) {
            (Scope::Unscoped, _) => (0, 5),
            (Scope::Domain(_), _) => (1, 6),
            (Scope::Project(_), None) => (2, 6),
            (Scope::Project(_), Some(Delegation::Trust(_))) => (3, 7),
            (Scope::System, _) => (8, 6),
            (Scope::Project(_), Some(Delegation::Credential(_))) => (9, 7),
        };
        out.list(length);
        out.number(kind);
        out.id(&self.user_id);
        out.number(self.method_bits());
        match &self.scope {
            Scope::Unscoped => {}
            Scope::Project(id) => out.id(id),
            Scope::Domain(id) => out.bare_id(id),
            Scope::System => out.text("all"),
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "the format has seconds as a float; microseconds fit for centuries"
        )]
        out.float(self.expires_at.0 as f64 / 1e6);
        out.list(self.audit_ids.len());
        for id in &self.audit_ids {
            out.bytes(&audit_bytes(id));
        }
        match (kind, &self.delegation) {
            (3, Some(Delegation::Trust(id))) => out.bare_id(id),
            (9, Some(Delegation::Credential(id))) => out.id(id),
            _ => {}
        }
        out.0
    }

    /// Unpacks a payload; `None` if it is none of the kinds that we give out or not well formed.
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        let mut all = Reader { bytes }.one(0)?.list()?.into_iter();
        let kind = all.next()?.number()?;
        let user_id = all.next()?.id()?;
        let methods = methods(all.next()?.number()?);
        let scope = match kind {
            0 => Scope::Unscoped,
            1 => Scope::Domain(all.next()?.bare_id()?),
            2 | 3 | 9 => Scope::Project(all.next()?.id()?),
            8 => all.next().map(|_| Scope::System)?,
            _ => return None,
        };
        let seconds = all.next()?.float()?;
        if !seconds.is_finite() || seconds.abs() > 1e11 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
        let expires_at = Micros((seconds * 1e6).round() as i64);
        let audit_ids = all.next()?.list()?.into_iter().map(Item::audit_id).collect::<Option<_>>()?;
        let delegation = match kind {
            3 => Some(Delegation::Trust(all.next()?.bare_id()?)),
            9 => Some(Delegation::Credential(all.next()?.id()?)),
            _ => None,
        };
        Some(Self { user_id, methods, scope, expires_at, audit_ids, delegation })
    }

    fn method_bits(&self) -> u64 {
        let bit =
            |name: &String| METHODS.iter().position(|method| method == name).map_or(0, |place| 1 << place);
        self.methods.iter().fold(0, |bits, name| bits | bit(name))
    }
}

fn methods(bits: u64) -> Vec<String> {
    let set = METHODS.iter().enumerate().filter(|(place, _)| bits & (1 << place) != 0);
    set.map(|(_, name)| (*name).to_owned()).collect()
}

fn hex_bytes(id: &str) -> Option<[u8; 16]> {
    (id.len() == 32).then(|| uuid::Uuid::try_parse(id).ok().map(uuid::Uuid::into_bytes)).flatten()
}

/// Audit ids are base64url of 16 random bytes, without padding.
pub fn audit_id(bytes: [u8; 16]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn audit_bytes(id: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(id).unwrap_or_default()
}

/// The few forms of MessagePack that payloads consist of.
struct Writer(Vec<u8>);

impl Writer {
    fn list(&mut self, length: usize) {
        self.0.push(0x90 | u8::try_from(length).unwrap_or(15).min(15));
    }

    fn number(&mut self, number: u64) {
        match u8::try_from(number) {
            Ok(small) if small < 0x80 => self.0.push(small),
            _ => {
                self.0.push(0xcf);
                self.0.extend(number.to_be_bytes());
            }
        }
    }

    fn float(&mut self, number: f64) {
        self.0.push(0xcb);
        self.0.extend(number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend([0xc4, u8::try_from(bytes.len()).unwrap_or(u8::MAX)]);
        self.0.extend(&bytes[..bytes.len().min(255)]);
    }

    fn text(&mut self, text: &str) {
        self.0.extend([0xd9, u8::try_from(text.len()).unwrap_or(u8::MAX)]);
        self.0.extend(&text.as_bytes()[..text.len().min(255)]);
    }

    /// An id as bytes if it can be, else as text.
    fn bare_id(&mut self, id: &str) {
        match hex_bytes(id) {
            Some(bytes) => self.bytes(&bytes),
            None => self.text(id),
        }
    }

    /// A pair: whether the id travels as bytes, and the id.
    fn id(&mut self, id: &str) {
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

#[derive(Clone, Debug, PartialEq)]
enum Item {
    Number(u64),
    Float(f64),
    Flag(bool),
    Nothing,
    Bytes(Vec<u8>),
    List(Vec<Item>),
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
    fn list(self) -> Option<Vec<Self>> {
        if let Self::List(all) = self { Some(all) } else { None }
    }

    fn number(self) -> Option<u64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are small")]
    fn float(self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(number),
            Self::Number(number) => Some(number as f64),
            _ => None,
        }
    }

    fn audit_id(self) -> Option<String> {
        use base64::Engine;
        if let Self::Bytes(bytes) = self {
            Some(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
        } else {
            None
        }
    }

    /// An id that is bytes if it has 16 of them, else text.
    fn bare_id(self) -> Option<String> {
        let Self::Bytes(bytes) = self else { return None };
        match uuid::Uuid::from_slice(&bytes) {
            Ok(id) => Some(id.simple().to_string()),
            Err(_) => String::from_utf8(bytes).ok(),
        }
    }

    fn id(self) -> Option<String> {
        let mut pair = self.list()?.into_iter();
        match (pair.next()?, pair.next()?) {
            (Self::Flag(true), bytes) => bytes.bare_id(),
            (Self::Flag(false), Self::Bytes(text)) => String::from_utf8(text).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(scope: Scope) -> Payload {
        Payload {
            user_id: "0123456789abcdef0123456789abcdef".into(),
            methods: vec!["password".into(), "token".into()],
            scope,
            expires_at: Micros(1_795_222_619_000_000),
            audit_ids: vec![audit_id([7; 16]), audit_id([8; 16])],
            delegation: None,
        }
    }

    #[test]
    fn what_it_was_had_of_is_packed_too() {
        let project = Scope::Project("fedcba9876543210fedcba9876543210".into());
        for had_of in [Delegation::Credential("0f".repeat(16)), Delegation::Trust("0e".repeat(16))] {
            let payload = Payload { delegation: Some(had_of), ..payload(project.clone()) };
            assert_eq!(Payload::unpack(&payload.pack()), Some(payload));
        }
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let scopes = [
            Scope::Unscoped,
            Scope::Project("fedcba9876543210fedcba9876543210".into()),
            Scope::Project("not-hex".into()),
            Scope::Domain("default".into()),
            Scope::Domain("fedcba9876543210fedcba9876543210".into()),
            Scope::System,
        ];
        for scope in scopes {
            let payload = payload(scope);
            assert_eq!(Payload::unpack(&payload.pack()), Some(payload));
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = payload(Scope::System).pack();
        for cut in 0..whole.len() {
            assert_eq!(Payload::unpack(&whole[..cut]), None);
        }
        for at in 0..whole.len() {
            for byte in [0x00, 0x9f, 0xdc, 0xc5, 0xcb, 0xff] {
                let mut bad = whole.clone();
                bad[at] = byte;
                let _ = Payload::unpack(&bad);
            }
        }
    }
}
