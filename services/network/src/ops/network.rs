//! Networks: their segments, who shares them, what goes with them when they go.

use super::may::{may_create, may_delete, may_update};
use super::{network_target, no_qos, told, zones_exist};
use crate::Network;
use crate::model::attribute::Wish;
use crate::model::network::{NOUN, Net, NetworkRow};
use crate::model::port::owner;
use crate::model::rbac::{AS_EXTERNAL, AS_SHARED, EVERYBODY, RbacPolicy};
use crate::model::subnet::Subnet;
use crate::model::{faults, port};
use crate::record::{Json, Record};
use crate::store::{self as rows, Condition, quota, work};
use fault::Fault;
use metal::Kind;
use policy::Target;
use store::{Tx, params};
use web::Cx;

/// The largest VNI that a network gets.
const LAST_VNI: i64 = 65_535;

impl Network {
    /// Makes a network.
    pub fn network_create(&self, tx: &Tx, cx: &Cx, wish: &Wish) -> Result<Net, Fault> {
        may_create(cx, &NOUN, wish, Target::project(&wish.project()))?;
        quota::charge(tx, &wish.project(), "network")?;
        self.default_group_ensure(tx, &wish.project())?;
        let row = self.network_insert(tx, wish)?;
        rows::network::find_seen(tx, &cx.who, &row.id)
    }

