//! What users do to a cloud that dies under them, and what must be the case in the end.

use super::Given;
use super::cloud::{Cloud, HOSTS, Metals};
use metal::server::MachineState;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How many things are done to a cloud.
const DEEDS: u64 = 16;
/// How long a healed cloud may take to come to rest.
const REST: Duration = Duration::from_secs(900);

type Asked = JoinHandle<Option<(u16, Value)>>;

/// What was asked, as far as it is looked at later.
enum Deed {
    /// Something of this noun is made; its id is in the answer.
    Make(Noun),
    /// Something is deleted.
    Delete(String),
    Other,
}

/// What users have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noun {
    Server,
    Port,
    Network,
    Router,
    Group,
}

impl Noun {
    /// The word in bodies, and the path of the collection.
    const fn at(self) -> (&'static str, &'static str) {
        match self {
            Self::Server => ("server", "/compute/v2.1/servers"),
            Self::Port => ("port", "/network/v2.0/ports"),
            Self::Network => ("network", "/network/v2.0/networks"),
            Self::Router => ("router", "/network/v2.0/routers"),
            Self::Group => ("security_group", "/network/v2.0/security-groups"),
        }
    }
}

pub struct Life {
    given: Given,
    asked: Vec<(Deed, Asked)>,
    /// What was made, as far as was heard, and not given to anything since.
    made: BTreeMap<Noun, Vec<String>>,
    /// Deletions that were accepted.
    gone: BTreeSet<String>,
    loud: bool,
    pub accepted: u64,
    pub active: u64,
}

impl Life {
    pub fn new(given: Given) -> Self {
        let loud = std::env::var_os("TORTURE_SEED").is_some();
        let (asked, made, gone) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        Self { given, asked, made, gone, loud, accepted: 0, active: 0 }
    }

    fn say(&self, cloud: &Cloud, what: &str) {
        if self.loud {
            println!("{} {what}", cloud.clock().now().micros_z());
        }
    }

    pub async fn live(&mut self, cloud: &mut Cloud) {
        cloud.heal().await;
        cloud.pass(Duration::from_secs(2)).await;
        cloud.mortal.store(true, Ordering::SeqCst);
        for _ in 0..DEEDS {
            match cloud.dice.below(10) {
                0 => {
                    self.say(cloud, "kills the controller");
                    cloud.controller_kill();
                }
                1 => {
                    let number = self.host(cloud);
                    self.say(cloud, &format!("kills agent {number}"));
                    cloud.host_kill(number).await;
                }
                2 => {
                    let number = self.host(cloud);
                    self.say(cloud, &format!("cuts link {number}"));
                    cloud.link_cut(number);
                }
                _ => self.ask(cloud),
            }
            let span = Duration::from_millis(cloud.dice.below(400));
            cloud.pass(span).await;
            self.hear(cloud).await;
            if cloud.dice.below(3) > 0 {
                cloud.controller_start();
            }
            let number = self.host(cloud);
            cloud.host_start(number);
        }
    }

    fn host(&self, cloud: &Cloud) -> usize {
        usize::try_from(cloud.dice.below(HOSTS as u64)).unwrap()
    }

    fn any(cloud: &Cloud, of: &[String]) -> String {
        let place = usize::try_from(cloud.dice.below(of.len() as u64)).unwrap();
        of.get(place).cloned().unwrap_or_else(|| "none".to_owned())
    }

    fn one(&self, cloud: &Cloud, noun: Noun) -> String {
        Self::any(cloud, self.made.get(&noun).map_or(&[], Vec::as_slice))
    }

    fn server(&mut self, cloud: &Cloud) -> Value {
        let port =
            if cloud.dice.below(3) == 0 { self.made.entry(Noun::Port).or_default().pop() } else { None };
        let network = match port {
            Some(port) => json!({"port": port}),
            None => json!({"uuid": self.given.network}),
        };
        let image = Self::any(cloud, &self.given.images);
        json!({"name": "s", "imageRef": image, "flavorRef": self.given.flavor, "networks": [network]})
    }

