//! The tables of this service, as numbered steps that never change once released.

use store::Migration;

/// All steps.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first", sql: include_str!("../migrations/0001_first.sql") },
    Migration { number: 2, name: "usage", sql: include_str!("../migrations/0002_usage.sql") },
    Migration { number: 3, name: "server order", sql: include_str!("../migrations/0003_server_order.sql") },
];
