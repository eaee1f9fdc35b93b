//! Machines that are records: they start, stop, pause, and die when told to.

use crate::faults::{Effect, Stage};
use crate::state::MachineRecord;
use crate::{Sim, Timing, console, failed, screen};
use async_trait::async_trait;
use metal::DriverError;
use metal::driver::{
    Driven, Duplex, Hypervisor, HypervisorFacts, KnownMachine, Machine, Nic, check_machine_id,
};
use metal::server::MachineState;
use std::time::Duration;

const CPU: &str = r#"{"arch": "x86_64", "model": "sim", "vendor": "Drystone", "features": [], "topology": {"sockets": 1, "cores": 64, "threads": 1}}"#;

impl Sim {
    /// The machine stops by itself, as a killed process or a guest that shuts down. For tests.
    pub fn kill(&self, id: &str, because: &str) -> Driven<()> {
        let mut state = self.state();
        let Some(mut machine) = state.machines.get(id).cloned() else { return Ok(()) };
        if matches!(machine.state, MachineState::Running | MachineState::Paused) {
            machine.state = MachineState::Off;
            machine.stopped_because = Some(because.to_owned());
            state.machine_put(id, machine).map_err(failed)?;
            self.0.machines.push(id);
        }
        Ok(())
    }

    /// The host has lost its power: no machine of it runs.
    pub(crate) fn power_off(&self) -> Driven<()> {
        let ids: Vec<String> = self.state().machines.keys().cloned().collect();
        ids.iter().try_for_each(|id| self.kill(id, "the host lost power"))
    }

    /// The machines that are alive on this host. For tests.
    pub fn running(&self) -> Vec<String> {
        let alive = |state| matches!(state, MachineState::Running | MachineState::Paused);
        let state = self.state();
        state.machines.iter().filter(|(_, machine)| alive(machine.state)).map(|(id, _)| id.clone()).collect()
    }

    /// How often the machine has booted.
    pub fn boots(&self, id: &str) -> u32 {
        self.state().machines.get(id).map_or(0, |machine| machine.boots)
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut MachineRecord)) -> Driven<()> {
        let mut state = self.state();
        let mut machine = state.machines.get(id).cloned().ok_or_else(|| unknown(id))?;
        change(&mut machine);
        state.machine_put(id, machine).map_err(failed)
    }

    /// What lies between switching a machine on and its running.
    async fn boot(&self, id: &str) -> Driven<()> {
        let mut takes = self.0.config.boot.draw(&self.0.entropy);
        for effect in self.struck(Stage::Boot, id) {
            match &effect {
                Effect::BootFailure { reason } => {
                    let why = reason.clone().unwrap_or_else(|| "the machine does not boot".to_owned());
                    return Err(DriverError::Refused(why));
                }
                slow => {
                    let longer = slow.time().and_then(|time| time.parse::<Timing>().ok()).unwrap_or_default();
                    takes += longer.draw(&self.0.entropy);
                }
            }
        }
        self.wait(takes).await;
        Ok(())
    }

    async fn wait(&self, span: Duration) {
        if !span.is_zero() {
            self.0.fleet.control.wait(span).await;
        }
    }

    fn state_of(&self, id: &str) -> Option<MachineState> {
        self.state().machines.get(id).map(|machine| machine.state)
    }

    /// What it takes to start: memory, disks, taps.
    fn check_start(&self, machine: &Machine) -> Driven<()> {
        let state = self.state();
        let alive =
            |record: &&MachineRecord| matches!(record.state, MachineState::Running | MachineState::Paused);
        let used: u64 = state.machines.values().filter(alive).map(|record| record.memory_mib).sum();
        if used + machine.memory_mib > self.0.config.memory_mib {
            return Err(DriverError::Failed(format!("cannot allocate {} MiB of memory", machine.memory_mib)));
        }
        let disks = state.disks.get(&machine.id);
        if disks.is_none_or(|disks| disks.disks.is_empty()) || machine.disks.is_empty() {
            return Err(DriverError::Failed(format!("the disks of {} are not there", machine.id)));
        }
        match machine.nics.iter().find(|nic| !state.taps.contains(&nic.port_id)) {
            Some(nic) => Err(DriverError::Failed(format!("the tap {} is not there", nic.tap.name))),
            None => Ok(()),
        }
    }

    /// A guest wakes up with the interfaces that it fell asleep with.
    fn check_waking(&self, machine: &Machine) -> Driven<()> {
        let state = self.state();
        let saved = state.machines.get(&machine.id).into_iter().flat_map(|record| record.nics.keys());
        match saved.into_iter().find(|port| machine.nics.iter().all(|nic| nic.port_id != **port)) {
            Some(port) => Err(DriverError::Refused(format!(
                "{} was saved with port {port}, which it no longer has: attach it again, or reboot the server hard, \
                 which discards its saved state",
                machine.id
            ))),
            None => Ok(()),
        }
    }

    /// A machine that is saved to disk keeps its interfaces; one that is off gets them when it is started.
    fn interfaces_can_change(&self, id: &str) -> Driven<bool> {
        match self.state_of(id) {
            Some(MachineState::Suspended) => Err(DriverError::NotYet(format!(
                "{id} is saved to disk: its interfaces can change when it runs again"
            ))),
            state => Ok(matches!(state, Some(MachineState::Running | MachineState::Paused))),
        }
    }

    fn started(&self, machine: &Machine) -> Driven<()> {
        let mut state = self.state();
        let boots = state.machines.get(&machine.id).map_or(0, |machine| machine.boots);
        let record = MachineRecord {
            incarnation: machine.incarnation,
            name: machine.name.clone(),
            vcpus: machine.vcpus,
            memory_mib: machine.memory_mib,
            state: MachineState::Running,
            nics: machine.nics.iter().map(|nic| (nic.port_id.clone(), nic.mac.clone())).collect(),
            disks: machine.disks.iter().map(|disk| disk.path.display().to_string()).collect(),
            boots: boots + 1,
            stopped_because: None,
        };
        state.machine_put(&machine.id, record).map_err(failed)
    }
}

