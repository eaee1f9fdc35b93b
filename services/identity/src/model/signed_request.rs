//! A request that a program signed after RFC 5849 (OAuth 1.0), and what is signed of it.
//!
//! It may be signed in each way that works with Keystone: HMAC with SHA-1, SHA-256 or SHA-512, or, for whoever trusts TLS,
//! by showing the secrets (`PLAINTEXT`). Keystone's library names RSA too, but programs have no place for such a key.
//!
//! The signature covers the address as the client wrote it, which a server cannot know for sure: it may be asked under
//! several names, and somebody before it may have taken the TLS off. A signature for one of the addresses that lead here
//! counts.

use super::ec2::encoded;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use kernel::Micros;
use percent_encoding::percent_decode_str;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;

/// The way of signing that shows the secrets themselves.
const PLAIN: &str = "PLAINTEXT";
/// The ways of signing.
const METHODS: [&str; 4] = ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", PLAIN];
/// How far the client's clock may be off, in seconds.
const LEEWAY: u64 = 600;

/// A signed request.
#[derive(Clone, Default)]
pub struct Signed {
    /// What the header says, decoded.
    own: BTreeMap<String, String>,
    /// What else is signed: the query's pairs.
    query: Vec<(String, String)>,
    /// The addresses that the client may have asked, in the form that is signed.
    addresses: Vec<String>,
}

impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signed({})", self.consumer())
    }
}

/// Why a request cannot even be checked: an error of OAuth, and its description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The kind.
    pub error: &'static str,
    /// For people.
    pub description: &'static str,
}

const fn invalid(description: &'static str) -> Flaw {
    Flaw { error: "invalid_request", description }
}

impl Signed {
    /// Reads a header `Authorization: OAuth …`; `None` if it is none. Of a parameter that is given twice the last one
    /// counts.
    pub fn of(header: &str) -> Option<Self> {
        let (scheme, rest) = header.split_at_checked("OAuth ".len())?;
        if !scheme.eq_ignore_ascii_case("OAuth ") {
            return None;
        }
        let mut own = BTreeMap::new();
        for item in items(rest) {
            let (name, value) = item.split_once('=')?;
            let value = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value);
            let value = match name.starts_with("oauth_") {
                true => percent_decode_str(value).decode_utf8_lossy().into_owned(),
                false => value.to_owned(),
            };
            own.insert(name.to_owned(), value);
        }
        Some(Self { own, ..Self::default() })
    }

    /// Adds an address that the client may have asked: `http://Cloud:80/v3`.
    #[must_use]
    pub fn at(mut self, scheme: &str, host: &str, path: &str) -> Self {
        let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        let usual = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(usual).unwrap_or(&host);
        self.addresses.push(format!("{scheme}://{host}{path}"));
        self
    }

    /// Adds the query.
    #[must_use]
    pub fn with<'a>(mut self, query: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        self.query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        self
    }

    fn word(&self, name: &str) -> &str {
        self.own.get(name).map_or("", String::as_str)
    }

    /// The program that signed it; empty if it does not say.
    pub fn consumer(&self) -> &str {
        self.word("oauth_consumer_key")
    }

    /// The request or access token that it was signed with; empty if there is none.
    pub fn token(&self) -> &str {
        self.word("oauth_token")
    }

    /// What the user told the program; empty if there is nothing.
    pub fn verifier(&self) -> &str {
        self.word("oauth_verifier")
    }

    /// Where the user shall be sent back to; empty if it does not say.
    pub fn callback(&self) -> &str {
        self.word("oauth_callback")
    }

    /// Why it cannot be checked, in the order and the words of the library that Keystone uses.
    pub fn flaw(&self, now: Micros) -> Option<Flaw> {
        let needed = ["oauth_signature", "oauth_consumer_key", "oauth_nonce", "oauth_timestamp", METHOD_NAME];
        if needed.iter().any(|name| self.word(name).is_empty()) {
            return Some(invalid("Missing mandatory OAuth parameters."));
        }
        if !METHODS.contains(&self.word(METHOD_NAME)) {
            let description =
                "Invalid signature, the method is none of HMAC-SHA1, HMAC-SHA256, HMAC-SHA512 and PLAINTEXT";
            return Some(Flaw { error: "invalid_signature_method", description });
        }
        if self.own.get("oauth_version").is_some_and(|version| version != "1.0") {
            return Some(invalid("Invalid OAuth version."));
        }
        let stamp = self.word("oauth_timestamp");
        if stamp.chars().count() != 10 {
            return Some(invalid("Invalid timestamp size"));
        }
        let Ok(seconds) = stamp.parse::<i64>() else {
            return Some(invalid("Timestamp must be an integer."));
        };
        if (now.0 / 1_000_000).abs_diff(seconds) > LEEWAY {
            return Some(invalid("Timestamp given is invalid, differ from allowed by over 600 seconds."));
        }
        if !is_id(self.consumer()) {
            return Some(invalid("Invalid client key format."));
        }
        if !is_hex(self.word("oauth_nonce")) {
            return Some(invalid("Invalid nonce format."));
        }
        None
    }

    /// Whether it was signed with these secrets; the second one is empty where there is no token yet.
    pub fn is_by(&self, consumer_secret: &str, token_secret: &str) -> bool {
        let (method, signature) = (self.word(METHOD_NAME), self.word("oauth_signature"));
        let key = format!("{}&{}", encoded(consumer_secret), encoded(token_secret));
        if method == PLAIN {
            return key.as_bytes().ct_eq(signature.as_bytes()).into();
        }
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        let parameters = encoded(&self.parameters());
        self.addresses.iter().any(|address| {
            let text = format!("POST&{}&{parameters}", encoded(address));
            match method {
                "HMAC-SHA1" => signs::<Hmac<Sha1>>(&key, &text, &signature),
                "HMAC-SHA256" => signs::<Hmac<Sha256>>(&key, &text, &signature),
                "HMAC-SHA512" => signs::<Hmac<Sha512>>(&key, &text, &signature),
                _ => false,
            }
        })
    }

    /// The parameters in the one form that is signed.
    fn parameters(&self) -> String {
        let unsigned = ["realm", "oauth_signature"];
        let own = self.own.iter().filter(|(name, _)| !unsigned.contains(&name.as_str()));
        let query = self.query.iter().map(|(name, value)| (name, value));
        let mut pairs: Vec<(String, String)> =
            own.chain(query).map(|(name, value)| (encoded(name), encoded(value))).collect();
        pairs.sort_unstable();
        let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }
}

