//! Lists of servers: what may be filtered and sorted by whom.

use crate::model::server::{STATUSES, STATUSES_UNUSED, Server};
use crate::ops::server::{Shown, host_states};
use crate::store as rows;
use crate::store::server::SERVERS;
use crate::{Compute, rules, versions};
use contract::network::PortShown;
use fault::Fault;
use kernel::Micros;
use policy::Target;
use regex_lite::Regex;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use store::list::{Direction, List, ListError, Operator};
use store::{Tx, Value, params};
use web::{Cx, Query};

/// What is asked for, with the parameters checked for their form already.
#[derive(Clone, Debug, Default)]
pub struct ServerQuery {
    /// The query as it came.
    pub query: Query,
    /// With details.
    pub detail: bool,
    /// So many at most.
    pub limit: u32,
    /// After this one.
    pub marker: Option<String>,
    /// Keys and directions.
    pub sort: Vec<(String, Direction)>,
}

/// What those filter by who may not filter by anything.
const FOR_ALL: &[&str] =
    &["reservation_id", "name", "status", "image", "flavor", "ip", "changes-since", "all_tenants"];
const FOR_ALL_LATER: &[&str] = &[
    "availability_zone",
    "config_drive",
    "key_name",
    "created_at",
    "launched_at",
    "terminated_at",
    "power_state",
    "task_state",
    "vm_state",
    "progress",
    "user_id",
];
/// Lists of tags.
pub const TAG_FILTERS: &[&str] = &["tags", "tags-any", "not-tags", "not-tags-any"];
/// What joins tables in Nova and is refused there.
pub const REFUSED: &[&str] = &[
    "block_device_mapping",
    "services",
    "metadata",
    "system_metadata",
    "info_cache",
    "security_groups",
    "pci_devices",
];
/// Compared whole, by their name in the API and in the list.
const EXACT: &[(&str, &str)] = &[
    ("project_id", "project_id"),
    ("tenant_id", "project_id"),
    ("user_id", "user_id"),
    ("image", "image_ref"),
    ("image_ref", "image_ref"),
    ("vm_state", "vm_state"),
    ("task_state", "task_state"),
    ("uuid", "uuid"),
    ("host", "host"),
    ("flavor", "flavor_id"),
];

/// So many servers with details are a portion.
const PORTION: usize = 200;

/// The filters that are in force, by name.
type Filters = HashMap<String, Vec<String>>;

/// What a list comes to before it is read: nothing can match, or this.
enum Narrowed {
    Nothing,
    To(Box<List>),
}

impl Compute {
    /// Servers, in portions: what `part` makes of each. It is called inside of the transaction, which reads on when it returns,
    /// and for all portions again if the transaction is repeated.
    pub async fn server_list<P: Send + 'static>(
        self: &Arc<Self>,
        cx: &Cx,
        asked: ServerQuery,
        mut part: impl FnMut(&Cx, Vec<Shown>) -> P + Send + 'static,
    ) -> Result<Vec<P>, Fault> {
        let rule = if asked.detail { &rules::SERVERS_DETAIL } else { &rules::SERVERS_INDEX };
        cx.may(rule, &Target::own(&cx.who))?;
        self.read(cx, move |this, tx, cx| {
            let filters = allowed(cx, &asked.query);
            let Narrowed::To(mut list) = narrowed(cx, &asked, &filters)? else { return Ok(Vec::new()) };
            let patterns = patterns(&filters)?;
            let by_address = filters.contains_key("ip") || filters.contains_key("ip6");
            let late = by_address || !patterns.is_empty();
            list.marker(asked.marker.as_deref()).limit((!late).then_some(asked.limit));
            let mut servers = rows::server::server_list(tx, &list).map_err(|error| match error {
                ListError::UnknownMarker(marker) => Fault::bad_input(format!("marker [{marker}] not found")),
                other => other.fault(),
            })?;
            servers.retain(|server| {
                patterns
                    .iter()
                    .all(|(key, regex)| field(server, key).is_some_and(|text| regex.is_match(&text)))
            });
            if by_address {
                servers = this.with_address(tx, servers, &filters)?;
            }
            if late {
                servers.truncate(asked.limit as usize);
            }
            if !asked.detail {
                return Ok(vec![part(cx, servers.into_iter().map(Shown::bare).collect())]);
            }
            let states = host_states(tx, cx, &servers)?;
            let mut parts = Vec::new();
            while !servers.is_empty() {
                let rest = servers.split_off(PORTION.min(servers.len()));
                parts.push(part(cx, this.shown_all(tx, servers, &states)?));
                servers = rest;
            }
            Ok(parts)
        })
        .await
    }

    fn with_address(&self, tx: &Tx, servers: Vec<Server>, filters: &Filters) -> Result<Vec<Server>, Fault> {
        let ids: Vec<String> = servers.iter().map(|server| server.id.clone()).collect();
        let ports = self.networks.ports_shown(tx, &ids)?;
        let mut wanted = Vec::new();
        for (name, v6) in [("ip", false), ("ip6", true)] {
            for text in filters.get(name).into_iter().flatten() {
                wanted.push((regex(name, text)?, v6));
            }
        }
        let has = |port: &PortShown, (regex, v6): &(Regex, bool)| {
            let all = port.fixed_ips.iter().chain(&port.floating_ips);
            all.filter(|address| address.is_ipv6() == *v6).any(|address| regex.is_match(&address.to_string()))
        };
        let fits = |server: &Server| {
            let own: Vec<&PortShown> = ports.iter().filter(|port| port.server_id == server.id).collect();
            wanted.iter().all(|one| own.iter().any(|port| has(port, one)))
        };
        Ok(servers.into_iter().filter(fits).collect())
    }
}

