//! Compute: servers, and what they are made of and run on. To its callers it is Nova.
//!
//! `routes` lists the operations; `api` decodes a call and encodes its answer; `ops` holds the rules of the cloud, one
//! transaction a call; `store` the SQL; `model` what is pure: the state of a server, the scheduler, what a host must
//! hold; `reconcile` makes the hosts as the store wants them, and takes in what they report.

pub mod api;
pub mod envelope;
pub mod migrations;
pub mod model;
pub mod ops;
pub mod proxy;
pub mod reconcile;
pub mod routes;
pub mod rules;
pub mod store;
pub mod versions;

use ::store::{Db, Tx};
use contract::{Identity, Images, Networks, Placement};
use fault::Fault;
use kernel::Micros;
use std::sync::Arc;
use std::time::Duration;
use web::metrics::{Registry, Seconds};
use web::{Cx, Surface};

pub use migrations::MIGRATIONS;
pub use ops::aggregate::Grouping;

/// What an operator may choose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the console is found from outside, without final slash: `http://127.0.0.1:5000/console`.
    pub console_url: String,
    /// The availability zone of hosts that no aggregate puts into another.
    pub zone: String,
    /// How often a processor of a host is given away.
    pub cpu_ratio: f64,
    /// How often the memory of a host is given away.
    pub memory_ratio: f64,
    /// How often the disk of a host is given away.
    pub disk_ratio: f64,
    /// Memory that a host keeps for itself, in MiB.
    pub reserved_memory_mib: u64,
    /// How long a server may take to be built.
    pub build_time: Duration,
    /// How long anything else may take that is done to a server.
    pub task_time: Duration,
    /// The domain that guests are told after their host name, without dot; may be empty.
    pub dns_domain: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            console_url: "http://127.0.0.1:5000/console".to_owned(),
            zone: "nova".to_owned(),
            cpu_ratio: 4.0,
            memory_ratio: 1.0,
            disk_ratio: 1.0,
            reserved_memory_mib: 512,
            build_time: Duration::from_secs(600),
            task_time: Duration::from_secs(300),
            dns_domain: "novalocal".to_owned(),
        }
    }
}

/// What the service takes from its surroundings.
pub struct Parts {
    /// The store, with [`MIGRATIONS`] applied under the name `compute`.
    pub db: Db,
    /// The hosts.
    pub agents: link::Agents,
    /// Users and projects.
    pub identity: Arc<dyn Identity>,
    /// Images.
    pub images: Arc<dyn Images>,
    /// Networks and ports.
    pub networks: Arc<dyn Networks>,
    /// What hosts have and who has it.
    pub placement: Arc<dyn Placement>,
    /// What an operator may choose.
    pub settings: Settings,
}

/// The service.
pub struct Compute {
    pub(crate) db: Db,
    pub(crate) agents: link::Agents,
    pub(crate) identity: Arc<dyn Identity>,
    pub(crate) images: Arc<dyn Images>,
    pub(crate) networks: Arc<dyn Networks>,
    pub(crate) placement: Arc<dyn Placement>,
    pub(crate) settings: Settings,
    /// How long it takes to look for a host.
    pub(crate) decisions: Seconds,
}

impl Compute {
    /// The service.
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { db, agents, identity, images, networks, placement, settings } = parts;
        let decisions = Seconds::default();
        Arc::new(Self { db, agents, identity, images, networks, placement, settings, decisions })
    }

    /// Shows what it measures of itself.
    pub fn register(&self, registry: &mut Registry) {
        let about = "Time to decide on the host of a server";
        self.decisions.register(registry, "drystone_scheduling_seconds", about);
    }

    /// What must exist from the first start: flavors, and the services that are not on hosts; and no host is here yet. To
    /// be said at each start, before hosts can join.
    pub fn bootstrap(&self, tx: &Tx) -> Result<(), Fault> {
        ops::flavor::bootstrap(tx)?;
        for kind in ["nova-scheduler", "nova-conductor"] {
            store::host::service_ensure(tx, kind, "controller")?;
        }
        self.hosts_begin(tx)
    }

    /// Adds this service's reconcilers to an engine.
    pub fn reconcilers(self: &Arc<Self>, engine: ::reconcile::Engine) -> ::reconcile::Engine {
        engine
            .with(Arc::new(reconcile::server::Servers(self.clone())))
            .with(Arc::new(reconcile::tombstone::Tombstones(self.clone())))
            .with(Arc::new(reconcile::image_copies::ImageCopies(self.clone())))
    }

    /// Follows who joins and leaves and what hosts report, for ever. To be spawned once a process.
    pub async fn follow(self: Arc<Self>) {
        tokio::join!(
            self.clone().follow_attendance(),
            self.clone().follow_reports(),
            self.keep_hosts_fresh()
        );
    }

    /// How many hosts are here and known to the scheduler. What the store says of hosts that have not joined since a restart
    /// does not count.
    pub async fn hosts_up(&self) -> Result<usize, Fault> {
        let up = self.db.read(store::host::hosts_up).await?;
        Ok(up.iter().filter(|id| self.agents.is_here(id)).count())
    }

    /// Runs `f` in a read transaction, in the name of a caller.
    pub(crate) async fn read<T, F>(self: &Arc<Self>, cx: &Cx, mut f: F) -> Result<T, Fault>
    where
        F: FnMut(&Self, &Tx, &Cx) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        let (this, cx) = (self.clone(), cx.clone());
        self.db.read(move |tx| f(&this, tx, &cx)).await
    }

    /// Runs `f` in a write transaction, in the name of a caller.
    pub(crate) async fn write<T, F>(self: &Arc<Self>, cx: &Cx, mut f: F) -> Result<T, Fault>
    where
        F: FnMut(&Self, &Tx, &Cx) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        let (this, cx) = (self.clone(), cx.clone());
        self.db.write(move |tx| f(&this, tx, &cx)).await
    }

    /// Something about the server's wishes changed: the reconciler looks at it.
    pub(crate) fn wake(&self, tx: &Tx, server_id: &str) -> Result<(), Fault> {
        ::reconcile::want(tx, reconcile::SERVER, server_id)
    }

    /// When something that begins now must have ended.
    pub(crate) fn deadline(&self, tx: &Tx, span: Duration) -> Micros {
        tx.now().plus(span)
    }
}

/// The API.
pub fn surface(service: Arc<Compute>) -> Surface<Compute> {
    Surface {
        name: "compute",
        service,
        routes: routes::routes(),
        microversions: Some(versions::MICROVERSIONS),
        envelope: envelope::written,
        refusal: envelope::refusal,
        spelling: routes::spelling,
        head_is_get: true,
        request_id_header: Some("x-compute-request-id"),
    }
}

/// The console in the browser, to be mounted where [`Settings::console_url`] says.
pub fn console_surface(service: Arc<Compute>) -> Surface<Compute> {
    Surface {
        name: "console",
        service,
        routes: proxy::routes(),
        microversions: None,
        envelope: envelope::written,
        refusal: envelope::refusal,
        spelling: |path| path.into(),
        head_is_get: true,
        request_id_header: None,
    }
}
