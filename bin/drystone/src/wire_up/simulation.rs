//! Simulated hosts, joined: one or thousands in this process, each with its own agent, link and ledger.

use super::repeat::Repeat;
use super::rewind::Rewind;
use super::{Controller, Hosts, Simulation, homes, tables};
use crate::driver_calls::DriverCalls;
use crate::keep;
use crate::settings::{Metal, Settings};
use agent::{Agent, Home, Parts};
use compute::{Compute, Grouping};
use fault::Fault;
use kernel::{Clock, Entropy};
use network::Network;
use reconcile::Handle;
use serde::{Deserialize, Serialize};
use sim::control::Gate;
use sim::pace::Turn;
use sim::topology::{self, Plan};
use sim::{Config, Control, Sim, Timing};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::Tx;

/// The hosts that the settings ask for; none with real metal. The error is a sentence for the operator.
pub fn plans(settings: &Settings) -> Result<Vec<Plan>, String> {
    if settings.metal == Metal::Real {
        let asked = [
            ("--hosts", settings.hosts.is_some()),
            ("--topology", settings.topology.is_some()),
            ("--boot", settings.boot.is_some()),
            ("--seed", settings.seed.is_some()),
        ];
        let asked = asked.into_iter().find(|(_, asked)| *asked);
        return asked.map_or(Ok(Vec::new()), |(flag, _)| Err(format!("{flag} is for --metal sim.")));
    }
    let shape = Shape::of(settings)?;
    let boot = shape.boot.as_deref().map_or(Ok(Timing::default()), str::parse);
    let config = Config {
        boot: boot.map_err(|why: String| format!("--boot is not understood: {why}."))?,
        ..Config::default()
    };
    if let Some(text) = &shape.topology {
        let what = settings.topology.as_ref().map_or_else(String::new, |path| format!(" {}", path.display()));
        return topology::parse(text, &config)
            .map_err(|why| format!("The topology{what} is not understood: {why}."));
    }
    match shape.hosts {
        None | Some(1) => {
            let name = settings.host_name.clone();
            Ok(vec![Plan { name, zone: None, aggregates: Vec::new(), config }])
        }
        Some(count) => topology::uniform(count, &config).map_err(|why| format!("{why}.")),
    }
}

/// What was said of the hosts, kept beside the cloud: the next start has the same ones unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Shape {
    hosts: Option<usize>,
    /// What the file said, which need not be there any more.
    topology: Option<String>,
    boot: Option<String>,
}

impl Shape {
    /// What is said now, and what was said before of the rest.
    fn of(settings: &Settings) -> Result<Self, String> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .map_err(|error| format!("The topology {} cannot be read: {error}.", path.display()))
        };
        let (hosts, topology) = (settings.hosts, settings.topology.as_ref().map(read).transpose()?);
        let mut shape = Self::kept(&settings.state_dir)?;
        if hosts.is_some() || topology.is_some() {
            (shape.hosts, shape.topology) = (hosts, topology);
        }
        shape.boot = settings.boot.clone().or(shape.boot);
        Ok(shape)
    }

    fn kept(state_dir: &Path) -> Result<Self, String> {
        let path = state_dir.join(HOSTS);
        let read = keep::read_json(&path).map(Option::unwrap_or_default);
        read.map_err(|error| format!("{} cannot be read: {error}.", path.display()))
    }
}

/// The file of a [`Shape`].
const HOSTS: &str = "hosts.json";

/// Remembers what was said of the hosts. The state directory is held by this process.
pub fn remember_hosts(settings: &Settings) -> Result<(), String> {
    if settings.metal == Metal::Real {
        return Ok(());
    }
    let shape = Shape::of(settings)?;
    if shape == Shape::kept(&settings.state_dir)? {
        return Ok(());
    }
    let path = settings.state_dir.join(HOSTS);
    keep::write_json(&path, &shape).map_err(|error| format!("{} cannot be written: {error}.", path.display()))
}

/// The aggregates that the hosts are in, and those that make their zones.
fn groupings(plans: &[Plan]) -> Vec<Grouping> {
    let mut hosts: BTreeMap<(&str, bool), Vec<String>> = BTreeMap::new();
    for plan in plans {
        let aggregates = plan.aggregates.iter().map(|name| (name.as_str(), false));
        for key in aggregates.chain(plan.zone.iter().map(|zone| (zone.as_str(), true))) {
            hosts.entry(key).or_default().push(plan.name.clone());
        }
    }
    let grouping =
        |((name, zone), hosts): ((&str, bool), Vec<String>)| Grouping { name: name.to_owned(), zone, hosts };
    hosts.into_iter().map(grouping).collect()
}

/// What the services are to know of the hosts of this start. The store may be from another one, whose hosts do not join.
pub struct Known {
    /// All hosts that there are; none where others may have some as well.
    names: Option<BTreeSet<String>>,
    groupings: Vec<Grouping>,
}

impl Known {
    /// By the settings. `all` says that nobody else has hosts of this cloud.
    pub fn of(settings: &Settings, all: bool) -> Result<Self, String> {
        let plans = plans(settings)?;
        let groupings = groupings(&plans);
        Ok(Self { names: all.then(|| plans.into_iter().map(|plan| plan.name).collect()), groupings })
    }

