//! Between the store and the hosts: what a host must hold is sent to it, what it reports is taken in.

mod hosts;
mod realise;
mod reports;
pub mod spec;

use crate::Network;
use metal::Kind;
use realise::Realise;
use std::sync::Arc;

/// The kinds that this service has hosts hold.
pub(crate) const KINDS: [Kind; 4] = [Kind::Network, Kind::SecurityGroup, Kind::Port, Kind::Router];

/// What rows wait for that find no host: it is touched when one joins.
pub(crate) const ANY_HOST: (&str, &str) = ("network-host", "any");

impl Network {
    /// Adds this service's reconcilers to the engine.
    pub fn reconcilers(self: &Arc<Self>, engine: reconcile::Engine) -> reconcile::Engine {
        KINDS
            .into_iter()
            .fold(engine, |engine, kind| engine.with(Arc::new(Realise { kind, network: self.clone() })))
    }

    /// Takes in what hosts report and who joins and leaves, for ever. To be spawned once beside the engine.
    pub async fn follow(self: Arc<Self>) {
        tokio::join!(self.follow_reports(), self.follow_hosts());
    }
}
