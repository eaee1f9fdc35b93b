//! The network service: Neutron's API over a switch that its hosts hold.
//!
//! * [`routes`], [`api`], [`ops`], [`store`](mod@store), [`model`]: the layers, with the same nouns in each
//! * [`rules`]: who may do what; [`envelope`]: how a fault is written
//! * [`contract`](mod@contract): what compute asks of this service
//! * [`reconcile`](mod@reconcile): what a host must hold, sent to it; what it reports, taken in
//!
//! A body is checked by its noun's table of attributes, an operation changes rows in one transaction, and whatever the
//! switch must hold differently after it gets a higher revision and a due work row in that same transaction.

pub mod api;
mod bootstrap;
pub mod contract;
pub mod envelope;
mod facts;
pub mod migrations;
pub mod model;
pub mod ops;
pub mod reconcile;
mod record;
pub mod routes;
pub mod rules;
mod settings;
pub mod store;

pub use migrations::MIGRATIONS;
pub use settings::Settings;

// The crates and the modules of the same name: `reconcile::want` and `store::Tx` mean the crates everywhere below.
use ::contract as contracts;
use ::reconcile as _;
use fault::Fault;
use policy::Policy;
use std::sync::Arc;
use web::Surface;

/// What the service takes from its surroundings.
pub struct Parts {
    /// The store, migrated.
    pub db: ::store::Db,
    /// The hosts.
    pub agents: link::Agents,
    /// Which projects there are.
    pub identity: Arc<dyn contracts::Identity>,
    /// Who may do what.
    pub policy: Arc<Policy>,
    /// What an operator may choose.
    pub settings: Settings,
}

/// The network service.
pub struct Network {
    pub(crate) db: ::store::Db,
    pub(crate) agents: link::Agents,
    pub(crate) identity: Arc<dyn contracts::Identity>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) settings: Settings,
}

impl Network {
    /// The service, its tables brought up to date.
    pub fn new(parts: Parts) -> Result<Arc<Self>, Fault> {
        parts.db.migrate("network", MIGRATIONS)?;
        Ok(Arc::new(Self {
            db: parts.db,
            agents: parts.agents,
            identity: parts.identity,
            policy: parts.policy,
            settings: parts.settings,
        }))
    }

    /// The domain in which ports have names, with a final dot; empty without names.
    pub(crate) fn domain(&self) -> &str {
        &self.settings.dns_domain
    }
}

/// The service as the wire sees it.
pub fn surface(service: Arc<Network>) -> Surface<Network> {
    Surface {
        name: "network",
        service,
        routes: routes::routes(),
        microversions: None,
        envelope: envelope::envelope,
        refusal: envelope::refusal,
        spelling: |path| path.strip_suffix(".json").unwrap_or(path).into(),
        head_is_get: false,
        request_id_header: None,
    }
}
