//! One-time passwords by time, as RFC 6238 has them: six digits, SHA-1, a new one every thirty seconds.

use hmac::{Hmac, KeyInit, Mac};
use kernel::Micros;
use sha1::Sha1;
use subtle::ConstantTimeEq;

const PERIOD: i64 = 30;

/// Whether the passcode is the secret's of this moment, or the one before it, for clocks and fingers that are slow.
pub fn verify(secret: &str, passcode: &str, now: Micros) -> bool {
    let before = Micros(now.0 - PERIOD * 1_000_000);
    [now, before].into_iter().any(|at| {
        self::passcode(secret, at).is_some_and(|wanted| wanted.as_bytes().ct_eq(passcode.as_bytes()).into())
    })
}

/// The passcode at a moment. The secret is base32, its padding may be left out; `None` if it is something else.
pub fn passcode(secret: &str, at: Micros) -> Option<String> {
    code(&base32(secret)?, u64::try_from(at.0.div_euclid(1_000_000 * PERIOD)).ok()?)
}

fn code(key: &[u8], counter: u64) -> Option<String> {
    let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(key).ok()?;
    mac.update(&counter.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest.last()? & 0x0f);
    let bytes: [u8; 4] = digest.get(offset..offset + 4)?.try_into().ok()?;
    Some(format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000))
}

fn base32(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut out, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|letter| *letter == byte)?;
        held = held << 5 | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238's examples in base32, and the last six digits of what they give.
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn the_examples_of_the_rfc() {
        for (seconds, passcode) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Micros(seconds * 1_000_000);
            assert!(verify(SECRET, passcode, now), "{passcode}");
            let later = |periods: i64| Micros(now.0 + periods * PERIOD * 1_000_000);
            assert!(verify(SECRET, passcode, later(1)) && !verify(SECRET, passcode, later(2)));
            assert!(!verify(SECRET, passcode, later(-1)));
        }
    }

    #[test]
    fn nothing_fits_nonsense() {
        let now = Micros(59_000_000);
        for (secret, passcode) in [(SECRET, ""), (SECRET, "28708"), ("no base32!", "287082"), ("", "287082")]
        {
            assert!(!verify(secret, passcode, now), "{secret} {passcode}");
        }
    }
}
