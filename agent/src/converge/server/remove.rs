//! Taking a server down: machine, taps, disks.

use crate::converge::{Outcome, failed};
use crate::core::{Core, Key};
use crate::ledger::Entry;
use crate::limit::{BRIEF, LONG, limit};
use metal::{DriverError, Kind};

/// Nothing of the server is left on the host.
pub(crate) async fn remove(core: &Core, key: &Key, entry: &Entry) -> Outcome {
    match take_down(core, key).await {
        Ok(()) => Outcome::Gone(entry.rank()),
        Err(error) => failed(core, entry, &error),
    }
}

/// Destroys the machine, then frees its taps, then removes its disks.
pub(crate) async fn take_down(core: &Core, key: &Key) -> Result<(), DriverError> {
    let _permit = core.permits.acquire().await;
    let machine = limit(BRIEF, "the hypervisor", core.parts.hypervisor.machine(&key.1)).await?;
    limit(LONG, "destroying the machine", core.parts.hypervisor.destroy(&key.1)).await?;
    let used = core.ledger.entry(key).map(|entry| entry.refs).unwrap_or_default();
    let mut ports: Vec<String> =
        used.into_iter().filter(|(kind, _)| *kind == Kind::Port).map(|(_, id)| id).collect();
    ports.extend(machine.into_iter().flat_map(|machine| machine.ports));
    ports.sort();
    ports.dedup();
    for port in &ports {
        core.free_tap(key, port).await?;
    }
    limit(LONG, "removing disks", core.parts.disks.remove(&key.1)).await
}
