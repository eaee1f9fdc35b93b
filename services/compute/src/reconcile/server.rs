//! The reconciler of servers: from a row to a machine that runs, and back to nothing.
//!
//! Each round takes one step: find a host, order ports, send what is wanted, bring images, wait for the report, or take
//! it all down again. Where a server stands is read anew each time, so that a crash between any two steps costs a round.

use crate::Compute;
use crate::model::scheduler::{self, Choice, Place, Request};
use crate::model::server::{Phase, Server};
use crate::model::spec;
use crate::reconcile::{HOST, PORT, SERVER, TOMBSTONE};
use crate::store as rows;
use crate::store::tombstone::{Tombstone, key};
use ::reconcile::{Outcome, Reconciler};
use async_trait::async_trait;
use contract::network::PortFacts;
use fault::{Fault, Kind};
use kernel::Micros;
use link::{LinkError, Rank};
use metal::server::{ImageSource, MachineState, ServerSpec};
use metal::{Spec, Wanted};
use std::sync::Arc;
use std::time::Duration;
use store::Tx;

/// How long to wait for a host that is away before looking again; it wakes us when it joins.
const AWAY: Duration = Duration::from_secs(60);
/// How often a server at rest is looked at, lest a wake-up was lost.
const REST: Duration = Duration::from_secs(300);

/// The reconciler.
pub struct Servers(pub Arc<Compute>);

/// What a round knows.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) server: Option<Server>,
    pub(super) ports: Vec<PortFacts>,
    pub(super) host_up: bool,
    pub(super) tombstone: Option<Tombstone>,
    pub(super) places: Option<(Request, Vec<Place>)>,
    pub(super) spec: Option<ServerSpec>,
    pub(super) timeline: i64,
}

/// What a round does.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Nothing is left of the server.
    Gone,
    /// Nothing is to be done.
    Rest,
    /// It is as wanted, and its ports are watched.
    Watch {
        /// Look again then.
        until: Micros,
    },
    /// Something must happen first.
    Wait {
        /// What.
        reason: String,
        /// Look again then.
        until: Micros,
    },
    /// A host was chosen, or none.
    Place(Choice),
    /// The build, or what was asked for, did not work: the message and its details.
    Fail(String, String),
    /// The host shall take it down.
    Bury,
    /// The host has nothing of it any more (or is away): give back what it had.
    Finish,
    /// What the host must hold has changed.
    Revise,
    /// The host gets what is wanted, after the images that it needs for it.
    Send {
        /// The host.
        host_id: String,
        /// What it must hold.
        wanted: Option<Box<Wanted>>,
        /// The images.
        images: Vec<ImageSource>,
    },
    /// It runs.
    Launch,
}

/// What came of the effects of a round.
#[derive(Debug)]
pub enum Met {
    /// All went well, or there was nothing to do.
    Well,
    /// The host is away.
    Away,
    /// The host holds something newer.
    Stale(Rank),
    /// It can never work.
    Never(String),
    /// It may work later.
    Later(String),
}

#[async_trait]
impl Reconciler for Servers {
    type Snapshot = Snapshot;
    type Plan = Plan;
    type Result = (Plan, Met);

    fn kind(&self) -> &'static str {
        SERVER
    }

    fn snapshot(&self, tx: &Tx, id: &str) -> Result<Snapshot, Fault> {
        self.0.server_snapshot(tx, id)
    }

    fn plan(&self, snapshot: &Snapshot, now: Micros) -> Plan {
        plan(snapshot, now)
    }

    async fn act(&self, _id: &str, plan: &Plan) -> (Plan, Met) {
        let met = match plan {
            Plan::Send { host_id, wanted, images } => self.0.send(host_id, wanted.as_deref(), images).await,
            _ => Met::Well,
        };
        (plan.clone(), met)
    }

    fn record(&self, tx: &Tx, id: &str, snapshot: &Snapshot, result: &(Plan, Met)) -> Result<Outcome, Fault> {
        self.0.server_record(tx, id, snapshot, &result.0, &result.1)
    }

    fn poisoned(&self, tx: &Tx, id: &str, _attempts: u32, reason: &str) -> Result<(), Fault> {
        let Some(mut server) = rows::server::server_by_id(tx, id, false)? else { return Ok(()) };
        if server.in_between() && !server.failed {
            super::outcome::failed(tx, &mut server, "The cloud could not do what was asked for.", reason)?;
        }
        Ok(())
    }
}

