//! What hosts tell by themselves: that they are here, that they left, what their servers do.

use crate::Compute;
use crate::model::server::{Phase, Server, Task, Turn};
use crate::reconcile::places::DOWN;
use crate::reconcile::{HOST, TOMBSTONE, outcome};
use crate::store as rows;
use crate::store::action::{self, Doer};
use crate::store::tombstone::{Tombstone, key};
use ::reconcile::{touched, want};
use fault::Fault;
use futures_util::StreamExt;
use kernel::Micros;
use link::LedgerEntry;
use metal::{HostFacts, Kind, Observed, Report};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use store::Tx;

/// Reports that are written in one transaction at most.
const BATCH: usize = 128;
/// Hosts whose coming is written in one transaction at most.
const TOGETHER: usize = 500;
/// Ledgers that are asked for at once.
const LEDGERS: usize = 32;
/// How often it is written down that a host is still here.
const FRESH: Duration = Duration::from_secs(20);
/// How long to wait before a write is tried again that the store refused.
const AGAIN: Duration = Duration::from_millis(500);
/// How often, until it is given up.
const TRIES: usize = 40;

impl Compute {
    /// Follows what hosts report of servers, for ever.
    pub(crate) async fn follow_reports(self: Arc<Self>) {
        let mut reports = self.agents.reports_of(&[Kind::Server]);
        while let Some(first) = reports.recv().await {
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(more) = reports.try_recv()
            {
                batch.push(more);
            }
            let batch: Arc<[(String, Report)]> = batch.into();
            // A report is told once a connection: it must not get lost because the store was busy.
            let all = batch.clone();
            let write = move |this: &Self, tx: &Tx| {
                all.iter().try_for_each(|(host, report)| this.report_apply(tx, host, report))
            };
            self.insist("reports", write).await;
        }
    }

    /// Takes in one report.
    pub fn report_apply(&self, tx: &Tx, host_id: &str, report: &Report) -> Result<(), Fault> {
        if report.timeline != tx.timeline() {
            return Ok(());
        }
        if report.observed == Observed::Gone {
            if rows::tombstone::tombstone_gone(tx, &report.id, host_id, report.incarnation, report.revision)?
            {
                want(tx, TOMBSTONE, &key(&report.id, host_id))?;
            }
            return Ok(());
        }
        let found = rows::server::server_by_id(tx, &report.id, false)?;
        let Some(mut server) = found.filter(|server| server.host_id.as_deref() == Some(host_id)) else {
            return Ok(());
        };
        let task = server.task;
        let turn = server.absorb(report);
        if turn == Turn::Stale {
            return Ok(());
        }
        self.turned(tx, &mut server, task, &turn)?;
        rows::server::server_save(tx, &server)?;
        if turn == Turn::Seen { Ok(()) } else { self.wake(tx, &server.id) }
    }

    fn turned(&self, tx: &Tx, server: &mut Server, task: Option<Task>, turn: &Turn) -> Result<(), Fault> {
        match turn {
            Turn::Stale | Turn::Seen | Turn::Wake => Ok(()),
            Turn::TaskDone => {
                server.updated_at = tx.now();
                server.fault = None;
                if matches!(task, Some(Task::Rebuilding)) {
                    server.launched_at = Some(tx.now());
                }
                end(tx, server, None)
            }
            Turn::TaskFailed(reason) => {
                let what = task.map_or("The task", Task::action);
                outcome::failed(tx, server, &format!("{what} failed: {reason}"), reason)
            }
            Turn::Stopped(reason) => {
                server.updated_at = tx.now();
                end(tx, server, Some(("Error", reason)))?;
                let request_id = tx.entropy().request_id();
                let doer = Doer {
                    request_id: &request_id,
                    user_id: &server.user_id,
                    project_id: &server.project_id,
                };
                let host = server.host.as_deref();
                let number =
                    action::action_begin(tx, &server.id, "stop", "compute_stop_instance", host, doer)?;
                action::action_end(tx, number, host, None)?;
                action::action_note(tx, number, reason)
            }
        }
    }

