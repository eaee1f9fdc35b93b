//! Every call of the agent to its drivers, counted and timed: drivers and agent know nothing of it.

use async_trait::async_trait;
use metal::driver::{
    Data, Disks, Driven, DriverError, Duplex, Hypervisor, HypervisorFacts, KnownMachine, Machine,
    MachineDisk, Nic, Switch, Tap,
};
use metal::network::{NetworkSpec, PortSpec, RouterSpec, SecurityGroupSpec};
use metal::{Kind, server::ImageSource};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    driver: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Operation {
    driver: &'static str,
    operation: &'static str,
}

/// Counts and latencies of calls to drivers.
#[derive(Clone)]
pub struct DriverCalls {
    count: Family<Outcome, Counter>,
    seconds: Family<Operation, Histogram, fn() -> Histogram>,
    /// Asked before and after each call whether the agent dies there.
    #[cfg(test)]
    dies: Option<Dies>,
}

/// A call to a driver, and whether it was carried out: does the agent die there?
#[cfg(test)]
pub type Dies = Arc<dyn Fn(&'static str, bool) -> bool + Send + Sync>;

fn latencies() -> Histogram {
    const BOUNDS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
    Histogram::new(BOUNDS)
}

impl Default for DriverCalls {
    /// Metrics that nobody reads.
    fn default() -> Self {
        let seconds = Family::new_with_constructor(latencies as fn() -> Histogram);
        Self {
            count: Family::default(),
            seconds,
            #[cfg(test)]
            dies: None,
        }
    }
}

impl DriverCalls {
    /// Calls at which an agent dies where `dies` says so.
    #[cfg(test)]
    pub fn mortal(mut self, dies: Dies) -> Self {
        self.dies = Some(dies);
        self
    }

    /// Registers the metrics.
    pub fn register(registry: &mut Registry) -> Self {
        let calls = Self::default();
        let about = "Calls to drivers by operation and outcome";
        registry.register("drystone_driver_calls", about, calls.count.clone());
        registry.register("drystone_driver_seconds", "Time from call to answer", calls.seconds.clone());
        calls
    }

    #[cfg(test)]
    async fn pass(&self, operation: &'static str, done: bool) {
        if self.dies.as_ref().is_some_and(|dies| dies(operation, done)) {
            std::future::pending::<()>().await;
        }
    }

    /// The same hypervisor, with its calls counted.
    pub fn hypervisor(&self, inner: Arc<dyn Hypervisor>) -> Arc<dyn Hypervisor> {
        Arc::new(Counted { calls: self.clone(), driver: "hypervisor", inner })
    }

    /// The same switch, with its calls counted.
    pub fn switch(&self, inner: Arc<dyn Switch>) -> Arc<dyn Switch> {
        Arc::new(Counted { calls: self.clone(), driver: "switch", inner })
    }

    /// The same disks, with their calls counted.
    pub fn disks(&self, inner: Arc<dyn Disks>) -> Arc<dyn Disks> {
        Arc::new(Counted { calls: self.clone(), driver: "disks", inner })
    }
}

struct Counted<T: ?Sized> {
    calls: DriverCalls,
    driver: &'static str,
    inner: Arc<T>,
}

impl<T: ?Sized> Counted<T> {
    async fn timed<A>(&self, operation: &'static str, call: impl Future<Output = Driven<A>>) -> Driven<A> {
        let begun = Instant::now();
        #[cfg(test)]
        self.calls.pass(operation, false).await;
        let answer = call.await;
        #[cfg(test)]
        self.calls.pass(operation, true).await;
        let outcome = match &answer {
            Ok(_) => "ok",
            Err(DriverError::NotYet(_)) => "not_yet",
            Err(DriverError::Refused(_)) => "refused",
            Err(DriverError::Failed(_)) => "failed",
            Err(DriverError::Full(_)) => "full",
        };
        let driver = self.driver;
        self.calls.count.get_or_create(&Outcome { driver, operation, outcome }).inc();
        self.calls
            .seconds
            .get_or_create(&Operation { driver, operation })
            .observe(begun.elapsed().as_secs_f64());
        answer
    }
}

/// A trait of `metal::driver` whose calls are timed; those in the second block are no calls, but waits and constants.
macro_rules! counted {
    ($driver:ident {
        $(fn $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*
    } {
        $(fn $plain:ident() -> $what:ty;)*
    }) => {
        #[async_trait]
        impl $driver for Counted<dyn $driver> {
            $(async fn $name(&self, $($argument: $kind),*) -> Driven<$answer> {
                self.timed(stringify!($name), self.inner.$name($($argument),*)).await
            })*
            $(async fn $plain(&self) -> $what {
                self.inner.$plain().await
            })*
        }
    };
}

counted!(Hypervisor {
    fn facts() -> HypervisorFacts;
    fn start(machine: &Machine) -> ();
    fn stop(id: &str, kindly: Option<Duration>) -> ();
    fn pause(id: &str) -> ();
    fn unpause(id: &str) -> ();
    fn suspend(id: &str) -> ();
    fn plug(id: &str, nic: &Nic) -> ();
    fn unplug(id: &str, port_id: &str) -> ();
    fn destroy(id: &str) -> ();
    fn machines() -> Vec<KnownMachine>;
    fn machine(id: &str) -> Option<KnownMachine>;
    fn console_log(id: &str, bytes: u64) -> Vec<u8>;
    fn screen(id: &str) -> Box<dyn Duplex>;
} {
    fn changed() -> String;
});

counted!(Switch {
    fn network(id: &str, revision: i64, spec: &NetworkSpec) -> ();
    fn security_group(id: &str, revision: i64, spec: &SecurityGroupSpec) -> ();
    fn port(id: &str, revision: i64, spec: &PortSpec) -> ();
    fn router(id: &str, revision: i64, spec: &RouterSpec) -> ();
    fn remove(kind: Kind, id: &str) -> ();
    fn held() -> Vec<(Kind, String, i64)>;
    fn plug(port_id: &str, mac: &str, mtu: u32) -> Tap;
    fn unplug(port_id: &str) -> ();
    fn plugged() -> Vec<String>;
    fn port_up(port_id: &str) -> bool;
    fn metadata_listener(network_id: &str) -> Option<std::net::TcpListener>;
} {
    fn physical_networks() -> Vec<String>;
    fn changed() -> String;
});

counted!(Disks {
    fn room() -> (u64, u64);
    fn has_image(image: &ImageSource) -> bool;
    fn take_image(image: &ImageSource, data: Data) -> ();
    fn image_path(image: &ImageSource) -> PathBuf;
    fn forget_image(image_id: &str) -> ();
    fn forget_images(keep: &[String], unused: Duration) -> ();
    fn root(server_id: &str, incarnation: i64, image: &ImageSource, gib: u64) -> MachineDisk;
    fn blank(server_id: &str, incarnation: i64, name: &str, mib: u64) -> MachineDisk;
    fn config_drive(server_id: &str, incarnation: i64, files: &[(String, Vec<u8>)]) -> PathBuf;
    fn remove(server_id: &str) -> ();
    fn servers() -> Vec<String>;
} {});
