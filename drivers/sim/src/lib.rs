//! Simulated metal: machines, networks and disks that exist as records only.
//!
//! It refuses what real metal refuses and keeps its state in a file of its own, which outlives the process as QEMU and
//! OVN do; the agent above cannot tell. Simulated metal is for people who build things on OpenStack, and for tests:
//! faults can be injected with [`Sim::kill`] and [`Luck`].
//!
//! * [`state`]: the records and their file
//! * [`hypervisor`], [`switch`], [`disks`]: the three traits
//! * [`console`], [`screen`]: what a machine shows
//! * [`control`]: clock, faults and power; [`faults`]: their rules; [`known`]: what they may name; [`door`]: faults of
//!   requests, [`quota`]: their words; [`api`]: `/sim`
//! * [`pace`]: requests in turn, and time that steps from work to work, for clouds that repeat
//! * [`topology`], [`timing`]: how many hosts, how large and how slow

pub mod api;
mod console;
pub mod control;
mod disks;
mod door;
mod faults;
mod font;
mod hypervisor;
mod known;
pub mod pace;
mod quota;
mod screen;
mod state;
mod switch;
mod timing;
pub mod topology;

pub use control::Control;
use faults::{Effect, Event, Stage};
use kernel::{Clock, Entropy};
pub use known::Operation;
pub use pace::Pace;
use state::{State, View};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
pub use timing::Timing;
use tokio::sync::Notify;

/// How large and how slow the simulated host is.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long a machine takes to start.
    pub boot: Timing,
    /// How long a guest takes to shut down when it is asked to.
    pub stop: Timing,
    /// Processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Room for disks and images in bytes.
    pub disk_bytes: u64,
    /// Physical networks that the host is connected to.
    pub physical_networks: Vec<String>,
    /// What sets the host apart from others, in Placement's words.
    pub traits: Vec<String>,
    /// Guests shut down when asked. Otherwise they must be forced when their time is over.
    pub guests_comply: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            boot: Timing::default(),
            stop: Timing::default(),
            vcpus: 64,
            memory_mib: 512 * 1024,
            disk_bytes: 20 << 40,
            physical_networks: vec!["public".to_owned()],
            traits: Vec::new(),
            guests_comply: true,
        }
    }
}

/// Calls that fail for a while: one in so many, decided by the host's entropy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Luck {
    /// One call in so many fails; zero is none.
    pub one_in: u64,
}

/// A simulated host. Clones are the same host.
#[derive(Clone)]
pub struct Sim(Arc<Host>);

struct Host {
    name: String,
    fleet: Arc<Fleet>,
    config: Config,
    entropy: Entropy,
    luck: Mutex<Luck>,
    machines: Changes,
    ports: Changes,
}

/// What all simulated hosts of a process share.
struct Fleet {
    dir: PathBuf,
    state: Mutex<State>,
    control: Control,
    hosts: OnceLock<HashMap<String, Weak<Host>>>,
}

impl Fleet {
    fn host(&self, name: &str) -> Option<Arc<Host>> {
        self.hosts.get()?.get(name)?.upgrade()
    }
}

impl Sim {
    /// A host by itself whose state is kept in `dir`; it goes on where it was.
    pub fn new(dir: &Path, entropy: Entropy, config: Config) -> io::Result<Self> {
        let control = Control::new(Clock::system(), &entropy);
        let hosts = Self::fleet(dir, &control, &entropy, vec![(String::new(), config)])?;
        hosts.into_iter().next().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Hosts by name that are wired to each other, in their order. Their state is in one file in `dir`.
    pub fn fleet(
        dir: &Path,
        control: &Control,
        entropy: &Entropy,
        hosts: Vec<(String, Config)>,
    ) -> io::Result<Vec<Self>> {
        std::fs::create_dir_all(dir)?;
        let names: Vec<&str> = hosts.iter().map(|(name, _)| name.as_str()).collect();
        let state = Mutex::new(State::open(dir, &names)?);
        control.knows_hosts(&names);
        let control = control.clone();
        let fleet = Arc::new(Fleet { dir: dir.to_path_buf(), state, control, hosts: OnceLock::new() });
        let host = |(name, config)| {
            let (fleet, entropy) = (fleet.clone(), entropy.clone());
            let (luck, machines, ports) = (Mutex::default(), Changes::default(), Changes::default());
            Self(Arc::new(Host { name, fleet, config, entropy, luck, machines, ports }))
        };
        let all: Vec<Self> = hosts.into_iter().map(host).collect();
        let by_name = all.iter().map(|sim| (sim.0.name.clone(), Arc::downgrade(&sim.0))).collect();
        fleet.hosts.get_or_init(|| by_name);
        Ok(all)
    }

    /// Runs this host's agent while the host is on; does not end.
    pub async fn attend<F: Future<Output = ()>>(&self, run: impl Fn() -> F) {
        let off = || {
            if let Err(error) = self.power_off() {
                tracing::error!(%error, host = self.0.name, "a host could not be switched off");
            }
        };
        self.0.fleet.control.attend(&self.0.name, run, off).await;
    }

    /// Whether its agent may run.
    pub fn is_on(&self) -> bool {
        self.0.fleet.control.is_on(&self.0.name)
    }

    /// What all hosts hold, as [`Sim::put_back`] takes it.
    pub fn copy(&self) -> io::Result<Vec<u8>> {
        self.state().state.copy()
    }

    /// All hosts hold again what they held when the copy was made. Not while agents run.
    pub fn put_back(&self, copy: &[u8]) -> io::Result<()> {
        self.state().state.put_back(copy)
    }

    /// From now on calls fail as this says.
    pub fn set_luck(&self, luck: Luck) {
        *self.0.luck.lock().unwrap_or_else(PoisonError::into_inner) = luck;
    }

    fn state(&self) -> View<'_> {
        let state = self.0.fleet.state.lock().unwrap_or_else(PoisonError::into_inner);
        View { state, host: &self.0.name }
    }

    /// What goes wrong now with something of this id.
    fn struck(&self, stage: Stage, id: &str) -> Vec<Effect> {
        let event = Event { host: &self.0.name, resource: id, ..Event::default() };
        self.0.fleet.control.faults().strike(stage, event)
    }

    /// Fails now and then, when that was asked for.
    fn luck(&self) -> metal::driver::Driven<()> {
        let luck = *self.0.luck.lock().unwrap_or_else(PoisonError::into_inner);
        if luck.one_in > 0 && self.0.entropy.below(luck.one_in) == 0 {
            return Err(metal::DriverError::Failed("the simulated host fails, as asked".to_owned()));
        }
        Ok(())
    }
}

/// Names of things that have changed by themselves, each once, until somebody takes them.
#[derive(Default)]
struct Changes {
    names: Mutex<BTreeSet<String>>,
    some: Notify,
}

impl Changes {
    fn push(&self, name: &str) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        self.some.notify_one();
    }

    async fn next(&self) -> String {
        loop {
            {
                let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(name) = names.pop_first() {
                    if !names.is_empty() {
                        self.some.notify_one();
                    }
                    return name;
                }
            }
            self.some.notified().await;
        }
    }
}

fn failed(error: impl ToString) -> metal::DriverError {
    metal::DriverError::Failed(error.to_string())
}
