//! What a service writes: the four steps of one kind of work, kept apart by their types.

use async_trait::async_trait;
use fault::Fault;
use kernel::Micros;
use std::time::Duration;
use store::Tx;

/// How a round ended. It is kept on the work row, where operators can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The world is as wanted. The row sleeps until somebody wants something else.
    Done,
    /// The world is as wanted, and a change elsewhere may make something else wanted: the row is done, and looked at
    /// again then. Unlike `Done` it wakes nobody, so that two may watch each other.
    Rest {
        /// When to look again in any case.
        until: Micros,
        /// The (kind, id) whose [`crate::touched`] ends the rest.
        on: Vec<(String, String)>,
    },
    /// Something else must happen first.
    Wait {
        /// What, for operators.
        reason: String,
        /// When to look again in any case: the deadline at the latest.
        until: Micros,
        /// The (kind, id) whose [`crate::touched`] ends the wait.
        on: Vec<(String, String)>,
    },
    /// One step of several is done; the next round follows at once.
    Progress,
    /// It did not work. The next round is at `retry_at`, or later if the engine's own backoff says so.
    Failed {
        /// Why, for operators.
        reason: String,
        /// When to try again at the earliest.
        retry_at: Micros,
    },
    /// The thing is no more. The row is removed; its epoch and generation are kept and never go back.
    Gone,
}

/// One kind of work.
///
/// The input is an id and never a reason: the state is read again each time, so that recovery and the usual way are the
/// same code. Any step may run again, and a crash may come between any two; `harness` holds every reconciler to that.
#[async_trait]
pub trait Reconciler: Send + Sync + 'static {
    /// What `plan` needs to know.
    type Snapshot: Send + 'static;
    /// What `act` is to do.
    type Plan: Send + Sync + 'static;
    /// What came of it.
    type Result: Send + 'static;

    /// The kind of its work rows, as `server`.
    fn kind(&self) -> &'static str;

    /// Reads the state, on a snapshot of the store.
    fn snapshot(&self, tx: &Tx, id: &str) -> Result<Self::Snapshot, Fault>;

    /// Decides what to do. Pure: no clock, no randomness, no I/O.
    fn plan(&self, snapshot: &Self::Snapshot, now: Micros) -> Self::Plan;

    /// Does it, by effects that may be repeated. It has no store, and is dropped at any await when its claim is lost.
    async fn act(&self, id: &str, plan: &Self::Plan) -> Self::Result;

    /// Writes down what came of it. Runs in one transaction with the outcome, and only while the claim holds; may be
    /// run more than once, as every transaction. [`crate::row`] tells how often it failed before.
    fn record(
        &self,
        tx: &Tx,
        id: &str,
        snapshot: &Self::Snapshot,
        result: &Self::Result,
    ) -> Result<Outcome, Fault>;

    /// Called, in the transaction that records the failure, each time [`Reconciler::patience`] failures in a row have
    /// come together, panics included: here the resource goes to ERROR with its fault. The work goes on, slowly.
    fn poisoned(&self, _tx: &Tx, _id: &str, _attempts: u32, _reason: &str) -> Result<(), Fault> {
        Ok(())
    }

    /// Failures in a row until [`Reconciler::poisoned`] is called.
    fn patience(&self) -> u32 {
        10
    }

    /// The longest that `act` may take; after it the round has failed.
    fn longest_act(&self) -> Duration {
        Duration::from_secs(600)
    }
}
