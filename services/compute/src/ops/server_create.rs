//! Making servers: everything is checked and charged in one transaction; scheduling and building follow it.

use crate::model::flavor::FlavorFacts;
use crate::model::group::{Group, Policy};
use crate::model::network::{Asked, AskedPort};
use crate::model::server::{Detail, Phase, Server};
use crate::ops::{doer, flavor, metadata};
use crate::store as rows;
use crate::store::action;
use crate::{Compute, rules};
use contract::image::ImageFacts;
use fault::Fault;
use metal::server::{ImageSource, Power};
use policy::Target;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::Tx;
use web::Cx;

/// What a create request asks for, checked for its form.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "each is named as in the API")]
pub struct NewServer {
    pub name: String,
    pub description: Option<String>,
    pub hostname: Option<String>,
    pub image_id: String,
    pub flavor_id: String,
    pub admin_password: String,
    pub metadata: BTreeMap<String, String>,
    pub networks: Option<Asked>,
    /// `auto` was said, not left open.
    pub networks_auto: bool,
    pub auto_disk: Option<bool>,
    pub access_v4: Option<String>,
    pub access_v6: Option<String>,
    pub files: Vec<(String, String)>,
    pub zone: Option<String>,
    pub forced_host: Option<String>,
    pub asked_host: Option<String>,
    pub config_drive: bool,
    pub key_name: Option<String>,
    pub min_count: u32,
    pub max_count: u32,
    pub security_groups: Vec<String>,
    pub user_data: Option<String>,
    pub tags: Vec<String>,
    pub hints: Value,
    /// The request maps volumes, which need a service that this cloud has not: the first one's id.
    pub volume: Option<String>,
}

/// An image with what hosts need of it.
#[derive(Clone, Debug)]
pub(crate) struct BootImage {
    pub facts: ImageFacts,
    pub image: ImageSource,
    pub kernel: Option<ImageSource>,
    pub ramdisk: Option<ImageSource>,
}

/// What came of a create request.
#[derive(Clone, Debug)]
pub struct Created {
    /// The first server.
    pub server: Server,
    /// The reservation that all share.
    pub reservation_id: String,
}

impl Compute {
    /// Makes servers.
    pub async fn server_create(self: &Arc<Self>, cx: &Cx, new: NewServer) -> Result<Created, Fault> {
        let own = Target::own(&cx.who);
        cx.may(&rules::SERVERS_CREATE, &own)?;
        if new.forced_host.is_some() {
            cx.may(&rules::SERVERS_CREATE_FORCED_HOST, &own)?;
        }
        if new.asked_host.is_some() {
            cx.may(&rules::SERVERS_CREATE_REQUESTED_DESTINATION, &own)?;
        }
        self.write(cx, move |this, tx, cx| this.servers_insert(tx, cx, &new)).await
    }

    fn servers_insert(&self, tx: &Tx, cx: &Cx, new: &NewServer) -> Result<Created, Fault> {
        let found = flavor::usable(tx, cx, &new.flavor_id)?.filter(|flavor| !flavor.disabled);
        let flavor = found
            .ok_or_else(|| Fault::bad_input(format!("Flavor {} could not be found.", new.flavor_id)))?
            .facts;
        self.check_zone(tx, new)?;
        if new.max_count > 1 {
            check_many(new)?;
        }
        if let Some(volume) = &new.volume {
            return Err(Fault::bad_input(format!(
                "Block Device Mapping is Invalid: failed to get volume {volume}."
            )));
        }
        let image = boot_image(self, tx, cx, &new.image_id)?;
        let image = image.ok_or_else(|| Fault::bad_input("Can not find requested image"))?;
        let groups = self.check_security_groups(tx, cx, &new.security_groups)?;
        let networks = self.check_networks(tx, cx, new)?;
        let key_data = check_key(tx, cx, new)?;
        metadata::check_quota(tx, cx.who.project(), &new.metadata)?;
        check_files(tx, cx.who.project(), &new.files)?;
        check_image(cx, &image.facts, &flavor)?;
        let group = check_group(tx, cx, &new.hints)?;
        let count = check_quota(tx, cx, &flavor, new.min_count, new.max_count)?;
        check_members(tx, cx, group.as_ref(), count)?;
        if let Some(host) = &new.asked_host {
            let known = rows::host::host_by_name(tx, host)?;
            known.ok_or_else(|| Fault::bad_input(format!("Compute host {host} could not be found.")))?;
        }
        let detail = detail(cx, new, flavor, image, key_data, groups, networks);
        let reservation_id = format!("r-{}", letters(tx, 8, "abcdefghijklmnopqrstuvwxyz0123456789"));
        let mut first = None;
        for index in 0..count {
            let server = self.server_of(tx, cx, new, &detail, &reservation_id, index, count)?;
            rows::server::server_insert(tx, &server)?;
            for tag in &new.tags {
                rows::server::tag_add(tx, &server.id, tag)?;
            }
            if let Some(group) = &group {
                rows::group::group_join(tx, &group.id, &server.id)?;
            }
            self.wake(tx, &server.id)?;
            first.get_or_insert(server);
        }
        let server = first.ok_or_else(|| Fault::bug("a request for no server"))?;
        Ok(Created { server, reservation_id })
    }

