//! Lives of servers on simulated metal, through the link.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod rig;

use futures_util::StreamExt;
use link::LinkError;
use metal::driver::{Disks, Hypervisor, Switch};
use metal::server::{MachineState, Power, Reboot};
use metal::{Kind, Observed};
use rig::{Rig, network, port, server, settles, spec, tombstone, until};
use sim::{Config, Timing};
use std::time::Duration;

#[tokio::test]
async fn a_server_waits_for_what_it_needs_and_runs() {
    let rig = Rig::new(Config::default()).await;
    rig.ensure(server("s", 1, spec(&["p1"], Power::On))).await;
    let waiting = until("the server asks for its image", || {
        rig.server("s").filter(|server| !server.missing_images.is_empty())
    })
    .await;
    assert_eq!(waiting.missing_images, [rig::image().id]);
    assert_eq!(waiting.state, MachineState::Absent);
    // The port waits for its network, and the server for the port.
    rig.ensure(port("p1", 1)).await;
    rig.put_image().await;
    until("the server waits for its port", || {
        rig.server("s")?.doing.filter(|doing| doing.contains("p1")).map(drop)
    })
    .await;
    rig.wire().await;
    let server = rig.server_is("s", 1, MachineState::Running).await;
    assert_eq!((server.ports.as_slice(), server.fault), (["p1".to_owned()].as_slice(), None));
    until("the port is up", || {
        (rig.report(Kind::Port, "p1")?.observed == Observed::Applied { up: true }).then_some(())
    })
    .await;
    let status = rig.agents.status(&rig.host).await.unwrap();
    assert!(
        status["objects"].as_array().unwrap().iter().all(|object| object["state"] == "settled"),
        "{status}"
    );
    let log = rig.agents.console_log(&rig.host, "s", 20).await.unwrap();
    assert!(String::from_utf8(log).unwrap().contains("vm login:"));
    assert!(matches!(rig.agents.console_log(&rig.host, "t", 20).await, Err(LinkError::Missing(_))));
}

#[tokio::test]
async fn power_follows_what_is_wanted() {
    let rig = Rig::new(Config::default()).await;
    rig.put_image().await;
    rig.wire().await;
    let states = [
        (Power::On, MachineState::Running),
        (Power::Paused, MachineState::Paused),
        (Power::On, MachineState::Running),
        (Power::Suspended, MachineState::Suspended),
        (Power::On, MachineState::Running),
        (Power::Off, MachineState::Off),
        (Power::Paused, MachineState::Paused),
        (Power::Suspended, MachineState::Suspended),
        (Power::Off, MachineState::Off),
        (Power::On, MachineState::Running),
    ];
    for (revision, (power, state)) in (1..).zip(states) {
        rig.ensure(server("s", revision, spec(&["p1"], power))).await;
        rig.server_is("s", revision, state).await;
        let up = matches!(state, MachineState::Running | MachineState::Paused);
        until("the link follows", || {
            (rig.report(Kind::Port, "p1")?.observed == Observed::Applied { up }).then_some(())
        })
        .await;
    }
    rig.ensure(server("off", 1, spec(&[], Power::Off))).await;
    rig.server_is("off", 1, MachineState::Off).await;
}

#[tokio::test]
async fn what_stops_by_itself_stays_off_until_a_start_is_asked_for() {
    let mut rig = Rig::new(Config::default()).await;
    rig.put_image().await;
    rig.ensure(server("s", 1, spec(&[], Power::On))).await;
    rig.server_is("s", 1, MachineState::Running).await;
    rig.sim.kill("s", "killed by signal 9").unwrap();
    let stopped = rig.server_is("s", 1, MachineState::Off).await;
    assert_eq!(stopped.stopped_because.as_deref(), Some("killed by signal 9"));
    rig.kill().await;
    rig.start().await;
    rig.ensure(server("t", 1, spec(&[], Power::On))).await;
    rig.server_is("t", 1, MachineState::Running).await;
    assert_eq!(rig.server("s").unwrap().state, MachineState::Off);
    // Something else of it changes: the controller may not have heard yet that it stopped, and hears it with this.
    let mut renamed = spec(&[], Power::On);
    renamed.metadata.meta.insert("colour".to_owned(), "grey".to_owned());
    rig.ensure(server("s", 2, renamed.clone())).await;
    let stopped = rig.server_is("s", 2, MachineState::Off).await;
    assert_eq!(stopped.stopped_because.as_deref(), Some("killed by signal 9"));
    assert_eq!(rig.sim.boots("s"), 1);
    renamed.starts = 1;
    rig.ensure(server("s", 3, renamed.clone())).await;
    let started = rig.server_is("s", 3, MachineState::Running).await;
    assert_eq!((rig.sim.boots("s"), started.stopped_because), (2, None));
    rig.sim.kill("s", "killed by signal 9").unwrap();
    rig.server_is("s", 3, MachineState::Off).await;
    renamed.reboot = Reboot { count: 1, hard: true };
    rig.ensure(server("s", 4, renamed)).await;
    rig.server_is("s", 4, MachineState::Running).await;
    assert_eq!(rig.sim.boots("s"), 3);
}

