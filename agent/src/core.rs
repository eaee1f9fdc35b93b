//! What all parts of an agent share, and the agent as its owner sees it.

use crate::board::Board;
use crate::converge::{self, Queue};
use crate::home::Home;
use crate::host::Served;
use crate::identity::Identity;
use crate::inventory::{self, Unknown};
use crate::ledger::Ledger;
use crate::metadata::Service;
use crate::{destroy, status};
use kernel::{Clock, Entropy, Micros};
use link::{Dial, Host};
use metal::{Disks, Hypervisor, Kind, Switch};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// An object: its sort and its id.
pub(crate) type Key = (Kind, String);

/// Drivers are asked to do so many things at once. Waiting for a guest to shut down does not count.
const AT_ONCE: usize = 16;

/// What an agent is made of.
pub struct Parts {
    /// The host's name, as operators know it.
    pub name: String,
    /// The host's address, as other hosts know it.
    pub address: String,
    /// Where "now" comes from.
    pub clock: Clock,
    /// Where randomness comes from.
    pub entropy: Entropy,
    /// Runs machines.
    pub hypervisor: Arc<dyn Hypervisor>,
    /// Realises networks.
    pub switch: Arc<dyn Switch>,
    /// Keeps disks.
    pub disks: Arc<dyn Disks>,
}

pub(crate) struct Core {
    pub parts: Parts,
    pub identity: Identity,
    pub started: Micros,
    pub ledger: Ledger,
    pub board: Board,
    pub queue: Queue,
    pub permits: Semaphore,
    pub unknown: Mutex<Unknown>,
    pub metadata: Service,
}

/// The agent of a host. Clones are the same agent.
#[derive(Clone)]
pub struct Agent(Arc<Core>);

impl Agent {
    /// Takes up the host's ledger.
    pub fn new(parts: Parts, home: Home) -> Self {
        let Home { identity, ledger } = home;
        tracing::info!(host = %parts.name, id = %identity.host_id, epoch = identity.epoch, "the agent starts");
        Self(Arc::new(Core {
            board: Board::new(identity.epoch),
            queue: Queue::new(parts.clock.clone(), parts.entropy.clone()),
            permits: Semaphore::new(AT_ONCE),
            started: parts.clock.now(),
            unknown: Mutex::default(),
            metadata: Service::default(),
            parts,
            identity,
            ledger,
        }))
    }

    /// Holds the host and serves its controller until it is dropped. Machines and networks stay as they are.
    pub async fn run(&self, dial: Dial) {
        let core = &self.0;
        let mut parts = JoinSet::new();
        parts.spawn(link::attend(dial, self.host(), core.parts.entropy.clone()));
        parts.spawn(keep("converging", core.clone(), converge::run));
        parts.spawn(keep("the full pass", core.clone(), inventory::run));
        parts.spawn(keep("following machines", core.clone(), inventory::follow_machines));
        parts.spawn(keep("following ports", core.clone(), inventory::follow_ports));
        parts.spawn(keep("metadata", core.clone(), crate::metadata::run));
        while parts.join_next().await.is_some() {}
    }

    /// What a controller may ask of this agent, for serving it by other means than [`Agent::run`].
    pub fn host(&self) -> Arc<dyn Host> {
        Arc::new(Served(self.0.clone()))
    }

    /// What is in the ledgers of all agents that share this one's home directory.
    pub async fn copy_ledgers(&self) -> io::Result<Vec<u8>> {
        self.0.ledger.copy_all().await
    }

    /// The ledgers of all agents that share this one's home directory are as they were when the copy was made. None of
    /// them may be running, and each is to forget what it knew ([`Agent::forget_all`]).
    pub async fn put_back_ledgers(&self, copy: Vec<u8>) -> io::Result<()> {
        self.0.ledger.put_back_all(copy).await?;
        // The copy may be one of other hosts.
        self.0.ledger.clear_away()
    }

    /// Nothing is known of what is on the host: all is looked at anew when the agent runs again. Not while it runs.
    pub fn forget_all(&self) {
        self.0.queue.forget_all();
        self.0.board.forget_all();
        self.0.metadata.forget_all();
    }

    /// What the agent holds, what waits for what and why, as JSON for operators.
    pub fn status(&self) -> serde_json::Value {
        status::status(&self.0)
    }

    /// Takes down everything in the ledger and forgets it; images too. Not while the agent runs. Answers with what
    /// could not be taken down: that stays in the ledger.
    pub async fn destroy(&self) -> Result<(), Vec<String>> {
        destroy::destroy(&self.0).await
    }
}

/// Keeps a part of the agent going: one that ends has hit a bug, and the others need it.
async fn keep<F: Future<Output = ()> + Send + 'static>(
    what: &str,
    core: Arc<Core>,
    part: fn(Arc<Core>) -> F,
) {
    loop {
        let mut running = JoinSet::new();
        running.spawn(part(core.clone()));
        let end = running.join_next().await;
        tracing::error!(what, ?end, "a part of the agent has ended and is started again");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
