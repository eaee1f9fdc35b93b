//! Registered limits and limits: kept for the services, which enforce them.

use super::{duplicate, expected, number, text};
use crate::Identity;
use crate::model::limit::{Holder, Limit, LimitModel, RegisteredLimit, Resource};
use crate::model::project::Project;
use crate::rules;
use crate::store::{self, limit::*};
use ::store::Tx;
use fault::Fault;
use policy::Target;
use serde_json::{Map, Value};
use web::Cx;

fn missing(noun: &str, id: &str) -> Fault {
    Fault::not_found(format!("Could not find {noun} for {id}."))
}

fn resource(given: &Map<String, Value>) -> Resource {
    Resource {
        service_id: text(given, "service_id").unwrap_or_default(),
        region_id: text(given, "region_id"),
        name: text(given, "resource_name").unwrap_or_default(),
    }
}

/// The service and the region of a resource are there.
fn check_resource(tx: &Tx, resource: &Resource, noun: &str) -> Result<(), Fault> {
    if store::catalog::service_by_id(tx, &resource.service_id)?.is_none() {
        return Err(expected("service_id", noun));
    }
    match &resource.region_id {
        Some(id) if store::catalog::region_by_id(tx, id)?.is_none() => Err(expected("region_id", noun)),
        _ => Ok(()),
    }
}

impl Identity {
    /// Every registered limit.
    pub async fn registered_limit_list(&self, cx: &Cx) -> Result<Vec<RegisteredLimit>, Fault> {
        cx.may(&rules::LIST_REGISTERED_LIMITS, &Target::none())?;
        self.db.read(registered_limits).await
    }

    /// One registered limit.
    pub async fn registered_limit_show(&self, cx: &Cx, id: &str) -> Result<RegisteredLimit, Fault> {
        cx.may(&rules::GET_REGISTERED_LIMIT, &Target::none())?;
        let id = id.to_owned();
        let find =
            move |tx: &Tx| registered_limit_by_id(tx, &id)?.ok_or_else(|| missing("registered limit", &id));
        self.db.read(find).await
    }

    /// Makes registered limits: all of them, or none.
    pub async fn registered_limit_create(
        &self,
        cx: &Cx,
        given: Vec<Map<String, Value>>,
    ) -> Result<Vec<RegisteredLimit>, Fault> {
        cx.may(&rules::CREATE_REGISTERED_LIMITS, &Target::none())?;
        self.db
            .write(move |tx| {
                let mut all = Vec::new();
                for given in &given {
                    let one = RegisteredLimit {
                        id: tx.entropy().hex_id(),
                        resource: resource(given),
                        default_limit: number(given, "default_limit").unwrap_or_default(),
                        description: text(given, "description"),
                    };
                    check_resource(tx, &one.resource, "registered_limit")?;
                    if !registered_limit_put(tx, &one)? {
                        return Err(duplicate("registered_limit"));
                    }
                    all.push(one);
                }
                Ok(all)
            })
            .await
    }

