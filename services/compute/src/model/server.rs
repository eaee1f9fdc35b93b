//! A server: what users want of it, what its host reported, and what the API shows of both.
//!
//! `status`, `vm_state`, `task_state` and `power_state` are never set by hand: [`Server::standing`] computes them, and
//! the store writes them down with each change of what they come from.

use crate::model::flavor::FlavorFacts;
use crate::model::network::Asked;
use kernel::Micros;
use metal::server::{ImageSource, MachineState, Power, ServerObserved};
use metal::{Observed, Report};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// How far a server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It has no host yet.
    Scheduling,
    /// It has a host, which has not said that it runs.
    Building,
    /// It has run at least once.
    Live,
    /// It could not be built.
    Failed,
    /// Its host is told to take it down.
    Buried,
}

impl Phase {
    /// The word in the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scheduling => "scheduling",
            Self::Building => "building",
            Self::Live => "live",
            Self::Failed => "failed",
            Self::Buried => "buried",
        }
    }

    /// The phase of that word.
    pub fn of(word: &str) -> Self {
        match word {
            "scheduling" => Self::Scheduling,
            "building" => Self::Building,
            "live" => Self::Live,
            "buried" => Self::Buried,
            _ => Self::Failed,
        }
    }
}

/// What was asked of a server that has run, and is not done yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// To be switched on.
    PoweringOn,
    /// To be switched off.
    PoweringOff,
    /// To be restarted by its guest.
    Rebooting,
    /// To be restarted by force.
    RebootingHard,
    /// To be frozen.
    Pausing,
    /// To go on.
    Unpausing,
    /// To be saved to disk.
    Suspending,
    /// To be restored from disk.
    Resuming,
    /// To start anew from an image.
    Rebuilding,
}

/// Each task with its word in `OS-EXT-STS:task_state` and the `vm_state` that shows while it lasts.
const TASKS: [(Task, &str, VmState); 9] = [
    (Task::PoweringOn, "powering-on", VmState::Stopped),
    (Task::PoweringOff, "powering-off", VmState::Active),
    (Task::Rebooting, "rebooting", VmState::Active),
    (Task::RebootingHard, "rebooting_hard", VmState::Active),
    (Task::Pausing, "pausing", VmState::Active),
    (Task::Unpausing, "unpausing", VmState::Paused),
    (Task::Suspending, "suspending", VmState::Active),
    (Task::Resuming, "resuming", VmState::Suspended),
    (Task::Rebuilding, "rebuilding", VmState::Active),
];

impl Task {
    /// The word of the API and of the store.
    pub fn word(self) -> &'static str {
        TASKS.iter().find(|(task, _, _)| *task == self).map_or("", |(_, word, _)| word)
    }

    /// The task of that word.
    pub fn of(word: &str) -> Option<Self> {
        TASKS.iter().find(|(_, own, _)| *own == word).map(|(task, _, _)| *task)
    }

    /// What the server was before.
    fn before(self) -> VmState {
        TASKS.iter().find(|(task, _, _)| *task == self).map_or(VmState::Active, |(_, _, before)| *before)
    }

    /// The action under which it is recorded.
    pub const fn action(self) -> &'static str {
        match self {
            Self::PoweringOn => "start",
            Self::PoweringOff => "stop",
            Self::Rebooting | Self::RebootingHard => "reboot",
            Self::Pausing => "pause",
            Self::Unpausing => "unpause",
            Self::Suspending => "suspend",
            Self::Resuming => "resume",
            Self::Rebuilding => "rebuild",
        }
    }
}

/// The stable half of a server's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmState {
    /// It is being made.
    Building,
    /// It runs.
    Active,
    /// It is off.
    Stopped,
    /// It is frozen.
    Paused,
    /// It is saved to disk.
    Suspended,
    /// Something failed.
    Error,
    /// It is no more.
    Deleted,
}

impl VmState {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Active => "active",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Error => "error",
            Self::Deleted => "deleted",
        }
    }

    fn of_power(power: Power) -> Self {
        match power {
            Power::On => Self::Active,
            Power::Off => Self::Stopped,
            Power::Paused => Self::Paused,
            Power::Suspended => Self::Suspended,
        }
    }
}

/// What the API shows of a server's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `status`.
    pub status: &'static str,
    /// `OS-EXT-STS:vm_state`.
    pub vm_state: VmState,
    /// `OS-EXT-STS:task_state`.
    pub task_state: Option<&'static str>,
    /// `OS-EXT-STS:power_state`.
    pub power_state: i64,
}

