//! The agent is ended at random moments, two hundred times; afterwards nothing is stuck and nothing is left over.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod rig;

use agent::Agent;
use kernel::Entropy;
use link::Agents;
use metal::driver::{Disks, Hypervisor, Switch};
use metal::server::{MachineState, Power, ServerSpec};
use metal::{Kind, Observed, Spec, Wanted};
use rig::fuse::Fused;
use rig::{PATIENCE, collect, group, network, parts, port, put_image, server, tombstone, until};
use sim::{Config, Luck, Sim};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const ROUNDS: u64 = 200;
const SERVERS: [&str; 4] = ["s0", "s1", "s2", "s3"];
const PORTS: [&str; 5] = ["p0", "p1", "p2", "p3", "p4"];

/// What a controller wants of the host.
struct Cloud {
    wanted: BTreeMap<(Kind, String), Wanted>,
    revision: i64,
    entropy: Entropy,
}

impl Cloud {
    fn new(entropy: Entropy) -> Self {
        let mut cloud = Self { wanted: BTreeMap::new(), revision: 0, entropy };
        cloud.want(network("n1", 0));
        cloud.want(group("g1", 0));
        for id in PORTS {
            cloud.want(port(id, 0));
        }
        cloud
    }

    fn want(&mut self, mut wanted: Wanted) {
        self.revision += 1;
        wanted.revision = self.revision;
        let key = (wanted.kind, wanted.id.clone());
        if let Some(held) = self.wanted.get(&key) {
            wanted.incarnation = wanted.incarnation.max(held.incarnation);
        }
        self.wanted.insert(key, wanted);
    }

    fn spec(&self, id: &str) -> Option<ServerSpec> {
        match &self.wanted.get(&(Kind::Server, id.to_owned()))?.spec {
            Some(Spec::Server(spec)) => Some((**spec).clone()),
            _ => None,
        }
    }

    fn pick<'a>(&self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.entropy.below(from.len() as u64)).unwrap()]
    }

    /// Ports that no server has and that are not gone.
    fn free_ports(&self) -> Vec<&'static str> {
        let used: Vec<String> = SERVERS
            .iter()
            .filter_map(|id| self.spec(id))
            .flat_map(|spec| spec.ports.into_iter().map(|port| port.port_id))
            .collect();
        PORTS.into_iter().filter(|id| !used.iter().any(|used| used == id)).collect()
    }

    /// Changes something; answers the server that was asked to reboot, if that is what was done.
    fn change(&mut self) -> Option<&'static str> {
        let id = self.pick(&SERVERS);
        let Some(mut spec) = self.spec(id) else {
            let mut new = server(id, 0, rig::spec(&[], Power::On));
            if let Some(port) = self.free_ports().first() {
                new = server(id, 0, rig::spec(&[port], Power::On));
            }
            let before = self.wanted.get(&(Kind::Server, id.to_owned())).map_or(0, |held| held.incarnation);
            new.incarnation = before + 1;
            self.want(new);
            return None;
        };
        let (mut incarnation, was) = (0, spec.power);
        let mut rebooted = None;
        match self.entropy.below(10) {
            0 => spec.power = Power::Off,
            1 => spec.power = Power::On,
            2 => spec.power = Power::Paused,
            3 => spec.power = Power::Suspended,
            4 | 5 => {
                spec.power = Power::On;
                spec.reboot.count += 1;
                spec.reboot.hard = self.entropy.below(2) == 0;
                rebooted = Some(id);
            }
            6 => spec.ports.clear(),
            7 => {
                let free = self.free_ports();
                let ports: Vec<_> = free.into_iter().take(2).collect();
                spec.ports = rig::spec(&ports, Power::On).ports;
            }
            8 => incarnation = self.wanted[&(Kind::Server, id.to_owned())].incarnation + 1,
            _ => {
                self.want(tombstone(Kind::Server, id, 0));
                return None;
            }
        }
        if was == Power::Off && spec.power != Power::Off {
            spec.starts += 1;
        }
        let mut changed = server(id, 0, spec);
        changed.incarnation = incarnation;
        self.want(changed);
        rebooted
    }
}

