//! Access rules on the wire.

use super::{id, list, one};
use crate::Identity;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

/// The schema of one in an application credential.
pub(super) fn schema() -> Value {
    json!({
        "type": "object", "properties": {
            "id": id(), "service": id(), "path": {"type": "string", "maxLength": 225, "pattern": r"^/\.*"},
            "method": {"type": "string", "enum": ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]},
        },
    })
}

/// `GET /v3/users/{id}/access_rules`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.access_rule_list(&ask.cx, ask.id("id")).await?;
    let bodies = all.iter().map(|rule| rule.body(&ask.cx.base));
    Ok(list(&ask, "access_rules", bodies, &["service", "path", "method"]))
}

/// `GET /v3/users/{id}/access_rules/{rule}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.access_rule_show(&ask.cx, ask.id("id"), ask.id("rule")).await?;
    Ok(one(200, "access_rule", found.body(&ask.cx.base)))
}

/// `DELETE /v3/users/{id}/access_rules/{rule}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.access_rule_delete(&ask.cx, ask.id("id"), ask.id("rule")).await?;
    Ok(Answer::empty(204))
}
