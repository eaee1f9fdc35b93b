//! Plain data of images and pure functions on it.

pub mod image;
pub mod member;
pub mod patch;
