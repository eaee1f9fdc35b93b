//! Virtual machines: one QEMU process each, that outlives ours.
//!
//! * [`machine`], [`keeper`]: one machine: folder, record, and the task that follows its QEMU
//! * [`operations`], [`saved`], [`plugging`]: what is done to machines
//! * [`record`], [`process`]: what is remembered, and whether a QEMU lives; together they survive any crash
//! * [`hardware`], [`devices`], [`command_line`]: what the guest sees, as pure functions
//! * [`qmp`], [`sockets`], [`tap`], [`cgroup`], [`console`]: the ways to QEMU and the kernel
//! * [`host`], [`acceleration`]: what QEMU can do here; whether KVM really runs guests

mod acceleration;
mod cgroup;
mod changes;
mod command_line;
mod console;
mod devices;
mod hardware;
mod host;
mod keeper;
mod machine;
mod operations;
mod plugging;
mod process;
mod qmp;
mod record;
mod saved;
mod sockets;
mod tap;

pub use acceleration::Acceleration;

use async_trait::async_trait;
use cgroup::Cgroups;
use changes::Changes;
use host::Host;
use machine::Entry;
use metal::driver::{
    Driven, DriverError, Duplex, Hypervisor, HypervisorFacts, KnownMachine, Machine, Nic, check_machine_id,
};
use process::{Ending, Process};
use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;

/// What an operator may choose.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where machines are remembered: `<state_dir>/servers/<id>/`.
    pub state_dir: PathBuf,
    /// QEMU: a path, or a name in the usual places.
    pub program: PathBuf,
    /// KVM or emulation.
    pub acceleration: Acceleration,
    /// The control group, below the root of the unified hierarchy, in which each machine gets one; `None`: none.
    pub cgroup: Option<String>,
    /// QEMU filters its own system calls, where it was built with the filter.
    pub sandbox: bool,
}

impl Config {
    /// The usual choices.
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        Self {
            state_dir: state_dir.into(),
            program: "qemu-system-x86_64".into(),
            acceleration: Acceleration::Auto,
            cgroup: Some("drystone".into()),
            sandbox: true,
        }
    }
}

/// The hypervisor. Dropping it leaves the machines running; opening it again finds them.
pub struct Qemu {
    shared: Arc<Shared>,
}

/// What operations share.
pub(crate) struct Shared {
    config: Config,
    cgroups: Cgroups,
    changes: Arc<Changes>,
    host: OnceCell<(Host, String)>,
    machines: Mutex<BTreeMap<String, Arc<Entry>>>,
}

impl Shared {
    /// What QEMU can do here. Asked once; an error is not remembered.
    pub(crate) async fn host(&self) -> Driven<&(Host, String)> {
        let config = &self.config;
        self.host
            .get_or_try_init(|| Host::learn(&config.program, &config.state_dir, config.acceleration))
            .await
    }

    fn machines(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Entry>>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self, id: &str) -> PathBuf {
        self.config.state_dir.join("servers").join(id)
    }

    fn entry(&self, id: &str) -> Driven<Arc<Entry>> {
        check_machine_id(id)?;
        let mut machines = self.machines();
        let new = || Entry::new(id, self.folder(id), None, self.cgroups.clone(), self.changes.clone());
        Ok(machines.entry(id.to_owned()).or_insert_with(|| Arc::new(new())).clone())
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        for entry in self.shared.machines().values() {
            entry.let_go();
        }
    }
}

impl Qemu {
    /// Finds the machines of a state directory. Does not wait for the probe of KVM: [`Hypervisor::facts`] does.
    pub async fn open(config: Config) -> Driven<Self> {
        let servers = config.state_dir.join("servers");
        let failed = |error: std::io::Error| {
            DriverError::Failed(format!("cannot read {}: {error}", servers.display()))
        };
        std::fs::create_dir_all(&servers).map_err(failed)?;
        let cgroups = config.cgroup.as_deref().map_or_else(Cgroups::none, Cgroups::open);
        let shared = Arc::new(Shared {
            config,
            cgroups,
            changes: Arc::default(),
            host: OnceCell::new(),
            machines: Mutex::default(),
        });
        for folder in std::fs::read_dir(&servers).map_err(failed)? {
            let folder = folder.map_err(failed)?;
            let name = folder.file_name().to_string_lossy().into_owned();
            if let Err(error) = adopt(&shared, &name, &folder.path()).await {
                tracing::error!(%error, machine = name, "a machine cannot be taken over");
            }
        }
        Ok(Self { shared })
    }

    /// Carries an operation out to its end, even when nobody waits for it any more.
    async fn operate<F, T>(&self, id: &str, operation: impl FnOnce(Arc<Shared>, Arc<Entry>) -> F) -> Driven<T>
    where
        F: Future<Output = Driven<T>> + Send + 'static,
        T: Send + 'static,
    {
        let entry = self.shared.entry(id)?;
        let work = operation(self.shared.clone(), entry.clone());
        let done = tokio::spawn(async move {
            let _one_at_a_time = entry.operation.lock().await;
            work.await
        });
        done.await.map_err(|error| DriverError::Failed(format!("an operation on {id} broke off: {error}")))?
    }
}

