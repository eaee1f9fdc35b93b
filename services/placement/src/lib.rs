//! Placement: which host has how much, and who has it. Placement's API as far as it is for reading; hosts and servers
//! are entered by compute in its own transactions, through [`contract`].
//!
//! A claim is guarded by the provider's generation: a scheduler decides on a snapshot, and its claim fails if the
//! provider has changed since. Usage is counted in the transaction that changes it.

pub mod api;
pub mod contract;
pub mod envelope;
pub mod migrations;
pub mod model;
pub mod ops;
pub mod routes;
pub mod rules;
mod store;

use ::store::Db;
use fault::Fault;
use std::borrow::Cow;
use std::sync::Arc;
use web::{Microversions, Surface, Version};

/// The microversions whose answers are given.
pub const MICROVERSIONS: Microversions = Microversions {
    service: "placement",
    legacy_header: None,
    min: Version::new(1, 0),
    max: Version::new(1, 39),
};

/// The placement service.
pub struct PlacementService {
    db: Db,
}

impl PlacementService {
    /// Brings the schema up to date and gives the service.
    pub fn new(db: Db) -> Result<Arc<Self>, Fault> {
        db.migrate("placement", migrations::MIGRATIONS)?;
        Ok(Arc::new(Self { db }))
    }

    /// The service as the wire sees it.
    pub fn surface(self: &Arc<Self>) -> Surface<Self> {
        Surface {
            name: "placement",
            service: self.clone(),
            routes: routes::routes(),
            microversions: Some(MICROVERSIONS),
            envelope: envelope::envelope,
            refusal: envelope::refusal,
            spelling: |path| Cow::Borrowed(path),
            head_is_get: false,
            request_id_header: None,
        }
    }
}
