//! Host aggregates.

use crate::model::host::Aggregate;
use crate::store::{aggregate as rows, host};
use crate::{Compute, rules};
use fault::Fault;
use policy::{Rule, Target};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::Tx;
use web::Cx;

fn found(tx: &Tx, number: i64) -> Result<Aggregate, Fault> {
    let aggregate = rows::aggregate_by_number(tx, number)?;
    aggregate.ok_or_else(|| Fault::not_found(format!("Aggregate {number} could not be found.")))
}

fn insert(tx: &Tx, name: &str, zone: Option<&String>) -> Result<i64, Fault> {
    let metadata = zone.map_or(serde_json::json!({}), |zone| serde_json::json!({"availability_zone": zone}));
    rows::aggregate_insert(tx, name, zone.map(String::as_str), &metadata)
}

/// An aggregate that is to be there from the first start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// Its name.
    pub name: String,
    /// It makes an availability zone of its name.
    pub zone: bool,
    /// The names of its hosts, which need not have joined yet.
    pub hosts: Vec<String>,
}

impl Compute {
    /// The aggregates exist and have these hosts; what else there is stays.
    pub fn groupings_ensure(&self, tx: &Tx, groupings: &[Grouping]) -> Result<(), Fault> {
        let known = rows::aggregate_list(tx)?;
        for grouping in groupings {
            let old = known.iter().find(|aggregate| aggregate.name == grouping.name);
            let number = match old {
                Some(old) => old.number,
                None => insert(tx, &grouping.name, grouping.zone.then_some(&grouping.name))?,
            };
            let held: BTreeSet<&String> = old.iter().flat_map(|old| &old.hosts).collect();
            for host in grouping.hosts.iter().filter(|host| !held.contains(host)) {
                rows::aggregate_host_add(tx, number, host)?;
            }
        }
        Ok(())
    }

    /// All aggregates.
    pub async fn aggregate_list(self: &Arc<Self>, cx: &Cx) -> Result<Vec<Aggregate>, Fault> {
        cx.may(&rules::AGGREGATES_INDEX, &Target::none())?;
        self.read(cx, |_, tx, _| rows::aggregate_list(tx)).await
    }

    /// One.
    pub async fn aggregate_show(self: &Arc<Self>, cx: &Cx, number: i64) -> Result<Aggregate, Fault> {
        cx.may(&rules::AGGREGATES_SHOW, &Target::none())?;
        self.read(cx, move |_, tx, _| found(tx, number)).await
    }

    /// Has images fetched to the hosts of one: they fetch them when they need them.
    pub async fn aggregate_images(self: &Arc<Self>, cx: &Cx, number: i64) -> Result<(), Fault> {
        cx.may(&rules::AGGREGATES_IMAGES, &Target::none())?;
        self.read(cx, move |_, tx, _| found(tx, number).map(drop)).await
    }

    /// Makes one.
    pub async fn aggregate_create(
        self: &Arc<Self>,
        cx: &Cx,
        name: String,
        zone: Option<String>,
    ) -> Result<Aggregate, Fault> {
        cx.may(&rules::AGGREGATES_CREATE, &Target::none())?;
        self.write(cx, move |_, tx, _| {
            name_is_free(tx, &name, None)?;
            let number = insert(tx, &name, zone.as_ref())?;
            found(tx, number)
        })
        .await
    }

    /// Renames one or gives it a zone.
    pub async fn aggregate_update(
        self: &Arc<Self>,
        cx: &Cx,
        number: i64,
        name: Option<String>,
        zone: Option<Option<String>>,
    ) -> Result<Aggregate, Fault> {
        self.aggregate_change(cx, number, &rules::AGGREGATES_UPDATE, move |tx, aggregate| {
            if let Some(name) = &name {
                name_is_free(tx, name, Some(aggregate.number))?;
                aggregate.name.clone_from(name);
            }
            if let Some(zone) = &zone {
                set_zone(tx, aggregate, zone.clone())?;
            }
            Ok(())
        })
        .await
    }

    /// Changes metadata; a value of `None` removes the key.
    pub async fn aggregate_metadata(
        self: &Arc<Self>,
        cx: &Cx,
        number: i64,
        pairs: BTreeMap<String, Option<String>>,
    ) -> Result<Aggregate, Fault> {
        self.aggregate_change(cx, number, &rules::AGGREGATES_SET_METADATA, move |tx, aggregate| {
            for (key, value) in &pairs {
                match value {
                    _ if key == "availability_zone" => set_zone(tx, aggregate, value.clone())?,
                    Some(value) => drop(aggregate.metadata.insert(key.clone(), value.clone())),
                    None => drop(aggregate.metadata.remove(key)),
                }
            }
            Ok(())
        })
        .await
    }

