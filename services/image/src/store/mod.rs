//! The SQL of images: a file a noun, functions that take the caller's transaction.

pub mod image;
pub mod member;