    /// Asks for something, whoever is there to hear it.
    fn ask(&mut self, cloud: &Cloud) {
        let (deed, method, path, body) = match cloud.dice.below(24) {
            0..=5 => (Deed::Make(Noun::Server), "POST", Noun::Server.at().1.to_owned(), self.server(cloud)),
            6 | 7 => {
                let port = json!({"network_id": self.given.network});
                (Deed::Make(Noun::Port), "POST", Noun::Port.at().1.to_owned(), port)
            }
            number @ 8..=10 => {
                let noun = [Noun::Network, Noun::Router, Noun::Group][usize::try_from(number).unwrap() - 8];
                (Deed::Make(noun), "POST", noun.at().1.to_owned(), json!({"name": "x"}))
            }
            number @ 11..=16 => {
                let nouns =
                    [Noun::Server, Noun::Server, Noun::Port, Noun::Network, Noun::Router, Noun::Group];
                let noun = nouns[usize::try_from(number).unwrap() - 11];
                let id = self.one(cloud, noun);
                (Deed::Delete(id.clone()), "DELETE", format!("{}/{id}", noun.at().1), Value::Null)
            }
            17 => {
                // The first image stays.
                let image = Self::any(cloud, &self.given.images[1..]);
                (Deed::Other, "DELETE", format!("/image/v2/images/{image}"), Value::Null)
            }
            18 => {
                let how = if cloud.dice.below(2) == 0 { "add" } else { "remove" };
                let path = format!(
                    "{}/{}/{how}_router_interface",
                    Noun::Router.at().1,
                    self.one(cloud, Noun::Router)
                );
                (Deed::Other, "PUT", path, json!({"subnet_id": self.given.subnet}))
            }
            number => {
                let acts = [
                    json!({"os-stop": null}),
                    json!({"os-start": null}),
                    json!({"reboot": {"type": if cloud.dice.below(2) == 0 { "HARD" } else { "SOFT" }}}),
                    json!({"suspend": null}),
                    json!({"resume": null}),
                ];
                let path = format!("{}/{}/action", Noun::Server.at().1, self.one(cloud, Noun::Server));
                (Deed::Other, "POST", path, acts[usize::try_from(number).unwrap() - 19].clone())
            }
        };
        let body = if let Deed::Make(noun) = deed { json!({noun.at().0: body}) } else { body };
        self.say(cloud, &format!("{method} {path} {body}"));
        self.asked.push((deed, cloud.ask(method, &path, body)));
    }

    /// Takes in the answers that have come. Who asked a controller that died gets none.
    async fn hear(&mut self, cloud: &Cloud) {
        let (ended, open) =
            std::mem::take(&mut self.asked).into_iter().partition(|(_, asked)| asked.is_finished());
        self.asked = open;
        let ended: Vec<(Deed, Asked)> = ended;
        for (deed, asked) in ended {
            let Some((status, body)) = asked.await.unwrap() else { continue };
            self.say(cloud, &format!("answered {status}"));
            assert!(status < 500, "{status} {body}");
            if !(200..300).contains(&status) {
                continue;
            }
            self.accepted += 1;
            match deed {
                Deed::Make(noun) => {
                    let id = body[noun.at().0]["id"].as_str().unwrap().to_owned();
                    self.made.entry(noun).or_default().push(id);
                }
                Deed::Delete(id) => drop(self.gone.insert(id)),
                Deed::Other => {}
            }
        }
    }

    /// Heals the cloud, lets it come to rest, and says what is wrong then.
    pub async fn judged(&mut self, cloud: &mut Cloud) -> Vec<String> {
        self.say(cloud, "heals");
        cloud.heal().await;
        let end = cloud.clock().now().plus(REST);
        let mut wrong = vec![String::new()];
        while !wrong.is_empty() && cloud.clock().now() < end {
            cloud.pass(Duration::from_secs(3)).await;
            self.hear(cloud).await;
            wrong = self.wrong(cloud).await;
        }
        self.say(cloud, &format!("is at rest, {} wrong", wrong.len()));
        wrong.extend(cloud.wrong.lock().unwrap().iter().cloned());
        wrong
    }

    async fn wrong(&mut self, cloud: &mut Cloud) -> Vec<String> {
        let mut wrong = Vec::new();
        let open = cloud.rows("SELECT kind, id, state, reason FROM work WHERE state <> 'done'", 4).await;
        wrong.extend(open.into_iter().map(|row| format!("stuck: {row}")));
        if !wrong.is_empty() {
            return wrong;
        }
        let servers = listed(cloud, Noun::Server, "/detail").await;
        let metal = cloud.metal().await;
        for server in &servers {
            wrong.extend(wrong_of(server, metal.machines.get(id(server))));
        }
        wrong.extend(left_over(cloud, &servers, &metal).await);
        let there: BTreeSet<&str> = servers.iter().map(id).collect();
        for made in self.made.get(&Noun::Server).into_iter().flatten() {
            if there.contains(made.as_str()) == self.gone.contains(made)
                && !self.may_be_gone(cloud, made).await
            {
                wrong.push(format!("server {made} was accepted, deleted: {}", self.gone.contains(made)));
            }
        }
        let limits = cloud.answered("GET", "/compute/v2.1/limits", Value::Null).await.1;
        let used = limits["limits"]["absolute"]["totalInstancesUsed"].as_u64();
        if used != Some(servers.len() as u64) {
            wrong.push(format!("the quota counts {used:?} servers of {}", servers.len()));
        }
        self.active = servers.iter().filter(|server| server["status"] == "ACTIVE").count() as u64;
        wrong
    }

