//! Regions, services and endpoints.

use super::{check_same, conflict, missing, text};
use crate::Identity;
use crate::model::catalog::{Endpoint, Region, Service};
use crate::model::project::merge_extra;
use crate::rules;
use crate::store::catalog::*;
use ::store::Tx;
use fault::Fault;
use policy::{Rule, Target};
use serde_json::{Map, Value};
use web::Cx;

const REGION: &[&str] = &["id", "parent_region_id", "description", "links"];
const SERVICE: &[&str] = &["id", "type", "name", "enabled", "links"];
const ENDPOINT: &[&str] =
    &["id", "service_id", "interface", "region_id", "region", "url", "enabled", "links"];

fn region_for(tx: &Tx, cx: &Cx, id: &str, rule: &'static Rule) -> Result<Region, Fault> {
    cx.may(rule, &Target::none())?;
    region_by_id(tx, id)?.ok_or_else(|| missing("region", id))
}

fn service_for(tx: &Tx, cx: &Cx, id: &str, rule: &'static Rule) -> Result<Service, Fault> {
    cx.may(rule, &Target::none())?;
    service_by_id(tx, id)?.ok_or_else(|| missing("service", id))
}

fn endpoint_for(tx: &Tx, cx: &Cx, id: &str, rule: &'static Rule) -> Result<Endpoint, Fault> {
    cx.may(rule, &Target::none())?;
    endpoint_by_id(tx, id)?.ok_or_else(|| missing("endpoint", id))
}

impl Identity {
    /// Every region.
    pub async fn region_list(&self, cx: &Cx) -> Result<Vec<Region>, Fault> {
        cx.may(&rules::LIST_REGIONS, &Target::none())?;
        self.db.read(regions).await
    }

    /// One region.
    pub async fn region_show(&self, cx: &Cx, id: &str) -> Result<Region, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db.read(move |tx| region_for(tx, &cx, &id, &rules::GET_REGION)).await
    }

    /// Makes a region, with the id that the caller gives or one of ours.
    pub async fn region_create(
        &self,
        cx: &Cx,
        id: Option<String>,
        given: Map<String, Value>,
    ) -> Result<Region, Fault> {
        cx.may(&rules::CREATE_REGION, &Target::none())?;
        self.db
            .write(move |tx| {
                let id = id.clone().or_else(|| text(&given, "id")).filter(|id| !id.is_empty());
                let mut region = Region {
                    id: id.unwrap_or_else(|| tx.entropy().hex_id()),
                    parent_region_id: None,
                    description: String::new(),
                    extra: Map::new(),
                };
                apply_region(tx, &mut region, &given)?;
                if !region_insert(tx, &region)? {
                    return Err(conflict("region", &format!("Duplicate ID, {}.", region.id)));
                }
                Ok(region)
            })
            .await
    }

    /// Changes a region.
    pub async fn region_update(&self, cx: &Cx, id: &str, given: Map<String, Value>) -> Result<Region, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let mut region = region_for(tx, &cx, &id, &rules::UPDATE_REGION)?;
                check_same(&given, &id, "")?;
                apply_region(tx, &mut region, &given)?;
                region_update(tx, &region)?;
                Ok(region)
            })
            .await
    }

    /// Removes a region that has neither endpoints nor regions with endpoints below it.
    pub async fn region_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                region_for(tx, &cx, &id, &rules::DELETE_REGION)?;
                let all = regions(tx)?;
                let mut family = vec![id.clone()];
                let mut next = 0;
                while next < family.len() {
                    let children = all.iter().filter(|one| one.parent_region_id.as_ref() == Some(&family[next]));
                    let fresh: Vec<String> = children.map(|one| one.id.clone()).filter(|one| !family.contains(one)).collect();
                    family.extend(fresh);
                    next += 1;
                }
                let used = endpoints(tx)?.iter().any(|one| one.region_id.as_ref().is_some_and(|own| family.contains(own)));
                if used {
                    return Err(Fault::forbidden(format!(
                        "Unable to delete region {id} because it or its child regions have associated endpoints."
                    )));
                }
                family.iter().try_for_each(|one| region_delete(tx, one))
            })
            .await
    }

    /// Every service.
    pub async fn service_list(&self, cx: &Cx) -> Result<Vec<Service>, Fault> {
        cx.may(&rules::LIST_SERVICES, &Target::none())?;
        self.db.read(services).await
    }

    /// One service.
    pub async fn service_show(&self, cx: &Cx, id: &str) -> Result<Service, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db.read(move |tx| service_for(tx, &cx, &id, &rules::GET_SERVICE)).await
    }

    /// Makes a service, or changes the one of that id.
    pub async fn service_put(
        &self,
        cx: &Cx,
        id: Option<String>,
        given: Map<String, Value>,
    ) -> Result<Service, Fault> {
        let cx = cx.clone();
        self.db
            .write(move |tx| {
                let mut service = match &id {
                    Some(id) => {
                        check_same(&given, id, "")?;
                        service_for(tx, &cx, id, &rules::UPDATE_SERVICE)?
                    }
                    None => {
                        cx.may(&rules::CREATE_SERVICE, &Target::none())?;
                        let (id, kind) = (tx.entropy().hex_id(), String::new());
                        Service { id, kind, name: None, enabled: true, extra: Map::new() }
                    }
                };
                service.kind = text(&given, "type").unwrap_or(service.kind);
                service.name = if given.contains_key("name") { text(&given, "name") } else { service.name };
                service.enabled = given.get("enabled").and_then(Value::as_bool).unwrap_or(service.enabled);
                merge_extra(&mut service.extra, &given, SERVICE);
                service_put(tx, &service)?;
                Ok(service)
            })
            .await
    }

    /// Removes a service and its endpoints.
    pub async fn service_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                service_for(tx, &cx, &id, &rules::DELETE_SERVICE)?;
                service_delete(tx, &id)
            })
            .await
    }

    /// Every endpoint.
    pub async fn endpoint_list(&self, cx: &Cx) -> Result<Vec<Endpoint>, Fault> {
        cx.may(&rules::LIST_ENDPOINTS, &Target::none())?;
        self.db.read(endpoints).await
    }

    /// One endpoint.
    pub async fn endpoint_show(&self, cx: &Cx, id: &str) -> Result<Endpoint, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db.read(move |tx| endpoint_for(tx, &cx, &id, &rules::GET_ENDPOINT)).await
    }

    /// Makes an endpoint, or changes the one of that id.
    pub async fn endpoint_put(
        &self,
        cx: &Cx,
        id: Option<String>,
        given: Map<String, Value>,
    ) -> Result<Endpoint, Fault> {
        let cx = cx.clone();
        self.db
            .write(move |tx| {
                let mut endpoint = match &id {
                    Some(id) => {
                        check_same(&given, id, "")?;
                        endpoint_for(tx, &cx, id, &rules::UPDATE_ENDPOINT)?
                    }
                    None => {
                        cx.may(&rules::CREATE_ENDPOINT, &Target::none())?;
                        blank(tx.entropy().hex_id())
                    }
                };
                apply_endpoint(tx, &mut endpoint, &given)?;
                endpoint_put(tx, &endpoint)?;
                Ok(endpoint)
            })
            .await
    }

    /// Removes an endpoint.
    pub async fn endpoint_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                endpoint_for(tx, &cx, &id, &rules::DELETE_ENDPOINT)?;
                endpoint_delete(tx, &id)
            })
            .await
    }
}

