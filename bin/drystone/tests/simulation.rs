//! A whole simulated cloud, as its users start it: hosts, faults, states to return to, the clock, and bad input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod rig;

use rig::{Cloud, PATIENCE, ended};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn faults_of_requests_are_made_counted_and_removed() {
    let cloud = Cloud::up(&[]);
    let catalog = cloud.get("/identity/v3/auth/catalog");
    let kinds: Vec<_> =
        catalog["catalog"].as_array().unwrap().iter().map(|one| one["type"].clone()).collect();
    assert!(kinds.contains(&json!("simulation")), "{kinds:?}");

    let body = json!({"badness": 1});
    let id = cloud.fault(
        json!({"service": "compute", "operation": "flavor_list", "nth": 2}),
        json!({"kind": "status", "status": 503, "body": body}),
    );
    let statuses: Vec<_> = (0..3).map(|_| cloud.ask("GET", "/compute/v2.1/flavors", None)).collect();
    assert_eq!((statuses[0].0, &statuses[1], statuses[2].0), (200, &(503, body), 200));
    let shown = &cloud.get(&format!("/sim/faults/{id}"))["fault"];
    assert_eq!((shown["seen"].as_u64(), shown["hits"].as_u64()), (Some(3), Some(1)));
    assert_eq!(cloud.ask("DELETE", &format!("/sim/faults/{id}"), None).0, 204);
    assert_eq!(cloud.ask("DELETE", &format!("/sim/faults/{id}"), None).0, 404);

    cloud.fault(json!({"path": "/network/*", "times": 1}), json!({"kind": "drop"}));
    assert!(cloud.exchange("GET", "/network/v2.0/networks", &cloud.token, None).is_none());
    assert_eq!(cloud.ask("GET", "/network/v2.0/networks", None).0, 200);

    cloud.fault(json!({"method": "POST", "service": "network"}), json!({"kind": "quota-exhausted"}));
    let network = json!({"network": {"name": "n"}});
    let (status, said) = cloud.ask("POST", "/network/v2.0/networks", Some(network.clone()));
    assert_eq!((status, &said["NeutronError"]["type"]), (409, &json!("OverQuota")), "{said}");
    assert_eq!(said["NeutronError"]["message"], "Quota exceeded for resources: ['network'].");
    cloud.fault(json!({"service": "image"}), json!({"kind": "token-expired"}));
    assert_eq!(cloud.ask("GET", "/image/v2/images", None).0, 401);
    cloud.fault(json!({"operation": "keypair_list"}), json!({"kind": "delay", "time": "300ms"}));
    let began = Instant::now();
    cloud.get("/compute/v2.1/os-keypairs");
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(cloud.get("/sim/faults")["faults"].as_array().unwrap().len(), 4);
    assert_eq!(cloud.ask("DELETE", "/sim/faults", None).0, 204);
    cloud.post("/network/v2.0/networks", network);
}

#[test]
fn a_fault_of_a_path_hits_all_its_spellings() {
    let cloud = Cloud::up(&[]);
    let status = |path: &str| cloud.ask("GET", path, None).0;
    let gone = json!({"kind": "status", "status": 410});
    cloud.fault(json!({"path": "/network/v2.0/networks"}), gone.clone());
    for path in ["/network/v2.0/networks", "/network/v2.0/networks/", "/network/v2.0/networks.json"] {
        assert_eq!(status(path), 410, "{path}");
    }
    assert_eq!(status("/network/v2.0/subnets.json"), 200);
    cloud.fault(json!({"path": "/compute/v2.1/flavors"}), gone.clone());
    for path in ["/compute/v2.1/flavors", "/compute/v2/flavors//"] {
        assert_eq!(status(path), 410, "{path}");
    }
    assert_eq!(status(&format!("/compute/v2.1/{}/flavors", cloud.project)), 410);
    cloud.fault(json!({"path": "/identity/v3/regions"}), gone.clone());
    cloud.fault(json!({"path": "/v3/roles"}), gone);
    for path in ["/v3/regions", "/identity/v3/regions", "/v3/roles", "/identity/v3/roles/"] {
        assert_eq!(status(path), 410, "{path}");
    }
    cloud.fault(json!({"operation": "keypair_list"}), json!({"kind": "status", "status": 410}));
    assert_eq!(cloud.ask("HEAD", "/compute/v2.1/os-keypairs", None).0, 410, "HEAD is answered as GET");
}