    /// Makes a network, whoever asks.
    pub(crate) fn network_insert(&self, tx: &Tx, wish: &Wish) -> Result<NetworkRow, Fault> {
        no_qos(wish)?;
        let az_hints = wish.texts("availability_zone_hints").unwrap_or_default();
        zones_exist(&az_hints)?;
        let external = wish.flag("router:external").unwrap_or(false);
        let mut row = NetworkRow {
            id: tx.entropy().dashed_id(),
            project_id: wish.project(),
            name: wish.text_or_empty("name"),
            description: wish.text_or_empty("description"),
            admin_up: wish.flag("admin_state_up").unwrap_or(true),
            shared: wish.flag("shared").unwrap_or(false),
            external,
            mtu: wish.number("mtu").unwrap_or(0),
            provider_type: String::new(),
            physical_network: None,
            segmentation_id: None,
            port_security: wish.flag("port_security_enabled").unwrap_or(true),
            dns_domain: wish.text_or_empty("dns_domain"),
            is_default: wish.flag("is_default").unwrap_or(false) && external,
            az_hints: Json(az_hints),
            tags: Json(Vec::new()),
            revision_number: 1,
            revision: 1,
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        self.segment_choose(tx, wish, &mut row)?;
        row.mtu = self.mtu_within(row.mtu, &row.provider_type)?;
        row.insert(tx)?;
        for (on, action) in [(row.shared, AS_SHARED), (row.external, AS_EXTERNAL)] {
            if on {
                self.network_share(tx, &row, action)?;
            }
        }
        reconcile::want(tx, Kind::Network.word(), &row.id)?;
        Ok(row)
    }

    fn network_share(&self, tx: &Tx, row: &NetworkRow, action: &str) -> Result<(), Fault> {
        if rows::rbac::of(tx, &row.id, action, EVERYBODY)?.is_some() {
            return Ok(());
        }
        let policy = RbacPolicy {
            id: tx.entropy().dashed_id(),
            project_id: row.project_id.clone(),
            object_type: "network".into(),
            object_id: row.id.clone(),
            action: action.into(),
            target_project: EVERYBODY.into(),
        };
        policy.insert(tx)
    }

    fn mtu_within(&self, asked: i64, provider_type: &str) -> Result<i64, Fault> {
        let most = match provider_type {
            "geneve" => self.settings.physical_mtu - 58,
            _ => self.settings.physical_mtu,
        };
        match asked {
            0 => Ok(most),
            asked if asked > most => {
                Err(faults::invalid(format!("Requested MTU is too big, maximum is {most}")))
            }
            asked => Ok(asked),
        }
    }

    /// Chooses the segment: what an administrator asks for, or a tunnel of its own.
    fn segment_choose(&self, tx: &Tx, wish: &Wish, row: &mut NetworkRow) -> Result<(), Fault> {
        let physical = wish.text("provider:physical_network");
        let number = wish.number("provider:segmentation_id");
        let Some(provider_type) = wish.text("provider:network_type") else {
            if physical.is_some() || number.is_some() {
                return Err(faults::invalid("network_type required"));
            }
            return segment_free(tx, row);
        };
        match provider_type.as_str() {
            "flat" if number.is_some() => {
                return Err(faults::invalid("segmentation_id prohibited for flat provider network"));
            }
            "flat" | "vlan" if physical.is_none() => {
                let sort = if provider_type == "flat" { "flat" } else { "VLAN" };
                return Err(faults::invalid(format!(
                    "physical_network required for {sort} provider network"
                )));
            }
            "vlan" if !number.is_some_and(|number| (1..=4094).contains(&number)) => {
                return Err(faults::invalid("segmentation_id out of range (1 through 4094)"));
            }
            "geneve" if physical.is_some() => {
                return Err(faults::invalid("provider:physical_network specified for geneve network"));
            }
            "geneve" if number.is_none() => return segment_free(tx, row),
            "geneve" if !number.is_some_and(|number| (1..=16_777_215).contains(&number)) => {
                return Err(faults::invalid("segmentation_id out of range (1 through 16777215)"));
            }
            "flat" | "vlan" | "geneve" => {}
            other => return Err(faults::invalid(format!("network_type value '{other}' not supported"))),
        }
        (row.provider_type, row.physical_network, row.segmentation_id) = (provider_type, physical, number);
        if rows::network::segment_take(tx, row)? { Ok(()) } else { Err(segment_taken(row)) }
    }

    /// Changes a network.
    pub fn network_update(&self, tx: &Tx, cx: &Cx, id: &str, wish: &Wish) -> Result<Net, Fault> {
        let net = rows::network::find_seen(tx, &cx.who, id)?;
        may_update(cx, &NOUN, wish, told(network_target(&net.row, net.shared_with_caller), &net))?;
        no_qos(wish)?;
        let mut row = net.row.clone();
        let provider: Vec<_> =
            ["provider:network_type", "provider:physical_network", "provider:segmentation_id"]
                .into_iter()
                .filter(|name| wish.has(name))
                .collect();
        if !provider.is_empty() {
            let sentence = "Plugin does not support updating the following provider network attributes: ";
            return Err(faults::invalid(format!("{sentence}{}", provider.join(", "))));
        }
        self.network_apply(tx, wish, &mut row)?;
        row.revision_number += 1;
        row.updated_at = tx.now();
        row.save(tx)?;
        let seen_by_switch = |row: &NetworkRow| (row.name.clone(), row.mtu, row.admin_up, row.external);
        if seen_by_switch(&row) != seen_by_switch(&net.row) {
            work::changed(tx, Kind::Network, id)?;
        }
        if row.mtu != net.row.mtu {
            for router in rows::router::on_network(tx, id)? {
                work::changed(tx, Kind::Router, &router)?;
            }
        }
        rows::network::find_seen(tx, &cx.who, id)
    }

    fn network_apply(&self, tx: &Tx, wish: &Wish, row: &mut NetworkRow) -> Result<(), Fault> {
        row.name = wish.text("name").unwrap_or_else(|| row.name.clone());
        row.description = wish.text("description").unwrap_or_else(|| row.description.clone());
        row.dns_domain = wish.text("dns_domain").unwrap_or_else(|| row.dns_domain.clone());
        row.admin_up = wish.flag("admin_state_up").unwrap_or(row.admin_up);
        row.port_security = wish.flag("port_security_enabled").unwrap_or(row.port_security);
        row.is_default = wish.flag("is_default").unwrap_or(row.is_default);
        if let Some(mtu) = wish.number("mtu") {
            row.mtu = self.mtu_within(mtu, &row.provider_type)?;
            let subnets = rows::subnet::of_network(tx, &row.id)?;
            let least = subnets.iter().map(Subnet::least_mtu).max().unwrap_or(0);
            if row.mtu < least {
                return Err(faults::mtu_too_small(&row.id, least));
            }
        }
        if let Some(shared) = wish.flag("shared").filter(|shared| *shared != row.shared) {
            self.network_set_shared(tx, row, shared)?;
        }
        if let Some(external) = wish.flag("router:external").filter(|external| *external != row.external) {
            self.network_set_external(tx, row, external)?;
        }
        Ok(())
    }

    fn network_set_shared(&self, tx: &Tx, row: &mut NetworkRow, shared: bool) -> Result<(), Fault> {
        row.shared = shared;
        if shared {
            return self.network_share(tx, row, AS_SHARED);
        }
        if strangers_on(tx, row, EVERYBODY)? {
            return Err(shared_in_use(&row.name));
        }
        match rows::rbac::of(tx, &row.id, AS_SHARED, EVERYBODY)? {
            Some(policy) => RbacPolicy::remove(tx, &policy.id),
            None => Ok(()),
        }
    }

    fn network_set_external(&self, tx: &Tx, row: &mut NetworkRow, external: bool) -> Result<(), Fault> {
        row.external = external;
        rows::network::external_set(tx, &row.id, external)?;
        if external {
            return self.network_share(tx, row, AS_EXTERNAL);
        }
        no_gateways(tx, &row.id)?;
        let sql = "DELETE FROM network_rbac WHERE object_id = ?1 AND action = ?2";
        tx.execute(sql, params![&row.id, AS_EXTERNAL]).map(drop)
    }

    /// Removes a network with its subnets, unless ports are on it.
    pub fn network_delete(&self, tx: &Tx, cx: &Cx, id: &str) -> Result<(), Fault> {
        let net = rows::network::find_seen(tx, &cx.who, id)?;
        may_delete(cx, &NOUN, &told(network_target(&net.row, net.shared_with_caller), &net))?;
        let ports = Condition::is("network_id", id).rows::<port::PortRow>(tx)?;
        let in_use: Vec<_> = ports.iter().filter(|port| port.device_owner != owner::DISTRIBUTED).collect();
        if !in_use.is_empty() {
            let ids: Vec<_> = in_use.iter().map(|port| port.id.as_str()).collect();
            let sentence = format!(
                "Unable to complete operation on network {id}. There are one or more ports still in use on the network, \
                 id for these ports is: {}.",
                ids.join(",")
            );
            return Err(faults::conflict("NetworkInUse", sentence));
        }
        for port in ports {
            rows::port::addresses_give_back(tx, &port.id)?;
            port::PortRow::remove(tx, &port.id)?;
        }
        for subnet in rows::subnet::of_network(tx, id)? {
            rows::subnet::remove(tx, &subnet.id)?;
        }
        rows::rbac::forget(tx, id)?;
        rows::network::segment_give_back(tx, id)?;
        work::buried::<NetworkRow>(tx, Kind::Network, id, net.row.revision)
    }
}

fn segment_free(tx: &Tx, row: &mut NetworkRow) -> Result<(), Fault> {
    let number = rows::network::segment_free(tx, "geneve", "")?;
    row.provider_type = "geneve".into();
    row.segmentation_id = Some(number);
    if number <= LAST_VNI && rows::network::segment_take(tx, row)? {
        return Ok(());
    }
    let sentence = "Unable to create the network. No project network is available for allocation.";
    Err(Fault::unavailable(sentence).named("NoNetworkAvailable"))
}

fn segment_taken(row: &NetworkRow) -> Fault {
    let (physical, number) =
        (row.physical_network.as_deref().unwrap_or_default(), row.segmentation_id.unwrap_or(0));
    match row.provider_type.as_str() {
        "flat" => faults::conflict(
            "FlatNetworkInUse",
            format!("Unable to create the flat network. Physical network {physical} is in use."),
        ),
        "vlan" => faults::conflict(
            "VlanIdInUse",
            format!(
                "Unable to create the network. The VLAN {number} on physical network {physical} is in use."
            ),
        ),
        _ => faults::conflict(
            "TunnelIdInUse",
            format!("Unable to create the network. The tunnel ID {number} is in use."),
        ),
    }
}

/// Refuses to make a network internal on which routers have their gateways.
pub(crate) fn no_gateways(tx: &Tx, id: &str) -> Result<(), Fault> {
    let gateways = Condition::is("network_id", id).and("device_owner = ?", [owner::ROUTER_GATEWAY.into()]);
    if gateways.row::<port::PortRow>(tx)?.is_none() {
        return Ok(());
    }
    let sentence = format!(
        "External network {id} cannot be updated to be made non-external, since it has existing gateway ports."
    );
    Err(faults::conflict("ExternalNetworkInUse", sentence))
}

/// What is said when sharing cannot end because others have ports there.
pub(crate) fn shared_in_use(network: &str) -> Fault {
    let sentence = format!(
        "Unable to reconfigure sharing settings for network {network}. Multiple projects are using it."
    );
    faults::conflict("InvalidSharedSetting", sentence)
}

/// Whether projects have ports on the network that may not any more once it is not shared with `target`.
pub(crate) fn strangers_on(tx: &Tx, row: &NetworkRow, target: &str) -> Result<bool, Fault> {
    let still = |project: &str| -> Result<bool, Fault> {
        if project.is_empty() || project == row.project_id {
            return Ok(true);
        }
        let by_name = target != project && rows::rbac::of(tx, &row.id, AS_SHARED, project)?.is_some();
        let by_all = target != EVERYBODY && rows::rbac::of(tx, &row.id, AS_SHARED, EVERYBODY)?.is_some();
        Ok(by_name || by_all)
    };
    for port in Condition::is("network_id", &row.id).rows::<port::PortRow>(tx)? {
        let concerned = target == EVERYBODY || port.project_id == target;
        if concerned && !port.device_owner.starts_with("network:") && !still(&port.project_id)? {
            return Ok(true);
        }
    }
    Ok(false)
}
