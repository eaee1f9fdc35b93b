//! Identity: who callers are and what they may. Keystone's API, v3.
//!
//! * [`routes`]: every operation in one table · [`rules`]: who may call · [`differences`]: what Keystone does otherwise
//! * [`envelope`]: how a fault is written · [`settings`]: what the operator may set · [`migrations`]: the schema
//! * [`api`]: decode, call one op, encode · [`ops`]: the rules of the cloud · `store`: SQL · [`model`]: plain data
//! * [`oidc`]: identity providers that are relied on
//! * [`hashing`]: passwords, on threads of their own, [`places`]: who may wait for them · [`contract`]: what other services may ask
//! * `directory`: asking LDAP, for domains whose users live there
//! * [`bootstrap`]: what a new cloud starts with · [`import`]: what a Keystone hands over · [`readmit`]: the administrator, let in
//!   again
//!
//! A token is never stored: it says whose it is and what for, sealed with the cloud's keys, and what it stands for is
//! read anew whenever something has changed ([`ops::token`]).

pub mod api;
pub mod bootstrap;
pub mod contract;
pub mod differences;
mod directory;
pub mod envelope;
pub mod hashing;
pub mod import;
pub mod migrations;
pub mod model;
pub mod oidc;
pub mod ops;
pub mod places;
pub mod readmit;
pub mod routes;
pub mod rules;
pub mod settings;
mod store;

use crate::hashing::Hashing;
use crate::model::token::Provider;
use crate::ops::directory::Directories;
use crate::ops::memory::Memory;
use crate::settings::Settings;
use ::store::Db;
use fault::Fault;
use std::borrow::Cow;
use std::sync::Arc;
use web::Surface;

/// What identity is made of.
pub struct Parts {
    /// The store.
    pub db: Db,
    /// Threads that hash passwords.
    pub hashing: Hashing,
    /// What the operator set.
    pub settings: Settings,
}

/// The identity service.
pub struct Identity {
    db: Db,
    hashing: Hashing,
    settings: Settings,
    providers: Vec<oidc::Provider>,
    memory: Memory,
    directories: Directories,
}

impl Identity {
    /// Brings the schema up to date and gives the service.
    pub fn new(parts: Parts) -> Result<Arc<Self>, Fault> {
        parts.db.migrate("identity", migrations::MIGRATIONS)?;
        parts.db.write_now(ops::credential::seal_all)?;
        let compliance = parts.settings.compliance.clone();
        parts.db.write_now(move |tx| ops::password::activity_watch(tx, &compliance))?;
        if parts.settings.token_provider == Provider::Jws {
            parts.db.write_now(ops::key::signing_keys_make)?;
        }
        let Parts { db, hashing, settings } = parts;
        let relations = settings.federation.relations.iter();
        let providers = relations.map(|one| oidc::Provider::new(one.clone(), db.clock().clone()));
        let providers = providers.collect::<Result<_, _>>()?;
        let (memory, directories) = (Memory::default(), Directories::default());
        Ok(Arc::new(Self { db, hashing, settings, providers, memory, directories }))
    }

    /// The service as the wire sees it.
    pub fn surface(self: &Arc<Self>) -> Surface<Self> {
        Surface {
            name: "identity",
            service: self.clone(),
            routes: routes::routes(),
            microversions: None,
            envelope: envelope::envelope,
            refusal: envelope::refusal,
            spelling: |path| Cow::Borrowed(path),
            head_is_get: true,
            request_id_header: None,
        }
    }
}
