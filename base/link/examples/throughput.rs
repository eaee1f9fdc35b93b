//! Prints what the link carries, over a pipe and over a Unix socket: ensure calls, reports and bytes a second.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use kernel::Entropy;
use link::{Agents, Ensured, Host, HostError, LedgerEntry, Rank};
use metal::driver::{Data, Duplex};
use metal::network::SecurityGroupSpec;
use metal::server::ImageSource;
use metal::{HostFacts, Kind, Observed, Report, Spec, Wanted};
use std::sync::Arc;
use std::time::{Duration, Instant};

const CALLS: usize = 20_000;
const AT_ONCE: usize = 64;
const MIB: usize = 512;

/// A host that does nothing, fast.
struct Idle;

#[async_trait]
impl Host for Idle {
    async fn hello(&self) -> Result<HostFacts, HostError> {
        Ok(HostFacts {
            name: "idle".to_owned(),
            id: "idle".to_owned(),
            version: String::new(),
            epoch: 1,
            metal: String::new(),
            vcpus: 0,
            memory_mib: 0,
            disk_gib: 0,
            disk_free_gib: 0,
            acceleration: String::new(),
            hypervisor: String::new(),
            hypervisor_version: 0,
            cpu_info: String::new(),
            address: String::new(),
            physical_networks: Vec::new(),
            traits: Vec::new(),
        })
    }

    async fn ensure(&self, _wanted: Wanted) -> Result<Ensured, HostError> {
        Ok(Ensured::Accepted)
    }

    async fn ledger(&self) -> Result<Vec<LedgerEntry>, HostError> {
        Ok(Vec::new())
    }

    fn reports(&self, _kinds: Vec<Kind>) -> BoxStream<'static, Report> {
        let report = |sequence| Report {
            kind: Kind::Port,
            id: "5c1b0f5e-6a0b-4d0f-9d8e-000000000001".to_owned(),
            timeline: 1,
            incarnation: 1,
            revision: 1,
            epoch: 1,
            sequence,
            observed: Observed::Applied { up: true },
        };
        futures_util::stream::iter((1..=i64::MAX).map(report)).boxed()
    }

    async fn image_has(&self, _image: ImageSource) -> Result<bool, HostError> {
        Ok(true)
    }

    async fn image_forget(&self, _image_id: String) -> Result<(), HostError> {
        Ok(())
    }

    async fn image_put(&self, _image: ImageSource, mut data: Data) -> Result<(), HostError> {
        while let Some(chunk) = data.next().await {
            chunk.map_err(HostError::failed)?;
        }
        Ok(())
    }

    async fn console_log(&self, _server_id: String, _bytes: u64) -> Result<Vec<u8>, HostError> {
        Ok(Vec::new())
    }

    async fn screen(&self, _server_id: String) -> Result<Box<dyn Duplex>, HostError> {
        Err(HostError::failed("there is none"))
    }

    async fn forget(&self, _kind: Kind, _id: String, _rank: Rank) -> Result<(), HostError> {
        Ok(())
    }

    async fn status(&self) -> Result<serde_json::Value, HostError> {
        Ok(serde_json::Value::Null)
    }
}

fn wanted() -> Wanted {
    let spec = SecurityGroupSpec { name: "default".to_owned(), stateful: true, rules: Vec::new() };
    Wanted {
        format: Wanted::FORMAT,
        kind: Kind::SecurityGroup,
        id: "5c1b0f5e-6a0b-4d0f-9d8e-000000000002".to_owned(),
        timeline: 1,
        incarnation: 1,
        revision: 1,
        spec: Some(Spec::SecurityGroup(spec)),
    }
}

async fn measure(name: &str, agents: &Agents) {
    agents.attendance().next().await;
    let wanted = Arc::new(wanted());
    agents.ensure("idle", &wanted).await.unwrap();
    let began = Instant::now();
    for _ in 0..CALLS / 10 {
        agents.ensure("idle", &wanted).await.unwrap();
    }
    let alone = began.elapsed() / u32::try_from(CALLS / 10).unwrap();
    let began = Instant::now();
    let calls = futures_util::stream::iter(0..CALLS).for_each_concurrent(AT_ONCE, |_| {
        let (agents, wanted) = (agents.clone(), wanted.clone());
        async move {
            agents.ensure("idle", &wanted).await.unwrap();
        }
    });
    calls.await;
    let rate = CALLS as f64 / began.elapsed().as_secs_f64();
    println!("{name}: ensure alone {alone:?}; {AT_ONCE} at once {rate:.0} a second");
    let chunk = Bytes::from(vec![7; 256 * 1024]);
    let data = futures_util::stream::iter((0..MIB * 4).map(move |_| Ok(chunk.clone()))).boxed();
    let image = ImageSource { id: "i".to_owned(), format: "raw".to_owned(), bytes: 0, sha512: String::new() };
    let began = Instant::now();
    agents.put_image("idle", &image, data).await.unwrap();
    println!("{name}: image data {:.0} MiB a second", MIB as f64 / began.elapsed().as_secs_f64());
    let mut reports = agents.reports();
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(1) {
        reports.recv().await.unwrap();
        count += 1;
    }
    println!("{name}: {count} reports a second");
}

#[tokio::main]
async fn main() {
    let agents = Agents::default();
    let (dial, piped) = link::pipe();
    tokio::spawn(link::accept_pipe(agents.clone(), piped));
    tokio::spawn(link::attend(dial, Arc::new(Idle), Entropy::seeded(1)));
    measure("pipe", &agents).await;

    let path = std::env::temp_dir().join(format!("drystone-link-{}.sock", std::process::id()));
    let agents = Agents::default();
    let listener = link::listen_socket(&path).unwrap();
    tokio::spawn(link::accept_socket(agents.clone(), listener));
    tokio::spawn(link::attend(link::socket(&path), Arc::new(Idle), Entropy::seeded(1)));
    measure("socket", &agents).await;
    std::fs::remove_file(path).unwrap();
}
