//! Quota sets and quota classes.

use super::Answered;
use super::form::{self, flag, int, object, wrapped};
use super::page::{self, Form};
use crate::model::quota::{RESOURCES, Resource};
use crate::{Compute, rules, versions};
use fault::Fault;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use web::{Answer, Ask, Cx, Version};

/// Whether quota sets show the resource at a version.
fn visible(resource: &Resource, version: Version) -> bool {
    let network = resource.of_network && version >= versions::PROXIES_GONE;
    let files = resource.of_files && version >= versions::FILES_GONE;
    !network && !files
}

/// Whether quota classes show it.
fn visible_in_class(resource: &Resource, version: Version) -> bool {
    let group = resource.name.starts_with("server_group") && version < versions::CLASS_GROUPS;
    let network = resource.of_network && version >= versions::CLASS_GROUPS;
    let files = resource.of_files && version >= versions::FILES_GONE;
    !group && !network && !files
}

fn set(cx: &Cx, id: Option<&str>, value: impl Fn(&Resource) -> Value) -> Answer {
    let mut body = Map::new();
    if let Some(id) = id {
        body.insert("id".into(), json!(id));
    }
    for resource in RESOURCES.iter().filter(|resource| visible(resource, cx.version)) {
        body.insert(resource.name.to_owned(), value(resource));
    }
    Answer::ok(&json!({"quota_set": body}))
}

fn user(ask: &Ask) -> Result<String, Fault> {
    page::check(ask, &[("user_id", Form::Any)], versions::STRICT)?;
    Ok(ask.query.get("user_id").unwrap_or_default().to_owned())
}

/// `GET /os-quota-sets/{project}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    let user = user(&ask)?;
    let project = ask.id("project");
    let quotas = compute.quota_show(&ask.cx, &rules::QUOTA_SETS_SHOW, project, &user).await?;
    let limit = |resource: &Resource| {
        json!(quotas.iter().find(|quota| quota.resource == *resource).map(|quota| quota.limit))
    };
    Ok(set(&ask.cx, Some(project), limit))
}

/// `GET /os-quota-sets/{project}/detail`
pub async fn detail(compute: Arc<Compute>, ask: Ask) -> Answered {
    let user = user(&ask)?;
    let project = ask.id("project");
    let quotas = compute.quota_show(&ask.cx, &rules::QUOTA_SETS_DETAIL, project, &user).await?;
    let whole = |resource: &Resource| {
        let quota = quotas.iter().find(|quota| quota.resource == *resource);
        let (limit, used) = quota.map_or((-1, 0), |quota| (quota.limit, quota.used));
        json!({"in_use": used, "limit": limit, "reserved": 0})
    };
    Ok(set(&ask.cx, Some(project), whole))
}

/// `GET /os-quota-sets/{project}/defaults`
pub async fn defaults(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let project = ask.id("project");
    let limits = compute.quota_defaults(&ask.cx, project).await?;
    Ok(set(&ask.cx, Some(project), |resource| json!(limits.get(resource.name))))
}

fn limits_form(version: Version, shows: fn(&Resource, Version) -> bool) -> Map<String, Value> {
    let limit = json!({"type": ["integer", "string"], "pattern": "^-?[0-9]+$", "minimum": -1, "maximum": 0x7fff_ffff});
    RESOURCES
        .iter()
        .filter(|resource| shows(resource, version))
        .map(|resource| (resource.name.to_owned(), limit.clone()))
        .collect()
}

fn update_form(version: Version) -> Value {
    let mut properties = limits_form(version, visible);
    properties.insert("force".into(), form::boolean());
    wrapped("quota_set", object(Value::Object(properties), &[]))
}

fn limits(asked: &Value) -> Vec<(String, i64)> {
    let all = asked.as_object().into_iter().flatten().filter(|(name, _)| *name != "force");
    all.filter_map(|(name, value)| Some((name.clone(), int(value)?))).collect()
}

/// `PUT /os-quota-sets/{project}`
pub async fn update(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "quota_update", update_form).await?;
    let user = user(&ask)?;
    let asked = &body["quota_set"];
    let force = flag(&asked["force"]).unwrap_or(false);
    let quotas = compute.quota_update(&ask.cx, ask.id("project"), &user, limits(asked), force).await?;
    let limit = |resource: &Resource| {
        json!(quotas.iter().find(|quota| quota.resource == *resource).map(|quota| quota.limit))
    };
    Ok(set(&ask.cx, None, limit))
}

/// `DELETE /os-quota-sets/{project}`
pub async fn delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    let user = user(&ask)?;
    compute.quota_delete(&ask.cx, ask.id("project"), &user).await?;
    Ok(Answer::empty(202))
}

fn class(cx: &Cx, id: Option<&str>, limits: &HashMap<&'static str, i64>) -> Answer {
    let mut body = Map::new();
    if let Some(id) = id {
        body.insert("id".into(), json!(id));
    }
    for resource in RESOURCES.iter().filter(|resource| visible_in_class(resource, cx.version)) {
        body.insert(resource.name.to_owned(), json!(limits.get(resource.name)));
    }
    Answer::ok(&json!({"quota_class_set": body}))
}

/// `GET /os-quota-class-sets/{class}`
pub async fn class_show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let limits = compute.quota_class_show(&ask.cx, ask.id("class")).await?;
    Ok(class(&ask.cx, Some(ask.id("class")), &limits))
}

/// `PUT /os-quota-class-sets/{class}`
pub async fn class_update(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let make = |version: Version| {
        // Unlike what is shown, groups may be set at any version.
        let settable = |resource: &Resource, version: Version| {
            resource.name.starts_with("server_group") || visible_in_class(resource, version)
        };
        wrapped("quota_class_set", object(Value::Object(limits_form(version, settable)), &[]))
    };
    let body = form::body(&mut ask, "quota_class_update", make).await?;
    let limits =
        compute.quota_class_update(&ask.cx, ask.id("class"), limits(&body["quota_class_set"])).await?;
    Ok(class(&ask.cx, None, &limits))
}