impl Compute {
    fn server_snapshot(&self, tx: &Tx, id: &str) -> Result<Snapshot, Fault> {
        let timeline = tx.timeline();
        let Some(server) = rows::server::server_by_id(tx, id, false)? else {
            let (ports, host_up, tombstone) = (Vec::new(), false, None);
            return Ok(Snapshot {
                server: None,
                ports,
                host_up,
                tombstone,
                places: None,
                spec: None,
                timeline,
            });
        };
        let ports = self.networks.ports_of(tx, id)?;
        let (mut host_up, mut tombstone) = (false, None);
        if let Some(host_id) = &server.host_id {
            host_up = rows::host::host_by_id(tx, host_id)?.is_some_and(|host| host.up);
            tombstone = rows::tombstone::tombstone(tx, id, host_id)?;
        }
        let unplaced = server.phase == Phase::Scheduling && !server.deleting && !server.failed;
        let places = if unplaced { Some(self.decisions.of(|| self.places(tx, &server))?) } else { None };
        let spec = spec::of(&server, &ports, &self.settings.dns_domain);
        Ok(Snapshot { server: Some(server), ports, host_up, tombstone, places, spec, timeline })
    }

    /// Sends images that the host has not, then what is wanted.
    async fn send(&self, host_id: &str, wanted: Option<&Wanted>, images: &[ImageSource]) -> Met {
        for image in images {
            let met = self.bring(host_id, image).await;
            if !matches!(met, Met::Well) {
                return met;
            }
        }
        let Some(wanted) = wanted else { return Met::Well };
        self.agents.ensure(host_id, wanted).await.map_or_else(met, |_| Met::Well)
    }

    async fn bring(&self, host_id: &str, image: &ImageSource) -> Met {
        match self.agents.has_image(host_id, image).await {
            Ok(true) => return Met::Well,
            Ok(false) => {}
            Err(error) => return met(error),
        }
        match self.images.data(&image.id).await {
            Ok(data) => self.agents.put_image(host_id, image, data).await.map_or_else(met, |()| Met::Well),
            Err(fault) if fault.kind == Kind::NotFound => {
                Met::Never(format!("Image {} could not be found.", image.id))
            }
            Err(fault) => Met::Later(fault.to_string()),
        }
    }
}

pub(super) fn met(error: LinkError) -> Met {
    match error {
        LinkError::Away(_) => Met::Away,
        LinkError::Stale { held } => Met::Stale(held),
        LinkError::Refused(why) | LinkError::Full(why) | LinkError::Missing(why) => Met::Never(why),
        LinkError::NotYet(why) | LinkError::Failed(why) => Met::Later(why),
    }
}

/// What is wanted of the host now.
pub(super) fn wanted(server: &Server, spec: &ServerSpec, timeline: i64) -> Wanted {
    Wanted {
        format: Wanted::FORMAT,
        kind: metal::Kind::Server,
        id: server.id.clone(),
        timeline,
        incarnation: server.incarnation,
        revision: server.revision,
        spec: Some(Spec::Server(Box::new(spec.clone()))),
    }
}

/// Decides the next step.
fn plan(snapshot: &Snapshot, now: Micros) -> Plan {
    let Some(server) = &snapshot.server else { return Plan::Gone };
    let late = server.deadline.is_some_and(|deadline| now >= deadline);
    if server.deleting || matches!(server.phase, Phase::Failed | Phase::Buried) {
        return taken_down(snapshot, server, late, now);
    }
    match server.phase {
        Phase::Scheduling => match &snapshot.places {
            Some((request, places)) => placed(request, places, now),
            None => Plan::Rest,
        },
        Phase::Building => built(snapshot, server, late, now),
        Phase::Live | Phase::Failed | Phase::Buried => kept(snapshot, server, late, now),
    }
}

