//! A store without threads: closures run where they are asked for, one after the other.
//!
//! For clouds that repeat ([`kernel::Clock::is_stepped`]): with threads, which closure is first and which share a commit
//! is chance. Each closure is a commit of its own, and as durable as elsewhere.

use crate::db::inside;
use crate::job::Job;
use crate::shared::Shared;
use crate::sqlite::{self, Durability, Lite};
use crate::tx::{Session, Tx};
use fault::Fault;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The two connections.
pub(crate) struct Here {
    writer: Mutex<Tx>,
    reader: Mutex<Tx>,
    is_dead: AtomicBool,
}

impl Here {
    pub(crate) fn open(path: &Path, durability: Durability, shared: &Arc<Shared>) -> Result<Self, Fault> {
        let open = |writes| {
            let session = Session::Sqlite(Lite::open(path, durability, writes)?);
            Ok::<_, Fault>(Mutex::new(Tx::new(session, shared.clone())))
        };
        Ok(Self { writer: open(true)?, reader: open(false)?, is_dead: AtomicBool::new(false) })
    }

    pub(crate) fn die(&self) {
        self.is_dead.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::SeqCst)
    }

    /// Runs a closure and answers it.
    pub(crate) fn run(&self, writes: bool, job: Box<dyn Job>) {
        let tx = if writes { &self.writer } else { &self.reader };
        // A closure catches its panics, and whatever was open is ended before the next one begins.
        let tx = tx.lock().unwrap_or_else(PoisonError::into_inner);
        inside(|| if writes { sqlite::write_one(&tx, job) } else { sqlite::read_one(&tx, job) });
    }
}
