//! The five sorts of value that both databases hold, and what Rust types become of them.

use kernel::Micros;
use std::borrow::Cow;

/// One value, as bound to a statement or read from a row. Flags are integers, times are microseconds, JSON is text.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// An integer, a flag (0 or 1) or a time in microseconds: BIGINT.
    Int(i64),
    /// A number with a fraction: DOUBLE PRECISION.
    Real(f64),
    /// Text, also JSON: TEXT.
    Text(String),
    /// Bytes: BLOB.
    Blob(Vec<u8>),
}

/// One value where its row keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is that of `Value`")]
pub enum ValueRef<'a> {
    Null,
    Int(i64),
    Real(f64),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// The parameters of a statement: `params![id, name, tx.now()]`. Takes whatever a [`Value`] can be made from.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &$crate::values![$($value),*] as &[$crate::Value] };
}

/// Values to keep: an array of what [`params!`] lends.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::Value::from($value)),*] };
}

macro_rules! from {
    ($($type:ty, $value:ident => $made:expr);* $(;)?) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self { $made }
        })*
    };
}

from! {
    i64, value => Self::Int(value);
    i32, value => Self::Int(value.into());
    u32, value => Self::Int(value.into());
    u16, value => Self::Int(value.into());
    u8, value => Self::Int(value.into());
    // No column of ours counts beyond 2^63; what does is kept at the end of the range and not wrapped.
    u64, value => Self::Int(i64::try_from(value).unwrap_or(i64::MAX));
    usize, value => Self::Int(i64::try_from(value).unwrap_or(i64::MAX));
    bool, value => Self::Int(value.into());
    f64, value => Self::Real(value);
    &str, value => Self::Text(value.to_owned());
    String, value => Self::Text(value);
    &String, value => Self::Text(value.clone());
    Cow<'_, str>, value => Self::Text(value.into_owned());
    Vec<u8>, value => Self::Blob(value);
    &[u8], value => Self::Blob(value.to_vec());
    &Vec<u8>, value => Self::Blob(value.clone());
    Micros, value => Self::Int(value.0);
    &Value, value => value.clone();
    &serde_json::Value, value => Self::Text(value.to_string());
    serde_json::Value, value => Self::Text(value.to_string());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Clone + Into<Value>> From<&Option<T>> for Value {
    fn from(value: &Option<T>) -> Self {
        value.clone().map_or(Self::Null, Into::into)
    }
}
