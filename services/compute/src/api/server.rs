//! Servers: how they are shown, listed, changed and deleted.

use super::Answered;
use super::form::{self, object, text, wrapped};
use super::page::{self, Form};
use crate::model::server::Server;
use crate::ops::server::{ServerUpdate, Shown};
use crate::ops::server_list::ServerQuery;
use crate::ops::target;
use crate::store::server::instance_name;
use crate::{Compute, rules, versions};
use contract::network::PortFacts;
use fault::Fault;
use policy::Target;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha224};
use std::net::IpAddr;
use std::sync::Arc;
use web::{Answer, Ask, Cx, Version};

/// An id of a host that tells a project whether two servers share one, and nothing else.
pub fn host_id(host: Option<&str>, project_id: &str) -> String {
    let Some(host) = host else { return String::new() };
    Sha224::digest(format!("{project_id}{host}").as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Which parts are shown.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// All that `GET` shows; answers to changes showed less before 2.75.
    whole: bool,
    /// The group of the server, from 2.71 on and never in lists.
    group: bool,
    /// The key's name.
    key: bool,
    /// User data among the extended attributes.
    user_data: bool,
}

/// What `GET /servers/{id}` shows.
pub const SHOW: Parts = Parts { whole: true, group: true, key: true, user_data: true };
/// What a list with details shows.
const DETAIL: Parts = Parts { whole: true, group: false, key: true, user_data: true };

/// What an answer to a change shows.
fn changed(cx: &Cx) -> Parts {
    let whole = cx.has(versions::STRICT);
    Parts { whole, group: true, key: whole, user_data: true }
}

/// What the answer to a rebuild shows.
pub fn rebuilt(cx: &Cx) -> Parts {
    Parts { key: cx.has(versions::REBUILD_KEY), user_data: false, ..changed(cx) }
}

/// A server as the API shows it.
pub fn whole(cx: &Cx, shown: &Shown, parts: Parts) -> Map<String, Value> {
    let mut body = common(cx, shown, parts);
    if parts.whole {
        more(cx, shown, parts, &mut body);
    } else if parts.key {
        body.insert("key_name".into(), json!(shown.server.key_name));
    }
    later(cx, shown, parts, &mut body);
    body
}

fn common(cx: &Cx, shown: &Shown, parts: Parts) -> Map<String, Value> {
    let server = &shown.server;
    let standing = server.standing();
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("accessIPv4", json!(server.access_v4.as_deref().unwrap_or_default()));
    put("accessIPv6", json!(server.access_v6.as_deref().unwrap_or_default()));
    let hidden = standing.vm_state == crate::model::server::VmState::Building;
    put("addresses", if hidden { json!({}) } else { addresses(&shown.ports, parts.whole) });
    put("created", json!(server.created_at.seconds_z()));
    put("flavor", flavor(cx, server));
    put("hostId", json!(host_id(server.host.as_deref(), &server.project_id)));
    put("id", json!(server.id));
    put("image", image(cx, server));
    put("links", page::links(cx, "servers", &server.id));
    put("metadata", json!(server.detail.metadata));
    put("name", json!(server.name));
    put("status", json!(standing.status));
    put("tenant_id", json!(server.project_id));
    put("user_id", json!(server.user_id));
    put("updated", json!(server.updated_at.seconds_z()));
    put("OS-DCF:diskConfig", json!(if server.auto_disk { "AUTO" } else { "MANUAL" }));
    if let (Some(fault), "ERROR" | "DELETED") = (&server.fault, standing.status) {
        let mut told = json!({"code": fault.code, "created": fault.at.seconds_z(), "message": fault.message});
        if !fault.details.is_empty() && (cx.who.is_admin() || fault.code != 500) {
            told["details"] = json!(fault.details);
        }
        put("fault", told);
    }
    if matches!(standing.status, "ACTIVE" | "BUILD" | "REBUILD") {
        put("progress", json!(server.progress));
    }
    body
}

/// The addresses by network, fixed ones first.
pub fn addresses(ports: &[PortFacts], extended: bool) -> Value {
    let mut networks: Map<String, Value> = Map::new();
    let one = |port: &PortFacts, address: IpAddr, kind: &str| {
        let mut entry =
            json!({"version": if address.is_ipv4() { 4 } else { 6 }, "addr": address.to_string()});
        if extended {
            entry["OS-EXT-IPS:type"] = json!(kind);
            entry["OS-EXT-IPS-MAC:mac_addr"] = json!(port.wiring.mac);
        }
        entry
    };
    // On a network all fixed addresses come first, then all floating ones.
    for floating in [false, true] {
        for port in ports {
            let entries: Vec<Value> = match floating {
                false => port.fixed_ips.iter().map(|(_, address)| one(port, *address, "fixed")).collect(),
                true => {
                    port.floating_ips.iter().map(|(_, address)| one(port, *address, "floating")).collect()
                }
            };
            let list = networks.entry(port.network_name.clone()).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.extend(entries);
            }
        }
    }
    Value::Object(networks)
}

