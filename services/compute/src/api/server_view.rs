//! How a server is shown. A page of a thousand is written straight into its answer: a tree of values in between would
//! take longer than reading them from the store.

use super::page::{self, Link};
use crate::model::server::{Server, Standing, VmState};
use crate::ops::server::Shown;
use crate::ops::target;
use crate::store::server::instance_name;
use crate::{rules, versions};
use contract::network::PortShown;
use kernel::Micros;
use policy::Target;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use sha2::{Digest, Sha224};
use std::collections::BTreeMap;
use std::net::IpAddr;
use web::{Cx, Version};

/// An id of a host that tells a project whether two servers share one, and nothing else.
pub fn host_id(host: Option<&str>, project_id: &str) -> String {
    let Some(host) = host else { return String::new() };
    base16ct::lower::encode_string(&Sha224::new().chain_update(project_id).chain_update(host).finalize())
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
pub const DETAIL: Parts = Parts { whole: true, group: false, key: true, user_data: true };

/// What an answer to a change shows.
pub fn changed(cx: &Cx) -> Parts {
    let whole = cx.has(versions::STRICT);
    Parts { whole, group: true, key: whole, user_data: true }
}

/// What the answer to a rebuild shows.
pub fn rebuilt(cx: &Cx) -> Parts {
    Parts { key: cx.has(versions::REBUILD_KEY), user_data: false, ..changed(cx) }
}

/// A server as the API shows it to a caller.
pub struct View<'a> {
    cx: &'a Cx,
    shown: &'a Shown,
    parts: Parts,
    standing: Standing,
    target: Target,
}

impl<'a> View<'a> {
    /// What `parts` says of a server.
    pub fn new(cx: &'a Cx, shown: &'a Shown, parts: Parts) -> Self {
        Self { cx, shown, parts, standing: shown.server.standing(), target: target(&shown.server) }
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        self.common(&mut body)?;
        if self.parts.whole {
            self.more(&mut body)?;
        } else if self.parts.key {
            body.serialize_entry("key_name", &self.shown.server.key_name)?;
        }
        self.later(&mut body)?;
        body.end()
    }
}

