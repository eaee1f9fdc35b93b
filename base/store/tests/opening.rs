//! Opening: locks, migrations, and what survives a kill.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use fault::Kind;
use kernel::{Clock, Entropy};
use std::path::Path;
use std::process::{Command, Stdio};
use store::testing::{START, databases};
use store::{Db, Migration, Parts, params};

const ONE: Migration = Migration {
    number: 1,
    name: "one",
    sql: "CREATE TABLE things (id TEXT PRIMARY KEY, n BIGINT NOT NULL DEFAULT 0)",
};
const TWO: Migration = Migration { number: 2, name: "two", sql: "ALTER TABLE things ADD COLUMN note TEXT" };
const BROKEN: Migration = Migration {
    number: 2,
    name: "two",
    sql: "CREATE TABLE more (id TEXT PRIMARY KEY); CREATE TABLE things (id TEXT)",
};
const EDITED: Migration =
    Migration { number: 1, name: "one", sql: "CREATE TABLE things (id TEXT PRIMARY KEY)" };

fn parts() -> Parts {
    Parts { clock: Clock::held(START), entropy: Entropy::seeded(1) }
}

fn put(db: &Db, id: &'static str) {
    db.write_now(move |tx| tx.execute("INSERT INTO things (id) VALUES (?1)", params![id])).unwrap();
}

#[test]
fn migrations_run_once_in_order_and_never_back() {
    for fixture in databases() {
        let db = &fixture.db;
        db.migrate("test", &[ONE]).unwrap();
        put(db, "a");
        // Statements that are prepared on every connection survive a change of their table.
        let read = || db.read_now(|tx| tx.query("SELECT * FROM things", &[])).unwrap();
        (0..20).for_each(|_| assert_eq!(read()[0].width(), 2));
        db.migrate("test", &[ONE, TWO]).unwrap();
        (0..20).for_each(|_| assert_eq!(read()[0].width(), 3, "{}", fixture.name));
        db.migrate("test", &[ONE, TWO]).unwrap();

        let newer = db.migrate("test", &[ONE]).unwrap_err();
        assert_eq!(newer.kind, Kind::Conflict);
        assert!(newer.public().contains("newer release"), "{newer}");
        assert_eq!(db.migrate("test", &[EDITED, TWO]).unwrap_err().kind, Kind::Bug);
        assert_eq!(db.migrate("gap", &[TWO]).unwrap_err().kind, Kind::Bug);
    }
}

const ADDED: Migration =
    Migration { number: 2, name: "two", sql: "-- tolerated from 1\nALTER TABLE things ADD COLUMN note TEXT" };
const REMOVED: Migration =
    Migration { number: 3, name: "three", sql: "-- tolerated from 2\nALTER TABLE things DROP COLUMN n" };
const LYING: Migration = Migration {
    number: 4,
    name: "four",
    sql: "-- tolerated from 4\nCREATE TABLE more (id TEXT PRIMARY KEY)",
};

#[test]
fn an_older_release_goes_on_with_what_only_adds() {
    for fixture in databases() {
        let db = &fixture.db;
        db.migrate("test", &[ONE, ADDED]).unwrap();
        // The upgrade is taken back, and done again.
        db.accepts("test", &[ONE]).unwrap();
        db.migrate("test", &[ONE]).unwrap();
        put(db, "a");
        db.migrate("test", &[ONE, ADDED, REMOVED]).unwrap();
        // The third step wants releases that know two: whoever knows one would look for what is not there any more.
        db.accepts("test", &[ONE, ADDED]).unwrap();
        for refused in [db.accepts("test", &[ONE]), db.migrate("test", &[ONE])] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.kind, Kind::Conflict, "{}", fixture.name);
            assert!(refused.public().contains("newer release"), "{refused}");
        }
        assert_eq!(db.migrate("test", &[ONE, ADDED, REMOVED, LYING]).unwrap_err().kind, Kind::Bug);
        db.accepts("nobody", &[ONE]).unwrap();
    }
}

