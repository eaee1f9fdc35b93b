//! What is here: the versions document.

use crate::Identity;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

fn v3(ask: &Ask) -> Value {
    json!({
        "id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": ask.cx.url("/v3/")}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    })
}

/// `GET /`
pub async fn versions(_: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let body = json!({"versions": {"values": [v3(&ask)]}});
    Ok(Answer::json(300, &body).with("location", &ask.cx.url("/v3/")))
}

/// `GET /v3`
pub async fn version(_: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    Ok(Answer::ok(&json!({"version": v3(&ask)})))
}
