//! Quotas: what a project may have of each resource.

/// A resource that is counted.
#[derive(Debug)]
pub struct Resource {
    /// Its name in the API.
    pub name: &'static str,
    /// What a project may have of it unless an administrator says otherwise; -1 is without limit.
    pub default: i64,
    /// The table whose rows are counted by `project_id`; nothing where nothing is counted.
    pub table: Option<&'static str>,
}

/// Every resource that is counted.
pub const RESOURCES: &[Resource] = &[
    Resource { name: "network", default: 100, table: Some("networks") },
    Resource { name: "subnet", default: 100, table: Some("subnets") },
    Resource { name: "subnetpool", default: -1, table: Some("subnet_pools") },
    Resource { name: "port", default: 500, table: Some("ports") },
    Resource { name: "router", default: 10, table: Some("routers") },
    Resource { name: "router_route", default: 30, table: None },
    Resource { name: "floatingip", default: 50, table: Some("floating_ips") },
    Resource { name: "rbac_policy", default: 10, table: Some("network_rbac") },
    Resource { name: "security_group", default: 10, table: Some("security_groups") },
    Resource { name: "security_group_rule", default: 100, table: Some("security_group_rules") },
];

/// The resource of that name.
pub fn resource(name: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|resource| resource.name == name)
}