/// The filters that this caller may use; the others are dropped silently, as Nova does.
fn allowed(cx: &Cx, query: &Query) -> Filters {
    let every = cx.allows(&rules::SERVERS_ALLOW_ALL_FILTERS, &Target::own(&cx.who));
    let mut filters = Filters::new();
    for (name, value) in query.pairs() {
        let paging = matches!(name, "sort_key" | "sort_dir" | "limit" | "marker");
        let later = |version, own: bool| cx.has(version) && own;
        let may = every
            || FOR_ALL.contains(&name)
            || later(versions::FILTER_IP6, name == "ip6")
            || later(versions::SERVER_TAGS, TAG_FILTERS.contains(&name))
            || later(versions::CHANGES_BEFORE, name == "changes-before")
            || later(versions::LOCK_REASON, name == "locked")
            || later(versions::MORE_FILTERS, FOR_ALL_LATER.contains(&name))
            || later(versions::HOSTNAME, name == "hostname")
            // These are answered with a refusal, whoever asks.
            || REFUSED.contains(&name)
            || name.starts_with('_');
        if may && !paging {
            filters.entry(name.to_owned()).or_default().push(value.to_owned());
        }
    }
    filters
}

fn first<'a>(filters: &'a Filters, name: &str) -> Option<&'a str> {
    // Nova takes the last of several.
    filters.get(name).and_then(|values| values.last()).map(String::as_str)
}

fn narrowed(cx: &Cx, asked: &ServerQuery, filters: &Filters) -> Result<Narrowed, Fault> {
    if let Some(bad) = filters.keys().find(|name| REFUSED.contains(&name.as_str()) || name.starts_with('_')) {
        return Err(Fault::bad_input(format!("Invalid filter field: {bad}.")));
    }
    let mut list = List::new(&SERVERS);
    let all = all_tenants(cx, asked, filters)?;
    if !all {
        list.only("project_id = ?", params![cx.who.project()]);
    }
    let mut deleted = match (
        first(filters, "deleted"),
        filters.contains_key("changes-since") || filters.contains_key("changes-before"),
    ) {
        (Some(text), _) => Some(truth(text).unwrap_or(false)),
        (None, true) => None,
        (None, false) => Some(false),
    };
    if let Some(statuses) = filters.get("status") {
        match states(cx, statuses)? {
            None => return Ok(Narrowed::Nothing),
            Some((vm_states, task_states)) => {
                if vm_states.len() == 1 && vm_states.contains("deleted") {
                    if !cx.who.admin {
                        return Err(Fault::forbidden("Only administrators may list deleted instances"));
                    }
                    deleted = Some(true);
                }
                among(&mut list, "vm_state", &vm_states)?;
                if !task_states.is_empty() {
                    among(&mut list, "task_state", &task_states)?;
                }
            }
        }
    }
    match deleted {
        Some(true) => drop(list.matching("deleted_at IS NOT NULL", params![])),
        Some(false) => drop(list.matching("deleted_at IS NULL", params![])),
        None => {}
    }
    changes(&mut list, filters)?;
    for (name, column) in EXACT {
        if *name == "tenant_id" && !all {
            continue;
        }
        let Some(values) = filters.get(*name) else { continue };
        if *name == "task_state" && values.iter().any(|value| value == "None" || value.is_empty()) {
            list.matching("task_state IS NULL", params![]);
            continue;
        }
        let values: Vec<&str> = values.last().into_iter().map(String::as_str).collect();
        list.filter(column, Operator::In, &values).map_err(ListError::fault)?;
    }
    if let Some(locked) = first(filters, "locked") {
        let locked = truth(locked).ok_or_else(|| bad_flag(locked))?;
        let condition = if locked { "locked_by IS NOT NULL" } else { "locked_by IS NULL" };
        list.matching(condition, params![]);
    }
    tags(&mut list, filters);
    for (key, direction) in &asked.sort {
        list.sort(key, *direction).map_err(ListError::fault)?;
    }
    // Servers of one request are as old as each other: the later one is the newer one.
    list.sort("number", asked.sort.last().map_or(Direction::Desc, |(_, direction)| *direction))
        .map_err(ListError::fault)?;
    Ok(Narrowed::To(Box::new(list)))
}