#[test]
fn a_fault_that_could_never_hit_is_refused() {
    let cloud = Cloud::up(&["--hosts", "3"]);
    let drop = json!({"kind": "drop"});
    for (fault, says) in [
        (json!({"effect": {"kind": "explode"}}), "explode"),
        (json!({"effect": drop, "match": []}), "expected a map"),
        (json!({"effect": {"kind": "drop", "status": 503, "junk": 1}}), "unknown field"),
        (
            json!({"effect": drop, "match": {"service": "compue"}}),
            "compute, console, identity, image, network",
        ),
        (json!({"effect": drop, "match": {"service": "simulation"}}), "no service \"simulation\""),
        (json!({"effect": drop, "match": {"operation": "server_creat"}}), "the nearest is \"server_create\""),
        (json!({"effect": drop, "match": {"operation": "clock_set"}}), "There is no operation"),
        (json!({"effect": drop, "match": {"method": "FOO"}}), "DELETE, GET, HEAD, PATCH, POST and PUT"),
        (json!({"effect": drop, "match": {"path": ""}}), "begins with a slash"),
        (json!({"effect": {"kind": "power-loss"}, "match": {"host": "sim-9"}}), "sim-1, sim-2 and sim-3"),
        (json!([{}, drop]), "expected a map"),
    ] {
        let (status, said) = cloud.ask("POST", "/sim/faults", Some(json!({"fault": fault})));
        assert_eq!(status, 400, "{fault}: {said}");
        assert!(said["error"]["message"].as_str().unwrap().contains(says), "{fault}: {said}");
    }
    assert_eq!(cloud.get("/sim/faults")["faults"], json!([]));
    cloud.fault(json!({"service": "compute", "operation": "server_show", "method": "get"}), drop.clone());
    cloud.fault(json!({"service": "console"}), drop);
    cloud.fault(json!({"host": "sim-*"}), json!({"kind": "disk-full"}));
}

#[test]
fn only_administrators_steer() {
    let cloud = Cloud::up(&[]);
    let passwords = std::fs::read(cloud.dir.path().join("passwords.json")).unwrap();
    let passwords: Value = serde_json::from_slice(&passwords).unwrap();
    let (demo, _) = cloud.token_of("demo", passwords["demo"].as_str().unwrap());
    for (method, path) in
        [("GET", "/sim/faults"), ("POST", "/sim/reset"), ("GET", "/sim/clock"), ("POST", "/sim/clock")]
    {
        assert_eq!(cloud.exchange(method, path, &demo, Some(&json!({}))).unwrap().0, 403, "{method} {path}");
        assert_eq!(cloud.exchange(method, path, "", Some(&json!({}))).unwrap().0, 401, "{method} {path}");
    }
}

