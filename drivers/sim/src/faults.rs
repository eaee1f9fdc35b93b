//! Faults on demand: rules that say what goes wrong, and when.
//!
//! A rule has a match and an effect. Some effects stand in the way of a request, some befall a host's machines or disks
//! when they are asked for something, and some take a whole host away for as long as the rule is there. What does not go
//! together (a dropped connection on a host) is refused when the rule is made.

use crate::Timing;
use kernel::{Entropy, Micros};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a rule applies to: all of what it says must be the case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// The service's type (`compute`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The operation (`server_create`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path; a star stands for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// An id: a part of the path, or the server that a host works at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The host; a star stands for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Only the call of this number, from one, of those that match otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// At most so often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Of the calls that match otherwise, such a share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

/// What goes wrong. Those that say nothing more have braces, so that more is refused: serde lets it pass otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// The request gets this answer.
    Status {
        /// The status.
        status: u16,
        /// The body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
    },
    /// The request waits first.
    Delay {
        /// So long.
        time: String,
    },
    /// The connection is closed without an answer.
    Drop {},
    /// The request would exceed a quota.
    QuotaExhausted {},
    /// The caller's token is not valid any more.
    TokenExpired {},
    /// The host's agent is away, its machines run on.
    AgentGone {},
    /// The host is off: agent and machines. When it is back its machines are stopped.
    PowerLoss {},
    /// Nothing more can be written to the host's disk.
    DiskFull {},
    /// Machines take longer to boot.
    SlowBoot {
        /// By so much.
        time: String,
    },
    /// Machines do not boot.
    BootFailure {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// Where an effect sets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Request,
    Host,
    Disk,
    Boot,
}

impl Effect {
    pub(crate) const fn stage(&self) -> Stage {
        match self {
            Self::Status { .. }
            | Self::Delay { .. }
            | Self::Drop {}
            | Self::QuotaExhausted {}
            | Self::TokenExpired {} => Stage::Request,
            Self::AgentGone {} | Self::PowerLoss {} => Stage::Host,
            Self::DiskFull {} => Stage::Disk,
            Self::SlowBoot { .. } | Self::BootFailure { .. } => Stage::Boot,
        }
    }

    /// The time that it says, if it says one.
    pub(crate) fn time(&self) -> Option<&str> {
        match self {
            Self::Delay { time } | Self::SlowBoot { time } => Some(time),
            _ => None,
        }
    }
}

/// What users ask for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// When.
    #[serde(default, rename = "match", deserialize_with = "object")]
    pub when: Match,
    /// What.
    #[serde(deserialize_with = "object")]
    pub effect: Effect,
}

/// Reads an object: left to itself serde takes a list for one, its members in order.
pub(crate) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<T, D::Error> {
    let members = serde_json::Map::<String, Value>::deserialize(from)?;
    T::deserialize(Value::Object(members)).map_err(D::Error::custom)
}

/// A rule, and how often it has come into question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// When.
    #[serde(rename = "match")]
    pub when: Match,
    /// What.
    pub effect: Effect,
    /// How many calls have matched what it says of calls; how many hosts, if it takes hosts away.
    pub seen: u64,
    /// How many of them it has hit. A host is hit from the moment at which the rule is made.
    pub hits: u64,
    /// When it was made.
    #[serde(skip)]
    pub made_at: Micros,
}

/// Something that may go wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Event<'a> {
    pub service: &'a str,
    pub operation: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    /// Other ways to write the path.
    pub spelled: &'a [String],
    pub host: &'a str,
    /// The server that a host works at.
    pub resource: &'a str,
}

/// The rules.
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
    entropy: Entropy,
}

