//! The reconciler of networks, security groups, ports and routers: the host that has the switch is told what to hold.
//!
//! The work is done when the host has taken it into its ledger: from then on the host goes on by itself, and what
//! becomes of it comes as a report. A tombstone waits for the report that nothing is left.

use super::ANY_HOST;
use crate::Network;
use crate::store::{self as rows, work};
use async_trait::async_trait;
use fault::Fault;
use kernel::Micros;
use link::{Ensured, LinkError};
use metal::{Kind, Wanted};
use reconcile::{Outcome, Reconciler};
use std::sync::Arc;
use std::time::Duration;
use store::Tx;

/// A host that has not said that something is gone is asked again so often.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// A host that is away is tried again so often; its joining is heard of as well.
const TRY_AGAIN: Duration = Duration::from_secs(1);

pub(super) struct Realise {
    pub kind: Kind,
    pub network: Arc<Network>,
}

/// What came of telling a host.
pub(super) enum Told {
    /// There was nothing to tell.
    Nothing,
    /// The host to tell is not here.
    NoHost,
    /// The host answered, or not.
    Answer(Result<Ensured, LinkError>),
}

#[async_trait]
impl Reconciler for Realise {
    type Snapshot = (Option<Wanted>, Option<String>);
    type Plan = (Option<Wanted>, Option<String>);
    type Result = Told;

    fn kind(&self) -> &'static str {
        self.kind.word()
    }

    fn snapshot(&self, tx: &Tx, id: &str) -> Result<Self::Snapshot, Fault> {
        Ok((self.network.wanted(tx, self.kind, id)?, rows::host::with_switch(tx)?))
    }

    fn plan(&self, snapshot: &Self::Snapshot, _: Micros) -> Self::Plan {
        snapshot.clone()
    }

    async fn act(&self, _: &str, plan: &Self::Plan) -> Told {
        let agents = &self.network.agents;
        match plan {
            (None, _) => Told::Nothing,
            (Some(wanted), Some(host)) if agents.is_here(host) => {
                Told::Answer(agents.ensure(host, wanted).await)
            }
            (Some(_), _) => Told::NoHost,
        }
    }

    fn record(&self, tx: &Tx, id: &str, snapshot: &Self::Snapshot, result: &Told) -> Result<Outcome, Fault> {
        let Some(wanted) = &snapshot.0 else { return Ok(Outcome::Gone) };
        let answer = match result {
            Told::Nothing => return Ok(Outcome::Gone),
            Told::NoHost => {
                let (kind, any) = ANY_HOST;
                return Ok(Outcome::Wait {
                    reason: "the host with the switch is not connected".into(),
                    until: tx.now().plus(ASK_AGAIN),
                    on: vec![(kind.into(), any.into())],
                });
            }
            Told::Answer(answer) => answer,
        };
        match answer {
            Ok(_) if work::tombstone(tx, self.kind, id)?.is_some() => Ok(Outcome::Wait {
                reason: "the host takes it down".into(),
                until: tx.now().plus(ASK_AGAIN),
                on: Vec::new(),
            }),
            Ok(_) => Ok(Outcome::Done),
            Err(LinkError::Stale { held }) if held.0 == wanted.timeline => self.overtake(tx, id, held.2),
            Err(LinkError::Refused(_)) => self.overtake(tx, id, wanted.revision),
            Err(error) => {
                Ok(Outcome::Failed { reason: error.to_string(), retry_at: tx.now().plus(TRY_AGAIN) })
            }
        }
    }
}

impl Realise {
    /// The host holds something else at this revision or above it: what is wanted gets a higher one.
    fn overtake(&self, tx: &Tx, id: &str, held: i64) -> Result<Outcome, Fault> {
        work::raised(tx, self.kind, id, held + 1)?;
        let reason = format!("the host holds revision {held} already");
        Ok(Outcome::Failed { reason, retry_at: tx.now() })
    }
}
