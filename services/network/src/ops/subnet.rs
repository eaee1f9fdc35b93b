//! Subnets: ranges, gateways, pools, DHCP.

use super::addressing::Asked;
use super::may::{may_create, may_delete, may_update};
use super::{flagged, on_network, told};
use crate::Network;
use crate::model::attribute::Wish;
use crate::model::network::NetworkRow;
use crate::model::port::{PortRow, owner};
use crate::model::subnet::{NOUN, Pool, Subnet};
use crate::model::{address, faults};
use crate::record::{Json, Record, read_json};
use crate::store::{self as rows, quota, work};
use fault::Fault;
use ipnet::IpNet;
use metal::Kind;
use policy::{Target, Who};
use serde::de::DeserializeOwned;
use store::Tx;
use web::Cx;

impl Network {
    /// Makes a subnet.
    pub fn subnet_create(&self, tx: &Tx, cx: &Cx, wish: &Wish) -> Result<Subnet, Fault> {
        let network = rows::network::find_seen(tx, &cx.who, &wish.text_or_empty("network_id"))?.row;
        let target = on_network(tx, cx, Target::project(&wish.project()), &network)?;
        may_create(cx, &NOUN, wish, target)?;
        quota::charge(tx, &wish.project(), "subnet")?;
        self.subnet_insert(tx, &cx.who, &network, wish)
    }

