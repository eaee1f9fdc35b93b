//! A host on simulated metal with its controller's end of the link, for the tests beside this folder.
#![allow(dead_code)]

pub mod fuse;

use agent::{Agent, Home, Parts};
use bytes::Bytes;
use futures_util::StreamExt;
use kernel::{Clock, Entropy};
use link::{Agents, LinkError};
use metal::network::{Dhcp, FixedIp, MetadataPort, NetworkSpec, PortSpec, SecurityGroupSpec, SubnetSpec};
use metal::server::{
    ImageSource, MachineState, Metadata, Power, Reboot, ServerObserved, ServerPort, ServerSpec,
};
use metal::{Kind, Observed, Report, Spec, Wanted};
use sha2::{Digest, Sha512};
use sim::{Config, Sim};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

pub type Reports = Arc<Mutex<HashMap<(Kind, String), Report>>>;

/// How long is waited for what has to come: a machine that is busy with other things is slow.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub const IMAGE: &[u8] = b"an image of a disk, as far as anybody can tell";

pub struct Rig {
    pub dir: tempfile::TempDir,
    pub sim: Sim,
    pub agents: Agents,
    pub agent: Option<Agent>,
    pub running: Option<JoinHandle<()>>,
    pub reports: Reports,
    pub host: String,
}

pub fn parts(sim: &Sim, entropy: Entropy) -> Parts {
    Parts {
        name: "host".to_owned(),
        address: "127.0.0.1".to_owned(),
        clock: Clock::system(),
        entropy,
        hypervisor: Arc::new(sim.clone()),
        switch: Arc::new(sim.clone()),
        disks: Arc::new(sim.clone()),
    }
}

/// Takes up the agent in `dir`. Waiting for the one before it to end must not keep that from ending.
pub async fn agent(dir: &Path, parts: Parts) -> Agent {
    let (dir, entropy) = (dir.join("agent"), parts.entropy.clone());
    let home = tokio::task::spawn_blocking(move || Home::open(&dir, &entropy)).await.unwrap();
    Agent::new(parts, home.unwrap())
}

/// Keeps the newest report of each object.
pub fn collect(agents: &Agents) -> Reports {
    let reports = Reports::default();
    let (mut receiver, kept) = (agents.reports(), reports.clone());
    tokio::spawn(async move {
        while let Some((_, report)) = receiver.recv().await {
            let mut kept = kept.lock().unwrap();
            let key = (report.kind, report.id.clone());
            let newer = |old: &Report| (report.epoch, report.sequence) > (old.epoch, old.sequence);
            if kept.get(&key).is_none_or(newer) {
                kept.insert(key, report);
            }
        }
    });
    reports
}

impl Rig {
    pub async fn new(config: Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sim = Sim::new(&dir.path().join("sim"), Entropy::seeded(7), config).unwrap();
        let agents = Agents::default();
        let reports = collect(&agents);
        let mut rig = Self { dir, sim, agents, agent: None, running: None, reports, host: String::new() };
        rig.start().await;
        rig
    }

    pub async fn start(&mut self) {
        let agent = agent(self.dir.path(), parts(&self.sim, Entropy::seeded(1))).await;
        let (dial, piped) = link::pipe();
        tokio::spawn(link::accept_pipe(self.agents.clone(), piped));
        let running = agent.clone();
        self.agent = Some(agent);
        self.running = Some(tokio::spawn(async move { running.run(dial).await }));
        self.host = until("the host joins", || self.agents.hosts().first().map(|host| host.id.clone())).await;
    }

    /// Ends the agent at once, wherever it is.
    pub async fn kill(&mut self) {
        self.agent = None;
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
        until("the host leaves", || self.agents.hosts().is_empty().then_some(())).await;
    }

    pub async fn ensure(&self, wanted: Wanted) {
        self.agents.ensure(&self.host, &wanted).await.unwrap();
    }

    pub fn report(&self, kind: Kind, id: &str) -> Option<Report> {
        self.reports.lock().unwrap().get(&(kind, id.to_owned())).cloned()
    }

    pub fn server(&self, id: &str) -> Option<ServerObserved> {
        match self.report(Kind::Server, id)?.observed {
            Observed::Server(server) => Some(*server),
            _ => None,
        }
    }

    /// Waits until the server's report at this revision is at rest in this state.
    pub async fn server_is(&self, id: &str, revision: i64, state: MachineState) -> ServerObserved {
        until(&format!("server {id} is {state:?} at {revision}"), || {
            let report = self.report(Kind::Server, id)?;
            self.server(id).filter(|server| {
                report.revision == revision && server.state == state && server.doing.is_none()
            })
        })
        .await
    }

    pub async fn gone(&self, kind: Kind, id: &str) {
        until(&format!("{kind} {id} is gone"), || {
            let report = self.report(kind, id)?;
            (report.observed == Observed::Gone).then_some(())
        })
        .await;
    }

