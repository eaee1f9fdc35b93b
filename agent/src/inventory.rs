//! The full pass: what is on the metal is compared with the ledger, now and then and at the start.
//!
//! What differs is looked at by its task. What nobody wants and no tombstone names is told to operators and never
//! touched. Events of the drivers do the same for single objects at once; losing one costs half a minute.

use crate::core::{Core, Key};
use crate::limit::{BRIEF, limit};
use metal::driver::KnownMachine;
use metal::{DriverError, Kind, Observed};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Between passes, give or take a fifth.
const EVERY: Duration = Duration::from_secs(30);
/// Copies of images that nobody has used for so long are forgotten.
const UNUSED: Duration = Duration::from_secs(24 * 3600);
/// Passes between two looks at the images.
const SWEEP: u32 = 20;

/// What is on the host and in nobody's ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Unknown {
    pub machines: BTreeSet<String>,
    pub disks: BTreeSet<String>,
    pub switch: BTreeSet<(Kind, String)>,
    pub taps: BTreeSet<String>,
}

/// Passes, one after the other. Does not end by itself.
pub(crate) async fn run(core: Arc<Core>) {
    for round in 0u32.. {
        if let Err(error) = pass(&core).await {
            tracing::warn!(%error, "the host could not be looked over");
        }
        if round % SWEEP == SWEEP - 1
            && let Err(error) = sweep(&core).await
        {
            tracing::warn!(%error, "unused images could not be forgotten");
        }
        let spread = core.parts.entropy.below(EVERY.as_secs() * 400);
        tokio::time::sleep(EVERY * 4 / 5 + Duration::from_millis(spread)).await;
    }
}

/// Machines that changed by themselves are looked at at once.
pub(crate) async fn follow_machines(core: Arc<Core>) {
    loop {
        let id = core.parts.hypervisor.changed().await;
        core.mark_known((Kind::Server, id));
    }
}

/// Ports whose links changed are looked at at once.
pub(crate) async fn follow_ports(core: Arc<Core>) {
    loop {
        let id = core.parts.switch.changed().await;
        core.mark_known((Kind::Port, id));
    }
}

impl Core {
    fn mark_known(&self, key: Key) {
        if self.ledger.entry(&key).is_some() {
            self.queue.mark(&key);
        }
    }
}

async fn pass(core: &Core) -> Result<(), DriverError> {
    let parts = &core.parts;
    let machines = limit(BRIEF, "the hypervisor", parts.hypervisor.machines()).await?;
    let disks = limit(BRIEF, "the disks", parts.disks.servers()).await?;
    let held = limit(BRIEF, "the switch", parts.switch.held()).await?;
    let taps = limit(BRIEF, "the switch", parts.switch.plugged()).await?;
    let mut unknown = Unknown::default();
    let is_unknown = |kind: Kind, id: &str| core.ledger.entry(&(kind, id.to_owned())).is_none();
    unknown.machines = machines.iter().map(|machine| machine.id.clone()).collect();
    unknown.machines.retain(|id| is_unknown(Kind::Server, id));
    unknown.disks = disks.into_iter().filter(|id| is_unknown(Kind::Server, id)).collect();
    unknown.switch = held.iter().map(|(kind, id, _)| (*kind, id.clone())).collect();
    unknown.switch.retain(|(kind, id)| is_unknown(*kind, id));
    unknown.taps = taps.iter().cloned().collect();
    unknown.taps.retain(|id| core.ledger.users(&(Kind::Port, id.clone())).is_empty());
    remember(core, unknown);
    for key in differing(core, &machines, &held, &taps) {
        core.queue.mark(&key);
    }
    Ok(())
}

fn remember(core: &Core, unknown: Unknown) {
    let mut known = core.unknown.lock().unwrap_or_else(PoisonError::into_inner);
    if *known != unknown {
        if unknown != Unknown::default() {
            tracing::warn!(
                ?unknown,
                "there are things on this host that nobody asked for; they are left alone"
            );
        }
        *known = unknown;
    }
}

/// Objects that are not on the metal as they were last reported.
fn differing(
    core: &Core,
    machines: &[KnownMachine],
    held: &[(Kind, String, i64)],
    taps: &[String],
) -> Vec<Key> {
    let machines: HashMap<&str, &KnownMachine> =
        machines.iter().map(|machine| (machine.id.as_str(), machine)).collect();
    let held: HashSet<(Kind, &str, i64)> =
        held.iter().map(|(kind, id, revision)| (*kind, id.as_str(), *revision)).collect();
    let taps: HashSet<&str> = taps.iter().map(String::as_str).collect();
    let present: HashSet<(Kind, &str)> = held.iter().map(|(kind, id, _)| (*kind, *id)).collect();
    core.ledger.map(|(key, entry)| {
        let (kind, id) = (key.0, key.1.as_str());
        let last = core.board.last(key).map(|report| report.observed);
        let same = match (kind, entry.is_tombstone()) {
            (Kind::Server, true) => !machines.contains_key(id),
            (Kind::Server, false) => is_as_told(machines.get(id).copied(), last.as_ref()),
            (_, true) => !present.contains(&(kind, id)),
            (Kind::Port, false) => {
                // Word that the link of a plugged port has come up may have been lost.
                let is_down = taps.contains(id) && last == Some(Observed::Applied { up: false });
                held.contains(&(kind, id, entry.wanted.revision)) && !is_down
            }
            (_, false) => held.contains(&(kind, id, entry.wanted.revision)),
        };
        (!same).then(|| key.clone())
    })
}

fn is_as_told(machine: Option<&KnownMachine>, last: Option<&Observed>) -> bool {
    match (machine, last) {
        (Some(machine), Some(Observed::Server(told))) => {
            machine.state == told.state
                && (told.ports.is_empty() || told.ports.len() == machine.ports.len())
                && machine.ports.iter().all(|port| told.ports.is_empty() || told.ports.contains(port))
        }
        (None, Some(Observed::Server(told))) => {
            use metal::server::MachineState::{Absent, Off};
            matches!(told.state, Absent | Off)
        }
        _ => false,
    }
}

/// Forgets images that no server needs and that have not been used for long.
async fn sweep(core: &Core) -> Result<(), DriverError> {
    let keep = core.ledger.map(|(_, entry)| match &entry.wanted.spec {
        Some(metal::Spec::Server(spec)) => {
            let images = std::iter::once(&spec.image).chain(&spec.kernel).chain(&spec.ramdisk);
            Some(images.map(|image| image.id.clone()).collect::<Vec<_>>())
        }
        _ => None,
    });
    limit(BRIEF, "the disks", core.parts.disks.forget_images(&keep.concat(), UNUSED)).await
}
