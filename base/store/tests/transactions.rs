//! What a closure may rely on, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use fault::{Fault, Kind};
use kernel::Micros;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::testing::{Fixture, START, databases};
use store::{Db, Migration, StoreError, Tx, Value, params};

const TABLES: &[Migration] = &[Migration {
    number: 1,
    name: "tables",
    sql: "CREATE TABLE things (id TEXT PRIMARY KEY, name TEXT NOT NULL, size BIGINT, ratio DOUBLE PRECISION, data BLOB);
          CREATE UNIQUE INDEX things_by_name ON things (name, size);
          CREATE TABLE parts (id TEXT PRIMARY KEY, thing TEXT NOT NULL REFERENCES things (id));
          CREATE TABLE usage (project TEXT PRIMARY KEY, used BIGINT NOT NULL);",
}];

fn fresh() -> Vec<Fixture> {
    let fixtures = databases();
    for fixture in &fixtures {
        fixture.db.migrate("test", TABLES).unwrap();
    }
    fixtures
}

fn put(tx: &Tx, id: &str, size: i64) -> Result<(), Fault> {
    tx.execute("INSERT INTO things (id, name, size) VALUES (?1, ?1, ?2)", params![id, size]).map(drop)
}

fn count(db: &Db) -> i64 {
    db.read_now(|tx| tx.query_one("SELECT count(*) FROM things", &[])?.unwrap().int(0)).unwrap()
}

#[test]
fn every_sort_of_value_comes_back_as_it_went() {
    for fixture in fresh() {
        let row = fixture
            .db
            .write_now(|tx| {
                tx.execute(
                    "INSERT INTO things (id, name, size, ratio, data) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params!["a", "Ærøskøbing 'quoted?1'", i64::MIN, 0.1, vec![0u8, 255, 10]],
                )?;
                tx.execute("INSERT INTO things (id, name) VALUES (?1, ?2)", params!["b", String::from("b")])?;
                tx.query("SELECT name, size, ratio, data FROM things ORDER BY id", &[])
            })
            .unwrap();
        assert_eq!(row[0].text(0).unwrap(), "Ærøskøbing 'quoted?1'");
        assert_eq!(row[0].at(1).unwrap(), Micros(i64::MIN));
        assert_eq!((row[0].real(2).unwrap(), row[0].blob(3).unwrap()), (0.1, vec![0, 255, 10]));
        assert_eq!(
            (row[1].opt_int(1).unwrap(), row[1].opt_real(2).unwrap(), row[1].opt_blob(3).unwrap()),
            (None, None, None)
        );
        assert_eq!(row[0].int(0).unwrap_err().kind, Kind::Bug);
        assert_eq!(row[0].text(9).unwrap_err().kind, Kind::Bug);
    }
}

#[test]
fn sums_are_integers_and_averages_are_numbers() {
    for fixture in fresh() {
        for (id, size) in [("a", 70_000), ("b", 50_000), ("c", -3)] {
            fixture.db.write_now(move |tx| put(tx, id, size)).unwrap();
        }
        let read =
            |sql: &'static str| fixture.db.read_now(move |tx| Ok(tx.query_one(sql, &[])?.unwrap())).unwrap();
        assert_eq!(read("SELECT sum(size) FROM things").int(0).unwrap(), 119_997, "{}", fixture.name);
        assert_eq!(read("SELECT sum(-size) FROM things").int(0).unwrap(), -119_997);
        assert_eq!(read("SELECT sum(size) FROM things WHERE id = 'x'").opt_int(0).unwrap(), None);
        assert_eq!(read("SELECT sum(size) FROM things WHERE id <> 'c'").int(0).unwrap(), 120_000);
        assert_eq!(read("SELECT sum(0) FROM things").int(0).unwrap(), 0);
        let average = read("SELECT avg(size) FROM things WHERE id <> 'b'").real(0).unwrap();
        assert!((average - 34_998.5).abs() < 1e-6, "{average}");
    }
}