    pub async fn put_image(&self) {
        put_image(&self.agents, &self.host).await.unwrap();
    }

    /// Network, group and port, and a server on it.
    pub async fn wire(&self) {
        for wanted in [port("p1", 1), network("n1", 1), group("g1", 1)] {
            self.ensure(wanted).await;
        }
        until("the port is applied", || {
            matches!(self.report(Kind::Port, "p1")?.observed, Observed::Applied { .. }).then_some(())
        })
        .await;
    }
}

pub async fn put_image(agents: &Agents, host: &str) -> Result<(), LinkError> {
    let data = futures_util::stream::iter([Ok(Bytes::from_static(IMAGE))]).boxed();
    agents.put_image(host, &image(), data).await
}

pub async fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "in vain: {what}");
        sleep(Duration::from_millis(2)).await;
    }
}

/// Nothing changes for a while.
pub async fn settles() {
    let _ = timeout(Duration::from_millis(100), std::future::pending::<()>()).await;
}

pub fn wanted(kind: Kind, id: &str, revision: i64, spec: Option<Spec>) -> Wanted {
    Wanted { format: Wanted::FORMAT, kind, id: id.to_owned(), timeline: 1, incarnation: 1, revision, spec }
}

pub fn tombstone(kind: Kind, id: &str, revision: i64) -> Wanted {
    wanted(kind, id, revision, None)
}

pub fn network(id: &str, revision: i64) -> Wanted {
    let subnet = SubnetSpec {
        id: "sub".to_owned(),
        cidr: "127.0.0.0/24".parse().unwrap(),
        gateway: None,
        dhcp: Some(Dhcp {
            server_mac: "fa:16:3e:00:00:02".to_owned(),
            server_address: "127.0.0.2".parse().unwrap(),
            lease_seconds: 3600,
            name_servers: vec![],
            routes: vec![],
        }),
    };
    let metadata = MetadataPort {
        id: format!("{id}-meta"),
        mac: "fa:16:3e:00:00:03".to_owned(),
        addresses: vec!["127.0.0.3/24".parse().unwrap()],
    };
    let spec = NetworkSpec {
        name: "net".to_owned(),
        mtu: 1442,
        provider: None,
        dns_domain: String::new(),
        subnets: vec![subnet],
        metadata: Some(metadata),
    };
    wanted(Kind::Network, id, revision, Some(Spec::Network(spec)))
}

pub fn group(id: &str, revision: i64) -> Wanted {
    let spec = SecurityGroupSpec { name: "default".to_owned(), stateful: true, rules: vec![] };
    wanted(Kind::SecurityGroup, id, revision, Some(Spec::SecurityGroup(spec)))
}

pub fn port_on(id: &str, revision: i64, network: &str, group: &str) -> Wanted {
    let spec = PortSpec {
        network_id: network.to_owned(),
        mac: "fa:16:3e:00:00:01".to_owned(),
        fixed_ips: vec![FixedIp { subnet_id: "sub".to_owned(), address: "127.0.0.1".parse().unwrap() }],
        admin_up: true,
        port_security: true,
        allowed_pairs: vec![],
        security_groups: vec![group.to_owned()],
        dns_names: vec![],
        bound_host: Some("host".to_owned()),
    };
    wanted(Kind::Port, id, revision, Some(Spec::Port(spec)))
}

pub fn port(id: &str, revision: i64) -> Wanted {
    port_on(id, revision, "n1", "g1")
}

pub fn image() -> ImageSource {
    let sha512 = base16ct::lower::encode_string(&Sha512::digest(IMAGE));
    ImageSource {
        id: "0badcafe-0000-4000-8000-000000000001".to_owned(),
        format: "raw".to_owned(),
        bytes: IMAGE.len() as u64,
        sha512,
    }
}

pub fn spec(ports: &[&str], power: Power) -> ServerSpec {
    let port = |id: &&str| ServerPort {
        port_id: (*id).to_owned(),
        network_id: "n1".to_owned(),
        mac: "fa:16:3e:00:00:01".to_owned(),
        addresses: vec!["127.0.0.1".parse().unwrap()],
        mtu: 1442,
    };
    ServerSpec {
        name: "vm".to_owned(),
        vcpus: 1,
        memory_mib: 64,
        disk_gib: 1,
        ephemeral_gib: 1,
        swap_mib: 64,
        image: image(),
        kernel: None,
        ramdisk: None,
        kernel_arguments: String::new(),
        ports: ports.iter().map(port).collect(),
        power,
        reboot: Reboot::default(),
        starts: 0,
        stop_seconds: 60,
        config_drive: true,
        metadata: Metadata { hostname: "vm.novalocal".to_owned(), ..Metadata::default() },
        hardware: Default::default(),
    }
}

pub fn server(id: &str, revision: i64, spec: ServerSpec) -> Wanted {
    wanted(Kind::Server, id, revision, Some(Spec::Server(Box::new(spec))))
}
