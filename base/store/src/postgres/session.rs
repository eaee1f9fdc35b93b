//! One connection to PostgreSQL, with the statements that it has prepared.

use super::server::Server;
use super::types::{Bound, kinds, row};
use crate::dialect::placeholders;
use crate::error::StoreError;
use crate::row::Row;
use crate::value::Value;
use ::postgres::error::SqlState;
use ::postgres::types::{ToSql, Type};
use ::postgres::{Client, Error, Statement};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::error::Error as _;

/// Statements kept prepared on a connection; beyond it the connection forgets them all and starts over.
const PREPARED: usize = 1024;

/// A controller that stands still in the middle of a transaction must not hold up the others for ever.
const SETTINGS: &str = "SET search_path = drystone; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'; SET jit = off";

/// A session: connected when first used, and again after the connection broke.
pub(crate) struct Pg {
    server: Server,
    link: RefCell<Option<Link>>,
    /// Statements in which a NULL has to be called text, since nothing else tells its type.
    null_is_text: RefCell<HashSet<String>>,
}

struct Link {
    client: Client,
    prepared: HashMap<String, Vec<(Vec<Type>, Statement)>>,
    count: usize,
}

impl Pg {
    pub fn new(server: Server) -> Self {
        Self { server, link: RefCell::new(None), null_is_text: RefCell::default() }
    }

    pub fn connect(&self) -> Result<(), StoreError> {
        let mut link = self.link.borrow_mut();
        if link.as_ref().is_none_or(|link| link.client.is_closed()) {
            // Dropped first: a server may count the old one against its limit.
            link.take();
            let mut client = self.server.connect().map_err(|error| StoreError::Lost(said(&error)))?;
            client.batch_execute(SETTINGS).map_err(|error| leaf(&error))?;
            *link = Some(Link { client, prepared: HashMap::new(), count: 0 });
        }
        Ok(())
    }

    /// Begins a transaction, on a new connection when the old one broke.
    pub fn begin(&self, sql: &str) -> Result<(), StoreError> {
        self.connect()?;
        self.command(sql)
    }

    /// Ends a transaction without its changes; a connection that cannot even do that is given up.
    pub fn roll_back(&self) {
        if self.command("ROLLBACK").is_err() {
            self.link.borrow_mut().take();
        }
    }

    /// A command without parameters or rows.
    pub fn command(&self, sql: &str) -> Result<(), StoreError> {
        self.with(|link| link.client.batch_execute(sql).map_err(|error| leaf(&error)))
    }

    /// Many statements at once.
    pub fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.command(sql)
    }

    /// Runs one statement: its rows, and how many it changed.
    pub fn run(&self, sql: &str, params: &[Value]) -> Result<(Vec<Row>, u64), StoreError> {
        let types = kinds(params, self.null_is_text.borrow().contains(sql));
        let outcome = self.with(|link| link.run(sql, types, params));
        if let Err(Refused::Untyped) = outcome {
            self.null_is_text.borrow_mut().insert(sql.to_owned());
            return Err(StoreError::Busy("a parameter has no type yet".to_owned()));
        }
        outcome.map_err(Refused::leaf)
    }

    /// Runs one statement so that the transaction survives when it fails.
    pub fn attempt(&self, sql: &str, params: &[Value]) -> Result<(Vec<Row>, u64), StoreError> {
        self.command("SAVEPOINT attempt")?;
        match self.run(sql, params) {
            Ok(done) => self.command("RELEASE SAVEPOINT attempt").map(|()| done),
            Err(error) => {
                self.command("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")?;
                Err(error)
            }
        }
    }

    fn with<T, E: From<StoreError>>(&self, f: impl FnOnce(&mut Link) -> Result<T, E>) -> Result<T, E> {
        let mut link = self.link.borrow_mut();
        let link = link.as_mut().ok_or_else(|| StoreError::Lost("not connected".to_owned()))?;
        f(link)
    }
}

