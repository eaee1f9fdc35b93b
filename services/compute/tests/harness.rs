//! The two tests that every reconciler must pass: a crash anywhere, and every step twice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::host::FakeHost;
use common::neighbours::{Directory, Gallery, Shelf, Wires};
use compute::model::server::{Detail, Phase, Server};
use compute::store::server::{server_by_id, server_insert, server_save};
use compute::{Compute, MIGRATIONS, Parts, Settings};
use fault::Fault;
use kernel::{Clock, Micros};
use link::Host;
use metal::server::{ImageSource, Power};
use reconcile::harness::{World, crash_after_every_step, run_every_step_twice};
use reconcile::{Engine, want};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use store::testing::Fixture;

const ID: &str = "77777777-0000-4000-8000-000000000001";

/// An image that was deleted, and whose copies shall go.
const GONE: &str = "88888888-0000-4000-8000-000000000001";

/// A server that is to be built, and, in the second half, to be deleted, with the copy of its image, which is deleted.
struct Small {
    compute: Arc<Compute>,
    host: Arc<FakeHost>,
    wires: Arc<Wires>,
    shelf: Arc<Shelf>,
    fixture: Fixture,
    deleting: bool,
    told: std::sync::Mutex<Vec<metal::Report>>,
}

impl Small {
    fn fresh(deleting: bool) -> Self {
        let (fixture, host) = (store::testing::sqlite(), FakeHost::new("one", 4, 4096));
        let db = fixture.db.clone();
        reconcile::migrate(&db).unwrap();
        db.migrate("compute", MIGRATIONS).unwrap();
        let (wires, shelf, agents) =
            (Arc::new(Wires::default()), Arc::new(Shelf::default()), link::Agents::default());
        let compute = Compute::new(Parts {
            db: db.clone(),
            agents: agents.clone(),
            identity: Arc::new(Directory),
            images: Arc::new(Gallery),
            networks: wires.clone(),
            placement: shelf.clone(),
            settings: Settings::default(),
        });
        let (dial, piped) = link::pipe();
        tokio::spawn(link::accept_pipe(agents.clone(), piped));
        tokio::spawn(link::attend(dial, host.clone(), fixture.entropy.clone()));
        let facts = tokio::task::block_in_place(|| {
            while agents.hosts().is_empty() {
                std::thread::sleep(Duration::from_millis(1));
            }
            agents.hosts().remove(0)
        });
        let service = compute.clone();
        db.write_now(move |tx| {
            service.host_arrived(tx, &facts)?;
            let image = if deleting { GONE } else { common::IMAGE };
            server_insert(tx, &server(tx.now(), image))?;
            if deleting {
                want(tx, contract::image::COPIES, GONE)?;
            }
            want(tx, "server", ID)
        })
        .unwrap();
        Self { compute, host, wires, shelf, fixture, deleting, told: Default::default() }
    }
}

impl World for Small {
    fn engine(&self) -> Engine {
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let owner = format!("start-{}", STARTS.fetch_add(1, Ordering::SeqCst));
        let engine = Engine::new(
            self.fixture.db.clone(),
            self.fixture.clock.clone(),
            self.fixture.entropy.clone(),
            owner,
        );
        self.compute.reconcilers(engine)
    }

    fn clock(&self) -> Clock {
        self.fixture.clock.clone()
    }

    fn state(&self) -> Result<String, Fault> {
        let server = self.fixture.db.read_now(|tx| server_by_id(tx, ID, true))?;
        let standing = server.map(|server| server.standing());
        let held = (self.host.servers(), self.host.images());
        let (ports, claims) =
            (self.wires.ports.lock().unwrap().len(), self.shelf.claims.lock().unwrap().len());
        Ok(format!("{standing:?} on the host {held:?}, {ports} ports, {claims} claims"))
    }

