//! A whole cloud in one process whose parts die apart: a controller, agents, the wires between them, and metal that stays.

use super::coverage::Coverage;
use super::wire::{Wire, Wires};
use crate::driver_calls::DriverCalls;
use crate::keep::Passwords;
use crate::settings::{Metal, Said, Settings};
use crate::wire_up;
use agent::{Agent, Home, Parts};
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use kernel::{Clock, Entropy};
use metal::driver::Hypervisor;
use metal::server::MachineState;
use prometheus_client::registry::Registry;
use reconcile::{Handle, harness};
use serde_json::{Value, json};
use sim::{Config, Control, Pace, Sim};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::Db;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use web::Site;
use web::metrics::Requests;

/// How many hosts a cloud has.
pub const HOSTS: usize = 3;

/// How often something dies at a point where it may: once in so many.
const LUCK: u64 = 60;

/// What is known of the world whatever dies.
pub struct Cloud {
    pub pace: Pace,
    pub dice: Entropy,
    dir: PathBuf,
    settings: Settings,
    wires: Wires,
    sims: Vec<Sim>,
    hosts: Vec<Host>,
    controller: Option<Controller>,
    starts: u64,
    pub token: String,
    pub coverage: Coverage,
    /// Things may die by themselves.
    pub mortal: Arc<AtomicBool>,
    /// What must never be, and was.
    pub wrong: Arc<Mutex<Vec<String>>>,
}

struct Host {
    wire: Wire,
    running: Option<JoinHandle<()>>,
    died: Arc<AtomicBool>,
}

struct Controller {
    db: Db,
    site: Arc<Site>,
    /// Dropping it would let rounds end in peace.
    engine: Handle,
    tasks: JoinSet<()>,
    died: Arc<AtomicBool>,
}

fn settings(dir: &Path) -> Settings {
    Settings::of(Said {
        state_dir: Some(dir.to_owned()),
        metal: Some(Metal::Sim),
        password_cost: Some(4),
        host_name: Some("h".to_owned()),
        ..Said::default()
    })
    .unwrap()
}

impl Cloud {
    /// A cloud in a directory, which may hold one already. Everything is switched off.
    pub fn new(dir: &Path, pace: Pace, seed: u64) -> Self {
        let dice = Entropy::seeded_anew(seed, 1_000_000);
        let clock = pace.clock().clone();
        let control = Control::new(clock, &dice);
        let config = Config {
            boot: "300ms ± 300ms".parse().unwrap(),
            stop: "200ms ± 200ms".parse().unwrap(),
            ..Config::default()
        };
        let configs = (0..HOSTS).map(|number| (format!("h{number}"), config.clone())).collect();
        let sims = Sim::fleet(&dir.join("sim"), &control, &dice, configs).unwrap();
        let wires = Wires::new(dice.clone());
        let host = |_| Host { wire: wires.wire(), running: None, died: Arc::default() };
        let hosts = (0..HOSTS).map(host).collect();
        let token = std::fs::read_to_string(dir.join("token")).unwrap_or_default();
        Self {
            pace,
            dice,
            dir: dir.to_owned(),
            settings: settings(dir),
            wires,
            sims,
            hosts,
            controller: None,
            starts: 0,
            token,
            coverage: Coverage::default(),
            mortal: Arc::default(),
            wrong: Arc::default(),
        }
    }

    pub fn clock(&self) -> &Clock {
        self.pace.clock()
    }

    /// Randomness of a part that starts.
    fn entropy(&mut self) -> Entropy {
        self.starts += 1;
        Entropy::seeded_anew(self.dice.below(u64::MAX), self.starts)
    }

