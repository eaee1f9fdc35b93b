//! Who may do what, unless the operator says otherwise: Placement's names and defaults.

policy::rules! {
    placement [PROJECT];
    ADMIN_API "admin_api" "role:admin" "Administrators, as older rules say it.";
    SERVICE_API "service_api" "role:service" "Other services.";
    ADMIN_OR_SERVICE_API "admin_or_service_api" "role:admin or role:service" "Administrators and services.";
    PROJECT_READER_API "project_reader_api" "role:reader and project_id:%(project_id)s" "Readers of the project." [ANY];
    ADMIN_OR_PROJECT_READER_OR_SERVICE_API "admin_or_project_reader_or_service_api" "role:admin or rule:project_reader_api or role:service" "Administrators, services, and readers of the project.";
    PROVIDERS_LIST "placement:resource_providers:list" "rule:admin_or_service_api" "List resource providers.";
    PROVIDERS_SHOW "placement:resource_providers:show" "rule:admin_or_service_api" "Show a resource provider.";
    INVENTORIES_LIST "placement:resource_providers:inventories:list" "rule:admin_or_service_api" "List what a provider has.";
    INVENTORIES_SHOW "placement:resource_providers:inventories:show" "rule:admin_or_service_api" "Show what a provider has of a class.";
    PROVIDERS_USAGES "placement:resource_providers:usages" "rule:admin_or_service_api" "List what is used of a provider.";
    PROVIDERS_TRAITS "placement:resource_providers:traits:list" "rule:admin_or_service_api" "List a provider's traits.";
    PROVIDERS_ALLOCATIONS "placement:resource_providers:allocations:list" "rule:admin_or_service_api" "List who has what of a provider.";
    PROVIDERS_AGGREGATES "placement:resource_providers:aggregates:list" "rule:admin_or_service_api" "List a provider's aggregates.";
    ALLOCATIONS_LIST "placement:allocations:list" "rule:admin_or_service_api" "List what a consumer has.";
    CANDIDATES_LIST "placement:allocation_candidates:list" "rule:admin_or_service_api" "List providers that have room.";
    USAGES "placement:usages" "rule:admin_or_project_reader_or_service_api" "List what a project uses.";
}
