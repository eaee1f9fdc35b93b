//! Every operation of this service.

use crate::api::{
    action, aggregate, console, extension, flavor, group, hypervisor, interface, keypair, limits, metadata,
    quota, security_group, server, server_action, server_create, server_list, service, tag, usage, version,
    zone,
};
use crate::{Compute, rules, versions};
use std::borrow::Cow;
use web::{Routes, op};

const DOCUMENT: &str = "clients look for versions before they have a token";
const ANYBODY: &str = "flavors are there for everybody with a token";
const BY_ACTION: &str = "each action in the body has a rule of its own";

/// Brings the older spellings of a path into the table's: `/v2/…`, and with the project's id after the version.
pub fn spelling(path: &str) -> Cow<'_, str> {
    let rest = path
        .strip_prefix("/v2.1")
        .or_else(|| path.strip_prefix("/v2"))
        .filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let Some(rest) = rest else { return path.into() };
    let inner = rest.trim_start_matches('/');
    if inner.is_empty() && !path.starts_with("/v2.1") {
        return "/v2".into();
    }
    let (first, below) = inner.split_once('/').map_or((inner, ""), |(first, below)| (first, below));
    let project = matches!(first.len(), 32 | 36) && first.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    match (project, below.is_empty()) {
        (true, true) => "/v2.1".into(),
        (true, false) => format!("/v2.1/{below}").into(),
        (false, _) if path.starts_with("/v2.1") => path.into(),
        (false, _) => format!("/v2.1{rest}").into(),
    }
}

/// The table.
pub fn routes() -> Routes<Compute> {
    let routes = Routes::new()
        .get("/", op("version_list", version::list).open(DOCUMENT))
        .get("/v2.1", op("version_show", version::show).open(DOCUMENT))
        .get("/v2", op("version_show_old", version::show_old).open(DOCUMENT))
        .get("/v2.1/extensions", op("extension_list", extension::list).rule(&rules::EXTENSIONS))
        .get("/v2.1/extensions/{alias}", op("extension_show", extension::show).rule(&rules::EXTENSIONS));
    let routes = of_servers(routes);
    let routes = below_servers(routes);
    let routes = of_flavors(routes);
    let routes = of_users(routes);
    gone(of_operators(routes))
}

/// What Nova once had and answers with 410 at every version.
fn gone(mut routes: Routes<Compute>) -> Routes<Compute> {
    const WHY: &str = "there is nothing behind it to protect";
    for path in [
        "/v2.1/os-agents",
        "/v2.1/os-agents/{id}",
        "/v2.1/os-cells",
        "/v2.1/os-cells/{id}",
        "/v2.1/os-cells/{id}/capacities",
        "/v2.1/os-certificates",
        "/v2.1/os-certificates/{id}",
        "/v2.1/os-cloudpipe",
        "/v2.1/os-cloudpipe/{id}",
        "/v2.1/os-fixed-ips/{id}",
        "/v2.1/os-floating-ip-dns",
        "/v2.1/os-floating-ip-dns/{id}",
        "/v2.1/os-floating-ip-dns/{id}/entries/{entry}",
        "/v2.1/os-floating-ips-bulk",
        "/v2.1/os-floating-ips-bulk/{id}",
        "/v2.1/os-fping",
        "/v2.1/os-fping/{id}",
        "/v2.1/os-security-group-default-rules",
        "/v2.1/os-security-group-default-rules/{id}",
        "/v2.1/servers/{id}/consoles",
        "/v2.1/servers/{id}/consoles/{console}",
        "/v2.1/servers/{id}/os-virtual-interfaces",
    ] {
        routes = routes
            .get(path, op("gone", version::gone).token(WHY))
            .post(path, op("gone", version::gone).token(WHY));
    }
    routes
}

