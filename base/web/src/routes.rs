//! The table of operations of a service.
//!
//! A row says method, path, the operation's one name, who may call it and from which version it exists. Leaving out
//! who may call does not compile: an operation starts undecided, and only a decided one fits into the table.

use crate::answer::Answer;
use crate::ask::Ask;
use crate::version::Version;
use fault::Fault;
use futures_util::future::BoxFuture;
use http::Method;
use policy::Rule;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

type Call<S> = Arc<dyn Fn(Arc<S>, Ask) -> BoxFuture<'static, Result<Answer, Fault>> + Send + Sync>;

/// Who may call an operation.
#[derive(Clone, Copy, Debug)]
pub enum Access {
    /// Whoever has a token and whom the operation's rule allows; the operation checks it against its target.
    Rule(&'static Rule),
    /// Whoever has a valid token, for a written reason.
    Token(&'static str),
    /// Anybody, for a written reason.
    Open(&'static str),
}

/// An operation whose access is not decided yet.
pub struct Undecided;
/// An operation whose access is decided.
pub struct Decided;

/// An operation: its name, its handler, its access, its versions.
pub struct Op<S, D> {
    pub(crate) name: &'static str,
    pub(crate) call: Call<S>,
    pub(crate) access: Option<Access>,
    pub(crate) since: Option<Version>,
    pub(crate) until: Option<Version>,
    pub(crate) differs: Option<&'static str>,
    decided: PhantomData<D>,
}

/// An operation by its name (`server_show`) and its handler.
pub fn op<S, F, R>(name: &'static str, handler: F) -> Op<S, Undecided>
where
    S: Send + Sync + 'static,
    F: Fn(Arc<S>, Ask) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Answer, Fault>> + Send + 'static,
{
    let call: Call<S> = Arc::new(move |service, ask| Box::pin(handler(service, ask)));
    Op { name, call, access: None, since: None, until: None, differs: None, decided: PhantomData }
}

impl<S> Op<S, Undecided> {
    /// Callers with a token whom this rule allows.
    pub fn rule(self, rule: &'static Rule) -> Op<S, Decided> {
        self.decided(Access::Rule(rule))
    }

    /// Any caller with a valid token, because …
    pub fn token(self, because: &'static str) -> Op<S, Decided> {
        self.decided(Access::Token(because))
    }

    /// Anybody, because …
    pub fn open(self, because: &'static str) -> Op<S, Decided> {
        self.decided(Access::Open(because))
    }

    fn decided(self, access: Access) -> Op<S, Decided> {
        Op {
            name: self.name,
            call: self.call,
            access: Some(access),
            since: self.since,
            until: self.until,
            differs: self.differs,
            decided: PhantomData,
        }
    }
}

impl<S, D> Op<S, D> {
    /// Exists from this microversion on.
    #[must_use]
    pub fn since(mut self, version: Version) -> Self {
        self.since = Some(version);
        self
    }

    /// Exists up to and with this microversion.
    #[must_use]
    pub fn until(mut self, version: Version) -> Self {
        self.until = Some(version);
        self
    }

    /// Does otherwise than OpenStack's on purpose: how, and why.
    #[must_use]
    pub fn differs(mut self, how: &'static str) -> Self {
        self.differs = Some(how);
        self
    }

    pub(crate) fn exists_at(&self, version: Version) -> bool {
        self.since.is_none_or(|since| version >= since) && self.until.is_none_or(|until| version <= until)
    }
}

/// A row of the table, as it is printed.
#[derive(Clone, Debug)]
pub struct Row {
    /// The method.
    pub method: Method,
    /// The path below the service's mount.
    pub path: &'static str,
    /// The operation.
    pub name: &'static str,
    /// Who may call.
    pub access: Access,
    /// From which version on.
    pub since: Option<Version>,
    /// Up to which version.
    pub until: Option<Version>,
    /// How it does otherwise than OpenStack's on purpose.
    pub differs: Option<&'static str>,
}

/// An operation of OpenStack's service that is not here, for documents: asked for, it is answered as one that there is not.
#[derive(Clone, Copy, Debug)]
pub struct Absent {
    /// The method.
    pub method: &'static str,
    /// The path below the service's mount.
    pub path: &'static str,
    /// Why, or what there is instead.
    pub because: &'static str,
}

/// The table of operations of a service.
pub struct Routes<S> {
    pub(crate) rows: Vec<(Method, &'static str, Op<S, Decided>)>,
}

impl<S> Default for Routes<S> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $method:ident),* $(,)?) => {
        impl<S> Routes<S> {
            $($(#[$doc])* #[must_use] pub fn $name(self, path: &'static str, op: Op<S, Decided>) -> Self {
                self.row(Method::$method, path, op)
            })*
        }
    };
}

methods! {
    /// `GET path`.
    get GET,
    /// `HEAD path`, for operations whose HEAD is not their GET without a body.
    head HEAD,
    /// `POST path`.
    post POST,
    /// `PUT path`.
    put PUT,
    /// `PATCH path`.
    patch PATCH,
    /// `DELETE path`.
    delete DELETE,
}

impl<S> Routes<S> {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    fn row(mut self, method: Method, path: &'static str, op: Op<S, Decided>) -> Self {
        self.rows.push((method, path, op));
        self
    }

    /// Every row, for documents and tests.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.rows.iter().map(|(method, path, op)| Row {
            method: method.clone(),
            path,
            name: op.name,
            access: op.access.unwrap_or(Access::Open("undecided")),
            since: op.since,
            until: op.until,
            differs: op.differs,
        })
    }

    /// The index by path; a table that contradicts itself is a mistake of ours.
    pub(crate) fn index(&self) -> Result<matchit::Router<Vec<usize>>, Fault> {
        let mut by_path: HashMap<&'static str, Vec<usize>> = HashMap::new();
        for (number, (_, path, _)) in self.rows.iter().enumerate() {
            by_path.entry(path).or_default().push(number);
        }
        let mut router = matchit::Router::new();
        for (path, numbers) in by_path {
            router.insert(path, numbers).map_err(Fault::bug)?;
        }
        Ok(router)
    }
}