impl Faults {
    pub(crate) fn new(entropy: Entropy) -> Self {
        Self { rules: Mutex::default(), entropy }
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule for a cloud of these hosts. The error is a sentence.
    pub(crate) fn add(&self, asked: Asked, hosts: &[String], now: Micros) -> Result<Rule, String> {
        check(&asked)?;
        let Asked { when, effect } = asked;
        let taken = |host: &&String| {
            effect.stage() == Stage::Host && fits(&when, Event { host: host.as_str(), ..Event::default() })
        };
        let taken = hosts.iter().filter(taken).count() as u64;
        let rule =
            Rule { id: self.entropy.dashed_id(), when, effect, seen: taken, hits: taken, made_at: now };
        self.rules().push(rule.clone());
        Ok(rule)
    }

    /// All rules, in the order in which they were made.
    pub(crate) fn list(&self) -> Vec<Rule> {
        self.rules().clone()
    }

    /// Removes one; says whether it was there.
    pub(crate) fn remove(&self, id: &str) -> bool {
        let mut rules = self.rules();
        let before = rules.len();
        rules.retain(|rule| rule.id != id);
        rules.len() < before
    }

    pub(crate) fn clear(&self) {
        self.rules().clear();
    }

    /// A time, as far off its middle as chance has it.
    pub(crate) fn draw(&self, time: Timing) -> Duration {
        time.draw(&self.entropy)
    }

    /// Removes what a login would run into.
    pub(crate) fn let_in(&self) {
        let path = "/identity/v3/auth/tokens";
        let (service, operation, spelled) = ("identity", "token_create", ["/v3/auth/tokens".to_owned()]);
        let login = Event { service, operation, method: "POST", path, spelled: &spelled, ..Event::default() };
        self.rules().retain(|rule| rule.effect.stage() != Stage::Request || !fits(&rule.when, login));
    }

    /// What goes wrong now, of what may go wrong at this stage.
    pub(crate) fn strike(&self, stage: Stage, event: Event<'_>) -> Vec<Effect> {
        let mut rules = self.rules();
        let rules = rules.iter_mut().filter(|rule| rule.effect.stage() == stage);
        rules.filter_map(|rule| self.hits(rule, event).then(|| rule.effect.clone())).collect()
    }

    fn hits(&self, rule: &mut Rule, event: Event<'_>) -> bool {
        let when = &rule.when;
        if !fits(when, event) {
            return false;
        }
        rule.seen += 1;
        let its_turn =
            when.nth.is_none_or(|nth| nth == rule.seen) && when.times.is_none_or(|times| rule.hits < times);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let lucky = |share: f64| (self.entropy.below(1 << 32) as f64) < share * (1u64 << 32) as f64;
        let hit = its_turn && when.probability.is_none_or(lucky);
        rule.hits += u64::from(hit);
        hit
    }

    /// The effects that a host is under as long as they are there.
    pub(crate) fn on_host(&self, host: &str) -> Vec<Effect> {
        let rules = self.rules();
        let own = rules.iter().filter(|rule| rule.effect.stage() == Stage::Host);
        own.filter(|rule| fits(&rule.when, Event { host, ..Event::default() }))
            .map(|rule| rule.effect.clone())
            .collect()
    }
}

fn fits(when: &Match, event: Event<'_>) -> bool {
    let same = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
    let like = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| matches(wanted, is));
    let paths = || event.spelled.iter().map(String::as_str).chain([event.path]);
    // The site takes no notice of slashes at the end.
    let leads = |wanted: &String| {
        let bare = |path: &str| matches(wanted.trim_end_matches('/'), path.trim_end_matches('/'));
        paths().any(|path| matches(wanted, path) || bare(path))
    };
    let named = |id: &String| paths().any(|path| path.split('/').any(|part| part == id));
    let names = |id: &String| event.resource == id || named(id);
    same(&when.service, event.service)
        && same(&when.operation, event.operation)
        && when.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(event.method))
        && when.path.as_ref().is_none_or(leads)
        && like(&when.host, event.host)
        && when.resource.as_ref().is_none_or(names)
}

/// Whether a pattern with stars stands for a text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(tail)
}