struct Host {
    agent: Agent,
    running: JoinHandle<()>,
    fused: Fused,
}

async fn start(dir: &std::path::Path, sim: &Sim, agents: &Agents, seed: u64, steps: i64) -> (Host, String) {
    let fused = Fused::new(sim, steps);
    let mut parts = parts(sim, Entropy::seeded(seed));
    parts.hypervisor = Arc::new(fused.clone());
    parts.switch = Arc::new(fused.clone());
    parts.disks = Arc::new(fused.clone());
    let agent = rig::agent(dir, parts).await;
    let (dial, piped) = link::pipe();
    tokio::spawn(link::accept_pipe(agents.clone(), piped));
    let runner = agent.clone();
    let running = tokio::spawn(async move { runner.run(dial).await });
    let id = std::fs::read_to_string(dir.join("agent/host-id")).unwrap().trim().to_owned();
    (Host { agent, running, fused }, id)
}

async fn end(host: Host, agents: &Agents) {
    drop(host.agent);
    host.running.abort();
    let _ = host.running.await;
    until("the host leaves", || agents.hosts().is_empty().then_some(())).await;
}

/// Everything wanted is sent, as by a controller that has just met the host. The link may break meanwhile.
async fn send(cloud: &Cloud, agents: &Agents, host: &str) {
    for wanted in cloud.wanted.values() {
        let _ = agents.ensure(host, wanted).await;
    }
}

fn state_of(power: Power) -> MachineState {
    match power {
        Power::On => MachineState::Running,
        Power::Off => MachineState::Off,
        Power::Paused => MachineState::Paused,
        Power::Suspended => MachineState::Suspended,
    }
}

#[tokio::test]
async fn whenever_it_is_ended_it_goes_on() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let entropy = Entropy::seeded(seed);
    let dir = tempfile::tempdir().unwrap();
    let sim_dir = dir.path().join("sim");
    let mut cloud = Cloud::new(entropy.clone());
    let (mut blown_fuses, mut reboots) = (0, 0);
    for round in 0..ROUNDS {
        let sim = Sim::new(&sim_dir, Entropy::seeded(seed ^ round), Config::default()).unwrap();
        let agents = Agents::default();
        let before: BTreeMap<&str, u32> = SERVERS.iter().map(|id| (*id, sim.boots(id))).collect();
        let alive: Vec<&str> = SERVERS
            .into_iter()
            .filter(|id| cloud.spec(id).is_some_and(|spec| spec.power == Power::On))
            .collect();
        let mut rebooted = Vec::new();
        let changes = 1 + entropy.below(3);
        for _ in 0..changes {
            rebooted.push(cloud.change());
        }
        if round % 5 == 4 {
            sim.set_luck(Luck { one_in: 5 });
        }
        // Several agents die over one change.
        for attempt in 0..1 + entropy.below(3) {
            let steps = i64::try_from(entropy.below(60)).unwrap();
            let (host, id) = start(dir.path(), &sim, &agents, round * 8 + attempt, steps).await;
            let (blown, wait) = (host.fused.blown.clone(), Duration::from_micros(entropy.below(30_000)));
            let work = async {
                let mut who = agents.attendance();
                who.next().await;
                let _ = put_image(&agents, &id).await;
                send(&cloud, &agents, &id).await;
                tokio::time::sleep(wait).await;
            };
            tokio::select! {
                () = work => {}
                () = blown.notified() => blown_fuses += 1,
            }
            end(host, &agents).await;
        }
        sim.set_luck(Luck::default());
        let reports = collect(&agents);
        let (host, id) = start(dir.path(), &sim, &agents, round * 8 + 7, i64::MAX).await;
        until("the host joins", || agents.host(&id)).await;
        put_image(&agents, &id).await.unwrap();
        send(&cloud, &agents, &id).await;
        for (key, wanted) in &cloud.wanted {
            let reached = || {
                let reports = reports.lock().unwrap();
                let report = reports.get(key).filter(|report| {
                    (report.timeline, report.incarnation, report.revision) == wanted.rank()
                })?;
                is_as_wanted(wanted, &report.observed).then_some(())
            };
            let waiting = until("", reached);
            if tokio::time::timeout(PATIENCE / 2, waiting).await.is_err() {
                let report = reports.lock().unwrap().get(key).cloned();
                let status = host.agent.status();
                panic!("seed {seed} round {round}: {wanted:#?}\n is {report:#?}\n{status:#}");
            }
        }
        is_clean(&cloud, &sim, &format!("seed {seed} round {round}")).await;
        if let ([Some(id)], true) = (rebooted.as_slice(), alive.contains(&rebooted[0].unwrap_or(""))) {
            assert_eq!(sim.boots(id), before[id] + 1, "seed {seed} round {round}: one reboot of {id}");
            reboots += 1;
        }
        for (key, wanted) in cloud.wanted.iter().filter(|(_, wanted)| wanted.spec.is_none()) {
            agents.forget(&id, key.0, &key.1, wanted.rank()).await.unwrap();
        }
        end(host, &agents).await;
    }
    println!("{blown_fuses} agents died at a driver's call, {reboots} reboots were counted");
    assert!(blown_fuses > ROUNDS / 2 && reboots > 0);
}

