//! The clock of a cloud: the system's on real metal, one that stands still until it is moved in tests and simulation.

use crate::time::Micros;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where "now" comes from. Cheap to clone; all clones of a held clock move together.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Held(Arc<AtomicI64>),
}

impl Clock {
    /// The clock of this machine.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn held(start: Micros) -> Self {
        Self(Source::Held(Arc::new(AtomicI64::new(start.0))))
    }

    /// Now.
    pub fn now(&self) -> Micros {
        match &self.0 {
            Source::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            }
            Source::Held(at) => Micros(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a held clock; the system's clock is not ours to move and stays.
    pub fn advance(&self, span: Duration) {
        if let Source::Held(at) = &self.0 {
            at.fetch_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}
