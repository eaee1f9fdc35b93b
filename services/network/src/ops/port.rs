//! Ports: addresses, groups, security, bindings.

use super::addressing::Asked;
use super::may::{may_create, may_delete, may_update};
use super::{no_qos, on_network, told};
use crate::Network;
use crate::model::attribute::Wish;
use crate::model::check::mac;
use crate::model::faults;
use crate::model::network::NetworkRow;
use crate::model::port::{AddressPair, FixedIp, NOUN, Port, PortRow, owner};
use crate::model::router::RouterRow;
use crate::record::{Json, Record};
use crate::store::{self as rows, quota, work};
use fault::Fault;
use kernel::Micros;
use metal::Kind;
use policy::Target;
use serde_json::{Value, json};
use store::Tx;
use web::Cx;

impl Network {
    /// Makes a port.
    pub fn port_create(&self, tx: &Tx, cx: &Cx, wish: &Wish) -> Result<Port, Fault> {
        let network = rows::network::find_seen(tx, &cx.who, &wish.text_or_empty("network_id"))?.row;
        let target = on_network(tx, cx, Target::project(&wish.project()), &network)?;
        may_create(cx, &NOUN, wish, target)?;
        self.dns_name_fits(wish)?;
        quota::charge(tx, &wish.project(), "port")?;
        device_owned(tx, cx, &wish.text_or_empty("device_owner"), &wish.text_or_empty("device_id"))?;
        self.port_insert(tx, &network, wish)
    }

    /// Makes a port, whoever asks.
    pub(crate) fn port_insert(&self, tx: &Tx, network: &NetworkRow, wish: &Wish) -> Result<Port, Fault> {
        no_qos(wish)?;
        let mut row = self.port_blank(tx, network, &wish.project())?;
        if let Some(mac) = wish.text("mac_address").as_deref().and_then(mac) {
            if rows::port::mac_taken(tx, &network.id, &mac)? {
                return Err(mac_in_use(&network.id, &mac));
            }
            row.mac = mac;
        }
        row.device_owner = wish.text_or_empty("device_owner");
        row.port_security = !row.is_trusted() && network.port_security;
        row.tags.0 = wish.texts("tags").unwrap_or_default();
        port_apply(wish, &mut row)?;
        let groups = self.groups_choose(tx, wish, &row)?;
        row.insert(tx)?;
        rows::port::groups_set(tx, &row.id, &groups)?;
        let asked = wish.list("fixed_ips").map(|items| Asked::list(items));
        self.addresses_take(tx, &row, asked.as_deref(), 0)?;
        if row.is_switched() {
            reconcile::want(tx, Kind::Port.word(), &row.id)?;
        }
        rows::port::find(tx, self.domain(), &row.id)
    }

    /// Refuses a name with a domain that is not the cloud's.
    fn dns_name_fits(&self, wish: &Wish) -> Result<(), Fault> {
        let domain = self.domain();
        let name = wish.text_or_empty("dns_name");
        let within = name.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
        if domain.is_empty() || !name.ends_with('.') || within {
            return Ok(());
        }
        Err(faults::bad(format!(
            "Invalid input for dns_name. Reason: The dns_name passed is a FQDN. Its higher level labels must be equal to the \
             dns_domain option in neutron.conf, that has been set to '{domain}'. It must also include one or more valid DNS \
             labels to the left of '{domain}'."
        )))
    }

    /// A port with nothing to it yet.
    pub(crate) fn port_blank(&self, tx: &Tx, network: &NetworkRow, project: &str) -> Result<PortRow, Fault> {
        Ok(PortRow {
            id: tx.entropy().dashed_id(),
            network_id: network.id.clone(),
            project_id: project.to_owned(),
            name: String::new(),
            description: String::new(),
            mac: mac_free(tx, &network.id)?,
            admin_up: true,
            device_id: String::new(),
            device_owner: String::new(),
            port_security: false,
            pairs: Json(Vec::new()),
            dhcp_options: Json(Vec::new()),
            dns_name: String::new(),
            vnic_type: "normal".into(),
            host: String::new(),
            profile: Json(json!({})),
            made_by_compute: false,
            attached_at: Micros(0),
            up: false,
            tags: Json(Vec::new()),
            revision_number: 1,
            revision: 1,
            created_at: tx.now(),
            updated_at: tx.now(),
        })
    }

    /// The groups of a new port: those named, else its project's default group.
    fn groups_choose(&self, tx: &Tx, wish: &Wish, row: &PortRow) -> Result<Vec<String>, Fault> {
        let named = wish.texts("security_groups");
        if !row.port_security {
            if named.is_some_and(|named| !named.is_empty()) {
                return Err(security_required());
            }
            return if row.pairs.0.is_empty() { Ok(Vec::new()) } else { Err(pairs_need_security()) };
        }
        match named {
            Some(named) => groups_usable(tx, &row.project_id, named),
            None if row.is_trusted() || row.project_id.is_empty() => Ok(Vec::new()),
            None => Ok(vec![self.default_group_ensure(tx, &row.project_id)?]),
        }
    }

