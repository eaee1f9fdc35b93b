//! The link over a pipe and over a Unix socket: every call, cut links, nonsense, a newer connection, reconnecting.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use kernel::Entropy;
use link::{Agents, Change, Dial, Ensured, Host, HostError, LedgerEntry, Limits, LinkError, Rank};
use metal::driver::{Data, Duplex};
use metal::network::SecurityGroupSpec;
use metal::server::ImageSource;
use metal::{HostFacts, Kind, Observed, Report, Spec, Wanted};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

/// A host that keeps its ledger in memory.
struct Memory {
    id: String,
    ledger: Mutex<BTreeMap<String, Wanted>>,
    sequence: AtomicI64,
    reports: watch::Sender<Vec<Report>>,
    image: Mutex<Vec<u8>>,
    /// So many times the ledger is not found in time.
    misplaced: AtomicI64,
}

impl Memory {
    fn new(id: &str) -> Arc<Self> {
        Arc::new(Self {
            id: id.to_owned(),
            ledger: Mutex::default(),
            sequence: AtomicI64::new(0),
            reports: watch::Sender::new(Vec::new()),
            image: Mutex::default(),
            misplaced: AtomicI64::new(0),
        })
    }
}

#[async_trait]
impl Host for Memory {
    async fn hello(&self) -> Result<HostFacts, HostError> {
        Ok(HostFacts {
            name: format!("name-{}", self.id),
            id: self.id.clone(),
            version: "0".to_owned(),
            epoch: 1,
            metal: "sim".to_owned(),
            vcpus: 2,
            memory_mib: 1024,
            disk_gib: 10,
            disk_free_gib: 9,
            acceleration: "sim".to_owned(),
            hypervisor: "sim".to_owned(),
            hypervisor_version: 1,
            cpu_info: "{}".to_owned(),
            address: "127.0.0.1".to_owned(),
            physical_networks: vec![],
            traits: Vec::new(),
        })
    }

    async fn ensure(&self, wanted: Wanted) -> Result<Ensured, HostError> {
        match wanted.id.as_str() {
            "panic" => panic!("as asked"),
            "slow" => tokio::time::sleep(Duration::from_secs(60)).await,
            _ => {}
        }
        let mut ledger = self.ledger.lock().unwrap();
        if let Some(held) = ledger.get(&wanted.id) {
            if held.rank() > wanted.rank() {
                return Err(HostError::Stale { held: held.rank() });
            }
            if held.rank() == wanted.rank() {
                return if held == &wanted { Ok(Ensured::Same) } else { Err(HostError::Conflict) };
            }
        }
        ledger.insert(wanted.id.clone(), wanted.clone());
        let report = Report {
            kind: wanted.kind,
            id: wanted.id,
            timeline: wanted.timeline,
            incarnation: wanted.incarnation,
            revision: wanted.revision,
            epoch: 1,
            sequence: self.sequence.fetch_add(1, Ordering::SeqCst) + 1,
            observed: Observed::Applied { up: true },
        };
        self.reports.send_modify(|reports| reports.push(report));
        Ok(Ensured::Accepted)
    }

    async fn ledger(&self) -> Result<Vec<LedgerEntry>, HostError> {
        if self.misplaced.fetch_sub(1, Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        let ledger = self.ledger.lock().unwrap();
        let entry = |wanted: &Wanted| LedgerEntry {
            kind: wanted.kind,
            id: wanted.id.clone(),
            timeline: wanted.timeline,
            incarnation: wanted.incarnation,
            revision: wanted.revision,
            hash: wanted.digest(),
            tombstone: wanted.spec.is_none(),
        };
        Ok(ledger.values().map(entry).collect())
    }

    fn reports(&self, kinds: Vec<Kind>) -> BoxStream<'static, Report> {
        let receiver = self.reports.subscribe();
        let next = |(mut receiver, told): (watch::Receiver<Vec<Report>>, usize)| async move {
            receiver.wait_for(|reports| reports.len() > told).await.ok()?;
            let report = receiver.borrow()[told].clone();
            Some((report, (receiver, told + 1)))
        };
        let all = futures_util::stream::unfold((receiver, 0), next);
        all.filter(move |report| std::future::ready(kinds.contains(&report.kind))).boxed()
    }

    async fn image_has(&self, image: ImageSource) -> Result<bool, HostError> {
        Ok(self.image.lock().unwrap().len() as u64 == image.bytes)
    }

