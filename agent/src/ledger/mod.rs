//! What is wanted of this host, on disk before it is promised.
//!
//! The ledger fences: a lower rank is refused, an equal one with the same content is a repeat, with other content an
//! error. A tombstone stays until the controller says that it may be forgotten. Beside what is wanted it keeps what
//! an agent must remember of each server ([`Note`]) and what an object has come to use ([`Entry::refs`]), which is
//! still needed when the object's spec is gone.

mod journal;

use crate::core::Key;
pub(crate) use journal::Writing;
use journal::{Book, Job, Journal};
use link::{Ensured, HostError, LedgerEntry, Rank};
use metal::{Kind, Spec, Wanted};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::{Arc, MutexGuard};
use tokio::sync::oneshot;

/// What must be remembered of a server over restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The life that disks and machine here belong to; zero is none yet.
    pub incarnation: i64,
    /// The disks of this life have been made.
    #[serde(default)]
    pub built: bool,
    /// Timeline and revision of the newest wanted state at which the machine was known to be alive; none when it has been
    /// off as wanted since.
    #[serde(default)]
    pub ran: Option<(i64, i64)>,
    /// The starts that had been asked for when the machine was last known to be alive.
    #[serde(default)]
    pub starts: i64,
    /// Reboots carried out.
    #[serde(default)]
    pub reboots: i64,
    /// A reboot is under way.
    #[serde(default)]
    pub rebooting: Option<Rebooting>,
    /// What the guest has posted as its password.
    #[serde(default)]
    pub password: Option<String>,
}

/// How far a reboot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rebooting {
    /// The machine is being stopped.
    Stopping,
    /// It is stopped: what runs from now on is the new boot.
    Starting,
}

/// One object of the ledger.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub wanted: Arc<Wanted>,
    pub digest: Arc<str>,
    /// What the object uses, or has used and may still hold on to.
    pub refs: Vec<Key>,
    pub note: Note,
}

impl Entry {
    pub(crate) fn rank(&self) -> Rank {
        self.wanted.rank()
    }

    pub(crate) fn is_tombstone(&self) -> bool {
        self.wanted.spec.is_none()
    }
}

/// What an object uses, by its spec.
pub(crate) fn refs_of(spec: &Spec) -> Vec<Key> {
    let mut refs: Vec<Key> = match spec {
        Spec::Network(_) | Spec::SecurityGroup(_) => Vec::new(),
        Spec::Port(port) => {
            let groups = port.security_groups.iter().map(|id| (Kind::SecurityGroup, id.clone()));
            std::iter::once((Kind::Network, port.network_id.clone())).chain(groups).collect()
        }
        Spec::Router(router) => {
            let inner = router.interfaces.iter().map(|interface| interface.network_id.clone());
            let outer = router.gateway.iter().map(|gateway| gateway.network_id.clone());
            inner.chain(outer).map(|id| (Kind::Network, id)).collect()
        }
        Spec::Server(server) => server.ports.iter().map(|port| (Kind::Port, port.port_id.clone())).collect(),
    };
    refs.sort();
    refs.dedup();
    refs
}

/// What is in memory: the file's content, and ranks of what is on its way there.
#[derive(Default)]
pub(crate) struct Held {
    newest: HashMap<Key, (Rank, Arc<str>)>,
    entries: HashMap<Key, Entry>,
    /// Who uses a key.
    users: HashMap<Key, BTreeSet<Key>>,
}

impl Held {
    fn index(&mut self, key: &Key, before: &[Key], now: &[Key]) {
        for used in before.iter().filter(|used| !now.contains(used)) {
            if let Some(users) = self.users.get_mut(used) {
                users.remove(key);
                if users.is_empty() {
                    self.users.remove(used);
                }
            }
        }
        for used in now.iter().filter(|used| !before.contains(used)) {
            self.users.entry(used.clone()).or_default().insert(key.clone());
        }
    }

    fn set_refs(&mut self, key: &Key, refs: Vec<Key>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let before = std::mem::replace(&mut entry.refs, refs.clone());
        self.index(key, &before, &refs);
    }

    /// Puts in what is on disk now. What the object used before stays on its list until it is pruned.
    fn put(&mut self, wanted: Arc<Wanted>, digest: Arc<str>) {
        let key = (wanted.kind, wanted.id.clone());
        let mut refs = wanted.spec.as_ref().map(refs_of).unwrap_or_default();
        let (before, note) = match self.entries.remove(&key) {
            Some(entry) => (entry.refs, entry.note),
            None => (Vec::new(), Note::default()),
        };
        refs.extend(before.iter().cloned());
        refs.sort();
        refs.dedup();
        self.index(&key, &before, &refs);
        self.newest.entry(key.clone()).or_insert_with(|| (wanted.rank(), digest.clone()));
        self.entries.insert(key, Entry { wanted, digest, refs, note });
    }

    fn set_note(&mut self, key: &Key, note: Note) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.note = note;
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.index(key, &entry.refs, &[]);
        }
        self.newest.remove(key);
    }

    /// What was on its way did not arrive.
    fn take_back(&mut self, key: &Key) {
        match self.entries.get(key) {
            Some(entry) => drop(self.newest.insert(key.clone(), (entry.rank(), entry.digest.clone()))),
            None => drop(self.newest.remove(key)),
        }
    }
}

pub(crate) struct Ledger {
    book: Book,
    journal: Journal,
}

impl Ledger {
    /// The ledgers of these hosts in one file, in their order. A host without name has the file for itself.
    pub(crate) fn open_all(dir: &Path, hosts: &[&str], writing: Writing) -> io::Result<Vec<Self>> {
        Journal::open(dir, hosts, writing)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.book.held()
    }

