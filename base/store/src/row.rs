//! One row of an answer, read by position: the statement that names the columns stands beside the code that reads them.

use crate::value::Value;
use fault::{Fault, Means};
use kernel::Micros;
use serde::de::DeserializeOwned;

/// One row. A column that is missing or of another sort is a bug of the code that reads it, and answered as such.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(Vec<Value>);

/// What can be read from a column.
pub trait FromValue: Sized {
    /// Reads the value; `None` when it is of another sort.
    fn from_value(value: &Value) -> Option<Self>;
}

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// The values, in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    /// Column `index` as whatever is wanted; `Option<T>` where it may be NULL.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T, Fault> {
        let value = self.0.get(index).ok_or_else(|| Fault::bug(format!("a row has no column {index}")))?;
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
        match self.0.get(index) {
            Some(Value::Text(text)) => serde_json::from_str(text).map(Some).or_bug(),
            Some(Value::Null) => Ok(None),
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
            fn from_value(value: &Value) -> Option<Self> {
                match value { $pattern => $made, _ => None }
            }
        })*
    };
}

from_value! {
    i64: Value::Int(number) => Some(*number),
    i32: Value::Int(number) => i32::try_from(*number).ok(),
    u64: Value::Int(number) => u64::try_from(*number).ok(),
    u32: Value::Int(number) => u32::try_from(*number).ok(),
    u16: Value::Int(number) => u16::try_from(*number).ok(),
    usize: Value::Int(number) => usize::try_from(*number).ok(),
    bool: Value::Int(number) => Some(*number != 0),
    Micros: Value::Int(number) => Some(Micros(*number)),
    String: Value::Text(text) => Some(text.clone()),
    Vec<u8>: Value::Blob(bytes) => Some(bytes.clone()),
}

impl FromValue for f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a whole number in a DOUBLE column; 53 bits are what it holds"
    )]
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Real(number) => Some(*number),
            Value::Int(number) => Some(*number as f64),
            _ => None,
        }
    }
}

impl FromValue for Value {
    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}