fn all_tenants(cx: &Cx, asked: &ServerQuery, filters: &Filters) -> Result<bool, Fault> {
    let all = match first(filters, "all_tenants") {
        None => false,
        Some("") => true,
        Some(text) => truth(text).ok_or_else(|| bad_flag(text))?,
    };
    if all {
        let rule = if asked.detail {
            &rules::SERVERS_DETAIL_GET_ALL_TENANTS
        } else {
            &rules::SERVERS_INDEX_GET_ALL_TENANTS
        };
        cx.may(rule, &Target::own(&cx.who))?;
    }
    Ok(all)
}

/// Reads a flag as OpenStack does.
pub fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "on" | "y" | "yes" | "1" => Some(true),
        "f" | "false" | "off" | "n" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn bad_flag(text: &str) -> Fault {
    Fault::bad_input(format!(
        "Invalid input received: Unrecognized value '{text}', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', \
         'off', 'on', 't', 'true', 'y', 'yes'"
    ))
}

/// The states that the statuses stand for; `None` when no server can be in any of them.
#[expect(clippy::type_complexity, reason = "two sets")]
fn states(
    cx: &Cx,
    statuses: &[String],
) -> Result<Option<(BTreeSet<&'static str>, BTreeSet<&'static str>)>, Fault> {
    let asked = |name: &str| statuses.iter().any(|status| status.eq_ignore_ascii_case(name));
    let found: Vec<_> = STATUSES.iter().filter(|(status, _, _)| asked(status)).collect();
    if found.is_empty() {
        if cx.has(versions::STATUS_CHECKED) && !STATUSES_UNUSED.iter().any(|status| asked(status)) {
            return Err(Fault::bad_input("Invalid status value"));
        }
        return Ok(None);
    }
    let vm_states = found.iter().map(|(_, vm_state, _)| vm_state.word()).collect();
    // One status that stands for a state as such takes in all tasks.
    let whole = found.iter().any(|(_, _, task)| task.is_none());
    let tasks = if whole { BTreeSet::new() } else { found.iter().filter_map(|(_, _, task)| *task).collect() };
    Ok(Some((vm_states, tasks)))
}

fn among(list: &mut List, column: &str, values: &BTreeSet<&'static str>) -> Result<(), Fault> {
    let values: Vec<&str> = values.iter().copied().collect();
    list.filter(column, Operator::In, &values).map_err(ListError::fault).map(drop)
}

fn changes(list: &mut List, filters: &Filters) -> Result<(), Fault> {
    let read = |name: &str| -> Result<Option<Micros>, Fault> {
        let wrong = || Fault::bad_input(format!("Invalid filter field: {name}."));
        first(filters, name).map(|text| Micros::parse(text).ok_or_else(wrong)).transpose()
    };
    let (since, before) = (read("changes-since")?, read("changes-before")?);
    if since.zip(before).is_some_and(|(since, before)| before < since) {
        return Err(Fault::bad_input(
            "The value of changes-since must be less than or equal to changes-before.",
        ));
    }
    if let Some(since) = since {
        list.matching("updated_at >= ?", params![since]);
    }
    if let Some(before) = before {
        // Clients write whole seconds and mean all of the second.
        list.matching("updated_at <= ?", params![before]);
    }
    Ok(())
}

