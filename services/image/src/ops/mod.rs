//! The rules of the image service. A file a noun; each op is one transaction, except that data is copied outside of any.

pub mod data;
pub mod image;
pub mod member;