/// What PostgreSQL cannot keep is not kept on SQLite either, and what holds it is at fault, not the store.
#[test]
fn a_text_has_no_zero_byte() {
    for fixture in fresh() {
        let refused = fixture.db.write_now(|tx| {
            put(tx, "a", 1)?;
            put(tx, "b\0", 1)
        });
        assert_eq!(refused.unwrap_err().kind, Kind::BadInput, "{}", fixture.name);
        let tried = fixture.db.write_now(|tx| {
            let sql = "INSERT INTO things (id, name) VALUES (?1, ?1)";
            assert_eq!(tx.try_execute(sql, params!["\0"]), Err(StoreError::Zero));
            put(tx, "c", 1)
        });
        assert_eq!((tried.is_ok(), count(&fixture.db)), (true, 1), "{}", fixture.name);
        let asked = fixture.db.read_now(|tx| tx.query("SELECT 1 FROM things WHERE id = ?1", params!["c\0"]));
        assert_eq!(asked.unwrap().len(), 0, "{}", fixture.name);
        let removed =
            fixture.db.write_now(|tx| tx.execute("DELETE FROM things WHERE id = ?1", params!["c\0"]));
        assert_eq!((removed.unwrap(), count(&fixture.db)), (0, 1), "{}", fixture.name);
    }
}

#[test]
fn a_null_needs_no_type() {
    for fixture in fresh() {
        fixture.db.write_now(|tx| put(tx, "a", 1)).unwrap();
        let none: Option<String> = None;
        let found = fixture.db.read_now(move |tx| {
            tx.query("SELECT id FROM things WHERE (?1 IS NULL OR name = ?1) AND size = ?2", params![&none, 1])
        });
        assert_eq!(found.unwrap().len(), 1, "{}", fixture.name);
    }
}

#[test]
fn a_wrong_number_of_parameters_is_a_bug() {
    for fixture in fresh() {
        for params in [vec![], vec![Value::from("a"), Value::from("b")]] {
            let fault = fixture
                .db
                .read_now(move |tx| tx.query("SELECT id FROM things WHERE id = ?1", &params))
                .unwrap_err();
            assert_eq!(fault.kind, Kind::Bug);
            assert!(fault.causes().contains("parameters"), "{fault}");
        }
    }
}

#[test]
fn who_wrote_sees_it() {
    for fixture in fresh() {
        for number in 0..200 {
            fixture.db.write_now(move |tx| put(tx, &format!("t{number}"), number)).unwrap();
            assert_eq!(count(&fixture.db), number + 1, "{}", fixture.name);
        }
    }
}

#[test]
fn a_read_is_one_snapshot_and_cannot_write() {
    for fixture in fresh() {
        let other = fixture.db.clone();
        let (before, after) = fixture
            .db
            .read_now(move |tx| {
                let count = |tx: &Tx| tx.query_one("SELECT count(*) FROM things", &[])?.unwrap().int(0);
                let before = count(tx)?;
                let db = other.clone();
                std::thread::spawn(move || db.write_now(|tx| put(tx, "a", 1)).unwrap()).join().unwrap();
                Ok((before, count(tx)?))
            })
            .unwrap();
        assert_eq!((before, after, count(&fixture.db)), (0, 0, 1), "{}", fixture.name);
        let fault = fixture.db.read_now(|tx| put(tx, "b", 1)).unwrap_err();
        assert_eq!((fault.kind, count(&fixture.db)), (Kind::Bug, 1));
    }
}

