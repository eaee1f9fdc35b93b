//! What is here: versions, stores, ways to import.

use crate::ImageService;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

/// Minor versions up to the one whose features are here.
const SUPPORTED: [&str; 8] = ["v2.9", "v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1"];

fn versions(ask: &Ask) -> Value {
    let mut all: Vec<Value> = Vec::new();
    for id in SUPPORTED.into_iter().chain(["v2.0"]) {
        let status = if all.is_empty() { "CURRENT" } else { "SUPPORTED" };
        all.push(json!({"id": id, "status": status, "links": [{"rel": "self", "href": ask.cx.url("/v2/")}]}));
    }
    json!({"versions": all})
}

/// `GET /`
pub async fn version_choose(_: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    Ok(Answer::json(300, &versions(&ask)))
}

/// `GET /versions`
pub async fn version_list(_: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    Ok(Answer::ok(&versions(&ask)))
}

/// `GET /v2/info/import`: there is no way but uploading yet.
pub async fn import_show(_: Arc<ImageService>, _: Ask) -> Result<Answer, Fault> {
    let methods = json!({"description": "Import methods available.", "type": "array", "value": []});
    Ok(Answer::ok(&json!({"import-methods": methods})))
}
