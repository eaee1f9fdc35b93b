//! Taking everything down that the ledger names, for `drystone down --destroy`.

use crate::converge;
use crate::core::{Core, Key};
use metal::Kind;
use std::time::Duration;

/// A kind is tried so often before the next one.
const TRIES: u32 = 5;

pub(crate) async fn destroy(core: &Core) -> Result<(), Vec<String>> {
    let mut left = Vec::new();
    for kind in Kind::ALL.into_iter().rev() {
        for attempt in 1..=TRIES {
            left.retain(|(held, _): &(Key, String)| held.0 != kind);
            for key in core.ledger.keys().into_iter().filter(|key| key.0 == kind) {
                if let Err(why) = one(core, &key).await {
                    left.push((key, why));
                }
            }
            if !left.iter().any(|(key, _)| key.0 == kind) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200) * attempt).await;
        }
    }
    if let Err(error) = core.parts.disks.forget_images(&[], Duration::ZERO).await {
        tracing::warn!(%error, "images could not be forgotten");
    }
    if left.is_empty() {
        return Ok(());
    }
    Err(left.into_iter().map(|((kind, id), why)| format!("{kind} {id}: {why}")).collect())
}

async fn one(core: &Core, key: &Key) -> Result<(), String> {
    let Some(entry) = core.ledger.entry(key) else { return Ok(()) };
    converge::take_down(core, key).await.map_err(|error| error.to_string())?;
    core.ledger.forget(key, entry.rank()).await.map_err(|error| error.to_string())
}