    pub fn controller_start(&mut self) {
        if self.controller.is_some() {
            return;
        }
        let (clock, entropy) = (self.clock().clone(), self.entropy());
        let db = wire_up::open_store(&self.settings, &clock, &entropy).unwrap();
        let passwords = match Passwords::kept(&self.dir).unwrap() {
            Some(passwords) => passwords,
            None => Passwords::make(&self.dir, &entropy).unwrap(),
        };
        let requests = Requests::register(&mut Registry::default());
        let (url, policy) = ("http://cloud.test", wire_up::policy().unwrap());
        let made = wire_up::controller(db, &self.settings, url, Some(&passwords), requests, policy, None);
        let made = made.unwrap();
        let died = Arc::new(AtomicBool::new(false));
        let (mortal, dice, coverage, gone) =
            (self.mortal.clone(), self.dice.clone(), self.coverage.clone(), died.clone());
        let dies = move |kind: &str, step| {
            let dies = mortal.load(Ordering::SeqCst)
                && (gone.load(Ordering::SeqCst) || dice.below(coverage.luck(kind, step, LUCK)) == 0);
            if dies && !gone.swap(true, Ordering::SeqCst) {
                coverage.round(kind, step);
            }
            dies
        };
        for kind in made.engine.kinds() {
            self.coverage.knows(kind);
        }
        let engine = harness::mortal(made.engine.clone(), dies).start(8);
        let (sender, piped) = mpsc::channel(4);
        self.wires.listen(Some(sender));
        let mut tasks = JoinSet::new();
        tasks.spawn(link::accept_pipe(made.agents.clone(), piped));
        tasks.spawn(made.compute.clone().follow());
        tasks.spawn(made.network.clone().follow());
        self.controller = Some(Controller { db: made.db, site: made.site, engine, tasks, died });
    }

    /// The controller's process is no more.
    pub fn controller_kill(&mut self) {
        let Some(controller) = self.controller.take() else { return };
        controller.db.die();
        self.wires.listen(None);
        self.hosts.iter().for_each(|host| host.wire.cut());
        let Controller { mut tasks, engine, .. } = controller;
        tasks.abort_all();
        // What it left behind hangs at the dead store, for good.
        drop(engine);
    }

    pub fn host_start(&mut self, number: usize) {
        if self.hosts[number].running.is_some() {
            return;
        }
        let (clock, entropy, name) = (self.clock().clone(), self.entropy(), format!("h{number}"));
        let home = Home::open_all(&self.dir.join(format!("agent-{number}")), &[&name], &clock, &entropy);
        let home = home.unwrap().remove(0);
        let died = Arc::new(AtomicBool::new(false));
        let calls = DriverCalls::default().mortal(self.dies(died.clone()));
        let metal = Arc::new(self.sims[number].clone());
        let parts = Parts {
            address: format!("198.18.0.{}", number + 1),
            name,
            clock,
            entropy,
            hypervisor: calls.hypervisor(metal.clone()),
            switch: calls.switch(metal.clone()),
            disks: calls.disks(metal),
        };
        let agent = Agent::new(parts, home);
        let dial = self.hosts[number].wire.dial();
        self.hosts[number].died = died;
        self.hosts[number].running = Some(tokio::spawn(async move { agent.run(dial).await }));
    }

    /// Whether an agent dies at a call to a driver; and that no machine runs twice is looked at after each.
    fn dies(&self, gone: Arc<AtomicBool>) -> crate::driver_calls::Dies {
        let (mortal, dice, coverage) = (self.mortal.clone(), self.dice.clone(), self.coverage.clone());
        let (sims, wrong) = (self.sims.clone(), self.wrong.clone());
        Arc::new(move |operation, done| {
            if operation == "start" && done {
                wrong.lock().unwrap().extend(twice(&sims));
            }
            let dies =
                mortal.load(Ordering::SeqCst) && (gone.load(Ordering::SeqCst) || dice.below(LUCK) == 0);
            if dies && !gone.swap(true, Ordering::SeqCst) {
                coverage.call(operation, done);
            }
            dies
        })
    }

    pub async fn host_kill(&mut self, number: usize) {
        let Some(running) = self.hosts[number].running.take() else { return };
        running.abort();
        let _ = running.await;
        self.hosts[number].wire.cut();
        // What the agent had begun to write, it has written.
        self.pace.quiet().await;
    }

    pub fn link_cut(&self, number: usize) {
        self.hosts[number].wire.cut();
    }

    /// Buries those that died by themselves.
    pub async fn bury(&mut self) {
        if self.controller.as_ref().is_some_and(|controller| controller.died.load(Ordering::SeqCst)) {
            self.controller_kill();
        }
        for number in 0..HOSTS {
            if self.hosts[number].died.load(Ordering::SeqCst) {
                self.host_kill(number).await;
            }
        }
    }

    /// Everything is there and nothing dies any more.
    pub async fn heal(&mut self) {
        self.mortal.store(false, Ordering::SeqCst);
        self.bury().await;
        self.controller_start();
        (0..HOSTS).for_each(|number| self.host_start(number));
    }

