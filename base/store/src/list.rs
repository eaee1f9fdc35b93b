//! Lists as callers ask for them: filters, sort keys, marker and limit, from one static table of columns per noun.
//!
//! Only columns of the table ever become SQL; what the caller sends is bound. NULL sorts before all values, as in the
//! databases that OpenStack runs on, and the order is always total, since the id breaks ties.

mod filter;
mod page;

pub use filter::{Operator, Sort};

use crate::value::Value;
use fault::Fault;

/// One noun that can be listed.
#[derive(Debug)]
pub struct Noun {
    /// What stands after FROM, with an alias or a join where the statement has one.
    pub from: &'static str,
    /// The unique column that breaks ties and that markers name, as SQL.
    pub id: &'static str,
    /// What callers may filter and sort by.
    pub columns: &'static [Column],
    /// The order when the caller asks for none.
    pub order: &'static [(&'static str, Direction)],
}

/// One column that callers may name.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name in the API.
    pub api: &'static str,
    /// The column, or an expression, in SQL.
    pub sql: &'static str,
    /// What its values are.
    pub kind: Sort,
    /// How callers may compare it; empty when it is for sorting only.
    pub operators: &'static [Operator],
    /// Whether it may be NULL. Must be set where it is: pages are wrong otherwise.
    pub nullable: bool,
    /// Whether callers may sort by it.
    pub sortable: bool,
}

/// Which way a key sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The smallest, and NULL, first.
    Asc,
    /// The largest first, NULL last.
    Desc,
}

/// What is wrong with a list that a caller asked for.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The noun has no such column, or not for this purpose.
    #[error("{0:?} is not a key that this can be listed by")]
    UnknownColumn(String),
    /// The column cannot be compared in this way.
    #[error("{column:?} cannot be compared with {operator:?}")]
    UnknownOperator {
        /// The column.
        column: &'static str,
        /// The operator.
        operator: Operator,
    },
    /// The value is not of the column's sort.
    #[error("{value:?} is not a value of {column:?}")]
    BadValue {
        /// The column.
        column: &'static str,
        /// The value.
        value: String,
    },
    /// Neither `asc` nor `desc`.
    #[error("{0:?} is not a direction to sort in")]
    BadDirection(String),
    /// The marker names nothing that this caller can list.
    #[error("the marker {0} is not known")]
    UnknownMarker(String),
    /// The store failed.
    #[error("{0}")]
    Store(Fault),
}

impl ListError {
    /// What this means where a service has no answer of its own: 400, with what is wrong.
    pub fn fault(self) -> Fault {
        match self {
            Self::Store(fault) => fault,
            other => Fault::bad_input(format!("Invalid list: {other}.")),
        }
    }
}

impl Column {
    const fn new(api: &'static str, sql: &'static str, kind: Sort, operators: &'static [Operator]) -> Self {
        Self { api, sql, kind, operators, nullable: false, sortable: true }
    }

    /// A text, compared with [`Operator::TEXT`].
    pub const fn text(api: &'static str, sql: &'static str) -> Self {
        Self::new(api, sql, Sort::Text, Operator::TEXT)
    }

    /// An integer, compared with [`Operator::NUMBER`].
    pub const fn int(api: &'static str, sql: &'static str) -> Self {
        Self::new(api, sql, Sort::Int, Operator::NUMBER)
    }

    /// A number with a fraction, compared with [`Operator::NUMBER`].
    pub const fn real(api: &'static str, sql: &'static str) -> Self {
        Self::new(api, sql, Sort::Real, Operator::NUMBER)
    }

    /// A flag, compared for equality.
    pub const fn flag(api: &'static str, sql: &'static str) -> Self {
        Self::new(api, sql, Sort::Flag, Operator::EXACT)
    }

    /// A time, written by callers as ISO 8601, compared with [`Operator::NUMBER`].
    pub const fn time(api: &'static str, sql: &'static str) -> Self {
        Self::new(api, sql, Sort::Time, Operator::NUMBER)
    }

    /// The same column, which may be NULL.
    #[must_use]
    pub const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// The same column, which callers may not sort by.
    #[must_use]
    pub const fn unsortable(mut self) -> Self {
        self.sortable = false;
        self
    }

    /// The same column with other operators.
    #[must_use]
    pub const fn compared(mut self, operators: &'static [Operator]) -> Self {
        self.operators = operators;
        self
    }
}

