//! What a host must hold of a server, put together from the server and its ports.

use crate::model::server::Server;
use contract::network::PortFacts;
use metal::server::{Metadata, Reboot, ServerSpec, disk_prefix};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long a guest may take to shut down when asked kindly, unless its image says something else (`os_shutdown_timeout`).
const STOP_SECONDS: u32 = 60;

/// What the host must hold; `None` as long as the server has no image. Guests are told that they are in `domain`.
pub fn of(server: &Server, ports: &[PortFacts], domain: &str) -> Option<ServerSpec> {
    let detail = &server.detail;
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Some(ServerSpec {
        name: server.name.clone(),
        vcpus: small(detail.flavor.vcpus),
        memory_mib: detail.flavor.memory_mib,
        disk_gib: detail.flavor.root_gib,
        ephemeral_gib: detail.flavor.ephemeral_gib,
        swap_mib: detail.flavor.swap_mib,
        image: detail.image.clone()?,
        kernel: detail.kernel.clone(),
        ramdisk: detail.ramdisk.clone(),
        kernel_arguments: kernel_arguments(&detail.image_properties),
        ports: in_order(server, ports).into_iter().map(|port| port.wiring.clone()).collect(),
        power: server.power,
        reboot: Reboot { count: server.reboots, hard: server.reboot_hard },
        starts: detail.starts,
        stop_seconds: stop_seconds(&detail.image_properties),
        config_drive: server.config_drive,
        metadata: metadata(server, ports, domain),
        hardware: hardware(server),
    })
}

/// The command line of a kernel that is booted without a boot loader: the image's own, or as in Nova where the root disk
/// and the consoles are. Linux calls disks on IDE `sd` too.
fn kernel_arguments(properties: &BTreeMap<String, String>) -> String {
    if let Some(own) = properties.get("os_command_line") {
        return own.clone();
    }
    let prefix = disk_prefix(properties).replace("hd", "sd");
    format!("root=/dev/{prefix}a console=tty0 console=ttyS0")
}

fn stop_seconds(properties: &BTreeMap<String, String>) -> u32 {
    properties.get("os_shutdown_timeout").and_then(|text| text.parse().ok()).unwrap_or(STOP_SECONDS)
}

/// The ports in the order in which the server was given them; others after these, as they come.
pub fn ordered<P>(server: &Server, mut ports: Vec<P>, id: impl Fn(&P) -> &str) -> Vec<P> {
    let given = |port: &P| server.detail.ports.iter().position(|given| given == id(port));
    ports.sort_by_key(|port| given(port).unwrap_or(usize::MAX));
    ports
}

fn in_order<'a>(server: &Server, ports: &'a [PortFacts]) -> Vec<&'a PortFacts> {
    ordered(server, ports.iter().collect(), |port| &port.id)
}

fn hardware(server: &Server) -> BTreeMap<String, String> {
    let chosen =
        |key: &&String| key.starts_with("hw_") || key.starts_with("os_") || key.as_str() == "architecture";
    let image = server.detail.image_properties.iter().filter(|(key, _)| chosen(key));
    image.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn metadata(server: &Server, ports: &[PortFacts], domain: &str) -> Metadata {
    let detail = &server.detail;
    // A host name that has a domain already keeps it.
    let bare = domain.is_empty() || server.hostname.contains('.');
    let hostname = if bare { server.hostname.clone() } else { format!("{}.{domain}", server.hostname) };
    let mut groups: Vec<String> = Vec::new();
    for (_, name) in ports.iter().flat_map(|port| &port.security_groups) {
        if !groups.contains(name) {
            groups.push(name.clone());
        }
    }
    Metadata {
        hostname,
        project_id: server.project_id.clone(),
        availability_zone: server.zone.clone(),
        instance_type: detail.flavor.name.clone(),
        reservation_id: server.reservation_id.clone(),
        launch_index: server.launch_index,
        admin_password: detail.admin_password.clone(),
        meta: detail.metadata.clone(),
        key: server.key_name.clone().zip(detail.key_data.clone()),
        user_data: detail.user_data.clone(),
        security_groups: groups,
        public_addresses: ports.iter().flat_map(|port| port.floating_ips.iter().copied()).collect(),
        network_data: network_data(server, ports).into(),
        files: detail.files.clone(),
    }
}

fn network_data(server: &Server, ports: &[PortFacts]) -> Value {
    let (mut links, mut networks, mut services) = (Vec::new(), Vec::<Value>::new(), Vec::new());
    for port in in_order(server, ports) {
        let own = &port.network_data;
        links.push(own.link.clone());
        for network in &own.networks {
            // Each port counts its networks from 0; in the document they are counted through.
            let mut network = network.clone();
            network["id"] = json!(format!("network{}", networks.len()));
            networks.push(network);
        }
        services.extend(
            own.services.iter().filter(|service| !services.contains(*service)).cloned().collect::<Vec<_>>(),
        );
    }
    json!({"links": links, "networks": networks, "services": services})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_told_where_the_root_disk_is() {
        let arguments = |properties: &[(&str, &str)]| {
            let owned = properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            kernel_arguments(&owned.collect())
        };
        assert_eq!(arguments(&[]), "root=/dev/vda console=tty0 console=ttyS0");
        assert_eq!(arguments(&[("hw_disk_bus", "scsi")]), "root=/dev/sda console=tty0 console=ttyS0");
        assert_eq!(arguments(&[("hw_disk_bus", "ide")]), "root=/dev/sda console=tty0 console=ttyS0");
        assert_eq!(arguments(&[("os_command_line", "quiet"), ("hw_disk_bus", "scsi")]), "quiet");
    }

    #[test]
    fn an_image_says_how_long_its_guests_may_take_to_shut_down() {
        let said = |text: &str| stop_seconds(&BTreeMap::from([("os_shutdown_timeout".into(), text.into())]));
        assert_eq!(
            (said("10"), said("soon"), stop_seconds(&BTreeMap::new())),
            (10, STOP_SECONDS, STOP_SECONDS)
        );
    }
}
