//! Roles and implications on the wire.

use super::{below, given, id, list, name, one, options, or_null};
use crate::Identity;
use crate::model::role::Role;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

fn attributes() -> Value {
    let description = or_null(json!({"type": "string"}));
    json!({"name": name(255), "domain_id": or_null(id()), "description": description, "options": options(&["immutable"])})
}

static CREATE: LazyLock<Schema> = LazyLock::new(|| below("role", &["name"], attributes()));
static UPDATE: LazyLock<Schema> = LazyLock::new(|| below("role", &[], attributes()));

/// `GET /v3/roles`: those of the whole cloud, unless a domain is named.
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.role_list(&ask.cx, ask.query.get("domain_id").unwrap_or_default()).await?;
    Ok(list(&ask, "roles", all.iter().map(|role| role.body(&ask.cx.base)), &["name"]))
}

/// `POST /v3/roles`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "role", &CREATE).await?;
    let role = identity.role_create(&ask.cx, given).await?;
    Ok(one(201, "role", role.body(&ask.cx.base)))
}

/// `GET /v3/roles/{id}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let role = identity.role_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "role", role.body(&ask.cx.base)))
}

/// `PATCH /v3/roles/{id}`
pub async fn update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "role", &UPDATE).await?;
    let role = identity.role_update(&ask.cx, ask.id("id"), given).await?;
    Ok(one(200, "role", role.body(&ask.cx.base)))
}

/// `DELETE /v3/roles/{id}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.role_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

fn short(ask: &Ask, role: &Role) -> Value {
    let link = ask.cx.url(&format!("/v3/roles/{}", role.id));
    json!({"id": role.id, "name": role.name, "links": {"self": link}})
}

/// `GET /v3/role_inferences`
pub async fn inference_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.inference_list(&ask.cx, None).await?;
    let body: Vec<Value> = all
        .iter()
        .map(|(prior, implied)| {
            let implied: Vec<Value> = implied.iter().map(|role| short(&ask, role)).collect();
            json!({"prior_role": short(&ask, prior), "implies": implied})
        })
        .collect();
    Ok(Answer::ok(&json!({"role_inferences": body})))
}

/// `GET /v3/roles/{id}/implies`
pub async fn implied_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.inference_list(&ask.cx, Some(ask.id("id").to_owned())).await?;
    let Some((prior, implied)) = all.first() else { return Err(Fault::not_found("Could not find role.")) };
    let implied: Vec<Value> = implied.iter().map(|role| short(&ask, role)).collect();
    let body = json!({"prior_role": short(&ask, prior), "implies": implied});
    Ok(Answer::ok(&json!({"role_inference": body, "links": {"self": ask.cx.url(&ask.path)}})))
}

fn pair(ask: &Ask, status: u16, (prior, implied): &(Role, Role)) -> Answer {
    let body = json!({"prior_role": short(ask, prior), "implies": short(ask, implied)});
    Answer::json(status, &json!({"role_inference": body, "links": {"self": ask.cx.url(&ask.path)}}))
}

/// `PUT /v3/roles/{id}/implies/{implied}`
pub async fn implied_create(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let made = identity.inference_create(&ask.cx, ask.id("id"), ask.id("implied")).await?;
    Ok(pair(&ask, 201, &made))
}

/// `GET /v3/roles/{id}/implies/{implied}`
pub async fn implied_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.inference_show(&ask.cx, ask.id("id"), ask.id("implied")).await?;
    Ok(pair(&ask, 200, &found))
}

/// `HEAD /v3/roles/{id}/implies/{implied}`
pub async fn implied_check(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.inference_check(&ask.cx, ask.id("id"), ask.id("implied")).await?;
    Ok(Answer::empty(204))
}

/// `DELETE /v3/roles/{id}/implies/{implied}`
pub async fn implied_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.inference_delete(&ask.cx, ask.id("id"), ask.id("implied")).await?;
    Ok(Answer::empty(204))
}
