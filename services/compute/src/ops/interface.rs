//! Interfaces of servers: ports, their addresses and security groups.

use crate::model::server::{Server, VmState};
use crate::model::spec::ordered;
use crate::ops::{Demand, doer, server_for};
use crate::store as rows;
use crate::store::action;
use crate::{Compute, rules};
use contract::network::{PortFacts, PortOrder};
use fault::{Fault, Kind};
use std::net::IpAddr;
use std::sync::Arc;
use store::Tx;
use web::Cx;

/// What is to be attached.
#[derive(Clone, Debug, Default)]
pub struct NewInterface {
    /// To this network.
    pub network_id: Option<String>,
    /// This port.
    pub port_id: Option<String>,
    /// With this address.
    pub fixed_ip: Option<IpAddr>,
    /// With this tag for the guest.
    pub tag: Option<String>,
}

const PLUGGABLE: &[VmState] = &[VmState::Active, VmState::Paused, VmState::Stopped];

fn no_port(id: &str) -> Fault {
    Fault::not_found(format!("Port id {id} could not be found."))
}

impl Compute {
    /// The interfaces, with their tags.
    pub async fn interface_list(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
    ) -> Result<Vec<(PortFacts, Option<String>)>, Fault> {
        let id = id.to_owned();
        self.read(cx, move |this, tx, cx| {
            let server = server_for(tx, cx, &id, &rules::ATTACH_INTERFACES_LIST)?;
            let ports = this.networks.ports_of(tx, &id)?;
            let tagged = |port: PortFacts| {
                let tag = server.detail.port_tags.get(&port.id).cloned();
                (port, tag)
            };
            Ok(ordered(&server, ports, |port| &port.id).into_iter().map(tagged).collect())
        })
        .await
    }

    /// One interface.
    pub async fn interface_show(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        port_id: &str,
    ) -> Result<(PortFacts, Option<String>), Fault> {
        let (id, port_id) = (id.to_owned(), port_id.to_owned());
        self.read(cx, move |this, tx, cx| {
            let server = server_for(tx, cx, &id, &rules::ATTACH_INTERFACES_SHOW)?;
            let port = this.networks.port(tx, &cx.who, &port_id)?.ok_or_else(|| no_port(&port_id))?;
            if port.device_id != id {
                return Err(Fault::not_found(format!(
                    "Instance {id} does not have a port with id {port_id}"
                )));
            }
            let tag = server.detail.port_tags.get(&port_id).cloned();
            Ok((port, tag))
        })
        .await
    }

