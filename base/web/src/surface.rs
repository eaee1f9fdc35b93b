//! A service as the wire sees it: its table, its microversions, its way of writing faults.

use crate::answer::Answer;
use crate::ask::{Ask, LARGEST_JSON, Query, Sent};
use crate::cx::Cx;
use crate::routes::{Access, Routes};
use crate::site::Authenticate;
use crate::version::{Microversions, Version};
use fault::{Fault, Kind};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use http::request::Parts;
use http_body_util::BodyExt;
use kernel::Micros;
use policy::{Policy, Who};
use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// How a service writes a fault: its own envelope, as OpenStack does.
pub type Envelope = fn(&Fault, &Cx) -> Answer;

/// A service as the wire sees it.
pub struct Surface<S> {
    /// The service's type (`compute`).
    pub name: &'static str,
    /// The service itself.
    pub service: Arc<S>,
    /// Its operations.
    pub routes: Routes<S>,
    /// Its microversions, if it has any.
    pub microversions: Option<Microversions>,
    /// How it writes faults.
    pub envelope: Envelope,
    /// What it says when a rule forbids (given the rule's name).
    pub refusal: fn(&str) -> Fault,
    /// Brings other spellings of a path into the table's form (`/v2.1/{project}/servers`); identity if there are none.
    pub spelling: fn(&str) -> Cow<'_, str>,
    /// HEAD is answered as GET without a body where the table has no HEAD of its own.
    pub head_is_get: bool,
    /// Headers beside `X-Openstack-Request-Id` that carry the request id (`x-compute-request-id`).
    pub request_id_header: Option<&'static str>,
}

/// What comes in for a surface, after the site has taken off the mount.
pub struct Inbound {
    pub(crate) parts: Parts,
    pub(crate) path: String,
    pub(crate) body: Option<Sent>,
    pub(crate) upgrade: Option<hyper::upgrade::OnUpgrade>,
    pub(crate) base: Arc<str>,
    pub(crate) request_id: Arc<str>,
    pub(crate) at: Micros,
    pub(crate) peer: Arc<str>,
    /// Whoever may call gets this fault.
    pub(crate) refused: Option<Fault>,
}

/// Shared by all surfaces: who callers are and what they may.
#[derive(Clone)]
pub struct Gate {
    pub(crate) authenticate: Arc<dyn Authenticate>,
    pub(crate) policy: Arc<Policy>,
}

/// A surface that is ready to answer, whatever its service's type.
pub trait Mounted: Send + Sync + 'static {
    /// Answers one request; says also which operation it was, for metrics and logs.
    fn answer(&self, inbound: Inbound, gate: Gate) -> BoxFuture<'_, (Answer, &'static str)>;
    /// The service's type.
    fn name(&self) -> &'static str;
    /// The operation for a method and a path, at any version.
    fn operation(&self, method: &Method, path: &str) -> Option<&'static str>;
    /// A path as the table spells it.
    fn spelled(&self, path: &str) -> String;
    /// Every row of its table.
    fn rows(&self) -> Vec<crate::routes::Row>;
}

/// A surface with its index.
struct Ready<S> {
    surface: Surface<S>,
    index: matchit::Router<Vec<usize>>,
}

impl<S: Send + Sync + 'static> Surface<S> {
    /// Makes the surface ready to be mounted. Fails when its table contradicts itself.
    pub fn mounted(self) -> Result<Arc<dyn Mounted>, Fault> {
        let index = self.routes.index()?;
        Ok(Arc::new(Ready { surface: self, index }))
    }
}

/// Tells the caller what would have let him.
const EXPLAIN: &str = "x-drystone-explain";

/// The text as a header can have it: an operator may call a role what he likes.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
}

/// The name under which requests are counted that no operation answers.
const UNROUTED: &str = "unrouted";

impl<S: Send + Sync + 'static> Mounted for Ready<S> {
    fn answer(&self, mut inbound: Inbound, gate: Gate) -> BoxFuture<'_, (Answer, &'static str)> {
        Box::pin(async move {
            let mut cx = self.context(&inbound, &gate);
            let mut operation = UNROUTED;
            let outcome = AssertUnwindSafe(self.call(&mut inbound, &gate, &mut cx, &mut operation))
                .catch_unwind()
                .await;
            let mut answer = match outcome {
                Ok(Ok(answer)) => answer,
                Ok(Err(fault)) => self.fault(&fault, &cx),
                Err(panic) => self.fault(&Fault::bug(panic_text(panic.as_ref())), &cx),
            };
            discard(&mut inbound).await;
            if let Some(microversions) = &self.surface.microversions {
                microversions.mark(cx.version.max(microversions.min), &mut answer.headers);
            }
            if let Some(name) = self.surface.request_id_header {
                answer = answer.with(name, &cx.request_id);
            }
            (answer, operation)
        })
    }

    fn name(&self) -> &'static str {
        self.surface.name
    }

    fn operation(&self, method: &Method, path: &str) -> Option<&'static str> {
        let spelled = (self.surface.spelling)(path);
        let rows = &self.surface.routes.rows;
        let here = self.index.at(&spelled).ok()?.value;
        let by = |method: &Method| here.iter().find(|row| rows[**row].0 == *method);
        let as_get = *method == Method::HEAD && self.surface.head_is_get;
        let found = by(method).or_else(|| by(&Method::GET).filter(|_| as_get))?;
        Some(rows[*found].2.name)
    }

    fn spelled(&self, path: &str) -> String {
        (self.surface.spelling)(path).into_owned()
    }

    fn rows(&self) -> Vec<crate::routes::Row> {
        self.surface.routes.rows().collect()
    }
}

