//! Simulated metal behind a fuse: after so many steps every call hangs, as for an agent that is dead. A step is taken
//! before and after each call, so that an agent can be ended before an effect, and after it but before it knows.

use async_trait::async_trait;
use metal::Kind;
use metal::driver::*;
use metal::network::{NetworkSpec, PortSpec, RouterSpec, SecurityGroupSpec};
use metal::server::ImageSource;
use sim::Sim;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

#[derive(Clone)]
pub struct Fused {
    sim: Sim,
    steps: Arc<AtomicI64>,
    pub blown: Arc<Notify>,
    /// Where metadata is asked for, instead of nowhere as on simulated metal.
    pub listener: Arc<Mutex<Option<std::net::TcpListener>>>,
}

impl Fused {
    pub fn new(sim: &Sim, steps: i64) -> Self {
        Self {
            sim: sim.clone(),
            steps: Arc::new(AtomicI64::new(steps)),
            blown: Arc::default(),
            listener: Arc::default(),
        }
    }

    async fn step(&self) {
        if self.steps.fetch_sub(1, Ordering::SeqCst) <= 0 {
            self.blown.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Hypervisor for Fused {
    async fn facts(&self) -> Driven<HypervisorFacts> {
        self.step().await;
        let answer = Hypervisor::facts(&self.sim).await;
        self.step().await;
        answer
    }

    async fn start(&self, machine: &Machine) -> Driven<()> {
        self.step().await;
        let answer = Hypervisor::start(&self.sim, machine).await;
        self.step().await;
        answer
    }

    async fn stop(&self, id: &str, kindly: Option<Duration>) -> Driven<()> {
        self.step().await;
        let answer = Hypervisor::stop(&self.sim, id, kindly).await;
        self.step().await;
        answer
    }

    async fn pause(&self, id: &str) -> Driven<()> {
        self.step().await;
        let answer = Hypervisor::pause(&self.sim, id).await;
        self.step().await;
        answer
    }

    async fn unpause(&self, id: &str) -> Driven<()> {
        self.step().await;
        let answer = Hypervisor::unpause(&self.sim, id).await;
        self.step().await;
        answer
    }

    async fn suspend(&self, id: &str) -> Driven<()> {
        self.step().await;
        let answer = Hypervisor::suspend(&self.sim, id).await;
        self.step().await;
        answer
    }

    async fn plug(&self, id: &str, nic: &Nic) -> Driven<()> {
        self.step().await;
        let answer = Hypervisor::plug(&self.sim, id, nic).await;
        self.step().await;
        answer
    }

    async fn unplug(&self, id: &str, port_id: &str) -> Driven<()> {
        self.step().await;
        let answer = Hypervisor::unplug(&self.sim, id, port_id).await;
        self.step().await;
        answer
    }

    async fn destroy(&self, id: &str) -> Driven<()> {
        self.step().await;
        let answer = Hypervisor::destroy(&self.sim, id).await;
        self.step().await;
        answer
    }

    async fn machines(&self) -> Driven<Vec<KnownMachine>> {
        self.step().await;
        let answer = Hypervisor::machines(&self.sim).await;
        self.step().await;
        answer
    }

    async fn machine(&self, id: &str) -> Driven<Option<KnownMachine>> {
        self.step().await;
        let answer = Hypervisor::machine(&self.sim, id).await;
        self.step().await;
        answer
    }

    async fn console_log(&self, id: &str, bytes: u64) -> Driven<Vec<u8>> {
        self.step().await;
        let answer = Hypervisor::console_log(&self.sim, id, bytes).await;
        self.step().await;
        answer
    }

    async fn screen(&self, id: &str) -> Driven<Box<dyn Duplex>> {
        self.step().await;
        let answer = Hypervisor::screen(&self.sim, id).await;
        self.step().await;
        answer
    }

    async fn changed(&self) -> String {
        Hypervisor::changed(&self.sim).await
    }
}

#[async_trait]
impl Switch for Fused {
    async fn physical_networks(&self) -> Vec<String> {
        self.step().await;
        let answer = Switch::physical_networks(&self.sim).await;
        self.step().await;
        answer
    }

    async fn network(&self, id: &str, revision: i64, spec: &NetworkSpec) -> Driven<()> {
        self.step().await;
        let answer = Switch::network(&self.sim, id, revision, spec).await;
        self.step().await;
        answer
    }

    async fn security_group(&self, id: &str, revision: i64, spec: &SecurityGroupSpec) -> Driven<()> {
        self.step().await;
        let answer = Switch::security_group(&self.sim, id, revision, spec).await;
        self.step().await;
        answer
    }

    async fn port(&self, id: &str, revision: i64, spec: &PortSpec) -> Driven<()> {
        self.step().await;
        let answer = Switch::port(&self.sim, id, revision, spec).await;
        self.step().await;
        answer
    }

    async fn router(&self, id: &str, revision: i64, spec: &RouterSpec) -> Driven<()> {
        self.step().await;
        let answer = Switch::router(&self.sim, id, revision, spec).await;
        self.step().await;
        answer
    }

    async fn remove(&self, kind: Kind, id: &str) -> Driven<()> {
        self.step().await;
        let answer = Switch::remove(&self.sim, kind, id).await;
        self.step().await;
        answer
    }

    async fn held(&self) -> Driven<Vec<(Kind, String, i64)>> {
        self.step().await;
        let answer = Switch::held(&self.sim).await;
        self.step().await;
        answer
    }

    async fn plug(&self, port_id: &str, mac: &str, mtu: u32) -> Driven<Tap> {
        self.step().await;
        let answer = Switch::plug(&self.sim, port_id, mac, mtu).await;
        self.step().await;
        answer
    }

    async fn unplug(&self, port_id: &str) -> Driven<()> {
        self.step().await;
        let answer = Switch::unplug(&self.sim, port_id).await;
        self.step().await;
        answer
    }

    async fn plugged(&self) -> Driven<Vec<String>> {
        self.step().await;
        let answer = Switch::plugged(&self.sim).await;
        self.step().await;
        answer
    }

    async fn port_up(&self, port_id: &str) -> Driven<bool> {
        self.step().await;
        let answer = Switch::port_up(&self.sim, port_id).await;
        self.step().await;
        answer
    }

    async fn metadata_listener(&self, _network_id: &str) -> Driven<Option<std::net::TcpListener>> {
        let listener = self.listener.lock().unwrap().take();
        Ok(listener)
    }

    async fn changed(&self) -> String {
        Switch::changed(&self.sim).await
    }
}

#[async_trait]
impl Disks for Fused {
    async fn room(&self) -> Driven<(u64, u64)> {
        self.step().await;
        let answer = Disks::room(&self.sim).await;
        self.step().await;
        answer
    }

    async fn has_image(&self, image: &ImageSource) -> Driven<bool> {
        self.step().await;
        let answer = Disks::has_image(&self.sim, image).await;
        self.step().await;
        answer
    }

    async fn take_image(&self, image: &ImageSource, data: Data) -> Driven<()> {
        self.step().await;
        let answer = Disks::take_image(&self.sim, image, data).await;
        self.step().await;
        answer
    }

    async fn image_path(&self, image: &ImageSource) -> Driven<PathBuf> {
        self.step().await;
        let answer = Disks::image_path(&self.sim, image).await;
        self.step().await;
        answer
    }

    async fn forget_images(&self, keep: &[String], unused: Duration) -> Driven<()> {
        self.step().await;
        let answer = Disks::forget_images(&self.sim, keep, unused).await;
        self.step().await;
        answer
    }

    async fn forget_image(&self, image_id: &str) -> Driven<()> {
        self.step().await;
        let answer = Disks::forget_image(&self.sim, image_id).await;
        self.step().await;
        answer
    }

    async fn root(
        &self,
        server_id: &str,
        incarnation: i64,
        image: &ImageSource,
        gib: u64,
    ) -> Driven<MachineDisk> {
        self.step().await;
        let answer = Disks::root(&self.sim, server_id, incarnation, image, gib).await;
        self.step().await;
        answer
    }

    async fn blank(&self, server_id: &str, incarnation: i64, name: &str, mib: u64) -> Driven<MachineDisk> {
        self.step().await;
        let answer = Disks::blank(&self.sim, server_id, incarnation, name, mib).await;
        self.step().await;
        answer
    }

    async fn config_drive(
        &self,
        server_id: &str,
        incarnation: i64,
        files: &[(String, Vec<u8>)],
    ) -> Driven<PathBuf> {
        self.step().await;
        let answer = Disks::config_drive(&self.sim, server_id, incarnation, files).await;
        self.step().await;
        answer
    }

    async fn remove(&self, server_id: &str) -> Driven<()> {
        self.step().await;
        let answer = Disks::remove(&self.sim, server_id).await;
        self.step().await;
        answer
    }

    async fn servers(&self) -> Driven<Vec<String>> {
        self.step().await;
        let answer = Disks::servers(&self.sim).await;
        self.step().await;
        answer
    }
}
