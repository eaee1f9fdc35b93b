//! The SQL of placement: a file a noun, functions that take the caller's transaction.

pub mod allocation;
pub mod provider;