/// Every status with the `vm_state` and, where it says so, the `task_state` it stands for. The first that fits counts.
pub const STATUSES: &[(&str, VmState, Option<&str>)] = &[
    ("REBOOT", VmState::Active, Some("rebooting")),
    ("HARD_REBOOT", VmState::Active, Some("rebooting_hard")),
    ("REBUILD", VmState::Active, Some("rebuilding")),
    ("REBUILD", VmState::Stopped, Some("rebuilding")),
    ("REBUILD", VmState::Error, Some("rebuilding")),
    ("ACTIVE", VmState::Active, None),
    ("BUILD", VmState::Building, None),
    ("SHUTOFF", VmState::Stopped, None),
    ("PAUSED", VmState::Paused, None),
    ("SUSPENDED", VmState::Suspended, None),
    ("ERROR", VmState::Error, None),
    ("DELETED", VmState::Deleted, None),
];

/// Statuses that Nova knows and that no server of ours is in: as a filter they match nothing and are no mistake.
pub const STATUSES_UNUSED: &[&str] = &[
    "PASSWORD",
    "MIGRATING",
    "RESIZE",
    "VERIFY_RESIZE",
    "REVERT_RESIZE",
    "RESCUE",
    "SOFT_DELETED",
    "SHELVED",
    "SHELVED_OFFLOADED",
];

/// What went wrong with a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFault {
    /// As an HTTP status.
    pub code: i64,
    /// For everybody.
    pub message: String,
    /// For administrators where the code is 500, else for everybody.
    pub details: String,
    /// When.
    pub at: Micros,
}

/// What a server is made of: kept whole, never searched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// The flavor as it was when the server was made.
    pub flavor: FlavorFacts,
    /// The image of the root disk.
    pub image: Option<ImageSource>,
    /// The image's own properties.
    pub image_properties: BTreeMap<String, String>,
    /// A kernel to boot directly.
    pub kernel: Option<ImageSource>,
    /// A ramdisk to boot directly.
    pub ramdisk: Option<ImageSource>,
    /// The user's own pairs.
    pub metadata: BTreeMap<String, String>,
    /// The public half of the key.
    pub key_data: Option<String>,
    /// User data in base64.
    pub user_data: Option<String>,
    /// The administrator's password.
    pub admin_password: Option<String>,
    /// Hints for the scheduler, as they were given.
    pub hints: Value,
    /// The networks that were asked for.
    pub networks: Asked,
    /// Ids of the security groups that were asked for.
    pub security_groups: Vec<String>,
    /// Files to inject: path and base64 content.
    pub files: Vec<(String, String)>,
    /// The host that an administrator chose, past the scheduler.
    pub forced_host: Option<String>,
    /// The host that an administrator asked the scheduler for.
    pub asked_host: Option<String>,
    /// Tags of interfaces, by port.
    pub port_tags: BTreeMap<String, String>,
    /// The ports, in the order of the interfaces.
    pub ports: Vec<String>,
    /// The number of the action that is under way.
    pub action: Option<i64>,
    /// Who asked for the server: ports are ordered in this name.
    pub owner_roles: Vec<String>,
    /// The owner's project by name.
    pub project_name: String,
    /// Hosts that were tried and did not work.
    pub tried: Vec<String>,
    /// How often a start was asked for, after the first.
    #[serde(default)]
    pub starts: i64,
    /// The guest's password that the user has cleared.
    #[serde(default)]
    pub password_cleared: Option<String>,
}

