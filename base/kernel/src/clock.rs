//! The clock of a cloud: the system's on real metal, one that stands still until it is moved in tests, and one that can be
//! held and put forward in simulation; there also one that goes from one moment of work to the next.

use crate::stepping::{Elsewhere, Expected, Stepping};
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
    Steered(Arc<Steering>),
    Stepped(Arc<Stepping>),
}

#[derive(Debug)]
struct Steering {
    /// Where it stands; [`RUNS`] when it does not.
    held: AtomicI64,
    /// How far it is before the system's clock while it runs.
    ahead: AtomicI64,
}

const RUNS: i64 = i64::MIN;

impl Clock {
    /// The clock of this machine.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn held(start: Micros) -> Self {
        Self(Source::Held(Arc::new(AtomicI64::new(start.0))))
    }

    /// A clock that goes as this machine's, until it is held or put forward.
    pub fn steered() -> Self {
        Self(Source::Steered(Arc::new(Steering { held: AtomicI64::new(RUNS), ahead: AtomicI64::new(0) })))
    }

    /// A clock that stands at `start` and goes from one moment of work to the next, as whoever drives it moves it.
    pub fn stepped(start: Micros) -> Self {
        Self(Source::Stepped(Arc::new(Stepping::new(start))))
    }

    fn stepping(&self) -> Option<&Arc<Stepping>> {
        if let Source::Stepped(stepping) = &self.0 { Some(stepping) } else { None }
    }

    /// Whether it goes from one moment of work to the next. Then all is done in one order, on one thread.
    pub fn is_stepped(&self) -> bool {
        self.stepping().is_some()
    }

    /// Work goes on after this span: a stepped clock goes there.
    pub fn expect(&self, span: Duration) -> Expected {
        Expected::new(self.stepping().cloned(), self.now().plus(span))
    }

    /// The earliest moment at which work goes on.
    pub fn next_expected(&self) -> Option<Micros> {
        self.stepping()?.next()
    }

    /// Something is done on another thread: a stepped clock waits for it.
    pub fn elsewhere(&self) -> Elsewhere {
        Elsewhere::new(self.stepping().cloned())
    }

    /// Whether something is done on another thread.
    pub fn is_busy_elsewhere(&self) -> bool {
        self.stepping().is_some_and(|stepping| stepping.is_busy_elsewhere())
    }

    /// Now.
    pub fn now(&self) -> Micros {
        match &self.0 {
            Source::System => system(),
            Source::Held(at) => Micros(at.load(Ordering::SeqCst)),
            Source::Stepped(stepping) => Micros(stepping.now.load(Ordering::SeqCst)),
            Source::Steered(steering) => match steering.held.load(Ordering::SeqCst) {
                RUNS => Micros(system().0.saturating_add(steering.ahead.load(Ordering::SeqCst))),
                held => Micros(held),
            },
        }
    }

    /// Whether it stands still.
    pub fn is_held(&self) -> bool {
        match &self.0 {
            Source::System => false,
            Source::Held(_) => true,
            Source::Stepped(stepping) => stepping.held.load(Ordering::SeqCst),
            Source::Steered(steering) => steering.held.load(Ordering::SeqCst) != RUNS,
        }
    }

    /// Stops a steered or stepped clock, or lets it go on from where it stands. Others stay as they are.
    pub fn hold(&self, held: bool) {
        if let Some(stepping) = self.stepping() {
            stepping.held.store(held, Ordering::SeqCst);
        }
        let Source::Steered(steering) = &self.0 else { return };
        let now = self.now().0;
        if !held {
            steering.ahead.store(now.saturating_sub(system().0), Ordering::SeqCst);
        }
        steering.held.store(if held { now } else { RUNS }, Ordering::SeqCst);
    }

    /// Moves a held, steered or stepped clock; the system's clock is not ours to move and stays.
    pub fn advance(&self, span: Duration) {
        let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let moved = match &self.0 {
            Source::System => return,
            Source::Held(at) => at,
            Source::Stepped(stepping) => &stepping.now,
            Source::Steered(steering) if self.is_held() => &steering.held,
            Source::Steered(steering) => &steering.ahead,
        };
        moved.fetch_add(span, Ordering::SeqCst);
    }
}

fn system() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steered_clock_is_held_put_forward_and_goes_on_from_there() {
        let (clock, hour) = (Clock::steered(), Duration::from_secs(3600));
        let began = clock.now();
        clock.advance(hour);
        assert!(clock.now() >= began.plus(hour) && clock.now() < began.plus(hour * 2));
        clock.hold(true);
        let held = clock.now();
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!((clock.now(), clock.is_held()), (held, true));
        clock.advance(hour);
        assert_eq!(clock.now(), held.plus(hour));
        clock.hold(false);
        assert!(clock.now() >= held.plus(hour) && clock.now() < held.plus(hour * 2));
        assert!(!clock.is_held());
    }

    #[test]
    fn a_stepped_clock_knows_when_work_goes_on_and_what_is_done_elsewhere() {
        let (clock, second) = (Clock::stepped(Micros(5)), Duration::from_secs(1));
        let (late, early, again) = (clock.expect(second * 2), clock.expect(second), clock.expect(second));
        assert_eq!(clock.next_expected(), Some(Micros(1_000_005)));
        drop(early);
        assert_eq!(clock.next_expected(), Some(Micros(1_000_005)));
        drop(again);
        clock.advance(second);
        assert_eq!((clock.now(), clock.next_expected()), (Micros(1_000_005), Some(Micros(2_000_005))));
        drop(late);
        assert_eq!(clock.next_expected(), None);
        let elsewhere = clock.elsewhere();
        assert!(clock.is_busy_elsewhere());
        drop(elsewhere);
        assert!(!clock.is_busy_elsewhere());
        let system = Clock::system();
        let _nothing = (system.expect(second), system.elsewhere());
        assert!(system.next_expected().is_none() && !system.is_busy_elsewhere());
    }
}
