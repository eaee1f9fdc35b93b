//! What all threads of one store share: where time and randomness come from, the timeline, and who hears of commits.

use crossbeam_channel::Sender;
use kernel::{Clock, Entropy};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// One thing that a committed transaction changed: a hint, as [`crate::Tx::changed`] gave it, here or on another
/// controller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// What sort of thing, as `server`.
    pub kind: Cow<'static, str>,
    /// Which one.
    pub id: String,
}

/// Hears of changes after their commit. It runs on a thread of the store: it must be quick, must not block on the
/// store, and must not own a [`crate::Db`] (which would keep the store open for ever).
pub type Listener = Arc<dyn Fn(&[Change]) + Send + Sync>;

pub(crate) struct Shared {
    pub clock: Clock,
    pub entropy: Entropy,
    pub timeline: AtomicI64,
    /// Rises with every commit of this process, before that is answered.
    pub version: AtomicU64,
    listeners: RwLock<Vec<Listener>>,
    /// On PostgreSQL: the thread that tells the other controllers.
    others: OnceLock<Sender<Vec<Change>>>,
}

impl Shared {
    pub fn new(clock: Clock, entropy: Entropy) -> Self {
        Self {
            clock,
            entropy,
            timeline: AtomicI64::new(0),
            version: AtomicU64::new(0),
            listeners: RwLock::default(),
            others: OnceLock::new(),
        }
    }

    pub fn listen(&self, listener: Listener) {
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    pub fn tell_others(&self, others: Sender<Vec<Change>>) {
        // Set once, when the store is opened.
        let _ = self.others.set(others);
    }

    /// Tells the listeners here and, where there are others, there.
    pub fn announce(&self, changes: Vec<Change>) {
        self.deliver(&changes);
        if let Some(others) = self.others.get()
            && !changes.is_empty()
        {
            // A hint: losing it costs the others some latency.
            let _ = others.send(changes);
        }
    }

    /// Tells the listeners here. One that panics harms neither the store nor the others.
    pub fn deliver(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(changes))).is_err() {
                tracing::error!("a listener for commits panicked");
            }
        }
    }
}
