//! Servers: their machine is brought to the wanted state of power, in the wanted life, with the wanted ports.
//!
//! Rules:
//!
//! * **Lives.** Machine and disks belong to one incarnation. Before anything of incarnation n+1 is made, the machine
//!   of n is destroyed and its disks are removed. A life that is later than the wanted one is left alone.
//! * **Starting.** A machine that is off is started when it has not run since it was last wanted off (or at all, in this
//!   life), or when a start or a reboot has been asked for since it was last known to be alive. So a machine that stopped
//!   by itself, or with its host, stays off whatever else of it changes: that it stopped is reported with the reason,
//!   and the controller decides. A suspended machine is restored whenever it is wanted, or discarded by a hard reboot.
//! * **Reboots** are counted in the ledger. A step is written down before it is done (stopping, then starting), so
//!   that each reboot happens once whatever is killed when. Any start carries out all reboots asked for before it.
//! * **Size** and config drive are those of the last start; ports follow at once.
//! * Waiting for a guest to shut down ends as soon as something else is wanted.

mod build;
mod power;
mod remove;

use super::{Outcome, PATIENCE, Topic};
use crate::core::{Core, Key};
use crate::ledger::{Entry, Note};
use crate::limit::{BRIEF, limit};
use link::HostError;
use metal::driver::KnownMachine;
use metal::server::{MachineState, Power, ServerObserved, ServerSpec};
use metal::{DriverError, Observed};

pub(super) use remove::{remove, take_down};

/// Why a server is not as wanted.
enum Halt {
    Driver(DriverError),
    /// Something is missing; with the images among it.
    Wait {
        on: Vec<Topic>,
        why: String,
        images: Vec<String>,
    },
    /// Something else is wanted now.
    Superseded,
    /// A later life is here.
    LaterLife(i64),
    Ledger(HostError),
}

impl From<DriverError> for Halt {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<HostError> for Halt {
    fn from(error: HostError) -> Self {
        Self::Ledger(error)
    }
}

/// One look at one server.
struct Life<'a> {
    core: &'a Core,
    key: &'a Key,
    entry: &'a Entry,
    spec: &'a ServerSpec,
    note: Note,
}

pub(super) async fn reach(core: &Core, key: &Key, entry: &Entry, spec: &ServerSpec) -> Outcome {
    let mut life = Life { core, key, entry, spec, note: entry.note.clone() };
    let halt = life.reach().await.err();
    life.conclude(halt).await
}

