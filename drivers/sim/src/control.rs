//! What steers simulated hosts: their clock, their faults, and whether their agents run at all.

use crate::Pace;
use crate::faults::{Asked, Effect, Faults, Rule};
use crate::known::{Known, Operation};
use kernel::{Clock, Entropy};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    known: Known,
    /// The clock has moved, a rule came or went, agents are to stop or to go on.
    news: Notify,
    paused: AtomicBool,
    /// The hosts that are attended, and which of them have lost power and are still to lose their machines. A rule may go
    /// before its hosts have heard of it: they lose their machines all the same.
    dark: Mutex<BTreeMap<String, bool>>,
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
            known: Known::default(),
            news: Notify::new(),
            paused: AtomicBool::new(false),
            dark: Mutex::default(),
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

    /// Tells which operations there are, so that faults name no others. What was told first stays.
    pub fn knows_operations(&self, operations: Vec<Operation>) {
        self.0.known.operations.get_or_init(|| operations);
    }

    pub(crate) fn knows_hosts(&self, names: &[&str]) {
        self.0.known.hosts.get_or_init(|| names.iter().map(|name| (*name).to_owned()).collect());
    }

    pub(crate) fn fault_add(&self, asked: Asked) -> Result<Rule, String> {
        self.0.known.check(&asked.when)?;
        let added = self.0.faults.add(asked, self.0.known.hosts(), self.0.clock.now())?;
        if added.effect == (Effect::PowerLoss {}) {
            self.darken();
        }
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
        self.dark().values_mut().for_each(|dark| *dark = false);
        self.0.clock.hold(false);
        self.0.news.notify_waiters();
    }

    /// No token is valid any more: what everybody would run into who logs in again goes, other faults stay.
    pub fn let_in(&self) {
        self.0.faults.let_in();
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

    fn dark(&self) -> MutexGuard<'_, BTreeMap<String, bool>> {
        self.0.dark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_dark(&self, host: &str) -> bool {
        self.dark().get(host).copied().unwrap_or(false)
    }

    fn has_power(&self, host: &str) -> bool {
        !self.0.faults.on_host(host).contains(&Effect::PowerLoss {})
    }

    /// The hosts without power are to lose their machines.
    fn darken(&self) {
        for (host, dark) in self.dark().iter_mut() {
            *dark |= !self.has_power(host);
        }
    }

    fn is_paused(&self) -> bool {
        self.0.paused.load(Ordering::SeqCst)
    }

    pub(crate) fn is_on(&self, host: &str) -> bool {
        !self.is_paused() && !self.is_dark(host) && self.0.faults.on_host(host).is_empty()
    }

    /// Runs an agent again and again: while its host is on, and until the host goes off. Before it runs again, and while it
    /// does not, the host's machines go with its power.
    pub(crate) async fn attend<F: Future<Output = ()>>(
        &self,
        host: &str,
        run: impl Fn() -> F,
        power_off: impl Fn(),
    ) {
        let on = || self.is_on(host);
        self.dark().insert(host.to_owned(), !self.has_power(host));
        loop {
            self.until(|| on() || (!self.is_paused() && self.is_dark(host))).await;
            // Who pauses waits for us from here on, or we see it.
            self.0.running.send_modify(|running| *running += 1);
            if !self.is_paused() && self.is_dark(host) {
                power_off();
                self.dark().insert(host.to_owned(), false);
            } else {
                tokio::select! {
                    biased;
                    () = self.until(|| !on()) => {}
                    () = run() => {}
                }
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

    /// Lets agents run again. What runs on their hosts may be another state by now: those without power lose it again.
    pub fn resume(&self) {
        self.darken();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Match;
    use std::sync::atomic::AtomicUsize;
    use tokio::task::yield_now;

    /// A host that is attended: its steering, how often it lost power, and how many agents run.
    async fn attended() -> (Control, Arc<AtomicUsize>) {
        let control = Control::new(Clock::system(), &Entropy::seeded(1));
        let lost = Arc::new(AtomicUsize::new(0));
        let (steered, counted) = (control.clone(), lost.clone());
        tokio::spawn(async move {
            let power_off = || {
                counted.fetch_add(1, Ordering::SeqCst);
            };
            steered.attend("a", std::future::pending, power_off).await;
        });
        calm().await;
        (control, lost)
    }

    /// Lets the host hear of what has come up.
    async fn calm() {
        for _ in 0..20 {
            yield_now().await;
        }
    }

    fn add(control: &Control, effect: Effect) -> String {
        let when = Match { host: Some("*".to_owned()), ..Match::default() };
        control.fault_add(Asked { when, effect }).unwrap().id
    }

    #[tokio::test]
    async fn a_host_whose_agent_is_away_loses_its_machines_with_its_power() {
        let (control, lost) = attended().await;
        let away = add(&control, Effect::AgentGone {});
        calm().await;
        let dark = add(&control, Effect::PowerLoss {});
        calm().await;
        assert_eq!(lost.load(Ordering::SeqCst), 1);
        assert!(control.fault_remove(&away) && control.fault_remove(&dark) && control.is_on("a"));
        calm().await;
        assert_eq!((lost.load(Ordering::SeqCst), *control.0.running.borrow()), (1, 1));
    }

    #[tokio::test]
    async fn power_that_is_back_at_once_was_lost_all_the_same() {
        let (control, lost) = attended().await;
        let dark = add(&control, Effect::PowerLoss {});
        assert!(control.fault_remove(&dark) && !control.is_on("a"));
        calm().await;
        assert_eq!((lost.load(Ordering::SeqCst), *control.0.running.borrow()), (1, 1));
    }

    #[tokio::test]
    async fn what_was_put_back_on_a_host_without_power_does_not_run() {
        let (control, lost) = attended().await;
        add(&control, Effect::PowerLoss {});
        calm().await;
        control.pause().await;
        control.resume();
        calm().await;
        assert_eq!(lost.load(Ordering::SeqCst), 2);
        control.pause().await;
        control.settle();
        control.resume();
        calm().await;
        assert_eq!((lost.load(Ordering::SeqCst), *control.0.running.borrow()), (2, 1));
    }
}
