//! One transaction, as closures see it: the same type for reading and writing, on both databases.
//!
//! A transaction lives in the session of a thread of the store, which begins, ends and repeats it (`sqlite.rs`,
//! `postgres.rs`). Methods take `&self`, so that functions which take a transaction compose freely.

use crate::error::StoreError;
use crate::job::Job;
use crate::params;
use crate::postgres::Pg;
use crate::row::Row;
use crate::shared::{Change, Shared};
use crate::sqlite::Lite;
use crate::value::Value;
use fault::Fault;
use kernel::{Entropy, Micros};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// So many values stand in one statement at most: few enough for both databases, and for one to be kept prepared.
const PORTION: usize = 200;

/// One transaction.
///
/// A failed [`Tx::query`] or [`Tx::execute`] dooms it: it will be rolled back, or run again, also when the closure goes
/// on and returns `Ok`. Only [`Tx::try_execute`] lets a closure go on after a key was taken.
pub struct Tx {
    session: Session,
    shared: Arc<Shared>,
    now: Cell<Micros>,
    changes: RefCell<Vec<Change>>,
    doom: RefCell<Option<StoreError>>,
}

pub(crate) enum Session {
    Sqlite(Lite),
    Postgres(Box<Pg>),
}

/// How one run of a closure ended.
pub(crate) enum Verdict {
    /// It may be committed.
    Fine,
    /// It failed for good.
    Failed(Fault),
    /// It failed, but another run may go well. The fault is for when there is none.
    Doomed(StoreError, Fault),
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tx")
    }
}

impl Tx {
    pub(crate) fn new(session: Session, shared: Arc<Shared>) -> Self {
        let now = Cell::new(shared.clock.now());
        Self { session, shared, now, changes: RefCell::default(), doom: RefCell::default() }
    }

    /// All rows that `sql` yields. Parameters are `?1`, `?2`, …; there must be as many as the statement names.
    pub fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, Fault> {
        self.run(sql, params).map(|(rows, _)| rows).map_err(|error| self.doomed(sql, error))
    }

    /// The first row that `sql` yields, if any.
    pub fn query_one(&self, sql: &str, params: &[Value]) -> Result<Option<Row>, Fault> {
        self.query(sql, params).map(|rows| rows.into_iter().next())
    }

    /// All rows that `sql` yields for many values, in portions that both databases take. `{ids}` in it stands for them:
    /// `… WHERE server_id IN ({ids})`. What it sorts by is sorted within a portion only.
    pub fn query_among(&self, sql: &str, ids: &[String]) -> Result<Vec<Row>, Fault> {
        let mut found = Vec::new();
        for portion in ids.chunks(PORTION) {
            let marks = (1..=portion.len()).map(|number| format!("?{number}")).collect::<Vec<_>>().join(", ");
            let params: Vec<Value> = portion.iter().map(Value::from).collect();
            found.append(&mut self.query(&sql.replace("{ids}", &marks), &params)?);
        }
        Ok(found)
    }

    /// As [`Tx::query_among`], for lists that belong to the ids: the first column says to which, `read` takes the others.
    /// An id with an empty list is not in the answer.
    pub fn lists_among<T>(
        &self,
        sql: &str,
        ids: &[String],
        mut read: impl FnMut(&Row) -> Result<T, Fault>,
    ) -> Result<HashMap<String, Vec<T>>, Fault> {
        let mut lists: HashMap<String, Vec<T>> = HashMap::new();
        for row in self.query_among(sql, ids)? {
            lists.entry(row.text(0)?).or_default().push(read(&row)?);
        }
        Ok(lists)
    }

    /// Runs a statement that changes rows and answers how many it changed. `RETURNING` belongs into [`Tx::query`].
    pub fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, Fault> {
        self.run(sql, params).map(|(_, count)| count).map_err(|error| self.doomed(sql, error))
    }