/// Takes over what an earlier process of ours has left in a folder.
async fn adopt(shared: &Arc<Shared>, id: &str, folder: &Path) -> std::io::Result<()> {
    let record = record::read(folder)?;
    let process = Process::find(folder).await?;
    let Some(record) = record else {
        // A crash before the record was written, or after it was removed.
        if process.is_none() {
            std::fs::remove_dir_all(folder)?;
            shared.cgroups.remove(id);
        }
        return Ok(());
    };
    let at_rest = matches!(record.phase, record::Phase::Off | record::Phase::Suspended);
    let entry =
        Entry::new(id, folder.to_owned(), Some(record), shared.cgroups.clone(), shared.changes.clone());
    let entry = Arc::new(entry);
    shared.machines().insert(id.to_owned(), entry.clone());
    match process {
        Some(process) => {
            let qmp = qmp::Qmp::connect(&folder.join("monitor"), Duration::from_secs(2)).await;
            let qmp = qmp
                .inspect_err(|error| tracing::warn!(%error, id, "QEMU does not answer yet"))
                .ok()
                .map(Arc::new);
            entry.keep(process, qmp.clone());
            if let Some(qmp) = qmp {
                entry.look(&qmp).await.map_err(std::io::Error::other)?;
            }
        }
        None if !at_rest => entry.finished(Ending::Unknown).await,
        None => {}
    }
    Ok(())
}

#[async_trait]
impl Hypervisor for Qemu {
    async fn facts(&self) -> Driven<HypervisorFacts> {
        let (host, acceleration) = self.shared.host().await?;
        Ok(HypervisorFacts {
            name: "QEMU".into(),
            version: host.version,
            acceleration: acceleration.clone(),
            vcpus: host::processors(),
            memory_mib: host::memory_mib(),
            cpu_info: host::cpu_info(),
            traits: Vec::new(),
        })
    }

    async fn start(&self, machine: &Machine) -> Driven<()> {
        let wanted = machine.clone();
        self.operate(&machine.id, move |shared, entry| async move {
            operations::start(&shared, &entry, &wanted).await
        })
        .await
    }

    async fn stop(&self, id: &str, kindly: Option<Duration>) -> Driven<()> {
        self.operate(id, move |_, entry| async move { operations::stop(&entry, kindly).await }).await
    }

    async fn pause(&self, id: &str) -> Driven<()> {
        self.operate(id, |_, entry| async move { operations::freeze(&entry, true).await }).await
    }

    async fn unpause(&self, id: &str) -> Driven<()> {
        self.operate(id, |_, entry| async move { operations::freeze(&entry, false).await }).await
    }

    async fn suspend(&self, id: &str) -> Driven<()> {
        self.operate(id, |_, entry| async move { saved::suspend(&entry).await }).await
    }

    async fn plug(&self, id: &str, nic: &Nic) -> Driven<()> {
        let nic = nic.clone();
        self.operate(id, |_, entry| async move { plugging::plug(&entry, &nic).await }).await
    }

    async fn unplug(&self, id: &str, port_id: &str) -> Driven<()> {
        let port = port_id.to_owned();
        self.operate(id, |_, entry| async move { plugging::unplug(&entry, &port).await }).await
    }

    async fn destroy(&self, id: &str) -> Driven<()> {
        self.operate(id, |_, entry| async move { operations::destroy(&entry).await }).await?;
        let mut machines = self.shared.machines();
        // Somebody may be about to start it again: then the entry stays.
        if machines.get(id).is_some_and(|entry| Arc::strong_count(entry) == 1) {
            machines.remove(id);
        }
        Ok(())
    }

    async fn machines(&self) -> Driven<Vec<KnownMachine>> {
        let entries: Vec<Arc<Entry>> = self.shared.machines().values().cloned().collect();
        let mut known = Vec::new();
        for entry in entries {
            known.extend(entry.known().await);
        }
        Ok(known)
    }

    async fn machine(&self, id: &str) -> Driven<Option<KnownMachine>> {
        let entry = self.shared.machines().get(id).cloned();
        match entry {
            Some(entry) => Ok(entry.known().await),
            None => Ok(None),
        }
    }

    async fn console_log(&self, id: &str, bytes: u64) -> Driven<Vec<u8>> {
        let entry = self.shared.entry(id)?;
        console::tail(&entry.folder.join("console.log"), bytes)
            .map_err(|error| entry.failed("read the console of", &error))
    }

    async fn screen(&self, id: &str) -> Driven<Box<dyn Duplex>> {
        let entry = self.shared.entry(id)?;
        let connection = sockets::connect(&entry.folder.join("screen")).await;
        let stream =
            connection.map_err(|error| DriverError::Refused(format!("{id} has no screen now: {error}")))?;
        Ok(Box::new(stream))
    }

    async fn changed(&self) -> String {
        self.shared.changes.next().await
    }
}
