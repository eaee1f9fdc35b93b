//! One connection to one agent, as the controller uses it.
//!
//! A session ends when its connection does, when pings stay without answer, when the agent sends what is no answer,
//! or when a newer connection of its host replaces it. Calls under way then say [`LinkError::Away`].

use crate::agents::{Limits, Table};
use crate::error::{HostError, LinkError};
use crate::host::{Ensured, LedgerEntry, Rank};
use crate::route::Route;
use crate::wire::{self, Body, Lines};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use metal::driver::{Data, Duplex};
use metal::server::ImageSource;
use metal::{HostFacts, Kind, Wanted};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// At most so many images are sent to one host at once.
const IMAGES_AT_ONCE: usize = 3;

pub(crate) struct Session {
    pub(crate) number: u64,
    pub(crate) host_id: String,
    facts: RwLock<HostFacts>,
    sender: SendRequest<Body>,
    slots: Semaphore,
    images: Semaphore,
    calls: AtomicUsize,
    closed: watch::Sender<bool>,
    limits: Limits,
}

impl Session {
    /// Shakes hands, says hello, and serves the connection in the background.
    pub(crate) async fn open(
        stream: impl Duplex + 'static,
        table: Weak<Table>,
    ) -> Result<Arc<Self>, LinkError> {
        let limits = table.upgrade().map(|table| table.limits.clone()).unwrap_or_default();
        let nobody = || LinkError::Away("that just dialled".to_owned());
        let handshake = builder(&limits).handshake(TokioIo::new(stream));
        let (sender, connection) =
            timeout(limits.call, handshake).await.map_err(|_| nobody())?.map_err(|error| {
                tracing::debug!(%error, "a connection did not become a link");
                nobody()
            })?;
        let closed = watch::Sender::new(false);
        let mut ended = closed.subscribe();
        let finished = closed.clone();
        tokio::spawn(async move {
            let end = tokio::select! {
                biased;
                end = connection => end.err(),
                _ = ended.wait_for(|closed| *closed) => None,
            };
            if let Some(error) = end {
                tracing::debug!(%error, "a link broke");
            }
            finished.send_replace(true);
        });
        let mut session = Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            host_id: String::new(),
            facts: RwLock::new(nobody_yet()),
            sender,
            slots: Semaphore::new(limits.calls),
            images: Semaphore::new(IMAGES_AT_ONCE),
            calls: AtomicUsize::new(0),
            closed,
            limits,
        };
        let facts: HostFacts = session.get(&Route::Hello).await?;
        session.host_id.clone_from(&facts.id);
        session.facts = RwLock::new(facts);
        let session = Arc::new(session);
        tokio::spawn(watch_over(Arc::downgrade(&session), session.closed.subscribe(), table));
        Ok(session)
    }

    pub(crate) fn facts(&self) -> HostFacts {
        self.facts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Calls that were begun and have no answer yet, those that wait for a slot included.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    pub(crate) async fn ensure(&self, wanted: &Wanted) -> Result<Ensured, LinkError> {
        self.post(&Route::Ensure, wanted).await
    }

    /// The session ends if this fails: a host is not of use before its ledger has been compared, and that happens when
    /// it joins.
    pub(crate) async fn ledger(&self) -> Result<Vec<LedgerEntry>, LinkError> {
        self.get(&Route::Ledger).await.inspect_err(|_| self.close())
    }

    pub(crate) async fn forget(&self, kind: Kind, id: &str, rank: Rank) -> Result<(), LinkError> {
        self.post(&Route::Forget, &(kind, id, rank)).await
    }

    pub(crate) async fn image_has(&self, image: &ImageSource) -> Result<bool, LinkError> {
        self.post(&Route::ImageHas, image).await
    }

    pub(crate) async fn image_forget(&self, image_id: &str) -> Result<(), LinkError> {
        self.post(&Route::ImageForget, &image_id).await
    }

    pub(crate) async fn status(&self) -> Result<serde_json::Value, LinkError> {
        self.get(&Route::Status).await
    }

    pub(crate) async fn console_log(&self, server_id: &str, bytes: u64) -> Result<Vec<u8>, LinkError> {
        let request = Route::Console { server_id: server_id.to_owned(), bytes }.request(wire::empty());
        let answer = self.within(self.limits.call, self.exchange(request)).await?;
        let body = self
            .within(self.limits.call, async { answer.into_body().collect().await.map_err(|_| self.away()) });
        Ok(body.await?.to_bytes().into())
    }

    /// The agent's reports on objects of these kinds, as lines of JSON.
    pub(crate) async fn reports(&self, kinds: &[Kind]) -> Result<Lines, LinkError> {
        let request = Route::Reports { kinds: kinds.to_vec() }.request(wire::empty());
        let answer = self.within(self.limits.call, self.exchange(request)).await?;
        Ok(Lines::new(answer.into_body()))
    }

    pub(crate) async fn screen(&self, server_id: &str) -> Result<DuplexStream, LinkError> {
        let (outgoing, body) = wire::channel();
        let request = Route::Screen { server_id: server_id.to_owned() }.request(body);
        let answer = self.within(self.limits.call, self.exchange(request)).await?;
        let (near, far) = tokio::io::duplex(wire::BUFFER);
        tokio::spawn(wire::carry(far, outgoing, answer.into_body()));
        Ok(near)
    }

    pub(crate) async fn image_put(&self, image: &ImageSource, data: Data) -> Result<(), LinkError> {
        let _counted = Counted::in_(&self.calls);
        let _turn = self.images.acquire().await.map_err(|_| self.away())?;
        let sent = Arc::new(AtomicU64::new(0));
        let count = sent.clone();
        let data = data.map(move |chunk| {
            count.fetch_add(1, Ordering::Relaxed);
            chunk.map(Frame::data)
        });
        let head = wire::line(image).map_err(|error| LinkError::Failed(error.to_string()))?;
        let head = futures_util::stream::once(async move { Ok(Frame::data(head)) });
        let request = Route::ImagePut.request(wire::streamed(head.chain(data)));
        let mut call = std::pin::pin!(self.exchange(request));
        let mut before = 0;
        loop {
            if let Ok(answer) = timeout(self.limits.stall, &mut call).await {
                return answer.map(|_| ());
            }
            let now = sent.load(Ordering::Relaxed);
            if now == before {
                return Err(self.away());
            }
            before = now;
        }
    }

    async fn get<T: DeserializeOwned>(&self, route: &Route) -> Result<T, LinkError> {
        self.call(route.request(wire::empty())).await
    }

    async fn post<T: DeserializeOwned>(&self, route: &Route, body: &impl Serialize) -> Result<T, LinkError> {
        let body = serde_json::to_vec(body).map_err(|error| LinkError::Failed(error.to_string()))?;
        self.call(route.request(wire::full(body))).await
    }

    /// A call whose answer is one JSON value.
    async fn call<T: DeserializeOwned>(&self, request: Request<Body>) -> Result<T, LinkError> {
        let call = async {
            let _slot = self.slots.acquire().await.map_err(|_| self.away())?;
            let answer = self.exchange(request).await?;
            let body = wire::gather(answer.into_body(), wire::ANSWER_BYTES).await.map_err(|_| self.away())?;
            serde_json::from_slice(&body).map_err(|error| self.nonsense(&error))
        };
        self.within(self.limits.call, call).await
    }

    async fn within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, LinkError>>,
    ) -> Result<T, LinkError> {
        let _counted = Counted::in_(&self.calls);
        let mut closed = self.closed.subscribe();
        let ended = closed.wait_for(|closed| *closed);
        tokio::select! {
            biased;
            done = timeout(limit, call) => done.map_err(|_| self.away())?,
            _ = ended => Err(self.away()),
        }
    }

    /// Sends a request; an answer other than 200 becomes its error.
    async fn exchange(&self, request: Request<Body>) -> Result<Response<Incoming>, LinkError> {
        let answer = self.sender.clone().send_request(request).await.map_err(|error| {
            tracing::debug!(%error, host = %self.host_id, "a call broke");
            self.away()
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let body = wire::gather(answer.into_body(), wire::ANSWER_BYTES).await.map_err(|_| self.away())?;
        let error: HostError = serde_json::from_slice(&body).map_err(|error| self.nonsense(&error))?;
        Err(LinkError::of(error))
    }

    fn away(&self) -> LinkError {
        LinkError::Away(self.host_id.clone())
    }

    /// The agent does not keep to the protocol: the connection ends.
    pub(crate) fn nonsense(&self, error: &dyn std::error::Error) -> LinkError {
        tracing::warn!(host = %self.host_id, %error, "the agent's answer makes no sense");
        self.close();
        self.away()
    }

    async fn refresh(&self) {
        if let Ok(facts) = self.get::<HostFacts>(&Route::Hello).await
            && facts.id == self.host_id
        {
            *self.facts.write().unwrap_or_else(PoisonError::into_inner) = facts;
        }
    }
}

/// Counts a call for as long as it lasts.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn in_(calls: &'a AtomicUsize) -> Self {
        calls.fetch_add(1, Ordering::Relaxed);
        Self(calls)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn builder(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.ping_every)
        .keep_alive_timeout(limits.ping_answer)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(wire::STREAM_WINDOW)
        .initial_connection_window_size(wire::CONNECTION_WINDOW)
        .max_frame_size(wire::FRAME)
        .initial_max_send_streams(wire::STREAMS as usize);
    builder
}