fn flavor(cx: &Cx, server: &Server) -> Value {
    let facts = &server.detail.flavor;
    if !cx.has(versions::FLAVOR_INSIDE) {
        let href = page::bookmark(cx, "flavors", &facts.id);
        return json!({"id": facts.id, "links": [{"rel": "bookmark", "href": href}]});
    }
    let mut body = json!({"vcpus": facts.vcpus, "ram": facts.memory_mib, "disk": facts.root_gib,
        "ephemeral": facts.ephemeral_gib, "swap": facts.swap_mib, "original_name": facts.name});
    if cx.allows(&rules::SERVERS_SHOW_FLAVOR_EXTRA_SPECS, &target(server)) {
        body["extra_specs"] = json!(facts.specs);
    }
    body
}

fn image(cx: &Cx, server: &Server) -> Value {
    let href = page::bookmark(cx, "images", &server.image_id);
    let mut body = json!({"id": server.image_id, "links": [{"rel": "bookmark", "href": href}]});
    if cx.has(versions::IMAGE_PROPERTIES) {
        let known =
            |key: &&String| key.starts_with("hw_") || key.starts_with("img_") || key.starts_with("os_");
        let own = server.detail.image_properties.iter().filter(|(key, _)| known(key));
        body["properties"] =
            own.map(|(key, value)| (key.clone(), json!(value))).collect::<Map<_, _>>().into();
    }
    body
}

fn more(cx: &Cx, shown: &Shown, parts: Parts, body: &mut Map<String, Value>) {
    let server = &shown.server;
    let standing = server.standing();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("OS-EXT-AZ:availability_zone", json!(server.zone));
    put("config_drive", json!(if server.config_drive { "True" } else { "" }));
    if parts.key {
        put("key_name", json!(server.key_name));
    }
    put("OS-SRV-USG:launched_at", json!(server.launched_at.map(|at| at.whole_seconds().micros_naked())));
    put("OS-SRV-USG:terminated_at", json!(server.terminated_at.map(|at| at.whole_seconds().micros_naked())));
    let groups: Vec<Value> = shown
        .ports
        .iter()
        .flat_map(|port| &port.security_groups)
        .map(|(_, name)| json!({"name": name}))
        .collect();
    if !groups.is_empty() {
        put("security_groups", json!(groups));
    }
    let extended = cx.allows(&rules::EXTENDED_SERVER_ATTRIBUTES, &target(server));
    if extended {
        put("OS-EXT-SRV-ATTR:host", json!(server.host));
        put("OS-EXT-SRV-ATTR:instance_name", json!(instance_name(server.number)));
        put("OS-EXT-SRV-ATTR:hypervisor_hostname", json!(server.host));
        if cx.has(versions::MORE_ATTRIBUTES) {
            let part = |image: &Option<metal::server::ImageSource>| {
                image.as_ref().map_or(String::new(), |image| image.id.clone())
            };
            put("OS-EXT-SRV-ATTR:hostname", json!(server.hostname));
            put("OS-EXT-SRV-ATTR:kernel_id", json!(part(&server.detail.kernel)));
            put("OS-EXT-SRV-ATTR:launch_index", json!(server.launch_index));
            put("OS-EXT-SRV-ATTR:ramdisk_id", json!(part(&server.detail.ramdisk)));
            put("OS-EXT-SRV-ATTR:reservation_id", json!(server.reservation_id));
            put("OS-EXT-SRV-ATTR:root_device_name", json!(server.root_device()));
            if parts.user_data {
                put("OS-EXT-SRV-ATTR:user_data", json!(server.detail.user_data));
            }
        }
    }
    put("OS-EXT-STS:task_state", json!(standing.task_state));
    put("OS-EXT-STS:vm_state", json!(standing.vm_state.word()));
    put("OS-EXT-STS:power_state", json!(standing.power_state));
    put("os-extended-volumes:volumes_attached", json!([]));
    if cx.has(versions::HOSTNAME) && !extended {
        put("OS-EXT-SRV-ATTR:hostname", json!(server.hostname));
    }
    if let (Some(status), true) = (shown.host_status, cx.has(versions::HOST_STATUS)) {
        put("host_status", json!(status));
    }
    if cx.has(versions::PINNED_ZONE) {
        put("pinned_availability_zone", json!(server.pinned_zone));
    }
}

