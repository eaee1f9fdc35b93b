//! Who may do what, unless the operator says otherwise: Placement's names and defaults.

policy::rules! {
    placement;
    ADMIN_OR_SERVICE "placement_admin_or_service" "role:admin or role:service" "What administrators and services may do.";
    PROVIDERS_LIST "placement:resource_providers:list" "rule:placement_admin_or_service" "List resource providers.";
    PROVIDERS_SHOW "placement:resource_providers:show" "rule:placement_admin_or_service" "Show a resource provider.";
    INVENTORIES_LIST "placement:resource_providers:inventories:list" "rule:placement_admin_or_service" "List what a provider has.";
    INVENTORIES_SHOW "placement:resource_providers:inventories:show" "rule:placement_admin_or_service" "Show what a provider has of a class.";
    PROVIDERS_USAGES "placement:resource_providers:usages" "rule:placement_admin_or_service" "List what is used of a provider.";
    PROVIDERS_TRAITS "placement:resource_providers:traits:list" "rule:placement_admin_or_service" "List a provider's traits.";
    PROVIDERS_ALLOCATIONS "placement:resource_providers:allocations:list" "rule:placement_admin_or_service" "List who has what of a provider.";
    PROVIDERS_AGGREGATES "placement:resource_providers:aggregates:list" "rule:placement_admin_or_service" "List a provider's aggregates.";
    ALLOCATIONS_LIST "placement:allocations:list" "rule:placement_admin_or_service" "List what a consumer has.";
    CANDIDATES_LIST "placement:allocation_candidates:list" "rule:placement_admin_or_service" "List providers that have room.";
    USAGES "placement:usages" "rule:placement_admin_or_service or (role:reader and project_id:%(project_id)s)" "List what a project uses.";
}
