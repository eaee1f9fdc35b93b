//! A request as a handler sees it.

use crate::cx::Cx;
use bytes::Bytes;
use fault::{Fault, Kind};
use futures_util::stream::{BoxStream, StreamExt};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, BodyStream, Either, Full, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use std::io;

/// The largest JSON body that is read, in bytes: what OpenStack's `max_request_body_size` is by default.
pub const LARGEST_JSON: usize = 114_688;

/// What a client sends: as it comes, or gathered before the request's turn came.
pub(crate) type Sent = Either<Incoming, Full<Bytes>>;

/// A request.
#[derive(Debug)]
pub struct Ask {
    /// Who asks, at which version, under which id.
    pub cx: Cx,
    /// The method.
    pub method: Method,
    /// The path below the service's mount, still encoded, without query.
    pub path: String,
    /// The query.
    pub query: Query,
    /// The headers.
    pub headers: HeaderMap,
    pub(crate) parameters: HashMap<String, String>,
    pub(crate) body: Option<Sent>,
    pub(crate) upgrade: Option<hyper::upgrade::OnUpgrade>,
}

impl Ask {
    /// A parameter of the path, decoded. Empty if the route has none of that name.
    pub fn id(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// A header as text; empty if it is absent or no text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The whole body, at most `limit` bytes.
    pub async fn bytes(&mut self, limit: usize) -> Result<Bytes, Fault> {
        let Some(body) = self.body.take() else { return Ok(Bytes::new()) };
        match Limited::new(body, limit).collect().await {
            Ok(whole) => Ok(whole.to_bytes()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                Err(Fault::new(Kind::TooLarge, "Request is too large."))
            }
            Err(error) => Err(Fault::bad_input("The request's body broke off.").because(error)),
        }
    }

    /// The body as JSON; a body that is none is the caller's fault with `malformed` as its sentence.
    pub async fn json_or(&mut self, malformed: &'static str) -> Result<Value, Fault> {
        let bytes = self.bytes(LARGEST_JSON).await?;
        serde_json::from_slice(&bytes).map_err(|error| Fault::bad_input(malformed).because(error))
    }

    /// The body as JSON.
    pub async fn json(&mut self) -> Result<Value, Fault> {
        self.json_or("Malformed request body").await
    }

    /// The body as a type of ours; what does not fit is the caller's fault, and the sentence says where.
    pub async fn read<T: DeserializeOwned>(&mut self) -> Result<T, Fault> {
        let bytes = self.bytes(LARGEST_JSON).await?;
        serde_json::from_slice(&bytes).map_err(|error| Fault::bad_input(format!("Invalid body: {error}")))
    }

    /// The body as a stream, for data that is never held in memory.
    pub fn stream(&mut self) -> BoxStream<'static, io::Result<Bytes>> {
        let Some(body) = self.body.take() else { return futures_util::stream::empty().boxed() };
        BodyStream::new(body)
            .filter_map(|frame| async {
                match frame {
                    Ok(frame) => frame.into_data().ok().map(Ok),
                    Err(error) => Some(Err(io::Error::other(error))),
                }
            })
            .boxed()
    }

    /// The connection itself once an answer of 101 has gone out, for websockets.
    pub fn upgrade(&mut self) -> Option<hyper::upgrade::OnUpgrade> {
        self.upgrade.take()
    }
}

/// The query: pairs in their order, decoded, names may repeat; and the text that they were read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>, String);

impl Query {
    /// Reads what stands after the question mark.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        });
        Self(pairs.collect(), text.to_owned())
    }

    /// The query as it was sent, for links that repeat it.
    pub fn raw(&self) -> &str {
        &self.1
    }

    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Every value of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Whether the name is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every pair.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The query again, with `name` set to `value` alone: for links to the next page.
    pub fn with(&self, name: &str, value: &str) -> String {
        let kept = self.pairs().filter(|(own, _)| *own != name);
        let all =
            kept.chain([(name, value)]).map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        all.collect::<Vec<_>>().join("&")
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Percent-encodes everything but letters, digits and `-._~`.
pub fn encoded(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_repeat_and_values_are_decoded() {
        let query = Query::parse("status=a&status=b%20c&deleted&x=1+2");
        assert_eq!(query.all("status").collect::<Vec<_>>(), ["a", "b c"]);
        assert_eq!((query.get("deleted"), query.get("x")), (Some(""), Some("1 2")));
        assert_eq!(query.with("status", "ä"), "deleted=&x=1%202&status=%C3%A4");
    }
}
