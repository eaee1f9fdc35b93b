//! Values to PostgreSQL and back. A value brings its own type, so that a statement means the same on both databases.

use crate::row::Row;
use crate::value::Value;
use ::postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use bytes::BytesMut;
use std::error::Error;

type Wrong = Box<dyn Error + Sync + Send>;

/// The types to prepare a statement with. A NULL has that of its place in the statement, or text where that is open.
pub(super) fn kinds(params: &[Value], null_is_text: bool) -> Vec<Type> {
    params
        .iter()
        .map(|value| match value {
            Value::Null if null_is_text => Type::TEXT,
            Value::Null => Type::UNKNOWN,
            Value::Int(_) => Type::INT8,
            Value::Real(_) => Type::FLOAT8,
            Value::Text(_) => Type::TEXT,
            Value::Blob(_) => Type::BYTEA,
        })
        .collect()
}

#[derive(Debug)]
pub(super) struct Bound<'a>(pub &'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Wrong> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) => number.to_sql(kind, out),
            Value::Real(number) => number.to_sql(kind, out),
            Value::Text(text) => text.to_sql(kind, out),
            Value::Blob(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

pub(super) fn row(found: &::postgres::Row) -> Result<Row, ::postgres::Error> {
    (0..found.len())
        .map(|at| found.try_get::<_, Read>(at).map(|read| read.0))
        .collect::<Result<_, _>>()
        .map(Row::new)
}

struct Read(Value);

impl<'a> FromSql<'a> for Read {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        Ok(Self(match *kind {
            Type::BOOL => Value::Int(bool::from_sql(kind, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(kind, raw)?.into()),
            Type::INT4 => Value::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Value::Int(i64::from_sql(kind, raw)?),
            Type::FLOAT4 => Value::Real(f32::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(kind, raw)?),
            Type::NUMERIC => numeric(raw)?,
            Type::BYTEA => Value::Blob(raw.to_vec()),
            _ => Value::Text(std::str::from_utf8(raw)?.to_owned()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Wrong> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A NUMERIC, as `sum` of integers yields it: whole numbers as integers, others as numbers with a fraction.
fn numeric(raw: &[u8]) -> Result<Value, Wrong> {
    let word = |at: usize| -> Result<i64, Wrong> {
        let bytes = raw.get(at * 2..at * 2 + 2).ok_or("a short NUMERIC")?;
        Ok(i64::from(i16::from_be_bytes([bytes[0], bytes[1]])))
    };
    let (digits, weight, sign) = (word(0)?, word(1)?, word(2)?);
    let whole = digits <= weight + 1;
    if whole {
        let mut number = 0i64;
        for at in 0..=weight {
            let digit = if at < digits { word(4 + usize::try_from(at)?)? } else { 0 };
            number = number
                .checked_mul(10_000)
                .and_then(|n| n.checked_add(digit))
                .ok_or("a NUMERIC beyond 63 bits")?;
        }
        return Ok(Value::Int(if sign == 0 { number } else { -number }));
    }
    let mut number = 0f64;
    for at in 0..digits {
        let power = i32::try_from(weight - at)?;
        number += f64::from(i16::try_from(word(4 + usize::try_from(at)?)?)?) * 10_000f64.powi(power);
    }
    Ok(Value::Real(if sign == 0 { number } else { -number }))
}
