//! Machines on simulated metal: each has a size, is prepared, waits for its port, then runs.

use async_trait::async_trait;
use fault::Fault;
use kernel::{Clock, Entropy, Micros};
use reconcile::harness::World;
use reconcile::{Engine, Outcome, Reconciler, WorkRow, row, rows, touched, want};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::testing::Fixture;
use store::{Db, Migration, Tx, params};
use tokio::sync::Notify;

const TABLES: &[Migration] = &[Migration {
    number: 1,
    name: "machines",
    sql: "CREATE TABLE machines (id TEXT PRIMARY KEY, size BIGINT NOT NULL, prepared BIGINT NOT NULL, status TEXT NOT NULL,
              removed BIGINT NOT NULL);
          CREATE TABLE ports (id TEXT PRIMARY KEY, ready BIGINT NOT NULL);",
}];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    None,
    Fails,
    PanicsInSnapshot,
    PanicsInPlan,
    PanicsInAct,
    PanicsInRecord,
    /// The act adds to the metal instead of ensuring.
    Counts,
    /// What runs goes on watching its port.
    Watches,
    /// The act takes longer than its lease now and then, and is deaf meanwhile.
    Stalls,
}

pub fn machine_want(tx: &Tx, id: &str, size: i64) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO machines (id, size, prepared, status, removed) VALUES (?1, ?2, 0, 'BUILD', 0)
         ON CONFLICT (id) DO UPDATE SET size = excluded.size",
        params![id, size],
    )?;
    tx.execute("INSERT INTO ports (id, ready) VALUES (?1, 0) ON CONFLICT (id) DO NOTHING", params![id])?;
    want(tx, "machine", id)
}

pub fn machine_remove(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("UPDATE machines SET removed = 1 WHERE id = ?1", params![id])?;
    want(tx, "machine", id)
}

pub fn port_ready(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("UPDATE ports SET ready = 1 WHERE id = ?1", params![id])?;
    touched(tx, "port", id)
}

/// What outlives engines: the metal, and what the tests know of it.
#[derive(Debug)]
pub struct Metal {
    machines: Mutex<BTreeMap<String, i64>>,
    mishap: Mutex<Mishap>,
    hold: Mutex<Option<(Arc<Notify>, Arc<Notify>)>>,
    records: AtomicUsize,
    acts: AtomicUsize,
}

pub struct Machines(Arc<Metal>);

pub struct Seen {
    size: i64,
    prepared: bool,
    removed: bool,
    ready: bool,
}

#[derive(Debug, PartialEq)]
pub enum Plan {
    Nothing,
    Prepare,
    Run(i64),
    WaitForPort,
    Remove,
}

#[async_trait]
impl Reconciler for Machines {
    type Snapshot = Option<Seen>;
    type Plan = Plan;
    type Result = Result<Plan, Fault>;

