//! The store as services hold it: opened once, cloned freely.

use crate::here::Here;
use crate::job::{Job, Reply, Task};
use crate::migrate::{self, Migration};
use crate::queue::Jobs;
use crate::shared::{Listener, Shared};
use crate::sqlite::{self, Durability, Lite};
use crate::tx::{Session, Tx};
use crate::{copy, lock, params, postgres, queue};
use crossbeam_channel::{TrySendError, bounded};
use fault::{Fault, Kind, Means};
use kernel::{Clock, Entropy};
use std::any::Any;
use std::cell::Cell;
use std::future::Future;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

/// What a store takes from its surroundings.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Where `tx.now()` comes from.
    pub clock: Clock,
    /// Where `tx.entropy()` comes from.
    pub entropy: Entropy,
}

/// The store. Clones share it; the last one to go closes it, after all that was submitted has been done.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
    /// What is asked for through this handle gives way.
    is_patient: bool,
}

struct Inner {
    writes: Option<Queue>,
    reads: Option<Queue>,
    /// Instead of queues and threads, where all is done in one order.
    here: Option<Here>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    shared: Arc<Shared>,
    /// Other controllers may have it open too.
    is_shared: bool,
    /// Where an embedded store is.
    path: Option<PathBuf>,
    /// The lock file and, of a store in memory, its directory. Given up after the threads have ended.
    held: Mutex<Option<Box<dyn Any + Send + Sync>>>,
}

type Queue = queue::Queue<Box<dyn Job>>;

thread_local! {
    /// Set on the store's own threads: a closure that waits there for another would wait for itself.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// The fact that says which timeline the store is in.
const TIMELINE: &str = "timeline";

const OWN: &[Migration] = &[Migration {
    number: 1,
    name: "facts",
    sql: "CREATE TABLE store_facts (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
}];

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Db")
    }
}

impl Db {
    /// Opens, or makes, the SQLite store at `path`, for this process alone. Fails with [`Kind::Conflict`] when another
    /// process has it (and names that), or when a newer release wrote it.
    pub fn open_sqlite(path: &Path, parts: Parts) -> Result<Self, Fault> {
        let held = lock::take(path)?;
        Self::sqlite(path, parts, Durability::Full, Box::new(held))
    }

    /// A store that dies with the process: for tests and simulated clouds. A file in the temporary directory all the
    /// same, so that it behaves as [`Db::open_sqlite`] does, but one whose writes nobody waits for.
    pub fn open_memory(parts: Parts) -> Result<Self, Fault> {
        let place = tempfile::Builder::new().prefix("drystone-store-").tempdir();
        let place = place.means(Kind::Unavailable, "Cannot make a temporary directory for the store.")?;
        let path = place.path().join("store.db");
        Self::sqlite(&path, parts, Durability::None, Box::new(place))
    }

    /// Opens the PostgreSQL store at `url` (`postgres://…`, or `host=… user=…`), which other controllers share.
    pub fn open_postgres(url: &str, parts: Parts) -> Result<Self, Fault> {
        let shared = Arc::new(Shared::new(parts.clock, parts.entropy));
        let config = postgres::Server::at(url)?;
        postgres::probe(&config)?;
        let (writes, write_jobs) = queue::queue();
        let (reads, read_jobs) = queue::queue();
        let mut threads = Vec::new();
        for number in 0..postgres::WRITERS {
            let session = Session::Postgres(Box::new(postgres::Pg::new(config.clone())));
            threads.push(start(
                format!("store-write-{number}"),
                session,
                &shared,
                &write_jobs,
                postgres::write_loop,
            )?);
        }
        for number in 0..postgres::READERS {
            let session = Session::Postgres(Box::new(postgres::Pg::new(config.clone())));
            threads.push(start(
                format!("store-read-{number}"),
                session,
                &shared,
                &read_jobs,
                postgres::read_loop,
            )?);
        }
        postgres::start_hints(&config, &shared)?;
        Self::assembled(Inner {
            writes: Some(writes),
            reads: Some(reads),
            here: None,
            threads: Mutex::new(threads),
            shared,
            is_shared: true,
            path: None,
            held: Mutex::default(),
        })
    }

    /// Removes everything that is ours from the PostgreSQL database at `url`.
    pub fn erase_postgres(url: &str) -> Result<(), Fault> {
        postgres::erase(&postgres::Server::at(url)?)
    }

