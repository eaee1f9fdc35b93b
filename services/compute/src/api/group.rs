//! Server groups.

use super::Answered;
use super::form::{self, int, object, text, wrapped};
use super::page::{self, Form};
use crate::model::group::{Group, Policy};
use crate::{Compute, versions};
use fault::Fault;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Cx, Version};

fn shown(cx: &Cx, group: &Group) -> Map<String, Value> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("id", json!(group.id));
    put("name", json!(group.name));
    if cx.has(versions::GROUP_POLICY) {
        put("policy", json!(group.policy.word()));
        let most = group.rules.get("max_server_per_host").and_then(int);
        put("rules", most.map_or_else(|| json!({}), |most| json!({"max_server_per_host": most})));
    } else {
        put("policies", json!([group.policy.word()]));
        put("metadata", json!({}));
    }
    put("members", json!(group.members));
    if cx.has(versions::GROUP_OWNER) {
        put("project_id", json!(group.project_id));
        put("user_id", json!(group.user_id));
    }
    body
}

/// `GET /os-server-groups`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    let known = [("all_projects", Form::Any), ("limit", Form::Count), ("offset", Form::Count)];
    page::check(&ask, &known, versions::STRICT)?;
    let groups = compute.group_list(&ask.cx, ask.query.has("all_projects")).await?;
    let number = |name: &str| ask.query.get(name).and_then(|text| text.parse::<usize>().ok());
    let limit =
        number("limit").filter(|limit| *limit > 0).unwrap_or(page::MOST as usize).min(page::MOST as usize);
    let all: Vec<_> = groups
        .iter()
        .skip(number("offset").unwrap_or(0))
        .take(limit)
        .map(|group| shown(&ask.cx, group))
        .collect();
    Ok(Answer::ok(&json!({"server_groups": all})))
}

/// `GET /os-server-groups/{id}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let group = compute.group_show(&ask.cx, ask.id("id")).await?;
    Ok(Answer::ok(&json!({"server_group": shown(&ask.cx, &group)})))
}

fn create_form(version: Version) -> Value {
    let mut words = vec!["anti-affinity", "affinity"];
    if version >= versions::SOFT_AFFINITY {
        words.extend(["soft-anti-affinity", "soft-affinity"]);
    }
    let policy = json!({"type": "string", "enum": words});
    if version < versions::GROUP_POLICY {
        let policies =
            json!({"type": "array", "items": policy, "uniqueItems": true, "minItems": 1, "maxItems": 1});
        return wrapped(
            "server_group",
            object(json!({"name": form::name(), "policies": policies}), &["name", "policies"]),
        );
    }
    let rules = object(json!({"max_server_per_host": form::positive()}), &[]);
    wrapped(
        "server_group",
        object(json!({"name": form::name(), "policy": policy, "rules": rules}), &["name", "policy"]),
    )
}

/// `POST /os-server-groups`
pub async fn create(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "group_create", create_form).await?;
    let asked = &body["server_group"];
    let word = text(&asked["policy"]).or_else(|| text(&asked["policies"][0])).unwrap_or_default();
    let policy = Policy::of(&word).ok_or_else(|| Fault::bad_input(form::MALFORMED))?;
    let rules = asked.get("rules").cloned().unwrap_or_else(|| json!({}));
    if policy != Policy::AntiAffinity && rules.as_object().is_some_and(|rules| !rules.is_empty()) {
        return Err(Fault::bad_input("Only anti-affinity policy supports rules."));
    }
    let name = text(&asked["name"]).unwrap_or_default();
    let group = compute.group_create(&ask.cx, name, policy, rules).await?;
    Ok(Answer::ok(&json!({"server_group": shown(&ask.cx, &group)})))
}

/// `DELETE /os-server-groups/{id}`
pub async fn delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.group_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}
