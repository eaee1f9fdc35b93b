//! Every URL of this service, with its operation and who may call it.

use crate::api::{
    agent, extension, floating_ip, network, port, quota, rbac, router, security_group, security_group_rule,
    subnet, subnet_pool, tag, version,
};
use crate::{Network, rules};
use web::routes::{Routes, op};

/// The table.
pub fn routes() -> Routes<Network> {
    let routes = Routes::new()
        .get("/", op("version_list", version::list).open("discovery comes before a token"))
        .get("/v2.0", op("version_show", version::show).token("it tells only names of collections"))
        .get(
            "/v2.0/extensions",
            op("extension_list", extension::list).token("what the service can do is no secret"),
        )
        .get(
            "/v2.0/extensions/{id}",
            op("extension_show", extension::show).token("what the service can do is no secret"),
        );
    tags(more(things(routes)))
}

fn things(routes: Routes<Network>) -> Routes<Network> {
    routes
        .get("/v2.0/networks", op("network_list", network::list).rule(&rules::GET_NETWORK))
        .post("/v2.0/networks", op("network_create", network::create).rule(&rules::CREATE_NETWORK))
        .get("/v2.0/networks/{id}", op("network_show", network::show).rule(&rules::GET_NETWORK))
        .put("/v2.0/networks/{id}", op("network_update", network::update).rule(&rules::UPDATE_NETWORK))
        .delete("/v2.0/networks/{id}", op("network_delete", network::delete).rule(&rules::DELETE_NETWORK))
        .get("/v2.0/subnets", op("subnet_list", subnet::list).rule(&rules::GET_SUBNET))
        .post("/v2.0/subnets", op("subnet_create", subnet::create).rule(&rules::CREATE_SUBNET))
        .get("/v2.0/subnets/{id}", op("subnet_show", subnet::show).rule(&rules::GET_SUBNET))
        .put("/v2.0/subnets/{id}", op("subnet_update", subnet::update).rule(&rules::UPDATE_SUBNET))
        .delete("/v2.0/subnets/{id}", op("subnet_delete", subnet::delete).rule(&rules::DELETE_SUBNET))
        .get("/v2.0/subnetpools", op("subnetpool_list", subnet_pool::list).rule(&rules::GET_SUBNETPOOL))
        .post(
            "/v2.0/subnetpools",
            op("subnetpool_create", subnet_pool::create).rule(&rules::CREATE_SUBNETPOOL),
        )
        .get("/v2.0/subnetpools/{id}", op("subnetpool_show", subnet_pool::show).rule(&rules::GET_SUBNETPOOL))
        .put(
            "/v2.0/subnetpools/{id}",
            op("subnetpool_update", subnet_pool::update).rule(&rules::UPDATE_SUBNETPOOL),
        )
        .delete(
            "/v2.0/subnetpools/{id}",
            op("subnetpool_delete", subnet_pool::delete).rule(&rules::DELETE_SUBNETPOOL),
        )
        .get("/v2.0/ports", op("port_list", port::list).rule(&rules::GET_PORT))
        .post("/v2.0/ports", op("port_create", port::create).rule(&rules::CREATE_PORT))
        .get("/v2.0/ports/{id}", op("port_show", port::show).rule(&rules::GET_PORT))
        .put("/v2.0/ports/{id}", op("port_update", port::update).rule(&rules::UPDATE_PORT))
        .delete("/v2.0/ports/{id}", op("port_delete", port::delete).rule(&rules::DELETE_PORT))
        .get("/v2.0/routers", op("router_list", router::list).rule(&rules::GET_ROUTER))
        .post("/v2.0/routers", op("router_create", router::create).rule(&rules::CREATE_ROUTER))
        .get("/v2.0/routers/{id}", op("router_show", router::show).rule(&rules::GET_ROUTER))
        .put("/v2.0/routers/{id}", op("router_update", router::update).rule(&rules::UPDATE_ROUTER))
        .delete("/v2.0/routers/{id}", op("router_delete", router::delete).rule(&rules::DELETE_ROUTER))
        .get("/v2.0/floatingips", op("floating_ip_list", floating_ip::list).rule(&rules::GET_FLOATINGIP))
        .post(
            "/v2.0/floatingips",
            op("floating_ip_create", floating_ip::create).rule(&rules::CREATE_FLOATINGIP),
        )
        .get("/v2.0/floatingips/{id}", op("floating_ip_show", floating_ip::show).rule(&rules::GET_FLOATINGIP))
        .put(
            "/v2.0/floatingips/{id}",
            op("floating_ip_update", floating_ip::update).rule(&rules::UPDATE_FLOATINGIP),
        )
        .delete(
            "/v2.0/floatingips/{id}",
            op("floating_ip_delete", floating_ip::delete).rule(&rules::DELETE_FLOATINGIP),
        )
        .get(
            "/v2.0/security-groups",
            op("security_group_list", security_group::list).rule(&rules::GET_SECURITY_GROUP),
        )
        .post(
            "/v2.0/security-groups",
            op("security_group_create", security_group::create).rule(&rules::CREATE_SECURITY_GROUP),
        )
        .get(
            "/v2.0/security-groups/{id}",
            op("security_group_show", security_group::show).rule(&rules::GET_SECURITY_GROUP),
        )
        .put(
            "/v2.0/security-groups/{id}",
            op("security_group_update", security_group::update).rule(&rules::UPDATE_SECURITY_GROUP),
        )
        .delete(
            "/v2.0/security-groups/{id}",
            op("security_group_delete", security_group::delete).rule(&rules::DELETE_SECURITY_GROUP),
        )
        .get(
            "/v2.0/security-group-rules",
            op("security_group_rule_list", security_group_rule::list).rule(&rules::GET_SECURITY_GROUP_RULE),
        )
        .post(
            "/v2.0/security-group-rules",
            op("security_group_rule_create", security_group_rule::create)
                .rule(&rules::CREATE_SECURITY_GROUP_RULE),
        )
        .get(
            "/v2.0/security-group-rules/{id}",
            op("security_group_rule_show", security_group_rule::show).rule(&rules::GET_SECURITY_GROUP_RULE),
        )
        .put(
            "/v2.0/security-group-rules/{id}",
            op("security_group_rule_update", security_group_rule::update)
                .rule(&rules::UPDATE_SECURITY_GROUP_RULE),
        )
        .delete(
            "/v2.0/security-group-rules/{id}",
            op("security_group_rule_delete", security_group_rule::delete)
                .rule(&rules::DELETE_SECURITY_GROUP_RULE),
        )
        .get("/v2.0/rbac-policies", op("rbac_policy_list", rbac::list).rule(&rules::GET_RBAC_POLICY))
        .post("/v2.0/rbac-policies", op("rbac_policy_create", rbac::create).rule(&rules::CREATE_RBAC_POLICY))
        .get("/v2.0/rbac-policies/{id}", op("rbac_policy_show", rbac::show).rule(&rules::GET_RBAC_POLICY))
        .put(
            "/v2.0/rbac-policies/{id}",
            op("rbac_policy_update", rbac::update).rule(&rules::UPDATE_RBAC_POLICY),
        )
        .delete(
            "/v2.0/rbac-policies/{id}",
            op("rbac_policy_delete", rbac::delete).rule(&rules::DELETE_RBAC_POLICY),
        )
}