    #[expect(clippy::too_many_arguments, reason = "one row of many that one request makes")]
    fn server_of(
        &self,
        tx: &Tx,
        cx: &Cx,
        new: &NewServer,
        detail: &Detail,
        reservation_id: &str,
        index: u32,
        count: u32,
    ) -> Result<Server, Fault> {
        let id = tx.entropy().dashed_id();
        let (name, hostname) = names(new, &id, index, count);
        let mut detail = detail.clone();
        let event = "compute__do_build_and_run_instance";
        detail.action = Some(action::action_begin(tx, &id, "create", event, None, doer(cx))?);
        Ok(Server {
            number: rows::counter::next(tx, "server")?,
            project_id: cx.who.project().to_owned(),
            user_id: cx.who.user_id.clone(),
            name,
            description: new.description.clone(),
            hostname,
            reservation_id: reservation_id.to_owned(),
            launch_index: index,
            image_id: new.image_id.clone(),
            key_name: new.key_name.clone(),
            config_drive: new.config_drive
                || detail.image_properties.get("img_config_drive").is_some_and(|asked| asked == "mandatory"),
            access_v4: new.access_v4.clone(),
            access_v6: new.access_v6.clone(),
            auto_disk: new.auto_disk.unwrap_or(false),
            pinned_zone: new.zone.clone(),
            zone: new.zone.clone().unwrap_or_default(),
            host_id: None,
            host: None,
            locked_by: None,
            locked_reason: None,
            progress: 0,
            phase: Phase::Scheduling,
            power: Power::On,
            task: None,
            task_revision: 1,
            reboots: 0,
            reboot_hard: false,
            failed: false,
            deleting: false,
            generation: 1,
            incarnation: 1,
            revision: 0,
            digest: String::new(),
            sent_revision: 0,
            deadline: Some(self.deadline(tx, self.settings.build_time)),
            seen_epoch: 0,
            seen_sequence: 0,
            seen_incarnation: 0,
            seen_revision: 0,
            seen: None,
            seen_problem: None,
            fault: None,
            created_at: tx.now(),
            updated_at: tx.now(),
            launched_at: None,
            terminated_at: None,
            deleted_at: None,
            detail,
            id,
        })
    }

    fn check_zone(&self, tx: &Tx, new: &NewServer) -> Result<(), Fault> {
        let Some(zone) = new.zone.as_ref().filter(|_| new.forced_host.is_none()) else { return Ok(()) };
        let (available, _) = self.zones(tx)?;
        if available.contains(zone) {
            return Ok(());
        }
        Err(Fault::bad_input("The requested availability zone is not available"))
    }

    fn check_security_groups(&self, tx: &Tx, cx: &Cx, names: &[String]) -> Result<Vec<String>, Fault> {
        let mut ids = Vec::new();
        for name in names.iter().filter(|name| *name != "default" || names.len() > 1) {
            let found =
                self.networks.security_group(tx, &cx.who, name).map_err(|fault| match fault.kind {
                    fault::Kind::Conflict => Fault::conflict("No Unique Match Found.").because(fault),
                    _ => fault,
                })?;
            let absent =
                || Fault::bad_input(format!("Unable to find security_group with name or id '{name}'"));
            ids.push(found.ok_or_else(absent)?);
        }
        Ok(ids)
    }