fn of_servers(routes: Routes<Compute>) -> Routes<Compute> {
    routes
        .get("/v2.1/servers", op("server_list", server_list::list).rule(&rules::SERVERS_INDEX))
        .post("/v2.1/servers", op("server_create", server_create::create).rule(&rules::SERVERS_CREATE))
        .get("/v2.1/servers/detail", op("server_detail", server_list::detail).rule(&rules::SERVERS_DETAIL))
        .get("/v2.1/servers/{id}", op("server_show", server::show).rule(&rules::SERVERS_SHOW))
        .put("/v2.1/servers/{id}", op("server_update", server::update).rule(&rules::SERVERS_UPDATE))
        .delete("/v2.1/servers/{id}", op("server_delete", server::delete).rule(&rules::SERVERS_DELETE))
        .post("/v2.1/servers/{id}/action", op("server_action", server_action::action).token(BY_ACTION))
        .get("/v2.1/servers/{id}/ips", op("server_ips", server::ips).rule(&rules::IPS_INDEX))
        .get("/v2.1/servers/{id}/ips/{network}", op("server_ips_of", server::ips_of).rule(&rules::IPS_SHOW))
        .get(
            "/v2.1/servers/{id}/diagnostics",
            op("server_diagnostics", server::diagnostics).rule(&rules::SERVER_DIAGNOSTICS),
        )
        .get(
            "/v2.1/servers/{id}/os-volume_attachments",
            op("server_volumes", server::volumes).rule(&rules::VOLUMES_ATTACHMENTS_INDEX),
        )
        .get(
            "/v2.1/servers/{id}/migrations",
            op("server_migrations", server::migrations_of)
                .rule(&rules::SERVER_MIGRATIONS_INDEX)
                .since(versions::MIGRATION_TYPE),
        )
        .get("/v2.1/os-migrations", op("migration_list", server::migrations).rule(&rules::MIGRATIONS_INDEX))
        .get(
            "/v2.1/servers/{id}/os-server-password",
            op("password_show", console::password_show).rule(&rules::SERVER_PASSWORD_SHOW),
        )
        .delete(
            "/v2.1/servers/{id}/os-server-password",
            op("password_clear", console::password_clear).rule(&rules::SERVER_PASSWORD_CLEAR),
        )
        .post(
            "/v2.1/servers/{id}/remote-consoles",
            op("console_create", console::create)
                .rule(&rules::REMOTE_CONSOLES)
                .since(versions::REMOTE_CONSOLES),
        )
}

fn below_servers(routes: Routes<Compute>) -> Routes<Compute> {
    let tags = versions::SERVER_TAGS;
    routes
        .get(
            "/v2.1/servers/{id}/metadata",
            op("metadata_list", metadata::list).rule(&rules::SERVER_METADATA_INDEX),
        )
        .post(
            "/v2.1/servers/{id}/metadata",
            op("metadata_create", metadata::create).rule(&rules::SERVER_METADATA_CREATE),
        )
        .put(
            "/v2.1/servers/{id}/metadata",
            op("metadata_replace", metadata::replace).rule(&rules::SERVER_METADATA_UPDATE_ALL),
        )
        .get(
            "/v2.1/servers/{id}/metadata/{key}",
            op("metadata_show", metadata::show).rule(&rules::SERVER_METADATA_SHOW),
        )
        .put(
            "/v2.1/servers/{id}/metadata/{key}",
            op("metadata_update", metadata::update).rule(&rules::SERVER_METADATA_UPDATE),
        )
        .delete(
            "/v2.1/servers/{id}/metadata/{key}",
            op("metadata_delete", metadata::delete).rule(&rules::SERVER_METADATA_DELETE),
        )
        .get("/v2.1/servers/{id}/tags", op("tag_list", tag::list).rule(&rules::SERVER_TAGS_INDEX).since(tags))
        .put(
            "/v2.1/servers/{id}/tags",
            op("tag_replace", tag::replace).rule(&rules::SERVER_TAGS_UPDATE_ALL).since(tags),
        )
        .delete(
            "/v2.1/servers/{id}/tags",
            op("tag_clear", tag::clear).rule(&rules::SERVER_TAGS_DELETE_ALL).since(tags),
        )
        .get(
            "/v2.1/servers/{id}/tags/{tag}",
            op("tag_show", tag::show).rule(&rules::SERVER_TAGS_SHOW).since(tags),
        )
        .put(
            "/v2.1/servers/{id}/tags/{tag}",
            op("tag_add", tag::add).rule(&rules::SERVER_TAGS_UPDATE).since(tags),
        )
        .delete(
            "/v2.1/servers/{id}/tags/{tag}",
            op("tag_remove", tag::remove).rule(&rules::SERVER_TAGS_DELETE).since(tags),
        )
        .get(
            "/v2.1/servers/{id}/os-interface",
            op("interface_list", interface::list).rule(&rules::ATTACH_INTERFACES_LIST),
        )
        .post(
            "/v2.1/servers/{id}/os-interface",
            op("interface_create", interface::create).rule(&rules::ATTACH_INTERFACES_CREATE),
        )
        .get(
            "/v2.1/servers/{id}/os-interface/{port}",
            op("interface_show", interface::show).rule(&rules::ATTACH_INTERFACES_SHOW),
        )
        .delete(
            "/v2.1/servers/{id}/os-interface/{port}",
            op("interface_delete", interface::delete).rule(&rules::ATTACH_INTERFACES_DELETE),
        )
        .get(
            "/v2.1/servers/{id}/os-instance-actions",
            op("action_list", action::list).rule(&rules::INSTANCE_ACTIONS_LIST),
        )
        .get(
            "/v2.1/servers/{id}/os-instance-actions/{request}",
            op("action_show", action::show).rule(&rules::INSTANCE_ACTIONS_SHOW),
        )
        .get(
            "/v2.1/servers/{id}/os-security-groups",
            op("server_security_groups", security_group::of_server).rule(&rules::SECURITY_GROUPS_LIST),
        )
}

