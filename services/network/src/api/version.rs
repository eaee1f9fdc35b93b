//! What versions there are, and what the one has.

use crate::Network;
use fault::Fault;
use serde_json::json;
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /`
pub async fn list(_: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    let links = [json!({"rel": "self", "href": ask.cx.url("/v2.0/")})];
    Ok(Answer::ok(&json!({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})))
}

/// `GET /v2.0`
pub async fn show(_: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    let resource = |name: &str, collection: &str| {
        let href = ask.cx.url(&format!("/v2.0/{collection}"));
        json!({"name": name, "collection": collection, "links": [{"rel": "self", "href": href}]})
    };
    let resources = [
        resource("network", "networks"),
        resource("subnet", "subnets"),
        resource("subnetpool", "subnetpools"),
        resource("port", "ports"),
    ];
    Ok(Answer::ok(&json!({"resources": resources})))
}
