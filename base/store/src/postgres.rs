//! PostgreSQL: several threads, one connection each. Writes are SERIALIZABLE and run again when another was first.
//!
//! All of it lives in the schema `drystone`, so that a database may hold other things. Weaker levels let two clients pass one quota. Reads run on a snapshot that never conflicts. A connection that broke
//! is made again; a closure whose commit was cut off is not repeated, since nobody can know whether it was done.

mod hints;
mod server;
mod session;
mod types;

pub(crate) use hints::start as start_hints;
pub(crate) use server::Server;
pub(crate) use session::Pg;

use crate::error::StoreError;
use crate::job::Job;
use crate::queue::Jobs;
use crate::tx::{Tx, Verdict};
use fault::{Fault, Kind, Means};
use std::time::{Duration, Instant};

/// Threads, and so connections, of each controller.
pub(crate) const WRITERS: usize = 6;
pub(crate) const READERS: usize = 4;

/// How long a closure is repeated because others were first, and how long a lost server is waited for.
const BUSY_FOR: Duration = Duration::from_secs(15);
const LOST_FOR: Duration = Duration::from_secs(3);

/// How often a closure runs again after a key was taken. The key may have been taken by a transaction that this one
/// could not see; the next run sees it, and can give the answer that its service has for that.
const TAKEN_AGAIN: u32 = 2;

const WRITE: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Makes sure that there is a server and that we can live on this database, before any thread starts.
pub(crate) fn probe(server: &Server) -> Result<(), Fault> {
    aside(|| {
        let pg = reached(server)?;
        let encoding = first_text(&pg, "SHOW server_encoding")?;
        if encoding != "UTF8" {
            return Err(Fault::conflict(format!(
                "The PostgreSQL database must be encoded in UTF8 and not {encoding}."
            )));
        }
        // Looked for first: making it needs a right that whoever only uses it may not have.
        let there = "SELECT CAST(count(*) AS TEXT) FROM pg_namespace WHERE nspname = 'drystone'";
        if first_text(&pg, there)? == "0" {
            let made = pg.command("CREATE SCHEMA IF NOT EXISTS drystone");
            if made.is_err() && first_text(&pg, there)? == "0" {
                return made.means(
                    Kind::Unavailable,
                    "The schema drystone cannot be made in the PostgreSQL database.",
                );
            }
        }
        Ok(())
    })
}

/// Removes everything that is ours.
pub(crate) fn erase(server: &Server) -> Result<(), Fault> {
    aside(|| {
        let dropped = reached(server)?.command("DROP SCHEMA IF EXISTS drystone CASCADE");
        dropped
            .means(Kind::Unavailable, "The schema drystone cannot be removed from the PostgreSQL database.")
    })
}

/// The client blocks on a runtime of its own, which it must not do on a thread of another.
fn aside(work: impl FnOnce() -> Result<(), Fault> + Send) -> Result<(), Fault> {
    std::thread::scope(|scope| scope.spawn(work).join())
        .unwrap_or_else(|_| Err(Fault::bug("the first look at the database panicked")))
}

const UNREACHED: &str = "Cannot reach the PostgreSQL database.";

fn reached(server: &Server) -> Result<Pg, Fault> {
    let pg = Pg::new(server.clone());
    pg.connect().means(Kind::Unavailable, UNREACHED)?;
    Ok(pg)
}

fn first_text(pg: &Pg, sql: &str) -> Result<String, Fault> {
    let rows = pg.run(sql, &[]).means(Kind::Unavailable, UNREACHED)?.0;
    rows.first().map_or(Ok(String::new()), |row| row.text(0))
}

/// The life of a thread that writes.
pub(crate) fn write_loop(tx: &Tx, jobs: &Jobs<Box<dyn Job>>) {
    live(tx, jobs, WRITE);
}

/// The life of a thread that reads.
pub(crate) fn read_loop(tx: &Tx, jobs: &Jobs<Box<dyn Job>>) {
    live(tx, jobs, READ);
}

fn live(tx: &Tx, jobs: &Jobs<Box<dyn Job>>, begin: &str) {
    let Some(pg) = tx.postgres() else { return };
    while let Some(mut job) = jobs.wait() {
        let outcome = conduct(tx, pg, job.as_mut(), begin);
        job.answer(outcome);
    }
}

/// Runs a closure until its outcome stands.
fn conduct(tx: &Tx, pg: &Pg, job: &mut dyn Job, begin: &str) -> Result<(), Fault> {
    let started = Instant::now();
    let mut runs = 0;
    loop {
        let (error, fault) = match attempt(tx, pg, job, begin) {
            Ok(outcome) => return outcome,
            Err(again) => *again,
        };
        runs += 1;
        let again = match error {
            StoreError::Unique { .. } => runs <= TAKEN_AGAIN,
            StoreError::Busy(_) => started.elapsed() < BUSY_FOR,
            StoreError::Lost(_) => started.elapsed() < LOST_FOR,
            _ => false,
        };
        if !again {
            return Err(fault);
        }
        let longest = 500u64 << runs.min(7);
        std::thread::sleep(Duration::from_micros(tx.entropy().below(longest)));
    }
}

/// What another run may mend, and the answer if there is none.
type Again = Box<(StoreError, Fault)>;

fn again(error: StoreError) -> Again {
    Box::new((error.clone(), error.fault()))
}

/// One run.
fn attempt(tx: &Tx, pg: &Pg, job: &mut dyn Job, begin: &str) -> Result<Result<(), Fault>, Again> {
    tx.take_changes();
    pg.begin(begin).map_err(again)?;
    match tx.once(job) {
        Verdict::Fine => commit(tx, pg, begin),
        Verdict::Failed(fault) => {
            pg.roll_back();
            Ok(Err(fault))
        }
        Verdict::Doomed(error, fault) => {
            pg.roll_back();
            Err(Box::new((error, fault)))
        }
    }
}

fn commit(tx: &Tx, pg: &Pg, begin: &str) -> Result<Result<(), Fault>, Again> {
    match pg.command("COMMIT") {
        Ok(()) => {
            if begin == WRITE {
                tx.shared().announce(tx.take_changes());
            }
            Ok(Ok(()))
        }
        Err(error @ StoreError::Lost(_)) if begin == WRITE => {
            let public =
                "The database went away in the middle of a commit. Look whether the change was made.";
            Ok(Err(Fault::unavailable(public).because(error)))
        }
        Err(error) => {
            pg.roll_back();
            Err(again(error))
        }
    }
}
