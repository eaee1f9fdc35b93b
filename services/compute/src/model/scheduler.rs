//! Where a server goes: filters that say why not, then weighers. Pure: it decides on a snapshot.

use crate::model::group::{Group, Policy};
use contract::placement::{Amounts, Candidate};
use kernel::Micros;
use std::collections::BTreeMap;

/// A host that a server could go to.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// What placement knows of it.
    pub candidate: Candidate,
    /// Its agent is connected and nobody says that it is dead.
    pub up: bool,
    /// Its agent went a moment ago; until then it is expected back.
    pub expected: Option<Micros>,
    /// Its service takes new servers; else why not.
    pub disabled: Option<String>,
    /// Its availability zone.
    pub zone: String,
    /// Servers of the group that are on it.
    pub members: u64,
    /// Traits that are missing or forbidden.
    pub traits: Vec<String>,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// How much of a host.
    pub amounts: Amounts,
    /// Only in this availability zone.
    pub zone: Option<String>,
    /// On this host, whatever the filters say.
    pub forced: Option<String>,
    /// On this host, if the filters agree.
    pub asked: Option<String>,
    /// Not on these hosts, which were tried.
    pub tried: Vec<String>,
    /// On one of the hosts of these ids (hint `same_host`).
    pub same: Option<Vec<String>>,
    /// On none of the hosts of these ids (hint `different_host`).
    pub different: Vec<String>,
    /// The group that the server is in.
    pub group: Option<Group>,
    /// Some member of the group has a host already.
    pub group_is_somewhere: bool,
}

/// Where it goes, and why not elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The host; none when none will do.
    pub chosen: Option<Candidate>,
    /// Why not the others, by the host's name.
    pub refused: BTreeMap<String, String>,
}

impl Choice {
    /// The refusals as one sentence for operators.
    pub fn explained(&self) -> String {
        if self.refused.is_empty() && self.chosen.is_none() {
            return "There is no host.".to_owned();
        }
        self.refused.iter().map(|(host, why)| format!("{host}: {why}")).collect::<Vec<_>>().join("; ")
    }
}

/// Chooses a host.
pub fn choose(request: &Request, places: &[Place]) -> Choice {
    let mut refused = BTreeMap::new();
    let mut fitting = Vec::new();
    for place in places {
        match refusal(request, place) {
            Some(why) => drop(refused.insert(place.candidate.name.clone(), why)),
            None => fitting.push(place),
        }
    }
    let best = fitting.into_iter().max_by(|a, b| {
        let (left, right) = (weight(request, a), weight(request, b));
        // The last tie-breaker is the name, so that the same snapshot always gives the same answer.
        left.total_cmp(&right).then_with(|| b.candidate.name.cmp(&a.candidate.name))
    });
    Choice { chosen: best.map(|place| place.candidate.clone()), refused }
}

/// Whether the server can go there.
pub fn fits(request: &Request, place: &Place) -> bool {
    refusal(request, place).is_none()
}

/// Whether room alone decides between places that fit: then the roomiest of them is the best.
pub fn prefers_by_room(request: &Request) -> bool {
    let policy = request.group.as_ref().map(|group| group.policy);
    !matches!(policy, Some(Policy::SoftAffinity | Policy::SoftAntiAffinity))
}

/// Until when it is worth waiting for a host that would do and is expected back.
pub fn worth_waiting(request: &Request, places: &[Place], now: Micros) -> Option<Micros> {
    let back = |place: &&Place| !place.up && place.expected.is_some_and(|until| until > now);
    let as_if_up = |place: &Place| Place { up: true, ..place.clone() };
    let would_do = places.iter().filter(back).filter(|place| refusal(request, &as_if_up(place)).is_none());
    would_do.filter_map(|place| place.expected).max()
}

