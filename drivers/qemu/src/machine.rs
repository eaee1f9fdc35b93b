//! One machine: its folder, its record, and the QEMU that runs it while one does.
//!
//! Operations on a machine go one after the other (`operation`). A task of its own, the *keeper*, follows a living QEMU:
//! it listens to events, notices the end, and writes down what it meant. Everybody else only looks at what it found.

use crate::cgroup::Cgroups;
use crate::changes::Changes;
use crate::console;
use crate::keeper;
use crate::process::{self, Ending, Process};
use crate::qmp::{Qmp, QmpError};
use crate::record::{self, Phase, Record};
use metal::driver::{Driven, DriverError, KnownMachine};
use metal::server::MachineState;
use serde_json::json;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// How long operations wait for a monitor that does not answer.
const REACHING: Duration = Duration::from_secs(5);

/// A machine that this host knows.
pub struct Entry {
    /// The server's id.
    pub id: String,
    /// `STATE_DIR/servers/<id>`.
    pub folder: PathBuf,
    /// Where control groups are.
    pub cgroups: Cgroups,
    /// Held by whoever changes the machine.
    pub operation: tokio::sync::Mutex<()>,
    changes: Arc<Changes>,
    record: tokio::sync::Mutex<Option<Record>>,
    running: Mutex<Option<Running>>,
}

/// A living QEMU.
struct Running {
    process: Arc<Process>,
    qmp: Option<Arc<Qmp>>,
    status: Status,
    /// It has been told to end.
    quitting: bool,
    ended: watch::Receiver<bool>,
    keeper: Option<AbortHandle>,
}

/// What QEMU says of its guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not asked yet, or it does not answer.
    Unknown,
    /// It runs.
    Running,
    /// It is stopped and can go on.
    Paused,
    /// It is stopped because a disk could not be written.
    DiskFull,
    /// It has switched itself off.
    Off,
    /// KVM or the guest gave up.
    Broken,
    /// It waits for a saved state, or reads it.
    Incoming,
    /// Its state has been handed on.
    HandedOn,
}

impl Status {
    fn of(word: &str) -> Self {
        match word {
            "running" => Self::Running,
            "shutdown" => Self::Off,
            "io-error" => Self::DiskFull,
            "internal-error" | "guest-panicked" => Self::Broken,
            "inmigrate" => Self::Incoming,
            "postmigrate" => Self::HandedOn,
            _ => Self::Paused,
        }
    }
}

/// The monitor and the bell of the end of a living QEMU.
pub struct Live {
    /// Its process.
    pub process: Arc<Process>,
    /// Its monitor, unless it does not answer.
    pub qmp: Option<Arc<Qmp>>,
    /// What it does.
    pub status: Status,
    ended: watch::Receiver<bool>,
}

impl Live {
    /// Returns when the process has ended and this is written down. `false`: not in that time.
    pub async fn ended(&self, patience: Duration) -> bool {
        let mut ended = self.ended.clone();
        // An error means that the keeper is gone, as it is after the end.
        timeout(patience, async { ended.wait_for(|ended| *ended).await.map(|_| ()) }).await.is_ok()
    }

    /// The monitor, or why there is none.
    pub fn monitor(&self, id: &str) -> Driven<&Arc<Qmp>> {
        self.qmp.as_ref().ok_or_else(|| {
            DriverError::NotYet(format!(
                "QEMU of {id} (process {}) does not answer on its monitor",
                self.process.pid
            ))
        })
    }
}

impl Entry {
    /// A machine in a folder, with what its record says.
    pub fn new(
        id: &str,
        folder: PathBuf,
        record: Option<Record>,
        cgroups: Cgroups,
        changes: Arc<Changes>,
    ) -> Self {
        Self {
            id: id.to_owned(),
            folder,
            cgroups,
            operation: tokio::sync::Mutex::default(),
            changes,
            record: tokio::sync::Mutex::new(record),
            running: Mutex::new(None),
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The QEMU that runs it, if one does.
    pub fn live(&self) -> Option<Live> {
        self.running().as_ref().map(|running| Live {
            process: running.process.clone(),
            qmp: running.qmp.clone(),
            status: running.status,
            ended: running.ended.clone(),
        })
    }

    /// The QEMU that runs it, with its monitor: one that was found a moment ago may still be about to answer, or to end.
    pub async fn reached(&self) -> Option<Live> {
        let deadline = Instant::now() + REACHING;
        loop {
            let live = self.live()?;
            if live.qmp.is_some() || Instant::now() > deadline {
                return Some(live);
            }
            live.ended(Duration::from_millis(20)).await;
        }
    }

    /// What was written down last.
    pub async fn record(&self) -> Option<Record> {
        self.record.lock().await.clone()
    }

    /// Writes a new record down.
    pub async fn remember(&self, new: Record) -> Driven<()> {
        let mut record = self.record.lock().await;
        self.write(&new).await?;
        *record = Some(new);
        Ok(())
    }

    /// Changes the record, if there is one.
    pub async fn change(&self, change: impl FnOnce(&mut Record)) -> Driven<()> {
        let mut record = self.record.lock().await;
        let Some(mut new) = record.clone() else { return Ok(()) };
        change(&mut new);
        if record.as_ref() != Some(&new) {
            self.write(&new).await?;
            *record = Some(new);
        }
        Ok(())
    }

    async fn write(&self, record: &Record) -> Driven<()> {
        let (folder, record) = (self.folder.clone(), record.clone());
        let done = tokio::task::spawn_blocking(move || record::write(&folder, &record)).await;
        done.map_err(std::io::Error::other)
            .and_then(|done| done)
            .map_err(|error| self.failed("remember", &error))
    }

    /// Forgets the record and the folder.
    pub async fn forget(&self) -> Driven<()> {
        *self.record.lock().await = None;
        let folder = self.folder.clone();
        match tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await {
            Ok(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(self.failed("forget", &error))
            }
            _ => Ok(()),
        }
    }

    /// An error of the file system, as drivers tell it.
    pub fn failed(&self, what: &str, error: &std::io::Error) -> DriverError {
        match error.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT) => DriverError::Full(self.folder.display().to_string()),
            _ => DriverError::Failed(format!(
                "cannot {what} {} in {}: {error}",
                self.id,
                self.folder.display()
            )),
        }
    }

