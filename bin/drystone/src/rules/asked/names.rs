//! What the parameters of a path name here, and what a query must say for an operation to come to its rule.

use http::Method;
use web::routes::Row;

/// The sort of thing that a parameter of a path names; mostly it is called as the word before it.
pub fn noun(service: &str, row: &Row, before: &'static str, parameter: &str) -> &'static str {
    let below = |word: &str| row.path.contains(word);
    match (service, before, parameter) {
        ("identity", "roles", "{role}") if below("/OS-TRUST/") => "reader",
        ("identity", "roles", "{role}") => "member",
        ("identity", "roles", _) if row.name == "role_show" => "member",
        ("identity", "roles", _) => "spare",
        ("identity", "implies", _) => "implied",
        ("identity", "users", "{user}") => "grantee",
        ("identity", "domains", _) if below("/config/security_compliance") => "compliance_domain",
        ("identity", "domains", _) if below("/config") => "config_domain",
        ("identity", "config", "{group}") => "config_group",
        ("identity", "config", _) => "config_option",
        ("identity", "security_compliance", _) => "compliance_option",
        // What can be changed or removed only when nothing uses it.
        ("identity", "domains", _) if row.name == "domain_delete" => "closed_domain",
        ("identity", "services", _) if row.name == "service_delete" => "spare_service",
        ("identity", "registered_limits", _) if below("/registered_limits/") && row.method != Method::GET => {
            "spare_limit"
        }
        ("image", "images", _) if row.name == "member_update" => "offered",
        ("image", "members", _) if row.name == "member_update" => "projects",
        ("image", "images", _) if below("/members") => "lent",
        ("image", "members", _) => "borrower",
        ("image", "images", _) if below("/actions") || row.name == "data_download" => "active",
        ("network", "quotas", _) | ("compute", "os-quota-sets" | "os-simple-tenant-usage", _) => "projects",
        ("network", "network-ip-availabilities", _) => "networks",
        ("compute", "flavors", _) if row.name == "flavor_access_list" => "closed_flavor",
        ("compute", "os-hypervisors", _) if below("/search") || below("/servers") => "host_name",
        ("placement", "allocations", _) => "servers",
        _ => before,
    }
}

/// The query of an operation that needs one: what stands before the id of a thing, and its sort.
pub fn query(service: &str, row: &Row) -> Option<(&'static str, &'static str)> {
    match (service, row.name) {
        ("placement", "usage_list") | ("compute", "migration_list") => Some(("project_id=", "projects")),
        ("placement", "candidate_list") => Some(("resources=", "resources")),
        _ => None,
    }
}
