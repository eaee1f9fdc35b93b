//! Trusts on the wire.

use super::{below, given, id, list, name, one};
use crate::Identity;
use crate::ops::trust::Whose;
use crate::rules::{GET_ROLE_FOR_TRUST, GET_TRUST, LIST_ROLES_FOR_TRUST};
use fault::Fault;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

static CREATE: LazyLock<Schema> = LazyLock::new(|| {
    let (text, text_or_null) = (json!({"type": "string"}), json!({"type": ["string", "null"]}));
    let role = json!({
        "type": "object", "properties": {"id": id(), "name": name(255)}, "minProperties": 1, "maxProperties": 1,
        "additionalProperties": false,
    });
    below(
        "trust",
        &["trustor_user_id", "trustee_user_id", "impersonation"],
        json!({
            "trustor_user_id": text, "trustee_user_id": text, "impersonation": {"type": "boolean"},
            "project_id": text_or_null, "remaining_uses": {"type": ["integer", "null"], "minimum": 1},
            "expires_at": {"type": ["null", "string"]}, "allow_redelegation": {"type": ["boolean", "null"]},
            "redelegation_count": {"type": ["integer", "null"], "minimum": 0}, "redelegated_trust_id": text_or_null,
            "roles": {"type": "array", "items": role},
        }),
    )
});

/// `GET /v3/OS-TRUST/trusts`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let named = |name: &str| ask.query.get(name).filter(|id| !id.is_empty()).map(str::to_owned);
    let whose = match (named("trustor_user_id"), named("trustee_user_id")) {
        (Some(trustor), _) => Whose::Trustor(trustor),
        (None, Some(trustee)) => Whose::Trustee(trustee),
        (None, None) => Whose::Everybody,
    };
    let all = identity.trust_list(&ask.cx, whose).await?;
    Ok(list(&ask, "trusts", all.iter().map(|trust| trust.summary(&ask.cx.base)), &[]))
}

/// `POST /v3/OS-TRUST/trusts`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "trust", &CREATE).await?;
    let (trust, roles) = identity.trust_create(&ask.cx, given).await?;
    Ok(one(201, "trust", trust.body(&ask.cx.base, &roles)))
}

/// `GET /v3/OS-TRUST/trusts/{id}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let (trust, roles) = identity.trust_show(&ask.cx, ask.id("id"), &GET_TRUST).await?;
    Ok(one(200, "trust", trust.body(&ask.cx.base, &roles)))
}

/// `DELETE /v3/OS-TRUST/trusts/{id}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.trust_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/OS-TRUST/trusts/{id}/roles`
pub async fn role_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let (trust, roles) = identity.trust_show(&ask.cx, ask.id("id"), &LIST_ROLES_FOR_TRUST).await?;
    let bodies: Vec<Value> = roles.iter().map(|role| role.body(&ask.cx.base)).collect();
    Ok(Answer::ok(&json!({"roles": bodies, "links": trust.roles_links(&ask.cx.base)})))
}

/// `GET /v3/OS-TRUST/trusts/{id}/roles/{role}`
pub async fn role_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let (_, roles) = identity.trust_show(&ask.cx, ask.id("id"), &GET_ROLE_FOR_TRUST).await?;
    let wanted = ask.id("role");
    match roles.iter().find(|role| role.id == wanted) {
        Some(role) => Ok(one(200, "role", role.body(&ask.cx.base))),
        None => Err(Fault::not_found(format!("Could not find role: {wanted}."))),
    }
}