    async fn aggregate_change<F>(
        self: &Arc<Self>,
        cx: &Cx,
        number: i64,
        rule: &'static Rule,
        mut change: F,
    ) -> Result<Aggregate, Fault>
    where
        F: FnMut(&Tx, &mut Aggregate) -> Result<(), Fault> + Send + 'static,
    {
        cx.may(rule, &Target::none())?;
        self.write(cx, move |_, tx, _| {
            let mut aggregate = found(tx, number)?;
            change(tx, &mut aggregate)?;
            rows::aggregate_save(tx, &aggregate)?;
            found(tx, number)
        })
        .await
    }

    /// Deletes one without hosts.
    pub async fn aggregate_delete(self: &Arc<Self>, cx: &Cx, number: i64) -> Result<(), Fault> {
        cx.may(&rules::AGGREGATES_DELETE, &Target::none())?;
        self.write(cx, move |_, tx, _| {
            if !found(tx, number)?.hosts.is_empty() {
                return Err(Fault::bad_input(format!(
                    "Cannot perform action 'delete' on aggregate {number}. Reason: Host aggregate is not empty."
                )));
            }
            rows::aggregate_delete(tx, number)
        })
        .await
    }

    /// Puts a host in.
    pub async fn aggregate_host_add(
        self: &Arc<Self>,
        cx: &Cx,
        number: i64,
        name: &str,
    ) -> Result<Aggregate, Fault> {
        cx.may(&rules::AGGREGATES_ADD_HOST, &Target::none())?;
        let name = name.to_owned();
        self.write(cx, move |_, tx, _| {
            let aggregate = found(tx, number)?;
            if host::host_by_name(tx, &name)?.is_none() {
                return Err(Fault::not_found(format!("Compute host {name} could not be found.")));
            }
            if aggregate.hosts.contains(&name) {
                return Err(Fault::conflict(format!("Aggregate {number} already has host {name}.")));
            }
            let other = rows::zones(tx)?.get(&name).cloned();
            if let (Some(zone), Some(other)) = (&aggregate.zone, other)
                && *zone != other
            {
                return Err(Fault::conflict(format!(
                    "Cannot perform action 'add_host_to_aggregate' on aggregate {number}. Reason: One or more hosts already in \
                     availability zone(s) ['{other}']."
                )));
            }
            rows::aggregate_host_add(tx, number, &name)?;
            found(tx, number)
        })
        .await
    }

    /// Takes a host out.
    pub async fn aggregate_host_remove(
        self: &Arc<Self>,
        cx: &Cx,
        number: i64,
        name: &str,
    ) -> Result<Aggregate, Fault> {
        cx.may(&rules::AGGREGATES_REMOVE_HOST, &Target::none())?;
        let name = name.to_owned();
        self.write(cx, move |_, tx, _| {
            let aggregate = rows::aggregate_by_number(tx, number)?;
            if !aggregate.is_some_and(|aggregate| aggregate.hosts.contains(&name)) {
                return Err(Fault::not_found(format!("Cannot remove host {name} in aggregate {number}")));
            }
            rows::aggregate_host_remove(tx, number, &name)?;
            found(tx, number)
        })
        .await
    }
}

fn name_is_free(tx: &Tx, name: &str, but: Option<i64>) -> Result<(), Fault> {
    let taken = rows::aggregate_list(tx)?.iter().any(|own| own.name == name && Some(own.number) != but);
    if taken { Err(Fault::conflict(format!("Aggregate {name} already exists."))) } else { Ok(()) }
}

fn set_zone(tx: &Tx, aggregate: &mut Aggregate, zone: Option<String>) -> Result<(), Fault> {
    if let Some(zone) = &zone {
        for other in rows::aggregate_list(tx)?.iter().filter(|other| other.number != aggregate.number) {
            let shared = other.hosts.iter().any(|host| aggregate.hosts.contains(host));
            if let Some(own) = other.zone.as_ref().filter(|own| shared && *own != zone) {
                return Err(Fault::bad_input(format!(
                    "Cannot perform action 'update aggregate' on aggregate {}. Reason: One or more hosts already in \
                     availability zone(s) ['{own}'].",
                    aggregate.number
                )));
            }
        }
    }
    match &zone {
        Some(zone) => drop(aggregate.metadata.insert("availability_zone".to_owned(), zone.clone())),
        None => drop(aggregate.metadata.remove("availability_zone")),
    }
    aggregate.zone = zone;
    Ok(())
}