    /// Attaches an interface.
    pub async fn interface_attach(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        new: NewInterface,
    ) -> Result<(PortFacts, Option<String>), Fault> {
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            let mut server = server_for(tx, cx, &id, &rules::ATTACH_INTERFACES_CREATE)?;
            Demand { action: "attach_interface", states: PLUGGABLE, tasks: Some(&[]), launched: true }
                .check(cx, &server)?;
            let number = begin(tx, cx, &server, "attach_interface")?;
            let port = this.attach(tx, cx, &server, &new)?;
            server.detail.ports.push(port.id.clone());
            if let Some(tag) = &new.tag {
                server.detail.port_tags.insert(port.id.clone(), tag.clone());
            }
            this.networks.ports_bind(tx, &server.id, server.host.as_deref())?;
            this.interfaces_changed(tx, server, Some(number))?;
            let port = this.networks.port(tx, &cx.who, &port.id)?.unwrap_or(port);
            Ok((port, new.tag.clone()))
        })
        .await
    }

    fn attach(&self, tx: &Tx, cx: &Cx, server: &Server, new: &NewInterface) -> Result<PortFacts, Fault> {
        let mut order = order_for(server);
        if let Some(port_id) = &new.port_id {
            let port = self.networks.port(tx, &cx.who, port_id)?.ok_or_else(|| no_port(port_id))?;
            if !port.device_id.is_empty() {
                return Err(Fault::conflict(format!("Port {port_id} is still in use.")));
            }
            return self.networks.port_take(tx, port_id, &order);
        }
        order.network_id = match &new.network_id {
            Some(id) => {
                let found = self.networks.network(tx, &cx.who, id)?;
                found.ok_or_else(|| Fault::not_found(format!("Network {id} could not be found.")))?.id
            }
            None => self.only_network(tx, cx)?,
        };
        order.fixed_ip = new.fixed_ip;
        self.networks.port_order(tx, &cx.who, &order).map_err(|fault| attach_fault(fault, new, server))
    }

    fn only_network(&self, tx: &Tx, cx: &Cx) -> Result<String, Fault> {
        match self.networks.networks_for(tx, &cx.who)?.as_slice() {
            [] => Err(Fault::bad_input(format!(
                "No specific network was requested and none are available for project '{}'.",
                cx.who.project()
            ))),
            [one] => Ok(one.id.clone()),
            _ => Err(Fault::bad_input(
                "More than one possible network found. Specify network ID(s) to select which one(s) to connect to.",
            )),
        }
    }

    /// Detaches an interface.
    pub async fn interface_detach(self: &Arc<Self>, cx: &Cx, id: &str, port_id: &str) -> Result<(), Fault> {
        let (id, port_id) = (id.to_owned(), port_id.to_owned());
        self.write(cx, move |this, tx, cx| {
            let mut server = server_for(tx, cx, &id, &rules::ATTACH_INTERFACES_DELETE)?;
            Demand { action: "detach_interface", states: PLUGGABLE, tasks: Some(&[]), launched: true }
                .check(cx, &server)?;
            let ports = this.networks.ports_of(tx, &id)?;
            ports.iter().find(|port| port.id == port_id).ok_or_else(|| no_port(&port_id))?;
            let number = begin(tx, cx, &server, "detach_interface")?;
            this.networks.port_give_back(tx, &port_id)?;
            server.detail.ports.retain(|own| *own != port_id);
            server.detail.port_tags.remove(&port_id);
            this.interfaces_changed(tx, server, Some(number))
        })
        .await
    }

    /// Adds an address of a network to a server.
    pub async fn fixed_ip_add(self: &Arc<Self>, cx: &Cx, id: &str, network_id: &str) -> Result<(), Fault> {
        let (id, network_id) = (id.to_owned(), network_id.to_owned());
        self.write(cx, move |this, tx, cx| {
            let server = server_for(tx, cx, &id, &rules::MULTINIC_ADD)?;
            this.networks.fixed_ip_add(tx, &id, &network_id).map_err(|fault| match fault.kind {
                Kind::Conflict => {
                    Fault::bad_input(format!("No fixed IP addresses available for network: {network_id}"))
                        .because(fault)
                }
                Kind::NotFound => Fault::bad_input(fault.public().to_owned()),
                _ => fault,
            })?;
            this.interfaces_changed(tx, server, None)
        })
        .await
    }

    /// Takes an address from a server.
    pub async fn fixed_ip_remove(self: &Arc<Self>, cx: &Cx, id: &str, address: IpAddr) -> Result<(), Fault> {
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            let server = server_for(tx, cx, &id, &rules::MULTINIC_REMOVE)?;
            if !this.networks.fixed_ip_remove(tx, &id, address)? {
                return Err(Fault::bad_input(format!("Instance {id} does not have fixed IP '{address}'.")));
            }
            this.interfaces_changed(tx, server, None)
        })
        .await
    }

    /// Adds a security group to all ports of a server, or takes it from them.
    pub async fn security_group_apply(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        name: &str,
        on: bool,
    ) -> Result<(), Fault> {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.write(cx, move |this, tx, cx| {
            let rule = if on { &rules::SECURITY_GROUPS_ADD } else { &rules::SECURITY_GROUPS_REMOVE };
            let server = server_for(tx, cx, &id, rule)?;
            let found =
                this.networks.security_group(tx, &cx.who, &name).map_err(|fault| match fault.kind {
                    Kind::Conflict => Fault::conflict("No Unique Match Found.").because(fault),
                    _ => fault,
                })?;
            let project = cx.who.project();
            let absent =
                || Fault::not_found(format!("Security group {name} is not found for project {project}"));
            let group_id = found.ok_or_else(absent)?;
            let ports = this.networks.ports_of(tx, &id)?;
            if ports.is_empty() {
                return Err(Fault::not_found(format!(
                    "instance_id {id} could not be found as device id on any ports"
                )));
            }
            let has = |port: &PortFacts| port.security_groups.iter().any(|(own, _)| *own == group_id);
            if !on && !ports.iter().any(has) {
                return Err(Fault::not_found(format!(
                    "Security group {name} not associated with the instance {id}"
                )));
            }
            this.networks.security_group_apply(tx, &id, &group_id, on)?;
            this.interfaces_changed(tx, server, None)
        })
        .await
    }

    /// What the host must hold of the server's network changed.
    fn interfaces_changed(&self, tx: &Tx, mut server: Server, action: Option<i64>) -> Result<(), Fault> {
        if let Some(number) = action {
            action::action_end(tx, number, server.host.as_deref(), None)?;
        }
        server.generation += 1;
        server.updated_at = tx.now();
        rows::server::server_save(tx, &server)?;
        self.wake(tx, &server.id)
    }
}

fn begin(tx: &Tx, cx: &Cx, server: &Server, name: &str) -> Result<i64, Fault> {
    let event = format!("compute_{name}");
    action::action_begin(tx, &server.id, name, &event, server.host.as_deref(), doer(cx))
}

/// An order for a port of this server, on a network yet to be said.
pub(crate) fn order_for(server: &Server) -> PortOrder {
    PortOrder {
        network_id: String::new(),
        fixed_ip: None,
        security_groups: server.detail.security_groups.clone(),
        device_id: server.id.clone(),
        device_owner: format!("compute:{}", server.zone),
        dns_name: server.hostname.clone(),
    }
}

/// What Nova makes of the network service's refusal.
fn attach_fault(fault: Fault, new: &NewInterface, server: &Server) -> Fault {
    match fault.kind {
        Kind::OverQuota => Fault::forbidden("Maximum number of ports exceeded").because(fault),
        Kind::Conflict => match new.fixed_ip {
            Some(address) => {
                let (id, text) = (&server.id, address.to_string());
                Fault::conflict(format!("Fixed IP address {text} is already in use on instance {id}."))
                    .because(fault)
            }
            None => {
                let network = new.network_id.clone().unwrap_or_default();
                Fault::bad_input(format!("No fixed IP addresses available for network: {network}"))
                    .because(fault)
            }
        },
        _ => fault,
    }
}
