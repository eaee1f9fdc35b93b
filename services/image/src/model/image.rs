//! An image: what is said of it, and how the API writes that.

use kernel::Micros;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What can be done with an image now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has no data yet.
    Queued,
    /// Its data is on the way.
    Saving,
    /// It can be used.
    Active,
    /// It cannot be downloaded, except by administrators.
    Deactivated,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Saving, Self::Active, Self::Deactivated];

    /// The word in the store and on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Saving => "saving",
            Self::Active => "active",
            Self::Deactivated => "deactivated",
        }
    }

    /// The status of that word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What can be done with it.
    pub status: Status,
    /// Who sees it: `private`, `shared`, `community`, `public`.
    pub visibility: String,
    /// The project that owns it.
    pub owner: String,
    /// How its data is laid out: `raw`, `qcow2`, …
    pub disk_format: Option<String>,
    /// What its data is wrapped in: `bare`, …
    pub container_format: Option<String>,
    /// The size of its data in bytes.
    pub bytes: Option<u64>,
    /// The size of the disk that it describes in bytes.
    pub virtual_bytes: Option<u64>,
    /// MD5 of its data in hex.
    pub checksum: Option<String>,
    /// SHA-512 of its data in hex.
    pub sha512: Option<String>,
    /// The least root disk, in GiB.
    pub min_disk: u64,
    /// The least memory, in MiB.
    pub min_ram: u64,
    /// It cannot be deleted.
    pub protected: bool,
    /// It is left out of lists.
    pub hidden: bool,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// Its own properties.
    pub properties: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}

/// What the API knows of by name; everything else is a property of the image's own.
pub const BASE: &[&str] = &[
    "id",
    "name",
    "status",
    "visibility",
    "owner",
    "disk_format",
    "container_format",
    "size",
    "virtual_size",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "min_disk",
    "min_ram",
    "protected",
    "os_hidden",
    "tags",
    "created_at",
    "updated_at",
    "self",
    "file",
    "schema",
    "direct_url",
    "locations",
];

/// Attributes that nobody writes.
pub const READ_ONLY: &[&str] = &[
    "created_at",
    "updated_at",
    "status",
    "checksum",
    "size",
    "virtual_size",
    "direct_url",
    "self",
    "file",
    "schema",
    "os_hash_algo",
    "os_hash_value",
    "id",
];

/// Names that properties cannot have.
pub const RESERVED: &[&str] = &["deleted", "deleted_at", "members", "is_public", "stores"];

/// Formats of the data.
pub const DISK_FORMATS: &[&str] =
    &["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop", "gpt"];

/// Formats of the wrapping.
pub const CONTAINER_FORMATS: &[&str] = &["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"];

impl Image {
    /// As the API writes it.
    pub fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        for (name, value) in &self.properties {
            body.insert(name.clone(), json!(value));
        }
        let own = json!({
            "name": self.name, "disk_format": self.disk_format, "container_format": self.container_format,
            "visibility": self.visibility, "size": self.bytes, "virtual_size": self.virtual_bytes,
            "status": self.status.word(), "checksum": self.checksum, "protected": self.protected,
            "min_ram": self.min_ram, "min_disk": self.min_disk, "owner": self.owner, "os_hidden": self.hidden,
            "os_hash_algo": self.sha512.as_ref().map(|_| "sha512"), "os_hash_value": self.sha512, "id": self.id,
            "created_at": self.created_at.seconds_z(), "updated_at": self.updated_at.seconds_z(), "tags": self.tags,
            "self": format!("/v2/images/{}", self.id), "file": format!("/v2/images/{}/file", self.id),
            "schema": "/v2/schemas/image",
        });
        if let Value::Object(own) = own {
            body.extend(own);
        }
        body
    }
}
