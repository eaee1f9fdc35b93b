//! Everything joined, explicitly: which parts a controller and a host are made of, and who knows whom.
//!
//! Only this file, its children and the drivers know which metal a host stands on.

pub mod repeat;
mod rewind;
pub mod simulation;
#[cfg(test)]
mod torture;

use crate::driver_calls::DriverCalls;
use crate::keep::{self, Passwords};
use crate::settings::{Accel, Metal, Settings};
use agent::Agent;
use fault::{Fault, Kind, Means};
use identity::Identity;
use identity::bootstrap::{FirstPasswords, Offer};
use identity::hashing::Hashing;
use kernel::{Clock, Entropy};
use link::{Agents, Dial};
use metal::Hypervisor;
use policy::Policy;
use reconcile::Engine;
pub use sim::Pace;
use sim::Sim;
pub use sim::api::Simulation;
use simulation::Known;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{Db, Migration, Parts as StoreParts};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinSet;
use web::Site;
use web::metrics::Requests;
use web::routes::{Absent, Row};
use zeroize::Zeroizing;

/// What the catalog offers, and under which paths.
pub static OFFERS: &[Offer] = &[
    Offer { kind: "identity", name: "keystone", path: "/identity" },
    Offer { kind: "image", name: "glance", path: "/image" },
    Offer { kind: "network", name: "neutron", path: "/network" },
    Offer { kind: "compute", name: "nova", path: "/compute/v2.1" },
    Offer { kind: "placement", name: "placement", path: "/placement" },
    // The last one is there with simulated metal only.
    Offer { kind: "simulation", name: "simulation", path: "/sim" },
];

/// A controller, ready to serve.
pub struct Controller {
    /// The store.
    pub db: Db,
    /// Everything under one port.
    pub site: Arc<Site>,
    /// The hosts.
    pub agents: Agents,
    /// The reconcilers, not started yet.
    pub engine: Engine,
    /// What follows the hosts, to be spawned.
    pub compute: Arc<compute::Compute>,
    /// See `compute`.
    pub network: Arc<network::Network>,
    /// Who is who.
    pub identity: Arc<Identity>,
    /// The threads that hash passwords.
    pub hashing: Hashing,
    /// This was the first start.
    pub first: bool,
    known: Arc<Known>,
    /// What keeps other clouds off the range of a new external network.
    _outside: Option<ovn::Range>,
}

/// Every service's schema.
const SCHEMAS: [(&str, &[Migration]); 6] = [
    ("reconcile", reconcile::MIGRATIONS),
    ("identity", identity::migrations::MIGRATIONS),
    ("image", image::migrations::MIGRATIONS),
    ("placement", placement::migrations::MIGRATIONS),
    ("network", network::MIGRATIONS),
    ("compute", compute::MIGRATIONS),
];

/// Opens the store that the settings name. One that a newer release wrote is refused before anything is changed.
pub fn open_store(settings: &Settings, clock: &Clock, entropy: &Entropy) -> Result<Db, Fault> {
    let parts = StoreParts { clock: clock.clone(), entropy: entropy.clone() };
    let db = match &settings.database {
        Some(url) => Db::open_postgres(url, parts)?,
        None => Db::open_sqlite(&settings.state_dir.join("drystone.sqlite"), parts)?,
    };
    SCHEMAS.into_iter().try_for_each(|(service, migrations)| db.accepts(service, migrations))?;
    Ok(db)
}

/// Opens the store of a cloud that was started before, for a command that works on it by itself.
pub fn open_known_store(settings: &Settings, entropy: &Entropy) -> Result<Db, Fault> {
    if settings.database.is_none() && !settings.state_dir.join("drystone.sqlite").exists() {
        return Err(no_cloud(settings));
    }
    open_store(settings, &Clock::system(), entropy)
}

/// What is said where there is none.
pub fn no_cloud(settings: &Settings) -> Fault {
    Fault::bad_input(format!("There is no cloud in {}.", settings.state_dir.display()))
}

/// What the operator set for identity.
pub fn identity_settings(settings: &Settings) -> identity::settings::Settings {
    identity::settings::Settings {
        token_life: Duration::from_secs(settings.token_seconds),
        token_provider: settings.token_provider,
        key_rotation: settings.key_rotation,
        limit_model: settings.limit_model,
        compliance: settings.compliance.clone(),
        federation: settings.federation.clone(),
        domain_options: settings.domains.clone(),
        ..identity::settings::Settings::default()
    }
}

