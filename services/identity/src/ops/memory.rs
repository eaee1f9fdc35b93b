//! What tokens stood for when they were last read: true as long as the epoch is the same.
//!
//! Whenever something changes that a token may stand for (a user, a project, a grant, a key, a revocation), or that is
//! told with it (an endpoint), the epoch rises in the same transaction, and all that is remembered is stale at once, on
//! every controller. The epoch is a row of the store; where this controller is the only one that writes, it is read again
//! only after something was written.

use crate::ops::expand::Token;
use bytes::Bytes;
use policy::Who;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// How many tokens are remembered, some KB each; when there are more, all are forgotten.
const REMEMBERED: usize = 10_000;
/// How many bytes of what was told of them, at most: a catalog may be long.
const TOLD: usize = 64 << 20;

/// The SHA-256 of a token's text: the text itself is a secret that needs no second place.
type Key = [u8; 32];

/// Tokens that were read before.
#[derive(Default)]
pub(crate) struct Memory {
    tokens: Mutex<HashMap<Key, Remembered>>,
    /// How many bytes were told of tokens since these were forgotten.
    told: AtomicUsize,
    /// The epoch, and the version of the store at which it was read or before.
    epoch: Mutex<Option<(u64, i64)>>,
}

/// What was told of a token, as JSON: without the catalog, and with it.
pub(super) type Told = [OnceLock<Bytes>; 2];

/// What is remembered of a token.
#[derive(Clone)]
pub(super) struct Remembered {
    /// The epoch at which it was looked at.
    pub epoch: i64,
    /// What it stands for.
    pub token: Arc<Token>,
    /// Its owner.
    pub who: Arc<Who>,
    /// What was told of it.
    pub told: Arc<Told>,
    /// Who of directories stands behind it: it is good as long as what they said of these is fresh.
    pub behind: Arc<[String]>,
}

impl Memory {
    /// What is remembered of a token at this epoch.
    pub(super) fn token(&self, text: &str, epoch: i64) -> Option<Remembered> {
        tokens_of(self).get(&key(text)).filter(|one| one.epoch == epoch).cloned()
    }

    /// Remembers a token.
    pub(super) fn put(&self, text: &str, remembered: Remembered) {
        let mut tokens = tokens_of(self);
        if tokens.len() >= REMEMBERED {
            tokens.clear();
            self.told.store(0, Ordering::Relaxed);
        }
        tokens.insert(key(text), remembered);
    }

    /// Remembers what was told of a token.
    pub(super) fn tell(&self, place: &OnceLock<Bytes>, told: Bytes) {
        let length = told.len();
        if place.set(told).is_ok() && self.told.fetch_add(length, Ordering::Relaxed) + length > TOLD {
            // The tokens stay: what they stand for costs more.
            tokens_of(self).values_mut().for_each(|one| one.told = Arc::default());
            self.told.store(0, Ordering::Relaxed);
        }
    }

    /// Forgets all tokens.
    pub(super) fn clear(&self) {
        self.told.store(0, Ordering::Relaxed);
        tokens_of(self).clear();
    }

    /// The epoch, if it was read at this version of the store.
    pub(super) fn epoch(&self, version: u64) -> Option<i64> {
        let known = *self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|(at, _)| *at == version).map(|(_, epoch)| epoch)
    }

    /// Remembers the epoch. `version` is that of the store before the epoch was read.
    pub(super) fn epoch_put(&self, version: u64, epoch: i64) {
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, epoch));
    }
}

fn tokens_of(memory: &Memory) -> MutexGuard<'_, HashMap<Key, Remembered>> {
    memory.tokens.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(text: &str) -> Key {
    use sha2::Digest;
    sha2::Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_bounded() {
        let (memory, long) = (Memory::default(), Bytes::from(vec![0; TOLD / 2]));
        let places: Vec<OnceLock<Bytes>> = (0..5).map(|_| OnceLock::new()).collect();
        let mut counts = Vec::new();
        for place in &places {
            memory.tell(place, long.clone());
            memory.tell(place, long.clone());
            counts.push(memory.told.load(Ordering::Relaxed) / long.len());
        }
        assert_eq!(counts, [1, 2, 0, 1, 2], "each once, and nothing is left when it is too much");
    }
}
