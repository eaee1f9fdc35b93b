//! What controllers may ask of this agent.

use crate::converge::Topic;
use crate::core::{Core, Key};
use crate::ledger::Entry;
use crate::limit::{BRIEF, limit};
use crate::status;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use link::{Ensured, Host, HostError, LedgerEntry, Rank};
use metal::driver::{Data, Duplex};
use metal::server::ImageSource;
use metal::{HostFacts, Kind, Report, Spec, Wanted};
use std::sync::Arc;

pub(crate) struct Served(pub(crate) Arc<Core>);

#[async_trait]
impl Host for Served {
    async fn hello(&self) -> Result<HostFacts, HostError> {
        let core = &self.0;
        let facts =
            limit(BRIEF, "the hypervisor", core.parts.hypervisor.facts()).await.map_err(HostError::of)?;
        let (all, free) = limit(BRIEF, "the disks", core.parts.disks.room()).await.map_err(HostError::of)?;
        let metal = if facts.acceleration == "sim" { "sim" } else { "real" };
        Ok(HostFacts {
            name: core.parts.name.clone(),
            id: core.identity.host_id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            epoch: core.identity.epoch,
            metal: metal.to_owned(),
            vcpus: facts.vcpus,
            memory_mib: facts.memory_mib,
            disk_gib: all >> 30,
            disk_free_gib: free >> 30,
            acceleration: facts.acceleration,
            hypervisor: facts.name,
            hypervisor_version: facts.version,
            cpu_info: facts.cpu_info,
            address: core.parts.address.clone(),
            physical_networks: core.parts.switch.physical_networks().await,
            traits: facts.traits,
        })
    }

    async fn ensure(&self, wanted: Wanted) -> Result<Ensured, HostError> {
        check(&wanted)?;
        let key = (wanted.kind, wanted.id.clone());
        // A task of its own: a caller that goes away must not leave something on disk that nobody works at.
        let core = self.0.clone();
        let taken = tokio::spawn(async move {
            let ensured = core.ledger.ensure(wanted).await?;
            if ensured == Ensured::Accepted {
                core.queue.mark_wanted(&key);
            }
            Ok(ensured)
        });
        taken.await.map_err(HostError::failed)?
    }

    async fn ledger(&self) -> Result<Vec<LedgerEntry>, HostError> {
        Ok(self.0.ledger.lines())
    }

    fn reports(&self, kinds: Vec<Kind>) -> BoxStream<'static, Report> {
        self.0.board.stream(kinds)
    }

    async fn image_has(&self, image: ImageSource) -> Result<bool, HostError> {
        limit(BRIEF, "the disks", self.0.parts.disks.has_image(&image)).await.map_err(HostError::of)
    }

    async fn image_put(&self, image: ImageSource, data: Data) -> Result<(), HostError> {
        self.0.parts.disks.take_image(&image, data).await.map_err(HostError::of)?;
        self.0.queue.wake(&Topic::Image(image.id));
        Ok(())
    }

    async fn image_forget(&self, image_id: String) -> Result<(), HostError> {
        let core = &self.0;
        // A server that has no disk yet needs the copy as well.
        if let Some(server) =
            core.ledger.map(|(key, entry)| names(entry, &image_id).then(|| key.1.clone())).first()
        {
            return Err(HostError::NotYet { why: format!("server {server} needs image {image_id}") });
        }
        limit(BRIEF, "the disks", core.parts.disks.forget_image(&image_id)).await.map_err(HostError::of)
    }

    async fn console_log(&self, server_id: String, bytes: u64) -> Result<Vec<u8>, HostError> {
        self.known_machine(&server_id).await?;
        let hypervisor = &self.0.parts.hypervisor;
        limit(BRIEF, "the hypervisor", hypervisor.console_log(&server_id, bytes)).await.map_err(HostError::of)
    }

    async fn screen(&self, server_id: String) -> Result<Box<dyn Duplex>, HostError> {
        self.known_machine(&server_id).await?;
        let hypervisor = &self.0.parts.hypervisor;
        limit(BRIEF, "the hypervisor", hypervisor.screen(&server_id)).await.map_err(HostError::of)
    }

    async fn forget(&self, kind: Kind, id: String, rank: Rank) -> Result<(), HostError> {
        let key: Key = (kind, id);
        let Some(entry) = self.0.ledger.entry(&key).filter(|entry| entry.rank() == rank) else {
            return Ok(());
        };
        if !entry.is_tombstone() {
            return Err(HostError::Refused { why: format!("{kind} {} is wanted", key.1) });
        }
        if !self.0.queue.standing(&key).gone {
            return Err(HostError::NotYet { why: format!("{kind} {} is not gone yet", key.1) });
        }
        // A task of its own: a caller that goes away must not leave word of something that is in no ledger.
        let core = self.0.clone();
        let forgotten = tokio::spawn(async move {
            core.ledger.forget(&key, rank).await?;
            if core.ledger.entry(&key).is_none() {
                core.queue.forget(&key);
                core.board.forget(&key);
            }
            Ok(())
        });
        forgotten.await.map_err(HostError::failed)?
    }

    async fn status(&self) -> Result<serde_json::Value, HostError> {
        Ok(status::status(&self.0))
    }
}

impl Served {
    async fn known_machine(&self, id: &str) -> Result<(), HostError> {
        let machine = self.0.parts.hypervisor.machine(id);
        match limit(BRIEF, "the hypervisor", machine).await.map_err(HostError::of)? {
            Some(_) => Ok(()),
            None => Err(HostError::Missing { what: format!("the machine of server {id}") }),
        }
    }
}

/// The server that is wanted is made of this image.
fn names(entry: &Entry, image_id: &str) -> bool {
    let Some(Spec::Server(spec)) = &entry.wanted.spec else { return false };
    std::iter::once(&spec.image).chain(&spec.kernel).chain(&spec.ramdisk).any(|image| image.id == image_id)
}

/// What can be refused by looking at it alone.
fn check(wanted: &Wanted) -> Result<(), HostError> {
    if wanted.format != Wanted::FORMAT {
        return Err(HostError::UnknownFormat { format: wanted.format });
    }
    let kind = match &wanted.spec {
        None => wanted.kind,
        Some(Spec::Network(_)) => Kind::Network,
        Some(Spec::SecurityGroup(_)) => Kind::SecurityGroup,
        Some(Spec::Port(_)) => Kind::Port,
        Some(Spec::Router(_)) => Kind::Router,
        Some(Spec::Server(_)) => Kind::Server,
    };
    let is_path = wanted.id.is_empty() || wanted.id.contains(['/', '\0']) || wanted.id.starts_with('.');
    if kind != wanted.kind || is_path {
        return Err(HostError::Refused { why: format!("{} {} is malformed", wanted.kind, wanted.id) });
    }
    Ok(())
}