fn later(cx: &Cx, shown: &Shown, parts: Parts, body: &mut Map<String, Value>) {
    let server = &shown.server;
    let mut put = |version: Version, name: &str, value: Value| {
        if cx.has(version) {
            body.insert(name.to_owned(), value);
        }
    };
    put(versions::LOCKED, "locked", json!(server.locked_by.is_some()));
    put(versions::DESCRIPTION, "description", json!(server.description));
    put(versions::SERVER_TAGS, "tags", json!(shown.tags));
    put(versions::TRUSTED_CERTS, "trusted_image_certificates", Value::Null);
    if parts.group {
        let groups: Vec<&str> = shown.group.iter().map(|group| group.id.as_str()).collect();
        put(versions::SERVER_GROUPS, "server_groups", json!(groups));
    }
    put(versions::LOCK_REASON, "locked_reason", json!(server.locked_reason));
    let hints = if server.detail.hints.is_object() { server.detail.hints.clone() } else { json!({}) };
    put(versions::SHOW_HINTS, "scheduler_hints", hints);
    // Answers to changes had no host name of their own before they showed everything.
    if !parts.whole {
        put(versions::HOSTNAME, "OS-EXT-SRV-ATTR:hostname", json!(server.hostname));
    }
}

const IGNORED_KEYS: &[&str] = &[
    "architecture",
    "cell_name",
    "cleaned",
    "default_ephemeral_device",
    "default_swap_device",
    "deleted",
    "deleted_at",
    "disable_terminate",
    "ephemeral_gb",
    "ephemeral_key_uuid",
    "id",
    "key_data",
    "launched_on",
    "locked",
    "memory_mb",
    "os_type",
    "reservation_id",
    "root_gb",
    "shutdown_terminate",
    "user_data",
    "vcpus",
    "vm_mode",
];
const KEYS: &[&str] = &[
    "access_ip_v4",
    "access_ip_v6",
    "auto_disk_config",
    "availability_zone",
    "config_drive",
    "created_at",
    "display_description",
    "display_name",
    "host",
    "hostname",
    "image_ref",
    "instance_type_id",
    "kernel_id",
    "key_name",
    "launch_index",
    "launched_at",
    "locked_by",
    "node",
    "power_state",
    "progress",
    "project_id",
    "ramdisk_id",
    "root_device_name",
    "task_state",
    "terminated_at",
    "updated_at",
    "user_id",
    "uuid",
    "vm_state",
];
/// Parameters of lists that are compared as patterns.
const PATTERNS: &[&str] = &[
    "kernel_id",
    "ramdisk_id",
    "hostname",
    "key_name",
    "power_state",
    "node",
    "flavor",
    "reservation_id",
    "launched_at",
    "terminated_at",
    "availability_zone",
    "name",
    "display_name",
    "description",
    "display_description",
    "locked_by",
    "root_device_name",
    "config_drive",
    "access_ip_v4",
    "access_ip_v6",
    "auto_disk_config",
    "progress",
    "ip",
    "ip6",
    "created_at",
];
const PLAIN: &[&str] = &[
    "user_id",
    "project_id",
    "tenant_id",
    "launch_index",
    "image_ref",
    "image",
    "vm_state",
    "task_state",
    "host",
    "uuid",
    "sort_dir",
    "all_tenants",
    "soft_deleted",
    "deleted",
    "status",
    "block_device_mapping",
    "services",
    "metadata",
    "system_metadata",
    "info_cache",
    "security_groups",
    "pci_devices",
];
const TAGS: &[&str] = &["tags", "tags-any", "not-tags", "not-tags-any"];

