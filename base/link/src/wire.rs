//! Bodies: whole, streamed, lines of JSON, and a byte stream carried by a pair of them.

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use serde::Serialize;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// The body of every request and answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What one stream may send unread. Far below the connection's window: some streams that nobody reads stop no other.
pub(crate) const STREAM_WINDOW: u32 = 512 * 1024;
/// What all streams together may send unread.
pub(crate) const CONNECTION_WINDOW: u32 = 32 * 1024 * 1024;
/// The largest frame.
pub(crate) const FRAME: u32 = 128 * 1024;
/// Calls under way on one connection.
pub(crate) const STREAMS: u32 = 1024;
/// Buffers of carried byte streams.
pub(crate) const BUFFER: usize = 64 * 1024;
/// The largest request: a server with user data and injected files is far smaller.
pub(crate) const REQUEST_BYTES: usize = 8 * 1024 * 1024;
/// The largest answer: a ledger of a hundred thousand objects is smaller.
pub(crate) const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// The longest line.
const LINE_BYTES: usize = 4 * 1024 * 1024;

pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn streamed(frames: impl Stream<Item = io::Result<Frame<Bytes>>> + Send + 'static) -> Body {
    StreamBody::new(frames).boxed_unsync()
}

/// A value as a line of JSON.
pub(crate) fn line(value: &impl Serialize) -> serde_json::Result<Bytes> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    Ok(text.into())
}

/// A whole body, if it is not larger than `limit`.
pub(crate) async fn gather(body: Incoming, limit: usize) -> io::Result<Bytes> {
    Ok(Limited::new(body, limit).collect().await.map_err(io::Error::other)?.to_bytes())
}

pub(crate) type Frames = mpsc::Sender<io::Result<Frame<Bytes>>>;

/// A body that is written through a channel.
pub(crate) fn channel() -> (Frames, Body) {
    let (sender, mut receiver) = mpsc::channel(8);
    (sender, streamed(futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx))))
}

/// Carries a byte stream: what it says goes out, what comes in it is told. Ends when both directions have ended or
/// one has failed.
pub(crate) async fn carry(stream: impl AsyncRead + AsyncWrite + Send, outgoing: Frames, incoming: Incoming) {
    let (from, to) = tokio::io::split(stream);
    if let Err(error) = tokio::try_join!(send_out(from, outgoing), take_in(to, incoming)) {
        tracing::trace!(%error, "a carried stream ended");
    }
}

async fn send_out(mut from: impl AsyncRead + Unpin, outgoing: Frames) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(BUFFER);
    loop {
        buffer.reserve(BUFFER / 4);
        let read = tokio::select! {
            biased;
            read = from.read_buf(&mut buffer) => read?,
            () = outgoing.closed() => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        if read == 0 {
            return Ok(());
        }
        let frame = Frame::data(buffer.split().freeze());
        outgoing.send(Ok(frame)).await.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
    }
}

async fn take_in(mut to: impl AsyncWrite + Unpin, mut incoming: Incoming) -> io::Result<()> {
    while let Some(frame) = incoming.frame().await {
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            to.write_all(&data).await?;
            to.flush().await?;
        }
    }
    to.shutdown().await
}

/// A body read line by line.
pub(crate) struct Lines {
    body: Incoming,
    buffer: BytesMut,
    searched: usize,
}

impl Lines {
    pub(crate) fn new(body: Incoming) -> Self {
        Self { body, buffer: BytesMut::new(), searched: 0 }
    }

    /// The next line without its end; `None` at the end of the body.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end + 1).freeze();
                self.searched = 0;
                return Ok(Some(line.slice(..line.len() - 1)));
            }
            self.searched = self.buffer.len();
            if self.searched > LINE_BYTES {
                return Err(io::Error::other("a line is too long"));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
            }
        }
    }

    /// What comes after the lines that were read.
    pub(crate) fn rest(self) -> (Bytes, Incoming) {
        (self.buffer.freeze(), self.body)
    }
}
