//! Every operation of placement on one screen: method, path, name, and who may call.

use crate::PlacementService;
use crate::api;
use crate::rules::*;
use web::{Routes, op};

/// The table.
pub fn routes() -> Routes<PlacementService> {
    Routes::new()
        .get("/", op("version_list", api::version_list).open("discovery comes before a token"))
        .get("/resource_providers", op("provider_list", api::provider_list).rule(&PROVIDERS_LIST))
        .get("/resource_providers/{id}", op("provider_show", api::provider_show).rule(&PROVIDERS_SHOW))
        .get(
            "/resource_providers/{id}/inventories",
            op("inventory_list", api::inventory_list).rule(&INVENTORIES_LIST),
        )
        .get(
            "/resource_providers/{id}/inventories/{class}",
            op("inventory_show", api::inventory_show).rule(&INVENTORIES_SHOW),
        )
        .get(
            "/resource_providers/{id}/usages",
            op("provider_usages", api::provider_usages).rule(&PROVIDERS_USAGES),
        )
        .get(
            "/resource_providers/{id}/traits",
            op("provider_traits", api::provider_traits).rule(&PROVIDERS_TRAITS),
        )
        .get(
            "/resource_providers/{id}/aggregates",
            op("provider_aggregates", api::provider_aggregates).rule(&PROVIDERS_AGGREGATES),
        )
        .get(
            "/resource_providers/{id}/allocations",
            op("provider_allocations", api::provider_allocations).rule(&PROVIDERS_ALLOCATIONS),
        )
        .get("/allocations/{consumer}", op("allocation_list", api::allocation_list).rule(&ALLOCATIONS_LIST))
        .get("/allocation_candidates", op("candidate_list", api::candidate_list).rule(&CANDIDATES_LIST))
        .get("/usages", op("usage_list", api::usage_list).rule(&USAGES))
}