/// A controller that reaches no host leaves work for so long to those that reach some.
const DEFERENCE: Duration = Duration::from_secs(5);

/// Joins the services of a controller that is found at `public_url`. The passwords are those of a cloud that is made just
/// now, or of one that is there already and needs none.
pub fn controller(
    db: Db,
    settings: &Settings,
    public_url: &str,
    passwords: Option<&Passwords>,
    requests: Requests,
    policy: Arc<Policy>,
    simulation: Option<&Arc<Simulation>>,
) -> Result<Controller, Fault> {
    let (clock, entropy) = (db.clock().clone(), db.entropy().clone());
    reconcile::migrate(&db)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if clock.is_stepped() { 0 } else { threads };
    let hashing = Hashing::start(threads, settings.password_hash, entropy.clone())?;
    let identity = Identity::new(identity::Parts {
        db: db.clone(),
        hashing: hashing.clone(),
        settings: identity_settings(settings),
    })?;
    let image = image::ImageService::new(db.clone(), &settings.state_dir.join("image-data"), policy.clone())?;
    let placement = placement::PlacementService::new(db.clone())?;
    let agents = Agents::default();
    let network_settings = network::Settings::default();
    let usual_range = network_settings.external;
    let network = network::Network::new(network::Parts {
        db: db.clone(),
        agents: agents.clone(),
        identity: identity.clone(),
        policy: policy.clone(),
        settings: network_settings,
    })?;
    db.migrate("compute", compute::MIGRATIONS)?;
    let compute = compute::Compute::new(compute::Parts {
        db: db.clone(),
        agents: agents.clone(),
        identity: identity.clone(),
        images: image.clone(),
        networks: network.clone(),
        placement: placement.clone(),
        settings: compute::Settings {
            console_url: format!("{public_url}/console"),
            ..compute::Settings::default()
        },
    });
    let first_passwords = FirstPasswords {
        admin: Zeroizing::new(passwords.map(|passwords| passwords.admin.clone()).unwrap_or_default()),
        demo: Zeroizing::new(passwords.and_then(|passwords| passwords.demo.clone()).unwrap_or_default()),
    };
    let offers = if simulation.is_some() { OFFERS } else { &OFFERS[..OFFERS.len() - 1] };
    let first = identity.bootstrap(public_url, &settings.region, offers, &first_passwords)?;
    let outside = outside(settings, &db, &network, usual_range)?;
    let (compute_own, network_own) = (compute.clone(), network.clone());
    let range = outside.as_ref().map_or(usual_range, |range| range.net);
    // On a shared database other controllers may have hosts as well.
    let all = simulation.is_some() && !db.is_shared();
    let known = Arc::new(Known::of(settings, all).map_err(Fault::bad_input)?);
    let hosts = known.clone();
    db.write_now(move |tx| {
        compute_own.bootstrap(tx)?;
        hosts.tell(tx, &compute_own, &network_own)?;
        network_own.bootstrap(tx, range)
    })?;
    let controller_id = keep::controller_id(&settings.state_dir, &entropy)
        .means(Kind::Unavailable, "The controller's id cannot be kept in the state directory.")?;
    let owner = format!("{controller_id}/{}", entropy.dashed_id());
    let site = Site::new(public_url, identity.clone(), policy, clock.clone(), entropy.clone())
        .mount("/identity", identity.surface().mounted()?)
        .mount("", identity.surface().mounted()?)
        .mount("/image", image.surface().mounted()?)
        .mount("/placement", placement.surface().mounted()?)
        .mount("/network", network::surface(network.clone()).mounted()?)
        .mount("/compute", compute::surface(compute.clone()).mounted()?)
        .mount("/console", compute::console_surface(compute.clone()).mounted()?)
        .measured(requests);
    let site = match simulation {
        Some(simulation) => site
            .mount("/sim", sim::api::surface(simulation.clone()).mounted()?)
            .guarded(Arc::new(simulation.control().clone())),
        None => site,
    };
    let engine = Engine::new(db.clone(), clock.clone(), entropy.clone(), owner);
    let reached = agents.clone();
    let engine = compute
        .reconcilers(network.reconcilers(engine))
        .defer(move || if reached.hosts().is_empty() { DEFERENCE } else { Duration::ZERO });
    let site = Arc::new(site);
    Ok(Controller {
        db,
        site,
        agents,
        engine,
        compute,
        network,
        identity,
        hashing,
        first,
        known,
        _outside: outside,
    })
}

