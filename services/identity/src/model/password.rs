//! Password hashes in the formats that Keystone keeps: bcrypt (its default), bcrypt_sha256, scrypt, pbkdf2_sha512.
//!
//! Hashing is dear on purpose: it is only ever done on the threads of [`crate::hashing`].

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

/// What bcrypt looks at of a password, in bytes; Keystone cuts there too.
const BCRYPT_LONGEST: usize = 72;
/// The most that a stored hash may ask for, so that an imported row cannot stop the cloud.
const DEAREST_BCRYPT: u32 = 16;
const DEAREST_SCRYPT: u8 = 18;
const MOST_ROUNDS: u32 = 2_000_000;

/// Standard base64 without padding, as modular crypt strings of scrypt have it.
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LOOSE);
const LOOSE: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// Hashes a password with bcrypt at `cost`.
pub fn hash(password: &[u8], cost: u32, salt: [u8; 16]) -> Option<String> {
    let parts = bcrypt::hash_with_salt(cut(password), cost, salt).ok()?;
    Some(parts.format_for_version(bcrypt::Version::TwoB))
}

/// Whether the password belongs to the hash. A hash in a format that we do not know belongs to none.
pub fn verify(password: &[u8], hash: &str) -> bool {
    let mut parts = hash.strip_prefix('$').unwrap_or_default().split('$');
    match parts.next().unwrap_or_default() {
        "2b" | "2a" | "2y" | "2x" => {
            bcrypt_cost(hash) && bcrypt::verify(cut(password), hash).unwrap_or(false)
        }
        "bcrypt-sha256" => bcrypt_sha256(password, hash).unwrap_or(false),
        "scrypt" => scrypt(password, parts).unwrap_or(false),
        "pbkdf2-sha512" => pbkdf2_sha512(password, parts).unwrap_or(false),
        _ => false,
    }
}

/// Whether a hash has a form that [`verify`] can check.
pub fn is_known(hash: &str) -> bool {
    let forms = ["2b", "2a", "2y", "2x", "bcrypt-sha256", "scrypt", "pbkdf2-sha512"];
    hash.split('$').nth(1).is_some_and(|form| forms.contains(&form))
}

fn cut(password: &[u8]) -> &[u8] {
    &password[..password.len().min(BCRYPT_LONGEST)]
}

fn bcrypt_cost(hash: &str) -> bool {
    hash.split('$').nth(2).and_then(|cost| cost.parse().ok()).is_some_and(|cost: u32| cost <= DEAREST_BCRYPT)
}

/// `$bcrypt-sha256$v=2,t=2b,r=12$SALT$DIGEST`: bcrypt of base64(HMAC-SHA256(salt, password)).
fn bcrypt_sha256(password: &[u8], hash: &str) -> Option<bool> {
    let mut parts = hash.split('$').skip(2);
    let settings = parts.next()?;
    let (salt, digest) = (parts.next()?, parts.next()?);
    let cost = settings.split(',').find_map(|one| one.strip_prefix("r="))?;
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(salt.as_bytes()).ok()?;
    mac.update(password);
    let inner = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let plain = format!("$2b${:0>2}${salt}{digest}", cost);
    Some(bcrypt_cost(&plain) && bcrypt::verify(inner.as_bytes(), &plain).unwrap_or(false))
}

/// `$scrypt$ln=16,r=8,p=1$SALT$DIGEST`.
fn scrypt<'a>(password: &[u8], mut parts: impl Iterator<Item = &'a str>) -> Option<bool> {
    let settings = parts.next()?;
    let number = |name: &str| settings.split(',').find_map(|one| one.strip_prefix(name)?.parse::<u32>().ok());
    let log = u8::try_from(number("ln=")?).ok().filter(|log| *log <= DEAREST_SCRYPT)?;
    let (r, p) = (number("r=").filter(|r| *r <= 32)?, number("p=").filter(|p| *p <= 16)?);
    let (salt, digest) = (STANDARD.decode(parts.next()?).ok()?, STANDARD.decode(parts.next()?).ok()?);
    let mut own = vec![0; digest.len().min(64)];
    scrypt::scrypt(password, &salt, &scrypt::Params::new(log, r, p).ok()?, &mut own).ok()?;
    Some(bool::from(own.ct_eq(&digest)))
}

/// `$pbkdf2-sha512$ROUNDS$SALT$DIGEST`, in a base64 with a dot for the plus.
fn pbkdf2_sha512<'a>(password: &[u8], mut parts: impl Iterator<Item = &'a str>) -> Option<bool> {
    let rounds: u32 = parts.next()?.parse().ok().filter(|rounds| *rounds <= MOST_ROUNDS)?;
    let mut bytes = || STANDARD.decode(parts.next()?.replace('.', "+")).ok();
    let (salt, digest) = (bytes()?, bytes()?);
    let mut own = [0; 64];
    pbkdf2::pbkdf2::<Hmac<Sha512>>(password, &salt, rounds, &mut own).ok()?;
    Some(bool::from(own.as_slice().ct_eq(&digest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_hashes_are_verified() {
        let hash = hash(b"secret", 4, [3; 16]).unwrap();
        assert!(hash.starts_with("$2b$04$"));
        assert!(verify(b"secret", &hash));
        assert!(!verify(b"Secret", &hash));
    }

    #[test]
    fn what_is_no_hash_belongs_to_no_password() {
        for hash in [
            "",
            "plain",
            "$",
            "$2b$",
            "$2b$31$aaaa",
            "$scrypt$ln=40,r=8,p=1$aa$aa",
            "$pbkdf2-sha512$x",
            "$bcrypt-sha256$",
        ] {
            assert!(!verify(b"", hash), "{hash}");
        }
    }
}
