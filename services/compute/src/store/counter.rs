//! Numbers that rise: the ids of old microversions.

use fault::Fault;
use store::{Tx, params};

/// The next number of this name, from 1.
pub fn next(tx: &Tx, name: &str) -> Result<i64, Fault> {
    let sql = "INSERT INTO compute_counters (name, value) VALUES (?1, 1)
               ON CONFLICT (name) DO UPDATE SET value = compute_counters.value + 1 RETURNING value";
    let row = tx.query_one(sql, params![name])?;
    row.ok_or_else(|| Fault::bug("a counter gave no number"))?.int(0)
}
