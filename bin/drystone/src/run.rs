//! `drystone up`, `controller` and `agent`: the same two halves, in one process or two.

use crate::control::{self, Status};
use crate::driver_calls::DriverCalls;
use crate::keep::{self, Passwords};
use crate::metrics::{self, Gauges, Sources};
use crate::output::{self, Progress};
use crate::rules::files::PolicyFiles;
use crate::settings::{Form, Metal, Settings, reachable};
use crate::tls::{self, Tls};
use crate::wire_up::Pace;
use crate::wire_up::repeat::Repeat;
use crate::{log, wire_up};
use futures_util::future::BoxFuture;
use kernel::{Clock, Entropy};
use link::Agents;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
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

    /// The halves that it has, of which there is one each in a state directory.
    const fn halves(self) -> &'static [&'static str] {
        match self {
            Self::Up => &["controller", "agent"],
            Self::Controller => &["controller"],
            Self::Agent => &["agent"],
        }
    }
}

/// How many rounds of reconciliation run at once.
const ROUNDS: usize = 64;

/// How long `up` waits for its own hosts before it says that it serves without them.
const HOSTS_JOIN: Duration = Duration::from_secs(20);

/// How long what is being done may take to its end when the process is told to stop.
const STOPS: Duration = Duration::from_secs(10);

/// What is needed to start, gathered.
struct Start {
    settings: Settings,
    role: Role,
    clock: Clock,
    entropy: Entropy,
    simulation: Option<Arc<wire_up::Simulation>>,
    repeat: Option<Repeat>,
    began: Instant,
    progress: Option<Progress>,
    stop: Arc<Notify>,
    registry: Registry,
    metrics_listener: TcpListener,
    metrics_url: String,
    policy: PolicyFiles,
}

/// Runs until it is told to stop. The error is one sentence for the operator.
pub async fn run(settings: Settings, role: Role, pace: Option<Pace>) -> Result<(), String> {
    let began = Instant::now();
    let progress = Some(Progress::begin());
    // What can be refused is refused before anything is written.
    log::start(&settings)?;
    let listener = if role == Role::Agent { None } else { Some(listen(settings.listen, "--listen").await?) };
    let tls = if role == Role::Agent { None } else { tls::operators(&settings)? };
    let policy = PolicyFiles::load(&settings)?;
    let metrics_listener = listen(settings.metrics_listen, "--metrics-listen").await?;
    let metrics_address = metrics_listener.local_addr().map_err(|error| error.to_string())?;
    keep::state_dir(&settings.state_dir).map_err(|error| {
        format!("The state directory {} cannot be made: {error}.", settings.state_dir.display())
    })?;
    let halves = role.halves().iter().map(|half| keep::hold(&settings.state_dir, half));
    let _held = halves.collect::<Result<Vec<_>, _>>()?;
    // A controller alone has no metal, and is not told which its agents have.
    if role != Role::Controller {
        keep::same_metal(&settings)?;
    }
    let repeat = wire_up::repeat::begin(&settings, pace)?;
    let entropy = match &repeat {
        Some(repeat) => repeat.entropy.clone(),
        None => Entropy::system().map_err(|error| format!("There is no source of randomness: {error}."))?,
    };
    // What steers simulated metal is where the metal is.
    let (clock, simulation) = match role {
        Role::Controller => (Clock::system(), None),
        Role::Up | Role::Agent => wire_up::simulation::steering(&settings, &entropy, repeat.as_ref()),
    };
    let start = Start {
        role,
        clock,
        entropy,
        simulation,
        repeat,
        began,
        progress,
        stop: Arc::new(Notify::new()),
        registry: Registry::default(),
        metrics_listener,
        metrics_url: format!("http://{metrics_address}/metrics"),
        policy,
        settings,
    };
    match listener {
        None => start.agent_alone().await,
        Some(listener) => start.controller(listener, tls).await,
    }
}

