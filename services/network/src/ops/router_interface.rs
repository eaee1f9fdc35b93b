//! A router's ports on tenants' networks.

use super::addressing::Asked;
use super::may::may_do;
use super::router::{router_overlap, router_target};
use crate::model::check::is_id;
use crate::model::port::{Port, PortRow, owner};
use crate::model::router::{NOUN, RouterRow};
use crate::model::subnet::Subnet;
use crate::model::{address, faults, python};
use crate::record::Record;
use crate::store::{self as rows, quota, work};
use crate::{Network, rules};
use fault::Fault;
use metal::Kind;
use serde_json::{Map, Value};
use store::Tx;
use web::Cx;

/// What a body names: a port, a subnet.
type Named = (Option<String>, Option<String>);

impl Network {
    /// Connects a router, by a port or by a subnet whose gateway it becomes. Answers the port and its subnets.
    pub fn router_interface_add(
        &self,
        tx: &Tx,
        cx: &Cx,
        id: &str,
        body: &Value,
    ) -> Result<(Port, Vec<Subnet>), Fault> {
        let router = rows::router::find_seen(tx, &cx.who, id)?;
        may_do(cx, &rules::ADD_ROUTER_INTERFACE, &NOUN, &router_target(tx, &router)?)?;
        let (port, subnet) = named(body)?;
        let (port, subnets) = match (port, subnet) {
            (Some(_), Some(_)) => {
                return Err(faults::bad_request("router", "Cannot specify both subnet-id and port-id"));
            }
            (Some(port), None) => self.interface_by_port(tx, cx, &router, &port)?,
            (None, Some(subnet)) => {
                let subnet = rows::subnet::find_seen(tx, &cx.who, &subnet)?;
                subnet_open(tx, cx, &subnet)?;
                quota::charge(tx, &router.project_id, "port")?;
                (self.interface_by_subnet(tx, &router, &subnet)?, vec![subnet])
            }
            (None, None) => return Err(neither()),
        };
        self.router_moved(tx, id)?;
        Ok((port, subnets))
    }

    fn interface_by_port(
        &self,
        tx: &Tx,
        cx: &Cx,
        router: &RouterRow,
        id: &str,
    ) -> Result<(Port, Vec<Subnet>), Fault> {
        let port = rows::port::find_seen(tx, &cx.who, self.domain(), id)?;
        if !port.row.device_id.is_empty() {
            let sentence = format!(
                "Unable to complete operation on port {id} for network {}. Port already has an attached device {}.",
                port.row.network_id, port.row.device_id
            );
            return Err(faults::conflict("PortInUse", sentence));
        }
        if port.fixed_ips.is_empty() {
            return Err(faults::bad_request("router", "Router port must have at least one fixed IP"));
        }
        let subnets = port.fixed_ips.iter().map(|fixed| rows::subnet::find(tx, &fixed.subnet_id));
        let subnets = subnets.collect::<Result<Vec<_>, _>>()?;
        router_overlap(tx, &router.id, &subnets)?;
        if subnets.iter().filter(|subnet| subnet.ip_version == 4).count() > 1 {
            return Err(faults::bad_request("router", "Cannot have multiple IPv4 subnets on router port"));
        }
        in_pool_or_own(cx, &port, &subnets)?;
        let mut row = port.row.clone();
        row.device_id = router.id.clone();
        row.device_owner = owner::ROUTER_INTERFACE.into();
        row.attached_at = tx.now();
        row.revision_number += 1;
        row.updated_at = tx.now();
        row.save(tx)?;
        self.port_settle(tx, &port.row, &row)?;
        Ok((rows::port::find(tx, self.domain(), id)?, subnets))
    }

    /// The router is the gateway of a subnet.
    pub(crate) fn interface_by_subnet(
        &self,
        tx: &Tx,
        router: &RouterRow,
        subnet: &Subnet,
    ) -> Result<Port, Fault> {
        let Some(gateway) = subnet.gateway() else {
            return Err(faults::bad_request("router", "Subnet for router interface must have a gateway IP"));
        };
        router_overlap(tx, &router.id, std::slice::from_ref(subnet))?;
        let network = rows::network::find(tx, &subnet.network_id)?;
        let mut row = self.port_blank(tx, &network, &router.project_id)?;
        row.device_id = router.id.clone();
        row.device_owner = owner::ROUTER_INTERFACE.into();
        row.attached_at = tx.now();
        row.insert(tx)?;
        self.addresses_take(tx, &row, Some(&[Asked::exactly(&subnet.id, gateway)]), 0)?;
        rows::port::find(tx, self.domain(), &row.id)
    }