impl<S: Send + Sync + 'static> Ready<S> {
    fn context(&self, inbound: &Inbound, gate: &Gate) -> Cx {
        let accept = inbound.parts.headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok());
        Cx {
            request_id: inbound.request_id.clone(),
            at: inbound.at,
            who: Arc::new(Who::default()),
            token: None,
            version: Version::NONE,
            base: inbound.base.clone(),
            peer: inbound.peer.clone(),
            accept: accept.unwrap_or_default().into(),
            policy: gate.policy.clone(),
            refusal: self.surface.refusal,
        }
    }

    fn fault(&self, fault: &Fault, cx: &Cx) -> Answer {
        match fault.kind {
            Kind::Bug => tracing::error!(causes = %fault.causes(), "bug"),
            _ if !fault.causes().is_empty() => {
                tracing::info!(causes = %fault.causes(), "{}", fault.public());
            }
            _ => {}
        }
        let answer = (self.surface.envelope)(fault, cx);
        match fault.explanation() {
            Some(explanation) if fault.kind == Kind::Forbidden => answer.with(EXPLAIN, &visible(explanation)),
            _ => answer,
        }
    }

    async fn call(
        &self,
        inbound: &mut Inbound,
        gate: &Gate,
        cx: &mut Cx,
        operation: &mut &'static str,
    ) -> Result<Answer, Fault> {
        let spelled = (self.surface.spelling)(&inbound.path).into_owned();
        let asked = self.surface.microversions.map(|versions| versions.negotiate(&inbound.parts.headers));
        if let Some(version) = asked {
            cx.version = version?;
        }
        // OpenStack looks at the token before it looks for the path, so that strangers learn nothing.
        let found = self.index.at(&spelled);
        let rows = match &found {
            Ok(found) => found.value.as_slice(),
            Err(_) => &[],
        };
        let chosen = self.choose(rows, &inbound.parts.method, cx.version);
        if !matches!(chosen, Ok(number) if matches!(self.access(number), Access::Open(_))) {
            self.authenticate(inbound, gate, cx).await?;
        } else if inbound.parts.headers.contains_key("x-auth-token") {
            // Open operations still know a caller who says who he is; a bad token is no obstacle to them.
            let _ = self.authenticate(inbound, gate, cx).await;
        }
        if let Some(fault) = inbound.refused.take() {
            return Err(fault);
        }
        let op = &self.surface.routes.rows[chosen?].2;
        *operation = op.name;
        let parameters = found.map(|found| parameters(&found.params)).unwrap_or_default();
        let ask = Ask {
            cx: cx.clone(),
            method: inbound.parts.method.clone(),
            path: spelled,
            query: Query::parse(inbound.parts.uri.query().unwrap_or_default()),
            headers: std::mem::take(&mut inbound.parts.headers),
            parameters,
            body: inbound.body.take(),
            upgrade: inbound.upgrade.take(),
        };
        (op.call)(self.surface.service.clone(), ask).await
    }

    fn access(&self, row: usize) -> Access {
        self.surface.routes.rows[row].2.access.unwrap_or(Access::Token("undecided"))
    }

    async fn authenticate(&self, inbound: &Inbound, gate: &Gate, cx: &mut Cx) -> Result<(), Fault> {
        let token = inbound.parts.headers.get("x-auth-token").and_then(|value| value.to_str().ok());
        let unauthenticated =
            || Fault::new(Kind::Unauthenticated, "The request you have made requires authentication.");
        let token = token.filter(|token| !token.is_empty()).ok_or_else(unauthenticated)?;
        let mut who = gate.authenticate.who(token).await?.ok_or_else(unauthenticated)?;
        let (service, method) = (self.surface.name, inbound.parts.method.as_str());
        if !who.reaches(service, method, [&inbound.path, inbound.parts.uri.path()]) {
            return Err(unauthenticated());
        }
        gate.policy.place(service, &mut who);
        cx.who = who;
        cx.token = Some(token.into());
        Ok(())
    }

    /// The row for a method at a version, among those of one path.
    fn choose(&self, rows: &[usize], method: &Method, version: Version) -> Result<usize, Fault> {
        let nothing = || Fault::new(Kind::NotFound, "The resource could not be found.").named("no-route");
        let by = |method: &Method| {
            rows.iter().copied().filter(|row| self.surface.routes.rows[*row].0 == *method).collect::<Vec<_>>()
        };
        let mut own = by(method);
        if own.is_empty() && *method == Method::HEAD && self.surface.head_is_get {
            own = by(&Method::GET);
        }
        match own.iter().find(|row| self.surface.routes.rows[**row].2.exists_at(version)) {
            Some(row) => Ok(*row),
            None if rows.is_empty() || !own.is_empty() => Err(nothing()),
            None => Err(Fault::new(Kind::MethodNotAllowed, "The method is not allowed for this resource.")),
        }
    }
}

/// How long a client may take to send the rest of a body that nobody wants.
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// Takes the rest of a small body that was refused before it was read. The connection would be closed otherwise while
/// the client still sends, and it would see a broken connection instead of the answer.
async fn discard(inbound: &mut Inbound) {
    let headers = &inbound.parts.headers;
    let length = headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let small =
        length.is_some_and(|length| length <= LARGEST_JSON) && !headers.contains_key(http::header::EXPECT);
    if let (true, Some(body)) = (small, inbound.body.take()) {
        let _ = tokio::time::timeout(DISCARD_TIME, body.collect()).await;
    }
}

fn parameters(found: &matchit::Params<'_, '_>) -> HashMap<String, String> {
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    found.iter().map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without text".to_owned())
}
