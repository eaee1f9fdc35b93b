//! The work rows, as services and operators see them.
//!
//! A row is due when `due_at` has passed. A claim hides its row by moving `due_at` to the end of its lease; whatever
//! makes a claimed row due again raises `generation`, which the claim compares when it records. `generation` here counts
//! wishes and wake-ups of the row; that of the resource is its own.

use fault::Fault;
use kernel::{Entropy, Micros};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use store::{Db, Migration, Row, Tx, params};

/// `due_at` of a row that sleeps until it is wanted again.
pub(crate) const NEVER: i64 = i64::MAX;

/// The format of rows that this release writes, and the newest that it claims.
pub(crate) const FORMAT: i64 = 1;

/// The schema of the work rows.
pub const MIGRATIONS: &[Migration] =
    &[Migration { number: 1, name: "work", sql: include_str!("0001-work.sql") }];

/// Brings the tables of the work rows up to date.
pub fn migrate(db: &Db) -> Result<(), Fault> {
    db.migrate("reconcile", MIGRATIONS)
}

/// Says that something else is wanted of (`kind`, `id`): its row is due now, and its failures are forgotten.
pub fn want(tx: &Tx, kind: &str, id: &str) -> Result<(), Fault> {
    want_at(tx, kind, id, tx.now())
}

/// As [`want`], due at a time to come (or earlier, if it is due earlier for another reason): for what must happen by a
/// clock, such as an expiry. The reconciler looks at the clock itself.
pub fn want_at(tx: &Tx, kind: &str, id: &str, at: Micros) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO work (kind, id, format, generation, epoch, due_at, state, since)
         VALUES (?1, ?2, ?5,
             1 + COALESCE((SELECT generation FROM work_gone WHERE kind = ?1 AND id = ?2), 0),
             COALESCE((SELECT epoch FROM work_gone WHERE kind = ?1 AND id = ?2), 0), ?3, 'due', ?4)
         ON CONFLICT (kind, id) DO UPDATE SET generation = work.generation + 1, attempts = 0, state = 'due',
             reason = '', since = excluded.since,
             due_at = CASE WHEN work.lease_until > ?4 THEN work.lease_until
                 WHEN work.due_at < excluded.due_at THEN work.due_at ELSE excluded.due_at END",
        params![kind, id, at, tx.now(), FORMAT],
    )?;
    tx.changed(kind.to_owned(), id);
    Ok(())
}

/// Says that (`kind`, `id`) changed: listeners hear of it, and whoever waits for it is due, in this transaction.
pub fn touched(tx: &Tx, kind: &str, id: &str) -> Result<(), Fault> {
    tx.changed(kind.to_owned(), id);
    stamp(tx, kind, id)?;
    let waiting = "SELECT kind, id FROM work_waits WHERE on_kind = ?1 AND on_id = ?2 ORDER BY kind, id";
    for row in tx.query(waiting, params![kind, id])? {
        let (waiter_kind, waiter) = (row.text(0)?, row.text(1)?);
        tx.execute(
            "UPDATE work SET generation = generation + 1,
                 due_at = CASE WHEN lease_until > ?3 THEN lease_until WHEN due_at < ?3 THEN due_at ELSE ?3 END
             WHERE kind = ?1 AND id = ?2",
            params![&waiter_kind, &waiter, tx.now()],
        )?;
        tx.changed(waiter_kind, &waiter);
    }
    Ok(())
}

/// Notes that (`kind`, `id`) changed in this transaction, for those who begin to wait after looking at an older state.
fn stamp(tx: &Tx, kind: &str, id: &str) -> Result<(), Fault> {
    let stamp = if tx.is_postgres() {
        "CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)"
    } else {
        tx.execute("UPDATE work_clock SET ticks = ticks + 1", &[])?;
        "(SELECT ticks FROM work_clock)"
    };
    let sql = format!(
        "INSERT INTO work_touches (kind, id, stamp, at) VALUES (?1, ?2, {stamp}, ?3)
         ON CONFLICT (kind, id) DO UPDATE SET stamp = excluded.stamp, at = excluded.at"
    );
    tx.execute(&sql, params![kind, id, tx.now()]).map(drop)
}

/// Drops the row of something that never needs work again. Its epoch and generation are kept. A claim on it is lost.
pub fn forget(tx: &Tx, kind: &str, id: &str) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO work_gone (kind, id, generation, epoch, gone_at)
         SELECT kind, id, generation, epoch, ?3 FROM work WHERE kind = ?1 AND id = ?2
         ON CONFLICT (kind, id) DO UPDATE
             SET generation = excluded.generation, epoch = excluded.epoch, gone_at = excluded.gone_at",
        params![kind, id, tx.now()],
    )?;
    tx.execute("DELETE FROM work_waits WHERE kind = ?1 AND id = ?2", params![kind, id])?;
    tx.execute("DELETE FROM work WHERE kind = ?1 AND id = ?2", params![kind, id])?;
    Ok(())
}

