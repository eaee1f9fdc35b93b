//! A virtual machine as a host holds it: its size, disks, ports, power state and what its metadata says.

use crate::document::Document;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A virtual machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerSpec {
    /// Its display name.
    pub name: String,
    /// Processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Root disk in GiB; 0 takes the image's own size.
    pub disk_gib: u64,
    /// Ephemeral disk in GiB; 0 is none.
    pub ephemeral_gib: u64,
    /// Swap disk in MiB; 0 is none.
    pub swap_mib: u64,
    /// What the root disk starts from.
    pub image: ImageSource,
    /// A kernel and ramdisk to boot directly, for images that are a bare root file system.
    pub kernel: Option<ImageSource>,
    /// See `kernel`.
    pub ramdisk: Option<ImageSource>,
    /// The kernel's command line with direct boot.
    pub kernel_arguments: String,
    /// Its ports, in the order of its interfaces.
    pub ports: Vec<ServerPort>,
    /// The state of power that is wanted.
    pub power: Power,
    /// The last reboot that was asked for.
    pub reboot: Reboot,
    /// How often a start was asked for. A machine that stopped by itself is started when this has risen, and not because
    /// something else of it has changed: whoever asked for that may not have known yet.
    #[serde(default, skip_serializing_if = "is_never")]
    pub starts: i64,
    /// How long a guest may take to shut down when asked kindly, in seconds.
    pub stop_seconds: u32,
    /// It has a config drive.
    pub config_drive: bool,
    /// What its metadata says.
    pub metadata: Metadata,
    /// Properties of the image that choose hardware (`hw_disk_bus`, `hw_vif_model`, `hw_machine_type`, …).
    pub hardware: BTreeMap<String, String>,
}

/// The disks' names as Nova tells them, up to the letter: `vd`, `sd` or `hd`, by the bus that an image's properties choose.
pub fn disk_prefix(hardware: &BTreeMap<String, String>) -> &'static str {
    match hardware.get("hw_disk_bus").map(String::as_str) {
        Some("scsi" | "sata" | "usb") => "sd",
        Some("ide") => "hd",
        _ => "vd",
    }
}

/// An image that a host must have a copy of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSource {
    /// Its id in the API.
    pub id: String,
    /// Its format: `raw`, `qcow2`, `ami`, `aki`, `ari`. Inspected already; never probed again.
    pub format: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-512 of its data in hex: what the copy is checked against.
    pub sha512: String,
}

/// A port that a server is plugged into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerPort {
    /// The port's id in the API.
    pub port_id: String,
    /// Its network.
    pub network_id: String,
    /// Its MAC address.
    pub mac: String,
    /// Its addresses: metadata requests are known by them.
    pub addresses: Vec<IpAddr>,
    /// The network's MTU.
    pub mtu: u32,
}

/// The state of power that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// Running.
    On,
    /// Shut down: kindly first, then by force.
    Off,
    /// Frozen in memory.
    Paused,
    /// Saved to disk, memory given back.
    Suspended,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_never(count: &i64) -> bool {
    *count == 0
}

/// The last reboot that was asked for: carried out once when `count` is above what the host has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reboot {
    /// How many reboots have been asked for so far.
    pub count: i64,
    /// By power cycle instead of asking the guest.
    pub hard: bool,
}

/// What the metadata service and the config drive say. All that they need is here, so that an agent answers while no
/// controller is up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The host name with domain that the guest is told.
    pub hostname: String,
    /// The project.
    pub project_id: String,
    /// The availability zone.
    pub availability_zone: String,
    /// The EC2 form of the flavor's name.
    pub instance_type: String,
    /// The reservation (one per create request).
    pub reservation_id: String,
    /// Which of the servers of one create request this is.
    pub launch_index: u32,
    /// A password for the administrator of the guest, where one was set.
    pub admin_password: Option<String>,
    /// The user's own pairs.
    pub meta: BTreeMap<String, String>,
    /// The SSH key: name and public half.
    pub key: Option<(String, String)>,
    /// User data, base64 as the API has it.
    pub user_data: Option<String>,
    /// Names of security groups.
    pub security_groups: Vec<String>,
    /// Public addresses (floating IPs) for the EC2 form.
    pub public_addresses: Vec<IpAddr>,
    /// `network_data.json`, whole.
    pub network_data: Document,
    /// Files to inject: path and base64 content (old microversions).
    pub files: Vec<(String, String)>,
}

/// The state of a virtual machine as its host sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerObserved {
    /// What the machine does.
    pub state: MachineState,
    /// Reboots carried out so far.
    pub reboots: i64,
    /// Ports that are plugged in now.
    pub ports: Vec<String>,
    /// Ids of images (also kernels, ramdisks) that the host needs a copy of before it can go on: whoever keeps the
    /// data sends it to the host, which then goes on by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_images: Vec<String>,
    /// What the host works at (`copying the image`), for people who wait.
    pub doing: Option<String>,
    /// Why it is not as wanted, when the host gave up on the wanted state for now.
    pub fault: Option<String>,
    /// Why it stopped, when it was not asked to (`QEMU was killed by signal 9`).
    pub stopped_because: Option<String>,
    /// The administrator's password, encrypted, that the guest has posted to the metadata service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_password: Option<String>,
}

impl ServerObserved {
    /// A machine in this state of which nothing else is to be said.
    pub const fn of(state: MachineState) -> Self {
        Self {
            state,
            reboots: 0,
            ports: Vec::new(),
            missing_images: Vec::new(),
            doing: None,
            fault: None,
            stopped_because: None,
            guest_password: None,
        }
    }
}

/// What a machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MachineState {
    /// There is no machine, nor ever was in this incarnation.
    Absent,
    /// It runs.
    Running,
    /// It is frozen.
    Paused,
    /// It is saved to disk.
    Suspended,
    /// It is off.
    Off,
}