/// Why a server cannot go to a place: every reason, because whoever brings the agent back must not only then learn that
/// the host is full.
fn refusal(request: &Request, place: &Place) -> Option<String> {
    let away = (!place.up).then(|| "its agent is away".to_owned());
    let reasons: Vec<String> = match &request.forced {
        // An administrator who names a host goes past the filters; what is not there cannot be given all the same.
        Some(forced) => {
            let other = (*forced != place.candidate.name).then(|| format!("{forced} was asked for"));
            [away, other, missing(request, place)].into_iter().flatten().collect()
        }
        None => away.into_iter().chain(filtered(request, place)).collect(),
    };
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

/// What the filters say against a place.
fn filtered(request: &Request, place: &Place) -> impl Iterator<Item = String> {
    let provider = &place.candidate.provider_id;
    let zone = request.zone.as_ref().filter(|zone| **zone != place.zone);
    let asked = request.asked.as_ref().filter(|asked| **asked != place.candidate.name);
    let checks = [
        place.disabled.as_ref().map(|why| format!("its service is disabled{}", colon(why))),
        zone.map(|zone| format!("it is in zone {}, not in {zone}", place.zone)),
        asked.map(|asked| format!("{asked} was asked for")),
        request.tried.contains(provider).then(|| "it was tried already".to_owned()),
        request
            .same
            .as_ref()
            .filter(|same| !same.contains(provider))
            .map(|_| "same_host names servers elsewhere".to_owned()),
        request.different.contains(provider).then(|| "different_host names a server on it".to_owned()),
        (!place.traits.is_empty()).then(|| format!("traits do not fit: {}", place.traits.join(", "))),
        together(request, place),
        missing(request, place),
    ];
    checks.into_iter().flatten()
}

fn colon(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(": {why}") }
}

fn together(request: &Request, place: &Place) -> Option<String> {
    let group = request.group.as_ref()?;
    match group.policy {
        Policy::Affinity if request.group_is_somewhere && place.members == 0 => {
            Some(format!("the servers of group {} are elsewhere", group.name))
        }
        Policy::AntiAffinity if place.members >= group.most_per_host() => {
            Some(format!("{} server(s) of group {} are on it", place.members, group.name))
        }
        Policy::Affinity | Policy::AntiAffinity | Policy::SoftAffinity | Policy::SoftAntiAffinity => None,
    }
}

/// What there is not enough of.
fn missing(request: &Request, place: &Place) -> Option<String> {
    let lacking: Vec<String> = request
        .amounts
        .iter()
        .filter_map(|(class, amount)| {
            let free = place.candidate.free(class);
            (free < *amount).then(|| format!("{class} {amount} wanted, {free} free"))
        })
        .collect();
    (!lacking.is_empty()).then(|| lacking.join(", "))
}

