//! Machines saved to disk and woken up again.
//!
//! The state goes through a descriptor that we open and pass on: QEMU opens no file and starts no process. It is written
//! to `saved.new` and becomes `saved` when it is whole; from the moment the record says `suspended` no QEMU of the
//! machine may run, and from the moment a woken guest runs, the saved state must not be used again: it would meet disks
//! that have moved on.

use crate::Shared;
use crate::machine::{Entry, Status};
use crate::operations::{end, launch, told};
use crate::process::remove_if_there;
use crate::qmp::Qmp;
use crate::record::{Phase, Record};
use metal::driver::{Driven, DriverError, Machine};
use serde_json::{Value, json};
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Reading or writing all memory of a large machine takes its time.
const MOVING: Duration = Duration::from_secs(3600);

/// The machine is saved to disk and its memory given back.
pub async fn suspend(entry: &Arc<Entry>) -> Driven<()> {
    let live = entry.reached().await;
    let phase = entry.record().await.map(|record| record.phase);
    let Some(live) = live else {
        return match phase {
            Some(Phase::Suspended) => Ok(()),
            _ => Err(DriverError::Refused(format!("{} does not run: there is nothing to save", entry.id))),
        };
    };
    if matches!(phase, Some(Phase::Suspended | Phase::Resuming)) {
        // The saved state is whole, and no guest has run since.
        return end(entry, &live).await;
    }
    let qmp = live.monitor(&entry.id)?;
    if phase == Some(Phase::Suspending) {
        give_up(entry, qmp).await?;
    }
    if entry.look(qmp).await.map_err(told)? == Status::Off {
        return Err(DriverError::NotYet(format!("{} is switching itself off", entry.id)));
    }
    discard(entry)?;
    entry.change(|record| record.phase = Phase::Suspending).await?;
    if let Err(error) = save(entry, qmp).await {
        give_up(entry, qmp).await?;
        return Err(error);
    }
    entry.change(|record| record.phase = Phase::Suspended).await?;
    end(entry, &live).await
}

async fn save(entry: &Entry, qmp: &Qmp) -> Driven<()> {
    let failed = |error: std::io::Error| entry.failed("save", &error);
    qmp.call("stop", json!({})).await.map_err(told)?;
    let new = entry.folder.join("saved.new");
    let file = File::create(&new).map_err(failed)?;
    qmp.pass("saved", file.as_fd()).await.map_err(told)?;
    let unbounded = json!({ "max-bandwidth": 1_u64 << 40 });
    qmp.call("migrate-set-parameters", unbounded).await.map_err(told)?;
    qmp.call("migrate", json!({ "uri": "fd:saved" })).await.map_err(told)?;
    timeout(MOVING, moved(qmp))
        .await
        .map_err(|_| DriverError::Failed(format!("saving {} takes more than {MOVING:?}", entry.id)))?
        .map_err(|why| if is_full(entry) { DriverError::Full(new.display().to_string()) } else { why })?;
    let saved = entry.folder.join("saved");
    let folder = entry.folder.clone();
    let kept = tokio::task::spawn_blocking(move || {
        file.sync_all()?;
        std::fs::rename(&new, &saved)?;
        File::open(&folder)?.sync_all()
    });
    kept.await.map_err(std::io::Error::other).and_then(|kept| kept).map_err(failed)
}

