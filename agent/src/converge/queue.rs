//! Which objects are to be looked at, and when: each by one task at a time, coalesced.
//!
//! An object that waits is woken by what it waits for, and by a timer in any case: a lost wake-up costs time only.

use crate::converge::{Outcome, PATIENCE, Topic};
use crate::core::Key;
use kernel::{Clock, Entropy, Expected};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, futures::OwnedNotified};
use tokio::time::{Instant, sleep_until};

/// First and longest time until something that waits or has failed is looked at again.
const WAIT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
const FAILED: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// What is the case with an object, as far as this start of the agent knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// It was realised at least once since the agent started: others may build on it.
    pub realised: bool,
    /// It was taken down.
    pub gone: bool,
    /// The rank at which there was nothing left to do.
    pub settled: Option<link::Rank>,
    /// What it waits for.
    pub waits_for: Option<String>,
    /// What went wrong last.
    pub error: Option<String>,
    /// How often in a row it did not succeed.
    pub attempts: u32,
    /// A task is at it.
    pub running: bool,
}

#[derive(Default)]
struct Slot {
    standing: Standing,
    again: bool,
    due: Option<Instant>,
    /// It is tried again then: work, other than looking again for something that somebody else does.
    expected: Option<Expected>,
    on: Vec<Topic>,
    interrupt: Arc<Notify>,
}

#[derive(Default)]
struct Inner {
    slots: HashMap<Key, Slot>,
    ready: BTreeSet<(u8, Key)>,
    timers: BTreeSet<(Instant, Key)>,
    waiting: BTreeMap<Topic, BTreeSet<Key>>,
}

pub(crate) struct Queue {
    inner: Mutex<Inner>,
    some: Notify,
    clock: Clock,
    entropy: Entropy,
}

