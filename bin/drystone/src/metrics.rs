//! Metrics in Prometheus' text form, on an address of their own.

use futures_util::future::BoxFuture;
use http::{Response, header};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
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

/// What is read at each scrape.
#[derive(Clone)]
pub struct Gauges {
    rows: Family<Work, Gauge>,
    age: Family<Work, Gauge>,
    hosts: Gauge,
}

impl Gauges {
    /// Registers the gauges.
    pub fn register(registry: &mut Registry) -> Self {
        let gauges = Self { rows: Family::default(), age: Family::default(), hosts: Gauge::default() };
        registry.register("drystone_work_rows", "Work rows by kind and state", gauges.rows.clone());
        registry.register("drystone_work_oldest_seconds", "Age of the oldest of them", gauges.age.clone());
        registry.register("drystone_hosts", "Hosts whose agents are connected", gauges.hosts.clone());
        gauges
    }

    async fn refresh(&self, db: &Db, agents: &Agents) {
        self.hosts.set(i64::try_from(agents.hosts().len()).unwrap_or(i64::MAX));
        let Ok(all) = db.read(reconcile::rows).await else { return };
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

/// Serves the metrics for ever.
pub async fn serve(listener: TcpListener, registry: Arc<Registry>, gauges: Gauges, db: Db, agents: Agents) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (registry, gauges, db, agents) = (registry.clone(), gauges.clone(), db.clone(), agents.clone());
        tokio::spawn(async move {
            let service = service_fn(move |_| -> BoxFuture<'static, Result<_, Infallible>> {
                let (registry, gauges, db, agents) =
                    (registry.clone(), gauges.clone(), db.clone(), agents.clone());
                Box::pin(async move {
                    gauges.refresh(&db, &agents).await;
                    let mut text = String::new();
                    let _ = encode(&mut text, &registry);
                    let mut response = Response::new(Full::new(bytes::Bytes::from(text)));
                    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                    response
                        .headers_mut()
                        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(form));
                    Ok(response)
                })
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