fn query(ask: &Ask, detail: bool) -> Result<ServerQuery, Fault> {
    let mut known: Vec<(&str, Form)> =
        vec![("limit", Form::Count), ("marker", Form::Any), ("changes-since", Form::Time)];
    known.extend(PLAIN.iter().map(|name| (*name, Form::Any)));
    known.extend(PATTERNS.iter().map(|name| (*name, Form::Pattern)));
    if ask.cx.has(versions::SERVER_TAGS) {
        known.extend(TAGS.iter().map(|name| (*name, Form::Pattern)));
    }
    if ask.cx.has(versions::CHANGES_BEFORE) {
        known.push(("changes-before", Form::Time));
    }
    if ask.cx.has(versions::LOCK_REASON) {
        known.push(("locked", Form::Any));
    }
    check_keys(ask)?;
    known.push(("sort_key", Form::Any));
    page::check(ask, &known, versions::STRICT)?;
    let (limit, marker) = page::bounds(ask)?;
    let mut sort = page::sorting(ask, "created_at")?;
    let locked = ask.cx.has(versions::LOCK_REASON);
    sort.retain(|(key, _)| !IGNORED_KEYS.contains(&key.as_str()) || (locked && key == "locked"));
    if let Some((key, _)) =
        sort.iter().find(|(key, _)| matches!(key.as_str(), "host" | "node") && !ask.cx.who.is_admin())
    {
        return Err(Fault::forbidden(format!("Only administrators can sort servers by {key}")));
    }
    Ok(ServerQuery { query: ask.query.clone(), detail, limit, marker, sort })
}

fn check_keys(ask: &Ask) -> Result<(), Fault> {
    let mut allowed: Vec<&str> = KEYS.to_vec();
    if ask.cx.has(versions::LOCK_REASON) {
        allowed.push("locked");
    }
    if !ask.cx.has(versions::STRICT) {
        allowed.extend(IGNORED_KEYS);
    }
    for key in ask.query.all("sort_key") {
        if !allowed.contains(&key) {
            let shown = web::schema::python(&json!(key));
            let list = web::schema::python(&json!(allowed));
            return Err(Fault::bad_input(format!(
                "Invalid input for query parameters sort_key. Value: {key}. {shown} is not one of {list}"
            )));
        }
    }
    Ok(())
}

fn basic(cx: &Cx, server: &Server) -> Value {
    json!({"id": server.id, "name": server.name, "links": page::links(cx, "servers", &server.id)})
}

async fn listed(compute: Arc<Compute>, ask: Ask, detail: bool) -> Answered {
    let servers = compute.server_list(&ask.cx, query(&ask, detail)?).await?;
    let shown = |shown: &Shown| {
        if detail { Value::Object(whole(&ask.cx, shown, DETAIL)) } else { basic(&ask.cx, &shown.server) }
    };
    let all: Vec<Value> = servers.iter().map(shown).collect();
    let mut body = json!({"servers": all});
    let collection = if detail { "servers/detail" } else { "servers" };
    if let Some(last) = servers.last()
        && let Some(next) = page::next(&ask, collection, servers.len(), &last.server.id)
    {
        body["servers_links"] = next;
    }
    Ok(Answer::ok(&body))
}

/// `GET /servers`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    listed(compute, ask, false).await
}

/// `GET /servers/detail`
pub async fn detail(compute: Arc<Compute>, ask: Ask) -> Answered {
    listed(compute, ask, true).await
}

/// `GET /servers/{id}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let shown = compute.server_show(&ask.cx, ask.id("id")).await?;
    Ok(Answer::ok(&json!({"server": whole(&ask.cx, &shown, SHOW)})))
}

fn update_form(version: Version) -> Value {
    let mut properties = json!({
        "name": form::name(),
        "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"]},
        "accessIPv4": {"type": "string", "format": "ipv4"},
        "accessIPv6": {"type": "string", "format": "ipv6"},
    });
    if version >= versions::DESCRIPTION {
        properties["description"] = form::description();
    }
    if version >= versions::HOSTNAME {
        properties["hostname"] = hostname_form(version);
    }
    if version >= versions::PIN_ZONE {
        properties["pinned_availability_zone"] = name_or_none();
    }
    wrapped("server", object(properties, &[]))
}

