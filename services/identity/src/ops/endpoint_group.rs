//! Endpoint groups, and what the catalogs of projects are narrowed to: single endpoints, and those of groups.

use super::{expected, missing, text};
use crate::Identity;
use crate::model::catalog::Endpoint;
use crate::model::endpoint_group::{EndpointGroup, FILTERS};
use crate::model::project::Project;
use crate::rules;
pub use crate::store::endpoint_group::Shown;
use crate::store::{self, endpoint_group::*};
use ::store::Tx;
use fault::Fault;
use policy::{Rule, Target};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use web::Cx;

/// What to do with what a project is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Look whether it is shown.
    Check,
    /// Show it.
    Add,
    /// Do not show it any more.
    Remove,
}

fn group_by_id(tx: &Tx, id: &str) -> Result<EndpointGroup, Fault> {
    endpoint_group_by_id(tx, id)?.ok_or_else(|| missing("Endpoint Group", id))
}

fn endpoint_by_id(tx: &Tx, id: &str) -> Result<Endpoint, Fault> {
    store::catalog::endpoint_by_id(tx, id)?.ok_or_else(|| missing("endpoint", id))
}

fn project_by_id(tx: &Tx, id: &str) -> Result<Project, Fault> {
    store::project::project_by_id(tx, id)?.ok_or_else(|| missing("project", id))
}

fn projects(tx: &Tx, what: Shown, id: &str) -> Result<Vec<Project>, Fault> {
    let ids = projects_shown(tx, what, id)?;
    ids.iter().map(|id| project_by_id(tx, id)).collect()
}

fn groups_of(tx: &Tx, project_id: &str) -> Result<Vec<EndpointGroup>, Fault> {
    shown_to(tx, project_id, Shown::Group)?.iter().map(|id| group_by_id(tx, id)).collect()
}

/// The endpoints that a project is shown; none means all of them.
pub(super) fn endpoints_of(tx: &Tx, project_id: &str) -> Result<Vec<Endpoint>, Fault> {
    let own: BTreeSet<String> = shown_to(tx, project_id, Shown::Endpoint)?.into_iter().collect();
    let groups = groups_of(tx, project_id)?;
    let mut all = store::catalog::endpoints(tx)?;
    all.retain(|endpoint| own.contains(&endpoint.id) || groups.iter().any(|group| group.has(endpoint)));
    Ok(all)
}

fn check_filters(given: &Map<String, Value>) -> Result<(), Fault> {
    let filters = given.get("filters").and_then(Value::as_object);
    match filters.is_none_or(|filters| filters.keys().all(|name| FILTERS.contains(&name.as_str()))) {
        true => Ok(()),
        false => Err(expected(&FILTERS.join(" or "), "endpoint_group")),
    }
}

impl Identity {
    /// Every endpoint group.
    pub async fn endpoint_group_list(&self, cx: &Cx) -> Result<Vec<EndpointGroup>, Fault> {
        cx.may(&rules::LIST_ENDPOINT_GROUPS, &Target::none())?;
        self.db.read(endpoint_groups).await
    }

    /// One endpoint group.
    pub async fn endpoint_group_show(&self, cx: &Cx, id: &str) -> Result<EndpointGroup, Fault> {
        cx.may(&rules::GET_ENDPOINT_GROUP, &Target::none())?;
        let id = id.to_owned();
        self.db.read(move |tx| group_by_id(tx, &id)).await
    }

    /// Makes an endpoint group, or changes the one of that id.
    pub async fn endpoint_group_put(
        &self,
        cx: &Cx,
        id: Option<String>,
        given: Map<String, Value>,
    ) -> Result<EndpointGroup, Fault> {
        let rule = if id.is_some() { &rules::UPDATE_ENDPOINT_GROUP } else { &rules::CREATE_ENDPOINT_GROUP };
        cx.may(rule, &Target::none())?;
        check_filters(&given)?;
        self.db
            .write(move |tx| {
                let mut group = match &id {
                    Some(id) => group_by_id(tx, id)?,
                    None => EndpointGroup {
                        id: tx.entropy().hex_id(),
                        name: String::new(),
                        description: None,
                        filters: Map::new(),
                    },
                };
                group.name = text(&given, "name").unwrap_or(group.name);
                if given.contains_key("description") {
                    group.description = text(&given, "description");
                }
                if let Some(filters) = given.get("filters").and_then(Value::as_object) {
                    group.filters.clone_from(filters);
                }
                endpoint_group_put(tx, &group)?;
                Ok(group)
            })
            .await
    }

