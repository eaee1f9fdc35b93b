//! What the image service tells compute, and how a host gets an image's data.

use async_trait::async_trait;
use fault::Fault;
use metal::driver::Data;
use policy::Who;
use std::collections::BTreeMap;
use store::Tx;

/// The kind of the work rows of deleted images, by the image's id: who deletes one wants this, and compute takes the
/// copies from the hosts.
pub const COPIES: &str = "image-copies";

/// An image as compute needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFacts {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `active` is the only status to boot from.
    pub status: String,
    /// `raw`, `qcow2`, `ami`, …
    pub disk_format: String,
    /// `bare`, `ami`, …
    pub container_format: String,
    /// The size of its data in bytes.
    pub bytes: u64,
    /// The size of the disk that it describes in bytes.
    pub virtual_bytes: u64,
    /// SHA-512 of its data in hex.
    pub sha512: String,
    /// The least root disk in GiB.
    pub min_disk_gib: u64,
    /// The least memory in MiB.
    pub min_ram_mib: u64,
    /// Its own properties (`hw_disk_bus`, `kernel_id`, …).
    pub properties: BTreeMap<String, String>,
}

/// What the image service tells compute.
#[async_trait]
pub trait Images: Send + Sync + 'static {
    /// The image, if `who` may use it.
    fn image(&self, tx: &Tx, who: &Who, image_id: &str) -> Result<Option<ImageFacts>, Fault>;
    /// The image, whoever asks: for servers that have it already.
    fn image_by_id(&self, tx: &Tx, image_id: &str) -> Result<Option<ImageFacts>, Fault>;
    /// The image's data from its beginning.
    async fn data(&self, image_id: &str) -> Result<Data, Fault>;
}
