//! What must be known of a database's schema: which columns there are, which of them hold more than one value (the
//! difference notation of updates depends on it), and what a column holds that an update leaves out.

use super::datum::{Atom, Datum};
use super::replica::Row;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[derive(Clone, Debug)]
struct Column {
    many: bool,
    default: Datum,
}

/// The tables of a database with their columns.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    tables: HashMap<String, HashMap<String, Column>>,
}

impl Schema {
    /// Reads the answer of `get_schema`.
    pub fn decode(value: &Value) -> Option<Self> {
        let mut tables = HashMap::new();
        for (table, definition) in value.get("tables")?.as_object()? {
            let columns = definition.get("columns")?.as_object()?;
            let columns = columns.iter().map(|(name, column)| Some((name.clone(), Column::decode(column)?)));
            tables.insert(table.clone(), columns.collect::<Option<_>>()?);
        }
        Some(Self { tables })
    }

    /// The part of the schema that has these tables and columns; what the database lacks is left out.
    pub fn part(&self, wanted: &[(&str, &[&str])]) -> Self {
        let mut tables = HashMap::new();
        for (table, names) in wanted {
            let Some(columns) = self.tables.get(*table) else { continue };
            let columns =
                names.iter().filter_map(|name| Some(((*name).to_owned(), columns.get(*name)?.clone())));
            tables.insert((*table).to_owned(), columns.collect());
        }
        Self { tables }
    }

    /// Tables with the names of their columns.
    pub fn tables(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.tables
            .iter()
            .map(|(table, columns)| (table.as_str(), columns.keys().map(String::as_str).collect()))
    }

    /// The column can hold more than one value.
    pub fn holds_many(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).and_then(|columns| columns.get(column)).is_some_and(|column| column.many)
    }

    /// A row of which nothing has been said.
    pub fn blank(&self, table: &str) -> Row {
        let columns = self.tables.get(table).into_iter().flatten();
        columns.map(|(name, column)| (name.clone(), column.default.clone())).collect()
    }
}

impl Column {
    fn decode(column: &Value) -> Option<Self> {
        let kind = column.get("type")?;
        let many = match kind.get("max") {
            Some(Value::String(_)) => true,
            Some(number) => number.as_i64().is_some_and(|max| max > 1),
            None => false,
        };
        let default = if kind.get("value").is_some() {
            Datum::Map(BTreeMap::new())
        } else if kind.get("min").and_then(Value::as_i64) == Some(0) {
            Datum::Set(BTreeSet::new())
        } else {
            Datum::one(default_atom(kind)?)
        };
        Some(Self { many, default })
    }
}

/// The default of `"string"`, `{"key": "string"}` or `{"key": {"type": "string"}}`.
fn default_atom(kind: &Value) -> Option<Atom> {
    let word = kind
        .as_str()
        .or_else(|| kind.get("key")?.as_str())
        .or_else(|| kind.pointer("/key/type")?.as_str())?;
    Some(match word {
        "boolean" => Atom::Bool(false),
        "integer" => Atom::Integer(0),
        "real" => Atom::Real(0),
        "string" => Atom::Text(String::new()),
        "uuid" => Atom::Uuid("00000000-0000-0000-0000-000000000000".to_owned()),
        _ => return None,
    })
}
