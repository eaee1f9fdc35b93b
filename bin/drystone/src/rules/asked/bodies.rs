//! What is sent with each operation: enough for it to come to its rule.

use super::world::{Persona, World};
use crate::rules::sweep::Thing;
use http::Method;
use serde_json::{Value, json};
use web::routes::Row;

/// The id of a project that there is not, another one each time.
const NOBODY: &str = "ffffffffffffffffffffffff#";

/// A request, without its token.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub method: Method,
    pub path: String,
    /// The microversion; none is the newest that is asked at.
    pub version: Option<String>,
    pub kind: &'static str,
    /// Names in it are made different by [`World::ask`]: `#` stands for eight digits that nothing had before.
    pub body: Value,
    /// The token that is asked about, where one is.
    pub subject: Option<String>,
}

impl Default for Sent {
    fn default() -> Self {
        let (method, path) = (Method::GET, String::new());
        Self { method, path, version: None, kind: "application/json", body: Value::Null, subject: None }
    }
}

/// The body, and what else the operation wants.
pub fn of(world: &World, service: &str, row: &Row, persona: &Persona, thing: Thing) -> Sent {
    let id = |noun: &str| world.id(noun, persona, thing).unwrap_or_default();
    let name = row.name;
    if name == "image_update" {
        let body = json!([{"op": "replace", "path": "/name", "value": "n#"}]);
        return Sent { kind: "application/openstack-images-v2.1-json-patch", body, ..Sent::default() };
    }
    if name == "data_upload" {
        return Sent { kind: "application/octet-stream", body: json!("data"), ..Sent::default() };
    }
    if row.path == "/v3/auth/tokens" {
        return Sent { subject: Some(id("token")), ..Sent::default() };
    }
    let body = match service {
        "identity" => identity(row, &id),
        "image" => image(name, &id),
        "network" => owned(network(row, &id), row, persona, &id),
        _ => compute(name, &id),
    };
    Sent { body, ..Sent::default() }
}

/// An administrator whose token is for no project says for which one he makes something; Neutron lets nobody else say it.
fn owned(mut body: Value, row: &Row, persona: &Persona, id: &dyn Fn(&str) -> String) -> Value {
    let homeless = ["system admin", "domain admin"].contains(&persona.name.as_str());
    let made = body.as_object_mut().filter(|_| homeless && row.name.ends_with("_create"));
    for thing in made.into_iter().flat_map(|body| body.values_mut()) {
        thing["project_id"] = id("projects").into();
    }
    body
}

