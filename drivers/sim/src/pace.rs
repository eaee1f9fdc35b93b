//! The pace of a cloud that repeats: one request at a time, and time that goes from one moment of work to the next.
//!
//! The cloud runs on one thread, in a runtime whose time stands still. When that thread has nothing to do
//! ([`Pace::parked`]) and nothing is done on another one, all is quiet: nobody can go on before time does, or before
//! somebody asks for something. Then, and only then, time moves: to the next moment of work while a request waits for its
//! turn, and past it in seconds while a request runs and itself waits for something, so that its time-outs come.

use kernel::{Clock, Micros};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// 2100-01-01T00:00:00Z: no client takes such a date for expired.
pub const START: Micros = Micros(4_102_444_800_000_000);

/// 5000-01-01T00:00:00Z: tokens carry no dates beyond the next century, and nobody could log in any more.
pub const END: Micros = Micros(95_617_584_000_000_000);

/// Time moves in whole steps of this: the timers of the runtime are no finer.
const GRAIN: i64 = 1_000;

/// The next request does not wait for work that is further away than this.
const HORIZON: Duration = Duration::from_secs(24 * 3600);

/// How time moves while a request waits for something that is not expected, such as the end of its patience.
const PATIENCE: Duration = Duration::from_secs(1);

/// The pace. Clones are the same.
#[derive(Clone)]
pub struct Pace(Arc<Shared>);

struct Shared {
    clock: Clock,
    start: Micros,
    /// The runtime's time when the clock stood at its start.
    began: OnceLock<Instant>,
    /// Who waits for all to be quiet.
    asking: Mutex<Option<Asking>>,
    numbers: AtomicU64,
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Time goes as outside again.
    is_over: AtomicBool,
    kept: Kept,
    /// Keeps the runtime from moving its time by itself.
    held: Mutex<Option<Sender<()>>>,
}

/// Where the clock stands, in a file: a process that starts again goes on from there.
#[derive(Default)]
struct Kept {
    path: Option<PathBuf>,
    written: AtomicI64,
}

struct Asking {
    number: u64,
    waker: Waker,
}

/// It is somebody's turn, until this is dropped.
pub struct Turn {
    _turn: OwnedMutexGuard<()>,
    going: JoinHandle<()>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.going.abort();
    }
}

impl Pace {
    /// The pace of a clock that is stepped.
    pub fn new(clock: Clock) -> Self {
        Self::of(clock, Kept::default())
    }

    /// A clock that is kept in a file, and goes on from where it was.
    pub fn kept(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let last = text.trim().parse().map_or(START, Micros);
        Self::of(
            Clock::stepped(last.max(START)),
            Kept { path: Some(path.into()), written: AtomicI64::new(0) },
        )
    }

    fn of(clock: Clock, kept: Kept) -> Self {
        let start = clock.now();
        let (began, asking, is_over) = (OnceLock::new(), Mutex::default(), AtomicBool::new(false));
        let (numbers, turn, held) = (AtomicU64::new(0), Arc::default(), Mutex::default());
        Self(Arc::new(Shared { clock, start, began, asking, numbers, turn, is_over, kept, held }))
    }