    /// Follows who joins and leaves, for ever.
    pub(crate) async fn follow_attendance(self: Arc<Self>) {
        let mut attendance = self.agents.attendance();
        loop {
            let (joined, left) = attendance.together(TOGETHER).await;
            self.left(left).await;
            self.joined(joined).await;
        }
    }

    async fn left(self: &Arc<Self>, ids: Vec<String>) {
        if ids.is_empty() {
            return;
        }
        let write = move |_: &Self, tx: &Tx| ids.iter().try_for_each(|id| away(tx, id));
        self.insist("hosts that left", write).await;
    }

    /// After a start nobody is here until it says so; but of several controllers another one may reach it. To be said
    /// before anybody can join.
    pub(crate) fn hosts_begin(&self, tx: &Tx) -> Result<(), Fault> {
        let heard_of = if tx.is_postgres() { tx.now().minus(DOWN) } else { tx.now() };
        hosts_lost(tx, &[], heard_of)
    }

    /// Hosts of other names than these are away, whatever the store says of them.
    pub fn hosts_keep(&self, tx: &Tx, names: &BTreeSet<String>) -> Result<(), Fault> {
        let hosts = rows::host::host_list(tx)?;
        let mut others = hosts.iter().filter(|host| host.up && !names.contains(&host.name));
        others.try_for_each(|host| away(tx, &host.id))
    }

    async fn joined(self: &Arc<Self>, hosts: Vec<HostFacts>) {
        let ids: Vec<String> = hosts.iter().map(|facts| facts.id.clone()).collect();
        self.each("a host that joined", hosts, |this, tx, facts| this.host_arrived(tx, facts)).await;
        let agents = &self.agents;
        let ledgers = futures_util::stream::iter(ids).map(|id| async move {
            let ledger = agents.ledger(&id).await;
            (id, ledger)
        });
        let ledgers: Vec<_> = ledgers.buffered(LEDGERS).collect().await;
        let mut told = Vec::new();
        for (id, ledger) in ledgers {
            match ledger {
                Ok(ledger) => told.push((id, ledger)),
                // It will join again, and then this comes again.
                Err(error) => tracing::warn!(%error, id, "the ledger of a host could not be read"),
            }
        }
        let compare = |this: &Self, tx: &Tx, (id, ledger): &(String, Vec<LedgerEntry>)| {
            let forgotten = this.ledger_compare(tx, id, ledger)?;
            Ok(forgotten.into_iter().map(|entry| (id.clone(), entry)).collect::<Vec<_>>())
        };
        for (id, entry) in self.each("the ledger of a host", told, compare).await.into_iter().flatten() {
            let _ = self.agents.forget(&id, Kind::Server, &entry.id, entry.rank()).await;
        }
    }

    /// Writes something for each of several in one transaction; when that does not work, for each in its own, so that one
    /// that never can be written does not hold up the others.
    async fn each<I, T, F>(self: &Arc<Self>, what: &str, items: Vec<I>, write: F) -> Vec<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: Fn(&Self, &Tx, &I) -> Result<T, Fault> + Copy + Send + Sync + 'static,
    {
        let (this, items) = (self.clone(), Arc::new(items));
        let all = items.clone();
        if let Ok(written) =
            self.db.patient().write(move |tx| all.iter().map(|item| write(&this, tx, item)).collect()).await
        {
            return written;
        }
        let mut written = Vec::new();
        for number in 0..items.len() {
            let items = items.clone();
            written.extend(self.insist(what, move |this, tx| write(this, tx, &items[number])).await);
        }
        written
    }

