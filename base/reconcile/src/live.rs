//! The engine on its own: woken by commits, by the earliest due row, and from time to time for no reason at all.

use crate::engine::Engine;
use fault::Fault;
use kernel::{Expected, Micros};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Rows claimed in one transaction.
const BATCH: usize = 32;

/// How long a stop waits for rounds that run.
const GRACE: Duration = Duration::from_secs(10);

/// What an engine is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Run,
    Hold,
    Stop,
}

/// An engine that runs. Dropping it stops claiming, without waiting.
#[derive(Debug)]
pub struct Handle {
    mode: watch::Sender<Mode>,
    held: watch::Receiver<bool>,
    woken: Arc<Notify>,
}

impl Handle {
    pub(crate) fn start(engine: Engine, concurrency: usize) -> Self {
        let (mode, told) = watch::channel(Mode::Run);
        let (holds, held) = watch::channel(false);
        let woken = Arc::new(Notify::new());
        let (kinds, bell) = (engine.kinds(), woken.clone());
        engine.setting.db.on_commit(Arc::new(move |changes| {
            if changes.iter().any(|change| kinds.contains(&change.kind.as_ref())) {
                bell.notify_one();
            }
        }));
        let bell = woken.clone();
        let (running, scan_at) = (JoinSet::new(), Instant::now());
        let life = Life { engine, concurrency, woken: bell, running, scan_at, again: None, holds };
        tokio::spawn(life.live(told));
        Self { mode, held, woken }
    }

    /// Claims nothing more until [`Handle::resume`], and answers when the rounds that ran have come to their end: then the
    /// store may be put back to an earlier state.
    pub async fn hold(&self) {
        self.mode.send_replace(Mode::Hold);
        // An engine that has ended holds, too.
        let _ = self.held.clone().wait_for(|held| *held).await;
    }

    /// Goes on, with whatever the store has now.
    pub fn resume(&self) {
        self.mode.send_replace(Mode::Run);
    }

    /// Looks for due work now: for tests that moved a held clock, of which nobody hears otherwise.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// Claims nothing more, lets rounds that run come to their end (for some seconds), and gives back the rest.
    pub async fn stop(&self) {
        self.mode.send_replace(Mode::Stop);
        // The task holds the other end until it has ended.
        let _ = self.held.clone().wait_for(|_| false).await;
    }
}

struct Life {
    engine: Engine,
    concurrency: usize,
    /// Rung by commits. It remembers one ring, which is all it needs: the rows themselves are the queue.
    woken: Arc<Notify>,
    running: JoinSet<()>,
    /// When to look without a reason again.
    scan_at: Instant,
    /// When something that failed is tried again, as work that a stepped clock goes to.
    again: Option<Expected>,
    /// No round runs, and none will.
    holds: watch::Sender<bool>,
}

impl Life {
    async fn live(mut self, mut told: watch::Receiver<Mode>) {
        if let Err(fault) = self.engine.recover().await {
            tracing::error!(%fault, "old leases were not voided; they end by themselves");
        }
        loop {
            let mode = *told.borrow_and_update();
            match mode {
                Mode::Run => {}
                Mode::Stop => break,
                Mode::Hold => {
                    self.end_rounds().await;
                    self.holds.send_replace(true);
                    if told.changed().await.is_err() {
                        break;
                    }
                    self.holds.send_replace(false);
                    continue;
                }
            }
            let pause = match self.claim().await {
                Ok(pause) => pause,
                Err(fault) => {
                    tracing::warn!(%fault, "no work could be claimed");
                    Duration::from_secs(1)
                }
            };
            let busy = self.running.len() >= self.concurrency;
            tokio::select! {
                biased;
                outcome = told.changed() => if outcome.is_err() { break },
                Some(ended) = self.running.join_next() => mourn(ended),
                () = self.woken.notified(), if !busy => {}
                () = tokio::time::sleep(pause), if !busy => {}
            }
            while let Some(ended) = self.running.try_join_next() {
                mourn(ended);
            }
        }
        self.end_rounds().await;
    }

    /// Claims what there is room for, and answers how long nothing more will be due.
    async fn claim(&mut self) -> Result<Duration, Fault> {
        while self.running.len() < self.concurrency {
            let room = (self.concurrency - self.running.len()).min(BATCH);
            let claims = self.engine.claim(room).await?;
            let all = claims.len() < room;
            for claim in claims {
                let engine = self.engine.clone();
                self.running.spawn(async move {
                    engine.run(claim).await;
                });
            }
            if all {
                break;
            }
        }
        self.pause().await
    }

    /// Until the earliest row is due, or the next look without a reason, which is every half to whole minute.
    async fn pause(&mut self) -> Result<Duration, Fault> {
        let now = Instant::now();
        if now >= self.scan_at {
            self.engine.tidy().await?;
            self.scan_at = now + Duration::from_millis(30_000 + self.engine.entropy.below(30_000));
        }
        self.again = self.engine.next_retry().await?.map(|due| self.expect(due));
        let due = self.engine.next_due().await?.map(|due| due.since(self.engine.setting.clock.now()));
        let scan = self.scan_at.saturating_duration_since(now);
        Ok(due.map_or(scan, |due| due.min(scan)))
    }

    fn expect(&self, at: Micros) -> Expected {
        let clock = &self.engine.setting.clock;
        clock.expect(at.since(clock.now()))
    }

    /// Lets the rounds that run come to their end, for some seconds, and gives back what they had.
    async fn end_rounds(&mut self) {
        let ended = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::warn!("rounds that did not end were cut off");
        }
        self.running.shutdown().await;
        if let Err(fault) = self.engine.release().await {
            tracing::warn!(%fault, "claims were not given back; their leases end by themselves");
        }
    }
}

/// A round catches its panics; one that comes here is our own.
fn mourn(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a round ended badly; its lease ends by itself");
    }
}
