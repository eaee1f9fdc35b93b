//! The reconciler of the copies of deleted images: hosts let go of them, so that a deleted image leaves no file behind.
//!
//! Whoever deletes an image makes the row. It rests while servers stand on the image, and each of their ends wakes it.
//! Then every host is told; one that is away is told when it comes back. A host is asked for no more than "have no copy":
//! it refuses as long as something of it still lies on one, and needs to remember nothing.

use crate::Compute;
use crate::reconcile::{HOST, SERVER};
use crate::store as rows;
use ::reconcile::{Outcome, Reconciler, row, set_data};
use async_trait::async_trait;
use contract::image::COPIES;
use fault::Fault;
use futures_util::StreamExt;
use kernel::Micros;
use link::LinkError;
use std::sync::Arc;
use std::time::Duration;
use store::Tx;

/// How often it is looked at whether servers still stand on the image: a rebuilt one says nothing.
const LOOK: Duration = Duration::from_secs(60);
/// A host that could not do it yet is told again after this, and then less and less often.
const AGAIN: Duration = Duration::from_secs(1);
/// Hosts that are told at a time.
const AT_ONCE: usize = 16;

/// The reconciler.
pub struct ImageCopies(pub Arc<Compute>);

/// What a round knows.
#[derive(Debug)]
pub struct Snapshot {
    /// The image is there.
    exists: bool,
    /// Servers that stand on it.
    servers: Vec<String>,
    /// Hosts that may have a copy, and whether they are here.
    hosts: Vec<(String, bool)>,
}

/// What a round does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// There is nothing to do, or nothing any more.
    Gone,
    /// These servers go first.
    Rest(Vec<String>),
    /// These hosts are told; those are away.
    Tell(Vec<String>, Vec<String>),
}

#[async_trait]
impl Reconciler for ImageCopies {
    type Snapshot = Snapshot;
    type Plan = Plan;
    type Result = (Plan, Vec<(String, Result<(), LinkError>)>);

    fn kind(&self) -> &'static str {
        COPIES
    }

    fn snapshot(&self, tx: &Tx, id: &str) -> Result<Snapshot, Fault> {
        let done = rid_of(tx, id)?;
        let hosts = rows::host::host_list(tx)?.into_iter().filter(|host| !done.contains(&host.id));
        Ok(Snapshot {
            exists: self.0.images.image_by_id(tx, id)?.is_some(),
            servers: rows::server::servers_standing_on(tx, id)?,
            hosts: hosts.map(|host| (host.id, host.up)).collect(),
        })
    }

    fn plan(&self, snapshot: &Snapshot, _now: Micros) -> Plan {
        if snapshot.exists || snapshot.hosts.is_empty() {
            return Plan::Gone;
        }
        if !snapshot.servers.is_empty() {
            return Plan::Rest(snapshot.servers.clone());
        }
        let ids = |up: bool| {
            let hosts = snapshot.hosts.iter().filter(|(_, is_up)| *is_up == up);
            hosts.map(|(id, _)| id.clone()).collect()
        };
        Plan::Tell(ids(true), ids(false))
    }

    async fn act(&self, id: &str, plan: &Plan) -> Self::Result {
        let Plan::Tell(hosts, _) = plan else { return (plan.clone(), Vec::new()) };
        let agents = &self.0.agents;
        let told = futures_util::stream::iter(hosts.clone())
            .map(|host| async move {
                let answer = agents.forget_image(&host, id).await;
                (host, answer)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        (plan.clone(), told)
    }

    fn record(&self, tx: &Tx, id: &str, _: &Snapshot, (plan, told): &Self::Result) -> Result<Outcome, Fault> {
        let away = match plan {
            Plan::Gone => return Ok(Outcome::Gone),
            Plan::Rest(servers) => {
                let on = servers.iter().map(|server| (SERVER.to_owned(), server.clone())).collect();
                return Ok(Outcome::Rest { until: tx.now().plus(LOOK), on });
            }
            Plan::Tell(_, away) => away,
        };
        let (mut done, mut away, mut why) = (rid_of(tx, id)?, away.clone(), None);
        for (host, answer) in told {
            match answer {
                Ok(()) => done.push(host.clone()),
                Err(LinkError::Away(_)) => away.push(host.clone()),
                Err(error) => why = Some(format!("{host}: {error}")),
            }
        }
        set_data(tx, COPIES, id, &done)?;
        Ok(match why {
            Some(reason) => Outcome::Failed { reason, retry_at: tx.now().plus(AGAIN) },
            None if away.is_empty() => Outcome::Gone,
            None => Outcome::Wait {
                reason: format!("{} may have a copy and is away", away.join(", ")),
                until: tx.now().plus(LOOK),
                on: away.into_iter().map(|host| (HOST.to_owned(), host)).collect(),
            },
        })
    }
}

/// The hosts that have said that they have no copy.
fn rid_of(tx: &Tx, id: &str) -> Result<Vec<String>, Fault> {
    Ok(row(tx, COPIES, id)?.and_then(|row| row.data_as()).unwrap_or_default())
}