    /// Has the services know it.
    pub fn tell(&self, tx: &Tx, compute: &Compute, network: &Network) -> Result<(), Fault> {
        compute.groupings_ensure(tx, &self.groupings)?;
        let Some(names) = &self.names else { return Ok(()) };
        compute.hosts_keep(tx, names)?;
        network.hosts_keep(tx, names)
    }
}

/// The clock of the cloud, and what steers it when its metal is simulated: then the clock is to be steered as well.
pub fn steering(
    settings: &Settings,
    entropy: &Entropy,
    repeat: Option<&Repeat>,
) -> (Clock, Option<Arc<Simulation>>) {
    let control = match (settings.metal, repeat) {
        (Metal::Real, _) => return (Clock::system(), None),
        (Metal::Sim, None) => Control::new(Clock::steered(), entropy),
        (Metal::Sim, Some(repeat)) => Control::paced(repeat.pace.clone(), entropy),
    };
    control.knows_operations(operations());
    (control.clock().clone(), Some(Simulation::new(control)))
}

/// What a fault can stand in the way of: all but the operations that steer the simulation.
fn operations() -> Vec<sim::Operation> {
    let rows = tables().into_iter().filter(|(service, ..)| *service != sim::api::OWN);
    let operations = |(service, _, rows): (_, _, Vec<web::routes::Row>)| {
        rows.into_iter().map(move |row| sim::Operation { service, method: row.method, name: row.name })
    };
    rows.flat_map(operations).collect()
}

/// Keeps requests from having their turn while the cloud starts, if they take turns.
pub async fn turn(simulation: Option<&Arc<Simulation>>) -> Option<Turn> {
    match simulation.and_then(|simulation| simulation.control().pace()) {
        Some(pace) => Some(pace.turn().await),
        None => None,
    }
}

/// The cloud ends: what still runs is to come to its end, also where time stood still.
pub fn end(simulation: Option<&Arc<Simulation>>) {
    if let Some(pace) = simulation.and_then(|simulation| simulation.control().pace()) {
        pace.end();
    }
}

/// Closes the gate for requests that change something, until the freshly seeded state is kept ([`begin`]).
pub async fn gate(simulation: Option<&Arc<Simulation>>) -> Option<Gate> {
    match simulation {
        Some(simulation) => Some(simulation.control().close().await),
        None => None,
    }
}

/// The cloud is put together: from now on its states can be kept and returned to.
pub fn begin(
    simulation: &Simulation,
    gate: Option<Gate>,
    settings: &Settings,
    controller: &Controller,
    engine: Arc<Handle>,
    hosts: &Hosts,
) {
    let rewind = Arc::new(Rewind::new(simulation.control(), settings, controller, engine, hosts));
    let seed = rewind.clone();
    tokio::spawn(async move {
        if let Err(fault) = seed.keep_seed().await {
            tracing::error!(%fault, causes = fault.causes(), "the freshly seeded state was not kept: there is no reset");
        }
        drop(gate);
    });
    simulation.begin(rewind);
}

/// Joins agents with their simulated metal.
pub(super) fn hosts(
    settings: &Settings,
    clock: &Clock,
    entropy: &Entropy,
    calls: &DriverCalls,
    control: &Control,
) -> Result<Hosts, String> {
    let plans = plans(settings)?;
    let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
    let homes = homes(settings, |dir| Home::open_all(dir, &names, clock, entropy))?;
    let configs = plans.iter().map(|plan| (plan.name.clone(), plan.config.clone())).collect();
    let sims = Sim::fleet(&settings.state_dir.join("sim"), control, entropy, configs)
        .map_err(|error| format!("The simulated hosts cannot be opened: {error}."))?;
    let several = sims.len() > 1;
    let hosts = plans.into_iter().zip(sims).zip(homes).enumerate().map(|(number, ((plan, sim), home))| {
        let address = if several { address(number) } else { settings.listen.ip().to_string() };
        let (clock, entropy, metal) = (clock.clone(), entropy.clone(), Arc::new(sim.clone()));
        let (hypervisor, switch, disks) =
            (calls.hypervisor(metal.clone()), calls.switch(metal.clone()), calls.disks(metal));
        let parts = Parts { name: plan.name, address, clock, entropy, hypervisor, switch, disks };
        (Agent::new(parts, home), Some(sim))
    });
    Ok(Hosts { hosts: hosts.collect() })
}

/// Addresses from 198.18.0.0/15, which is for benchmarks of networks and nobody's.
fn address(number: usize) -> String {
    let number = number + 1;
    format!("198.{}.{}.{}", 18 + number / 65_536 % 2, number / 256 % 256, number % 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_aggregates_become_groupings() {
        let text = "[[rack]]\nname='a'\nhosts=2\nzone='east'\naggregates=['fast']\n[[rack]]\nname='b'\nhosts=1\nzone='east'";
        let groupings = groupings(&topology::parse(text, &Config::default()).unwrap());
        let grouping = |name: &str, zone, hosts: &[&str]| Grouping {
            name: name.to_owned(),
            zone,
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        };
        assert_eq!(
            groupings,
            [grouping("east", true, &["a-1", "a-2", "b-1"]), grouping("fast", false, &["a-1", "a-2"])]
        );
    }
}