fn more(routes: Routes<Network>) -> Routes<Network> {
    routes
        .put(
            "/v2.0/routers/{id}/add_router_interface",
            op("router_interface_add", router::interface_add).rule(&rules::ADD_ROUTER_INTERFACE),
        )
        .put(
            "/v2.0/routers/{id}/remove_router_interface",
            op("router_interface_remove", router::interface_remove).rule(&rules::REMOVE_ROUTER_INTERFACE),
        )
        .put(
            "/v2.0/routers/{id}/add_extraroutes",
            op("router_routes_add", router::routes_add).rule(&rules::ADD_EXTRAROUTES),
        )
        .put(
            "/v2.0/routers/{id}/remove_extraroutes",
            op("router_routes_remove", router::routes_remove).rule(&rules::REMOVE_EXTRAROUTES),
        )
        .get("/v2.0/agents", op("agent_list", agent::list).rule(&rules::GET_AGENT))
        .get("/v2.0/agents/{id}", op("agent_show", agent::show).rule(&rules::GET_AGENT))
        .delete("/v2.0/agents/{id}", op("agent_delete", agent::delete).rule(&rules::DELETE_AGENT))
        .get(
            "/v2.0/availability_zones",
            op("availability_zone_list", agent::zones).rule(&rules::GET_AVAILABILITY_ZONE),
        )
        .get(
            "/v2.0/network-ip-availabilities",
            op("network_ip_availability_list", agent::availabilities)
                .rule(&rules::GET_NETWORK_IP_AVAILABILITY),
        )
        .get(
            "/v2.0/network-ip-availabilities/{id}",
            op("network_ip_availability_show", agent::availability).rule(&rules::GET_NETWORK_IP_AVAILABILITY),
        )
        .get("/v2.0/quotas", op("quota_list", quota::list).rule(&rules::GET_QUOTA))
        .post(
            "/v2.0/quotas",
            op("quota_create", quota::create).token("it answers that there is no such operation"),
        )
        .get("/v2.0/quotas/{id}", op("quota_show", quota::show).rule(&rules::GET_QUOTA))
        .put("/v2.0/quotas/{id}", op("quota_update", quota::update).rule(&rules::UPDATE_QUOTA))
        .delete("/v2.0/quotas/{id}", op("quota_delete", quota::delete).rule(&rules::DELETE_QUOTA))
        .get("/v2.0/quotas/{id}/default", op("quota_default", quota::default).rule(&rules::GET_QUOTA))
        .get("/v2.0/quotas/{id}/details", op("quota_details", quota::details).rule(&rules::GET_QUOTA))
}

