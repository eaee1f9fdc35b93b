//! Who asks, and the HTTP answer. A guest is known by its network and its address; nobody else learns anything.

use crate::core::Core;
use crate::metadata::Documents;
use crate::metadata::documents::Found;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use metal::server::{ServerPort, ServerSpec};
use metal::{Kind, Spec, Wanted};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

type Answer = Response<Full<Bytes>>;

const PLAIN: &str = "text/plain; charset=UTF-8";
const HTML: &str = "text/html; charset=UTF-8";
const JSON: &str = "application/json";
/// The longest password that a guest may post.
const PASSWORD_BYTES: usize = 1020;

/// Answers one request of `peer` on a network.
pub(crate) async fn answer<B>(core: &Core, network_id: &str, peer: IpAddr, request: Request<B>) -> Answer
where
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Some((wanted, password)) = who(core, network_id, peer) else { return failure(StatusCode::NOT_FOUND) };
    let Some(Spec::Server(spec)) = &wanted.spec else { return failure(StatusCode::NOT_FOUND) };
    let documents = Documents::new(&wanted.id, spec, &core.parts.entropy);
    match documents.find(request.uri().path(), peer) {
        Found::Plain(body) => success(body, PLAIN),
        Found::Json(body) => success(body, JSON),
        Found::Nothing => failure(StatusCode::NOT_FOUND),
        Found::Password if request.method() == Method::GET => success(password.unwrap_or_default(), HTML),
        Found::Password if request.method() != Method::POST => failure(StatusCode::BAD_REQUEST),
        Found::Password if password.is_some_and(|password| !password.is_empty()) => {
            failure(StatusCode::CONFLICT)
        }
        Found::Password => {
            let Ok(body) = Limited::new(request.into_body(), PASSWORD_BYTES).collect().await else {
                return failure(StatusCode::BAD_REQUEST);
            };
            set_password(core, &wanted, &body.to_bytes())
        }
    }
}

fn set_password(core: &Core, wanted: &Wanted, password: &[u8]) -> Answer {
    let key = (Kind::Server, wanted.id.clone());
    let Ok(password) = std::str::from_utf8(password) else { return failure(StatusCode::BAD_REQUEST) };
    if let Err(error) = core.ledger.note_later(&key, |note| note.password = Some(password.to_owned())) {
        tracing::warn!(%error, "a guest's password is lost");
        return failure(StatusCode::INTERNAL_SERVER_ERROR);
    }
    // Its report says it from now on.
    core.queue.mark(&key);
    success(Vec::new(), HTML)
}

/// The server that has this address on this network, and the password that it has posted.
fn who(core: &Core, network_id: &str, peer: IpAddr) -> Option<(Arc<Wanted>, Option<String>)> {
    let peer = peer.to_canonical();
    let found = core.ledger.map(|(_, entry)| match &entry.wanted.spec {
        Some(Spec::Server(spec)) if is_at(spec, network_id, peer) => {
            Some((entry.wanted.clone(), entry.note.password.clone()))
        }
        _ => None,
    });
    // Two servers with one address on one network: nobody is told the other's secrets.
    <[_; 1]>::try_from(found).ok().map(|[one]| one)
}

fn is_at(spec: &ServerSpec, network_id: &str, peer: IpAddr) -> bool {
    let here = spec.ports.iter().filter(|port| port.network_id == network_id);
    here.into_iter()
        .any(|port| port.addresses.contains(&peer) || link_local(port).is_some_and(|own| own == peer))
}

/// The IPv6 address that a guest gives itself before it has any other.
fn link_local(port: &ServerPort) -> Option<IpAddr> {
    let parts: Vec<u8> = port.mac.split(':').filter_map(|part| u8::from_str_radix(part, 16).ok()).collect();
    let [a, b, c, d, e, f] = <[u8; 6]>::try_from(parts).ok()?;
    let word = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    Some(Ipv6Addr::new(0xfe80, 0, 0, 0, word(a ^ 2, b), word(c, 0xff), word(0xfe, d), word(e, f)).into())
}

fn success(body: impl Into<Bytes>, content_type: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// The page that OpenStack's servers send with a failure.
fn failure(status: StatusCode) -> Answer {
    let why = match status {
        StatusCode::NOT_FOUND => "The resource could not be found.<br /><br />",
        StatusCode::CONFLICT => "There was a conflict when trying to complete your request.<br /><br />",
        StatusCode::BAD_REQUEST => {
            "The server could not comply with the request since it is either malformed or otherwise incorrect.<br /><br />"
        }
        _ => "An unknown error has occurred. Please try your request again.<br /><br />",
    };
    let page = format!(
        "<html>\n <head>\n  <title>{status}</title>\n </head>\n <body>\n  <h1>{status}</h1>\n  {why}\n\n\n\n </body>\n</html>"
    );
    let mut answer = success(page.into_bytes(), HTML);
    *answer.status_mut() = status;
    answer
}