    /// Disconnects a router. Answers the port that it had and its subnets.
    pub fn router_interface_remove(
        &self,
        tx: &Tx,
        cx: &Cx,
        id: &str,
        body: &Value,
    ) -> Result<(Port, Vec<Subnet>), Fault> {
        let router = rows::router::find_seen(tx, &cx.who, id)?;
        may_do(cx, &rules::REMOVE_ROUTER_INTERFACE, &NOUN, &router_target(tx, &router)?)?;
        let (port_id, subnet_id) = named(body)?;
        let interfaces = rows::router::interfaces(tx, id)?;
        let has = |port: &Port, subnet: &str| port.fixed_ips.iter().any(|fixed| fixed.subnet_id == subnet);
        let port = match (&port_id, &subnet_id) {
            (Some(port_id), _) => {
                let port = interfaces.into_iter().find(|port| port.row.id == *port_id);
                let sentence = format!("Router {id} does not have an interface with id {port_id}");
                port.ok_or_else(|| faults::missing("RouterInterfaceNotFound", sentence))?
            }
            (None, Some(subnet)) => {
                rows::subnet::find_seen(tx, &cx.who, subnet)?;
                let port = interfaces.into_iter().find(|port| has(port, subnet));
                let sentence = format!("Router {id} has no interface on subnet {subnet}");
                port.ok_or_else(|| faults::missing("RouterInterfaceNotFoundForSubnet", sentence))?
            }
            (None, None) => return Err(neither()),
        };
        if let Some(subnet) = subnet_id.filter(|subnet| !has(&port, subnet)) {
            let sentence =
                format!("Subnet on port {} does not match the requested subnet {subnet}.", port.row.id);
            return Err(faults::refused("SubnetMismatchForPort", sentence));
        }
        let subnets = port.fixed_ips.iter().map(|fixed| rows::subnet::find(tx, &fixed.subnet_id));
        let subnets = subnets.collect::<Result<Vec<_>, _>>()?;
        for subnet in &subnets {
            interface_unused(tx, &router, subnet)?;
        }
        self.port_remove(tx, &port.row)?;
        self.router_moved(tx, id)?;
        Ok((port, subnets))
    }

    fn router_moved(&self, tx: &Tx, id: &str) -> Result<(), Fault> {
        work::renumbered(tx, "routers", id)?;
        work::changed(tx, Kind::Router, id)
    }
}

fn neither() -> Fault {
    faults::bad_request("router", "Either subnet_id or port_id must be specified")
}

fn named(body: &Value) -> Result<Named, Fault> {
    let empty = Map::new();
    let map = body.as_object().unwrap_or(&empty);
    let one = |name: &str| match map.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if is_id(text) => Ok(Some(text.clone())),
        Some(other) => {
            let reason = format!("'{}' is not a valid UUID", python::text(other));
            Err(faults::bad_request("router", reason))
        }
    };
    match (one("port_id")?, one("subnet_id")?) {
        (None, None) => Err(neither()),
        named => Ok(named),
    }
}

/// Refuses to become the gateway of a strange subnet whose network is not shared.
fn subnet_open(tx: &Tx, cx: &Cx, subnet: &Subnet) -> Result<(), Fault> {
    let open = subnet.project_id == cx.who.project()
        || cx.who.overseer
        || rows::network::is_shared_with(tx, &subnet.network_id, cx.who.project())?;
    if open {
        return Ok(());
    }
    let sentence = format!(
        "Cannot add interface to router because subnet {} is not owned by project making the request",
        subnet.id
    );
    Err(faults::bad_request("router", sentence))
}

/// Refuses an address outside of the pools of a strange subnet.
fn in_pool_or_own(cx: &Cx, port: &Port, subnets: &[Subnet]) -> Result<(), Fault> {
    if cx.who.admin {
        return Ok(());
    }
    for fixed in &port.fixed_ips {
        let Some(subnet) = subnets.iter().find(|subnet| subnet.id == fixed.subnet_id) else { continue };
        let number = address::number(fixed.address);
        let within = subnet
            .pools
            .0
            .iter()
            .any(|pool| (address::number(pool.start)..=address::number(pool.end)).contains(&number));
        if !within && subnet.project_id != cx.who.project() {
            return Err(faults::bad_request(
                "router",
                format!(
                    "Cannot add interface to router because specified port {} has an IP address out of the allocation pool \
                     of subnet {}, which is not owned by the project making the request",
                    port.row.id, subnet.id
                ),
            ));
        }
    }
    Ok(())
}

/// Refuses to disconnect a subnet that floating IPs or routes need.
fn interface_unused(tx: &Tx, router: &RouterRow, subnet: &Subnet) -> Result<(), Fault> {
    let Some(net) = subnet.net() else { return Ok(()) };
    if router.routes.0.iter().any(|route| net.contains(&route.nexthop)) {
        let sentence = format!(
            "Router interface for subnet {} on router {} cannot be deleted, as it is required by one or more routes.",
            subnet.id, router.id
        );
        return Err(faults::conflict("RouterInterfaceInUseByRoute", sentence));
    }
    let ports: Vec<PortRow> = rows::port::on_subnet(tx, &subnet.id)?;
    for floating in rows::floating_ip::of_router(tx, &router.id)? {
        if ports.iter().any(|port| Some(&port.id) == floating.port_id.as_ref()) {
            let sentence = format!(
                "Router interface for subnet {} on router {} cannot be deleted, as it is required by one or more \
                 floating IPs.",
                subnet.id, router.id
            );
            return Err(faults::conflict("RouterInterfaceInUseByFloatingIP", sentence));
        }
    }
    Ok(())
}
