//! Rows of identity providers and their protocols.

use super::unless_taken;
use crate::model::identity_provider::{IdentityProvider, Protocol};
use fault::Fault;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, domain_id, enabled, description, authorization_ttl FROM identity_providers";
const PROTOCOL: &str = "SELECT id, provider_id, mapping_id, remote_id_attribute FROM identity_protocols";

fn provider(tx: &Tx, row: &Row) -> Result<IdentityProvider, Fault> {
    let id = row.text(0)?;
    let sql = "SELECT remote_id FROM identity_remote_ids WHERE provider_id = ?1 ORDER BY remote_id";
    let remote_ids = tx.query(sql, params![&id])?.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
    Ok(IdentityProvider {
        id,
        domain_id: row.text(1)?,
        enabled: row.flag(2)?,
        description: row.opt_text(3)?,
        remote_ids,
        authorization_ttl: row.opt_int(4)?,
    })
}

/// Every provider.
pub fn providers(tx: &Tx) -> Result<Vec<IdentityProvider>, Fault> {
    tx.query(&format!("{SELECT} ORDER BY id"), params![])?.iter().map(|row| provider(tx, row)).collect()
}

/// The provider of that id.
pub fn provider_by_id(tx: &Tx, id: &str) -> Result<Option<IdentityProvider>, Fault> {
    let found = tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?;
    found.as_ref().map(|row| provider(tx, row)).transpose()
}

/// Adds a provider; false if its id is taken.
pub fn provider_insert(tx: &Tx, one: &IdentityProvider) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_providers (id, domain_id, enabled, description, authorization_ttl) \
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let values =
        params![&one.id, &one.domain_id, one.enabled, one.description.as_deref(), one.authorization_ttl];
    unless_taken(tx.try_execute(sql, values))
}

/// Writes what can change of a provider, its remote ids aside.
pub fn provider_update(tx: &Tx, one: &IdentityProvider) -> Result<(), Fault> {
    let sql =
        "UPDATE identity_providers SET enabled = ?2, description = ?3, authorization_ttl = ?4 WHERE id = ?1";
    tx.execute(sql, params![&one.id, one.enabled, one.description.as_deref(), one.authorization_ttl])
        .map(drop)
}

/// Gives a provider its remote ids; the one that another has, if there is one such.
pub fn remote_ids_put(tx: &Tx, one: &IdentityProvider) -> Result<Option<String>, Fault> {
    tx.execute("DELETE FROM identity_remote_ids WHERE provider_id = ?1", params![&one.id])?;
    for remote_id in &one.remote_ids {
        let sql = "INSERT INTO identity_remote_ids (remote_id, provider_id) VALUES (?1, ?2)";
        if !unless_taken(tx.try_execute(sql, params![remote_id, &one.id]))? {
            return Ok(Some(remote_id.clone()));
        }
    }
    Ok(None)
}

/// Removes a provider and its protocols.
pub fn provider_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_protocols WHERE provider_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_remote_ids WHERE provider_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_expiring_memberships WHERE provider_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_providers WHERE id = ?1", params![id]).map(drop)
}

fn protocol(row: &Row) -> Result<Protocol, Fault> {
    Ok(Protocol {
        id: row.text(0)?,
        provider_id: row.text(1)?,
        mapping_id: row.text(2)?,
        remote_id_attribute: row.opt_text(3)?,
    })
}

/// The protocols of a provider.
pub fn protocols(tx: &Tx, provider_id: &str) -> Result<Vec<Protocol>, Fault> {
    let sql = format!("{PROTOCOL} WHERE provider_id = ?1 ORDER BY id");
    tx.query(&sql, params![provider_id])?.iter().map(protocol).collect()
}

/// The protocol of that name of a provider.
pub fn protocol_by_id(tx: &Tx, provider_id: &str, id: &str) -> Result<Option<Protocol>, Fault> {
    let sql = format!("{PROTOCOL} WHERE provider_id = ?1 AND id = ?2");
    tx.query_one(&sql, params![provider_id, id])?.as_ref().map(protocol).transpose()
}

/// Adds a protocol; false if its name is taken.
pub fn protocol_insert(tx: &Tx, one: &Protocol) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_protocols (provider_id, id, mapping_id, remote_id_attribute) \
               VALUES (?1, ?2, ?3, ?4)";
    let values = params![&one.provider_id, &one.id, &one.mapping_id, one.remote_id_attribute.as_deref()];
    unless_taken(tx.try_execute(sql, values))
}

/// Writes what can change of a protocol.
pub fn protocol_update(tx: &Tx, one: &Protocol) -> Result<(), Fault> {
    let sql = "UPDATE identity_protocols SET mapping_id = ?3, remote_id_attribute = ?4 \
               WHERE provider_id = ?1 AND id = ?2";
    let values = params![&one.provider_id, &one.id, &one.mapping_id, one.remote_id_attribute.as_deref()];
    tx.execute(sql, values).map(drop)
}

/// Removes a protocol.
pub fn protocol_delete(tx: &Tx, provider_id: &str, id: &str) -> Result<(), Fault> {
    let sql = "DELETE FROM identity_protocols WHERE provider_id = ?1 AND id = ?2";
    tx.execute(sql, params![provider_id, id]).map(drop)
}
