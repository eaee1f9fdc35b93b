//! What an agent answers over the link.

use crate::error::HostError;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use metal::driver::{Data, Duplex};
use metal::server::ImageSource;
use metal::{HostFacts, Kind, Report, Wanted};
use serde::{Deserialize, Serialize};

/// Timeline, incarnation, revision: what fences compare (see [`Wanted::rank`]).
pub type Rank = (i64, i64, i64);

/// What became of something wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ensured {
    /// It is in the ledger now, on disk; the host works at it.
    Accepted,
    /// It was in the ledger already.
    Same,
}

/// One line of an agent's ledger, without the content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The sort of thing.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// See [`Wanted::timeline`].
    pub timeline: i64,
    /// See [`Wanted::incarnation`].
    pub incarnation: i64,
    /// See [`Wanted::revision`].
    pub revision: i64,
    /// See [`Wanted::digest`].
    pub hash: String,
    /// It must not be held any more.
    pub tombstone: bool,
}

impl LedgerEntry {
    /// What fences compare.
    pub const fn rank(&self) -> Rank {
        (self.timeline, self.incarnation, self.revision)
    }
}

/// The agent's side of the link. A call may be dropped before it ends: whatever was begun must be finished or left
/// whole all the same.
#[async_trait]
pub trait Host: Send + Sync + 'static {
    /// What the host is.
    async fn hello(&self) -> Result<HostFacts, HostError>;
    /// Something is wanted (or, with a tombstone, not any more). Answers when that is on disk, not when it is done:
    /// what becomes of it is told by [`Host::reports`].
    async fn ensure(&self, wanted: Wanted) -> Result<Ensured, HostError>;
    /// Everything in the ledger.
    async fn ledger(&self) -> Result<Vec<LedgerEntry>, HostError>;
    /// The last report of each object of these kinds, then each change. An object that changes faster than the
    /// stream is read is reported in its newest state only.
    fn reports(&self, kinds: Vec<Kind>) -> BoxStream<'static, Report>;
    /// The host has a whole copy of the image.
    async fn image_has(&self, image: ImageSource) -> Result<bool, HostError>;
    /// Takes a copy of the image.
    async fn image_put(&self, image: ImageSource, data: Data) -> Result<(), HostError>;
    /// No copy of the image is left. [`HostError::NotYet`] while a server needs it.
    async fn image_forget(&self, image_id: String) -> Result<(), HostError>;
    /// The end of a server's console log.
    async fn console_log(&self, server_id: String, bytes: u64) -> Result<Vec<u8>, HostError>;
    /// A connection to a server's screen.
    async fn screen(&self, server_id: String) -> Result<Box<dyn Duplex>, HostError>;
    /// The controller has recorded that the object is gone: its tombstone of this rank is needed no more.
    async fn forget(&self, kind: Kind, id: String, rank: Rank) -> Result<(), HostError>;
    /// What the agent is at, for operators.
    async fn status(&self) -> Result<serde_json::Value, HostError>;
}
