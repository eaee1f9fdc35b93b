//! What must not be on a host any more, until the host says that it is gone.

use fault::Fault;
use store::{Tx, params};

/// A tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The server.
    pub server_id: String,
    /// The host.
    pub host_id: String,
    /// The life of the server that must end.
    pub incarnation: i64,
    /// The tombstone's own revision: higher than all before.
    pub revision: i64,
    /// The host said that it is gone.
    pub gone: bool,
}

impl Tombstone {
    /// The id of its work row.
    pub fn key(&self) -> String {
        key(&self.server_id, &self.host_id)
    }
}

/// The id of the work row of a tombstone.
pub fn key(server_id: &str, host_id: &str) -> String {
    format!("{server_id}@{host_id}")
}

/// Makes or raises a tombstone.
pub fn tombstone_put(tx: &Tx, tombstone: &Tombstone) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO compute_tombstones (server_id, host_id, incarnation, revision, gone, created_at)
         VALUES (?1, ?2, ?3, ?4, 0, ?5) ON CONFLICT (server_id, host_id) DO UPDATE SET
             incarnation = excluded.incarnation, revision = excluded.revision, gone = 0",
        params![
            &tombstone.server_id,
            &tombstone.host_id,
            tombstone.incarnation,
            tombstone.revision,
            tx.now()
        ],
    )
    .map(drop)
}

/// The tombstone of a server on a host.
pub fn tombstone(tx: &Tx, server_id: &str, host_id: &str) -> Result<Option<Tombstone>, Fault> {
    let sql =
        "SELECT incarnation, revision, gone FROM compute_tombstones WHERE server_id = ?1 AND host_id = ?2";
    let row = tx.query_one(sql, params![server_id, host_id])?;
    row.map(|row| {
        Ok(Tombstone {
            server_id: server_id.to_owned(),
            host_id: host_id.to_owned(),
            incarnation: row.int(0)?,
            revision: row.int(1)?,
            gone: row.flag(2)?,
        })
    })
    .transpose()
}

/// The host says that it is gone: true if there was a tombstone that this answers.
pub fn tombstone_gone(
    tx: &Tx,
    server_id: &str,
    host_id: &str,
    incarnation: i64,
    revision: i64,
) -> Result<bool, Fault> {
    let sql = "UPDATE compute_tombstones SET gone = 1 WHERE server_id = ?1 AND host_id = ?2
               AND (incarnation < ?3 OR (incarnation = ?3 AND revision <= ?4))";
    Ok(tx.execute(sql, params![server_id, host_id, incarnation, revision])? > 0)
}

/// Nothing is left to do about it.
pub fn tombstone_drop(tx: &Tx, server_id: &str, host_id: &str) -> Result<(), Fault> {
    let sql = "DELETE FROM compute_tombstones WHERE server_id = ?1 AND host_id = ?2";
    tx.execute(sql, params![server_id, host_id]).map(drop)
}

/// The servers that a host must give up.
pub fn tombstones_on(tx: &Tx, host_id: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT server_id FROM compute_tombstones WHERE host_id = ?1 ORDER BY server_id";
    tx.query(sql, params![host_id])?.iter().map(|row| row.text(0)).collect()
}