/// A server without a host. That its agent, or we, start anew must not cost a server its life.
fn placed(request: &Request, places: &[Place], now: Micros) -> Plan {
    let choice = scheduler::choose(request, places);
    match scheduler::worth_waiting(request, places, now).filter(|_| choice.chosen.is_none()) {
        Some(until) => Plan::Wait { reason: "a host that would do is away for the moment".to_owned(), until },
        None => Plan::Place(choice),
    }
}

/// A server that goes: first from its host, then altogether (or, if its build failed, only from its host).
fn taken_down(snapshot: &Snapshot, server: &Server, late: bool, now: Micros) -> Plan {
    let Some(host) = &server.host else {
        return if server.deleting { Plan::Finish } else { Plan::Rest };
    };
    if server.phase != Phase::Buried {
        return Plan::Bury;
    }
    // A host that is away cannot hold up its users: the tombstone waits for it.
    if snapshot.tombstone.is_none() || !snapshot.host_up {
        return Plan::Finish;
    }
    if late && server.deleting && !server.failed {
        let why =
            server.seen_problem.clone().unwrap_or_else(|| format!("{host} did not say that it is gone."));
        return Plan::Fail(format!("The server could not be removed from its host: {why}"), why);
    }
    let until = server.deadline.filter(|deadline| *deadline > now).unwrap_or(now.plus(AWAY));
    Plan::Wait { reason: format!("{host} takes it down"), until }
}

/// A server that has a host and is to run there for the first time.
fn built(snapshot: &Snapshot, server: &Server, late: bool, now: Micros) -> Plan {
    let aborted =
        |why: &str| Plan::Fail(format!("Build of instance {} aborted: {why}", server.id), why.to_owned());
    if late {
        let doing = server.seen.as_ref().and_then(|seen| seen.doing.clone());
        let why =
            server.seen_problem.clone().or(doing).unwrap_or_else(|| "it did not start in time.".to_owned());
        return aborted(&why);
    }
    if let Some(step) = sent(snapshot, server, now) {
        return step;
    }
    let until = server.deadline.unwrap_or(now.plus(AWAY));
    let waiting = |reason: &str| Plan::Wait { reason: reason.to_owned(), until };
    let Some(seen) = server.seen.as_ref().filter(|_| server.answered()) else {
        return waiting("the host starts it");
    };
    if let Some(why) =
        seen.fault.as_ref().or(seen.stopped_because.as_ref().filter(|_| seen.state == MachineState::Off))
    {
        return aborted(why);
    }
    if seen.state != MachineState::Running {
        return waiting(
            seen.doing.as_deref().or(server.seen_problem.as_deref()).unwrap_or("the host starts it"),
        );
    }
    if snapshot.ports.iter().all(|port| port.up) { Plan::Launch } else { waiting("its ports come up") }
}

/// A server that has run: its host must hold what is wanted now.
fn kept(snapshot: &Snapshot, server: &Server, late: bool, now: Micros) -> Plan {
    if let (Some(task), true) = (server.task, late) {
        let why = server.seen_problem.clone().unwrap_or_else(|| "its host did not do it in time.".to_owned());
        return Plan::Fail(format!("{} failed: {why}", task.action()), why);
    }
    if let Some(step) = sent(snapshot, server, now) {
        return step;
    }
    match server.task {
        Some(task) => {
            let until = server.deadline.unwrap_or(now.plus(AWAY));
            Plan::Wait { reason: format!("{}: the host is at it", task.word()), until }
        }
        None => Plan::Watch { until: now.plus(REST) },
    }
}

/// What must still go to the host, if anything.
fn sent(snapshot: &Snapshot, server: &Server, now: Micros) -> Option<Plan> {
    let (Some(spec), Some(host_id)) = (&snapshot.spec, &server.host_id) else { return None };
    let wanted = wanted(server, spec, snapshot.timeline);
    if server.revision == 0 || wanted.digest() != server.digest {
        return Some(Plan::Revise);
    }
    let all =
        || [Some(&spec.image), spec.kernel.as_ref(), spec.ramdisk.as_ref()].into_iter().flatten().cloned();
    if server.sent_revision < server.revision {
        if !snapshot.host_up {
            let until = server.deadline.filter(|deadline| *deadline > now).unwrap_or(now.plus(AWAY));
            return Some(Plan::Wait { reason: "its host is away".to_owned(), until });
        }
        // A machine that was never started, in this incarnation, needs its images first; others have them.
        let fresh = server.seen_incarnation != server.incarnation;
        let images = if fresh { all().collect() } else { Vec::new() };
        return Some(Plan::Send { host_id: host_id.clone(), wanted: Some(Box::new(wanted)), images });
    }
    let missing = server.seen.as_ref().filter(|_| server.seen_incarnation == server.incarnation);
    let missing: Vec<ImageSource> = missing
        .map(|seen| all().filter(|image| seen.missing_images.contains(&image.id)).collect())
        .unwrap_or_default();
    (!missing.is_empty() && snapshot.host_up).then(|| Plan::Send {
        host_id: host_id.clone(),
        wanted: None,
        images: missing,
    })
}

