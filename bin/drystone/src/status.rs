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
        (Some(status), Form::Text) => text(&status),
        (None, Form::Json) => output::json(&json!({"role": null, "state_dir": settings.state_dir})),
        (None, Form::Text) => output::line(&format!(
            "Nothing runs in {}. Start it with `drystone up`.",
            settings.state_dir.display()
        )),
    }
    Ok(())
}

fn text(status: &Value) {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    output::line(&format!(
        "drystone {} runs as {} with pid {} in {}",
        plain(&status["version"]),
        plain(&status["role"]),
        status["pid"],
        plain(&status["state_dir"])
    ));
    for host in status["hosts"].as_array().into_iter().flatten() {
        let facts = &host["facts"];
        output::line(&format!(
            "host {}: {} metal, {} on {}, {} vCPUs, {} MiB, agent {}",
            plain(&facts["name"]),
            plain(&facts["metal"]),
            plain(&facts["hypervisor"]),
            plain(&facts["acceleration"]),
            facts["vcpus"],
            facts["memory_mib"],
            plain(&facts["version"])
        ));
    }
    let work = status["work"].as_array().map(Vec::as_slice).unwrap_or_default();
    output::line(&format!("{} pieces of work are open", work.len()));
    for row in work {
        output::line(&format!(
            "  {} {} {} for {} s: {}",
            plain(&row["kind"]),
            plain(&row["id"]),
            plain(&row["state"]),
            row["age"],
            plain(&row["reason"])
        ));
    }
}
