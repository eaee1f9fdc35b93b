//! What a host is asked to hold, and the drivers that hold it.
//!
//! The controller owns what is wanted and sends it to an agent as [`Wanted`] objects over the link; the agent owns
//! what is observed and answers with [`Report`]s. Both sides, the real drivers and the simulated ones meet in the
//! types of this crate and nowhere else.
//!
//! * [`object`]: the envelope of everything wanted (kind, id, incarnation, revision) and of every report
//! * [`network`]: networks, ports, routers and security groups as a switch realises them
//! * [`server`]: a virtual machine, its disks, its ports and what its metadata says
//! * [`document`]: JSON that is handed on unread
//! * [`driver`]: the three traits behind which metal is real or simulated
//! * `suite` (feature): the tests that every driver passes

pub mod document;
pub mod driver;
pub mod network;
pub mod object;
pub mod server;
#[cfg(feature = "suite")]
pub mod suite;

pub use document::Document;
pub use driver::{Disks, DriverError, Hypervisor, Switch};
pub use object::{HostFacts, Kind, Observed, Report, Spec, Wanted};