    /// What is known of the machine.
    pub async fn known(&self) -> Option<KnownMachine> {
        let record = self.record().await?;
        let live = self.running().as_ref().map(|running| running.status);
        let (state, because) = match (live, record.phase) {
            (_, Phase::Suspended | Phase::Resuming) => (MachineState::Suspended, None),
            (None, _) => (MachineState::Off, record.because.clone()),
            (Some(Status::DiskFull), _) => (
                MachineState::Paused,
                Some("a disk of the machine could not be written: no space is left".into()),
            ),
            (Some(Status::Running | Status::Unknown), _) => (MachineState::Running, None),
            (Some(Status::Off | Status::Broken), _) => (MachineState::Off, record.because.clone()),
            (Some(_), _) => (MachineState::Paused, None),
        };
        Some(KnownMachine {
            id: record.id,
            incarnation: record.incarnation,
            state,
            ports: record.shape.nics.into_iter().map(|nic| nic.port_id).collect(),
            stopped_because: because,
        })
    }

    /// Puts a keeper beside a living QEMU.
    pub fn keep(self: &Arc<Self>, process: Process, qmp: Option<Arc<Qmp>>) {
        let process = Arc::new(process);
        let (end, ended) = watch::channel(false);
        *self.running() = Some(Running {
            process: process.clone(),
            qmp: qmp.clone(),
            status: Status::Unknown,
            quitting: false,
            ended,
            keeper: None,
        });
        let entry = self.clone();
        let keeper = tokio::spawn(async move {
            let ending = keeper::follow(&entry, &process, qmp).await;
            entry.finished(ending).await;
            // Nobody may be waiting for the end.
            let _ = end.send(true);
        });
        if let Some(running) = self.running().as_mut() {
            running.keeper = Some(keeper.abort_handle());
        }
    }

    /// Lets go of the QEMU without touching it: it outlives us.
    pub fn let_go(&self) {
        if let Some(keeper) = self.running().take().and_then(|running| running.keeper) {
            keeper.abort();
        }
    }

    /// Asks what the guest does and tells whoever wants to know when it does something else than before.
    pub async fn look(&self, qmp: &Qmp) -> Result<Status, QmpError> {
        let answer = qmp.call("query-status", json!({})).await?;
        let status = Status::of(answer["status"].as_str().unwrap_or_default());
        let mut running = self.running();
        if let Some(running) = running.as_mut()
            && running.status != status
        {
            running.status = status;
            self.changes.add(&self.id);
        }
        Ok(status)
    }

    /// Tells QEMU to end. Nothing may be asked of it from then on: with a command at hand it spins instead of ending.
    pub async fn quit(&self, qmp: &Qmp) {
        if let Some(running) = self.running().as_mut() {
            running.quitting = true;
        }
        // QEMU closes the connection as it ends.
        let _ = qmp.call("quit", json!({})).await;
    }

    /// It has been told to end.
    pub fn is_quitting(&self) -> bool {
        self.running().as_ref().is_none_or(|running| running.quitting)
    }

    /// The monitor is connected, or not any more.
    pub fn connected(&self, qmp: Option<Arc<Qmp>>) {
        if let Some(running) = self.running().as_mut() {
            running.qmp = qmp;
        }
    }

    /// Writes down what the end of the machine's QEMU means.
    pub async fn finished(&self, ending: Ending) {
        self.running().take();
        let line = console::last_line(&self.folder.join("qemu.log"));
        let whole = self.folder.join("saved").exists();
        let written = self.change(|record| keeper::conclude(record, ending, line, whole)).await;
        if let Err(error) = written {
            tracing::error!(%error, id = self.id, "the end of a machine is not written down");
        }
        for name in ["monitor", "serial", "screen", "pid"] {
            if let Err(error) = process::remove_if_there(&self.folder.join(name)) {
                tracing::warn!(%error, id = self.id, name, "a file of an ended machine stays");
            }
        }
        self.cgroups.remove(&self.id);
        self.changes.add(&self.id);
    }
}
