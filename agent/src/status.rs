//! What the agent is at, for operators: each object, what it waits for and why, and what is here that nobody wants.

use crate::core::Core;
use serde_json::{Value, json};
use std::sync::PoisonError;

pub(crate) fn status(core: &Core) -> Value {
    let mut objects = core.ledger.map(|(key, entry)| {
        let standing = core.queue.standing(key);
        let state = if standing.running {
            "working"
        } else if standing.error.is_some() {
            "failed"
        } else if standing.waits_for.is_some() {
            "waiting"
        } else if standing.gone {
            "gone"
        } else if standing.settled == Some(entry.rank()) {
            "settled"
        } else {
            "new"
        };
        let (timeline, incarnation, revision) = entry.rank();
        Some(json!({
            "kind": key.0, "id": key.1, "timeline": timeline, "incarnation": incarnation, "revision": revision,
            "tombstone": entry.is_tombstone(), "state": state, "waits_for": standing.waits_for,
            "error": standing.error, "attempts": standing.attempts,
            "observed": core.board.last(key).map(|report| report.observed),
        }))
    });
    objects.sort_by_key(|object| (object["kind"].to_string(), object["id"].to_string()));
    let unknown = core.unknown.lock().unwrap_or_else(PoisonError::into_inner).clone();
    json!({
        "host": core.parts.name, "id": core.identity.host_id, "epoch": core.identity.epoch,
        "version": env!("CARGO_PKG_VERSION"), "formats": [metal::Wanted::FORMAT],
        "started_at": core.started.seconds_z(), "objects": objects, "unknown": unknown,
    })
}