const METHOD_NAME: &str = "oauth_signature_method";

/// Whether a signature is what a key makes of a text.
fn signs<M: Mac + KeyInit>(key: &str, text: &str, signature: &[u8]) -> bool {
    <M as KeyInit>::new_from_slice(key.as_bytes())
        .is_ok_and(|mac| mac.chain_update(text).verify_slice(signature).is_ok())
}

/// Whether a text can be the id of a program or a token.
pub fn is_id(text: &str) -> bool {
    text.len() == 32 && is_hex(text)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What stands between commas that are in no quotes.
fn items(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let between = move |letter: char| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    };
    text.split(between).map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 5849, section 1.2: a printer makes an access token of its request token at a photo site.
    #[test]
    fn the_example_of_the_specification() {
        let header = "OAuth realm=\"Photos\",
            oauth_consumer_key=\"dpf43f3p2l4k3l03\", oauth_token=\"hh5s93j4hdidpola\",
            oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"137131201\", oauth_nonce=\"walatlh\",
            oauth_verifier=\"hfdp7dh39dks9884\", oauth_signature=\"gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D\"";
        let signed = Signed::of(header).unwrap().at("HTTPS", "Photos.Example.net:443", "/token");
        assert_eq!((signed.token(), signed.verifier()), ("hh5s93j4hdidpola", "hfdp7dh39dks9884"));
        assert!(signed.is_by("kd94hf93k423kf44", "hdhd0244k9j7ao03"));
        assert!(!signed.is_by("kd94hf93k423kf44", ""));
        assert!(!signed.is_by("", "hdhd0244k9j7ao03"));
        let elsewhere = Signed::of(header).unwrap().at("https", "photos.example.org", "/token");
        assert!(!elsewhere.is_by("kd94hf93k423kf44", "hdhd0244k9j7ao03"));
        let there = elsewhere.at("https", "photos.example.net", "/token");
        assert!(there.is_by("kd94hf93k423kf44", "hdhd0244k9j7ao03"));
    }

    /// The same request signed in the other ways, as Keystone's library does it.
    #[test]
    fn other_ways_of_signing() {
        let sha512 =
            "1jDJiZKsCBj23AFezE9Ei6L4GecR9ZrPZijZiPg%2F6dc3bMlVups5S1SNOJ4nuTt7KvlSutkhw466DQOUxFvNOA%3D%3D";
        for (method, signature) in [
            ("HMAC-SHA1", "gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D"),
            ("HMAC-SHA256", "KsGfKsC7SCZdsYZZzGFtRuFozrI8gOCe8%2B7Xdl7DC1E%3D"),
            ("HMAC-SHA512", sha512),
            ("PLAINTEXT", "kd94hf93k423kf44%26hdhd0244k9j7ao03"),
        ] {
            let by = |method: &str, signature: &str| {
                let header = format!(
                    "OAuth oauth_consumer_key=\"dpf43f3p2l4k3l03\", oauth_token=\"hh5s93j4hdidpola\",
                     oauth_signature_method=\"{method}\", oauth_timestamp=\"137131201\", oauth_nonce=\"walatlh\",
                     oauth_verifier=\"hfdp7dh39dks9884\", oauth_signature=\"{signature}\""
                );
                Signed::of(&header).unwrap().at("https", "photos.example.net", "/token")
            };
            let signed = by(method, signature);
            assert!(signed.is_by("kd94hf93k423kf44", "hdhd0244k9j7ao03"), "{method}");
            assert!(!signed.is_by("kd94hf93k423kf44", "hdhd0244k9j7ao04"), "{method}");
            assert!(!signed.is_by("kd94hf93k423kf44", ""), "{method}");
            let cut = signature.strip_suffix("3D").unwrap_or(&signature[..10]);
            for (method, signature) in [("HMAC-MD5", signature), (method, cut), (method, "")] {
                assert!(
                    !by(method, signature).is_by("kd94hf93k423kf44", "hdhd0244k9j7ao03"),
                    "{method} {signature}"
                );
            }
        }
    }

    #[test]
    fn the_query_is_signed_too() {
        let signed = |pairs: &[(&'static str, &'static str)]| {
            let header = "OAuth oauth_consumer_key=\"9djdj82h48djs9d2\",oauth_token=\"kkk9d7dh3k39sjv7\",\
                          oauth_signature_method=\"HMAC-SHA1\",oauth_timestamp=\"137131201\",oauth_nonce=\"7d8f3e4a\"";
            Signed::of(header).unwrap().with(pairs.iter().copied()).parameters()
        };
        // From section 3.4.1.3.2, without what stands in the body there.
        assert_eq!(
            signed(&[("b5", "=%3D"), ("a3", "a"), ("c@", ""), ("a2", "r b"), ("a3", "2 q")]),
            "a2=r%20b&a3=2%20q&a3=a&b5=%3D%253D&c%40=&oauth_consumer_key=9djdj82h48djs9d2&oauth_nonce=7d8f3e4a\
             &oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131201&oauth_token=kkk9d7dh3k39sjv7"
        );
    }

    #[test]
    fn what_cannot_be_checked_is_told_why() {
        let good = [
            ("oauth_consumer_key", "0123456789abcdef0123456789abcdef"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "1371312010"),
            ("oauth_nonce", "7d8f3e4a"),
            ("oauth_version", "1.0"),
            ("oauth_signature", "c2ln"),
        ];
        let flaw = |name: &str, value: &str, now: Micros| {
            let pairs = good.iter().map(|(own, kept)| (*own, if *own == name { value } else { *kept }));
            let text: Vec<String> = pairs.map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            let found = Signed::of(&format!("oauth {}", text.join(", "))).unwrap().flaw(now);
            found.map(|flaw| flaw.description)
        };
        let now = Micros(1_371_312_010_000_000);
        assert_eq!(flaw("", "", now), None);
        for (name, value, wanted) in [
            ("oauth_signature", "", "Missing mandatory OAuth parameters."),
            (
                "oauth_signature_method",
                "RSA-SHA1",
                "Invalid signature, the method is none of HMAC-SHA1, HMAC-SHA256, HMAC-SHA512 and PLAINTEXT",
            ),
            ("oauth_version", "2.0", "Invalid OAuth version."),
            ("oauth_timestamp", "137131201", "Invalid timestamp size"),
            ("oauth_timestamp", "yesterday!", "Timestamp must be an integer."),
            ("oauth_consumer_key", "printer", "Invalid client key format."),
            ("oauth_nonce", "wIjqoxSZ", "Invalid nonce format."),
        ] {
            assert_eq!(flaw(name, value, now), Some(wanted), "{name} {value}");
        }
        let late = "Timestamp given is invalid, differ from allowed by over 600 seconds.";
        assert_eq!(flaw("", "", Micros(now.0 + 601_000_000)), Some(late));
        assert_eq!(flaw("", "", Micros(now.0 - 600_000_000)), None);
        for header in ["", "OAuth", "Basic abc", "OAuth a", "OAuth a=b, c", "ÖAuth a=b"] {
            assert!(Signed::of(header).is_none(), "{header}");
        }
    }
}
