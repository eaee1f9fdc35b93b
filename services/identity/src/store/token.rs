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

/// The token with this audit id is revoked; with `chain`, so is what was made of it, be it revoked by itself already.
pub fn token_revoke(tx: &Tx, audit_id: &str, chain: bool, expires_at: Micros) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_revoked_tokens (audit_id, chain, expires_at) VALUES (?1, ?2, ?3) \
               ON CONFLICT (audit_id) DO UPDATE SET chain = 1 WHERE excluded.chain = 1";
    tx.execute(sql, params![audit_id, chain, expires_at])?;
    epoch_advance(tx)
}

/// Revocations of tokens that had ended by then are forgotten.
pub fn revocations_forget(tx: &Tx, ended: Micros) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_revoked_tokens WHERE expires_at < ?1", params![ended]).map(drop)
}

/// Whether a token is revoked: by its own audit id, or with all that was made of the first one of its chain.
pub fn is_revoked(tx: &Tx, own: &str, first: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM identity_revoked_tokens WHERE audit_id = ?1 OR (audit_id = ?2 AND chain = 1)";
    Ok(tx.query_one(sql, params![own, first])?.is_some())
}
