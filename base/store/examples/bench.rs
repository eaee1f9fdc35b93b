//! Measures the store: `cargo run --release -p drystone-store --example bench -- DIRECTORY [POSTGRES-URL]`.
//!
//! Creates are two inserts and an indexed name, durable before they are answered; CPU is that of the whole process.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for people who measure")]

use kernel::{Clock, Entropy};
use std::time::{Duration, Instant};
use store::{Db, Migration, Parts, Tx, params};

const TABLES: &[Migration] = &[Migration {
    number: 1,
    name: "bench",
    sql: "CREATE TABLE bench_servers (id TEXT PRIMARY KEY, project TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL,
              host TEXT, ram BIGINT NOT NULL, vcpus BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT, data TEXT);
          CREATE INDEX bench_servers_by_project ON bench_servers (project, created_at, id);
          CREATE TABLE bench_work (kind TEXT NOT NULL, id TEXT NOT NULL, due_at BIGINT NOT NULL, PRIMARY KEY (kind, id));",
}];

fn create(tx: &Tx, id: &str) -> Result<(), fault::Fault> {
    tx.execute(
        "INSERT INTO bench_servers (id, project, name, status, ram, vcpus, created_at, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![id, "p1", format!("server {id}"), "BUILD", 512, 1, tx.now(), "{\"metadata\":{\"a\":\"b\"}}"],
    )?;
    tx.execute("INSERT INTO bench_work (kind, id, due_at) VALUES ('server', ?1, ?2)", params![id, tx.now()])?;
    tx.changed("server", id);
    Ok(())
}

fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn say(what: &str, count: u32, begun: Instant, used: Duration) {
    let took = begun.elapsed();
    let rate = f64::from(count) / took.as_secs_f64();
    println!(
        "{what:34} {rate:9.0}/s {:9.1} us each {:9.1} us of CPU",
        1e6 / rate,
        (cpu() - used).as_secs_f64() * 1e6 / f64::from(count)
    );
}

async fn creates(db: &Db, entropy: &Entropy, clients: u32, each: u32) {
    let (begun, used) = (Instant::now(), cpu());
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let (db, entropy) = (db.clone(), entropy.clone());
        tasks.push(tokio::spawn(async move {
            for _ in 0..each {
                let id = entropy.dashed_id();
                db.write(move |tx| create(tx, &id)).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    say(&format!("create, {clients} at a time"), clients * each, begun, used);
}

async fn reads(db: &Db, what: &str, clients: u32, each: u32, sql: &'static str, id: &str) {
    let (begun, used) = (Instant::now(), cpu());
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let (db, id) = (db.clone(), id.to_owned());
        tasks.push(tokio::spawn(async move {
            for _ in 0..each {
                let id = id.clone();
                db.read(move |tx| tx.query(sql, params![&id])).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    say(&format!("{what}, {clients} at a time"), clients * each, begun, used);
}

const COLUMNS: &str =
    "SELECT id, project, name, status, host, ram, vcpus, created_at, updated_at, data FROM bench_servers";

async fn all(db: Db, entropy: Entropy) {
    db.migrate("bench", TABLES).unwrap();
    db.write(|tx| tx.execute("DELETE FROM bench_servers", &[])).await.unwrap();
    db.write(|tx| tx.execute("DELETE FROM bench_work", &[])).await.unwrap();
    creates(&db, &entropy, 1, 500).await;
    creates(&db, &entropy, 16, 500).await;
    creates(&db, &entropy, 64, 300).await;
    let id = db.read(|tx| tx.query_one("SELECT id FROM bench_servers", &[])?.unwrap().text(0)).await.unwrap();
    let point: &'static str = Box::leak(format!("{COLUMNS} WHERE id = ?1").into_boxed_str());
    let list =
        format!("{COLUMNS} WHERE project = 'p1' AND id <> ?1 ORDER BY created_at DESC, id DESC LIMIT 50");
    let list: &'static str = Box::leak(list.into_boxed_str());
    reads(&db, "point read", 1, 10_000, point, &id).await;
    reads(&db, "point read", 32, 2_000, point, &id).await;
    reads(&db, "list of 50", 1, 2_000, list, &id).await;
    reads(&db, "list of 50", 32, 200, list, &id).await;
    let (begun, used) = (Instant::now(), cpu());
    db.read(move |tx| (0..50_000).try_for_each(|_| tx.query(point, params![&id]).map(drop))).await.unwrap();
    say("point read, 50000 in one closure", 50_000, begun, used);
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().unwrap_or_else(|| ".".to_owned());
    let parts = Parts { clock: Clock::system(), entropy: Entropy::system().unwrap() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("SQLite in {directory}");
    let path = std::path::Path::new(&directory).join("bench.db");
    runtime.block_on(all(Db::open_sqlite(&path, parts.clone()).unwrap(), parts.entropy.clone()));
    if let Some(url) = arguments.next() {
        println!("PostgreSQL");
        runtime.block_on(all(Db::open_postgres(&url, parts.clone()).unwrap(), parts.entropy));
    }
}
