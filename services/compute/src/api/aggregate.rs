//! Host aggregates.

use super::flavor::number;
use super::form::{self, object, text, wrapped};
use super::{Answered, page};
use crate::model::host::Aggregate;
use crate::{Compute, versions};
use fault::Fault;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Cx, Version};

fn shown(cx: &Cx, aggregate: &Aggregate) -> Map<String, Value> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("id", json!(aggregate.number));
    if cx.has(versions::AGGREGATE_UUID) {
        put("uuid", json!(aggregate.id));
    }
    put("name", json!(aggregate.name));
    put("hosts", json!(aggregate.hosts));
    put("metadata", json!(aggregate.metadata));
    put("created_at", json!(aggregate.created_at.micros_naked()));
    put("updated_at", json!(aggregate.updated_at.map(|at| at.micros_naked())));
    put("deleted_at", Value::Null);
    put("deleted", json!(false));
    put("availability_zone", json!(aggregate.zone));
    body
}

fn answer(cx: &Cx, aggregate: &Aggregate) -> Answer {
    Answer::ok(&json!({"aggregate": shown(cx, aggregate)}))
}

/// `GET /os-aggregates`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let all = compute.aggregate_list(&ask.cx).await?;
    let all: Vec<_> = all.iter().map(|aggregate| shown(&ask.cx, aggregate)).collect();
    Ok(Answer::ok(&json!({"aggregates": all})))
}

/// `GET /os-aggregates/{id}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let aggregate = compute.aggregate_show(&ask.cx, number(ask.id("id"))?).await?;
    Ok(answer(&ask.cx, &aggregate))
}

fn zone_form() -> Value {
    json!({"oneOf": [{"type": "string", "format": "az_name", "minLength": 1, "maxLength": 255}, {"type": "null"}]})
}

/// `POST /os-aggregates`
pub async fn create(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let make = |_: Version| {
        wrapped(
            "aggregate",
            object(json!({"name": form::name(), "availability_zone": zone_form()}), &["name"]),
        )
    };
    let body = form::body(&mut ask, "aggregate_create", make).await?;
    let asked = &body["aggregate"];
    let name = asked["name"].as_str().unwrap_or_default().trim().to_owned();
    let aggregate = compute.aggregate_create(&ask.cx, name, text(&asked["availability_zone"])).await?;
    let mut body = shown(&ask.cx, &aggregate);
    body.remove("hosts");
    body.remove("metadata");
    Ok(Answer::ok(&json!({"aggregate": body})))
}

/// `PUT /os-aggregates/{id}`
pub async fn update(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let make = |_: Version| {
        let name = json!({"type": "string", "format": "name_with_leading_trailing_spaces", "minLength": 1, "maxLength": 255});
        let mut inner = object(json!({"name": name, "availability_zone": zone_form()}), &[]);
        inner["anyOf"] = json!([{"required": ["name"]}, {"required": ["availability_zone"]}]);
        wrapped("aggregate", inner)
    };
    let body = form::body(&mut ask, "aggregate_update", make).await?;
    let asked = &body["aggregate"];
    let name = text(&asked["name"]).map(|name| name.trim().to_owned());
    let zone = asked.get("availability_zone").map(text);
    let aggregate = compute.aggregate_update(&ask.cx, number(ask.id("id"))?, name, zone).await?;
    Ok(answer(&ask.cx, &aggregate))
}

/// `DELETE /os-aggregates/{id}`
pub async fn delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.aggregate_delete(&ask.cx, number(ask.id("id"))?).await?;
    Ok(Answer::empty(200))
}

fn host_form(action: &str) -> Value {
    wrapped(action, object(json!({"host": form::fqdn()}), &["host"]))
}

/// `POST /os-aggregates/{id}/action`
pub async fn action(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = ask.json_or(form::MALFORMED).await?;
    let named = body.as_object().and_then(|body| body.keys().next().cloned());
    let (cx, id) = (ask.cx.clone(), number(ask.id("id"))?);
    let aggregate = match named.as_deref() {
        Some("add_host") => {
            form::check(&body, "aggregate_add_host", cx.version, |_| host_form("add_host"))?;
            compute.aggregate_host_add(&cx, id, &text(&body["add_host"]["host"]).unwrap_or_default()).await?
        }
        Some("remove_host") => {
            form::check(&body, "aggregate_remove_host", cx.version, |_| host_form("remove_host"))?;
            compute
                .aggregate_host_remove(&cx, id, &text(&body["remove_host"]["host"]).unwrap_or_default())
                .await?
        }
        Some("set_metadata") => {
            let make = |_: Version| {
                let mut pairs = form::pairs();
                pairs["patternProperties"] =
                    json!({"^[a-zA-Z0-9-_:. ]{1,255}$": {"type": ["string", "null"], "maxLength": 255}});
                wrapped("set_metadata", object(json!({"metadata": pairs}), &["metadata"]))
            };
            form::check(&body, "aggregate_metadata", cx.version, make)?;
            let pairs = body["set_metadata"]["metadata"].as_object().into_iter().flatten();
            let pairs = pairs.map(|(key, value)| (key.clone(), text(value))).collect();
            compute.aggregate_metadata(&cx, id, pairs).await?
        }
        Some(other) => return Err(Fault::bad_input(format!("There is no such action: {other}"))),
        None => return Err(Fault::bad_input(form::MALFORMED)),
    };
    Ok(answer(&cx, &aggregate))
}

/// `POST /os-aggregates/{id}/images`
pub async fn images(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    ask.json_or(form::MALFORMED).await?;
    compute.aggregate_images(&ask.cx, number(ask.id("id"))?).await?;
    Ok(Answer::empty(202))
}