fn of_flavors(routes: Routes<Compute>) -> Routes<Compute> {
    routes
        .get("/v2.1/flavors", op("flavor_list", flavor::list).token(ANYBODY))
        .post("/v2.1/flavors", op("flavor_create", flavor::create).rule(&rules::FLAVOR_MANAGE_CREATE))
        .get("/v2.1/flavors/detail", op("flavor_detail", flavor::detail).token(ANYBODY))
        .get("/v2.1/flavors/{id}", op("flavor_show", flavor::show).token(ANYBODY))
        .put(
            "/v2.1/flavors/{id}",
            op("flavor_update", flavor::update)
                .rule(&rules::FLAVOR_MANAGE_UPDATE)
                .since(versions::FLAVOR_DESCRIPTION),
        )
        .delete("/v2.1/flavors/{id}", op("flavor_delete", flavor::delete).rule(&rules::FLAVOR_MANAGE_DELETE))
        .post("/v2.1/flavors/{id}/action", op("flavor_action", flavor::action).token(BY_ACTION))
        .get(
            "/v2.1/flavors/{id}/os-extra_specs",
            op("flavor_spec_list", flavor::specs_list).rule(&rules::FLAVOR_EXTRA_SPECS_INDEX),
        )
        .post(
            "/v2.1/flavors/{id}/os-extra_specs",
            op("flavor_spec_create", flavor::specs_create).rule(&rules::FLAVOR_EXTRA_SPECS_CREATE),
        )
        .get(
            "/v2.1/flavors/{id}/os-extra_specs/{key}",
            op("flavor_spec_show", flavor::spec_show).rule(&rules::FLAVOR_EXTRA_SPECS_SHOW),
        )
        .put(
            "/v2.1/flavors/{id}/os-extra_specs/{key}",
            op("flavor_spec_update", flavor::spec_update).rule(&rules::FLAVOR_EXTRA_SPECS_UPDATE),
        )
        .delete(
            "/v2.1/flavors/{id}/os-extra_specs/{key}",
            op("flavor_spec_delete", flavor::spec_delete).rule(&rules::FLAVOR_EXTRA_SPECS_DELETE),
        )
        .get(
            "/v2.1/flavors/{id}/os-flavor-access",
            op("flavor_access_list", flavor::access_list).rule(&rules::FLAVOR_ACCESS),
        )
}

