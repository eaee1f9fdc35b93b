//! The reconciler of tombstones: what must not be on a host any more is told to it until it says that it is gone.

use crate::Compute;
use crate::reconcile::server::{Met, met};
use crate::reconcile::{HOST, TOMBSTONE};
use crate::store as rows;
use crate::store::tombstone::Tombstone;
use ::reconcile::{Outcome, Reconciler};
use async_trait::async_trait;
use fault::Fault;
use kernel::Micros;
use metal::{Kind, Wanted};
use std::sync::Arc;
use std::time::Duration;
use store::Tx;

/// A host that is here and does not answer is told again so often.
const AGAIN: Duration = Duration::from_secs(60);

/// The reconciler.
pub struct Tombstones(pub Arc<Compute>);

/// What a round does.
#[derive(Clone, Debug)]
pub enum Plan {
    /// There is no tombstone.
    Gone,
    /// The host is away.
    Away,
    /// The host is told.
    Tell(String, Box<Wanted>),
    /// The host may forget it.
    Forget(String, Box<Wanted>),
}

#[async_trait]
impl Reconciler for Tombstones {
    type Snapshot = (Option<Tombstone>, bool, i64);
    type Plan = Plan;
    type Result = (Plan, Met);

    fn kind(&self) -> &'static str {
        TOMBSTONE
    }

    fn snapshot(&self, tx: &Tx, id: &str) -> Result<Self::Snapshot, Fault> {
        let Some((server_id, host_id)) = id.split_once('@') else { return Ok((None, false, 0)) };
        let up = rows::host::host_by_id(tx, host_id)?.is_some_and(|host| host.up);
        Ok((rows::tombstone::tombstone(tx, server_id, host_id)?, up, tx.timeline()))
    }

    fn plan(&self, (tombstone, up, timeline): &Self::Snapshot, _now: Micros) -> Plan {
        let Some(tombstone) = tombstone else { return Plan::Gone };
        let wanted = Box::new(Wanted {
            format: Wanted::FORMAT,
            kind: Kind::Server,
            id: tombstone.server_id.clone(),
            timeline: *timeline,
            incarnation: tombstone.incarnation,
            revision: tombstone.revision,
            spec: None,
        });
        match (tombstone.gone, up) {
            (true, _) => Plan::Forget(tombstone.host_id.clone(), wanted),
            (false, true) => Plan::Tell(tombstone.host_id.clone(), wanted),
            (false, false) => Plan::Away,
        }
    }

    async fn act(&self, _id: &str, plan: &Plan) -> (Plan, Met) {
        let agents = &self.0.agents;
        let met = match plan {
            Plan::Gone | Plan::Away => Met::Well,
            Plan::Tell(host_id, wanted) => {
                agents.ensure(host_id, wanted).await.map_or_else(met, |_| Met::Well)
            }
            Plan::Forget(host_id, wanted) => {
                // A host that is away forgets when it comes back and its ledger is compared.
                let _ = agents.forget(host_id, Kind::Server, &wanted.id, wanted.rank()).await;
                Met::Well
            }
        };
        (plan.clone(), met)
    }

    fn record(
        &self,
        tx: &Tx,
        _id: &str,
        (was, _, _): &Self::Snapshot,
        (plan, met): &Self::Result,
    ) -> Result<Outcome, Fault> {
        let Some(was) = was else { return Ok(Outcome::Gone) };
        let Some(now) = rows::tombstone::tombstone(tx, &was.server_id, &was.host_id)? else {
            return Ok(Outcome::Gone);
        };
        let wait = |reason: &str| Outcome::Wait {
            reason: reason.to_owned(),
            until: tx.now().plus(AGAIN),
            on: vec![(HOST.to_owned(), was.host_id.clone())],
        };
        Ok(match (plan, met) {
            (Plan::Gone, _) => Outcome::Gone,
            (Plan::Forget(..), _) if now == *was => {
                rows::tombstone::tombstone_drop(tx, &was.server_id, &was.host_id)?;
                Outcome::Gone
            }
            (Plan::Forget(..), _) => Outcome::Progress,
            (_, Met::Stale((_, incarnation, revision))) => {
                let higher =
                    Tombstone { incarnation: *incarnation, revision: revision + 1, gone: false, ..now };
                rows::tombstone::tombstone_put(tx, &higher)?;
                Outcome::Progress
            }
            (_, Met::Never(why) | Met::Later(why)) => {
                Outcome::Failed { reason: why.clone(), retry_at: tx.now().plus(Duration::from_secs(1)) }
            }
            (Plan::Tell(..), Met::Well) => wait("the host takes it down"),
            (Plan::Tell(..) | Plan::Away, _) => wait("its host is away"),
        })
    }
}
