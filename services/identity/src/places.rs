//! Places in a queue for passwords, to be hashed or to be shown to a directory: who asks for many leaves some for everybody
//! else.
//!
//! Half of the places are for whoever comes first. The other half is for those who have few: an address with fewer than
//! [`PER_ADDRESS`] places, an account with fewer than [`PER_ACCOUNT`]. So a flood from one address, or at one account, is
//! answered 429 while the logins of all others find a place and are through with the queue that is before them.

use fault::{Fault, Kind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many passwords may wait or be checked at once.
pub const PLACES: usize = 64;
/// Of these, so many for whoever comes first.
pub const FOR_ALL: usize = PLACES / 2;
/// How many an address may have when those are taken.
pub const PER_ADDRESS: usize = 8;
/// How many an account may have then.
pub const PER_ACCOUNT: usize = 4;

/// Who wants a password checked, and of which account.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The caller's address.
    pub address: Arc<str>,
    /// The account: its id, or what the caller calls it.
    pub account: String,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<Arc<str>, usize>,
    by_account: HashMap<String, usize>,
}

/// The places.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<Taken>>);

/// A place that is taken, until it is dropped.
pub struct Place {
    places: Places,
    source: Option<Source>,
}

impl Places {
    /// Takes a place, or says that there is none for this source now. Without a source it is for somebody who has shown a
    /// token.
    pub fn enter(&self, source: Option<&Source>) -> Result<Place, Fault> {
        let said = "Too many logins are being checked at this moment; try again in a few seconds.";
        self.take(source).ok_or_else(|| Fault::new(Kind::Busy, said))
    }

    fn take(&self, source: Option<&Source>) -> Option<Place> {
        let mut taken = self.taken();
        let few = source.is_none_or(|source| {
            taken.by_address.get(&source.address).is_none_or(|count| *count < PER_ADDRESS)
                && taken.by_account.get(&source.account).is_none_or(|count| *count < PER_ACCOUNT)
        });
        if taken.all >= if few { PLACES } else { FOR_ALL } {
            return None;
        }
        taken.all += 1;
        if let Some(source) = source {
            *taken.by_address.entry(source.address.clone()).or_default() += 1;
            *taken.by_account.entry(source.account.clone()).or_default() += 1;
        }
        Some(Place { places: self.clone(), source: source.cloned() })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(source) = &self.source {
            give_back(&mut taken.by_address, &source.address);
            give_back(&mut taken.by_account, &source.account);
        }
    }
}

fn give_back<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str, account: &str) -> Source {
        Source { address: address.into(), account: account.to_owned() }
    }

    /// Takes as many places as there are.
    fn flood(places: &Places, source: impl Fn(usize) -> Source) -> Vec<Place> {
        (0..2 * PLACES).filter_map(|number| places.take(Some(&source(number)))).collect()
    }

    #[test]
    fn an_address_leaves_places_for_others() {
        let places = Places::default();
        let flooded = flood(&places, |number| source("a", &number.to_string()));
        assert_eq!(flooded.len(), FOR_ALL);
        assert!(places.take(Some(&source("a", "me"))).is_none());
        let mine: Vec<Place> =
            (0..).map_while(|number| places.take(Some(&source("b", &number.to_string())))).collect();
        assert_eq!(mine.len(), PER_ADDRESS);
        drop(flooded);
        assert!(places.take(Some(&source("a", "me"))).is_some());
    }

    #[test]
    fn an_account_leaves_places_for_others() {
        let places = Places::default();
        let flooded = flood(&places, |number| source(&number.to_string(), "ann"));
        assert_eq!(flooded.len(), FOR_ALL);
        assert!(places.take(Some(&source("x", "bob"))).is_some());
    }

    #[test]
    fn there_are_no_more_places_than_there_are() {
        let places = Places::default();
        let mut flooded = flood(&places, |number| source(&number.to_string(), &number.to_string()));
        assert_eq!(flooded.len(), PLACES);
        assert!(places.take(Some(&source("x", "y"))).is_none() && places.take(None).is_none());
        flooded.pop();
        assert!(places.take(Some(&source("x", "y"))).is_some());
        drop(flooded);
        let taken = places.taken();
        assert_eq!((taken.all, taken.by_address.len(), taken.by_account.len()), (0, 0, 0), "nothing is kept");
    }
}