#[tokio::test]
async fn a_hard_reboot_discards_what_cannot_wake_up() {
    let rig = Rig::new(Config::default()).await;
    rig.put_image().await;
    rig.wire().await;
    for (revision, power, state) in
        [(1, Power::On, MachineState::Running), (2, Power::Suspended, MachineState::Suspended)]
    {
        rig.ensure(server("s", revision, spec(&["p1"], power))).await;
        rig.server_is("s", revision, state).await;
    }
    // The port was deleted while the server slept.
    let mut bare = spec(&[], Power::On);
    rig.ensure(server("s", 3, bare.clone())).await;
    let fault = until("it does not wake up", || rig.server("s")?.fault).await;
    assert!(fault.contains("saved with port p1") && fault.contains("reboot the server hard"), "{fault}");
    bare.reboot = Reboot { count: 1, hard: true };
    rig.ensure(server("s", 4, bare)).await;
    let server = rig.server_is("s", 4, MachineState::Running).await;
    assert_eq!((server.fault, rig.sim.boots("s")), (None, 2));
}

#[tokio::test]
async fn a_reboot_happens_once() {
    let mut rig = Rig::new(Config::default()).await;
    rig.put_image().await;
    let rebooted = |count, hard| {
        let mut spec = spec(&[], Power::On);
        spec.reboot = Reboot { count, hard };
        spec
    };
    rig.ensure(server("s", 1, rebooted(3, false))).await;
    rig.server_is("s", 1, MachineState::Running).await;
    assert_eq!(rig.sim.boots("s"), 1, "reboots before the first start are not made up for");
    for (revision, hard) in [(2, false), (3, true)] {
        rig.ensure(server("s", revision, rebooted(2 + revision, hard))).await;
        until("it is rebooted", || (rig.server("s")?.reboots == 2 + revision).then_some(())).await;
        rig.server_is("s", revision, MachineState::Running).await;
        assert_eq!(i64::from(rig.sim.boots("s")), revision);
    }
    rig.kill().await;
    rig.start().await;
    rig.ensure(server("t", 1, spec(&[], Power::On))).await;
    rig.server_is("t", 1, MachineState::Running).await;
    assert_eq!(rig.sim.boots("s"), 3);
    assert_eq!(rig.server("s").unwrap().reboots, 5);
}

#[tokio::test]
async fn a_guest_that_does_not_shut_down_holds_up_nobody() {
    let rig = Rig::new(Config { guests_comply: false, ..Config::default() }).await;
    rig.put_image().await;
    for number in 0..20 {
        rig.ensure(server(&format!("s{number}"), 1, spec(&[], Power::On))).await;
    }
    for number in 0..20 {
        rig.server_is(&format!("s{number}"), 1, MachineState::Running).await;
        rig.ensure(server(&format!("s{number}"), 2, spec(&[], Power::Off))).await;
    }
    rig.ensure(server("t", 1, spec(&[], Power::On))).await;
    rig.server_is("t", 1, MachineState::Running).await;
    assert_eq!(rig.server("s0").unwrap().doing.as_deref(), Some("shutting down"));
    rig.ensure(tombstone(Kind::Server, "s0", 3)).await;
    rig.gone(Kind::Server, "s0").await;
    rig.ensure(server("s1", 3, spec(&[], Power::On))).await;
    rig.server_is("s1", 3, MachineState::Running).await;
    assert_eq!(rig.sim.boots("s1"), 1);
}