#[test]
fn two_cannot_pass_one_quota() {
    for fixture in fresh() {
        let mut threads = Vec::new();
        // Each on a connection, and on PostgreSQL a store, of its own; the sum is taken over rows, not from a counter.
        for client in 0..8 {
            let db = if client % 2 == 0 { fixture.db.clone() } else { fixture.another() };
            threads.push(std::thread::spawn(move || {
                let mut made = 0;
                for number in 0..6 {
                    let outcome = db.write_now(move |tx| {
                        let used = tx
                            .query_one("SELECT COALESCE(sum(size), 0) FROM things", &[])?
                            .unwrap()
                            .int(0)?;
                        if used >= 10 {
                            return Err(Fault::over_quota("enough"));
                        }
                        put(tx, &format!("c{client}-{number}"), 1)
                    });
                    match outcome {
                        Ok(()) => made += 1,
                        Err(fault) => assert_eq!(fault.kind, Kind::OverQuota, "{fault}"),
                    }
                }
                made
            }));
        }
        let made: i64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!((made, count(&fixture.db)), (10, 10), "{}", fixture.name);
    }
}

#[test]
fn an_update_is_never_lost() {
    for fixture in fresh() {
        fixture
            .db
            .write_now(|tx| tx.execute("INSERT INTO usage (project, used) VALUES ('p', 0)", &[]))
            .unwrap();
        let runs = Arc::new(AtomicUsize::new(0));
        let mut threads = Vec::new();
        for _ in 0..6 {
            let (db, runs) = (fixture.db.clone(), runs.clone());
            threads.push(std::thread::spawn(move || {
                for _ in 0..20 {
                    let runs = runs.clone();
                    db.write_now(move |tx| {
                        runs.fetch_add(1, Ordering::SeqCst);
                        let used = tx
                            .query_one("SELECT used FROM usage WHERE project = 'p'", &[])?
                            .unwrap()
                            .int(0)?;
                        tx.execute("UPDATE usage SET used = ?1 WHERE project = 'p'", params![used + 1])
                    })
                    .unwrap();
                }
            }));
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let used =
            fixture.db.read_now(|tx| tx.query_one("SELECT used FROM usage", &[])?.unwrap().int(0)).unwrap();
        assert_eq!(used, 120, "{} in {} runs", fixture.name, runs.load(Ordering::SeqCst));
    }
}

#[test]
fn a_swallowed_conflict_is_repeated_all_the_same() {
    for fixture in fresh().into_iter().filter(|fixture| fixture.name == "postgres") {
        fixture
            .db
            .write_now(|tx| tx.execute("INSERT INTO usage (project, used) VALUES ('p', 0)", &[]))
            .unwrap();
        let other = fixture.another();
        let runs = Arc::new(AtomicU32::new(0));
        let (seen, first) = (runs.clone(), Mutex::new(true));
        fixture
            .db
            .write_now(move |tx| {
                seen.fetch_add(1, Ordering::SeqCst);
                let used = tx.query_one("SELECT used FROM usage", &[])?.unwrap().int(0)?;
                if std::mem::take(&mut *first.lock().unwrap()) {
                    let other = other.clone();
                    std::thread::spawn(move || {
                        other.write_now(|tx| tx.execute("UPDATE usage SET used = used + 10", &[]))
                    })
                    .join()
                    .unwrap()?;
                }
                let _ = tx.execute("UPDATE usage SET used = ?1", params![used + 1]);
                Ok(())
            })
            .unwrap();
        let used =
            fixture.db.read_now(|tx| tx.query_one("SELECT used FROM usage", &[])?.unwrap().int(0)).unwrap();
        assert_eq!((used, runs.load(Ordering::SeqCst)), (11, 2));
    }
}

#[test]
fn a_failed_closure_leaves_nothing_and_harms_nobody() {
    for fixture in fresh() {
        let fault = fixture
            .db
            .write_now(|tx| {
                put(tx, "a", 1)?;
                tx.changed("thing", "a");
                Err::<(), _>(Fault::conflict("not so"))
            })
            .unwrap_err();
        assert_eq!((fault.kind, fault.public()), (Kind::Conflict, "not so"));
        let fault = fixture
            .db
            .write_now(|tx| {
                put(tx, "b", 1)?;
                let number: i64 = "none".parse().expect("the panic of the test");
                put(tx, "c", number)
            })
            .unwrap_err();
        assert_eq!(fault.kind, Kind::Bug);
        assert!(fault.causes().contains("the panic of the test"), "{fault}");
        assert_eq!(count(&fixture.db), 0, "{}", fixture.name);
        fixture.db.write_now(|tx| put(tx, "c", 1)).unwrap();
        assert_eq!(count(&fixture.db), 1);
    }
}

#[test]
fn an_error_that_a_closure_swallows_dooms_its_transaction() {
    for fixture in fresh() {
        let fault = fixture
            .db
            .write_now(|tx| {
                put(tx, "a", 1)?;
                let _ = tx.execute("INSERT INTO nowhere (id) VALUES (1)", &[]);
                Ok(())
            })
            .unwrap_err();
        assert_eq!((fault.kind, count(&fixture.db)), (Kind::Bug, 0), "{}", fixture.name);
    }
}

#[test]
fn a_taken_key_is_told_apart_and_survived() {
    for fixture in fresh() {
        fixture.db.write_now(|tx| put(tx, "a", 1)).unwrap();
        let errors = fixture
            .db
            .write_now(|tx| {
                let add = "INSERT INTO things (id, name, size) VALUES (?1, ?2, 1)";
                let key = tx.try_execute(add, params!["a", "new"]).unwrap_err();
                let name = tx.try_execute(add, params!["b", "a"]).unwrap_err();
                let parent =
                    tx.try_execute("INSERT INTO parts (id, thing) VALUES ('p', 'none')", &[]).unwrap_err();
                tx.try_execute(add, params!["c", "c"]).unwrap();
                Ok((key, name, parent))
            })
            .unwrap();
        let unique = |columns: &[&str]| StoreError::Unique {
            table: "things".to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
        };
        assert_eq!((errors.0, errors.1), (unique(&["id"]), unique(&["name", "size"])), "{}", fixture.name);
        assert!(matches!(errors.2, StoreError::Foreign(_)), "{:?}", errors.2);
        assert_eq!(count(&fixture.db), 2);
        let fault = fixture.db.write_now(|tx| put(tx, "a", 1)).unwrap_err();
        assert_eq!(fault.kind, Kind::Conflict);
        // What the closure says of it goes before what the store says.
        let named = |_| Fault::bad_input("this name is taken");
        let fault = fixture.db.write_now(move |tx| put(tx, "a", 1).map_err(named)).unwrap_err();
        assert_eq!((fault.kind, fault.public()), (Kind::BadInput, "this name is taken"));
    }
}

#[test]
fn one_bad_closure_does_not_spoil_its_group() {
    for fixture in fresh() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut pending = Vec::new();
            for number in 0..100 {
                let db = fixture.db.clone();
                pending.push(tokio::spawn(async move {
                    db.write(move |tx| {
                        put(tx, &format!("t{number}"), number)?;
                        match number % 3 {
                            0 => Ok(()),
                            1 => Err(Fault::conflict("no")),
                            _ => put(tx, &format!("t{number}"), number),
                        }
                    })
                    .await
                }));
            }
            for (number, outcome) in pending.into_iter().enumerate() {
                assert_eq!(outcome.await.unwrap().is_ok(), number % 3 == 0, "{} {number}", fixture.name);
            }
        });
        assert_eq!(count(&fixture.db), 34, "{}", fixture.name);
    }
}

