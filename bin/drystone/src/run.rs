//! `drystone up`, `controller` and `agent`: the same two halves, in one process or two.

use crate::control::{self, Status};
use crate::keep::{self, Passwords};
use crate::output::{self, Progress};
use crate::settings::{Form, Metal, Settings, reachable};
use crate::{log, metrics, tls, wire_up};
use agent::Agent;
use futures_util::future::BoxFuture;
use kernel::{Clock, Entropy};
use link::{Agents, Dial};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use store::Db;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use web::metrics::Requests;

/// Which halves a process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Both.
    Up,
    /// The one with the store.
    Controller,
    /// The one with the metal.
    Agent,
}

impl Role {
    /// The word on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Controller => "controller",
            Self::Agent => "agent",
        }
    }
}

/// How many rounds of reconciliation run at once.
const ROUNDS: usize = 64;

/// What is needed to start, gathered.
struct Start {
    settings: Settings,
    role: Role,
    clock: Clock,
    entropy: Entropy,
    began: Instant,
    progress: Option<Progress>,
    stop: Arc<Notify>,
}

/// Runs until it is told to stop. The error is one sentence for the operator.
pub async fn run(settings: Settings, role: Role) -> Result<(), String> {
    let began = Instant::now();
    let progress = Some(Progress::begin());
    keep::state_dir(&settings.state_dir).map_err(|error| {
        format!("The state directory {} cannot be made: {error}.", settings.state_dir.display())
    })?;
    // A controller alone has no metal, and is not told which its agents have.
    if role != Role::Controller {
        keep::remember_metal(&settings)?;
    }
    log::start(&settings)?;
    let entropy = Entropy::system().map_err(|error| format!("There is no source of randomness: {error}."))?;
    let stop = Arc::new(Notify::new());
    let start = Start { settings, role, clock: Clock::system(), entropy, began, progress, stop };
    match role {
        Role::Agent => start.agent_alone().await,
        Role::Up | Role::Controller => start.controller().await,
    }
}

impl Start {
    fn step(&self, what: &'static str) {
        if let Some(progress) = &self.progress {
            progress.step(what);
        }
    }

    async fn controller(mut self) -> Result<(), String> {
        let settings = self.settings.clone();
        self.step("making certificates");
        let tls = tls::of(&settings)?;
        let listener = listen(settings.listen).await?;
        let address = reachable(listener.local_addr().map_err(|error| error.to_string())?);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let public_url = settings.public_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
        let public_url = public_url.trim_end_matches('/').to_owned();

        // Hosts start while the store is opened: both take their time and neither needs the other.
        self.step("starting the network and looking for the hypervisor");
        let (host_settings, clock, entropy) = (settings.clone(), self.clock.clone(), self.entropy.clone());
        let hosts = (self.role == Role::Up)
            .then(|| tokio::spawn(async move { wire_up::hosts(&host_settings, &clock, &entropy).await }));

        let (passwords, made) = Passwords::of(&settings.state_dir, &self.entropy).map_err(|error| {
            format!("The passwords cannot be kept in {}: {error}.", settings.state_dir.display())
        })?;
        let mut registry = Registry::default();
        let requests = Requests::register(&mut registry);
        let gauges = metrics::Gauges::register(&mut registry);
        let controller =
            wire_up::controller(&settings, &public_url, &passwords, &self.clock, &self.entropy, requests)
                .map_err(|fault| fault.to_string())?;
        let root = tls.as_ref().and_then(|tls| tls.root.clone());
        keep::clouds_yaml(&settings, &public_url, root.as_deref(), &passwords)
            .map_err(|error| format!("clouds.yaml cannot be written: {error}."))?;

        let mut tasks = JoinSet::new();
        let wire_up::Controller { db, site, agents, engine, compute, network, first, outside: _outside } =
            controller;
        tasks.spawn(compute.follow());
        tasks.spawn(network.follow());
        let metrics_listener = listen(settings.metrics_listen).await?;
        let metrics_address = metrics_listener.local_addr().map_err(|error| error.to_string())?;
        tasks.spawn(metrics::serve(metrics_listener, Arc::new(registry), gauges, db.clone(), agents.clone()));
        let socket = link::listen_socket(&settings.state_dir.join("link.sock"))
            .map_err(|error| format!("The agents' socket cannot be made: {error}."))?;
        tasks.spawn(link::accept_socket(agents.clone(), socket));
        self.spawn_control(&mut tasks, self.status(db.clone(), agents.clone()))?;
        let (dial, piped) = link::pipe();
        tasks.spawn(link::accept_pipe(agents.clone(), piped));
        let engine = engine.start(ROUNDS);

        if let Some(hosts) = hosts {
            let hosts = hosts.await.map_err(|error| format!("The host cannot start: {error}."))??;
            tasks.spawn(attend(hosts, dial, agents.clone()));
        }
        self.progress = None;
        let ready = Ready {
            public_url: &public_url,
            metrics_url: format!("http://{metrics_address}/metrics"),
            settings: &settings,
            seconds: self.began.elapsed().as_secs_f64(),
            passwords: (first || made).then_some(&passwords),
        };
        ready.say();
        site.serve(listener, tls.map(|tls| tls.acceptor), told_to_stop(self.stop.clone())).await;
        engine.stop().await;
        tasks.shutdown().await;
        tracing::info!("stopped; servers and networks go on");
        Ok(())
    }

