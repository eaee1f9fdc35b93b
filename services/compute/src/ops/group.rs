//! Server groups.

use crate::model::group::{Group, Policy};
use crate::store::{group as rows, quota};
use crate::{Compute, rules};
use fault::Fault;
use policy::Target;
use serde_json::Value;
use std::sync::Arc;
use web::Cx;

fn no_group(id: &str) -> Fault {
    Fault::not_found(format!("Instance group {id} could not be found."))
}

impl Compute {
    /// Makes a group.
    pub async fn group_create(
        self: &Arc<Self>,
        cx: &Cx,
        name: String,
        policy: Policy,
        rules: Value,
    ) -> Result<Group, Fault> {
        cx.may(&rules::SERVER_GROUPS_CREATE, &Target::own(&cx.who))?;
        self.write(cx, move |_, tx, cx| {
            let limit = quota::limit(tx, cx.who.project(), "server_groups")?;
            if limit >= 0 && rows::group_count(tx, cx.who.project())? >= limit {
                return Err(Fault::over_quota("Quota exceeded, too many server groups."));
            }
            let group = Group {
                id: tx.entropy().dashed_id(),
                project_id: cx.who.project().to_owned(),
                user_id: cx.who.user_id.clone(),
                name: name.clone(),
                policy,
                rules: rules.clone(),
                members: Vec::new(),
            };
            rows::group_insert(tx, &group)?;
            Ok(group)
        })
        .await
    }

    /// A group.
    pub async fn group_show(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<Group, Fault> {
        let id = id.to_owned();
        self.read(cx, move |_, tx, cx| {
            let group = rows::group_by_id(tx, &id)?
                .filter(|group| cx.sees(&group.project_id))
                .ok_or_else(|| no_group(&id))?;
            cx.may(&rules::SERVER_GROUPS_SHOW, &Target::project(&group.project_id))?;
            Ok(group)
        })
        .await
    }

    /// The groups of the project, or of all.
    pub async fn group_list(self: &Arc<Self>, cx: &Cx, all: bool) -> Result<Vec<Group>, Fault> {
        let own = Target::own(&cx.who);
        cx.may(&rules::SERVER_GROUPS_INDEX, &own)?;
        let all = all && cx.who.admin;
        if all {
            cx.may(&rules::SERVER_GROUPS_INDEX_ALL_PROJECTS, &own)?;
        }
        self.read(cx, move |_, tx, cx| rows::group_list(tx, (!all).then(|| cx.who.project()))).await
    }

    /// Deletes a group; its servers stay where they are.
    pub async fn group_delete(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<(), Fault> {
        let id = id.to_owned();
        self.write(cx, move |_, tx, cx| {
            let group = rows::group_by_id(tx, &id)?
                .filter(|group| cx.sees(&group.project_id))
                .ok_or_else(|| no_group(&id))?;
            cx.may(&rules::SERVER_GROUPS_DELETE, &Target::project(&group.project_id))?;
            rows::group_delete(tx, &id)
        })
        .await
    }
}
