//! What a handler gives back.

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use serde::Serialize;
use std::io;

/// A body that is whole or streamed.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Status, headers and body of an answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers. Length, date and request id are added for you.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// The length of a whole body; `None` when it is streamed without a known length.
    pub(crate) length: Option<u64>,
}

impl Answer {
    /// JSON with a status.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(text) => Self::bytes(status, "application/json", text),
            Err(_) => Self::empty(500),
        }
    }

    /// JSON with 200.
    pub fn ok(body: &impl Serialize) -> Self {
        Self::json(200, body)
    }

    /// A whole body of some type.
    pub fn bytes(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let mut answer = Self::new(status, Some(body.len() as u64), whole(body));
        answer.set(header::CONTENT_TYPE, content_type);
        answer
    }

    /// No body.
    pub fn empty(status: u16) -> Self {
        Self::new(status, Some(0), whole(Bytes::new()))
    }

    /// A streamed body; with a length if it is known.
    pub fn stream<S>(status: u16, content_type: &str, length: Option<u64>, data: S) -> Self
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let body = StreamBody::new(data.map_ok(Frame::data)).boxed_unsync();
        let mut answer = Self::new(status, length, body);
        answer.set(header::CONTENT_TYPE, content_type);
        answer
    }

    fn new(status: u16, length: Option<u64>, body: Body) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers: HeaderMap::new(), body, length }
    }

    /// Adds a header, replacing one of the same name. A value that HTTP does not allow is left out.
    pub fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }

    /// The same answer with a header more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.set(HeaderName::from_static(name), value);
        self
    }
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}
