//! Agents, availability zones, and what is left of addresses.

use super::resource;
use crate::Network;
use crate::model::attribute::{Attribute, Default, Noun, at, shown};
use crate::model::check::{Check, Convert};
use crate::model::listing::Listing;
use crate::model::{faults, network, object};
use crate::rules;
use crate::store::{self as rows, Condition};
use fault::Fault;
use policy::Target;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /v2.0/agents`
pub async fn list(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::list(network, ask, |network, tx, _, _| network.agents(tx)).await
}

/// `GET /v2.0/agents/{id}`
pub async fn show(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::show(network, ask, |network, tx, _, id| network.agent(tx, id)).await
}

/// `DELETE /v2.0/agents/{id}`
pub async fn delete(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::delete(network, ask, Network::agent_delete).await
}

const ZONE_ATTRIBUTES: &[Attribute] = &[shown("name", "VF"), shown("resource", "VF"), shown("state", "VF")];

static ZONE_NOUN: Noun = Noun {
    one: "availability_zone",
    many: "availability_zones",
    path: "availability_zones",
    attributes: ZONE_ATTRIBUTES,
    missing: faults::agent_missing,
};

/// `GET /v2.0/availability_zones`: those of the hosts that have ever joined.
pub async fn zones(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    let may = ask.cx.allows(&rules::GET_AVAILABILITY_ZONE, &Target::none());
    let listing = Listing::of(&ZONE_NOUN, &ask.query)?;
    let hosts = network.db.read(rows::host::all).await?;
    let zone = |resource: &str| object! { "name": network::ZONE, "resource": resource, "state": "available" };
    let zones = if hosts.is_empty() || !may { Vec::new() } else { vec![zone("network"), zone("router")] };
    Ok(Answer::ok(&listing.page(&ZONE_NOUN, &ask.cx.url(&ask.path), zones)?))
}

const AVAILABILITY_ATTRIBUTES: &[Attribute] = &[
    shown("network_id", "VFS"),
    shown("network_name", "VF"),
    shown("project_id", "VF"),
    shown("total_ips", "V"),
    shown("used_ips", "V"),
    shown("subnet_ip_availability", "V"),
    at("ip_version", "F", Default::Unset, Convert::Number, Check::None),
];

static AVAILABILITY_NOUN: Noun = Noun {
    one: "network_ip_availability",
    many: "network_ip_availabilities",
    path: "network-ip-availabilities",
    attributes: AVAILABILITY_ATTRIBUTES,
    missing: faults::network_missing,
};

/// `GET /v2.0/network-ip-availabilities`
pub async fn availabilities(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    let listing = Listing::of(&AVAILABILITY_NOUN, &ask.query)?;
    let version = listing.only("ip_version").and_then(|words| words.first()?.parse().ok());
    let (cx, service) = (ask.cx.clone(), network.clone());
    let bodies = network.db.read(move |tx| {
        let networks = service.networks_counted(tx, &cx, Condition::all())?;
        let counted = networks.iter().map(|network| service.network_ip_availability(tx, network, version));
        counted.collect::<Result<Vec<Map<String, Value>>, _>>()
    });
    // The version narrows what is counted, and is no attribute of the answer.
    let with_version = |mut body: Map<String, Value>| {
        body.extend(version.map(|version: i64| ("ip_version".to_owned(), Value::from(version))));
        body
    };
    let counted = |body: &Map<String, Value>| {
        version.is_none() || body["subnet_ip_availability"].as_array().is_some_and(|each| !each.is_empty())
    };
    let bodies = bodies.await?.into_iter().filter(counted).map(with_version).collect();
    let mut page = listing.page(&AVAILABILITY_NOUN, &ask.cx.url(&ask.path), bodies)?;
    for body in page[AVAILABILITY_NOUN.many].as_array_mut().into_iter().flatten() {
        if let Some(body) = body.as_object_mut() {
            body.shift_remove("ip_version");
        }
    }
    Ok(Answer::ok(&page))
}

/// `GET /v2.0/network-ip-availabilities/{id}`
pub async fn availability(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    let (cx, service, id) = (ask.cx.clone(), network.clone(), ask.id("id").to_owned());
    let body = network.db.read(move |tx| {
        let found = service.networks_counted(tx, &cx, Condition::is("id", id.as_str()))?.pop();
        service.network_ip_availability(tx, &found.ok_or_else(|| faults::network_missing(&id))?, None)
    });
    Ok(Answer::ok(&json!({"network_ip_availability": body.await?})))
}
