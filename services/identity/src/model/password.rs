//! Password hashes in the formats that Keystone keeps: bcrypt (its default), bcrypt_sha256, scrypt, pbkdf2_sha512; and
//! argon2id.
//!
//! Hashing is dear on purpose: it is only ever done on the threads of [`crate::hashing`].

use crate::model::bcrypt;
use argon2::{Algorithm, Argon2, Version};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

/// The most that a stored hash may ask for, so that an imported row cannot stop the cloud.
const DEAREST_SCRYPT: u8 = 18;
const MOST_ROUNDS: u32 = 2_000_000;
const MOST_MEMORY: u32 = 1 << 18;
/// The least that a stored hash must have of a digest, so that a row that was cut off lets nobody in.
const SHORTEST_DIGEST: usize = 16;
const MOST_PASSES: u32 = 64;
/// What new hashes cost whose cost nobody sets: scrypt as in Keystone, the others as OWASP recommends.
const SCRYPT: (u8, u32, u32) = (16, 8, 1);
const PBKDF2_ROUNDS: u32 = 210_000;
/// KiB of memory, passes and lanes.
const ARGON2: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Standard base64 without padding, as modular crypt strings of scrypt have it.
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LOOSE);
const LOOSE: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// How new passwords are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// bcrypt at a cost; of a long password it looks at 72 bytes.
    Bcrypt(u32),
    /// bcrypt of a digest of the whole password.
    BcryptSha256(u32),
    /// scrypt.
    Scrypt,
    /// PBKDF2 with HMAC-SHA512.
    Pbkdf2Sha512,
    /// Argon2id.
    Argon2id,
}

impl Scheme {
    /// The scheme of that name in the settings; `cost` is for those that have one.
    pub fn named(name: &str, cost: u32) -> Option<Self> {
        Some(match name {
            "bcrypt" => Self::Bcrypt(cost),
            "bcrypt_sha256" => Self::BcryptSha256(cost),
            "scrypt" => Self::Scrypt,
            "pbkdf2_sha512" => Self::Pbkdf2Sha512,
            "argon2id" => Self::Argon2id,
            _ => return None,
        })
    }

    /// What every hash of this scheme begins with.
    fn head(self) -> String {
        match self {
            Self::Bcrypt(cost) => format!("$2b${cost:02}$"),
            Self::BcryptSha256(cost) => format!("$bcrypt-sha256$v=2,t=2b,r={cost}$"),
            Self::Scrypt => format!("$scrypt$ln={},r={},p={}$", SCRYPT.0, SCRYPT.1, SCRYPT.2),
            Self::Pbkdf2Sha512 => format!("$pbkdf2-sha512${PBKDF2_ROUNDS}$"),
            Self::Argon2id => format!("$argon2id$v=19$m={},t={},p={}$", ARGON2.0, ARGON2.1, ARGON2.2),
        }
    }

    /// Whether a hash is as this scheme makes them.
    pub fn made(self, hash: &str) -> bool {
        hash.starts_with(&self.head())
    }
}

/// Hashes a password.
pub fn hash(password: &[u8], scheme: Scheme, salt: [u8; 16]) -> Option<String> {
    let tail = match scheme {
        Scheme::Bcrypt(cost) => return bcrypt::hash(password, cost, salt),
        Scheme::BcryptSha256(cost) => bcrypt_sha256_tail(password, cost, salt)?,
        Scheme::Scrypt => {
            let mut digest = [0; 32];
            let params = scrypt::Params::new(SCRYPT.0, SCRYPT.1, SCRYPT.2).ok()?;
            scrypt::scrypt(password, &salt, &params, &mut digest).ok()?;
            format!("{}${}", STANDARD.encode(salt), STANDARD.encode(digest))
        }
        Scheme::Pbkdf2Sha512 => {
            let mut digest = [0; 64];
            pbkdf2::pbkdf2::<Hmac<Sha512>>(password, &salt, PBKDF2_ROUNDS, &mut digest).ok()?;
            format!("{}${}", STANDARD.encode(salt), STANDARD.encode(digest)).replace('+', ".")
        }
        Scheme::Argon2id => {
            let mut digest = [0; 32];
            argon2_with(ARGON2)?.hash_password_into(password, &salt, &mut digest).ok()?;
            format!("{}${}", STANDARD.encode(salt), STANDARD.encode(digest))
        }
    };
    Some(scheme.head() + &tail)
}

