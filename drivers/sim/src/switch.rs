//! Networks that are records: they wait for one another as real ones do, and links come up when they are plugged.

use crate::state::SwitchRecord;
use crate::{Sim, failed};
use async_trait::async_trait;
use metal::driver::{Driven, Switch, Tap};
use metal::network::{NetworkSpec, PortSpec, RouterSpec, SecurityGroupSpec};
use metal::{DriverError, Kind};

impl Sim {
    fn needs(&self, kind: Kind, ids: &[&str]) -> Driven<()> {
        let state = self.state();
        match ids.iter().find(|id| state.switch_get(kind.word(), id).is_none()) {
            Some(id) => Err(DriverError::NotYet(format!("{kind} {id} is not realised yet"))),
            None => Ok(()),
        }
    }

    fn realise(&self, kind: Kind, id: &str, revision: i64, admin_up: bool) -> Driven<()> {
        let mut state = self.state();
        let held = state.switch_get(kind.word(), id);
        let same = |held: &SwitchRecord| (held.revision, held.admin_up) == (revision, admin_up);
        if held.is_some_and(|held| same(held) && held.by == self.0.name) {
            return Ok(());
        }
        let was_up = held.is_some_and(|held| held.admin_up);
        let record = SwitchRecord { revision, admin_up, by: self.0.name.clone() };
        state.switch_put(kind.word(), id, record).map_err(failed)?;
        if kind == Kind::Port && was_up != admin_up && state.is_plugged(id) {
            self.0.ports.push(id);
        }
        Ok(())
    }

    /// The port has a tap on this host, or has none. The host that realises the port hears of its link.
    fn wire(&self, port_id: &str, there: bool) -> Driven<()> {
        let mut state = self.state();
        if !state.tap_set(port_id, there).map_err(failed)? {
            return Ok(());
        }
        let told = state.told(port_id);
        drop(state);
        if let Some(host) = told.and_then(|name| self.0.fleet.host(&name)) {
            host.ports.push(port_id);
        }
        Ok(())
    }
}

#[async_trait]
impl Switch for Sim {
    async fn physical_networks(&self) -> Vec<String> {
        self.0.config.physical_networks.clone()
    }

    async fn network(&self, id: &str, revision: i64, spec: &NetworkSpec) -> Driven<()> {
        self.luck()?;
        if let Some(provider) = &spec.provider
            && !self.0.config.physical_networks.contains(&provider.physical_network)
        {
            let name = &provider.physical_network;
            return Err(DriverError::Refused(format!("this host has no physical network {name}")));
        }
        self.realise(Kind::Network, id, revision, true)
    }

    async fn security_group(&self, id: &str, revision: i64, _spec: &SecurityGroupSpec) -> Driven<()> {
        self.luck()?;
        self.realise(Kind::SecurityGroup, id, revision, true)
    }

    async fn port(&self, id: &str, revision: i64, spec: &PortSpec) -> Driven<()> {
        self.luck()?;
        self.needs(Kind::Network, &[&spec.network_id])?;
        if spec.port_security {
            let groups: Vec<_> = spec.security_groups.iter().map(String::as_str).collect();
            self.needs(Kind::SecurityGroup, &groups)?;
        }
        self.realise(Kind::Port, id, revision, spec.admin_up)
    }

    async fn router(&self, id: &str, revision: i64, spec: &RouterSpec) -> Driven<()> {
        self.luck()?;
        if let Some(bare) = spec.interfaces.iter().find(|interface| interface.addresses.is_empty()) {
            let port = &bare.port_id;
            return Err(DriverError::Refused(format!("port {port} of the router has no address")));
        }
        let inner = spec.interfaces.iter().map(|interface| interface.network_id.as_str());
        let outer = spec.gateway.iter().map(|gateway| gateway.network_id.as_str());
        self.needs(Kind::Network, &inner.chain(outer).collect::<Vec<_>>())?;
        self.realise(Kind::Router, id, revision, spec.admin_up)
    }

    async fn remove(&self, kind: Kind, id: &str) -> Driven<()> {
        self.luck()?;
        if kind == Kind::Server {
            return Err(DriverError::Refused("a switch holds no servers".to_owned()));
        }
        let mut state = self.state();
        if kind == Kind::Port {
            state.tap_set(id, false).map_err(failed)?;
        }
        state.switch_remove(kind.word(), id).map_err(failed)
    }

    async fn held(&self) -> Driven<Vec<(Kind, String, i64)>> {
        let state = self.state();
        let held = state.switch().iter().filter(|(_, held)| held.by == self.0.name);
        Ok(held.filter_map(|((kind, id), held)| Some((Kind::of(kind)?, id.clone(), held.revision))).collect())
    }

    async fn plug(&self, port_id: &str, _mac: &str, _mtu: u32) -> Driven<Tap> {
        self.luck()?;
        self.wire(port_id, true)?;
        let name = format!("tap{}", port_id.chars().take(11).collect::<String>());
        Ok(Tap { name, namespace: None, offloads: true })
    }

    async fn unplug(&self, port_id: &str) -> Driven<()> {
        self.luck()?;
        self.wire(port_id, false)
    }

    async fn plugged(&self) -> Driven<Vec<String>> {
        Ok(self.state().taps.iter().cloned().collect())
    }

    async fn port_up(&self, port_id: &str) -> Driven<bool> {
        let state = self.state();
        let port = state.switch_get(Kind::Port.word(), port_id);
        Ok(port.is_some_and(|port| port.admin_up) && state.is_plugged(port_id))
    }

    async fn metadata_listener(&self, _network_id: &str) -> Driven<Option<std::net::TcpListener>> {
        Ok(None)
    }

    async fn changed(&self) -> String {
        self.0.ports.next().await
    }
}