#[test]
fn hosts_fail_and_come_back() {
    let cloud = Cloud::up(&["--hosts", "2", "--boot", "20ms ± 10ms"]);
    let image = cloud.image();
    let server = cloud.server("a", &image);
    let host = cloud.is(&server, "ACTIVE")["OS-EXT-SRV-ATTR:host"].as_str().unwrap().to_owned();

    let failing = cloud.fault(json!({}), json!({"kind": "boot-failure", "reason": "no bootable device"}));
    let broken = cloud.server("b", &image);
    let fault = cloud.is(&broken, "ERROR")["fault"]["message"].clone();
    assert!(fault.as_str().unwrap().contains("no bootable device"), "{fault}");
    cloud.ask("DELETE", &format!("/sim/faults/{failing}"), None);
    let full = cloud.fault(json!({}), json!({"kind": "disk-full"}));
    let broken = cloud.server("c", &image);
    cloud.is(&broken, "ERROR");
    cloud.ask("DELETE", &format!("/sim/faults/{full}"), None);

    // A host without power: its agent is away, and its machines are off when it is back.
    let dark = cloud.fault(json!({"host": host}), json!({"kind": "power-loss"}));
    let rule = &cloud.get(&format!("/sim/faults/{dark}"))["fault"];
    assert_eq!((&rule["seen"], &rule["hits"]), (&json!(1), &json!(1)), "{rule}");
    let state = || {
        let all = cloud.get("/compute/v2.1/os-hypervisors/detail");
        let all = all["hypervisors"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["hypervisor_hostname"] == host.as_str()).unwrap()["state"].clone()
    };
    let began = Instant::now();
    while state() != "down" {
        assert!(began.elapsed() < PATIENCE, "the host goes down in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
    let elsewhere = cloud.server("d", &image);
    assert_ne!(cloud.is(&elsewhere, "ACTIVE")["OS-EXT-SRV-ATTR:host"], host.as_str());
    cloud.ask("DELETE", &format!("/sim/faults/{dark}"), None);
    cloud.is(&server, "SHUTOFF");
}

#[test]
fn the_cloud_returns_to_states_that_were_kept() {
    let mut cloud = Cloud::up(&[]);
    let image = cloud.image();
    let first = cloud.server("first", &image);
    cloud.is(&first, "ACTIVE");
    cloud.post("/sim/snapshot", json!({"name": "one-server"}));
    let second = cloud.server("second", &image);
    cloud.is(&second, "ACTIVE");
    assert_eq!(cloud.ask("DELETE", &format!("/compute/v2.1/servers/{first}"), None).0, 204);
    let old_token = cloud.token.clone();

    let reset = cloud.post("/sim/reset", json!({}));
    assert!(reset["seconds"].as_f64().unwrap() > 0.0, "{reset}");
    assert_eq!(cloud.ask("GET", "/compute/v2.1/servers", None).0, 401, "a token from before is void");
    cloud.log_in();
    assert_eq!(cloud.get("/compute/v2.1/servers")["servers"], json!([]));
    assert_eq!(cloud.get("/image/v2/images")["images"], json!([]));
    let image_after = cloud.image();
    let third = cloud.server("third", &image_after);
    cloud.is(&third, "ACTIVE");

    cloud.post("/sim/restore", json!({"name": "one-server"}));
    assert_ne!(old_token, cloud.token);
    cloud.log_in();
    let servers = cloud.get("/compute/v2.1/servers")["servers"].clone();
    let ids: Vec<_> = servers.as_array().unwrap().iter().map(|server| server["id"].clone()).collect();
    assert_eq!(ids, [json!(first)]);
    cloud.is(&first, "ACTIVE");
    // It is a server as any other: the host takes it down, and another one goes beside it.
    let fourth = cloud.server("fourth", &image);
    cloud.is(&fourth, "ACTIVE");
    assert_eq!(cloud.ask("DELETE", &format!("/compute/v2.1/servers/{first}"), None).0, 204);
    let began = Instant::now();
    while cloud.ask("GET", &format!("/compute/v2.1/servers/{first}"), None).0 != 404 {
        assert!(began.elapsed() < PATIENCE, "it stays");
        std::thread::sleep(Duration::from_millis(20));
    }
    let names = cloud.get("/sim/snapshots")["snapshots"].clone();
    assert_eq!(names, json!([{"name": "one-server"}, {"name": "seed"}]));
    assert_eq!(cloud.ask("POST", "/sim/restore", Some(json!({"name": "none"}))).0, 404);
    assert_eq!(cloud.ask("POST", "/sim/snapshot", Some(json!({"name": "../up"}))).0, 400);
    assert_eq!(cloud.ask("DELETE", "/sim/snapshots/seed", None).0, 409);
    assert_eq!(cloud.ask("DELETE", "/sim/snapshots/one-server", None).0, 204);
}

#[test]
fn nothing_from_before_a_reset_is_left_behind() {
    let mut cloud = Cloud::up(&[]);
    let projects = |cloud: &Cloud| {
        let body = cloud.get("/identity/v3/projects");
        let names = body["projects"].as_array().unwrap().iter().map(|one| one["name"].to_string());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    let fresh = projects(&cloud);
    for round in 0..6 {
        std::thread::scope(|scope| {
            let asking = &cloud;
            for thread in 0..4 {
                scope.spawn(move || {
                    for number in 0.. {
                        let body = json!({"project": {"name": format!("p{round}-{thread}-{number}")}});
                        if asking.ask("POST", "/identity/v3/projects", Some(body)).0 != 201 {
                            break;
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(100));
            cloud.post("/sim/reset", json!({}));
        });
        cloud.log_in();
        assert_eq!(projects(&cloud), fresh, "round {round}");
    }
}

#[test]
fn a_reset_that_is_refused_leaves_faults_and_clock_as_they_are() {
    let mut cloud = Cloud::up(&[]);
    cloud.fault(json!({"operation": "keypair_list"}), json!({"kind": "quota-exhausted"}));
    cloud.post("/sim/clock", json!({"hold": true}));
    let body = json!({"name": "i", "disk_format": "raw", "container_format": "bare"});
    let image = cloud.post("/image/v2/images", body)["id"].as_str().unwrap().to_owned();
    let mut upload = std::net::TcpStream::connect(&cloud.address).unwrap();
    let request = format!(
        "PUT /image/v2/images/{image}/file HTTP/1.1\r\nhost: cloud\r\nx-auth-token: {}\r\n\
         content-type: application/octet-stream\r\ncontent-length: 512\r\n\r\nunfinished",
        cloud.token
    );
    upload.write_all(request.as_bytes()).unwrap();
    let began = Instant::now();
    while cloud.get(&format!("/image/v2/images/{image}"))["status"] != "saving" {
        assert!(began.elapsed() < PATIENCE, "the upload does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(cloud.ask("POST", "/sim/reset", Some(json!({}))).0, 409);
    let steered = |cloud: &Cloud| {
        let faults = cloud.get("/sim/faults")["faults"].as_array().unwrap().len();
        (faults, cloud.get("/sim/clock")["clock"]["held"].clone())
    };
    assert_eq!(steered(&cloud), (1, json!(true)));
    drop(upload);
    cloud.post("/sim/reset", json!({}));
    cloud.log_in();
    assert_eq!(steered(&cloud), (0, json!(false)));
}

#[test]
fn a_state_that_comes_back_to_a_host_without_power_is_off() {
    let mut cloud = Cloud::up(&[]);
    let image = cloud.image();
    let server = cloud.server("a", &image);
    cloud.is(&server, "ACTIVE");
    cloud.post("/sim/snapshot", json!({"name": "runs"}));
    cloud.fault(json!({"host": "*"}), json!({"kind": "power-loss"}));
    cloud.post("/sim/restore", json!({"name": "runs"}));
    cloud.log_in();
    assert_eq!(cloud.ask("DELETE", "/sim/faults", None).0, 204);
    cloud.is(&server, "SHUTOFF");
}

#[test]
fn the_clock_is_held_and_put_forward() {
    let cloud = Cloud::up(&["--boot", "1min"]);
    let held = cloud.post("/sim/clock", json!({"hold": true}))["clock"].clone();
    assert_eq!(held["held"], true);
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(cloud.get("/sim/clock")["clock"], held);
    // Machines boot by the cloud's clock: a minute passes when it is said to.
    let image = cloud.image();
    let server = cloud.server("slow", &image);
    std::thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    let mut status = cloud.get(&format!("/compute/v2.1/servers/{server}"))["server"]["status"].clone();
    assert_eq!(status, "BUILD");
    // The machine may have been switched on only after a minute had passed: then it needs another one.
    while status != "ACTIVE" {
        assert!(status == "BUILD" && began.elapsed() < PATIENCE, "{status}");
        cloud.post("/sim/clock", json!({"advance": "61s"}));
        std::thread::sleep(Duration::from_millis(300));
        status = cloud.get(&format!("/compute/v2.1/servers/{server}"))["server"]["status"].clone();
    }
    // A day later the token has expired.
    cloud.post("/sim/clock", json!({"hold": false, "advance": 86_400}));
    assert_eq!(cloud.ask("GET", "/sim/clock", None).0, 401);
}

#[test]
fn nobody_is_locked_out_by_a_restore() {
    let mut cloud = Cloud::up(&[]);
    cloud.post("/sim/snapshot", json!({"name": "begun"}));
    let slow = cloud.fault(json!({"service": "network"}), json!({"kind": "delay", "time": "10ms"}));
    cloud.fault(json!({}), json!({"kind": "token-expired"}));
    cloud.fault(json!({"path": "/identity/*"}), json!({"kind": "status", "status": 503}));
    // Where a restore is refused all of them stay.
    assert_eq!(cloud.ask("POST", "/sim/restore", Some(json!({"name": "none"}))).0, 404);
    assert_eq!(cloud.get("/sim/faults")["faults"].as_array().unwrap().len(), 3);
    cloud.post("/sim/restore", json!({"name": "begun"}));
    cloud.log_in();
    let left = cloud.get("/sim/faults")["faults"].clone();
    let left: Vec<_> = left.as_array().unwrap().iter().map(|fault| fault["id"].clone()).collect();
    assert_eq!(left, [json!(slow)]);
    cloud.post("/sim/reset", json!({}));
    cloud.log_in();
    assert_eq!(cloud.get("/sim/faults")["faults"], json!([]));
}

#[test]
fn the_clock_goes_no_further_than_tokens() {
    let mut cloud = Cloud::up(&["--seed", "3"]);
    for advance in [json!("90s ± 30s"), json!(-1), json!(1e300), json!("2h")] {
        assert_eq!(cloud.ask("POST", "/sim/clock", Some(json!({"advance": advance}))).0, 400, "{advance}");
    }
    let decade = 10 * 366 * 86_400;
    let refused = loop {
        let (status, said) = cloud.ask("POST", "/sim/clock", Some(json!({"advance": decade, "hold": true})));
        match status {
            200 => cloud.log_in(),
            _ => break (status, said["error"]["message"].as_str().unwrap().to_owned()),
        }
    };
    assert_eq!(refused.0, 400);
    assert!(refused.1.contains("no further than 5000-01-01T00:00:00Z"), "{refused:?}");
    cloud.log_in();
    let now = cloud.get("/sim/clock")["clock"]["now"].as_str().unwrap().to_owned();
    assert!(now.starts_with("499"), "{now}");
}

#[test]
fn the_cloud_outlives_being_killed() {
    let mut cloud = Cloud::up(&["--hosts", "3"]);
    let image = cloud.image();
    let server = cloud.server("a", &image);
    let before = cloud.is(&server, "ACTIVE");
    cloud.child.kill().unwrap();
    cloud.child.wait().unwrap();
    let dir = std::mem::replace(&mut cloud.dir, tempfile::tempdir().unwrap());
    let cloud = Cloud::up_in(dir, &["--hosts", "3"]);
    let after = cloud.is(&server, "ACTIVE");
    assert_eq!(before["OS-EXT-SRV-ATTR:host"], after["OS-EXT-SRV-ATTR:host"]);
    assert_eq!(before["OS-SRV-USG:launched_at"], after["OS-SRV-USG:launched_at"]);
    assert_eq!(cloud.project.len(), 32);
}

#[test]
fn bad_input_is_one_sentence_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (state, topology) = (dir.path().join("state"), dir.path().join("hosts.toml"));
    std::fs::write(&topology, "[[rack]]\nname = 'r'\nhosts = 0\n").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let topology = topology.to_str().unwrap();
    for (arguments, says) in [
        (&["up", "--metal", "sim", "--topology", topology][..], "rack \"r\": it has no hosts"),
        (&["up", "--metal", "sim", "--topology", "/nonexistent"], "cannot be read"),
        (&["up", "--metal", "sim", "--hosts", "0"], "0 hosts cannot be simulated"),
        (&["up", "--metal", "sim", "--boot", "soon"], "--boot is not understood"),
        (&["up", "--hosts", "2"], "--hosts is for --metal sim"),
        (&["up", "--metal", "sim", "--listen", &taken], "Cannot serve on"),
        (&["up", "--detach", "--metal", "sim", "--listen", &taken], "Cannot serve on"),
    ] {
        let output = ended(&state, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(says) && said.trim().lines().count() == 1, "{arguments:?}: {said}");
        assert!(
            !state.exists(),
            "{arguments:?} left {:?}",
            std::fs::read_dir(&state).unwrap().collect::<Vec<_>>()
        );
    }
    let cloud = Cloud::up(&[]);
    let output = ended(cloud.dir.path(), &["up", "--metal", "sim", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8(output.stderr).unwrap();
    // What takes longer than a second says what it is waiting for.
    let sentences = said.trim().lines().filter(|line| !line.starts_with('…'));
    assert_eq!((output.status.code(), sentences.count()), (Some(2), 1), "{said}");
}

#[test]
fn the_hosts_are_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("racks.toml");
    std::fs::write(&file, "[[rack]]\nname = 'r'\nhosts = 3\nzone = 'east'\n").unwrap();
    let names = |cloud: &Cloud| -> Vec<String> {
        let body = cloud.get("/compute/v2.1/os-hypervisors");
        let hosts = body["hypervisors"].as_array().unwrap().iter();
        let told =
            |host: &Value| format!("{} {}", host["hypervisor_hostname"], host["state"]).replace('"', "");
        // They are listed as they joined, which is in any order.
        let mut names: Vec<String> = hosts.map(told).collect();
        names.sort();
        names
    };
    let state = tempfile::tempdir().unwrap();
    let cloud = Cloud::up_in(state, &["--topology", file.to_str().unwrap(), "--boot", "20ms"]);
    let three = names(&cloud);
    assert_eq!(three, ["r-1 up", "r-2 up", "r-3 up"]);
    let state = cloud.stop();
    std::fs::remove_file(file).unwrap();
    let cloud = Cloud::up_in(state, &[]);
    assert_eq!(names(&cloud), three);
    let cloud = Cloud::up_in(cloud.stop(), &["--hosts", "2"]);
    let five = names(&cloud);
    assert!(five.len() == 5 && five.iter().filter(|host| host.ends_with("up")).count() == 2, "{five:?}");
}

#[test]
fn whatever_it_was_started_with_nothing_is_left_of_it() {
    for arguments in [&["--hosts", "2", "--boot", "20ms"][..], &["--seed", "7"]] {
        let place = tempfile::tempdir().unwrap();
        let state = place.path().join("cloud");
        let start = ["up", "--detach", "--metal", "sim", "--listen", "127.0.0.1:0"];
        let started = ended(&state, &[&start[..], arguments].concat());
        assert!(started.status.success(), "{arguments:?}: {started:?}");
        let gone = ended(&state, &["down", "--destroy"]);
        assert!(gone.status.success(), "{arguments:?}: {gone:?}");
        let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().collect();
        let inside = std::fs::read_dir(&state).map(Iterator::collect::<Vec<_>>);
        assert!(left.is_empty(), "{arguments:?} left {left:?} with {inside:?}");
    }
}

/// A server with a port in the network.
fn wired(cloud: &Cloud, image: &str, network: &str) -> String {
    let flavors = cloud.get("/compute/v2.1/flavors");
    let flavor = flavors["flavors"][0]["id"].as_str().unwrap();
    let server =
        json!({"name": "s", "imageRef": image, "flavorRef": flavor, "networks": [{"uuid": network}]});
    let server = cloud.post("/compute/v2.1/servers", json!({"server": server}))["server"]["id"].clone();
    let server = server.as_str().unwrap().to_owned();
    let shown = cloud.is(&server, "ACTIVE");
    assert_eq!(shown["addresses"].as_object().unwrap().len(), 1, "{shown}");
    let ports = cloud.get(&format!("/network/v2.0/ports?device_id={server}"));
    assert_eq!(ports["ports"][0]["status"], "ACTIVE", "{ports}");
    server
}

/// A network of the cloud's administrator with a subnet.
fn network(cloud: &Cloud, net: u8) -> String {
    let made = cloud.post("/network/v2.0/networks", json!({"network": {"name": "n"}}));
    let id = made["network"]["id"].as_str().unwrap().to_owned();
    let subnet = json!({"network_id": id, "ip_version": 4, "cidr": format!("192.168.{net}.0/24")});
    cloud.post("/network/v2.0/subnets", json!({"subnet": subnet}));
    id
}

#[test]
fn other_hosts_carry_on_with_what_the_cloud_has() {
    let mut cloud = Cloud::up(&["--hosts", "1"]);
    let (image, first) = (cloud.image(), network(&cloud, 1));
    let alone = wired(&cloud, &image, &first);
    let home = cloud.is(&alone, "ACTIVE")["OS-EXT-SRV-ATTR:host"].clone();
    for (number, hosts) in ["2", "3", "1", "2"].into_iter().enumerate() {
        cloud = Cloud::up_in(cloud.stop(), &["--hosts", hosts]);
        let image = cloud.image();
        let server = wired(&cloud, &image, &first);
        let host = cloud.is(&server, "ACTIVE")["OS-EXT-SRV-ATTR:host"].clone();
        assert_eq!(host == home, hosts == "1", "{host}");
        let other = network(&cloud, 10 + u8::try_from(number).unwrap());
        wired(&cloud, &image, &other);
        assert_eq!(cloud.ask("DELETE", &format!("/compute/v2.1/servers/{server}"), None).0, 204);
    }
    // Where it was the only one left, it is still what it was.
    cloud = Cloud::up_in(cloud.stop(), &["--hosts", "1"]);
    assert_eq!(cloud.is(&alone, "ACTIVE")["OS-EXT-SRV-ATTR:host"], home);
}

#[test]
fn a_reset_is_to_the_hosts_that_there_are() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "[[rack]]\nname = 'r'\nhosts = 2\nzone = 'east'\naggregates = ['fast']\n").unwrap();
    let cloud = Cloud::up(&["--host-name", "alone"]);
    let mut cloud = Cloud::up_in(cloud.stop(), &["--topology", file.path().to_str().unwrap()]);
    for _ in 0..2 {
        cloud.post("/sim/reset", json!({}));
        cloud.log_in();
        let hosts = cloud.get("/compute/v2.1/os-hypervisors");
        let alone = hosts["hypervisors"].as_array().unwrap().iter();
        let alone: Vec<_> = alone.filter(|host| host["hypervisor_hostname"] == "alone").collect();
        assert!(alone.iter().all(|host| host["state"] == "down"), "{hosts}");
        let aggregates = cloud.get("/compute/v2.1/os-aggregates");
        let aggregates = aggregates["aggregates"].as_array().unwrap().iter();
        let mut named: Vec<_> =
            aggregates.map(|one| (one["name"].clone(), one["hosts"].as_array().unwrap().len())).collect();
        named.sort_by_key(|(name, _)| name.to_string());
        assert_eq!(named, [(json!("east"), 2), (json!("fast"), 2)]);
        let (image, network) = (cloud.image(), network(&cloud, 1));
        wired(&cloud, &image, &network);
    }
}

/// What is in a directory, file by file. Locks say who looked at it last, and the store's journals are its own affair.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() && ![".lock", "-wal", "-shm"].iter().any(|end| name.ends_with(end)) {
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_start_that_is_refused_leaves_a_newer_store_and_what_is_beside_it() {
    for seed in [&[][..], &["--seed", "5"]] {
        let cloud = Cloud::up(&[&["--hosts", "2"], seed].concat());
        let state = cloud.stop();
        let parts = store::Parts { clock: kernel::Clock::system(), entropy: kernel::Entropy::seeded(1) };
        let db = store::Db::open_sqlite(&state.path().join("drystone.sqlite"), parts).unwrap();
        let sql = "INSERT INTO schema_history VALUES ('compute', 900, 'from the future', '', 0)";
        db.write_now(|tx| tx.execute(sql, &[])).unwrap();
        drop(db);
        let before = files(state.path());
        let output = ended(
            state.path(),
            &["up", "--metal", "sim", "--listen", "127.0.0.1:0", "--hosts", "7", "--boot", "1s"],
        );
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("newer release"), "{said}");
        let after = files(state.path());
        let changed: Vec<_> = after.iter().filter(|(name, text)| before.get(*name) != Some(text)).collect();
        let changed: Vec<_> = changed.into_iter().map(|(name, _)| name).collect();
        assert!(changed.is_empty() && after.len() == before.len(), "{changed:?}");
    }
}
