//! The three traits behind which metal is real or simulated. One suite of tests runs over both.
//!
//! Every call is an "ensure": repeated with the same arguments it finds its own work and changes nothing. A driver
//! keeps no truth of its own: after a restart it finds what it made by names derived from the objects' ids.

use crate::network::{NetworkSpec, PortSpec, RouterSpec, SecurityGroupSpec};
use crate::object::Kind;
use crate::server::{ImageSource, MachineState};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Why a driver could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// Something that it needs is not there yet; ask again when that has changed.
    #[error("{0}")]
    NotYet(String),
    /// The request can never be carried out.
    #[error("{0}")]
    Refused(String),
    /// The engine below failed; asking again may help.
    #[error("{0}")]
    Failed(String),
    /// The file system is full.
    #[error("no space is left for {0}")]
    Full(String),
}

/// What drivers answer.
pub type Driven<T> = Result<T, DriverError>;

/// Whether a machine may have this id: on real metal ids are names of files, and simulated metal takes no others.
pub fn check_machine_id(id: &str) -> Driven<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if id.is_empty() || id.len() > 64 || id.starts_with('.') || !id.bytes().all(plain) {
        return Err(DriverError::Refused(format!("{id:?} cannot be the id of a machine")));
    }
    Ok(())
}

/// A byte stream in both directions, as a VNC connection.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Image data on its way to a host.
pub type Data = BoxStream<'static, std::io::Result<Bytes>>;

/// A machine as a hypervisor starts it: all paths and taps are made already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The server's id, which is also the machine's UUID.
    pub id: String,
    /// The life of the server that this is.
    pub incarnation: i64,
    /// The server's name, for operators.
    pub name: String,
    /// Processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Its disks: the first one is booted from.
    pub disks: Vec<MachineDisk>,
    /// The config drive.
    pub config_drive: Option<PathBuf>,
    /// Direct boot: kernel, ramdisk and command line.
    pub direct_boot: Option<(PathBuf, Option<PathBuf>, String)>,
    /// Its interfaces, in order.
    pub nics: Vec<Nic>,
    /// Properties that choose hardware, as `hw_disk_bus`.
    pub hardware: std::collections::BTreeMap<String, String>,
}

/// A disk of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineDisk {
    /// Where it is.
    pub path: PathBuf,
    /// `qcow2` or `raw`.
    pub format: String,
}

/// An interface of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// The port's id in the API.
    pub port_id: String,
    /// The MAC address.
    pub mac: String,
    /// The MTU that the guest is told.
    pub mtu: u32,
    /// The tap to use.
    pub tap: Tap,
}

/// A tap that a switch made for a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// The interface's name.
    pub name: String,
    /// The network namespace that it is in (a name under /run/netns); `None` is the host's.
    pub namespace: Option<String>,
    /// Guests may leave checksums and segmentation to the host (not on the userspace datapath).
    pub offloads: bool,
}

/// A machine that a hypervisor knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMachine {
    /// The server's id.
    pub id: String,
    /// The incarnation that was started.
    pub incarnation: i64,
    /// What it does.
    pub state: MachineState,
    /// Ports that are plugged in.
    pub ports: Vec<String>,
    /// Why it is off, when it was not asked to be.
    pub stopped_because: Option<String>,
}

/// What a hypervisor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HypervisorFacts {
    /// Its name (`QEMU`).
    pub name: String,
    /// Its version as one number (7.2.1 is 7002001).
    pub version: u64,
    /// `kvm`, `tcg` or `sim`.
    pub acceleration: String,
    /// Processors of the host.
    pub vcpus: u32,
    /// Memory of the host in MiB.
    pub memory_mib: u64,
    /// The processor, as JSON text.
    pub cpu_info: String,
    /// What sets the host apart from others, in Placement's words (`HW_CPU_X86_AVX2`, `CUSTOM_SSD`).
    pub traits: Vec<String>,
}

/// Runs virtual machines.
#[async_trait]
pub trait Hypervisor: Send + Sync + 'static {
    /// What it is and what it runs on.
    async fn facts(&self) -> Driven<HypervisorFacts>;
    /// The machine runs (or is paused, if it was) in this incarnation; starts it when it is off, restores it when it
    /// was suspended.
    async fn start(&self, machine: &Machine) -> Driven<()>;
    /// The machine is off. With `kindly` the guest is asked first and has so long to comply.
    async fn stop(&self, id: &str, kindly: Option<Duration>) -> Driven<()>;
    /// The machine is frozen.
    async fn pause(&self, id: &str) -> Driven<()>;
    /// The machine is not frozen any more.
    async fn unpause(&self, id: &str) -> Driven<()>;
    /// The machine is saved to disk and its memory given back.
    async fn suspend(&self, id: &str) -> Driven<()>;
    /// The running machine has this interface.
    async fn plug(&self, id: &str, nic: &Nic) -> Driven<()>;
    /// The running machine has no interface for this port.
    async fn unplug(&self, id: &str, port_id: &str) -> Driven<()>;
    /// Nothing of the machine is left: no process, no file of the hypervisor, no cgroup.
    async fn destroy(&self, id: &str) -> Driven<()>;
    /// Every machine it knows, running or not.
    async fn machines(&self) -> Driven<Vec<KnownMachine>>;
    /// One machine, if it knows it.
    async fn machine(&self, id: &str) -> Driven<Option<KnownMachine>>;
    /// The end of the serial console's log, at most `bytes`.
    async fn console_log(&self, id: &str, bytes: u64) -> Driven<Vec<u8>>;
    /// A connection to the machine's screen (RFB).
    async fn screen(&self, id: &str) -> Driven<Box<dyn Duplex>>;
    /// Waits until the state of some machine has changed by itself, and names it.
    async fn changed(&self) -> String;
}

