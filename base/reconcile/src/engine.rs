//! The engine, put together and driven by hand: one round at a time, as tests with a held clock want it.

use crate::claim::{Claim, Whose, Wish, claim, next_due, next_retry, tidy, void};
use crate::live::Handle;
use crate::reconciler::Reconciler;
use crate::round::{Erased, Ran, Setting, Trial, Typed};
use fault::Fault;
use kernel::{Clock, Entropy, Micros};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use store::Db;

/// How long a claim lasts unless it is renewed; it is, three times as often.
const LEASE: Duration = Duration::from_secs(30);

/// Rounds after which [`Engine::run_until_quiet`] calls it a loop without end.
const ENDLESS: usize = 100_000;

/// Claims due work and runs its rounds.
#[derive(Clone)]
pub struct Engine {
    pub(crate) setting: Setting,
    pub(crate) entropy: Entropy,
    reconcilers: BTreeMap<&'static str, Arc<dyn Erased>>,
    deference: Option<Deference>,
}

/// How long due rows are left to other controllers; asked before each claim.
type Deference = Arc<dyn Fn() -> Duration + Send + Sync>;

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine of {} for {:?}", self.setting.owner, self.kinds())
    }
}

impl Engine {
    /// An engine without reconcilers. `owner` names this start of this process: a restart must bring a new one, since
    /// it voids the leases of all others on SQLite. Where there are others, an owner `controller/start` voids those of
    /// earlier starts of the same controller, which must not run any more.
    pub fn new(db: Db, clock: Clock, entropy: Entropy, owner: impl Into<String>) -> Self {
        let setting =
            Setting { db: db.patient(), clock, owner: owner.into(), lease: LEASE, trial: Trial::default() };
        Self { setting, entropy, reconcilers: BTreeMap::new(), deference: None }
    }

    /// Adds the reconciler of a kind.
    #[must_use]
    pub fn with<R: Reconciler>(mut self, reconciler: Arc<R>) -> Self {
        self.reconcilers.insert(reconciler.kind(), Arc::new(Typed(reconciler)));
        self
    }

    /// Leaves due rows to other controllers for as long as `deference` says: a controller that reaches no host lets
    /// those go first who do, and takes what nobody took. On SQLite there are no others.
    #[must_use]
    pub fn defer(mut self, deference: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.deference = Some(Arc::new(deference));
        self
    }

    /// Sets how long a claim lasts unless it is renewed.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.setting.lease = lease;
        self
    }

    /// Runs on its own from now on, up to `concurrency` rounds at a time. Must be called within a Tokio runtime.
    pub fn start(self, concurrency: usize) -> Handle {
        Handle::start(self, concurrency.max(1))
    }

    /// Voids the leases of those who cannot be there any more. [`Engine::start`] does it by itself.
    pub async fn recover(&self) -> Result<(), Fault> {
        self.void(Whose::Dead).await
    }

    /// Runs one round of the row that is longest due; false when none is.
    pub async fn step(&self) -> Result<bool, Fault> {
        Ok(self.one().await?.is_some())
    }

    /// Runs rounds, one at a time, until no row is due; answers how many there were. The clock is not moved. Fails when
    /// that takes no end.
    pub async fn run_until_quiet(&self) -> Result<usize, Fault> {
        for rounds in 0..ENDLESS {
            if !self.step().await? {
                return Ok(rounds);
            }
        }
        Err(Fault::bug(format!("the work is not quiet after {ENDLESS} rounds")))
    }

    /// When the next row is due; `None` when all sleep.
    pub async fn next_due(&self) -> Result<Option<Micros>, Fault> {
        if self.reconcilers.is_empty() {
            return Ok(None);
        }
        let due = next_due(&self.setting.db, &self.kinds()).await?;
        Ok(due.map(|due| due.plus(self.deferred())))
    }

    /// When a stepped clock goes on: what has failed, and not too often, is tried again. What waits is woken, and what is
    /// done by the clock is none of its business.
    pub(crate) async fn next_retry(&self) -> Result<Option<Micros>, Fault> {
        if !self.setting.clock.is_stepped() || self.reconcilers.is_empty() {
            return Ok(None);
        }
        next_retry(&self.setting.db, &self.kinds()).await
    }

    /// Runs rounds and moves the held clock from one due row to the next, until all sleep or `horizon` has passed;
    /// answers how many rounds there were.
    pub async fn settle(&self, horizon: Duration) -> Result<usize, Fault> {
        let end = self.setting.clock.now().plus(horizon);
        let mut rounds = self.run_until_quiet().await?;
        while self.advance(end).await? {
            rounds += self.run_until_quiet().await?;
        }
        Ok(rounds)
    }

    /// Moves the held clock to the next due row; false when there is none before `end`.
    pub(crate) async fn advance(&self, end: Micros) -> Result<bool, Fault> {
        let now = self.setting.clock.now();
        let Some(next) = self.next_due().await?.filter(|next| *next <= end) else { return Ok(false) };
        self.setting.clock.advance(next.since(now));
        Ok(self.setting.clock.now() > now)
    }

    pub(crate) async fn one(&self) -> Result<Option<Ran>, Fault> {
        match self.claim(1).await?.pop() {
            Some(claim) => Ok(Some(self.run(claim).await)),
            None => Ok(None),
        }
    }

    pub(crate) async fn claim(&self, most: usize) -> Result<Vec<Claim>, Fault> {
        if self.reconcilers.is_empty() {
            return Ok(Vec::new());
        }
        let wish = Wish { lease: self.setting.lease, overdue: self.deferred(), most };
        claim(&self.setting.db, &self.kinds(), &self.setting.owner, wish).await
    }

    fn deferred(&self) -> Duration {
        self.deference.as_ref().filter(|_| self.setting.db.is_shared()).map_or(Duration::ZERO, |ask| ask())
    }

    pub(crate) async fn run(&self, claim: Claim) -> Ran {
        match self.reconcilers.get(claim.kind.as_str()) {
            Some(reconciler) => reconciler.run(&self.setting, claim).await,
            None => Ran::Lost,
        }
    }

    /// Gives back what this engine has claimed.
    pub(crate) async fn release(&self) -> Result<(), Fault> {
        self.void(Whose::Own).await
    }

    async fn void(&self, whose: Whose) -> Result<(), Fault> {
        if self.reconcilers.is_empty() {
            return Ok(());
        }
        void(&self.setting.db, &self.kinds(), &self.setting.owner, whose).await
    }

    pub(crate) async fn tidy(&self) -> Result<(), Fault> {
        tidy(&self.setting.db).await
    }

    /// The kinds of work that it does.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.reconcilers.keys().copied().collect()
    }
}
