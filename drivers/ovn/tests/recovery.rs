//! Daemons that die, and engines that are not ours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod lab;

use lab::*;
use metal::Switch;
use metal::network::Remote;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ovn::{Config, Daemons, Engine};
use std::time::{Duration, Instant};

fn pid(lab: &Lab, name: &str) -> Option<i32> {
    lab.ovn().daemon_pids().into_iter().find(|(daemon, _)| *daemon == name).map(|(_, pid)| pid)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_daemon_is_back_within_five_seconds() {
    let mut lab = Lab::new().await;
    lab.network(1, &network(1)).await;
    lab.group(0x10, &usual_rules()).await;
    lab.port(0x20, 1, "10.0.1.32", &[0x10]).await;
    lab.port(0x21, 1, "10.0.1.33", &[0x10]).await;
    let one = lab.guest(0x20, Some("10.0.1.32"), None).await;
    let two = lab.guest(0x21, Some("10.0.1.33"), None).await;
    two.echo(81);
    eventually("at first", async || one.ping("10.0.1.33")).await;
    let mut open = usual_rules();
    open.push(rule(0x902, true, Some(6), Some(81), Remote::Any));
    // A crash is the monitor's affair, a kill is ours.
    for signal in [Signal::SIGKILL, Signal::SIGSEGV] {
        for daemon in ["nb", "sb", "conf", "northd", "vswitchd", "controller"] {
            let victim = pid(&lab, daemon).unwrap();
            let began = Instant::now();
            kill(Pid::from_raw(victim), signal).unwrap();
            let back = async || pid(&lab, daemon).is_some_and(|found| found != victim);
            eventually("the daemon is back", back).await;
            let back = began.elapsed();
            eventually("traffic flows", async || one.ping("10.0.1.33")).await;
            let flows = began.elapsed();
            lab.group(0x10, &open).await;
            eventually("a rule is added", async || one.connect("10.0.1.33", 81).is_some()).await;
            let works = began.elapsed();
            lab.group(0x10, &usual_rules()).await;
            eventually("and taken away", async || one.connect("10.0.1.33", 81).is_none()).await;
            println!("{signal} {daemon}: back after {back:?}, traffic {flows:?}, a change works {works:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_hosts_own_ovn_only_our_rows_are_touched() {
    let host = Lab::new().await;
    let socket = |name: &str| host.run_dir().join(format!("{name}.sock"));
    let foreign =
        format!("-t 10 --db=unix:{} ls-add theirs -- lsp-add theirs theirs-1", socket("nb").display());
    run("ovn-nbctl", &foreign);
    let engine = Engine::System { northbound: socket("nb"), switch: socket("conf") };
    let directory = tempfile::tempdir().unwrap();
    let guest = Daemons::start(directory.path(), Config { engine, ..host.config() }).await.unwrap();
    assert_eq!(guest.physical_networks().await, ["public"]);
    guest.network(&id(1), 1, &network(1)).await.unwrap();
    guest.port(&id(0x20), 1, &port(0x20, 1, "10.0.1.32", &[])).await.unwrap();
    assert!(guest.metadata_listener(&id(1)).await.unwrap().is_some());
    let tap = guest.plug(&id(0x20), &mac(0x20), 1442).await.unwrap();
    assert_eq!(tap.namespace, None);
    guest.destroy().await.unwrap();
    assert!(nix::net::if_::if_nametoindex(tap.name.as_str()).is_err());
    let left = run("ovn-nbctl", &format!("-t 10 --db=unix:{} show", socket("nb").display()));
    assert!(left.contains("theirs-1") && left.lines().count() == 2, "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_may_refer_to_groups_that_come_later() {
    let mut lab = Lab::new().await;
    lab.network(1, &network(1)).await;
    let mut rules = usual_rules();
    rules.push(rule(0x902, true, Some(6), Some(81), Remote::Group(id(0x11))));
    lab.group(0x10, &rules).await;
    lab.port(0x20, 1, "10.0.1.32", &[0x10]).await;
    let server = lab.guest(0x20, Some("10.0.1.32"), None).await;
    server.echo(81);
    lab.up(0x20).await;
    lab.group(0x11, &usual_rules()).await;
    lab.port(0x21, 1, "10.0.1.33", &[0x11]).await;
    let client = lab.guest(0x21, Some("10.0.1.33"), None).await;
    lab.up(0x21).await;
    eventually("the later group is let in", async || client.connect("10.0.1.32", 81).is_some()).await;
    let told = tokio::time::timeout(Duration::from_secs(60), lab.ovn().changed()).await.unwrap();
    assert!([id(0x20), id(0x21)].contains(&told));

    // A group and a network that are made again find their ports.
    lab.ovn().remove(metal::Kind::SecurityGroup, &id(0x11)).await.unwrap();
    eventually("nobody is in it", async || client.connect("10.0.1.32", 81).is_none()).await;
    lab.group(0x11, &usual_rules()).await;
    eventually("it has its port again", async || client.connect("10.0.1.32", 81).is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_of_the_host_everything_is_made_again() {
    let mut lab = Lab::new().await;
    for start in ["first", "after the restart"] {
        lab.network(1, &network(1)).await;
        lab.network(3, &external(&lab)).await;
        lab.group(0x10, &usual_rules()).await;
        lab.port(0x20, 1, "10.0.1.32", &[0x10]).await;
        lab.port(0x21, 1, "10.0.1.33", &[0x10]).await;
        let tap = lab.ovn().plug(&id(0x21), &mac(0x21), 1442).await.unwrap();
        let guest = lab.guest(0x20, Some("10.0.1.32"), None).await;
        lab.up(0x20).await;
        lab.up(0x21).await;
        eventually(start, async || guest.ping("10.0.1.2")).await;
        // All processes end and all namespaces are gone; files stay.
        let (pids, space) = (lab.ovn().daemon_pids(), tap.namespace.unwrap());
        lab.ovn = None;
        for (_, pid) in pids {
            kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        }
        lab.forget_guests();
        for name in [format!("{space}-md-{}", id(1)), space] {
            run("ip", &format!("netns del {name}"));
        }
        lab.start().await;
        assert!(lab.ovn().plugged().await.unwrap().is_empty(), "no tap has outlived the host");
        assert_eq!(lab.ovn().held().await.unwrap().len(), 5, "what was asked for is still known");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_ports_are_written_quickly() {
    let lab = Lab::new().await;
    let began = Instant::now();
    lab.network(1, &network(1)).await;
    println!("a network with metadata: {:?}", began.elapsed());
    lab.group(0x10, &usual_rules()).await;
    let began = Instant::now();
    lab.port(0xf0, 1, "10.0.1.240", &[0x10]).await;
    lab.ovn().plug(&id(0xf0), &mac(0xf0), 1442).await.unwrap();
    println!("a port with a tap: {:?}", began.elapsed());
    lab.up(0xf0).await;
    println!("its link is up: {:?}", began.elapsed());
    let began = Instant::now();
    for number in 0..200 {
        lab.port(0x100 + number, 1, &format!("10.0.1.{}", 20 + number), &[0x10]).await;
    }
    println!("200 ports: {:?} each", began.elapsed() / 200);
    // The database is a log of transactions.
    let log = || std::fs::metadata(lab.run_dir().join("nb.db")).unwrap().len();
    let mut before = 0;
    eventually("ovn-northd has said of each port that it is down", async || {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = log();
        std::mem::replace(&mut before, now) == now
    })
    .await;
    let began = Instant::now();
    for number in 0..200 {
        lab.port(0x100 + number, 1, &format!("10.0.1.{}", 20 + number), &[0x10]).await;
    }
    println!("200 ports again: {:?} each", began.elapsed() / 200);
    lab.network(1, &network(1)).await;
    lab.group(0x10, &usual_rules()).await;
    assert_eq!(log(), before, "an ensure that finds its work done commits nothing");
}
