//! Policy documents on the wire.

use super::{body, list, one, unfit_at};
use crate::Identity;
use crate::rules;
use fault::Fault;
use policy::Target;
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

static CREATE: LazyLock<Schema> = LazyLock::new(|| document(json!({"required": ["blob", "type"]})));
static UPDATE: LazyLock<Schema> = LazyLock::new(|| document(json!({"minProperties": 1})));

fn document(mut schema: Value) -> Schema {
    schema["type"] = json!("object");
    schema["properties"] = json!({"blob": {"type": "string"}, "type": {"type": "string", "maxLength": 255}});
    Schema::new(schema)
}

/// `GET /v3/policies`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.policy_list(&ask.cx).await?;
    Ok(list(&ask, "policies", all.iter().map(|one| one.body(&ask.cx.base)), &["type"]))
}

/// What stands below `policy`, checked when it is known that the caller may say it.
async fn given(ask: &mut Ask, schema: &Schema) -> Result<Map<String, Value>, Fault> {
    let said = body(ask).await?.get("policy").cloned().unwrap_or_else(|| json!({}));
    schema.check(&said).map_err(unfit_at)?;
    Ok(said.as_object().cloned().unwrap_or_default())
}

/// `POST /v3/policies`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    ask.cx.may(&rules::CREATE_POLICY, &Target::none())?;
    let given = given(&mut ask, &CREATE).await?;
    let made = identity.policy_put(&ask.cx, None, given).await?;
    Ok(one(201, "policy", made.body(&ask.cx.base)))
}

/// `GET /v3/policies/{id}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.policy_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "policy", found.body(&ask.cx.base)))
}

/// `PATCH /v3/policies/{id}`
pub async fn update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    ask.cx.may(&rules::UPDATE_POLICY, &Target::none())?;
    let given = given(&mut ask, &UPDATE).await?;
    let changed = identity.policy_put(&ask.cx, Some(ask.id("id").to_owned()), given).await?;
    Ok(one(200, "policy", changed.body(&ask.cx.base)))
}

/// `DELETE /v3/policies/{id}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.policy_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}
