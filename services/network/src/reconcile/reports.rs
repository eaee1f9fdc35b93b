//! What hosts report of networks, groups, ports and routers.

use super::KINDS;
use crate::Network;
use crate::model::port::PortRow;
use crate::record::Record;
use crate::store::{self as rows, work};
use fault::Fault;
use metal::{Kind, Observed, Report};
use std::sync::Arc;
use std::time::Duration;
use store::Tx;

/// Reports that are taken in together.
const TOGETHER: usize = 256;

impl Network {
    pub(super) async fn follow_reports(self: &Arc<Self>) {
        let mut reports = self.agents.reports_of(&KINDS);
        while let Some(first) = reports.recv().await {
            let mut batch = vec![first];
            while batch.len() < TOGETHER
                && let Ok(next) = reports.try_recv()
            {
                batch.push(next);
            }
            self.take_reports(batch).await;
        }
    }

    /// Takes reports in, again and again until the store has them: each is told once by a host that stays connected.
    pub async fn take_reports(self: &Arc<Self>, batch: Vec<(String, Report)>) {
        loop {
            let (service, reports) = (self.clone(), batch.clone());
            let taken = self.db.patient().write(move |tx| {
                let mut gone = Vec::new();
                for (host, report) in &reports {
                    if service.take_report(tx, host, report)? {
                        gone.push((host.clone(), report.clone()));
                    }
                }
                Ok(gone)
            });
            match taken.await {
                Ok(gone) => return self.forget_all(gone).await,
                Err(fault) => tracing::warn!(%fault, "reports could not be taken in"),
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Takes one report in. Says whether the host may forget the object.
    fn take_report(&self, tx: &Tx, host: &str, report: &Report) -> Result<bool, Fault> {
        if report.timeline != tx.timeline() || !rows::host::observed(tx, host, report)? {
            return Ok(false);
        }
        match (report.kind, &report.observed) {
            (Kind::Port, Observed::Applied { up }) => port_is(tx, &report.id, *up).map(|()| false),
            (kind, Observed::Gone) => self.is_gone(tx, kind, report),
            (
                _,
                Observed::Applied { .. }
                | Observed::Waiting { .. }
                | Observed::Failed { .. }
                | Observed::Server(_),
            ) => Ok(false),
        }
    }

    fn is_gone(&self, tx: &Tx, kind: Kind, report: &Report) -> Result<bool, Fault> {
        if work::carried_out(tx, kind, &report.id, report.revision)? {
            return Ok(true);
        }
        // Nothing newer is wanted there: a port that became a router's, or something that nobody knows any more.
        let wanted = self.wanted(tx, kind, &report.id)?;
        let over = wanted.is_none_or(|wanted| wanted.spec.is_none() && wanted.revision <= report.revision);
        if over {
            rows::host::unobserved(tx, kind, &report.id)?;
        }
        Ok(over)
    }

    async fn forget_all(&self, gone: Vec<(String, Report)>) {
        for (host, report) in gone {
            let rank = (report.timeline, report.incarnation, report.revision);
            // What is not forgotten now is when the host joins again.
            if let Err(error) = self.agents.forget(&host, report.kind, &report.id, rank).await {
                tracing::debug!(%error, kind = %report.kind, id = report.id, "a tombstone stays in a ledger");
            }
        }
    }
}

/// The link of a port is up, or not. Whoever waits for it is woken.
fn port_is(tx: &Tx, id: &str, up: bool) -> Result<(), Fault> {
    let Some(mut row) = PortRow::find(tx, id)?.filter(|row| row.up != up) else { return Ok(()) };
    let before = row.status();
    row.up = up;
    if row.status() != before {
        row.revision_number += 1;
        row.updated_at = tx.now();
    }
    row.save(tx)?;
    reconcile::touched(tx, Kind::Port.word(), id)
}
