//! The network engine: Open vSwitch and OVN behind the trait [`metal::Switch`].
//!
//! The map:
//!
//! | file | owns |
//! |---|---|
//! | `ovsdb/` | the database client and its copy of the tables; knows nothing of OVN |
//! | `rows` | the difference between wanted and present rows, as one transaction |
//! | `chassis` | the two databases that are written, and what they say of this host |
//! | `network` `port` `router` `security_group` | what each object is in OVN's Northbound database |
//! | `plug` `metadata` `outside` `masquerade` | what belongs to it on the host: taps, namespaces, the link outwards |
//! | `range` | the addresses of that link: clouds of one host share none |
//! | `daemons/` | private daemons: started, adopted, supervised, taken away |
//! | `namespace` `place` `config` | the `ip` command, names and paths, the operator's choices |
//! | `switch` | the trait |

mod chassis;
mod config;
mod daemons;
mod masquerade;
mod metadata;
mod namespace;
mod network;
mod outside;
pub mod ovsdb;
mod place;
mod plug;
mod port;
mod range;
mod router;
mod rows;
mod security_group;
mod switch;

pub use config::{Config, Datapath, Engine};
pub use daemons::{Daemons, PACKAGES, StartError};
pub use range::{Range, free_range};
pub use switch::Ovn;
