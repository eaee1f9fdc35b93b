//! Groups on the wire.

use super::{below, given, id, list, name, one, or_null, paged, user};
use crate::Identity;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

fn attributes() -> Value {
    json!({"name": name(64), "domain_id": id(), "description": or_null(json!({"type": "string"}))})
}

static CREATE: LazyLock<Schema> = LazyLock::new(|| below("group", &["name"], attributes()));
static UPDATE: LazyLock<Schema> = LazyLock::new(|| below("group", &[], attributes()));

/// `GET /v3/groups`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.group_list(&ask.cx, ask.query.get("domain_id"), ask.query.get("name")).await?;
    let bodies = all.iter().map(|group| group.body(&ask.cx.base)).collect();
    paged(&ask, "groups", bodies, &["domain_id", "name"])
}

/// `POST /v3/groups`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "group", &CREATE).await?;
    let group = identity.group_create(&ask.cx, given).await?;
    Ok(one(201, "group", group.body(&ask.cx.base)))
}

/// `GET /v3/groups/{id}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let group = identity.group_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "group", group.body(&ask.cx.base)))
}

/// `PATCH /v3/groups/{id}`
pub async fn update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "group", &UPDATE).await?;
    let group = identity.group_update(&ask.cx, ask.id("id"), given).await?;
    Ok(one(200, "group", group.body(&ask.cx.base)))
}

/// `DELETE /v3/groups/{id}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.group_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/groups/{id}/users`
pub async fn users(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.group_users(&ask.cx, ask.id("id")).await?;
    Ok(list(&ask, "users", user::bodies(&ask, all)?, user::FILTERS))
}

/// `PUT /v3/groups/{id}/users/{user}`
pub async fn member_add(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.member_add(&ask.cx, ask.id("id"), ask.id("user")).await?;
    Ok(Answer::empty(204))
}

/// `DELETE /v3/groups/{id}/users/{user}`
pub async fn member_remove(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.member_remove(&ask.cx, ask.id("id"), ask.id("user")).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/groups/{id}/users/{user}`
pub async fn member_check(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.member_check(&ask.cx, ask.id("id"), ask.id("user")).await?;
    Ok(Answer::empty(204))
}