const HAS_TAG: &str =
    "EXISTS (SELECT 1 FROM compute_server_tags t WHERE t.server_id = compute_servers.id AND t.tag = ?)";
const HAS_NO_TAG: &str =
    "NOT EXISTS (SELECT 1 FROM compute_server_tags t WHERE t.server_id = compute_servers.id AND t.tag = ?)";

fn tags(list: &mut List, filters: &Filters) {
    let split = |name: &str| -> Vec<String> {
        first(filters, name).map(|text| text.split(',').map(str::to_owned).collect()).unwrap_or_default()
    };
    for tag in split("tags") {
        list.matching(HAS_TAG, params![tag]);
    }
    for tag in split("not-tags-any") {
        list.matching(HAS_NO_TAG, params![tag]);
    }
    // Tags are never written with a comma, so that one text can name several of them.
    let several = |tags: Vec<String>| Value::from(format!(",{},", tags.join(",")));
    let any = split("tags-any");
    if !any.is_empty() {
        let condition = "EXISTS (SELECT 1 FROM compute_server_tags t WHERE t.server_id = compute_servers.id AND \
                         ? LIKE '%,' || t.tag || ',%')";
        list.matching(condition, &[several(any)]);
    }
    let not_all = split("not-tags");
    if !not_all.is_empty() {
        let count = Value::from(not_all.len());
        let condition = "(SELECT count(*) FROM compute_server_tags t WHERE t.server_id = compute_servers.id AND \
                         ? LIKE '%,' || t.tag || ',%') < ?";
        list.matching(condition, &[several(not_all), count]);
    }
}

fn regex(name: &str, text: &str) -> Result<Regex, Fault> {
    let wrong = || {
        let shown = web::schema::python(&serde_json::Value::from(text));
        Fault::bad_input(format!(
            "Invalid input for query parameters {name}. Value: {text}. {shown} is not a 'regex'"
        ))
    };
    if text.is_empty() { Err(wrong()) } else { Regex::new(text).map_err(|_| wrong()) }
}

/// Filters that are regular expressions, by the name of the field.
const PATTERNS: &[&str] = &[
    "name",
    "display_name",
    "hostname",
    "key_name",
    "node",
    "reservation_id",
    "launched_at",
    "terminated_at",
    "created_at",
    "availability_zone",
    "description",
    "display_description",
    "locked_by",
    "config_drive",
    "access_ip_v4",
    "access_ip_v6",
    "auto_disk_config",
    "progress",
    "power_state",
    "kernel_id",
    "ramdisk_id",
    "root_device_name",
    "launch_index",
];

fn patterns(filters: &Filters) -> Result<Vec<(&'static str, Regex)>, Fault> {
    let asked = PATTERNS.iter().filter_map(|name| Some((*name, first(filters, name)?)));
    asked.map(|(name, text)| Ok((name, regex(name, text)?))).collect()
}

/// What a pattern is compared with, as Nova's database has it.
fn field(server: &Server, name: &str) -> Option<String> {
    let flag = |value: bool| if value { "True" } else { "" }.to_owned();
    let time = |at: Option<Micros>| at.map(|at| at.micros_naked().replace('T', " "));
    match name {
        "name" | "display_name" => Some(server.name.clone()),
        "hostname" => Some(server.hostname.clone()),
        "key_name" => server.key_name.clone(),
        "node" => server.host.clone(),
        "reservation_id" => Some(server.reservation_id.clone()),
        "launched_at" => time(server.launched_at),
        "terminated_at" => time(server.terminated_at),
        "created_at" => time(Some(server.created_at)),
        "availability_zone" => Some(server.zone.clone()),
        "description" | "display_description" => server.description.clone(),
        "locked_by" => server.locked_by.clone(),
        "config_drive" => Some(flag(server.config_drive)),
        "access_ip_v4" => server.access_v4.clone(),
        "access_ip_v6" => server.access_v6.clone(),
        "auto_disk_config" => Some(u8::from(server.auto_disk).to_string()),
        "progress" => Some(server.progress.to_string()),
        "power_state" => Some(server.standing().power_state.to_string()),
        "kernel_id" => Some(server.detail.kernel.as_ref().map_or(String::new(), |image| image.id.clone())),
        "ramdisk_id" => Some(server.detail.ramdisk.as_ref().map_or(String::new(), |image| image.id.clone())),
        "root_device_name" => Some(server.root_device()),
        "launch_index" => Some(server.launch_index.to_string()),
        _ => None,
    }
}
