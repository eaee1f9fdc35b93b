//! Who asks, what they may do, and the language in which operators say so.
//!
//! The language is that of oslo.policy: `role:admin`, `rule:name`, `project_id:%(project_id)s`, `@`, `!`, `and`,
//! `or`, `not` and parentheses. A rule names an operation; the services list theirs in `rules.rs`.

mod access;
mod check;
mod engine;
mod who;

pub use access::Access;
pub use check::{BadCheck, Check};
pub use engine::{Policy, Rule};
pub use who::{Target, Who};

/// A service's table of rules: for each line `IDENT "name" "default" "about";` a static, and `ALL` with every one.
#[macro_export]
macro_rules! rules {
    ($($ident:ident $name:literal $default:tt $about:literal;)*) => {
        $(#[doc = $about] pub static $ident: $crate::Rule = $crate::Rule { name: $name, default: $default, about: $about };)*

        /// Every rule.
        pub static ALL: &[$crate::Rule] = &[$($crate::Rule { name: $name, default: $default, about: $about }),*];
    };
}
