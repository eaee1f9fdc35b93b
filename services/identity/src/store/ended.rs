//! Rows of what ends by itself and is shown a while longer.

use fault::Fault;
use kernel::Micros;
use store::{Tx, params};

const TABLES: [&str; 3] = ["identity_trusts", "identity_expiring_memberships", "identity_access_tokens"];

/// Whether something ended before that moment.
pub fn any_ended(tx: &Tx, before: Micros) -> Result<bool, Fault> {
    for table in TABLES {
        let sql = format!("SELECT 1 FROM {table} WHERE expires_at < ?1 LIMIT 1");
        if tx.query_one(&sql, params![before])?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes what ended before that moment. A trust never outlives the one that it was handed on from.
pub fn ended_delete(tx: &Tx, before: Micros) -> Result<(), Fault> {
    TABLES.iter().try_for_each(|table| {
        tx.execute(&format!("DELETE FROM {table} WHERE expires_at < ?1"), params![before]).map(drop)
    })
}
