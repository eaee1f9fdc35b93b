//! Starting, stopping and freezing machines. The caller holds the machine's `operation`.

use crate::Shared;
use crate::command_line::{Surroundings, command_line};
use crate::console;
use crate::hardware;
use crate::machine::{Entry, Live, Status};
use crate::process::{self, Launch, Process};
use crate::qmp::{Qmp, QmpError};
use crate::record::{FORMAT, Phase, Record};
use crate::saved;
use crate::sockets;
use crate::tap;
use metal::driver::{Driven, DriverError, Machine};
use serde_json::json;
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long QEMU may take until its monitor answers.
const STARTING: Duration = Duration::from_secs(30);
/// How long QEMU may take to end when told to.
const QUITTING: Duration = Duration::from_secs(5);
/// How often a guest is asked to shut down.
const ASKING: Duration = Duration::from_secs(10);

/// What QEMU's monitor said, as drivers tell it.
pub fn told(error: QmpError) -> DriverError {
    match error {
        QmpError::Closed | QmpError::Late(_) => DriverError::NotYet(error.to_string()),
        _ => DriverError::Failed(error.to_string()),
    }
}

/// The machine runs in its incarnation.
pub async fn start(shared: &Shared, entry: &Arc<Entry>, machine: &Machine) -> Driven<()> {
    let record = entry.record().await;
    if let Some(record) = &record {
        if record.incarnation > machine.incarnation {
            return Err(DriverError::Refused(format!(
                "incarnation {} of {} is over: this host has started {} already",
                machine.incarnation, entry.id, record.incarnation
            )));
        }
        if let Some(live) = entry.reached().await {
            if record.incarnation < machine.incarnation {
                return Err(DriverError::NotYet(format!(
                    "incarnation {} of {} still runs here: it must be stopped first",
                    record.incarnation, entry.id
                )));
            }
            if go_on(entry, record, &live).await? {
                return Ok(());
            }
        }
    }
    // It may have ended, or moved on, meanwhile.
    match entry.record().await {
        Some(record)
            if matches!(record.phase, Phase::Suspended | Phase::Resuming)
                && record.incarnation == machine.incarnation =>
        {
            saved::resume(shared, entry, record, machine).await
        }
        _ => boot(shared, entry, machine).await,
    }
}

/// A living QEMU goes on with its guest; `false` when it has come to its end instead.
async fn go_on(entry: &Arc<Entry>, record: &Record, live: &Live) -> Driven<bool> {
    let qmp = live.monitor(&entry.id)?;
    let status = entry.look(qmp).await.map_err(told)?;
    match (record.phase, status) {
        (Phase::Suspended | Phase::Off, _) | (_, Status::Off | Status::Broken) => {
            end(entry, live).await?;
            return Ok(false);
        }
        (Phase::Resuming, _) => saved::awaken(entry, qmp).await?,
        (Phase::Suspending, _) => saved::give_up(entry, qmp).await?,
        (Phase::Started | Phase::Ending, Status::Running) => {}
        (Phase::Started | Phase::Ending, _) => {
            if !record.frozen {
                qmp.call("cont", json!({})).await.map_err(told)?;
                entry.look(qmp).await.map_err(told)?;
            }
        }
    }
    entry.change(|record| record.phase = Phase::Started).await?;
    Ok(true)
}

async fn boot(shared: &Shared, entry: &Arc<Entry>, machine: &Machine) -> Driven<()> {
    let (host, _) = shared.host().await?;
    let shape = hardware::choose(machine, |name| host.machine_types.get(name).cloned())?;
    let record = Record {
        format: FORMAT,
        id: entry.id.clone(),
        name: machine.name.clone(),
        incarnation: machine.incarnation,
        phase: Phase::Started,
        frozen: false,
        because: None,
        shape,
    };
    std::fs::create_dir_all(&entry.folder).map_err(|error| entry.failed("make a folder for", &error))?;
    let known = entry.record().await.map(|record| record.incarnation);
    if known != Some(machine.incarnation) {
        process::remove_if_there(&entry.folder.join("console.log"))
            .map_err(|error| entry.failed("empty the console of", &error))?;
    }
    saved::discard(entry)?;
    launch(shared, entry, record, machine).await?;
    Ok(())
}

/// Starts QEMU for a record, which is written down first, and connects to its monitor. When this fails no QEMU is left.
pub async fn launch(
    shared: &Shared,
    entry: &Arc<Entry>,
    record: Record,
    machine: &Machine,
) -> Driven<Arc<Qmp>> {
    let lock = locked(entry).await?;
    let mut taps = Vec::new();
    for nic in &machine.nics {
        taps.push(tap::open(&nic.tap).await?);
    }
    let phase = record.phase;
    entry.remember(record.clone()).await?;
    let process = match spawn(shared, entry, &record, lock, taps).await {
        Ok(process) => process,
        Err(error) => {
            entry.change(|record| record.phase = unstarted(phase)).await?;
            return Err(error);
        }
    };
    match connect(&entry.folder.join("monitor"), &process).await {
        Ok(qmp) => {
            let qmp = Arc::new(qmp);
            entry.keep(process, Some(qmp.clone()));
            let looked = entry.look(&qmp).await;
            looked.map_err(told)?;
            Ok(qmp)
        }
        Err(error) => {
            process.kill().map_err(|error| entry.failed("end the QEMU of", &error))?;
            let ending = process.ended().await;
            let said = console::last_line(&entry.folder.join("qemu.log")).unwrap_or_default();
            entry.change(|record| record.phase = unstarted(phase)).await?;
            entry.finished(ending).await;
            Err(DriverError::Failed(format!("QEMU does not start {}: {said} ({error})", entry.id)))
        }
    }
}

