//! Migrations: numbered, immutable, forward only, one list per service.

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
    applied_at BIGINT NOT NULL, PRIMARY KEY (service, number))";

/// Makes the table of what was applied; in a transaction of its own, so that the next one can lock it first.
pub(crate) fn prepare(tx: &Tx) -> Result<(), Fault> {
    tx.batch(HISTORY)
}

/// Brings the tables of `service` up to its newest migration, in the transaction of the caller.
pub(crate) fn migrate(tx: &Tx, service: &str, migrations: &[Migration]) -> Result<(), Fault> {
    if tx.is_postgres() {
        // Of several controllers that start at once one migrates. Must come before the snapshot is taken.
        tx.batch("LOCK TABLE schema_history IN EXCLUSIVE MODE")?;
    }
    let kept = tx.query(
        "SELECT number, checksum FROM schema_history WHERE service = ?1 ORDER BY number",
        crate::params![service],
    )?;
    if kept.len() > migrations.len() {
        return Err(newer(service, kept.len(), migrations.len()));
    }
    for (at, migration) in migrations.iter().enumerate() {
        if migration.number as usize != at + 1 {
            return Err(Fault::bug(format!(
                "the migrations of {service} are not numbered 1, 2, 3 and so on"
            )));
        }
        match kept.get(at) {
            Some(row) if row.text(1)? == checksum(migration.sql) => {}
            Some(_) => return Err(changed(service, migration)),
            None => apply(tx, service, migration)?,
        }
    }
    Ok(())
}

fn apply(tx: &Tx, service: &str, migration: &Migration) -> Result<(), Fault> {
    tx.batch(migration.sql)?;
    tx.execute(
        "INSERT INTO schema_history (service, number, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        crate::params![service, migration.number, migration.name, checksum(migration.sql), tx.now()],
    )?;
    tracing::debug!(service, number = migration.number, name = migration.name, "migrated");
    Ok(())
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
    Sha256::digest(sql.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