impl View<'_> {
    fn common<M: SerializeMap>(&self, body: &mut M) -> Result<(), M::Error> {
        let Self { cx, standing, .. } = self;
        let server = &self.shown.server;
        body.serialize_entry("accessIPv4", server.access_v4.as_deref().unwrap_or_default())?;
        body.serialize_entry("accessIPv6", server.access_v6.as_deref().unwrap_or_default())?;
        let hidden = standing.vm_state == VmState::Building;
        let ports = if hidden { &[] } else { &self.shown.ports[..] };
        body.serialize_entry("addresses", &addresses(ports, self.parts.whole))?;
        body.serialize_entry("created", &server.created_at.seconds_z())?;
        body.serialize_entry("flavor", &self.flavor())?;
        body.serialize_entry("hostId", &host_id(server.host.as_deref(), &server.project_id))?;
        body.serialize_entry("id", &server.id)?;
        body.serialize_entry("image", &image(cx, server))?;
        body.serialize_entry("links", &page::links(cx, "servers", &server.id))?;
        body.serialize_entry("metadata", &server.detail.metadata)?;
        body.serialize_entry("name", &server.name)?;
        body.serialize_entry("status", standing.status)?;
        body.serialize_entry("tenant_id", &server.project_id)?;
        body.serialize_entry("user_id", &server.user_id)?;
        body.serialize_entry("updated", &server.updated_at.seconds_z())?;
        body.serialize_entry("OS-DCF:diskConfig", if server.auto_disk { "AUTO" } else { "MANUAL" })?;
        if let (Some(fault), "ERROR" | "DELETED") = (&server.fault, standing.status) {
            let told = !fault.details.is_empty() && (cx.who.admin || fault.code != 500);
            let details = told.then_some(fault.details.as_str());
            let created = fault.at.seconds_z();
            body.serialize_entry(
                "fault",
                &Told { code: fault.code, created, message: &fault.message, details },
            )?;
        }
        if matches!(standing.status, "ACTIVE" | "BUILD" | "REBUILD") {
            body.serialize_entry("progress", &server.progress)?;
        }
        Ok(())
    }

    fn flavor(&self) -> Flavor<'_> {
        let facts = &self.shown.server.detail.flavor;
        if !self.cx.has(versions::FLAVOR_INSIDE) {
            let links = [Link { rel: "bookmark", href: page::bookmark(self.cx, "flavors", &facts.id) }];
            return Flavor::Outside { id: &facts.id, links };
        }
        let specs = self.cx.allows(&rules::SERVERS_SHOW_FLAVOR_EXTRA_SPECS, &self.target);
        Flavor::Inside {
            vcpus: facts.vcpus,
            ram: facts.memory_mib,
            disk: facts.root_gib,
            ephemeral: facts.ephemeral_gib,
            swap: facts.swap_mib,
            original_name: &facts.name,
            extra_specs: specs.then_some(&facts.specs),
        }
    }

    fn more<M: SerializeMap>(&self, body: &mut M) -> Result<(), M::Error> {
        let Self { cx, standing, shown, .. } = self;
        let server = &shown.server;
        let time = |at: Option<Micros>| at.map(|at| at.whole_seconds().micros_naked());
        body.serialize_entry("OS-EXT-AZ:availability_zone", &server.zone)?;
        body.serialize_entry("config_drive", if server.config_drive { "True" } else { "" })?;
        if self.parts.key {
            body.serialize_entry("key_name", &server.key_name)?;
        }
        body.serialize_entry("OS-SRV-USG:launched_at", &time(server.launched_at))?;
        body.serialize_entry("OS-SRV-USG:terminated_at", &time(server.terminated_at))?;
        let groups = shown.ports.iter().flat_map(|port| &port.security_groups);
        let groups: Vec<Named> = groups.map(|name| Named { name }).collect();
        if !groups.is_empty() {
            body.serialize_entry("security_groups", &groups)?;
        }
        let extended = cx.allows(&rules::EXTENDED_SERVER_ATTRIBUTES, &self.target);
        if extended {
            self.extended(body)?;
        }
        body.serialize_entry("OS-EXT-STS:task_state", &standing.task_state)?;
        body.serialize_entry("OS-EXT-STS:vm_state", standing.vm_state.word())?;
        body.serialize_entry("OS-EXT-STS:power_state", &standing.power_state)?;
        body.serialize_entry("os-extended-volumes:volumes_attached", &[(); 0])?;
        if cx.has(versions::HOSTNAME) && !extended {
            body.serialize_entry("OS-EXT-SRV-ATTR:hostname", &server.hostname)?;
        }
        if let Some(status) = shown.host_status {
            body.serialize_entry("host_status", status)?;
        }
        if cx.has(versions::PINNED_ZONE) {
            body.serialize_entry("pinned_availability_zone", &server.pinned_zone)?;
        }
        Ok(())
    }

    /// What only operators see.
    fn extended<M: SerializeMap>(&self, body: &mut M) -> Result<(), M::Error> {
        let server = &self.shown.server;
        body.serialize_entry("OS-EXT-SRV-ATTR:host", &server.host)?;
        body.serialize_entry("OS-EXT-SRV-ATTR:instance_name", &instance_name(server.number))?;
        body.serialize_entry("OS-EXT-SRV-ATTR:hypervisor_hostname", &server.host)?;
        if !self.cx.has(versions::MORE_ATTRIBUTES) {
            return Ok(());
        }
        let part = |image: &'_ Option<metal::server::ImageSource>| {
            image.as_ref().map_or(String::new(), |image| image.id.clone())
        };
        body.serialize_entry("OS-EXT-SRV-ATTR:hostname", &server.hostname)?;
        body.serialize_entry("OS-EXT-SRV-ATTR:kernel_id", &part(&server.detail.kernel))?;
        body.serialize_entry("OS-EXT-SRV-ATTR:launch_index", &server.launch_index)?;
        body.serialize_entry("OS-EXT-SRV-ATTR:ramdisk_id", &part(&server.detail.ramdisk))?;
        body.serialize_entry("OS-EXT-SRV-ATTR:reservation_id", &server.reservation_id)?;
        body.serialize_entry("OS-EXT-SRV-ATTR:root_device_name", &server.root_device())?;
        if self.parts.user_data {
            body.serialize_entry("OS-EXT-SRV-ATTR:user_data", &server.detail.user_data)?;
        }
        Ok(())
    }

    /// What versions added beside the extensions.
    fn later<M: SerializeMap>(&self, body: &mut M) -> Result<(), M::Error> {
        let server = &self.shown.server;
        let has = |version: Version| self.cx.has(version);
        if has(versions::LOCKED) {
            body.serialize_entry("locked", &server.locked_by.is_some())?;
        }
        if has(versions::DESCRIPTION) {
            body.serialize_entry("description", &server.description)?;
        }
        if has(versions::SERVER_TAGS) {
            body.serialize_entry("tags", &self.shown.tags)?;
        }
        if has(versions::TRUSTED_CERTS) {
            body.serialize_entry("trusted_image_certificates", &())?;
        }
        if self.parts.group && has(versions::SERVER_GROUPS) {
            let groups: Vec<&str> = self.shown.group.iter().map(|group| group.id.as_str()).collect();
            body.serialize_entry("server_groups", &groups)?;
        }
        if has(versions::LOCK_REASON) {
            body.serialize_entry("locked_reason", &server.locked_reason)?;
        }
        if has(versions::SHOW_HINTS) {
            let none = serde_json::Map::new();
            body.serialize_entry("scheduler_hints", server.detail.hints.as_object().unwrap_or(&none))?;
        }
        // Answers to changes had no host name of their own before they showed everything.
        if !self.parts.whole && has(versions::HOSTNAME) {
            body.serialize_entry("OS-EXT-SRV-ATTR:hostname", &server.hostname)?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Told<'a> {
    code: i64,
    created: String,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a str>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

/// A flavor as it was when the server was made, or only the way to it before 2.47.
#[derive(Serialize)]
#[serde(untagged)]
enum Flavor<'a> {
    Outside {
        id: &'a str,
        links: [Link; 1],
    },
    Inside {
        vcpus: u64,
        ram: u64,
        disk: u64,
        ephemeral: u64,
        swap: u64,
        original_name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        extra_specs: Option<&'a BTreeMap<String, String>>,
    },
}

#[derive(Serialize)]
struct Image<'a> {
    id: &'a str,
    links: [Link; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<BTreeMap<&'a str, &'a str>>,
}

fn image<'a>(cx: &Cx, server: &'a Server) -> Image<'a> {
    let links = [Link { rel: "bookmark", href: page::bookmark(cx, "images", &server.image_id) }];
    let known = |key: &str| key.starts_with("hw_") || key.starts_with("img_") || key.starts_with("os_");
    let own = server.detail.image_properties.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let properties = cx.has(versions::IMAGE_PROPERTIES).then(|| own.filter(|(key, _)| known(key)).collect());
    Image { id: &server.image_id, links, properties }
}

