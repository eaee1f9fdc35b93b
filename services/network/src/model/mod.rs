//! Plain data and pure functions: what things are, what bodies must be, what follows from what.

pub mod address;
pub mod agent;
pub mod attribute;
pub mod check;
pub mod extension;
pub mod faults;
pub mod floating_ip;
pub mod listing;
pub mod network;
pub mod port;
pub mod python;
pub mod quota;
pub mod rbac;
pub mod router;
pub mod rule;
pub mod security_group;
pub mod subnet;
pub mod subnet_pool;

use serde_json::{Map, Value};

/// A thing of the API: what its body says.
pub trait Body {
    /// Its sort.
    const NOUN: &'static attribute::Noun;
    /// All that its body may say, in order.
    fn body(&self) -> Map<String, Value>;
    /// Its owner.
    fn owner(&self) -> &str;
}

/// Builds an object from pairs, in order.
macro_rules! object {
    ($($key:literal: $value:expr),* $(,)?) => {{
        let mut map = serde_json::Map::new();
        $(map.insert($key.to_owned(), serde_json::json!($value));)*
        map
    }};
}
pub(crate) use object;
