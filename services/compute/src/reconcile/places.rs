//! What the scheduler looks at: hosts with their stock, their use and their group members, read in one transaction.
//!
//! Hosts come by their room, the roomiest first, and no further ones are read once one fits that no later one can be
//! better than: of ten thousand hosts a handful is looked at. All are read when none fits, so that all refusals are told.

use crate::Compute;
use crate::model::scheduler::{self, Place, Request};
use crate::model::server::Server;
use crate::store as rows;
use crate::store::host::Seat;
use contract::placement::Candidate;
use fault::Fault;
use std::collections::BTreeMap;
use std::time::Duration;
use store::Tx;

/// How long after its last sign of life a host is still expected back: Nova's `service_down_time`.
pub(super) const DOWN: Duration = Duration::from_secs(60);
/// So many hosts are read at first, and so many at a time when those did not do.
const FIRST_PAGE: usize = 8;
const LAST_PAGE: usize = 512;

impl Compute {
    /// What a server asks for, and the places that it could go to: the best one is among them.
    pub(crate) fn places(&self, tx: &Tx, server: &Server) -> Result<(Request, Vec<Place>), Fault> {
        let request = self.request(tx, server)?;
        let group_hosts = match &request.group {
            Some(group) => rows::group::group_hosts(tx, &group.id, &server.id)?,
            None => Vec::new(),
        };
        let members: BTreeMap<String, u64> = group_hosts.into_iter().collect();
        let request = Request { group_is_somewhere: !members.is_empty(), ..request };
        let by_room = scheduler::prefers_by_room(&request);
        let (mut places, mut page) = (Vec::new(), FIRST_PAGE);
        loop {
            let candidates = self.placement.roomiest(tx, places.len(), page)?;
            let last = candidates.len() < page;
            let begin = places.len();
            let ids: Vec<String> = candidates.iter().map(|one| one.provider_id.clone()).collect();
            let mut seats = rows::host::seats(tx, &ids)?;
            for candidate in candidates {
                let seat = seats.remove(&candidate.provider_id);
                places.push(seat.map(|seat| self.place(tx, server, &members, candidate, seat)).transpose()?);
            }
            let found = places[begin..].iter().flatten().any(|place| scheduler::fits(&request, place));
            if last || (found && by_room) {
                return Ok((request, places.into_iter().flatten().collect()));
            }
            page = (page * 4).min(LAST_PAGE);
        }
    }

    /// What there is to know of a host. A provider that is no host of ours, or a host without service, has no seat.
    fn place(
        &self,
        tx: &Tx,
        server: &Server,
        members: &BTreeMap<String, u64>,
        candidate: Candidate,
        host: Seat,
    ) -> Result<Place, Fault> {
        let (required, forbidden) = server.detail.flavor.traits();
        let mut misfits = Vec::new();
        if !required.is_empty() || !forbidden.is_empty() {
            let traits = self.placement.traits(tx, &candidate.provider_id)?;
            misfits.extend(required.into_iter().filter(|one| !traits.contains(one)));
            misfits.extend(forbidden.into_iter().filter(|one| traits.contains(one)));
        }
        Ok(Place {
            up: host.up && !host.forced_down,
            expected: (!host.up && !host.forced_down).then(|| host.seen_at.plus(DOWN)),
            disabled: host.disabled.then(|| host.disabled_reason.unwrap_or_default()),
            zone: host.zone.unwrap_or_else(|| self.settings.zone.clone()),
            members: members.get(&candidate.provider_id).copied().unwrap_or(0),
            traits: misfits,
            candidate,
        })
    }

    fn request(&self, tx: &Tx, server: &Server) -> Result<Request, Fault> {
        let detail = &server.detail;
        let named = |hint: &str| -> Vec<String> {
            match detail.hints.get(hint) {
                Some(serde_json::Value::String(one)) => vec![one.clone()],
                Some(serde_json::Value::Array(many)) => {
                    many.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
                }
                _ => Vec::new(),
            }
        };
        let hosts_of = |ids: Vec<String>| -> Result<Vec<String>, Fault> {
            let hosts: Result<Vec<_>, Fault> =
                ids.iter().map(|id| rows::server::server_host(tx, id)).collect();
            Ok(hosts?.into_iter().flatten().collect())
        };
        let same = named("same_host");
        Ok(Request {
            amounts: detail.flavor.amounts(detail.flavor.root_gib),
            zone: server.pinned_zone.clone(),
            forced: detail.forced_host.clone(),
            asked: detail.asked_host.clone(),
            tried: detail.tried.clone(),
            same: if same.is_empty() { None } else { Some(hosts_of(same)?) },
            different: hosts_of(named("different_host"))?,
            group: rows::group::group_of(tx, &server.id)?,
            group_is_somewhere: false,
        })
    }
}
