//! Simulated metal: machines, networks and disks that exist as records only.
//!
//! It refuses what real metal refuses and keeps its state in a file of its own, which outlives the process as QEMU and
//! OVN do; the agent above cannot tell. Simulated metal is for people who build things on OpenStack, and for tests:
//! faults can be injected with [`Sim::kill`] and [`Faults`].
//!
//! * [`state`]: the records and their file
//! * [`hypervisor`], [`switch`], [`disks`]: the three traits
//! * [`console`], [`screen`]: what a machine shows

mod console;
mod disks;
mod font;
mod hypervisor;
mod screen;
mod state;
mod switch;

use kernel::Entropy;
use state::State;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How large and how slow the simulated host is.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long a machine takes to start.
    pub boot: Duration,
    /// Processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Room for disks and images in bytes.
    pub disk_bytes: u64,
    /// Physical networks that the host is connected to.
    pub physical_networks: Vec<String>,
    /// Guests shut down when asked. Otherwise they must be forced when their time is over.
    pub guests_comply: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            boot: Duration::ZERO,
            vcpus: 64,
            memory_mib: 512 * 1024,
            disk_bytes: 20 << 40,
            physical_networks: vec!["public".to_owned()],
            guests_comply: true,
        }
    }
}

/// Calls that fail for a while: one in so many, decided by the host's entropy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// One call in so many fails; zero is none.
    pub one_in: u64,
}

/// A simulated host. Clones are the same host.
#[derive(Clone)]
pub struct Sim(Arc<Host>);

struct Host {
    dir: PathBuf,
    config: Config,
    entropy: Entropy,
    state: Mutex<State>,
    faults: Mutex<Faults>,
    machines: Changes,
    ports: Changes,
}

impl Sim {
    /// The host whose state is kept in `dir`; it goes on where it was.
    pub fn new(dir: &Path, entropy: Entropy, config: Config) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let state = Mutex::new(State::open(dir)?);
        Ok(Self(Arc::new(Host {
            dir: dir.to_path_buf(),
            config,
            entropy,
            state,
            faults: Mutex::default(),
            machines: Changes::default(),
            ports: Changes::default(),
        })))
    }

    /// From now on calls fail as this says.
    pub fn set_faults(&self, faults: Faults) {
        *self.0.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails now and then, when that was asked for.
    fn luck(&self) -> metal::driver::Driven<()> {
        let faults = *self.0.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.one_in > 0 && self.0.entropy.below(faults.one_in) == 0 {
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