impl Start {
    /// Remembers what was said of the metal, now that this start is not refused any more.
    fn remember(&self) -> Result<(), String> {
        if self.role != Role::Controller {
            keep::remember_metal(&self.settings)?;
            wire_up::simulation::remember_hosts(&self.settings)?;
        }
        self.repeat.as_ref().map_or(Ok(()), |repeat| repeat.remember(&self.settings))
    }

    async fn controller(mut self, listener: TcpListener, tls: Option<Tls>) -> Result<(), String> {
        let settings = self.settings.clone();
        progress(&self.progress, "opening the store");
        let opened = wire_up::open_store(&settings, &self.clock, &self.entropy);
        let db = opened.map_err(|fault| fault.to_string())?;
        self.remember()?;
        if let Some(url) = &settings.database {
            keep::remember_database(&settings.state_dir, url)?;
        }
        // Hosts start while the services are joined: both take their time and neither needs the other.
        let (host_settings, clock, entropy) = (settings.clone(), self.clock.clone(), self.entropy.clone());
        let calls = DriverCalls::register(&mut self.registry);
        let simulation = self.simulation.clone();
        let turn = wire_up::simulation::turn(simulation.as_ref()).await;
        let gate = wire_up::simulation::gate(simulation.as_ref()).await;
        let hosts = (self.role == Role::Up).then(|| {
            tokio::spawn(async move {
                wire_up::hosts(&host_settings, &clock, &entropy, &calls, simulation.as_ref()).await
            })
        });

        // What strangers can reach is TLS or nothing.
        let tls = match tls {
            None if settings.exposed() => Some(tls::own(&settings)?),
            tls => tls,
        };
        let address = reachable(listener.local_addr().map_err(|error| error.to_string())?);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let public_url = settings.public_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
        progress(&self.progress, "joining the services");
        let (controller, passwords) = self.services(db, &public_url)?;
        if let Some(passwords) = &passwords {
            let root = tls.as_ref().and_then(|tls| tls.root.as_deref());
            keep::clouds_yaml(&settings, &public_url, root, passwords)
                .map_err(|error| format!("clouds.yaml cannot be written: {error}."))?;
        }

        let mut tasks = JoinSet::new();
        let wire_up::Controller { db, site, agents, compute, .. } = &controller;
        tasks.spawn(compute.clone().follow());
        tasks.spawn(controller.network.clone().follow());
        tasks.spawn(self.policy.clone().follow());
        tasks.spawn(controller.identity.clone().follow());
        let sources = Sources { db: db.clone(), agents: agents.clone(), hashing: controller.hashing.clone() };
        let gauges = Gauges::register(&mut self.registry, sources);
        let registry = std::mem::take(&mut self.registry);
        let status = self.status(&public_url, db.clone(), agents.clone());
        let told = self.stop.clone();
        let socket = link::listen_socket(&settings.state_dir.join("link.sock"))
            .map_err(|error| format!("The agents' socket cannot be made: {error}."))?;
        tasks.spawn(link::accept_socket(agents.clone(), socket));
        self.spawn_control(&mut tasks, status)?;
        let (dial, piped) = link::pipe();
        tasks.spawn(link::accept_pipe(agents.clone(), piped));
        tasks.spawn(metrics::serve(self.metrics_listener, registry, Some(gauges)));
        let engine = Arc::new(controller.engine.clone().start(ROUNDS));
        let simulation = self.simulation.clone();
        let stop = async move {
            told_to_stop(told).await;
            wire_up::simulation::end(simulation.as_ref());
        };
        let mut serving = tokio::spawn(site.clone().serve(listener, tls.map(|tls| tls.acceptor), stop));

        if let Some(hosts) = hosts {
            progress(&self.progress, "starting the network and looking for the hypervisor");
            let hosts = hosts.await.map_err(|error| format!("The host cannot start: {error}."))??;
            let count = hosts.count();
            if let Some(simulation) = &self.simulation {
                let engine = engine.clone();
                wire_up::simulation::begin(simulation, gate, &settings, &controller, engine, &hosts);
            }
            let mut attendance = agents.attendance();
            tasks.spawn(hosts.attend(dial, async move { drop(attendance.next().await) }));
            tokio::select! {
                biased;
                () = hosts_join(compute, count, &self.clock) => {}
                _ = &mut serving => {}
            }
        }
        drop(turn);
        self.progress = None;
        if !serving.is_finished() {
            let ready = Ready {
                public_url: &public_url,
                address,
                metrics_url: &self.metrics_url,
                settings: &settings,
                seconds: self.began.elapsed().as_secs_f64(),
                passwords: passwords.as_ref().filter(|_| controller.first),
            };
            ready.say();
            let _ = serving.await;
        }
        let rest = async {
            engine.stop().await;
            tasks.shutdown().await;
        };
        match tokio::time::timeout(STOPS, rest).await {
            Ok(()) => tracing::info!("stopped; servers and networks go on"),
            // Nothing is lost: what was begun is taken up again by the next start, as after a kill.
            Err(_) => tracing::warn!("stopped in the middle of some work; servers and networks go on"),
        }
        Ok(())
    }