fn unknown(id: &str) -> DriverError {
    DriverError::Refused(format!("there is no machine {id}"))
}

fn known(id: &str, machine: &MachineRecord) -> KnownMachine {
    KnownMachine {
        id: id.to_owned(),
        incarnation: machine.incarnation,
        state: machine.state,
        ports: machine.nics.keys().cloned().collect(),
        stopped_because: machine.stopped_because.clone(),
    }
}

#[async_trait]
impl Hypervisor for Sim {
    async fn facts(&self) -> Driven<HypervisorFacts> {
        Ok(HypervisorFacts {
            name: "QEMU".to_owned(),
            version: 10_001_000,
            acceleration: "sim".to_owned(),
            vcpus: self.0.config.vcpus,
            memory_mib: self.0.config.memory_mib,
            cpu_info: CPU.to_owned(),
            traits: self.0.config.traits.clone(),
        })
    }

    async fn start(&self, machine: &Machine) -> Driven<()> {
        self.luck()?;
        check_machine_id(&machine.id)?;
        let held = self.state().machines.get(&machine.id).map(|held| (held.state, held.incarnation));
        match held {
            Some((_, incarnation)) if incarnation > machine.incarnation => {
                return Err(DriverError::Refused(format!(
                    "incarnation {} of {} is over: this host has started {incarnation} already",
                    machine.incarnation, machine.id
                )));
            }
            Some((MachineState::Running | MachineState::Paused, incarnation)) => {
                if incarnation != machine.incarnation {
                    return Err(DriverError::NotYet(format!(
                        "incarnation {incarnation} of {} still runs here: it must be stopped first",
                        machine.id
                    )));
                }
                return Ok(());
            }
            Some((MachineState::Suspended, incarnation)) if incarnation == machine.incarnation => {
                self.check_start(machine)?;
                self.check_waking(machine)?;
                return self.change(&machine.id, |record| record.state = MachineState::Running);
            }
            _ => {}
        }
        self.check_start(machine)?;
        self.boot(&machine.id).await?;
        self.started(machine)
    }

