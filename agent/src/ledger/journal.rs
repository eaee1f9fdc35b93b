//! The ledgers' file: lines with checksums, appended in groups that share one fsync, rewritten when most of it is old.
//!
//! A line is a checksum, a space and a record in JSON. A line whose checksum is wrong was never promised (a crash tore
//! it) or has been damaged since; it is left out, and a copy of the file is kept beside when it was not the last one.
//! The file is rewritten at each start, so that nothing is ever appended to a torn line.
//!
//! Several agents of one process may keep their ledgers in one file: their lines begin with `@` and the host's name
//! after the checksum. A thousand of them then need one file handle and one thread, and share their fsyncs. Ledgers of
//! hosts that have no agent now stay in the file.
//!
//! Where all is done in one order there is no thread: whoever waits for an answer writes what has come up until then.
//! Nobody waits for what can be found out again, so that a crash loses it there if it does anywhere.

use super::{Held, Ledger, Note};
use crate::core::Key;
use link::{HostError, Rank};
use metal::{Kind, Wanted};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use tokio::sync::oneshot;

type Done = oneshot::Sender<Result<(), HostError>>;

/// Jobs that share one fsync at most.
const GROUP: usize = 512;
/// Jobs that wait at most; more than this and the disk is too slow for what is asked.
const WAITING: usize = 16 * 1024;

/// Something for the file.
pub(super) enum Job {
    Wanted {
        wanted: Arc<Wanted>,
        digest: Arc<str>,
        done: Done,
    },
    /// Nothing to write: answered when this rank is in.
    Flush {
        key: Key,
        rank: Rank,
        done: Done,
    },
    Note {
        key: Key,
        note: Note,
        done: Option<Done>,
    },
    Refs {
        key: Key,
        refs: Vec<Key>,
    },
    Forget {
        key: Key,
        rank: Rank,
        done: Done,
    },
}

/// Something for the thread that writes.
enum Order {
    Job(Book, Job),
    Whole(Whole),
}

/// Something that concerns the whole file.
enum Whole {
    /// What is in all ledgers.
    Copy(oneshot::Sender<io::Result<Vec<u8>>>),
    /// All ledgers are to be as in such a copy.
    PutBack(Vec<u8>, oneshot::Sender<io::Result<()>>),
    /// Hosts that have no agent now keep their servers only.
    ClearAway,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Wanted(Arc<Wanted>),
    Note(Key, Note),
    Refs(Key, Vec<Key>),
    Forget(Key),
}

/// The ledger of one host: what is in memory of it, and the host's name in the file (none for an agent by itself).
#[derive(Clone, Default)]
pub(super) struct Book {
    host: Arc<str>,
    pub(super) held: Arc<Mutex<Held>>,
}

impl Book {
    pub(super) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Books = BTreeMap<Arc<str>, Book>;

fn book<'a>(books: &'a mut Books, host: &str) -> &'a Book {
    let name: Arc<str> = host.into();
    books.entry(name.clone()).or_insert_with(|| Book { host: name, held: Arc::default() })
}

/// Who writes the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// A thread, which lets jobs share an fsync.
    OnThread,
    /// Whoever waits for it.
    Here,
}

#[derive(Clone)]
pub(super) struct Journal {
    orders: Orders,
}

#[derive(Clone)]
enum Orders {
    OnThread(mpsc::SyncSender<Order>),
    Here(Arc<Desk>),
}

/// What has come up, and who writes it.
struct Desk {
    waiting: Mutex<VecDeque<Order>>,
    writer: Mutex<Writer>,
}

impl Desk {
    fn next(&self) -> Option<Order> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn work(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(order) = self.next() {
            writer.carry_out(order, || self.next());
        }
    }
}

impl Orders {
    fn give(&self, order: Order) -> Result<(), HostError> {
        match self {
            Self::OnThread(queue) => queue.try_send(order).map_err(|error| match error {
                mpsc::TrySendError::Full(_) => HostError::failed("the ledger's disk is too slow"),
                mpsc::TrySendError::Disconnected(_) => HostError::failed("the ledger's thread has ended"),
            }),
            Self::Here(desk) => {
                desk.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(order);
                Ok(())
            }
        }
    }
}