#[tokio::test]
async fn ports_come_and_go_and_move_between_servers() {
    let rig = Rig::new(Config::default()).await;
    rig.put_image().await;
    rig.wire().await;
    rig.ensure(port("p2", 1)).await;
    rig.ensure(server("s", 1, spec(&["p1"], Power::On))).await;
    rig.ensure(server("t", 1, spec(&[], Power::On))).await;
    rig.server_is("s", 1, MachineState::Running).await;
    rig.ensure(server("s", 2, spec(&["p1", "p2"], Power::On))).await;
    assert_eq!(rig.server_is("s", 2, MachineState::Running).await.ports.len(), 2);
    // The new owner learns of it before the old one does.
    rig.ensure(server("t", 2, spec(&["p2"], Power::On))).await;
    settles().await;
    rig.ensure(server("s", 3, spec(&["p1"], Power::On))).await;
    assert_eq!(rig.server_is("s", 3, MachineState::Running).await.ports, ["p1"]);
    assert_eq!(rig.server_is("t", 2, MachineState::Running).await.ports, ["p2"]);
    assert_eq!(rig.sim.plugged().await.unwrap(), ["p1", "p2"]);
    assert_eq!((rig.sim.boots("s"), rig.sim.boots("t")), (1, 1));
    // A port that goes while its server still names it is pulled out.
    rig.ensure(tombstone(Kind::Port, "p2", 2)).await;
    rig.gone(Kind::Port, "p2").await;
    assert_eq!(rig.sim.plugged().await.unwrap(), ["p1"]);
    until("the server has lost it", || rig.server("t")?.ports.is_empty().then_some(())).await;
}

#[tokio::test]
async fn everything_is_taken_down_in_order_and_tombstones_are_forgotten_when_told() {
    let rig = Rig::new(Config::default()).await;
    rig.put_image().await;
    rig.wire().await;
    rig.ensure(server("s", 1, spec(&["p1"], Power::On))).await;
    rig.server_is("s", 1, MachineState::Running).await;
    let all = [(Kind::Network, "n1"), (Kind::SecurityGroup, "g1"), (Kind::Port, "p1"), (Kind::Server, "s")];
    for (kind, id) in all {
        rig.ensure(tombstone(kind, id, 9)).await;
    }
    for (kind, id) in all {
        rig.gone(kind, id).await;
        let old = rig.agents.ensure(&rig.host, &tombstone(kind, id, 8)).await;
        assert_eq!(old, Err(LinkError::Stale { held: (1, 1, 9) }));
    }
    nothing_is_left(&rig).await;
    for (kind, id) in all {
        rig.agents.forget(&rig.host, kind, id, (1, 1, 9)).await.unwrap();
    }
    assert!(rig.agents.ledger(&rig.host).await.unwrap().is_empty());
}

/// A controller that is refused asks again only when the host joins anew: what is told to be gone must count as gone.
#[tokio::test]
async fn what_is_told_to_be_gone_may_be_forgotten_at_that_moment() {
    let rig = Rig::new(Config::default()).await;
    rig.put_image().await;
    rig.wire().await;
    rig.ensure(server("s", 1, spec(&["p1"], Power::On))).await;
    rig.server_is("s", 1, MachineState::Running).await;
    // A task beside the agent's own, without a link in between: nobody can be faster.
    let host = rig.agent.as_ref().unwrap().host();
    let hasty = async move {
        let all =
            [(Kind::Server, "s"), (Kind::Port, "p1"), (Kind::Network, "n1"), (Kind::SecurityGroup, "g1")];
        for (kind, id) in all {
            let mut reports = host.reports(vec![kind]);
            host.ensure(tombstone(kind, id, 9)).await.unwrap();
            while reports.next().await.unwrap().observed != Observed::Gone {}
            host.forget(kind, id.to_owned(), (1, 1, 9)).await.unwrap();
        }
        host.ledger().await.unwrap()
    };
    assert!(tokio::spawn(hasty).await.unwrap().is_empty());
}

