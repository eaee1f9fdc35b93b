//! A server as it is shown, changed, rebuilt and deleted.

use crate::model::group::Group;
use crate::model::server::{Phase, Server, Task, VmState};
use crate::model::spec::ordered;
use crate::ops::server_create::{BootImage, boot_image, check_files, check_size};
use crate::ops::{Demand, doer, metadata, server_for, server_seen, target, unlocked};
use crate::store as rows;
use crate::store::action;
use crate::{Compute, rules, versions};
use contract::network::PortShown;
use fault::Fault;
use metal::server::Power;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use store::Tx;
use web::Cx;

/// A server with all that is shown with it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The server.
    pub server: Server,
    /// Its ports, in the order of its interfaces.
    pub ports: Vec<PortShown>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The group that it is in.
    pub group: Option<Group>,
    /// The state of its host; `None` where the caller may not know.
    pub host_status: Option<&'static str>,
}

impl Shown {
    /// The server, with nothing.
    pub(crate) fn bare(server: Server) -> Self {
        Self { server, ports: Vec::new(), tags: Vec::new(), group: None, host_status: None }
    }
}

/// What a server is changed to. The outer `None` leaves as is.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "each is named as in the API")]
pub struct ServerUpdate {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub hostname: Option<String>,
    pub access_v4: Option<String>,
    pub access_v6: Option<String>,
    pub auto_disk: Option<bool>,
    pub pinned_zone: Option<Option<String>>,
}

/// What a server is rebuilt with.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "each is named as in the API")]
pub struct Rebuild {
    pub image_id: String,
    pub admin_password: String,
    pub change: ServerUpdate,
    pub metadata: Option<BTreeMap<String, String>>,
    pub key_name: Option<Option<String>>,
    pub user_data: Option<Option<String>>,
    pub files: Vec<(String, String)>,
}

/// What is said of the hosts of servers, by the servers' ids.
pub(crate) type HostStates = HashMap<String, &'static str>;

/// What is said of the hosts of these servers, of those whose hosts the caller may know of.
pub(crate) fn host_states(tx: &Tx, cx: &Cx, servers: &[Server]) -> Result<HostStates, Fault> {
    let known: Vec<&Server> = servers.iter().filter(|server| knows_host(cx, server)).collect();
    let hosts: BTreeSet<&String> = known.iter().filter_map(|server| server.host.as_ref()).collect();
    let hosts: Vec<String> = hosts.into_iter().cloned().collect();
    let services = rows::host::services_of(tx, &hosts)?;
    let state = |host: &String| match services.get(host) {
        None => "UNKNOWN",
        Some(service) => match (service.disabled, service.forced_down, service.up) {
            (true, ..) => "MAINTENANCE",
            (false, true, _) => "DOWN",
            (false, false, true) => "UP",
            (false, false, false) => "UNKNOWN",
        },
    };
    Ok(known.into_iter().map(|server| (server.id.clone(), server.host.as_ref().map_or("", state))).collect())
}

/// Whether the caller is told of the host's state.
fn knows_host(cx: &Cx, server: &Server) -> bool {
    cx.has(versions::HOST_STATUS) && cx.allows(&rules::SERVERS_SHOW_HOST_STATUS, &target(server))
}

