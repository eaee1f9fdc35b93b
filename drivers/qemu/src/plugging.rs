//! Interfaces that come and go while a machine runs.
//!
//! QEMU is asked what it has rather than the record believed: a crash may lie between the two. Taking a device away
//! needs the guest, which may be busy, or may have no system yet; it is asked again until time is up.

use crate::devices;
use crate::hardware;
use crate::machine::{Entry, Live};
use crate::operations::told;
use crate::qmp::{Qmp, QmpError};
use crate::record::{NicShape, Phase, Record};
use crate::tap;
use metal::driver::{Driven, DriverError, Nic};
use serde_json::json;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// How long a guest may take to let go of an interface, and how often it is asked.
const LETTING_GO: Duration = Duration::from_secs(20);
const ASKING: Duration = Duration::from_secs(5);

/// The running machine has this interface.
pub async fn plug(entry: &Arc<Entry>, nic: &Nic) -> Driven<()> {
    let Some((record, live)) = running(entry).await? else { return Ok(()) };
    let qmp = live.monitor(&entry.id)?;
    let (device, netdev) = devices::nic_names(&nic.port_id);
    if has(qmp, &device).await? {
        return Ok(());
    }
    let shape = slot_for(&record, nic)?;
    entry
        .change(|record| {
            if !record.shape.nics.contains(&shape) {
                record.shape.nics.push(shape.clone());
            }
        })
        .await?;
    let plugged = insert(qmp, &record, nic, &shape, &netdev).await;
    if plugged.is_err() {
        entry.change(|record| record.shape.nics.retain(|known| known.port_id != nic.port_id)).await?;
    }
    plugged
}

/// The record and the QEMU of a running machine. A machine that is off gets its interfaces when it is started.
async fn running(entry: &Entry) -> Driven<Option<(Record, Live)>> {
    let live = entry.reached().await;
    match (entry.record().await, live) {
        (Some(record), None) if record.phase == Phase::Suspended => Err(DriverError::NotYet(format!(
            "{} is saved to disk: its interfaces can change when it runs again",
            entry.id
        ))),
        (Some(record), Some(live)) => Ok(Some((record, live))),
        _ => Ok(None),
    }
}

fn slot_for(record: &Record, nic: &Nic) -> Driven<NicShape> {
    if let Some(known) = record.shape.nics.iter().find(|known| known.port_id == nic.port_id) {
        return Ok(known.clone());
    }
    let slot = record.shape.free_slot().ok_or_else(|| {
        let full = format!("{} has no free slot for another interface: a cold start makes room", record.id);
        DriverError::Refused(full)
    })?;
    // All interfaces of a machine are of one kind.
    let model = record.shape.nics.first().map_or("virtio-net-pci", |first| first.model.as_str());
    Ok(hardware::nic_shape(nic, model, slot))
}

async fn insert(qmp: &Qmp, record: &Record, nic: &Nic, shape: &NicShape, netdev: &str) -> Driven<()> {
    let tap = tap::open(&nic.tap).await?;
    // What an interrupted attempt may have left would still hold the tap.
    let _ = qmp.call("netdev_del", json!({ "id": netdev })).await;
    qmp.pass(netdev, tap.as_fd()).await.map_err(told)?;
    qmp.call("netdev_add", json!({ "type": "tap", "id": netdev, "fd": netdev })).await.map_err(told)?;
    let added = qmp.call("device_add", devices::nic(&record.shape, shape)).await;
    if added.is_err() {
        let _ = qmp.call("netdev_del", json!({ "id": netdev })).await;
    }
    added.map(|_| ()).map_err(told)
}

/// The running machine has no interface for this port.
pub async fn unplug(entry: &Arc<Entry>, port_id: &str) -> Driven<()> {
    let Some((_, live)) = running(entry).await? else {
        return entry.change(|record| record.shape.nics.retain(|known| known.port_id != port_id)).await;
    };
    let qmp = live.monitor(&entry.id)?;
    let (device, netdev) = devices::nic_names(port_id);
    release(entry, qmp, &device).await?;
    match qmp.call("netdev_del", json!({ "id": netdev })).await {
        Err(error) if !error.is_missing() => return Err(told(error)),
        _ => {}
    }
    entry.change(|record| record.shape.nics.retain(|known| known.port_id != port_id)).await
}

/// Asks the guest to let go of a device until it has.
async fn release(entry: &Entry, qmp: &Qmp, device: &str) -> Driven<()> {
    let mut events = qmp.events();
    let deadline = Instant::now() + LETTING_GO;
    while has(qmp, device).await? {
        if Instant::now() >= deadline {
            let why =
                format!("the guest of {} does not let go of {device}: it may still be booting", entry.id);
            return Err(DriverError::NotYet(why));
        }
        // Other errors say that it was asked already, or is gone already: the next look tells.
        if let Err(error @ (QmpError::Closed | QmpError::Socket(_))) =
            qmp.call("device_del", json!({ "id": device })).await
        {
            return Err(told(error));
        }
        let asked = Instant::now();
        while asked.elapsed() < ASKING {
            match timeout(ASKING, events.recv()).await {
                Ok(Ok(event)) if event.0 == "DEVICE_DELETED" => break,
                Ok(Ok(_)) => {}
                Ok(Err(_)) => sleep(Duration::from_millis(100)).await,
                Err(_) => break,
            }
        }
    }
    Ok(())
}

/// QEMU has the device.
async fn has(qmp: &Qmp, device: &str) -> Driven<bool> {
    let devices = qmp.call("qom-list", json!({ "path": "/machine/peripheral" })).await.map_err(told)?;
    Ok(devices.as_array().is_some_and(|devices| devices.iter().any(|known| known["name"] == device)))
}