    /// Lets some time pass.
    pub async fn pass(&mut self, span: Duration) {
        let end = self.clock().now().plus(span);
        while self.clock().now() < end {
            self.pace.quiet().await;
            self.bury().await;
            let soon = self.clock().now().plus(Duration::from_millis(50)).min(end);
            let next = self.clock().next_expected().map_or(soon, |next| next.min(soon));
            self.pace.step(next).await;
        }
        self.pace.quiet().await;
        self.bury().await;
    }

    /// Begins a request; whether it is answered is open.
    pub fn ask(&self, method: &str, path: &str, body: Value) -> JoinHandle<Option<(u16, Value)>> {
        let site = self.controller.as_ref().map(|controller| controller.site.clone());
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        self.send(site, method, path, "application/json", body)
    }

    fn send(
        &self,
        site: Option<Arc<Site>>,
        method: &str,
        path: &str,
        kind: &str,
        body: Bytes,
    ) -> JoinHandle<Option<(u16, Value)>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-auth-token", &self.token)
            .header("content-type", kind)
            .header("openstack-api-version", "compute 2.90");
        let request = request.body(body).unwrap();
        tokio::spawn(async move {
            let answer = site?.answer(request).await.ok()?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let body = answer.into_body().collect().await.ok()?.to_bytes();
            let mut body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
            if let Some(token) = headers.get("x-subject-token") {
                body = json!(token.to_str().unwrap());
            }
            Some((status, body))
        })
    }

    /// A request that is answered, while time passes as it must.
    pub async fn answered(&mut self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let asked = self.ask(method, path, body);
        self.end_of(asked).await
    }

    pub async fn end_of(&mut self, asked: JoinHandle<Option<(u16, Value)>>) -> (u16, Value) {
        for _ in 0..2000 {
            self.pace.quiet().await;
            if asked.is_finished() {
                return asked.await.unwrap().unwrap();
            }
            self.pass(Duration::from_millis(50)).await;
        }
        panic!("a request was not answered");
    }

    pub async fn upload(&mut self, image: &str) {
        let site = self.controller.as_ref().map(|controller| controller.site.clone());
        let path = format!("/image/v2/images/{image}/file");
        let asked = self.send(site, "PUT", &path, "application/octet-stream", vec![7; 4096].into());
        assert_eq!(self.end_of(asked).await.0, 204);
    }

    pub fn password(&self) -> String {
        Passwords::kept(&self.dir).unwrap().unwrap().admin.clone()
    }

    /// Rows of a question to the store, their columns joined.
    pub async fn rows(&self, sql: &'static str, columns: usize) -> Vec<String> {
        let db = self.controller.as_ref().unwrap().db.clone();
        let read = db.read(move |tx| {
            let rows = tx.query(sql, &[])?;
            rows.iter()
                .map(|row| {
                    let columns =
                        (0..columns).map(|at| Ok(row.get::<Option<String>>(at)?.unwrap_or_default()));
                    Ok(columns.collect::<Result<Vec<String>, fault::Fault>>()?.join(" "))
                })
                .collect()
        });
        read.await.unwrap()
    }

    /// What is on the metal: machines by host and state, disks, taps.
    pub async fn metal(&self) -> Metals {
        let mut found = Metals::default();
        for (number, sim) in self.sims.iter().enumerate() {
            for machine in sim.machines().await.unwrap() {
                found.machines.entry(machine.id).or_default().push((number, machine.state));
            }
            let disks = metal::driver::Disks::servers(sim).await.unwrap();
            found.disks.extend(disks.into_iter().map(|id| (id, number)));
            found.taps.extend(metal::driver::Switch::plugged(sim).await.unwrap());
            let held = metal::driver::Switch::held(sim).await.unwrap();
            found.switch.extend(held.into_iter().map(|(kind, id, _)| (kind.word(), id)));
        }
        found
    }
}

#[derive(Default)]
pub struct Metals {
    pub machines: BTreeMap<String, Vec<(usize, MachineState)>>,
    pub disks: Vec<(String, usize)>,
    pub taps: Vec<String>,
    pub switch: Vec<(&'static str, String)>,
}

/// Machines that run on two hosts.
fn twice(sims: &[Sim]) -> Vec<String> {
    let mut running: BTreeMap<String, usize> = BTreeMap::new();
    for sim in sims {
        for id in sim.running() {
            *running.entry(id).or_default() += 1;
        }
    }
    let twice = running.into_iter().filter(|(_, hosts)| *hosts > 1);
    twice.map(|(id, hosts)| format!("machine {id} runs on {hosts} hosts")).collect()
}