    fn tick(&self) -> Result<bool, Fault> {
        let reports = self.host.last_reports();
        let mut told = self.told.lock().unwrap();
        if reports != *told {
            told.clone_from(&reports);
            let service = self.compute.clone();
            let host_id = "33333333-0000-4000-8000-000000000001";
            self.fixture.db.write_now(move |tx| {
                reports.iter().try_for_each(|report| service.report_apply(tx, host_id, report))
            })?;
            return Ok(true);
        }
        if !self.deleting {
            return Ok(false);
        }
        self.fixture.db.write_now(|tx| {
            let Some(mut server) =
                server_by_id(tx, ID, false)?.filter(|server| server.phase == Phase::Live && !server.deleting)
            else {
                return Ok(false);
            };
            server.deleting = true;
            server_save(tx, &server)?;
            want(tx, "server", ID)?;
            Ok(true)
        })
    }
}

fn server(now: Micros, image_id: &str) -> Server {
    let image = ImageSource { id: image_id.into(), format: "qcow2".into(), bytes: 4, sha512: String::new() };
    let flavor =
        compute::model::flavor::FlavorFacts { vcpus: 1, memory_mib: 128, root_gib: 1, ..Default::default() };
    let port =
        compute::model::network::AskedPort { network_id: Some(common::NETWORK.into()), ..Default::default() };
    let detail = Detail {
        image: Some(image),
        flavor,
        networks: compute::model::network::Asked::These(vec![port]),
        ..Detail::default()
    };
    Server {
        id: ID.into(),
        number: 1,
        project_id: "p".into(),
        user_id: "u".into(),
        name: "web".into(),
        description: None,
        hostname: "web".into(),
        reservation_id: "r".into(),
        launch_index: 0,
        image_id: image_id.into(),
        key_name: None,
        config_drive: false,
        access_v4: None,
        access_v6: None,
        auto_disk: false,
        pinned_zone: None,
        zone: String::new(),
        host_id: None,
        host: None,
        locked_by: None,
        locked_reason: None,
        progress: 0,
        phase: Phase::Scheduling,
        power: Power::On,
        task: None,
        task_revision: 1,
        reboots: 0,
        reboot_hard: false,
        failed: false,
        deleting: false,
        generation: 1,
        incarnation: 1,
        revision: 0,
        digest: String::new(),
        sent_revision: 0,
        deadline: Some(now.plus(Duration::from_secs(5000))),
        seen_epoch: 0,
        seen_sequence: 0,
        seen_incarnation: 0,
        seen_revision: 0,
        seen: None,
        seen_problem: None,
        fault: None,
        created_at: now,
        updated_at: now,
        launched_at: None,
        terminated_at: None,
        deleted_at: None,
        detail,
    }
}

const HORIZON: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_may_come_anywhere_while_a_server_is_built() {
    let points = crash_after_every_step(|| Small::fresh(false), HORIZON).await.unwrap();
    assert!(points > 10, "{points}");
    run_every_step_twice(|| Small::fresh(false), HORIZON).await.unwrap();
    let state = ended(&Small::fresh(false)).await;
    assert!(state.contains("ACTIVE") && state.ends_with("1 ports, 1 claims"), "{state}");
}

/// How a world ends that nothing disturbs.
async fn ended(world: &Small) -> String {
    let engine = world.engine();
    while engine.run_until_quiet().await.unwrap() > 0 || world.tick().unwrap() {}
    world.state().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_may_come_anywhere_until_a_server_is_gone() {
    crash_after_every_step(|| Small::fresh(true), HORIZON).await.unwrap();
    run_every_step_twice(|| Small::fresh(true), HORIZON).await.unwrap();
    let world = Small::fresh(true);
    assert_eq!(world.host.hello().await.unwrap().name, "one");
    let state = ended(&world).await;
    assert!(
        state.contains("DELETED") && state.ends_with("on the host ([], []), 0 ports, 0 claims"),
        "{state}"
    );
    assert!(world.fixture.db.read_now(reconcile::rows).unwrap().is_empty());
}
