//! Brings the metal to what the ledger says, object by object.
//!
//! Level-triggered: a task reads what is wanted and what is, and does the difference; why it was started does not
//! matter. A task that needs something that is not there ends and says what it waits for. A file per kind says how.

mod network;
mod port;
mod queue;
mod router;
mod security_group;
mod server;

use crate::core::{Core, Key};
use crate::limit::{BRIEF, limit};
use link::Rank;
use metal::driver::Driven;
use metal::{DriverError, Kind, Observed, Spec};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::JoinSet;

use crate::ledger::{Entry, refs_of};
pub(crate) use queue::Queue;

/// Tasks at most: objects that wait for guests hold none of the permits for drivers.
const TASKS: usize = 4096;
/// A failure is made known as such when it has happened so often in a row.
const PATIENCE: u32 = 3;

/// Something that others wait for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// An object is realised, or has let go, or is gone.
    Object(Key),
    /// The copy of an image is here.
    Image(String),
}

/// How a task ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// What was wanted at this rank is the case.
    Settled(Rank),
    /// What had to go at this rank is gone.
    Gone(Rank),
    /// There was nothing to do or something newer is to be done.
    Nothing,
    /// Something is missing.
    Wait { on: Vec<Topic>, why: String },
    /// It failed.
    Failed(String),
}

/// Runs the tasks. Does not end by itself.
pub(crate) async fn run(core: Arc<Core>) {
    let mut tasks = JoinSet::new();
    let mut names: HashMap<tokio::task::Id, Key> = HashMap::new();
    core.queue.reset();
    for key in core.ledger.keys() {
        core.queue.mark(&key);
    }
    loop {
        for key in core.queue.take(TASKS - tasks.len().min(TASKS)) {
            let id = tasks.spawn(one(core.clone(), key.clone())).id();
            names.insert(id, key);
        }
        tokio::select! {
            biased;
            Some(ended) = tasks.join_next_with_id() => {
                let (id, outcome) = match ended {
                    Ok((id, outcome)) => (id, outcome),
                    Err(error) => (error.id(), Outcome::Failed(format!("a bug of the agent: {error}"))),
                };
                if let Some(key) = names.remove(&id) {
                    finish(&core, &key, outcome);
                }
            }
            () = core.queue.some() => {}
        }
    }
}

/// Looks at one object once.
pub(crate) async fn one(core: Arc<Core>, key: Key) -> Outcome {
    let Some(entry) = core.ledger.entry(&key) else { return Outcome::Nothing };
    match (key.0, &entry.wanted.spec) {
        (Kind::Server, Some(Spec::Server(spec))) => server::reach(&core, &key, &entry, spec).await,
        (Kind::Server, None) => server::remove(&core, &key, &entry).await,
        (Kind::Network, Some(Spec::Network(spec))) => network::reach(&core, &key, &entry, spec).await,
        (Kind::Network, None) => network::remove(&core, &key, &entry).await,
        (Kind::SecurityGroup, Some(Spec::SecurityGroup(spec))) => {
            security_group::reach(&core, &key, &entry, spec).await
        }
        (Kind::SecurityGroup, None) => security_group::remove(&core, &key, &entry).await,
        (Kind::Port, Some(Spec::Port(spec))) => port::reach(&core, &key, &entry, spec).await,
        (Kind::Port, None) => port::remove(&core, &key, &entry).await,
        (Kind::Router, Some(Spec::Router(spec))) => router::reach(&core, &key, &entry, spec).await,
        (Kind::Router, None) => router::remove(&core, &key, &entry).await,
        // The ledger takes in no such thing.
        (kind, Some(_)) => Outcome::Failed(format!("the spec is not that of a {kind}")),
    }
}

/// Records how a task ended, and wakes those who waited for that.
fn finish(core: &Core, key: &Key, outcome: Outcome) {
    match &outcome {
        Outcome::Wait { why, .. } => tracing::debug!(kind = %key.0, id = %key.1, %why, "waits"),
        Outcome::Failed(why) => tracing::warn!(kind = %key.0, id = %key.1, %why, "failed"),
        Outcome::Settled(_) | Outcome::Gone(_) | Outcome::Nothing => {}
    }
    let (settled, gone) = match &outcome {
        Outcome::Settled(rank) => (Some(*rank), None),
        Outcome::Gone(rank) => (None, Some(*rank)),
        _ => (None, None),
    };
    let waits = if let Outcome::Wait { on, .. } = &outcome { on.clone() } else { Vec::new() };
    core.queue.done(key, outcome);
    if let Some(rank) = settled {
        let_go(core, key, rank);
    }
    if let Some(rank) = gone {
        is_gone(core, key, rank);
    }
    if gone.is_some() || settled.is_some() {
        core.queue.wake(&Topic::Object(key.clone()));
    }
    // What it waits for may have come before it was known to wait.
    let came = |topic: &Topic| match topic {
        Topic::Object(other) => other != key && core.queue.standing(other).realised,
        Topic::Image(_) => false,
    };
    if !waits.is_empty() && waits.iter().all(came) && core.queue.standing(key).attempts < PATIENCE {
        core.queue.mark(key);
    }
}