/// Waits for a migration, in or out.
async fn moved(qmp: &Qmp) -> Driven<()> {
    let mut pause = Duration::from_millis(5);
    loop {
        let answer = qmp.call("query-migrate", json!({})).await.map_err(told)?;
        match answer["status"].as_str() {
            Some("completed") => return Ok(()),
            Some(status @ ("failed" | "cancelled")) => {
                let why = answer["error-desc"].as_str().unwrap_or("QEMU does not say why");
                return Err(DriverError::Failed(format!("moving the guest's state has {status}: {why}")));
            }
            _ => {}
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}

fn is_full(entry: &Entry) -> bool {
    nix::sys::statvfs::statvfs(&entry.folder).is_ok_and(|room| room.blocks_available() < 256)
}

/// The machine goes on as before an attempt to save it.
pub async fn give_up(entry: &Entry, qmp: &Qmp) -> Driven<()> {
    // There may be no migration to cancel.
    let _ = qmp.call("migrate_cancel", json!({})).await;
    for _ in 0..100 {
        let answer = qmp.call("query-migrate", json!({})).await.map_err(told)?;
        if !matches!(answer["status"].as_str(), Some("setup" | "active" | "cancelling" | "device")) {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    remove_if_there(&entry.folder.join("saved.new"))
        .map_err(|error| entry.failed("forget the saved state of", &error))?;
    wake(entry, qmp).await
}

/// The guest runs (unless it was frozen on request) and the saved state is gone.
async fn wake(entry: &Entry, qmp: &Qmp) -> Driven<()> {
    entry.change(|record| record.phase = Phase::Started).await?;
    discard(entry)?;
    if !entry.record().await.is_some_and(|record| record.frozen) {
        qmp.call("cont", json!({})).await.map_err(told)?;
    }
    entry.look(qmp).await.map_err(told)?;
    Ok(())
}

/// Starts a QEMU that reads the saved state.
pub async fn resume(
    shared: &Shared,
    entry: &Arc<Entry>,
    mut record: Record,
    machine: &Machine,
) -> Driven<()> {
    let mut machine = machine.clone();
    in_recorded_order(&record, &mut machine)?;
    let saved = entry.folder.join("saved");
    let file = File::open(&saved).map_err(|error| entry.failed("open the saved state of", &error))?;
    record.phase = Phase::Resuming;
    record.because = None;
    let qmp = launch(shared, entry, record, &machine).await?;
    let read = async {
        qmp.pass("saved", file.as_fd()).await.map_err(told)?;
        qmp.call("migrate-incoming", json!({ "uri": "fd:saved" })).await.map_err(told)?;
        awaken(entry, &qmp).await
    };
    read.await.map_err(|error| {
        let said = crate::console::last_line(&entry.folder.join("qemu.log")).unwrap_or_default();
        DriverError::Failed(format!(
            "{} does not wake up from {}: {said} ({error}); a hard reboot discards the saved state",
            entry.id,
            saved.display()
        ))
    })
}

/// Waits until the saved state has been read, and lets the guest run.
pub async fn awaken(entry: &Entry, qmp: &Qmp) -> Driven<()> {
    let nothing_came = async {
        // Started before a crash of ours and never given its state: it waits for ever.
        let answer: Value = qmp.call("query-migrate", json!({})).await.map_err(told)?;
        Ok::<_, DriverError>(answer["status"].is_null())
    };
    if nothing_came.await? && entry.look(qmp).await.map_err(told)? == Status::Incoming {
        let file = File::open(entry.folder.join("saved"))
            .map_err(|error| entry.failed("open the saved state of", &error))?;
        qmp.pass("saved", file.as_fd()).await.map_err(told)?;
        qmp.call("migrate-incoming", json!({ "uri": "fd:saved" })).await.map_err(told)?;
    }
    timeout(MOVING, moved(qmp))
        .await
        .map_err(|_| DriverError::Failed(format!("waking {} takes more than {MOVING:?}", entry.id)))??;
    wake(entry, qmp).await
}

/// A guest wakes up with the interfaces that it fell asleep with, each in its place.
fn in_recorded_order(record: &Record, machine: &mut Machine) -> Driven<()> {
    let mut nics = Vec::new();
    for known in &record.shape.nics {
        let Some(nic) = machine.nics.iter().find(|nic| nic.port_id == known.port_id) else {
            return Err(DriverError::Refused(format!(
                "{} was saved with port {}, which it no longer has: attach it again, or reboot the server hard, \
                 which discards its saved state",
                record.id, known.port_id
            )));
        };
        nics.push(nic.clone());
    }
    machine.nics = nics;
    Ok(())
}

/// Forgets a saved state.
pub fn discard(entry: &Entry) -> Driven<()> {
    for name in ["saved", "saved.new"] {
        remove_if_there(&entry.folder.join(name))
            .map_err(|error| entry.failed("forget the saved state of", &error))?;
    }
    Ok(())
}
