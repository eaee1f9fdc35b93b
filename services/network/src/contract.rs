//! What compute asks of the network service.

use crate::model::attribute::Wish;
use crate::model::network::Net;
use crate::model::port::{Port, PortRow};
use crate::model::{Body, faults, security_group};
use crate::ops::addressing::Asked;
use crate::ops::may::maker;
use crate::record::Record;
use crate::store::{self as rows, Condition, quota, work};
use crate::{Network, facts};
use contract::network::{NetworkFacts, Networks, PortFacts, PortOrder, PortShown};
use fault::Fault;
use metal::Kind;
use policy::Who;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::net::IpAddr;
use store::{Tx, params};
use web::Cx;

impl Networks for Network {
    fn network(&self, tx: &Tx, who: &Who, network_id: &str) -> Result<Option<NetworkFacts>, Fault> {
        let who = &*self.placed(who);
        let found = rows::network::seen(tx, who, Condition::is("id", network_id))?;
        Ok(found.into_iter().find(|net| net.takes_ports_of(who)).map(facts::of_network))
    }

    fn networks_for(&self, tx: &Tx, who: &Who) -> Result<Vec<NetworkFacts>, Fault> {
        let who = &*self.placed(who);
        let own = rows::network::seen(tx, who, Condition::is("project_id", who.project()))?;
        let inside = |net: &Net| !net.row.external;
        let own: Vec<_> = own.into_iter().filter(inside).map(facts::of_network).collect();
        if !own.is_empty() {
            return Ok(own);
        }
        let member = Who { project_id: who.project_id.clone(), ..Who::default() };
        let shared = rows::network::seen(tx, &member, Condition::all())?;
        Ok(shared
            .into_iter()
            .filter(|net| net.shared_with_caller && inside(net))
            .map(facts::of_network)
            .collect())
    }

    fn security_group(&self, tx: &Tx, who: &Who, id_or_name: &str) -> Result<Option<String>, Fault> {
        if id_or_name == security_group::DEFAULT {
            return self.default_group_ensure(tx, who.project()).map(Some);
        }
        let member = Who { project_id: who.project_id.clone(), ..Who::default() };
        let by = |column: &str| rows::security_group::seen(tx, &member, Condition::is(column, id_or_name));
        if let Some(group) = by("id")?.pop() {
            return Ok(Some(group.row.id));
        }
        let mut named = by("name")?;
        if named.len() > 1 {
            let sentence = format!(
                "Multiple security groups found matching '{id_or_name}'. Use an ID to be more specific."
            );
            return Err(faults::conflict("NoUniqueMatch", sentence));
        }
        Ok(named.pop().map(|group| group.row.id))
    }

    fn port(&self, tx: &Tx, who: &Who, port_id: &str) -> Result<Option<PortFacts>, Fault> {
        let found =
            rows::port::seen(tx, &self.placed(who), self.domain(), Condition::is("id", port_id))?.pop();
        found.map(|port| facts::of_port(tx, &port)).transpose()
    }

    fn ports_of(&self, tx: &Tx, server_id: &str) -> Result<Vec<PortFacts>, Fault> {
        facts::of_ports(tx, &self.ports_on(tx, server_id)?)
    }

    fn ports_shown(&self, tx: &Tx, server_ids: &[String]) -> Result<Vec<PortShown>, Fault> {
        rows::port::shown(tx, server_ids)
    }

    fn port_order(&self, tx: &Tx, who: &Who, order: &PortOrder) -> Result<PortFacts, Fault> {
        let project = who.project();
        let placed = &*self.placed(who);
        let net = rows::network::find_seen(tx, placed, &order.network_id)?;
        if !net.takes_ports_of(placed) {
            return Err(faults::nothing());
        }
        let network = net.row;
        quota::charge(tx, project, "port")?;
        let mut wish = Wish::default()
            .with("project_id", project)
            .with("device_id", order.device_id.as_str())
            .with("device_owner", order.device_owner.as_str())
            .with("dns_name", order.dns_name.as_str());
        if let Some(address) = order.fixed_ip {
            wish = wish.with("fixed_ips", json!([{"ip_address": address}]));
        }
        if network.port_security && !order.security_groups.is_empty() {
            wish = wish.with("security_groups", json!(order.security_groups));
        }
        let mut port = self.port_insert(tx, &network, &wish)?;
        port.row.made_by_compute = true;
        port.row.attached_at = self.next_attachment(tx, &order.device_id)?;
        port.row.save(tx)?;
        facts::of_port(tx, &port)
    }

