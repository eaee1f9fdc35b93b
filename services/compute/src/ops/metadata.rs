//! Metadata of servers: the user's own pairs.

use crate::model::server::{Server, VmState};
use crate::ops::{Demand, server_for};
use crate::store::{quota, server as rows};
use crate::{Compute, rules};
use fault::Fault;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::Tx;
use web::Cx;

type Pairs = BTreeMap<String, String>;

const CHANGEABLE: &[VmState] = &[VmState::Active, VmState::Paused, VmState::Suspended, VmState::Stopped];

fn missing() -> Fault {
    Fault::not_found("Metadata item was not found")
}

/// Refuses more items than the project may have.
pub fn check_quota(tx: &Tx, project_id: &str, pairs: &Pairs) -> Result<(), Fault> {
    let limit = quota::limit(tx, project_id, "metadata_items")?;
    if limit >= 0 && i64::try_from(pairs.len()).is_ok_and(|count| count > limit) {
        return Err(Fault::over_quota(format!("Maximum number of metadata items exceeds {limit}")));
    }
    Ok(())
}

impl Compute {
    /// The metadata.
    pub async fn metadata_list(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<Pairs, Fault> {
        let id = id.to_owned();
        self.read(cx, move |_, tx, cx| {
            Ok(server_for(tx, cx, &id, &rules::SERVER_METADATA_INDEX)?.detail.metadata)
        })
        .await
    }

    /// One item.
    pub async fn metadata_show(self: &Arc<Self>, cx: &Cx, id: &str, key: &str) -> Result<String, Fault> {
        let (id, key) = (id.to_owned(), key.to_owned());
        self.read(cx, move |_, tx, cx| {
            let mut server = server_for(tx, cx, &id, &rules::SERVER_METADATA_SHOW)?;
            server.detail.metadata.remove(&key).ok_or_else(missing)
        })
        .await
    }

    /// Adds items (or replaces all).
    pub async fn metadata_set(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        pairs: Pairs,
        how: How,
    ) -> Result<Pairs, Fault> {
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            let rule = match how {
                How::Replace => &rules::SERVER_METADATA_UPDATE_ALL,
                How::Add => &rules::SERVER_METADATA_CREATE,
                How::One => &rules::SERVER_METADATA_UPDATE,
            };
            let mut server = server_for(tx, cx, &id, rule)?;
            Demand { action: "update metadata", states: CHANGEABLE, tasks: None, launched: true }
                .check(cx, &server)?;
            let mut all = if how == How::Replace { Pairs::new() } else { server.detail.metadata.clone() };
            all.extend(pairs.clone());
            check_quota(tx, &server.project_id, &all)?;
            server.detail.metadata = all.clone();
            this.metadata_save(tx, server)?;
            Ok(all)
        })
        .await
    }

    /// Deletes an item.
    pub async fn metadata_delete(self: &Arc<Self>, cx: &Cx, id: &str, key: &str) -> Result<(), Fault> {
        let (id, key) = (id.to_owned(), key.to_owned());
        self.write(cx, move |this, tx, cx| {
            let mut server = server_for(tx, cx, &id, &rules::SERVER_METADATA_DELETE)?;
            server.detail.metadata.remove(&key).ok_or_else(missing)?;
            Demand { action: "delete metadata", states: CHANGEABLE, tasks: None, launched: true }
                .check(cx, &server)?;
            this.metadata_save(tx, server)
        })
        .await
    }

    fn metadata_save(&self, tx: &Tx, mut server: Server) -> Result<(), Fault> {
        server.generation += 1;
        server.updated_at = tx.now();
        rows::server_save(tx, &server)?;
        self.wake(tx, &server.id)
    }
}

/// How metadata is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// All that was there goes.
    Replace,
    /// Some are added.
    Add,
    /// One is set.
    One,
}
