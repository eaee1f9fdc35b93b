//! The QEMU machine protocol: our own client.
//!
//! It owns one connection: greeting, capabilities, replies matched by id, events, and file descriptors passed along
//! with a command. Structures are lenient, because fields come and go with QEMU's versions: what is not understood is
//! left alone. Everything is bounded: a line, a wait, the queue of events. An event may be lost by a slow listener, who
//! is told so and asks for the state again; events are wake-ups, never the only record of anything.

use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::IoSlice;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::{broadcast, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No line of QEMU's is longer than this; a longer one ends the connection.
const LONGEST_LINE: usize = 4 << 20;
/// Events that a listener may be behind.
const EVENTS: usize = 128;
/// How long a command may take unless told otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Why a command was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QmpError {
    /// QEMU answered with an error.
    #[error("QEMU refuses {command}: {description}")]
    Refused {
        /// The command.
        command: String,
        /// QEMU's class of errors (`DeviceNotFound`, …).
        class: String,
        /// QEMU's sentence.
        description: String,
    },
    /// The connection is gone, most likely with the process.
    #[error("the connection to QEMU's monitor is closed")]
    Closed,
    /// QEMU did not answer in time.
    #[error("QEMU did not answer {0} in time")]
    Late(String),
    /// The socket failed.
    #[error("QEMU's monitor: {0}")]
    Socket(String),
}

impl QmpError {
    /// QEMU does not know the device that the command names.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { class, description, .. }
            if class == "DeviceNotFound" || description.contains("not found"))
    }
}

impl From<std::io::Error> for QmpError {
    fn from(error: std::io::Error) -> Self {
        Self::Socket(error.to_string())
    }
}

/// Something that QEMU tells unasked: its name (`SHUTDOWN`, `DEVICE_DELETED`, …). What it says of itself is asked for
/// again, since an event may be lost.
#[derive(Clone, Debug)]
pub struct Event(pub String);

/// One line from QEMU: whichever of the fields it has tells what it is.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "QMP")]
    greeting: Option<Value>,
    #[serde(rename = "return")]
    answer: Option<Value>,
    error: Option<Refusal>,
    event: Option<String>,
    id: Option<u64>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    class: String,
    #[serde(default)]
    desc: String,
}

type Reply = Result<Value, Refusal>;
type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Reply>>>>;

/// A connection to one QEMU.
pub struct Qmp {
    stream: Arc<UnixStream>,
    writing: tokio::sync::Mutex<()>,
    waiting: Waiting,
    next: AtomicU64,
    events: broadcast::Sender<Event>,
    closed: watch::Receiver<bool>,
    reader: JoinHandle<()>,
}

impl Drop for Qmp {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Qmp {
    /// Connects, reads the greeting and leaves negotiation. The path may be long: it is reached through its folder.
    pub async fn connect(socket: &Path, patience: Duration) -> Result<Self, QmpError> {
        timeout(patience, Self::greeted(socket)).await.map_err(|_| QmpError::Late("the greeting".into()))?
    }

    async fn greeted(socket: &Path) -> Result<Self, QmpError> {
        let stream = Arc::new(crate::sockets::connect(socket).await?);
        let waiting: Waiting = Waiting::default();
        let (events, _) = broadcast::channel(EVENTS);
        let (close, closed) = watch::channel(false);
        let (greet, greeting) = oneshot::channel();
        let reader = tokio::spawn(read_all(stream.clone(), waiting.clone(), events.clone(), close, greet));
        let qmp = Self {
            stream,
            writing: tokio::sync::Mutex::new(()),
            waiting,
            next: AtomicU64::new(1),
            events,
            closed,
            reader,
        };
        greeting.await.map_err(|_| QmpError::Closed)?;
        qmp.call("qmp_capabilities", json!({})).await?;
        Ok(qmp)
    }

    /// Events from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Returns when the connection is gone.
    pub async fn closed(&self) {
        let mut closed = self.closed.clone();
        // An error means that the reader is gone, which is the same.
        let _ = closed.wait_for(|gone| *gone).await;
    }

    /// Carries a command out.
    pub async fn call(&self, command: &str, arguments: Value) -> Result<Value, QmpError> {
        self.command(command, arguments, None, PATIENCE).await
    }

