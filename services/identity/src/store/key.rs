//! Keys that seal or sign tokens and seal credentials, in three rings. A ring is what a Fernet key repository is: the
//! highest number is primary, 0 is staged.

use crate::model::fernet::Key;
use crate::model::jws::{Pair, PublicKey};
use fault::Fault;
use std::time::Duration;
use store::{Tx, params};

/// A ring of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ring {
    /// Those that seal tokens.
    Tokens,
    /// Those that sign tokens.
    Signing,
    /// Those of the secrets in credentials.
    Credentials,
}

impl Ring {
    const fn table(self) -> &'static str {
        match self {
            Self::Tokens => "identity_keys",
            Self::Signing => "identity_signing_keys",
            Self::Credentials => "identity_credential_keys",
        }
    }
}

/// The keys of a ring that seals, primary first.
pub fn keys(tx: &Tx, ring: Ring) -> Result<Vec<Key>, Fault> {
    let sql = format!("SELECT secret FROM {} ORDER BY number DESC", ring.table());
    let rows = tx.query(&sql, params![])?;
    rows.iter()
        .map(|row| Key::of(&row.blob(0)?).ok_or_else(|| Fault::bug("a key has not 32 bytes")))
        .collect()
}

/// The public keys of those that sign, primary first.
pub fn public_keys(tx: &Tx) -> Result<Vec<PublicKey>, Fault> {
    let rows = tx.query("SELECT public FROM identity_signing_keys ORDER BY number DESC", params![])?;
    rows.iter()
        .map(|row| PublicKey::of(&row.blob(0)?).ok_or_else(|| Fault::bug("a public key is none")))
        .collect()
}

/// The key that signs, if there is one.
pub fn signing_key(tx: &Tx) -> Result<Option<Pair>, Fault> {
    let row =
        tx.query_one("SELECT secret FROM identity_signing_keys ORDER BY number DESC LIMIT 1", params![])?;
    let Some(secret) = row.map(|row| row.blob(0)).transpose()? else { return Ok(None) };
    let pair = <[u8; 32]>::try_from(secret.as_slice()).ok().and_then(Pair::of);
    pair.map(Some).ok_or_else(|| Fault::bug("a signing key is none"))
}

/// Whether a ring has keys.
pub fn keys_exist(tx: &Tx, ring: Ring) -> Result<bool, Fault> {
    Ok(tx.query_one(&format!("SELECT 1 FROM {} LIMIT 1", ring.table()), params![])?.is_some())
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
    let first = room_below_primary(tx, ring, new.len())?;
    for (number, key) in (first..).zip(new.iter().rev()) {
        sealing_key_insert(tx, ring, number, key.bytes())?;
    }
    Ok(new.len())
}

/// Puts public keys of somebody else below the primary one: what was signed there can be checked. Says how many were new.
pub fn public_keys_take(tx: &Tx, theirs: &[PublicKey]) -> Result<usize, Fault> {
    let own = public_keys(tx)?;
    let new: Vec<&PublicKey> = theirs.iter().filter(|key| !own.contains(key)).collect();
    let first = room_below_primary(tx, Ring::Signing, new.len())?;
    for (number, key) in (first..).zip(&new) {
        signing_key_insert(tx, number, &[], key)?;
    }
    Ok(new.len())
}

/// Moves the primary key up, so that so many fit below it. Says the first number that is free.
fn room_below_primary(tx: &Tx, ring: Ring, count: usize) -> Result<i64, Fault> {
    let table = ring.table();
    let primary = tx.query_one(&format!("SELECT MAX(number) FROM {table}"), params![])?;
    let primary = primary.map_or(Ok(None), |row| row.opt_int(0))?.unwrap_or(0);
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    tx.execute(
        &format!("UPDATE {table} SET number = ?2 WHERE number = ?1"),
        params![primary, primary + count],
    )?;
    Ok(primary)
}

/// How many random numbers are tried for a private key, nearly each of which is good for one.
const TRIES: usize = 8;

fn key_insert(tx: &Tx, ring: Ring, number: i64) -> Result<(), Fault> {
    match ring {
        Ring::Tokens | Ring::Credentials => sealing_key_insert(tx, ring, number, &tx.entropy().bytes()),
        Ring::Signing => {
            let pair = (0..TRIES).find_map(|_| Pair::of(tx.entropy().bytes()));
            let pair = pair.ok_or_else(|| Fault::bug("no random number is a key"))?;
            signing_key_insert(tx, number, pair.secret(), pair.public())
        }
    }
}

fn sealing_key_insert(tx: &Tx, ring: Ring, number: i64, secret: &[u8; 32]) -> Result<(), Fault> {
    let sql =
        format!("INSERT INTO {} (number, secret, made_at, used_at) VALUES (?1, ?2, ?3, ?3)", ring.table());
    tx.execute(&sql, params![number, secret.to_vec(), tx.now()]).map(drop)
}

/// `secret` is empty of a key whose private half somebody else has.
fn signing_key_insert(tx: &Tx, number: i64, secret: &[u8], public: &PublicKey) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_signing_keys (number, secret, public, made_at, used_at) VALUES (?1, ?2, ?3, ?4, ?4)";
    tx.execute(sql, params![number, secret.to_vec(), public.bytes(), tx.now()]).map(drop)
}
