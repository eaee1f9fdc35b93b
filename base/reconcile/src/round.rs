//! One round of one reconciler: snapshot, plan, act, record, and what becomes of a round that panics or is cut off.

use crate::claim::{Claim, Mark, fence, mark, renew, settle};
use crate::reconciler::{Outcome, Reconciler};
use async_trait::async_trait;
use fault::Fault;
use futures_util::FutureExt;
use kernel::Clock;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::Duration;
use store::{Db, Tx};

/// What a round works with.
#[derive(Clone)]
pub(crate) struct Setting {
    pub db: Db,
    pub clock: Clock,
    pub owner: String,
    pub lease: Duration,
    pub trial: Trial,
}

/// What the harnesses do to rounds; nothing in real life.
#[derive(Clone, Default)]
pub(crate) struct Trial {
    /// Points that may be passed until the engine dies at one.
    pub cut_after: Option<Arc<AtomicI64>>,
    /// Run every step twice.
    pub twice: bool,
    /// Says of each point whether the engine dies there.
    pub dies: Option<Dies>,
}

/// A kind of work and a point of its rounds: does the engine die there?
pub(crate) type Dies = Arc<dyn Fn(&str, Step) -> bool + Send + Sync>;

/// A point of a round: what was done last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The row is claimed.
    Claimed,
    /// The snapshot is taken.
    Read,
    /// The plan is made.
    Planned,
    /// Some of the plan may be carried out, or all of it that is waited for.
    Acting,
    /// The plan is carried out.
    Acted,
    /// What came of it is recorded.
    Recorded,
}

/// How a round ended, for the engine. What it came to is in its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// The outcome is recorded.
    Recorded,
    /// The claim was lost, and nothing was written.
    Lost,
    /// A harness cut it off.
    Cut,
}

/// Why a round came to no outcome of its own.
enum Broken {
    Cut,
    Lost,
    Failed(String),
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.to_string())
    }
}

impl Trial {
    /// A point where a crash may come.
    fn pass(&self, kind: &str, step: Step) -> Result<(), Broken> {
        if self.dies.as_ref().is_some_and(|dies| dies(kind, step)) {
            return Err(Broken::Cut);
        }
        match &self.cut_after {
            Some(left) if left.fetch_sub(1, Ordering::SeqCst) <= 1 => Err(Broken::Cut),
            _ => Ok(()),
        }
    }
}

/// A reconciler whose types are hidden.
#[async_trait]
pub(crate) trait Erased: Send + Sync {
    async fn run(&self, setting: &Setting, claim: Claim) -> Ran;
}

pub(crate) struct Typed<R>(pub Arc<R>);

#[async_trait]
impl<R: Reconciler> Erased for Typed<R> {
    async fn run(&self, setting: &Setting, claim: Claim) -> Ran {
        match self.round(setting, &claim).await {
            Ok(()) => Ran::Recorded,
            Err(Broken::Cut) => Ran::Cut,
            Err(Broken::Lost) => Ran::Lost,
            Err(Broken::Failed(reason)) => self.fail(setting, claim, reason).await,
        }
    }
}

impl<R: Reconciler> Typed<R> {
    async fn round(&self, setting: &Setting, claim: &Claim) -> Result<(), Broken> {
        let (trial, kind) = (&setting.trial, self.0.kind());
        trial.pass(kind, Step::Claimed)?;
        let (mut snapshot, mut seen) = self.snapshot(setting, claim).await?;
        if trial.twice {
            (snapshot, seen) = self.snapshot(setting, claim).await?;
        }
        trial.pass(kind, Step::Read)?;
        let mut plan = self.plan(setting, &snapshot)?;
        if trial.twice {
            plan = self.plan(setting, &snapshot)?;
        }
        trial.pass(kind, Step::Planned)?;
        let mut result = self.act(setting, claim, &plan).await?;
        if trial.twice {
            result = self.act(setting, claim, &plan).await?;
        }
        trial.pass(kind, Step::Acted)?;
        self.record(setting, claim, snapshot, seen, result).await?;
        trial.pass(kind, Step::Recorded)
    }

    async fn snapshot(&self, setting: &Setting, claim: &Claim) -> Result<(R::Snapshot, Mark), Broken> {
        let (reconciler, id) = (self.0.clone(), claim.id.clone());
        Ok(setting.db.read(move |tx| Ok((reconciler.snapshot(tx, &id)?, mark(tx)?))).await?)
    }

    fn plan(&self, setting: &Setting, snapshot: &R::Snapshot) -> Result<R::Plan, Broken> {
        let now = setting.clock.now();
        let planned = catch_unwind(AssertUnwindSafe(|| self.0.plan(snapshot, now)));
        planned.map_err(|panic| Broken::Failed(format!("panic in plan: {}", said(&*panic))))
    }

    /// Acts, and keeps the lease meanwhile. A lost lease ends it: somebody else is at it.
    async fn act(&self, setting: &Setting, claim: &Claim, plan: &R::Plan) -> Result<R::Result, Broken> {
        let acting = self.0.act(&claim.id, plan);
        acted(setting, claim, acting, self.0.longest_act()).await
    }

