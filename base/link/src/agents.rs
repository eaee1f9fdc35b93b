//! The controller's side: which hosts are here, and every call to one.
//!
//! A host is known by its id. A newer connection of a host replaces the older one. Each call has a deadline and says
//! [`LinkError::Away`] past it; each subscriber to reports has streams of its own, so that a slow one holds up nobody.

use crate::error::LinkError;
use crate::host::{Ensured, LedgerEntry, Rank};
use crate::reports;
use crate::session::Session;
use metal::driver::{Data, Duplex};
use metal::server::ImageSource;
use metal::{HostFacts, Kind, Report, Wanted};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};

/// How long things may take, and how many may be under way.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A call without bulk data.
    pub call: Duration,
    /// Bulk data that makes no progress.
    pub stall: Duration,
    /// A ping is sent so often.
    pub ping_every: Duration,
    /// A ping that is not answered in this time ends the connection.
    pub ping_answer: Duration,
    /// Calls under way to one host.
    pub calls: usize,
    /// The facts of a host are asked for again so often.
    pub hello_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(15),
            stall: Duration::from_secs(60),
            ping_every: Duration::from_secs(5),
            ping_answer: Duration::from_secs(10),
            calls: 256,
            hello_every: Duration::from_secs(30),
        }
    }
}

/// All agents that are connected. Clones share one table.
#[derive(Clone)]
pub struct Agents(Arc<Table>);

pub(crate) struct Table {
    pub(crate) sessions: RwLock<HashMap<String, Arc<Session>>>,
    /// Rises with each change of `sessions`.
    pub(crate) version: watch::Sender<u64>,
    pub(crate) limits: Limits,
}

impl Default for Agents {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Agents {
    /// No agents yet.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Table { sessions: RwLock::default(), version: watch::Sender::new(0), limits }))
    }

    /// Takes up a connection that an agent has dialled: says hello and registers the host. Answers when that is done;
    /// the connection is served in the background from then on.
    pub async fn accept(&self, stream: impl Duplex + 'static) -> Result<HostFacts, LinkError> {
        let session = Session::open(stream, Arc::downgrade(&self.0)).await?;
        let facts = session.facts();
        tracing::info!(host = %facts.name, id = %facts.id, epoch = facts.epoch, "an agent joined");
        self.0.enter(session);
        Ok(facts)
    }

    /// The hosts that are here, by name.
    pub fn hosts(&self) -> Vec<HostFacts> {
        let mut hosts: Vec<_> = self.0.sessions().into_iter().map(|session| session.facts()).collect();
        hosts.sort_by(|a, b| a.name.cmp(&b.name));
        hosts
    }

    /// Whether the host is here.
    pub fn is_here(&self, host_id: &str) -> bool {
        self.0.session(host_id).is_ok()
    }

    /// One host, if it is here.
    pub fn host(&self, host_id: &str) -> Option<HostFacts> {
        self.0.session(host_id).ok().map(|session| session.facts())
    }

    /// How many calls to each host wait or are under way, by the host's name.
    pub fn calls(&self) -> Vec<(String, usize)> {
        self.0.sessions().into_iter().map(|session| (session.facts().name, session.calls())).collect()
    }

    /// Who joins and leaves from now on; begins with those who are here.
    pub fn attendance(&self) -> Attendance {
        let (version, table) = (self.0.version.subscribe(), self.0.clone());
        Attendance { version, table, seen: HashMap::new(), found: VecDeque::new() }
    }

    /// The reports of all hosts: for each host that is here or joins the last report of each object, then each
    /// change, in order. Bounded: who reads slowly gets the newest state of each object later, and loses none.
    pub fn reports(&self) -> mpsc::Receiver<(String, Report)> {
        self.reports_of(&Kind::ALL)
    }

    /// The reports on objects of these kinds.
    pub fn reports_of(&self, kinds: &[Kind]) -> mpsc::Receiver<(String, Report)> {
        reports::subscribe(&self.0, kinds)
    }

    /// The host takes this into its ledger. Answers when it is on the host's disk.
    pub async fn ensure(&self, host_id: &str, wanted: &Wanted) -> Result<Ensured, LinkError> {
        self.0.session(host_id)?.ensure(wanted).await
    }

    /// What is in the host's ledger.
    pub async fn ledger(&self, host_id: &str) -> Result<Vec<LedgerEntry>, LinkError> {
        self.0.session(host_id)?.ledger().await
    }

    /// The controller has recorded [`metal::Observed::Gone`]: the host may drop the tombstone of this rank.
    pub async fn forget(&self, host_id: &str, kind: Kind, id: &str, rank: Rank) -> Result<(), LinkError> {
        self.0.session(host_id)?.forget(kind, id, rank).await
    }

