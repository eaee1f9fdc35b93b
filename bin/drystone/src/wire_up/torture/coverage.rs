//! Where things died: a step of a reconciler at which none ever did was not tried.

use reconcile::Step;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// Every step of a round.
const STEPS: [Step; 6] =
    [Step::Claimed, Step::Read, Step::Planned, Step::Acting, Step::Acted, Step::Recorded];

/// Counts deaths. Clones count together.
#[derive(Clone, Default)]
pub struct Coverage(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    kinds: BTreeSet<&'static str>,
    rounds: BTreeMap<(String, Step), u64>,
    calls: BTreeMap<(&'static str, bool), u64>,
    /// Points that were come by, died at or not.
    passed: BTreeSet<(String, Step)>,
    accepted: u64,
    active: u64,
}

impl Coverage {
    pub fn knows(&self, kind: &'static str) {
        self.0.lock().unwrap().kinds.insert(kind);
    }

    /// How likely it dies at a point: sooner at one where nothing ever died.
    pub fn luck(&self, kind: &str, step: Step, usual: u64) -> u64 {
        let mut counts = self.0.lock().unwrap();
        counts.passed.insert((kind.to_owned(), step));
        if counts.rounds.contains_key(&(kind.to_owned(), step)) { usual } else { usual / 10 + 1 }
    }

    pub fn round(&self, kind: &str, step: Step) {
        *self.0.lock().unwrap().rounds.entry((kind.to_owned(), step)).or_default() += 1;
    }

    pub fn call(&self, operation: &'static str, done: bool) {
        *self.0.lock().unwrap().calls.entry((operation, done)).or_default() += 1;
    }

    /// Adds what another run has counted.
    pub fn add(&self, other: &Self) {
        let (mut own, other) = (self.0.lock().unwrap(), other.0.lock().unwrap());
        own.kinds.extend(&other.kinds);
        own.passed.extend(other.passed.iter().cloned());
        for (point, count) in &other.rounds {
            *own.rounds.entry(point.clone()).or_default() += count;
        }
        for (point, count) in &other.calls {
            *own.calls.entry(*point).or_default() += count;
        }
    }

    /// A cloud has lived: so many requests were accepted, so many servers ran in the end.
    pub fn lived(&self, accepted: u64, active: u64) {
        let mut counts = self.0.lock().unwrap();
        counts.accepted += accepted;
        counts.active += active;
    }

    /// See [`Coverage::lived`].
    pub fn lives(&self) -> (u64, u64) {
        let counts = self.0.lock().unwrap();
        (counts.accepted, counts.active)
    }

    /// Deaths of controllers and of agents.
    pub fn deaths(&self) -> (u64, u64) {
        let counts = self.0.lock().unwrap();
        (counts.rounds.values().sum(), counts.calls.values().sum())
    }

    /// Steps at which no controller ever died.
    pub fn missing(&self) -> Vec<String> {
        let counts = self.0.lock().unwrap();
        let points = counts.kinds.iter().flat_map(|kind| STEPS.map(|step| ((*kind).to_owned(), step)));
        let missing = points.filter(|point| !counts.rounds.contains_key(point));
        missing.map(|point| format!("{point:?}, come by: {}", counts.passed.contains(&point))).collect()
    }
}
