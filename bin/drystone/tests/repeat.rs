//! A cloud that is started with a seed repeats: the same requests get the same answers, byte for byte, with all headers.
//!
//! A scenario of 500 calls is made up against one cloud, with ids from its answers, and written down as it goes over the
//! wire. Then it is sent again to another cloud of the same seed in another directory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod rig;

use kernel::Entropy;
use rig::{Cloud, PATIENCE, ended};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

const CALLS: usize = 500;

/// Both clouds are found under one name, so that links are the same.
const FLAGS: [&str; 10] = [
    "--seed",
    "11",
    "--hosts",
    "6",
    "--boot",
    "2s ± 0.5s",
    "--public-url",
    "http://cloud.test",
    "--host-name",
    "h",
];

/// One call: its bytes, and those of its answer.
struct Exchange {
    call: Vec<u8>,
    answer: Vec<u8>,
}

fn send(cloud: &Cloud, call: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(&cloud.address).unwrap();
    stream.write_all(call).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    assert!(read.is_ok(), "no answer to {}", text(call));
    answer
}

/// Makes calls up, and writes them down.
struct Scenario<'a> {
    cloud: &'a Cloud,
    dice: Entropy,
    token: String,
    written: Vec<Exchange>,
    servers: Vec<String>,
    ports: Vec<String>,
    network: String,
    image: String,
    flavor: String,
}

