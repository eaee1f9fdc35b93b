//! Making hosts hold what the store wants, and taking in what they report.

pub mod follow;
pub mod image_copies;
mod outcome;
pub mod places;
pub mod server;
pub mod tombstone;

/// The kind of the work rows of servers.
pub const SERVER: &str = "server";
/// The kind of the work rows of tombstones.
pub const TOMBSTONE: &str = "server_tombstone";
/// What waits for a host waits on this kind and the host's id.
pub const HOST: &str = "host";
/// What waits for a port waits on this kind and the port's id: the network service touches it.
pub const PORT: &str = "port";
