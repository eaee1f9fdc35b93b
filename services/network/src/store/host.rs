//! Hosts that have joined, and what they last said of each object.

use crate::model::agent::HostRow;
use crate::record::Record;
use fault::Fault;
use metal::{HostFacts, Kind, Observed, Report};
use serde::Serialize;
use store::{Row, Tx, params};

/// Every host.
pub fn all(tx: &Tx) -> Result<Vec<HostRow>, Fault> {
    HostRow::select(tx, "ORDER BY name", &[])
}

/// A host is here.
pub fn joined(tx: &Tx, facts: &HostFacts) -> Result<(), Fault> {
    let physical_networks = facts.physical_networks.join(",");
    let old = HostRow::find(tx, &facts.id)?;
    let started_at = match &old {
        Some(old) if old.epoch == facts.epoch => old.started_at,
        _ => tx.now(),
    };
    let row = HostRow {
        id: facts.id.clone(),
        name: facts.name.clone(),
        metal: facts.metal.clone(),
        version: facts.version.clone(),
        physical_networks,
        description: old.as_ref().map(|old| old.description.clone()).unwrap_or_default(),
        first_seen: old.as_ref().map_or(tx.now(), |old| old.first_seen),
        started_at,
        seen_at: tx.now(),
        epoch: facts.epoch,
    };
    if old.is_some() { row.save(tx) } else { row.insert(tx) }
}

/// The host that has the switch's central database, and is told of everything but servers: the first that has joined
/// of those that touch a physical network, or of all. It stays the one while it is away, since what it holds is
/// nowhere else.
pub fn with_switch(tx: &Tx) -> Result<Option<String>, Fault> {
    for which in ["WHERE physical_networks <> ''", ""] {
        let sql = format!("SELECT id FROM network_hosts {which} ORDER BY first_seen, name LIMIT 1");
        if let Some(row) = tx.query_one(&sql, &[])? {
            return row.text(0).map(Some);
        }
    }
    Ok(None)
}

/// A host has left now.
pub fn left(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("UPDATE network_hosts SET seen_at = ?2 WHERE id = ?1", params![id, tx.now()]).map(drop)
}

/// Keeps a report, if it is newer than the last one of the object. Says whether it is.
pub fn observed(tx: &Tx, host: &str, report: &Report) -> Result<bool, Fault> {
    let (state, reason) = match &report.observed {
        Observed::Applied { .. } => ("applied", ""),
        Observed::Waiting { reason } => ("waiting", reason.as_str()),
        Observed::Failed { reason } => ("failed", reason.as_str()),
        Observed::Server(_) => ("server", ""),
        Observed::Gone => ("gone", ""),
    };
    let changed = tx.execute(
        "INSERT INTO network_observed (kind, id, host, epoch, sequence, revision, state, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (kind, id) DO UPDATE SET host = excluded.host, epoch = excluded.epoch,
             sequence = excluded.sequence, revision = excluded.revision, state = excluded.state, reason = excluded.reason
         WHERE network_observed.host <> excluded.host OR network_observed.epoch < excluded.epoch
             OR (network_observed.epoch = excluded.epoch AND network_observed.sequence < excluded.sequence)",
        params![report.kind.word(), &report.id, host, report.epoch, report.sequence, report.revision, state, reason],
    )?;
    Ok(changed > 0)
}

/// What a host could not do yet, or waits for.
#[derive(Clone, Debug, Serialize)]
pub struct Trouble {
    /// The kind of the object.
    pub kind: String,
    /// Which one.
    pub id: String,
    /// The host.
    pub host: String,
    /// `waiting` or `failed`.
    pub state: String,
    /// Why.
    pub reason: String,
}

/// Everything that hosts could not realise, by kind and id.
pub fn troubles(tx: &Tx) -> Result<Vec<Trouble>, Fault> {
    let sql = "SELECT o.kind, o.id, COALESCE(h.name, o.host), o.state, o.reason FROM network_observed o
               LEFT JOIN network_hosts h ON h.id = o.host WHERE o.state IN ('waiting', 'failed') ORDER BY o.kind, o.id";
    let read = |row: &Row| {
        Ok(Trouble {
            kind: row.text(0)?,
            id: row.text(1)?,
            host: row.text(2)?,
            state: row.text(3)?,
            reason: row.text(4)?,
        })
    };
    tx.query(sql, &[])?.iter().map(read).collect()
}

/// Nothing is left to be reported of the object.
pub fn unobserved(tx: &Tx, kind: Kind, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM network_observed WHERE kind = ?1 AND id = ?2", params![kind.word(), id]).map(drop)
}