/// The phase of a machine whose QEMU has not come up.
fn unstarted(phase: Phase) -> Phase {
    if phase == Phase::Resuming { Phase::Suspended } else { Phase::Off }
}

/// The lock on the machine's folder. It is free unless a QEMU lives that this process does not know.
async fn locked(entry: &Entry) -> Driven<File> {
    let failed = |error| entry.failed("lock", &error);
    for _ in 0..5 {
        if let Some(lock) = process::lock(&entry.folder).map_err(failed)? {
            return Ok(lock);
        }
        if let Some(process) = Process::find(&entry.folder).await.map_err(failed)? {
            return Err(DriverError::Failed(format!(
                "process {} holds {}/lock: it runs {} but was not started from here; end it or start again elsewhere",
                process.pid,
                entry.folder.display(),
                entry.id
            )));
        }
    }
    Err(DriverError::NotYet(format!(
        "{}/lock is taken now and then: who else uses it?",
        entry.folder.display()
    )))
}

async fn spawn(
    shared: &Shared,
    entry: &Entry,
    record: &Record,
    lock: File,
    taps: Vec<OwnedFd>,
) -> Driven<Process> {
    let (host, acceleration) = shared.host().await?;
    let failed = |error| entry.failed("start", &error);
    let monitor: OwnedFd = sockets::listen(&entry.folder.join("monitor")).map_err(failed)?.into();
    let serial: OwnedFd = sockets::listen(&entry.folder.join("serial")).map_err(failed)?.into();
    let tap_numbers: Vec<RawFd> = taps.iter().map(AsRawFd::as_raw_fd).collect();
    let around = Surroundings {
        acceleration,
        monitor: monitor.as_raw_fd(),
        serial: serial.as_raw_fd(),
        taps: &tap_numbers,
        sandbox: host.sandbox && shared.config.sandbox,
        vhost: Path::new("/dev/vhost-net").exists(),
        incoming: record.phase == Phase::Resuming,
    };
    let arguments = command_line(record, &around);
    tracing::debug!(id = entry.id, arguments = arguments.join(" "), "starting QEMU");
    let launch = Launch {
        program: &shared.config.program,
        arguments: &arguments,
        folder: &entry.folder,
        lock,
        cgroup: entry.cgroups.join(&entry.id),
        inherited: taps.into_iter().chain([monitor, serial]).collect(),
        humble: shared.config.sandbox,
    };
    launch.start().map_err(failed)
}

/// The socket listens already, so this waits for the greeting only, or for QEMU's early end.
async fn connect(monitor: &Path, process: &Process) -> Result<Qmp, String> {
    tokio::select! {
        connection = Qmp::connect(monitor, STARTING) => connection.map_err(|error| error.to_string()),
        ending = process.ended() => Err(format!("it ended: {ending:?}")),
    }
}

/// The machine is off.
pub async fn stop(entry: &Arc<Entry>, kindly: Option<Duration>) -> Driven<()> {
    if let Some(live) = entry.reached().await {
        if let (Some(patience), Some(qmp)) = (kindly, &live.qmp)
            && live.status == Status::Running
        {
            ask(entry, &live, qmp, patience).await;
        }
        end(entry, &live).await?;
    }
    entry
        .change(|record| {
            record.phase = Phase::Off;
            record.frozen = false;
            record.because = None;
        })
        .await?;
    saved::discard(entry)
}

/// Presses the power button, again and again, until the guest has switched itself off or time is up.
async fn ask(entry: &Entry, live: &Live, qmp: &Qmp, patience: Duration) {
    let deadline = Instant::now() + patience;
    loop {
        if let Err(error) = qmp.call("system_powerdown", json!({})).await {
            tracing::debug!(%error, id = entry.id, "the guest is not asked to shut down");
        }
        let rest = deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() || live.ended(rest.min(ASKING)).await {
            return;
        }
    }
}

/// Ends a QEMU: told to, it writes out what its disks' caches hold; else by force.
pub async fn end(entry: &Entry, live: &Live) -> Driven<()> {
    entry
        .change(|record| {
            if matches!(record.phase, Phase::Started | Phase::Suspending) {
                record.phase = Phase::Ending;
            }
        })
        .await?;
    if let Some(qmp) = &live.qmp {
        entry.quit(qmp).await;
        if live.ended(QUITTING).await {
            return Ok(());
        }
    }
    live.process.kill().map_err(|error| entry.failed("end the QEMU of", &error))?;
    if live.ended(QUITTING).await {
        return Ok(());
    }
    Err(DriverError::NotYet(format!(
        "QEMU of {} (process {}) does not die: is its disk stuck?",
        entry.id, live.process.pid
    )))
}

/// The machine is frozen, or not any more.
pub async fn freeze(entry: &Arc<Entry>, frozen: bool) -> Driven<()> {
    let Some(live) = entry.reached().await else {
        return Err(DriverError::Refused(format!("{} does not run", entry.id)));
    };
    let qmp = live.monitor(&entry.id)?;
    entry.change(|record| record.frozen = frozen).await?;
    qmp.call(if frozen { "stop" } else { "cont" }, json!({})).await.map_err(told)?;
    entry.look(qmp).await.map_err(told)?;
    Ok(())
}

/// Nothing of the machine is left.
pub async fn destroy(entry: &Arc<Entry>) -> Driven<()> {
    stop(entry, None).await?;
    entry.forget().await?;
    for _ in 0..50 {
        if entry.cgroups.remove(&entry.id) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(DriverError::NotYet(format!("a process in the control group of {} does not die", entry.id)))
}
