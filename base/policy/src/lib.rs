//! Who asks, what they may do, and the language in which operators say so.
//!
//! The language is that of oslo.policy: `role:admin`, `rule:name`, `project_id:%(project_id)s`, `@`, `!`, `and`,
//! `or`, `not` and parentheses. A rule names an operation; the services list theirs in `rules.rs`.

mod check;
mod engine;
mod who;

pub use check::{BadCheck, Check};
pub use engine::{Policy, Rule};
pub use who::{Target, Who};
