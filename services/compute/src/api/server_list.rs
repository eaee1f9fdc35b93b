//! Lists of servers: what a query may say, and how a page is written.

use super::Answered;
use super::page::{self, Form, Link};
use super::server_view::{DETAIL, View};
use crate::model::server::Server;
use crate::ops::server::Shown;
use crate::ops::server_list::{REFUSED, ServerQuery, TAG_FILTERS};
use crate::{Compute, versions};
use fault::{Fault, Means};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use tokio::runtime::Handle;
use web::{Answer, Ask, Cx};

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
];

fn query(ask: &Ask, detail: bool) -> Result<ServerQuery, Fault> {
    let mut known: Vec<(&str, Form)> =
        vec![("limit", Form::Count), ("marker", Form::Any), ("changes-since", Form::Time)];
    known.extend(PLAIN.iter().chain(REFUSED).map(|name| (*name, Form::Any)));
    known.extend(PATTERNS.iter().map(|name| (*name, Form::Pattern)));
    if ask.cx.has(versions::SERVER_TAGS) {
        known.extend(TAG_FILTERS.iter().map(|name| (*name, Form::Pattern)));
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
