//! Who joins and leaves. A host that joins shows its ledger: what it lacks is sent again, what nobody knows is buried.

use super::{ANY_HOST, KINDS};
use crate::Network;
use crate::store::{self as rows, work};
use fault::Fault;
use link::LedgerEntry;
use metal::{HostFacts, Kind};
use std::collections::HashMap;
use std::sync::Arc;
use store::Tx;

impl Network {
    pub(super) async fn follow_hosts(self: &Arc<Self>) {
        let mut attendance = self.agents.attendance();
        loop {
            let (joined, left) = attendance.together(usize::MAX).await;
            if let Err(fault) = self.hosts_changed(joined, left).await {
                tracing::warn!(%fault, "the coming or going of hosts could not be taken in");
            }
        }
    }

    async fn hosts_changed(self: &Arc<Self>, joined: Vec<HostFacts>, left: Vec<String>) -> Result<(), Fault> {
        let ids: Vec<String> = joined.iter().map(|facts| facts.id.clone()).collect();
        let switch_host = self
            .db
            .write(move |tx| {
                left.iter().try_for_each(|id| rows::host::left(tx, id))?;
                joined.iter().try_for_each(|facts| rows::host::joined(tx, facts))?;
                let (kind, any) = ANY_HOST;
                reconcile::touched(tx, kind, any)?;
                rows::host::with_switch(tx)
            })
            .await?;
        match switch_host.filter(|id| ids.contains(id)) {
            Some(id) => self.switch_joined(id).await,
            None => Ok(()),
        }
    }

    async fn switch_joined(self: &Arc<Self>, id: String) -> Result<(), Fault> {
        // A host that leaves meanwhile joins again, and then shows its ledger again.
        let Ok(ledger) = self.agents.ledger(&id).await else { return Ok(()) };
        let service = self.clone();
        let forgettable = self.db.write(move |tx| service.compare(tx, &ledger)).await?;
        for entry in forgettable {
            if let Err(error) = self.agents.forget(&id, entry.kind, &entry.id, entry.rank()).await {
                tracing::debug!(%error, kind = %entry.kind, id = entry.id, "a tombstone stays in a ledger");
            }
        }
        Ok(())
    }

    /// Makes everything due that the ledger lacks or holds in an older state, and buries what it should not hold.
    /// Answers tombstones of things that nobody knows any more.
    fn compare(&self, tx: &Tx, ledger: &[LedgerEntry]) -> Result<Vec<LedgerEntry>, Fault> {
        let held: HashMap<(Kind, &str), &LedgerEntry> =
            ledger.iter().map(|entry| ((entry.kind, entry.id.as_str()), entry)).collect();
        let mut known: HashMap<(Kind, String), i64> = HashMap::new();
        for kind in KINDS {
            for (id, revision, wanted) in work::held(tx, kind)? {
                let entry = held.get(&(kind, id.as_str()));
                let as_wanted = match entry {
                    None => !wanted,
                    Some(entry) => entry.tombstone != wanted && entry.rank() >= (tx.timeline(), 1, revision),
                };
                if !as_wanted {
                    reconcile::want(tx, kind.word(), &id)?;
                }
                known.insert((kind, id), revision);
            }
        }
        let mut forgettable = Vec::new();
        for entry in ledger.iter().filter(|entry| KINDS.contains(&entry.kind)) {
            if known.contains_key(&(entry.kind, entry.id.clone())) {
                continue;
            }
            match (entry.tombstone, work::tombstone(tx, entry.kind, &entry.id)?) {
                (true, None) => forgettable.push(entry.clone()),
                (_, Some(_)) => reconcile::want(tx, entry.kind.word(), &entry.id)?,
                (false, None) => work::bury(tx, entry.kind, &entry.id, entry.revision + 1)?,
            }
        }
        Ok(forgettable)
    }
}
