//! The schema of images, step by step.

use store::Migration;

/// Every step, in order. A released step never changes.
pub const MIGRATIONS: &[Migration] =
    &[Migration { number: 1, name: "images", sql: include_str!("../migrations/0001_images.sql") }];