    fn port_take(&self, tx: &Tx, port_id: &str, order: &PortOrder) -> Result<PortFacts, Fault> {
        let old = rows::port::find(tx, self.domain(), port_id)?;
        if !old.row.device_id.is_empty() && old.row.device_id != order.device_id {
            let sentence = format!("Port {port_id} is still in use.");
            return Err(faults::conflict("PortInUse", sentence));
        }
        let mut wish = Wish::default()
            .with("device_id", order.device_id.as_str())
            .with("device_owner", order.device_owner.as_str());
        if old.row.dns_name.is_empty() {
            wish = wish.with("dns_name", order.dns_name.as_str());
        }
        let mut port = self.port_change(tx, &old, &wish)?;
        port.row.attached_at = self.next_attachment(tx, &order.device_id)?;
        port.row.save(tx)?;
        facts::of_port(tx, &port)
    }

    fn ports_bind(&self, tx: &Tx, server_id: &str, host: Option<&str>) -> Result<(), Fault> {
        let host = host.unwrap_or_default();
        for mut port in Condition::is("device_id", server_id).rows::<PortRow>(tx)? {
            if port.host == host || port.is_trusted() {
                continue;
            }
            port.host = host.to_owned();
            port.up = false;
            port.revision_number += 1;
            port.updated_at = tx.now();
            port.save(tx)?;
            work::changed(tx, Kind::Port, &port.id)?;
        }
        Ok(())
    }

    fn port_give_back(&self, tx: &Tx, port_id: &str) -> Result<(), Fault> {
        let Some(mut row) = PortRow::find(tx, port_id)? else { return Ok(()) };
        if row.made_by_compute {
            return self.port_remove(tx, &row);
        }
        row.device_id = String::new();
        row.device_owner = String::new();
        row.host = String::new();
        row.dns_name = String::new();
        row.up = false;
        row.revision_number += 1;
        row.updated_at = tx.now();
        row.save(tx)?;
        work::changed(tx, Kind::Port, port_id)
    }

    fn fixed_ip_add(&self, tx: &Tx, server_id: &str, network_id: &str) -> Result<IpAddr, Fault> {
        let condition = Condition::is("device_id", server_id).and("network_id = ?", [network_id.into()]);
        let port = rows::port::all(tx, self.domain(), condition)?.into_iter().next();
        let port = port.ok_or_else(|| faults::network_missing(network_id))?;
        let subnets = rows::subnet::of_network(tx, network_id)?;
        let mut full = faults::no_address_left(network_id);
        for subnet in subnets.iter().filter(|subnet| subnet.ip_version == 4) {
            let asked = Asked { subnet_id: Some(subnet.id.clone()), address: None };
            match self.addresses_take(tx, &port.row, Some(&[asked]), port.fixed_ips.len()) {
                Ok(taken) => {
                    self.port_moved(tx, &port.row.id)?;
                    let address = taken.into_iter().map(|fixed| fixed.address).next();
                    return address.ok_or_else(|| faults::no_address_left(network_id));
                }
                Err(fault) => full = fault,
            }
        }
        Err(full)
    }

