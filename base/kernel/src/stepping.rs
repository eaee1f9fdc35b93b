//! What moves a stepped clock: the moments at which work is expected to go on, and what is done on other threads.
//!
//! Whoever waits for a while because work takes a while (a machine boots, a step is tried again) says so with
//! [`crate::Clock::expect`]. Whoever waits only to look again, or to give up, does not: such a wait moves no clock.

use crate::time::Micros;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(crate) struct Stepping {
    pub(crate) now: AtomicI64,
    /// Somebody holds it: work does not move it.
    pub(crate) held: AtomicBool,
    /// How many wait for each moment.
    expected: Mutex<BTreeMap<Micros, usize>>,
    elsewhere: AtomicUsize,
}

impl Stepping {
    pub(crate) fn new(start: Micros) -> Self {
        Self {
            now: AtomicI64::new(start.0),
            held: AtomicBool::new(false),
            expected: Mutex::default(),
            elsewhere: AtomicUsize::new(0),
        }
    }

    fn expected(&self) -> MutexGuard<'_, BTreeMap<Micros, usize>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn next(&self) -> Option<Micros> {
        self.expected().keys().next().copied()
    }

    pub(crate) fn is_busy_elsewhere(&self) -> bool {
        self.elsewhere.load(Ordering::SeqCst) > 0
    }
}

/// Work goes on at a moment; until this is dropped.
#[derive(Debug)]
#[must_use = "it counts until it is dropped"]
pub struct Expected(Option<(Arc<Stepping>, Micros)>);

impl Expected {
    pub(crate) fn new(stepping: Option<Arc<Stepping>>, at: Micros) -> Self {
        let Some(stepping) = stepping else { return Self(None) };
        *stepping.expected().entry(at).or_default() += 1;
        Self(Some((stepping, at)))
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        let Some((stepping, at)) = &self.0 else { return };
        let mut expected = stepping.expected();
        if let Some(count) = expected.get_mut(at) {
            *count -= 1;
            if *count == 0 {
                expected.remove(at);
            }
        }
    }
}

/// Something is done on another thread; until this is dropped.
#[derive(Debug)]
#[must_use = "it counts until it is dropped"]
pub struct Elsewhere(Option<Arc<Stepping>>);

impl Elsewhere {
    pub(crate) fn new(stepping: Option<Arc<Stepping>>) -> Self {
        if let Some(stepping) = &stepping {
            stepping.elsewhere.fetch_add(1, Ordering::SeqCst);
        }
        Self(stepping)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        if let Some(stepping) = &self.0 {
            stepping.elsewhere.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
