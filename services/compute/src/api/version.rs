//! The documents that say which versions there are.

use super::Answered;
use crate::{Compute, versions};
use fault::{Fault, Kind};
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

fn listed(ask: &Ask) -> Value {
    let max = versions::MICROVERSIONS.max.to_string();
    let min = versions::MICROVERSIONS.min.to_string();
    json!([
        {"id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": "", "updated": "2025-07-04T12:00:00Z",
         "links": [{"rel": "self", "href": ask.cx.url("/v2/")}]},
        {"id": "v2.1", "status": "CURRENT", "version": max, "min_version": min, "updated": "2013-07-23T11:33:21Z",
         "links": [{"rel": "self", "href": ask.cx.url("/v2.1/")}]},
    ])
}

/// `GET /`
pub async fn list(_: Arc<Compute>, ask: Ask) -> Answered {
    Ok(Answer::ok(&json!({"versions": listed(&ask)})))
}

/// `GET /v2`: the old name of the same API, which clients that follow the list's links look at.
pub async fn show_old(_: Arc<Compute>, ask: Ask) -> Answered {
    let mut version = listed(&ask)[0].clone();
    version["links"] = json!([
        {"rel": "self", "href": ask.cx.url("/v2/")},
        {"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"},
    ]);
    version["media-types"] =
        json!([{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2"}]);
    Ok(Answer::ok(&json!({"version": version})))
}

/// `GET /v2.1`
pub async fn show(_: Arc<Compute>, ask: Ask) -> Answered {
    let mut version = listed(&ask)[1].clone();
    version["links"] = json!([
        {"rel": "self", "href": ask.cx.url("/v2.1/")},
        {"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"},
    ]);
    version["media-types"] =
        json!([{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}]);
    Ok(Answer::ok(&json!({"version": version})))
}

/// What Nova had once and has no more.
pub async fn gone(_: Arc<Compute>, _: Ask) -> Answered {
    Err(Fault::new(Kind::Gone, "This resource is no longer available.  No forwarding address is given."))
}