    /// As [`Tx::execute`], for callers that branch on the error: after `Unique`, `Foreign` and `Other` the transaction
    /// goes on as if the statement had not been. Costs two more round trips on PostgreSQL; `ON CONFLICT DO NOTHING`
    /// and a look at the count costs none. What took the key may be newer than this transaction's snapshot and not be
    /// found by a query.
    pub fn try_execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let params = without_zero(sql, params)?;
        let outcome = match &self.session {
            Session::Sqlite(lite) => lite.run(sql, &params),
            Session::Postgres(pg) => pg.attempt(sql, &params),
        };
        outcome.map(|(_, count)| count).inspect_err(|error| {
            if matches!(error, StoreError::Full(_) | StoreError::Busy(_) | StoreError::Lost(_)) {
                self.doomed(sql, error.clone());
            }
        })
    }

    /// Now: the store's clock, the same all through one transaction.
    pub fn now(&self) -> Micros {
        self.now.get()
    }

    /// Where ids and secrets come from. A closure that runs again draws again.
    pub fn entropy(&self) -> &Entropy {
        &self.shared.entropy
    }

    /// A fact about the store as a whole (`network.founded`), if it has been written down.
    pub fn fact(&self, name: &str) -> Result<Option<i64>, Fault> {
        let row = self.query_one("SELECT value FROM store_facts WHERE name = ?1", params![name])?;
        row.map(|row| row.int(0)).transpose()
    }

    /// Writes down a fact, instead of what it was.
    pub fn fact_put(&self, name: &str, value: i64) -> Result<(), Fault> {
        let sql = "INSERT INTO store_facts (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";
        self.execute(sql, params![name, value]).map(drop)
    }

    /// The timeline, part of every fence: it rises when the store is restored from a backup or made anew, so that what
    /// was written into the world by a future that is no more can be told apart. Microseconds since 1970, never lower
    /// than before.
    pub fn timeline(&self) -> i64 {
        self.shared.timeline.load(Ordering::SeqCst)
    }

    /// Says that this transaction changes (`kind`, `id`). After the commit the listeners hear of it, once.
    pub fn changed(&self, kind: impl Into<Cow<'static, str>>, id: &str) {
        let change = Change { kind: kind.into(), id: id.to_owned() };
        let mut changes = self.changes.borrow_mut();
        if !changes.contains(&change) {
            changes.push(change);
        }
    }

    /// Whether this is PostgreSQL: for the rare statement that has no common form.
    pub fn is_postgres(&self) -> bool {
        matches!(self.session, Session::Postgres(_))
    }

    /// Many statements at once, with the types of migrations.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), Fault> {
        let outcome = match &self.session {
            Session::Sqlite(lite) => lite.batch(sql),
            Session::Postgres(pg) => pg.batch(&crate::dialect::schema(sql)),
        };
        outcome.map_err(|error| self.doomed(sql, error))
    }

    pub(crate) fn sqlite(&self) -> Option<&Lite> {
        if let Session::Sqlite(lite) = &self.session { Some(lite) } else { None }
    }

    pub(crate) fn postgres(&self) -> Option<&Pg> {
        if let Session::Postgres(pg) = &self.session { Some(pg) } else { None }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Runs a closure once. Changes that it announced are forgotten unless it went well.
    pub(crate) fn once(&self, job: &mut dyn Job) -> Verdict {
        self.now.set(self.shared.clock.now());
        self.doom.borrow_mut().take();
        let announced = self.changes.borrow().len();
        let outcome = job.run(self);
        let verdict = match (self.doom.borrow_mut().take(), outcome) {
            (Some(error @ (StoreError::Busy(_) | StoreError::Lost(_))), _) => {
                Verdict::Doomed(error.clone(), error.fault())
            }
            // What the closure made of it is what its caller should read.
            (Some(error @ StoreError::Unique { .. }), outcome) => {
                let fault = outcome.err().unwrap_or_else(|| error.clone().fault());
                Verdict::Doomed(error, fault)
            }
            (_, Err(fault)) => Verdict::Failed(fault),
            (Some(error), Ok(())) => Verdict::Failed(error.fault()),
            (None, Ok(())) => return Verdict::Fine,
        };
        self.changes.borrow_mut().truncate(announced);
        verdict
    }

    /// The changes announced since the last call.
    pub(crate) fn take_changes(&self) -> Vec<Change> {
        self.changes.borrow_mut().split_off(0)
    }

    fn run(&self, sql: &str, params: &[Value]) -> Result<(Vec<Row>, u64), StoreError> {
        let params = without_zero(sql, params)?;
        match &self.session {
            Session::Sqlite(lite) => lite.run(sql, &params),
            Session::Postgres(pg) => pg.run(sql, &params),
        }
    }

    /// Remembers the first error: what fails after it fails because of it.
    fn doomed(&self, sql: &str, error: StoreError) -> Fault {
        if let StoreError::Other(cause) = &error {
            tracing::error!(sql, cause, "a statement failed");
        }
        self.doom.borrow_mut().get_or_insert_with(|| error.clone());
        error.fault()
    }
}

/// PostgreSQL keeps no text with a zero byte, and cannot be asked for one. SQLite is held to the same: such a text is not
/// written, and where it is looked for, to be read or removed, it is NULL, which nothing equals.
fn without_zero<'a>(sql: &str, params: &'a [Value]) -> Result<Cow<'a, [Value]>, StoreError> {
    let zero = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    if !params.iter().any(zero) {
        return Ok(Cow::Borrowed(params));
    }
    if !["SELECT", "WITH RECURSIVE", "DELETE"].iter().any(|verb| sql.starts_with(verb)) {
        return Err(StoreError::Zero);
    }
    Ok(params.iter().map(|value| if zero(value) { Value::Null } else { value.clone() }).collect())
}
