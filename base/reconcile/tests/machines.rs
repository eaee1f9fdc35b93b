//! A small reconciler, machines that need their ports, through everything that may happen to it, on both databases.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod sample;

use reconcile::harness::{World, crash_after_every_step, run_every_step_twice};
use reconcile::{Engine, rows, touched, want, want_at};
use sample::{Mishap, Sample, machine_remove, machine_want, port_ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use store::testing::{databases, postgres, sqlite};

const HORIZON: Duration = Duration::from_secs(3600);

fn both() -> Vec<Sample> {
    databases().into_iter().map(Sample::new).collect()
}

#[tokio::test]
async fn what_is_wanted_comes_to_be_and_goes_again() {
    for sample in both() {
        let engine = sample.engine();
        sample.write(|tx| machine_want(tx, "m1", 2));
        assert_eq!(engine.run_until_quiet().await.unwrap(), 2, "{}: a step and the rest", sample.name());
        assert_eq!(sample.status("m1"), "WAITING");
        let row = sample.row("m1");
        assert_eq!((row.state.as_str(), row.reason.as_str()), ("waiting", "its ports are not ready"));
        assert_eq!(row.waiting_on, [("port".to_owned(), "m1".to_owned())]);

        sample.write(|tx| port_ready(tx, "m1"));
        assert_eq!(engine.run_until_quiet().await.unwrap(), 1);
        assert_eq!((sample.status("m1").as_str(), sample.metal().get("m1")), ("ACTIVE", Some(&2)));
        assert_eq!((sample.row("m1").state.as_str(), sample.row("m1").due_at), ("done", None));

        sample.write(|tx| machine_remove(tx, "m1"));
        engine.settle(HORIZON).await.unwrap();
        assert_eq!((sample.status("m1").as_str(), sample.metal().len()), ("absent", 0));
        assert!(sample.rows().is_empty());
    }
}

#[tokio::test]
async fn who_rests_is_done_and_still_hears_of_what_it_watches() {
    for sample in both() {
        sample.mishap(Mishap::Watches);
        let engine = sample.engine();
        sample.write(|tx| machine_want(tx, "m1", 1));
        sample.write(|tx| port_ready(tx, "m1"));
        engine.run_until_quiet().await.unwrap();
        let row = sample.row("m1");
        assert_eq!((row.state.as_str(), row.reason.as_str()), ("done", ""), "{}", sample.name());
        assert!(row.due_at.is_some(), "it is looked at from time to time");
        sample.write(|tx| touched(tx, "port", "other"));
        assert_eq!(engine.run_until_quiet().await.unwrap(), 0);
        sample.write(|tx| touched(tx, "port", "m1"));
        assert_eq!(engine.run_until_quiet().await.unwrap(), 1);
        assert_eq!(sample.row("m1").state, "done");
    }
}

#[tokio::test]
async fn epochs_and_generations_outlive_their_row() {
    for sample in both() {
        let engine = sample.engine();
        sample.write(|tx| machine_want(tx, "m1", 1));
        sample.write(|tx| port_ready(tx, "m1"));
        engine.settle(HORIZON).await.unwrap();
        let before = sample.row("m1");
        sample.write(|tx| machine_remove(tx, "m1"));
        engine.settle(HORIZON).await.unwrap();
        sample.write(|tx| machine_want(tx, "m1", 1));
        let after = sample.row("m1");
        assert!(after.epoch > before.epoch, "{} {after:?}", sample.name());
        assert!(after.generation > before.generation);
    }
}

#[tokio::test]
async fn a_wish_during_the_act_is_not_lost() {
    for sample in both() {
        let (started, go) = sample.hold_next_act();
        sample.write(|tx| machine_want(tx, "m1", 1));
        sample.write(|tx| port_ready(tx, "m1"));
        let engine = sample.engine();
        let running = tokio::spawn(async move { engine.run_until_quiet().await });
        started.notified().await;
        sample.write(|tx| machine_want(tx, "m1", 7));
        assert_eq!(sample.row("m1").state, "running");
        go.notify_one();
        running.await.unwrap().unwrap();
        assert_eq!((sample.status("m1").as_str(), sample.metal()["m1"]), ("ACTIVE", 7), "{}", sample.name());
    }
}

#[tokio::test]
async fn a_touch_between_snapshot_and_wait_is_noticed() {
    for sample in both() {
        let engine = sample.engine();
        sample.write(|tx| machine_want(tx, "m1", 1));
        engine.step().await.unwrap();
        let (started, go) = sample.hold_next_act();
        let running = tokio::spawn(async move { engine.run_until_quiet().await });
        // The machine has seen a port that is not ready, and is about to wait for it.
        started.notified().await;
        sample.write(|tx| port_ready(tx, "m1"));
        go.notify_one();
        running.await.unwrap().unwrap();
        assert_eq!(sample.status("m1"), "ACTIVE", "{}", sample.name());
    }
}

#[tokio::test]
async fn a_touch_that_the_snapshot_saw_does_not_wake() {
    for sample in both() {
        let engine = sample.engine();
        sample.write(|tx| machine_want(tx, "m1", 1));
        sample.write(|tx| touched(tx, "port", "m1"));
        sample.write(|tx| touched(tx, "port", "other"));
        assert_eq!(engine.run_until_quiet().await.unwrap(), 2, "{}", sample.name());
        sample.write(|tx| touched(tx, "port", "other"));
        assert_eq!(engine.run_until_quiet().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn failures_back_off_and_poison() {
    for sample in both() {
        sample.mishap(Mishap::Fails);
        sample.write(|tx| machine_want(tx, "m1", 1));
        let engine = sample.engine();
        let mut pauses = Vec::new();
        for attempt in 1..=10 {
            engine.settle(Duration::ZERO).await.unwrap();
            let row = sample.row("m1");
            assert_eq!(
                (row.state.as_str(), row.reason.as_str(), row.attempts),
                ("failed", "no such luck", attempt)
            );
            let pause = row.due_at.unwrap().since(sample.clock().now());
            pauses.push(pause);
            assert_eq!(sample.status("m1") == "ERROR", attempt >= 4, "{} {attempt}", sample.name());
            sample.clock().advance(pause);
        }
        let milliseconds: Vec<u128> = pauses.iter().map(Duration::as_millis).collect();
        assert!((50..=100).contains(&milliseconds[0]), "{milliseconds:?}");
        assert!((12_800..=51_200).contains(&milliseconds[9]), "{milliseconds:?}");
        // A new wish forgets the failures.
        sample.mishap(Mishap::None);
        sample.write(|tx| machine_want(tx, "m1", 1));
        sample.write(|tx| port_ready(tx, "m1"));
        engine.run_until_quiet().await.unwrap();
        assert_eq!((sample.status("m1").as_str(), sample.row("m1").attempts), ("ACTIVE", 0));
    }
}

#[tokio::test]
async fn a_panic_in_any_step_is_a_failure_and_no_more() {
    for mishap in
        [Mishap::PanicsInSnapshot, Mishap::PanicsInPlan, Mishap::PanicsInAct, Mishap::PanicsInRecord]
    {
        for sample in both() {
            sample.mishap(mishap);
            sample.write(|tx| machine_want(tx, "m1", 1));
            sample.write(|tx| port_ready(tx, "m1"));
            let engine = sample.engine();
            for _ in 0..4 {
                engine.settle(Duration::from_millis(1)).await.unwrap();
                sample.clock().advance(Duration::from_secs(1));
            }
            let row = sample.row("m1");
            assert!(row.reason.contains("the panic of the test"), "{mishap:?} {row:?}");
            assert_eq!((row.state.as_str(), row.attempts), ("failed", 4), "{}", sample.name());
            assert_eq!(sample.status("m1"), "ERROR");
            sample.mishap(Mishap::None);
            engine.settle(HORIZON).await.unwrap();
            assert_eq!(sample.status("m1"), "ACTIVE");
        }
    }
}

#[tokio::test]
async fn a_lost_claim_writes_nothing() {
    for sample in both() {
        sample.write(|tx| machine_want(tx, "m1", 1));
        sample.write(|tx| port_ready(tx, "m1"));
        let slow = sample.engine();
        slow.step().await.unwrap();
        let (started, go) = sample.hold_next_act();
        let stalled = tokio::spawn(async move { slow.step().await });
        started.notified().await;
        // Nobody takes it while the lease holds; afterwards another controller does, and ends the work.
        let other = sample.another_engine();
        assert!(!other.step().await.unwrap());
        sample.clock().advance(Duration::from_secs(31));
        other.run_until_quiet().await.unwrap();
        assert_eq!(sample.status("m1"), "ACTIVE");
        let (row, recorded) = (sample.row("m1"), sample.recorded());
        go.notify_one();
        assert!(stalled.await.unwrap().unwrap());
        assert_eq!((sample.row("m1"), sample.recorded()), (row, recorded), "{}", sample.name());
    }
}

#[tokio::test]
async fn a_restart_voids_the_leases_of_the_dead_on_sqlite() {
    let sample = Sample::new(sqlite());
    sample.write(|tx| machine_want(tx, "m1", 1));
    let (started, _go) = sample.hold_next_act();
    let dead = sample.engine();
    let running = tokio::spawn(async move { dead.step().await });
    started.notified().await;
    running.abort();
    let next = sample.engine();
    assert!(!next.step().await.unwrap());
    next.recover().await.unwrap();
    assert!(next.step().await.unwrap());
}

#[tokio::test]
async fn work_by_the_clock_comes_due_by_the_clock() {
    for sample in both() {
        sample.write(|tx| want_at(tx, "machine", "none", tx.now().plus(Duration::from_secs(60))));
        let engine = sample.engine();
        assert_eq!(engine.run_until_quiet().await.unwrap(), 0);
        assert_eq!(engine.settle(Duration::from_secs(59)).await.unwrap(), 0);
        assert_eq!(engine.settle(Duration::from_secs(60)).await.unwrap(), 1, "{}", sample.name());
        // What is due sooner for another reason stays so.
        sample.write(|tx| want(tx, "machine", "none"));
        sample.write(|tx| want_at(tx, "machine", "none", tx.now().plus(Duration::from_secs(60))));
        assert_eq!(engine.run_until_quiet().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_crash_may_come_after_every_step() {
    for fresh in [sqlite, postgres] {
        let points = crash_after_every_step(|| Sample::with_work(fresh()), HORIZON).await.unwrap();
        assert!(points > 20, "{points}");
    }
}

#[tokio::test]
async fn every_step_may_run_twice() {
    for fresh in [sqlite, postgres] {
        run_every_step_twice(|| Sample::with_work(fresh()), HORIZON).await.unwrap();
    }
}

#[tokio::test]
async fn the_harnesses_catch_a_reconciler_that_counts_its_effects() {
    let careless = || {
        let sample = Sample::with_work(sqlite());
        sample.mishap(Mishap::Counts);
        sample
    };
    let crashed = crash_after_every_step(careless, HORIZON).await.unwrap_err();
    assert!(crashed.contains("after a crash at point"), "{crashed}");
    let twice = run_every_step_twice(careless, HORIZON).await.unwrap_err();
    assert!(twice.contains("twice"), "{twice}");
}

#[tokio::test]
async fn operators_read_what_happens() {
    for sample in both() {
        sample.write(|tx| machine_want(tx, "m1", 1));
        sample.write(|tx| {
            reconcile::set_deadline(tx, "machine", "m1", Some(tx.now()))?;
            reconcile::set_data(tx, "machine", "m1", &["step", "two"])
        });
        sample.clock().advance(Duration::from_secs(3));
        let found = sample.rows();
        assert_eq!((found[0].state.as_str(), found[0].age), ("due", Duration::from_secs(3)));
        assert_eq!(found[0].data_as::<Vec<String>>().unwrap(), ["step", "two"]);
        assert!(found[0].deadline.is_some());
        let summary = sample.db().read_now(reconcile::summary).unwrap();
        assert_eq!((summary[0].state.as_str(), summary[0].count), ("due", 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_of_its_own_does_all_that_is_wanted() {
    for sample in both() {
        let sample = Arc::new(sample.on_real_time());
        let handle = sample.engine().start(8);
        for number in 0..60 {
            let id = format!("m{number}");
            sample
                .db()
                .write(move |tx| {
                    machine_want(tx, &id, number)?;
                    port_ready(tx, &id)
                })
                .await
                .unwrap();
        }
        sample.until(|sample| sample.count("ACTIVE") == 60).await;
        handle.stop().await;
        assert!(sample.rows().iter().all(|row| row.owner.is_empty()), "{}", sample.name());
        // Stopped is stopped.
        sample.write(|tx| machine_want(tx, "m0", 99));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_ne!(sample.metal()["m0"], 99);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_are_renewed_while_the_act_runs() {
    for sample in both() {
        let sample = sample.on_real_time();
        let (started, go) = sample.hold_next_act();
        sample.write(|tx| machine_want(tx, "m1", 1));
        let lease = Duration::from_secs(2);
        let one = sample.engine().lease(lease).start(2);
        started.notified().await;
        // A second engine is a second controller: on SQLite there is none.
        let other = (sample.name() == "postgres").then(|| sample.another_engine().lease(lease).start(2));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!((sample.row("m1").epoch, sample.recorded()), (1, 0), "{}", sample.name());
        go.notify_one();
        sample.until(|sample| sample.recorded() > 0).await;
        one.stop().await;
        if let Some(other) = other {
            other.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_hears_of_what_another_one_accepted() {
    for sample in both() {
        let engine = sample.another_engine().start(2);
        // Had it missed the hint, the next look would be half a minute off.
        sample.until(Sample::is_listened_to).await;
        sample.write(|tx| {
            machine_want(tx, "m1", 1)?;
            port_ready(tx, "m1")
        });
        let begun = std::time::Instant::now();
        sample.until(|sample| sample.status("m1") == "ACTIVE").await;
        assert!(begun.elapsed() < Duration::from_secs(25), "{} {:?}", sample.name(), begun.elapsed());
        engine.stop().await;
    }
}

#[tokio::test]
async fn a_test_that_moves_the_clock_wakes_the_engine() {
    let sample = Sample::new(sqlite());
    sample.write(|tx| want_at(tx, "machine", "none", tx.now().plus(Duration::from_secs(3600))));
    let engine = sample.engine().start(1);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(sample.rows().len(), 1);
    sample.clock().advance(Duration::from_secs(3601));
    engine.wake();
    sample.until(|sample| sample.rows().is_empty()).await;
    engine.stop().await;
}

/// The trial of the design: several controllers, stalls beyond the lease, wishes all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_controllers_with_stalls_come_to_what_is_wanted() {
    let sample = Arc::new(Sample::new(postgres()).on_real_time());
    sample.mishap(Mishap::Stalls);
    let engines: Vec<_> =
        (0..3).map(|_| sample.another_engine().lease(Duration::from_millis(300)).start(4)).collect();
    let wishes = Arc::new(AtomicUsize::new(0));
    for round in 0..4i64 {
        for number in 0..25 {
            let id = format!("m{number}");
            wishes.fetch_add(1, Ordering::SeqCst);
            let made = sample.db().write(move |tx| {
                machine_want(tx, &id, round * 100 + number)?;
                port_ready(tx, &id)
            });
            made.await.unwrap();
        }
    }
    sample
        .until(|sample| {
            let metal = sample.metal();
            sample.count("ACTIVE") == 25
                && (0..25).all(|number| metal.get(&format!("m{number}")) == Some(&(300 + number)))
                && sample.rows().iter().all(|row| row.state == "done")
        })
        .await;
    for engine in engines {
        engine.stop().await;
    }
    let epochs: i64 = sample.rows().iter().map(|row| row.epoch).sum();
    println!("{} wishes, {epochs} claims, {} records", wishes.load(Ordering::SeqCst), sample.recorded());
}

#[tokio::test]
async fn an_engine_without_reconcilers_is_quiet() {
    let sample = Sample::new(sqlite());
    sample.write(|tx| machine_want(tx, "m1", 1));
    let engine = Engine::new(sample.db(), sample.clock(), sample.entropy(), "nobody");
    assert_eq!(engine.settle(HORIZON).await.unwrap(), 0);
    assert_eq!(sample.db().read_now(rows).unwrap().len(), 1);
}