    fn check_networks(&self, tx: &Tx, cx: &Cx, new: &NewServer) -> Result<Asked, Fault> {
        let asked = new.networks.clone().unwrap_or_default();
        match asked {
            Asked::None => Ok(Asked::None),
            Asked::These(ports) if !ports.is_empty() => {
                cx.may(&rules::SERVERS_CREATE_ATTACH_NETWORK, &Target::own(&cx.who))?;
                for port in &ports {
                    self.check_asked_port(tx, cx, port)?;
                }
                Ok(Asked::These(ports))
            }
            Asked::Auto | Asked::These(_) => {
                let available = self.networks.networks_for(tx, &cx.who)?;
                match available.as_slice() {
                    [] if new.networks_auto => Err(Fault::bad_input(format!(
                        "Unable to automatically allocate a network for project {}",
                        cx.who.project()
                    ))),
                    [] => Ok(Asked::None),
                    [one] => {
                        let port = AskedPort { network_id: Some(one.id.clone()), ..AskedPort::default() };
                        self.check_asked_port(tx, cx, &port)?;
                        Ok(Asked::These(vec![port]))
                    }
                    _ => Err(Fault::conflict(
                        "Multiple possible networks found, use a Network ID to be more specific.",
                    )),
                }
            }
        }
    }

    fn check_asked_port(&self, tx: &Tx, cx: &Cx, asked: &AskedPort) -> Result<(), Fault> {
        if let Some(id) = &asked.port_id {
            let found = self.networks.port(tx, &cx.who, id)?;
            let port = found.ok_or_else(|| Fault::bad_input(format!("Port id {id} could not be found.")))?;
            if !port.device_id.is_empty() {
                return Err(Fault::conflict(format!("Port {id} is still in use.")));
            }
            if port.fixed_ips.is_empty() {
                return Err(Fault::bad_input(format!("Port {id} requires a FixedIP in order to be used.")));
            }
            return Ok(());
        }
        let id = asked.network_id.as_deref().unwrap_or_default();
        let found = self.networks.network(tx, &cx.who, id)?;
        let network = found.ok_or_else(|| Fault::bad_input(format!("Network {id} could not be found.")))?;
        if !network.has_subnet {
            return Err(Fault::bad_input(format!(
                "Network {id} requires a subnet in order to boot instances on."
            )));
        }
        if network.external
            && !network.shared
            && !cx.allows(&rules::NETWORK_ATTACH_EXTERNAL_NETWORK, &Target::own(&cx.who))
        {
            return Err(Fault::forbidden(format!(
                "It is not allowed to create an interface on external network {id}"
            )));
        }
        Ok(())
    }
}

/// The image, if the caller may boot it, with its kernel and ramdisk.
pub(crate) fn boot_image(compute: &Compute, tx: &Tx, cx: &Cx, id: &str) -> Result<Option<BootImage>, Fault> {
    let source = |facts: &ImageFacts| ImageSource {
        id: facts.id.clone(),
        format: facts.disk_format.clone(),
        bytes: facts.bytes,
        sha512: facts.sha512.clone(),
    };
    let Some(facts) = compute.images.image(tx, &cx.who, id)? else { return Ok(None) };
    let part = |key: &str| -> Result<Option<ImageSource>, Fault> {
        let Some(id) = facts.properties.get(key).filter(|id| !id.is_empty() && *id != "nokernel") else {
            return Ok(None);
        };
        let found = compute.images.image(tx, &cx.who, id)?;
        found
            .map(|facts| Some(source(&facts)))
            .ok_or_else(|| Fault::bad_input("Can not find requested image"))
    };
    let kernel = part("kernel_id")?;
    let ramdisk = if kernel.is_some() { part("ramdisk_id")? } else { None };
    Ok(Some(BootImage { image: source(&facts), kernel, ramdisk, facts }))
}

/// An image that is not ready, or for which the flavor is too small, is refused.
fn check_image(cx: &Cx, image: &ImageFacts, flavor: &FlavorFacts) -> Result<(), Fault> {
    if image.status != "active" {
        return Err(Fault::bad_input(format!("Image {} is not active.", image.id)));
    }
    check_size(cx, image, flavor)
}

/// A flavor that is too small for the image is refused.
pub(crate) fn check_size(cx: &Cx, image: &ImageFacts, flavor: &FlavorFacts) -> Result<(), Fault> {
    const GIB: u64 = 1 << 30;
    if flavor.memory_mib < image.min_ram_mib {
        return Err(Fault::bad_input("Flavor's memory is too small for requested image."));
    }
    if flavor.root_gib == 0 {
        if cx.allows(&rules::SERVERS_CREATE_ZERO_DISK_FLAVOR, &Target::own(&cx.who)) {
            return Ok(());
        }
        return Err(Fault::forbidden("Only volume-backed servers are allowed for flavors with zero disk."));
    }
    let (disk, bytes) = (flavor.root_gib * GIB, image.bytes.max(image.virtual_bytes));
    if bytes > disk {
        return Err(Fault::bad_input(format!(
            "Flavor's disk is too small for requested image. Flavor disk is {disk} bytes, image is {bytes} bytes."
        )));
    }
    let least = image.min_disk_gib * GIB;
    if least > disk {
        return Err(Fault::bad_input(format!(
            "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is {disk} bytes, \
             minimum size is {least} bytes."
        )));
    }
    Ok(())
}