/// A name, or null.
pub fn name_or_none() -> Value {
    json!({"oneOf": [{"type": "string", "minLength": 1, "maxLength": 255}, {"type": "null"}]})
}

/// A host name, with domain from 2.94 on.
pub fn hostname_form(version: Version) -> Value {
    if version >= versions::HOSTNAME_FQDN {
        return form::fqdn();
    }
    json!({"type": "string", "pattern": "^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$", "minLength": 2, "maxLength": 63})
}

/// The parts that update and rebuild share.
pub fn change_of(asked: &Value) -> ServerUpdate {
    ServerUpdate {
        name: text(&asked["name"]).map(|name| name.trim().to_owned()),
        description: asked.get("description").map(text),
        hostname: text(&asked["hostname"]),
        access_v4: text(&asked["accessIPv4"]),
        access_v6: form::address_v6(&asked["accessIPv6"]),
        auto_disk: text(&asked["OS-DCF:diskConfig"]).map(|config| config == "AUTO"),
        pinned_zone: asked.get("pinned_availability_zone").map(text),
    }
}

/// `PUT /servers/{id}`
pub async fn update(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "server_update", update_form).await?;
    let shown = compute.server_update(&ask.cx, ask.id("id"), change_of(&body["server"])).await?;
    Ok(Answer::ok(&json!({"server": whole(&ask.cx, &shown, changed(&ask.cx))})))
}

/// `DELETE /servers/{id}`
pub async fn delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.server_delete(&ask.cx, ask.id("id"), false).await?;
    Ok(Answer::empty(204))
}

/// `GET /servers/{id}/ips`
pub async fn ips(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let ports = ports(&compute, &ask, &rules::IPS_INDEX).await?;
    Ok(Answer::ok(&json!({"addresses": addresses(&ports, false)})))
}

/// `GET /servers/{id}/ips/{network}`
pub async fn ips_of(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let ports = ports(&compute, &ask, &rules::IPS_SHOW).await?;
    let network = ask.id("network");
    let all = addresses(&ports, false);
    let own =
        all.get(network).ok_or_else(|| Fault::not_found("Instance is not a member of specified network"))?;
    Ok(Answer::ok(&json!({network: own})))
}

async fn ports(compute: &Arc<Compute>, ask: &Ask, rule: &policy::Rule) -> Result<Vec<PortFacts>, Fault> {
    let shown = compute.server_visible(&ask.cx, ask.id("id"), false).await?;
    ask.cx.may(rule, &target(&shown))?;
    let id = shown.id.clone();
    compute
        .read(&ask.cx, move |compute, tx, _| {
            let ports = compute.networks.ports_of(tx, &id)?;
            Ok(crate::model::spec::ordered(&shown, &ports).cloned().collect())
        })
        .await
}

/// `GET /servers/{id}/diagnostics`
pub async fn diagnostics(compute: Arc<Compute>, ask: Ask) -> Answered {
    let server = compute.server_visible(&ask.cx, ask.id("id"), false).await?;
    ask.cx.may(&rules::SERVER_DIAGNOSTICS, &target(&server))?;
    Err(Fault::new(fault::Kind::NotImplemented, "The requested functionality is not supported."))
}

/// `GET /servers/{id}/os-volume_attachments`: none, since there is no block storage.
pub async fn volumes(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.server_visible(&ask.cx, ask.id("id"), false).await?;
    Ok(Answer::ok(&json!({"volumeAttachments": []})))
}

/// `GET /servers/{id}/migrations` and `GET /os-migrations`: none, since servers do not move yet.
pub async fn migrations(_: Arc<Compute>, ask: Ask) -> Answered {
    let own = Target::own(&ask.cx.who);
    ask.cx.may(&rules::MIGRATIONS_INDEX, &own)?;
    if ask.query.get("project_id") != Some(ask.cx.who.project()) {
        ask.cx.may(&rules::MIGRATIONS_INDEX_ALL_PROJECTS, &own)?;
    }
    Ok(Answer::ok(&json!({"migrations": []})))
}
