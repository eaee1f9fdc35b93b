//! What a round of the reconciler of servers writes down. Every change looks at the row as it is now, not as it was when
//! the round began.

use crate::Compute;
use crate::model::network::{Asked, AskedPort};
use crate::model::scheduler::{self, Choice};
use crate::model::server::{Phase, Server, ServerFault};
use crate::model::spec;
use crate::ops::interface::order_for;
use crate::ops::server::buried;
use crate::ops::server_create::group_allows;
use crate::reconcile::TOMBSTONE;
use crate::reconcile::server::{Met, Plan, Snapshot, wanted};
use crate::store as rows;
use crate::store::action;
use crate::store::tombstone::Tombstone;
use ::reconcile::{Outcome, want};
use contract::placement::Candidate;
use fault::{Fault, Kind};
use link::Rank;
use metal::server::MachineState;
use policy::Who;
use std::time::Duration;
use store::Tx;

/// How soon to look again after a host went away in the middle.
const SOON: Duration = Duration::from_secs(1);

impl Compute {
    pub(super) fn server_record(
        &self,
        tx: &Tx,
        id: &str,
        snapshot: &Snapshot,
        plan: &Plan,
        met: &Met,
    ) -> Result<Outcome, Fault> {
        let Some(server) = rows::server::server_by_id(tx, id, false)? else { return Ok(Outcome::Gone) };
        // What was decided on another state of the server is not carried out on this one.
        let unchanged = snapshot
            .server
            .as_ref()
            .is_some_and(|was| was.phase == server.phase && was.deleting == server.deleting);
        match plan {
            Plan::Gone => Ok(Outcome::Gone),
            Plan::Rest => Ok(Outcome::Done),
            Plan::Watch { until } => Ok(Outcome::Rest { until: *until, on: snapshot.wakers() }),
            Plan::Wait { reason, until } => {
                Ok(Outcome::Wait { reason: reason.clone(), until: *until, on: snapshot.wakers() })
            }
            _ if !unchanged => Ok(Outcome::Progress),
            Plan::Place(choice) => self.placed(tx, server, choice),
            // A report or a wish that came meanwhile may have ended what seemed to last too long.
            Plan::Fail(..) if !same_news(snapshot, &server) => Ok(Outcome::Progress),
            Plan::Fail(message, details) => self.fell(tx, server, message, details),
            Plan::Bury => self.bury(tx, server),
            Plan::Finish => self.finish(tx, server),
            Plan::Revise => self.revise(tx, server),
            Plan::Send { wanted, .. } => {
                let revision = wanted.as_ref().map(|wanted| (wanted.incarnation, wanted.revision));
                self.was_sent(tx, server, revision, met)
            }
            Plan::Launch => self.launch(tx, server),
        }
    }

