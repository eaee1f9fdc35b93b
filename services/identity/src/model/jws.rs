//! Tokens that anybody can read and nobody can make: JSON Web Signatures (RFC 7515) with ES256, as Keystone's provider
//! `jws` gives them out.
//!
//! Whoever has the public keys can check such a token without asking. Signing is deterministic (RFC 6979): of the same
//! claims and key comes the same token, so that a cloud with a seed repeats.

use super::token::{Delegation, Federation, MOST_GROUPS, Payload, Scope};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Micros;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::pkcs8::DecodePublicKey;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The header of every token.
const HEADER: &str = r#"{"alg":"ES256","typ":"JWT"}"#;
/// How many audit ids and methods a token can have that we read: more were never given out.
const MOST: usize = 16;

/// A private key, and the public one that belongs to it.
pub struct Pair {
    secret: Zeroizing<[u8; 32]>,
    public: PublicKey,
}

impl Pair {
    /// The pair of a private key; `None` if it is none, as it happens to one of four billion random ones.
    pub fn of(secret: [u8; 32]) -> Option<Self> {
        let key = SigningKey::from_slice(&secret).ok()?;
        Some(Self { secret: Zeroizing::new(secret), public: PublicKey(*key.verifying_key()) })
    }

    /// The private key as the store keeps it.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The public key.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }
}

/// A key that checks signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// A key from the store; `None` if it is no point of the curve.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        VerifyingKey::from_sec1_bytes(bytes).ok().map(Self)
    }

    /// A key from a file (PEM), as Keystone keeps it.
    pub fn of_pem(text: &str) -> Option<Self> {
        VerifyingKey::from_public_key_pem(text).ok().map(Self)
    }

    /// The key as the store keeps it.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.to_sec1_point(false).as_bytes().to_vec()
    }
}

/// What a token says, in the order and with the names that Keystone gives it.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    iat: i64,
    exp: i64,
    openstack_methods: Vec<String>,
    openstack_audit_ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    openstack_system: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    openstack_domain_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    openstack_project_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    openstack_trust_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    openstack_group_ids: Option<Vec<Group>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    openstack_idp_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    openstack_protocol_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    openstack_access_token_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    openstack_app_cred_id: Option<String>,
    /// The certificate without which a token of Keystone's counts for nothing. None is asked for here.
    #[serde(default, skip_serializing)]
    openstack_thumbprint: Option<IgnoredAny>,
}

/// A group that an identity provider's word brought along.
#[derive(Deserialize, Serialize)]
struct Group {
    id: String,
}

impl Claims {
    fn of(payload: &Payload, issued_at: Micros) -> Self {
        let mut claims = Self {
            sub: payload.user_id.clone(),
            iat: issued_at.0 / 1_000_000,
            exp: payload.expires_at.0 / 1_000_000,
            openstack_methods: payload.methods.clone(),
            openstack_audit_ids: payload.audit_ids.clone(),
            openstack_system: None,
            openstack_domain_id: None,
            openstack_project_id: None,
            openstack_trust_id: None,
            openstack_group_ids: None,
            openstack_idp_id: None,
            openstack_protocol_id: None,
            openstack_access_token_id: None,
            openstack_app_cred_id: None,
            openstack_thumbprint: None,
        };
        match &payload.scope {
            Scope::Unscoped => {}
            Scope::System => claims.openstack_system = Some("all".to_owned()),
            Scope::Domain(id) => claims.openstack_domain_id = Some(id.clone()),
            Scope::Project(id) => claims.openstack_project_id = Some(id.clone()),
        }
        match &payload.delegation {
            None => {}
            Some(Delegation::Trust(id)) => claims.openstack_trust_id = Some(id.clone()),
            Some(Delegation::Federation(word)) => {
                let groups = word.group_ids.iter().map(|id| Group { id: id.clone() });
                claims.openstack_group_ids = Some(groups.collect());
                claims.openstack_idp_id = Some(word.provider_id.clone());
                claims.openstack_protocol_id = Some(word.protocol_id.clone());
            }
            Some(Delegation::Access(id)) => claims.openstack_access_token_id = Some(id.clone()),
            Some(Delegation::Credential(id)) => claims.openstack_app_cred_id = Some(id.clone()),
        }
        claims
    }

