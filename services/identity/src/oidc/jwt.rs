//! JSON web tokens: what one says, and whether one of a provider's keys signed it.
//!
//! Only signatures with public keys count: `none`, and what is signed with a shared secret, are no signatures here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::{Map, Value};

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 << 10;

/// A token, taken apart. Nothing that it says may be believed before [`Jwt::signed_by`].
#[derive(Debug)]
pub struct Jwt<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// Takes a token apart; `None` if it is none.
    pub fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.').filter(|_| text.len() <= LONGEST)?;
        let (header, claims) = signed.split_once('.')?;
        let part = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { header: part(header)?, claims: part(claims)?, signed, signature })
    }

    /// The name of the key that is said to have signed it.
    pub fn key(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// What it says, if one of the keys signed it.
    pub fn signed_by(&self, keys: &[Value]) -> Option<&Map<String, Value>> {
        let algorithm = self.header.get("alg").and_then(Value::as_str)?;
        // Extensions that must be understood are not.
        if self.header.contains_key("crit") {
            return None;
        }
        let named =
            |key: &&Value| self.key().is_none_or(|name| key["kid"].as_str().is_none_or(|own| own == name));
        let fit = keys.iter().filter(named).filter(|key| {
            key["use"].as_str().is_none_or(|purpose| purpose == "sig")
                && key["alg"].as_str().is_none_or(|own| own == algorithm)
        });
        let right = |key: &Value| verify(key, algorithm, self.signed.as_bytes(), &self.signature).is_some();
        fit.into_iter().any(right).then_some(&self.claims)
    }
}

fn verify(key: &Value, algorithm: &str, message: &[u8], signature: &[u8]) -> Option<()> {
    let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str()?.trim_end_matches('=')).ok();
    let kind = (key["kty"].as_str()?, key["crv"].as_str().unwrap_or_default());
    let plain: (&dyn VerificationAlgorithm, Vec<u8>) = match (algorithm, kind) {
        ("RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512", ("RSA", _)) => {
            let rsa = match algorithm {
                "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
                "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
                "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
                "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
                "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
                _ => &signature::RSA_PSS_2048_8192_SHA512,
            };
            let own = RsaPublicKeyComponents { n: part("n")?, e: part("e")? };
            return own.verify(rsa, message, signature).ok();
        }
        ("ES256", ("EC", "P-256")) => (&signature::ECDSA_P256_SHA256_FIXED, point(part("x")?, part("y")?)),
        ("ES384", ("EC", "P-384")) => (&signature::ECDSA_P384_SHA384_FIXED, point(part("x")?, part("y")?)),
        ("EdDSA", ("OKP", "Ed25519")) => (&signature::ED25519, part("x")?),
        _ => return None,
    };
    UnparsedPublicKey::new(plain.0, plain.1).verify(message, signature).ok()
}

