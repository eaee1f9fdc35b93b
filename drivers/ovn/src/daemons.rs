//! The private daemons of Open vSwitch and OVN: made, started, adopted, supervised and taken away.
//!
//! They detach themselves (`--detach`: a session of their own), so that they outlive us; whoever starts with the same
//! state directory finds them by the locks on their pid files. All of them live in the cloud's network namespace:
//! `br-int`, `br-ex` and `ovs-netdev` are names of interfaces, and on the host they would meet those of other clouds.

mod process;
mod supervise;

use crate::chassis;
use crate::config::{Config, Datapath, Engine};
use crate::place::{self, Place};
use crate::switch::Ovn;
use crate::{masquerade, namespace};
use process::Daemon;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

pub use process::PACKAGES;

/// Why the switch does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A program or file of the packages is not installed.
    #[error("{0} is not installed: apt-get install --no-install-recommends {PACKAGES}")]
    Missing(String),
    /// The process may not do what it must.
    #[error("network namespaces and taps need root: run drystone as root, or choose simulated metal")]
    NotRoot,
    /// A daemon ended instead of starting.
    #[error("{daemon} does not start: {reason}; its log is {log}")]
    Daemon {
        /// Which one.
        daemon: &'static str,
        /// What it said.
        reason: String,
        /// Where it may have said more.
        log: String,
    },
    /// A database does not answer as it should.
    #[error("{0}")]
    Database(#[from] crate::ovsdb::OvsdbError),
    /// The host's file system, network or programs failed.
    #[error("the network engine cannot be set up: {0}")]
    Host(#[from] std::io::Error),
}

/// The daemons of one cloud on this host.
pub struct Daemons {
    place: Place,
    daemons: Arc<Vec<Daemon>>,
    supervisor: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Daemons {
    fn drop(&mut self) {
        if let Some(supervisor) = &self.supervisor {
            supervisor.abort();
        }
    }
}

impl Daemons {
    /// Starts what does not run, adopts what does, and answers with the switch that they make.
    pub async fn start(state_dir: &Path, config: Config) -> Result<Ovn, StartError> {
        let began = Instant::now();
        // It must exist to be told from the same directory under another name.
        std::fs::create_dir_all(state_dir)?;
        let place = Place::of(state_dir)?;
        let ovn = match config.engine.clone() {
            Engine::System { northbound, switch } => {
                let databases = chassis::Databases::follow(&northbound, &switch);
                databases.synced().await?;
                Ovn::new(place, config, None, databases)
            }
            Engine::Private => Self::private(place, config).await?,
        };
        ovn.prepare().await?;
        tracing::info!(elapsed = ?began.elapsed(), "the switch is ready");
        Ok(ovn)
    }

    async fn private(place: Place, config: Config) -> Result<Ovn, StartError> {
        if !nix::unistd::geteuid().is_root() {
            return Err(StartError::NotRoot);
        }
        process::find_programs()?;
        let daemons = Arc::new(process::all(&place));
        let (servers, others): (Vec<_>, Vec<_>) =
            daemons.iter().partition(|daemon| daemon.database.is_some());
        let (_, datapath) = tokio::try_join!(ground(&place, &daemons), preferred_datapath(config.datapath))?;
        ensure_all(&place, &servers).await?;
        let databases = chassis::Databases::follow(&place.socket("nb"), &place.socket("conf"));
        databases.synced().await?;
        chassis::describe(&databases, &config, datapath, &place.socket("sb")).await?;
        // ovn-controller waits a second when it does not find the bridges at once.
        let (last, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|daemon| daemon.name == process::LAST);
        ensure_all(&place, &others).await?;
        ensure_all(&place, &last).await?;
        let supervisor = Some(tokio::spawn(supervise::keep(place.clone(), Arc::clone(&daemons))));
        let daemons = Self { place: place.clone(), daemons, supervisor };
        Ok(Ovn::new(place, config, Some(daemons), databases))
    }

    /// The process of each daemon that runs.
    pub fn pids(&self) -> Vec<(&'static str, i32)> {
        let pid = |daemon: &Daemon| Some((daemon.name, process::holder(&self.place.pid_file(daemon.name))?));
        self.daemons.iter().filter_map(pid).collect()
    }

    /// Takes everything of a cloud's private switch away: processes, bridges, taps, namespaces, the link to the
    /// host, the nftables table, databases and sockets. Finds it all by the state directory, running or not.
    pub async fn destroy(state_dir: &Path) -> std::io::Result<()> {
        let place = Place::of(state_dir)?;
        process::end_all(&place).await?;
        clear_namespace(&place).await?;
        masquerade::remove(&place).await?;
        for directory in [&place.run, &place.state] {
            match std::fs::remove_dir_all(directory) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        // Only the last cloud of the host leaves it empty.
        let _ = std::fs::remove_dir(place::SHORT);
        Ok(())
    }
}

/// Starts those daemons that do not run, all at once.
async fn ensure_all(place: &Place, daemons: &[&Daemon]) -> Result<(), StartError> {
    let starts = daemons.iter().map(|daemon| process::ensure(place, daemon));
    futures_util::future::try_join_all(starts).await.map(drop)
}

/// Directories, namespace and databases.
async fn ground(place: &Place, daemons: &[Daemon]) -> Result<(), StartError> {
    private_directory(&place.state)?;
    if place.run != place.state {
        private_directory(&place.run)?;
        let link = place.state.join("run");
        if !link.is_symlink() {
            std::os::unix::fs::symlink(&place.run, link)?;
        }
    }
    let name = place.namespace();
    let fresh = !namespace::exists(&name);
    if fresh {
        // The host was restarted: what the switch database says of taps and links is not true any more.
        process::end_all(place).await?;
        let _ = std::fs::remove_file(process::database(place, "conf"));
    }
    let up = vec!["link set lo up".to_owned()];
    let make = async {
        if fresh {
            namespace::ip(None, &[format!("netns add {name}")], false).await?;
        }
        namespace::ip(Some(&name), &up, false).await
    };
    // The host's own IPv6 would talk to guests through their taps.
    let quiet = || std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    let make = async {
        make.await?;
        if namespace::within(Some(&name), quiet).await.is_err() {
            tracing::debug!("this kernel has no IPv6 to be turned off in the namespace");
        }
        Ok::<(), StartError>(())
    };
    let databases =
        futures_util::future::try_join_all(daemons.iter().map(|daemon| process::prepare(place, daemon)));
    tokio::try_join!(make, databases).map(drop)
}

/// A directory that only we may look into: a socket in it is all power over the switch.
fn private_directory(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The kernel's datapath where the module is there or can be loaded.
async fn preferred_datapath(chosen: Option<Datapath>) -> Result<Datapath, StartError> {
    if let Some(datapath) = chosen {
        return Ok(datapath);
    }
    let loaded = || Path::new("/sys/module/openvswitch").exists();
    if !loaded() {
        // Without modprobe, or without the module, the userspace datapath does.
        let _ = namespace::feed(namespace::command("modprobe").args(["-q", "openvswitch"]), "").await;
    }
    Ok(if loaded() { Datapath::Kernel } else { Datapath::Userspace })
}

/// Deletes the cloud's namespaces with all interfaces in them; a veth takes its other end along.
async fn clear_namespace(place: &Place) -> std::io::Result<()> {
    let name = place.namespace();
    if namespace::exists(&name) {
        let list = || {
            Ok(nix::net::if_::if_nameindex()?.iter().map(|found| found.name().to_owned()).collect::<Vec<_>>())
        };
        let found = namespace::within(Some(&name), list).await?;
        let found = found.iter().filter_map(|found| found.to_str().ok()).filter(|found| *found != "lo");
        let lines: Vec<String> = found.map(|found| format!("link del {found}")).collect();
        // An interface may have gone with the other end of its veth, or with its daemon.
        let _ = namespace::ip(Some(&name), &lines, true).await;
    }
    let names = namespace::names(&name);
    let lines: Vec<String> = names.iter().map(|name| format!("netns del {name}")).collect();
    namespace::ip(None, &lines, false).await
}
