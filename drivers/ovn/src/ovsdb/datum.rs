//! Values of OVSDB: a column holds a set or a map of atoms, and a scalar is a set of one.
//!
//! That is OVSDB's own view of its data, and it makes values comparable: the wire writes a set of one in two ways.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The smallest value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A real number, by its bits.
    Real(u64),
    /// A string.
    Text(String),
    /// A row.
    Uuid(String),
    /// A row that the same transaction inserts, by the name it gives it.
    Named(String),
}

impl Atom {
    /// Reads an atom as the wire writes it.
    pub fn decode(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(Self::Bool(*flag)),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Some(Self::Integer(integer)),
                None => number.as_f64().map(|real| Self::Real(real.to_bits())),
            },
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(tag), Value::String(uuid)] if tag == "uuid" => Some(Self::Uuid(uuid.clone())),
                [Value::String(tag), Value::String(name)] if tag == "named-uuid" => {
                    Some(Self::Named(name.clone()))
                }
                _ => None,
            },
            Value::Null | Value::Object(_) => None,
        }
    }

    /// Writes it for the wire.
    pub fn encode(&self) -> Value {
        match self {
            Self::Bool(flag) => json!(flag),
            Self::Integer(integer) => json!(integer),
            Self::Real(bits) => json!(f64::from_bits(*bits)),
            Self::Text(text) => json!(text),
            Self::Uuid(uuid) => json!(["uuid", uuid]),
            Self::Named(name) => json!(["named-uuid", name]),
        }
    }

    /// The string, if it is one.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The row, if it is one.
    pub fn uuid(&self) -> Option<&str> {
        if let Self::Uuid(uuid) = self { Some(uuid) } else { None }
    }
}

impl From<&str> for Atom {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Atom {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Atom {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<bool> for Atom {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

/// What a column of a row holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// Any number of atoms; a scalar is one.
    Set(BTreeSet<Atom>),
    /// Keys with values.
    Map(BTreeMap<Atom, Atom>),
}

impl Datum {
    /// One atom.
    pub fn one(atom: impl Into<Atom>) -> Self {
        Self::Set(BTreeSet::from([atom.into()]))
    }

    /// Any number of atoms.
    pub fn set<A: Into<Atom>>(atoms: impl IntoIterator<Item = A>) -> Self {
        Self::Set(atoms.into_iter().map(Into::into).collect())
    }

    /// A map of strings.
    pub fn map<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(
            pairs
                .into_iter()
                .map(|(key, value)| (Atom::Text(key.into()), Atom::Text(value.into())))
                .collect(),
        )
    }

    /// Reads a datum as the wire writes it.
    pub fn decode(value: &Value) -> Option<Self> {
        if let Value::Array(pair) = value
            && let [Value::String(tag), Value::Array(items)] = pair.as_slice()
        {
            return match tag.as_str() {
                "set" => Some(Self::Set(items.iter().map(Atom::decode).collect::<Option<_>>()?)),
                "map" => Some(Self::Map(items.iter().map(decode_pair).collect::<Option<_>>()?)),
                _ => None,
            };
        }
        Some(Self::Set(BTreeSet::from([Atom::decode(value)?])))
    }

    /// Writes it for the wire.
    pub fn encode(&self) -> Value {
        match self {
            Self::Set(atoms) => match (atoms.len(), atoms.first()) {
                (1, Some(atom)) => atom.encode(),
                _ => json!(["set", atoms.iter().map(Atom::encode).collect::<Vec<_>>()]),
            },
            Self::Map(pairs) => {
                let pairs: Vec<Value> =
                    pairs.iter().map(|(key, value)| json!([key.encode(), value.encode()])).collect();
                json!(["map", pairs])
            }
        }
    }

    /// The atoms of a set; none of a map.
    pub fn atoms(&self) -> impl Iterator<Item = &Atom> {
        match self {
            Self::Set(atoms) => Some(atoms.iter()),
            Self::Map(_) => None,
        }
        .into_iter()
        .flatten()
    }

    /// The set holds this row.
    pub fn holds_row(&self, uuid: &str) -> bool {
        matches!(self, Self::Set(atoms) if atoms.contains(&Atom::Uuid(uuid.to_owned())))
    }

    /// The string under a key of a map of strings.
    pub fn get(&self, key: &str) -> Option<&str> {
        match self {
            Self::Map(pairs) => pairs.get(&Atom::Text(key.to_owned())).and_then(Atom::text),
            Self::Set(_) => None,
        }
    }

    /// Applies a difference as `update2` and `update3` write it: what is in one of two sets only, the pairs of a
    /// map that came, went or changed.
    pub fn apply(&mut self, difference: Self) {
        match (self, difference) {
            (Self::Set(atoms), Self::Set(changed)) => {
                for atom in changed {
                    if !atoms.remove(&atom) {
                        atoms.insert(atom);
                    }
                }
            }
            (Self::Map(pairs), Self::Map(changed)) => {
                for (key, value) in changed {
                    if pairs.get(&key) == Some(&value) {
                        pairs.remove(&key);
                    } else {
                        pairs.insert(key, value);
                    }
                }
            }
            (slot, other) => *slot = other,
        }
    }
}

fn decode_pair(value: &Value) -> Option<(Atom, Atom)> {
    match value.as_array().map(Vec::as_slice) {
        Some([key, value]) => Some((Atom::decode(key)?, Atom::decode(value)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_and_a_set_of_one_are_the_same() {
        assert_eq!(Datum::decode(&json!("x")), Datum::decode(&json!(["set", ["x"]])));
        assert_eq!(Datum::decode(&json!(["uuid", "u"])), Some(Datum::one(Atom::Uuid("u".into()))));
        assert_eq!(Datum::decode(&json!(["set", []])), Some(Datum::Set(BTreeSet::new())));
    }

    #[test]
    fn nonsense_is_no_datum() {
        for value in
            [json!(null), json!({}), json!(["set"]), json!(["map", [["k"]]]), json!(["bag", []]), json!([1])]
        {
            assert_eq!(Datum::decode(&value), None, "{value}");
        }
    }

    #[test]
    fn differences_toggle() {
        let mut ports = Datum::set(["a", "b"]);
        ports.apply(Datum::set(["b", "c"]));
        assert_eq!(ports, Datum::set(["a", "c"]));
        let mut ids = Datum::map([("k", "1"), ("l", "2")]);
        ids.apply(Datum::map([("k", "9"), ("l", "2"), ("m", "3")]));
        assert_eq!(ids, Datum::map([("k", "9"), ("m", "3")]));
    }
}