impl Queue {
    pub(crate) fn new(clock: Clock, entropy: Entropy) -> Self {
        Self { inner: Mutex::default(), some: Notify::new(), clock, entropy }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object is to be looked at.
    pub(crate) fn mark(&self, key: &Key) {
        self.inner().mark(key);
        self.some.notify_one();
    }

    /// Something else is wanted of the object: what is done for the former wish may stop, and past failures do not
    /// count.
    pub(crate) fn mark_wanted(&self, key: &Key) {
        let mut inner = self.inner();
        let slot = inner.slots.entry(key.clone()).or_default();
        slot.standing.attempts = 0;
        slot.standing.gone = false;
        slot.interrupt.notify_waiters();
        inner.mark(key);
        drop(inner);
        self.some.notify_one();
    }

    /// What waits for this is to be looked at.
    pub(crate) fn wake(&self, topic: &Topic) {
        let mut inner = self.inner();
        let keys = inner.waiting.get(topic).cloned().unwrap_or_default();
        for key in &keys {
            inner.mark(key);
        }
        drop(inner);
        if !keys.is_empty() {
            self.some.notify_one();
        }
    }

    /// Fires when something else is wanted of the object from now on.
    pub(crate) fn interrupt(&self, key: &Key) -> OwnedNotified {
        self.inner().slots.entry(key.clone()).or_default().interrupt.clone().notified_owned()
    }

    pub(crate) fn standing(&self, key: &Key) -> Standing {
        self.inner().slots.get(key).map(|slot| slot.standing.clone()).unwrap_or_default()
    }

    /// No task runs: those that did have ended without saying so.
    pub(crate) fn reset(&self) {
        for slot in self.inner().slots.values_mut() {
            slot.standing.running = false;
        }
    }

    /// The object is not in the ledger any more.
    pub(crate) fn forget(&self, key: &Key) {
        let mut inner = self.inner();
        inner.rest(key);
        inner.ready.remove(&(key.0 as u8, key.clone()));
        inner.slots.remove(key);
    }

    /// No object is known.
    pub(crate) fn forget_all(&self) {
        *self.inner() = Inner::default();
    }

    /// Objects to be looked at now, at most so many, in building order. They count as running from now on.
    pub(crate) fn take(&self, most: usize) -> Vec<Key> {
        let mut inner = self.inner();
        let now = Instant::now();
        while let Some((due, key)) = inner.timers.first().cloned()
            && due <= now
        {
            inner.mark(&key);
        }
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some((_, key)) = inner.ready.pop_first()
        {
            if let Some(slot) = inner.slots.get_mut(&key) {
                slot.standing.running = true;
                taken.push(key);
            }
        }
        taken
    }

    /// Waits until there may be something to take.
    pub(crate) async fn some(&self) {
        let due = self.inner().timers.first().map(|(due, _)| *due);
        match due {
            Some(due) => tokio::select! {
                biased;
                () = self.some.notified() => {}
                () = sleep_until(due) => {}
            },
            None => self.some.notified().await,
        }
    }

    /// A task has ended like this.
    pub(crate) fn done(&self, key: &Key, outcome: Outcome) {
        let mut inner = self.inner();
        let Some(slot) = inner.slots.get_mut(key) else { return };
        slot.standing.running = false;
        let again = std::mem::take(&mut slot.again);
        let delay = slot.standing.take(&outcome);
        let retries = matches!(outcome, Outcome::Failed(_));
        if let Outcome::Wait { on, .. } = outcome {
            for topic in &on {
                inner.waiting.entry(topic.clone()).or_default().insert(key.clone());
            }
            if let Some(slot) = inner.slots.get_mut(key) {
                slot.on = on;
            }
        }
        if again {
            inner.mark(key);
            self.some.notify_one();
        } else if let Some((first, last)) = delay {
            let attempts = inner.slots.get(key).map_or(0, |slot| slot.standing.attempts);
            let most = first.saturating_mul(1 << attempts.saturating_sub(1).min(10)).min(last);
            let micros = u64::try_from(most.as_micros() / 2).unwrap_or(u64::MAX);
            let span = most / 2 + Duration::from_micros(self.entropy.below(micros));
            let due = Instant::now() + span;
            inner.timers.insert((due, key.clone()));
            if let Some(slot) = inner.slots.get_mut(key) {
                slot.due = Some(due);
                slot.expected = (retries && attempts <= PATIENCE).then(|| self.clock.expect(span));
            }
            self.some.notify_one();
        }
    }
}

impl Standing {
    /// Takes an outcome in; answers between which times to look again.
    fn take(&mut self, outcome: &Outcome) -> Option<(Duration, Duration)> {
        (self.waits_for, self.error) = (None, None);
        match outcome {
            Outcome::Settled(rank) => {
                (self.attempts, self.realised, self.gone, self.settled) = (0, true, false, Some(*rank));
                None
            }
            Outcome::Gone(rank) => {
                (self.attempts, self.realised, self.gone, self.settled) = (0, false, true, Some(*rank));
                None
            }
            Outcome::Nothing => None,
            Outcome::Wait { why, .. } => {
                self.attempts = self.attempts.saturating_add(1);
                self.waits_for = Some(why.clone());
                Some(WAIT)
            }
            Outcome::Failed(why) => {
                self.attempts = self.attempts.saturating_add(1);
                self.error = Some(why.clone());
                Some(FAILED)
            }
        }
    }
}

impl Inner {
    fn mark(&mut self, key: &Key) {
        self.rest(key);
        let slot = self.slots.entry(key.clone()).or_default();
        if slot.standing.running {
            slot.again = true;
        } else {
            self.ready.insert((key.0 as u8, key.clone()));
        }
    }

    /// Neither timers nor others wake this object.
    fn rest(&mut self, key: &Key) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let (due, on) = (slot.due.take(), std::mem::take(&mut slot.on));
        slot.expected = None;
        if let Some(due) = due {
            self.timers.remove(&(due, key.clone()));
        }
        for topic in on {
            if let Some(keys) = self.waiting.get_mut(&topic) {
                keys.remove(key);
                if keys.is_empty() {
                    self.waiting.remove(&topic);
                }
            }
        }
    }
}