    async fn record(
        &self,
        setting: &Setting,
        claim: &Claim,
        snapshot: R::Snapshot,
        seen: Mark,
        result: R::Result,
    ) -> Result<(), Broken> {
        let (reconciler, claim, twice) = (self.0.clone(), claim.clone(), setting.trial.twice);
        let held = setting.db.write(move |tx| {
            let Some(generation) = fence(tx, &claim)? else { return Ok(false) };
            let mut outcome = reconciler.record(tx, &claim.id, &snapshot, &result)?;
            if twice {
                outcome = reconciler.record(tx, &claim.id, &snapshot, &result)?;
            }
            // What the record itself wanted or touched of its own row counts as much as what others did before.
            let generation = fence(tx, &claim)?.unwrap_or(generation);
            let attempts = settle(tx, &claim, generation, &outcome, Some(&seen))?;
            if let Outcome::Failed { reason, .. } = &outcome {
                poison(tx, &*reconciler, &claim, attempts, reason)?;
            }
            Ok(true)
        });
        if held.await? { Ok(()) } else { Err(Broken::Lost) }
    }

    /// Records a round that came to no outcome: a panic, a fault of the store or of a step, an act that took too long.
    async fn fail(&self, setting: &Setting, claim: Claim, reason: String) -> Ran {
        tracing::error!(kind = claim.kind, id = claim.id, reason, "a round failed");
        let (reconciler, kept) = (self.0.clone(), (claim.clone(), reason.clone()));
        let recorded = setting.db.write(move |tx| {
            let Some(attempts) = failed(tx, &claim, &reason)? else { return Ok(false) };
            poison(tx, &*reconciler, &claim, attempts, &reason)?;
            Ok(true)
        });
        let recorded = match recorded.await {
            // The word for the resource failed too; the row at least must know.
            Err(fault) => {
                tracing::error!(%fault, "a failure could not be recorded with its resource");
                let (claim, reason) = kept.clone();
                setting.db.write(move |tx| Ok(failed(tx, &claim, &reason)?.is_some())).await
            }
            recorded => recorded,
        };
        match recorded {
            Ok(true) => Ran::Recorded,
            Ok(false) => Ran::Lost,
            Err(fault) => {
                tracing::error!(%fault, "a failure could not be recorded");
                give_back(setting, &kept.0, &kept.1).await
            }
        }
    }
}

/// The store takes nothing, as when its disk is full. The row is given back as soon as it does; at the latest its lease
/// ends by itself.
async fn give_back(setting: &Setting, claim: &Claim, reason: &str) -> Ran {
    for _ in 0..setting.lease.as_secs() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (claim, reason) = (claim.clone(), reason.to_owned());
        match setting.db.write(move |tx| Ok(failed(tx, &claim, &reason)?.is_some())).await {
            Ok(true) => return Ran::Recorded,
            Ok(false) => return Ran::Lost,
            Err(_) => {}
        }
    }
    Ran::Lost
}

fn failed(tx: &Tx, claim: &Claim, reason: &str) -> Result<Option<u32>, Fault> {
    let Some(generation) = fence(tx, claim)? else { return Ok(None) };
    let outcome = Outcome::Failed { reason: reason.to_owned(), retry_at: tx.now() };
    settle(tx, claim, generation, &outcome, None).map(Some)
}

fn poison<R: Reconciler>(
    tx: &Tx,
    reconciler: &R,
    claim: &Claim,
    attempts: u32,
    reason: &str,
) -> Result<(), Fault> {
    if attempts > 0 && attempts.is_multiple_of(reconciler.patience().max(1)) {
        reconciler.poisoned(tx, &claim.id, attempts, reason)?;
    }
    Ok(())
}

async fn acted<T>(
    setting: &Setting,
    claim: &Claim,
    acting: impl Future<Output = T> + Send,
    longest: Duration,
) -> Result<T, Broken> {
    let acting = cut_between_awaits(&setting.trial, &claim.kind, AssertUnwindSafe(acting).catch_unwind());
    let acting = tokio::time::timeout(longest, acting);
    tokio::pin!(acting);
    loop {
        let outcome = tokio::select! {
            biased;
            outcome = &mut acting => outcome,
            () = tokio::time::sleep(setting.lease / 3) => {
                match renew(&setting.db, claim, setting.lease).await {
                    Ok(true) => continue,
                    Ok(false) => return Err(Broken::Lost),
                    Err(fault) => {
                        tracing::warn!(%fault, kind = claim.kind, id = claim.id, "a lease could not be renewed");
                        continue;
                    }
                }
            }
        };
        return match outcome {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(panic))) => Err(Broken::Failed(format!("panic in act: {}", said(&*panic)))),
            Ok(Err(broken)) => Err(broken),
            Err(_) => Err(Broken::Failed(format!("it took longer than {} seconds", longest.as_secs()))),
        };
    }
}

/// In a trial each await of `act` that is not ready at once is a point where a crash may come.
async fn cut_between_awaits<T>(
    trial: &Trial,
    kind: &str,
    acting: impl Future<Output = T>,
) -> Result<T, Broken> {
    tokio::pin!(acting);
    std::future::poll_fn(|context| match acting.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Ok(result)),
        Poll::Pending => match trial.pass(kind, Step::Acting) {
            Ok(()) => Poll::Pending,
            Err(broken) => Poll::Ready(Err(broken)),
        },
    })
    .await
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
