//! Routers: realised by the switch when their networks are there.

use super::{Outcome, realise, take_off};
use crate::core::{Core, Key};
use crate::ledger::Entry;
use metal::Observed;
use metal::network::RouterSpec;

pub(super) async fn reach(core: &Core, key: &Key, entry: &Entry, spec: &RouterSpec) -> Outcome {
    let call = core.parts.switch.router(&key.1, entry.wanted.revision, spec);
    let outcome = realise(core, entry, call).await;
    if matches!(outcome, Outcome::Settled(_)) {
        core.board.tell(&entry.wanted, Observed::Applied { up: true });
    }
    outcome
}

pub(super) async fn remove(core: &Core, key: &Key, entry: &Entry) -> Outcome {
    take_off(core, key, entry).await
}
