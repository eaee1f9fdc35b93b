//! Host aggregates, and the availability zones that they make.

use crate::model::host::Aggregate;
use crate::store::counter;
use fault::Fault;
use store::{Row, Tx, params};

const COLUMNS: &str = "number, id, name, zone, metadata, created_at, updated_at";

fn read(tx: &Tx, row: &Row) -> Result<Aggregate, Fault> {
    let number = row.int(0)?;
    let sql = "SELECT host FROM compute_aggregate_hosts WHERE aggregate = ?1 ORDER BY host";
    let hosts = tx.query(sql, params![number])?.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
    Ok(Aggregate {
        number,
        id: row.text(1)?,
        name: row.text(2)?,
        zone: row.opt_text(3)?,
        metadata: row.json(4)?,
        hosts,
        created_at: row.at(5)?,
        updated_at: row.opt_at(6)?,
    })
}

/// All aggregates.
pub fn aggregate_list(tx: &Tx) -> Result<Vec<Aggregate>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM compute_aggregates ORDER BY number");
    tx.query(&sql, &[])?.iter().map(|row| read(tx, row)).collect()
}

/// The aggregate of this number.
pub fn aggregate_by_number(tx: &Tx, number: i64) -> Result<Option<Aggregate>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM compute_aggregates WHERE number = ?1");
    tx.query_one(&sql, params![number])?.map(|row| read(tx, &row)).transpose()
}

/// Adds an aggregate; answers it.
pub fn aggregate_insert(
    tx: &Tx,
    name: &str,
    zone: Option<&str>,
    metadata: &serde_json::Value,
) -> Result<i64, Fault> {
    let number = counter::next(tx, "aggregate")?;
    tx.execute(
        "INSERT INTO compute_aggregates (number, id, name, zone, metadata, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![number, tx.entropy().dashed_id(), name, zone, metadata, tx.now()],
    )?;
    Ok(number)
}

/// Writes an aggregate back.
pub fn aggregate_save(tx: &Tx, aggregate: &Aggregate) -> Result<(), Fault> {
    let metadata = serde_json::to_value(&aggregate.metadata).map_err(Fault::bug)?;
    tx.execute(
        "UPDATE compute_aggregates SET name = ?2, zone = ?3, metadata = ?4, updated_at = ?5 WHERE number = ?1",
        params![aggregate.number, &aggregate.name, &aggregate.zone, metadata, tx.now()],
    )
    .map(drop)
}

/// Deletes an aggregate.
pub fn aggregate_delete(tx: &Tx, number: i64) -> Result<(), Fault> {
    tx.execute("DELETE FROM compute_aggregate_hosts WHERE aggregate = ?1", params![number])?;
    tx.execute("DELETE FROM compute_aggregates WHERE number = ?1", params![number]).map(drop)
}

/// Adds a host to an aggregate.
pub fn aggregate_host_add(tx: &Tx, number: i64, host: &str) -> Result<(), Fault> {
    let sql = "INSERT INTO compute_aggregate_hosts (aggregate, host) VALUES (?1, ?2)";
    tx.execute(sql, params![number, host]).map(drop)
}

/// Takes a host out of an aggregate.
pub fn aggregate_host_remove(tx: &Tx, number: i64, host: &str) -> Result<(), Fault> {
    let sql = "DELETE FROM compute_aggregate_hosts WHERE aggregate = ?1 AND host = ?2";
    tx.execute(sql, params![number, host]).map(drop)
}

/// The availability zone of each host that an aggregate puts into one.
pub fn zones(tx: &Tx) -> Result<std::collections::BTreeMap<String, String>, Fault> {
    let sql = "SELECT h.host, a.zone FROM compute_aggregate_hosts h JOIN compute_aggregates a ON a.number = h.aggregate
               WHERE a.zone IS NOT NULL ORDER BY a.number DESC";
    tx.query(sql, &[])?.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// The zone that an aggregate puts a host in; the oldest one counts.
pub fn zone_of_host(tx: &Tx, host: &str) -> Result<Option<String>, Fault> {
    let row = tx.query_one(&format!("SELECT {}", zone_of("?1")), params![host])?;
    Ok(row.map(|row| row.opt_text(0)).transpose()?.flatten())
}

/// The same as an expression, of a host's name.
pub fn zone_of(host: &str) -> String {
    format!(
        "(SELECT a.zone FROM compute_aggregate_hosts i JOIN compute_aggregates a ON a.number = i.aggregate
          WHERE i.host = {host} AND a.zone IS NOT NULL ORDER BY a.number LIMIT 1)"
    )
}
