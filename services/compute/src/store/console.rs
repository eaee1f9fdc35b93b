//! Tokens that open the console of a server. Only their hashes are kept.

use fault::Fault;
use kernel::Micros;
use sha2::{Digest, Sha256};
use store::{Tx, params};

fn hash(token: &str) -> String {
    base16ct::lower::encode_string(&Sha256::digest(token.as_bytes()))
}

/// Keeps a token; those that have ended are forgotten by the way.
pub fn console_put(
    tx: &Tx,
    token: &str,
    server_id: &str,
    kind: &str,
    expires_at: Micros,
) -> Result<(), Fault> {
    tx.execute("DELETE FROM compute_consoles WHERE expires_at < ?1", params![tx.now()])?;
    let sql =
        "INSERT INTO compute_consoles (token_hash, server_id, kind, expires_at) VALUES (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![hash(token), server_id, kind, expires_at]).map(drop)
}

/// The server whose console a token opens.
pub fn console_server(tx: &Tx, token: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT server_id FROM compute_consoles WHERE token_hash = ?1 AND expires_at > ?2";
    tx.query_one(sql, params![hash(token), tx.now()])?.map(|row| row.text(0)).transpose()
}

/// No token opens the console of this server any more.
pub fn consoles_close(tx: &Tx, server_id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM compute_consoles WHERE server_id = ?1", params![server_id]).map(drop)
}
