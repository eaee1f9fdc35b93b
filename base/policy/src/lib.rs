//! Who asks, what they may do, and the language in which operators say so.
//!
//! The language is that of oslo.policy: `role:admin`, `rule:name`, `project_id:%(project_id)s`, `@`, `!`, `and`,
//! `or`, `not` and parentheses. A rule names an operation; the services list theirs in `rules.rs`, and an operator says
//! otherwise in a file.

mod access;
mod check;
mod engine;
mod explain;
mod file;
mod parse;
mod rule;
mod who;

pub use access::Access;
pub use check::Check;
pub use engine::{Holds, Notice, Policy};
pub use explain::{Explanation, Need, Way, What};
pub use file::BadFile;
pub use parse::BadCheck;
pub use rule::{Older, Rule, Scope, Scopes};
pub use who::{Target, Who};
