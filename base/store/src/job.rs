//! One closure on its way to a thread of the store, and its answer on the way back.

use crate::tx::Tx;
use fault::Fault;
use std::any::Any;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tracing::Span;

/// A closure that runs longer than this holds up others, and is named in the log.
const SLOW: Duration = Duration::from_millis(50);

/// A closure whose type of answer is hidden: what the threads work on.
pub(crate) trait Job: Send {
    /// Runs the closure once more; the value of an earlier run is forgotten.
    fn run(&mut self, tx: &Tx) -> Result<(), Fault>;
    /// Sends the value of the last run, or the fault.
    fn answer(self: Box<Self>, outcome: Result<(), Fault>);
}

pub(crate) struct Task<T, F> {
    body: F,
    value: Option<T>,
    place: &'static Location<'static>,
    reply: Reply<T>,
    /// On whose behalf: what is logged on the thread of the store carries the request's id.
    span: Span,
}

pub(crate) enum Reply<T> {
    Awaited(oneshot::Sender<Result<T, Fault>>),
    Blocking(crossbeam_channel::Sender<Result<T, Fault>>),
}

impl<T, F> Task<T, F>
where
    F: FnMut(&Tx) -> Result<T, Fault> + Send + 'static,
    T: Send + 'static,
{
    pub fn boxed(body: F, place: &'static Location<'static>, reply: Reply<T>) -> Box<dyn Job> {
        Box::new(Self { body, value: None, place, reply, span: Span::current() })
    }
}

impl<T, F> Job for Task<T, F>
where
    F: FnMut(&Tx) -> Result<T, Fault> + Send + 'static,
    T: Send + 'static,
{
    fn run(&mut self, tx: &Tx) -> Result<(), Fault> {
        let _on_behalf = self.span.clone().entered();
        self.value = None;
        // Real time on purpose: this measures our own thread, not the cloud.
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.body)(tx)));
        let took = begun.elapsed();
        if took > SLOW {
            tracing::warn!(place = %self.place, milliseconds = took.as_millis(), "slow closure in the store");
        }
        match outcome {
            Ok(answer) => answer.map(|value| self.value = Some(value)),
            Err(panic) => {
                Err(Fault::bug(format!("panic in a closure from {}: {}", self.place, said(&*panic))))
            }
        }
    }

    fn answer(mut self: Box<Self>, outcome: Result<(), Fault>) {
        let missing = || Fault::bug("a closure of the store was answered before it ran");
        let answer = outcome.and_then(|()| self.value.take().ok_or_else(missing));
        // Nobody waits any more where a request was cut off; the outcome stands all the same.
        match self.reply {
            Reply::Awaited(sender) => drop(sender.send(answer)),
            Reply::Blocking(sender) => drop(sender.send(answer)),
        }
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
