//! Prints how fast an agent on simulated metal creates and deletes servers that are asked for over the link, and what
//! CPU that takes: the ledger's fsyncs, the link, the tasks and the simulation are all in it.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/rig/mod.rs"]
mod rig;

use metal::server::{MachineState, Power};
use metal::{Kind, Observed};
use rig::{Rig, group, network, port, server, spec, tombstone};
use sim::Config;
use std::time::{Duration, Instant};

const SERVERS: usize = 2000;

fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

async fn count(rig: &Rig, kind: Kind, fits: impl Fn(&Observed) -> bool) {
    loop {
        let done = {
            let reports = rig.reports.lock().unwrap();
            reports.values().filter(|report| report.kind == kind && fits(&report.observed)).count()
        };
        if done == SERVERS {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn print(what: &str, began: Instant, cpu_before: Duration) {
    let (wall, cpu) = (began.elapsed(), cpu() - cpu_before);
    let each = cpu / u32::try_from(SERVERS).unwrap();
    println!("{SERVERS} servers with a port each {what} in {wall:?}, {each:?} of CPU each");
}

#[tokio::main]
async fn main() {
    let rig = Rig::new(Config { memory_mib: 1 << 40, ..Config::default() }).await;
    rig.put_image().await;
    rig.ensure(network("n1", 1)).await;
    rig.ensure(group("g1", 1)).await;
    let one = Instant::now();
    rig.ensure(port("p-one", 1)).await;
    rig.ensure(server("one", 1, spec(&["p-one"], Power::On))).await;
    rig.server_is("one", 1, MachineState::Running).await;
    println!("one server alone in {:?}", one.elapsed());
    rig.ensure(tombstone(Kind::Server, "one", 2)).await;
    rig.gone(Kind::Server, "one").await;
    rig.reports.lock().unwrap().clear();

    let (began, before) = (Instant::now(), cpu());
    let creates = (0..SERVERS).map(|id| {
        let rig = &rig;
        async move {
            rig.ensure(port(&format!("p{id}"), 1)).await;
            rig.ensure(server(&format!("s{id}"), 1, spec(&[&format!("p{id}")], Power::On))).await;
        }
    });
    futures_util::StreamExt::collect::<Vec<_>>(futures_util::StreamExt::buffer_unordered(
        futures_util::stream::iter(creates),
        64,
    ))
    .await;
    let runs = |observed: &Observed| matches!(observed, Observed::Server(server) if server.state == MachineState::Running && server.doing.is_none());
    count(&rig, Kind::Server, runs).await;
    print("created", began, before);

    let (began, before) = (Instant::now(), cpu());
    let deletes = (0..SERVERS).map(|id| {
        let rig = &rig;
        async move {
            rig.ensure(tombstone(Kind::Server, &format!("s{id}"), 2)).await;
            rig.ensure(tombstone(Kind::Port, &format!("p{id}"), 2)).await;
        }
    });
    futures_util::StreamExt::collect::<Vec<_>>(futures_util::StreamExt::buffer_unordered(
        futures_util::stream::iter(deletes),
        64,
    ))
    .await;
    count(&rig, Kind::Server, |observed| *observed == Observed::Gone).await;
    count(&rig, Kind::Port, |observed| *observed == Observed::Gone).await;
    print("deleted", began, before);
}
