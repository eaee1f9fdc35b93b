//! Keys that seal tokens and credentials, in two rings. A ring is what a Fernet key repository is: the highest number is
//! primary, 0 is staged.

use crate::model::fernet::Key;
use fault::Fault;
use std::time::Duration;
use store::{Tx, params};

/// A ring of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ring {
    /// Those of tokens.
    Tokens,
    /// Those of the secrets in credentials.
    Credentials,
}

impl Ring {
    const fn table(self) -> &'static str {
        match self {
            Self::Tokens => "identity_keys",
            Self::Credentials => "identity_credential_keys",
        }
    }
}

/// The keys of a ring, primary first.
pub fn keys(tx: &Tx, ring: Ring) -> Result<Vec<Key>, Fault> {
    let sql = format!("SELECT secret FROM {} ORDER BY number DESC", ring.table());
    let rows = tx.query(&sql, params![])?;
    rows.iter()
        .map(|row| Key::of(&row.blob(0)?).ok_or_else(|| Fault::bug("a key has not 32 bytes")))
        .collect()
}

/// Rotates a ring as a Fernet repository does: the staged key 0 becomes the primary one, and a new one is staged. A key
/// that has not been primary for `life` goes: what it sealed has ended. On an empty ring it makes a primary and a staged
/// key.
pub fn keys_rotate(tx: &Tx, ring: Ring, life: Duration) -> Result<(), Fault> {
    let table = ring.table();
    let highest = tx.query_one(&format!("SELECT MAX(number) FROM {table}"), params![])?;
    let highest = highest.map_or(Ok(None), |row| row.opt_int(0))?;
    match highest {
        None => key_insert(tx, ring, 1)?,
        Some(highest) => {
            let sql = format!("DELETE FROM {table} WHERE number > 0 AND number < ?1 AND used_at < ?2");
            tx.execute(&sql, params![highest, tx.now().minus(life)])?;
            let sql = format!("UPDATE {table} SET used_at = ?2 WHERE number = ?1");
            tx.execute(&sql, params![highest, tx.now()])?;
            let sql = format!("UPDATE {table} SET number = ?1 WHERE number = 0");
            tx.execute(&sql, params![highest + 1])?;
        }
    }
    key_insert(tx, ring, 0)
}

/// Whether a ring was not rotated for `interval`: as long as that the staged key has waited.
pub fn keys_are_due(tx: &Tx, ring: Ring, interval: Duration) -> Result<bool, Fault> {
    let staged =
        tx.query_one(&format!("SELECT made_at FROM {} WHERE number = 0", ring.table()), params![])?;
    let rotated_at = staged.map(|row| row.at(0)).transpose()?;
    Ok(rotated_at.is_some_and(|at| at.plus(interval) <= tx.now()))
}

/// Makes the keys anew: nothing that was sealed with the former ones can be opened.
pub fn keys_replace(tx: &Tx, ring: Ring) -> Result<(), Fault> {
    tx.execute(&format!("DELETE FROM {}", ring.table()), params![])?;
    keys_rotate(tx, ring, Duration::ZERO)
}

/// Puts keys of somebody else below the primary one, which stays so: what they sealed can be opened. `theirs` has their
/// primary first. Says how many were new.
pub fn keys_take(tx: &Tx, ring: Ring, theirs: &[Key]) -> Result<usize, Fault> {
    let own = keys(tx, ring)?;
    let new: Vec<&Key> = theirs.iter().filter(|key| !own.contains(key)).collect();
    let table = ring.table();
    let primary = tx.query_one(&format!("SELECT MAX(number) FROM {table}"), params![])?;
    let primary = primary.map_or(Ok(None), |row| row.opt_int(0))?.unwrap_or(0);
    let count = i64::try_from(new.len()).unwrap_or(i64::MAX);
    let sql = format!("UPDATE {table} SET number = ?2 WHERE number = ?1");
    tx.execute(&sql, params![primary, primary + count])?;
    let sql = format!("INSERT INTO {table} (number, secret, made_at, used_at) VALUES (?1, ?2, ?3, ?3)");
    for (number, key) in (primary..).zip(new.iter().rev()) {
        tx.execute(&sql, params![number, key.bytes().to_vec(), tx.now()])?;
    }
    Ok(new.len())
}

fn key_insert(tx: &Tx, ring: Ring, number: i64) -> Result<(), Fault> {
    let sql =
        format!("INSERT INTO {} (number, secret, made_at, used_at) VALUES (?1, ?2, ?3, ?3)", ring.table());
    tx.execute(&sql, params![number, tx.entropy().bytes::<32>().to_vec(), tx.now()]).map(drop)
}
