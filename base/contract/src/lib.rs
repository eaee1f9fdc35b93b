//! What services may ask of each other.
//!
//! Services never import each other: they ask through these traits, whose calls take the caller's transaction, so that
//! one transaction spans services. `wire_up` hands each service the others' contracts. A file a service.

pub mod identity;
pub mod image;
pub mod network;
pub mod placement;

pub use identity::Identity;
pub use image::Images;
pub use network::Networks;
pub use placement::Placement;
