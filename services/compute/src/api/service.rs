//! Services.

use super::Answered;
use super::form::{self, boolean, flag, object, text};
use super::page::{self, Form};
use crate::model::host::Service;
use crate::ops::host::{ServiceChange, ServiceKey};
use crate::{Compute, rules, versions};
use fault::Fault;
use policy::Target;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Cx, Version};

fn shown(cx: &Cx, service: &Service, forced_down: bool) -> Value {
    let id = if cx.has(versions::UUIDS) { json!(service.id) } else { json!(service.number) };
    let mut body = json!({
        "binary": service.kind, "host": service.host, "id": id, "zone": service.zone,
        "status": if service.disabled { "disabled" } else { "enabled" },
        "state": if service.up { "up" } else { "down" },
        "updated_at": service.seen_at.map(|at| at.micros_naked()),
        "disabled_reason": service.disabled_reason,
    });
    if forced_down {
        body["forced_down"] = json!(service.forced_down);
    }
    body
}

/// `GET /os-services`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[("host", Form::Any), ("binary", Form::Any)], versions::STRICT)?;
    let all = compute.service_list(&ask.cx).await?;
    let fits = |name: &str, own: &str| ask.query.get(name).is_none_or(|text| text.is_empty() || text == own);
    let forced = ask.cx.has(versions::FORCED_DOWN);
    let all = all.iter().filter(|service| fits("host", &service.host) && fits("binary", &service.kind));
    let all: Vec<Value> = all.map(|service| shown(&ask.cx, service, forced)).collect();
    Ok(Answer::ok(&json!({"services": all})))
}

fn update_form(version: Version) -> Value {
    let word = || json!({"type": "string", "minLength": 1, "maxLength": 255});
    if version >= versions::UUIDS {
        let status = json!({"type": "string", "enum": ["enabled", "disabled"]});
        return object(json!({"status": status, "disabled_reason": word(), "forced_down": boolean()}), &[]);
    }
    let mut properties = json!({"host": form::fqdn(), "binary": word(), "disabled_reason": word()});
    if version >= versions::FORCED_DOWN {
        properties["forced_down"] = boolean();
    }
    object(properties, &["host", "binary"])
}

/// `PUT /os-services/{id}`: by id from 2.53 on; before that the path names what is done.
pub async fn update(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "service_update", update_form).await?;
    ask.cx.may(&rules::SERVICES_UPDATE, &Target::none())?;
    let id = ask.id("id").to_owned();
    if !ask.cx.has(versions::UUIDS) {
        return update_by_name(&compute, &ask.cx, &id, &body).await;
    }
    if uuid::Uuid::try_parse(&id).is_err() {
        return Err(Fault::bad_input(format!("Invalid uuid {id}")));
    }
    let reason = text(&body["disabled_reason"]);
    let disabled = match body["status"].as_str() {
        Some("enabled") if reason.is_some() => {
            return Err(Fault::bad_input("Specifying 'disabled_reason' with status 'enabled' is invalid."));
        }
        Some("enabled") => Some((false, None)),
        Some(_) => Some((true, reason)),
        None => None,
    };
    let change = ServiceChange { disabled, forced_down: flag(&body["forced_down"]) };
    if change.disabled.is_none() && change.forced_down.is_none() {
        return Err(Fault::bad_input(
            "No updates were requested. Fields 'status' or 'forced_down' should be specified.",
        ));
    }
    let service = compute.service_update(&ask.cx, ServiceKey::Id(id), change).await?;
    Ok(Answer::ok(&json!({"service": shown(&ask.cx, &service, true)})))
}

async fn update_by_name(compute: &Arc<Compute>, cx: &Cx, action: &str, body: &Value) -> Answered {
    let (host, kind) = (text(&body["host"]).unwrap_or_default(), text(&body["binary"]).unwrap_or_default());
    let reason = text(&body["disabled_reason"]);
    let mut answer = json!({"host": host, "binary": kind});
    let change = match action {
        "enable" => {
            answer["status"] = json!("enabled");
            ServiceChange { disabled: Some((false, None)), forced_down: None }
        }
        "disable" => {
            answer["status"] = json!("disabled");
            ServiceChange { disabled: Some((true, None)), forced_down: None }
        }
        "disable-log-reason" => {
            let reason = reason.ok_or_else(|| Fault::bad_input("Missing disabled reason field"))?;
            answer["status"] = json!("disabled");
            answer["disabled_reason"] = json!(reason);
            ServiceChange { disabled: Some((true, Some(reason))), forced_down: None }
        }
        "force-down" if cx.has(versions::FORCED_DOWN) => {
            let forced =
                flag(&body["forced_down"]).ok_or_else(|| Fault::bad_input("Missing forced_down field"))?;
            answer["forced_down"] = json!(forced);
            ServiceChange { disabled: None, forced_down: Some(forced) }
        }
        _ => return Err(Fault::not_found("Unknown action")),
    };
    crate::ops::host::only_compute(&kind)?;
    compute.service_update(cx, ServiceKey::Of(host, kind), change).await?;
    Ok(Answer::ok(&json!({"service": answer})))
}

/// `DELETE /os-services/{id}`
pub async fn delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    let id = ask.id("id");
    ask.cx.may(&rules::SERVICES_DELETE, &Target::none())?;
    if ask.cx.has(versions::UUIDS) && uuid::Uuid::try_parse(id).is_err() {
        return Err(Fault::bad_input(format!("Invalid uuid {id}")));
    }
    if !ask.cx.has(versions::UUIDS) && id.parse::<i64>().is_err() {
        return Err(Fault::bad_input("Invalid input received: id must be an integer"));
    }
    compute.service_delete(&ask.cx, id).await?;
    Ok(Answer::empty(204))
}
