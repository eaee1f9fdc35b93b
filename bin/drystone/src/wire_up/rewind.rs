//! States of a simulated cloud that are kept, and returned to: the store, the ledgers, what is on the hosts, the images.
//!
//! A return is a new timeline. Nothing writes meanwhile: requests wait at the gate, the engine holds, the agents are
//! stopped. What was under way on the old timeline is refused by the fences that a restore from a backup needs anyway;
//! tokens from before are void.

use super::simulation::Known;
use super::{Controller, Hosts, pass};
use crate::settings::Settings;
use agent::Agent;
use async_trait::async_trait;
use compute::Compute;
use fault::{Fault, Kind, Means};
use identity::Identity;
use link::Agents;
use network::Network;
use reconcile::Handle;
use sim::api::{Cloud, SEED};
use sim::{Control, Sim};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::Db;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long requests that run may take to end.
const REQUESTS: Duration = Duration::from_secs(10);
/// How long agents may take to leave and to join.
const AGENTS: Duration = Duration::from_secs(30);

pub(super) struct Rewind {
    /// Where states are kept, each in a directory of its name.
    dir: PathBuf,
    images: PathBuf,
    control: Control,
    db: Db,
    identity: Arc<Identity>,
    compute: Arc<Compute>,
    network: Arc<Network>,
    known: Arc<Known>,
    agents: Agents,
    engine: Arc<Handle>,
    hosts: Vec<(Agent, Sim)>,
    /// One at a time.
    turn: Mutex<()>,
}

impl Rewind {
    pub(super) fn new(
        control: &Control,
        settings: &Settings,
        controller: &Controller,
        engine: Arc<Handle>,
        hosts: &Hosts,
    ) -> Self {
        let simulated = |(agent, sim): &(Agent, Option<Sim>)| Some((agent.clone(), sim.clone()?));
        Self {
            dir: settings.state_dir.join("sim/snapshots"),
            images: settings.state_dir.join("image-data"),
            control: control.clone(),
            db: controller.db.clone(),
            identity: controller.identity.clone(),
            compute: controller.compute.clone(),
            network: controller.network.clone(),
            known: controller.known.clone(),
            agents: controller.agents.clone(),
            engine,
            hosts: hosts.hosts.iter().filter_map(simulated).collect(),
            turn: Mutex::default(),
        }
    }

    /// Keeps the freshly seeded state when all hosts have joined for the first time. Later starts have it already.
    pub(super) async fn keep_seed(&self) -> Result<(), Fault> {
        if self.dir.join(SEED).is_dir() || self.embedded().is_err() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        let joined = async {
            while self.compute.hosts_up().await? < self.hosts.len() {
                pass(self.control.clock(), Duration::from_millis(5)).await;
            }
            Ok::<_, Fault>(())
        };
        timeout(AGENTS, joined).await.map_err(|_| Fault::unavailable("Hosts did not join in time."))??;
        self.copied(SEED).await
    }

    /// States are kept as files, and a database on a server is none: that is said before anything is touched.
    fn embedded(&self) -> Result<(), Fault> {
        let said = "This cloud keeps its state in PostgreSQL: only one with the embedded store can keep states and return \
                    to them.";
        if self.db.is_shared() { Err(Fault::conflict(said)) } else { Ok(()) }
    }

    async fn copied(&self, name: &str) -> Result<(), Fault> {
        self.engine.hold().await;
        let copied = self.copy(name).await;
        self.engine.resume();
        copied
    }

    /// Copies everything to a new directory that gets the name when it is whole.
    async fn copy(&self, name: &str) -> Result<(), Fault> {
        let Some((agent, sim)) = self.hosts.first() else { return Ok(()) };
        let failed = "The state of the cloud cannot be kept.";
        // Metal before ledgers: what is on a host must not be unknown to its ledger.
        let metal = sim.copy().means(Kind::Unavailable, failed)?;
        let ledgers = agent.copy_ledgers().await.means(Kind::Unavailable, failed)?;
        let (db, images, dir, young) =
            (self.db.clone(), self.images.clone(), self.dir.join(name), self.dir.join(".new"));
        let write = move || -> Result<(), Fault> {
            empty(&young).means(Kind::Unavailable, failed)?;
            let files = || -> io::Result<()> {
                fs::write(young.join("metal"), &metal)?;
                fs::write(young.join("ledgers"), &ledgers)?;
                same_images(&images, &young.join("images"))
            };
            files().means(Kind::Unavailable, failed)?;
            db.copy_now(&young.join("store"))?;
            let named = || -> io::Result<()> {
                if dir.exists() {
                    fs::remove_dir_all(&dir)?;
                }
                fs::rename(&young, &dir)
            };
            named().means(Kind::Unavailable, failed)
        };
        let _elsewhere = self.control.clock().elsewhere();
        tokio::task::spawn_blocking(write).await.map_err(Fault::bug)?
    }

