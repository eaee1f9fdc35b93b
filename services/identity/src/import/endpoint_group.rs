//! Endpoint groups, and which endpoints the catalogs of projects are narrowed to.

use super::Report;
use super::keystone::{each, pairs};
use crate::model::endpoint_group::EndpointGroup;
use crate::store::catalog::endpoint_by_id;
use crate::store::endpoint_group::*;
use ::store::Tx;
use ::store::foreign::{Record, Tables};
use fault::Fault;
use serde_json::Value;
use std::collections::HashSet;

#[derive(Debug, Default)]
pub(super) struct EndpointGroups {
    groups: Vec<EndpointGroup>,
    /// Projects, and what they are shown.
    shown: Vec<(String, Shown, String)>,
}

impl EndpointGroups {
    pub(super) fn read(tables: &Tables) -> Result<Self, Fault> {
        let mut shown = Vec::new();
        for (table, column, what) in [
            ("project_endpoint", "endpoint_id", Shown::Endpoint),
            ("project_endpoint_group", "endpoint_group_id", Shown::Group),
        ] {
            let rows = pairs(tables, table, ["project_id", column])?;
            shown.extend(rows.into_iter().map(|(project, id)| (project, what, id)));
        }
        Ok(Self { groups: each(tables, "endpoint_group", group)?, shown })
    }

    /// They are not wanted.
    pub(super) fn leave(&self, report: &mut Report) {
        report.leave("endpoint groups (--catalog takes them too)", self.groups.len());
        report.leave("endpoints of projects (--catalog takes them too)", self.shown.len());
    }

    /// Takes them over; the endpoints are there already.
    pub(super) fn take(&self, tx: &Tx, projects: &HashSet<String>, report: &mut Report) -> Result<(), Fault> {
        for one in &self.groups {
            let found = endpoint_group_by_id(tx, &one.id)?;
            report.put("endpoint groups", found, one, |_| endpoint_group_put(tx, one).map(|()| true))?;
        }
        for (project, what, id) in &self.shown {
            let there = match what {
                Shown::Endpoint => endpoint_by_id(tx, id)?.is_some(),
                Shown::Group => endpoint_group_by_id(tx, id)?.is_some(),
            };
            if !there || !projects.contains(project) {
                report.leave("endpoints of projects that are not here", 1);
                continue;
            }
            report.note("endpoints of projects", !shown_to(tx, project, *what)?.contains(id));
            shown_add(tx, project, *what, id)?;
        }
        Ok(())
    }
}

fn group(row: &Record) -> Result<EndpointGroup, Fault> {
    Ok(EndpointGroup {
        id: row.text("id")?,
        name: row.text("name")?,
        description: row.opt_text("description")?,
        filters: match row.json("filters")? {
            Value::Object(filters) => filters,
            _ => return Err(Fault::bad_input("The filters of an endpoint group are no object of JSON.")),
        },
    })
}