    /// What they mean; `None` if they contradict themselves.
    fn payload(self) -> Option<(Payload, Micros)> {
        let scope = match (self.openstack_system, self.openstack_domain_id, self.openstack_project_id) {
            (None, None, None) => Scope::Unscoped,
            (Some(_), None, None) => Scope::System,
            (None, Some(id), None) => Scope::Domain(id),
            (None, None, Some(id)) => Scope::Project(id),
            _ => return None,
        };
        let lent = (self.openstack_trust_id, self.openstack_access_token_id, self.openstack_app_cred_id);
        let delegation = match lent {
            (None, None, None) => None,
            (Some(id), None, None) => Some(Delegation::Trust(id)),
            (None, Some(id), None) => Some(Delegation::Access(id)),
            (None, None, Some(id)) => Some(Delegation::Credential(id)),
            _ => return None,
        };
        // What was lent was lent for a project.
        if delegation.is_some() && !matches!(scope, Scope::Project(_)) {
            return None;
        }
        let federation = match (self.openstack_idp_id, self.openstack_protocol_id) {
            (None, None) => None,
            (Some(provider_id), Some(protocol_id)) if delegation.is_none() => {
                let groups = self.openstack_group_ids.unwrap_or_default();
                let group_ids: Vec<String> = groups.into_iter().map(|group| group.id).collect();
                (group_ids.len() <= MOST_GROUPS).then_some(Some(Delegation::Federation(Federation {
                    group_ids,
                    provider_id,
                    protocol_id,
                })))?
            }
            _ => return None,
        };
        let delegation = delegation.or(federation);
        if self.openstack_thumbprint.is_some() {
            return None;
        }
        if self.openstack_methods.len() > MOST || !(1..=MOST).contains(&self.openstack_audit_ids.len()) {
            return None;
        }
        let payload = Payload {
            user_id: self.sub,
            methods: self.openstack_methods,
            scope,
            expires_at: Micros(self.exp.checked_mul(1_000_000)?),
            audit_ids: self.openstack_audit_ids,
            delegation,
        };
        Some((payload, Micros(self.iat.checked_mul(1_000_000)?)))
    }
}

/// Whether a text looks like such a token: a Fernet token has no dots.
pub fn is_jws(text: &str) -> bool {
    text.contains('.')
}

/// Signs what a token says.
pub fn sign(pair: &Pair, payload: &Payload, issued_at: Micros) -> Option<String> {
    let claims = serde_json::to_string(&Claims::of(payload, issued_at)).ok()?;
    signed(pair, HEADER, &claims)
}

/// Signs claims of any kind below any header.
pub fn signed(pair: &Pair, header: &str, claims: &str) -> Option<String> {
    let key = SigningKey::from_slice(pair.secret()).ok()?;
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature: Signature = key.try_sign(signed.as_bytes()).ok()?;
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())))
}

/// What a token says that one of the keys signed, and when it did.
pub fn read(keys: &[PublicKey], text: &str) -> Option<(Payload, Micros)> {
    let (signed, signature) = text.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    if !is_es256(&URL_SAFE_NO_PAD.decode(header).ok()?) {
        return None;
    }
    let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    // Reading is cheap and checking is not: what is no token of ours is not checked.
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let said = claims.payload()?;
    keys.iter().any(|key| key.0.verify(signed.as_bytes(), &signature).is_ok()).then_some(said)
}