    /// The host has a whole copy of the image.
    pub async fn has_image(&self, host_id: &str, image: &ImageSource) -> Result<bool, LinkError> {
        self.0.session(host_id)?.image_has(image).await
    }

    /// Sends the host a copy of the image; the host checks it. Two at once of one image do no harm.
    pub async fn put_image(&self, host_id: &str, image: &ImageSource, data: Data) -> Result<(), LinkError> {
        self.0.session(host_id)?.image_put(image, data).await
    }

    /// The host has no copy of the image any more; [`LinkError::NotYet`] while a server there needs it.
    pub async fn forget_image(&self, host_id: &str, image_id: &str) -> Result<(), LinkError> {
        self.0.session(host_id)?.image_forget(image_id).await
    }

    /// The end of a server's console log, at most `bytes`.
    pub async fn console_log(
        &self,
        host_id: &str,
        server_id: &str,
        bytes: u64,
    ) -> Result<Vec<u8>, LinkError> {
        self.0.session(host_id)?.console_log(server_id, bytes).await
    }

    /// A connection to a server's screen (RFB).
    pub async fn screen(&self, host_id: &str, server_id: &str) -> Result<DuplexStream, LinkError> {
        self.0.session(host_id)?.screen(server_id).await
    }

    /// What the agent is at, as JSON for operators.
    pub async fn status(&self, host_id: &str) -> Result<serde_json::Value, LinkError> {
        self.0.session(host_id)?.status().await
    }
}

impl Table {
    /// In the order in which they came.
    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = sessions.values().cloned().collect();
        drop(sessions);
        all.sort_by_key(|session| session.number);
        all
    }

    pub(crate) fn session(&self, host_id: &str) -> Result<Arc<Session>, LinkError> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        sessions.get(host_id).cloned().ok_or_else(|| LinkError::Away(host_id.to_owned()))
    }

    fn enter(&self, session: Arc<Session>) {
        if session.is_closed() {
            return;
        }
        let old = self
            .sessions
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(session.host_id.clone(), session.clone());
        if let Some(old) = old {
            old.close();
        }
        self.version.send_modify(|version| *version += 1);
        // It may have ended between the check and the insertion.
        if session.is_closed() {
            self.leave(&session);
        }
    }

    /// The session has ended. Does nothing if a newer one of its host has replaced it.
    pub(crate) fn leave(&self, session: &Session) {
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        if sessions.get(&session.host_id).is_some_and(|current| current.number == session.number) {
            sessions.remove(&session.host_id);
            drop(sessions);
            tracing::info!(id = %session.host_id, "an agent left");
            self.version.send_modify(|version| *version += 1);
        }
    }
}

/// A change in who is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The host is here, or is here again over a new connection: whoever sends it things compares ledgers now.
    Joined(Box<HostFacts>),
    /// The host of this id is away.
    Left(String),
}

/// Tells who joins and leaves. Level-triggered: what came and went between two looks is not told.
pub struct Attendance {
    version: watch::Receiver<u64>,
    table: Arc<Table>,
    seen: HashMap<String, u64>,
    found: VecDeque<Change>,
}

impl Attendance {
    /// Waits for the next change.
    pub async fn next(&mut self) -> Change {
        loop {
            if let Some(change) = self.found.pop_front() {
                return change;
            }
            self.version.mark_unchanged();
            self.look();
            if self.found.is_empty() && self.version.changed().await.is_err() {
                // The table holds the sender and we hold the table: this does not happen.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits for the next change, and takes with it, to `most` in all, those that were found together with it: who joined,
    /// and who left. A thousand hosts that join are taken in together.
    pub async fn together(&mut self, most: usize) -> (Vec<HostFacts>, Vec<String>) {
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        let mut change = Some(self.next().await);
        while let Some(one) = change {
            match one {
                Change::Joined(facts) => joined.push(*facts),
                Change::Left(id) => left.push(id),
            }
            let more = joined.len() + left.len() < most;
            change = if more { self.found.pop_front() } else { None };
        }
        (joined, left)
    }

    /// Who left, then who joined, in the order in which they did.
    fn look(&mut self) {
        let sessions = self.table.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let mut gone: Vec<String> =
            self.seen.keys().filter(|id| !sessions.contains_key(*id)).cloned().collect();
        gone.sort();
        for id in gone {
            self.seen.remove(&id);
            self.found.push_back(Change::Left(id));
        }
        let mut new: Vec<_> =
            sessions.iter().filter(|(id, session)| self.seen.get(*id) != Some(&session.number)).collect();
        new.sort_by_key(|(_, session)| session.number);
        for (id, session) in new {
            self.seen.insert(id.clone(), session.number);
            self.found.push_back(Change::Joined(Box::new(session.facts())));
        }
    }
}
