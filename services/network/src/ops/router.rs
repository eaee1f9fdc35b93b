//! Routers: their way out and their routes.

use super::addressing::Asked;
use super::may::{may_create, may_delete, may_do, may_update};
use super::{no_qos, told, zones_exist};
use crate::model::attribute::Wish;
use crate::model::check;
use crate::model::network::NetworkRow;
use crate::model::port::{FixedIp, Port, PortRow, owner};
use crate::model::quota::resource;
use crate::model::router::{NOUN, Router, RouterRow};
use crate::model::subnet::{Route, Subnet};
use crate::model::{address, faults};
use crate::record::{Json, Record, read_json};
use crate::store::{self as rows, quota, work};
use crate::{Network, rules};
use fault::Fault;
use metal::Kind;
use policy::Target;
use serde_json::Value;
use store::Tx;
use web::Cx;

/// What rules see of a router.
pub(crate) fn router_target(tx: &Tx, row: &RouterRow) -> Result<Target, Fault> {
    Ok(told(Target::project(&row.project_id), &rows::router::complete(tx, row.clone())?))
}

impl Network {
    /// Makes a router.
    pub fn router_create(&self, tx: &Tx, cx: &Cx, wish: &Wish) -> Result<Router, Fault> {
        may_create(cx, &NOUN, wish, Target::project(&wish.project()))?;
        no_qos(wish)?;
        quota::charge(tx, &wish.project(), "router")?;
        if let Some(flavor) = wish.text("flavor_id") {
            return Err(faults::missing("FlavorNotFound", format!("Flavor {flavor} could not be found.")));
        }
        let az_hints = wish.texts("availability_zone_hints").unwrap_or_default();
        zones_exist(&az_hints)?;
        let mut row = RouterRow {
            id: tx.entropy().dashed_id(),
            project_id: wish.project(),
            name: wish.text_or_empty("name"),
            description: wish.text_or_empty("description"),
            admin_up: wish.flag("admin_state_up").unwrap_or(true),
            gateway_port_id: None,
            enable_snat: true,
            routes: Json(Vec::new()),
            az_hints: Json(az_hints),
            tags: Json(Vec::new()),
            revision_number: 1,
            revision: 1,
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        row.insert(tx)?;
        if let Some(gateway) = wish.value("external_gateway_info") {
            self.gateway_set(tx, cx, &mut row, gateway)?;
            row.revision_number += 1;
            row.save(tx)?;
        }
        reconcile::want(tx, Kind::Router.word(), &row.id)?;
        rows::router::complete(tx, row)
    }

    /// Changes a router.
    pub fn router_update(&self, tx: &Tx, cx: &Cx, id: &str, wish: &Wish) -> Result<Router, Fault> {
        let mut row = rows::router::find_seen(tx, &cx.who, id)?;
        may_update(cx, &NOUN, wish, router_target(tx, &row)?)?;
        row.name = wish.text("name").unwrap_or(row.name);
        row.description = wish.text("description").unwrap_or(row.description);
        row.admin_up = wish.flag("admin_state_up").unwrap_or(row.admin_up);
        if let Some(gateway) = wish.value("external_gateway_info") {
            self.gateway_set(tx, cx, &mut row, gateway)?;
        }
        if let Some(routes) = wish.value("routes") {
            row.routes = Json(read_json(routes.clone())?);
        }
        if wish.has("routes") || wish.has("external_gateway_info") {
            routes_check(tx, &row)?;
        }
        self.router_save(tx, row)
    }

    /// The router as it is now, in the store and in the switch.
    pub(crate) fn router_save(&self, tx: &Tx, mut row: RouterRow) -> Result<Router, Fault> {
        row.revision_number += 1;
        row.updated_at = tx.now();
        row.save(tx)?;
        work::changed(tx, Kind::Router, &row.id)?;
        rows::router::complete(tx, rows::router::find(tx, &row.id)?)
    }

    /// Adds routes to what a router has, or takes them away.
    pub fn router_routes(
        &self,
        tx: &Tx,
        cx: &Cx,
        id: &str,
        routes: &Value,
        add: bool,
    ) -> Result<Router, Fault> {
        let mut row = rows::router::find_seen(tx, &cx.who, id)?;
        let rule = if add { &rules::ADD_EXTRAROUTES } else { &rules::REMOVE_EXTRAROUTES };
        may_do(cx, rule, &NOUN, &router_target(tx, &row)?)?;
        if let Some(reason) = check::Check::Routes.refuses(routes)? {
            return Err(faults::bad(format!("Invalid input for routes. Reason: {reason}.")));
        }
        let routes: Vec<Route> = read_json(routes.clone())?;
        if add {
            let fresh: Vec<_> = routes.into_iter().filter(|route| !row.routes.0.contains(route)).collect();
            row.routes.0.extend(fresh);
        } else {
            row.routes.0.retain(|route| !routes.contains(route));
        }
        routes_check(tx, &row)?;
        self.router_save(tx, row)
    }

    /// Removes a router, unless it is connected to tenants' networks.
    pub fn router_delete(&self, tx: &Tx, cx: &Cx, id: &str) -> Result<(), Fault> {
        let mut row = rows::router::find_seen(tx, &cx.who, id)?;
        may_delete(cx, &NOUN, &router_target(tx, &row)?)?;
        let interfaces = rows::router::interfaces(tx, id)?;
        if !interfaces.is_empty() {
            let ids: Vec<_> = interfaces.iter().map(|port| port.row.id.as_str()).collect();
            let sentence = format!("Router {id} has ports still attached: {}", ids.join(", "));
            return Err(faults::conflict("RouterInUse", sentence));
        }
        self.gateway_clear(tx, &mut row)?;
        work::buried::<RouterRow>(tx, Kind::Router, id, row.revision)
    }

    /// The router's way out is as asked.
    fn gateway_set(&self, tx: &Tx, cx: &Cx, row: &mut RouterRow, asked: &Value) -> Result<(), Fault> {
        let Some(network_id) = asked["network_id"].as_str() else {
            row.enable_snat = true;
            return self.gateway_clear(tx, row);
        };
        row.enable_snat = match &asked["enable_snat"] {
            Value::Null => true,
            given => check::flag(given)?,
        };
        let addresses =
            asked["external_fixed_ips"].as_array().map(|items| Asked::list(items)).unwrap_or_default();
        let network = rows::network::find_seen(tx, &cx.who, network_id)?.row;
        self.gateway_connect(tx, row, &network, &addresses)
    }

    /// The router has its way out on this network.
    pub(crate) fn gateway_connect(
        &self,
        tx: &Tx,
        row: &mut RouterRow,
        network: &NetworkRow,
        addresses: &[Asked],
    ) -> Result<(), Fault> {
        if !network.external {
            let sentence = format!("Network {} is not an external network", network.id);
            return Err(faults::bad_request("router", sentence));
        }
        let subnets = rows::subnet::of_network(tx, &network.id)?;
        let own = |asked: &&Asked| {
            subnets.iter().any(|subnet| subnet.gateway().is_some() && subnet.gateway() == asked.address)
        };
        if let Some(address) = addresses.iter().find(own).and_then(|asked| asked.address) {
            let sentence = format!("External IP {address} is the same as the gateway IP");
            return Err(faults::bad_request("router", sentence));
        }
        let old = match &row.gateway_port_id {
            Some(id) => Some(rows::port::find(tx, self.domain(), id)?),
            None => None,
        };
        if let Some(old) = old.filter(|old| old.row.network_id == network.id) {
            return if addresses.is_empty() { Ok(()) } else { self.gateway_readdress(tx, &old, addresses) };
        }
        self.gateway_clear(tx, row)?;
        router_overlap(tx, &row.id, &subnets)?;
        let mut port = self.port_blank(tx, network, "")?;
        port.device_id = row.id.clone();
        port.device_owner = owner::ROUTER_GATEWAY.into();
        port.insert(tx)?;
        let asked = (!addresses.is_empty()).then_some(addresses);
        self.addresses_take(tx, &port, asked, 0)?;
        row.gateway_port_id = Some(port.id);
        Ok(())
    }

    fn gateway_readdress(&self, tx: &Tx, old: &Port, addresses: &[Asked]) -> Result<(), Fault> {
        self.addresses_change(tx, old, &old.row, addresses)?;
        work::renumbered(tx, "ports", &old.row.id)
    }

    /// The router has no way out, unless floating IPs need it.
    pub(crate) fn gateway_clear(&self, tx: &Tx, row: &mut RouterRow) -> Result<(), Fault> {
        let Some(id) = row.gateway_port_id.clone() else { return Ok(()) };
        let port = rows::port::find(tx, self.domain(), &id)?;
        if !rows::floating_ip::of_router(tx, &row.id)?.is_empty() {
            let sentence = format!(
                "Gateway cannot be updated for router {}, since a gateway to external network {} is required by one or \
                 more floating IPs.",
                row.id, port.row.network_id
            );
            return Err(faults::conflict("RouterExternalGatewayInUseByFloatingIp", sentence));
        }
        rows::port::addresses_give_back(tx, &id)?;
        PortRow::remove(tx, &id)?;
        row.gateway_port_id = None;
        Ok(())
    }
}

/// The ranges and addresses that a router is connected to.
fn reach(tx: &Tx, row: &RouterRow) -> Result<(Vec<Subnet>, Vec<FixedIp>), Fault> {
    let mut ports = rows::router::interfaces(tx, &row.id)?;
    let mut subnets = Vec::new();
    if let Some(gateway) = &row.gateway_port_id {
        let gateway = rows::port::find(tx, "", gateway)?;
        subnets.extend(rows::subnet::of_network(tx, &gateway.row.network_id)?);
        ports.push(gateway);
    }
    let addresses: Vec<FixedIp> = ports.into_iter().flat_map(|port| port.fixed_ips).collect();
    for fixed in &addresses {
        if subnets.iter().all(|subnet| subnet.id != fixed.subnet_id) {
            subnets.push(rows::subnet::find(tx, &fixed.subnet_id)?);
        }
    }
    Ok((subnets, addresses))
}

/// Refuses routes by way of what the router does not reach, or of itself.
fn routes_check(tx: &Tx, row: &RouterRow) -> Result<(), Fault> {
    let routes = &row.routes.0;
    if routes.is_empty() {
        return Ok(());
    }
    let (subnets, addresses) = reach(tx, row)?;
    let refuse = |reason: &str| {
        let written = routes.iter().map(|route| {
            format!("{{'destination': '{}', 'nexthop': '{}'}}", route.destination, route.nexthop)
        });
        let written = written.collect::<Vec<_>>().join(", ");
        Err(faults::refused("InvalidRoutes", format!("Invalid format for routes: [{written}], {reason}")))
    };
    for route in routes {
        if !subnets.iter().filter_map(Subnet::net).any(|net| net.contains(&route.nexthop)) {
            return refuse("the nexthop is not connected with router");
        }
        if addresses.iter().any(|fixed| fixed.address == route.nexthop) {
            return refuse("the nexthop is used by router");
        }
    }
    let most =
        resource("router_route").map_or(Ok(-1), |resource| quota::limit(tx, &row.project_id, resource))?;
    if usize::try_from(most).is_ok_and(|most| routes.len() > most) {
        return Err(faults::over_quota("router_route"));
    }
    Ok(())
}

/// Refuses subnets that a router is connected to already, or that overlap with one.
pub(crate) fn router_overlap(tx: &Tx, router_id: &str, fresh: &[Subnet]) -> Result<(), Fault> {
    let row = rows::router::find(tx, router_id)?;
    let (have, _) = reach(tx, &row)?;
    for old in &have {
        if fresh.iter().any(|new| new.id == old.id) {
            let sentence = format!("Router already has a port on subnet {}", old.id);
            return Err(faults::bad_request("router", sentence));
        }
    }
    for (old, new) in have.iter().flat_map(|old| fresh.iter().map(move |new| (old, new))) {
        let (Some(a), Some(b)) = (old.net(), new.net()) else { continue };
        if address::overlap(a, b) {
            let sentence =
                format!("Cidr {b} of subnet {} overlaps with cidr {a} of subnet {}", new.id, old.id);
            return Err(faults::bad_request("router", sentence));
        }
    }
    Ok(())
}
