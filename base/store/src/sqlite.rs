//! SQLite: one thread writes, with many closures to a commit; several threads read, each from its own snapshot.
//!
//! Group commit: the writer takes what waits, runs each closure in a savepoint, commits once and answers after that. An
//! answer therefore always speaks of what is durable. When a group cannot be committed, each of its closures runs again
//! alone, so that one cannot spoil the others.

use crate::error::StoreError;
use crate::job::Job;
use crate::queue::Jobs;
use crate::row::Row;
use crate::tx::{Tx, Verdict};
use crate::value::{Value, ValueRef};
use fault::{Fault, Kind, Means};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef as LiteRef};
use rusqlite::{Connection, ErrorCode, ToSql};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A group is closed at this many closures, or after [`GROUP_SPAN`]: the first one waits for the last.
const GROUP: usize = 256;
const GROUP_SPAN: Duration = Duration::from_millis(20);

/// How durable a commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// On the disk before it is answered.
    Full,
    /// For tests and clouds that die with their process.
    None,
}

/// One connection.
pub(crate) struct Lite {
    connection: Connection,
}

impl Lite {
    /// Opens the store at `path`; `writes` for the one connection that may change it.
    pub fn open(path: &Path, durability: Durability, writes: bool) -> Result<Self, Fault> {
        Self::connect(path, durability, writes)
            .map_err(leaf)
            .means(Kind::Unavailable, format!("Cannot open the store {}.", path.display()))
    }

    fn connect(path: &Path, durability: Durability, writes: bool) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(
            None,
            "synchronous",
            if durability == Durability::Full { "FULL" } else { "OFF" },
        )?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // LIKE tells cases apart on PostgreSQL; so it does here.
        connection.pragma_update(None, "case_sensitive_like", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        connection.pragma_update(None, "query_only", !writes)?;
        if writes {
            // In KiB: with the usual 2 MB a cloud of some size reads its indexes again for each group.
            connection.pragma_update(None, "cache_size", -16384)?;
        }
        connection.set_prepared_statement_cache_capacity(512);
        // No plan of ours is better for knowing the values: with them SQLite would plan many statements anew at each call.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(Self { connection })
    }

    /// The connection itself, for what is not done by statements.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// See [`Lite::connection`].
    pub fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Runs one statement: its rows, and how many it changed.
    pub fn run(&self, sql: &str, params: &[Value]) -> Result<(Vec<Row>, u64), StoreError> {
        self.statement(sql, params).map_err(leaf)?
    }

