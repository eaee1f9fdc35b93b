//! The two tests that every reconciler passes: a crash after every step, and every step twice.

use crate::cloud::{Held, bare};
use kernel::Clock;
use metal::Kind;
use network::Network;
use policy::Who;
use reconcile::{Engine, harness};
use std::sync::Arc;
use std::time::Duration;
use store::testing::Fixture;

struct World {
    fixture: Fixture,
    service: Arc<Network>,
    host: Arc<Held>,
}

impl World {
    /// A demo project's network with a server's port; the port's network lost its port again before anything was done.
    fn fresh() -> Self {
        let (fixture, service, host) = bare();
        let made = service.clone();
        let order = move |tx: &store::Tx| {
            use contract::Networks;
            let who =
                Who { project_id: Some("d".repeat(32)), roles: vec!["member".into()], ..Who::default() };
            let network_id = made.networks_for(tx, &who)?[0].id.clone();
            let order = |server: &str| contract::network::PortOrder {
                network_id: network_id.clone(),
                device_id: server.into(),
                device_owner: "compute:nova".into(),
                ..contract::network::PortOrder::default()
            };
            made.port_order(tx, &who, &order("kept"))?;
            let lost = made.port_order(tx, &who, &order("lost"))?;
            made.ports_bind(tx, "kept", Some("host-1"))?;
            made.port_give_back(tx, &lost.id)
        };
        fixture.db.write_now(order).unwrap();
        Self { fixture, service, host }
    }
}

impl harness::World for World {
    fn engine(&self) -> Engine {
        let owner = self.fixture.entropy.hex_id();
        let parts = (self.fixture.db.clone(), self.fixture.clock.clone(), self.fixture.entropy.clone());
        self.service.reconcilers(Engine::new(parts.0, parts.1, parts.2, owner))
    }

    fn clock(&self) -> Clock {
        self.fixture.clock.clone()
    }

    fn state(&self) -> Result<String, fault::Fault> {
        let stored = self.fixture.db.read_now(|tx| {
            let tombstones = tx.query("SELECT kind, id FROM network_tombstones ORDER BY kind, id", &[])?;
            let up = tx.query("SELECT id FROM ports WHERE up = 1 ORDER BY id", &[])?;
            Ok(format!("{tombstones:?} {up:?}"))
        })?;
        let specs: Vec<_> =
            self.host.held().into_iter().map(|(kind, id)| (kind, self.host.spec(kind, &id), id)).collect();
        assert!(specs.iter().any(|(kind, ..)| *kind == Kind::Port));
        Ok(format!("{specs:?} {stored}"))
    }

    fn tick(&self) -> Result<bool, fault::Fault> {
        std::thread::sleep(Duration::from_millis(3));
        Ok(!self.host.is_quiet() || !self.host.is_heard(&self.fixture.db))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crash_may_come_anywhere_and_every_step_may_run_twice() {
    harness::crash_after_every_step(World::fresh, Duration::from_secs(600)).await.unwrap();
    harness::run_every_step_twice(World::fresh, Duration::from_secs(600)).await.unwrap();
}
