//! Hypervisors.

use super::page::{self, Form};
use super::{Answered, form};
use crate::ops::host::{Beside, Hypervisor};
use crate::{Compute, rules, versions};
use fault::{Fault, Kind};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Cx};

fn shown(cx: &Cx, hypervisor: &Hypervisor, detail: bool) -> Map<String, Value> {
    let Hypervisor { host, service, .. } = hypervisor;
    let uuids = cx.has(versions::UUIDS);
    let id = |uuid: &str, number: i64| if uuids { json!(uuid) } else { json!(number) };
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("id", id(&host.id, host.number));
    put("hypervisor_hostname", json!(host.name));
    put("state", json!(if service.up { "up" } else { "down" }));
    put("status", json!(if service.disabled { "disabled" } else { "enabled" }));
    if !detail {
        return body;
    }
    put("hypervisor_type", json!(host.facts.hypervisor));
    put("hypervisor_version", json!(host.facts.hypervisor_version));
    put("host_ip", json!(host.facts.address));
    let reason = &service.disabled_reason;
    put(
        "service",
        json!({"id": id(&service.id, service.number), "host": host.name, "disabled_reason": reason}),
    );
    if !statistics_shown(cx) {
        put("uptime", Value::Null);
        return body;
    }
    body.extend(statistics(hypervisor));
    let cpu = &host.facts.cpu_info;
    let info = if cx.has(versions::CPU_INFO_OBJECT) {
        serde_json::from_str(cpu).ok().filter(Value::is_object).unwrap_or_else(|| json!({}))
    } else {
        json!(cpu)
    };
    body.insert("cpu_info".into(), info);
    body
}

/// Whether details tell what is in use; 2.88 left that to placement.
fn statistics_shown(cx: &Cx) -> bool {
    !cx.has(versions::STATISTICS_GONE)
}

/// Whether the servers are asked for, which can be said since hypervisors have UUIDs.
fn with_servers_asked(ask: &Ask) -> bool {
    let asked = |text: &str| form::flag(&json!(text)) == Some(true);
    ask.cx.has(versions::UUIDS) && ask.query.get("with_servers").is_some_and(asked)
}

/// What a host has, and what of it is in use.
fn statistics(hypervisor: &Hypervisor) -> Map<String, Value> {
    let facts = &hypervisor.host.facts;
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let used = |class: &str| signed(hypervisor.used.get(class).copied().unwrap_or(0));
    let (memory, disk) = (signed(facts.memory_mib), signed(facts.disk_gib));
    let memory_used = used("MEMORY_MB") + signed(hypervisor.reserved_mib);
    let all = json!({
        "vcpus": facts.vcpus, "memory_mb": memory, "local_gb": disk, "vcpus_used": used("VCPU"),
        "memory_mb_used": memory_used, "local_gb_used": used("DISK_GB"), "free_ram_mb": memory - memory_used,
        "free_disk_gb": disk - used("DISK_GB"), "current_workload": 0, "running_vms": hypervisor.servers_count,
        "disk_available_least": facts.disk_free_gib,
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}

fn with_servers(body: &mut Map<String, Value>, hypervisor: &Hypervisor, even_none: bool) {
    if even_none || !hypervisor.servers.is_empty() {
        let all: Vec<Value> =
            hypervisor.servers.iter().map(|(name, uuid)| json!({"name": name, "uuid": uuid})).collect();
        body.insert("servers".into(), json!(all));
    }
}

async fn listed(compute: Arc<Compute>, ask: Ask, detail: bool) -> Answered {
    let uuids = ask.cx.has(versions::UUIDS);
    let known = [
        ("limit", Form::Count),
        ("marker", Form::Any),
        ("hypervisor_hostname_pattern", Form::Host),
        ("with_servers", Form::Flag),
    ];
    let known = if uuids { &known[..] } else { &known[..2] };
    let paged = ask.cx.has(versions::NETWORK_TAGS);
    if paged {
        page::check(&ask, known, versions::UUIDS)?;
    }
    let pattern = ask.query.get("hypervisor_hostname_pattern").filter(|_| uuids).map(str::to_owned);
    if pattern.is_some() && (ask.query.has("limit") || ask.query.has("marker")) {
        return Err(Fault::bad_input(
            "Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.",
        ));
    }
    let rule = if detail { &rules::HYPERVISORS_LIST_DETAIL } else { &rules::HYPERVISORS_LIST };
    let beside = Beside { used: detail && statistics_shown(&ask.cx), servers: with_servers_asked(&ask) };
    let mut all = compute.hypervisor_list(&ask.cx, rule, pattern.clone(), beside).await?;
    if let (Some(pattern), true) = (&pattern, all.is_empty()) {
        return Err(Fault::not_found(format!("No hypervisor matching '{pattern}' could be found.")));
    }
    let (limit, marker) = if paged { page::bounds(&ask)? } else { (page::MOST, None) };
    if let Some(marker) = marker {
        let is = |one: &Hypervisor| one.host.id == marker || one.host.number.to_string() == marker;
        let at = all
            .iter()
            .position(is)
            .ok_or_else(|| Fault::bad_input(format!("marker [{marker}] not found")))?;
        all.drain(..=at);
    }
    all.truncate(limit as usize);
    let bodies = all.iter().map(|one| {
        let mut body = shown(&ask.cx, one, detail);
        if beside.servers {
            with_servers(&mut body, one, ask.cx.has(versions::STRICT));
        }
        body
    });
    let mut body = json!({"hypervisors": bodies.collect::<Vec<_>>()});
    let collection = if detail { "os-hypervisors/detail" } else { "os-hypervisors" };
    if let Some(last) = all.last().filter(|_| paged && pattern.is_none()) {
        let last = if uuids { last.host.id.clone() } else { last.host.number.to_string() };
        if let Some(next) = page::next(&ask, collection, all.len(), &last) {
            body["hypervisors_links"] = next;
        }
    }
    Ok(Answer::ok(&body))
}

/// `GET /os-hypervisors`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    listed(compute, ask, false).await
}

/// `GET /os-hypervisors/detail`
pub async fn detail(compute: Arc<Compute>, ask: Ask) -> Answered {
    listed(compute, ask, true).await
}

/// The id of a hypervisor, of the form that the version has.
fn checked_id(ask: &Ask) -> Result<String, Fault> {
    let id = ask.id("id").to_owned();
    if ask.cx.has(versions::UUIDS) {
        if uuid::Uuid::try_parse(&id).is_err() {
            return Err(Fault::bad_input(format!("Invalid uuid {id}")));
        }
    } else if id.parse::<i64>().is_err() {
        return Err(Fault::not_found(format!("Hypervisor with ID '{id}' could not be found.")));
    }
    Ok(id)
}

/// `GET /os-hypervisors/{id}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    if ask.cx.has(versions::UUIDS) {
        page::check(&ask, &[("with_servers", Form::Flag)], versions::UUIDS)?;
    }
    ask.cx.may(&rules::HYPERVISORS_SHOW, &policy::Target::none())?;
    let beside = Beside { used: statistics_shown(&ask.cx), servers: with_servers_asked(&ask) };
    let (rule, id) = (&rules::HYPERVISORS_SHOW, checked_id(&ask)?);
    let hypervisor = compute.hypervisor_show(&ask.cx, rule, &id, beside).await?;
    let mut body = shown(&ask.cx, &hypervisor, true);
    if beside.servers {
        with_servers(&mut body, &hypervisor, ask.cx.has(versions::STRICT));
    }
    Ok(Answer::ok(&json!({"hypervisor": body})))
}