    /// Its deletion may have been accepted by a controller that died before it could say so.
    async fn may_be_gone(&self, cloud: &Cloud, server: &str) -> bool {
        let rows = cloud
            .rows("SELECT id FROM compute_servers WHERE deleting = 1 OR deleted_at IS NOT NULL", 1)
            .await;
        rows.iter().any(|row| row == server)
    }
}

fn id(thing: &Value) -> &str {
    thing["id"].as_str().unwrap()
}

async fn listed(cloud: &mut Cloud, noun: Noun, more: &str) -> Vec<Value> {
    let (word, path) = noun.at();
    let (status, body) = cloud.answered("GET", &format!("{path}{more}"), Value::Null).await;
    assert_eq!(status, 200, "{body}");
    body[format!("{word}s")].as_array().unwrap().clone()
}

/// What is on the metal, or held for somebody, and is nobody's.
async fn left_over(cloud: &mut Cloud, servers: &[Value], metal: &Metals) -> Vec<String> {
    let mut left = Vec::new();
    let ids: BTreeSet<&str> = servers.iter().map(id).collect();
    left.extend(
        metal.machines.keys().filter(|id| !ids.contains(id.as_str())).map(|id| format!("machine {id}")),
    );
    left.extend(
        metal.disks.iter().filter(|(id, _)| !ids.contains(id.as_str())).map(|(id, _)| format!("disk {id}")),
    );
    let claims = cloud.rows("SELECT DISTINCT consumer_id, provider_id FROM placement_allocations", 2).await;
    let foreign = claims.iter().filter(|claim| !ids.contains(claim.split(' ').next().unwrap()));
    left.extend(foreign.map(|claim| format!("allocation {claim}")));
    let held = servers.iter().filter(|one| !one["OS-EXT-SRV-ATTR:host"].is_null()).count();
    if claims.len() != held {
        left.push(format!("{} allocations for {held} servers on hosts", claims.len()));
    }
    let mut known: BTreeSet<(&str, String)> = BTreeSet::new();
    for (kind, noun) in [
        ("network", Noun::Network),
        ("port", Noun::Port),
        ("router", Noun::Router),
        ("security_group", Noun::Group),
    ] {
        for thing in listed(cloud, noun, "").await {
            let (owner, device) = (thing["device_owner"].as_str(), thing["device_id"].as_str());
            if owner.is_some_and(|owner| owner.starts_with("compute:")) && !ids.contains(device.unwrap()) {
                left.push(format!("port {} of {device:?}", id(&thing)));
            }
            known.insert((kind, id(&thing).to_owned()));
        }
    }
    let taps = metal.taps.iter().map(|tap| ("port", tap.clone()));
    let foreign = metal.switch.iter().cloned().chain(taps).filter(|thing| !known.contains(thing));
    left.extend(foreign.map(|(kind, id)| format!("{kind} {id} on a switch")));
    for sql in ["SELECT server_id FROM compute_tombstones", "SELECT id FROM network_tombstones"] {
        left.extend(cloud.rows(sql, 1).await.into_iter().map(|id| format!("tombstone {id}")));
    }
    left.into_iter().map(|what| format!("left over: {what}")).collect()
}

/// What is wrong with a server at rest.
fn wrong_of(server: &Value, machines: Option<&Vec<(usize, MachineState)>>) -> Vec<String> {
    let (id, status) = (server["id"].as_str().unwrap(), server["status"].as_str().unwrap());
    let mut wrong = Vec::new();
    if !server["OS-EXT-STS:task_state"].is_null() {
        wrong.push(format!("server {id} is {}", server["OS-EXT-STS:task_state"]));
    }
    if machines.is_some_and(|machines| machines.len() > 1) {
        wrong.push(format!("server {id} is on several hosts: {machines:?}"));
    }
    let state = machines.and_then(|machines| machines.first()).map(|(_, state)| *state);
    let fits = match status {
        "ACTIVE" => state == Some(MachineState::Running),
        "SHUTOFF" => state.is_none_or(|state| state == MachineState::Off),
        "SUSPENDED" => state == Some(MachineState::Suspended),
        "ERROR" => server["fault"]["message"].as_str().is_some_and(|message| !message.is_empty()),
        _ => false,
    };
    if !fits {
        wrong.push(format!("server {id} is {status} and its machine {state:?}: {}", server["fault"]));
    }
    wrong
}