fn check_many(new: &NewServer) -> Result<(), Fault> {
    if new.hostname.is_some() {
        return Err(Fault::bad_input("Unable to allocate a single hostname to multiple instances"));
    }
    let Some(Asked::These(ports)) = &new.networks else { return Ok(()) };
    if ports.iter().any(|port| port.network_id.is_some() && port.fixed_ip.is_some()) {
        let why = "max_count cannot be greater than 1 if an fixed_ip is specified.";
        return Err(Fault::bad_input(format!("Failed to launch instances: {why}")));
    }
    if ports.iter().any(|port| port.port_id.is_some()) {
        let why = "Unable to launch multiple instances with a single configured port ID. Please launch your instance one \
                   by one with different ports.";
        return Err(Fault::bad_input(format!("Failed to launch instances: {why}")));
    }
    Ok(())
}

fn check_key(tx: &Tx, cx: &Cx, new: &NewServer) -> Result<Option<String>, Fault> {
    let Some(name) = &new.key_name else { return Ok(None) };
    let pair = rows::keypair::keypair_by_name(tx, &cx.who.user_id, name)?;
    pair.map(|pair| Some(pair.public_key)).ok_or_else(|| Fault::bad_input("Invalid key_name provided."))
}

/// Files beyond what the project may inject are refused.
pub(crate) fn check_files(tx: &Tx, project_id: &str, files: &[(String, String)]) -> Result<(), Fault> {
    if files.is_empty() {
        return Ok(());
    }
    let limits = rows::quota::limits(tx, project_id, "")?;
    let limit = |name: &str| limits.get(name).copied().filter(|limit| *limit >= 0);
    let over = |limit: Option<i64>, size: usize| {
        limit.filter(|limit| i64::try_from(size).unwrap_or(i64::MAX) > *limit)
    };
    if over(limit("injected_files"), files.len()).is_some() {
        return Err(Fault::over_quota("Personality file limit exceeded"));
    }
    let longest = |of: fn(&(String, String)) -> usize| files.iter().map(of).max().unwrap_or(0);
    if let Some(limit) = over(limit("injected_file_path_bytes"), longest(|(path, _)| path.len())) {
        return Err(Fault::over_quota(format!("Personality file path exceeds maximum {limit}")));
    }
    if let Some(limit) = over(limit("injected_file_content_bytes"), longest(|(_, content)| content.len())) {
        return Err(Fault::over_quota(format!("Personality file content exceeds maximum {limit}")));
    }
    Ok(())
}

/// The group that the hints name.
fn check_group(tx: &Tx, cx: &Cx, hints: &Value) -> Result<Option<Group>, Fault> {
    let hint =
        hints.get("group").and_then(|hint| hint.as_str().or_else(|| hint.as_array()?.first()?.as_str()));
    let Some(id) = hint else { return Ok(None) };
    let group = rows::group::group_by_id(tx, id)?.filter(|group| cx.sees(&group.project_id));
    group.map(Some).ok_or_else(|| Fault::bad_input(format!("Instance group {id} could not be found.")))
}

fn check_members(tx: &Tx, cx: &Cx, group: Option<&Group>, count: u32) -> Result<(), Fault> {
    let Some(group) = group else { return Ok(()) };
    let limit = rows::quota::limit(tx, cx.who.project(), "server_group_members")?;
    let then = i64::try_from(group.members.len()).unwrap_or(i64::MAX).saturating_add(i64::from(count));
    if limit >= 0 && then > limit {
        return Err(Fault::over_quota("Quota exceeded, too many servers in group"));
    }
    Ok(())
}

