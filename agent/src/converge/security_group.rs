//! Security groups: realised by the switch.

use super::{Outcome, realise, take_off};
use crate::core::{Core, Key};
use crate::ledger::Entry;
use metal::Observed;
use metal::network::SecurityGroupSpec;

pub(super) async fn reach(core: &Core, key: &Key, entry: &Entry, spec: &SecurityGroupSpec) -> Outcome {
    let call = core.parts.switch.security_group(&key.1, entry.wanted.revision, spec);
    let outcome = realise(core, entry, call).await;
    if matches!(outcome, Outcome::Settled(_)) {
        core.board.tell(&entry.wanted, Observed::Applied { up: true });
    }
    outcome
}

pub(super) async fn remove(core: &Core, key: &Key, entry: &Entry) -> Outcome {
    take_off(core, key, entry).await
}
