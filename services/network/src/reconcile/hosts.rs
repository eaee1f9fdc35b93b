//! Who joins and leaves. A host that joins shows its ledger: what it lacks is sent again, what nobody knows is buried.

use super::{ANY_HOST, KINDS};
use crate::Network;
use crate::store::{self as rows, work};
use fault::Fault;
use link::{Change, LedgerEntry};
use metal::{HostFacts, Kind};
use std::collections::HashMap;
use std::sync::Arc;
use store::Tx;

impl Network {
    pub(super) async fn follow_hosts(self: &Arc<Self>) {
        let mut attendance = self.agents.attendance();
        loop {
            let outcome = match attendance.next().await {
                Change::Joined(facts) => self.host_joined(*facts).await,
                Change::Left(id) => self.db.write(move |tx| rows::host::left(tx, &id)).await,
            };
            if let Err(fault) = outcome {
                tracing::warn!(%fault, "a host's coming or going could not be taken in");
            }
        }
    }

    async fn host_joined(self: &Arc<Self>, facts: HostFacts) -> Result<(), Fault> {
        let id = facts.id.clone();
        self.db
            .write(move |tx| {
                rows::host::joined(tx, &facts)?;
                let (kind, any) = ANY_HOST;
                reconcile::touched(tx, kind, any)
            })
            .await?;
        if self.switch_host().as_ref() != Some(&id) {
            return Ok(());
        }
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