/// A server.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is named as in the API or explained in the migration")]
pub struct Server {
    pub id: String,
    pub number: i64,
    pub project_id: String,
    pub user_id: String,
    pub name: String,
    pub description: Option<String>,
    pub hostname: String,
    pub reservation_id: String,
    pub launch_index: u32,
    pub image_id: String,
    pub key_name: Option<String>,
    pub config_drive: bool,
    pub access_v4: Option<String>,
    pub access_v6: Option<String>,
    pub auto_disk: bool,
    pub pinned_zone: Option<String>,
    pub zone: String,
    pub host_id: Option<String>,
    pub host: Option<String>,
    pub locked_by: Option<String>,
    pub locked_reason: Option<String>,
    pub progress: i64,
    pub phase: Phase,
    pub power: Power,
    pub task: Option<Task>,
    /// The first revision that carries the task: older reports say nothing about it.
    pub task_revision: i64,
    pub reboots: i64,
    pub reboot_hard: bool,
    pub failed: bool,
    pub deleting: bool,
    pub generation: i64,
    pub incarnation: i64,
    pub revision: i64,
    /// The digest of what was sent, or is to be sent, with `revision`.
    pub digest: String,
    pub sent_revision: i64,
    pub deadline: Option<Micros>,
    pub seen_epoch: i64,
    pub seen_sequence: i64,
    pub seen_incarnation: i64,
    pub seen_revision: i64,
    pub seen: Option<ServerObserved>,
    pub seen_problem: Option<String>,
    pub fault: Option<ServerFault>,
    pub created_at: Micros,
    pub updated_at: Micros,
    pub launched_at: Option<Micros>,
    pub terminated_at: Option<Micros>,
    pub deleted_at: Option<Micros>,
    pub detail: Detail,
}

impl Server {
    /// What the API shows of its state.
    pub fn standing(&self) -> Standing {
        let vm_state = self.vm_state();
        let task_state = self.task_state();
        let fits = |(_, vm, task): &&(&str, VmState, Option<&str>)| {
            *vm == vm_state && (task.is_none() || *task == task_state)
        };
        let status = STATUSES.iter().find(fits).map_or("UNKNOWN", |(status, _, _)| status);
        Standing { status, vm_state, task_state, power_state: self.power_state() }
    }

    /// The root disk's device, as Nova names it.
    pub fn root_device(&self) -> String {
        format!("/dev/{}a", metal::server::disk_prefix(&self.detail.image_properties))
    }

    fn vm_state(&self) -> VmState {
        match (self.deleted_at, self.failed, self.phase, self.task) {
            (Some(_), ..) => VmState::Deleted,
            (None, true, ..) => VmState::Error,
            (None, false, Phase::Scheduling | Phase::Building, _) => VmState::Building,
            (None, false, Phase::Failed, _) => VmState::Error,
            (None, false, Phase::Live, Some(Task::Rebuilding)) => VmState::of_power(self.power),
            (None, false, Phase::Live, Some(task)) => task.before(),
            (None, false, Phase::Live | Phase::Buried, _) if self.launched_at.is_some() => {
                VmState::of_power(self.power)
            }
            (None, false, Phase::Live | Phase::Buried, _) => VmState::Building,
        }
    }

    fn task_state(&self) -> Option<&'static str> {
        match (self.deleted_at, self.deleting, self.phase, self.task) {
            (Some(_), ..) => None,
            (None, true, ..) => Some("deleting"),
            (None, false, _, _) if self.failed && self.task.is_none() => None,
            (None, false, Phase::Scheduling, _) => Some("scheduling"),
            (None, false, Phase::Building, _) => Some("spawning"),
            (None, false, Phase::Live, task) => task.map(Task::word),
            (None, false, Phase::Failed | Phase::Buried, _) => None,
        }
    }

    fn power_state(&self) -> i64 {
        let seen = self.seen.as_ref().filter(|_| self.seen_incarnation == self.incarnation);
        match (self.deleted_at, seen.map(|seen| seen.state)) {
            (Some(_), _) | (None, None | Some(MachineState::Absent)) => 0,
            (None, Some(MachineState::Running)) => 1,
            (None, Some(MachineState::Paused)) => 3,
            (None, Some(MachineState::Suspended | MachineState::Off)) => 4,
        }
    }

    /// The host's report answers what is wanted now, not something older.
    pub fn answered(&self) -> bool {
        self.seen_incarnation == self.incarnation
            && self.seen_revision >= self.task_revision
            && self.seen_revision > 0
    }

    /// The machine is as wanted.
    pub fn reached(&self) -> bool {
        let Some(seen) = self.seen.as_ref().filter(|_| self.answered()) else { return false };
        match self.power {
            Power::On => seen.state == MachineState::Running && seen.reboots >= self.reboots,
            Power::Off => matches!(seen.state, MachineState::Off | MachineState::Absent),
            Power::Paused => seen.state == MachineState::Paused,
            Power::Suspended => seen.state == MachineState::Suspended,
        }
    }

    /// The password that the guest stored, unless the user cleared it.
    pub fn guest_password(&self) -> Option<&str> {
        let own = self.seen.as_ref()?.guest_password.as_deref()?;
        (self.detail.password_cleared.as_deref() != Some(own)).then_some(own)
    }

    /// It is in an intermediate state, which must end by its deadline.
    pub fn in_between(&self) -> bool {
        self.deleting || self.task.is_some() || matches!(self.phase, Phase::Scheduling | Phase::Building)
    }
}

