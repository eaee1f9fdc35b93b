//! Networks in the store.

use super::Condition;
use crate::model::faults;
use crate::model::network::{Net, NetworkRow};
use crate::model::rbac::{AS_SHARED, EVERYBODY};
use crate::record::Record;
use fault::Fault;
use policy::Who;
use store::{Tx, params};

/// Networks that `who` sees: own, shared, external.
pub fn seen(tx: &Tx, who: &Who, condition: Condition) -> Result<Vec<Net>, Fault> {
    let condition = if who.overseer {
        condition
    } else {
        condition.and(VISIBLE, [who.project().into(), who.project().into()])
    };
    complete(tx, who, condition.rows(tx)?)
}

const VISIBLE: &str = "(project_id = ? OR id IN (SELECT object_id FROM network_rbac WHERE object_type = 'network' \
                       AND target_project IN (?, '*')))";

/// The network, if `who` sees it.
pub fn find_seen(tx: &Tx, who: &Who, id: &str) -> Result<Net, Fault> {
    let found = seen(tx, who, Condition::is("id", id))?.into_iter().next();
    found.ok_or_else(|| faults::network_missing(id))
}

/// The network, whoever asks.
pub fn find(tx: &Tx, id: &str) -> Result<NetworkRow, Fault> {
    NetworkRow::find(tx, id)?.ok_or_else(|| faults::network_missing(id))
}

fn complete(tx: &Tx, who: &Who, rows: Vec<NetworkRow>) -> Result<Vec<Net>, Fault> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let sql = "SELECT network_id, id FROM subnets WHERE network_id IN ({ids}) ORDER BY created_at, id";
    let mut subnets = tx.lists_among(sql, &ids, |row| row.text(1))?;
    let shared = if rows.is_empty() { Vec::new() } else { shared_with(tx, who.project())? };
    let nets = rows.into_iter().map(|row| Net {
        subnets: subnets.remove(&row.id).unwrap_or_default(),
        shared_with_caller: row.shared || shared.contains(&row.id),
        row,
    });
    Ok(nets.collect())
}

/// The networks on which ports of a project may be though they are another's.
pub fn shared_with(tx: &Tx, project: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT object_id FROM network_rbac WHERE object_type = 'network' AND action = ?1 AND target_project IN (?2, ?3)";
    tx.query(sql, params![AS_SHARED, project, EVERYBODY])?.iter().map(|row| row.text(0)).collect()
}

/// Whether ports of a project may be on the network though it is another's.
pub fn is_shared_with(tx: &Tx, network_id: &str, project: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM network_rbac WHERE object_type = 'network' AND object_id = ?1 AND action = ?2 \
               AND target_project IN (?3, ?4)";
    Ok(tx.query_one(sql, params![network_id, AS_SHARED, project, EVERYBODY])?.is_some())
}

/// Routers may have their gateways on the network, or not any more. Its subnets say so too.
pub fn external_set(tx: &Tx, id: &str, external: bool) -> Result<(), Fault> {
    tx.execute("UPDATE networks SET external = ?2 WHERE id = ?1", params![id, external])?;
    tx.execute("UPDATE subnets SET external = ?2 WHERE network_id = ?1", params![id, external]).map(drop)
}

/// A segment is the network's. Says whether it was free.
pub fn segment_take(tx: &Tx, network: &NetworkRow) -> Result<bool, Fault> {
    let taken = tx.execute(
        "INSERT INTO network_segments (provider_type, physical_network, segmentation_id, network_id)
         VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        params![
            &network.provider_type,
            network.physical_network.clone().unwrap_or_default(),
            network.segmentation_id.unwrap_or(0),
            &network.id
        ],
    )?;
    Ok(taken > 0)
}

/// The network's segment is free again.
pub fn segment_give_back(tx: &Tx, network_id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM network_segments WHERE network_id = ?1", params![network_id]).map(drop)
}

/// The lowest free number of a sort of segment.
pub fn segment_free(tx: &Tx, provider_type: &str, physical: &str) -> Result<i64, Fault> {
    let first = "SELECT 1 FROM network_segments WHERE provider_type = ?1 AND physical_network = ?2 AND segmentation_id = 1";
    if tx.query_one(first, params![provider_type, physical])?.is_none() {
        return Ok(1);
    }
    let gap = "SELECT a.segmentation_id + 1 FROM network_segments a WHERE a.provider_type = ?1 AND a.physical_network = ?2 \
               AND NOT EXISTS (SELECT 1 FROM network_segments b WHERE b.provider_type = a.provider_type \
               AND b.physical_network = a.physical_network AND b.segmentation_id = a.segmentation_id + 1) \
               ORDER BY a.segmentation_id LIMIT 1";
    tx.query_one(gap, params![provider_type, physical])?.map_or(Ok(1), |row| row.int(0))
}