/// A point of a curve, not compressed.
fn point(x: Vec<u8>, y: Vec<u8>) -> Vec<u8> {
    let mut all = vec![4];
    all.extend(x);
    all.extend(y);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::json;

    fn encoded(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A signer, and its public key as a provider shows it.
    fn signer() -> (EcdsaKeyPair, Value) {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        let key = json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": encoded(&point[1..33]), "y": encoded(&point[33..])});
        (pair, key)
    }

    fn token(pair: &EcdsaKeyPair, header: Value) -> String {
        let signed = format!("{}.{}", encoded(header.to_string()), encoded(r#"{"sub":"ann"}"#));
        let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encoded(signature))
    }

    #[test]
    fn a_key_of_the_provider_signed_it_or_nobody_did() {
        let ((ours, key), (strange, _)) = (signer(), signer());
        let keys = [key];
        let right = token(&ours, json!({"alg": "ES256", "kid": "k"}));
        assert_eq!(Jwt::read(&right).unwrap().signed_by(&keys).unwrap()["sub"], "ann");
        let no_name = token(&ours, json!({"alg": "ES256"}));
        assert!(Jwt::read(&no_name).unwrap().signed_by(&keys).is_some());
        for (pair, header) in [
            (&strange, json!({"alg": "ES256", "kid": "k"})),
            (&ours, json!({"alg": "ES256", "kid": "other"})),
            (&ours, json!({"alg": "none"})),
            (&ours, json!({"alg": "HS256", "kid": "k"})),
            (&ours, json!({"alg": "ES256", "kid": "k", "crit": ["x"]})),
        ] {
            let wrong = token(pair, header.clone());
            assert!(Jwt::read(&wrong).unwrap().signed_by(&keys).is_none(), "{header}");
        }
        let (head, rest) = right.split_once('.').unwrap();
        let changed = format!("{head}.{}.{}", encoded(r#"{"sub":"eve"}"#), rest.split_once('.').unwrap().1);
        assert!(Jwt::read(&changed).unwrap().signed_by(&keys).is_none());
    }

    /// Everybody has the public key: what is signed with it as with a shared secret is signed by nobody.
    #[test]
    fn neither_no_signature_nor_one_with_the_public_key_counts() {
        use hmac::{Hmac, KeyInit, Mac};
        let (pair, key) = signer();
        let shared = json!({"kty": "oct", "kid": "k", "k": encoded("secret")});
        let keys = [key.clone(), shared];
        let point = pair.public_key().as_ref().to_vec();
        for secret in
            [point.clone(), point[1..].to_vec(), key.to_string().into_bytes(), b"secret".to_vec(), Vec::new()]
        {
            for (algorithm, kid) in [("HS256", Some("k")), ("HS256", None), ("ES256", Some("k"))] {
                let header = json!({"alg": algorithm, "kid": kid});
                let signed = format!("{}.{}", encoded(header.to_string()), encoded(r#"{"sub":"ann"}"#));
                let mac = <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(&secret).unwrap();
                let signature = mac.chain_update(&signed).finalize().into_bytes();
                let text = format!("{signed}.{}", encoded(signature));
                assert!(Jwt::read(&text).unwrap().signed_by(&keys).is_none(), "{header}");
            }
        }
        for algorithm in ["none", "None", "NONE", "nOnE", "", "ES256", "HS256", "RS256", "EdDSA"] {
            let header = json!({"alg": algorithm, "kid": "k"});
            let unsigned = format!("{}.{}.", encoded(header.to_string()), encoded(r#"{"sub":"ann"}"#));
            assert!(Jwt::read(&unsigned).unwrap().signed_by(&keys).is_none(), "{header}");
        }
        let right = token(&pair, json!({"alg": "ES256", "kid": "k"}));
        assert!(Jwt::read(&right).unwrap().signed_by(&keys).is_some());
    }

    /// A key of a provider may be anything; what is none signs nothing.
    #[test]
    fn a_broken_key_signs_nothing() {
        let (pair, key) = signer();
        let right = token(&pair, json!({"alg": "ES256", "kid": "k"}));
        let jwt = Jwt::read(&right).unwrap();
        let mut broken = vec![json!(null), json!([]), json!("key"), json!({}), json!({"kty": ["EC"]})];
        let nothing = encoded([0; 32]);
        for (name, value) in [
            ("x", json!(nothing)),
            ("y", json!(nothing)),
            ("x", json!("")),
            ("x", json!(7)),
            ("y", json!("!")),
            ("crv", json!("P-384")),
            ("crv", json!(null)),
            ("kty", json!("RSA")),
            ("kty", json!("oct")),
            ("use", json!("enc")),
            ("alg", json!("ES384")),
            ("kid", json!("other")),
        ] {
            let mut other = key.clone();
            other[name] = value;
            broken.push(other);
        }
        for key in broken {
            assert!(jwt.signed_by(std::slice::from_ref(&key)).is_none(), "{key}");
        }
        assert!(jwt.signed_by(&[key]).is_some());
    }

    #[test]
    fn what_is_no_token_is_none() {
        for text in ["", "opaque", "a.b", "a.b.c", "e30.e30", "..", &"a".repeat(1 << 20)] {
            assert!(Jwt::read(text).is_none());
        }
    }
}