    /// Makes a subnet, whoever asks.
    pub(crate) fn subnet_insert(
        &self,
        tx: &Tx,
        who: &Who,
        network: &NetworkRow,
        wish: &Wish,
    ) -> Result<Subnet, Fault> {
        let (net, pool_id) = self.range(tx, who, wish)?;
        let version = wish.number("ip_version").unwrap_or(4);
        let gateway = match wish.value("gateway_ip") {
            None => Some(address::default_gateway(net)),
            Some(given) => given.as_str().and_then(|text| text.parse().ok()),
        };
        let mut subnet = Subnet {
            id: tx.entropy().dashed_id(),
            network_id: network.id.clone(),
            pool_id,
            project_id: wish.project(),
            name: wish.text_or_empty("name"),
            description: wish.text_or_empty("description"),
            ip_version: version,
            cidr: net.to_string(),
            gateway_ip: gateway.map(|gateway| gateway.to_string()),
            enable_dhcp: wish.flag("enable_dhcp").unwrap_or(true),
            pools: Json(Vec::new()),
            nameservers: Json(list(wish, "dns_nameservers")?.unwrap_or_default()),
            host_routes: Json(list(wish, "host_routes")?.unwrap_or_default()),
            ra_mode: wish.text("ipv6_ra_mode"),
            address_mode: wish.text("ipv6_address_mode"),
            service_types: Json(wish.texts("service_types").unwrap_or_default()),
            external: network.external,
            tags: Json(Vec::new()),
            revision_number: 0,
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        subnet.check(net, None)?;
        if network.mtu < subnet.least_mtu() {
            return Err(faults::mtu_too_small(&network.id, subnet.least_mtu()));
        }
        check_overlap(tx, network, &subnet, net)?;
        subnet.pools = Json(match list::<Pool>(wish, "allocation_pools")? {
            None => address::default_pools(net, gateway),
            Some(pools) => {
                address::check_pools(net, gateway, &pools)?;
                pools
            }
        });
        subnet.insert(tx)?;
        self.subnet_settle(tx, network, &subnet)?;
        Ok(subnet)
    }

    /// The range that is asked for, without host bits, or one of a pool.
    fn range(&self, tx: &Tx, who: &Who, wish: &Wish) -> Result<(IpNet, Option<String>), Fault> {
        let cidr: Option<IpNet> =
            wish.text("cidr").and_then(|text| text.parse().ok()).map(|net: IpNet| net.trunc());
        if cidr.is_some() && wish.has("prefixlen") {
            return Err(faults::bad_request("subnets", "cidr and prefixlen must not be supplied together"));
        }
        let pool_id = match (wish.text("subnetpool_id"), wish.flag("use_default_subnetpool")) {
            (Some(_), Some(true)) => {
                let sentence = "subnetpool_id and use_default_subnetpool cannot both be specified";
                return Err(faults::bad_request("subnets", sentence));
            }
            (None, Some(true)) => {
                let version = wish.number("ip_version").unwrap_or(4);
                let sentence = format!("No default subnetpool found for IPv{version}");
                let pool = rows::subnet_pool::default_of(tx, version)?;
                Some(pool.ok_or_else(|| faults::bad_request("subnets", sentence))?.id)
            }
            (named, _) => named,
        };
        match (cidr, pool_id) {
            (cidr, Some(pool_id)) => {
                if cidr.is_none() && wish.list("allocation_pools").is_some() {
                    let sentence = "allocation_pools allowed only for specific subnet requests.";
                    return Err(faults::bad_request("subnets", sentence));
                }
                Ok((self.range_take(tx, who, &pool_id, cidr, wish)?, Some(pool_id)))
            }
            (Some(net), None) => Ok((net, None)),
            (None, None) => {
                let sentence = "a subnetpool must be specified in the absence of a cidr";
                Err(faults::bad_request("subnets", sentence))
            }
        }
    }

    /// What follows from a new or changed subnet: the address that answers DHCP, addresses that ports make
    /// themselves, the network in the switch.
    fn subnet_settle(&self, tx: &Tx, network: &NetworkRow, subnet: &Subnet) -> Result<(), Fault> {
        self.distributed_settle(tx, network, subnet)?;
        if subnet.is_auto() {
            for port in rows::port::all(tx, self.domain(), rows::Condition::is("network_id", &network.id))? {
                let has_it = port.fixed_ips.iter().any(|fixed| fixed.subnet_id == subnet.id);
                if port.row.is_switched() && !has_it {
                    let asked = Asked { subnet_id: Some(subnet.id.clone()), address: None };
                    self.addresses_take(tx, &port.row, Some(&[asked]), port.fixed_ips.len())?;
                    work::renumbered(tx, "ports", &port.row.id)?;
                    work::changed(tx, Kind::Port, &port.row.id)?;
                }
            }
        }
        work::renumbered(tx, "networks", &network.id)?;
        work::changed(tx, Kind::Network, &network.id)
    }

    /// The port at which the network answers DHCP and metadata has an address in the subnet exactly when the subnet
    /// has DHCP. Without a free address it has none, and the subnet no DHCP.
    fn distributed_settle(&self, tx: &Tx, network: &NetworkRow, subnet: &Subnet) -> Result<(), Fault> {
        let port = rows::port::distributed(tx, self.domain(), &network.id)?;
        let held =
            port.as_ref().and_then(|port| port.fixed_ips.iter().find(|fixed| fixed.subnet_id == subnet.id));
        match (subnet.enable_dhcp && !subnet.is_auto(), held) {
            (true, None) if rows::port::address_free(tx, subnet)?.is_some() => {
                let (row, place) = match &port {
                    Some(port) => (port.row.clone(), port.fixed_ips.len()),
                    None => (self.distributed_insert(tx, network)?, 0),
                };
                let asked = Asked { subnet_id: Some(subnet.id.clone()), address: None };
                self.addresses_take(tx, &row, Some(&[asked]), place)?;
                work::renumbered(tx, "ports", &row.id)
            }
            (false, Some(held)) => {
                let id = port.as_ref().map(|port| port.row.id.clone()).unwrap_or_default();
                rows::port::address_give_back(tx, &id, held.address)?;
                work::renumbered(tx, "ports", &id)
            }
            _ => Ok(()),
        }
    }

    fn distributed_insert(&self, tx: &Tx, network: &NetworkRow) -> Result<PortRow, Fault> {
        let row = PortRow {
            device_owner: owner::DISTRIBUTED.into(),
            device_id: format!("ovnmeta-{}", network.id),
            ..self.port_blank(tx, network, &network.project_id)?
        };
        row.insert(tx)?;
        Ok(row)
    }

    /// Changes a subnet.
    pub fn subnet_update(&self, tx: &Tx, cx: &Cx, id: &str, wish: &Wish) -> Result<Subnet, Fault> {
        let old = rows::subnet::find_seen(tx, &cx.who, id)?;
        let network = rows::network::find(tx, &old.network_id)?;
        may_update(cx, &NOUN, wish, self.subnet_target(tx, cx, &old, &network)?)?;
        let mut subnet = old.clone();
        subnet.name = wish.text("name").unwrap_or(subnet.name);
        subnet.description = wish.text("description").unwrap_or(subnet.description);
        subnet.enable_dhcp = wish.flag("enable_dhcp").unwrap_or(subnet.enable_dhcp);
        subnet.nameservers.0 = list(wish, "dns_nameservers")?.unwrap_or(subnet.nameservers.0);
        subnet.host_routes.0 = list(wish, "host_routes")?.unwrap_or(subnet.host_routes.0);
        subnet.service_types.0 = wish.texts("service_types").unwrap_or(subnet.service_types.0);
        if wish.has("gateway_ip") {
            subnet.gateway_ip = wish.text("gateway_ip");
        }
        let net = old.net().ok_or_else(|| Fault::bug("a subnet without a range"))?;
        subnet.check(net, Some(&old))?;
        if subnet.gateway_ip != old.gateway_ip {
            gateway_unused(tx, &old)?;
        }
        if let Some(pools) = list::<Pool>(wish, "allocation_pools")? {
            address::check_pools(net, None, &pools)?;
            subnet.pools = Json(pools);
        }
        if subnet.gateway_ip != old.gateway_ip || wish.has("allocation_pools") {
            address::check_gateway_outside(subnet.gateway(), &subnet.pools.0)?;
        }
        subnet.revision_number += 1;
        subnet.updated_at = tx.now();
        subnet.save(tx)?;
        self.subnet_settle(tx, &network, &subnet)?;
        if subnet.gateway_ip != old.gateway_ip {
            for router in rows::router::on_network(tx, &network.id)? {
                work::changed(tx, Kind::Router, &router)?;
            }
        }
        Ok(subnet)
    }

    pub(crate) fn subnet_target(
        &self,
        tx: &Tx,
        cx: &Cx,
        subnet: &Subnet,
        network: &NetworkRow,
    ) -> Result<Target, Fault> {
        let target = on_network(tx, cx, Target::project(&subnet.project_id), network)?;
        Ok(told(flagged(target, "router:external", subnet.external), subnet))
    }

    /// Removes a subnet, unless ports have addresses of it.
    pub fn subnet_delete(&self, tx: &Tx, cx: &Cx, id: &str) -> Result<(), Fault> {
        let subnet = rows::subnet::find_seen(tx, &cx.who, id)?;
        let network = rows::network::find(tx, &subnet.network_id)?;
        may_delete(cx, &NOUN, &self.subnet_target(tx, cx, &subnet, &network)?)?;
        let ports = rows::port::on_subnet(tx, id)?;
        let keeps = |port: &&PortRow| match port.device_owner.as_str() {
            owner::DISTRIBUTED => false,
            _ => port.is_router_port() || !subnet.is_auto(),
        };
        if ports.iter().any(|port| keeps(&port)) {
            let sentence = format!(
                "Unable to complete operation on subnet {id}: One or more ports have an IP allocation from this subnet."
            );
            return Err(faults::conflict("SubnetInUse", sentence));
        }
        tx.execute("DELETE FROM port_addresses WHERE subnet_id = ?1", store::params![id])?;
        for port in ports.iter().filter(|port| port.is_switched()) {
            work::renumbered(tx, "ports", &port.id)?;
            work::changed(tx, Kind::Port, &port.id)?;
        }
        rows::subnet::remove(tx, id)?;
        self.distributed_tidy(tx, &network)?;
        work::renumbered(tx, "networks", &network.id)?;
        work::changed(tx, Kind::Network, &network.id)
    }

    /// A network without subnets needs nobody to answer.
    fn distributed_tidy(&self, tx: &Tx, network: &NetworkRow) -> Result<(), Fault> {
        match rows::port::distributed(tx, self.domain(), &network.id)? {
            Some(port) if port.fixed_ips.is_empty() => PortRow::remove(tx, &port.row.id),
            _ => Ok(()),
        }
    }
}

fn list<T: DeserializeOwned>(wish: &Wish, name: &str) -> Result<Option<Vec<T>>, Fault> {
    wish.value(name).filter(|value| value.is_array()).map(|value| read_json(value.clone())).transpose()
}

fn check_overlap(tx: &Tx, network: &NetworkRow, subnet: &Subnet, net: IpNet) -> Result<(), Fault> {
    if net.prefix_len() == 0 {
        return Err(faults::invalid("0 is not allowed as CIDR prefix length"));
    }
    let others = rows::subnet::of_network(tx, &network.id)?;
    let same_pool = |other: &Subnet| other.ip_version != subnet.ip_version || other.pool_id == subnet.pool_id;
    if !others.iter().all(same_pool) {
        let sentence = "Subnets hosted on the same network must be allocated from the same subnet pool.";
        return Err(faults::refused("NetworkSubnetPoolAffinityError", sentence));
    }
    if others.iter().filter_map(Subnet::net).any(|other| address::overlap(net, other)) {
        return Err(faults::invalid(format!(
            "Requested subnet with cidr: {net} for network: {} overlaps with another subnet",
            network.id
        )));
    }
    Ok(())
}

/// Refuses to move a gateway that a router has.
fn gateway_unused(tx: &Tx, subnet: &Subnet) -> Result<(), Fault> {
    let Some(gateway) = subnet.gateway() else { return Ok(()) };
    let Some(holder) = rows::port::address_holder(tx, &subnet.network_id, gateway)? else { return Ok(()) };
    let port = PortRow::find(tx, &holder)?;
    if port.is_none_or(|port| port.device_owner != owner::ROUTER_INTERFACE) {
        return Ok(());
    }
    let sentence = format!("Current gateway ip {gateway} already in use by port {holder}. Unable to update.");
    Err(faults::conflict("GatewayIpInUse", sentence))
}