/// One work row, for `drystone status`, metrics, and reconcilers that ask how often they failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkRow {
    /// The kind of work.
    pub kind: String,
    /// Which one.
    pub id: String,
    /// `due`, `running`, `waiting`, `progress`, `failed`, `done`.
    pub state: String,
    /// Why it waits or failed.
    pub reason: String,
    /// Since when it is in this state (a failure that repeats itself with the same reason counts from the first).
    pub since: Micros,
    /// When its next round is; `None` when it sleeps. While it runs: when its lease ends.
    pub due_at: Option<Micros>,
    /// Failures in a row.
    pub attempts: u32,
    /// Who runs it; empty when nobody does.
    pub owner: String,
    /// How often it was wanted or woken.
    pub generation: i64,
    /// How often it was claimed.
    pub epoch: i64,
    /// The deadline that was set with [`set_deadline`].
    pub deadline: Option<Micros>,
    /// What it waits for.
    pub waiting_on: Vec<(String, String)>,
    /// What was kept with [`set_data`], as JSON.
    pub data: Option<String>,
    /// How long it is in this state.
    pub age: Duration,
}

const COLUMNS: &str = "kind, id, state, reason, since, due_at, attempts, owner, generation, epoch, deadline, waiting_on, \
                       data, lease_until";

impl WorkRow {
    fn read(row: &Row, now: Micros) -> Result<Self, Fault> {
        let since = row.at(4)?;
        let running = row.at(13)? > now;
        Ok(Self {
            kind: row.text(0)?,
            id: row.text(1)?,
            state: if running { "running".to_owned() } else { row.text(2)? },
            reason: row.text(3)?,
            since,
            due_at: Some(row.at(5)?).filter(|at| at.0 != NEVER),
            attempts: row.get(6)?,
            owner: row.text(7)?,
            generation: row.int(8)?,
            epoch: row.int(9)?,
            deadline: row.opt_at(10)?,
            waiting_on: row.json(11)?,
            data: row.opt_text(12)?,
            age: now.since(since),
        })
    }

    /// What was kept with [`set_data`]; `None` when nothing was, or nothing of this sort.
    pub fn data_as<T: DeserializeOwned>(&self) -> Option<T> {
        self.data.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }
}

/// All rows, ordered by kind and id.
pub fn rows(tx: &Tx) -> Result<Vec<WorkRow>, Fault> {
    let found = tx.query(&format!("SELECT {COLUMNS} FROM work ORDER BY kind, id"), &[])?;
    found.iter().map(|row| WorkRow::read(row, tx.now())).collect()
}

/// How many rows of each kind are in each state, and since when the oldest of them is: for metrics.
pub fn summary(tx: &Tx) -> Result<Vec<Summary>, Fault> {
    let sql = "SELECT kind, state, count(*), min(since) FROM work GROUP BY kind, state ORDER BY kind, state";
    let read = |row: &Row| {
        Ok(Summary { kind: row.text(0)?, state: row.text(1)?, count: row.get(2)?, oldest: row.at(3)? })
    };
    tx.query(sql, &[])?.iter().map(read).collect()
}

/// The rows of one kind in one state. A row that is being worked on counts with the state that it had before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The kind of work.
    pub kind: String,
    /// The state, as in [`WorkRow`].
    pub state: String,
    /// How many.
    pub count: u64,
    /// Since when the oldest of them is in this state.
    pub oldest: Micros,
}

/// The row of (`kind`, `id`).
pub fn row(tx: &Tx, kind: &str, id: &str) -> Result<Option<WorkRow>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM work WHERE kind = ?1 AND id = ?2");
    tx.query_one(&sql, params![kind, id])?.map(|row| WorkRow::read(&row, tx.now())).transpose()
}

/// Keeps a deadline with the row, for the reconciler to obey and for operators to see. Does not make it due.
pub fn set_deadline(tx: &Tx, kind: &str, id: &str, deadline: Option<Micros>) -> Result<(), Fault> {
    let sql = "UPDATE work SET deadline = ?3 WHERE kind = ?1 AND id = ?2";
    tx.execute(sql, params![kind, id, deadline]).map(drop)
}

/// Keeps something with the row, such as the step of an operation.
pub fn set_data(tx: &Tx, kind: &str, id: &str, data: &impl Serialize) -> Result<(), Fault> {
    let text = serde_json::to_string(data).map_err(Fault::bug)?;
    let sql = "UPDATE work SET data = ?3 WHERE kind = ?1 AND id = ?2";
    tx.execute(sql, params![kind, id, text]).map(drop)
}

/// How long to wait after `attempts` failures in a row: from 100 ms, doubled each time, at most a minute; of that
/// between half and all, so that those who failed together do not come back together.
pub fn backoff(attempts: u32, entropy: &Entropy) -> Duration {
    let whole = (50u64 << attempts.clamp(1, 12)).min(60_000);
    Duration::from_millis(whole / 2 + entropy.below(whole / 2 + 1))
}