/// Says what is wrong with a rule.
fn check(asked: &Asked) -> Result<(), String> {
    let Asked { when, effect } = asked;
    let of_request = [
        ("service", when.service.is_some()),
        ("operation", when.operation.is_some()),
        ("method", when.method.is_some()),
        ("path", when.path.is_some()),
    ];
    let of_calls = [
        ("nth", when.nth.is_some()),
        ("times", when.times.is_some()),
        ("probability", when.probability.is_some()),
    ];
    let named = |names: &[(&'static str, bool)]| names.iter().find(|(_, said)| *said).map(|(name, _)| *name);
    let stray = match effect.stage() {
        Stage::Request => when.host.as_ref().map(|_| "host"),
        Stage::Disk | Stage::Boot => named(&of_request),
        Stage::Host => named(&of_request).or(named(&of_calls)).or(when.resource.as_ref().map(|_| "resource")),
    };
    if let Some(stray) = stray {
        return Err(format!("This effect does not go with a match by {stray}."));
    }
    if effect.stage() == Stage::Host && when.host.is_none() {
        return Err("This effect needs a match by host; a star stands for all.".to_owned());
    }
    if when.resource.as_ref().is_some_and(String::is_empty) {
        return Err("A resource is matched by an id.".to_owned());
    }
    if when.nth == Some(0) || when.times == Some(0) {
        return Err("nth and times are counted from one.".to_owned());
    }
    if when.probability.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
        return Err("A probability lies between 0 and 1.".to_owned());
    }
    if let Effect::Status { status, .. } = effect
        && !(200..=599).contains(status)
    {
        return Err(format!("{status} is no status of an answer."));
    }
    match effect.time().map(str::parse::<Timing>) {
        Some(Err(why)) => Err(format!("{why}.")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(text: Value) -> Result<Asked, String> {
        let asked: Asked = serde_json::from_value(text).map_err(|error| error.to_string())?;
        check(&asked).map(|()| asked)
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, fit) in [
            ("r1-*", "r1-07", true),
            ("r1-*", "r11", false),
            ("*", "", true),
            ("/compute/*/servers/*", "/compute/v2.1/servers/x", true),
            ("/compute/*/servers/*", "/compute/v2.1/flavors/x", false),
            ("a*b*b", "ab", false),
            ("a*b", "acb", true),
            ("same", "same", true),
            ("same", "sames", false),
        ] {
            assert_eq!(matches(pattern, text), fit, "{pattern} {text}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (text, says) in [
            (json!({"effect": {"kind": "explode"}}), "unknown variant `explode`"),
            (json!({"effect": {"kind": "drop"}, "match": {"hots": "a"}}), "unknown field `hots`"),
            (json!({"effect": {"kind": "drop"}, "match": {"host": "a"}}), "a match by host"),
            (json!({"effect": {"kind": "disk-full"}, "match": {"path": "/"}}), "a match by path"),
            (json!({"effect": {"kind": "power-loss"}}), "needs a match by host"),
            (json!({"effect": {"kind": "agent-gone"}, "match": {"host": "a", "nth": 2}}), "a match by nth"),
            (json!({"effect": {"kind": "status", "status": 99}}), "99 is no status"),
            (json!({"effect": {"kind": "delay", "time": "soon"}}), "is no time"),
            (json!({"effect": {"kind": "drop"}, "match": {"probability": 1.5}}), "between 0 and 1"),
            (json!({"effect": {"kind": "drop"}, "match": {"nth": 0}}), "from one"),
            (json!({"match": {}}), "missing field `effect`"),
            (json!({"effect": {"kind": "drop"}, "match": []}), "expected a map"),
            (json!({"effect": {"kind": "drop"}, "match": null}), "expected a map"),
            (json!({"effect": ["drop"]}), "expected a map"),
            (json!({"effect": {"kind": "drop", "status": 503, "junk": 1}}), "unknown field"),
            (json!({"effect": {"kind": "quota-exhausted", "junk": 1}}), "unknown field `junk`"),
            (json!({"effect": {"kind": "token-expired", "junk": 1}}), "unknown field `junk`"),
            (json!({"effect": {"kind": "disk-full", "junk": 1}}), "unknown field `junk`"),
            (
                json!({"effect": {"kind": "agent-gone", "junk": 1}, "match": {"host": "*"}}),
                "unknown field `junk`",
            ),
            (
                json!({"effect": {"kind": "power-loss", "junk": 1}, "match": {"host": "*"}}),
                "unknown field `junk`",
            ),
            (json!({"effect": {"kind": "disk-full"}, "match": {"resource": ""}}), "an id"),
        ] {
            let said = asked(text.clone()).unwrap_err();
            assert!(said.contains(says), "{text} says {said}");
        }
    }

    #[test]
    fn a_path_is_matched_however_it_is_written() {
        let spelled = ["/network/v2.0/networks/n1".to_owned(), "/v2.0/networks/n1".to_owned()];
        let event =
            |path| Event { service: "network", method: "GET", path, spelled: &spelled, ..Event::default() };
        for when in [
            json!({"path": "/network/v2.0/networks/n1"}),
            json!({"path": "/network/v2.0/networks/n1/"}),
            json!({"path": "/v2.0/networks/*"}),
            json!({"path": "/network/v2.0/networks/*"}),
            json!({"resource": "n1"}),
        ] {
            let rule = asked(json!({"match": when, "effect": {"kind": "drop"}})).unwrap();
            for path in
                ["/network/v2.0/networks/n1", "/network/v2.0/networks/n1//", "/network/v2.0/networks/n1.json"]
            {
                assert!(fits(&rule.when, event(path)), "{when} {path}");
            }
        }
        let other = asked(json!({"match": {"path": "/network/v2.0/networks"}, "effect": {"kind": "drop"}}));
        assert!(!fits(&other.unwrap().when, event("/network/v2.0/networks/n1")));
    }

    #[test]
    fn whoever_is_let_in_meets_no_fault_and_other_faults_stay() {
        let faults = Faults::new(Entropy::seeded(1));
        let add = |text| faults.add(asked(text).unwrap(), &[], Micros(1)).unwrap().id;
        for when in [
            json!({}),
            json!({"service": "identity"}),
            json!({"operation": "token_create", "nth": 7}),
            json!({"method": "post", "probability": 0.5}),
            json!({"path": "/v3/*"}),
            json!({"path": "/identity/*"}),
        ] {
            add(json!({"match": when, "effect": {"kind": "token-expired"}}));
        }
        let stay = [
            add(json!({"match": {"service": "network"}, "effect": {"kind": "drop"}})),
            add(json!({"match": {"operation": "project_list"}, "effect": {"kind": "drop"}})),
            add(json!({"match": {"host": "*"}, "effect": {"kind": "agent-gone"}})),
            add(json!({"effect": {"kind": "boot-failure"}})),
        ];
        faults.let_in();
        let left: Vec<String> = faults.list().into_iter().map(|rule| rule.id).collect();
        assert_eq!(left, stay);
    }

    #[test]
    fn calls_are_counted_and_hit_as_the_rule_says() {
        let faults = Faults::new(Entropy::seeded(1));
        let hosts = ["a-1", "a-2", "b-1"].map(str::to_owned);
        let add = |text| faults.add(asked(text).unwrap(), &hosts, Micros(1)).unwrap();
        add(json!({"match": {"operation": "server_create", "nth": 2}, "effect": {"kind": "drop"}}));
        add(json!({"match": {"resource": "s1", "times": 1}, "effect": {"kind": "status", "status": 503}}));
        add(json!({"match": {"probability": 0.25}, "effect": {"kind": "delay", "time": "1s"}}));
        add(json!({"match": {"host": "a-*"}, "effect": {"kind": "agent-gone"}}));
        let call = |operation, path| {
            let event = Event { service: "compute", operation, method: "POST", path, ..Event::default() };
            faults.strike(Stage::Request, event)
        };
        let dropped: Vec<bool> =
            (0..4).map(|_| call("server_create", "/servers").contains(&Effect::Drop {})).collect();
        assert_eq!(dropped, [false, true, false, false]);
        let status =
            |effects: Vec<Effect>| effects.iter().any(|effect| matches!(effect, Effect::Status { .. }));
        assert!(status(call("server_show", "/servers/s1")) && !status(call("server_show", "/servers/s1")));
        for _ in 0..994 {
            call("flavor_list", "/flavors");
        }
        let rules = faults.list();
        let counts: Vec<_> = rules.iter().map(|rule| (rule.seen, rule.hits)).collect();
        assert_eq!(counts[..2], [(4, 1), (2, 1)]);
        assert!(counts[2].0 == 1000 && (200..300).contains(&counts[2].1), "{counts:?}");
        assert_eq!(counts[3], (2, 2), "a rule that takes hosts away counts them");
        assert_eq!((faults.on_host("a-1").len(), faults.on_host("b-1").len()), (1, 0));
        assert!(faults.remove(&rules[3].id) && !faults.remove(&rules[3].id));
        assert!(faults.on_host("a-1").is_empty());
    }
}
