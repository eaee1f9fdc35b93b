//! Networks: realised by the switch, and answered for by the metadata service.

use super::{Outcome, realise, take_off};
use crate::core::{Core, Key};
use crate::ledger::Entry;
use metal::Observed;
use metal::network::NetworkSpec;

pub(super) async fn reach(core: &Core, key: &Key, entry: &Entry, spec: &NetworkSpec) -> Outcome {
    let call = core.parts.switch.network(&key.1, entry.wanted.revision, spec);
    let outcome = realise(core, entry, call).await;
    if matches!(outcome, Outcome::Settled(_)) {
        core.metadata.follow(&key.1, spec.metadata.is_some());
        core.board.tell(&entry.wanted, Observed::Applied { up: true });
    }
    outcome
}

pub(super) async fn remove(core: &Core, key: &Key, entry: &Entry) -> Outcome {
    let outcome = take_off(core, key, entry).await;
    if matches!(outcome, Outcome::Gone(_)) {
        core.metadata.follow(&key.1, false);
    }
    outcome
}