fn is_as_wanted(wanted: &Wanted, observed: &Observed) -> bool {
    match (&wanted.spec, observed) {
        (None, Observed::Gone) => true,
        (Some(Spec::Server(spec)), Observed::Server(server)) => {
            let mut ports: Vec<_> = spec.ports.iter().map(|port| port.port_id.clone()).collect();
            ports.sort();
            let is_alive = matches!(spec.power, Power::On | Power::Paused);
            let saved = |fault: &String| fault.contains("was saved with port");
            let is_hard = spec.reboot.hard && spec.reboot.count > server.reboots;
            if server.state == MachineState::Suspended && server.fault.as_ref().is_some_and(saved) {
                // It cannot wake up without a port that was taken from it meanwhile. A hard reboot needs none.
                return !is_hard;
            }
            // What never ran in this life and was asked to stop in time may be off without ever having been on.
            server.state == state_of(spec.power)
                && server.fault.is_none()
                && server.doing.is_none()
                && (!is_alive || server.ports == ports)
                && (spec.power != Power::On || server.reboots >= spec.reboot.count)
        }
        (Some(_), Observed::Applied { .. }) => true,
        _ => false,
    }
}

async fn is_clean(cloud: &Cloud, sim: &Sim, when: &str) {
    let (mut servers, mut taps) = (Vec::new(), Vec::new());
    for id in SERVERS {
        if let Some(spec) = cloud.spec(id) {
            servers.push(id.to_owned());
            if matches!(spec.power, Power::On | Power::Paused) {
                taps.extend(spec.ports.into_iter().map(|port| port.port_id));
            }
        }
    }
    taps.sort();
    assert_eq!(sim.servers().await.unwrap(), servers, "{when}: disks");
    // A port that was passed on to a server that is off is let go a moment after both are settled.
    let began = Instant::now();
    while sim.plugged().await.unwrap() != taps && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(sim.plugged().await.unwrap(), taps, "{when}: taps");
    let machines = sim.machines().await.unwrap();
    assert!(machines.iter().all(|machine| servers.contains(&machine.id)), "{when}: machines");
    for machine in machines {
        let wanted = &cloud.wanted[&(Kind::Server, machine.id.clone())];
        assert_eq!(machine.incarnation, wanted.incarnation, "{when}: {}", machine.id);
    }
    let held: Vec<_> = sim.held().await.unwrap().into_iter().map(|(kind, id, _)| (kind, id)).collect();
    let mut expected: Vec<_> =
        cloud.wanted.keys().filter(|(kind, _)| *kind != Kind::Server).cloned().collect::<Vec<_>>();
    expected.sort_by(|a, b| (a.0.word(), &a.1).cmp(&(b.0.word(), &b.1)));
    assert_eq!(held, expected, "{when}: the switch");
}
