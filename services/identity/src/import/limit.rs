//! Registered limits, and limits of projects and domains.

use super::Report;
use super::keystone::each;
use crate::model::limit::{Holder, Limit, RegisteredLimit, Resource};
use crate::store::catalog::{region_by_id, service_by_id};
use crate::store::limit::*;
use ::store::Tx;
use ::store::foreign::{Record, Tables};
use fault::Fault;
use std::collections::HashSet;

#[derive(Debug, Default)]
pub(super) struct Limits {
    registered: Vec<RegisteredLimit>,
    limits: Vec<Limit>,
}

impl Limits {
    pub(super) fn read(tables: &Tables) -> Result<Self, Fault> {
        let registered = each(tables, "registered_limit", registered_limit)?;
        let mut limits = Vec::new();
        for row in tables.rows("limit") {
            limits.push(limit(row, &registered)?);
        }
        Ok(Self { registered, limits })
    }

    /// Takes over those of services that are here.
    pub(super) fn take(&self, tx: &Tx, projects: &HashSet<String>, report: &mut Report) -> Result<(), Fault> {
        for one in &self.registered {
            if !is_here(tx, &one.resource)? {
                report.leave("registered limits of services that are not here (--catalog takes them too)", 1);
                continue;
            }
            report.put("registered limits", registered_limit_by_id(tx, &one.id)?, one, |_| {
                taken(registered_limit_put(tx, one)?, "registered limit", &one.resource)
            })?;
        }
        for one in &self.limits {
            let registered = registered_limit_by_id(tx, &one.registered_id)?;
            if registered.is_none() || !projects.contains(one.holder.id()) {
                report.leave("limits of what is not here", 1);
                continue;
            }
            report.put("limits", limit_by_id(tx, &one.id)?, one, |_| {
                taken(limit_put(tx, one)?, "limit", &one.resource)
            })?;
        }
        Ok(())
    }
}

fn is_here(tx: &Tx, resource: &Resource) -> Result<bool, Fault> {
    let region = match &resource.region_id {
        Some(id) => region_by_id(tx, id)?.is_some(),
        None => true,
    };
    Ok(region && service_by_id(tx, &resource.service_id)?.is_some())
}

fn taken(done: bool, noun: &str, resource: &Resource) -> Result<bool, Fault> {
    match done {
        true => Ok(true),
        false => Err(Fault::conflict(format!("There is another {noun} of {} here already.", resource.name))),
    }
}

fn registered_limit(row: &Record) -> Result<RegisteredLimit, Fault> {
    Ok(RegisteredLimit {
        id: row.text("id")?,
        resource: Resource {
            service_id: row.text("service_id")?,
            region_id: row.opt_text("region_id")?,
            name: row.text("resource_name")?,
        },
        default_limit: row.opt_int("default_limit")?.unwrap_or_default(),
        description: row.opt_text("description")?,
    })
}

/// A limit, of what its registered one is of; of nothing if there is none.
fn limit(row: &Record, registered: &[RegisteredLimit]) -> Result<Limit, Fault> {
    let registered_id = row.text("registered_limit_id")?;
    let found = registered.iter().find(|one| one.id == registered_id);
    let nothing = || Resource { service_id: String::new(), region_id: None, name: String::new() };
    Ok(Limit {
        id: row.text("id")?,
        resource: found.map_or_else(nothing, |found| found.resource.clone()),
        registered_id,
        holder: match row.opt_text("project_id")? {
            Some(project) => Holder::Project(project),
            None => Holder::Domain(row.text("domain_id")?),
        },
        resource_limit: row.opt_int("resource_limit")?.unwrap_or_default(),
        description: row.opt_text("description")?,
    })
}
