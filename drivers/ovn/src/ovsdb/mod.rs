//! A small asynchronous OVSDB client (RFC 7047 and `monitor_cond_since`), and a copy of what it monitors.
//!
//! It knows nothing of OVN: a [`Client`] keeps one database of one server in sync, over any number of broken
//! connections, and commits transactions. There is no generated code: a row is columns with [`Datum`]s, as it is in
//! OVSDB itself. Whatever a server sends, the answer is an error at worst.

mod client;
mod datum;
mod frame;
mod replica;
mod schema;

pub use client::{Client, Monitored, OvsdbError};
pub use datum::{Atom, Datum};
pub use frame::{FrameError, Splitter};
pub use replica::{Change, Replica, Row};
pub use schema::Schema;