fn tags(routes: Routes<Network>) -> Routes<Network> {
    routes
        .get("/v2.0/networks/{id}/tags", op("network_tag_list", tag::list).rule(&rules::GET_NETWORK_TAGS))
        .put("/v2.0/networks/{id}/tags", op("network_tag_set", tag::set).rule(&rules::UPDATE_NETWORK_TAGS))
        .post(
            "/v2.0/networks/{id}/tags",
            op("network_tag_add_many", tag::add_many).rule(&rules::CREATE_NETWORK_TAGS),
        )
        .delete(
            "/v2.0/networks/{id}/tags",
            op("network_tag_clear", tag::clear).rule(&rules::DELETE_NETWORK_TAGS),
        )
        .get(
            "/v2.0/networks/{id}/tags/{tag}",
            op("network_tag_show", tag::show).rule(&rules::GET_NETWORK_TAGS),
        )
        .put(
            "/v2.0/networks/{id}/tags/{tag}",
            op("network_tag_add", tag::add).rule(&rules::UPDATE_NETWORK_TAGS),
        )
        .delete(
            "/v2.0/networks/{id}/tags/{tag}",
            op("network_tag_delete", tag::delete).rule(&rules::DELETE_NETWORK_TAGS),
        )
        .get("/v2.0/subnets/{id}/tags", op("subnet_tag_list", tag::list).rule(&rules::GET_SUBNET_TAGS))
        .put("/v2.0/subnets/{id}/tags", op("subnet_tag_set", tag::set).rule(&rules::UPDATE_SUBNET_TAGS))
        .post(
            "/v2.0/subnets/{id}/tags",
            op("subnet_tag_add_many", tag::add_many).rule(&rules::CREATE_SUBNET_TAGS),
        )
        .delete(
            "/v2.0/subnets/{id}/tags",
            op("subnet_tag_clear", tag::clear).rule(&rules::DELETE_SUBNET_TAGS),
        )
        .get("/v2.0/subnets/{id}/tags/{tag}", op("subnet_tag_show", tag::show).rule(&rules::GET_SUBNET_TAGS))
        .put("/v2.0/subnets/{id}/tags/{tag}", op("subnet_tag_add", tag::add).rule(&rules::UPDATE_SUBNET_TAGS))
        .delete(
            "/v2.0/subnets/{id}/tags/{tag}",
            op("subnet_tag_delete", tag::delete).rule(&rules::DELETE_SUBNET_TAGS),
        )
        .get(
            "/v2.0/subnetpools/{id}/tags",
            op("subnetpool_tag_list", tag::list).rule(&rules::GET_SUBNETPOOL_TAGS),
        )
        .put(
            "/v2.0/subnetpools/{id}/tags",
            op("subnetpool_tag_set", tag::set).rule(&rules::UPDATE_SUBNETPOOL_TAGS),
        )
        .post(
            "/v2.0/subnetpools/{id}/tags",
            op("subnetpool_tag_add_many", tag::add_many).rule(&rules::CREATE_SUBNETPOOL_TAGS),
        )
        .delete(
            "/v2.0/subnetpools/{id}/tags",
            op("subnetpool_tag_clear", tag::clear).rule(&rules::DELETE_SUBNETPOOL_TAGS),
        )
        .get(
            "/v2.0/subnetpools/{id}/tags/{tag}",
            op("subnetpool_tag_show", tag::show).rule(&rules::GET_SUBNETPOOL_TAGS),
        )
        .put(
            "/v2.0/subnetpools/{id}/tags/{tag}",
            op("subnetpool_tag_add", tag::add).rule(&rules::UPDATE_SUBNETPOOL_TAGS),
        )
        .delete(
            "/v2.0/subnetpools/{id}/tags/{tag}",
            op("subnetpool_tag_delete", tag::delete).rule(&rules::DELETE_SUBNETPOOL_TAGS),
        )
        .get("/v2.0/ports/{id}/tags", op("port_tag_list", tag::list).rule(&rules::GET_PORT_TAGS))
        .put("/v2.0/ports/{id}/tags", op("port_tag_set", tag::set).rule(&rules::UPDATE_PORT_TAGS))
        .post("/v2.0/ports/{id}/tags", op("port_tag_add_many", tag::add_many).rule(&rules::CREATE_PORT_TAGS))
        .delete("/v2.0/ports/{id}/tags", op("port_tag_clear", tag::clear).rule(&rules::DELETE_PORT_TAGS))
        .get("/v2.0/ports/{id}/tags/{tag}", op("port_tag_show", tag::show).rule(&rules::GET_PORT_TAGS))
        .put("/v2.0/ports/{id}/tags/{tag}", op("port_tag_add", tag::add).rule(&rules::UPDATE_PORT_TAGS))
        .delete(
            "/v2.0/ports/{id}/tags/{tag}",
            op("port_tag_delete", tag::delete).rule(&rules::DELETE_PORT_TAGS),
        )
        .get("/v2.0/routers/{id}/tags", op("router_tag_list", tag::list).rule(&rules::GET_ROUTER_TAGS))
        .put("/v2.0/routers/{id}/tags", op("router_tag_set", tag::set).rule(&rules::UPDATE_ROUTER_TAGS))
        .post(
            "/v2.0/routers/{id}/tags",
            op("router_tag_add_many", tag::add_many).rule(&rules::CREATE_ROUTER_TAGS),
        )
        .delete(
            "/v2.0/routers/{id}/tags",
            op("router_tag_clear", tag::clear).rule(&rules::DELETE_ROUTER_TAGS),
        )
        .get("/v2.0/routers/{id}/tags/{tag}", op("router_tag_show", tag::show).rule(&rules::GET_ROUTER_TAGS))
        .put("/v2.0/routers/{id}/tags/{tag}", op("router_tag_add", tag::add).rule(&rules::UPDATE_ROUTER_TAGS))
        .delete(
            "/v2.0/routers/{id}/tags/{tag}",
            op("router_tag_delete", tag::delete).rule(&rules::DELETE_ROUTER_TAGS),
        )
        .get(
            "/v2.0/floatingips/{id}/tags",
            op("floating_ip_tag_list", tag::list).rule(&rules::GET_FLOATINGIP_TAGS),
        )
        .put(
            "/v2.0/floatingips/{id}/tags",
            op("floating_ip_tag_set", tag::set).rule(&rules::UPDATE_FLOATINGIP_TAGS),
        )
        .post(
            "/v2.0/floatingips/{id}/tags",
            op("floating_ip_tag_add_many", tag::add_many).rule(&rules::CREATE_FLOATINGIP_TAGS),
        )
        .delete(
            "/v2.0/floatingips/{id}/tags",
            op("floating_ip_tag_clear", tag::clear).rule(&rules::DELETE_FLOATINGIP_TAGS),
        )
        .get(
            "/v2.0/floatingips/{id}/tags/{tag}",
            op("floating_ip_tag_show", tag::show).rule(&rules::GET_FLOATINGIP_TAGS),
        )
        .put(
            "/v2.0/floatingips/{id}/tags/{tag}",
            op("floating_ip_tag_add", tag::add).rule(&rules::UPDATE_FLOATINGIP_TAGS),
        )
        .delete(
            "/v2.0/floatingips/{id}/tags/{tag}",
            op("floating_ip_tag_delete", tag::delete).rule(&rules::DELETE_FLOATINGIP_TAGS),
        )
        .get(
            "/v2.0/security-groups/{id}/tags",
            op("security_group_tag_list", tag::list).rule(&rules::GET_SECURITY_GROUP_TAGS),
        )
        .put(
            "/v2.0/security-groups/{id}/tags",
            op("security_group_tag_set", tag::set).rule(&rules::UPDATE_SECURITY_GROUP_TAGS),
        )
        .post(
            "/v2.0/security-groups/{id}/tags",
            op("security_group_tag_add_many", tag::add_many).rule(&rules::CREATE_SECURITY_GROUP_TAGS),
        )
        .delete(
            "/v2.0/security-groups/{id}/tags",
            op("security_group_tag_clear", tag::clear).rule(&rules::DELETE_SECURITY_GROUP_TAGS),
        )
        .get(
            "/v2.0/security-groups/{id}/tags/{tag}",
            op("security_group_tag_show", tag::show).rule(&rules::GET_SECURITY_GROUP_TAGS),
        )
        .put(
            "/v2.0/security-groups/{id}/tags/{tag}",
            op("security_group_tag_add", tag::add).rule(&rules::UPDATE_SECURITY_GROUP_TAGS),
        )
        .delete(
            "/v2.0/security-groups/{id}/tags/{tag}",
            op("security_group_tag_delete", tag::delete).rule(&rules::DELETE_SECURITY_GROUP_TAGS),
        )
}
