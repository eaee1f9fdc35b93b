//! What the scheduler looks at: every host with its stock, its use and its group members, read in one transaction.

use crate::Compute;
use crate::model::scheduler::{Place, Request};
use crate::model::server::Server;
use crate::store as rows;
use contract::placement::{Amounts, Candidate};
use fault::Fault;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;
use store::Tx;

/// How long after its last sign of life a host is still expected back: Nova's `service_down_time`.
const DOWN: Duration = Duration::from_secs(60);

impl Compute {
    /// What a server asks for, and every place that it could go to.
    pub(crate) fn places(&self, tx: &Tx, server: &Server) -> Result<(Request, Vec<Place>), Fault> {
        let request = self.request(tx, server)?;
        let group_hosts = match &request.group {
            Some(group) => rows::group::group_hosts(tx, &group.id, &server.id)?,
            None => Vec::new(),
        };
        let members: BTreeMap<String, u64> = group_hosts.into_iter().collect();
        let request = Request { group_is_somewhere: !members.is_empty(), ..request };
        let (required, forbidden) = server.detail.flavor.traits();
        let fitting = self.with_traits(tx, &required, &forbidden)?;
        let services = self.services(tx)?;
        let hosts: HashMap<String, _> =
            rows::host::host_list(tx)?.into_iter().map(|host| (host.id.clone(), host)).collect();
        let mut places = Vec::new();
        for candidate in self.everywhere(tx, &request.amounts)? {
            // A provider that is no host of ours is somebody else's.
            let Some(host) = hosts.get(&candidate.provider_id) else { continue };
            let service =
                services.iter().find(|service| service.kind == "nova-compute" && service.host == host.name);
            let Some(service) = service else { continue };
            let misfits = fitting.as_ref().is_some_and(|fitting| !fitting.contains(&candidate.provider_id));
            places.push(Place {
                up: host.up && !service.forced_down,
                expected: (!host.up && !service.forced_down).then(|| host.seen_at.plus(DOWN)),
                disabled: service.disabled.then(|| service.disabled_reason.clone().unwrap_or_default()),
                zone: service.zone.clone(),
                members: members.get(&candidate.provider_id).copied().unwrap_or(0),
                traits: if misfits {
                    required.iter().chain(&forbidden).cloned().collect()
                } else {
                    Vec::new()
                },
                candidate,
            });
        }
        Ok((request, places))
    }

    /// Every provider, whether it has room or not: refusals are explained.
    fn everywhere(&self, tx: &Tx, amounts: &Amounts) -> Result<Vec<Candidate>, Fault> {
        let all = self.placement.candidates(tx, &Amounts::new(), &[], &[])?;
        if all.is_empty() { self.placement.candidates(tx, amounts, &[], &[]) } else { Ok(all) }
    }

    /// The providers whose traits fit; `None` when there are no wishes.
    fn with_traits(
        &self,
        tx: &Tx,
        required: &[String],
        forbidden: &[String],
    ) -> Result<Option<HashSet<String>>, Fault> {
        if required.is_empty() && forbidden.is_empty() {
            return Ok(None);
        }
        let found = self.placement.candidates(tx, &Amounts::new(), required, forbidden)?;
        Ok(Some(found.into_iter().map(|candidate| candidate.provider_id).collect()))
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