    fn fixed_ip_remove(&self, tx: &Tx, server_id: &str, address: IpAddr) -> Result<bool, Fault> {
        for port in rows::port::all(tx, self.domain(), Condition::is("device_id", server_id))? {
            if port.fixed_ips.iter().any(|fixed| fixed.address == address) {
                let kept = port.fixed_ips.iter().filter(|fixed| fixed.address != address);
                let kept: Vec<_> =
                    kept.map(|fixed| Asked::exactly(&fixed.subnet_id, fixed.address)).collect();
                self.addresses_change(tx, &port, &port.row, &kept)?;
                self.port_moved(tx, &port.row.id)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn security_group_apply(&self, tx: &Tx, server_id: &str, group_id: &str, on: bool) -> Result<(), Fault> {
        for port in rows::port::all(tx, self.domain(), Condition::is("device_id", server_id))? {
            let mut groups = port.groups.clone();
            groups.retain(|group| group != group_id);
            if on && port.row.port_security {
                groups.push(group_id.to_owned());
            }
            rows::port::groups_set(tx, &port.row.id, &groups)?;
            self.port_moved(tx, &port.row.id)?;
        }
        Ok(())
    }

    fn security_groups(&self, tx: &Tx, who: &Who, id: Option<&str>) -> Result<Vec<Value>, Fault> {
        let condition = match id {
            Some(id) => Condition::is("id", id),
            None => {
                self.default_group_ensure(tx, who.project())?;
                Condition::all()
            }
        };
        Ok(rows::security_group::seen(tx, &self.placed(who), condition)?.iter().map(told).collect())
    }

    fn security_group_create(&self, tx: &Tx, who: &Who, body: &Value) -> Result<Value, Fault> {
        let cx = self.inside(tx, who);
        let wish = security_group::NOUN.wish(body, maker(&cx), true)?;
        Self::security_group_create(self, tx, &cx, &wish).map(|group| told(&group))
    }

    fn security_group_update(&self, tx: &Tx, who: &Who, id: &str, body: &Value) -> Result<Value, Fault> {
        let cx = self.inside(tx, who);
        let wish = security_group::NOUN.wish(body, maker(&cx), false)?;
        Self::security_group_update(self, tx, &cx, id, &wish).map(|group| told(&group))
    }

    fn security_group_delete(&self, tx: &Tx, who: &Who, id: &str) -> Result<(), Fault> {
        Self::security_group_delete(self, tx, &self.inside(tx, who), id)
    }

    fn security_group_rule_create(&self, tx: &Tx, who: &Who, body: &Value) -> Result<Value, Fault> {
        let cx = self.inside(tx, who);
        let wish = security_group::RULE_NOUN.wish(body, maker(&cx), true)?;
        Self::security_group_rule_create(self, tx, &cx, &wish).map(|rule| told(&rule))
    }

    fn security_group_rule_delete(&self, tx: &Tx, who: &Who, id: &str) -> Result<(), Fault> {
        Self::security_group_rule_delete(self, tx, &self.inside(tx, who), id)
    }
}

/// A thing as this service's own API shows it.
fn told<B: Body>(thing: &B) -> Value {
    Value::Object(thing.body())
}

impl Network {
    /// The ports that a server has, in the order in which they were attached.
    fn ports_on(&self, tx: &Tx, server_id: &str) -> Result<Vec<Port>, Fault> {
        let mut ports = rows::port::all(tx, self.domain(), Condition::is("device_id", server_id))?;
        ports.retain(|port| !port.row.is_trusted());
        ports.sort_by(|a, b| (a.row.attached_at, &a.row.id).cmp(&(b.row.attached_at, &b.row.id)));
        Ok(ports)
    }

    /// A caller who comes through compute, as the rules of this service have him.
    fn placed<'a>(&self, who: &'a Who) -> Cow<'a, Who> {
        self.policy.placed("network", who)
    }

    /// His context.
    fn inside(&self, tx: &Tx, who: &Who) -> Cx {
        Cx::inside(self.placed(who).into_owned(), self.policy.clone(), tx.now())
    }

    fn port_moved(&self, tx: &Tx, id: &str) -> Result<(), Fault> {
        work::renumbered(tx, "ports", id)?;
        work::changed(tx, Kind::Port, id)
    }

    /// A time for the order of a server's ports: now, but after all that it has.
    fn next_attachment(&self, tx: &Tx, server_id: &str) -> Result<kernel::Micros, Fault> {
        let last =
            tx.query_one("SELECT MAX(attached_at) FROM ports WHERE device_id = ?1", params![server_id])?;
        let last = last.map_or(Ok(None), |row| row.opt_int(0))?.unwrap_or(0);
        Ok(kernel::Micros(tx.now().0.max(last + 1)))
    }
}
