//! What a token says, packed as Keystone packs it: a MessagePack list whose first number tells the kind.
//!
//! Kinds that are given out: 0 unscoped, 1 domain, 2 project, 3 project by a trust, 4 to 6 the first three of somebody for
//! whom an identity provider vouches, 7 project by OAuth 1.0, 8 system, 9 project by an application credential. Ids of 32
//! hex digits travel as 16 bytes; a Keystone with the same keys reads our tokens, and
//! we read its.

use super::msgpack::{self, Item, Writer};
use kernel::Micros;

/// The methods in the order in which their bits are given out: Keystone 30's usual ones, and after them what its operators
/// append.
pub(super) const METHODS: [&str; 9] = [
    "external",
    "password",
    "token",
    "oauth1",
    "mapped",
    "application_credential",
    "ec2credential",
    "totp",
    "openid",
];

/// The method of whoever came by a protocol of an identity provider: its name, as far as tokens can say it.
pub fn federated_method(protocol: &str) -> String {
    let known = METHODS.contains(&protocol) && !["password", "token", "external"].contains(&protocol);
    if known { protocol.to_owned() } else { "mapped".to_owned() }
}

/// In which form a token is given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Sealed: only the cloud reads it ([`super::fernet`]).
    Fernet,
    /// Signed: whoever has the public keys reads and checks it ([`super::jws`]).
    Jws,
}

impl Provider {
    /// The name in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fernet => "fernet",
            Self::Jws => "jws",
        }
    }

    /// The provider of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Fernet, Self::Jws].into_iter().find(|provider| provider.name() == name)
    }
}

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
    /// An access token of OAuth 1.0, by id.
    Access(String),
    /// The word of an identity provider; its scope is then a domain, too, or none.
    Federation(Federation),
}

/// Who vouched for a token's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Federation {
    /// The groups that came with it.
    pub group_ids: Vec<String>,
    /// The identity provider.
    pub provider_id: String,
    /// The protocol.
    pub protocol_id: String,
}

/// The most groups that a token can name.
pub const MOST_GROUPS: usize = 64;

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
            (Scope::Unscoped, Some(Delegation::Federation(_))) => (4, 8),
            (Scope::Project(_), Some(Delegation::Federation(_))) => (5, 9),
            (Scope::Domain(_), Some(Delegation::Federation(_))) => (6, 9),
            (Scope::Unscoped, _) => (0, 5),
            (Scope::Domain(_), _) => (1, 6),
            (Scope::Project(_), None) => (2, 6),
            (Scope::Project(_), Some(Delegation::Trust(_))) => (3, 7),
            (Scope::Project(_), Some(Delegation::Access(_))) => (7, 7),
            (Scope::System, _) => (8, 6),
            (Scope::Project(_), Some(Delegation::Credential(_))) => (9, 7),
        };
        out.list(length);
        out.number(kind);
        out.id(&self.user_id);
        out.number(method_bits(&self.methods));
        match &self.scope {
            Scope::Unscoped => {}
            Scope::Project(id) => out.id(id),
            Scope::Domain(id) if kind == 6 => out.id(id),
            Scope::Domain(id) => out.bare_id(id),
            Scope::System => out.text("all"),
        }
        if let (4..=6, Some(Delegation::Federation(federation))) = (kind, &self.delegation) {
            out.list(federation.group_ids.len());
            federation.group_ids.iter().for_each(|id| out.id(id));
            out.id(&federation.provider_id);
            out.text(&federation.protocol_id);
        }
        if let (7, Some(Delegation::Access(id))) = (kind, &self.delegation) {
            out.id(id);
        }
        out.moment(self.expires_at);
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
        let mut all = msgpack::items(bytes)?;
        let kind = all.next()?.number()?;
        let user_id = all.next()?.id()?;
        let methods = methods(all.next()?.number()?);
        let scope = match kind {
            0 | 4 => Scope::Unscoped,
            1 => Scope::Domain(all.next()?.bare_id()?),
            6 => Scope::Domain(all.next()?.id()?),
            2 | 3 | 5 | 7 | 9 => Scope::Project(all.next()?.id()?),
            8 => all.next().map(|_| Scope::System)?,
            _ => return None,
        };
        let early = match kind {
            4..=6 => Some(Delegation::Federation(Federation::unpack(&mut all)?)),
            7 => Some(Delegation::Access(all.next()?.id()?)),
            _ => None,
        };
        let expires_at = all.next()?.moment()?;
        let audit_ids = all.next()?.list()?.into_iter().map(Item::audit_id).collect::<Option<_>>()?;
        let delegation = match kind {
            3 => Some(Delegation::Trust(all.next()?.bare_id()?)),
            9 => Some(Delegation::Credential(all.next()?.id()?)),
            _ => early,
        };
        Some(Self { user_id, methods, scope, expires_at, audit_ids, delegation })
    }
}

impl Federation {
    fn unpack(items: &mut impl Iterator<Item = Item>) -> Option<Self> {
        let group_ids = items.next()?.list()?.into_iter().map(Item::id).collect::<Option<_>>()?;
        Some(Self { group_ids, provider_id: items.next()?.id()?, protocol_id: items.next()?.text()? })
    }
}

/// Methods as bits.
pub(super) fn method_bits(methods: &[String]) -> u64 {
    let bit = |name: &String| METHODS.iter().position(|method| method == name).map_or(0, |place| 1 << place);
    methods.iter().fold(0, |bits, name| bits | bit(name))
}

/// The methods of these bits.
pub(super) fn methods(bits: u64) -> Vec<String> {
    let set = METHODS.iter().enumerate().filter(|(place, _)| bits & (1 << place) != 0);
    set.map(|(_, name)| (*name).to_owned()).collect()
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
    fn methods_have_the_bits_that_keystone_gives_them() {
        let of_keystone =
            ["external", "password", "token", "oauth1", "mapped", "application_credential", "ec2credential"];
        for (place, name) in of_keystone.into_iter().enumerate() {
            assert_eq!(methods(1 << place), [name]);
            assert_eq!(method_bits(&[name.to_owned()]), 1 << place);
        }
    }

    #[test]
    fn what_it_was_had_of_is_packed_too() {
        let project = Scope::Project("fedcba9876543210fedcba9876543210".into());
        for had_of in [
            Delegation::Credential("0f".repeat(16)),
            Delegation::Trust("0e".repeat(16)),
            Delegation::Access("0d".repeat(16)),
        ] {
            let payload = Payload { delegation: Some(had_of), ..payload(project.clone()) };
            assert_eq!(Payload::unpack(&payload.pack()), Some(payload));
        }
    }

    #[test]
    fn who_vouched_is_packed_too() {
        let federation = Federation {
            group_ids: (0..20).map(|number| format!("{number:032x}")).chain(["not-hex".to_owned()]).collect(),
            provider_id: "corp".into(),
            protocol_id: "openid".into(),
        };
        for scope in [
            Scope::Unscoped,
            Scope::Project("fedcba9876543210fedcba9876543210".into()),
            Scope::Domain("default".into()),
        ] {
            let delegation = Some(Delegation::Federation(federation.clone()));
            let payload = Payload {
                methods: vec!["token".into(), "openid".into()],
                user_id: "0f".repeat(32),
                delegation,
                ..payload(scope)
            };
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