    async fn agent_alone(mut self) -> Result<(), String> {
        self.step("starting the network and looking for the hypervisor");
        let agents = wire_up::hosts(&self.settings, &self.clock, &self.entropy).await?;
        let mut tasks = JoinSet::new();
        let first = agents.first().cloned();
        let status: Status = Arc::new(move || {
            let first = first.clone();
            Box::pin(async move { first.map_or(Value::Null, |agent| agent.status()) })
        });
        self.spawn_control(&mut tasks, status)?;
        let dial = link::socket(&self.settings.state_dir.join("link.sock"));
        for agent in agents {
            let dial = dial.clone();
            tasks.spawn(async move { agent.run(dial).await });
        }
        self.progress = None;
        match self.settings.output {
            Form::Json => output::json(&json!({
                "event": "ready", "state_dir": self.settings.state_dir, "pid": std::process::id(),
                "seconds": rounded(self.began.elapsed().as_secs_f64()),
            })),
            Form::Text => output::line("The agent holds this host."),
        }
        told_to_stop(self.stop.clone()).await;
        tasks.shutdown().await;
        Ok(())
    }

    fn spawn_control(&self, tasks: &mut JoinSet<()>, status: Status) -> Result<(), String> {
        let path = control::path(&self.settings.state_dir, self.role.word());
        let listener = link::listen_socket(&path)
            .map_err(|error| format!("The control socket {} cannot be made: {error}.", path.display()))?;
        let stop = self.stop.clone();
        tasks.spawn(async move {
            if let Err(error) = control::serve(listener, status, stop).await {
                tracing::error!(%error, "the control socket is gone: `drystone status` will not work");
            }
        });
        Ok(())
    }

    /// What `drystone status` shows: what runs, where, which versions, the work queue with its reasons.
    fn status(&self, db: Db, agents: Agents) -> Status {
        let (settings, role, began) = (self.settings.clone(), self.role, self.began);
        Arc::new(move || -> BoxFuture<'static, Value> {
            let (db, agents, settings) = (db.clone(), agents.clone(), settings.clone());
            Box::pin(async move {
                let work = db.read(reconcile::rows).await.unwrap_or_default();
                let open = work.iter().filter(|row| row.state != "done");
                let work: Vec<Value> = open
                    .map(|row| json!({
                        "kind": row.kind, "id": row.id, "state": row.state, "reason": row.reason,
                        "age": rounded(row.age.as_secs_f64()), "attempts": row.attempts,
                        "waits_for": row.waiting_on.iter().map(|(kind, id)| format!("{kind} {id}")).collect::<Vec<_>>(),
                    }))
                    .collect();
                let mut hosts = Vec::new();
                for facts in agents.hosts() {
                    let agent = agents.status(&facts.id).await.unwrap_or(Value::Null);
                    hosts.push(json!({"facts": facts, "agent": agent}));
                }
                json!({
                    "role": role.word(), "pid": std::process::id(), "version": env!("CARGO_PKG_VERSION"),
                    "state_dir": settings.state_dir, "metal": settings.metal.word(), "listen": settings.listen,
                    "seconds": rounded(began.elapsed().as_secs_f64()), "hosts": hosts, "work": work,
                })
            })
        })
    }
}

/// Runs the agents of this process. The first one joins before the others, since it is to have the switch.
async fn attend(mut hosts: Vec<Agent>, dial: Dial, agents: Agents) {
    let mut running = JoinSet::new();
    let others = hosts.split_off(hosts.len().min(1));
    let mut attendance = agents.attendance();
    let spawn = |running: &mut JoinSet<()>, agent: Agent| {
        let dial = dial.clone();
        running.spawn(async move { agent.run(dial).await });
    };
    hosts.into_iter().for_each(|agent| spawn(&mut running, agent));
    attendance.next().await;
    others.into_iter().for_each(|agent| spawn(&mut running, agent));
    while running.join_next().await.is_some() {}
}

async fn listen(address: std::net::SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .await
        .map_err(|error| format!("Cannot serve on {address}: {error}. Choose another address with --listen."))
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// Waits for Ctrl-C, SIGTERM or `drystone down`.
async fn told_to_stop(stop: Arc<Notify>) {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stop.notified() => {}
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

/// What is said once the cloud serves.
struct Ready<'a> {
    public_url: &'a str,
    metrics_url: String,
    settings: &'a Settings,
    seconds: f64,
    passwords: Option<&'a Passwords>,
}

impl Ready<'_> {
    fn say(&self) {
        let clouds: PathBuf = self.settings.state_dir.join("clouds.yaml");
        match self.settings.output {
            Form::Json => output::json(&json!({
                "event": "ready", "auth_url": format!("{}/v3", self.public_url), "metrics_url": self.metrics_url,
                "state_dir": self.settings.state_dir, "pid": std::process::id(), "seconds": rounded(self.seconds),
            })),
            Form::Text => {
                if let Some(passwords) = self.passwords {
                    output::line(&format!(
                        "admin's password: {}\ndemo's password:  {}",
                        passwords.admin, passwords.demo
                    ));
                }
                let metal = if self.settings.metal == Metal::Sim { ", on simulated metal" } else { "" };
                output::line(&format!("The cloud serves after {:.1} s{metal}. Use it:", self.seconds));
                output::line(&format!("  export OS_CLIENT_CONFIG_FILE={}", clouds.display()));
                output::line("  openstack --os-cloud drystone server list");
            }
        }
    }
}
