//! What projects used.

use super::Answered;
use super::page::{self, Form};
use crate::model::server::Server;
use crate::ops::usage::{SpanQuery, Usage};
use crate::{Compute, versions};
use fault::Fault;
use kernel::Micros;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

const KNOWN: &[(&str, Form)] = &[
    ("start", Form::Any),
    ("end", Form::Any),
    ("detailed", Form::Any),
    ("limit", Form::Count),
    ("marker", Form::Any),
];

fn span(ask: &Ask) -> SpanQuery {
    let end = |name: &str| ask.query.get(name).map(str::to_owned);
    SpanQuery { start: end("start"), end: end("end") }
}

#[expect(clippy::cast_precision_loss, reason = "hours of servers")]
fn hours(server: &Server, start: Micros, stop: Micros) -> f64 {
    let Some(launched) = server.launched_at else { return 0.0 };
    let begin = launched.max(start);
    let end = server.terminated_at.map_or(stop, |terminated| terminated.min(stop));
    end.since(begin).as_micros() as f64 / 3_600_000_000.0
}

#[expect(clippy::cast_precision_loss, reason = "sizes of servers")]
fn summed(
    servers: &[&Server],
    project: &str,
    start: Micros,
    stop: Micros,
    now: Micros,
    detailed: bool,
) -> Value {
    let (mut disk, mut vcpus, mut memory, mut total) = (0.0, 0.0, 0.0, 0.0);
    let mut usages = Vec::new();
    for server in servers {
        let facts = &server.detail.flavor;
        let hours = hours(server, start, stop);
        disk += (facts.root_gib + facts.ephemeral_gib) as f64 * hours;
        vcpus += facts.vcpus as f64 * hours;
        memory += facts.memory_mib as f64 * hours;
        total += hours;
        usages.push(one(server, hours, now));
    }
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("tenant_id", json!(project));
    if detailed {
        put("server_usages", json!(usages));
    }
    put("total_local_gb_usage", json!(disk));
    put("total_vcpus_usage", json!(vcpus));
    put("total_memory_mb_usage", json!(memory));
    put("total_hours", json!(total));
    put("start", json!(start.micros_naked()));
    put("stop", json!(stop.micros_naked()));
    Value::Object(body)
}

fn one(server: &Server, hours: f64, now: Micros) -> Value {
    let facts = &server.detail.flavor;
    let started = server.launched_at.unwrap_or(server.created_at);
    let state = if server.terminated_at.is_some() { "terminated" } else { server.standing().vm_state.word() };
    let uptime = server.terminated_at.unwrap_or(now).since(started).as_secs();
    json!({
        "hours": hours, "flavor": facts.name, "instance_id": server.id, "name": server.name,
        "tenant_id": server.project_id, "memory_mb": facts.memory_mib, "local_gb": facts.root_gib + facts.ephemeral_gib,
        "vcpus": facts.vcpus, "started_at": started.micros_naked(),
        "ended_at": server.terminated_at.map(|at| at.micros_naked()), "state": state, "uptime": uptime,
    })
}

/// One page of servers: usage is paged by them, not by projects.
fn paged(ask: &Ask, servers: &mut Vec<Server>) -> Result<(), Fault> {
    if !ask.cx.has(versions::USAGE_PAGES) {
        return Ok(());
    }
    let (limit, marker) = page::bounds(ask)?;
    if let Some(marker) = marker {
        let at = servers.iter().position(|server| server.id == marker);
        let at = at.ok_or_else(|| Fault::bad_input(format!("Marker {marker} could not be found.")))?;
        servers.drain(..=at);
    }
    servers.truncate(limit as usize);
    Ok(())
}

/// `GET /os-simple-tenant-usage`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, KNOWN, versions::STRICT)?;
    let Usage { start, stop, mut servers } = compute.usage(&ask.cx, None, span(&ask)).await?;
    paged(&ask, &mut servers)?;
    let detailed = ask.query.get("detailed") == Some("1");
    let mut projects: Vec<&str> = servers.iter().map(|server| server.project_id.as_str()).collect();
    projects.dedup();
    let of = |project: &str| -> Vec<&Server> {
        servers.iter().filter(|server| server.project_id == project).collect()
    };
    let usages: Vec<Value> = projects
        .iter()
        .map(|project| summed(&of(project), project, start, stop, ask.cx.at, detailed))
        .collect();
    let mut body = json!({"tenant_usages": usages});
    add_next(&ask, &mut body, "tenant_usages_links", "os-simple-tenant-usage", &servers);
    Ok(Answer::ok(&body))
}

/// `GET /os-simple-tenant-usage/{project}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, KNOWN, versions::STRICT)?;
    let project = ask.id("project");
    let Usage { start, stop, mut servers } = compute.usage(&ask.cx, Some(project), span(&ask)).await?;
    paged(&ask, &mut servers)?;
    let all: Vec<&Server> = servers.iter().collect();
    let usage = if all.is_empty() { json!({}) } else { summed(&all, project, start, stop, ask.cx.at, true) };
    let mut body = json!({"tenant_usage": usage});
    add_next(&ask, &mut body, "tenant_usage_links", &format!("os-simple-tenant-usage/{project}"), &servers);
    Ok(Answer::ok(&body))
}

fn add_next(ask: &Ask, body: &mut Value, name: &str, collection: &str, servers: &[Server]) {
    let last = servers.last().filter(|_| ask.cx.has(versions::USAGE_PAGES));
    if let Some(next) = last.and_then(|last| page::next(ask, collection, servers.len(), &last.id)) {
        body[name] = next;
    }
}