    async fn image_forget(&self, image_id: String) -> Result<(), HostError> {
        if image_id == "in-use" {
            return Err(HostError::NotYet { why: "a server needs it".to_owned() });
        }
        self.image.lock().unwrap().clear();
        Ok(())
    }

    async fn image_put(&self, _image: ImageSource, mut data: Data) -> Result<(), HostError> {
        let mut all = Vec::new();
        while let Some(chunk) = data.next().await {
            all.extend_from_slice(&chunk.map_err(HostError::failed)?);
        }
        *self.image.lock().unwrap() = all;
        Ok(())
    }

    async fn console_log(&self, server_id: String, bytes: u64) -> Result<Vec<u8>, HostError> {
        if server_id == "unknown" {
            return Err(HostError::Missing { what: "server unknown".to_owned() });
        }
        Ok(vec![b'x'; usize::try_from(bytes).unwrap()])
    }

    async fn screen(&self, _server_id: String) -> Result<Box<dyn Duplex>, HostError> {
        let (near, far) = tokio::io::duplex(1024);
        tokio::spawn(async move {
            let (mut from, mut to) = tokio::io::split(far);
            to.write_all(b"RFB 003.008\n").await.unwrap();
            let _ = tokio::io::copy(&mut from, &mut to).await;
            let _ = to.write_all(b"bye").await;
        });
        Ok(Box::new(near))
    }

    async fn forget(&self, _kind: Kind, id: String, _rank: Rank) -> Result<(), HostError> {
        self.ledger.lock().unwrap().remove(&id);
        Ok(())
    }

    async fn status(&self) -> Result<serde_json::Value, HostError> {
        Ok(serde_json::json!({"fine": true}))
    }
}

fn wanted(id: &str, revision: i64, name: &str) -> Wanted {
    let spec =
        Spec::SecurityGroup(SecurityGroupSpec { name: name.to_owned(), stateful: true, rules: vec![] });
    Wanted {
        format: Wanted::FORMAT,
        kind: Kind::SecurityGroup,
        id: id.to_owned(),
        timeline: 1,
        incarnation: 1,
        revision,
        spec: Some(spec),
    }
}

fn image(bytes: u64) -> ImageSource {
    ImageSource { id: "i".to_owned(), format: "raw".to_owned(), bytes, sha512: String::new() }
}

fn limits() -> Limits {
    Limits { call: Duration::from_secs(30), ..Limits::default() }
}

fn piped(host: Arc<Memory>) -> (Agents, tokio::task::JoinHandle<()>) {
    let agents = Agents::new(limits());
    let (dial, receiver) = link::pipe();
    tokio::spawn(link::accept_pipe(agents.clone(), receiver));
    let attending = tokio::spawn(link::attend(dial, host, Entropy::seeded(1)));
    (agents, attending)
}

async fn joined(agents: &Agents) -> HostFacts {
    let mut attendance = agents.attendance();
    match tokio::time::timeout(Duration::from_secs(60), attendance.next()).await.unwrap() {
        Change::Joined(facts) => *facts,
        Change::Left(id) => panic!("{id} left"),
    }
}

