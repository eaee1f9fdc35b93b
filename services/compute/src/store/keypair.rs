//! Key pairs, by their user.

use crate::model::keypair::Keypair;
use crate::store::counter;
use fault::Fault;
use store::{Row, Tx, params};

const COLUMNS: &str = "number, user_id, name, kind, public_key, fingerprint, created_at";

fn read(row: &Row) -> Result<Keypair, Fault> {
    Ok(Keypair {
        number: row.int(0)?,
        user_id: row.text(1)?,
        name: row.text(2)?,
        kind: row.text(3)?,
        public_key: row.text(4)?,
        fingerprint: row.text(5)?,
        created_at: row.at(6)?,
    })
}

/// The user's key pair of this name.
pub fn keypair_by_name(tx: &Tx, user_id: &str, name: &str) -> Result<Option<Keypair>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM compute_keypairs WHERE user_id = ?1 AND name = ?2");
    tx.query_one(&sql, params![user_id, name])?.map(|row| read(&row)).transpose()
}

/// The user's key pairs by name, those after `marker` only.
pub fn keypair_list(tx: &Tx, user_id: &str, marker: &str, limit: i64) -> Result<Vec<Keypair>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM compute_keypairs WHERE user_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3"
    );
    tx.query(&sql, params![user_id, marker, limit])?.iter().map(read).collect()
}

/// How many key pairs the user has.
pub fn keypair_count(tx: &Tx, user_id: &str) -> Result<i64, Fault> {
    let row = tx.query_one("SELECT count(*) FROM compute_keypairs WHERE user_id = ?1", params![user_id])?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Adds a key pair; its number is chosen here.
pub fn keypair_insert(tx: &Tx, pair: &Keypair) -> Result<(), Fault> {
    let sql = format!("INSERT INTO compute_keypairs ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let number = counter::next(tx, "keypair")?;
    tx.execute(
        &sql,
        params![
            number,
            &pair.user_id,
            &pair.name,
            &pair.kind,
            &pair.public_key,
            &pair.fingerprint,
            pair.created_at
        ],
    )
    .map(drop)
}

/// Deletes a key pair; false if there was none.
pub fn keypair_delete(tx: &Tx, user_id: &str, name: &str) -> Result<bool, Fault> {
    let sql = "DELETE FROM compute_keypairs WHERE user_id = ?1 AND name = ?2";
    Ok(tx.execute(sql, params![user_id, name])? > 0)
}
