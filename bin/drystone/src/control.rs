//! The control socket of a running process: `drystone status` and `drystone down` ask through it.
//!
//! One line in, one line of JSON out. Whoever can open the socket owns the state directory.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a process tells of itself.
pub type Status = Arc<dyn Fn() -> BoxFuture<'static, Value> + Send + Sync>;

/// Where the processes of a state directory listen: `up`, `controller` and `agent` each have a socket of their own.
pub fn path(state_dir: &Path, role: &str) -> PathBuf {
    state_dir.join(format!("{role}.ctl"))
}

/// Answers on the control socket for ever. The socket is there before anyone is told that the process serves.
pub async fn serve(listener: UnixListener, status: Status, stop: Arc<Notify>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let (status, stop) = (status.clone(), stop.clone());
        tokio::spawn(async move { drop(tokio::time::timeout(PATIENCE, answer(stream, status, stop)).await) });
    }
}

async fn answer(stream: UnixStream, status: Status, stop: Arc<Notify>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    (&mut stream).take(64).read_line(&mut line).await?;
    let answer = match line.trim() {
        "status" => status().await,
        "stop" => {
            stop.notify_waiters();
            stop.notify_one();
            json!({"stopping": true, "pid": std::process::id()})
        }
        other => json!({"error": format!("{other:?} is no request")}),
    };
    stream.get_mut().write_all(answer.to_string().as_bytes()).await
}

/// Asks a running process; `None` if none listens there.
pub async fn ask(path: &Path, request: &str) -> io::Result<Option<Value>> {
    let mut stream = match UnixStream::connect(path).await {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let talk = async {
        stream.write_all(format!("{request}\n").as_bytes()).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        serde_json::from_str(&text).map(Some).map_err(io::Error::other)
    };
    tokio::time::timeout(PATIENCE, talk).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
