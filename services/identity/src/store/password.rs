//! Rows of the passwords that users had.

use fault::Fault;
use store::{Tx, params};

/// The hashes of the last passwords of a user, youngest first, without the present one.
pub fn past_passwords(tx: &Tx, user_id: &str, count: usize) -> Result<Vec<String>, Fault> {
    let sql = "SELECT password_hash FROM identity_past_passwords WHERE user_id = ?1 ORDER BY number DESC";
    tx.query(sql, params![user_id])?.iter().take(count).map(|row| row.text(0)).collect()
}

/// The user had the password; older ones than `keep` are forgotten.
pub fn past_password_add(tx: &Tx, user_id: &str, hash: &str, keep: usize) -> Result<(), Fault> {
    let sql = "SELECT MAX(number) FROM identity_past_passwords WHERE user_id = ?1";
    let number =
        tx.query_one(sql, params![user_id])?.map_or(Ok(None), |row| row.opt_int(0))?.unwrap_or(0) + 1;
    let sql = "INSERT INTO identity_past_passwords (user_id, number, password_hash) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![user_id, number, hash])?;
    let oldest = number - i64::try_from(keep).unwrap_or(i64::MAX);
    let sql = "DELETE FROM identity_past_passwords WHERE user_id = ?1 AND number <= ?2";
    tx.execute(sql, params![user_id, oldest]).map(drop)
}

/// The user is gone.
pub fn past_passwords_delete(tx: &Tx, user_id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_past_passwords WHERE user_id = ?1", params![user_id]).map(drop)
}
