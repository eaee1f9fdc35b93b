//! Threads of their own for hashing passwords, behind a bounded queue.
//!
//! A hash costs a tenth of a second of a core on purpose; on the threads that serve requests a few logins would stop
//! everything else. When there is no place in the queue for it ([`crate::places`]), a login is answered 429 at once instead
//! of late, and who has hung up in the meantime costs nothing more. Where all is done in one order there are no threads, and
//! each hash is made where it is asked for.

use crate::model::password::{self, Scheme};
use crate::places::{PLACES, Places, Source};
use crossbeam_channel::{Sender, bounded};
use fault::Fault;
use kernel::Entropy;
use std::panic::AssertUnwindSafe;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

type Job = Box<dyn FnOnce() + Send>;

/// The hashing threads.
#[derive(Clone)]
pub struct Hashing {
    jobs: Option<Sender<Job>>,
    places: Places,
    entropy: Entropy,
    scheme: Scheme,
    /// What a password is checked against when there is no such user, so that the answer takes the same time.
    nobody: String,
}

/// The lowest cost: enough for generated passwords of 128 random bits, which nobody guesses.
pub const LOWEST_COST: u32 = 4;

/// How much hashing gives way to other threads, in steps of `nice`: beside one that serves a request it gets a tenth of a
/// processor, and all of what nobody else wants.
const GIVES_WAY: i32 = 10;

/// From now on what this thread does waits for what other threads have to do: on Linux a priority is a thread's own. Where
/// it cannot be had, a flood of logins makes other requests slower.
fn give_way() {
    if let Err(error) = rustix::process::nice(GIVES_WAY) {
        tracing::warn!(%error, "hashing passwords has the priority of everything else");
    }
}

impl Hashing {
    /// Starts `threads` threads, or none; new passwords are hashed by this scheme.
    pub fn start(threads: usize, scheme: Scheme, entropy: Entropy) -> Result<Self, Fault> {
        let (jobs, queue) = bounded::<Job>(PLACES);
        for number in 0..threads {
            let queue = queue.clone();
            let work = move || {
                give_way();
                for job in &queue {
                    // Whoever waits for this one is told; the next ones must not wait for ever.
                    if std::panic::catch_unwind(AssertUnwindSafe(job)).is_err() {
                        tracing::error!("hashing a password failed");
                    }
                }
            };
            std::thread::Builder::new().name(format!("hash-{number}")).spawn(work).map_err(Fault::bug)?;
        }
        let jobs = (threads > 0).then_some(jobs);
        let nobody = password::hash(b"nobody", scheme, [0; 16])
            .ok_or_else(|| Fault::bug("no password can be hashed"))?;
        Ok(Self { jobs, places: Places::default(), entropy, scheme, nobody })
    }

    /// How many passwords wait for a thread.
    pub fn waiting(&self) -> usize {
        self.jobs.as_ref().map_or(0, Sender::len)
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, Fault> {
        let (scheme, salt) = (self.scheme, self.entropy.bytes());
        let hash = self.on_thread(None, move || password::hash(password.as_bytes(), scheme, salt)).await?;
        hash.ok_or_else(|| Fault::bug("a password cannot be hashed"))
    }

    /// Whether a password whose hash this is should be hashed anew: the operator wants another scheme now. One that the
    /// cloud made is safe under any.
    pub fn is_outdated(&self, password: &str, hash: &str) -> bool {
        !self.scheme.made(hash) && !password::is_generated(password)
    }

    /// Whether the password belongs to the hash; `None` stands for a user that does not exist and takes as long. `source`
    /// says who asks that has shown no token.
    pub async fn verify(
        &self,
        source: Option<&Source>,
        password: Zeroizing<String>,
        hash: Option<String>,
    ) -> Result<bool, Fault> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        Ok(self.on_thread(source, move || password::verify(password.as_bytes(), &hash)).await? && known)
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        source: Option<&Source>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let Some(jobs) = &self.jobs else { return Ok(work()) };
        let place = self.places.enter(source)?;
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move || {
            if !answer.is_closed() {
                drop(answer.send(work()));
            }
            drop(place);
        });
        // There are as many places in the queue as there are to take.
        jobs.try_send(job).map_err(|error| Fault::bug(error.to_string()))?;
        answered.await.map_err(Fault::bug)
    }
}