    /// Holds on to this until the end: somebody blocks a thread of the runtime for as long, so that it leaves its time to us.
    pub fn holds(&self, held: Sender<()>) {
        *self.0.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    /// Time goes as outside from now on: what still runs comes to its end, or to that of its patience.
    pub fn end(&self) {
        if !self.0.is_over.swap(true, Ordering::SeqCst) {
            tokio::time::resume();
            self.0.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    /// Writes down where the clock stands. Without fsync: a kill loses nothing, and whoever loses power has lost time too.
    fn keep(&self) {
        let (now, Kept { path, written }) = (self.0.clock.now().0, &self.0.kept);
        let Some(path) = path.as_ref().filter(|_| written.swap(now, Ordering::SeqCst) != now) else { return };
        let young = path.with_extension("new");
        let kept = std::fs::write(&young, now.to_string()).and_then(|()| std::fs::rename(&young, path));
        if let Err(error) = kept {
            tracing::warn!(%error, "where the clock stands could not be written down");
        }
    }

    /// The clock that it moves.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn asking(&self) -> MutexGuard<'_, Option<Asking>> {
        self.0.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread has nothing to do. Called by the runtime, each time before it waits for something from outside.
    pub fn parked(&self) {
        if self.0.clock.is_busy_elsewhere() || self.0.is_over.load(Ordering::SeqCst) {
            return;
        }
        if let Some(asking) = self.asking().take() {
            asking.waker.wake();
        }
    }

    /// Waits until all is quiet.
    pub async fn quiet(&self) {
        let number = self.0.numbers.fetch_add(1, Ordering::SeqCst);
        let _given_up = GivenUp { pace: self, number };
        let mut asked = false;
        std::future::poll_fn(|context| {
            let mut asking = self.asking();
            if asked && asking.as_ref().is_none_or(|asking| asking.number != number) {
                return Poll::Ready(());
            }
            asked = true;
            *asking = Some(Asking { number, waker: context.waker().clone() });
            Poll::Pending
        })
        .await;
    }

    /// Moves time to a moment, or on by a grain if that is past.
    pub async fn step(&self, to: Micros) {
        let Shared { clock, start, began, .. } = &*self.0;
        let now = clock.now();
        let past = (to.0.max(now.0 + 1) - start.0).rem_euclid(GRAIN);
        let to = Micros(to.0.max(now.0 + 1) + (GRAIN - past) % GRAIN);
        clock.advance(to.since(now));
        let began = began.get_or_init(Instant::now);
        tokio::time::advance(to.since(*start).saturating_sub(began.elapsed())).await;
    }

    /// Steps through the work that is due, and no further.
    async fn settle(&self) {
        let end = self.0.clock.now().plus(HORIZON);
        loop {
            self.quiet().await;
            match self.0.clock.next_expected() {
                Some(next) if next <= end && !self.0.clock.is_held() => self.step(next).await,
                _ => return,
            }
        }
    }

    /// Time goes on for a request that waits for something.
    async fn go_on(self) {
        loop {
            self.quiet().await;
            let patience = self.0.clock.now().plus(PATIENCE);
            let next = self.0.clock.next_expected().unwrap_or(patience);
            self.step(next).await;
        }
    }

    /// Waits for a turn, and for the work of those before to be done.
    pub async fn turn(&self) -> Turn {
        self.0.began.get_or_init(Instant::now);
        let turn = self.0.turn.clone().lock_owned().await;
        self.settle().await;
        self.keep();
        Turn { _turn: turn, going: tokio::spawn(self.clone().go_on()) }
    }
}

struct GivenUp<'a> {
    pace: &'a Pace,
    number: u64,
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        let mut asking = self.pace.asking();
        if asking.as_ref().is_some_and(|asking| asking.number == self.number) {
            asking.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    fn run(pace: &Pace, test: impl Future<Output = ()>) {
        let parked = pace.clone();
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).on_thread_park(move || parked.parked());
        let runtime = runtime.build().unwrap();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        runtime.spawn_blocking(move || held.recv().is_err());
        runtime.block_on(test);
        drop(hold);
    }

    #[test]
    fn the_next_turn_comes_after_the_work_of_the_last_and_periodic_tasks_move_nothing() {
        let clock = Clock::stepped(START);
        let pace = Pace::new(clock.clone());
        run(&pace, async {
            let done = Arc::new(AtomicU64::new(0));
            let (work, later, periodic) = (done.clone(), clock.clone(), done.clone());
            drop(pace.turn().await);
            assert_eq!(clock.now(), START);
            tokio::spawn(async move {
                for _ in 0..3 {
                    let span = Duration::from_micros(1_500_300);
                    let _expected = later.expect(span);
                    sleep(span).await;
                    work.fetch_add(1, Ordering::SeqCst);
                }
            });
            tokio::spawn(async move {
                loop {
                    sleep(Duration::from_secs(1)).await;
                    periodic.fetch_add(100, Ordering::SeqCst);
                }
            });
            let turn = pace.turn().await;
            assert_eq!((clock.now().since(START).as_millis(), done.load(Ordering::SeqCst) % 100), (4503, 3));
            let ticks = done.load(Ordering::SeqCst) / 100;
            assert!((2..5).contains(&ticks), "{ticks}");
            // A request that waits for nothing in particular gets to the end of its patience.
            sleep(Duration::from_millis(2500)).await;
            assert!(clock.now().since(START) >= Duration::from_millis(7000));
            drop(turn);
            let before = clock.now();
            drop(pace.turn().await);
            assert_eq!(clock.now(), before);
            clock.hold(true);
            let held = clock.expect(Duration::from_secs(5));
            drop(pace.turn().await);
            assert_eq!(clock.now(), before);
            // Whoever has the turn and waits gets there all the same: the one who could put the clock forward comes next.
            let turn = pace.turn().await;
            sleep(Duration::from_secs(2)).await;
            assert!(clock.now().since(before) >= Duration::from_secs(2));
            drop(turn);
            clock.hold(false);
            let waiting = pace.clone();
            let turn = tokio::spawn(async move { drop(waiting.turn().await) });
            sleep(Duration::from_millis(0)).await;
            drop(held);
            turn.await.unwrap();
        });
    }

    #[test]
    fn what_is_done_on_another_thread_is_waited_for() {
        let clock = Clock::stepped(START);
        let pace = Pace::new(clock.clone());
        run(&pace, async {
            let (begun, other) = (std::time::Instant::now(), clock.clone());
            tokio::spawn(async move {
                let _elsewhere = other.elsewhere();
                let nap = || std::thread::sleep(Duration::from_millis(80));
                tokio::task::spawn_blocking(nap).await.unwrap();
            });
            drop(pace.turn().await);
            assert!(begun.elapsed() >= Duration::from_millis(80));
            assert_eq!(clock.now(), START);
        });
    }
}
