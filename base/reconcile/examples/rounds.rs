//! Measures whole rounds on durable SQLite: `cargo run --release -p drystone-reconcile --example rounds -- DIRECTORY`.
//!
//! Each thing is wanted in a transaction of its own, claimed, seen, acted on (which does nothing) and recorded as done.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for people who measure")]

use async_trait::async_trait;
use fault::Fault;
use kernel::{Clock, Entropy, Micros};
use reconcile::{Engine, Outcome, Reconciler, summary, want};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Db, Parts, Tx};

struct Things;

#[async_trait]
impl Reconciler for Things {
    type Snapshot = ();
    type Plan = ();
    type Result = ();

    fn kind(&self) -> &'static str {
        "thing"
    }

    fn snapshot(&self, _: &Tx, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    fn plan(&self, (): &(), _: Micros) {}

    async fn act(&self, _: &str, (): &()) {}

    fn record(&self, _: &Tx, _: &str, (): &(), (): &()) -> Result<Outcome, Fault> {
        Ok(Outcome::Done)
    }
}

async fn rounds(db: &Db, batch: &str, clients: u32, each: u32) {
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for client in 0..clients {
        let (db, batch) = (db.clone(), batch.to_owned());
        tasks.push(tokio::spawn(async move {
            for number in 0..each {
                let id = format!("{batch}-{client}-{number}");
                db.write(move |tx| want(tx, "thing", &id)).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let wanted = begun.elapsed();
    while db.read(summary).await.unwrap().iter().any(|row| row.state != "done") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (count, took) = (f64::from(clients * each), begun.elapsed().as_secs_f64());
    println!(
        "{clients:3} clients: {:7.0} wanted/s, {:7.0} done/s",
        count / wanted.as_secs_f64(),
        count / took
    );
}

async fn latency(db: &Db) {
    let begun = Instant::now();
    for number in 0..200 {
        let id = format!("one-{number}");
        db.write(move |tx| want(tx, "thing", &id)).await.unwrap();
        while db.read(summary).await.unwrap().iter().any(|row| row.state != "done") {
            tokio::task::yield_now().await;
        }
    }
    println!("one at a time: {:.2} ms from wish to done", begun.elapsed().as_secs_f64() * 1000.0 / 200.0);
}

fn main() {
    let directory = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let (clock, entropy) = (Clock::system(), Entropy::system().unwrap());
    let path = std::path::Path::new(&directory).join("rounds.db");
    let db = Db::open_sqlite(&path, Parts { clock: clock.clone(), entropy: entropy.clone() }).unwrap();
    reconcile::migrate(&db).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let owner = entropy.hex_id();
        let handle = Engine::new(db.clone(), clock, entropy, owner.clone()).with(Arc::new(Things)).start(64);
        latency(&db).await;
        rounds(&db, &format!("{owner}-a"), 1, 500).await;
        rounds(&db, &format!("{owner}-b"), 64, 100).await;
        handle.stop().await;
    });
}
