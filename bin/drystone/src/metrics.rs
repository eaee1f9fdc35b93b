//! Metrics in Prometheus' text form, on an address of their own.

use http::{Response, header};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use identity::hashing::Hashing;
use link::Agents;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use store::Db;
use tokio::net::TcpListener;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Work {
    kind: String,
    state: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Queue {
    queue: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Host {
    host: String,
}

/// Where a controller's figures are read at each scrape.
#[derive(Clone)]
pub struct Sources {
    /// The store, with its queues and the work rows.
    pub db: Db,
    /// The hosts, and the calls to them.
    pub agents: Agents,
    /// The passwords that wait.
    pub hashing: Hashing,
}

/// What is read at each scrape.
#[derive(Clone)]
pub struct Gauges {
    rows: Family<Work, Gauge>,
    age: Family<Work, Gauge>,
    queues: Family<Queue, Gauge>,
    calls: Family<Host, Gauge>,
    hosts: Gauge,
    sources: Sources,
}

impl Gauges {
    /// Registers the gauges.
    pub fn register(registry: &mut Registry, sources: Sources) -> Self {
        let (rows, age) = (Family::default(), Family::default());
        let (queues, calls, hosts) = (Family::default(), Family::default(), Gauge::default());
        registry.register("drystone_work_rows", "Work rows by kind and state", rows.clone());
        registry.register("drystone_work_oldest_seconds", "Age of the oldest of them", age.clone());
        registry.register(
            "drystone_queue_length",
            "What waits: due work, passwords to be hashed, closures of the store",
            queues.clone(),
        );
        registry.register("drystone_link_calls", "Calls to a host that wait or are under way", calls.clone());
        registry.register("drystone_hosts", "Hosts whose agents are connected", hosts.clone());
        Self { rows, age, queues, calls, hosts, sources }
    }

    async fn refresh(&self) {
        let Sources { db, agents, hashing } = &self.sources;
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let queue = |queue, count| self.queues.get_or_create(&Queue { queue }).set(number(count));
        let (writes, reads) = db.waiting();
        queue("store_writes", writes);
        queue("store_reads", reads);
        queue("password_hashing", hashing.waiting());
        let calls = agents.calls();
        self.hosts.set(number(calls.len()));
        self.calls.clear();
        for (host, count) in calls {
            self.calls.get_or_create(&Host { host }).set(number(count));
        }
        let Ok((now, all)) = db.read(|tx| Ok((tx.now(), reconcile::rows(tx)?))).await else { return };
        let due = all.iter().filter(|row| row.state != "running" && row.due_at.is_some_and(|due| due <= now));
        queue("work", due.count());
        self.rows.clear();
        self.age.clear();
        for row in all {
            let label = Work { kind: row.kind, state: row.state };
            self.rows.get_or_create(&label).inc();
            let age = self.age.get_or_create(&label);
            age.set(age.get().max(i64::try_from(row.age.as_secs()).unwrap_or(i64::MAX)));
        }
    }
}

/// Serves the metrics for ever; an agent alone has no gauges.
pub async fn serve(listener: TcpListener, registry: Registry, gauges: Option<Gauges>) {
    let served = Arc::new((registry, gauges));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let served = served.clone();
        tokio::spawn(async move {
            let service = service_fn(move |_| {
                let served = served.clone();
                async move { Ok::<_, Infallible>(page(&served.0, served.1.as_ref()).await) }
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn page(registry: &Registry, gauges: Option<&Gauges>) -> Response<Full<bytes::Bytes>> {
    if let Some(gauges) = gauges {
        gauges.refresh().await;
    }
    let mut text = String::new();
    let _ = encode(&mut text, registry);
    let mut response = Response::new(Full::new(bytes::Bytes::from(text)));
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(form));
    response
}