    /// What the host lacks is sent again; what it has without reason gets a tombstone. Answers what it may forget.
    pub fn ledger_compare(
        &self,
        tx: &Tx,
        host_id: &str,
        ledger: &[LedgerEntry],
    ) -> Result<Vec<LedgerEntry>, Fault> {
        let entries: Vec<&LedgerEntry> = ledger.iter().filter(|entry| entry.kind == Kind::Server).collect();
        let mut ours = Vec::new();
        for id in rows::server::servers_on(tx, host_id)? {
            let Some(mut server) = rows::server::server_by_id(tx, &id, false)? else { continue };
            if server.phase != Phase::Buried {
                let held = entries.iter().find(|entry| entry.id == id);
                let rank = (tx.timeline(), server.incarnation, server.revision);
                let same = held
                    .is_some_and(|held| held.rank() == rank && held.hash == server.digest && !held.tombstone);
                if !same {
                    server.sent_revision = 0;
                    rows::server::server_save(tx, &server)?;
                }
                ours.push(id.clone());
            }
            self.wake(tx, &id)?;
        }
        let mut forgotten = Vec::new();
        for entry in entries.into_iter().filter(|entry| !ours.contains(&entry.id)) {
            match rows::tombstone::tombstone(tx, &entry.id, host_id)? {
                Some(tombstone) => want(tx, TOMBSTONE, &tombstone.key())?,
                None if entry.tombstone => forgotten.push(entry.clone()),
                None => {
                    let (server_id, revision) = (entry.id.clone(), entry.revision + 1);
                    let host_id = host_id.to_owned();
                    let stone = Tombstone {
                        server_id,
                        host_id,
                        incarnation: entry.incarnation,
                        revision,
                        gone: false,
                    };
                    rows::tombstone::tombstone_put(tx, &stone)?;
                    want(tx, TOMBSTONE, &stone.key())?;
                }
            }
        }
        touched(tx, HOST, host_id)?;
        Ok(forgotten)
    }

    /// Writes down from time to time that hosts are still here, and what they say of themselves when that changed.
    pub(crate) async fn keep_hosts_fresh(self: Arc<Self>) {
        let mut told: Vec<HostFacts> = Vec::new();
        loop {
            tokio::time::sleep(FRESH).await;
            let here = self.agents.hosts();
            let changed: Vec<HostFacts> =
                here.iter().filter(|facts| !told.contains(facts)).cloned().collect();
            let ids: Vec<String> = here.iter().map(|facts| facts.id.clone()).collect();
            told = here;
            let this = self.clone();
            let written = self.db.write(move |tx| {
                rows::host::hosts_seen(tx, &ids)?;
                // Those of a controller that died.
                hosts_lost(tx, &ids, tx.now().minus(DOWN))?;
                changed.iter().try_for_each(|facts| this.host_arrived(tx, facts))
            });
            if let Err(fault) = written.await {
                tracing::warn!(%fault, "hosts could not be refreshed");
            }
        }
    }

    /// Writes something that must be written, and tries again for a while. One thing that never can be written must not
    /// hold up the others for ever.
    async fn insist<T, F>(self: &Arc<Self>, what: &str, write: F) -> Option<T>
    where
        T: Send + 'static,
        F: Fn(&Self, &Tx) -> Result<T, Fault> + Send + Sync + 'static,
    {
        let write = Arc::new(write);
        for _ in 0..TRIES {
            let (this, write) = (self.clone(), write.clone());
            match self.db.patient().write(move |tx| write(&this, tx)).await {
                Ok(value) => return Some(value),
                Err(fault) => tracing::warn!(%fault, what, "a write is tried again"),
            }
            tokio::time::sleep(AGAIN).await;
        }
        tracing::error!(what, "a write was given up");
        None
    }
}

/// Hosts that are not here and were not heard of since then are away.
fn hosts_lost(tx: &Tx, here: &[String], heard_of: Micros) -> Result<(), Fault> {
    let silent = rows::host::hosts_silent(tx, heard_of)?;
    silent.iter().filter(|id| !here.contains(id)).try_for_each(|id| away(tx, id))
}

/// The host is away from now on; whoever waits for it hears of it.
fn away(tx: &Tx, id: &str) -> Result<(), Fault> {
    rows::host::host_left(tx, id)?;
    touched(tx, HOST, id)
}

fn end(tx: &Tx, server: &mut Server, wrong: Option<(&str, &str)>) -> Result<(), Fault> {
    let host = server.host.clone();
    match server.detail.action.take() {
        Some(number) => action::action_end(tx, number, host.as_deref(), wrong),
        None => Ok(()),
    }
}