/// Why a statement did not run.
enum Refused {
    Untyped,
    Leaf(StoreError),
}

impl Refused {
    fn leaf(self) -> StoreError {
        match self {
            Self::Untyped => StoreError::Other("a parameter has no type".to_owned()),
            Self::Leaf(error) => error,
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Leaf(error)
    }
}

impl Link {
    fn run(&mut self, sql: &str, types: Vec<Type>, params: &[Value]) -> Result<(Vec<Row>, u64), Refused> {
        let statement = self.prepare(sql, types)?;
        let bound: Vec<Bound<'_>> = params.iter().map(Bound).collect();
        let bound: Vec<&(dyn ToSql + Sync)> =
            bound.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let outcome = if statement.columns().is_empty() {
            self.client.execute(&statement, &bound).map(|count| (Vec::new(), count))
        } else {
            self.client.query(&statement, &bound).and_then(|found| {
                let rows = found.iter().map(row).collect::<Result<Vec<_>, _>>()?;
                let count = rows.len() as u64;
                Ok((rows, count))
            })
        };
        outcome.map_err(|error| {
            if error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED) {
                // "Cached plan must not change result type": a migration passed by. The next run prepares anew.
                self.prepared.clear();
            }
            Refused::Leaf(leaf(&error))
        })
    }

    fn prepare(&mut self, sql: &str, types: Vec<Type>) -> Result<Statement, Refused> {
        let known = self.prepared.get(sql).and_then(|forms| forms.iter().find(|(form, _)| *form == types));
        if let Some((_, statement)) = known {
            return Ok(statement.clone());
        }
        let (text, wanted) = placeholders(sql);
        if wanted != types.len() {
            let said = format!("the statement has {wanted} parameters and got {}: {sql}", types.len());
            return Err(StoreError::Other(said).into());
        }
        let statement = self.client.prepare_typed(&text, &types).map_err(|error| {
            if matches!(error.code().map(SqlState::code), Some("42P18" | "42P08")) {
                // Indeterminate or ambiguous: a NULL that nothing gives a type.
                Refused::Untyped
            } else {
                Refused::Leaf(leaf(&error))
            }
        })?;
        if self.count >= PREPARED {
            self.prepared.clear();
            self.count = 0;
        }
        self.count += 1;
        self.prepared.entry(sql.to_owned()).or_default().push((types, statement.clone()));
        Ok(statement)
    }
}

fn said(error: &Error) -> String {
    error.as_db_error().map_or_else(|| chain(error), |db| format!("{} ({})", db.message(), db.code().code()))
}

fn chain(error: &Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// Reduces an error of PostgreSQL to what a caller can act on.
fn leaf(error: &Error) -> StoreError {
    let said = said(error);
    let Some(db) = error.as_db_error() else {
        let broken = error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>());
        return if broken { StoreError::Lost(said) } else { StoreError::Other(said) };
    };
    match db.code().code() {
        "23505" => StoreError::Unique {
            table: db.table().unwrap_or_default().to_owned(),
            columns: key(db.detail().unwrap_or_default()),
        },
        "23503" => StoreError::Foreign(said),
        "53100" => StoreError::Full(said),
        "40001" | "40P01" | "55P03" | "0A000" => StoreError::Busy(said),
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "53300" => StoreError::Lost(said),
        code if code.starts_with("08") => StoreError::Lost(said),
        _ => StoreError::Other(said),
    }
}

/// Reads `Key (project_id, name)=(…) already exists.`, in any language.
fn key(detail: &str) -> Vec<String> {
    let list =
        detail.split_once('(').and_then(|(_, rest)| rest.split_once(")=")).map_or("", |(list, _)| list);
    if list.contains('(') {
        return Vec::new();
    }
    list.split(", ")
        .filter(|column| !column.is_empty())
        .map(|column| column.trim_matches('"').to_owned())
        .collect()
}