impl Direction {
    /// Reads `asc` or `desc`, in any case.
    pub fn parse(text: &str) -> Result<Self, ListError> {
        match text.to_ascii_lowercase().as_str() {
            "asc" => Ok(Self::Asc),
            "desc" => Ok(Self::Desc),
            _ => Err(ListError::BadDirection(text.to_owned())),
        }
    }

    fn flipped(self) -> Self {
        match self {
            Self::Asc => Self::Desc,
            Self::Desc => Self::Asc,
        }
    }
}

/// One list: built from a request, then written as `WHERE … ORDER BY … LIMIT …`.
#[derive(Clone, Debug)]
pub struct List {
    noun: &'static Noun,
    params: Vec<Value>,
    /// What bounds the caller's view, and so its markers too.
    scope: Vec<String>,
    /// What the caller asked for within it.
    filters: Vec<String>,
    keys: Vec<(Column, Direction)>,
    marker: Option<String>,
    limit: Option<u32>,
    backwards: bool,
}

impl List {
    /// All of `noun`.
    pub fn new(noun: &'static Noun) -> Self {
        let (params, scope, filters, keys) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { noun, params, scope, filters, keys, marker: None, limit: None, backwards: false }
    }

    /// Parameters of the statement's text in front of the list, which are `?1` and so on there. Must come first.
    pub fn before(&mut self, params: &[Value]) -> &mut Self {
        self.params.splice(0..0, params.iter().cloned());
        self
    }

    /// Bounds the list, and the rows that may be markers, by a condition of the service's own: `project_id = ?`, with
    /// a bare `?` for each parameter.
    pub fn only(&mut self, condition: &'static str, params: &[Value]) -> &mut Self {
        let written = self.numbered(condition, params);
        self.scope.push(written);
        self
    }

    /// Narrows the list by a condition of the service's own; markers outside of it are still good.
    pub fn matching(&mut self, condition: &'static str, params: &[Value]) -> &mut Self {
        let written = self.numbered(condition, params);
        self.filters.push(written);
        self
    }

    /// Adds a sort key, less important than those before it.
    pub fn sort(&mut self, name: &str, direction: Direction) -> Result<&mut Self, ListError> {
        let column = self.column(name)?;
        if !column.sortable {
            return Err(ListError::UnknownColumn(name.to_owned()));
        }
        if !self.keys.iter().any(|(known, _)| known.sql == column.sql) {
            self.keys.push((*column, direction));
        }
        Ok(self)
    }

    /// Adds the sort keys of `name:desc,created_at`; `default` is for those without a direction.
    pub fn sort_asked(&mut self, asked: &str, default: Direction) -> Result<&mut Self, ListError> {
        for key in asked.split(',').map(str::trim).filter(|key| !key.is_empty()) {
            match key.split_once(':') {
                Some((name, direction)) => self.sort(name, Direction::parse(direction)?)?,
                None => self.sort(key, default)?,
            };
        }
        Ok(self)
    }

    /// Starts after the row with this id.
    pub fn marker(&mut self, id: Option<&str>) -> &mut Self {
        self.marker = id.map(str::to_owned);
        self
    }

    /// Ends after this many rows.
    pub fn limit(&mut self, rows: Option<u32>) -> &mut Self {
        self.limit = rows;
        self
    }

    /// Pages towards the start (Neutron's `page_reverse`): the rows before the marker. [`List::rows`] still answers them
    /// in the order of the list.
    pub fn backwards(&mut self, backwards: bool) -> &mut Self {
        self.backwards = backwards;
        self
    }

    fn column(&self, name: &str) -> Result<&'static Column, ListError> {
        let found = self.noun.columns.iter().find(|column| column.api == name);
        found.ok_or_else(|| ListError::UnknownColumn(name.to_owned()))
    }

    /// Binds a value and answers its placeholder.
    fn bind(&mut self, value: Value) -> String {
        self.params.push(value);
        format!("?{}", self.params.len())
    }

    fn numbered(&mut self, condition: &str, params: &[Value]) -> String {
        let mut pieces = condition.split('?');
        let mut out = String::from("(");
        out.push_str(pieces.next().unwrap_or_default());
        for (piece, value) in pieces.zip(params) {
            let placeholder = self.bind(value.clone());
            out.push_str(&placeholder);
            out.push_str(piece);
        }
        out.push(')');
        out
    }
}