impl Life<'_> {
    fn id(&self) -> &str {
        &self.key.1
    }

    async fn reach(&mut self) -> Result<(), Halt> {
        self.enter_life().await?;
        self.let_ports_go().await?;
        self.align_power().await
    }

    async fn machine(&self) -> Result<Option<KnownMachine>, Halt> {
        Ok(limit(BRIEF, "the hypervisor", self.core.parts.hypervisor.machine(self.id())).await?)
    }

    /// Ends former lives.
    async fn enter_life(&mut self) -> Result<(), Halt> {
        let wanted = self.entry.wanted.incarnation;
        let machine = self.machine().await?;
        let here = self.note.incarnation.max(machine.as_ref().map_or(0, |machine| machine.incarnation));
        if here > wanted {
            return Err(Halt::LaterLife(here));
        }
        let former = machine.is_some_and(|machine| machine.incarnation < wanted);
        if self.note.incarnation == wanted && !former {
            return Ok(());
        }
        if former || self.note.incarnation > 0 {
            self.tell_doing(MachineState::Absent, "taking the former machine down");
            remove::take_down(self.core, self.key).await?;
        }
        let fresh = Note { incarnation: wanted, password: self.note.password.take(), ..Note::default() };
        self.note = self.core.ledger.note(self.key, |note| *note = fresh).await?;
        Ok(())
    }

    /// Says what is being done, before something that takes time.
    fn tell_doing(&self, state: MachineState, doing: &str) {
        let last =
            self.core.board.last(self.key).filter(|last| last.incarnation == self.entry.wanted.incarnation);
        let last = match last.map(|report| report.observed) {
            Some(Observed::Server(last)) => *last,
            _ => ServerObserved::of(state),
        };
        let observed = ServerObserved {
            doing: Some(doing.to_owned()),
            reboots: self.note.reboots,
            missing_images: Vec::new(),
            ..last
        };
        self.core.board.tell(&self.entry.wanted, Observed::Server(Box::new(observed)));
    }

    /// Reports what is the case now.
    async fn conclude(&mut self, halt: Option<Halt>) -> Outcome {
        let machine = match self.machine().await {
            Ok(machine) => machine,
            Err(Halt::Driver(error)) => return Outcome::Failed(error.to_string()),
            Err(_) => return Outcome::Nothing,
        };
        let mut observed = self.observed(machine.as_ref());
        let outcome = self.verdict(halt, &mut observed);
        let is_same = self.core.ledger.entry(self.key).is_some_and(|entry| entry.rank() == self.entry.rank());
        if is_same {
            self.core.board.tell(&self.entry.wanted, Observed::Server(Box::new(observed)));
        }
        outcome
    }

    fn observed(&self, machine: Option<&KnownMachine>) -> ServerObserved {
        let was_built = self.note.built && self.note.incarnation == self.entry.wanted.incarnation;
        let state = match machine {
            Some(machine) => machine.state,
            None if was_built && (self.note.ran.is_some() || self.spec.power == Power::Off) => {
                MachineState::Off
            }
            None => MachineState::Absent,
        };
        let stopped = state == MachineState::Off && self.spec.power != Power::Off && self.note.ran.is_some();
        let lost = "the machine is not there any more: its host was restarted";
        let because = machine.map_or(Some(lost.to_owned()), |machine| machine.stopped_because.clone());
        ServerObserved {
            reboots: self.note.reboots,
            ports: machine
                .filter(|_| is_alive(state))
                .map(|machine| machine.ports.clone())
                .unwrap_or_default(),
            stopped_because: because.filter(|_| stopped),
            guest_password: self.note.password.clone(),
            ..ServerObserved::of(state)
        }
    }

    /// What a halt means: to the report, and to when this server is looked at again.
    fn verdict(&self, halt: Option<Halt>, observed: &mut ServerObserved) -> Outcome {
        let attempts = self.core.queue.standing(self.key).attempts + 1;
        match halt {
            None => Outcome::Settled(self.entry.rank()),
            Some(Halt::Superseded) => Outcome::Nothing,
            Some(Halt::Wait { on, why, images }) => {
                observed.doing = Some(why.clone());
                observed.missing_images = images;
                Outcome::Wait { on, why }
            }
            Some(Halt::Driver(DriverError::NotYet(why))) => {
                observed.doing = Some(why.clone());
                let on = self.entry.refs.iter().cloned().map(Topic::Object).collect();
                Outcome::Wait { on, why }
            }
            Some(Halt::Driver(error)) => {
                let why = error.to_string();
                if attempts >= PATIENCE || !matches!(error, DriverError::Failed(_)) {
                    observed.fault = Some(why.clone());
                } else {
                    observed.doing = Some(format!("trying again: {why}"));
                }
                Outcome::Failed(why)
            }
            Some(Halt::LaterLife(here)) => {
                let wanted = self.entry.wanted.incarnation;
                let why =
                    format!("incarnation {here} is on this host and stays, as {wanted} is an earlier one");
                observed.fault = Some(why.clone());
                Outcome::Failed(why)
            }
            Some(Halt::Ledger(error)) => {
                observed.doing = Some(format!("trying again: {error}"));
                Outcome::Failed(error.to_string())
            }
        }
    }
}

fn is_alive(state: MachineState) -> bool {
    matches!(state, MachineState::Running | MachineState::Paused)
}

#[cfg(test)]
pub(crate) fn sample_server() -> ServerSpec {
    ServerSpec {
        name: "server".to_owned(),
        vcpus: 1,
        memory_mib: 64,
        disk_gib: 1,
        ephemeral_gib: 0,
        swap_mib: 0,
        image: metal::server::ImageSource {
            id: "image".to_owned(),
            format: "raw".to_owned(),
            bytes: 4,
            sha512: String::new(),
        },
        kernel: None,
        ramdisk: None,
        kernel_arguments: String::new(),
        ports: Vec::new(),
        power: Power::On,
        reboot: metal::server::Reboot::default(),
        starts: 0,
        stop_seconds: 60,
        config_drive: false,
        metadata: metal::server::Metadata::default(),
        hardware: std::collections::BTreeMap::new(),
    }
}
