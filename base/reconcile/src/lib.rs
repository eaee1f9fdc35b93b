//! Work that must converge: a row for each thing that somebody wants, and an engine that acts until the world is so.
//!
//! A transaction that changes what is wanted calls [`want`]; the [`Engine`] claims due rows under a lease and drives the
//! [`Reconciler`] of their kind through *snapshot, plan, act, record*. A claim is fenced by its epoch: who lost it writes
//! nothing. Everything else (wake-ups, timers, the other controllers' hints) only makes it quicker. [`harness`] has the
//! two tests that every reconciler must pass.

mod claim;
mod engine;
pub mod harness;
mod live;
mod reconciler;
mod round;
mod work;

pub use engine::Engine;
pub use live::Handle;
pub use reconciler::{Outcome, Reconciler};
pub use round::Step;
pub use work::{
    MIGRATIONS, Summary, WorkRow, backoff, forget, migrate, row, rows, set_data, set_deadline, summary,
    touched, want, want_at,
};
