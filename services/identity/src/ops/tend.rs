//! What identity does by itself: keys are rotated when their time has come, and what ended long ago is forgotten.

use crate::Identity;
use crate::store::ended::{any_ended, ended_delete};
use fault::Fault;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether keys are due.
const LOOK: Duration = Duration::from_secs(60);
/// After how many looks, again and again, what has ended is forgotten. Not at once: by then somebody may have seen that the
/// clock of a new host is wrong.
const FORGETTING: u64 = 60;
/// How long lists go on showing trusts that have ended. Keystone shows them until `keystone-manage trust_flush` is called.
const SHOWN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Identity {
    /// Does what is to be done, again and again.
    pub async fn follow(self: Arc<Self>) {
        for look in 1_u64.. {
            if let Err(fault) = self.keys_rotate_due().await {
                tracing::warn!(%fault, "keys cannot be rotated");
            }
            if look % FORGETTING == 0
                && let Err(fault) = self.ended_forget().await
            {
                tracing::warn!(%fault, "what has ended cannot be forgotten");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Forgets trusts, and memberships by a provider, that ended a month ago.
    pub async fn ended_forget(&self) -> Result<(), Fault> {
        if !self.db.read(|tx| any_ended(tx, tx.now().minus(SHOWN))).await? {
            return Ok(());
        }
        self.db.write(|tx| ended_delete(tx, tx.now().minus(SHOWN))).await
    }
}
