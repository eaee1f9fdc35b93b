//! Key pairs: SSH public keys that servers are given, and keys made here for clients that still ask for that.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
use rsa::traits::PublicKeyParts;

/// A key pair, without its private half.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as in the API")]
pub struct Keypair {
    pub number: i64,
    pub user_id: String,
    pub name: String,
    pub kind: String,
    pub public_key: String,
    pub fingerprint: String,
    pub created_at: kernel::Micros,
}

/// Kinds of SSH keys that Nova's library reads.
const KINDS: &[&str] = &[
    "ssh-rsa",
    "ssh-ed25519",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// The MD5 fingerprint of an SSH public key; `None` when it is none.
pub fn fingerprint(public_key: &str) -> Option<String> {
    let mut words = public_key.split_whitespace();
    let (kind, data) = (words.next()?, words.next()?);
    let blob = STANDARD.decode(data).ok()?;
    let named = read_text(&blob)?;
    if kind != named || !KINDS.contains(&kind) || blob.len() < 4 + named.len() + 8 {
        return None;
    }
    Some(colons(&Md5::digest(&blob)))
}

/// The fingerprint of an X.509 certificate in PEM: SHA-1 over its DER form.
pub fn certificate_fingerprint(pem: &str) -> Option<String> {
    let body = pem.split("-----BEGIN CERTIFICATE-----").nth(1)?.split("-----END CERTIFICATE-----").next()?;
    let der = STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?;
    Some(colons(&sha1::Sha1::digest(&der)))
}

/// Makes an RSA key: the private half in PEM, the public one as SSH writes it. Takes its time: not for an async thread.
pub fn generated(seed: [u8; 32]) -> Result<(String, String), rsa::Error> {
    use rand_chacha::rand_core::SeedableRng;
    let mut random = rand_chacha::ChaCha20Rng::from_seed(seed);
    let key = rsa::RsaPrivateKey::new(&mut random, 2048)?;
    let private = key.to_pkcs1_pem(LineEnding::LF).map_err(|_| rsa::Error::Internal)?;
    let mut blob = Vec::new();
    for part in [b"ssh-rsa".to_vec(), number(&key.e_bytes()), number(&key.n_bytes())] {
        blob.extend(u32::try_from(part.len()).unwrap_or(0).to_be_bytes());
        blob.extend(part);
    }
    Ok((private.to_string(), format!("ssh-rsa {} Generated-by-Nova", STANDARD.encode(blob))))
}

/// A number as SSH writes it: big-endian, with a zero in front when the first bit is set.
fn number(bytes: &[u8]) -> Vec<u8> {
    let bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    let padding = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    padding.then_some(0).into_iter().chain(bytes).collect()
}

fn read_text(blob: &[u8]) -> Option<&str> {
    let length = u32::from_be_bytes(blob.get(..4)?.try_into().ok()?) as usize;
    std::str::from_utf8(blob.get(4..4 + length)?).ok()
}

fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_that_of_openssh() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@here";
        assert_eq!(fingerprint(key).unwrap(), "65:96:2d:fc:e8:d5:a9:11:64:0c:0f:ea:00:6e:5b:bd");
        for bad in [
            "",
            "ssh-rsa",
            "ssh-rsa x",
            "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
        ] {
            assert_eq!(fingerprint(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_generated_key_has_a_fingerprint() {
        let (private, public) = generated([7; 32]).unwrap();
        assert!(private.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
        assert!(fingerprint(&public).is_some());
    }
}