    /// The services, and the first users' passwords, if this state directory is the one that has them.
    fn services(
        &mut self,
        db: Db,
        public_url: &str,
    ) -> Result<(wire_up::Controller, Option<Passwords>), String> {
        let dir = &self.settings.state_dir;
        let failed =
            |error: std::io::Error| format!("The passwords cannot be kept in {}: {error}.", dir.display());
        let founded = identity::bootstrap::founded(&db).map_err(|fault| fault.to_string())?;
        let mut passwords = Passwords::kept(dir).map_err(failed)?;
        // A cloud is founded with both; what was kept of another cloud may lack one.
        if !founded && passwords.as_ref().is_none_or(|kept| kept.demo.is_none()) {
            passwords = Some(Passwords::make(dir, &self.entropy).map_err(failed)?);
        }
        let requests = Requests::register(&mut self.registry);
        let controller = wire_up::controller(
            db,
            &self.settings,
            public_url,
            passwords.as_ref(),
            requests,
            self.policy.policy(),
            self.simulation.as_ref(),
        )
        .map_err(|fault| fault.to_string())?;
        controller.compute.register(&mut self.registry);
        if !founded && !controller.first {
            // Another controller on the same database was first, with passwords of its own.
            Passwords::forget(dir).map_err(failed)?;
            passwords = None;
        }
        if passwords.is_none() {
            tracing::warn!(
                "the first users' passwords are kept where the cloud was started first: no clouds.yaml here"
            );
        }
        Ok((controller, passwords))
    }

    async fn agent_alone(mut self) -> Result<(), String> {
        self.remember()?;
        progress(&self.progress, "starting the network and looking for the hypervisor");
        let calls = DriverCalls::register(&mut self.registry);
        let simulation = self.simulation.as_ref();
        let hosts = wire_up::hosts(&self.settings, &self.clock, &self.entropy, &calls, simulation).await?;
        let mut tasks = JoinSet::new();
        let first = hosts.first();
        let status: Status = Arc::new(move || {
            let first = first.clone();
            Box::pin(async move {
                let agent = first.map_or(Value::Null, |agent| agent.status());
                json!({"role": Role::Agent.word(), "pid": std::process::id(), "agent": agent})
            })
        });
        self.spawn_control(&mut tasks, status)?;
        let dial = link::socket(&self.settings.state_dir.join("link.sock"));
        tasks.spawn(hosts.attend(dial, std::future::ready(())));
        tasks.spawn(metrics::serve(self.metrics_listener, self.registry, None));
        drop(self.progress);
        match self.settings.output {
            Form::Json => output::json(&json!({
                "event": "ready", "metrics_url": self.metrics_url, "state_dir": self.settings.state_dir,
                "pid": std::process::id(), "seconds": rounded(self.began.elapsed().as_secs_f64()),
            })),
            Form::Text => output::line("The agent holds this host."),
        }
        told_to_stop(self.stop).await;
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
    fn status(&self, public_url: &str, db: Db, agents: Agents) -> Status {
        let began = self.began;
        let known = json!({
            "role": self.role.word(), "pid": std::process::id(), "version": env!("CARGO_PKG_VERSION"),
            "state_dir": self.settings.state_dir, "metal": self.settings.metal.word(),
            "listen": self.settings.listen, "public_url": public_url, "metrics_url": self.metrics_url,
            "store": if db.is_shared() { "PostgreSQL" } else { "SQLite" },
        });
        Arc::new(move || -> BoxFuture<'static, Value> {
            let (db, agents, mut status) = (db.clone(), agents.clone(), known.clone());
            Box::pin(async move {
                status["seconds"] = json!(rounded(began.elapsed().as_secs_f64()));
                let mut hosts = Vec::new();
                for facts in agents.hosts() {
                    let agent = agents.status(&facts.id).await.unwrap_or(Value::Null);
                    hosts.push(json!({"facts": facts, "agent": agent}));
                }
                status["hosts"] = json!(hosts);
                let told = db.read(|tx| Ok((reconcile::rows(tx)?, network::store::host::troubles(tx)?)));
                match told.await {
                    Ok((work, troubles)) => {
                        status["work"] =
                            work.iter().filter(|row| row.state != "done").map(open_work).collect();
                        status["network"] = json!(troubles);
                    }
                    Err(fault) => status["store_error"] = json!(fault.to_string()),
                }
                status
            })
        })
    }
}

