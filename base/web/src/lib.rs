//! The wire: one table per service lists every operation, and everything about HTTP is done here once.
//!
//! * [`routes`]: the table: method, path, operation, rule or a written reason why it is open, versions
//! * [`ask`] and [`answer`]: a request as a handler sees it, and what it gives back
//! * [`version`]: microversions, negotiated as OpenStack does
//! * [`surface`]: a service's table with its way of writing faults
//! * [`site`]: all services under one port: accept loop, TLS, request ids, authentication, metrics, drain
//! * [`door`]: who sees each request first, on simulated metal
//! * [`schema`]: JSON bodies checked against tables of what is allowed
//!
//! The life of a request: `site` accepts, finds the surface by the path's prefix, `surface` finds the operation,
//! negotiates the version and asks who the caller is; the handler decodes, calls one op, encodes. A fault on the way
//! is written in the service's own envelope.

pub mod answer;
pub mod ask;
pub mod cx;
pub mod door;
pub mod metrics;
pub mod routes;
pub mod schema;
pub mod site;
mod status;
pub mod surface;
pub mod version;

pub use answer::Answer;
pub use ask::{Ask, Query};
pub use cx::Cx;
pub use door::Doorkeeper;
pub use routes::{Routes, op};
pub use site::{Authenticate, Site};
pub use status::status_and_title;
pub use surface::{Mounted, Surface};
pub use version::{Microversions, Version};
