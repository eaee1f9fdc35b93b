//! Rows of regions, services and endpoints.

use super::policy_association::{Of, associations_forget};
use super::token::epoch_advance;
use super::{object, text, unless_taken};
use crate::model::catalog::{Endpoint, Region, Service};
use fault::Fault;
use store::{Row, Tx, params};

const REGIONS: &str = "SELECT id, parent_region_id, description, extra FROM identity_regions";
const SERVICES: &str = "SELECT id, type, name, enabled, extra FROM identity_services";
const ENDPOINTS: &str =
    "SELECT id, service_id, interface, region_id, url, enabled, extra FROM identity_endpoints";

fn region(row: &Row) -> Result<Region, Fault> {
    Ok(Region {
        id: row.text(0)?,
        parent_region_id: row.opt_text(1)?,
        description: row.text(2)?,
        extra: object(row, 3)?,
    })
}

fn service(row: &Row) -> Result<Service, Fault> {
    Ok(Service {
        id: row.text(0)?,
        kind: row.text(1)?,
        name: row.opt_text(2)?,
        enabled: row.flag(3)?,
        extra: object(row, 4)?,
    })
}

fn endpoint(row: &Row) -> Result<Endpoint, Fault> {
    Ok(Endpoint {
        id: row.text(0)?,
        service_id: row.text(1)?,
        interface: row.text(2)?,
        region_id: row.opt_text(3)?,
        url: row.text(4)?,
        enabled: row.flag(5)?,
        extra: object(row, 6)?,
    })
}

/// Every region.
pub fn regions(tx: &Tx) -> Result<Vec<Region>, Fault> {
    tx.query(&format!("{REGIONS} ORDER BY id"), params![])?.iter().map(region).collect()
}

/// The region of that id.
pub fn region_by_id(tx: &Tx, id: &str) -> Result<Option<Region>, Fault> {
    tx.query_one(&format!("{REGIONS} WHERE id = ?1"), params![id])?.as_ref().map(region).transpose()
}

/// Adds a region; false if its id is taken.
pub fn region_insert(tx: &Tx, region: &Region) -> Result<bool, Fault> {
    let sql =
        "INSERT INTO identity_regions (id, parent_region_id, description, extra) VALUES (?1, ?2, ?3, ?4)";
    let parent = region.parent_region_id.as_deref();
    unless_taken(tx.try_execute(sql, params![&region.id, parent, &region.description, text(&region.extra)]))
}

/// Writes what can change of a region.
pub fn region_update(tx: &Tx, region: &Region) -> Result<(), Fault> {
    let sql = "UPDATE identity_regions SET parent_region_id = ?2, description = ?3, extra = ?4 WHERE id = ?1";
    let parent = region.parent_region_id.as_deref();
    tx.execute(sql, params![&region.id, parent, &region.description, text(&region.extra)])?;
    Ok(())
}

/// Removes a region.
pub fn region_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    associations_forget(tx, Of::Region, id)?;
    tx.execute("DELETE FROM identity_regions WHERE id = ?1", params![id])?;
    Ok(())
}

/// Every service.
pub fn services(tx: &Tx) -> Result<Vec<Service>, Fault> {
    tx.query(&format!("{SERVICES} ORDER BY type, id"), params![])?.iter().map(service).collect()
}

/// The service of that id.
pub fn service_by_id(tx: &Tx, id: &str) -> Result<Option<Service>, Fault> {
    tx.query_one(&format!("{SERVICES} WHERE id = ?1"), params![id])?.as_ref().map(service).transpose()
}

/// Adds or rewrites a service.
pub fn service_put(tx: &Tx, service: &Service) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_services (id, type, name, enabled, extra) VALUES (?1, ?2, ?3, ?4, ?5) \
               ON CONFLICT (id) DO UPDATE SET type = ?2, name = ?3, enabled = ?4, extra = ?5";
    let values =
        params![&service.id, &service.kind, service.name.as_deref(), service.enabled, text(&service.extra)];
    tx.execute(sql, values)?;
    epoch_advance(tx)
}

/// Removes a service and its endpoints.
pub fn service_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    for row in tx.query("SELECT id FROM identity_endpoints WHERE service_id = ?1", params![id])? {
        endpoint_delete(tx, &row.text(0)?)?;
    }
    associations_forget(tx, Of::Service, id)?;
    tx.execute("DELETE FROM identity_services WHERE id = ?1", params![id])?;
    epoch_advance(tx)
}

/// Every endpoint.
pub fn endpoints(tx: &Tx) -> Result<Vec<Endpoint>, Fault> {
    tx.query(&format!("{ENDPOINTS} ORDER BY interface DESC, id"), params![])?.iter().map(endpoint).collect()
}

/// The endpoint of that id.
pub fn endpoint_by_id(tx: &Tx, id: &str) -> Result<Option<Endpoint>, Fault> {
    tx.query_one(&format!("{ENDPOINTS} WHERE id = ?1"), params![id])?.as_ref().map(endpoint).transpose()
}

/// Adds or rewrites an endpoint.
pub fn endpoint_put(tx: &Tx, endpoint: &Endpoint) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_endpoints (id, service_id, interface, region_id, url, enabled, extra) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET service_id = ?2, \
               interface = ?3, region_id = ?4, url = ?5, enabled = ?6, extra = ?7";
    let values = params![
        &endpoint.id,
        &endpoint.service_id,
        &endpoint.interface,
        endpoint.region_id.as_deref(),
        &endpoint.url,
        endpoint.enabled,
        text(&endpoint.extra)
    ];
    tx.execute(sql, values)?;
    epoch_advance(tx)
}

/// Removes an endpoint.
pub fn endpoint_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    super::endpoint_group::shown_forget(tx, id)?;
    associations_forget(tx, Of::Endpoint, id)?;
    tx.execute("DELETE FROM identity_endpoints WHERE id = ?1", params![id])?;
    epoch_advance(tx)
}
