//! What compute is told of networks and ports.

use crate::model::network::{Net, NetworkRow};
use crate::model::port::Port;
use crate::model::security_group::GroupRow;
use crate::model::subnet::Subnet;
use crate::store::{self as rows, Condition};
use contract::network::{NetworkData, NetworkFacts, PortFacts};
use fault::Fault;
use metal::server::ServerPort;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use store::Tx;

/// What compute is told of a network.
pub fn of_network(net: Net) -> NetworkFacts {
    NetworkFacts {
        id: net.row.id,
        name: net.row.name,
        project_id: net.row.project_id,
        shared: net.row.shared || net.shared_with_caller,
        external: net.row.external,
        has_subnet: !net.subnets.is_empty(),
        port_security: net.row.port_security,
    }
}

/// What compute is told of a port.
pub fn of_port(tx: &Tx, port: &Port) -> Result<PortFacts, Fault> {
    let facts = of_ports(tx, std::slice::from_ref(port))?.pop();
    facts.ok_or_else(|| Fault::bug("a port without its network"))
}

/// What compute is told of ports, in their order. At most as many as one condition takes.
pub fn of_ports(tx: &Tx, ports: &[Port]) -> Result<Vec<PortFacts>, Fault> {
    let around = Around::of(tx, ports)?;
    ports.iter().map(|port| around.facts(port)).collect()
}

/// What ports refer to, by id.
struct Around {
    networks: HashMap<String, NetworkRow>,
    subnets: HashMap<String, Vec<Subnet>>,
    group_names: HashMap<String, String>,
    floating_ips: HashMap<String, Vec<IpAddr>>,
}

impl Around {
    fn of(tx: &Tx, ports: &[Port]) -> Result<Self, Fault> {
        let networks = distinct(ports.iter().map(|port| &port.row.network_id));
        let groups = distinct(ports.iter().flat_map(|port| &port.groups));
        let ids: Vec<String> = ports.iter().map(|port| port.row.id.clone()).collect();
        let mut around = Self {
            networks: Condition::all()
                .among("id", &networks)
                .rows::<NetworkRow>(tx)?
                .into_iter()
                .map(|row| (row.id.clone(), row))
                .collect(),
            group_names: Condition::all()
                .among("id", &groups)
                .rows::<GroupRow>(tx)?
                .into_iter()
                .map(|row| (row.id, row.name))
                .collect(),
            floating_ips: rows::floating_ip::addresses(tx, &ids)?,
            subnets: HashMap::new(),
        };
        for network in networks {
            let subnets = rows::subnet::of_network(tx, &network)?;
            around.subnets.insert(network, subnets);
        }
        Ok(around)
    }

    fn facts(&self, port: &Port) -> Result<PortFacts, Fault> {
        let row = &port.row;
        let network =
            self.networks.get(&row.network_id).ok_or_else(|| Fault::bug("a port without its network"))?;
        let subnets = self.subnets.get(&row.network_id).map(Vec::as_slice).unwrap_or_default();
        let mtu = u32::try_from(network.mtu).unwrap_or(1500);
        let named = |id: &String| (id.clone(), self.group_names.get(id).cloned().unwrap_or_default());
        Ok(PortFacts {
            id: row.id.clone(),
            project_id: row.project_id.clone(),
            device_id: row.device_id.clone(),
            device_owner: row.device_owner.clone(),
            up: row.up,
            status: row.status().to_owned(),
            network_name: network.name.clone(),
            wiring: ServerPort {
                port_id: row.id.clone(),
                network_id: network.id.clone(),
                mac: row.mac.clone(),
                addresses: port.fixed_ips.iter().map(|fixed| fixed.address).collect(),
                mtu,
            },
            fixed_ips: port.fixed_ips.iter().map(|fixed| (fixed.subnet_id.clone(), fixed.address)).collect(),
            floating_ips: self.floating_ips.get(&row.id).cloned().unwrap_or_default(),
            security_groups: port.groups.iter().map(named).collect(),
            network_data: network_data(port, mtu, subnets),
            vnic_type: row.vnic_type.clone(),
            made_by_compute: row.made_by_compute,
        })
    }
}

fn distinct<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<String> {
    ids.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

/// A port's part of `network_data.json`: its link, its networks, its name servers.
fn network_data(port: &Port, mtu: u32, subnets: &[Subnet]) -> NetworkData {
    let link_id = format!("tap{}", port.row.id.chars().take(11).collect::<String>());
    let link = json!({
        "id": link_id,
        "vif_id": port.row.id,
        "type": "ovs",
        "mtu": mtu,
        "ethernet_mac_address": port.row.mac,
    });
    let (mut networks, mut services): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for fixed in &port.fixed_ips {
        let Some(subnet) = subnets.iter().find(|subnet| subnet.id == fixed.subnet_id) else { continue };
        let dns: Vec<Value> =
            subnet.nameservers.0.iter().map(|address| json!({"type": "dns", "address": address})).collect();
        let fresh: Vec<Value> = dns.iter().filter(|one| !services.contains(one)).cloned().collect();
        services.extend(fresh);
        networks.push(one_network(port, &link_id, networks.len(), subnet, fixed.address, &dns));
    }
    NetworkData { link, networks, services }
}

fn one_network(
    port: &Port,
    link: &str,
    number: usize,
    subnet: &Subnet,
    address: IpAddr,
    dns: &[Value],
) -> Value {
    let version = subnet.ip_version;
    let id = format!("network{number}");
    let mode = subnet.address_mode.as_deref();
    if subnet.enable_dhcp && !subnet.is_auto() {
        return json!({
            "id": id,
            "type": format!("ipv{version}_dhcp"),
            "link": link,
            "network_id": port.row.network_id,
        });
    }
    let netmask = subnet.net().map(|net| net.netmask().to_string()).unwrap_or_default();
    let any = if version == 4 { "0.0.0.0" } else { "::" };
    let mut routes: Vec<Value> = Vec::new();
    if let Some(gateway) = subnet.gateway() {
        routes.push(json!({"network": any, "netmask": any, "gateway": gateway}));
    }
    for route in &subnet.host_routes.0 {
        let (to, mask) = (route.destination.network(), route.destination.netmask());
        routes.push(json!({"network": to, "netmask": mask, "gateway": route.nexthop}));
    }
    json!({
        "id": id,
        "type": match mode { Some(mode) => format!("ipv{version}_{mode}"), None => format!("ipv{version}") },
        "link": link,
        "ip_address": address,
        "netmask": netmask,
        "routes": routes,
        "network_id": port.row.network_id,
        "services": dns,
    })
}