#[test]
fn a_migration_that_fails_leaves_nothing() {
    for fixture in databases() {
        fixture.db.migrate("test", &[ONE]).unwrap();
        assert!(fixture.db.migrate("test", &[ONE, BROKEN]).is_err());
        fixture.db.migrate("test", &[ONE, TWO]).unwrap();
        let more = fixture.db.read_now(|tx| tx.query("SELECT id FROM more", &[]));
        assert!(more.is_err(), "{}", fixture.name);
    }
}

#[test]
fn controllers_that_start_together_migrate_once() {
    for fixture in databases() {
        let stores: Vec<Db> = (0..4).map(|_| fixture.another()).collect();
        let threads: Vec<_> = stores
            .into_iter()
            .map(|db| std::thread::spawn(move || db.migrate("test", &[ONE, TWO])))
            .collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
        put(&fixture.db, "a");
    }
}

#[test]
fn a_second_process_is_told_who_has_the_store() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("drystone.db");
    let db = Db::open_sqlite(&path, parts()).unwrap();
    let fault = Db::open_sqlite(&path, parts()).unwrap_err();
    assert_eq!(fault.kind, Kind::Conflict);
    assert!(fault.public().contains(&format!("process {}", std::process::id())), "{fault}");
    drop(db);
    Db::open_sqlite(&path, parts()).unwrap();
}

#[test]
fn the_store_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("drystone.db");
    let _db = Db::open_sqlite(&path, parts()).unwrap();
    for file in std::fs::read_dir(place.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
    }
}

#[test]
fn what_was_written_is_there_after_the_store_was_closed() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("drystone.db");
    for round in 0..3 {
        let db = Db::open_sqlite(&path, parts()).unwrap();
        db.migrate("test", &[ONE]).unwrap();
        db.write_now(move |tx| {
            tx.execute("INSERT INTO things (id, n) VALUES (?1, ?2)", params![format!("t{round}"), round])
        })
        .unwrap();
        let count =
            db.read_now(|tx| tx.query_one("SELECT count(*) FROM things", &[])?.unwrap().int(0)).unwrap();
        assert_eq!(count, round + 1);
    }
}

/// The other half of the next test: writes for ever, and says on standard output what was answered.
#[test]
#[ignore = "run by what_was_answered_survives_a_kill"]
fn writes_until_it_is_killed() {
    use std::io::Write;
    let path = std::env::var("DRYSTONE_TEST_STORE").unwrap();
    let db = Db::open_sqlite(Path::new(&path), parts()).unwrap();
    db.migrate("test", &[ONE]).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let db = db.clone();
            std::thread::spawn(move || {
                for number in 0.. {
                    let id = format!("{thread}-{number}");
                    let row = id.clone();
                    db.write_now(move |tx| tx.execute("INSERT INTO things (id) VALUES (?1)", params![&row]))
                        .unwrap();
                    writeln!(std::io::stdout(), "answered {id}").unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn what_was_answered_survives_a_kill() {
    use std::io::{BufRead, BufReader};
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("drystone.db");
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "writes_until_it_is_killed"])
            .env("DRYSTONE_TEST_STORE", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answered = Vec::new();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            if let Some((_, id)) = line.split_once("answered ") {
                answered.push(id.trim().to_owned());
            }
            if answered.len() == 400 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(answered.len() >= 400);
        let db = Db::open_sqlite(&path, parts()).unwrap();
        db.migrate("test", &[ONE]).unwrap();
        for id in answered {
            let found = db
                .read_now(move |tx| tx.query_one("SELECT 1 FROM things WHERE id = ?1", params![&id]))
                .unwrap();
            assert!(found.is_some());
        }
        db.write_now(|tx| tx.execute("DELETE FROM things", &[])).unwrap();
    }
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("drystone.db");
    let db = Db::open_sqlite(&path, parts()).unwrap();
    db.migrate("test", &[ONE, TWO]).unwrap();
    put(&db, "before");
    // SQLite's own bound stands in for the disk: it fails in the same place and in the same way.
    db.write_now(|tx| tx.query("PRAGMA max_page_count = 30", &[])).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let small = (0..20).map(|number| {
            db.write(move |tx| {
                tx.execute("INSERT INTO things (id) VALUES (?1)", params![format!("s{number}")])
            })
        });
        let big = db.write(|tx| {
            tx.execute("INSERT INTO things (id, note) VALUES ('big', ?1)", params!["x".repeat(1 << 20)])
        });
        let small: Vec<_> = small.map(tokio::spawn).collect();
        let fault = tokio::spawn(big).await.unwrap().unwrap_err();
        assert_eq!(fault.kind, Kind::Bug);
        assert!(fault.causes().contains("full"), "{fault}");
        for write in small {
            write.await.unwrap().unwrap();
        }
    });
    let count = db.read_now(|tx| tx.query_one("SELECT count(*) FROM things", &[])?.unwrap().int(0)).unwrap();
    assert_eq!(count, 21);
}

