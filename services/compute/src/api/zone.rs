//! Availability zones.

use super::{Answered, page};
use crate::{Compute, versions};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

/// Nova's own services are in this zone, which is shown to administrators only.
const INTERNAL: &str = "internal";

/// `GET /os-availability-zone`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let (available, not, _) = compute.zone_list(&ask.cx, false).await?;
    let shown = |zone: &String, available: bool| json!({"zoneName": zone, "zoneState": {"available": available}, "hosts": null});
    let all = available.iter().map(|zone| (zone, true)).chain(not.iter().map(|zone| (zone, false)));
    let all: Vec<Value> =
        all.filter(|(zone, _)| *zone != INTERNAL).map(|(zone, state)| shown(zone, state)).collect();
    Ok(Answer::ok(&json!({"availabilityZoneInfo": all})))
}

/// `GET /os-availability-zone/detail`
pub async fn detail(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let (available, not, services) = compute.zone_list(&ask.cx, true).await?;
    let mut all = Vec::new();
    for zone in &available {
        let mut hosts: Map<String, Value> = Map::new();
        for service in services.iter().filter(|service| service.zone == *zone && !service.disabled) {
            let state = json!({"available": service.up, "active": true,
                "updated_at": service.seen_at.map(|at| at.micros_naked())});
            let host = hosts.entry(service.host.clone()).or_insert_with(|| json!({}));
            host[&service.kind] = state;
        }
        all.push(json!({"zoneName": zone, "zoneState": {"available": true}, "hosts": hosts}));
    }
    for zone in &not {
        all.push(json!({"zoneName": zone, "zoneState": {"available": false}, "hosts": null}));
    }
    Ok(Answer::ok(&json!({"availabilityZoneInfo": all})))
}
