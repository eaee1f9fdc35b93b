//! Application credentials on the wire.

use super::{below, given, list, name, one};
use crate::Identity;
use fault::Fault;
use serde_json::json;
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

static CREATE: LazyLock<Schema> = LazyLock::new(|| {
    let text = json!({"type": ["string", "null"]});
    let role =
        json!({"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}});
    below(
        "application_credential",
        &["name"],
        json!({
            "name": name(255), "description": text, "expires_at": text, "secret": text,
            "unrestricted": {"type": ["boolean", "null"]}, "roles": {"type": "array", "items": role},
            "access_rules": {"type": "array", "items": super::access_rule::schema()},
        }),
    )
});

/// `GET /v3/users/{id}/application_credentials`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let (all, roles) = identity.application_credential_list(&ask.cx, ask.id("id")).await?;
    let bodies = all.iter().map(|credential| credential.body(&ask.cx.base, &roles));
    Ok(list(&ask, "application_credentials", bodies, &["name"]))
}

/// `POST /v3/users/{id}/application_credentials`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "application_credential", &CREATE).await?;
    let (made, roles, secret) = identity.application_credential_create(&ask.cx, ask.id("id"), given).await?;
    let mut body = made.body(&ask.cx.base, &roles);
    body["secret"] = json!(*secret);
    Ok(one(201, "application_credential", body))
}

/// `GET /v3/users/{id}/application_credentials/{credential}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let (found, roles) =
        identity.application_credential_show(&ask.cx, ask.id("id"), ask.id("credential")).await?;
    Ok(one(200, "application_credential", found.body(&ask.cx.base, &roles)))
}

/// `DELETE /v3/users/{id}/application_credentials/{credential}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.application_credential_delete(&ask.cx, ask.id("id"), ask.id("credential")).await?;
    Ok(Answer::empty(204))
}