/// What a report changed, beyond what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It was an old one.
    Stale,
    /// Nothing more.
    Seen,
    /// What was asked for is done.
    TaskDone,
    /// What was asked for failed, with this reason.
    TaskFailed(String),
    /// The machine stopped by itself, for this reason.
    Stopped(String),
    /// The reconciler has something to do now.
    Wake,
}

/// What a machine stopped for, where its host does not know.
const STOPPED_BY_ITSELF: &str = "The machine stopped by itself.";

impl Server {
    /// Takes in a report of the host that the server is on.
    pub fn absorb(&mut self, report: &Report) -> Turn {
        if (report.epoch, report.sequence) <= (self.seen_epoch, self.seen_sequence) {
            return Turn::Stale;
        }
        self.seen_epoch = report.epoch;
        self.seen_sequence = report.sequence;
        self.seen_incarnation = report.incarnation;
        self.seen_revision = report.revision;
        match &report.observed {
            Observed::Server(observed) => {
                self.seen = Some((**observed).clone());
                self.seen_problem = observed.fault.clone();
                self.turn(observed)
            }
            Observed::Failed { reason } | Observed::Waiting { reason } => {
                self.seen_problem = Some(reason.clone());
                Turn::Seen
            }
            Observed::Applied { .. } => Turn::Seen,
            Observed::Gone => Turn::Wake,
        }
    }

    fn turn(&mut self, observed: &ServerObserved) -> Turn {
        if self.phase != Phase::Live || self.deleting {
            return Turn::Wake;
        }
        match self.task {
            Some(_) if self.reached() => {
                (self.task, self.deadline, self.failed) = (None, None, false);
                Turn::TaskDone
            }
            Some(_) if !observed.missing_images.is_empty() => Turn::Wake,
            Some(_) => match observed.fault.clone().filter(|_| self.answered()) {
                Some(reason) => Turn::TaskFailed(reason),
                // The host is not at it any more: the machine stopped under what was asked for.
                None if self.stopped(observed)
                    && observed.stopped_because.is_some()
                    && observed.doing.is_none() =>
                {
                    (self.task, self.deadline) = (None, None);
                    self.stay_off(observed)
                }
                None => Turn::Seen,
            },
            None if self.stopped(observed) && !self.failed => self.stay_off(observed),
            None if !observed.missing_images.is_empty() => Turn::Wake,
            None => Turn::Seen,
        }
    }

    /// The machine is off although it is not wanted off.
    fn stopped(&self, observed: &ServerObserved) -> bool {
        self.power != Power::Off && observed.state == MachineState::Off && self.answered()
    }

