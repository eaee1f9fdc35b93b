//! SQL, a file a noun: functions that take the caller's transaction.

pub mod action;
pub mod aggregate;
pub mod console;
pub mod counter;
pub mod flavor;
pub mod group;
pub mod host;
pub mod keypair;
pub mod quota;
pub mod server;
pub mod tombstone;
