//! What a machine needs before it can start: disks, config drive, taps; and ports that come and go while it runs.

use super::{Halt, Life, is_alive};
use crate::converge::Topic;
use crate::core::Key;
use crate::limit::{BRIEF, LONG, limit};
use crate::metadata::Documents;
use metal::driver::{Machine, MachineDisk, Nic};
use metal::server::{ImageSource, MachineState, ServerPort};
use metal::{DriverError, Kind};
use std::path::PathBuf;

impl Life<'_> {
    /// Makes the disks (or finds them) and describes the machine, without its interfaces.
    pub(super) async fn build(&mut self) -> Result<Machine, Halt> {
        let _permit = self.core.permits.acquire().await;
        if !self.note.built {
            self.tell_doing(MachineState::Absent, "making disks");
        }
        let disks = match self.disks().await {
            Err(DriverError::NotYet(why)) => return Err(self.missing_images(why).await),
            disks => disks?,
        };
        let direct_boot = match self.direct_boot().await {
            Err(DriverError::NotYet(why)) => return Err(self.missing_images(why).await),
            boot => boot?,
        };
        let config_drive = if self.spec.config_drive { Some(self.config_drive().await?) } else { None };
        if !self.note.built {
            self.note = self.core.ledger.note_later(self.key, |note| note.built = true)?;
        }
        Ok(Machine {
            id: self.id().to_owned(),
            incarnation: self.entry.wanted.incarnation,
            name: self.spec.name.clone(),
            vcpus: self.spec.vcpus,
            memory_mib: self.spec.memory_mib,
            disks,
            config_drive,
            direct_boot,
            nics: Vec::new(),
            hardware: self.spec.hardware.clone(),
        })
    }

    /// Root, ephemeral and swap, in the order in which guests see them.
    async fn disks(&self) -> Result<Vec<MachineDisk>, DriverError> {
        let (drivers, life, spec) = (&self.core.parts.disks, self.entry.wanted.incarnation, self.spec);
        let mut disks = vec![
            limit(LONG, "the root disk", drivers.root(self.id(), life, &spec.image, spec.disk_gib)).await?,
        ];
        if spec.ephemeral_gib > 0 {
            let mib = spec.ephemeral_gib * 1024;
            disks.push(limit(LONG, "a disk", drivers.blank(self.id(), life, "ephemeral0", mib)).await?);
        }
        if spec.swap_mib > 0 {
            disks.push(limit(LONG, "a disk", drivers.blank(self.id(), life, "swap", spec.swap_mib)).await?);
        }
        Ok(disks)
    }

    async fn direct_boot(&self) -> Result<Option<(PathBuf, Option<PathBuf>, String)>, DriverError> {
        let Some(kernel) = &self.spec.kernel else { return Ok(None) };
        let disks = &self.core.parts.disks;
        let kernel = limit(BRIEF, "the kernel", disks.image_path(kernel)).await?;
        let ramdisk = match &self.spec.ramdisk {
            Some(ramdisk) => Some(limit(BRIEF, "the ramdisk", disks.image_path(ramdisk)).await?),
            None => None,
        };
        Ok(Some((kernel, ramdisk, self.spec.kernel_arguments.clone())))
    }

    async fn config_drive(&self) -> Result<PathBuf, DriverError> {
        let files = Documents::new(self.id(), self.spec, &self.core.parts.entropy).config_drive();
        let life = self.entry.wanted.incarnation;
        limit(LONG, "the config drive", self.core.parts.disks.config_drive(self.id(), life, &files)).await
    }

    /// Which images must be sent before the disks can be made.
    async fn missing_images(&self, why: String) -> Halt {
        let mut missing: Vec<String> = Vec::new();
        for image in images(self.spec) {
            match limit(BRIEF, "looking for an image", self.core.parts.disks.has_image(image)).await {
                Ok(true) => {}
                Ok(false) => missing.push(image.id.clone()),
                Err(error) => return Halt::Driver(error),
            }
        }
        let on = images(self.spec).map(|image| Topic::Image(image.id.clone())).collect();
        Halt::Wait { on, why, images: missing }
    }

    /// Ports of the spec, other than those whose tombstones are here.
    fn ports(&self) -> impl Iterator<Item = &ServerPort> {
        self.spec.ports.iter().filter(|port| {
            let entry = self.core.ledger.entry(&(Kind::Port, port.port_id.clone()));
            entry.is_none_or(|entry| !entry.is_tombstone())
        })
    }

    /// A tap for each port, in the order of interfaces.
    pub(super) async fn plug_taps(&self) -> Result<Vec<Nic>, Halt> {
        let mut nics = Vec::new();
        for port in self.ports() {
            nics.push(self.tap(port).await?);
        }
        Ok(nics)
    }

    async fn tap(&self, port: &ServerPort) -> Result<Nic, Halt> {
        let key = (Kind::Port, port.port_id.clone());
        if !crate::converge::is_ready(self.core, &key) {
            let why = format!("port {} is not there yet", port.port_id);
            return Err(Halt::Wait { on: vec![Topic::Object(key)], why, images: Vec::new() });
        }
        if let Some((_, other)) = self.former_holder(&key) {
            let why = format!("server {other} still has port {}", port.port_id);
            return Err(Halt::Wait { on: vec![Topic::Object(key)], why, images: Vec::new() });
        }
        let _permit = self.core.permits.acquire().await;
        let tap = limit(BRIEF, "the switch", self.core.parts.switch.plug(&port.port_id, &port.mac, port.mtu))
            .await?;
        Ok(Nic { port_id: port.port_id.clone(), mac: port.mac.clone(), mtu: port.mtu, tap })
    }

    /// Another server that has used the port and has not let go of it.
    fn former_holder(&self, port: &Key) -> Option<Key> {
        let users = self.core.ledger.users(port);
        users
            .into_iter()
            .find(|user| user != self.key && crate::converge::is_letting_go(self.core, user, port))
    }

    /// The machine that is alive has the wanted ports and no others. One that was restored has those that it was
    /// saved with at first.
    pub(super) async fn align_ports(&self) -> Result<(), Halt> {
        self.pull_out().await?;
        let here = self.machine().await?.map(|machine| machine.ports).unwrap_or_default();
        for port in self.ports().filter(|port| !here.contains(&port.port_id)) {
            let nic = self.tap(port).await?;
            limit(BRIEF, "plugging in", self.core.parts.hypervisor.plug(self.id(), &nic)).await?;
        }
        Ok(())
    }

    /// Unplugs from a machine that is alive what it must not have; answers what it had.
    async fn pull_out(&self) -> Result<Vec<String>, Halt> {
        let Some(machine) = self.machine().await? else { return Ok(Vec::new()) };
        if is_alive(machine.state) {
            for port in &machine.ports {
                if !self.ports().any(|wanted| wanted.port_id == *port) {
                    limit(BRIEF, "unplugging", self.core.parts.hypervisor.unplug(self.id(), port)).await?;
                }
            }
        }
        Ok(machine.ports)
    }

    /// Ports that are not wanted any more are unplugged, and given free for others.
    pub(super) async fn let_ports_go(&self) -> Result<(), Halt> {
        let here = self.pull_out().await?;
        let held = self.entry.refs.iter().map(|(_, id)| id).chain(&here);
        for port in held.filter(|port| !self.ports().any(|wanted| wanted.port_id == **port)) {
            self.core.free_tap(self.key, port).await?;
        }
        crate::converge::let_go(self.core, self.key, self.entry.rank());
        Ok(())
    }

    /// A machine that is off has no taps: its ports' links are down.
    pub(super) async fn unplug_taps(&self) -> Result<(), Halt> {
        for (_, port) in &self.entry.refs {
            self.core.free_tap(self.key, port).await?;
        }
        Ok(())
    }
}

impl crate::core::Core {
    /// Takes a server's tap away, unless another server wants the port by now.
    pub(super) async fn free_tap(&self, server: &Key, port: &str) -> Result<(), DriverError> {
        let port = (Kind::Port, port.to_owned());
        let others = self.ledger.users(&port).into_iter().filter(|user| user != server);
        for other in others {
            let spec = self.ledger.entry(&other).and_then(|entry| entry.wanted.spec.clone());
            if spec.is_some_and(|spec| crate::ledger::refs_of(&spec).contains(&port)) {
                return Ok(());
            }
        }
        limit(BRIEF, "the switch", self.parts.switch.unplug(&port.1)).await
    }
}

/// All images that a server needs.
fn images(spec: &metal::server::ServerSpec) -> impl Iterator<Item = &ImageSource> {
    std::iter::once(&spec.image).chain(&spec.kernel).chain(&spec.ramdisk)
}
