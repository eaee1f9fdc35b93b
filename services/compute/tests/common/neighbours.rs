//! The other services, as small as they can be.

use super::{IMAGE, NETWORK};
use async_trait::async_trait;
use contract::image::ImageFacts;
use contract::network::{NetworkData, NetworkFacts, PortFacts, PortOrder, PortShown};
use contract::placement::{Amounts, Candidate, Stock};
use contract::{Identity, Images, Networks, Placement};
use fault::Fault;
use futures_util::StreamExt;
use metal::driver::Data;
use metal::server::ServerPort;
use policy::Who;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;
use store::Tx;

pub struct Directory;

impl Identity for Directory {
    fn has_project(&self, _: &Tx, project_id: &str) -> Result<bool, Fault> {
        Ok(project_id != "nowhere")
    }
    fn has_user(&self, _: &Tx, _: &str) -> Result<bool, Fault> {
        Ok(true)
    }
    fn project_named(&self, _: &Tx, name: &str) -> Result<Option<String>, Fault> {
        Ok(Some(name.to_owned()))
    }
}

pub struct Gallery;

impl Gallery {
    fn facts(id: &str) -> Option<ImageFacts> {
        (id == IMAGE).then(|| ImageFacts {
            id: id.to_owned(),
            name: "tiny".into(),
            status: "active".into(),
            disk_format: "qcow2".into(),
            container_format: "bare".into(),
            bytes: 1 << 20,
            virtual_bytes: 1 << 25,
            sha512: "0".repeat(128),
            min_disk_gib: 0,
            min_ram_mib: 64,
            properties: BTreeMap::from([("hw_disk_bus".to_owned(), "virtio".to_owned())]),
        })
    }
}

#[async_trait]
impl Images for Gallery {
    fn image(&self, _: &Tx, _: &Who, image_id: &str) -> Result<Option<ImageFacts>, Fault> {
        Ok(Self::facts(image_id))
    }
    fn image_by_id(&self, _: &Tx, image_id: &str) -> Result<Option<ImageFacts>, Fault> {
        Ok(Self::facts(image_id))
    }
    async fn data(&self, _: &str) -> Result<Data, Fault> {
        Ok(futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"data"))]).boxed())
    }
}

/// Ports in memory; up as soon as they are bound, unless told otherwise.
#[derive(Default)]
pub struct Wires {
    pub ports: Mutex<BTreeMap<String, PortFacts>>,
    /// No port can be made.
    pub full: Mutex<bool>,
}

impl Wires {
    fn make(&self, tx: &Tx, order: &PortOrder) -> PortFacts {
        let mut ports = self.ports.lock().unwrap();
        let number = u8::try_from(ports.len() + 10).unwrap();
        let address = order.fixed_ip.unwrap_or(IpAddr::V4(Ipv4Addr::new(10, 0, 0, number)));
        let id = tx.entropy().dashed_id();
        let wiring = ServerPort {
            port_id: id.clone(),
            network_id: NETWORK.to_owned(),
            mac: format!("fa:16:3e:00:00:{number:02x}"),
            addresses: vec![address],
            mtu: 1442,
        };
        let port = PortFacts {
            id: id.clone(),
            project_id: "p".into(),
            device_id: order.device_id.clone(),
            device_owner: order.device_owner.clone(),
            up: false,
            status: "DOWN".into(),
            network_name: "private".into(),
            fixed_ips: vec![("44444444-0000-4000-8000-000000000001".into(), address)],
            floating_ips: Vec::new(),
            security_groups: vec![("g".into(), "default".into())],
            network_data: NetworkData { link: json!({"id": id}), networks: Vec::new(), services: Vec::new() },
            vnic_type: "normal".into(),
            made_by_compute: true,
            wiring,
        };
        ports.insert(id, port.clone());
        port
    }
}