/// Whether a password is one that the cloud made: 128 random bits, which nobody guesses however cheap a guess is.
pub fn is_generated(password: &str) -> bool {
    password.len() == 32 && password.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether the password belongs to the hash. A hash in a format that we do not know belongs to none.
pub fn verify(password: &[u8], hash: &str) -> bool {
    let mut parts = hash.strip_prefix('$').unwrap_or_default().split('$');
    match parts.next().unwrap_or_default() {
        "2b" | "2a" | "2y" | "2x" => bcrypt::verify(password, hash).unwrap_or(false),
        "bcrypt-sha256" => bcrypt_sha256(password, hash).unwrap_or(false),
        "scrypt" => scrypt(password, parts).unwrap_or(false),
        "pbkdf2-sha512" => pbkdf2_sha512(password, parts).unwrap_or(false),
        "argon2id" => argon2id(password, parts).unwrap_or(false),
        _ => false,
    }
}

/// Whether a hash has a form that [`verify`] can check.
pub fn is_known(hash: &str) -> bool {
    let forms = ["2b", "2a", "2y", "2x", "bcrypt-sha256", "scrypt", "pbkdf2-sha512", "argon2id"];
    hash.split('$').nth(1).is_some_and(|form| forms.contains(&form))
}

/// `$bcrypt-sha256$v=2,t=2b,r=12$SALT$DIGEST`: bcrypt of base64(HMAC-SHA256(salt, password)).
fn bcrypt_sha256(password: &[u8], hash: &str) -> Option<bool> {
    let mut parts = hash.split('$').skip(2);
    let settings = parts.next()?;
    let (salt, digest) = (parts.next()?, parts.next()?);
    let cost = settings.split(',').find_map(|one| one.strip_prefix("r="))?;
    let inner = bcrypt_sha256_inner(password, salt)?;
    let plain = format!("$2b${:0>2}${salt}{digest}", cost);
    bcrypt::verify(inner.as_bytes(), &plain)
}

/// What bcrypt is given instead of the password: its digest, keyed with the salt as it is written.
fn bcrypt_sha256_inner(password: &[u8], salt: &str) -> Option<String> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(salt.as_bytes()).ok()?;
    mac.update(password);
    Some(base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes()))
}

/// Salt and digest of such a hash, of which bcrypt writes the salt first: 22 letters.
fn bcrypt_sha256_tail(password: &[u8], cost: u32, salt: [u8; 16]) -> Option<String> {
    let shown = ::bcrypt::BASE_64.encode(salt);
    let inner = bcrypt_sha256_inner(password, &shown)?;
    let whole = bcrypt::hash(inner.as_bytes(), cost, salt)?;
    let (salt, digest) = whole.rsplit('$').next()?.split_at_checked(shown.len())?;
    Some(format!("{salt}${digest}"))
}

