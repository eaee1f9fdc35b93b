//! Filters: what a caller compares a column with.

use super::{Column, List, ListError};
use crate::value::Value;
use kernel::Micros;

/// What the values of a column are, and so how a caller's text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Text.
    Text,
    /// An integer.
    Int,
    /// A number with a fraction.
    Real,
    /// `true`, `1`, `yes`, `on`, `t`, `y` and their opposites.
    Flag,
    /// A time in ISO 8601.
    Time,
}

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal; rows where the column is NULL do not match.
    Neq,
    /// One of several.
    In,
    /// None of several.
    Nin,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Like a pattern with `%` and `_`; cases differ.
    Like,
    /// Contains a text; cases differ.
    Contains,
    /// Begins with a text; cases differ.
    Prefix,
}

impl Operator {
    /// Equality only.
    pub const EXACT: &'static [Self] = &[Self::Eq, Self::Neq, Self::In, Self::Nin];
    /// Equality and order.
    pub const NUMBER: &'static [Self] =
        &[Self::Eq, Self::Neq, Self::In, Self::Nin, Self::Gt, Self::Gte, Self::Lt, Self::Lte];
    /// Equality, order and patterns.
    pub const TEXT: &'static [Self] = &[
        Self::Eq,
        Self::Neq,
        Self::In,
        Self::Nin,
        Self::Gt,
        Self::Gte,
        Self::Lt,
        Self::Lte,
        Self::Like,
        Self::Contains,
        Self::Prefix,
    ];
    /// None: a column for sorting.
    pub const NONE: &'static [Self] = &[];

    /// Reads the prefix of `gte:5`. Patterns have no prefix: services name them in ways of their own.
    pub fn parse(prefix: &str) -> Option<Self> {
        Some(match prefix {
            "eq" => Self::Eq,
            "neq" => Self::Neq,
            "in" => Self::In,
            "nin" => Self::Nin,
            "gt" => Self::Gt,
            "gte" => Self::Gte,
            "lt" => Self::Lt,
            "lte" => Self::Lte,
            _ => return None,
        })
    }
}

impl List {
    /// Compares a column with what the caller sent. `In` and `Nin` take any number of values, the others match when any
    /// one of them does, as repeated parameters in a query string.
    pub fn filter(
        &mut self,
        name: &str,
        operator: Operator,
        values: &[&str],
    ) -> Result<&mut Self, ListError> {
        let column = self.column(name)?;
        if !column.operators.contains(&operator) {
            return Err(ListError::UnknownOperator { column: column.api, operator });
        }
        let written = match operator {
            Operator::Eq | Operator::In => self.set(column, "IN", values)?,
            Operator::Neq | Operator::Nin => self.set(column, "NOT IN", values)?,
            _ => self.any(column, operator, values)?,
        };
        self.filters.push(written);
        Ok(self)
    }

    /// Compares a column with `in:a,b`, `gte:5`, or a plain value, which must be equal. Where the column does not know an
    /// operator its prefix is part of the value. Values of `in:` may stand in double quotes.
    pub fn filter_asked(&mut self, name: &str, asked: &str) -> Result<&mut Self, ListError> {
        let column = self.column(name)?;
        let operator =
            asked.split_once(':').and_then(|(prefix, rest)| Some((Operator::parse(prefix)?, rest)));
        match operator.filter(|(operator, _)| column.operators.contains(operator)) {
            Some((operator @ (Operator::In | Operator::Nin), rest)) => {
                let values = quoted_list(rest);
                self.filter(name, operator, &values.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Some((operator, rest)) => self.filter(name, operator, &[rest]),
            None => self.filter(name, Operator::Eq, &[asked]),
        }
    }

    fn set(&mut self, column: &'static Column, operator: &str, values: &[&str]) -> Result<String, ListError> {
        if values.is_empty() {
            return Ok(if operator == "IN" { "1 = 0" } else { "1 = 1" }.to_owned());
        }
        let mut places = Vec::with_capacity(values.len());
        for value in values {
            let value = column.read(value)?;
            places.push(self.bind(value));
        }
        Ok(match (operator, places.as_slice()) {
            ("IN", [only]) => format!("{} = {only}", column.sql),
            (_, [only]) => format!("{} <> {only}", column.sql),
            _ => format!("{} {operator} ({})", column.sql, places.join(", ")),
        })
    }

    fn any(
        &mut self,
        column: &'static Column,
        operator: Operator,
        values: &[&str],
    ) -> Result<String, ListError> {
        let mut tests = Vec::with_capacity(values.len());
        for value in values {
            let read = column.read(value)?;
            let (symbol, value) = match operator {
                Operator::Gt => (">", read),
                Operator::Gte => (">=", read),
                Operator::Lt => ("<", read),
                Operator::Lte => ("<=", read),
                Operator::Like => ("LIKE", Value::from(column.pattern(value)?)),
                Operator::Contains => ("LIKE", Value::from(format!("%{}%", escaped(value)))),
                _ => ("LIKE", Value::from(format!("{}%", escaped(value)))),
            };
            let place = self.bind(value);
            let escape = if symbol == "LIKE" { " ESCAPE '\\'" } else { "" };
            tests.push(format!("{} {symbol} {place}{escape}", column.sql));
        }
        Ok(if tests.is_empty() { "1 = 0".to_owned() } else { format!("({})", tests.join(" OR ")) })
    }
}

impl Column {
    /// Reads what a caller sent as a value of this column.
    fn read(&self, text: &str) -> Result<Value, ListError> {
        let value = match self.kind {
            // PostgreSQL has no text with a zero in it.
            Sort::Text => (!text.contains('\0')).then(|| Value::from(text)),
            Sort::Int => text.trim().parse::<i64>().ok().map(Value::from),
            Sort::Real => {
                text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from)
            }
            Sort::Flag => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" | "t" | "y" => Some(Value::from(true)),
                "false" | "0" | "no" | "off" | "f" | "n" => Some(Value::from(false)),
                _ => None,
            },
            Sort::Time => Micros::parse(text).map(Value::from),
        };
        value.ok_or_else(|| ListError::BadValue { column: self.api, value: text.to_owned() })
    }

    /// A caller's own pattern. PostgreSQL refuses one that ends within an escape.
    fn pattern<'a>(&self, text: &'a str) -> Result<&'a str, ListError> {
        let backslashes = text.len() - text.trim_end_matches('\\').len();
        if backslashes % 2 == 1 {
            return Err(ListError::BadValue { column: self.api, value: text.to_owned() });
        }
        Ok(text)
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Splits at commas outside of double quotes, and takes the quotes off.
fn quoted_list(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut quoted = false;
    for letter in text.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => found.push(String::new()),
            other => {
                if let Some(last) = found.last_mut() {
                    last.push(other);
                }
            }
        }
    }
    found
}