/// The object is gone at this rank. That is told only now that it counts: who hears it may have it forgotten at once.
fn is_gone(core: &Core, key: &Key, rank: Rank) {
    if let Some(entry) = core.ledger.entry(key) {
        if entry.rank() == rank {
            core.board.tell(&entry.wanted, Observed::Gone);
        }
        for used in entry.refs {
            released(core, key, used);
        }
    }
    // Who still names it may have lost it: that is to be told.
    for user in core.ledger.users(key) {
        core.queue.mark(&user);
    }
}

/// The object holds on to nothing any more that its wish of this rank does not name: who waited for that is woken.
fn let_go(core: &Core, key: &Key, rank: Rank) {
    match core.ledger.prune(key, rank) {
        Ok(unused) => unused.into_iter().for_each(|used| released(core, key, used)),
        Err(error) => tracing::warn!(%error, "the ledger does not take a note"),
    }
}

/// Wakes those who wait for an object that is not used any more. A port's other server is looked at in any case: its
/// tap was left to that server, which may have no use for it.
fn released(core: &Core, user: &Key, used: Key) {
    if used.0 == Kind::Port {
        for other in core.ledger.users(&used).iter().filter(|other| *other != user) {
            core.queue.mark(other);
        }
    }
    core.queue.wake(&Topic::Object(used));
}

/// Realises an object of the switch when everything that it builds on is there.
async fn realise(core: &Core, entry: &Entry, call: impl Future<Output = Driven<()>>) -> Outcome {
    let missing: Vec<&Key> = entry.refs.iter().filter(|key| !is_ready(core, key)).collect();
    if let Some((kind, id)) = missing.first() {
        let why = format!("{kind} {id} is not there yet");
        core.board.tell(&entry.wanted, Observed::Waiting { reason: why.clone() });
        return Outcome::Wait { on: missing.into_iter().cloned().map(Topic::Object).collect(), why };
    }
    let _permit = core.permits.acquire().await;
    match limit(BRIEF, "the switch", call).await {
        Ok(()) => Outcome::Settled(entry.rank()),
        Err(DriverError::NotYet(why)) => {
            core.board.tell(&entry.wanted, Observed::Waiting { reason: why.clone() });
            Outcome::Wait { on: entry.refs.iter().cloned().map(Topic::Object).collect(), why }
        }
        Err(error) => failed(core, entry, &error),
    }
}

/// What this agent realises itself it waits for; all else the driver decides.
fn is_ready(core: &Core, key: &Key) -> bool {
    core.ledger.entry(key).is_none_or(|entry| entry.is_tombstone()) || core.queue.standing(key).realised
}

fn failed(core: &Core, entry: &Entry, error: &DriverError) -> Outcome {
    let why = error.to_string();
    let key = (entry.wanted.kind, entry.wanted.id.clone());
    if !matches!(error, DriverError::Failed(_)) || core.queue.standing(&key).attempts + 1 >= PATIENCE {
        core.board.tell(&entry.wanted, Observed::Failed { reason: why.clone() });
    }
    Outcome::Failed(why)
}

/// Takes an object off the switch when nobody holds on to it any more.
async fn take_off(core: &Core, key: &Key, entry: &Entry) -> Outcome {
    let holding: Vec<Key> =
        core.ledger.users(key).into_iter().filter(|user| is_letting_go(core, user, key)).collect();
    if let Some((kind, id)) = holding.first() {
        let why = format!("{kind} {id} still uses it");
        core.board.tell(&entry.wanted, Observed::Waiting { reason: why.clone() });
        return Outcome::Wait { on: vec![Topic::Object(key.clone())], why };
    }
    let _permit = core.permits.acquire().await;
    match limit(BRIEF, "the switch", core.parts.switch.remove(key.0, &key.1)).await {
        Ok(()) => Outcome::Gone(entry.rank()),
        Err(DriverError::NotYet(why)) => {
            core.board.tell(&entry.wanted, Observed::Waiting { reason: why.clone() });
            Outcome::Wait { on: vec![Topic::Object(key.clone())], why }
        }
        Err(error) => failed(core, entry, &error),
    }
}

/// Takes an object down whatever is wanted of it, for `drystone down --destroy`.
pub(crate) async fn take_down(core: &Core, key: &Key) -> Driven<()> {
    if key.0 == Kind::Server {
        return server::take_down(core, key).await;
    }
    limit(BRIEF, "the switch", core.parts.switch.remove(key.0, &key.1)).await
}

/// The user will not use the object any more, but may still do so. A user that goes on naming the object is not waited
/// for: the tombstone says that it goes.
fn is_letting_go(core: &Core, user: &Key, used: &Key) -> bool {
    let Some(entry) = core.ledger.entry(user) else { return false };
    match &entry.wanted.spec {
        None => !core.queue.standing(user).gone,
        Some(spec) => !refs_of(spec).contains(used),
    }
}

#[cfg(test)]
pub(crate) use server::sample_server;
