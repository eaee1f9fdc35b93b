//! Endpoint groups on the wire, and what the catalogs of projects are narrowed to.

use super::{check_query, exactly, given, list, name, one};
use crate::Identity;
use crate::model::endpoint_group::EndpointGroup;
use crate::ops::endpoint_group::{Act, Shown};
use fault::Fault;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

fn attributes() -> Value {
    let filters = json!({
        "interface": {"type": "string", "enum": ["admin", "internal", "public"]}, "service_id": {"type": "string"},
        "region_id": {"type": ["string", "null"]}, "enabled": {"type": "boolean"},
    });
    json!({
        "name": name(255), "description": {"type": ["string", "null"]},
        "filters": {"type": "object", "properties": filters},
    })
}

static CREATE: LazyLock<Schema> = LazyLock::new(|| {
    exactly("endpoint_group", json!({"properties": attributes(), "required": ["name", "filters"]}))
});
static UPDATE: LazyLock<Schema> =
    LazyLock::new(|| exactly("endpoint_group", json!({"properties": attributes(), "minProperties": 1})));

static QUERY: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new(json!({"type": "object", "properties": {"name": name(255)}, "additionalProperties": false}))
});

fn bodies(ask: &Ask, groups: &[EndpointGroup]) -> Answer {
    list(ask, "endpoint_groups", groups.iter().map(|group| group.body(&ask.cx.base)), &["name"])
}

/// `GET /v3/OS-EP-FILTER/endpoint_groups`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    check_query(&ask, &QUERY)?;
    let all = identity.endpoint_group_list(&ask.cx).await?;
    Ok(bodies(&ask, &all))
}

/// `POST /v3/OS-EP-FILTER/endpoint_groups`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "endpoint_group", &CREATE).await?;
    if given.get("filters").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
        return Err(Fault::bad_input("filters field is required and cannot be empty"));
    }
    let made = identity.endpoint_group_put(&ask.cx, None, given).await?;
    Ok(one(201, "endpoint_group", made.body(&ask.cx.base)))
}

/// `GET /v3/OS-EP-FILTER/endpoint_groups/{id}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.endpoint_group_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "endpoint_group", found.body(&ask.cx.base)))
}

/// `PATCH /v3/OS-EP-FILTER/endpoint_groups/{id}`
pub async fn update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "endpoint_group", &UPDATE).await?;
    let changed = identity.endpoint_group_put(&ask.cx, Some(ask.id("id").to_owned()), given).await?;
    Ok(one(200, "endpoint_group", changed.body(&ask.cx.base)))
}

/// `DELETE /v3/OS-EP-FILTER/endpoint_groups/{id}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.endpoint_group_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/OS-EP-FILTER/endpoint_groups/{id}/endpoints`
pub async fn endpoints(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.endpoint_group_endpoints(&ask.cx, ask.id("id")).await?;
    Ok(list(&ask, "endpoints", all.iter().map(|endpoint| endpoint.body(&ask.cx.base)), &[]))
}

/// `GET /v3/OS-EP-FILTER/endpoint_groups/{id}/projects`
pub async fn projects(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.endpoint_group_projects(&ask.cx, ask.id("id")).await?;
    Ok(list(&ask, "projects", all.iter().map(|project| project.body(&ask.cx.base)), &[]))
}

/// `GET /v3/OS-EP-FILTER/endpoints/{id}/projects`
pub async fn endpoint_projects(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.endpoint_projects(&ask.cx, ask.id("id")).await?;
    Ok(list(&ask, "projects", all.iter().map(|project| project.body(&ask.cx.base)), &[]))
}

/// `GET /v3/OS-EP-FILTER/projects/{id}/endpoints`
pub async fn project_endpoints(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.project_endpoints(&ask.cx, ask.id("id")).await?;
    Ok(list(&ask, "endpoints", all.iter().map(|endpoint| endpoint.body(&ask.cx.base)), &[]))
}

/// `GET /v3/OS-EP-FILTER/projects/{id}/endpoint_groups`
pub async fn project_groups(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.project_endpoint_groups(&ask.cx, ask.id("id")).await?;
    Ok(bodies(&ask, &all))
}

/// `GET /v3/OS-EP-FILTER/projects/{id}/endpoints/{endpoint}`
pub async fn endpoint_check(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    act_on_endpoint(&identity, &ask, Act::Check).await
}

/// `PUT /v3/OS-EP-FILTER/projects/{id}/endpoints/{endpoint}`
pub async fn endpoint_add(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    act_on_endpoint(&identity, &ask, Act::Add).await
}

/// `DELETE /v3/OS-EP-FILTER/projects/{id}/endpoints/{endpoint}`
pub async fn endpoint_remove(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    act_on_endpoint(&identity, &ask, Act::Remove).await
}

async fn act_on_endpoint(identity: &Identity, ask: &Ask, act: Act) -> Result<Answer, Fault> {
    identity.shown(&ask.cx, ask.id("id"), Shown::Endpoint, ask.id("endpoint"), act).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/OS-EP-FILTER/endpoint_groups/{id}/projects/{project}`
pub async fn group_check(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    act_on_group(&identity, &ask, Act::Check).await?;
    let (id, project) = (ask.id("id"), ask.id("project"));
    let link = ask.cx.url(&format!("/v3/OS-EP-FILTER/endpoint_groups/{id}/projects/{project}"));
    let body = json!({"endpoint_group_id": id, "project_id": project, "links": {"self": link}});
    Ok(one(200, "project_endpoint_group", body))
}

/// `PUT /v3/OS-EP-FILTER/endpoint_groups/{id}/projects/{project}`
pub async fn group_add(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    act_on_group(&identity, &ask, Act::Add).await
}

/// `DELETE /v3/OS-EP-FILTER/endpoint_groups/{id}/projects/{project}`
pub async fn group_remove(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    act_on_group(&identity, &ask, Act::Remove).await
}

async fn act_on_group(identity: &Identity, ask: &Ask, act: Act) -> Result<Answer, Fault> {
    identity.shown(&ask.cx, ask.id("project"), Shown::Group, ask.id("id"), act).await?;
    Ok(Answer::empty(204))
}
