//! The tables of this service, in the order in which they came.

use store::Migration;

/// Every migration. Once released one never changes.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "network", sql: include_str!("../migrations/0001_network.sql") },
    Migration { number: 2, name: "first-host", sql: include_str!("../migrations/0002_first_host.sql") },
    Migration { number: 3, name: "cursors", sql: include_str!("../migrations/0003_cursors.sql") },
];