impl Scenario<'_> {
    fn call(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: cloud.test\r\nconnection: close\r\nx-auth-token: {}\r\n\
             openstack-api-version: compute 2.90\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        let call = [head.as_bytes(), body].concat();
        let answer = send(self.cloud, &call);
        self.written.push(Exchange { call, answer: answer.clone() });
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        if let Some(token) = head.lines().find_map(|line| line.strip_prefix("x-subject-token: ")) {
            token.clone_into(&mut self.token);
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn ask(&mut self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.call(method, path, "application/json", body.to_string().as_bytes())
    }

    fn get(&mut self, path: &str) -> Value {
        self.call("GET", path, "application/json", b"").1
    }

    fn log_in(&mut self) {
        let domain = json!({"id": "default"});
        let user = json!({"name": "admin", "domain": domain, "password": self.cloud.password});
        let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": domain}}}});
        assert_eq!(self.ask("POST", "/identity/v3/auth/tokens", body).0, 201);
    }

    fn prepare(&mut self) {
        self.log_in();
        self.flavor = self.get("/compute/v2.1/flavors")["flavors"][0]["id"].as_str().unwrap().to_owned();
        let image = json!({"name": "i", "disk_format": "raw", "container_format": "bare"});
        self.image = self.ask("POST", "/image/v2/images", image).1["id"].as_str().unwrap().to_owned();
        let path = format!("/image/v2/images/{}/file", self.image);
        assert_eq!(self.call("PUT", &path, "application/octet-stream", &vec![7; 300_000]).0, 204);
        let network = self.ask("POST", "/network/v2.0/networks", json!({"network": {"name": "n"}})).1;
        self.network = network["network"]["id"].as_str().unwrap().to_owned();
        let subnet = json!({"network_id": self.network, "ip_version": 4, "cidr": "10.9.0.0/16"});
        assert_eq!(self.ask("POST", "/network/v2.0/subnets", json!({"subnet": subnet})).0, 201);
        self.ask("POST", "/sim/snapshot", json!({"name": "begun"}));
        let limits = json!({"quota_set": {"instances": 60, "cores": 200, "ram": -1}});
        self.ask("PUT", "/compute/v2.1/os-quota-sets/4c8c747911904148bd2122fe2d6c5eff", limits);
        let fault = json!({"fault": {"match": {"probability": 0.2}, "effect": {"kind": "boot-failure"}}});
        assert_eq!(self.ask("POST", "/sim/faults", fault).0, 201);
        let delay = json!({"fault": {"match": {"operation": "server_show", "probability": 0.3},
            "effect": {"kind": "delay", "time": "700ms ± 200ms"}}});
        assert_eq!(self.ask("POST", "/sim/faults", delay).0, 201);
    }

    fn any(&self, of: &[String]) -> String {
        of.get(usize::try_from(self.dice.below(of.len() as u64)).unwrap())
            .cloned()
            .unwrap_or_else(|| "none".to_owned())
    }

    fn server_create(&mut self) {
        let port = self.dice.below(3) == 0;
        let network = match self.ports.pop().filter(|_| port) {
            Some(port) => json!({"port": port}),
            None => json!({"uuid": self.network}),
        };
        let server = json!({"name": format!("s{}", self.written.len()), "imageRef": self.image,
            "flavorRef": self.flavor, "networks": [network], "key_name": Value::Null});
        let mut server = server;
        server.as_object_mut().unwrap().remove("key_name");
        let (_, made) = self.ask("POST", "/compute/v2.1/servers", json!({"server": server}));
        self.servers.extend(made["server"]["id"].as_str().map(str::to_owned));
    }

    fn step(&mut self) {
        let server = self.any(&self.servers);
        let action = format!("/compute/v2.1/servers/{server}/action");
        match self.dice.below(20) {
            0..=3 => self.server_create(),
            4 | 5 => drop(self.get(&format!("/compute/v2.1/servers/{server}"))),
            6 => drop(self.get("/compute/v2.1/servers/detail")),
            7 => drop(self.ask("POST", &action, json!({"os-stop": null}))),
            8 => drop(self.ask("POST", &action, json!({"os-start": null}))),
            9 => drop(self.ask("POST", &action, json!({"reboot": {"type": "HARD"}}))),
            10 => drop(self.ask("POST", &action, json!({"os-getConsoleOutput": {"length": 5}}))),
            11 => {
                let port = json!({"network_id": self.network, "name": "p"});
                let (_, made) = self.ask("POST", "/network/v2.0/ports", json!({"port": port}));
                self.ports.extend(made["port"]["id"].as_str().map(str::to_owned));
            }
            12 => drop(self.get("/network/v2.0/ports")),
            13 => {
                self.servers.retain(|one| *one != server);
                self.call("DELETE", &format!("/compute/v2.1/servers/{server}"), "text/plain", b"");
            }
            14 => {
                let key = json!({"keypair": {"name": format!("k{}", self.written.len()), "type": "ssh",
                    "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJhc2U2NCBvZiB0aGlydHktdHdvIGJ5dGVzISE= a@b"}});
                self.ask("POST", "/compute/v2.1/os-keypairs", key);
            }
            15 => drop(self.get("/compute/v2.1/os-hypervisors/detail")),
            16 => drop(self.get("/placement/resource_providers")),
            17 => drop(self.ask("POST", "/sim/clock", json!({"advance": 90.5}))),
            18 => drop(self.get("/sim/faults")),
            _ if self.dice.below(6) == 0 => {
                self.ask("POST", "/sim/restore", json!({"name": "begun"}));
                (self.servers, self.ports) = (Vec::new(), Vec::new());
                self.log_in();
            }
            _ => self.log_in(),
        }
    }
}

/// Without the connection's own part, the address that was listened on, nothing is left out.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn five_hundred_calls_get_the_same_answers_to_the_byte() {
    let first = Cloud::up(&FLAGS);
    let mut scenario = Scenario {
        cloud: &first,
        dice: Entropy::seeded(5),
        token: String::new(),
        written: Vec::new(),
        servers: Vec::new(),
        ports: Vec::new(),
        network: String::new(),
        image: String::new(),
        flavor: String::new(),
    };
    scenario.prepare();
    while scenario.written.len() < CALLS {
        scenario.step();
    }
    let written = scenario.written;
    let statuses =
        |wanted: &str| written.iter().filter(|one| text(&one.answer)[9..].starts_with(wanted)).count();
    assert!(statuses("20") > CALLS * 3 / 5, "{} successes", statuses("20"));
    let dates = written.iter().filter(|one| text(&one.answer).contains("date: Fri, 01 Jan 2100 0")).count();
    assert_eq!(dates, CALLS);
    drop(first);

    let second = Cloud::up(&FLAGS);
    for (number, Exchange { call, answer }) in written.iter().enumerate() {
        let again = send(&second, call);
        assert!(
            again == *answer,
            "call {number}\n{}\n--- first\n{}\n--- then\n{}",
            text(call),
            text(answer),
            text(&again)
        );
    }
}