    /// The host is claimed, and ports are ordered there.
    fn placed(&self, tx: &Tx, mut server: Server, choice: &Choice) -> Result<Outcome, Fault> {
        let mut choice = choice.clone();
        for _ in 0..2 {
            let Some(candidate) = &choice.chosen else {
                let message = "No valid host was found. There are not enough hosts available.";
                failed(tx, &mut server, message, &choice.explained())?;
                return Ok(Outcome::Done);
            };
            match self.claim(tx, &mut server, candidate) {
                Ok(()) => return self.wired(tx, server),
                Err(fault) if fault.kind == Kind::Conflict => {
                    // Somebody was quicker. What is there now is looked at in here, where nobody can be quicker.
                    let (request, places) = self.places(tx, &server)?;
                    choice = scheduler::choose(&request, &places);
                    // The host may have gone for a moment since the snapshot: the next round waits for it.
                    if choice.chosen.is_none()
                        && scheduler::worth_waiting(&request, &places, tx.now()).is_some()
                    {
                        return Ok(Outcome::Progress);
                    }
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(Outcome::Progress)
    }

    fn claim(&self, tx: &Tx, server: &mut Server, candidate: &Candidate) -> Result<(), Fault> {
        if let Some(group) =
            rows::group::group_of(tx, &server.id)?.filter(|_| server.detail.forced_host.is_none())
        {
            let hosts = rows::group::group_hosts(tx, &group.id, &server.id)?;
            let on = |here: bool| -> u64 {
                let counted = hosts.iter().filter(|(host, _)| (*host == candidate.provider_id) == here);
                counted.map(|(_, count)| count).sum()
            };
            if !group_allows(&group, on(true), on(false)) {
                return Err(Fault::conflict(format!(
                    "{} instance group policy was violated",
                    group.policy.word()
                )));
            }
        }
        let flavor = &server.detail.flavor;
        let amounts = flavor.amounts(flavor.root_gib);
        self.placement.claim(tx, &server.id, candidate, &amounts, &server.project_id, &server.user_id)?;
        let zone = rows::aggregate::zone_of_host(tx, &candidate.name)?;
        server.zone = zone.unwrap_or_else(|| self.settings.zone.clone());
        server.host_id = Some(candidate.provider_id.clone());
        server.host = Some(candidate.name.clone());
        server.phase = Phase::Building;
        Ok(())
    }

    fn wired(&self, tx: &Tx, mut server: Server) -> Result<Outcome, Fault> {
        match self.order_ports(tx, &mut server) {
            Ok(()) => {
                server.updated_at = tx.now();
                // What its host must hold is known with its ports; a round of its own would only find the same.
                self.revised(tx, &mut server)?;
                rows::server::server_save(tx, &server)?;
                Ok(Outcome::Progress)
            }
            Err(fault) if matches!(fault.kind, Kind::Bug | Kind::Unavailable) => Err(fault),
            Err(fault) => {
                self.give_back(tx, &mut server)?;
                let message = format!("Build of instance {} aborted: {}", server.id, fault.public());
                failed(tx, &mut server, &message, fault.public())?;
                Ok(Outcome::Done)
            }
        }
    }

    /// Orders and takes the ports that were asked for, in order, and binds them to the host.
    fn order_ports(&self, tx: &Tx, server: &mut Server) -> Result<(), Fault> {
        let who = Who {
            user_id: server.user_id.clone(),
            project_id: Some(server.project_id.clone()),
            roles: server.detail.owner_roles.clone(),
            ..Who::default()
        };
        let asked = match &server.detail.networks {
            Asked::These(asked) => asked.clone(),
            Asked::Auto | Asked::None => Vec::new(),
        };
        for AskedPort { network_id, port_id, fixed_ip, tag } in asked {
            let mut order = order_for(server);
            order.fixed_ip = fixed_ip;
            let port = match (port_id, network_id) {
                (Some(port_id), _) => self.networks.port_take(tx, &port_id, &order)?,
                (None, Some(network_id)) => {
                    order.network_id = network_id;
                    self.networks.port_order(tx, &who, &order)?
                }
                (None, None) => continue,
            };
            if let Some(tag) = tag {
                server.detail.port_tags.insert(port.id.clone(), tag);
            }
            server.detail.ports.push(port.id);
        }
        self.networks.ports_bind(tx, &server.id, server.host.as_deref())
    }

    /// The host's room and the ports are free again.
    fn give_back(&self, tx: &Tx, server: &mut Server) -> Result<(), Fault> {
        for port in self.networks.ports_of(tx, &server.id)? {
            self.networks.port_give_back(tx, &port.id)?;
        }
        self.placement.release(tx, &server.id)?;
        server.detail.ports.clear();
        (server.host_id, server.host) = (None, None);
        (server.seen, server.sent_revision) = (None, 0);
        Ok(())
    }

    fn fell(&self, tx: &Tx, mut server: Server, message: &str, details: &str) -> Result<Outcome, Fault> {
        server.deleting = false;
        failed(tx, &mut server, message, details)?;
        Ok(Outcome::Progress)
    }

    fn bury(&self, tx: &Tx, mut server: Server) -> Result<Outcome, Fault> {
        let Some(host_id) = server.host_id.clone() else { return Ok(Outcome::Progress) };
        server.revision += 1;
        server.phase = Phase::Buried;
        let tombstone = Tombstone {
            server_id: server.id.clone(),
            host_id,
            incarnation: server.incarnation,
            revision: server.revision,
            gone: false,
        };
        rows::tombstone::tombstone_put(tx, &tombstone)?;
        want(tx, TOMBSTONE, &tombstone.key())?;
        rows::server::server_save(tx, &server)?;
        Ok(Outcome::Progress)
    }

    fn finish(&self, tx: &Tx, mut server: Server) -> Result<Outcome, Fault> {
        self.give_back(tx, &mut server)?;
        if server.deleting {
            buried(tx, &mut server)?;
            return Ok(Outcome::Gone);
        }
        server.phase = Phase::Failed;
        rows::server::server_save(tx, &server)?;
        Ok(Outcome::Done)
    }

    fn revise(&self, tx: &Tx, mut server: Server) -> Result<Outcome, Fault> {
        match self.revised(tx, &mut server)? {
            None => return Ok(Outcome::Done),
            Some(true) => rows::server::server_save(tx, &server)?,
            Some(false) => {}
        }
        Ok(Outcome::Progress)
    }

    /// Counts a new revision if the host must hold something else than at the last one, and says whether. `None` for a
    /// server that no host can hold.
    fn revised(&self, tx: &Tx, server: &mut Server) -> Result<Option<bool>, Fault> {
        let ports = self.networks.ports_of(tx, &server.id)?;
        let Some(spec) = spec::of(server, &ports, &self.settings.dns_domain) else { return Ok(None) };
        let digest = wanted(server, &spec, tx.timeline()).digest();
        let newer = server.revision == 0 || digest != server.digest;
        if newer {
            server.revision += 1;
            server.digest = digest;
        }
        Ok(Some(newer))
    }

    fn was_sent(
        &self,
        tx: &Tx,
        mut server: Server,
        sent: Option<(i64, i64)>,
        met: &Met,
    ) -> Result<Outcome, Fault> {
        match met {
            Met::Well => {
                if let Some((_, revision)) =
                    sent.filter(|(incarnation, _)| *incarnation == server.incarnation)
                {
                    server.sent_revision = server.sent_revision.max(revision);
                    rows::server::server_save(tx, &server)?;
                    return Ok(Outcome::Progress);
                }
                // The host goes on by itself with its images, and says so.
                let until = server.deadline.unwrap_or(tx.now().plus(SOON));
                Ok(Outcome::Wait { reason: "the host has its images".to_owned(), until, on: Vec::new() })
            }
            Met::Away => {
                Ok(Outcome::Failed { reason: "its host is away".to_owned(), retry_at: tx.now().plus(SOON) })
            }
            Met::Stale(held) => outrank(tx, server, *held),
            Met::Never(why) => {
                let message = match server.phase {
                    Phase::Building => format!("Build of instance {} aborted: {why}", server.id),
                    _ => why.clone(),
                };
                self.fell(tx, server, &message, why)
            }
            Met::Later(why) => {
                server.seen_problem = Some(why.clone());
                rows::server::server_save(tx, &server)?;
                Ok(Outcome::Failed { reason: why.clone(), retry_at: tx.now().plus(SOON) })
            }
        }
    }

    fn launch(&self, tx: &Tx, mut server: Server) -> Result<Outcome, Fault> {
        let runs =
            server.seen.as_ref().is_some_and(|seen| seen.state == MachineState::Running) && server.answered();
        if !runs || !self.networks.ports_of(tx, &server.id)?.iter().all(|port| port.up) {
            return Ok(Outcome::Progress);
        }
        server.phase = Phase::Live;
        server.launched_at = Some(tx.now());
        server.updated_at = tx.now();
        (server.deadline, server.fault, server.failed) = (None, None, false);
        if let Some(number) = server.detail.action.take() {
            action::action_end(tx, number, server.host.as_deref(), None)?;
        }
        rows::server::server_save(tx, &server)?;
        Ok(Outcome::Progress)
    }
}

/// Neither its users nor its host have said anything since the round began.
fn same_news(snapshot: &Snapshot, server: &Server) -> bool {
    let news = |server: &Server| (server.generation, server.seen_epoch, server.seen_sequence);
    snapshot.server.as_ref().map(news) == Some(news(server))
}

/// The host holds something newer than we know of, as after a restore: what we want goes beyond it.
fn outrank(tx: &Tx, mut server: Server, held: Rank) -> Result<Outcome, Fault> {
    let (timeline, incarnation, revision) = held;
    if timeline > tx.timeline() {
        let reason = "the host holds a later timeline than this store's".to_owned();
        return Ok(Outcome::Failed { reason, retry_at: tx.now().plus(SOON) });
    }
    if incarnation >= server.incarnation {
        server.incarnation = incarnation;
        server.revision = server.revision.max(revision);
    }
    server.digest.clear();
    rows::server::server_save(tx, &server)?;
    Ok(Outcome::Progress)
}

/// A server goes to ERROR with its reason. One that was being built is taken down again; one that had run is left.
pub(super) fn failed(tx: &Tx, server: &mut Server, message: &str, details: &str) -> Result<(), Fault> {
    let message: String = message.chars().take(255).collect();
    let host = server.host.clone();
    if let Some(number) = server.detail.action.take() {
        action::action_end(tx, number, host.as_deref(), Some(("Error", details)))?;
    }
    server.fault = Some(ServerFault { code: 500, message, details: details.to_owned(), at: tx.now() });
    server.failed = true;
    (server.task, server.deadline) = (None, None);
    if matches!(server.phase, Phase::Scheduling | Phase::Building) {
        server.phase = Phase::Failed;
    }
    server.updated_at = tx.now();
    rows::server::server_save(tx, server)
}