fn identity(row: &Row, id: &dyn Fn(&str) -> String) -> Value {
    let description = |noun: &str| json!({noun: {"description": "d#"}});
    match row.name {
        "endpoint_group_create" => {
            json!({"endpoint_group": {"name": "n#", "filters": {"interface": "public"}}})
        }
        "identity_provider_create" => json!({"identity_provider": {"enabled": true}}),
        "mapping_create" | "mapping_update" => json!({"mapping": {"rules": [
            {"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "REMOTE_USER"}]}]}}),
        "protocol_create" | "protocol_update" => json!({"protocol": {"mapping_id": id("mappings")}}),
        "request_token_authorize" => json!({"roles": [{"id": id("member")}]}),
        "consumer_create" => description("consumer"),
        "trust_create" => json!({"trust": {"trustor_user_id": id("users"), "trustee_user_id": id("trustee"),
            "impersonation": false, "project_id": id("home"), "roles": [{"name": "reader"}]}}),
        "credential_create" => json!({"credential": {"type": "t", "blob": "b#", "user_id": id("users")}}),
        "credential_update" => json!({"credential": {"blob": "b#"}}),
        "domain_create" => json!({"domain": {"name": "n#"}}),
        "domain_config_create" => json!({"config": {"identity": {"list_limit": 5, "driver": "sql"},
            "ldap": {"url": "ldap://ldap.test"}}}),
        "domain_config_update" | "domain_config_group_update" => {
            json!({"config": {"identity": {"list_limit": 5}}})
        }
        "domain_config_option_update" => json!({"config": {"list_limit": 5}}),
        "ec2_token_create" | "s3_token_create" => {
            json!({"credentials": {"access": id("OS-EC2"), "signature": "s", "token": ""}})
        }
        "endpoint_create" => {
            json!({"endpoint": {"service_id": id("services"), "interface": "public", "url": "http://n#"}})
        }
        "endpoint_update" => json!({"endpoint": {"url": "http://n#"}}),
        "group_create" => json!({"group": {"name": "n#", "domain_id": id("domains")}}),
        "limit_create" => json!({"limits": [{"service_id": id("services"), "resource_name": "limited",
            "resource_limit": 1, "project_id": id("projects")}]}),
        "policy_create" => json!({"policy": {"blob": "b", "type": "t"}}),
        "policy_update" => json!({"policy": {"blob": "b#"}}),
        "project_create" => json!({"project": {"name": "n#", "domain_id": id("domains")}}),
        "tag_replace" => json!({"tags": ["t"]}),
        "region_create" | "region_create_as" => json!({"region": {"description": "d#"}}),
        "registered_limit_create" => json!({"registered_limits": [
            {"service_id": id("services"), "resource_name": "n#", "default_limit": 1}]}),
        "role_create" => json!({"role": {"name": "n#"}}),
        "service_provider_create" => {
            json!({"service_provider": {"auth_url": "http://there.test", "sp_url": "http://there.test"}})
        }
        "service_create" => json!({"service": {"type": "n#"}}),
        "user_create" => json!({"user": {"name": "n#", "domain_id": id("domains")}}),
        "application_credential_create" => json!({"application_credential": {"name": "n#"}}),
        "ec2_key_create" => json!({"tenant_id": id("projects")}),
        // The rest changes what its name begins with.
        name => name.strip_suffix("_update").map_or(Value::Null, description),
    }
}

fn image(name: &str, id: &dyn Fn(&str) -> String) -> Value {
    match name {
        "image_create" => {
            json!({"name": "n#", "disk_format": "raw", "container_format": "bare", "owner": id("projects")})
        }
        "member_create" => json!({"member": "nobody#"}),
        "member_update" => json!({"status": "accepted"}),
        _ => Value::Null,
    }
}

fn network(row: &Row, id: &dyn Fn(&str) -> String) -> Value {
    match row.name {
        "network_create" => json!({"network": {"name": "n#"}}),
        "subnet_create" => {
            json!({"subnet": {"network_id": id("networks"), "ip_version": 4, "cidr": "10.77.0.0/24"}})
        }
        "subnetpool_create" => json!({"subnetpool": {"name": "n#", "prefixes": ["10.0.0.0/8"]}}),
        "port_create" => json!({"port": {"network_id": id("networks")}}),
        "router_create" => json!({"router": {"name": "n#"}}),
        "router_interface_add" | "router_interface_remove" => json!({"subnet_id": id("subnets")}),
        "router_routes_add" | "router_routes_remove" => json!({"router": {"routes": []}}),
        "floating_ip_create" => json!({"floatingip": {"floating_network_id": id("public")}}),
        "security_group_create" => json!({"security_group": {"name": "n#"}}),
        "security_group_rule_create" => {
            json!({"security_group_rule": {"security_group_id": id("security-groups"),
            "direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}})
        }
        "rbac_policy_create" => json!({"rbac_policy": {"object_type": "network", "object_id": id("networks"),
            "action": "access_as_shared", "target_tenant": NOBODY}}),
        "rbac_policy_update" => json!({"rbac_policy": {"target_tenant": NOBODY}}),
        "quota_update" => json!({"quota": {"network": 50}}),
        name if name.ends_with("_tag_set") || name.ends_with("_tag_add_many") => json!({"tags": ["t"]}),
        "floating_ip_update" => json!({"floatingip": {"description": "d#"}}),
        name => match name.strip_suffix("_update") {
            Some(noun) => json!({noun: {"description": "d#"}}),
            None => Value::Null,
        },
    }
}

fn compute(name: &str, id: &dyn Fn(&str) -> String) -> Value {
    match name {
        "server_create" => json!({"server": {"name": "n#", "imageRef": id("boot"), "flavorRef": id("flavor"),
            "networks": "none"}}),
        "server_update" => json!({"server": {"name": "n#"}}),
        "metadata_create" | "metadata_replace" => json!({"metadata": {"k": "v"}}),
        "metadata_update" => json!({"meta": {"k": "v"}}),
        "tag_replace" => json!({"tags": ["t"]}),
        "interface_create" => json!({"interfaceAttachment": {"net_id": id("networks")}}),
        "console_create" => json!({"remote_console": {"protocol": "vnc", "type": "novnc"}}),
        "flavor_create" => json!({"flavor": {"name": "n#", "ram": 64, "vcpus": 1, "disk": 0}}),
        "flavor_update" => json!({"flavor": {"description": "d#"}}),
        "flavor_spec_create" => json!({"extra_specs": {"hw:cpu_policy": "shared"}}),
        "flavor_spec_update" => json!({"hw:cpu_policy": "shared"}),
        "aggregate_create" | "aggregate_update" => json!({"aggregate": {"name": "n#"}}),
        "aggregate_images" => json!({"cache": [{"id": id("boot")}]}),
        "keypair_create" => json!({"keypair": {"name": "n#", "user_id": id("users")}}),
        "quota_update" => json!({"quota_set": {"cores": 50}}),
        "quota_class_update" => json!({"quota_class_set": {"cores": 50}}),
        "group_create" => json!({"server_group": {"name": "n#", "policy": "affinity"}}),
        "service_update" => json!({"status": "enabled"}),
        "security_group_create" | "security_group_update" => {
            json!({"security_group": {"name": "n#", "description": "d"}})
        }
        "security_group_rule_create" => {
            json!({"security_group_rule": {"parent_group_id": id("os-security-groups"),
            "ip_protocol": "tcp", "from_port": 23, "to_port": 23, "cidr": "10.0.0.0/8"}})
        }
        _ => Value::Null,
    }
}
