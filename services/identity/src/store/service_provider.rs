//! Rows of service providers.

use super::unless_taken;
use crate::model::service_provider::ServiceProvider;
use fault::Fault;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, enabled, description, auth_url, sp_url, relay_state_prefix \
                      FROM identity_service_providers";

fn provider(row: &Row) -> Result<ServiceProvider, Fault> {
    Ok(ServiceProvider {
        id: row.text(0)?,
        enabled: row.flag(1)?,
        description: row.opt_text(2)?,
        auth_url: row.text(3)?,
        sp_url: row.text(4)?,
        relay_state_prefix: row.text(5)?,
    })
}

/// Every service provider.
pub fn service_providers(tx: &Tx) -> Result<Vec<ServiceProvider>, Fault> {
    tx.query(&format!("{SELECT} ORDER BY id"), params![])?.iter().map(provider).collect()
}

/// Those that tokens tell of.
pub fn service_providers_enabled(tx: &Tx) -> Result<Vec<ServiceProvider>, Fault> {
    tx.query(&format!("{SELECT} WHERE enabled = 1 ORDER BY id"), params![])?.iter().map(provider).collect()
}

/// The service provider of that id.
pub fn service_provider_by_id(tx: &Tx, id: &str) -> Result<Option<ServiceProvider>, Fault> {
    tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?.as_ref().map(provider).transpose()
}

/// Adds a service provider; false if its id is taken.
pub fn service_provider_insert(tx: &Tx, one: &ServiceProvider) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_service_providers \
               (id, enabled, description, auth_url, sp_url, relay_state_prefix) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (about, prefix) = (one.description.as_deref(), &one.relay_state_prefix);
    unless_taken(
        tx.try_execute(sql, params![&one.id, one.enabled, about, &one.auth_url, &one.sp_url, prefix]),
    )
}

/// Writes what can change of a service provider.
pub fn service_provider_update(tx: &Tx, one: &ServiceProvider) -> Result<(), Fault> {
    let sql = "UPDATE identity_service_providers SET enabled = ?2, description = ?3, auth_url = ?4, sp_url = ?5, \
               relay_state_prefix = ?6 WHERE id = ?1";
    let (about, prefix) = (one.description.as_deref(), &one.relay_state_prefix);
    tx.execute(sql, params![&one.id, one.enabled, about, &one.auth_url, &one.sp_url, prefix]).map(drop)
}

/// Removes a service provider.
pub fn service_provider_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_service_providers WHERE id = ?1", params![id]).map(drop)
}