    async fn gate(&self) -> Result<impl Drop + use<>, Fault> {
        let closed = timeout(REQUESTS, self.control.close()).await;
        closed.map_err(|_| Fault::conflict("Requests are still running. Try again when they have ended."))
    }

    async fn until(&self, what: &'static str, holds: impl Fn() -> bool) -> Result<(), Fault> {
        let waited = async {
            while !holds() {
                pass(self.control.clock(), Duration::from_millis(1)).await;
            }
        };
        timeout(AGENTS, waited).await.map_err(|_| Fault::unavailable(what))
    }

    /// Everything is again as in the state of this name.
    async fn pour(&self, name: &str) -> Result<i64, Fault> {
        let Some((agent, sim)) = self.hosts.first() else {
            return Err(Fault::unavailable("There are no hosts."));
        };
        let failed = "The kept state of the cloud cannot be read.";
        let from = self.dir.join(name);
        let ledgers = fs::read(from.join("ledgers")).means(Kind::Unavailable, failed)?;
        agent.put_back_ledgers(ledgers).await.means(Kind::Unavailable, failed)?;
        let (db, images, sim) = (self.db.clone(), self.images.clone(), sim.clone());
        let write = move || -> Result<i64, Fault> {
            let files = || -> io::Result<()> {
                sim.put_back(&fs::read(from.join("metal"))?)?;
                same_images(&from.join("images"), &images)
            };
            files().means(Kind::Unavailable, failed)?;
            db.put_back_now(&from.join("store"))
        };
        let timeline = {
            let _elsewhere = self.control.clock().elsewhere();
            tokio::task::spawn_blocking(write).await.map_err(Fault::bug)??
        };
        self.hosts.iter().for_each(|(agent, _)| agent.forget_all());
        // The state may be one of other hosts.
        let (known, compute, network) = (self.known.clone(), self.compute.clone(), self.network.clone());
        let tell = self.db.write(move |tx| known.tell(tx, &compute, &network));
        let (told, void) = tokio::join!(tell, self.identity.tokens_void());
        told.and(void)?;
        Ok(timeline)
    }
}

#[async_trait]
impl Cloud for Rewind {
    async fn keep(&self, name: &str) -> Result<(), Fault> {
        self.embedded()?;
        let _turn = self.turn.lock().await;
        let _gate = self.gate().await?;
        self.copied(name).await
    }

    async fn kept(&self) -> Result<Vec<String>, Fault> {
        self.embedded()?;
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.means(Kind::Unavailable, "The kept states cannot be listed.")?,
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        Ok(names)
    }

    async fn forget(&self, name: &str) -> Result<bool, Fault> {
        let _turn = self.turn.lock().await;
        match fs::remove_dir_all(self.dir.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.means(Kind::Unavailable, "The kept state cannot be removed.").map(|()| true),
        }
    }

    async fn put_back(&self, name: &str) -> Result<i64, Fault> {
        self.embedded()?;
        let _turn = self.turn.lock().await;
        let _gate = self.gate().await?;
        if !self.dir.join(name).is_dir() {
            return Err(Fault::unavailable(format!("The state {name} is not kept.")));
        }
        // Where the return is refused, faults and clock have stayed as they were.
        if name == SEED {
            self.control.settle();
            self.clock_moved();
        }
        self.engine.hold().await;
        self.control.pause().await;
        let poured =
            match self.until("Agents did not leave in time.", || self.agents.hosts().is_empty()).await {
                Ok(()) => self.pour(name).await,
                Err(fault) => Err(fault),
            };
        self.control.resume();
        let on = self.hosts.iter().filter(|(_, sim)| sim.is_on()).count();
        let joined = self.until("Agents did not join in time.", || self.agents.hosts().len() >= on).await;
        self.engine.resume();
        let timeline = poured?;
        self.control.let_in();
        joined.map(|()| timeline)
    }

    fn clock_moved(&self) {
        self.engine.wake();
    }
}

/// The directory is there and has nothing in it.
fn empty(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(dir)
}

/// `to` has the same images as `from`. They are never written to once they have their names, so that links do.
fn same_images(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let names = |dir: &Path| -> io::Result<Vec<std::ffi::OsString>> {
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    };
    let (wanted, held) = (names(from)?, names(to)?);
    for name in held.iter().filter(|name| !wanted.contains(name)) {
        fs::remove_file(to.join(name))?;
    }
    for name in wanted.iter().filter(|name| !held.contains(name)) {
        fs::hard_link(from.join(name), to.join(name))?;
    }
    Ok(())
}