    /// Changes a registered limit that no limit stands instead of.
    pub async fn registered_limit_update(
        &self,
        cx: &Cx,
        id: &str,
        given: Map<String, Value>,
    ) -> Result<RegisteredLimit, Fault> {
        cx.may(&rules::UPDATE_REGISTERED_LIMIT, &Target::none())?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                let new = |name: &str| text(&given, name);
                let mut one = registered_limit_unused(tx, &id)?;
                one.resource.service_id = new("service_id").unwrap_or(one.resource.service_id);
                one.resource.name = new("resource_name").unwrap_or(one.resource.name);
                if given.contains_key("region_id") {
                    one.resource.region_id = new("region_id");
                }
                if given.contains_key("description") {
                    one.description = new("description");
                }
                one.default_limit = number(&given, "default_limit").unwrap_or(one.default_limit);
                check_resource(tx, &one.resource, "registered_limit")?;
                if registered_limit_put(tx, &one)? { Ok(one) } else { Err(duplicate("registered_limit")) }
            })
            .await
    }

    /// Removes a registered limit that no limit stands instead of.
    pub async fn registered_limit_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        cx.may(&rules::DELETE_REGISTERED_LIMIT, &Target::none())?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                registered_limit_unused(tx, &id)?;
                registered_limit_delete(tx, &id)
            })
            .await
    }

    /// How limits relate in this cloud.
    pub fn limit_model(&self, cx: &Cx) -> Result<LimitModel, Fault> {
        cx.may(&rules::GET_LIMIT_MODEL, &Target::none())?;
        Ok(self.settings.limit_model)
    }

    /// The limits that the caller may see.
    pub async fn limit_list(&self, cx: &Cx) -> Result<Vec<Limit>, Fault> {
        cx.may(&rules::LIST_LIMITS, &Target::none())?;
        let cx = cx.clone();
        self.db
            .read(move |tx| {
                let mut all = limits(tx)?;
                if !cx.who.system && !cx.who.has_role("admin") && !cx.who.has_role("service") {
                    let mut own = vec![cx.who.domain_id.clone(), cx.who.project_id.clone()];
                    if let Some(domain) = &cx.who.domain_id {
                        let below = store::project::projects_of_domain(tx, domain)?;
                        own.extend(below.into_iter().map(|project| Some(project.id)));
                    }
                    all.retain(|limit| own.iter().flatten().any(|own| own == limit.holder.id()));
                }
                Ok(all)
            })
            .await
    }

    /// One limit.
    pub async fn limit_show(&self, cx: &Cx, id: &str) -> Result<Limit, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .read(move |tx| {
                let found = limit_by_id(tx, &id)?;
                cx.may(&rules::GET_LIMIT, &limit_target(tx, found.as_ref())?)?;
                found.ok_or_else(|| missing("limit", &id))
            })
            .await
    }

    /// Makes limits: all of them, or none.
    pub async fn limit_create(&self, cx: &Cx, given: Vec<Map<String, Value>>) -> Result<Vec<Limit>, Fault> {
        cx.may(&rules::CREATE_LIMITS, &Target::none())?;
        let model = self.settings.limit_model;
        self.db
            .write(move |tx| {
                let mut all = Vec::new();
                for given in &given {
                    all.push(new(tx, given)?);
                }
                for one in &all {
                    check_model(tx, model, one, &all)?;
                }
                for one in &all {
                    if !limit_put(tx, one)? {
                        return Err(duplicate("limit"));
                    }
                }
                Ok(all)
            })
            .await
    }

    /// Changes how much a limit is.
    pub async fn limit_update(&self, cx: &Cx, id: &str, given: Map<String, Value>) -> Result<Limit, Fault> {
        cx.may(&rules::UPDATE_LIMIT, &Target::none())?;
        let (id, model) = (id.to_owned(), self.settings.limit_model);
        self.db
            .write(move |tx| {
                let mut one = limit_by_id(tx, &id)?.ok_or_else(|| missing("limit", &id))?;
                one.resource_limit = number(&given, "resource_limit").unwrap_or(one.resource_limit);
                if given.contains_key("description") {
                    one.description = text(&given, "description");
                }
                check_model(tx, model, &one, &[])?;
                limit_put(tx, &one)?;
                Ok(one)
            })
            .await
    }

    /// Removes a limit.
    pub async fn limit_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        cx.may(&rules::DELETE_LIMIT, &Target::none())?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                limit_by_id(tx, &id)?.ok_or_else(|| missing("limit", &id))?;
                limit_delete(tx, &id)
            })
            .await
    }
}

fn registered_limit_unused(tx: &Tx, id: &str) -> Result<RegisteredLimit, Fault> {
    let one = registered_limit_by_id(tx, id)?.ok_or_else(|| missing("registered limit", id))?;
    if limits_of_registered(tx, id)?.is_empty() {
        return Ok(one);
    }
    Err(Fault::forbidden(format!(
        "Unable to update or delete registered limit {id} because there are project limits associated with it."
    )))
}