/// The range for the external network of a cloud that has none yet, held until its link is there. Real clouds on one host
/// meet outside; simulated ones meet nowhere, and all have the usual range.
fn outside(
    settings: &Settings,
    db: &Db,
    network: &Arc<network::Network>,
    usual: ipnet::Ipv4Net,
) -> Result<Option<ovn::Range>, Fault> {
    let network = network.clone();
    if settings.metal == Metal::Sim || !db.read_now(move |tx| network.is_fresh(tx))? {
        return Ok(None);
    }
    ovn::free_range(usual).map(Some).map_err(Fault::unavailable)
}

/// Waits before looking again for something that comes about meanwhile; a stepped clock goes that far.
pub async fn pass(clock: &Clock, span: Duration) {
    let _soon = clock.expect(span);
    tokio::time::sleep(span).await;
}

/// Every operation: the service's type, where it is mounted, and the rows of its table.
pub fn tables() -> [(&'static str, &'static str, Vec<Row>); 7] {
    [
        ("identity", "/identity", identity::routes::routes().rows().collect()),
        ("image", "/image", image::routes::routes().rows().collect()),
        ("network", "/network", network::routes::routes().rows().collect()),
        ("compute", "/compute", compute::routes::routes().rows().collect()),
        ("placement", "/placement", placement::routes::routes().rows().collect()),
        ("console", "/console", compute::proxy::routes().rows().collect()),
        ("simulation", "/sim", sim::api::routes().rows().collect()),
    ]
}

/// Operations of OpenStack's service that ours has not; of some services the documents alone tell them.
pub fn absent(service: &str) -> &'static [Absent] {
    if service == "identity" { identity::differences::ABSENT } else { &[] }
}

/// Every rule of every service.
pub fn policy() -> Result<Arc<Policy>, Fault> {
    let tables = [
        identity::rules::ALL,
        image::rules::ALL,
        placement::rules::ALL,
        network::rules::ALL,
        compute::rules::ALL,
        sim::api::ALL,
    ];
    Policy::of(&tables).map(Arc::new).map_err(Fault::bug)
}

/// The hosts of this process, ready to be run.
pub struct Hosts {
    /// Their agents, and the metal that switches them on and off if it is simulated.
    hosts: Vec<(Agent, Option<Sim>)>,
}

impl Hosts {
    /// The agent of the first host.
    pub fn first(&self) -> Option<Agent> {
        self.hosts.first().map(|(agent, _)| agent.clone())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.hosts.len()
    }

    /// Runs the agents. The first one has joined before the others begin, since it is to have the switch.
    pub async fn attend(self, dial: Dial, joined: impl Future<Output = ()>) {
        let mut running = JoinSet::new();
        let mut hosts = self.hosts.into_iter();
        let spawn = |running: &mut JoinSet<()>, (agent, sim): (Agent, Option<Sim>)| {
            let dial = dial.clone();
            running.spawn(async move {
                match sim {
                    Some(sim) => sim.attend(|| agent.run(dial.clone())).await,
                    None => agent.run(dial).await,
                }
            });
        };
        hosts.by_ref().take(1).for_each(|host| spawn(&mut running, host));
        joined.await;
        hosts.for_each(|host| spawn(&mut running, host));
        while running.join_next().await.is_some() {}
    }
}

