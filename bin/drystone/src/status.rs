//! `drystone status`: what runs, where, which versions, and what waits for what.

use crate::control;
use crate::output;
use crate::run::Role;
use crate::settings::{Form, Settings};
use serde_json::{Value, json};

/// Shows the status. The error is one sentence for the operator.
pub async fn status(settings: &Settings) -> Result<(), String> {
    let mut found = None;
    for role in [Role::Up, Role::Controller, Role::Agent] {
        let answer = control::ask(&control::path(&settings.state_dir, role.word()), "status").await;
        let answer = answer.map_err(|error| format!("The running process does not answer: {error}."))?;
        found = found.or(answer);
    }
    match (found, settings.output) {
        (Some(status), Form::Json) => output::json(&status),
        (Some(status), Form::Text) => text(&status).iter().for_each(|line| output::line(line)),
        (None, Form::Json) => output::json(&json!({"role": null, "state_dir": settings.state_dir})),
        (None, Form::Text) => output::line(&format!(
            "Nothing runs in {}. Start it with `drystone up`.",
            settings.state_dir.display()
        )),
    }
    Ok(())
}

fn text(status: &Value) -> Vec<String> {
    if status["role"] == Role::Agent.word() {
        let mut lines = vec![format!("the agent runs with pid {}; no controller does", status["pid"])];
        lines.extend(objects(&status["agent"]));
        return lines;
    }
    let mut lines = vec![
        format!(
            "drystone {} runs as {} with pid {} for {:.0} s",
            plain(&status["version"]),
            plain(&status["role"]),
            status["pid"],
            status["seconds"].as_f64().unwrap_or(0.0)
        ),
        format!("  at {}, metrics at {}", plain(&status["public_url"]), plain(&status["metrics_url"])),
        format!("  in {}, the store is {}", plain(&status["state_dir"]), plain(&status["store"])),
    ];
    let hosts = list(&status["hosts"]);
    if hosts.is_empty() {
        lines.push("no host is connected".to_owned());
    }
    for host in hosts {
        lines.push(facts(&host["facts"]));
        lines.extend(objects(&host["agent"]));
    }
    for trouble in list(&status["network"]) {
        lines.push(format!(
            "{} {} {} on {}: {}",
            plain(&trouble["kind"]),
            plain(&trouble["id"]),
            plain(&trouble["state"]),
            plain(&trouble["host"]),
            plain(&trouble["reason"])
        ));
    }
    if !status["store_error"].is_null() {
        lines.push(format!("the store does not answer: {}", plain(&status["store_error"])));
    }
    lines.extend(work(list(&status["work"])));
    lines
}

/// A host in one line.
fn facts(facts: &Value) -> String {
    let version = facts["hypervisor_version"].as_u64().unwrap_or(0);
    format!(
        "host {}: {} metal, {} {}.{}.{} on {}, {} vCPUs, {} MiB, {} of {} GiB free, agent {}",
        plain(&facts["name"]),
        plain(&facts["metal"]),
        plain(&facts["hypervisor"]),
        version / 1_000_000,
        version / 1000 % 1000,
        version % 1000,
        plain(&facts["acceleration"]),
        facts["vcpus"],
        facts["memory_mib"],
        facts["disk_free_gib"],
        facts["disk_gib"],
        plain(&facts["version"])
    )
}

/// How much a host holds, and what of it is not as it should be.
fn objects(agent: &Value) -> Vec<String> {
    let objects = list(&agent["objects"]);
    let mut lines = vec![if agent.is_null() {
        "  its agent does not answer".to_owned()
    } else {
        format!("  holds {} objects", objects.len())
    }];
    for object in objects.iter().filter(|object| object["state"] == "failed" || object["state"] == "waiting")
    {
        let why = if object["error"].is_null() { &object["waits_for"] } else { &object["error"] };
        let (kind, id, state) = (plain(&object["kind"]), plain(&object["id"]), plain(&object["state"]));
        lines.push(format!("  {kind} {id} {state}: {}", plain(why)));
    }
    lines
}

fn work(rows: &[Value]) -> Vec<String> {
    let mut lines = vec![match rows.len() {
        0 => "no work is open".to_owned(),
        1 => "1 piece of work is open".to_owned(),
        count => format!("{count} pieces of work are open"),
    }];
    for row in rows {
        let (kind, id, state, reason) =
            (plain(&row["kind"]), plain(&row["id"]), plain(&row["state"]), plain(&row["reason"]));
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        lines.push(format!("  {kind} {id} {state} for {:.0} s{reason}", row["age"].as_f64().unwrap_or(0.0)));
    }
    lines
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
