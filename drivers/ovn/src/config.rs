//! What an operator may choose, with defaults that suit one machine.

use std::net::IpAddr;
use std::path::PathBuf;

/// How the switch of a host is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// This host's name as a chassis of OVN: stays over restarts and reboots, and is unique in the cloud.
    pub chassis: String,
    /// Whose daemons do the work.
    pub engine: Engine,
    /// Which datapath private daemons use; `None` takes the kernel's where there is one.
    pub datapath: Option<Datapath>,
    /// The physical networks of private daemons; each becomes a bridge.
    pub physical_networks: Vec<String>,
    /// Guests reach what the host reaches, under the host's address. `None` is yes if `nft` is installed.
    pub masquerade: Option<bool>,
    /// Name servers for guests whose subnet names none; `None` takes the host's.
    pub name_servers: Option<Vec<IpAddr>>,
    /// Chassis that may carry routers' gateways, the preferred one first; empty: this one.
    pub gateway_chassis: Vec<String>,
}

/// Whose daemons do the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Our own, in a network namespace of our own, started and supervised by us.
    Private,
    /// The host's. Only rows of ours are touched, taps are in the host's namespace, daemons are the host's affair.
    System {
        /// The Northbound database's socket.
        northbound: PathBuf,
        /// The Open vSwitch database's socket.
        switch: PathBuf,
    },
}

/// What moves packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datapath {
    /// The kernel's openvswitch module.
    Kernel,
    /// ovs-vswitchd itself: needs nothing of the kernel but taps and packet sockets.
    Userspace,
}

impl Datapath {
    /// The word in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kernel => "system",
            Self::Userspace => "netdev",
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = name.trim();
        Self {
            chassis: if name.is_empty() { "host".to_owned() } else { name.to_owned() },
            engine: Engine::Private,
            datapath: None,
            physical_networks: vec!["public".to_owned()],
            masquerade: None,
            name_servers: None,
            gateway_chassis: Vec::new(),
        }
    }
}

/// The name servers of the host that a guest can reach: not those on the host's own loopback.
pub fn host_name_servers() -> Vec<IpAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let words = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    words
        .filter_map(|word| word.trim().parse::<IpAddr>().ok())
        .filter(|address| !address.is_loopback())
        .collect()
}
