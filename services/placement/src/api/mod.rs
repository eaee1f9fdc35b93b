//! HTTP and JSON of placement: decode, call one op, encode.

use crate::PlacementService;
use crate::model::Inventory;
use crate::ops::Known;
use crate::rules;
use contract::placement::Amounts;
use fault::Fault;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /`
pub async fn version_list(_: Arc<PlacementService>, _: Ask) -> Result<Answer, Fault> {
    let versions = crate::MICROVERSIONS;
    let version = json!({
        "id": "v1.0", "status": "CURRENT", "links": [{"rel": "self", "href": ""}],
        "min_version": versions.min.to_string(), "max_version": versions.max.to_string(),
    });
    Ok(Answer::ok(&json!({"versions": [version]})))
}

fn provider(one: &crate::model::Provider) -> Value {
    let path = format!("/placement/resource_providers/{}", one.id);
    let rels = ["self", "inventories", "usages", "aggregates", "traits", "allocations"];
    let link = |rel: &str| if rel == "self" { path.clone() } else { format!("{path}/{rel}") };
    let links: Vec<Value> = rels.into_iter().map(|rel| json!({"rel": rel, "href": link(rel)})).collect();
    json!({
        "uuid": one.id, "name": one.name, "generation": one.generation, "links": links,
        "root_provider_uuid": one.id, "parent_provider_uuid": null,
    })
}

/// `GET /resource_providers`
pub async fn provider_list(service: Arc<PlacementService>, ask: Ask) -> Result<Answer, Fault> {
    let all = service.provider_list(&ask.cx).await?;
    let fits = |one: &&crate::model::Provider| {
        ask.query.get("name").is_none_or(|name| one.name == name)
            && ask.query.get("uuid").is_none_or(|id| one.id == id)
    };
    let bodies: Vec<Value> = all.iter().filter(fits).map(provider).collect();
    Ok(Answer::ok(&json!({"resource_providers": bodies})))
}

/// `GET /resource_providers/{id}`
pub async fn provider_show(service: Arc<PlacementService>, ask: Ask) -> Result<Answer, Fault> {
    let known = service.provider_show(&ask.cx, ask.id("id"), &rules::PROVIDERS_SHOW).await?;
    Ok(Answer::ok(&provider(&known.provider)))
}

fn inventory(one: &Inventory) -> Value {
    json!({
        "total": one.total, "reserved": one.reserved, "min_unit": one.min_unit, "max_unit": one.max_unit,
        "step_size": one.step_size, "allocation_ratio": one.allocation_ratio,
    })
}

/// `GET /resource_providers/{id}/inventories`
pub async fn inventory_list(service: Arc<PlacementService>, ask: Ask) -> Result<Answer, Fault> {
    let known = service.provider_show(&ask.cx, ask.id("id"), &rules::INVENTORIES_LIST).await?;
    let all: Map<String, Value> =
        known.inventories.iter().map(|one| (one.resource_class.clone(), inventory(one))).collect();
    Ok(Answer::ok(&json!({"inventories": all, "resource_provider_generation": known.provider.generation})))
}

/// `GET /resource_providers/{id}/inventories/{class}`
pub async fn inventory_show(service: Arc<PlacementService>, ask: Ask) -> Result<Answer, Fault> {
    let known = service.provider_show(&ask.cx, ask.id("id"), &rules::INVENTORIES_SHOW).await?;
    let class = ask.id("class");
    let one = known.inventories.iter().find(|one| one.resource_class == class);
    let mut body = inventory(one.ok_or_else(|| {
        Fault::not_found(format!("No inventory of class {class} for {}", known.provider.id))
    })?);
    body["resource_provider_generation"] = json!(known.provider.generation);
    Ok(Answer::ok(&body))
}

/// `GET /resource_providers/{id}/usages`
pub async fn provider_usages(service: Arc<PlacementService>, ask: Ask) -> Result<Answer, Fault> {
    let known = service.provider_show(&ask.cx, ask.id("id"), &rules::PROVIDERS_USAGES).await?;
    let all: Map<String, Value> =
        known.inventories.iter().map(|one| (one.resource_class.clone(), json!(one.used))).collect();
    Ok(Answer::ok(&json!({"usages": all, "resource_provider_generation": known.provider.generation})))
}

/// `GET /resource_providers/{id}/traits`
pub async fn provider_traits(service: Arc<PlacementService>, ask: Ask) -> Result<Answer, Fault> {
    let known = service.provider_show(&ask.cx, ask.id("id"), &rules::PROVIDERS_TRAITS).await?;
    Ok(Answer::ok(
        &json!({"traits": known.traits, "resource_provider_generation": known.provider.generation}),
    ))
}

/// `GET /resource_providers/{id}/aggregates`
pub async fn provider_aggregates(service: Arc<PlacementService>, ask: Ask) -> Result<Answer, Fault> {
    let known = service.provider_show(&ask.cx, ask.id("id"), &rules::PROVIDERS_AGGREGATES).await?;
    Ok(Answer::ok(&json!({"aggregates": [], "resource_provider_generation": known.provider.generation})))
}

/// `GET /resource_providers/{id}/allocations`
pub async fn provider_allocations(service: Arc<PlacementService>, ask: Ask) -> Result<Answer, Fault> {
    let Known { provider, allocations, .. } =
        service.provider_show(&ask.cx, ask.id("id"), &rules::PROVIDERS_ALLOCATIONS).await?;
    let mut by_consumer: BTreeMap<String, Value> = BTreeMap::new();
    for one in allocations {
        let entry = by_consumer
            .entry(one.consumer_id)
            .or_insert_with(|| json!({"resources": {}, "consumer_generation": one.consumer_generation}));
        entry["resources"][one.resource_class] = json!(one.used);
    }
    Ok(Answer::ok(&json!({"allocations": by_consumer, "resource_provider_generation": provider.generation})))
}

/// `GET /allocations/{consumer}`
pub async fn allocation_list(service: Arc<PlacementService>, ask: Ask) -> Result<Answer, Fault> {
    let all = service.allocation_list(&ask.cx, ask.id("consumer")).await?;
    let mut body = json!({"allocations": {}});
    for (one, provider) in &all {
        let id = provider.id.as_str();
        if body["allocations"][id].is_null() {
            body["allocations"][id] = json!({"resources": {}, "generation": provider.generation});
        }
        body["allocations"][id]["resources"][one.resource_class.as_str()] = json!(one.used);
        body["project_id"] = json!(one.project_id);
        body["user_id"] = json!(one.user_id);
        body["consumer_generation"] = json!(one.consumer_generation);
    }
    Ok(Answer::ok(&body))
}

/// `GET /allocation_candidates`
pub async fn candidate_list(service: Arc<PlacementService>, ask: Ask) -> Result<Answer, Fault> {
    let amounts = amounts(ask.query.get("resources").unwrap_or_default())?;
    let named = ask.query.get("required").unwrap_or_default().split(',').filter(|name| !name.is_empty());
    let (forbidden, required): (Vec<String>, Vec<String>) =
        named.map(str::to_owned).partition(|name| name.starts_with('!'));
    let forbidden = forbidden.into_iter().map(|name| name.trim_start_matches('!').to_owned()).collect();
    let found = service.candidate_list(&ask.cx, amounts.clone(), required, forbidden).await?;
    let limit = ask.query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let (mut requests, mut summaries) = (Vec::new(), Map::new());
    for (one, traits) in found.into_iter().take(limit) {
        let id = one.provider_id.as_str();
        requests.push(json!({"allocations": {id: {"resources": amounts}}, "mappings": {"": [id]}}));
        let resources: Map<String, Value> = one
            .stock
            .iter()
            .map(|(class, stock)| {
                let used = one.used.get(class).copied().unwrap_or(0);
                (class.clone(), json!({"capacity": capacity(stock), "used": used}))
            })
            .collect();
        summaries.insert(id.to_owned(), json!({
            "resources": resources, "traits": traits, "parent_provider_uuid": null, "root_provider_uuid": id,
        }));
    }
    Ok(Answer::ok(&json!({"allocation_requests": requests, "provider_summaries": summaries})))
}

fn capacity(stock: &contract::placement::Stock) -> u64 {
    let inventory = Inventory {
        provider_id: String::new(),
        resource_class: String::new(),
        total: stock.total,
        reserved: stock.reserved,
        min_unit: 1,
        max_unit: stock.max_unit,
        step_size: 1,
        allocation_ratio: stock.allocation_ratio,
        used: 0,
    };
    inventory.capacity()
}

/// `VCPU:1,MEMORY_MB:512`
fn amounts(text: &str) -> Result<Amounts, Fault> {
    let bad = || {
        Fault::bad_input(format!(
            "Badly formed resources parameter. Expected resources query string parameter in form: ?resources=VCPU:2,MEMORY_MB:1024. Got: {text}."
        ))
    };
    let all: Amounts = text
        .split(',')
        .map(|one| {
            let (class, amount) = one.split_once(':').ok_or_else(bad)?;
            Ok((class.to_owned(), amount.parse().ok().filter(|amount| *amount > 0).ok_or_else(bad)?))
        })
        .collect::<Result<_, Fault>>()?;
    Ok(all)
}

/// `GET /usages`
pub async fn usage_list(service: Arc<PlacementService>, ask: Ask) -> Result<Answer, Fault> {
    let project = ask.query.get("project_id").ok_or_else(|| {
        Fault::bad_input("Invalid query string parameters: 'project_id' is a required property")
    })?;
    let user = ask.query.get("user_id").map(str::to_owned);
    Ok(Answer::ok(&json!({"usages": service.usage_list(&ask.cx, project, user).await?})))
}