impl Networks for Wires {
    fn network(&self, _: &Tx, _: &Who, network_id: &str) -> Result<Option<NetworkFacts>, Fault> {
        Ok((network_id == NETWORK).then(|| NetworkFacts {
            id: NETWORK.to_owned(),
            name: "private".into(),
            project_id: "p".into(),
            shared: false,
            external: false,
            has_subnet: true,
            port_security: true,
        }))
    }
    fn networks_for(&self, tx: &Tx, who: &Who) -> Result<Vec<NetworkFacts>, Fault> {
        Ok(self.network(tx, who, NETWORK)?.into_iter().collect())
    }
    fn security_group(&self, _: &Tx, _: &Who, id_or_name: &str) -> Result<Option<String>, Fault> {
        Ok((id_or_name == "default").then(|| "g".to_owned()))
    }
    fn port(&self, _: &Tx, _: &Who, port_id: &str) -> Result<Option<PortFacts>, Fault> {
        Ok(self.ports.lock().unwrap().get(port_id).cloned())
    }
    fn ports_of(&self, _: &Tx, server_id: &str) -> Result<Vec<PortFacts>, Fault> {
        let ports = self.ports.lock().unwrap();
        Ok(ports.values().filter(|port| port.device_id == server_id).cloned().collect())
    }
    fn ports_shown(&self, _: &Tx, server_ids: &[String]) -> Result<Vec<PortShown>, Fault> {
        let ports = self.ports.lock().unwrap();
        let own = ports.values().filter(|port| server_ids.contains(&port.device_id)).cloned();
        let shown = |port: PortFacts| PortShown {
            id: port.id,
            server_id: port.device_id,
            mac: port.wiring.mac,
            network_name: port.network_name,
            fixed_ips: port.wiring.addresses,
            floating_ips: port.floating_ips,
            security_groups: port.security_groups.into_iter().map(|(_, name)| name).collect(),
        };
        Ok(own.map(shown).collect())
    }
    fn port_order(&self, tx: &Tx, _: &Who, order: &PortOrder) -> Result<PortFacts, Fault> {
        if *self.full.lock().unwrap() {
            return Err(Fault::over_quota("Quota exceeded for resources: ['port']."));
        }
        Ok(self.make(tx, order))
    }
    fn port_take(&self, _: &Tx, port_id: &str, order: &PortOrder) -> Result<PortFacts, Fault> {
        let mut ports = self.ports.lock().unwrap();
        let port = ports.get_mut(port_id).ok_or_else(|| Fault::not_found("no port"))?;
        port.device_id = order.device_id.clone();
        port.made_by_compute = false;
        Ok(port.clone())
    }
    fn ports_bind(&self, tx: &Tx, server_id: &str, host: Option<&str>) -> Result<(), Fault> {
        for port in self.ports.lock().unwrap().values_mut().filter(|port| port.device_id == server_id) {
            port.up = host.is_some();
            port.status = if port.up { "ACTIVE" } else { "DOWN" }.to_owned();
            reconcile::touched(tx, "port", &port.id)?;
        }
        Ok(())
    }
    fn port_give_back(&self, _: &Tx, port_id: &str) -> Result<(), Fault> {
        self.ports.lock().unwrap().remove(port_id);
        Ok(())
    }
    fn fixed_ip_add(&self, _: &Tx, _: &str, _: &str) -> Result<IpAddr, Fault> {
        Err(Fault::conflict("No more IP addresses available."))
    }
    fn fixed_ip_remove(&self, _: &Tx, _: &str, _: IpAddr) -> Result<bool, Fault> {
        Ok(false)
    }
    fn security_group_apply(&self, _: &Tx, _: &str, _: &str, _: bool) -> Result<(), Fault> {
        Ok(())
    }
}

/// Providers and what is taken of them.
#[derive(Default)]
pub struct Shelf {
    pub providers: Mutex<BTreeMap<String, Candidate>>,
    pub claims: Mutex<BTreeMap<String, (String, Amounts)>>,
    /// What somebody else does, once, just before a claim, which is therefore refused.
    pub rival: Mutex<Option<fn(&Tx)>>,
}

impl Shelf {
    fn used_of(&self, provider_id: &str) -> Amounts {
        let mut sum = Amounts::new();
        for (_, amounts) in
            self.claims.lock().unwrap().values().filter(|(provider, _)| provider == provider_id)
        {
            for (class, amount) in amounts {
                *sum.entry(class.clone()).or_default() += amount;
            }
        }
        sum
    }
}

impl Placement for Shelf {
    fn provider_ensure(
        &self,
        _: &Tx,
        id: &str,
        name: &str,
        stock: &BTreeMap<String, Stock>,
        _: &[String],
    ) -> Result<(), Fault> {
        let candidate = Candidate {
            provider_id: id.to_owned(),
            name: name.to_owned(),
            generation: 1,
            stock: stock.clone(),
            used: Amounts::new(),
        };
        self.providers.lock().unwrap().insert(id.to_owned(), candidate);
        Ok(())
    }
    fn provider_remove(&self, _: &Tx, id: &str) -> Result<(), Fault> {
        self.providers.lock().unwrap().remove(id);
        Ok(())
    }
    fn candidates(&self, _: &Tx, _: &Amounts, _: &[String], _: &[String]) -> Result<Vec<Candidate>, Fault> {
        let all: Vec<Candidate> = self.providers.lock().unwrap().values().cloned().collect();
        Ok(all.into_iter().map(|one| Candidate { used: self.used_of(&one.provider_id), ..one }).collect())
    }
    fn provider(&self, _: &Tx, id: &str) -> Result<Option<Candidate>, Fault> {
        let found = self.providers.lock().unwrap().get(id).cloned();
        Ok(found.map(|one| Candidate { used: self.used_of(id), ..one }))
    }
    fn roomiest(&self, tx: &Tx, skip: usize, most: usize) -> Result<Vec<Candidate>, Fault> {
        let mut all = self.candidates(tx, &Amounts::new(), &[], &[])?;
        all.sort_by(|a, b| b.room().total_cmp(&a.room()).then_with(|| a.name.cmp(&b.name)));
        Ok(all.into_iter().skip(skip).take(most).collect())
    }
    fn traits(&self, _: &Tx, _: &str) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }
    fn claim(
        &self,
        tx: &Tx,
        consumer_id: &str,
        candidate: &Candidate,
        amounts: &Amounts,
        _: &str,
        _: &str,
    ) -> Result<(), Fault> {
        if let Some(rival) = self.rival.lock().unwrap().take() {
            rival(tx);
            return Err(Fault::conflict("somebody was quicker"));
        }
        self.claims
            .lock()
            .unwrap()
            .insert(consumer_id.to_owned(), (candidate.provider_id.clone(), amounts.clone()));
        Ok(())
    }
    fn release(&self, _: &Tx, consumer_id: &str) -> Result<(), Fault> {
        self.claims.lock().unwrap().remove(consumer_id);
        Ok(())
    }
    fn used(&self, _: &Tx) -> Result<BTreeMap<String, Amounts>, Fault> {
        let providers: BTreeSet<String> =
            self.claims.lock().unwrap().values().map(|(id, _)| id.clone()).collect();
        Ok(providers.into_iter().map(|id| (id.clone(), self.used_of(&id))).collect())
    }
}