async fn nothing_is_left(rig: &Rig) {
    assert!(rig.sim.machines().await.unwrap().is_empty());
    assert!(rig.sim.servers().await.unwrap().is_empty());
    assert!(rig.sim.held().await.unwrap().is_empty());
    assert!(rig.sim.plugged().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_copy_of_an_image_goes_when_no_server_needs_it_any_more() {
    let rig = Rig::new(Config::default()).await;
    rig.put_image().await;
    rig.ensure(server("s", 1, spec(&[], Power::On))).await;
    rig.server_is("s", 1, MachineState::Running).await;
    let (image, forget) =
        (rig::image(), || rig.agents.forget_image(&rig.host, "0badcafe-0000-4000-8000-000000000001"));
    assert!(matches!(forget().await, Err(LinkError::NotYet(why)) if why.contains("server s")));
    assert!(rig.sim.has_image(&image).await.unwrap());
    rig.ensure(tombstone(Kind::Server, "s", 2)).await;
    rig.gone(Kind::Server, "s").await;
    for _ in 0..2 {
        forget().await.unwrap();
        assert!(!rig.sim.has_image(&image).await.unwrap());
    }
}

#[tokio::test]
async fn a_new_life_begins_after_the_old_one_has_ended() {
    let rig = Rig::new(Config::default()).await;
    rig.put_image().await;
    rig.ensure(server("s", 1, spec(&[], Power::On))).await;
    rig.server_is("s", 1, MachineState::Running).await;
    let mut second = server("s", 1, spec(&[], Power::On));
    second.incarnation = 2;
    rig.ensure(second.clone()).await;
    until("the second life runs", || {
        let report = rig.report(Kind::Server, "s")?;
        (report.incarnation == 2 && rig.server("s")?.state == MachineState::Running).then_some(())
    })
    .await;
    assert_eq!(rig.sim.machine("s").await.unwrap().unwrap().incarnation, 2);
    assert_eq!(rig.sim.boots("s"), 1);
    // A restored store that knows less: the later life stays.
    let mut restored = server("s", 9, spec(&[], Power::On));
    restored.timeline = 2;
    rig.ensure(restored).await;
    until("the later life is left alone", || {
        rig.server("s")?.fault.filter(|fault| fault.contains("incarnation 2")).map(drop)
    })
    .await;
    assert_eq!(rig.sim.machine("s").await.unwrap().unwrap().state, MachineState::Running);
}

#[tokio::test]
async fn refusals_are_faults_and_fullness_too() {
    let config = Config { memory_mib: 100, ..Config::default() };
    let rig = Rig::new(config).await;
    rig.put_image().await;
    rig.ensure(server("a", 1, spec(&[], Power::On))).await;
    rig.server_is("a", 1, MachineState::Running).await;
    rig.ensure(server("b", 1, spec(&[], Power::On))).await;
    until("a lack of memory is a fault", || {
        rig.server("b")?.fault.filter(|fault| fault.contains("memory")).map(drop)
    })
    .await;
    rig.ensure(tombstone(Kind::Server, "a", 2)).await;
    rig.ensure(server("b", 2, spec(&[], Power::On))).await;
    let fine = rig.server_is("b", 2, MachineState::Running).await;
    assert_eq!(fine.fault, None);
    let mut outside = network("n2", 1);
    let Some(metal::Spec::Network(spec)) = &mut outside.spec else { panic!() };
    spec.provider = Some(metal::network::Provider {
        physical_network: "elsewhere".to_owned(),
        vlan: None,
        host_addresses: vec![],
    });
    rig.ensure(outside).await;
    until("the network cannot be realised", || {
        matches!(rig.report(Kind::Network, "n2")?.observed, Observed::Failed { .. }).then_some(())
    })
    .await;
    rig.ensure(tombstone(Kind::Network, "n2", 2)).await;
    rig.gone(Kind::Network, "n2").await;
}

#[tokio::test]
async fn what_nobody_asked_for_is_told_and_left_alone() {
    let mut rig = Rig::new(Config::default()).await;
    rig.put_image().await;
    rig.ensure(server("s", 1, spec(&[], Power::On))).await;
    rig.server_is("s", 1, MachineState::Running).await;
    rig.kill().await;
    std::fs::remove_file(rig.dir.path().join("agent/ledger")).unwrap();
    rig.start().await;
    let agent = rig.agent.clone().unwrap();
    let status = until("the stranger is told", || {
        Some(agent.status()).filter(|status| status["unknown"]["machines"] == serde_json::json!(["s"]))
    })
    .await;
    assert_eq!(status["unknown"]["disks"], serde_json::json!(["s"]));
    assert_eq!(rig.sim.machine("s").await.unwrap().unwrap().state, MachineState::Running);
}

#[tokio::test]
async fn destroy_takes_all_of_it_down() {
    let mut rig = Rig::new(Config::default()).await;
    rig.put_image().await;
    rig.wire().await;
    rig.ensure(server("s", 1, spec(&["p1"], Power::On))).await;
    rig.server_is("s", 1, MachineState::Running).await;
    let agent = rig.agent.clone().unwrap();
    rig.kill().await;
    agent.destroy().await.unwrap();
    nothing_is_left(&rig).await;
    assert!(agent.host().ledger().await.unwrap().is_empty());
    assert!(!rig.sim.has_image(&rig::image()).await.unwrap());
}

#[tokio::test]
async fn a_lost_event_is_made_up_for() {
    let mut rig =
        Rig::new(Config { boot: Timing::exactly(Duration::from_millis(20)), ..Config::default() }).await;
    rig.put_image().await;
    rig.ensure(server("s", 1, spec(&[], Power::On))).await;
    rig.server_is("s", 1, MachineState::Running).await;
    rig.kill().await;
    rig.sim.kill("s", "the host ran out of memory").unwrap();
    let _ = Hypervisor::changed(&rig.sim).await;
    rig.start().await;
    let stopped = rig.server_is("s", 1, MachineState::Off).await;
    assert_eq!(stopped.stopped_because.as_deref(), Some("the host ran out of memory"));
}