    async fn stop(&self, id: &str, kindly: Option<Duration>) -> Driven<()> {
        self.luck()?;
        if let Some(time) = kindly.filter(|_| self.state_of(id) == Some(MachineState::Running)) {
            let takes = self.0.config.stop.draw(&self.0.entropy);
            self.wait(if self.0.config.guests_comply { takes.min(time) } else { time }).await;
        }
        if self.state_of(id).is_none_or(|state| state == MachineState::Off) {
            return Ok(());
        }
        self.change(id, |machine| {
            machine.state = MachineState::Off;
            machine.stopped_because = None;
        })
    }

    async fn pause(&self, id: &str) -> Driven<()> {
        self.luck()?;
        match self.state_of(id).ok_or_else(|| unknown(id))? {
            MachineState::Running | MachineState::Paused => {
                self.change(id, |machine| machine.state = MachineState::Paused)
            }
            _ => Err(DriverError::Refused(format!("machine {id} does not run"))),
        }
    }

    async fn unpause(&self, id: &str) -> Driven<()> {
        self.luck()?;
        match self.state_of(id).ok_or_else(|| unknown(id))? {
            MachineState::Running | MachineState::Paused => {
                self.change(id, |machine| machine.state = MachineState::Running)
            }
            _ => Err(DriverError::Refused(format!("machine {id} does not run"))),
        }
    }

    async fn suspend(&self, id: &str) -> Driven<()> {
        self.luck()?;
        match self.state_of(id).ok_or_else(|| unknown(id))? {
            MachineState::Running | MachineState::Paused | MachineState::Suspended => {
                self.change(id, |machine| machine.state = MachineState::Suspended)
            }
            _ => Err(DriverError::Refused(format!("machine {id} does not run"))),
        }
    }

    async fn plug(&self, id: &str, nic: &Nic) -> Driven<()> {
        self.luck()?;
        if !self.interfaces_can_change(id)? {
            return Ok(());
        }
        if !self.state().taps.contains(&nic.port_id) {
            return Err(DriverError::Failed(format!("the tap {} is not there", nic.tap.name)));
        }
        self.change(id, |machine| drop(machine.nics.insert(nic.port_id.clone(), nic.mac.clone())))
    }

    async fn unplug(&self, id: &str, port_id: &str) -> Driven<()> {
        self.luck()?;
        if !self.interfaces_can_change(id)? {
            return Ok(());
        }
        self.change(id, |machine| drop(machine.nics.remove(port_id)))
    }

    async fn destroy(&self, id: &str) -> Driven<()> {
        self.luck()?;
        self.state().machine_remove(id).map_err(failed)
    }

    async fn machines(&self) -> Driven<Vec<KnownMachine>> {
        Ok(self.state().machines.iter().map(|(id, machine)| known(id, machine)).collect())
    }

    async fn machine(&self, id: &str) -> Driven<Option<KnownMachine>> {
        Ok(self.state().machines.get(id).map(|machine| known(id, machine)))
    }

    async fn console_log(&self, id: &str, bytes: u64) -> Driven<Vec<u8>> {
        let machine = self.state().machines.get(id).cloned().ok_or_else(|| unknown(id))?;
        let text = console::log(id, &machine).into_bytes();
        let keep = usize::try_from(bytes).unwrap_or(usize::MAX).min(text.len());
        Ok(text[text.len() - keep..].to_vec())
    }

    async fn screen(&self, id: &str) -> Driven<Box<dyn Duplex>> {
        let machine = self.state().machines.get(id).cloned().ok_or_else(|| unknown(id))?;
        if !matches!(machine.state, MachineState::Running | MachineState::Paused) {
            return Err(DriverError::Refused(format!("machine {id} does not run")));
        }
        let (near, far) = tokio::io::duplex(64 * 1024);
        tokio::spawn(screen::serve(far, screen::Picture::of(id, &machine)));
        Ok(Box::new(near))
    }

    async fn changed(&self) -> String {
        self.0.machines.next().await
    }
}
