//! A host that keeps its ledger in memory and reports at once that all is as wanted.

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use link::{Agents, Ensured, Host, HostError, LedgerEntry, Rank};
use metal::driver::{Data, Duplex};
use metal::server::ImageSource;
use metal::{HostFacts, Kind, Observed, Report, Spec, Wanted};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::broadcast;

pub struct Held {
    ledger: Mutex<BTreeMap<(Kind, String), Wanted>>,
    last: Mutex<BTreeMap<(Kind, String), Report>>,
    sequence: AtomicI64,
    heard: AtomicI64,
    news: broadcast::Sender<Report>,
}

impl Held {
    pub async fn join(agents: &Agents) -> Arc<Self> {
        let host = Arc::new(Self {
            ledger: Mutex::default(),
            last: Mutex::default(),
            sequence: AtomicI64::new(0),
            heard: AtomicI64::new(0),
            news: broadcast::Sender::new(4096),
        });
        host.clone().dial(agents);
        while agents.hosts().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        host
    }

    /// Connects (again).
    pub fn dial(self: Arc<Self>, agents: &Agents) {
        let (near, far) = tokio::io::duplex(1 << 20);
        let agents = agents.clone();
        tokio::spawn(async move { agents.accept(near).await });
        tokio::spawn(async move { link::serve(far, self).await });
    }

    /// What is held of a kind now.
    pub fn spec(&self, kind: Kind, id: &str) -> Option<Spec> {
        self.ledger.lock().unwrap().get(&(kind, id.to_owned())).and_then(|wanted| wanted.spec.clone())
    }

    /// Everything that is held, without tombstones.
    pub fn held(&self) -> Vec<(Kind, String)> {
        let ledger = self.ledger.lock().unwrap();
        ledger.iter().filter(|(_, wanted)| wanted.spec.is_some()).map(|(key, _)| key.clone()).collect()
    }

    /// Every line of the ledger, tombstones too.
    pub fn lines(&self) -> usize {
        self.ledger.lock().unwrap().len()
    }

    /// Something that the store does not know, as if the store had lost it.
    pub fn smuggle(&self, wanted: Wanted) {
        self.ledger.lock().unwrap().insert((wanted.kind, wanted.id.clone()), wanted);
    }

    /// Everything of a kind is lost, as with a disk.
    pub fn forget_all_of(&self, kind: Kind) {
        self.ledger.lock().unwrap().retain(|(own, _), _| *own != kind);
    }

    /// Nothing came in since the last call.
    pub fn is_quiet(&self) -> bool {
        let now = self.sequence.load(Ordering::SeqCst);
        self.heard.swap(now, Ordering::SeqCst) == now
    }

    /// Whether the service has taken in that it is here, and all that it has reported.
    pub fn is_heard(&self, db: &store::Db) -> bool {
        let last: Vec<Report> = self.last.lock().unwrap().values().cloned().collect();
        let known = |tx: &store::Tx, report: &Report| {
            let sql = "SELECT sequence FROM network_observed WHERE kind = ?1 AND id = ?2";
            let row = tx.query_one(sql, store::params![report.kind.word(), &report.id])?;
            let taken = row.map_or(Ok(-1), |row| row.int(0))?;
            // What is gone is reported of until it is forgotten.
            Ok(report.observed != Observed::Gone && taken >= report.sequence)
        };
        let all = move |tx: &store::Tx| {
            let known: Vec<bool> =
                last.iter().map(|report| known(tx, report)).collect::<Result<_, fault::Fault>>()?;
            Ok(known.into_iter().all(|known| known) && network::store::host::with_switch(tx)?.is_some())
        };
        db.read_now(all).unwrap()
    }

    /// Reports anew of something that it has reported of.
    pub fn tell(&self, kind: Kind, id: &str, observed: Observed) {
        let mut last = self.last.lock().unwrap();
        let report = last.get_mut(&(kind, id.to_owned())).expect("it was reported of");
        report.sequence = self.sequence.fetch_add(1, Ordering::SeqCst) + 1;
        report.observed = observed;
        let _ = self.news.send(report.clone());
    }

