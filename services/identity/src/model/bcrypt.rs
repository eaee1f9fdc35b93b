//! bcrypt in steps, as Provos and Mazières describe it ("A Future-Adaptable Password Scheme", 1999).
//!
//! The crate `bcrypt` reads and writes the strings; its rounds are made here, on the same `blowfish`, so that a thread can let
//! others go first between them. Linux does not take a processor from a thread before it has had it for some milliseconds,
//! whatever its priority, and a request that checks a token takes a twentieth of one.

use ::bcrypt::{BASE_64, HashParts, Version};
use base64::Engine;
use blowfish::Blowfish;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What is looked at of a password, in bytes; Keystone cuts there too.
const LONGEST: usize = 72;
/// The most that a stored hash may ask for, so that an imported row cannot stop the cloud.
const DEAREST: u32 = 16;
const CHEAPEST: u32 = 4;
/// Rounds between two chances for others: about a fifth of a millisecond.
const STEP: u32 = 4;
/// `OrpheanBeholderScryDoubt`
const PLAIN: [u32; 6] = [0x4f72_7068, 0x6561_6e42, 0x6568_6f6c, 0x6465_7253, 0x6372_7944, 0x6f75_6274];

/// `$2b$12$` with salt and digest.
pub fn hash(password: &[u8], cost: u32, salt: [u8; 16]) -> Option<String> {
    let digest = digest(password, cost, salt)?;
    Some(format!("${}${cost:02}${}{}", Version::TwoB, BASE_64.encode(salt), BASE_64.encode(digest)))
}

/// Whether the password belongs to the hash: `$2b$`, `$2a$`, `$2x$` or `$2y$`.
pub fn verify(password: &[u8], hash: &str) -> Option<bool> {
    let parts: HashParts = hash.parse().ok()?;
    let known = BASE_64.decode(hash.get(29..)?).ok()?;
    let own = digest(password, parts.get_cost(), parts.get_salt_raw())?;
    Some(own.ct_eq(&known).into())
}

/// All of what bcrypt makes but the last byte, which nobody writes down.
fn digest(password: &[u8], cost: u32, salt: [u8; 16]) -> Option<[u8; 23]> {
    if !(CHEAPEST..=DEAREST).contains(&cost) {
        return None;
    }
    let mut key = Zeroizing::new([0; LONGEST]);
    let length = password.len().min(LONGEST);
    key[..length].copy_from_slice(&password[..length]);
    // A password ends with a zero, where there is room for it.
    let state = expanded(&key[..(length + 1).min(LONGEST)], cost, &salt);
    let mut digest = [0; 24];
    for (pair, out) in PLAIN.chunks_exact(2).zip(digest.chunks_exact_mut(8)) {
        let [left, right] = (0..64).fold([pair[0], pair[1]], |pair, _| state.bc_encrypt(pair));
        out[..4].copy_from_slice(&left.to_be_bytes());
        out[4..].copy_from_slice(&right.to_be_bytes());
    }
    digest.first_chunk().copied()
}

fn expanded(key: &[u8], cost: u32, salt: &[u8; 16]) -> Blowfish {
    let mut state = Blowfish::bc_init_state();
    state.salted_expand_key(salt, key);
    for round in 0..1u32 << cost {
        if round % STEP == 0 {
            std::thread::yield_now();
        }
        state.bc_expand_key(key);
        state.bc_expand_key(salt);
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_crate_makes_is_made_here() {
        for password in
            ["", "a", "a word of the user", "Пароль", &"x".repeat(71), &"x".repeat(72), &"y".repeat(99)]
        {
            for (cost, salt) in [(4, [0; 16]), (5, [0xa5; 16]), (6, [7; 16])] {
                let theirs = ::bcrypt::hash_with_salt(password, cost, salt).unwrap().to_string();
                assert_eq!(hash(password.as_bytes(), cost, salt).unwrap(), theirs, "{password}");
                for version in ["2a", "2b", "2x", "2y"] {
                    let theirs = theirs.replace("2b", version);
                    assert_eq!(verify(password.as_bytes(), &theirs), Some(true), "{theirs}");
                    assert_eq!(verify(b"another", &theirs), Some(false), "{theirs}");
                }
            }
        }
    }

    #[test]
    fn what_is_too_dear_or_no_hash_is_not_tried() {
        let hash = hash(b"secret", 4, [3; 16]).unwrap();
        for wrong in [
            hash.replace("$04$", "$17$"),
            hash.replace("$04$", "$03$"),
            hash[..59].to_owned(),
            hash.replace("2b", "2c"),
        ] {
            assert_eq!(verify(b"secret", &wrong), None, "{wrong}");
        }
    }
}
