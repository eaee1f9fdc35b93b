//! Fernet, as its specification has it: version 0x80, time, IV, AES-128-CBC, HMAC-SHA256, base64url.
//!
//! Keystone strips the padding of its tokens; both forms are read.

use aes::Aes128;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

const VERSION: u8 = 0x80;
const IV: usize = 16;
const HEAD: usize = 1 + 8 + IV;
const TAG: usize = 32;

/// A key: half for signing, half for encrypting.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key from the store; `None` if it has not 32 bytes.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The key as the store keeps it.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn mac(&self, data: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0[..16]).ok()?;
        mac.update(data);
        Some(mac)
    }
}

/// Encrypts `message`, stamped with `seconds` since the epoch.
pub fn seal(key: &Key, seconds: u64, iv: [u8; IV], message: &[u8]) -> Option<String> {
    let mut token = Vec::with_capacity(HEAD + message.len() + 16 + TAG);
    token.push(VERSION);
    token.extend(seconds.to_be_bytes());
    token.extend(iv);
    let cipher = cbc::Encryptor::<Aes128>::new_from_slices(&key.0[16..], &iv).ok()?;
    token.extend(cipher.encrypt_padded_vec::<Pkcs7>(message));
    let tag = key.mac(&token)?.finalize().into_bytes();
    token.extend(tag);
    Some(URL_SAFE_NO_PAD.encode(token))
}

/// Decrypts a token with the first of `keys` that signed it: the message and its time in seconds since the epoch.
pub fn open(keys: &[Key], token: &str) -> Option<(Vec<u8>, u64)> {
    let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).ok()?;
    if bytes.len() < HEAD + 16 + TAG || bytes[0] != VERSION {
        return None;
    }
    let (signed, tag) = bytes.split_at(bytes.len() - TAG);
    let key = keys.iter().find(|key| key.mac(signed).is_some_and(|mac| mac.verify_slice(tag).is_ok()))?;
    let seconds = u64::from_be_bytes(signed[1..9].try_into().ok()?);
    let cipher = cbc::Decryptor::<Aes128>::new_from_slices(&key.0[16..], &signed[9..HEAD]).ok()?;
    Some((cipher.decrypt_padded_vec::<Pkcs7>(&signed[HEAD..]).ok()?, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_the_specification() {
        let key: [u8; 32] = base64::engine::general_purpose::URL_SAFE
            .decode("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=")
            .unwrap()
            .try_into()
            .unwrap();
        let token = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
        let iv = std::array::from_fn(|i| u8::try_from(i).unwrap());
        assert_eq!(seal(&Key::new(key), 499_162_800, iv, b"hello").unwrap(), token.trim_end_matches('='));
        assert_eq!(open(&[Key::new(key)], token).unwrap(), (b"hello".to_vec(), 499_162_800));
    }

    #[test]
    fn a_changed_or_foreign_token_opens_nothing() {
        let (ours, other) = (Key::new([1; 32]), Key::new([2; 32]));
        let token = seal(&ours, 1, [0; 16], b"x").unwrap();
        assert!(open(std::slice::from_ref(&other), &token).is_none());
        assert!(open(&[other, ours.clone()], &token).is_some());
        for at in 0..token.len() {
            let mut bad = token.clone().into_bytes();
            bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
            let bad = String::from_utf8(bad).unwrap();
            assert!(
                bad == token || open(std::slice::from_ref(&ours), &bad).is_none() || at == token.len() - 1
            );
        }
        assert!(open(&[ours], "gAAAA").is_none());
    }
}