/// How many servers the quotas let the caller make, between the least and the most that was asked for.
fn check_quota(tx: &Tx, cx: &Cx, flavor: &FlavorFacts, least: u32, most: u32) -> Result<u32, Fault> {
    let project = cx.who.project();
    let limits = rows::quota::limits(tx, project, &cx.who.user_id)?;
    if ["instances", "cores", "ram"].iter().all(|name| limits.get(name).is_none_or(|limit| *limit < 0)) {
        return Ok(most);
    }
    let (instances, cores, ram) = rows::server::servers_usage(tx, project, None)?;
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let each = [
        ("instances", instances, 1),
        ("cores", cores, signed(flavor.vcpus)),
        ("ram", ram, signed(flavor.memory_mib)),
    ];
    let room = |name: &str, used: i64| match limits.get(name).copied().unwrap_or(-1) {
        limit if limit < 0 => i64::MAX,
        limit => (limit - used).max(0),
    };
    let fit =
        each.iter().filter(|(_, _, one)| *one > 0).map(|(name, used, one)| room(name, *used) / one).min();
    let fit = u32::try_from(fit.unwrap_or(i64::MAX)).unwrap_or(u32::MAX).min(most);
    if fit >= least {
        return Ok(fit);
    }
    let over: Vec<_> = each
        .iter()
        .filter(|(name, used, one)| one.saturating_mul(i64::from(most)) > room(name, *used))
        .collect();
    // Nova tells them in the order of their names.
    let mut over: Vec<_> = over.into_iter().copied().collect();
    over.sort_by_key(|(name, _, _)| *name);
    let listed =
        |text: &dyn Fn(&(&str, i64, i64)) -> String| over.iter().map(text).collect::<Vec<_>>().join(", ");
    let counted = if least == most { least.to_string() } else { format!("{least}-{most}") };
    let wanted = |(name, _, one): &(&str, i64, i64)| match *name {
        "instances" => counted.clone(),
        _ => one.saturating_mul(i64::from(most)).to_string(),
    };
    let names = listed(&|(name, _, _)| (*name).to_owned());
    Err(Fault::over_quota(format!(
        "Quota exceeded for {names}: Requested {}, but already used {} of {} {names}",
        listed(&wanted),
        listed(&|(_, used, _)| used.to_string()),
        listed(&|(name, _, _)| limits.get(name).copied().unwrap_or(-1).to_string()),
    )))
}

fn detail(
    cx: &Cx,
    new: &NewServer,
    flavor: FlavorFacts,
    image: BootImage,
    key_data: Option<String>,
    security_groups: Vec<String>,
    networks: Asked,
) -> Detail {
    Detail {
        flavor,
        image: Some(image.image),
        image_properties: image.facts.properties,
        kernel: image.kernel,
        ramdisk: image.ramdisk,
        metadata: new.metadata.clone(),
        key_data,
        user_data: new.user_data.clone(),
        admin_password: Some(new.admin_password.clone()),
        hints: new.hints.clone(),
        networks,
        security_groups,
        files: new.files.clone(),
        forced_host: new.forced_host.clone(),
        asked_host: new.asked_host.clone(),
        owner_roles: cx.who.roles.clone(),
        project_name: cx.who.project_name.clone().unwrap_or_default(),
        ..Detail::default()
    }
}

/// Name and host name of one of several servers.
fn names(new: &NewServer, id: &str, index: u32, count: u32) -> (String, String) {
    let suffix = if count > 1 { format!("-{}", index + 1) } else { String::new() };
    let hostname = match (&new.hostname, sanitized(&new.name)) {
        (Some(hostname), _) => hostname.clone(),
        (None, clean) if clean.is_empty() => format!("Server-{id}"),
        (None, clean) => format!("{clean}{suffix}"),
    };
    (format!("{}{suffix}", new.name), hostname)
}

/// A name as a host can have it.
pub fn sanitized(name: &str) -> String {
    let latin: String = name.chars().filter(|c| u32::from(*c) < 256).take(63).collect();
    let dashed = latin.replace([' ', '_', '.'], "-");
    let kept: String = dashed.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect();
    kept.to_lowercase().trim_matches(['.', '-']).to_owned()
}

/// Random letters of an alphabet.
pub fn letters(tx: &Tx, count: usize, alphabet: &str) -> String {
    let all: Vec<char> = alphabet.chars().collect();
    let draw = |_| usize::try_from(tx.entropy().below(all.len() as u64)).unwrap_or(0);
    (0..count).map(draw).map(|at| all.get(at).copied().unwrap_or('x')).collect()
}

/// Whether a policy allows a further member on a host that has so many; checked again when a host is claimed.
pub(crate) fn group_allows(group: &Group, on_host: u64, elsewhere: u64) -> bool {
    match group.policy {
        Policy::AntiAffinity => on_host < group.most_per_host(),
        Policy::Affinity => elsewhere == 0,
        Policy::SoftAffinity | Policy::SoftAntiAffinity => true,
    }
}

#[cfg(test)]
mod tests {
    use super::sanitized;

    #[test]
    fn names_become_names_of_hosts() {
        for (name, hostname) in
            [("My_Web Server.1", "my-web-server-1"), ("-a-", "a"), ("日本", ""), ("ä!b", "äb")]
        {
            assert_eq!(sanitized(name), hostname);
        }
    }
}