impl Snapshot {
    /// What ends a wait of this server before its time.
    pub(super) fn wakers(&self) -> Vec<(String, String)> {
        let mut on: Vec<_> = self.ports.iter().map(|port| (PORT.to_owned(), port.id.clone())).collect();
        let expected =
            self.places.iter().flat_map(|(_, places)| places).filter(|place| place.expected.is_some());
        on.extend(expected.map(|place| (HOST.to_owned(), place.candidate.provider_id.clone())));
        let Some((server, host_id)) =
            self.server.as_ref().and_then(|server| Some((server, server.host_id.as_ref()?)))
        else {
            return on;
        };
        on.push((HOST.to_owned(), host_id.clone()));
        if server.phase == Phase::Buried {
            on.push((TOMBSTONE.to_owned(), key(&server.id, host_id)));
        }
        on
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::server::Task;
    use crate::model::server::tests::running;
    use metal::server::ImageSource;

    fn snapshot(mut change: impl FnMut(&mut Server)) -> Snapshot {
        let mut server = running();
        server.detail.image =
            Some(ImageSource { id: "i".into(), format: "raw".into(), bytes: 1, sha512: String::new() });
        let spec = spec::of(&server, &[], "");
        server.digest = wanted(&server, spec.as_ref().unwrap(), 1).digest();
        change(&mut server);
        let spec = spec::of(&server, &[], "");
        Snapshot {
            server: Some(server),
            ports: Vec::new(),
            host_up: true,
            tombstone: None,
            places: None,
            spec,
            timeline: 1,
        }
    }

    fn stone() -> Tombstone {
        Tombstone { server_id: "s".into(), host_id: "h".into(), incarnation: 1, revision: 2, gone: false }
    }

    #[test]
    fn a_server_at_rest_watches_its_ports_and_a_change_is_sent() {
        assert!(matches!(plan(&snapshot(|_| {}), Micros(5)), Plan::Watch { .. }));
        assert!(matches!(plan(&snapshot(|server| server.name = "db".into()), Micros(5)), Plan::Revise));
        assert!(matches!(plan(&snapshot(|server| server.sent_revision = 0), Micros(5)), Plan::Send { .. }));
    }

    #[test]
    fn no_task_outlives_its_deadline() {
        let late =
            snapshot(|server| (server.task, server.deadline) = (Some(Task::PoweringOff), Some(Micros(5))));
        assert!(matches!(plan(&late, Micros(5)), Plan::Fail(..)));
        let building =
            snapshot(|server| (server.phase, server.deadline) = (Phase::Building, Some(Micros(5))));
        assert!(matches!(plan(&building, Micros(6)), Plan::Fail(..)));
        assert!(matches!(plan(&building, Micros(4)), Plan::Launch));
    }

    #[test]
    fn deletion_waits_for_a_host_that_is_here_and_not_for_one_that_is_away() {
        let mut going = snapshot(|server| server.deleting = true);
        assert!(matches!(plan(&going, Micros(1)), Plan::Bury));
        going.server.as_mut().unwrap().phase = Phase::Buried;
        going.tombstone = Some(stone());
        assert!(matches!(plan(&going, Micros(1)), Plan::Wait { .. }));
        going.host_up = false;
        assert!(matches!(plan(&going, Micros(1)), Plan::Finish));
        going.host_up = true;
        going.tombstone = None;
        assert!(matches!(plan(&going, Micros(1)), Plan::Finish));
    }
}