/// One address of a server.
#[derive(Debug, Serialize)]
pub struct Address<'a> {
    version: u8,
    addr: IpAddr,
    #[serde(rename = "OS-EXT-IPS:type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "OS-EXT-IPS-MAC:mac_addr", skip_serializing_if = "Option::is_none")]
    mac: Option<&'a str>,
}

/// Addresses by the names of their networks, in the order of the ports.
#[derive(Debug, Default)]
pub struct Addresses<'a>(Vec<(&'a str, Vec<Address<'a>>)>);

impl<'a> Addresses<'a> {
    /// Those on a network.
    pub fn on(&self, network: &str) -> Option<&[Address<'a>]> {
        self.0.iter().find(|(name, _)| *name == network).map(|(_, all)| all.as_slice())
    }
}

impl Serialize for Addresses<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(network, all)| (network, all)))
    }
}

/// The addresses by network, fixed ones first.
pub fn addresses(ports: &[PortShown], extended: bool) -> Addresses<'_> {
    let mut networks = Addresses::default();
    // On a network all fixed addresses come first, then all floating ones.
    for floating in [false, true] {
        for port in ports {
            let one = |addr: IpAddr| Address {
                version: if addr.is_ipv4() { 4 } else { 6 },
                addr,
                kind: extended.then_some(if floating { "floating" } else { "fixed" }),
                mac: extended.then_some(port.mac.as_str()),
            };
            let name = port.network_name.as_str();
            let at = networks.0.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                networks.0.push((name, Vec::new()));
                networks.0.len() - 1
            });
            let Some((_, all)) = networks.0.get_mut(at) else { continue };
            let own = if floating { &port.floating_ips } else { &port.fixed_ips };
            all.extend(own.iter().copied().map(one));
        }
    }
    networks
}
