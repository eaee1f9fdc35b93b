//! The switch as the agent sees it: each call is one transaction in the Northbound database, and what of the host's
//! own network belongs to it.

use crate::chassis::{Databases, in_kernel, mappings};
use crate::config::{Config, Engine, host_name_servers};
use crate::daemons::Daemons;
use crate::ovsdb::OvsdbError;
use crate::place::{Place, hash};
use crate::rows::{find, label};
use crate::{masquerade, metadata, network, outside, plug, port, router, security_group};
use async_trait::async_trait;
use metal::driver::{Driven, Tap};
use metal::network::{NetworkSpec, PortSpec, RouterSpec, SecurityGroupSpec};
use metal::{DriverError, Kind, Switch};
use std::collections::HashMap;
use std::net::{IpAddr, TcpListener};
use tokio::sync::Mutex;

impl From<OvsdbError> for DriverError {
    fn from(error: OvsdbError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// OVN on this host. Dropping it leaves the daemons, and all traffic, as they are.
pub struct Ovn {
    place: Place,
    config: Config,
    daemons: Option<Daemons>,
    databases: Databases,
    name_servers: Vec<IpAddr>,
    masqueraded: bool,
    /// What of each network has been made on the host by this process, by its fingerprint.
    hosted: Mutex<HashMap<String, u64>>,
}

impl Ovn {
    pub(crate) fn new(place: Place, config: Config, daemons: Option<Daemons>, databases: Databases) -> Self {
        let name_servers = config.name_servers.clone().unwrap_or_else(host_name_servers);
        let masqueraded = config.masquerade.unwrap_or_else(masquerade::is_possible);
        Self { place, config, daemons, databases, name_servers, masqueraded, hosted: Mutex::default() }
    }

    /// Makes what all objects need.
    pub(crate) async fn prepare(&self) -> Result<(), OvsdbError> {
        self.databases.northbound.settle(|replica| Ok(security_group::default_draft(replica))).await
    }

    /// The private daemons and their processes; none of the host's own.
    pub fn daemon_pids(&self) -> Vec<(&'static str, i32)> {
        self.daemons.as_ref().map(Daemons::pids).unwrap_or_default()
    }

    /// Takes the switch away with everything on it. Of the host's own OVN only our rows and taps go.
    pub async fn destroy(self) -> Driven<()> {
        if self.config.engine == Engine::Private {
            let state = self.place.state.parent().map(std::path::Path::to_owned).unwrap_or_default();
            drop(self);
            return Daemons::destroy(&state).await.map_err(|error| DriverError::Failed(error.to_string()));
        }
        for port_id in self.plugged().await? {
            self.unplug(&port_id).await?;
        }
        let mut held = self.held().await?;
        held.sort_by_key(|(kind, _, _)| std::cmp::Reverse(*kind));
        for (kind, id, _) in held {
            self.remove(kind, &id).await?;
        }
        self.databases.northbound.settle(|replica| Ok(security_group::default_removal(replica))).await
    }

    /// The namespace of bridges and taps.
    fn space(&self) -> Option<String> {
        (self.config.engine == Engine::Private).then(|| self.place.namespace())
    }

    /// What of the network is on the host itself: metadata and the link to the outside.
    async fn host(&self, id: &str, spec: &NetworkSpec) -> Driven<()> {
        let fingerprint = hash(&format!("{:?} {:?} {}", spec.metadata, spec.provider, spec.mtu));
        let mut hosted = self.hosted.lock().await;
        if hosted.get(id) == Some(&fingerprint) {
            return Ok(());
        }
        let (switch, space) = (&self.databases.switch, self.space());
        match &spec.metadata {
            Some(port) => {
                metadata::ensure(switch, &self.place, space.as_deref(), id, (port, spec.mtu)).await?
            }
            None => metadata::remove(switch, &self.place, space.as_deref(), id).await?,
        }
        if space.is_some() {
            match spec.provider.as_ref().filter(|provider| !provider.host_addresses.is_empty()) {
                Some(provider) => {
                    outside::ensure(switch, &self.place, id, (provider, spec.mtu), self.masqueraded).await?;
                }
                None => outside::remove(switch, &self.place, id).await?,
            }
        }
        hosted.insert(id.to_owned(), fingerprint);
        Ok(())
    }

    async fn unhost(&self, id: &str) -> Driven<()> {
        let mut hosted = self.hosted.lock().await;
        hosted.remove(id);
        let (switch, space) = (&self.databases.switch, self.space());
        metadata::remove(switch, &self.place, space.as_deref(), id).await?;
        if space.is_some() {
            outside::remove(switch, &self.place, id).await?;
        }
        Ok(())
    }

    fn gateway_chassis(&self) -> Vec<String> {
        let own = || vec![self.config.chassis.clone()];
        if self.config.gateway_chassis.is_empty() { own() } else { self.config.gateway_chassis.clone() }
    }
}

#[async_trait]
impl Switch for Ovn {
    async fn physical_networks(&self) -> Vec<String> {
        self.databases
            .switch
            .read(|replica| mappings(replica).into_iter().map(|(network, _)| network).collect())
    }

    async fn network(&self, id: &str, revision: i64, spec: &NetworkSpec) -> Driven<()> {
        let draft = |replica: &_| network::draft(replica, id, revision, spec, &self.name_servers);
        self.databases.northbound.settle(draft).await?;
        self.host(id, spec).await
    }

    async fn security_group(&self, id: &str, revision: i64, spec: &SecurityGroupSpec) -> Driven<()> {
        self.databases
            .northbound
            .settle(|replica| Ok(security_group::draft(replica, id, revision, spec)))
            .await
    }

    async fn port(&self, id: &str, revision: i64, spec: &PortSpec) -> Driven<()> {
        self.databases.northbound.settle(|replica| port::draft(replica, id, revision, spec)).await
    }

    async fn router(&self, id: &str, revision: i64, spec: &RouterSpec) -> Driven<()> {
        let (chassis, in_kernel) = (self.gateway_chassis(), self.databases.switch.read(in_kernel));
        let draft = |replica: &_| router::draft(replica, id, revision, spec, &chassis, in_kernel);
        self.databases.northbound.settle(draft).await
    }

    async fn remove(&self, kind: Kind, id: &str) -> Driven<()> {
        let removal = match kind {
            Kind::Network => {
                self.unhost(id).await?;
                network::removal
            }
            Kind::SecurityGroup => security_group::removal,
            Kind::Port => {
                self.unplug(id).await?;
                port::removal
            }
            Kind::Router => router::removal,
            Kind::Server => return Err(DriverError::Refused("a switch holds no servers".to_owned())),
        };
        self.databases.northbound.settle(|replica| Ok(removal(replica, id))).await
    }

    async fn held(&self) -> Driven<Vec<(Kind, String, i64)>> {
        const HEADS: [&str; 4] = ["Logical_Switch", "Port_Group", "Logical_Switch_Port", "Logical_Router"];
        let mut held: Vec<_> = self.databases.northbound.read(|replica| {
            let rows = HEADS.iter().flat_map(|table| replica.rows(table));
            let object = |row| {
                let revision = label(row, "revision")?.parse().ok()?;
                Some((Kind::of(label(row, "kind")?)?, label(row, "id")?.to_owned(), revision))
            };
            rows.filter_map(|(_, row)| object(row)).collect()
        });
        held.sort();
        Ok(held)
    }

    async fn plug(&self, port_id: &str, mac: &str, mtu: u32) -> Driven<Tap> {
        plug::ensure(&self.databases.switch, self.space().as_deref(), port_id, mac, mtu).await
    }

    async fn unplug(&self, port_id: &str) -> Driven<()> {
        plug::remove(&self.databases.switch, self.space().as_deref(), port_id).await
    }

    async fn plugged(&self) -> Driven<Vec<String>> {
        Ok(plug::ports(&self.databases.switch))
    }

    async fn port_up(&self, port_id: &str) -> Driven<bool> {
        if let Some(complaint) = plug::complaint(&self.databases.switch, port_id) {
            return Err(DriverError::Failed(format!("Open vSwitch cannot use the port's tap: {complaint}")));
        }
        Ok(self.databases.northbound.read(|replica| {
            let up = find(replica, &port::owner(port_id), "head").and_then(|(_, row)| row.get("up"));
            up == Some(&crate::ovsdb::Datum::one(true))
        }))
    }

    async fn metadata_listener(&self, network_id: &str) -> Driven<Option<TcpListener>> {
        metadata::listener(&self.place, network_id).await
    }

    async fn changed(&self) -> String {
        self.databases.links.next().await
    }
}
