//! `drystone down`: stops what runs; with `--destroy` removes everything that the cloud made.

use crate::output::{self, Progress};
use crate::settings::{Form, Settings};
use crate::{control, keep, run::Role, wire_up};
use kernel::{Clock, Entropy};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a process may take to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the cloud keeps in its state directory. Settings and foreign files stay.
const OURS: &[&str] = &[
    "drystone.sqlite",
    "drystone.sqlite-wal",
    "drystone.sqlite-shm",
    "drystone.sqlite.lock",
    "controller.lock",
    "controller-id",
    "controller-id.new",
    "agent.lock",
    "database",
    "database.new",
    "metal",
    "metal.new",
    "hosts.json",
    "hosts.new",
    "seed",
    "seed.new",
    "passwords.json",
    "passwords.json.old",
    "passwords.json.new",
    "clouds.yaml.old",
    "clouds.yaml.new",
    "clouds.yaml",
    "clouds.new",
    "passwords.new",
    "image-data",
    "images",
    "disks",
    "servers",
    "agent",
    "sim",
    "ovn",
    "tls",
    "ca.pem",
    "ca.new",
    "link.sock",
    "up.ctl",
    "controller.ctl",
    "agent.ctl",
    "drystone.log",
    "acceleration",
];

/// Stops and, if asked, destroys. The error is one sentence for the operator.
pub async fn down(settings: &Settings, destroy: bool) -> Result<(), String> {
    let metal = keep::metal(&settings.state_dir).unwrap_or(settings.metal);
    let settings = &Settings { metal, ..settings.clone() };
    let progress = Progress::begin();
    progress.step("stopping the cloud");
    let mut stopped = Vec::new();
    for role in [Role::Controller, Role::Agent, Role::Up] {
        stopped.extend(stop(settings, role).await?);
    }
    if destroy && settings.state_dir.is_dir() {
        progress.step("taking down servers, networks and disks");
        let entropy =
            Entropy::system().map_err(|error| format!("There is no source of randomness: {error}."))?;
        // Of metal that was never used there is nothing to look for.
        if settings.state_dir.join("agent").is_dir() || settings.state_dir.join("ovn").is_dir() {
            wire_up::destroy(settings, &Clock::system(), &entropy).await?;
        }
        if let Some(url) = settings.database.clone().or_else(|| keep::database(&settings.state_dir)) {
            store::Db::erase_postgres(&url).map_err(|fault| fault.to_string())?;
        }
        remove(&settings.state_dir)?;
    }
    drop(progress);
    match settings.output {
        Form::Json => output::json(&json!({"event": "down", "stopped": stopped, "destroyed": destroy})),
        Form::Text if destroy => output::line("The cloud is gone."),
        Form::Text if stopped.is_empty() => output::line("Nothing runs here."),
        Form::Text => {
            output::line("The cloud is stopped. Its servers go on; `drystone up` takes them up again.")
        }
    }
    Ok(())
}

async fn stop(settings: &Settings, role: Role) -> Result<Option<i32>, String> {
    let path = control::path(&settings.state_dir, role.word());
    let answer = control::ask(&path, "stop").await;
    let answer = answer.map_err(|error| format!("The running process cannot be asked to stop: {error}."))?;
    let Some(pid) = answer.and_then(|answer| i32::try_from(answer["pid"].as_i64()?).ok()) else {
        return Ok(None);
    };
    let began = Instant::now();
    while nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok() && !is_zombie(pid) {
        if began.elapsed() > PATIENCE {
            return Err(format!("The process {pid} does not stop. Look into its log, or end it."));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(Some(pid))
}

/// Dead already, but its parent has not looked yet.
fn is_zombie(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

fn remove(state_dir: &Path) -> Result<(), String> {
    for name in OURS {
        let path = state_dir.join(name);
        let gone = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        match gone {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{} cannot be removed: {error}.", path.display()));
            }
            _ => {}
        }
    }
    // Settings or foreign files in it keep it.
    let _ = std::fs::remove_dir(state_dir);
    Ok(())
}
