//! What steers simulated hosts: their clock, their faults, and whether their agents run at all.

use crate::Pace;
use crate::faults::{Asked, Effect, Faults, Rule};
use kernel::{Clock, Entropy};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, watch};

/// The gate, closed for as long as this is held.
pub type Gate = OwnedRwLockWriteGuard<()>;

/// Steers all simulated hosts of a process. Clones steer the same hosts.
#[derive(Clone)]
pub struct Control(Arc<Shared>);

struct Shared {
    clock: Clock,
    faults: Faults,
    /// The clock has moved, a rule came or went, agents are to stop or to go on.
    news: Notify,
    paused: AtomicBool,
    /// How many agents run.
    running: watch::Sender<usize>,
    /// Requests that change something hold it for reading; who puts the cloud back to an earlier state for writing.
    gate: Arc<RwLock<()>>,
    /// Of a cloud that repeats.
    pace: Option<Pace>,
}

impl Control {
    /// Without faults; agents may run.
    pub fn new(clock: Clock, entropy: &Entropy) -> Self {
        Self::of(clock, entropy, None)
    }

    /// As [`Control::new`], for a cloud that repeats.
    pub fn paced(pace: Pace, entropy: &Entropy) -> Self {
        Self::of(pace.clock().clone(), entropy, Some(pace))
    }

    fn of(clock: Clock, entropy: &Entropy, pace: Option<Pace>) -> Self {
        Self(Arc::new(Shared {
            pace,
            clock,
            faults: Faults::new(entropy.clone()),
            news: Notify::new(),
            paused: AtomicBool::new(false),
            running: watch::Sender::new(0),
            gate: Arc::default(),
        }))
    }

    /// The clock of the hosts.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// What sets the pace of a cloud that repeats.
    pub fn pace(&self) -> Option<&Pace> {
        self.0.pace.as_ref()
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(crate) fn fault_add(&self, asked: Asked) -> Result<Rule, String> {
        let added = self.0.faults.add(asked, self.0.clock.now())?;
        self.0.news.notify_waiters();
        Ok(added)
    }

    pub(crate) fn fault_remove(&self, id: &str) -> bool {
        let removed = self.0.faults.remove(id);
        self.0.news.notify_waiters();
        removed
    }

    /// No fault is left, and the clock runs.
    pub fn settle(&self) {
        self.0.faults.clear();
        self.0.clock.hold(false);
        self.0.news.notify_waiters();
    }

    /// Holds the clock or lets it run, and puts it forward.
    pub(crate) fn turn(&self, hold: Option<bool>, forward: Duration) {
        if let Some(hold) = hold {
            self.0.clock.hold(hold);
        }
        self.0.clock.advance(forward);
        self.0.news.notify_waiters();
    }

    /// Waits for a span of the hosts' time.
    pub(crate) async fn wait(&self, span: Duration) {
        let until = self.0.clock.now().plus(span);
        let _expected = self.0.clock.expect(span);
        loop {
            let news = self.0.news.notified();
            let left = until.since(self.0.clock.now());
            if left.is_zero() {
                return;
            }
            // A held clock does not get there by itself.
            let nap = if self.0.clock.is_held() { left.max(Duration::from_secs(1)) } else { left };
            let _ = tokio::time::timeout(nap, news).await;
        }
    }

    async fn until(&self, holds: impl Fn() -> bool) {
        loop {
            let mut news = std::pin::pin!(self.0.news.notified());
            news.as_mut().enable();
            if holds() {
                return;
            }
            news.await;
        }
    }

    pub(crate) fn is_on(&self, host: &str) -> bool {
        !self.0.paused.load(Ordering::SeqCst) && self.0.faults.on_host(host).is_empty()
    }

    /// Runs an agent again and again: while its host is on, and until the host goes off.
    pub(crate) async fn attend<F: Future<Output = ()>>(
        &self,
        host: &str,
        run: impl Fn() -> F,
        power_off: impl Fn(),
    ) {
        let on = || self.is_on(host);
        loop {
            if self.0.faults.on_host(host).contains(&Effect::PowerLoss) {
                power_off();
            }
            self.until(on).await;
            self.0.running.send_modify(|running| *running += 1);
            tokio::select! {
                biased;
                () = run() => {}
                () = self.until(|| !on()) => {}
            }
            self.0.running.send_modify(|running| *running -= 1);
        }
    }

    /// Stops all agents; answers when none runs.
    pub async fn pause(&self) {
        self.0.paused.store(true, Ordering::SeqCst);
        self.0.news.notify_waiters();
        // The sender lives as long as we do.
        let _ = self.0.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// Lets agents run again.
    pub fn resume(&self) {
        self.0.paused.store(false, Ordering::SeqCst);
        self.0.news.notify_waiters();
    }

    /// Passes the gate when it is open. It stays open as long as somebody has passed.
    pub(crate) async fn pass(&self) -> OwnedRwLockReadGuard<()> {
        self.0.gate.clone().read_owned().await
    }

    /// Closes the gate when nobody is in it any more: until this is dropped no request changes anything.
    pub async fn close(&self) -> Gate {
        self.0.gate.clone().write_owned().await
    }
}