    /// What is in all ledgers of the file.
    pub(crate) async fn copy_all(&self) -> io::Result<Vec<u8>> {
        self.journal.copy().await
    }

    /// All ledgers of the file are as they were when the copy was made.
    pub(crate) async fn put_back_all(&self, copy: Vec<u8>) -> io::Result<()> {
        self.journal.put_back(copy).await
    }

    /// Of hosts that have no agent now only servers stay in the file. What the host with the switch holds is wanted of
    /// another one meanwhile, and two must not be at it when both are there again.
    pub(crate) fn clear_away(&self) -> io::Result<()> {
        self.journal.clear_away()
    }

    /// Takes something wanted in. Answers when it is on disk.
    pub(crate) async fn ensure(&self, wanted: Wanted) -> Result<Ensured, HostError> {
        let (key, rank) = ((wanted.kind, wanted.id.clone()), wanted.rank());
        let digest: Arc<str> = wanted.digest().into();
        let (done, answer) = oneshot::channel();
        let accepted = {
            let mut held = self.held();
            match held.newest.get(&key) {
                Some((newest, _)) if *newest > rank => return Err(HostError::Stale { held: *newest }),
                Some((newest, content)) if *newest == rank => {
                    if *content != digest {
                        return Err(HostError::Conflict);
                    }
                    if held.entries.get(&key).is_some_and(|entry| entry.rank() == rank) {
                        return Ok(Ensured::Same);
                    }
                    // It is on its way to the disk: this answer waits for it.
                    self.journal.send(&self.book, Job::Flush { key, rank, done })?;
                    Ensured::Same
                }
                _ => {
                    held.newest.insert(key, (rank, digest.clone()));
                    // Sent under the lock, so that the file has the order of the decisions.
                    self.journal.send(&self.book, Job::Wanted { wanted: Arc::new(wanted), digest, done })?;
                    Ensured::Accepted
                }
            }
        };
        self.journal.work();
        answer.await.map_err(|_| stopped())??;
        Ok(accepted)
    }

    /// One object, as it is on disk.
    pub(crate) fn entry(&self, key: &Key) -> Option<Entry> {
        self.held().entries.get(key).cloned()
    }

    /// Every object.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<_> = self.held().entries.keys().cloned().collect();
        keys.sort();
        keys
    }

    /// Something of each object, taken without copying specs.
    pub(crate) fn map<T>(&self, take: impl FnMut((&Key, &Entry)) -> Option<T>) -> Vec<T> {
        self.held().entries.iter().filter_map(take).collect()
    }

    /// Who uses this object, or may still hold on to it.
    pub(crate) fn users(&self, key: &Key) -> Vec<Key> {
        self.held().users.get(key).map(|users| users.iter().cloned().collect()).unwrap_or_default()
    }

    /// Remembers something of a server; answers when it is on disk.
    pub(crate) async fn note(&self, key: &Key, change: impl FnOnce(&mut Note)) -> Result<Note, HostError> {
        let (done, answer) = oneshot::channel();
        let note = self.amend(key, change, Some(done))?;
        self.journal.work();
        answer.await.map_err(|_| stopped())??;
        Ok(note)
    }

    /// Remembers something of a server that can be found out again.
    pub(crate) fn note_later(&self, key: &Key, change: impl FnOnce(&mut Note)) -> Result<Note, HostError> {
        self.amend(key, change, None)
    }

    fn amend(
        &self,
        key: &Key,
        change: impl FnOnce(&mut Note),
        done: Option<oneshot::Sender<Result<(), HostError>>>,
    ) -> Result<Note, HostError> {
        let mut held = self.held();
        let Some(entry) = held.entries.get_mut(key) else {
            return Err(HostError::Missing { what: format!("{} {}", key.0, key.1) });
        };
        change(&mut entry.note);
        let note = entry.note.clone();
        self.journal.send(&self.book, Job::Note { key: key.clone(), note: note.clone(), done })?;
        Ok(note)
    }

    /// The object of this rank holds on to nothing but what its spec names. Answers what it has let go.
    pub(crate) fn prune(&self, key: &Key, rank: Rank) -> Result<Vec<Key>, HostError> {
        let mut held = self.held();
        let Some(entry) = held.entries.get(key).filter(|entry| entry.rank() == rank) else {
            return Ok(Vec::new());
        };
        let refs = entry.wanted.spec.as_ref().map(refs_of).unwrap_or_default();
        if entry.refs == refs {
            return Ok(Vec::new());
        }
        let released = entry.refs.iter().filter(|used| !refs.contains(used)).cloned().collect();
        held.set_refs(key, refs.clone());
        self.journal.send(&self.book, Job::Refs { key: key.clone(), refs })?;
        Ok(released)
    }

    /// Drops an object, if it still has this rank. Answers when that is on disk.
    pub(crate) async fn forget(&self, key: &Key, rank: Rank) -> Result<(), HostError> {
        let (done, answer) = oneshot::channel();
        self.journal.send(&self.book, Job::Forget { key: key.clone(), rank, done })?;
        self.journal.work();
        answer.await.map_err(|_| stopped())?
    }

    /// What a controller compares.
    pub(crate) fn lines(&self) -> Vec<LedgerEntry> {
        let mut lines = self.map(|((kind, id), entry)| {
            let (timeline, incarnation, revision) = entry.rank();
            Some(LedgerEntry {
                kind: *kind,
                id: id.clone(),
                timeline,
                incarnation,
                revision,
                hash: entry.digest.to_string(),
                tombstone: entry.is_tombstone(),
            })
        });
        lines.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
        lines
    }
}

fn stopped() -> HostError {
    HostError::failed("the agent ends")
}

#[cfg(test)]
mod tests;
