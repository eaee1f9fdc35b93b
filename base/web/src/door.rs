//! Who stands at the door: sees each request before it is answered, and may stand in its way.
//!
//! Simulated metal has its faults here. A cloud on real metal has nobody at the door.

use crate::answer::Answer;
use async_trait::async_trait;
use fault::Fault;
use http::Method;
use std::any::Any;

/// A request, as far as it is known before it is read.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The service's type.
    pub service: &'static str,
    /// The operation that would answer it, if there is one for the path and the method.
    pub operation: Option<&'static str>,
    /// The method.
    pub method: &'a Method,
    /// The whole path as it was sent.
    pub path: &'a str,
    /// The path as the service's table spells it, below each of the service's mounts.
    pub spelled: &'a [String],
}

/// What becomes of a request.
pub enum Verdict {
    /// It is answered.
    Enter,
    /// Whoever may call gets this fault, as the service writes it.
    Refuse(Fault),
    /// It gets this answer, whoever calls.
    Answer(Answer),
    /// The connection is closed without an answer.
    Drop,
}

/// A verdict, and what is held until the request has been answered.
pub struct Admission {
    /// What becomes of it.
    pub verdict: Verdict,
    /// Dropped when it has been answered.
    pub held: Option<Box<dyn Any + Send>>,
}

/// Sees each request before it is answered.
#[async_trait]
pub trait Doorkeeper: Send + Sync + 'static {
    /// Decides, now or when it is time.
    async fn admit(&self, call: Call<'_>) -> Admission;

    /// Requests come in one at a time, each whole and after the work of those before it: [`Doorkeeper::turn`] says when.
    fn takes_turns(&self) -> bool {
        false
    }

    /// Waits until it is this request's turn, which it is until the answer is dropped.
    async fn turn(&self) -> Box<dyn Any + Send> {
        Box::new(())
    }
}
