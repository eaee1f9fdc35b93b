//! HTTP and JSON of images: decode, call one op, encode. A file a noun.

pub mod data;
pub mod discovery;
pub mod image;
pub mod member;
pub mod schema;