    fn statement(
        &self,
        sql: &str,
        params: &[Value],
    ) -> rusqlite::Result<Result<(Vec<Row>, u64), StoreError>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let wanted = statement.parameter_count();
        if wanted != params.len() {
            let said = format!("the statement has {wanted} parameters and got {}: {sql}", params.len());
            return Ok(Err(StoreError::Other(said)));
        }
        for (at, value) in params.iter().enumerate() {
            statement.raw_bind_parameter(at + 1, Bound(value))?;
        }
        if statement.column_count() == 0 {
            return statement.raw_execute().map(|count| Ok((Vec::new(), count as u64)));
        }
        let mut found = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            // Asked of the row: a migration may have changed what `*` means since the statement was prepared.
            let columns = row.as_ref().column_count();
            let mut read = Row::with_room(columns, found.last());
            for at in 0..columns {
                read_into(&mut read, row.get_ref(at)?);
            }
            found.push(read);
        }
        let count = found.len() as u64;
        Ok(Ok((found, count)))
    }

    /// Many statements without parameters.
    pub fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(leaf)
    }

    fn command(&self, sql: &str) -> Result<(), StoreError> {
        self.run(sql, &[]).map(drop)
    }

    /// Ends whatever is open. A transaction that SQLite ended by itself (a full disk) is no error here.
    fn abandon(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.command("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }
}

/// The life of a reader: each closure sees the newest commit, and nothing newer while it runs.
pub(crate) fn read_loop(tx: &Tx, jobs: &Jobs<Box<dyn Job>>) {
    while let Some(job) = jobs.wait() {
        read_one(tx, job);
    }
}

/// Runs a closure that reads.
pub(crate) fn read_one(tx: &Tx, mut job: Box<dyn Job>) {
    let Some(lite) = tx.sqlite() else { return };
    let outcome = match lite.command("BEGIN") {
        Ok(()) => settled(tx.once(job.as_mut())),
        Err(error) => Err(error.fault()),
    };
    lite.abandon();
    tx.take_changes();
    job.answer(outcome);
}

/// The life of the writer.
pub(crate) fn write_loop(tx: &Tx, jobs: &Jobs<Box<dyn Job>>) {
    let Some(lite) = tx.sqlite() else { return };
    while let Some(first) = jobs.wait() {
        for job in group(tx, lite, first, Some(jobs)) {
            group(tx, lite, job, None);
        }
    }
}

/// Runs a closure that writes, in a commit of its own.
pub(crate) fn write_one(tx: &Tx, job: Box<dyn Job>) {
    let Some(lite) = tx.sqlite() else { return };
    for job in group(tx, lite, job, None) {
        group(tx, lite, job, None);
    }
}

type Run = (Box<dyn Job>, Result<(), Fault>);

/// Runs `first` and what waits behind it in one transaction. Returns the closures that must run again, alone.
fn group(tx: &Tx, lite: &Lite, first: Box<dyn Job>, more: Option<&Jobs<Box<dyn Job>>>) -> Vec<Box<dyn Job>> {
    let begun = Instant::now();
    if let Err(error) = lite.command("BEGIN IMMEDIATE") {
        lite.abandon();
        first.answer(Err(error.fault()));
        return Vec::new();
    }
    let mut runs: Vec<Run> = Vec::new();
    let mut next = Some(first);
    while let Some(mut job) = next.take() {
        let outcome = match nested(tx, lite, job.as_mut()) {
            Ok(outcome) if !lite.connection.is_autocommit() => outcome,
            // The savepoint cannot be trusted, or SQLite gave up the whole transaction: the others run again.
            spoiled => {
                lite.abandon();
                tx.take_changes();
                let lost =
                    || Fault::unavailable("The store could not run this transaction. Nothing was changed.");
                job.answer(Err(spoiled
                    .map_err(StoreError::fault)
                    .and_then(|outcome| outcome)
                    .err()
                    .unwrap_or_else(lost)));
                return runs.into_iter().map(|(job, _)| job).collect();
            }
        };
        runs.push((job, outcome));
        if runs.len() < GROUP && begun.elapsed() < GROUP_SPAN {
            next = more.and_then(Jobs::next);
        }
    }
    commit(tx, lite, runs)
}

/// Runs a closure in a savepoint. The outer error is one of the savepoint.
fn nested(tx: &Tx, lite: &Lite, job: &mut dyn Job) -> Result<Result<(), Fault>, StoreError> {
    lite.command("SAVEPOINT job")?;
    let outcome = settled(tx.once(job));
    if lite.connection.is_autocommit() {
        return Ok(outcome);
    }
    if outcome.is_err() {
        lite.command("ROLLBACK TO job")?;
    }
    lite.command("RELEASE job")?;
    Ok(outcome)
}

fn commit(tx: &Tx, lite: &Lite, mut runs: Vec<Run>) -> Vec<Box<dyn Job>> {
    let changes = tx.take_changes();
    if let Err(error) = lite.command("COMMIT") {
        tracing::error!(%error, closures = runs.len(), "a commit failed");
        lite.abandon();
        if runs.len() > 1 {
            return runs.into_iter().map(|(job, _)| job).collect();
        }
        for (_, outcome) in &mut runs {
            if outcome.is_ok() {
                *outcome = Err(error.clone().fault());
            }
        }
    } else {
        tx.shared().version.fetch_add(1, Ordering::SeqCst);
        tx.shared().announce(changes);
    }
    for (job, outcome) in runs {
        job.answer(outcome);
    }
    Vec::new()
}

fn settled(verdict: Verdict) -> Result<(), Fault> {
    match verdict {
        Verdict::Fine => Ok(()),
        // One process, one writer: nobody else can have been first.
        Verdict::Failed(fault) | Verdict::Doomed(_, fault) => Err(fault),
    }
}

struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => LiteRef::Null,
            Value::Int(number) => LiteRef::Integer(*number),
            Value::Real(number) => LiteRef::Real(*number),
            Value::Text(text) => LiteRef::Text(text.as_bytes()),
            Value::Blob(bytes) => LiteRef::Blob(bytes),
        }))
    }
}

fn read_into(row: &mut Row, found: LiteRef<'_>) {
    match found {
        LiteRef::Null => row.push(ValueRef::Null),
        LiteRef::Integer(number) => row.push(ValueRef::Int(number)),
        LiteRef::Real(number) => row.push(ValueRef::Real(number)),
        // Checked whole first, which is much faster, since all that we write is right.
        LiteRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => row.push(ValueRef::Text(text)),
            Err(_) => row.push(ValueRef::Text(&String::from_utf8_lossy(bytes))),
        },
        LiteRef::Blob(bytes) => row.push(ValueRef::Blob(bytes)),
    }
}

/// Reduces an error of SQLite to what a caller can act on.
fn leaf(error: rusqlite::Error) -> StoreError {
    let said = error.to_string();
    let Some(code) = error.sqlite_error() else { return StoreError::Other(said) };
    match (code.code, code.extended_code) {
        (_, rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            taken(&said)
        }
        (_, rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => StoreError::Foreign(said),
        (ErrorCode::DiskFull, _) => StoreError::Full(said),
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => StoreError::Busy(said),
        _ => StoreError::Other(said),
    }
}

/// Reads `UNIQUE constraint failed: servers.project_id, servers.name`.
fn taken(said: &str) -> StoreError {
    let list = said.split_once("failed: ").map_or("", |(_, list)| list);
    let pairs: Vec<(&str, &str)> = list.split(", ").filter_map(|pair| pair.split_once('.')).collect();
    StoreError::Unique {
        table: pairs.first().map_or_else(String::new, |(table, _)| (*table).to_owned()),
        columns: pairs.iter().map(|(_, column)| (*column).to_owned()).collect(),
    }
}
