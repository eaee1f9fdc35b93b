//! One row of an answer, read by position: the statement that names the columns stands beside the code that reads them.

use crate::value::ValueRef;
use fault::{Fault, Means};
use kernel::Micros;
use serde::de::DeserializeOwned;
use std::ops::Range;

/// One row. A column that is missing or of another sort is a bug of the code that reads it, and answered as such.
///
/// All texts of a row lie in one piece, since a page of a list reads tens of thousands of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    columns: Vec<Column>,
    texts: String,
    blobs: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
enum Column {
    Null,
    Int(i64),
    Real(f64),
    Text(Range<usize>),
    Blob(Range<usize>),
}

/// What can be read from a column.
pub trait FromValue: Sized {
    /// Reads the value; `None` when it is of another sort.
    fn from_value(value: ValueRef<'_>) -> Option<Self>;
}

impl Row {
    /// An empty row, with room for so many columns, and for as much text as the row before it has: they are alike.
    pub(crate) fn with_room(columns: usize, before: Option<&Self>) -> Self {
        let texts = String::with_capacity(before.map_or(0, |row| row.texts.len()));
        Self { columns: Vec::with_capacity(columns), texts, blobs: Vec::new() }
    }

    /// Adds a column on the right.
    pub(crate) fn push(&mut self, value: ValueRef<'_>) {
        self.columns.push(match value {
            ValueRef::Null => Column::Null,
            ValueRef::Int(number) => Column::Int(number),
            ValueRef::Real(number) => Column::Real(number),
            ValueRef::Text(text) => {
                self.texts.push_str(text);
                Column::Text(self.texts.len() - text.len()..self.texts.len())
            }
            ValueRef::Blob(bytes) => {
                self.blobs.extend_from_slice(bytes);
                Column::Blob(self.blobs.len() - bytes.len()..self.blobs.len())
            }
        });
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    fn value(&self, index: usize) -> Option<ValueRef<'_>> {
        Some(match self.columns.get(index)? {
            Column::Null => ValueRef::Null,
            Column::Int(number) => ValueRef::Int(*number),
            Column::Real(number) => ValueRef::Real(*number),
            Column::Text(range) => ValueRef::Text(self.texts.get(range.clone())?),
            Column::Blob(range) => ValueRef::Blob(self.blobs.get(range.clone())?),
        })
    }

    /// Column `index` as whatever is wanted; `Option<T>` where it may be NULL.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T, Fault> {
        let value = self.value(index).ok_or_else(|| Fault::bug(format!("a row has no column {index}")))?;
        T::from_value(value).ok_or_else(|| {
            Fault::bug(format!("column {index} is {value:?} and not {}", std::any::type_name::<T>()))
        })
    }

    /// Column `index`, which holds JSON.
    pub fn json<T: DeserializeOwned>(&self, index: usize) -> Result<T, Fault> {
        self.opt_json(index)?.ok_or_else(|| Fault::bug(format!("column {index} is NULL and not JSON")))
    }

    /// Column `index`, which holds JSON or NULL.
    pub fn opt_json<T: DeserializeOwned>(&self, index: usize) -> Result<Option<T>, Fault> {
        match self.value(index) {
            Some(ValueRef::Text(text)) => serde_json::from_str(text).map(Some).or_bug(),
            Some(ValueRef::Null) => Ok(None),
            other => Err(Fault::bug(format!("column {index} is {other:?} and not JSON"))),
        }
    }
}

macro_rules! readers {
    ($($name:ident, $opt:ident: $type:ty, $what:literal);* $(;)?) => {
        impl Row {
            $(
                #[doc = concat!("Column `index`, ", $what, ".")]
                pub fn $name(&self, index: usize) -> Result<$type, Fault> { self.get(index) }
                #[doc = concat!("Column `index`, ", $what, " or NULL.")]
                pub fn $opt(&self, index: usize) -> Result<Option<$type>, Fault> { self.get(index) }
            )*
        }
    };
}

readers! {
    text, opt_text: String, "a text";
    int, opt_int: i64, "an integer";
    flag, opt_flag: bool, "a flag (0 or 1)";
    real, opt_real: f64, "a number";
    blob, opt_blob: Vec<u8>, "bytes";
    at, opt_at: Micros, "a time";
}

macro_rules! from_value {
    ($($type:ty: $pattern:pat => $made:expr),* $(,)?) => {
        $(impl FromValue for $type {
            fn from_value(value: ValueRef<'_>) -> Option<Self> {
                match value { $pattern => $made, _ => None }
            }
        })*
    };
}

from_value! {
    i64: ValueRef::Int(number) => Some(number),
    i32: ValueRef::Int(number) => i32::try_from(number).ok(),
    u64: ValueRef::Int(number) => u64::try_from(number).ok(),
    u32: ValueRef::Int(number) => u32::try_from(number).ok(),
    u16: ValueRef::Int(number) => u16::try_from(number).ok(),
    usize: ValueRef::Int(number) => usize::try_from(number).ok(),
    bool: ValueRef::Int(number) => Some(number != 0),
    Micros: ValueRef::Int(number) => Some(Micros(number)),
    String: ValueRef::Text(text) => Some(text.to_owned()),
    Vec<u8>: ValueRef::Blob(bytes) => Some(bytes.to_vec()),
}

impl FromValue for f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a whole number in a DOUBLE column; 53 bits are what it holds"
    )]
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Real(number) => Some(number),
            ValueRef::Int(number) => Some(number as f64),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}