#[test]
fn listeners_hear_of_commits_only_and_once() {
    for fixture in fresh() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = heard.clone();
        fixture.db.on_commit(Arc::new(move |changes| {
            ear.lock()
                .unwrap()
                .extend(changes.iter().map(|change| (change.kind.to_string(), change.id.clone())));
        }));
        fixture.db.on_commit(Arc::new(|_| panic!("a listener that panics")));
        fixture
            .db
            .write_now(|tx| {
                tx.changed("thing", "a");
                tx.changed("thing", "a");
                tx.changed("part", "b");
                put(tx, "a", 1)
            })
            .unwrap();
        let failed = fixture.db.write_now(|tx| {
            tx.changed("thing", "c");
            put(tx, "a", 1)
        });
        assert!(failed.is_err());
        let wanted = vec![("thing".to_owned(), "a".to_owned()), ("part".to_owned(), "b".to_owned())];
        assert_eq!(*heard.lock().unwrap(), wanted, "{}", fixture.name);
    }
}

#[test]
fn the_other_controller_hears_of_it_too() {
    for fixture in fresh().into_iter().filter(|fixture| fixture.name == "postgres") {
        let other = fixture.another();
        let (sender, receiver) = std::sync::mpsc::channel();
        other.on_commit(Arc::new(move |changes| drop(sender.send(changes.to_vec()))));
        // The other one may not listen yet, and hints may be lost: so again until it hears.
        let mut heard = Vec::new();
        for round in 0..100 {
            fixture
                .db
                .write_now(move |tx| {
                    (0..300).for_each(|number| {
                        tx.changed("thing", &format!("{round}-{number}-{}", "x".repeat(30)))
                    });
                    Ok(())
                })
                .unwrap();
            while let Ok(changes) = receiver.recv_timeout(Duration::from_millis(100)) {
                heard.extend(changes);
            }
            // The changes of one transaction may come in several parts.
            while !heard.len().is_multiple_of(300) {
                heard.extend(receiver.recv_timeout(Duration::from_secs(60)).unwrap());
            }
            if !heard.is_empty() {
                break;
            }
        }
        assert_eq!(heard.len() % 300, 0, "{}", heard.len());
        assert!(!heard.is_empty());
    }
}

