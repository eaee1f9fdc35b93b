//! Floating IPs: addresses outside that lead to addresses inside.

use super::addressing::Asked;
use super::may::{may_create, may_delete, may_update};
use super::{no_qos, told};
use crate::Network;
use crate::model::attribute::Wish;
use crate::model::faults;
use crate::model::floating_ip::{FloatingIp, FloatingIpRow, NOUN};
use crate::model::network::NetworkRow;
use crate::model::port::{FixedIp, Port, PortRow, owner};
use crate::record::{Json, Record};
use crate::store::{self as rows, quota, work};
use fault::Fault;
use metal::Kind;
use policy::Target;
use std::net::IpAddr;
use store::{Tx, params};
use web::Cx;

/// What rules see of a floating IP.
pub(crate) fn floating_ip_target(tx: &Tx, row: &FloatingIpRow) -> Result<Target, Fault> {
    Ok(told(Target::project(&row.project_id), &rows::floating_ip::complete(tx, row.clone())?))
}

impl Network {
    /// Makes a floating IP, and lets it lead to a port if one is named.
    pub fn floating_ip_create(&self, tx: &Tx, cx: &Cx, wish: &Wish) -> Result<FloatingIp, Fault> {
        may_create(cx, &NOUN, wish, Target::project(&wish.project()))?;
        no_qos(wish)?;
        quota::charge(tx, &wish.project(), "floatingip")?;
        let network = outside(tx, cx, &wish.text_or_empty("floating_network_id"))?;
        let id = tx.entropy().dashed_id();
        let (holder_id, address) = self.floating_ip_address(tx, &network, &id, wish)?;
        let row = FloatingIpRow {
            id,
            project_id: wish.project(),
            description: wish.text_or_empty("description"),
            network_id: network.id,
            holder_id,
            address: address.to_string(),
            port_id: None,
            fixed_ip: None,
            router_id: None,
            dns_name: wish.text_or_empty("dns_name"),
            dns_domain: wish.text_or_empty("dns_domain"),
            tags: Json(Vec::new()),
            revision_number: 0,
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        row.insert(tx)?;
        self.floating_ip_point(tx, cx, row, wish)
    }

    /// Takes its address: the one that is asked for, or any. Answers the port that holds it too.
    fn floating_ip_address(
        &self,
        tx: &Tx,
        network: &NetworkRow,
        id: &str,
        wish: &Wish,
    ) -> Result<(String, IpAddr), Fault> {
        let mut holder = self.port_blank(tx, network, "")?;
        holder.device_owner = owner::FLOATING_IP.into();
        holder.device_id = id.to_owned();
        holder.insert(tx)?;
        let asked = Asked {
            subnet_id: wish.text("subnet_id"),
            address: wish.text("floating_ip_address").and_then(|text| text.parse().ok()),
        };
        let asked = (asked != Asked::default()).then_some([asked]);
        let taken = self.addresses_take(tx, &holder, asked.as_ref().map(|asked| asked.as_slice()), 0)?;
        match taken.iter().map(|fixed| fixed.address).find(IpAddr::is_ipv4) {
            Some(address) => Ok((holder.id, address)),
            None => {
                let sentence = format!("Unable to find any IP address on external network {}.", network.id);
                Err(faults::refused("ExternalIpAddressExhausted", sentence))
            }
        }
    }

    /// Changes where a floating IP leads, or what is said of it.
    pub fn floating_ip_update(&self, tx: &Tx, cx: &Cx, id: &str, wish: &Wish) -> Result<FloatingIp, Fault> {
        let mut row = rows::floating_ip::find_seen(tx, &cx.who, id)?;
        may_update(cx, &NOUN, wish, floating_ip_target(tx, &row)?)?;
        no_qos(wish)?;
        row.description = wish.text("description").unwrap_or(row.description);
        row.revision_number += 1;
        row.updated_at = tx.now();
        self.floating_ip_point(tx, cx, row, wish)
    }

    /// Lets it lead where the wish says. A port that is `null` means nowhere; one that is not named stays.
    fn floating_ip_point(
        &self,
        tx: &Tx,
        cx: &Cx,
        mut row: FloatingIpRow,
        wish: &Wish,
    ) -> Result<FloatingIp, Fault> {
        let (old_router, old_port) = (row.router_id.clone(), row.port_id.clone());
        let (port_id, fixed_ip) = (wish.text("port_id"), wish.text("fixed_ip_address"));
        if fixed_ip.is_some() && port_id.is_none() {
            let sentence = "fixed_ip_address cannot be specified without a port_id";
            return Err(faults::bad_request("floatingip", sentence));
        }
        match port_id {
            Some(port_id) => self.floating_ip_attach(tx, cx, &mut row, &port_id, fixed_ip.as_deref())?,
            None if wish.has("port_id") => (row.port_id, row.fixed_ip, row.router_id) = (None, None, None),
            None => {}
        }
        row.save(tx)?;
        for router in [old_router, row.router_id.clone()].into_iter().flatten() {
            work::changed(tx, Kind::Router, &router)?;
        }
        for port in [old_port, row.port_id.clone()].into_iter().flatten() {
            told_to_server(tx, &port)?;
        }
        rows::floating_ip::complete(tx, row)
    }

    fn floating_ip_attach(
        &self,
        tx: &Tx,
        cx: &Cx,
        row: &mut FloatingIpRow,
        port_id: &str,
        fixed_ip: Option<&str>,
    ) -> Result<(), Fault> {
        let port = rows::port::find_seen(tx, &cx.who, self.domain(), port_id)?;
        if port.row.project_id != row.project_id && !cx.who.admin {
            let sentence = format!(
                "Cannot process floating IP association with Port {port_id}, since that port is owned by a different project"
            );
            return Err(faults::bad_request("floatingip", sentence));
        }
        let inside = inside_of(&port, fixed_ip)?;
        let router = router_between(tx, &port.row, &inside, &row.network_id)?;
        let taken = rows::floating_ip::of_port(tx, port_id)?.into_iter().any(|other| {
            other.id != row.id
                && other.network_id == row.network_id
                && other.fixed_ip.as_deref() == Some(inside.address.to_string().as_str())
        });
        if taken {
            let sentence = format!(
                "Cannot associate floating IP {} ({}) with port {port_id} using fixed IP {}, as that fixed IP already has a \
                 floating IP on external network {}.",
                row.address, row.id, inside.address, row.network_id
            );
            return Err(faults::conflict("FloatingIPPortAlreadyAssociated", sentence));
        }
        row.port_id = Some(port_id.to_owned());
        row.fixed_ip = Some(inside.address.to_string());
        row.router_id = Some(router);
        Ok(())
    }

    /// It leads nowhere any more.
    pub(crate) fn floating_ip_detach(&self, tx: &Tx, row: &mut FloatingIpRow) -> Result<(), Fault> {
        let router = row.router_id.take();
        if let Some(port) = row.port_id.take() {
            told_to_server(tx, &port)?;
        }
        row.fixed_ip = None;
        row.revision_number += 1;
        row.updated_at = tx.now();
        row.save(tx)?;
        router.map_or(Ok(()), |router| work::changed(tx, Kind::Router, &router))
    }

    /// Removes a floating IP.
    pub fn floating_ip_delete(&self, tx: &Tx, cx: &Cx, id: &str) -> Result<(), Fault> {
        let row = rows::floating_ip::find_seen(tx, &cx.who, id)?;
        may_delete(cx, &NOUN, &floating_ip_target(tx, &row)?)?;
        rows::port::addresses_give_back(tx, &row.holder_id)?;
        PortRow::remove(tx, &row.holder_id)?;
        FloatingIpRow::remove(tx, id)?;
        if let Some(port) = &row.port_id {
            told_to_server(tx, port)?;
        }
        row.router_id.map_or(Ok(()), |router| work::changed(tx, Kind::Router, &router))
    }
}

/// The network, if floating IPs can be of it.
fn outside(tx: &Tx, cx: &Cx, id: &str) -> Result<NetworkRow, Fault> {
    let network = rows::network::find_seen(tx, &cx.who, id)?.row;
    if !network.external {
        let sentence = format!("Network {id} is not a valid external network");
        return Err(faults::bad_request("floatingip", sentence));
    }
    if rows::subnet::of_network(tx, id)?.iter().all(|subnet| subnet.ip_version != 4) {
        let sentence = format!("Network {id} does not contain any IPv4 subnet");
        return Err(faults::bad_request("floatingip", sentence));
    }
    Ok(network)
}

/// Whoever waits for the port, its server above all, learns that its addresses are others.
fn told_to_server(tx: &Tx, port_id: &str) -> Result<(), Fault> {
    reconcile::touched(tx, Kind::Port.word(), port_id)
}

/// The address of the port that is meant.
fn inside_of(port: &Port, fixed_ip: Option<&str>) -> Result<FixedIp, Fault> {
    let id = &port.row.id;
    let refuse = |sentence: String| Err(faults::bad_request("floatingip", sentence));
    if matches!(port.row.device_owner.as_str(), owner::DISTRIBUTED | owner::FLOATING_IP) {
        return refuse(format!("Port {id} is unable to be assigned a floating IP"));
    }
    let of_v4: Vec<_> = port.fixed_ips.iter().filter(|fixed| fixed.address.is_ipv4()).collect();
    match (fixed_ip, of_v4.as_slice()) {
        (Some(asked), _) if asked.contains(':') => refuse(format!(
            "Cannot process floating IP association with {asked}, since that is not an IPv4 address"
        )),
        (Some(asked), of_v4) => match of_v4.iter().find(|fixed| fixed.address.to_string() == asked) {
            Some(fixed) => Ok((*fixed).clone()),
            None => refuse(format!("Port {id} does not have fixed ip {asked}")),
        },
        (None, [one]) => Ok((*one).clone()),
        (None, []) => refuse(format!("Cannot add floating IP to port {id} that has no fixed IPv4 addresses")),
        (None, _) => refuse(format!(
            "Port {id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a floating IP"
        )),
    }
}

/// The router between the inside and the external network: the subnet's gateway first.
fn router_between(tx: &Tx, port: &PortRow, inside: &FixedIp, external: &str) -> Result<String, Fault> {
    let found = tx.query(
        "SELECT i.device_id, a.address FROM ports i JOIN port_addresses a ON a.port_id = i.id
         JOIN ports g ON g.device_id = i.device_id AND g.device_owner = ?1 AND g.network_id = ?2
         WHERE i.network_id = ?3 AND i.device_owner = ?4 AND a.subnet_id = ?5 ORDER BY i.device_id",
        params![
            owner::ROUTER_GATEWAY,
            external,
            &port.network_id,
            owner::ROUTER_INTERFACE,
            &inside.subnet_id
        ],
    )?;
    let subnet = rows::subnet::find(tx, &inside.subnet_id)?;
    let routers =
        found.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect::<Result<Vec<_>, Fault>>()?;
    let gateway = routers.iter().find(|(_, address)| Some(address) == subnet.gateway_ip.as_ref());
    gateway.or(routers.first()).map(|(router, _)| router.clone()).ok_or_else(|| {
        let sentence = format!(
            "External network {external} is not reachable from subnet {}.  Therefore, cannot associate Port {} with a \
             Floating IP.",
            inside.subnet_id, port.id
        );
        faults::missing("ExternalGatewayForFloatingIPNotFound", sentence)
    })
}
