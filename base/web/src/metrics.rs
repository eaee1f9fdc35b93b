//! What is measured about requests, and what services measure of themselves, in Prometheus' words.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
pub use prometheus_client::registry::Registry;
use std::time::{Duration, Instant};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    service: &'static str,
    operation: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Operation {
    service: &'static str,
    operation: &'static str,
}

fn latencies() -> Histogram {
    const BOUNDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];
    Histogram::new(BOUNDS)
}

/// Counters and latencies of requests, by operation.
#[derive(Clone, Debug)]
pub struct Requests {
    count: Family<Outcome, Counter>,
    seconds: Family<Operation, Histogram, fn() -> Histogram>,
}

impl Requests {
    /// Registers the metrics.
    pub fn register(registry: &mut Registry) -> Self {
        let count = Family::default();
        let seconds = Family::new_with_constructor(latencies as fn() -> Histogram);
        registry.register("drystone_requests", "Requests by operation and status", count.clone());
        registry.register("drystone_request_seconds", "Time from request to answer", seconds.clone());
        Self { count, seconds }
    }

    pub(crate) fn count(&self, service: &'static str, operation: &'static str, status: u16, took: Duration) {
        self.count.get_or_create(&Outcome { service, operation, status }).inc();
        self.seconds.get_or_create(&Operation { service, operation }).observe(took.as_secs_f64());
    }
}

/// How long something takes that a service does again and again.
#[derive(Clone, Debug)]
pub struct Seconds(Histogram);

impl Default for Seconds {
    fn default() -> Self {
        Self(latencies())
    }
}

impl Seconds {
    /// Shows it under a name.
    pub fn register(&self, registry: &mut Registry, name: &str, about: &str) {
        registry.register(name, about, self.0.clone());
    }

    /// Does it; the time that it takes counts, however it ends.
    pub fn of<T>(&self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let outcome = work();
        self.0.observe(begun.elapsed().as_secs_f64());
        outcome
    }
}