fn open_work(row: &reconcile::WorkRow) -> Value {
    json!({
        "kind": row.kind, "id": row.id, "state": row.state, "reason": row.reason,
        "age": rounded(row.age.as_secs_f64()), "attempts": row.attempts,
        "waits_for": row.waiting_on.iter().map(|(kind, id)| format!("{kind} {id}")).collect::<Vec<_>>(),
    })
}

fn progress(progress: &Option<Progress>, what: &'static str) {
    if let Some(progress) = progress {
        progress.step(what);
    }
}

/// Waits until servers can be placed on the hosts of this process, or it is clear that this takes longer.
async fn hosts_join(compute: &compute::Compute, count: usize, clock: &Clock) {
    let joined = async {
        while compute.hosts_up().await.unwrap_or(0) < count {
            wire_up::pass(clock, Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(HOSTS_JOIN, joined).await.is_err() {
        tracing::warn!(
            hosts = count,
            "not all hosts have joined yet: no server can start on those that have not"
        );
    }
}

async fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .await
        .map_err(|error| format!("Cannot serve on {address}: {error}. Choose another address with {flag}."))
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
    address: SocketAddr,
    metrics_url: &'a str,
    settings: &'a Settings,
    seconds: f64,
    passwords: Option<&'a Passwords>,
}

impl Ready<'_> {
    fn say(&self) {
        let clouds: PathBuf = self.settings.state_dir.join("clouds.yaml");
        match self.settings.output {
            Form::Json => output::json(&json!({
                "event": "ready", "auth_url": format!("{}/v3", self.public_url), "listen": self.address,
                "metrics_url": self.metrics_url, "state_dir": self.settings.state_dir, "pid": std::process::id(), "seconds": rounded(self.seconds),
            })),
            Form::Text => {
                if let Some(passwords) = self.passwords {
                    output::line(&format!("admin's password: {}", passwords.admin));
                    if let Some(demo) = &passwords.demo {
                        output::line(&format!("demo's password:  {demo}"));
                    }
                }
                let metal = if self.settings.metal == Metal::Sim { ", on simulated metal" } else { "" };
                output::line(&format!("The cloud serves after {:.1} s{metal}. Use it:", self.seconds));
                output::line(&format!("  export OS_CLIENT_CONFIG_FILE={}", clouds.display()));
                let demo = self.passwords.is_none_or(|passwords| passwords.demo.is_some());
                let name = if demo { "drystone" } else { "drystone-admin" };
                output::line(&format!("  openstack --os-cloud {name} server list"));
            }
        }
    }
}