    /// Changes a port.
    pub fn port_update(&self, tx: &Tx, cx: &Cx, id: &str, wish: &Wish) -> Result<Port, Fault> {
        let old = rows::port::find_seen(tx, &cx.who, self.domain(), id)?;
        let network = rows::network::find(tx, &old.row.network_id)?;
        let target = on_network(tx, cx, Target::project(&old.row.project_id), &network)?;
        may_update(cx, &NOUN, wish, told(target, &old))?;
        self.dns_name_fits(wish)?;
        if wish.has("device_id") || wish.has("device_owner") {
            let owner = wish.text("device_owner").unwrap_or_else(|| old.row.device_owner.clone());
            let device = wish.text("device_id").unwrap_or_else(|| old.row.device_id.clone());
            device_owned(tx, cx, &owner, &device)?;
        }
        self.port_change(tx, &old, wish)
    }

    /// Changes a port, whoever asks.
    pub(crate) fn port_change(&self, tx: &Tx, old: &Port, wish: &Wish) -> Result<Port, Fault> {
        no_qos(wish)?;
        let mut row = old.row.clone();
        let id = row.id.clone();
        if let Some(asked) =
            wish.text("mac_address").as_deref().and_then(mac).filter(|asked| *asked != row.mac)
        {
            self.mac_change(tx, &mut row, asked)?;
        } else if wish.value("mac_address").is_some_and(Value::is_null) {
            let fresh = mac_free(tx, &row.network_id)?;
            self.mac_change(tx, &mut row, fresh)?;
        }
        row.device_owner = wish.text("device_owner").unwrap_or(row.device_owner);
        port_apply(wish, &mut row)?;
        if row.device_id != old.row.device_id {
            row.attached_at = tx.now();
        }
        let groups = groups_rechoose(tx, wish, old, &row)?;
        if let Some(groups) = groups {
            rows::port::groups_set(tx, &id, &groups)?;
        }
        row.revision_number += 1;
        row.updated_at = tx.now();
        row.save(tx)?;
        if let Some(asked) = wish.list("fixed_ips") {
            self.addresses_change(tx, old, &row, &Asked::list(asked))?;
        }
        self.port_settle(tx, &old.row, &row)?;
        rows::port::find(tx, self.domain(), &id)
    }

    fn mac_change(&self, tx: &Tx, row: &mut PortRow, asked: String) -> Result<(), Fault> {
        if !row.host.is_empty() {
            let sentence = format!(
                "Unable to complete operation on port {}, port is already bound, port type: ovs, old_mac {}, new_mac {asked}.",
                row.id, row.mac
            );
            return Err(faults::conflict("PortBound", sentence));
        }
        if rows::port::mac_taken(tx, &row.network_id, &asked)? {
            return Err(mac_in_use(&row.network_id, &asked));
        }
        row.mac = asked;
        Ok(())
    }

    /// The port's addresses are those asked for: what it has of them it keeps.
    pub(crate) fn addresses_change(
        &self,
        tx: &Tx,
        old: &Port,
        row: &PortRow,
        asked: &[Asked],
    ) -> Result<(), Fault> {
        let (kept, fresh) = compare(&old.fixed_ips, asked);
        inside_kept(tx, &row.id, &old.fixed_ips, &kept)?;
        for fixed in old.fixed_ips.iter().filter(|fixed| !kept.contains(fixed)) {
            rows::port::address_give_back(tx, &row.id, fixed.address)?;
        }
        let place = old.fixed_ips.len();
        if fresh.is_empty() { Ok(()) } else { self.addresses_take(tx, row, Some(&fresh), place).map(drop) }
    }

    /// What follows from a change of a port: the switch holds it, or a router or network that it belongs to, anew.
    pub(crate) fn port_settle(&self, tx: &Tx, old: &PortRow, row: &PortRow) -> Result<(), Fault> {
        match (old.is_switched(), row.is_switched()) {
            // What was a port of its own is a router's now: the switch forgets the one and learns the other.
            (true, _) | (_, true) => work::changed(tx, Kind::Port, &row.id)?,
            (false, false) => {}
        }
        for one in [old, row] {
            if one.is_router_port() && RouterRow::find(tx, &one.device_id)?.is_some() {
                work::changed(tx, Kind::Router, &one.device_id)?;
            }
        }
        if row.device_owner == owner::DISTRIBUTED {
            work::changed(tx, Kind::Network, &row.network_id)?;
        }
        if old.mac != row.mac || old.admin_up != row.admin_up {
            for floating in rows::floating_ip::of_port(tx, &row.id)? {
                if let Some(router) = &floating.router_id {
                    work::changed(tx, Kind::Router, router)?;
                }
            }
        }
        Ok(())
    }

