//! Servers: how they are listed, changed and deleted.

use super::Answered;
use super::form::{self, object, text, wrapped};
use super::page::{self, Form, Link};
use super::server_view::{DETAIL, SHOW, View, addresses, changed};
use crate::model::server::Server;
use crate::model::spec::ordered;
use crate::ops::server::{ServerUpdate, Shown};
use crate::ops::server_list::ServerQuery;
use crate::ops::target;
use crate::{Compute, rules, versions};
use contract::network::PortShown;
use fault::{Fault, Means};
use policy::Target;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::runtime::Handle;
use web::{Answer, Ask, Cx, Version};

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
        sort.iter().find(|(key, _)| matches!(key.as_str(), "host" | "node") && !ask.cx.who.admin)
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

/// A server in a list without details.
#[derive(Serialize)]
struct Basic<'a> {
    id: &'a str,
    name: &'a str,
    links: [Link; 2],
}

impl<'a> Basic<'a> {
    fn new(cx: &Cx, server: &'a Server) -> Self {
        Self { id: &server.id, name: &server.name, links: page::links(cx, "servers", &server.id) }
    }
}

/// How a page begins.
const HEAD: &[u8] = b"{\"servers\":[";

/// A part of a page.
struct Part {
    /// Servers in JSON, with commas between them.
    text: Vec<u8>,
    /// How many they are.
    count: usize,
    /// The id of the last one.
    last: Option<String>,
}

impl Part {
    fn of(cx: &Cx, servers: &[Shown], detail: bool) -> Result<Self, Fault> {
        let mut text = Vec::with_capacity(servers.len() * if detail { 2600 } else { 400 });
        for shown in servers {
            if !text.is_empty() {
                text.push(b',');
            }
            match detail {
                true => serde_json::to_writer(&mut text, &View::new(cx, shown, DETAIL)).or_bug()?,
                false => serde_json::to_writer(&mut text, &Basic::new(cx, &shown.server)).or_bug()?,
            }
        }
        let last = servers.last().map(|shown| shown.server.id.clone());
        Ok(Self { text, count: servers.len(), last })
    }
}

/// A page of a thousand is written while it is read: reading takes twice as long as writing, and a processor each.
async fn listed(compute: Arc<Compute>, ask: Ask, detail: bool) -> Answered {
    let runtime = Handle::current();
    let part = move |cx: &Cx, servers: Vec<Shown>| {
        let cx = cx.clone();
        runtime.spawn(async move { Part::of(&cx, &servers, detail) })
    };
    let mut parts = Vec::new();
    for part in compute.server_list(&ask.cx, query(&ask, detail)?, part).await? {
        parts.push(part.await.or_bug()??);
    }
    let collection = if detail { "servers/detail" } else { "servers" };
    let count = parts.iter().map(|part| part.count).sum();
    let last = parts.last().and_then(|part| part.last.as_deref());
    let tail = match last.and_then(|last| page::next(&ask, collection, count, last)) {
        Some(links) => format!("],\"servers_links\":{links}}}"),
        None => "]}".to_owned(),
    };
    let length: usize = parts.iter().map(|part| part.text.len() + 1).sum();
    let mut body = Vec::with_capacity(HEAD.len() + length + tail.len());
    body.extend_from_slice(HEAD);
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&part.text);
    }
    body.extend_from_slice(tail.as_bytes());
    Ok(Answer::bytes(200, "application/json", body))
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
    Ok(Answer::ok(&json!({"server": View::new(&ask.cx, &shown, SHOW)})))
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
    Ok(Answer::ok(&json!({"server": View::new(&ask.cx, &shown, changed(&ask.cx))})))
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
        all.on(network).ok_or_else(|| Fault::not_found("Instance is not a member of specified network"))?;
    Ok(Answer::ok(&json!({network: own})))
}

async fn ports(compute: &Arc<Compute>, ask: &Ask, rule: &policy::Rule) -> Result<Vec<PortShown>, Fault> {
    let shown = compute.server_visible(&ask.cx, ask.id("id"), false).await?;
    ask.cx.may(rule, &target(&shown))?;
    compute
        .read(&ask.cx, move |compute, tx, _| {
            let ports = compute.networks.ports_shown(tx, std::slice::from_ref(&shown.id))?;
            Ok(ordered(&shown, ports, |port| &port.id))
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
    let server = compute.server_visible(&ask.cx, ask.id("id"), false).await?;
    ask.cx.may(&rules::VOLUMES_ATTACHMENTS_INDEX, &target(&server))?;
    Ok(Answer::ok(&json!({"volumeAttachments": []})))
}

/// `GET /servers/{id}/migrations`: none, since servers do not move yet.
pub async fn migrations_of(compute: Arc<Compute>, ask: Ask) -> Answered {
    let server = compute.server_visible(&ask.cx, ask.id("id"), false).await?;
    ask.cx.may(&rules::SERVER_MIGRATIONS_INDEX, &target(&server))?;
    Ok(Answer::ok(&json!({"migrations": []})))
}

/// `GET /os-migrations`: none, since servers do not move yet.
pub async fn migrations(_: Arc<Compute>, ask: Ask) -> Answered {
    let own = Target::own(&ask.cx.who);
    ask.cx.may(&rules::MIGRATIONS_INDEX, &own)?;
    if ask.query.get("project_id") != Some(ask.cx.who.project()) {
        ask.cx.may(&rules::MIGRATIONS_INDEX_ALL_PROJECTS, &own)?;
    }
    Ok(Answer::ok(&json!({"migrations": []})))
}