fn of_users(routes: Routes<Compute>) -> Routes<Compute> {
    let proxies = versions::PROXIES_LAST;
    routes
        .get("/v2.1/os-keypairs", op("keypair_list", keypair::list).rule(&rules::KEYPAIRS_INDEX))
        .post("/v2.1/os-keypairs", op("keypair_create", keypair::create).rule(&rules::KEYPAIRS_CREATE))
        .get("/v2.1/os-keypairs/{name}", op("keypair_show", keypair::show).rule(&rules::KEYPAIRS_SHOW))
        .delete(
            "/v2.1/os-keypairs/{name}",
            op("keypair_delete", keypair::delete).rule(&rules::KEYPAIRS_DELETE),
        )
        .get("/v2.1/os-server-groups", op("group_list", group::list).rule(&rules::SERVER_GROUPS_INDEX))
        .post("/v2.1/os-server-groups", op("group_create", group::create).rule(&rules::SERVER_GROUPS_CREATE))
        .get("/v2.1/os-server-groups/{id}", op("group_show", group::show).rule(&rules::SERVER_GROUPS_SHOW))
        .delete(
            "/v2.1/os-server-groups/{id}",
            op("group_delete", group::delete).rule(&rules::SERVER_GROUPS_DELETE),
        )
        .get("/v2.1/limits", op("limits_show", limits::show).rule(&rules::LIMITS))
        .get("/v2.1/os-quota-sets/{project}", op("quota_show", quota::show).rule(&rules::QUOTA_SETS_SHOW))
        .put(
            "/v2.1/os-quota-sets/{project}",
            op("quota_update", quota::update).rule(&rules::QUOTA_SETS_UPDATE),
        )
        .delete(
            "/v2.1/os-quota-sets/{project}",
            op("quota_delete", quota::delete).rule(&rules::QUOTA_SETS_DELETE),
        )
        .get(
            "/v2.1/os-quota-sets/{project}/detail",
            op("quota_detail", quota::detail).rule(&rules::QUOTA_SETS_DETAIL),
        )
        .get(
            "/v2.1/os-quota-sets/{project}/defaults",
            op("quota_defaults", quota::defaults).rule(&rules::QUOTA_SETS_DEFAULTS),
        )
        .get("/v2.1/os-availability-zone", op("zone_list", zone::list).rule(&rules::AVAILABILITY_ZONE_LIST))
        .get(
            "/v2.1/os-availability-zone/detail",
            op("zone_detail", zone::detail).rule(&rules::AVAILABILITY_ZONE_DETAIL),
        )
        .get(
            "/v2.1/os-simple-tenant-usage",
            op("usage_list", usage::list).rule(&rules::SIMPLE_TENANT_USAGE_LIST),
        )
        .get(
            "/v2.1/os-simple-tenant-usage/{project}",
            op("usage_show", usage::show).rule(&rules::SIMPLE_TENANT_USAGE_SHOW),
        )
        .get(
            "/v2.1/os-security-groups",
            op("security_group_list", security_group::list).rule(&rules::SECURITY_GROUPS_GET).until(proxies),
        )
        .post(
            "/v2.1/os-security-groups",
            op("security_group_create", security_group::create)
                .rule(&rules::SECURITY_GROUPS_CREATE)
                .until(proxies),
        )
        .get(
            "/v2.1/os-security-groups/{id}",
            op("security_group_show", security_group::show).rule(&rules::SECURITY_GROUPS_SHOW).until(proxies),
        )
        .put(
            "/v2.1/os-security-groups/{id}",
            op("security_group_update", security_group::update)
                .rule(&rules::SECURITY_GROUPS_UPDATE)
                .until(proxies),
        )
        .delete(
            "/v2.1/os-security-groups/{id}",
            op("security_group_delete", security_group::delete)
                .rule(&rules::SECURITY_GROUPS_DELETE)
                .until(proxies),
        )
        .post(
            "/v2.1/os-security-group-rules",
            op("security_group_rule_create", security_group::rule_create)
                .rule(&rules::SECURITY_GROUPS_RULE_CREATE)
                .until(proxies),
        )
        .delete(
            "/v2.1/os-security-group-rules/{id}",
            op("security_group_rule_delete", security_group::rule_delete)
                .rule(&rules::SECURITY_GROUPS_RULE_DELETE)
                .until(proxies),
        )
}

