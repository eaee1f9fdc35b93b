//! The host side: an agent holds what its controllers want of this host, and tells them what is the case.
//!
//! What is wanted is kept in a ledger on disk ([`ledger`]), so that a host needs no controller to go on, and a
//! restarted agent takes up its running machines as they are. Tasks compare the ledger with the metal and change the
//! metal ([`converge`]), through the drivers behind the traits of `metal`; reports are kept for whoever reads them
//! ([`board`]). Guests are answered by [`metadata`]. Controllers reach all this through [`link::Host`] ([`host`]).

mod board;
mod converge;
mod core;
mod destroy;
mod home;
mod host;
mod identity;
mod inventory;
mod ledger;
mod limit;
pub mod metadata;
mod status;

pub use core::{Agent, Parts};
pub use home::Home;
