//! All services under one port: the accept loop with its limits, TLS, request ids, metrics and the drain at the end.

use crate::answer::{Answer, Body};
use crate::ask::Sent;
use crate::door::{Admission, Call, Doorkeeper, Verdict};
use crate::metrics::Requests;
use crate::surface::{Gate, Inbound, Mounted};
use async_trait::async_trait;
use bytes::Bytes;
use fault::Fault;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use kernel::{Clock, Entropy};
use policy::{Policy, Who};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tracing::Instrument;

/// How long a client may take to send its headers.
const HEADER_TIME: Duration = Duration::from_secs(15);
/// How long a client may take for its side of the TLS handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How many connections are served at once; more wait in the kernel's queue.
const CONNECTIONS: usize = 4096;
/// The largest body where requests take turns: it is in memory before the request's turn comes.
const LARGEST: usize = 1 << 30;
/// How long running requests may take to end when the site stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Tells who the owner of a token is. Identity does.
#[async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// The owner of a valid token; `None` for any other.
    async fn who(&self, token: &str) -> Result<Option<Arc<Who>>, Fault>;
}

/// All services under one port.
pub struct Site {
    mounts: Vec<(&'static str, Arc<dyn Mounted>)>,
    public: String,
    gate: Gate,
    clock: Clock,
    entropy: Entropy,
    metrics: Option<Requests>,
    door: Option<Arc<dyn Doorkeeper>>,
}

impl Site {
    /// A site that is found at `public` (`http://127.0.0.1:5000`, without final slash) from outside.
    pub fn new(
        public: &str,
        authenticate: Arc<dyn Authenticate>,
        policy: Arc<Policy>,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        let gate = Gate { authenticate, policy };
        Self {
            mounts: Vec::new(),
            public: public.trim_end_matches('/').to_owned(),
            gate,
            clock,
            entropy,
            metrics: None,
            door: None,
        }
    }

    /// Puts a service below a prefix (`/compute`); the empty prefix gets what no other one takes.
    #[must_use]
    pub fn mount(mut self, prefix: &'static str, service: Arc<dyn Mounted>) -> Self {
        self.mounts.push((prefix, service));
        self.mounts.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        self
    }

    /// Counts requests in these metrics.
    #[must_use]
    pub fn measured(mut self, metrics: Requests) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Has somebody see each request first.
    #[must_use]
    pub fn guarded(mut self, door: Arc<dyn Doorkeeper>) -> Self {
        self.door = Some(door);
        self
    }

    /// Serves until `stop` completes, then lets running requests end.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        stop: impl Future<Output = ()>,
    ) {
        let graceful = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let mut stop = std::pin::pin!(stop);
        loop {
            let Ok(permit) = room.clone().acquire_owned().await else { break };
            let accepted = tokio::select! {
                biased;
                accepted = listener.accept() => accepted,
                () = &mut stop => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors or a client that left already: neither may end the loop or spin it.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let _ = stream.set_nodelay(true);
            let (site, tls, watcher) = (self.clone(), tls.clone(), graceful.watcher());
            tokio::spawn(async move {
                let _permit = permit;
                match tls {
                    None => site.connection(stream, peer, watcher).await,
                    Some(tls) => match tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
                        Ok(Ok(stream)) => site.connection(stream, peer, watcher).await,
                        Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS"),
                        Err(_) => tracing::debug!(%peer, "no TLS in time"),
                    },
                }
            });
        }
        let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
    }