/// Whether a header names the one algorithm that we know, and demands nothing else (RFC 7515, `crit`).
fn is_es256(header: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
        crit: Option<serde_json::Value>,
    }
    serde_json::from_slice(header).is_ok_and(|header: Header| header.alg == "ES256" && header.crit.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(byte: u8) -> Pair {
        Pair::of([byte; 32]).unwrap()
    }

    fn payload(scope: Scope, delegation: Option<Delegation>) -> Payload {
        Payload {
            user_id: "0123456789abcdef0123456789abcdef".into(),
            methods: vec!["password".into(), "token".into()],
            scope,
            expires_at: Micros(1_795_222_619_000_000),
            audit_ids: vec!["AAAAAAAAAAAAAAAAAAAAAA".into()],
            delegation,
        }
    }

    #[test]
    fn what_is_signed_is_read() {
        let project = || Scope::Project("p".into());
        let word = || {
            let (group_ids, provider_id, protocol_id) = (vec!["g".into()], "corp".into(), "openid".into());
            Some(Delegation::Federation(Federation { group_ids, provider_id, protocol_id }))
        };
        for (scope, delegation) in [
            (Scope::Unscoped, word()),
            (Scope::Domain("default".into()), word()),
            (project(), word()),
            (Scope::Unscoped, None),
            (Scope::System, None),
            (Scope::Domain("default".into()), None),
            (project(), None),
            (project(), Some(Delegation::Trust("t".into()))),
            (project(), Some(Delegation::Access("a".into()))),
            (project(), Some(Delegation::Credential("c".into()))),
        ] {
            let said = (payload(scope, delegation), Micros(1_795_219_019_000_000));
            let text = sign(&pair(1), &said.0, said.1).unwrap();
            assert_eq!(text, sign(&pair(1), &said.0, said.1).unwrap(), "it repeats");
            let keys = [*pair(2).public(), *pair(1).public()];
            assert_eq!(read(&keys, &text), Some(said));
            assert_eq!(read(&keys[..1], &text), None, "a stranger signed it");
        }
    }

    /// The example of RFC 7515, appendix A.3, whose claims are none of a token.
    #[test]
    fn the_signature_of_the_specification_is_checked() {
        let number = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let (x, y) = (
            number("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
            number("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
        );
        let key = PublicKey::of(&[vec![4], x, y].concat()).unwrap();
        let signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature =
            number("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
        let signature = Signature::from_slice(&signature).unwrap();
        assert!(key.0.verify(signed.as_bytes(), &signature).is_ok());
        assert!(key.0.verify(&signed.as_bytes()[1..], &signature).is_err());
        assert_eq!(PublicKey::of(&key.bytes()), Some(key));
    }

    /// What Keystone 30 writes for somebody for whom a provider vouches; without groups the list stays, empty.
    #[test]
    fn somebody_from_elsewhere_is_written_as_keystone_does() {
        let said = |group_ids: &[&str]| {
            let group_ids = group_ids.iter().map(|id| (*id).to_owned()).collect();
            let (provider_id, protocol_id) = ("corp".into(), "openid".into());
            let word = Delegation::Federation(Federation { group_ids, provider_id, protocol_id });
            let payload = payload(Scope::Project("p".into()), Some(word));
            serde_json::to_value(Claims::of(&payload, Micros(1_795_219_019_000_000))).unwrap()
        };
        let mut wanted = serde_json::json!({
            "sub": "0123456789abcdef0123456789abcdef", "iat": 1_795_219_019, "exp": 1_795_222_619,
            "openstack_methods": ["password", "token"], "openstack_audit_ids": ["AAAAAAAAAAAAAAAAAAAAAA"],
            "openstack_project_id": "p", "openstack_group_ids": [{"id": "g"}, {"id": "h"}],
            "openstack_idp_id": "corp", "openstack_protocol_id": "openid",
        });
        assert_eq!(said(&["g", "h"]), wanted);
        wanted["openstack_group_ids"] = serde_json::json!([]);
        assert_eq!(said(&[]), wanted);
    }

    #[test]
    fn other_algorithms_and_contradictions_are_refused() {
        let token =
            |header: &str, claims: serde_json::Value| signed(&pair(1), header, &claims.to_string()).unwrap();
        let claims = |more: serde_json::Value| {
            let mut claims = serde_json::json!({
                "sub": "u", "iat": 1, "exp": 2, "openstack_methods": ["password"], "openstack_audit_ids": ["a"],
            });
            claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            claims
        };
        let nothing = || serde_json::json!({});
        let good = |text: &str| read(&[*pair(1).public()], text).is_some();
        assert!(good(&token(HEADER, claims(nothing()))));
        for header in
            [r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#, r#"{"alg":"ES256","crit":["x"]}"#, "{}", "x"]
        {
            assert!(!good(&token(header, claims(nothing()))), "{header}");
        }
        for more in [
            serde_json::json!({"openstack_system": "all", "openstack_project_id": "p"}),
            serde_json::json!({"openstack_trust_id": "t"}),
            serde_json::json!({"openstack_project_id": "p", "openstack_trust_id": "t", "openstack_app_cred_id": "c"}),
            serde_json::json!({"openstack_audit_ids": []}),
            serde_json::json!({"openstack_thumbprint": "bound to a certificate"}),
            serde_json::json!({"openstack_idp_id": "corp"}),
            serde_json::json!({"openstack_protocol_id": "openid"}),
            serde_json::json!({"openstack_project_id": "p", "openstack_trust_id": "t", "openstack_idp_id": "corp", "openstack_protocol_id": "openid"}),
            serde_json::json!({"openstack_idp_id": "corp", "openstack_protocol_id": "openid", "openstack_group_ids": vec![serde_json::json!({"id": "g"}); MOST_GROUPS + 1]}),
            serde_json::json!({"exp": i64::MAX}),
            serde_json::json!({"sub": 7}),
        ] {
            assert!(!good(&token(HEADER, claims(more.clone()))), "{more}");
        }
        let whole = token(HEADER, claims(nothing()));
        let unsigned = whole.rsplit_once('.').unwrap().0;
        for text in ["", ".", "..", "a.b.c", unsigned, &format!("{unsigned}."), &format!(".{whole}")] {
            assert!(!good(text), "{text}");
        }
    }
}
