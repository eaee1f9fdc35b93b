//! The state of power: starting, stopping, pausing, suspending, rebooting.

use super::{Halt, Life, is_alive};
use crate::ledger::Rebooting;
use crate::limit::{BRIEF, LONG, limit};
use metal::server::{MachineState, Power};
use std::time::Duration;

impl Life<'_> {
    pub(super) async fn align_power(&mut self) -> Result<(), Halt> {
        let state = self.state().await?;
        if self.spec.power == Power::Off {
            return self.align_off(state).await;
        }
        if self.note.rebooting.is_some() || self.is_reboot_due(state) {
            self.reboot(state).await?;
        } else if is_alive(state) {
            self.align_ports().await?;
            self.ran()?;
        } else if state == MachineState::Suspended && self.spec.power == Power::Suspended {
            return self.unplug_taps().await;
        } else if state == MachineState::Suspended || self.may_start() {
            self.start().await?;
        } else {
            return self.unplug_taps().await;
        }
        self.align_alive().await
    }

    pub(super) async fn state(&self) -> Result<MachineState, Halt> {
        Ok(self.machine().await?.map_or(MachineState::Absent, |machine| machine.state))
    }

    fn at(&self) -> (i64, i64) {
        (self.entry.wanted.timeline, self.entry.wanted.revision)
    }

    /// See the rules of [`super`].
    fn may_start(&self) -> bool {
        self.note.ran.is_none()
            || self.spec.starts > self.note.starts
            || self.spec.reboot.count > self.note.reboots
    }

    /// The machine is known to be alive at this wanted state.
    fn ran(&mut self) -> Result<(), Halt> {
        let (at, starts) = (self.at(), self.spec.starts);
        if self.note.ran != Some(at) || self.note.starts < starts {
            self.note = self.core.ledger.note_later(self.key, |note| {
                note.ran = Some(at);
                note.starts = note.starts.max(starts);
            })?;
        }
        Ok(())
    }

    /// Only a hard reboot discards what a suspended machine was saved with; starting one that is off is a reboot as well.
    fn is_reboot_due(&self, state: MachineState) -> bool {
        let has_something_to_end =
            is_alive(state) || (state == MachineState::Suspended && self.spec.reboot.hard);
        has_something_to_end && self.spec.reboot.count > self.note.reboots && self.spec.power == Power::On
    }

    async fn align_off(&mut self, state: MachineState) -> Result<(), Halt> {
        match state {
            MachineState::Running => {
                self.tell_doing(state, "shutting down");
                self.stop(self.spec.stop_seconds > 0).await?;
            }
            MachineState::Paused | MachineState::Suspended => {
                self.tell_doing(state, "shutting down");
                self.stop(false).await?;
            }
            MachineState::Absent if !self.note.built => drop(self.build().await?),
            MachineState::Absent | MachineState::Off => {}
        }
        if self.note.rebooting.is_some() || self.note.ran.is_some() {
            self.note = self.core.ledger.note_later(self.key, |note| {
                note.rebooting = None;
                note.ran = None;
            })?;
        }
        self.unplug_taps().await
    }

    /// Between running, paused and suspended.
    async fn align_alive(&self) -> Result<(), Halt> {
        let hypervisor = &self.core.parts.hypervisor;
        let _permit = self.core.permits.acquire().await;
        match (self.spec.power, self.state().await?) {
            (Power::On, MachineState::Paused) => {
                limit(BRIEF, "unpausing", hypervisor.unpause(self.id())).await?
            }
            (Power::Paused, MachineState::Running) => {
                limit(BRIEF, "pausing", hypervisor.pause(self.id())).await?
            }
            (Power::Suspended, MachineState::Running | MachineState::Paused) => {
                self.tell_doing(MachineState::Running, "saving the machine");
                limit(LONG, "suspending", hypervisor.suspend(self.id())).await?;
                self.unplug_taps().await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Builds what is missing and starts the machine. All reboots that were asked for are carried out by that.
    async fn start(&mut self) -> Result<(), Halt> {
        let mut machine = self.build().await?;
        machine.nics = self.plug_taps().await?;
        {
            let _permit = self.core.permits.acquire().await;
            limit(LONG, "starting", self.core.parts.hypervisor.start(&machine)).await?;
        }
        self.align_ports().await?;
        let (at, reboots, starts) = (self.at(), self.spec.reboot.count, self.spec.starts);
        self.note = self.core.ledger.note_later(self.key, |note| {
            note.ran = Some(at);
            note.starts = note.starts.max(starts);
            note.reboots = note.reboots.max(reboots);
            note.rebooting = None;
        })?;
        Ok(())
    }

    /// Stops the machine. Waiting for the guest ends when something else is wanted.
    async fn stop(&self, kindly: bool) -> Result<(), Halt> {
        let time = Duration::from_secs(u64::from(self.spec.stop_seconds));
        let changed = self.core.queue.interrupt(self.key);
        if self.core.ledger.entry(self.key).is_none_or(|entry| entry.rank() != self.entry.rank()) {
            return Err(Halt::Superseded);
        }
        // A guest that takes its time takes nobody else's.
        let _permit = if kindly { None } else { Some(self.core.permits.acquire().await) };
        let stop = self.core.parts.hypervisor.stop(self.id(), kindly.then_some(time));
        tokio::select! {
            biased;
            stopped = limit(time + BRIEF, "stopping", stop) => Ok(stopped?),
            () = changed => Err(Halt::Superseded),
        }
    }

    /// Goes on with a reboot, or begins one.
    async fn reboot(&mut self, state: MachineState) -> Result<(), Halt> {
        self.tell_doing(state, "rebooting");
        if self.note.rebooting.is_none() {
            let stopping = Some(Rebooting::Stopping);
            self.note = self.core.ledger.note(self.key, |note| note.rebooting = stopping).await?;
        }
        if self.note.rebooting == Some(Rebooting::Stopping) {
            let kindly =
                !self.spec.reboot.hard && self.spec.stop_seconds > 0 && state == MachineState::Running;
            self.stop(kindly).await?;
            let starting = Some(Rebooting::Starting);
            self.note = self.core.ledger.note(self.key, |note| note.rebooting = starting).await?;
        }
        self.start().await
    }
}