    async fn connection<T>(
        self: Arc<Self>,
        stream: T,
        peer: SocketAddr,
        watcher: hyper_util::server::graceful::Watcher,
    ) where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).title_case_headers(false);
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(256).keep_alive_interval(HEADER_TIME);
        // Where requests take turns the answer has the cloud's time, which repeats.
        builder.http1().auto_date_header(!self.takes_turns());
        builder.http2().auto_date_header(!self.takes_turns());
        let service = service_fn(move |request| {
            let site = self.clone();
            async move { site.request(request, peer).await }
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%peer, %error, "a connection ended badly");
        }
    }

    fn takes_turns(&self) -> bool {
        self.door.as_ref().is_some_and(|door| door.takes_turns())
    }

    /// Answers a request. An error closes the connection without an answer.
    async fn request(&self, request: Request<Incoming>, peer: SocketAddr) -> io::Result<Response<Body>> {
        let Some(door) = self.door.as_ref().filter(|door| door.takes_turns()) else {
            return self.identified(request.map(Either::Left), peer).await;
        };
        // Nobody waits for a client in the middle of a turn.
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, LARGEST).collect().await else {
            return Ok(written(Answer::empty(StatusCode::PAYLOAD_TOO_LARGE.as_u16()), &parts.method, ""));
        };
        let request = Request::from_parts(parts, Either::Right(Full::new(body.to_bytes())));
        let _turn = door.turn().await;
        let mut response = self.identified(request, peer).await?;
        if let Ok(date) = HeaderValue::from_str(&self.clock.now().http()) {
            response.headers_mut().insert(header::DATE, date);
        }
        Ok(response)
    }

    /// Answers a request that came over no connection: for trials of whole clouds in one process.
    pub async fn answer(&self, request: Request<Bytes>) -> io::Result<Response<Body>> {
        let nobody = SocketAddr::from(([127, 0, 0, 1], 0));
        self.identified(request.map(|body| Either::Right(Full::new(body))), nobody).await
    }

    async fn identified(&self, request: Request<Sent>, peer: SocketAddr) -> io::Result<Response<Body>> {
        let request_id: Arc<str> = self.entropy.request_id().into();
        // At the highest level, so that every line that is logged at all carries it.
        let span = tracing::error_span!("request", %request_id);
        self.traced(request, peer, request_id).instrument(span).await
    }

    async fn traced(
        &self,
        mut request: Request<Sent>,
        peer: SocketAddr,
        request_id: Arc<str>,
    ) -> io::Result<Response<Body>> {
        let begin = Instant::now();
        let upgrade =
            request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
        let (parts, body) = request.into_parts();
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        let (answer, service, operation) = match self.find(&path) {
            None => (Answer::empty(404), "site", "unrouted"),
            Some((prefix, mounted, rest)) => {
                let admission = self.admit(mounted, &method, &path, &rest).await;
                let mut refused = None;
                match admission.verdict {
                    Verdict::Enter => {}
                    Verdict::Refuse(fault) => refused = Some(fault),
                    Verdict::Answer(answer) => return Ok(written(answer, &method, &request_id)),
                    Verdict::Drop => return Err(io::ErrorKind::ConnectionAborted.into()),
                }
                let base = format!("{}{prefix}", self.public).into();
                let at = self.clock.now();
                let peer = peer.ip().to_string().into();
                let (body, request_id) = (Some(body), request_id.clone());
                let inbound =
                    Inbound { parts, path: rest, body, upgrade, base, request_id, at, peer, refused };
                let (answer, operation) = mounted.answer(inbound, self.gate.clone()).await;
                (answer, mounted.name(), operation)
            }
        };
        let (status, took) = (answer.status.as_u16(), begin.elapsed());
        if let Some(metrics) = &self.metrics {
            metrics.count(service, operation, status, took);
        }
        tracing::info!(service, operation, %method, path, status, ms = took.as_secs_f64() * 1e3, "request");
        Ok(written(answer, &method, &request_id))
    }

    /// Asks who stands at the door.
    async fn admit(&self, mounted: &dyn Mounted, method: &Method, path: &str, rest: &str) -> Admission {
        let Some(door) = &self.door else { return Admission { verdict: Verdict::Enter, held: None } };
        let (service, operation) = (mounted.name(), mounted.operation(method, rest));
        let below = mounted.spelled(rest);
        let own = self.mounts.iter().filter(|(_, mounted)| mounted.name() == service);
        let spelled: Vec<String> = own.map(|(prefix, _)| format!("{prefix}{below}")).collect();
        door.admit(Call { service, operation, method, path, spelled: &spelled }).await
    }

    /// The mount for a path, and the path below it without final slashes.
    fn find(&self, path: &str) -> Option<(&'static str, &dyn Mounted, String)> {
        self.mounts.iter().find_map(|(prefix, mounted)| {
            let rest = path.strip_prefix(prefix)?;
            let below = rest.is_empty() || rest.starts_with('/');
            let trimmed = rest.trim_end_matches('/');
            let rest = if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() };
            below.then_some((*prefix, mounted.as_ref(), rest))
        })
    }
}

/// Puts an answer on the wire: request id, length, and no body to a HEAD.
fn written(answer: Answer, method: &Method, request_id: &str) -> Response<Body> {
    let mut answer = answer;
    if let Ok(value) = HeaderValue::from_str(request_id) {
        answer.headers.insert(HeaderName::from_static("x-openstack-request-id"), value);
    }
    let bodiless = matches!(answer.status.as_u16(), 100..=199 | 204 | 304);
    if let (Some(length), false) = (answer.length, bodiless) {
        answer.headers.entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
    let body = if *method == Method::HEAD { Answer::empty(200).body } else { answer.body };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}
