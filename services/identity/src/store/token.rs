//! Rows behind tokens: single revocations, and the epoch that tells caches when to look again.

use fault::Fault;
use kernel::Micros;
use store::{Tx, params};

/// The epoch: it rises with every change of what a token may stand for.
pub fn epoch(tx: &Tx) -> Result<i64, Fault> {
    let row = tx.query_one("SELECT epoch FROM identity_epoch WHERE id = 1", params![])?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Something changed that a token may stand for.
pub fn epoch_advance(tx: &Tx) -> Result<(), Fault> {
    tx.execute("UPDATE identity_epoch SET epoch = epoch + 1 WHERE id = 1", params![])?;
    tx.changed("identity", "epoch");
    Ok(())
}

/// The token with this audit id is revoked. What has expired is forgotten on the way.
pub fn token_revoke(tx: &Tx, audit_id: &str, expires_at: Micros) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_revoked_tokens WHERE expires_at < ?1", params![tx.now()])?;
    let sql =
        "INSERT INTO identity_revoked_tokens (audit_id, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    tx.execute(sql, params![audit_id, expires_at])?;
    epoch_advance(tx)
}

/// Whether the token with this audit id is revoked.
pub fn is_revoked(tx: &Tx, audit_id: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM identity_revoked_tokens WHERE audit_id = ?1";
    Ok(tx.query_one(sql, params![audit_id])?.is_some())
}