#[test]
fn a_lost_connection_is_made_again() {
    for fixture in databases().into_iter().filter(|fixture| fixture.name == "postgres") {
        fixture.db.migrate("test", &[ONE]).unwrap();
        let killer = fixture.another();
        for round in 0..5 {
            killer
                .write_now(|tx| {
                    tx.query(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                         WHERE datname = current_database() AND pid <> pg_backend_pid()",
                        &[],
                    )
                })
                .unwrap();
            for number in 0..20 {
                let id = format!("{round}-{number}");
                fixture
                    .db
                    .write_now(move |tx| tx.execute("INSERT INTO things (id) VALUES (?1)", params![&id]))
                    .unwrap();
                fixture.db.read_now(|tx| tx.query("SELECT id FROM things", &[])).unwrap();
            }
        }
    }
}

#[test]
fn a_wrong_url_is_said_so() {
    for url in ["host=/nowhere/at/all user=x dbname=y", "postgres://127.0.0.1:1/x?user=y"] {
        let fault = Db::open_postgres(url, parts()).unwrap_err();
        assert_eq!(fault.kind, Kind::Unavailable, "{fault}");
    }
    assert_eq!(Db::open_postgres("nonsense", parts()).unwrap_err().kind, Kind::BadInput);
}

#[test]
fn a_store_is_put_back_to_what_a_copy_has_on_a_new_timeline() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("s"), dir.path().join("copy"));
    let db = Db::open_sqlite(&path, parts()).unwrap();
    db.write_now(|tx| tx.execute("CREATE TABLE t (n BIGINT)", &[])).unwrap();
    db.write_now(|tx| tx.execute("INSERT INTO t VALUES (1)", &[])).unwrap();
    db.copy_now(&copy).unwrap();
    let before = db.read_now(|tx| Ok(tx.timeline())).unwrap();
    db.write_now(|tx| tx.execute("INSERT INTO t VALUES (2)", &[])).unwrap();
    db.write_now(|tx| tx.execute("CREATE TABLE u (n BIGINT)", &[])).unwrap();
    let count =
        |db: &Db| db.read_now(|tx| tx.query_one("SELECT COUNT(*) FROM t", &[])?.unwrap().int(0)).unwrap();
    assert_eq!(count(&db), 2);
    for _ in 0..2 {
        let timeline = db.put_back_now(&copy).unwrap();
        assert!(timeline > before && db.read_now(|tx| Ok(tx.timeline())).unwrap() == timeline);
        assert_eq!(count(&db), 1);
        assert!(db.read_now(|tx| tx.query("SELECT * FROM u", &[])).is_err());
        db.write_now(|tx| tx.execute("INSERT INTO t VALUES (3)", &[])).unwrap();
    }
    drop(db);
    assert_eq!(count(&Db::open_sqlite(&path, parts()).unwrap()), 2);
}