/// How good a place is: how much room it has, then what the group would like.
#[expect(clippy::cast_precision_loss, reason = "counts of servers")]
fn weight(request: &Request, place: &Place) -> f64 {
    let liking = match request.group.as_ref().map(|group| group.policy) {
        Some(Policy::SoftAffinity) => place.members as f64,
        Some(Policy::SoftAntiAffinity) => -(place.members as f64),
        Some(Policy::Affinity | Policy::AntiAffinity) | None => 0.0,
    };
    // What the group would like counts more than any share of a host can.
    liking * 100.0 + place.candidate.room()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::placement::Stock;
    use serde_json::json;

    fn place(name: &str, free_mib: u64) -> Place {
        let stock = |total| Stock { total, reserved: 0, max_unit: total, allocation_ratio: 1.0 };
        Place {
            candidate: Candidate {
                provider_id: name.to_owned(),
                name: name.to_owned(),
                generation: 1,
                stock: BTreeMap::from([("VCPU".into(), stock(8)), ("MEMORY_MB".into(), stock(8192))]),
                used: BTreeMap::from([("MEMORY_MB".into(), 8192 - free_mib)]),
            },
            up: true,
            expected: None,
            disabled: None,
            zone: "nova".into(),
            members: 0,
            traits: Vec::new(),
        }
    }

    fn request(memory: u64) -> Request {
        Request { amounts: BTreeMap::from([("MEMORY_MB".into(), memory)]), ..Request::default() }
    }

    fn chosen(request: &Request, places: &[Place]) -> Option<String> {
        choose(request, places).chosen.map(|candidate| candidate.name)
    }

    #[test]
    fn the_freest_host_is_chosen_and_ties_go_by_name() {
        assert_eq!(chosen(&request(512), &[place("a", 1024), place("b", 4096)]).as_deref(), Some("b"));
        assert_eq!(chosen(&request(512), &[place("b", 1024), place("a", 1024)]).as_deref(), Some("a"));
    }

    #[test]
    fn each_refusal_says_why() {
        let (mut away, mut disabled) = (place("away", 8192), place("disabled", 8192));
        away.up = false;
        disabled.disabled = Some("maintenance".into());
        let choice = choose(&request(2048), &[away, disabled, place("full", 1024)]);
        assert_eq!(
            choice.explained(),
            "away: its agent is away; disabled: its service is disabled: maintenance; full: MEMORY_MB 2048 wanted, 1024 free"
        );
        assert_eq!(choice.chosen, None);
    }

    #[test]
    fn a_host_that_is_full_says_so_even_while_its_agent_is_away() {
        let mut away = place("away", 1024);
        (away.up, away.expected) = (false, Some(Micros(9)));
        let choice = choose(&request(2048), &[away.clone()]);
        assert_eq!(choice.explained(), "away: its agent is away, MEMORY_MB 2048 wanted, 1024 free");
        assert_eq!(worth_waiting(&request(2048), &[away], Micros(5)), None);
    }

    #[test]
    fn a_host_that_went_a_moment_ago_is_waited_for_if_it_would_do() {
        let mut away = place("away", 1024);
        (away.up, away.expected) = (false, Some(Micros(9)));
        let places = [away, place("full", 256)];
        assert_eq!(chosen(&request(512), &places), None);
        assert_eq!(worth_waiting(&request(512), &places, Micros(5)), Some(Micros(9)));
        assert_eq!(worth_waiting(&request(512), &places, Micros(9)), None, "it was expected until now");
        assert_eq!(worth_waiting(&request(2048), &places, Micros(5)), None, "it would not do");
    }

    #[test]
    fn groups_keep_apart_and_together() {
        let group = |policy, rules| Group {
            id: "g".into(),
            project_id: String::new(),
            user_id: String::new(),
            name: "pair".into(),
            policy,
            rules,
            members: Vec::new(),
        };
        let mut taken = place("a", 8192);
        taken.members = 1;
        let places = [taken, place("b", 1024)];
        let ask = |policy, rules| Request {
            group: Some(group(policy, rules)),
            group_is_somewhere: true,
            ..request(512)
        };
        assert_eq!(chosen(&ask(Policy::AntiAffinity, json!({})), &places).as_deref(), Some("b"));
        assert_eq!(
            chosen(&ask(Policy::AntiAffinity, json!({"max_server_per_host": 2})), &places).as_deref(),
            Some("a")
        );
        assert_eq!(chosen(&ask(Policy::Affinity, json!({})), &places).as_deref(), Some("a"));
        assert_eq!(chosen(&ask(Policy::SoftAntiAffinity, json!({})), &places).as_deref(), Some("b"));
        assert_eq!(chosen(&ask(Policy::AntiAffinity, json!({})), &places[..1]), None);
    }

    #[test]
    fn a_forced_host_goes_past_the_filters_but_not_past_its_size() {
        let mut disabled = place("a", 1024);
        disabled.disabled = Some(String::new());
        let mut forced = Request { forced: Some("a".into()), ..request(512) };
        assert_eq!(chosen(&forced, &[disabled.clone(), place("b", 8192)]).as_deref(), Some("a"));
        forced.amounts.insert("MEMORY_MB".into(), 2048);
        assert_eq!(chosen(&forced, &[disabled, place("b", 8192)]), None);
    }
}