impl Journal {
    /// Reads the file and starts the thread that writes it. Answers the ledgers of these hosts, in their order; the
    /// thread ends with the last of them.
    pub(super) fn open(dir: &Path, hosts: &[&str], writing: Writing) -> io::Result<Vec<Ledger>> {
        let path = dir.join("ledger");
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let mut books = Books::new();
        let damaged = read(&bytes, &mut books);
        if damaged > 0 {
            let copy = dir.join("ledger.damaged");
            tracing::error!(lines = damaged, copy = %copy.display(), "the ledger has damaged lines");
            std::fs::write(copy, &bytes)?;
        }
        let own: Vec<Book> = hosts.iter().map(|host| book(&mut books, host).clone()).collect();
        let here = own.iter().map(|book| book.host.clone()).collect();
        let books = books.into_values().collect();
        let mut writer =
            Writer { dir: dir.to_path_buf(), path, file: None, length: 0, lines: 0, look_at: 0, books, here };
        writer.rewrite()?;
        let orders = match writing {
            Writing::Here => {
                Orders::Here(Arc::new(Desk { waiting: Mutex::default(), writer: Mutex::new(writer) }))
            }
            Writing::OnThread => {
                let (orders, queue) = mpsc::sync_channel(WAITING);
                std::thread::Builder::new().name("ledger".to_owned()).spawn(move || writer.run(&queue))?;
                Orders::OnThread(orders)
            }
        };
        Ok(own.into_iter().map(|book| Ledger { book, journal: Self { orders: orders.clone() } }).collect())
    }

    pub(super) fn send(&self, book: &Book, job: Job) -> Result<(), HostError> {
        self.orders.give(Order::Job(book.clone(), job))
    }

    /// What was sent is written down, or somebody is at it: for who waits for an answer, holding on to no ledger.
    pub(super) fn work(&self) {
        if let Orders::Here(desk) = &self.orders {
            desk.work();
        }
    }

    /// What is in all ledgers of the file, as [`Journal::put_back`] takes it.
    pub(super) async fn copy(&self) -> io::Result<Vec<u8>> {
        let (done, answer) = oneshot::channel();
        self.orders.give(Order::Whole(Whole::Copy(done))).map_err(failed)?;
        self.work();
        answer.await.map_err(io::Error::other)?
    }

    /// All ledgers of the file are as they were when the copy was made. Answers when that is on disk.
    pub(super) async fn put_back(&self, copy: Vec<u8>) -> io::Result<()> {
        let (done, answer) = oneshot::channel();
        self.orders.give(Order::Whole(Whole::PutBack(copy, done))).map_err(failed)?;
        self.work();
        answer.await.map_err(io::Error::other)?
    }

    /// Hosts that have no agent now keep their servers only. Whatever is sent afterwards finds it done.
    pub(super) fn clear_away(&self) -> io::Result<()> {
        self.orders.give(Order::Whole(Whole::ClearAway)).map_err(failed)?;
        self.work();
        Ok(())
    }
}

fn failed(error: HostError) -> io::Error {
    io::Error::other(format!("{error:?}"))
}

fn checksum(text: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(text)[..8])
}

fn push(into: &mut Vec<u8>, host: &str, record: &Record) -> io::Result<()> {
    let mut text = Vec::with_capacity(512);
    if !host.is_empty() {
        write!(text, "@{host} ")?;
    }
    serde_json::to_writer(&mut text, record)?;
    into.extend_from_slice(checksum(&text).as_bytes());
    into.push(b' ');
    into.extend_from_slice(&text);
    into.push(b'\n');
    Ok(())
}

/// Takes in all whole lines; answers how many are damaged, other than the last one.
fn read(bytes: &[u8], books: &mut Books) -> usize {
    let (mut damaged, mut last_is_torn) = (0, false);
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        damaged += usize::from(last_is_torn);
        last_is_torn = match parse(line) {
            Some((host, record)) => {
                take_in(record, &mut book(books, host).held());
                false
            }
            None => true,
        };
    }
    damaged
}

