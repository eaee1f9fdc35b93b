//! Values to PostgreSQL and back. A value brings its own type, so that a statement means the same on both databases.

use crate::row::Row;
use crate::value::{Value, ValueRef};
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
    let mut row = Row::with_room(found.len(), None);
    for at in 0..found.len() {
        row.push(found.try_get::<_, Read<'_>>(at)?.0);
    }
    Ok(row)
}

struct Read<'a>(ValueRef<'a>);

impl<'a> FromSql<'a> for Read<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        Ok(Self(match *kind {
            Type::BOOL => ValueRef::Int(bool::from_sql(kind, raw)?.into()),
            Type::INT2 => ValueRef::Int(i16::from_sql(kind, raw)?.into()),
            Type::INT4 => ValueRef::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => ValueRef::Int(i64::from_sql(kind, raw)?),
            Type::FLOAT4 => ValueRef::Real(f32::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => ValueRef::Real(f64::from_sql(kind, raw)?),
            Type::NUMERIC => numeric(raw)?,
            Type::BYTEA => ValueRef::Blob(raw),
            _ => ValueRef::Text(std::str::from_utf8(raw)?),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Wrong> {
        Ok(Self(ValueRef::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A NUMERIC, as `sum` of integers yields it: whole numbers as integers, others as numbers with a fraction.
fn numeric(raw: &[u8]) -> Result<ValueRef<'static>, Wrong> {
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
        return Ok(ValueRef::Int(if sign == 0 { number } else { -number }));
    }
    let mut number = 0f64;
    for at in 0..digits {
        let power = i32::try_from(weight - at)?;
        number += f64::from(i16::try_from(word(4 + usize::try_from(at)?)?)?) * 10_000f64.powi(power);
    }
    Ok(ValueRef::Real(if sign == 0 { number } else { -number }))
}
