//! Migrations: numbered, immutable, forward only, one list per service.
//!
//! A store may be newer than the program: another controller was upgraded first, or an upgrade is taken back. A step
//! whose first line is `-- tolerated from 3` only adds what releases that know three steps pass over: they go on with
//! it. Every other step is refused by a program that does not know it, before it changes anything (ADR 0009).

use crate::tx::Tx;
use fault::{Fault, Kind};
use sha2::{Digest, Sha256};

/// One step of a service's schema. Once released it never changes: its checksum is kept in the store.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its place in the order, from 1, without gaps.
    pub number: u32,
    /// What it does, in a word or two.
    pub name: &'static str,
    /// Statements in the portable subset. BLOB and INTEGER become BYTEA and BIGINT on PostgreSQL, and TEXT sorts by bytes.
    pub sql: &'static str,
}

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_history (
    service TEXT NOT NULL, number BIGINT NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL, PRIMARY KEY (service, number));
CREATE TABLE IF NOT EXISTS schema_tolerance (
    service TEXT NOT NULL, number BIGINT NOT NULL, known BIGINT NOT NULL, PRIMARY KEY (service, number))";

/// How a step says from which step on releases go on with it.
const TOLERATED: &str = "-- tolerated from ";

/// Makes the tables of what was applied; in a transaction of its own, so that the next one can lock it first.
pub(crate) fn prepare(tx: &Tx) -> Result<(), Fault> {
    tx.batch(HISTORY)
}

/// Brings the tables of `service` up to its newest migration, in the transaction of the caller.
pub(crate) fn migrate(tx: &Tx, service: &str, migrations: &[Migration]) -> Result<(), Fault> {
    if tx.is_postgres() {
        // Of several controllers that start at once one migrates. Must come before the snapshot is taken.
        tx.batch("LOCK TABLE schema_history IN EXCLUSIVE MODE")?;
    }
    let applied = applied(tx, service, migrations)?;
    migrations.iter().skip(applied).try_for_each(|migration| apply(tx, service, migration))
}

/// How many of these migrations the store has, which may have more. Changes nothing.
pub(crate) fn applied(tx: &Tx, service: &str, migrations: &[Migration]) -> Result<usize, Fault> {
    let kept = tx.query(
        "SELECT number, checksum FROM schema_history WHERE service = ?1 ORDER BY number",
        crate::params![service],
    )?;
    for (at, migration) in migrations.iter().enumerate() {
        if migration.number as usize != at + 1 {
            return Err(Fault::bug(format!(
                "the migrations of {service} are not numbered 1, 2, 3 and so on"
            )));
        }
        if kept
            .get(at)
            .map(|row| row.text(1))
            .transpose()?
            .is_some_and(|kept| kept != checksum(migration.sql))
        {
            return Err(changed(service, migration));
        }
    }
    let intolerable = tx.query_one(
        "SELECT count(*) FROM schema_history h WHERE service = ?1 AND number > ?2 AND NOT EXISTS (
             SELECT 1 FROM schema_tolerance t WHERE t.service = h.service AND t.number = h.number AND t.known <= ?2)",
        crate::params![service, migrations.len()],
    )?;
    match intolerable.map_or(Ok(0), |row| row.int(0))? {
        0 => Ok(kept.len().min(migrations.len())),
        _ => Err(newer(service, kept.len(), migrations.len())),
    }
}

fn apply(tx: &Tx, service: &str, migration: &Migration) -> Result<(), Fault> {
    tx.batch(migration.sql)?;
    if let Some(known) = tolerated(service, migration)? {
        tx.execute(
            "INSERT INTO schema_tolerance (service, number, known) VALUES (?1, ?2, ?3)",
            crate::params![service, migration.number, known],
        )?;
    }
    tx.execute(
        "INSERT INTO schema_history (service, number, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        crate::params![service, migration.number, migration.name, checksum(migration.sql), tx.now()],
    )?;
    tracing::debug!(service, number = migration.number, name = migration.name, "migrated");
    Ok(())
}

/// How many steps a release must know to go on with this one; `None`: it must know this one.
fn tolerated(service: &str, migration: &Migration) -> Result<Option<u32>, Fault> {
    let first = migration.sql.trim_start().lines().next().unwrap_or_default();
    let Some(known) = first.strip_prefix(TOLERATED) else { return Ok(None) };
    match known.trim().parse() {
        Ok(known) if known < migration.number => Ok(Some(known)),
        _ => Err(Fault::bug(format!(
            "migration {} of {service}: {first:?} names no earlier step",
            migration.number
        ))),
    }
}

fn newer(service: &str, kept: usize, known: usize) -> Fault {
    Fault::new(
        Kind::Conflict,
        format!(
            "The store was written by a newer release: its tables of {service} are at {kept}, this release knows {known}. \
             Start the newer release, or restore the backup from before the upgrade."
        ),
    )
}

fn changed(service: &str, migration: &Migration) -> Fault {
    Fault::bug(format!(
        "migration {} ({}) of {service} is not the one that was applied; migrations never change",
        migration.number, migration.name
    ))
}

fn checksum(sql: &str) -> String {
    base16ct::lower::encode_string(&Sha256::digest(sql.as_bytes())[..16])
}
