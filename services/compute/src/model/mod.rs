//! Plain data and pure functions: what a server is, what its state means, where it may go. No store, no clock.

pub mod flavor;
pub mod group;
pub mod host;
pub mod keypair;
pub mod network;
pub mod quota;
pub mod scheduler;
pub mod server;
pub mod spec;
