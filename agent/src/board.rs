//! The last report of each object, and streams of their changes.
//!
//! Reports are ordered by sequence; a newer report of an object takes the older one's place. A stream remembers the
//! sequence it has reached, so it costs nothing while nobody reads, and who reads slowly gets the newest.

use crate::core::Key;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use metal::{Kind, Observed, Report, Wanted};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A stream takes so many reports at once.
const TAKEN: usize = 256;

#[derive(Clone)]
pub(crate) struct Board(Arc<Shared>);

struct Shared {
    epoch: i64,
    posts: Mutex<Posts>,
    sequence: watch::Sender<i64>,
}

#[derive(Default)]
struct Posts {
    sequence: i64,
    last: HashMap<Key, Report>,
    order: BTreeMap<i64, Key>,
}

impl Board {
    pub(crate) fn new(epoch: i64) -> Self {
        let (posts, sequence) = (Mutex::default(), watch::Sender::new(0));
        Self(Arc::new(Shared { epoch, posts, sequence }))
    }

    fn posts(&self) -> MutexGuard<'_, Posts> {
        self.0.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This is the case with an object. Says nothing new when that was said already.
    pub(crate) fn tell(&self, of: &Wanted, observed: Observed) {
        let key = (of.kind, of.id.clone());
        let mut posts = self.posts();
        let before = posts.last.get(&key);
        if before.is_some_and(|last| answers(last) == of.rank() && last.observed == observed) {
            return;
        }
        if let Some(old) = before.map(|last| last.sequence) {
            posts.order.remove(&old);
        }
        posts.sequence += 1;
        let sequence = posts.sequence;
        let report = Report {
            kind: of.kind,
            id: of.id.clone(),
            timeline: of.timeline,
            incarnation: of.incarnation,
            revision: of.revision,
            epoch: self.0.epoch,
            sequence,
            observed,
        };
        posts.order.insert(sequence, key.clone());
        posts.last.insert(key, report);
        drop(posts);
        self.0.sequence.send_replace(sequence);
    }

    /// The last report of an object.
    pub(crate) fn last(&self, key: &Key) -> Option<Report> {
        self.posts().last.get(key).cloned()
    }

    /// Nothing is said of the object any more.
    pub(crate) fn forget(&self, key: &Key) {
        let mut posts = self.posts();
        if let Some(report) = posts.last.remove(key) {
            posts.order.remove(&report.sequence);
        }
    }

    /// Nothing is said of any object any more. Sequences go on.
    pub(crate) fn forget_all(&self) {
        let mut posts = self.posts();
        posts.last.clear();
        posts.order.clear();
    }

    fn after(&self, sequence: i64, kinds: &[Kind]) -> (i64, VecDeque<Report>) {
        let posts = self.posts();
        let mut taken = VecDeque::new();
        for (at, key) in posts.order.range(sequence + 1..) {
            if kinds.contains(&key.0) {
                taken.extend(posts.last.get(key).cloned());
                if taken.len() == TAKEN {
                    return (*at, taken);
                }
            }
        }
        (posts.sequence, taken)
    }

    /// The last report of each object of these kinds, then each change. Does not end.
    pub(crate) fn stream(&self, kinds: Vec<Kind>) -> BoxStream<'static, Report> {
        let reader = Reader {
            news: self.0.sequence.subscribe(),
            board: self.clone(),
            kinds,
            reached: 0,
            taken: VecDeque::new(),
        };
        stream::unfold(reader, |mut reader| async move { Some((reader.next().await?, reader)) }).boxed()
    }
}

fn answers(report: &Report) -> (i64, i64, i64) {
    (report.timeline, report.incarnation, report.revision)
}

struct Reader {
    board: Board,
    news: watch::Receiver<i64>,
    kinds: Vec<Kind>,
    reached: i64,
    taken: VecDeque<Report>,
}

impl Reader {
    async fn next(&mut self) -> Option<Report> {
        loop {
            if let Some(report) = self.taken.pop_front() {
                return Some(report);
            }
            self.news.mark_unchanged();
            (self.reached, self.taken) = self.board.after(self.reached, &self.kinds);
            if self.taken.is_empty() {
                self.news.changed().await.ok()?;
            }
        }
    }
}
