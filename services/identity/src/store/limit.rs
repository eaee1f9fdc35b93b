//! Rows of registered limits and of limits.

use super::unless_taken;
use crate::model::limit::{Holder, Limit, RegisteredLimit, Resource};
use fault::Fault;
use store::{Row, Tx, params};

const REGISTERED: &str = "SELECT id, service_id, region_id, resource_name, default_limit, description \
                          FROM identity_registered_limits";
const LIMITS: &str = "SELECT l.id, r.service_id, r.region_id, r.resource_name, l.resource_limit, l.description, \
                      l.registered_id, l.holder_kind, l.holder_id FROM identity_limits l \
                      JOIN identity_registered_limits r ON r.id = l.registered_id";

fn resource(row: &Row) -> Result<Resource, Fault> {
    let region = row.text(2)?;
    Ok(Resource {
        service_id: row.text(1)?,
        region_id: Some(region).filter(|region| !region.is_empty()),
        name: row.text(3)?,
    })
}

fn registered_limit(row: &Row) -> Result<RegisteredLimit, Fault> {
    Ok(RegisteredLimit {
        id: row.text(0)?,
        resource: resource(row)?,
        default_limit: row.int(4)?,
        description: row.opt_text(5)?,
    })
}

fn limit(row: &Row) -> Result<Limit, Fault> {
    let holder_id = row.text(8)?;
    Ok(Limit {
        id: row.text(0)?,
        registered_id: row.text(6)?,
        resource: resource(row)?,
        holder: if row.text(7)? == "project" {
            Holder::Project(holder_id)
        } else {
            Holder::Domain(holder_id)
        },
        resource_limit: row.int(4)?,
        description: row.opt_text(5)?,
    })
}

/// Every registered limit.
pub fn registered_limits(tx: &Tx) -> Result<Vec<RegisteredLimit>, Fault> {
    tx.query(&format!("{REGISTERED} ORDER BY id"), params![])?.iter().map(registered_limit).collect()
}

/// The registered limit of that id.
pub fn registered_limit_by_id(tx: &Tx, id: &str) -> Result<Option<RegisteredLimit>, Fault> {
    tx.query_one(&format!("{REGISTERED} WHERE id = ?1"), params![id])?
        .as_ref()
        .map(registered_limit)
        .transpose()
}

/// The registered limit of a resource.
pub fn registered_limit_of(tx: &Tx, resource: &Resource) -> Result<Option<RegisteredLimit>, Fault> {
    let sql = format!("{REGISTERED} WHERE service_id = ?1 AND region_id = ?2 AND resource_name = ?3");
    let region = resource.region_id.as_deref().unwrap_or_default();
    tx.query_one(&sql, params![&resource.service_id, region, &resource.name])?
        .as_ref()
        .map(registered_limit)
        .transpose()
}

/// Adds a registered limit, or writes it anew; false if the resource has another.
pub fn registered_limit_put(tx: &Tx, one: &RegisteredLimit) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_registered_limits (id, service_id, region_id, resource_name, default_limit, \
               description) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET service_id = ?2, \
               region_id = ?3, resource_name = ?4, default_limit = ?5, description = ?6";
    let Resource { service_id, region_id, name } = &one.resource;
    let region = region_id.as_deref().unwrap_or_default();
    let description = one.description.as_deref();
    unless_taken(
        tx.try_execute(sql, params![&one.id, service_id, region, name, one.default_limit, description]),
    )
}

/// Removes a registered limit.
pub fn registered_limit_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_registered_limits WHERE id = ?1", params![id]).map(drop)
}

/// Every limit.
pub fn limits(tx: &Tx) -> Result<Vec<Limit>, Fault> {
    tx.query(&format!("{LIMITS} ORDER BY l.id"), params![])?.iter().map(limit).collect()
}

/// The limits that stand instead of a registered one.
pub fn limits_of_registered(tx: &Tx, registered_id: &str) -> Result<Vec<Limit>, Fault> {
    let sql = format!("{LIMITS} WHERE l.registered_id = ?1 ORDER BY l.id");
    tx.query(&sql, params![registered_id])?.iter().map(limit).collect()
}

/// The limit of that id.
pub fn limit_by_id(tx: &Tx, id: &str) -> Result<Option<Limit>, Fault> {
    tx.query_one(&format!("{LIMITS} WHERE l.id = ?1"), params![id])?.as_ref().map(limit).transpose()
}

/// Adds a limit, or writes it anew; false if its holder has another for the resource.
pub fn limit_put(tx: &Tx, one: &Limit) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_limits (id, registered_id, holder_kind, holder_id, resource_limit, description) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET resource_limit = ?5, description = ?6";
    let kind = if one.holder.project_id().is_some() { "project" } else { "domain" };
    let description = one.description.as_deref();
    let values = params![&one.id, &one.registered_id, kind, one.holder.id(), one.resource_limit, description];
    unless_taken(tx.try_execute(sql, values))
}

/// Removes a limit.
pub fn limit_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_limits WHERE id = ?1", params![id]).map(drop)
}

/// Removes the limits of a project or a domain.
pub fn limits_of_holder_delete(tx: &Tx, holder_id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_limits WHERE holder_id = ?1", params![holder_id]).map(drop)
}
