//! A host that carries out at once what it is asked for.

use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt};
use link::{Ensured, Host, HostError, LedgerEntry, Rank};
use metal::driver::{Data, Duplex};
use metal::server::{ImageSource, MachineState, Power, ServerObserved};
use metal::{HostFacts, Kind, Observed, Report, Spec, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::Mutex;
use tokio::io::AsyncWriteExt;
use tokio::sync::broadcast;

pub struct FakeHost {
    facts: HostFacts,
    state: Mutex<State>,
    told: broadcast::Sender<Report>,
}

#[derive(Default)]
struct State {
    ledger: BTreeMap<String, Wanted>,
    reports: BTreeMap<String, Report>,
    images: BTreeSet<String>,
    sequence: i64,
    touched: bool,
    /// What the next machines do instead of what is wanted.
    stuck: Option<String>,
}

impl FakeHost {
    pub fn new(name: &str, vcpus: u32, memory_mib: u64) -> Arc<Self> {
        let facts = HostFacts {
            name: name.to_owned(),
            id: "33333333-0000-4000-8000-000000000001".to_owned(),
            version: "1".to_owned(),
            epoch: 1,
            metal: "sim".to_owned(),
            vcpus,
            memory_mib,
            disk_gib: 1000,
            disk_free_gib: 900,
            acceleration: "sim".to_owned(),
            hypervisor: "QEMU".to_owned(),
            hypervisor_version: 7_002_001,
            cpu_info: "{\"arch\": \"x86_64\"}".to_owned(),
            address: "127.0.0.1".to_owned(),
            physical_networks: Vec::new(),
            traits: Vec::new(),
        };
        Arc::new(Self { facts, state: Mutex::default(), told: broadcast::channel(1024).0 })
    }

    /// Nothing was asked of it since the last time.
    pub fn quiet(&self) -> bool {
        !std::mem::take(&mut self.state.lock().unwrap().touched)
    }

    /// Machines that are asked for from now on fail with this.
    pub fn fail_with(&self, why: &str) {
        self.state.lock().unwrap().stuck = Some(why.to_owned());
    }

    /// The images that it has copies of.
    pub fn images(&self) -> Vec<String> {
        self.state.lock().unwrap().images.iter().cloned().collect()
    }

    /// What is wanted of a server, if it is anything.
    pub fn wanted(&self, id: &str) -> Option<Wanted> {
        self.state.lock().unwrap().ledger.get(id).cloned()
    }

    pub fn servers(&self) -> Vec<String> {
        self.state.lock().unwrap().ledger.keys().cloned().collect()
    }

    /// The last report of each server.
    pub fn last_reports(&self) -> Vec<Report> {
        self.state.lock().unwrap().reports.values().cloned().collect()
    }

    /// Something else than we put there lies in the ledger.
    pub fn plant(&self, wanted: Wanted) {
        self.state.lock().unwrap().ledger.insert(wanted.id.clone(), wanted);
    }

    /// The machine dies.
    pub fn kill(&self, id: &str, why: &str) {
        let mut state = self.state.lock().unwrap();
        let wanted = state.ledger[id].clone();
        let observed =
            ServerObserved { stopped_because: Some(why.to_owned()), ..ServerObserved::of(MachineState::Off) };
        self.tell(&mut state, &wanted, Observed::Server(Box::new(observed)));
    }

    fn tell(&self, state: &mut State, wanted: &Wanted, observed: Observed) {
        state.sequence += 1;
        state.touched = true;
        let report = Report {
            kind: Kind::Server,
            id: wanted.id.clone(),
            timeline: wanted.timeline,
            incarnation: wanted.incarnation,
            revision: wanted.revision,
            epoch: 1,
            sequence: state.sequence,
            observed,
        };
        state.reports.insert(wanted.id.clone(), report.clone());
        let _ = self.told.send(report);
    }

    fn carry_out(&self, state: &mut State, wanted: &Wanted) {
        let Some(Spec::Server(spec)) = &wanted.spec else {
            self.tell(state, wanted, Observed::Gone);
            return;
        };
        let mut observed = ServerObserved::of(match spec.power {
            Power::On => MachineState::Running,
            Power::Off => MachineState::Off,
            Power::Paused => MachineState::Paused,
            Power::Suspended => MachineState::Suspended,
        });
        observed.reboots = spec.reboot.count;
        observed.ports = spec.ports.iter().map(|port| port.port_id.clone()).collect();
        if !state.images.contains(&spec.image.id) {
            observed = ServerObserved {
                missing_images: vec![spec.image.id.clone()],
                ..ServerObserved::of(MachineState::Absent)
            };
        } else if let Some(why) = &state.stuck {
            observed =
                ServerObserved { fault: Some(why.clone()), ..ServerObserved::of(MachineState::Absent) };
        }
        self.tell(state, wanted, Observed::Server(Box::new(observed)));
    }
}

#[async_trait]
impl Host for FakeHost {
    async fn hello(&self) -> Result<HostFacts, HostError> {
        Ok(self.facts.clone())
    }

    async fn ensure(&self, wanted: Wanted) -> Result<Ensured, HostError> {
        let mut state = self.state.lock().unwrap();
        state.touched = true;
        if let Some(held) = state.ledger.get(&wanted.id) {
            if held.rank() > wanted.rank() {
                return Err(HostError::Stale { held: held.rank() });
            }
            if held.rank() == wanted.rank() {
                let same = held.digest() == wanted.digest();
                return if same { Ok(Ensured::Same) } else { Err(HostError::Conflict) };
            }
        }
        state.ledger.insert(wanted.id.clone(), wanted.clone());
        self.carry_out(&mut state, &wanted);
        Ok(Ensured::Accepted)
    }

    async fn ledger(&self) -> Result<Vec<LedgerEntry>, HostError> {
        let state = self.state.lock().unwrap();
        let entry = |wanted: &Wanted| LedgerEntry {
            kind: wanted.kind,
            id: wanted.id.clone(),
            timeline: wanted.timeline,
            incarnation: wanted.incarnation,
            revision: wanted.revision,
            hash: wanted.digest(),
            tombstone: wanted.spec.is_none(),
        };
        Ok(state.ledger.values().map(entry).collect())
    }

    fn reports(&self, _kinds: Vec<Kind>) -> BoxStream<'static, Report> {
        let state = self.state.lock().unwrap();
        let last: Vec<Report> = state.reports.values().cloned().collect();
        let receiver = self.told.subscribe();
        let changes = futures_util::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.ok().map(|report| (report, receiver))
        });
        futures_util::stream::iter(last).chain(changes).boxed()
    }

    async fn image_has(&self, image: ImageSource) -> Result<bool, HostError> {
        Ok(self.state.lock().unwrap().images.contains(&image.id))
    }

    async fn image_put(&self, image: ImageSource, mut data: Data) -> Result<(), HostError> {
        while let Some(part) = data.next().await {
            part.map_err(HostError::failed)?;
        }
        let mut state = self.state.lock().unwrap();
        state.images.insert(image.id);
        let all: Vec<Wanted> = state.ledger.values().cloned().collect();
        for wanted in all {
            self.carry_out(&mut state, &wanted);
        }
        Ok(())
    }

    async fn image_forget(&self, image_id: String) -> Result<(), HostError> {
        let mut state = self.state.lock().unwrap();
        state.touched = true;
        let needs =
            |wanted: &Wanted| matches!(&wanted.spec, Some(Spec::Server(spec)) if spec.image.id == image_id);
        if state.ledger.values().any(needs) {
            return Err(HostError::NotYet { why: format!("a server needs image {image_id}") });
        }
        state.images.remove(&image_id);
        Ok(())
    }

    async fn console_log(&self, _server_id: String, _bytes: u64) -> Result<Vec<u8>, HostError> {
        Ok(b"booting\x07\nlogin:\n".to_vec())
    }

    async fn screen(&self, _server_id: String) -> Result<Box<dyn Duplex>, HostError> {
        let (mut here, there) = tokio::io::duplex(1024);
        tokio::spawn(async move {
            let _ = here.write_all(b"RFB 003.008\n").await;
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        });
        Ok(Box::new(there))
    }

    async fn forget(&self, _kind: Kind, id: String, rank: Rank) -> Result<(), HostError> {
        let mut state = self.state.lock().unwrap();
        if state.ledger.get(&id).is_some_and(|held| held.rank() == rank && held.spec.is_none()) {
            state.ledger.remove(&id);
            state.reports.remove(&id);
        }
        Ok(())
    }

    async fn status(&self) -> Result<serde_json::Value, HostError> {
        Ok(serde_json::json!({}))
    }
}