impl Compute {
    /// A server as it is shown.
    pub async fn server_show(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<Shown, Fault> {
        let id = id.to_owned();
        self.read(cx, move |this, tx, cx| {
            let server = server_for(tx, cx, &id, &rules::SERVERS_SHOW)?;
            this.shown(tx, cx, server)
        })
        .await
    }

    /// One server with all that is shown with it.
    pub(crate) fn shown(&self, tx: &Tx, cx: &Cx, server: Server) -> Result<Shown, Fault> {
        let group = rows::group::group_of(tx, &server.id)?;
        let states = host_states(tx, cx, std::slice::from_ref(&server))?;
        let all = self.shown_all(tx, vec![server], &states)?;
        let mut shown = all.into_iter().next().ok_or_else(|| Fault::bug("one server in, none out"))?;
        shown.group = group;
        Ok(shown)
    }

    /// Servers with all that is shown with them in a list; `states` are those of their hosts.
    pub(crate) fn shown_all(
        &self,
        tx: &Tx,
        servers: Vec<Server>,
        states: &HostStates,
    ) -> Result<Vec<Shown>, Fault> {
        let ids: Vec<String> = servers.iter().map(|server| server.id.clone()).collect();
        let mut ports: HashMap<String, Vec<PortShown>> = HashMap::new();
        for port in self.networks.ports_shown(tx, &ids)? {
            ports.entry(port.server_id.clone()).or_default().push(port);
        }
        let mut tags = rows::server::tags_of_all(tx, &ids)?;
        let mut all = Vec::with_capacity(servers.len());
        for server in servers {
            let own = ordered(&server, ports.remove(&server.id).unwrap_or_default(), |port| &port.id);
            let host_status = states.get(&server.id).copied();
            let tags = tags.remove(&server.id).unwrap_or_default();
            all.push(Shown { ports: own, tags, group: None, host_status, server });
        }
        Ok(all)
    }

    /// Changes what a server is called.
    pub async fn server_update(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        change: ServerUpdate,
    ) -> Result<Shown, Fault> {
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            let mut server = server_for(tx, cx, &id, &rules::SERVERS_UPDATE)?;
            pin(&mut server, &change)?;
            apply(&mut server, &change);
            server.generation += 1;
            server.updated_at = tx.now();
            rows::server::server_save(tx, &server)?;
            this.wake(tx, &server.id)?;
            this.shown(tx, cx, server)
        })
        .await
    }

    /// Deletes a server. Doing it again is no mistake.
    pub async fn server_delete(self: &Arc<Self>, cx: &Cx, id: &str, force: bool) -> Result<(), Fault> {
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            let rule = if force { &rules::DEFERRED_DELETE_FORCE } else { &rules::SERVERS_DELETE };
            let mut server = server_for(tx, cx, &id, rule)?;
            unlocked(cx, &server)?;
            if server.deleting && !server.failed {
                return Ok(());
            }
            if let Some(cut) = server.detail.action.take() {
                action::action_end(tx, cut, None, None)?;
            }
            let host = server.host.as_deref();
            let begun =
                action::action_begin(tx, &server.id, "delete", "compute_terminate_instance", host, doer(cx))?;
            server.detail.action = Some(begun);
            server.deleting = true;
            server.task = None;
            server.deadline = Some(this.deadline(tx, this.settings.task_time));
            server.generation += 1;
            server.updated_at = tx.now();
            rows::server::server_save(tx, &server)?;
            rows::console::consoles_close(tx, &server.id)?;
            this.wake(tx, &server.id)
        })
        .await
    }

    /// Starts a server anew from an image, on its host, with its ports.
    pub async fn server_rebuild(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        rebuild: Rebuild,
    ) -> Result<Shown, Fault> {
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            let mut server = server_for(tx, cx, &id, &rules::SERVERS_REBUILD)?;
            let states = &[VmState::Active, VmState::Stopped, VmState::Error];
            Demand { action: "rebuild", states, tasks: Some(&[]), launched: true }.check(cx, &server)?;
            this.rebuild_apply(tx, cx, &mut server, &rebuild)?;
            server.incarnation += 1;
            server.failed = false;
            server.power = if server.power == Power::Off { Power::Off } else { Power::On };
            server.reboots = 0;
            let id = server.id.clone();
            this.task_begin(tx, cx, server, Task::Rebuilding, "compute_rebuild_instance")?;
            this.shown(tx, cx, server_seen(tx, cx, &id, false)?)
        })
        .await
    }

    fn rebuild_apply(&self, tx: &Tx, cx: &Cx, server: &mut Server, rebuild: &Rebuild) -> Result<(), Fault> {
        if let Some(asked) = &rebuild.key_name {
            server.detail.key_data = match asked {
                None => None,
                Some(name) => {
                    let pair = rows::keypair::keypair_by_name(tx, &cx.who.user_id, name)?;
                    Some(pair.ok_or_else(|| Fault::bad_input("Invalid key_name provided."))?.public_key)
                }
            };
            server.key_name.clone_from(asked);
        }
        let found = boot_image(self, tx, cx, &rebuild.image_id)?;
        let image = found.ok_or_else(|| Fault::bad_input("Cannot find image for rebuild"))?;
        if let Some(pairs) = &rebuild.metadata {
            metadata::check_quota(tx, &server.project_id, pairs)?;
            server.detail.metadata.clone_from(pairs);
        }
        check_files(tx, &server.project_id, &rebuild.files)?;
        check_size(cx, &image.facts, &server.detail.flavor)?;
        let BootImage { facts, image, kernel, ramdisk } = image;
        server.image_id.clone_from(&facts.id);
        server.detail.image = Some(image);
        (server.detail.kernel, server.detail.ramdisk) = (kernel, ramdisk);
        server.detail.image_properties = facts.properties;
        if let Some(data) = &rebuild.user_data {
            server.detail.user_data.clone_from(data);
        }
        server.detail.files.clone_from(&rebuild.files);
        server.detail.admin_password = Some(rebuild.admin_password.clone());
        apply(server, &rebuild.change);
        Ok(())
    }
}

fn apply(server: &mut Server, change: &ServerUpdate) {
    if let Some(name) = &change.name {
        server.name.clone_from(name);
    }
    if let Some(description) = &change.description {
        server.description.clone_from(description);
    }
    if let Some(hostname) = &change.hostname {
        server.hostname.clone_from(hostname);
    }
    if let Some(address) = &change.access_v4 {
        server.access_v4 = Some(address.clone());
    }
    if let Some(address) = &change.access_v6 {
        server.access_v6 = Some(address.clone());
    }
    if let Some(auto) = change.auto_disk {
        server.auto_disk = auto;
    }
}

/// Pins a server to the zone that it is in, or unpins it.
fn pin(server: &mut Server, change: &ServerUpdate) -> Result<(), Fault> {
    let Some(asked) = &change.pinned_zone else { return Ok(()) };
    match (asked, &server.pinned_zone) {
        (None, _) => server.pinned_zone = None,
        (Some(asked), Some(pinned)) if asked != pinned => {
            return Err(Fault::conflict(
                "Cannot change pinned availability zone directly. Unpin first by setting pinned_availability_zone to null.",
            ));
        }
        (Some(asked), None) if *asked != server.zone => {
            return Err(Fault::conflict(format!(
                "Server can only be pinned to its current availability zone '{}', but '{asked}' was requested.",
                server.zone
            )));
        }
        (Some(asked), _) => server.pinned_zone = Some(asked.clone()),
    }
    Ok(())
}

/// A server is no more: what is left of it is what administrators see of deleted ones.
pub(crate) fn buried(tx: &Tx, server: &mut Server) -> Result<(), Fault> {
    if let Some(number) = server.detail.action.take() {
        action::action_end(tx, number, None, None)?;
    }
    server.deleted_at = Some(tx.now());
    server.terminated_at = Some(tx.now());
    server.updated_at = tx.now();
    server.deadline = None;
    server.phase = Phase::Buried;
    rows::group::group_leave(tx, &server.id)?;
    rows::server::server_save(tx, server)
}