/// What rules may ask of a limit.
fn limit_target(tx: &Tx, limit: Option<&Limit>) -> Result<Target, Fault> {
    let Some(limit) = limit else { return Ok(Target::none()) };
    let project_id = limit.holder.project_id().unwrap_or("None");
    let target = Target::none().with("target.limit.project_id", project_id);
    Ok(match store::project::project_by_id(tx, limit.holder.id())? {
        Some(place) if place.is_domain => target.with("target.limit.domain.id", &place.id),
        Some(place) => target.with("target.limit.project.domain_id", &place.domain_id),
        None => target,
    })
}

/// The limit that is asked for. It needs a registered one to stand instead of.
fn new(tx: &Tx, given: &Map<String, Value>) -> Result<Limit, Fault> {
    let resource = resource(given);
    check_resource(tx, &resource, "limit")?;
    let place = |id: &Option<String>, name: &str| -> Result<Option<Project>, Fault> {
        let Some(id) = id else { return Ok(None) };
        let found = store::project::project_by_id(tx, id)?;
        found
            .filter(|found| found.is_domain || name == "project_id")
            .map(Some)
            .ok_or_else(|| expected(name, "limit"))
    };
    let project = place(&text(given, "project_id"), "project_id")?;
    let domain = place(&text(given, "domain_id"), "domain_id")?;
    let holder = match project.or(domain) {
        Some(place) if place.is_domain => Holder::Domain(place.id),
        Some(place) => Holder::Project(place.id),
        None => return Err(expected("project_id or domain_id", "limit")),
    };
    let registered = registered_limit_of(tx, &resource)?.ok_or_else(|| {
        Fault::forbidden("Unable to create a limit that has no corresponding registered limit.")
    })?;
    Ok(Limit {
        id: tx.entropy().hex_id(),
        registered_id: registered.id,
        resource,
        holder,
        resource_limit: number(given, "resource_limit").unwrap_or_default(),
        description: text(given, "description"),
    })
}

/// Whether a limit fits to those above and below it, of which some may come along with it.
fn check_model(tx: &Tx, model: LimitModel, one: &Limit, along: &[Limit]) -> Result<(), Fault> {
    let fits = match model {
        LimitModel::Flat => true,
        LimitModel::StrictTwoLevel => fits_two_levels(tx, one, along)?,
    };
    if fits { Ok(()) } else { Err(unfit(one)) }
}

fn fits_two_levels(tx: &Tx, one: &Limit, along: &[Limit]) -> Result<bool, Fault> {
    let kept = limits_of_registered(tx, &one.registered_id)?;
    let same: Vec<&Limit> = along.iter().filter(|other| other.registered_id == one.registered_id).collect();
    let among = |limits: &[&Limit], id: &str| {
        limits.iter().find(|limit| limit.holder.id() == id).map(|limit| limit.resource_limit)
    };
    let kept: Vec<&Limit> = kept.iter().collect();
    let of = |id: &str| among(&same, id).or(among(&kept, id));
    match &one.holder {
        Holder::Project(id) => {
            let Some(project) = store::project::project_by_id(tx, id)? else { return Ok(true) };
            if let Some(above) = among(&same, &project.parent_id) {
                return Ok(one.resource_limit <= above);
            }
            let registered = registered_limit_by_id(tx, &one.registered_id)?;
            let above = of(&project.parent_id).or(registered.map(|registered| registered.default_limit));
            // Nothing at all above is no bound, unless it comes along.
            Ok(above.is_none_or(|above| above == 0 || one.resource_limit <= above))
        }
        Holder::Domain(id) => {
            let below = store::project::projects_below(tx, id)?;
            let mut below = below.iter().filter_map(|project| of(&project.id));
            Ok(below.all(|below| below == 0 || one.resource_limit >= below))
        }
    }
}

fn unfit(one: &Limit) -> Fault {
    let level = if one.holder.project_id().is_some() { "project_id" } else { "domain_id" };
    let Resource { service_id, region_id, name } = &one.resource;
    let region = region_id.as_deref().unwrap_or("None");
    Fault::forbidden(format!(
        "Invalid resource limit: The resource limit ({level}: {}, resource_name: {name}, resource_limit: {}, service_id: \
         {service_id}, region_id: {region}) doesn't satisfy current hierarchy model..",
        one.holder.id(),
        one.resource_limit
    ))
}
