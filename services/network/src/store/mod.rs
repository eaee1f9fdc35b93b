//! SQL: rows in and out, what callers may see of them, and what rises when they change.

pub mod floating_ip;
pub mod host;
pub mod network;
pub mod port;
pub mod quota;
pub mod rbac;
pub mod router;
pub mod security_group;
pub mod subnet;
pub mod subnet_pool;
pub mod work;

use crate::model::listing::Listing;
use crate::record::Record;
use fault::Fault;
use policy::Who;
use store::{Tx, Value};

/// A condition that grows: `WHERE a AND b`, with its parameters.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    parts: Vec<String>,
    params: Vec<Value>,
}

impl Condition {
    /// Holds always.
    pub fn all() -> Self {
        Self::default()
    }

    /// One column has one value.
    pub fn is(column: &str, value: impl Into<Value>) -> Self {
        Self::all().and(&format!("{column} = ?"), [value.into()])
    }

    /// Also `sql`, whose bare question marks stand for `params` in order.
    #[must_use]
    pub fn and(mut self, sql: &str, params: impl IntoIterator<Item = Value>) -> Self {
        let mut pieces = sql.split('?');
        let mut text = pieces.next().unwrap_or_default().to_owned();
        for (piece, param) in pieces.zip(params) {
            self.params.push(param);
            text.push_str(&format!("?{}{piece}", self.params.len()));
        }
        self.parts.push(text);
        self
    }

    /// Also: the column has one of these values.
    #[must_use]
    pub fn among(self, column: &str, values: &[String]) -> Self {
        if values.is_empty() {
            return self.and("1 = 0", []);
        }
        let marks = vec!["?"; values.len()].join(", ");
        self.and(&format!("{column} IN ({marks})"), values.iter().map(Value::from))
    }

    /// Also what a listing says of attributes that are columns; the rest is decided on the bodies.
    #[must_use]
    pub fn narrowed(mut self, listing: &Listing, columns: &[(&str, &str)]) -> Self {
        for (attribute, column) in columns {
            if let Some(values) = listing.only(attribute).filter(|values| values.len() <= 100) {
                self = self.among(column, &values);
            }
        }
        self
    }

    /// The rows.
    pub fn rows<R: Record>(&self, tx: &Tx) -> Result<Vec<R>, Fault> {
        R::select(tx, &self.sql(), &self.params)
    }

    /// The first row.
    pub fn row<R: Record>(&self, tx: &Tx) -> Result<Option<R>, Fault> {
        R::first(tx, &self.sql(), &self.params)
    }

    /// The text, with `WHERE`.
    pub fn sql(&self) -> String {
        if self.parts.is_empty() { String::new() } else { format!("WHERE {}", self.parts.join(" AND ")) }
    }

    /// The parameters.
    pub fn params(&self) -> &[Value] {
        &self.params
    }
}

/// Of their owner, for everybody but those who see every project's things.
pub fn owned(who: &Who, column: &str) -> Condition {
    if who.overseer { Condition::all() } else { Condition::is(column, who.project()) }
}
