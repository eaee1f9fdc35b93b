//! What was done to servers.

use super::Answered;
use super::page::{self, Form};
use super::server_view::host_id;
use crate::ops::action::ActionQuery;
use crate::store::action::Action;
use crate::{Compute, rules, versions};
use fault::Fault;
use kernel::Micros;
use policy::Target;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Cx};

fn shown(cx: &Cx, action: &Action) -> Value {
    let mut body = json!({
        "action": action.action, "instance_uuid": action.server_id, "request_id": action.request_id,
        "user_id": action.user_id, "project_id": action.project_id, "start_time": action.started_at.micros_naked(),
        "message": action.message,
    });
    if cx.has(versions::ACTION_PAGES) {
        body["updated_at"] = json!(action.updated_at.micros_naked());
    }
    body
}

/// `GET /servers/{id}/os-instance-actions`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    let paged = ask.cx.has(versions::ACTION_PAGES);
    let mut query = ActionQuery::default();
    if paged {
        let all = [
            ("limit", Form::Count),
            ("marker", Form::Any),
            ("changes-since", Form::Time),
            ("changes-before", Form::Time),
        ];
        let known = if ask.cx.has(versions::CHANGES_BEFORE) { &all[..] } else { &all[..3] };
        page::check(&ask, known, versions::ACTION_PAGES)?;
        let (limit, marker) = page::bounds(&ask)?;
        let time = |name: &str| ask.query.get(name).and_then(Micros::parse);
        query = ActionQuery {
            since: time("changes-since"),
            before: time("changes-before"),
            marker,
            limit: Some(limit as usize),
        };
        if query.since.zip(query.before).is_some_and(|(since, before)| before < since) {
            return Err(Fault::bad_input(
                "The value of changes-since must be less than or equal to changes-before.",
            ));
        }
    }
    let id = ask.id("id");
    let all = compute.action_list(&ask.cx, id, query).await?;
    let bodies: Vec<Value> = all.iter().map(|action| shown(&ask.cx, action)).collect();
    let mut body = json!({"instanceActions": bodies});
    if let Some(last) = all.last().filter(|_| paged)
        && let Some(next) =
            page::next(&ask, &format!("servers/{id}/os-instance-actions"), all.len(), &last.request_id)
    {
        body["links"] = next;
    }
    Ok(Answer::ok(&body))
}

/// `GET /servers/{id}/os-instance-actions/{request}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let action = compute.action_show(&ask.cx, ask.id("id"), ask.id("request")).await?;
    let cx = &ask.cx;
    let target = Target::project(&action.project_id);
    let mut body = shown(cx, &action);
    let whole = cx.allows(&rules::INSTANCE_ACTIONS_EVENTS, &target);
    if whole || cx.has(versions::EVENTS_FOR_ALL) {
        body["events"] = json!([event(cx, &action, whole, &target)]);
    }
    Ok(Answer::ok(&json!({"instanceAction": body})))
}

fn event(cx: &Cx, action: &Action, whole: bool, target: &Target) -> Value {
    let mut event = json!({
        "event": action.event, "start_time": action.started_at.micros_naked(),
        "finish_time": action.finished_at.map(|at| at.micros_naked()), "result": action.result,
    });
    let failed = action.result.as_deref() == Some("Error");
    if whole {
        event["traceback"] = json!(action.details.as_ref().filter(|_| failed));
    }
    if cx.has(versions::EVENT_HOST) {
        if whole {
            event["host"] = json!(action.host);
        }
        event["hostId"] = json!(host_id(action.host.as_deref(), &action.project_id));
    }
    if cx.has(versions::EVENT_DETAILS) && cx.allows(&rules::INSTANCE_ACTIONS_EVENTS_DETAILS, target) {
        event["details"] = json!(action.details);
    }
    event
}