/// Realises networks and wires machines to them.
#[async_trait]
pub trait Switch: Send + Sync + 'static {
    /// Physical networks that this host is connected to.
    async fn physical_networks(&self) -> Vec<String>;
    /// The network is realised.
    async fn network(&self, id: &str, revision: i64, spec: &NetworkSpec) -> Driven<()>;
    /// The security group's rules are in force for its ports.
    async fn security_group(&self, id: &str, revision: i64, spec: &SecurityGroupSpec) -> Driven<()>;
    /// The port is realised. Answers [`DriverError::NotYet`] while its network or a group of it is not there.
    async fn port(&self, id: &str, revision: i64, spec: &PortSpec) -> Driven<()>;
    /// The router is realised. Answers [`DriverError::NotYet`] while a network of it is not there.
    async fn router(&self, id: &str, revision: i64, spec: &RouterSpec) -> Driven<()>;
    /// Nothing of the object is left in the switch.
    async fn remove(&self, kind: Kind, id: &str) -> Driven<()>;
    /// Everything of ours that the switch holds: kind, id, revision.
    async fn held(&self) -> Driven<Vec<(Kind, String, i64)>>;
    /// A tap for the port exists on this host and is wired to it.
    async fn plug(&self, port_id: &str, mac: &str, mtu: u32) -> Driven<Tap>;
    /// No tap of the port is left on this host.
    async fn unplug(&self, port_id: &str) -> Driven<()>;
    /// Ports that have a tap on this host.
    async fn plugged(&self) -> Driven<Vec<String>>;
    /// The port's link is up: packets flow as its spec says.
    async fn port_up(&self, port_id: &str) -> Driven<bool>;
    /// A socket on which guests of the network ask for metadata; `None` if there is none (simulated metal, no DHCP).
    async fn metadata_listener(&self, network_id: &str) -> Driven<Option<std::net::TcpListener>>;
    /// Waits until the link of some port has changed, and names the port.
    async fn changed(&self) -> String;
}

/// Keeps disks and copies of images.
#[async_trait]
pub trait Disks: Send + Sync + 'static {
    /// Room in bytes: all and free.
    async fn room(&self) -> Driven<(u64, u64)>;
    /// The host has a whole, checked copy of the image.
    async fn has_image(&self, image: &ImageSource) -> Driven<bool>;
    /// Takes a copy of the image; its data is checked against size and SHA-512 before it counts.
    async fn take_image(&self, image: &ImageSource, data: Data) -> Driven<()>;
    /// Where the copy of a kernel or ramdisk is.
    async fn image_path(&self, image: &ImageSource) -> Driven<PathBuf>;
    /// Forgets copies that are not in `keep` and have not been used for `unused`.
    async fn forget_images(&self, keep: &[String], unused: Duration) -> Driven<()>;
    /// No copy of the image is here. Answers [`DriverError::NotYet`] while a server's disk lies on it.
    async fn forget_image(&self, image_id: &str) -> Driven<()>;
    /// The server's root disk: a copy-on-write overlay on the image, grown to `gib` (0: the image's own size).
    /// Answers [`DriverError::NotYet`] when the image's copy is not there.
    async fn root(
        &self,
        server_id: &str,
        incarnation: i64,
        image: &ImageSource,
        gib: u64,
    ) -> Driven<MachineDisk>;
    /// A further, empty disk of the server.
    async fn blank(&self, server_id: &str, incarnation: i64, name: &str, mib: u64) -> Driven<MachineDisk>;
    /// The server's config drive with these files (path below its root, content).
    async fn config_drive(
        &self,
        server_id: &str,
        incarnation: i64,
        files: &[(String, Vec<u8>)],
    ) -> Driven<PathBuf>;
    /// Nothing of the server's disks is left.
    async fn remove(&self, server_id: &str) -> Driven<()>;
    /// Servers that have disks here.
    async fn servers(&self) -> Driven<Vec<String>>;
}