    fn report(&self, wanted: &Wanted) {
        let observed = match (&wanted.spec, wanted.kind) {
            (None, _) => Observed::Gone,
            (Some(Spec::Port(port)), _) => {
                Observed::Applied { up: port.bound_host.is_some() && port.admin_up }
            }
            (Some(_), _) => Observed::Applied { up: true },
        };
        let report = Report {
            kind: wanted.kind,
            id: wanted.id.clone(),
            timeline: wanted.timeline,
            incarnation: wanted.incarnation,
            revision: wanted.revision,
            epoch: 1,
            sequence: self.sequence.fetch_add(1, Ordering::SeqCst) + 1,
            observed,
        };
        self.last.lock().unwrap().insert((wanted.kind, wanted.id.clone()), report.clone());
        let _ = self.news.send(report);
    }
}

#[async_trait]
impl Host for Held {
    async fn hello(&self) -> Result<HostFacts, HostError> {
        Ok(HostFacts {
            name: "host-1".into(),
            id: "5b6f6c3e-3b8a-4b9e-9a4e-0d6f8f1f2a30".into(),
            version: "0".into(),
            epoch: 1,
            metal: "sim".into(),
            vcpus: 2,
            memory_mib: 1024,
            disk_gib: 10,
            disk_free_gib: 9,
            acceleration: "sim".into(),
            hypervisor: "sim".into(),
            hypervisor_version: 1,
            cpu_info: "{}".into(),
            address: "127.0.0.1".into(),
            physical_networks: vec!["public".into()],
            traits: Vec::new(),
        })
    }

    async fn ensure(&self, wanted: Wanted) -> Result<Ensured, HostError> {
        let key = (wanted.kind, wanted.id.clone());
        let held = self.ledger.lock().unwrap().get(&key).cloned();
        match held {
            Some(held) if held.rank() > wanted.rank() => return Err(HostError::Stale { held: held.rank() }),
            Some(held) if held.rank() == wanted.rank() && held.digest() == wanted.digest() => {
                return Ok(Ensured::Same);
            }
            Some(held) if held.rank() == wanted.rank() => return Err(HostError::Conflict),
            _ => {}
        }
        self.ledger.lock().unwrap().insert(key, wanted.clone());
        self.report(&wanted);
        Ok(Ensured::Accepted)
    }

    async fn ledger(&self) -> Result<Vec<LedgerEntry>, HostError> {
        let entry = |wanted: &Wanted| LedgerEntry {
            kind: wanted.kind,
            id: wanted.id.clone(),
            timeline: wanted.timeline,
            incarnation: wanted.incarnation,
            revision: wanted.revision,
            hash: wanted.digest(),
            tombstone: wanted.spec.is_none(),
        };
        Ok(self.ledger.lock().unwrap().values().map(entry).collect())
    }

    fn reports(&self, kinds: Vec<Kind>) -> BoxStream<'static, Report> {
        let news = self.news.subscribe();
        let last: Vec<Report> = self.last.lock().unwrap().values().cloned().collect();
        let next = futures_util::stream::unfold(news, |mut news| async move {
            news.recv().await.ok().map(|report| (report, news))
        });
        futures_util::stream::iter(last)
            .chain(next)
            .filter(move |report| std::future::ready(kinds.contains(&report.kind)))
            .boxed()
    }

    async fn image_has(&self, _: ImageSource) -> Result<bool, HostError> {
        Ok(false)
    }

    async fn image_forget(&self, _: String) -> Result<(), HostError> {
        Ok(())
    }

    async fn image_put(&self, _: ImageSource, _: Data) -> Result<(), HostError> {
        Ok(())
    }

    async fn console_log(&self, _: String, _: u64) -> Result<Vec<u8>, HostError> {
        Ok(Vec::new())
    }

    async fn screen(&self, _: String) -> Result<Box<dyn Duplex>, HostError> {
        Err(HostError::failed("no screen"))
    }

    async fn forget(&self, kind: Kind, id: String, rank: Rank) -> Result<(), HostError> {
        let mut ledger = self.ledger.lock().unwrap();
        if ledger.get(&(kind, id.clone())).is_some_and(|held| held.spec.is_none() && held.rank() <= rank) {
            ledger.remove(&(kind, id.clone()));
            self.last.lock().unwrap().remove(&(kind, id));
        }
        Ok(())
    }

    async fn status(&self) -> Result<serde_json::Value, HostError> {
        Ok(serde_json::json!({}))
    }
}
