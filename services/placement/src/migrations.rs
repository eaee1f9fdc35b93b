//! The schema of placement, step by step.

use store::Migration;

/// Every step, in order. A released step never changes.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "placement", sql: include_str!("../migrations/0001_placement.sql") },
    Migration { number: 2, name: "room", sql: include_str!("../migrations/0002_room.sql") },
];
