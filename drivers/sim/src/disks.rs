//! Disks that are numbers: images are read and checked but not kept, sizes are counted against the host's room.
//!
//! A guest is taken to have written all over its root disk, which takes its whole size; so do images. A host that was
//! promised to more servers than it has room for gets full, as a real one does in the end. Blank disks are sparse and
//! take none.

use crate::faults::Stage;
use crate::state::{DisksRecord, ImageRecord, Records};
use crate::{Sim, failed};
use async_trait::async_trait;
use futures_util::StreamExt;
use metal::DriverError;
use metal::driver::{Data, Disks, Driven, MachineDisk};
use metal::server::ImageSource;
use sha2::{Digest, Sha512};
use std::path::PathBuf;
use std::time::Duration;

/// What images take.
fn copies(state: &Records) -> u64 {
    state.images.values().map(|image| image.bytes).sum()
}

/// What root disks take, but for those of one server.
fn roots(state: &Records, but: &str) -> u64 {
    let others = state.disks.iter().filter(|(id, _)| *id != but);
    others.filter_map(|(_, disks)| disks.disks.get("root")).sum()
}

/// As on real metal, where ids are names of files.
fn plain(id: &str) -> Driven<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
        return Err(DriverError::Refused(format!("{id:?} cannot be the name of a file")));
    }
    Ok(())
}

fn holds(state: &Records, image: &ImageSource) -> bool {
    state.images.get(&image.id).is_some_and(|held| held.sha512 == image.sha512 && held.bytes == image.bytes)
}

impl Sim {
    /// A rule may say that the disk is full.
    fn room_for(&self, what: &str, id: &str) -> Driven<()> {
        if self.struck(Stage::Disk, id).is_empty() { Ok(()) } else { Err(DriverError::Full(what.to_owned())) }
    }

    /// A disk of the server in this incarnation; grows, never shrinks.
    fn disk(
        &self,
        server_id: &str,
        incarnation: i64,
        (name, bytes): (&str, u64),
        image: Option<&str>,
    ) -> Driven<PathBuf> {
        let mut state = self.state();
        let held = state.disks.get(server_id).cloned();
        let mut record = held.unwrap_or(DisksRecord { incarnation, ..DisksRecord::default() });
        if record.incarnation != incarnation {
            let held = record.incarnation;
            return Err(DriverError::Refused(format!("the disks of incarnation {held} are still there")));
        }
        let size = record.disks.get(name).copied();
        if size.is_none_or(|size| size < bytes) {
            record.disks.insert(name.to_owned(), bytes);
            record.image = image.map(str::to_owned).or(record.image);
            state.disks_put(server_id, record).map_err(failed)?;
        }
        Ok(self.0.fleet.dir.join("disks").join(server_id).join(name))
    }
}

#[async_trait]
impl Disks for Sim {
    async fn room(&self) -> Driven<(u64, u64)> {
        let all = self.0.config.disk_bytes;
        let state = self.state();
        Ok((all, all.saturating_sub(copies(&state) + roots(&state, ""))))
    }

    async fn has_image(&self, image: &ImageSource) -> Driven<bool> {
        Ok(holds(&self.state(), image))
    }

    async fn take_image(&self, image: &ImageSource, mut data: Data) -> Driven<()> {
        self.luck()?;
        if image.sha512.is_empty() {
            let id = &image.id;
            return Err(DriverError::Refused(format!("image {id} has no SHA-512 to check its copy against")));
        }
        self.room_for(&format!("image {}", image.id), &image.id)?;
        if copies(&self.state()) + image.bytes > self.0.config.disk_bytes {
            return Err(DriverError::Full(format!("image {}", image.id)));
        }
        let (mut bytes, mut hash) = (0u64, Sha512::new());
        while let Some(chunk) = data.next().await {
            let chunk = chunk.map_err(failed)?;
            bytes += chunk.len() as u64;
            if bytes > image.bytes {
                break;
            }
            hash.update(&chunk);
        }
        if bytes != image.bytes {
            return Err(DriverError::Failed(format!("image {} is not {} bytes long", image.id, image.bytes)));
        }
        let digest = base16ct::lower::encode_string(&hash.finalize());
        if digest != image.sha512 {
            return Err(DriverError::Failed(format!("the data of image {} do not match its hash", image.id)));
        }
        self.state().image_put(&image.id, ImageRecord { sha512: digest, bytes }).map_err(failed)
    }

