//! Both databases for tests, here and in other crates: every test of the store runs on each of them.
//!
//! PostgreSQL is the one of Debian's package `postgresql`: one server a test process, in a temporary directory, behind a
//! Unix socket, as a user who may (the server refuses root). It ends with the test process, however that ends.
#![expect(clippy::expect_used, clippy::panic, reason = "for tests, which fail by panicking")]

mod server;

use crate::db::{Db, Parts};
use kernel::{Clock, Entropy, Micros};
use std::sync::atomic::{AtomicU32, Ordering};

/// When held clocks start: 2026-11-21T00:36:59Z.
pub const START: Micros = Micros(1_795_221_419_000_000);

/// A fresh, empty store, with the clock and the entropy that it was given.
#[derive(Debug)]
pub struct Fixture {
    /// `sqlite` or `postgres`, for messages.
    pub name: &'static str,
    /// The store.
    pub db: Db,
    /// Its clock, which stands at [`START`] until it is moved.
    pub clock: Clock,
    /// Its entropy, seeded.
    pub entropy: Entropy,
    url: Option<String>,
}

impl Fixture {
    /// Opens the store once more, as another controller would. On SQLite this is the same store (a clone).
    pub fn another(&self) -> Db {
        match &self.url {
            None => self.db.clone(),
            Some(url) => Db::open_postgres(url, self.parts()).expect("the database opens once more"),
        }
    }

    /// Where the PostgreSQL database is, if it is one.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The clock and the entropy, for a [`Db`] of one's own.
    pub fn parts(&self) -> Parts {
        Parts { clock: self.clock.clone(), entropy: self.entropy.clone() }
    }
}

/// A fresh store on each database. Fails when there is no PostgreSQL, unless `DRYSTONE_TEST_WITHOUT_POSTGRES=1`.
pub fn databases() -> Vec<Fixture> {
    let mut found = vec![sqlite()];
    if std::env::var("DRYSTONE_TEST_WITHOUT_POSTGRES").is_ok_and(|value| value == "1") {
        return found;
    }
    found.push(postgres());
    found
}

/// A fresh store on the database that `DRYSTONE_TEST_STORE` names: `postgres`, or `sqlite`, which is meant if it says nothing.
/// So tests that look at one thing of a service run on either, and all of them can be run on both.
pub fn chosen() -> Fixture {
    match std::env::var("DRYSTONE_TEST_STORE").as_deref() {
        Ok("postgres") => postgres(),
        Ok("sqlite") | Err(_) => sqlite(),
        Ok(other) => panic!("DRYSTONE_TEST_STORE is sqlite or postgres, not {other}"),
    }
}

/// A fresh store on SQLite, in memory.
pub fn sqlite() -> Fixture {
    let (clock, entropy) = (Clock::held(START), Entropy::seeded(1));
    let parts = Parts { clock: clock.clone(), entropy: entropy.clone() };
    let db = Db::open_memory(parts).expect("a store in memory opens");
    Fixture { name: "sqlite", db, clock, entropy, url: None }
}

/// A fresh database on PostgreSQL.
pub fn postgres() -> Fixture {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let (clock, entropy) = (Clock::held(START), Entropy::seeded(1));
    let url = server::fresh(NEXT.fetch_add(1, Ordering::SeqCst));
    let parts = Parts { clock: clock.clone(), entropy: entropy.clone() };
    let db = Db::open_postgres(&url, parts).expect("a fresh database opens");
    Fixture { name: "postgres", db, clock, entropy, url: Some(url) }
}
