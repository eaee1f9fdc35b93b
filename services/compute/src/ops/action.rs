//! What was done to a server.

use crate::ops::{server_seen, target};
use crate::store::action::{self as rows, Action};
use crate::{Compute, rules, versions};
use fault::Fault;
use kernel::Micros;
use std::sync::Arc;
use web::Cx;

/// Which actions are asked for.
#[derive(Clone, Debug, Default)]
pub struct ActionQuery {
    /// Changed at or after.
    pub since: Option<Micros>,
    /// Changed at or before.
    pub before: Option<Micros>,
    /// After the action of this request.
    pub marker: Option<String>,
    /// So many.
    pub limit: Option<usize>,
}

impl Compute {
    /// The actions on a server, the newest first.
    pub async fn action_list(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        query: ActionQuery,
    ) -> Result<Vec<Action>, Fault> {
        let id = id.to_owned();
        self.read(cx, move |_, tx, cx| {
            let server = server_seen(tx, cx, &id, cx.has(versions::ACTIONS_OF_DELETED))?;
            cx.may(&rules::INSTANCE_ACTIONS_LIST, &target(&server))?;
            let mut all = rows::action_list(tx, &id)?;
            if let Some(marker) = &query.marker {
                let at = all.iter().position(|action| action.request_id == *marker);
                let at =
                    at.ok_or_else(|| Fault::bad_input(format!("Marker {marker} could not be found.")))?;
                all.drain(..=at);
            }
            all.retain(|action| query.since.is_none_or(|since| action.updated_at >= since));
            all.retain(|action| query.before.is_none_or(|before| action.updated_at <= before));
            if let Some(limit) = query.limit {
                all.truncate(limit);
            }
            Ok(all)
        })
        .await
    }

    /// One action, by its request.
    pub async fn action_show(self: &Arc<Self>, cx: &Cx, id: &str, request_id: &str) -> Result<Action, Fault> {
        let (id, request_id) = (id.to_owned(), request_id.to_owned());
        self.read(cx, move |_, tx, cx| {
            let server = server_seen(tx, cx, &id, cx.has(versions::ACTIONS_OF_DELETED))?;
            cx.may(&rules::INSTANCE_ACTIONS_SHOW, &target(&server))?;
            let found =
                rows::action_list(tx, &id)?.into_iter().find(|action| action.request_id == request_id);
            found.ok_or_else(|| Fault::not_found(format!("Action {request_id} not found")))
        })
        .await
    }
}