    /// Hands QEMU a file descriptor that later commands call `name`.
    pub async fn pass(&self, name: &str, fd: BorrowedFd<'_>) -> Result<(), QmpError> {
        self.command("getfd", json!({ "fdname": name }), Some(fd.as_raw_fd()), PATIENCE).await.map(|_| ())
    }

    async fn command(
        &self,
        command: &str,
        arguments: Value,
        fd: Option<RawFd>,
        patience: Duration,
    ) -> Result<Value, QmpError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        locked(&self.waiting).insert(id, answer);
        let line = format!("{}\n", json!({ "execute": command, "arguments": arguments, "id": id }));
        let outcome = timeout(patience, async {
            self.write(line.as_bytes(), fd).await?;
            answered.await.map_err(|_| QmpError::Closed)
        })
        .await;
        locked(&self.waiting).remove(&id);
        match outcome {
            Err(_) => Err(QmpError::Late(command.to_owned())),
            Ok(Err(error)) => Err(error),
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(Refusal { class, desc }))) => {
                Err(QmpError::Refused { command: command.to_owned(), class, description: desc })
            }
        }
    }

    /// Writes a whole line; the descriptor travels with its first bytes. A write that was given up half-way spoils the
    /// connection, so the line is small enough for the socket's buffer in all but pathological cases.
    async fn write(&self, line: &[u8], mut fd: Option<RawFd>) -> Result<(), QmpError> {
        if *self.closed.borrow() {
            return Err(QmpError::Closed);
        }
        let _one_at_a_time = self.writing.lock().await;
        let mut sent = 0;
        while sent < line.len() {
            let rest = &line[sent..];
            sent += self.stream.async_io(Interest::WRITABLE, || send(&self.stream, rest, fd)).await?;
            fd = None;
        }
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn send(stream: &UnixStream, bytes: &[u8], fd: Option<RawFd>) -> std::io::Result<usize> {
    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
    let fds: Vec<RawFd> = fd.into_iter().collect();
    let rights = [ControlMessage::ScmRights(&fds)];
    let control = if fds.is_empty() { &[][..] } else { &rights[..] };
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    Ok(sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(bytes)], control, flags, None)?)
}

async fn read_all(
    stream: Arc<UnixStream>,
    waiting: Waiting,
    events: broadcast::Sender<Event>,
    close: watch::Sender<bool>,
    greet: oneshot::Sender<()>,
) {
    let mut greet = Some(greet);
    let mut pending = Vec::new();
    let mut chunk = vec![0; 16 << 10];
    while let Ok(count) = stream.async_io(Interest::READABLE, || receive(&stream, &mut chunk)).await {
        if count == 0 || pending.len() + count > LONGEST_LINE {
            break;
        }
        pending.extend_from_slice(&chunk[..count]);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            match serde_json::from_slice::<Line>(&line) {
                Ok(line) => deliver(line, &waiting, &events, &mut greet),
                Err(error) => tracing::debug!(%error, "a line of QEMU's monitor is not understood"),
            }
        }
    }
    locked(&waiting).clear();
    // Nobody may be listening any more.
    let _ = close.send(true);
}

fn receive(stream: &UnixStream, into: &mut [u8]) -> std::io::Result<usize> {
    use nix::sys::socket::{MsgFlags, recv};
    Ok(recv(stream.as_raw_fd(), into, MsgFlags::MSG_DONTWAIT)?)
}

fn deliver(
    line: Line,
    waiting: &Waiting,
    events: &broadcast::Sender<Event>,
    greet: &mut Option<oneshot::Sender<()>>,
) {
    if line.greeting.is_some() {
        // A second greeting has nobody who waits for it, and a first one may come too late for its reader.
        let _ = greet.take().map(|greet| greet.send(()));
    } else if let Some(event) = line.event {
        // Without listeners an event is lost, as it should be.
        let _ = events.send(Event(event));
    } else if let Some(waiter) = line.id.and_then(|id| locked(waiting).remove(&id)) {
        let reply = line.error.map_or_else(|| Ok(line.answer.unwrap_or(Value::Null)), Err);
        // The caller may have stopped waiting.
        let _ = waiter.send(reply);
    }
}