/// Joins the drivers of the hosts. The error is a sentence for the operator.
pub async fn hosts(
    settings: &Settings,
    clock: &Clock,
    entropy: &Entropy,
    calls: &DriverCalls,
    simulation: Option<&Arc<Simulation>>,
) -> Result<Hosts, String> {
    match simulation {
        Some(simulation) => simulation::hosts(settings, clock, entropy, calls, simulation.control()),
        None => {
            // Whether KVM works here is found out while the network starts. Without QEMU the agent will say so.
            let qemu = async {
                let qemu = qemu(settings).await?;
                let _ = qemu.facts().await;
                Ok::<_, String>(qemu)
            };
            let (switch, qemu) =
                tokio::join!(ovn::Daemons::start(&settings.state_dir, ovn_config(settings)), qemu);
            let switch = switch.map_err(|error| format!("The network cannot be started: {error}."))?;
            let disks = disk_file::DiskFile::open(&settings.state_dir)
                .map_err(|error| format!("The disks cannot be opened: {error}."))?;
            let parts = agent::Parts {
                name: settings.host_name.clone(),
                address: settings.listen.ip().to_string(),
                clock: clock.clone(),
                entropy: entropy.clone(),
                hypervisor: calls.hypervisor(Arc::new(qemu?)),
                switch: calls.switch(Arc::new(switch)),
                disks: calls.disks(Arc::new(disks)),
            };
            let home = homes(settings, |dir| agent::Home::open(dir, entropy))?;
            Ok(Hosts { hosts: vec![(Agent::new(parts, home), None)] })
        }
    }
}

/// Where agents keep what is theirs. Waiting for an agent that ends takes a moment, and a thread if there are several.
fn homes<T>(settings: &Settings, open: impl FnOnce(&Path) -> std::io::Result<T>) -> Result<T, String> {
    let dir = settings.state_dir.join("agent");
    let opened = match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => open(&dir),
        _ => tokio::task::block_in_place(|| open(&dir)),
    };
    opened.map_err(|error| format!("The agent cannot start: {error}."))
}

async fn qemu(settings: &Settings) -> Result<qemu::Qemu, String> {
    let mut config = qemu::Config::new(&settings.state_dir);
    config.acceleration = match settings.acceleration {
        Accel::Auto => qemu::Acceleration::Auto,
        Accel::Kvm => qemu::Acceleration::Kvm,
        Accel::Tcg => qemu::Acceleration::Tcg,
    };
    qemu::Qemu::open(config).await.map_err(|error| format!("The hypervisor cannot be opened: {error}."))
}

fn ovn_config(settings: &Settings) -> ovn::Config {
    let mut config = ovn::Config {
        chassis: settings.host_name.clone(),
        masquerade: settings.masquerade,
        ..ovn::Config::default()
    };
    if let Some((northbound, switch)) = settings.system_ovn.clone() {
        config.engine = ovn::Engine::System { northbound, switch };
    }
    config
}

/// Takes everything of the cloud down that is on this host and is no file of its state directory: machines, and the
/// network. Nothing is started for it, so that it works also where the network engine does not (any more): a private
/// one goes as a whole. Only where networks lie in the system's is each object taken out of it. The error is a sentence.
pub async fn destroy(settings: &Settings, clock: &Clock, entropy: &Entropy) -> Result<(), String> {
    let left = |left: Vec<String>| match left.is_empty() {
        true => Ok(()),
        false => Err(format!("Some things could not be taken down: {}.", left.join("; "))),
    };
    match (settings.metal, &settings.system_ovn) {
        (Metal::Sim, _) => Ok(()),
        (Metal::Real, Some(_)) => {
            let mut stuck = Vec::new();
            for (agent, _) in hosts(settings, clock, entropy, &DriverCalls::default(), None).await?.hosts {
                stuck.extend(agent.destroy().await.err().into_iter().flatten());
            }
            left(stuck)
        }
        (Metal::Real, None) => {
            left(destroy_machines(settings).await?)?;
            ovn::Daemons::destroy(&settings.state_dir)
                .await
                .map_err(|error| format!("The network cannot be taken down: {error}."))
        }
    }
}

/// Ends every machine that the hypervisor knows; answers what did not end, and why.
async fn destroy_machines(settings: &Settings) -> Result<Vec<String>, String> {
    let failed = |error: metal::DriverError| format!("The hypervisor cannot be opened: {error}.");
    let hypervisor = qemu(settings).await?;
    let mut left = Vec::new();
    for machine in hypervisor.machines().await.map_err(failed)? {
        if let Err(error) = hypervisor.destroy(&machine.id).await {
            left.push(format!("server {}: {error}", machine.id));
        }
    }
    Ok(left)
}
