//! A row and the struct that it is read into, said once.
//!
//! [`record!`] declares a plain struct whose fields are the columns of a table, in order; [`Record`] reads, inserts,
//! saves and removes such rows. The first column is always the id.

use fault::{Fault, Means};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::LazyLock;
use store::{FromValue, Row, Tx, Value, ValueRef};

/// A value kept as JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromValue for Json<T> {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Text(text) => serde_json::from_str(text).ok().map(Json),
            _ => None,
        }
    }
}

impl<T: Serialize> From<Json<T>> for Value {
    fn from(json: Json<T>) -> Self {
        // What is kept this way are lists and maps with text keys: they always can be written.
        Self::Text(serde_json::to_string(&json.0).unwrap_or_default())
    }
}

/// The statements of a table, written once.
pub struct Statements {
    select: String,
    insert: String,
    save: String,
    remove: String,
}

impl Statements {
    /// Writes them for a table.
    pub fn of(table: &str, columns: &[&str]) -> Self {
        let marks = (1..=columns.len()).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
        let sets = columns.iter().enumerate().skip(1).map(|(n, column)| format!("{column} = ?{}", n + 1));
        Self {
            select: format!("SELECT {} FROM {table}", columns.join(", ")),
            insert: format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", ")),
            save: format!(
                "UPDATE {table} SET {} WHERE {} = ?1",
                sets.collect::<Vec<_>>().join(", "),
                columns[0]
            ),
            remove: format!("DELETE FROM {table} WHERE {} = ?1", columns[0]),
        }
    }
}

/// A struct that is a row.
pub trait Record: Sized + 'static {
    /// The columns, in the order of the fields.
    const COLUMNS: &'static [&'static str];
    /// The table's statements.
    fn statements() -> &'static LazyLock<Statements>;
    /// Reads a row.
    fn read(row: &Row) -> Result<Self, Fault>;
    /// The values, in the order of the columns.
    fn values(&self) -> Vec<Value>;

    /// Rows for which `condition` (what stands behind the table's name) holds.
    fn select(tx: &Tx, condition: &str, params: &[Value]) -> Result<Vec<Self>, Fault> {
        let sql = format!("{} {condition}", Self::statements().select);
        tx.query(&sql, params)?.iter().map(Self::read).collect()
    }

    /// The first such row.
    fn first(tx: &Tx, condition: &str, params: &[Value]) -> Result<Option<Self>, Fault> {
        Ok(Self::select(tx, condition, params)?.into_iter().next())
    }

    /// The row of an id.
    fn find(tx: &Tx, id: &str) -> Result<Option<Self>, Fault> {
        Self::first(tx, &format!("WHERE {} = ?1", Self::COLUMNS[0]), store::params![id])
    }

    /// A new row.
    fn insert(&self, tx: &Tx) -> Result<(), Fault> {
        tx.execute(&Self::statements().insert, &self.values()).map(drop)
    }

    /// The row as it is now.
    fn save(&self, tx: &Tx) -> Result<(), Fault> {
        match tx.execute(&Self::statements().save, &self.values())? {
            0 => Err(Fault::bug("a row vanished inside of a transaction")),
            _ => Ok(()),
        }
    }

    /// The row of an id is no more.
    fn remove(tx: &Tx, id: &str) -> Result<(), Fault> {
        tx.execute(&Self::statements().remove, store::params![id]).map(drop)
    }
}

/// Reads `value` as `T`; what was stored by us can be read by us.
pub fn read_json<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Fault> {
    serde_json::from_value(value).or_bug()
}

/// Declares a struct that is a row of a table.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident in $table:literal { $($(#[$fmeta:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name { $($(#[$fmeta])* pub $field: $type),* }

        impl $crate::record::Record for $name {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];
            fn statements() -> &'static std::sync::LazyLock<$crate::record::Statements> {
                static STATEMENTS: std::sync::LazyLock<$crate::record::Statements> = std::sync::LazyLock::new(|| {
                    $crate::record::Statements::of($table, <$name as $crate::record::Record>::COLUMNS)
                });
                &STATEMENTS
            }
            fn read(row: &store::Row) -> Result<Self, fault::Fault> {
                let mut next = 0usize..;
                let mut at = move || next.next().unwrap_or_default();
                Ok(Self { $($field: row.get(at())?),* })
            }
            fn values(&self) -> Vec<store::Value> {
                vec![$(self.$field.clone().into()),*]
            }
        }
    };
}
pub(crate) use record;