    /// Removes a port.
    pub fn port_delete(&self, tx: &Tx, cx: &Cx, id: &str) -> Result<(), Fault> {
        let port = rows::port::find_seen(tx, &cx.who, self.domain(), id)?;
        let network = rows::network::find(tx, &port.row.network_id)?;
        let target = on_network(tx, cx, Target::project(&port.row.project_id), &network)?;
        may_delete(cx, &NOUN, &told(target, &port))?;
        let held = match port.row.device_owner.as_str() {
            owner::FLOATING_IP => true,
            owner::ROUTER_INTERFACE | owner::ROUTER_GATEWAY => {
                RouterRow::find(tx, &port.row.device_id)?.is_some()
            }
            _ => false,
        };
        if held {
            let sentence = format!(
                "Port {id} cannot be deleted directly via the port API: has device owner {}.",
                port.row.device_owner
            );
            return Err(faults::conflict("ServicePortInUse", sentence));
        }
        self.port_remove(tx, &port.row)
    }

    /// Removes a port, whoever asks. Floating IPs that lead to it lead nowhere afterwards.
    pub(crate) fn port_remove(&self, tx: &Tx, row: &PortRow) -> Result<(), Fault> {
        for mut floating in rows::floating_ip::of_port(tx, &row.id)? {
            self.floating_ip_detach(tx, &mut floating)?;
        }
        rows::port::addresses_give_back(tx, &row.id)?;
        rows::port::groups_set(tx, &row.id, &[])?;
        if row.device_owner == owner::DISTRIBUTED {
            work::changed(tx, Kind::Network, &row.network_id)?;
        }
        if row.is_switched() || row.revision > 1 {
            return work::buried::<PortRow>(tx, Kind::Port, &row.id, row.revision);
        }
        PortRow::remove(tx, &row.id)
    }
}

/// What a wish says of the attributes that a create and an update treat alike.
fn port_apply(wish: &Wish, row: &mut PortRow) -> Result<(), Fault> {
    let set = |target: &mut String, name: &str| {
        if let Some(text) = wish.text(name) {
            *target = text;
        }
    };
    set(&mut row.name, "name");
    set(&mut row.description, "description");
    set(&mut row.device_id, "device_id");
    set(&mut row.dns_name, "dns_name");
    set(&mut row.vnic_type, "binding:vnic_type");
    row.admin_up = wish.flag("admin_state_up").unwrap_or(row.admin_up);
    row.port_security = wish.flag("port_security_enabled").unwrap_or(row.port_security);
    if let Some(host) = wish.value("binding:host_id") {
        row.host = host.as_str().unwrap_or_default().to_owned();
    }
    if let Some(profile) = wish.value("binding:profile") {
        row.profile = Json(if profile.is_null() { json!({}) } else { profile.clone() });
    }
    if let Some(pairs) = wish.list("allowed_address_pairs") {
        row.pairs = Json(pairs.iter().map(|pair| address_pair(pair, &row.mac)).collect());
    }
    if let Some(options) = wish.value("extra_dhcp_opts") {
        row.dhcp_options = Json(dhcp_options(&row.dhcp_options.0, options));
    }
    Ok(())
}

fn address_pair(pair: &Value, own: &str) -> AddressPair {
    AddressPair {
        mac_address: pair["mac_address"].as_str().and_then(mac).unwrap_or_else(|| own.to_owned()),
        ip_address: pair["ip_address"].as_str().unwrap_or_default().to_owned(),
    }
}

/// Options by name and version: a new value replaces, `null` removes, the others stay.
fn dhcp_options(old: &[Value], asked: &Value) -> Vec<Value> {
    let mut options = old.to_vec();
    for option in asked.as_array().into_iter().flatten() {
        let version = option["ip_version"]
            .as_i64()
            .or_else(|| option["ip_version"].as_str()?.parse().ok())
            .unwrap_or(4);
        options.retain(|own| own["opt_name"] != option["opt_name"] || own["ip_version"] != version);
        if !option["opt_value"].is_null() {
            let (name, value) = (&option["opt_name"], &option["opt_value"]);
            options.push(json!({"opt_name": name, "opt_value": value, "ip_version": version}));
        }
    }
    options
}