#[test]
fn a_seed_is_remembered_and_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let cloud = Cloud::up_in(dir, &["--seed", "3", "--boot", "5s"]);
    let image = cloud.image();
    let server = cloud.server("a", &image);
    // The next request comes when the machine has booted, and time went no further.
    let shown = cloud.get(&format!("/compute/v2.1/servers/{server}"));
    assert_eq!(shown["server"]["status"], "ACTIVE", "{shown}");
    assert_eq!(shown["server"]["OS-SRV-USG:launched_at"], "2100-01-01T00:00:05.000000", "{shown}");
    assert!(cloud.get("/sim/clock")["clock"]["now"].as_str().unwrap().starts_with("2100-01-01T00:00:05"));
    let dir = cloud.stop();
    for (flags, says) in [
        (["--metal", "sim", "--seed", "4"].as_slice(), "holds a cloud that repeats from seed 3"),
        (&["--metal", "sim", "--database", "postgres://x"], "--seed needs the embedded store"),
        (&["--metal", "real", "--seed", "3"], "--seed is for --metal sim"),
    ] {
        let said = ended(&path, &[&["up"], flags].concat());
        assert_eq!(said.status.code(), Some(2));
        let said = String::from_utf8(said.stderr).unwrap();
        assert!(said.contains(says), "{flags:?} says {said}");
    }
    // Without a word the seed is the one that is remembered, time goes on, and no id comes twice.
    let cloud = Cloud::up_in(dir, &[]);
    assert!(cloud.get("/sim/clock")["clock"]["now"].as_str().unwrap() >= "2100-01-01T00:00:05");
    let other = cloud.server("b", &image);
    assert_ne!(other, server);
    assert_eq!(cloud.get(&format!("/compute/v2.1/servers/{other}"))["server"]["status"], "ACTIVE");
}

#[test]
fn a_cloud_without_a_seed_gets_none_later() {
    let cloud = Cloud::up(&[]);
    let path = cloud.dir.path().to_owned();
    let said = ended(&path, &["up", "--metal", "sim", "--seed", "3"]);
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8(said.stderr).unwrap().contains("was started without a seed"));
}

/// Where the clock of a cloud stands, in seconds of its day.
fn seconds(cloud: &Cloud) -> f64 {
    let now = cloud.get("/sim/clock")["clock"]["now"].as_str().unwrap().to_owned();
    let of_day: Vec<f64> = now[11..26].split(':').map(|part| part.parse().unwrap()).collect();
    of_day[0].mul_add(3600.0, of_day[1].mul_add(60.0, of_day[2]))
}

#[test]
fn delays_differ_as_far_as_they_are_said_to() {
    let cloud = Cloud::up(&["--seed", "3"]);
    let when = json!({"operation": "flavor_list"});
    cloud.fault(when, json!({"kind": "delay", "time": "4s ± 4s"}));
    let took = |_| {
        let before = seconds(&cloud);
        cloud.get("/compute/v2.1/flavors");
        seconds(&cloud) - before
    };
    let took: Vec<f64> = (0..12).map(took).collect();
    assert!(took.iter().all(|took| (0.0..8.1).contains(took)), "{took:?}");
    assert!(took.iter().any(|took| *took < 3.0) && took.iter().any(|took| *took > 5.0), "{took:?}");
}
