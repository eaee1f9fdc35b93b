//! What compute asks of the network service.
//!
//! A port is the network service's from birth to death; compute orders, binds and gives back. Whoever wants to know
//! when a bound port's link is up waits `on` the work row (`port`, its id): the network service touches it.

use fault::Fault;
use metal::server::ServerPort;
use policy::Who;
use serde_json::Value;
use std::net::IpAddr;
use store::Tx;

/// A network as compute needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkFacts {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub project_id: String,
    /// Other projects may use it.
    pub shared: bool,
    /// It is external.
    pub external: bool,
    /// It has at least one subnet.
    pub has_subnet: bool,
    /// Ports on it have port security unless they say otherwise.
    pub port_security: bool,
}

/// What a port adds to `network_data.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkData {
    /// Its entry of `links`.
    pub link: serde_json::Value,
    /// Its entries of `networks`, numbered from 0.
    pub networks: Vec<serde_json::Value>,
    /// Its entries of `services`.
    pub services: Vec<serde_json::Value>,
}

/// A port as compute needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortFacts {
    /// Its id.
    pub id: String,
    /// Its owner.
    pub project_id: String,
    /// The server that has it, or empty.
    pub device_id: String,
    /// `compute:nova` and the like, or empty.
    pub device_owner: String,
    /// The link is up.
    pub up: bool,
    /// ACTIVE, DOWN, …
    pub status: String,
    /// The network's name.
    pub network_name: String,
    /// What the host needs: ids, MAC address, addresses, MTU.
    pub wiring: ServerPort,
    /// Fixed addresses with their subnets.
    pub fixed_ips: Vec<(String, IpAddr)>,
    /// Floating IPs that lead to it.
    pub floating_ips: Vec<IpAddr>,
    /// The ids and names of its security groups.
    pub security_groups: Vec<(String, String)>,
    /// Its part of `network_data.json`.
    pub network_data: NetworkData,
    /// The binding of the port, as `vif_type` and `vnic_type`.
    pub vnic_type: String,
    /// Whether the port was made by compute (and goes with its server) or given by the user.
    pub made_by_compute: bool,
}

/// A port as servers show it: little, since a page of a list shows a thousand of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortShown {
    /// Its id.
    pub id: String,
    /// The server that has it.
    pub server_id: String,
    /// Its MAC address.
    pub mac: String,
    /// The network's name.
    pub network_name: String,
    /// Fixed addresses, in order.
    pub fixed_ips: Vec<IpAddr>,
    /// Floating IPs that lead to it.
    pub floating_ips: Vec<IpAddr>,
    /// The names of its security groups.
    pub security_groups: Vec<String>,
}

/// A port that compute orders for a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortOrder {
    /// The network.
    pub network_id: String,
    /// The address that the user asked for.
    pub fixed_ip: Option<IpAddr>,
    /// The ids of its security groups; empty takes the project's default group.
    pub security_groups: Vec<String>,
    /// The server.
    pub device_id: String,
    /// `compute:` and the availability zone.
    pub device_owner: String,
    /// The name under which the network's DNS knows it.
    pub dns_name: String,
}

/// What compute asks of the network service.
pub trait Networks: Send + Sync + 'static {
    /// The network, if `who` may put a port on it.
    fn network(&self, tx: &Tx, who: &Who, network_id: &str) -> Result<Option<NetworkFacts>, Fault>;
    /// The networks that a server of this project gets when its user names none: the project's own, else shared ones;
    /// never external ones.
    fn networks_for(&self, tx: &Tx, who: &Who) -> Result<Vec<NetworkFacts>, Fault>;
    /// The id of a security group by id or name, as `who` sees them. Conflict when a name is not unique.
    fn security_group(&self, tx: &Tx, who: &Who, id_or_name: &str) -> Result<Option<String>, Fault>;
    /// The port, if `who` may use it.
    fn port(&self, tx: &Tx, who: &Who, port_id: &str) -> Result<Option<PortFacts>, Fault>;
    /// The ports of a server, in the order in which they were attached.
    fn ports_of(&self, tx: &Tx, server_id: &str) -> Result<Vec<PortFacts>, Fault>;
    /// What these servers show of their ports; those of one server in the order in which they were attached.
    fn ports_shown(&self, tx: &Tx, server_ids: &[String]) -> Result<Vec<PortShown>, Fault>;
    /// Makes a port for a server. Faults as the API's: quota, no address left, no such group.
    fn port_order(&self, tx: &Tx, who: &Who, order: &PortOrder) -> Result<PortFacts, Fault>;
    /// Gives a user's port to a server. Conflict if another one has it.
    fn port_take(&self, tx: &Tx, port_id: &str, order: &PortOrder) -> Result<PortFacts, Fault>;
    /// The ports of a server are on this host (`None`: on none).
    fn ports_bind(&self, tx: &Tx, server_id: &str, host: Option<&str>) -> Result<(), Fault>;
    /// The server does not have the port any more: one that compute made is deleted, a user's is free again.
    fn port_give_back(&self, tx: &Tx, port_id: &str) -> Result<(), Fault>;
    /// Adds an address of the network to the server's port there; answers it.
    fn fixed_ip_add(&self, tx: &Tx, server_id: &str, network_id: &str) -> Result<IpAddr, Fault>;
    /// Takes an address away from the server's ports; false if none has it.
    fn fixed_ip_remove(&self, tx: &Tx, server_id: &str, address: IpAddr) -> Result<bool, Fault>;
    /// Adds a security group to (or takes it from) all ports of a server.
    fn security_group_apply(&self, tx: &Tx, server_id: &str, group_id: &str, on: bool) -> Result<(), Fault>;

    // What follows serves compute's `os-security-groups` for old clients. Bodies are those of the network API.

    /// The security groups that `who` sees, or the one of this id, as the network API shows them, with their rules.
    fn security_groups(&self, _tx: &Tx, _who: &Who, _id: Option<&str>) -> Result<Vec<Value>, Fault> {
        Err(unproxied())
    }
    /// Makes a security group of `{"name", "description"}`; answers it.
    fn security_group_create(&self, _tx: &Tx, _who: &Who, _body: &Value) -> Result<Value, Fault> {
        Err(unproxied())
    }
    /// Changes `{"name", "description"}` of a security group; answers it.
    fn security_group_update(&self, _tx: &Tx, _who: &Who, _id: &str, _body: &Value) -> Result<Value, Fault> {
        Err(unproxied())
    }
    /// Deletes a security group.
    fn security_group_delete(&self, _tx: &Tx, _who: &Who, _id: &str) -> Result<(), Fault> {
        Err(unproxied())
    }
    /// Adds a rule of `{"security_group_id", "direction", "ethertype", "protocol", …}`; answers it.
    fn security_group_rule_create(&self, _tx: &Tx, _who: &Who, _body: &Value) -> Result<Value, Fault> {
        Err(unproxied())
    }
    /// Deletes a rule.
    fn security_group_rule_delete(&self, _tx: &Tx, _who: &Who, _id: &str) -> Result<(), Fault> {
        Err(unproxied())
    }
}

/// Where the network service does not serve compute's old clients.
fn unproxied() -> Fault {
    Fault::new(fault::Kind::NotImplemented, "The requested functionality is not supported.")
}