    /// It is wanted off from now on, so that nothing starts it behind its owner's back.
    fn stay_off(&mut self, observed: &ServerObserved) -> Turn {
        self.power = Power::Off;
        self.task_revision = self.revision + 1;
        Turn::Stopped(observed.stopped_because.clone().unwrap_or_else(|| STOPPED_BY_ITSELF.to_owned()))
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A server that runs.
    pub fn running() -> Server {
        Server {
            id: "5d3b1c52-0000-4000-8000-000000000001".into(),
            number: 1,
            project_id: "p".into(),
            user_id: "u".into(),
            name: "web".into(),
            description: None,
            hostname: "web".into(),
            reservation_id: "r-1".into(),
            launch_index: 0,
            image_id: "i".into(),
            key_name: None,
            config_drive: false,
            access_v4: None,
            access_v6: None,
            auto_disk: false,
            pinned_zone: None,
            zone: "nova".into(),
            host_id: Some("h".into()),
            host: Some("host".into()),
            locked_by: None,
            locked_reason: None,
            progress: 0,
            phase: Phase::Live,
            power: Power::On,
            task: None,
            task_revision: 1,
            reboots: 0,
            reboot_hard: false,
            failed: false,
            deleting: false,
            generation: 1,
            incarnation: 1,
            revision: 1,
            digest: String::new(),
            sent_revision: 1,
            deadline: None,
            seen_epoch: 1,
            seen_sequence: 1,
            seen_incarnation: 1,
            seen_revision: 1,
            seen: Some(observed(MachineState::Running)),
            seen_problem: None,
            fault: None,
            created_at: Micros(1),
            updated_at: Micros(1),
            launched_at: Some(Micros(2)),
            terminated_at: None,
            deleted_at: None,
            detail: Detail::default(),
        }
    }

    fn observed(state: MachineState) -> ServerObserved {
        ServerObserved::of(state)
    }

    fn report(sequence: i64, revision: i64, observed: ServerObserved) -> Report {
        Report {
            kind: metal::Kind::Server,
            id: "5d3b1c52-0000-4000-8000-000000000001".into(),
            timeline: 1,
            incarnation: 1,
            revision,
            epoch: 1,
            sequence,
            observed: Observed::Server(Box::new(observed)),
        }
    }

    fn status(server: &Server) -> (&'static str, &'static str, Option<&'static str>, i64) {
        let standing = server.standing();
        (standing.status, standing.vm_state.word(), standing.task_state, standing.power_state)
    }

    #[test]
    fn a_stop_shows_until_the_host_has_done_it_and_an_old_report_does_not_end_it() {
        let mut server = running();
        assert_eq!(status(&server), ("ACTIVE", "active", None, 1));
        (server.power, server.task, server.task_revision) = (Power::Off, Some(Task::PoweringOff), 2);
        assert_eq!(status(&server), ("ACTIVE", "active", Some("powering-off"), 1));
        assert_eq!(server.absorb(&report(2, 1, observed(MachineState::Off))), Turn::Seen);
        assert_eq!(server.absorb(&report(3, 2, observed(MachineState::Off))), Turn::TaskDone);
        assert_eq!(status(&server), ("SHUTOFF", "stopped", None, 4));
    }

    #[test]
    fn a_machine_that_dies_becomes_shutoff_with_its_reason_and_stays_off() {
        let mut server = running();
        let mut dead = observed(MachineState::Off);
        dead.stopped_because = Some("QEMU was killed by signal 9".into());
        assert_eq!(
            server.absorb(&report(2, 1, dead.clone())),
            Turn::Stopped("QEMU was killed by signal 9".into())
        );
        assert_eq!(status(&server), ("SHUTOFF", "stopped", None, 4));
        assert_eq!(server.absorb(&report(3, 1, dead)), Turn::Seen);
        assert_eq!(server.absorb(&report(3, 1, observed(MachineState::Running))), Turn::Stale);
    }

    #[test]
    fn a_machine_that_dies_under_a_task_ends_it_unless_the_host_is_still_at_it() {
        let mut server = running();
        (server.power, server.task, server.task_revision) = (Power::Suspended, Some(Task::Suspending), 2);
        let mut dead = observed(MachineState::Off);
        dead.stopped_because = Some("the guest shut down".into());
        dead.doing = Some("making disks".into());
        assert_eq!(server.absorb(&report(2, 2, dead.clone())), Turn::Seen);
        dead.doing = None;
        assert_eq!(
            server.absorb(&report(3, 1, dead.clone())),
            Turn::Seen,
            "it answers what was wanted before"
        );
        assert_eq!(server.absorb(&report(4, 2, dead)), Turn::Stopped("the guest shut down".into()));
        assert_eq!(status(&server), ("SHUTOFF", "stopped", None, 4));
    }

    #[test]
    fn what_is_being_deleted_or_failed_says_so() {
        let mut server = running();
        server.deleting = true;
        assert_eq!(status(&server), ("ACTIVE", "active", Some("deleting"), 1));
        server.failed = true;
        assert_eq!(status(&server), ("ERROR", "error", Some("deleting"), 1));
        server.deleted_at = Some(Micros(9));
        assert_eq!(status(&server), ("DELETED", "deleted", None, 0));
    }

    #[test]
    fn a_reboot_is_done_when_the_host_has_counted_it() {
        let mut server = running();
        (server.task, server.task_revision, server.reboots) = (Some(Task::RebootingHard), 2, 1);
        assert_eq!(status(&server).0, "HARD_REBOOT");
        assert_eq!(server.absorb(&report(2, 2, observed(MachineState::Running))), Turn::Seen);
        let mut done = observed(MachineState::Running);
        done.reboots = 1;
        assert_eq!(server.absorb(&report(3, 2, done)), Turn::TaskDone);
        assert_eq!(status(&server).0, "ACTIVE");
    }
}