fn parse(line: &[u8]) -> Option<(&str, Record)> {
    let (sum, text) = line.split_at_checked(17)?;
    if checksum(text).as_bytes() != &sum[..16] {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let (host, text) = match text.strip_prefix('@') {
        Some(text) => text.split_once(' ')?,
        None => ("", text),
    };
    match serde_json::from_str(text) {
        Ok(record) => Some((host, record)),
        Err(error) => {
            // Written by a later release: it was whole, but we cannot hold it.
            tracing::error!(%error, "a record of the ledger is not understood");
            None
        }
    }
}

fn take_in(record: Record, held: &mut Held) {
    match record {
        Record::Wanted(wanted) => {
            let key = (wanted.kind, wanted.id.clone());
            let digest: Arc<str> = wanted.digest().into();
            held.newest.insert(key, (wanted.rank(), digest.clone()));
            held.put(wanted, digest);
        }
        Record::Note(key, note) => held.set_note(&key, note),
        Record::Refs(key, refs) => held.set_refs(&key, refs),
        Record::Forget(key) => held.remove(&key),
    }
}

struct Writer {
    dir: PathBuf,
    path: PathBuf,
    file: Option<File>,
    length: u64,
    lines: usize,
    /// At so many lines it is looked whether most of them are old.
    look_at: usize,
    books: Vec<Book>,
    /// The hosts that have an agent.
    here: BTreeSet<Arc<str>>,
}

impl Writer {
    /// Hosts without an agent keep their servers and nothing else.
    fn clear_away(&mut self) {
        let mut cleared = false;
        for book in self.books.iter().filter(|book| !self.here.contains(&book.host)) {
            let mut held = book.held();
            let keys: Vec<Key> =
                held.entries.keys().filter(|(kind, _)| *kind != Kind::Server).cloned().collect();
            keys.iter().for_each(|key| held.remove(key));
            cleared |= !keys.is_empty();
        }
        if cleared && let Err(error) = self.rewrite() {
            tracing::error!(%error, "the ledger cannot be rewritten");
        }
    }

    fn run(mut self, queue: &mpsc::Receiver<Order>) {
        while let Ok(order) = queue.recv() {
            self.carry_out(order, || queue.try_recv().ok());
        }
    }

    /// Carries out an order, and those that wait behind it if they can share its fsync.
    fn carry_out(&mut self, order: Order, more: impl FnMut() -> Option<Order>) {
        match order {
            Order::Job(book, job) => {
                let next = self.group(vec![(book, job)], more);
                next.into_iter().for_each(|order| self.whole(order));
            }
            Order::Whole(order) => self.whole(order),
        }
    }

    /// Writes jobs that wait, with one fsync. Answers an order that came among them and is no job.
    fn group(
        &mut self,
        mut group: Vec<(Book, Job)>,
        mut more: impl FnMut() -> Option<Order>,
    ) -> Option<Whole> {
        let mut next = None;
        while group.len() < GROUP && next.is_none() {
            match more() {
                Some(Order::Job(book, job)) => group.push((book, job)),
                Some(Order::Whole(order)) => next = Some(order),
                None => break,
            }
        }
        let written = self.write(&group);
        if let Err(error) = &written {
            tracing::error!(%error, "the ledger cannot be written");
        }
        for (book, job) in group {
            settle(&book, job, written.as_ref().err());
        }
        if self.is_mostly_old()
            && let Err(error) = self.rewrite()
        {
            tracing::error!(%error, "the ledger cannot be rewritten");
        }
        next
    }

    fn whole(&mut self, order: Whole) {
        match order {
            Whole::ClearAway => self.clear_away(),
            Whole::Copy(done) => drop(done.send(self.lines().map(|(bytes, _)| bytes))),
            Whole::PutBack(copy, done) => {
                let mut books = Books::new();
                read(&copy, &mut books);
                for book in &self.books {
                    let kept = books.remove(&book.host).map(|kept| std::mem::take(&mut *kept.held()));
                    *book.held() = kept.unwrap_or_default();
                }
                let _ = done.send(self.rewrite());
            }
        }
    }

    fn write(&mut self, group: &[(Book, Job)]) -> io::Result<()> {
        let mut bytes = Vec::new();
        let (mut lines, mut promised) = (0, false);
        for (book, job) in group {
            let record = match job {
                Job::Wanted { wanted, .. } => Record::Wanted(wanted.clone()),
                Job::Note { key, note, .. } => Record::Note(key.clone(), note.clone()),
                Job::Refs { key, refs } => Record::Refs(key.clone(), refs.clone()),
                Job::Forget { key, rank, .. } if rank_of(book, key) == Some(*rank) => {
                    Record::Forget(key.clone())
                }
                Job::Forget { .. } | Job::Flush { .. } => continue,
            };
            promised |= !matches!(job, Job::Refs { .. } | Job::Note { done: None, .. });
            push(&mut bytes, &book.host, &record)?;
            lines += 1;
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let written = self.append(&bytes, promised);
        match written {
            Ok(()) => {
                self.length += bytes.len() as u64;
                self.lines += lines;
            }
            // What was half written must not be found later. If even that fails, the next start leaves it out.
            Err(_) => self.file = None,
        }
        written
    }

    fn append(&mut self, bytes: &[u8], promised: bool) -> io::Result<()> {
        if self.file.is_none() {
            let file = OpenOptions::new().append(true).open(&self.path)?;
            file.set_len(self.length)?;
            self.file = Some(file);
        }
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        file.write_all(bytes)?;
        if promised { file.sync_data() } else { Ok(()) }
    }

    fn is_mostly_old(&mut self) -> bool {
        if self.lines <= self.look_at {
            return false;
        }
        let entries: usize = self.books.iter().map(|book| book.held().entries.len()).sum();
        self.look_at = 4096 + 6 * entries;
        self.lines > self.look_at
    }

    /// Everything that is held, as lines, and how many.
    fn lines(&self) -> io::Result<(Vec<u8>, usize)> {
        let (mut bytes, mut lines) = (Vec::new(), 0);
        for book in &self.books {
            let host = &book.host;
            for (key, entry) in &book.held().entries {
                push(&mut bytes, host, &Record::Wanted(entry.wanted.clone()))?;
                push(&mut bytes, host, &Record::Refs(key.clone(), entry.refs.clone()))?;
                if entry.note != Note::default() {
                    push(&mut bytes, host, &Record::Note(key.clone(), entry.note.clone()))?;
                }
                lines += 3;
            }
        }
        Ok((bytes, lines))
    }

    /// Writes what is held to a new file, which takes the old one's place.
    fn rewrite(&mut self) -> io::Result<()> {
        let (bytes, lines) = self.lines()?;
        let young = self.dir.join("ledger.new");
        let mut file = File::create(&young)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&young, &self.path)?;
        File::open(&self.dir)?.sync_all()?;
        self.file = Some(OpenOptions::new().append(true).open(&self.path)?);
        self.length = bytes.len() as u64;
        (self.lines, self.look_at) = (lines, 0);
        Ok(())
    }
}

fn rank_of(book: &Book, key: &Key) -> Option<Rank> {
    book.held().entries.get(key).map(super::Entry::rank)
}

/// Puts a job into memory, now that it is on disk, and answers it.
fn settle(book: &Book, job: Job, error: Option<&io::Error>) {
    let mut held = book.held();
    let failure = error.map(|error| match error.kind() {
        io::ErrorKind::StorageFull => HostError::Full { what: "the agent's ledger".to_owned() },
        _ => HostError::failed(format!("the ledger cannot be written: {error}")),
    });
    let answer = |failure: Option<HostError>| failure.map_or(Ok(()), Err);
    match job {
        Job::Wanted { wanted, digest, done } => {
            if failure.is_some() {
                held.take_back(&(wanted.kind, wanted.id.clone()));
            } else {
                held.put(wanted, digest);
            }
            drop(held);
            let _ = done.send(answer(failure));
        }
        Job::Flush { key, rank, done } => {
            let is_in = held.entries.get(&key).is_some_and(|entry| entry.rank() >= rank);
            drop(held);
            let lost = (!is_in).then(|| HostError::failed("the ledger could not be written"));
            let _ = done.send(answer(failure.or(lost)));
        }
        Job::Note { done: Some(done), .. } => {
            drop(held);
            let _ = done.send(answer(failure));
        }
        Job::Note { done: None, .. } | Job::Refs { .. } => {}
        Job::Forget { key, rank, done } => {
            // A newer wish that is on its way has been decided on already and must not be dropped with it.
            let newest = held.newest.get(&key).map(|(newest, _)| *newest);
            if failure.is_none() && held.entries.get(&key).is_some_and(|entry| entry.rank() == rank) {
                let kept = held.newest.get(&key).cloned().filter(|_| newest != Some(rank));
                held.remove(&key);
                if let Some(kept) = kept {
                    held.newest.insert(key, kept);
                }
            }
            drop(held);
            let _ = done.send(answer(failure));
        }
    }
}
