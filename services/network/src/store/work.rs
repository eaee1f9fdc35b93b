//! What rises when a thing changes: its revision for the hosts, its revision number for clients, its work row.
//!
//! `revision` says what the switch must hold; it rises in the transaction that changes that, also when a *related* row
//! makes the change. A removed thing leaves a tombstone with a higher revision, until its host reports that it is gone.

use super::host;
use crate::model::port::owner;
use crate::record::Record;
use fault::Fault;
use metal::Kind;
use store::{Tx, params};

const fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::Network => "networks",
        Kind::SecurityGroup => "security_groups",
        Kind::Port => "ports",
        Kind::Router => "routers",
        Kind::Server => "servers",
    }
}

/// The switch must hold something else of it: its revision rises and its work row is due.
pub fn changed(tx: &Tx, kind: Kind, id: &str) -> Result<(), Fault> {
    tx.execute(&format!("UPDATE {} SET revision = revision + 1 WHERE id = ?1", table(kind)), params![id])?;
    reconcile::want(tx, kind.word(), id)
}

/// It has at least this revision, or its tombstone has.
pub fn raised(tx: &Tx, kind: Kind, id: &str, least: i64) -> Result<(), Fault> {
    let sql = format!("UPDATE {} SET revision = ?2 WHERE id = ?1 AND revision < ?2", table(kind));
    tx.execute(&sql, params![id, least])?;
    let sql = "UPDATE network_tombstones SET revision = ?3 WHERE kind = ?1 AND id = ?2 AND revision < ?3";
    tx.execute(sql, params![kind.word(), id, least]).map(drop)
}

/// Clients see that it changed.
pub fn renumbered(tx: &Tx, table: &str, id: &str) -> Result<(), Fault> {
    let sql =
        format!("UPDATE {table} SET revision_number = revision_number + 1, updated_at = ?2 WHERE id = ?1");
    tx.execute(&sql, params![id, tx.now()]).map(drop)
}

/// The row is no more: a tombstone takes its place until the host has carried it out.
pub fn buried<R: Record>(tx: &Tx, kind: Kind, id: &str, revision: i64) -> Result<(), Fault> {
    R::remove(tx, id)?;
    bury(tx, kind, id, revision + 1)
}

/// Leaves a tombstone of this revision.
pub fn bury(tx: &Tx, kind: Kind, id: &str, revision: i64) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO network_tombstones (kind, id, revision) VALUES (?1, ?2, ?3)
         ON CONFLICT (kind, id) DO UPDATE SET revision = CASE
             WHEN excluded.revision > network_tombstones.revision THEN excluded.revision
             ELSE network_tombstones.revision END",
        params![kind.word(), id, revision],
    )?;
    reconcile::want(tx, kind.word(), id)
}

/// The revision of a tombstone.
pub fn tombstone(tx: &Tx, kind: Kind, id: &str) -> Result<Option<i64>, Fault> {
    let sql = "SELECT revision FROM network_tombstones WHERE kind = ?1 AND id = ?2";
    tx.query_one(sql, params![kind.word(), id])?.map(|row| row.int(0)).transpose()
}

/// The tombstone is carried out, if it is not newer than `revision`.
pub fn carried_out(tx: &Tx, kind: Kind, id: &str, revision: i64) -> Result<bool, Fault> {
    let sql = "DELETE FROM network_tombstones WHERE kind = ?1 AND id = ?2 AND revision <= ?3";
    let gone = tx.execute(sql, params![kind.word(), id, revision])? > 0;
    if gone {
        host::unobserved(tx, kind, id)?;
        reconcile::touched(tx, kind.word(), id)?;
        reconcile::want(tx, kind.word(), id)?;
    }
    Ok(gone)
}

/// Id and revision of everything of a kind, and whether a host must hold it: ports of routers and networks are rows as
/// well, but told with those.
pub fn held(tx: &Tx, kind: Kind) -> Result<Vec<(String, i64, bool)>, Fault> {
    let own = if kind == Kind::Port { "device_owner" } else { "''" };
    let sql = format!("SELECT id, revision, {own} FROM {}", table(kind));
    let rows = tx.query(&sql, &[])?;
    rows.iter().map(|row| Ok((row.text(0)?, row.int(1)?, owner::is_switched(&row.text(2)?)))).collect()
}