    fn kind(&self) -> &'static str {
        "machine"
    }

    fn snapshot(&self, tx: &Tx, id: &str) -> Result<Option<Seen>, Fault> {
        self.0.panics(Mishap::PanicsInSnapshot);
        let sql = "SELECT m.size, m.prepared, m.removed, p.ready FROM machines m JOIN ports p ON p.id = m.id WHERE m.id = ?1";
        let row = tx.query_one(sql, params![id])?;
        let seen = |row: store::Row| {
            Ok(Seen { size: row.int(0)?, prepared: row.flag(1)?, removed: row.flag(2)?, ready: row.flag(3)? })
        };
        row.map(seen).transpose()
    }

    fn plan(&self, snapshot: &Option<Seen>, _: Micros) -> Plan {
        self.0.panics(Mishap::PanicsInPlan);
        match snapshot {
            None => Plan::Nothing,
            Some(seen) if seen.removed => Plan::Remove,
            Some(seen) if !seen.prepared => Plan::Prepare,
            Some(seen) if !seen.ready => Plan::WaitForPort,
            Some(seen) => Plan::Run(seen.size),
        }
    }

    async fn act(&self, id: &str, plan: &Plan) -> Result<Plan, Fault> {
        self.0.panics(Mishap::PanicsInAct);
        let held = self.0.hold.lock().unwrap().take();
        if let Some((started, go)) = held {
            started.notify_one();
            go.notified().await;
        }
        let mishap = *self.0.mishap.lock().unwrap();
        if mishap == Mishap::Fails {
            return Err(Fault::unavailable("no such luck"));
        }
        if mishap == Mishap::Stalls && self.0.acts.fetch_add(1, Ordering::SeqCst) % 20 == 7 {
            tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(400)));
        }
        tokio::task::yield_now().await;
        match plan {
            Plan::Nothing | Plan::Prepare | Plan::WaitForPort => {}
            Plan::Run(size) => {
                let mut machines = self.0.machines.lock().unwrap();
                let machine = machines.entry(id.to_owned()).or_insert(0);
                *machine = if mishap == Mishap::Counts { *machine + size } else { *size };
            }
            Plan::Remove => drop(self.0.machines.lock().unwrap().remove(id)),
        }
        tokio::task::yield_now().await;
        self.0.panics(Mishap::PanicsInAct);
        Ok(match plan {
            Plan::Run(size) => Plan::Run(*size),
            Plan::Nothing => Plan::Nothing,
            Plan::Prepare => Plan::Prepare,
            Plan::WaitForPort => Plan::WaitForPort,
            Plan::Remove => Plan::Remove,
        })
    }

    fn record(
        &self,
        tx: &Tx,
        id: &str,
        _: &Option<Seen>,
        result: &Result<Plan, Fault>,
    ) -> Result<Outcome, Fault> {
        self.0.panics(Mishap::PanicsInRecord);
        self.0.records.fetch_add(1, Ordering::SeqCst);
        let done = match result {
            Ok(done) => done,
            Err(fault) => {
                return Ok(Outcome::Failed { reason: fault.public().to_owned(), retry_at: tx.now() });
            }
        };
        let set = |sql: &str| tx.execute(sql, params![id]);
        Ok(match done {
            Plan::Nothing => Outcome::Gone,
            Plan::Prepare => {
                set("UPDATE machines SET prepared = 1 WHERE id = ?1")?;
                Outcome::Progress
            }
            Plan::WaitForPort => {
                set("UPDATE machines SET status = 'WAITING' WHERE id = ?1")?;
                Outcome::Wait {
                    reason: "its ports are not ready".to_owned(),
                    until: tx.now().plus(Duration::from_secs(300)),
                    on: vec![("port".to_owned(), id.to_owned())],
                }
            }
            Plan::Run(_) => {
                set("UPDATE machines SET status = 'ACTIVE' WHERE id = ?1")?;
                if *self.0.mishap.lock().unwrap() == Mishap::Watches {
                    let until = tx.now().plus(Duration::from_secs(300));
                    return Ok(Outcome::Rest { until, on: vec![("port".to_owned(), id.to_owned())] });
                }
                Outcome::Done
            }
            Plan::Remove => {
                set("DELETE FROM machines WHERE id = ?1")?;
                set("DELETE FROM ports WHERE id = ?1")?;
                Outcome::Gone
            }
        })
    }

    fn poisoned(&self, tx: &Tx, id: &str, _: u32, _: &str) -> Result<(), Fault> {
        tx.execute("UPDATE machines SET status = 'ERROR' WHERE id = ?1", params![id]).map(drop)
    }

    fn patience(&self) -> u32 {
        4
    }
}

impl Metal {
    fn panics(&self, here: Mishap) {
        let mishap = *self.mishap.lock().unwrap();
        assert!(mishap != here, "the panic of the test");
    }
}

/// A store, the metal, and how tests look at them.
pub struct Sample {
    fixture: Fixture,
    clock: Clock,
    metal: Arc<Metal>,
    owners: AtomicUsize,
    ticked: Mutex<bool>,
}

impl Sample {
    pub fn new(fixture: Fixture) -> Self {
        reconcile::migrate(&fixture.db).unwrap();
        fixture.db.migrate("machines", TABLES).unwrap();
        let metal = Metal {
            machines: Mutex::default(),
            mishap: Mutex::new(Mishap::None),
            hold: Mutex::default(),
            records: AtomicUsize::new(0),
            acts: AtomicUsize::new(0),
        };
        let clock = fixture.clock.clone();
        Self { fixture, clock, metal: Arc::new(metal), owners: AtomicUsize::new(0), ticked: Mutex::new(true) }
    }

    /// Three machines: one to run at once, one that waits for its port, one to be removed.
    pub fn with_work(fixture: Fixture) -> Self {
        let sample = Self::new(fixture);
        sample.write(|tx| {
            machine_want(tx, "a", 1)?;
            port_ready(tx, "a")?;
            machine_want(tx, "b", 2)?;
            machine_want(tx, "c", 3)?;
            machine_remove(tx, "c")
        });
        sample.metal.machines.lock().unwrap().insert("c".to_owned(), 3);
        *sample.ticked.lock().unwrap() = false;
        sample
    }