fn of_operators(routes: Routes<Compute>) -> Routes<Compute> {
    let statistics = versions::STATISTICS_LAST;
    // The last version before hypervisors had ids like everything else.
    let numbered = web::Version::new(2, 52);
    routes
        .get("/v2.1/os-hypervisors", op("hypervisor_list", hypervisor::list).rule(&rules::HYPERVISORS_LIST))
        .get(
            "/v2.1/os-hypervisors/detail",
            op("hypervisor_detail", hypervisor::detail).rule(&rules::HYPERVISORS_LIST_DETAIL),
        )
        .get(
            "/v2.1/os-hypervisors/statistics",
            op("hypervisor_statistics", hypervisor::all_statistics)
                .rule(&rules::HYPERVISORS_STATISTICS)
                .until(statistics),
        )
        .get(
            "/v2.1/os-hypervisors/{id}",
            op("hypervisor_show", hypervisor::show).rule(&rules::HYPERVISORS_SHOW),
        )
        .get(
            "/v2.1/os-hypervisors/{id}/uptime",
            op("hypervisor_uptime", hypervisor::uptime).rule(&rules::HYPERVISORS_UPTIME).until(statistics),
        )
        .get(
            "/v2.1/os-hypervisors/{id}/search",
            op("hypervisor_search", hypervisor::search).rule(&rules::HYPERVISORS_SEARCH).until(numbered),
        )
        .get(
            "/v2.1/os-hypervisors/{id}/servers",
            op("hypervisor_servers", hypervisor::servers).rule(&rules::HYPERVISORS_SERVERS).until(numbered),
        )
        .get("/v2.1/os-services", op("service_list", service::list).rule(&rules::SERVICES_LIST))
        .put("/v2.1/os-services/{id}", op("service_update", service::update).rule(&rules::SERVICES_UPDATE))
        .delete("/v2.1/os-services/{id}", op("service_delete", service::delete).rule(&rules::SERVICES_DELETE))
        .get("/v2.1/os-aggregates", op("aggregate_list", aggregate::list).rule(&rules::AGGREGATES_INDEX))
        .post(
            "/v2.1/os-aggregates",
            op("aggregate_create", aggregate::create).rule(&rules::AGGREGATES_CREATE),
        )
        .get("/v2.1/os-aggregates/{id}", op("aggregate_show", aggregate::show).rule(&rules::AGGREGATES_SHOW))
        .put(
            "/v2.1/os-aggregates/{id}",
            op("aggregate_update", aggregate::update).rule(&rules::AGGREGATES_UPDATE),
        )
        .delete(
            "/v2.1/os-aggregates/{id}",
            op("aggregate_delete", aggregate::delete).rule(&rules::AGGREGATES_DELETE),
        )
        .post("/v2.1/os-aggregates/{id}/action", op("aggregate_action", aggregate::action).token(BY_ACTION))
        .post(
            "/v2.1/os-aggregates/{id}/images",
            op("aggregate_images", aggregate::images)
                .rule(&rules::AGGREGATES_IMAGES)
                .since(versions::AGGREGATE_IMAGES),
        )
        .get(
            "/v2.1/os-quota-class-sets/{class}",
            op("quota_class_show", quota::class_show).rule(&rules::QUOTA_CLASS_SETS_SHOW),
        )
        .put(
            "/v2.1/os-quota-class-sets/{class}",
            op("quota_class_update", quota::class_update).rule(&rules::QUOTA_CLASS_SETS_UPDATE),
        )
}

#[cfg(test)]
mod tests {
    use super::spelling;

    #[test]
    fn older_spellings_are_understood() {
        for (path, spelled) in [
            ("/", "/"),
            ("/v2.1", "/v2.1"),
            ("/v2", "/v2"),
            ("/v2.1/servers", "/v2.1/servers"),
            ("/v2/servers/detail", "/v2.1/servers/detail"),
            ("/v2.1/0123456789abcdef0123456789abcdef/servers/x", "/v2.1/servers/x"),
            ("/v2.1/0123456789abcdef0123456789abcdef", "/v2.1"),
            ("/v2.10/servers", "/v2.10/servers"),
        ] {
            assert_eq!(spelling(path), spelled);
        }
    }
}
