//! Rows behind tokens: keys, single revocations, and the epoch that tells caches when to look again.

use crate::model::fernet::Key;
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

/// The keys, primary first.
pub fn keys(tx: &Tx) -> Result<Vec<Key>, Fault> {
    let rows = tx.query("SELECT secret FROM identity_keys ORDER BY number DESC", params![])?;
    rows.iter()
        .map(|row| Key::of(&row.blob(0)?).ok_or_else(|| Fault::bug("a token key has not 32 bytes")))
        .collect()
}

/// Rotates the keys as a Fernet repository does: the staged key 0 becomes the primary one, a new one is staged, and
/// beyond `keep` keys the oldest goes. On an empty store it makes a primary and a staged key.
pub fn keys_rotate(tx: &Tx, keep: usize) -> Result<(), Fault> {
    let highest = tx.query_one("SELECT MAX(number) FROM identity_keys", params![])?;
    let highest = highest.map_or(Ok(None), |row| row.opt_int(0))?;
    let now = tx.now();
    let insert = "INSERT INTO identity_keys (number, secret, made_at) VALUES (?1, ?2, ?3)";
    match highest {
        None => {
            tx.execute(insert, params![1_i64, tx.entropy().bytes::<32>().to_vec(), now])?;
        }
        Some(highest) => {
            tx.execute("UPDATE identity_keys SET number = ?1 WHERE number = 0", params![highest + 1])?;
        }
    }
    tx.execute(insert, params![0_i64, tx.entropy().bytes::<32>().to_vec(), now])?;
    let numbers = tx.query("SELECT number FROM identity_keys WHERE number > 0 ORDER BY number", params![])?;
    for row in numbers.iter().take((numbers.len() + 1).saturating_sub(keep)) {
        tx.execute("DELETE FROM identity_keys WHERE number = ?1", params![row.int(0)?])?;
    }
    epoch_advance(tx)
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
