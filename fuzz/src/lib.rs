//! Hostile input, made by damaging good input: what strangers can send, at random but repeatable.
//!
//! The tests beside this send it to every parser that reads what a caller without a token, an image or a peer says. Random
//! bytes alone never get past a magic number; so each case starts from something right and is damaged in a few places.
//! `PROPTEST_CASES` says how many cases; a failing one is made as small as it gets and printed with its seed.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// One damage to a string of bytes.
#[derive(Clone, Debug)]
enum Damage {
    /// Another byte.
    Byte(Index, u8),
    /// Numbers of formats: all bits, none, the sign, one, at a place.
    Number(Index, u64, usize),
    /// The end is missing.
    Cut(Index),
    /// A piece stands twice.
    Twice(Index, Index),
    /// Something strange stands in between.
    Insert(Index, Vec<u8>),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Byte(at, byte) => *at.get_mut(bytes) = *byte,
            Self::Number(at, number, width) => {
                let at = at.index(bytes.len());
                let end = (at + width).min(bytes.len());
                bytes[at..end].copy_from_slice(&number.to_be_bytes()[8 - (end - at)..]);
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Twice(from, to) => {
                let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.splice(from..from, piece);
            }
            Self::Insert(at, strange) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, strange.iter().copied());
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let numbers = select(vec![0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, u64::MAX, u64::MAX >> 1, 1 << 63]);
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        4 => (any::<Index>(), numbers, select(vec![1, 2, 4, 8])).prop_map(|(at, number, width)| Damage::Number(at, number, width)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Twice(from, to)),
        1 => (any::<Index>(), vec(any::<u8>(), 1..40)).prop_map(|(at, strange)| Damage::Insert(at, strange)),
    ]
}

/// One of the seeds, with up to a dozen damages; the first `most` bytes are damaged, where a format says what it is.
pub fn damaged(seeds: Vec<Vec<u8>>, most: usize) -> impl Strategy<Value = Vec<u8>> {
    (select(seeds), vec(damage(), 0..12)).prop_map(move |(mut bytes, damages)| {
        let tail = bytes.split_off(most.min(bytes.len()));
        damages.iter().for_each(|damage| damage.apply(&mut bytes));
        bytes.extend(tail);
        bytes
    })
}

/// Text that was damaged; what is no text any more is made one.
pub fn damaged_text(seeds: &[&str]) -> impl Strategy<Value = String> + use<> {
    let seeds = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    damaged(seeds, usize::MAX).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Any JSON, a few levels deep.
pub fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(Value::from),
        select(vec!["", "\u{0}", "id", "name", "default", "password", "../..", "%00", "'"])
            .prop_map(Value::from),
        (1_usize..100_000).prop_map(|length| Value::from("x".repeat(length))),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((select(vec!["id", "name", "domain", "user", "methods", "x"]), inner), 0..6).prop_map(
                |pairs| pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect::<Map<_, _>>()
                    .into()
            ),
        ]
    })
}

/// A good body in which up to four values are others, or gone.
pub fn damaged_body(body: &Value) -> impl Strategy<Value = Value> + use<> {
    let body = body.clone();
    vec((any::<Index>(), proptest::option::of(anything())), 0..4).prop_map(move |changes| {
        let mut body = body.clone();
        for (at, other) in changes {
            let places = places(&body, String::new());
            replace(&mut body, &places[at.index(places.len())], other);
        }
        body
    })
}

/// Where there is a value, as JSON pointers.
fn places(value: &Value, here: String) -> Vec<String> {
    let mut all = vec![here.clone()];
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| {
            all.extend(places(inner, format!("{here}/{}", key.replace('~', "~0").replace('/', "~1"))));
        }),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, inner)| all.extend(places(inner, format!("{here}/{at}"))));
        }
        _ => {}
    }
    all
}

fn replace(body: &mut Value, place: &str, other: Option<Value>) {
    if let Some(other) = other {
        body.pointer_mut(place).into_iter().for_each(|value| *value = other.clone());
    } else if let Some((parent, key)) = place.rsplit_once('/')
        && let Some(Value::Object(map)) = body.pointer_mut(parent)
    {
        map.remove(&key.replace("~1", "/").replace("~0", "~"));
    }
}