fn apply_region(tx: &Tx, region: &mut Region, given: &Map<String, Value>) -> Result<(), Fault> {
    if let Some(description) = given.get("description") {
        region.description = description.as_str().unwrap_or_default().to_owned();
    }
    if given.contains_key("parent_region_id") {
        region.parent_region_id = text(given, "parent_region_id");
    }
    // A region below itself would make every walk up endless.
    let mut next = region.parent_region_id.clone();
    while let Some(id) = next {
        if id == region.id {
            let said = format!("The specified parent region {id} would create a circular region hierarchy.");
            return Err(Fault::bad_input(said));
        }
        next = region_by_id(tx, &id)?.ok_or_else(|| missing("region", &id))?.parent_region_id;
    }
    merge_extra(&mut region.extra, given, REGION);
    Ok(())
}

fn blank(id: String) -> Endpoint {
    Endpoint {
        id,
        service_id: String::new(),
        interface: String::new(),
        region_id: None,
        url: String::new(),
        enabled: true,
        extra: Map::new(),
    }
}

/// An endpoint names something that does not exist.
fn unknown(noun: &str) -> Fault {
    Fault::bad_input(format!(
        "Expecting to find endpoint {noun}_id in {noun} table. The server could not comply with the request since it is \
         either malformed or otherwise incorrect. The client is assumed to be in error."
    ))
}

fn apply_endpoint(tx: &Tx, endpoint: &mut Endpoint, given: &Map<String, Value>) -> Result<(), Fault> {
    endpoint.service_id = text(given, "service_id").unwrap_or_else(|| endpoint.service_id.clone());
    endpoint.interface = text(given, "interface").unwrap_or_else(|| endpoint.interface.clone());
    endpoint.url = text(given, "url").unwrap_or_else(|| endpoint.url.clone());
    endpoint.enabled = given.get("enabled").and_then(Value::as_bool).unwrap_or(endpoint.enabled);
    if given.contains_key("region_id") || given.contains_key("region") {
        endpoint.region_id = text(given, "region_id").or_else(|| text(given, "region"));
    }
    service_by_id(tx, &endpoint.service_id)?.ok_or_else(|| unknown("service"))?;
    if let Some(region) = &endpoint.region_id
        && region_by_id(tx, region)?.is_none()
    {
        if given.contains_key("region_id") {
            return Err(unknown("region"));
        }
        // The old attribute `region` makes the region that it names.
        let (id, description) = (region.clone(), String::new());
        region_insert(tx, &Region { id, parent_region_id: None, description, extra: Map::new() })?;
    }
    if endpoint.filled(Some(""), "").is_none() {
        return Err(Fault::bad_input(format!(
            "Cannot create an endpoint with an invalid URL: {}.",
            endpoint.url
        )));
    }
    merge_extra(&mut endpoint.extra, given, ENDPOINT);
    Ok(())
}