fn argon2_with((memory, passes, lanes): (u32, u32, u32)) -> Option<Argon2<'static>> {
    let params = argon2::Params::new(memory, passes, lanes, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// `$argon2id$v=19$m=65536,t=3,p=4$SALT$DIGEST`.
fn argon2id<'a>(password: &[u8], mut parts: impl Iterator<Item = &'a str>) -> Option<bool> {
    let version = parts.next()?;
    let settings = parts.next()?;
    let number = |name: &str| settings.split(',').find_map(|one| one.strip_prefix(name)?.parse::<u32>().ok());
    let memory = number("m=").filter(|memory| *memory <= MOST_MEMORY)?;
    let passes = number("t=").filter(|passes| *passes <= MOST_PASSES)?;
    let lanes = number("p=").filter(|lanes| *lanes <= 16)?;
    let (salt, digest) = (STANDARD.decode(parts.next()?).ok()?, STANDARD.decode(parts.next()?).ok()?);
    if digest.len() < SHORTEST_DIGEST {
        return None;
    }
    let mut own = vec![0; digest.len().min(64)];
    argon2_with((memory, passes, lanes))?.hash_password_into(password, &salt, &mut own).ok()?;
    Some(version == "v=19" && bool::from(own.ct_eq(&digest)))
}

/// `$scrypt$ln=16,r=8,p=1$SALT$DIGEST`.
fn scrypt<'a>(password: &[u8], mut parts: impl Iterator<Item = &'a str>) -> Option<bool> {
    let settings = parts.next()?;
    let number = |name: &str| settings.split(',').find_map(|one| one.strip_prefix(name)?.parse::<u32>().ok());
    let log = u8::try_from(number("ln=")?).ok().filter(|log| *log <= DEAREST_SCRYPT)?;
    let (r, p) = (number("r=").filter(|r| *r <= 32)?, number("p=").filter(|p| *p <= 16)?);
    // It takes 128 bytes a block.
    if u64::from(r) << log > u64::from(MOST_MEMORY) * 1024 / 128 {
        return None;
    }
    let (salt, digest) = (STANDARD.decode(parts.next()?).ok()?, STANDARD.decode(parts.next()?).ok()?);
    if digest.len() < SHORTEST_DIGEST {
        return None;
    }
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
    fn a_hash_that_asks_for_too_much_memory_lets_nobody_in() {
        let tail = hash(b"secret", Scheme::Scrypt, [3; 16]).unwrap();
        let tail = tail.splitn(4, '$').last().unwrap().to_owned();
        for settings in ["ln=18,r=32,p=16", "ln=19,r=8,p=1", "ln=16,r=33,p=1"] {
            let parts = format!("{settings}${tail}");
            assert_eq!(scrypt(b"secret", parts.split('$')), None, "{settings}");
        }
    }

    #[test]
    fn our_own_hashes_are_verified() {
        for name in ["bcrypt", "bcrypt_sha256", "scrypt", "pbkdf2_sha512", "argon2id"] {
            let scheme = Scheme::named(name, 4).unwrap();
            let hash = hash(b"secret", scheme, [3; 16]).unwrap();
            assert!(scheme.made(&hash) && is_known(&hash), "{hash}");
            assert!(verify(b"secret", &hash), "{hash}");
            assert!(!verify(b"Secret", &hash), "{hash}");
            assert!(!Scheme::Bcrypt(5).made(&hash), "{hash}");
        }
        assert_eq!(Scheme::named("md5", 4), None);
    }

    /// The vector of RFC 9106 needs a key; this one is the reference program's.
    #[test]
    fn the_vector_of_argon2() {
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(verify(b"password", hash) && !verify(b"passwore", hash));
        assert!(!verify(b"password", &hash.replace("v=19", "v=16")));
        assert!(!verify(b"password", &hash.replace("m=65536", "m=99999999")), "nobody waits for that");
    }

    #[test]
    fn what_the_cloud_makes_is_known_as_such() {
        assert!(is_generated("0123456789abcdef0123456789abcdef"));
        assert!(!is_generated("0123456789abcdef") && !is_generated("correct horse battery staple!!!!"));
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
            "$scrypt$ln=1,r=8,p=1$aa$",
            "$scrypt$ln=1,r=8,p=1$aa$aaaa",
            "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$",
            "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aaaaaa",
            "$argon2id$v=19$m=x",
        ] {
            assert!(!verify(b"", hash), "{hash}");
        }
    }
}