async fn every_call(agents: &Agents) {
    let host = joined(agents).await.id;
    assert_eq!(agents.hosts().len(), 1);
    assert_eq!(agents.host(&host).unwrap().name, "name-one");
    assert_eq!(agents.ensure(&host, &wanted("a", 2, "x")).await, Ok(Ensured::Accepted));
    assert_eq!(agents.ensure(&host, &wanted("a", 2, "x")).await, Ok(Ensured::Same));
    assert!(matches!(agents.ensure(&host, &wanted("a", 2, "y")).await, Err(LinkError::Refused(_))));
    assert_eq!(agents.ensure(&host, &wanted("a", 1, "x")).await, Err(LinkError::Stale { held: (1, 1, 2) }));
    let ledger = agents.ledger(&host).await.unwrap();
    assert_eq!((ledger.len(), ledger[0].rank()), (1, (1, 1, 2)));
    assert_eq!(ledger[0].hash, wanted("a", 9, "x").digest());

    let mut reports = agents.reports();
    let mut ports = agents.reports_of(&[Kind::Port]);
    assert_eq!(agents.ensure(&host, &wanted("b", 1, "x")).await, Ok(Ensured::Accepted));
    for id in ["a", "b"] {
        let (from, report) = reports.recv().await.unwrap();
        assert_eq!((from.as_str(), report.id.as_str()), ("one", id));
    }
    assert!(ports.try_recv().is_err());

    let size = 5 * 1024 * 1024 + 3;
    let chunks: Vec<_> =
        vec![7u8; size].chunks(100_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let source = image(size as u64);
    assert_eq!(agents.has_image(&host, &source).await, Ok(false));
    agents.put_image(&host, &source, futures_util::stream::iter(chunks).boxed()).await.unwrap();
    assert_eq!(agents.has_image(&host, &source).await, Ok(true));
    let broken =
        futures_util::stream::iter([Ok(Bytes::from("a")), Err(std::io::Error::other("disk"))]).boxed();
    assert!(agents.put_image(&host, &source, broken).await.is_err());

    assert_eq!(agents.console_log(&host, "s", 10).await.unwrap(), b"xxxxxxxxxx");
    assert!(matches!(agents.console_log(&host, "unknown", 10).await, Err(LinkError::Missing(_))));
    assert_eq!(agents.status(&host).await.unwrap()["fine"], true);
    agents.forget(&host, Kind::SecurityGroup, "a", (1, 1, 2)).await.unwrap();
    assert_eq!(agents.ledger(&host).await.unwrap().len(), 1);
    screen_carries(agents, &host).await;
    assert_eq!(agents.ensure("other", &wanted("a", 2, "x")).await, Err(LinkError::Away("other".to_owned())));
}

async fn screen_carries(agents: &Agents, host: &str) {
    let mut screen = agents.screen(host, "s").await.unwrap();
    let mut greeting = [0; 12];
    screen.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"RFB 003.008\n");
    let sent: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
    let (mut from, mut to) = tokio::io::split(screen);
    let copy = sent.clone();
    let writing = tokio::spawn(async move {
        to.write_all(&copy).await.unwrap();
        to.shutdown().await.unwrap();
    });
    let mut back = Vec::new();
    from.read_to_end(&mut back).await.unwrap();
    writing.await.unwrap();
    assert_eq!(back.len(), sent.len() + 3);
    assert_eq!(&back[..sent.len()], &sent[..]);
}

#[tokio::test]
async fn every_call_over_a_pipe() {
    let (agents, _attending) = piped(Memory::new("one"));
    every_call(&agents).await;
}

#[tokio::test]
async fn every_call_over_a_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("link.sock");
    for _ in 0..2 {
        // The second round replaces the socket of the first.
        let listener = link::listen_socket(&path).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let agents = Agents::new(limits());
        let accepting = tokio::spawn(link::accept_socket(agents.clone(), listener));
        let attending =
            tokio::spawn(link::attend(link::socket(&path), Memory::new("one"), Entropy::seeded(1)));
        every_call(&agents).await;
        attending.abort();
        accepting.abort();
    }
}

/// A dial whose connections go through a copy that can be cut.
fn cuttable() -> (Dial, tokio::sync::mpsc::Receiver<tokio::io::DuplexStream>, watch::Sender<u32>) {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let cut = watch::Sender::new(0);
    let cuts = cut.clone();
    let dial: Dial = Arc::new(move || {
        let (sender, mut cut) = (sender.clone(), cuts.subscribe());
        Box::pin(async move {
            let (near, mut middle) = tokio::io::duplex(4096);
            let (mut other, far) = tokio::io::duplex(4096);
            tokio::spawn(async move {
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut middle, &mut other) => {}
                    _ = cut.changed() => {}
                }
            });
            sender.send(far).await.map_err(std::io::Error::other)?;
            Ok(Box::new(near) as Box<dyn Duplex>)
        })
    });
    (dial, receiver, cut)
}

