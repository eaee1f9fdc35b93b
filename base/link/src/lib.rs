//! The link between controllers and agents: HTTP/2 over any byte stream.
//!
//! An agent dials and then *serves*; the controller is the HTTP/2 client on that connection. In `drystone up` the
//! stream is an in-memory pipe, elsewhere a Unix socket (and, later, TLS): everything above the stream is the same code.
//!
//! * [`agents`]: the controller's side, [`Agents`]: who is here, and every call to a host
//! * [`host`]: what an agent answers, [`Host`]
//! * [`serve`]: the agent's side of one connection; [`attend`]: dialling again and again
//! * [`dial`]: the pipe and the Unix socket
//! * [`error`]: what may go wrong on either side

pub mod agents;
pub mod attend;
pub mod dial;
pub mod error;
pub mod host;
mod reports;
mod route;
pub mod serve;
mod session;
mod wire;

pub use agents::{Agents, Attendance, Change, Limits};
pub use attend::attend;
pub use dial::{Dial, accept_pipe, accept_socket, listen_socket, pipe, socket};
pub use error::{HostError, LinkError};
pub use host::{Ensured, Host, LedgerEntry, Rank};
pub use serve::serve;