    /// Removes an endpoint group.
    pub async fn endpoint_group_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        cx.may(&rules::DELETE_ENDPOINT_GROUP, &Target::none())?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                group_by_id(tx, &id)?;
                endpoint_group_delete(tx, &id)
            })
            .await
    }

    /// The endpoints in a group.
    pub async fn endpoint_group_endpoints(&self, cx: &Cx, id: &str) -> Result<Vec<Endpoint>, Fault> {
        cx.may(&rules::LIST_ENDPOINTS_OF_ENDPOINT_GROUP, &Target::none())?;
        let id = id.to_owned();
        self.db
            .read(move |tx| {
                let group = group_by_id(tx, &id)?;
                let mut all = store::catalog::endpoints(tx)?;
                all.retain(|endpoint| group.has(endpoint));
                Ok(all)
            })
            .await
    }

    /// The projects that are shown a group.
    pub async fn endpoint_group_projects(&self, cx: &Cx, id: &str) -> Result<Vec<Project>, Fault> {
        cx.may(&rules::LIST_PROJECTS_OF_ENDPOINT_GROUP, &Target::none())?;
        let id = id.to_owned();
        self.db
            .read(move |tx| {
                group_by_id(tx, &id)?;
                projects(tx, Shown::Group, &id)
            })
            .await
    }

    /// The projects that are shown an endpoint by itself.
    pub async fn endpoint_projects(&self, cx: &Cx, id: &str) -> Result<Vec<Project>, Fault> {
        cx.may(&rules::LIST_PROJECTS_FOR_ENDPOINT, &Target::none())?;
        let id = id.to_owned();
        self.db
            .read(move |tx| {
                endpoint_by_id(tx, &id)?;
                projects(tx, Shown::Endpoint, &id)
            })
            .await
    }

    /// The endpoints that a project is shown.
    pub async fn project_endpoints(&self, cx: &Cx, project_id: &str) -> Result<Vec<Endpoint>, Fault> {
        cx.may(&rules::LIST_ENDPOINTS_FOR_PROJECT, &Target::none())?;
        let id = project_id.to_owned();
        self.db
            .read(move |tx| {
                project_by_id(tx, &id)?;
                endpoints_of(tx, &id)
            })
            .await
    }

    /// The groups that a project is shown.
    pub async fn project_endpoint_groups(
        &self,
        cx: &Cx,
        project_id: &str,
    ) -> Result<Vec<EndpointGroup>, Fault> {
        cx.may(&rules::LIST_ENDPOINT_GROUPS_FOR_PROJECT, &Target::none())?;
        let id = project_id.to_owned();
        self.db
            .read(move |tx| {
                project_by_id(tx, &id)?;
                groups_of(tx, &id)
            })
            .await
    }

    /// Shows a project an endpoint or a group, stops that, or looks whether it is so.
    pub async fn shown(
        &self,
        cx: &Cx,
        project_id: &str,
        what: Shown,
        id: &str,
        act: Act,
    ) -> Result<(), Fault> {
        cx.may(rule(what, act), &Target::none())?;
        let (project_id, id) = (project_id.to_owned(), id.to_owned());
        let apply = move |tx: &Tx| apply(tx, &project_id, what, &id, act);
        if act == Act::Check { self.db.read(apply).await } else { self.db.write(apply).await }
    }
}

fn apply(tx: &Tx, project_id: &str, what: Shown, id: &str, act: Act) -> Result<(), Fault> {
    check_known(tx, project_id, what, id, act)?;
    let there = match act {
        Act::Check => shown_to(tx, project_id, what)?.iter().any(|shown| shown == id),
        Act::Add => shown_add(tx, project_id, what, id).map(|()| true)?,
        Act::Remove => shown_remove(tx, project_id, what, id)?,
    };
    if there { Ok(()) } else { Err(not_shown(project_id, what, id)) }
}

fn rule(what: Shown, act: Act) -> &'static Rule {
    match (what, act) {
        (Shown::Endpoint, Act::Check) => &rules::CHECK_ENDPOINT_IN_PROJECT,
        (Shown::Endpoint, Act::Add) => &rules::ADD_ENDPOINT_TO_PROJECT,
        (Shown::Endpoint, Act::Remove) => &rules::REMOVE_ENDPOINT_FROM_PROJECT,
        (Shown::Group, Act::Check) => &rules::GET_ENDPOINT_GROUP_IN_PROJECT,
        (Shown::Group, Act::Add) => &rules::ADD_ENDPOINT_GROUP_TO_PROJECT,
        (Shown::Group, Act::Remove) => &rules::REMOVE_ENDPOINT_GROUP_FROM_PROJECT,
    }
}

/// What is to be shown is there, and so is the project. What is not there any more can still be taken away.
fn check_known(tx: &Tx, project_id: &str, what: Shown, id: &str, act: Act) -> Result<(), Fault> {
    match what {
        Shown::Endpoint if act == Act::Remove => Ok(()),
        Shown::Endpoint => endpoint_by_id(tx, id).and_then(|_| project_by_id(tx, project_id)).map(drop),
        Shown::Group => project_by_id(tx, project_id).and_then(|_| group_by_id(tx, id)).map(drop),
    }
}

fn not_shown(project_id: &str, what: Shown, id: &str) -> Fault {
    Fault::not_found(match what {
        Shown::Endpoint => format!("Endpoint {id} not found in project {project_id}"),
        Shown::Group => "Endpoint Group Project Association not found".to_owned(),
    })
}
