//! The one store: SQL in short, re-runnable closures, on SQLite in one process or PostgreSQL for a cluster.
//!
//! [`Db::read`] and [`Db::write`] run a synchronous closure in one transaction on a thread of the store: nothing can be
//! awaited inside, and a lost race is a loop here and not a 409 somewhere else. The SQL is the subset that both
//! databases understand alike (see the README); [`list`] writes the part of it that a caller's query string decides.

mod copy;
mod db;
mod dialect;
mod error;
pub mod foreign;
mod here;
mod job;
pub mod list;
mod lock;
mod migrate;
mod postgres;
mod queue;
mod row;
mod shared;
mod sqlite;
pub mod testing;
mod tx;
mod value;

pub use db::{Db, Parts};
pub use error::StoreError;
pub use migrate::Migration;
pub use row::{FromValue, Row};
pub use shared::{Change, Listener};
pub use tx::Tx;
pub use value::{Value, ValueRef};