#[test]
fn time_stands_within_a_transaction_and_the_timeline_rises() {
    for fixture in fresh() {
        let clock = fixture.clock.clone();
        let (first, second) = fixture
            .db
            .write_now(move |tx| {
                let first = tx.now();
                clock.advance(Duration::from_secs(5));
                Ok((first, tx.now()))
            })
            .unwrap();
        assert_eq!((first, second), (START, START));
        assert_eq!(
            fixture.db.read_now(|tx| Ok((tx.now(), tx.timeline()))).unwrap(),
            (START.plus(Duration::from_secs(5)), START.0)
        );
        let begun = fixture.db.begin_timeline().unwrap();
        assert!(begun > START.0);
        assert_eq!(fixture.db.read_now(|tx| Ok(tx.timeline())).unwrap(), begun);
        assert_eq!(fixture.db.begin_timeline().unwrap(), begun + 1);
    }
}

#[test]
fn a_closure_cannot_wait_for_another() {
    for fixture in fresh() {
        let db = fixture.db.clone();
        let fault = fixture.db.write_now(move |_| db.read_now(|_| Ok(()))).unwrap_err();
        assert_eq!(fault.kind, Kind::Bug);
    }
}

#[test]
fn the_last_clone_may_go_within_a_closure() {
    for fixture in fresh() {
        let db = fixture.db.clone();
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let inner = db.clone();
        let waiting = std::thread::spawn(move || {
            let _ = db.write_now(move |tx| {
                let _ = (&inner, receiver.recv());
                put(tx, "a", 1)
            });
        });
        drop(fixture);
        sender.send(()).unwrap();
        waiting.join().unwrap();
    }
}

#[test]
fn like_and_order_go_by_bytes_on_both() {
    for fixture in fresh() {
        for id in ["b", "B", "a", "_", "ä", "A"] {
            fixture.db.write_now(move |tx| put(tx, id, 1)).unwrap();
        }
        let ids = |sql: &'static str| {
            let rows = fixture.db.read_now(move |tx| tx.query(sql, &[])).unwrap();
            rows.iter().map(|row| row.text(0).unwrap()).collect::<String>()
        };
        assert_eq!(ids("SELECT id FROM things ORDER BY id"), "AB_abä", "{}", fixture.name);
        assert_eq!(ids("SELECT id FROM things WHERE id LIKE 'a%' ORDER BY id"), "a", "{}", fixture.name);
        assert_eq!(
            ids("SELECT id FROM things WHERE id > 'B' AND id < 'b' ORDER BY id"),
            "_a",
            "{}",
            fixture.name
        );
    }
}
