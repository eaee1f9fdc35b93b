//! What every crate stands on: time, randomness and ids that come from a context, so that a test, and the simulated
//! cloud, repeat from a seed; and the lock that keeps others away.

pub mod clock;
pub mod entropy;
pub mod lock;
pub mod stepping;
pub mod time;

pub use clock::Clock;
pub use entropy::Entropy;
pub use lock::{LockError, LockFile};
pub use stepping::{Elsewhere, Expected};
pub use time::Micros;