    /// The same tables by the clock of the machine, for engines that run on their own.
    pub fn on_real_time(mut self) -> Self {
        let fixture = &self.fixture;
        // A held clock at the present, moved along by a thread: the store and the engines share it.
        let clock = fixture.clock.clone();
        let mover = clock.clone();
        std::thread::spawn(move || {
            // Ends when the test has dropped all else that holds the clock; the process ends anyway.
            for _ in 0..300_000 {
                std::thread::sleep(Duration::from_millis(2));
                mover.advance(Duration::from_millis(2));
            }
        });
        self.clock = clock;
        self
    }

    pub fn name(&self) -> &'static str {
        self.fixture.name
    }

    pub fn db(&self) -> Db {
        self.fixture.db.clone()
    }

    pub fn entropy(&self) -> Entropy {
        self.fixture.entropy.clone()
    }

    pub fn engine_on(&self, db: Db) -> Engine {
        let owner = format!("owner-{}", self.owners.fetch_add(1, Ordering::SeqCst));
        Engine::new(db, self.clock.clone(), self.entropy(), owner)
            .with(Arc::new(Machines(self.metal.clone())))
    }

    pub fn another_engine(&self) -> Engine {
        self.engine_on(self.fixture.another())
    }

    pub fn mishap(&self, mishap: Mishap) {
        *self.metal.mishap.lock().unwrap() = mishap;
    }

    /// The next act says that it started and then waits.
    pub fn hold_next_act(&self) -> (Arc<Notify>, Arc<Notify>) {
        let pair = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        *self.metal.hold.lock().unwrap() = Some(pair.clone());
        pair
    }

    pub fn write(&self, f: impl FnMut(&Tx) -> Result<(), Fault> + Send + 'static) {
        self.fixture.db.write_now(f).unwrap();
    }

    pub fn metal(&self) -> BTreeMap<String, i64> {
        self.metal.machines.lock().unwrap().clone()
    }

    pub fn recorded(&self) -> usize {
        self.metal.records.load(Ordering::SeqCst)
    }

    pub fn rows(&self) -> Vec<WorkRow> {
        self.fixture.db.read_now(rows).unwrap()
    }

    pub fn row(&self, id: &'static str) -> WorkRow {
        self.fixture.db.read_now(move |tx| row(tx, "machine", id)).unwrap().expect("a row")
    }

    pub fn status(&self, id: &'static str) -> String {
        let sql = "SELECT status FROM machines WHERE id = ?1";
        let row = self.fixture.db.read_now(move |tx| tx.query_one(sql, params![id])).unwrap();
        row.map_or("absent".to_owned(), |row| row.text(0).unwrap())
    }

    pub fn count(&self, status: &'static str) -> i64 {
        let sql = "SELECT count(*) FROM machines WHERE status = ?1";
        self.fixture.db.read_now(move |tx| tx.query_one(sql, params![status])?.unwrap().int(0)).unwrap()
    }

    /// Another controller would hear of a commit.
    pub fn is_listened_to(&self) -> bool {
        let sql = "SELECT pid FROM pg_stat_activity \
                   WHERE datname = current_database() AND query = 'LISTEN drystone' AND state = 'idle'";
        let on_sqlite = self.name() == "sqlite";
        on_sqlite || !self.fixture.db.read_now(move |tx| tx.query(sql, &[])).unwrap().is_empty()
    }

    pub async fn until(&self, test: impl Fn(&Self) -> bool) {
        for _ in 0..2400 {
            if test(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not come to pass on {}: {:#?} {:?}", self.name(), self.rows(), self.metal());
    }
}

impl World for Sample {
    fn engine(&self) -> Engine {
        self.engine_on(self.db())
    }

    fn clock(&self) -> Clock {
        self.clock.clone()
    }

    fn state(&self) -> Result<String, Fault> {
        let machines = self.fixture.db.read_now(|tx| {
            tx.query("SELECT id, size, prepared, status, removed FROM machines ORDER BY id", &[])
        })?;
        let states: Vec<_> = self.rows().into_iter().map(|row| (row.kind, row.id, row.state)).collect();
        Ok(format!("{machines:?}\n{:?}\n{states:?}", self.metal()))
    }

    /// The port of `b` becomes ready when nothing else moves.
    fn tick(&self) -> Result<bool, Fault> {
        if std::mem::replace(&mut *self.ticked.lock().unwrap(), true) {
            return Ok(false);
        }
        self.fixture.db.write_now(|tx| port_ready(tx, "b"))?;
        Ok(true)
    }
}