    async fn image_path(&self, image: &ImageSource) -> Driven<PathBuf> {
        if !holds(&self.state(), image) {
            return Err(DriverError::NotYet(format!("image {} is not on this host", image.id)));
        }
        Ok(self.0.fleet.dir.join("images").join(&image.id))
    }

    async fn forget_images(&self, keep: &[String], unused: Duration) -> Driven<()> {
        let mut state = self.state();
        // When an image was used is not recorded: with any time at all they are kept.
        if unused.is_zero() {
            let gone: Vec<_> = state.images.keys().filter(|id| !keep.contains(id)).cloned().collect();
            for id in gone {
                state.image_remove(&id).map_err(failed)?;
            }
        }
        Ok(())
    }

    async fn forget_image(&self, image_id: &str) -> Driven<()> {
        self.luck()?;
        let mut state = self.state();
        if state.disks.values().any(|disks| disks.image.as_deref() == Some(image_id)) {
            return Err(DriverError::NotYet(format!("a disk lies on the copy of image {image_id}")));
        }
        if state.images.contains_key(image_id) {
            state.image_remove(image_id).map_err(failed)
        } else {
            Ok(())
        }
    }

    async fn root(
        &self,
        server_id: &str,
        incarnation: i64,
        image: &ImageSource,
        gib: u64,
    ) -> Driven<MachineDisk> {
        self.luck()?;
        plain(server_id)?;
        self.room_for("a disk", server_id)?;
        let bytes = gib.checked_mul(1 << 30);
        let bytes = bytes.ok_or_else(|| DriverError::Refused(format!("{gib} GiB is too large")))?;
        let own = image.bytes.next_multiple_of(512);
        if gib > 0 && own > bytes && image.format != "qcow2" {
            return Err(DriverError::Refused(format!(
                "Flavor's disk is too small for requested image. Flavor disk is {bytes} bytes, image is {own} bytes."
            )));
        }
        let built = self.state().disks.get(server_id).is_some_and(|held| held.disks.contains_key("root"));
        if !built && !holds(&self.state(), image) {
            return Err(DriverError::NotYet(format!("image {} is not on this host", image.id)));
        }
        let bytes = if gib == 0 { image.bytes } else { bytes };
        if roots(&self.state(), server_id).saturating_add(bytes) > self.0.config.disk_bytes {
            return Err(DriverError::Full(format!("the root disk of {server_id}")));
        }
        let path = self.disk(server_id, incarnation, ("root", bytes), Some(&image.id))?;
        Ok(MachineDisk { path, format: "qcow2".to_owned() })
    }

    async fn blank(&self, server_id: &str, incarnation: i64, name: &str, mib: u64) -> Driven<MachineDisk> {
        self.luck()?;
        self.room_for("a disk", server_id)?;
        let path = self.disk(server_id, incarnation, (name, mib << 20), None)?;
        Ok(MachineDisk { path, format: "qcow2".to_owned() })
    }

    async fn config_drive(
        &self,
        server_id: &str,
        incarnation: i64,
        files: &[(String, Vec<u8>)],
    ) -> Driven<PathBuf> {
        self.luck()?;
        self.room_for("a disk", server_id)?;
        let bytes = files.iter().map(|(_, content)| content.len() as u64).sum();
        self.disk(server_id, incarnation, ("config", bytes), None)
    }

    async fn remove(&self, server_id: &str) -> Driven<()> {
        self.luck()?;
        self.state().disks_remove(server_id).map_err(failed)
    }

    async fn servers(&self) -> Driven<Vec<String>> {
        Ok(self.state().disks.keys().cloned().collect())
    }
}