    fn sqlite(
        path: &Path,
        parts: Parts,
        durability: Durability,
        held: Box<dyn Any + Send + Sync>,
    ) -> Result<Self, Fault> {
        // Made by us first: SQLite would make it readable for all, and its journals take the mode of the store.
        let made = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        made.means(Kind::Unavailable, format!("Cannot open the store {}.", path.display()))?;
        let shared = Arc::new(Shared::new(parts.clock, parts.entropy));
        if shared.clock.is_stepped() {
            return Self::assembled(Inner {
                writes: None,
                reads: None,
                here: Some(Here::open(path, durability, &shared)?),
                threads: Mutex::default(),
                shared,
                is_shared: false,
                path: Some(path.to_owned()),
                held: Mutex::new(Some(held)),
            });
        }
        let (writes, write_jobs) = queue::queue();
        let (reads, read_jobs) = queue::queue();
        let writer = Session::Sqlite(Lite::open(path, durability, true)?);
        let mut threads =
            vec![start("store-write".to_owned(), writer, &shared, &write_jobs, sqlite::write_loop)?];
        let readers = thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8));
        for number in 0..readers {
            let reader = Session::Sqlite(Lite::open(path, durability, false)?);
            threads.push(start(
                format!("store-read-{number}"),
                reader,
                &shared,
                &read_jobs,
                sqlite::read_loop,
            )?);
        }
        Self::assembled(Inner {
            writes: Some(writes),
            reads: Some(reads),
            here: None,
            threads: Mutex::new(threads),
            shared,
            is_shared: false,
            path: Some(path.to_owned()),
            held: Mutex::new(Some(held)),
        })
    }

    fn assembled(inner: Inner) -> Result<Self, Fault> {
        let db = Self { inner: Arc::new(inner), is_patient: false };
        db.migrate("store", OWN)?;
        let timeline = db.write_now(|tx| {
            tx.execute(
                "INSERT INTO store_facts (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
                params![TIMELINE, tx.now()],
            )?;
            timeline(tx)
        })?;
        db.inner.shared.timeline.store(timeline, Ordering::SeqCst);
        Ok(db)
    }

    /// Whether this release can live with the tables of `service`, whatever state they are in: fails as
    /// [`Db::migrate`] does, and migrates nothing.
    pub fn accepts(&self, service: &'static str, migrations: &'static [Migration]) -> Result<(), Fault> {
        self.write_now(migrate::prepare)?;
        self.read_now(move |tx| migrate::applied(tx, service, migrations).map(drop))
    }

    /// Brings the tables of `service` to its newest migration, all in one transaction. Fails with [`Kind::Conflict`]
    /// when the store is newer than this release can live with, as a bug when an applied migration was edited.
    pub fn migrate(&self, service: &'static str, migrations: &'static [Migration]) -> Result<(), Fault> {
        self.write_now(migrate::prepare)?;
        self.write_now(move |tx| migrate::migrate(tx, service, migrations))
    }

    /// Runs `f` on a snapshot. It may run more than once. Dropping the future before it is done does not stop `f`.
    #[track_caller]
    pub fn read<T, F>(&self, f: F) -> impl Future<Output = Result<T, Fault>> + Send + use<T, F>
    where
        F: FnMut(&Tx) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(false, f, Location::caller())
    }

    /// Runs `f` in a transaction and commits it when `f` returns `Ok`; the answer comes after the commit. `f` runs again
    /// when another transaction was first, so its only effects must be those on the store. Dropping the future before
    /// it is done does not undo anything.
    #[track_caller]
    pub fn write<T, F>(&self, f: F) -> impl Future<Output = Result<T, Fault>> + Send + use<T, F>
    where
        F: FnMut(&Tx) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(true, f, Location::caller())
    }

    /// As [`Db::read`], blocking: for start-up and tests.
    #[track_caller]
    pub fn read_now<T, F>(&self, f: F) -> Result<T, Fault>
    where
        F: FnMut(&Tx) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        let place = Location::caller();
        self.wait(false, |reply| Task::boxed(f, place, reply))
    }

    /// As [`Db::write`], blocking: for start-up and tests.
    #[track_caller]
    pub fn write_now<T, F>(&self, f: F) -> Result<T, Fault>
    where
        F: FnMut(&Tx) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        let place = Location::caller();
        self.wait(true, |reply| Task::boxed(f, place, reply))
    }

    /// The same store, for work that nobody waits for: what is asked for through this handle gives way to the rest.
    pub fn patient(&self) -> Self {
        Self { inner: self.inner.clone(), is_patient: true }
    }

    /// Adds a listener for what committed transactions changed. See [`Listener`] for what it must not do.
    pub fn on_commit(&self, listener: Listener) {
        self.inner.shared.listen(listener);
    }

    /// Begins a new timeline: after a restore from a backup, before anything else is done with the store, and
    /// before other controllers open it.
    pub fn begin_timeline(&self) -> Result<i64, Fault> {
        let last = self.inner.shared.timeline.load(Ordering::SeqCst);
        let begun = self.write_now(move |tx| {
            let next = tx.now().0.max(timeline(tx)?.max(last) + 1);
            tx.fact_put(TIMELINE, next)?;
            Ok(next)
        })?;
        self.inner.shared.timeline.store(begun, Ordering::SeqCst);
        Ok(begun)
    }

    /// Whether other controllers may have this store open too.
    pub fn is_shared(&self) -> bool {
        self.inner.is_shared
    }

    /// Rises with every commit: what was read at some version is true as long as that is the version, if that was asked for
    /// before. `None` where other controllers write too.
    pub fn data_version(&self) -> Option<u64> {
        (!self.inner.is_shared).then(|| self.inner.shared.version.load(Ordering::SeqCst))
    }

    /// How many closures wait for a thread: those that write, and those that read.
    pub fn waiting(&self) -> (usize, usize) {
        let length = |queue: &Option<Queue>| queue.as_ref().map_or(0, Queue::len);
        (length(&self.inner.writes), length(&self.inner.reads))
    }

    /// From now on nothing that is asked of this store is done or answered, and another may be opened in its place: as
    /// if the process were dead. For trials on a clock that is stepped.
    pub fn die(&self) {
        if let Some(here) = &self.inner.here {
            here.die();
            self.inner.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    /// Copies the store as it is now to a file at `to`, blocking. For the embedded store.
    pub fn copy_now(&self, to: &Path) -> Result<(), Fault> {
        copy::copy(self.embedded()?, to)
    }

    /// Makes the store again what the copy at `from` is, blocking, and begins a new timeline: what belongs to an earlier
    /// one is not accepted any more. Nobody else may be writing. For the embedded store.
    pub fn put_back_now(&self, from: &Path) -> Result<i64, Fault> {
        copy::put_back(self.embedded()?, from)?;
        self.begin_timeline()
    }

    fn embedded(&self) -> Result<&Path, Fault> {
        let said = "Only the embedded store can be copied and put back; this cloud has another database.";
        self.inner.path.as_deref().ok_or_else(|| Fault::conflict(said))
    }

    /// The clock of the store.
    pub fn clock(&self) -> &Clock {
        &self.inner.shared.clock
    }

    /// The randomness of the store.
    pub fn entropy(&self) -> &Entropy {
        &self.inner.shared.entropy
    }

    fn queue(&self, writes: bool) -> Result<&Queue, Fault> {
        let queue = if writes { &self.inner.writes } else { &self.inner.reads };
        queue.as_ref().ok_or_else(closed)
    }

    fn submit<T, F>(
        &self,
        writes: bool,
        f: F,
        place: &'static Location<'static>,
    ) -> impl Future<Output = Result<T, Fault>> + Send + use<T, F>
    where
        F: FnMut(&Tx) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        let db = self.clone();
        async move {
            let (sender, receiver) = oneshot::channel();
            if let Some(here) = &db.inner.here {
                if here.is_dead() {
                    return std::future::pending().await;
                }
                here.run(writes, Task::boxed(f, place, Reply::Awaited(sender)));
                // Others go on meanwhile, as while a thread is at it.
                tokio::task::yield_now().await;
                return receiver.await.unwrap_or_else(|_| Err(closed()));
            }
            db.queue(writes)?.put(db.is_patient, Task::boxed(f, place, Reply::Awaited(sender))).map_err(
                |error| match error {
                    TrySendError::Full(_) => {
                        Fault::unavailable("The store has too much to do. Try again in a moment.")
                    }
                    TrySendError::Disconnected(_) => closed(),
                },
            )?;
            receiver.await.unwrap_or_else(|_| Err(closed()))
        }
    }

    fn wait<T>(&self, writes: bool, task: impl FnOnce(Reply<T>) -> Box<dyn Job>) -> Result<T, Fault> {
        if INSIDE.get() {
            return Err(Fault::bug("a closure of the store waits for another one; use its own transaction"));
        }
        let (sender, receiver) = bounded(1);
        match &self.inner.here {
            Some(here) => here.run(writes, task(Reply::Blocking(sender))),
            None => self
                .queue(writes)?
                .lane(self.is_patient)
                .send(task(Reply::Blocking(sender)))
                .map_err(|_| closed())?,
        }
        receiver.recv().unwrap_or_else(|_| Err(closed()))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.writes.take();
        self.reads.take();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A closure may hold the last clone; its thread ends by itself.
            if thread.thread().id() != thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

/// Runs something as the store's own threads do: it must not wait for the store.
pub(crate) fn inside(run: impl FnOnce()) {
    INSIDE.set(true);
    run();
    INSIDE.set(false);
}

fn timeline(tx: &Tx) -> Result<i64, Fault> {
    Ok(tx.fact(TIMELINE)?.unwrap_or(0))
}

fn closed() -> Fault {
    Fault::unavailable("The store has been closed.")
}

fn start(
    name: String,
    session: Session,
    shared: &Arc<Shared>,
    jobs: &Jobs<Box<dyn Job>>,
    live: fn(&Tx, &Jobs<Box<dyn Job>>),
) -> Result<JoinHandle<()>, Fault> {
    let (shared, jobs) = (shared.clone(), jobs.another());
    let body = move || {
        INSIDE.set(true);
        live(&Tx::new(session, shared), &jobs);
    };
    thread::Builder::new()
        .name(name)
        .spawn(body)
        .means(Kind::Unavailable, "Cannot start a thread of the store.")
}
