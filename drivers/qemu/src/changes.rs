//! Machines whose state has changed by itself, waiting to be asked for: each is named once however often it changed.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// The set, and the bell that rings when it is not empty.
#[derive(Default)]
pub struct Changes {
    ids: Mutex<BTreeSet<String>>,
    bell: Notify,
}

impl Changes {
    /// The machine's state has changed.
    pub fn add(&self, id: &str) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        self.bell.notify_one();
    }

    /// Waits for a change.
    pub async fn next(&self) -> String {
        loop {
            if let Some(id) = self.ids.lock().unwrap_or_else(PoisonError::into_inner).pop_first() {
                return id;
            }
            self.bell.notified().await;
        }
    }
}
