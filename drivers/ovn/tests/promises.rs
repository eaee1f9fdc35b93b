//! What every switch promises, and how fast this one starts, adopts and leaves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod lab;

use lab::*;
use metal::network::*;
use metal::suite::{Wiring, switch_suite};
use metal::{Kind, Switch};
use ovn::Daemons;
use std::io::{Read, Write};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_of_all_switches() {
    let lab = Lab::new().await;
    let router = RouterSpec {
        name: "r".into(),
        admin_up: true,
        interfaces: vec![RouterInterface {
            port_id: id(0x700),
            network_id: id(1),
            mac: mac(0x700),
            addresses: vec!["10.0.1.1/24".parse().unwrap()],
        }],
        gateway: None,
        routes: Vec::new(),
        floating_ips: Vec::new(),
    };
    let wiring = Wiring {
        network: (id(1), network(1)),
        group: (id(0x10), SecurityGroupSpec { name: "web".into(), stateful: true, rules: usual_rules() }),
        port: (id(0x20), port(0x20, 1, "10.0.1.32", &[0x10])),
        router: (id(0x30), router),
    };
    switch_suite(lab.ovn(), &wiring).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_given_to_a_router_becomes_the_routers_whatever_comes_first() {
    let lab = Lab::new().await;
    lab.network(1, &network(1)).await;
    lab.group(0x10, &usual_rules()).await;
    lab.port(0x700, 1, "10.0.1.1", &[0x10]).await;
    let interface = RouterInterface {
        port_id: id(0x700),
        network_id: id(1),
        mac: mac(0x700),
        addresses: vec!["10.0.1.1/24".parse().unwrap()],
    };
    let router = RouterSpec {
        name: "r".into(),
        admin_up: true,
        interfaces: vec![interface],
        gateway: None,
        routes: Vec::new(),
        floating_ips: Vec::new(),
    };
    let socket = lab.run_dir().join("nb.sock");
    let shown = |what: &str| run("ovn-nbctl", &format!("-t 10 --db=unix:{} {what}", socket.display()));
    assert!(shown("list DNS").contains("10.0.1.1"));
    lab.ovn().router(&id(0x30), 1, &router).await.unwrap();
    for _ in 0..2 {
        assert_eq!(shown(&format!("lsp-get-type {}", id(0x700))).trim(), "router");
        assert!(!shown("list DNS").contains("10.0.1.1"), "its name is left");
        lab.ovn().remove(Kind::Port, &id(0x700)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_take_a_tap_away_at_once_both_succeed() {
    let lab = Lab::new().await;
    lab.network(1, &network(1)).await;
    lab.group(0x10, &usual_rules()).await;
    lab.port(0x20, 1, "10.0.1.32", &[0x10]).await;
    for _ in 0..10 {
        lab.ovn().plug(&id(0x20), &mac(0x20), 1442).await.unwrap();
        let port = id(0x20);
        let (one, other) = tokio::join!(lab.ovn().unplug(&port), lab.ovn().unplug(&port));
        assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_adopts_and_destroying_leaves_nothing() {
    let mut lab = Lab::new().await;
    lab.network(1, &network(1)).await;
    lab.network(2, &external(&lab)).await;
    lab.group(0x10, &usual_rules()).await;
    lab.port(0x20, 1, "10.0.1.32", &[0x10]).await;
    let tap = lab.ovn().plug(&id(0x20), &mac(0x20), 1442).await.unwrap();
    lab.up(0x20).await;
    let (pids, held) = (lab.ovn().daemon_pids(), lab.ovn().held().await.unwrap());
    assert_eq!(pids.len(), 6);
    lab.ovn = None;
    let adopted = lab.start().await;
    println!("adopted in {adopted:?}");
    assert_eq!((lab.ovn().daemon_pids(), lab.ovn().held().await.unwrap()), (pids.clone(), held));
    assert_eq!(lab.ovn().plugged().await.unwrap(), [id(0x20)]);
    assert_eq!(lab.ovn().plug(&id(0x20), &mac(0x20), 1442).await.unwrap(), tap);
    let marks = [lab.space().await, lab.run_dir().display().to_string()];
    let mine = |trace: &String| {
        marks.iter().any(|mark| trace.contains(mark))
            || pids.iter().any(|(_, pid)| trace.ends_with(&format!(" {pid}")))
    };
    assert!(traces().iter().any(mine));
    lab.ovn.take().unwrap().destroy().await.unwrap();
    let left: Vec<_> = traces().into_iter().filter(mine).collect();
    assert!(left.is_empty() && !lab.run_dir().exists(), "{left:?}");
    let started = lab.start().await;
    println!("started in {started:?}");
    assert!(lab.ovn().held().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn long_paths_and_several_clouds_get_on() {
    let first = Lab::new().await;
    let long = tempfile::Builder::new().prefix(&"long".repeat(30)).tempdir().unwrap();
    let second = Daemons::start(long.path(), first.config()).await.unwrap();
    for ovn in [first.ovn(), &second] {
        ovn.network(&id(1), 1, &network(1)).await.unwrap();
        let taps = ovn.plug(&id(0x20), &mac(0x20), 1442).await.unwrap();
        assert!(taps.name.len() <= 15);
    }
    let runs = || std::fs::read_dir("/run/drystone").into_iter().flatten().count();
    let before = runs();
    second.destroy().await.unwrap();
    assert_eq!((runs(), long.path().join("ovn").exists()), (before - 1, false));
    assert_eq!(first.ovn().plugged().await.unwrap(), [id(0x20)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tap_carries_packets() {
    let lab = Lab::new().await;
    lab.network(1, &network(1)).await;
    lab.group(0x10, &usual_rules()).await;
    lab.port(0x20, 1, "10.0.1.32", &[0x10]).await;
    let tap = lab.ovn().plug(&id(0x20), &mac(0x20), 1442).await.unwrap();
    assert!(!tap.offloads || lab.config().datapath != Some(ovn::Datapath::Userspace));
    lab.up(0x20).await;
    let mut card = Guest { namespace: tap.namespace.unwrap() }.run(move || open_tap(&tap.name));
    // Who has 10.0.1.2? The metadata port.
    let mut question = vec![0xff; 6];
    let own = [0xfa, 0x16, 0x3e, 0, 0, 0x20];
    question.extend(own);
    question.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    question.extend(own);
    question.extend([10, 0, 1, 32, 0, 0, 0, 0, 0, 0, 10, 0, 1, 2]);
    let mut sender = card.try_clone().unwrap();
    let answer = std::thread::spawn(move || {
        let mut frame = [0; 1600];
        while let Ok(length) = card.read(&mut frame) {
            if frame[12..22] == [8, 6, 0, 1, 8, 0, 6, 4, 0, 2] {
                return frame[..length].to_vec();
            }
        }
        Vec::new()
    });
    // A card asks again: what it says while its link comes up may be lost.
    eventually("the question is answered", async || {
        sender.write_all(&question).unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer.is_finished()
    })
    .await;
    assert_eq!(answer.join().unwrap()[28..32], [10, 0, 1, 2]);
}
