//! Disks as files: copies of images, and copy-on-write overlays on them.
//!
//! * [`images`]: `STATE_DIR/images/`: checked copies, taken once, shared by all servers of the host
//! * [`overlay`]: root disks: qcow2 headers that we write ourselves, in a fraction of a millisecond
//! * [`blank`]: ephemeral disks and swap
//! * [`iso`]: config drives: a small ISO 9660 file system with Joliet and Rock Ridge names
//! * [`durable`]: files that are there whole or not at all
//! * [`sandbox`]: the few foreign programs that touch disks, with bounded means
//!
//! `STATE_DIR/disks/<server>/` holds a server's files; a name carries the incarnation that the file was made for.

mod blank;
mod durable;
mod images;
mod iso;
mod overlay;
mod sandbox;
mod servers;

use async_trait::async_trait;
use metal::driver::{Data, Disks, Driven, DriverError, MachineDisk};
use metal::server::ImageSource;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Keeps disks below a state directory.
#[derive(Clone)]
pub struct DiskFile {
    images: images::Images,
    servers: Arc<servers::Servers>,
}

impl DiskFile {
    /// Takes a state directory over: what an interrupted copy has left in it is removed.
    pub fn open(state_dir: impl Into<PathBuf>) -> Driven<Self> {
        let state_dir = state_dir.into();
        let images = images::Images::open(state_dir.join("images"))?;
        let servers = servers::Servers::open(state_dir.join("disks"))?;
        Ok(Self { images, servers: Arc::new(servers) })
    }

    /// Runs work on files where it may block.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&servers::Servers) -> Driven<T> + Send + 'static,
    ) -> Driven<T> {
        let servers = self.servers.clone();
        blocking(move || work(&servers)).await
    }
}

/// Runs work on a thread that may block, to its end even when nobody waits any more.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Driven<T> + Send + 'static) -> Driven<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| DriverError::Failed(format!("work on a disk broke off: {error}")))?
}

#[async_trait]
impl Disks for DiskFile {
    async fn room(&self) -> Driven<(u64, u64)> {
        self.work(|servers| durable::room(&servers.folder)).await
    }

    async fn has_image(&self, image: &ImageSource) -> Driven<bool> {
        Ok(self.images.find(image)?.is_some())
    }

    async fn take_image(&self, image: &ImageSource, data: Data) -> Driven<()> {
        self.images.take(image, data).await
    }

    async fn image_path(&self, image: &ImageSource) -> Driven<PathBuf> {
        self.images.used(image)
    }

    async fn forget_images(&self, keep: &[String], unused: Duration) -> Driven<()> {
        let (images, keep) = (self.images.clone(), keep.to_vec());
        self.work(move |servers| images.forget(&keep, unused, || servers.bases())).await
    }

    async fn forget_image(&self, image_id: &str) -> Driven<()> {
        let (images, id) = (self.images.clone(), image_id.to_owned());
        self.work(move |servers| images.forget_one(&id, || servers.bases())).await
    }

    async fn root(
        &self,
        server_id: &str,
        incarnation: i64,
        image: &ImageSource,
        gib: u64,
    ) -> Driven<MachineDisk> {
        let (images, image, id) = (self.images.clone(), image.clone(), server_id.to_owned());
        self.work(move |servers| {
            // Nobody may forget the image between the look for it and the overlay on it.
            let _kept = images.hold();
            let base = images.used(&image)?;
            servers.root(&id, incarnation, &image, &base, gib)
        })
        .await
    }

    async fn blank(&self, server_id: &str, incarnation: i64, name: &str, mib: u64) -> Driven<MachineDisk> {
        let (id, name) = (server_id.to_owned(), name.to_owned());
        self.work(move |servers| servers.blank(&id, incarnation, &name, mib)).await
    }

    async fn config_drive(
        &self,
        server_id: &str,
        incarnation: i64,
        files: &[(String, Vec<u8>)],
    ) -> Driven<PathBuf> {
        let (id, files) = (server_id.to_owned(), files.to_vec());
        self.work(move |servers| servers.config_drive(&id, incarnation, &files)).await
    }

    async fn remove(&self, server_id: &str) -> Driven<()> {
        let id = server_id.to_owned();
        self.work(move |servers| servers.remove(&id)).await
    }

    async fn servers(&self) -> Driven<Vec<String>> {
        self.work(servers::Servers::all).await
    }
}
