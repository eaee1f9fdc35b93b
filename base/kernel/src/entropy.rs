//! Random bytes and ids: from the operating system, or from a seed where a run must repeat.

use rand::rngs::SysRng;
use rand::{Rng, SeedableRng, TryRng};
use rand_chacha::ChaCha20Rng;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Where randomness comes from. Cheap to clone; clones of a seeded source share one stream.
#[derive(Clone)]
pub struct Entropy(Arc<Mutex<ChaCha20Rng>>);

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy")
    }
}

impl Entropy {
    /// Seeded from the operating system: fit for keys and passwords.
    pub fn system() -> std::io::Result<Self> {
        let mut seed = [0u8; 32];
        SysRng.try_fill_bytes(&mut seed).map_err(std::io::Error::other)?;
        Ok(Self(Arc::new(Mutex::new(ChaCha20Rng::from_seed(seed)))))
    }

    /// The same bytes in each run: for tests and the simulated cloud only.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed))))
    }

    /// As [`Entropy::seeded`], other bytes for each start: a process that starts again makes no id twice.
    pub fn seeded_anew(seed: u64, starts: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(starts);
        Self(Arc::new(Mutex::new(rng)))
    }

    /// Fills `into`.
    pub fn fill(&self, into: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(into);
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0u8; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A random id.
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// An id in Keystone's form: 32 hex digits without dashes.
    pub fn hex_id(&self) -> String {
        self.uuid().simple().to_string()
    }

    /// An id in the dashed form of all other services.
    pub fn dashed_id(&self) -> String {
        self.uuid().hyphenated().to_string()
    }

    /// A request id: `req-` and a dashed id.
    pub fn request_id(&self) -> String {
        format!("req-{}", self.uuid().hyphenated())
    }

    /// A password of 128 random bits, without characters that shells or YAML treat specially.
    pub fn password(&self) -> String {
        self.hex_id()
    }

    /// A number below `limit`; zero when `limit` is zero.
    pub fn below(&self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { u64::from_le_bytes(self.bytes()) % limit }
    }
}