#[tokio::test]
async fn a_cut_link_fails_its_calls_and_comes_back() {
    let host = Memory::new("one");
    let agents = Agents::new(limits());
    let (dial, receiver, cut) = cuttable();
    tokio::spawn(link::accept_pipe(agents.clone(), receiver));
    tokio::spawn(link::attend(dial, host.clone(), Entropy::seeded(1)));
    let mut attendance = agents.attendance();
    let mut reports = agents.reports();
    for round in 1..=5 {
        assert!(matches!(attendance.next().await, Change::Joined(_)), "round {round}");
        agents.ensure("one", &wanted("a", round, "x")).await.unwrap();
        loop {
            // Each connection begins with what was reported before.
            let (_, report) =
                tokio::time::timeout(Duration::from_secs(60), reports.recv()).await.unwrap().unwrap();
            if report.revision == round {
                break;
            }
        }
        let (slow, screen) = (wanted("slow", 1, "x"), agents.screen("one", "s").await.unwrap());
        let cutting = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            cut.send_modify(|cuts| *cuts += 1);
        };
        let ((), call) = tokio::join!(cutting, agents.ensure("one", &slow));
        assert_eq!(call, Err(LinkError::Away("one".to_owned())));
        let mut rest = Vec::new();
        tokio::io::BufReader::new(screen).read_to_end(&mut rest).await.unwrap();
        let change = attendance.next().await;
        if !matches!(change, Change::Left(_)) {
            panic!("round {round}: {change:?}");
        }
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_away() {
    let agents = Agents::new(Limits { call: Duration::from_secs(2), ..Limits::default() });
    let (dial, receiver) = link::pipe();
    tokio::spawn(link::accept_pipe(agents.clone(), receiver));
    tokio::spawn(link::attend(dial, Memory::new("one"), Entropy::seeded(1)));
    joined(&agents).await;
    assert_eq!(agents.ensure("one", &wanted("slow", 1, "x")).await, Err(LinkError::Away("one".to_owned())));
    agents.ensure("one", &wanted("a", 1, "x")).await.unwrap();
}

#[tokio::test]
async fn a_host_whose_ledger_does_not_come_joins_anew() {
    let agents = Agents::new(Limits { call: Duration::from_secs(2), ..Limits::default() });
    let (dial, receiver) = link::pipe();
    tokio::spawn(link::accept_pipe(agents.clone(), receiver));
    let host = Memory::new("one");
    host.misplaced.store(1, Ordering::SeqCst);
    tokio::spawn(link::attend(dial, host, Entropy::seeded(1)));
    let mut attendance = agents.attendance();
    assert!(matches!(attendance.next().await, Change::Joined(_)));
    assert_eq!(agents.ledger("one").await, Err(LinkError::Away("one".to_owned())));
    assert_eq!(attendance.next().await, Change::Left("one".to_owned()));
    assert!(matches!(attendance.next().await, Change::Joined(_)));
    assert_eq!(agents.ledger("one").await, Ok(vec![]));
}

#[tokio::test]
async fn a_panic_and_nonsense_end_what_they_hit_and_nothing_else() {
    let (agents, _attending) = piped(Memory::new("one"));
    joined(&agents).await;
    assert!(agents.ensure("one", &wanted("panic", 1, "x")).await.is_err());
    let (mut near, far) = tokio::io::duplex(1024);
    near.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n and so on, which is not HTTP/2 at all").await.unwrap();
    assert!(agents.accept(far).await.is_err());
    let back = async {
        while agents.ensure("one", &wanted("a", 1, "x")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), back).await.expect("the host comes back");
}

#[tokio::test]
async fn a_newer_connection_replaces_the_older() {
    let agents = Agents::new(limits());
    let (old, new) = (Memory::new("one"), Memory::new("one"));
    let mut attendance = agents.attendance();
    for host in [&old, &new] {
        let (near, far) = tokio::io::duplex(4096);
        tokio::spawn(link::serve(near, host.clone()));
        agents.accept(far).await.unwrap();
        assert!(matches!(attendance.next().await, Change::Joined(_)));
    }
    agents.ensure("one", &wanted("a", 1, "x")).await.unwrap();
    assert!(old.ledger.lock().unwrap().is_empty());
    assert_eq!(new.ledger.lock().unwrap().len(), 1);
    assert_eq!(agents.hosts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn pings_without_answer_end_the_session() {
    let agents = Agents::new(limits());
    let (near, far) = tokio::io::duplex(4096);
    // A serving end that stops reading and writing after the greeting, without closing.
    let (mut middle, other) = tokio::io::duplex(4096);
    tokio::spawn(link::serve(other, Memory::new("one")));
    let mut near = near;
    let frozen = tokio::spawn(async move {
        let carrying = tokio::io::copy_bidirectional(&mut near, &mut middle);
        let _ = tokio::time::timeout(Duration::from_millis(500), carrying).await;
        std::future::pending::<()>().await;
    });
    agents.accept(far).await.unwrap();
    let mut attendance = agents.attendance();
    assert!(matches!(attendance.next().await, Change::Joined(_)));
    let left = tokio::time::timeout(Duration::from_secs(60), attendance.next()).await.unwrap();
    assert_eq!(left, Change::Left("one".to_owned()));
    frozen.abort();
}