/// Refuses to make a port a strange router's.
fn device_owned(tx: &Tx, cx: &Cx, device_owner: &str, device_id: &str) -> Result<(), Fault> {
    if device_owner != owner::ROUTER_INTERFACE || device_id.is_empty() || cx.who.overseer {
        return Ok(());
    }
    match RouterRow::find(tx, device_id)? {
        Some(router) if router.project_id != cx.who.project() => {
            let sentence = format!(
                "The following device_id {device_id} is not owned by your project or matches another project router."
            );
            Err(faults::conflict("DeviceIDNotOwnedByProject", sentence))
        }
        _ => Ok(()),
    }
}

/// A MAC address that nobody on the network has.
fn mac_free(tx: &Tx, network_id: &str) -> Result<String, Fault> {
    for _ in 0..16 {
        let [a, b, c] = tx.entropy().bytes();
        let mac = format!("fa:16:3e:{a:02x}:{b:02x}:{c:02x}");
        if !rows::port::mac_taken(tx, network_id, &mac)? {
            return Ok(mac);
        }
    }
    Err(Fault::unavailable(format!("Unable to generate unique mac on network {network_id}."))
        .named("MacAddressGenerationFailure"))
}

fn mac_in_use(network_id: &str, mac: &str) -> Fault {
    let sentence =
        format!("Unable to complete operation for network {network_id}. The mac address {mac} is in use.");
    faults::conflict("MacAddressInUse", sentence)
}

fn security_required() -> Fault {
    faults::refused(
        "PortSecurityAndIPRequiredForSecurityGroups",
        "Port security must be enabled and port must have an IP address in order to use security groups.",
    )
}

fn pairs_need_security() -> Fault {
    faults::conflict(
        "AddressPairAndPortSecurityRequired",
        "Port Security must be enabled in order to have allowed address pairs on a port.",
    )
}

/// The groups, if the project may name them and they go together.
fn groups_usable(tx: &Tx, project: &str, named: Vec<String>) -> Result<Vec<String>, Fault> {
    let mut stateful = Vec::new();
    for id in &named {
        stateful.push(rows::security_group::usable(tx, project, id)?.stateful);
    }
    if stateful.contains(&true) && stateful.contains(&false) {
        let sentence = "Error Cannot apply both stateful and stateless security groups on the same port at the same time \
                        while attempting the operation.";
        return Err(faults::conflict("SecurityGroupConflict", sentence));
    }
    Ok(named)
}

/// The groups that an update asks for; nothing if they stay.
fn groups_rechoose(tx: &Tx, wish: &Wish, old: &Port, row: &PortRow) -> Result<Option<Vec<String>>, Fault> {
    let named = wish.texts("security_groups");
    if row.port_security {
        return named.map(|named| groups_usable(tx, &row.project_id, named)).transpose();
    }
    if !row.pairs.0.is_empty() {
        return Err(pairs_need_security());
    }
    match named {
        Some(named) if !named.is_empty() => Err(security_required()),
        Some(_) => Ok(Some(Vec::new())),
        None if old.groups.is_empty() => Ok(None),
        None => Err(faults::conflict(
            "PortSecurityPortHasSecurityGroup",
            "Port has security group associated. Cannot disable port security or IP address until security group is \
             removed.",
        )),
    }
}

/// Which addresses stay, and which are asked for anew. One that names only a subnet is met by any address of it.
fn compare(have: &[FixedIp], asked: &[Asked]) -> (Vec<FixedIp>, Vec<Asked>) {
    let mut left = have.to_vec();
    let (mut kept, mut fresh) = (Vec::new(), Vec::new());
    for one in asked.iter().filter(|one| one.address.is_some()) {
        match left.iter().position(|fixed| Some(fixed.address) == one.address) {
            Some(at) => kept.push(left.remove(at)),
            None => fresh.push(one.clone()),
        }
    }
    for one in asked.iter().filter(|one| one.address.is_none()) {
        match left.iter().position(|fixed| Some(&fixed.subnet_id) == one.subnet_id.as_ref()) {
            Some(at) => kept.push(left.remove(at)),
            None => fresh.push(one.clone()),
        }
    }
    (kept, fresh)
}

/// Refuses to take an address away that a floating IP leads to.
fn inside_kept(tx: &Tx, port_id: &str, have: &[FixedIp], kept: &[FixedIp]) -> Result<(), Fault> {
    for floating in rows::floating_ip::of_port(tx, port_id)? {
        let is = |fixed: &&FixedIp| floating.fixed_ip.as_deref() == Some(fixed.address.to_string().as_str());
        if have.iter().any(|fixed| is(&fixed)) && !kept.iter().any(|fixed| is(&fixed)) {
            return Err(faults::bad_request(
                "port",
                format!(
                    "Cannot update the fixed_ips of the port {port_id}, because its original fixed_ip has been associated \
                     to a floating ip"
                ),
            ));
        }
    }
    Ok(())
}