/// `GET /os-hypervisors/{id}/uptime`: hosts do not tell.
pub async fn uptime(compute: Arc<Compute>, ask: Ask) -> Answered {
    ask.cx.may(&rules::HYPERVISORS_UPTIME, &policy::Target::none())?;
    let (rule, id) = (&rules::HYPERVISORS_UPTIME, checked_id(&ask)?);
    compute.hypervisor_show(&ask.cx, rule, &id, Beside::default()).await?;
    Err(Fault::new(Kind::NotImplemented, "The requested functionality is not supported."))
}

async fn found(compute: Arc<Compute>, ask: Ask, rule: &'static policy::Rule, servers: bool) -> Answered {
    let pattern = ask.id("id").to_owned();
    let beside = Beside { servers, ..Beside::default() };
    let all = compute.hypervisor_list(&ask.cx, rule, Some(pattern.clone()), beside).await?;
    if all.is_empty() {
        return Err(Fault::not_found(format!("No hypervisor matching '{pattern}' could be found.")));
    }
    let bodies = all.iter().map(|one| {
        let mut body = shown(&ask.cx, one, false);
        if servers {
            with_servers(&mut body, one, false);
        }
        body
    });
    Ok(Answer::ok(&json!({"hypervisors": bodies.collect::<Vec<_>>()})))
}

/// `GET /os-hypervisors/{pattern}/search`
pub async fn search(compute: Arc<Compute>, ask: Ask) -> Answered {
    found(compute, ask, &rules::HYPERVISORS_SEARCH, false).await
}

/// `GET /os-hypervisors/{pattern}/servers`
pub async fn servers(compute: Arc<Compute>, ask: Ask) -> Answered {
    found(compute, ask, &rules::HYPERVISORS_SERVERS, true).await
}

/// `GET /os-hypervisors/statistics`
pub async fn all_statistics(compute: Arc<Compute>, ask: Ask) -> Answered {
    let beside = Beside { used: true, ..Beside::default() };
    let all = compute.hypervisor_list(&ask.cx, &rules::HYPERVISORS_STATISTICS, None, beside).await?;
    let mut sums: Map<String, Value> = Map::new();
    let names = [
        "vcpus",
        "memory_mb",
        "local_gb",
        "vcpus_used",
        "memory_mb_used",
        "local_gb_used",
        "free_ram_mb",
        "free_disk_gb",
        "current_workload",
        "running_vms",
        "disk_available_least",
    ];
    let counted: Vec<Map<String, Value>> =
        all.iter().filter(|one| !one.service.disabled).map(statistics).collect();
    for name in names {
        let sum: i64 = counted.iter().filter_map(|one| one.get(name).and_then(Value::as_i64)).sum();
        sums.insert(name.to_owned(), json!(sum));
    }
    sums.insert("count".into(), json!(counted.len()));
    Ok(Answer::ok(&json!({"hypervisor_statistics": sums})))
}
