//! Tags of servers.

use crate::model::server::{Server, VmState};
use crate::ops::{server_for, server_seen, target};
use crate::store::server as rows;
use crate::{Compute, rules};
use fault::Fault;
use policy::Rule;
use std::sync::Arc;
use store::Tx;
use web::Cx;

/// The most tags that a server may have.
pub const MOST: usize = 50;

/// A server whose tags may be changed now. Locks do not count here.
fn changeable(tx: &Tx, cx: &Cx, id: &str, rule: &Rule, action: &str) -> Result<Server, Fault> {
    let server = server_seen(tx, cx, id, false)?;
    cx.may(rule, &target(&server))?;
    let state = server.standing().vm_state;
    if matches!(state, VmState::Active | VmState::Paused | VmState::Suspended | VmState::Stopped) {
        return Ok(server);
    }
    let word = state.word();
    Err(Fault::conflict(format!("Cannot '{action}' instance {id} while it is in vm_state {word}")))
}

impl Compute {
    /// The tags.
    pub async fn tag_list(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<Vec<String>, Fault> {
        let id = id.to_owned();
        self.read(cx, move |_, tx, cx| {
            server_for(tx, cx, &id, &rules::SERVER_TAGS_INDEX)?;
            rows::tags(tx, &id)
        })
        .await
    }

    /// Whether there is such a tag: a fault if not.
    pub async fn tag_show(self: &Arc<Self>, cx: &Cx, id: &str, tag: &str) -> Result<(), Fault> {
        let (id, tag) = (id.to_owned(), tag.to_owned());
        self.read(cx, move |_, tx, cx| {
            server_for(tx, cx, &id, &rules::SERVER_TAGS_SHOW)?;
            if rows::tags(tx, &id)?.contains(&tag) {
                return Ok(());
            }
            Err(Fault::not_found(format!("Server {id} has no tag '{tag}'")))
        })
        .await
    }

    /// Adds a tag; false if it was there.
    pub async fn tag_add(self: &Arc<Self>, cx: &Cx, id: &str, tag: &str) -> Result<bool, Fault> {
        let (id, tag) = (id.to_owned(), tag.to_owned());
        self.write(cx, move |_, tx, cx| {
            changeable(tx, cx, &id, &rules::SERVER_TAGS_UPDATE, "update tag")?;
            check(&tag)?;
            let tags = rows::tags(tx, &id)?;
            if tags.len() >= MOST {
                return Err(Fault::bad_input(format!(
                    "The number of tags exceeded the per-server limit {MOST}"
                )));
            }
            rows::tag_add(tx, &id, &tag)
        })
        .await
    }

    /// Replaces all tags.
    pub async fn tag_replace(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        tags: Vec<String>,
    ) -> Result<Vec<String>, Fault> {
        let id = id.to_owned();
        self.write(cx, move |_, tx, cx| {
            changeable(tx, cx, &id, &rules::SERVER_TAGS_UPDATE_ALL, "update tags")?;
            rows::tags_clear(tx, &id)?;
            for tag in &tags {
                rows::tag_add(tx, &id, tag)?;
            }
            rows::tags(tx, &id)
        })
        .await
    }

    /// Removes a tag.
    pub async fn tag_remove(self: &Arc<Self>, cx: &Cx, id: &str, tag: &str) -> Result<(), Fault> {
        let (id, tag) = (id.to_owned(), tag.to_owned());
        self.write(cx, move |_, tx, cx| {
            changeable(tx, cx, &id, &rules::SERVER_TAGS_DELETE, "delete tag")?;
            if rows::tag_remove(tx, &id, &tag)? {
                return Ok(());
            }
            Err(Fault::not_found(format!("Instance {id} has no tag '{tag}'")))
        })
        .await
    }

    /// Removes all tags.
    pub async fn tag_clear(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<(), Fault> {
        let id = id.to_owned();
        self.write(cx, move |_, tx, cx| {
            changeable(tx, cx, &id, &rules::SERVER_TAGS_DELETE_ALL, "delete tags")?;
            rows::tags_clear(tx, &id)
        })
        .await
    }
}

fn check(tag: &str) -> Result<(), Fault> {
    let shown = web::schema::python(&serde_json::Value::from(tag));
    let wrong = match tag {
        "" => format!("{shown} should be non-empty"),
        _ if tag.contains([',', '/']) => format!("{shown} does not match '^[^,/]*$'"),
        _ if tag.chars().count() > 60 => format!("{shown} is too long"),
        _ => return Ok(()),
    };
    Err(Fault::bad_input(format!(
        "Tag '{tag}' is invalid. It must be a non empty string without characters '/' and ','. Validation error message: {wrong}"
    )))
}
