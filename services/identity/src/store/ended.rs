//! Rows of what ends by itself and is of no use then. Access tokens of OAuth 1.0 stay: EC2 keys that name one outlive it.

use fault::Fault;
use kernel::Micros;
use store::{Tx, params};

const TABLES: [&str; 2] = ["identity_trusts", "identity_expiring_memberships"];

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

/// Removes what ended before that moment. No token lives by it any more.
pub fn ended_delete(tx: &Tx, before: Micros) -> Result<(), Fault> {
    TABLES.iter().try_for_each(|table| {
        tx.execute(&format!("DELETE FROM {table} WHERE expires_at < ?1"), params![before]).map(drop)
    })
}