/// Takes the session off the table when it ends; asks for the host's facts now and then until it does.
async fn watch_over(session: Weak<Session>, mut closed: watch::Receiver<bool>, table: Weak<Table>) {
    loop {
        let every = table.upgrade().map_or(Duration::from_secs(30), |table| table.limits.hello_every);
        if timeout(every, closed.wait_for(|closed| *closed)).await.is_ok() {
            break;
        }
        match session.upgrade() {
            Some(session) => session.refresh().await,
            None => return,
        }
    }
    if let (Some(session), Some(table)) = (session.upgrade(), table.upgrade()) {
        table.leave(&session);
    }
}

fn nobody_yet() -> HostFacts {
    HostFacts {
        name: String::new(),
        id: String::new(),
        version: String::new(),
        epoch: 0,
        metal: String::new(),
        vcpus: 0,
        memory_mib: 0,
        disk_gib: 0,
        disk_free_gib: 0,
        acceleration: String::new(),
        hypervisor: String::new(),
        hypervisor_version: 0,
        cpu_info: String::new(),
        address: String::new(),
        physical_networks: Vec::new(),
        traits: Vec::new(),
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.closed.send_replace(true);
    }
}

/// For [`crate::reports`]: one line is one report.
pub(crate) fn report_of(line: &Bytes) -> serde_json::Result<metal::Report> {
    serde_json::from_slice(line)
}
