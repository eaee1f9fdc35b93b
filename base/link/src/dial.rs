//! The two ways from an agent to its controller: a pipe within one process, a Unix socket on one machine.

use crate::agents::Agents;
use metal::driver::Duplex;
use std::future::Future;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::DuplexStream;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

/// A connection under way.
pub type Dialling = Pin<Box<dyn Future<Output = io::Result<Box<dyn Duplex>>> + Send>>;

/// Makes a new connection to the controller each time it is called. Several agents may share one.
pub type Dial = Arc<dyn Fn() -> Dialling + Send + Sync>;

/// A pipe: what dials, and where the dialled streams come out.
pub fn pipe() -> (Dial, mpsc::Receiver<DuplexStream>) {
    let (sender, receiver) = mpsc::channel(4);
    let dial: Dial = Arc::new(move || {
        let sender = sender.clone();
        Box::pin(async move {
            let (near, far) = tokio::io::duplex(256 * 1024);
            sender.send(far).await.map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok(Box::new(near) as Box<dyn Duplex>)
        })
    });
    (dial, receiver)
}

/// Dials the Unix socket at `path`.
pub fn socket(path: &Path) -> Dial {
    let path = path.to_path_buf();
    Arc::new(move || {
        let path = path.clone();
        Box::pin(async move { Ok(Box::new(UnixStream::connect(path).await?) as Box<dyn Duplex>) })
    })
}

/// Takes up what is dialled through a pipe, until its dialling end is dropped.
pub async fn accept_pipe(agents: Agents, mut pipe: mpsc::Receiver<DuplexStream>) {
    while let Some(stream) = pipe.recv().await {
        take_up(&agents, stream);
    }
}

/// Listens at `path`, where nobody but this user can dial. An old socket there is replaced.
pub fn listen_socket(path: &Path) -> io::Result<UnixListener> {
    // Bound under another name and moved: at its own name the socket never has other permissions than these.
    let mut young = PathBuf::from(path).into_os_string();
    young.push(".new");
    let young = PathBuf::from(young);
    match std::fs::remove_file(&young) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&young)?;
    std::fs::set_permissions(&young, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&young, path)?;
    Ok(listener)
}

/// Takes up what is dialled at a Unix socket. Does not end by itself.
pub async fn accept_socket(agents: Agents, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => take_up(&agents, stream),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        }
    }
}

fn take_up(agents: &Agents, stream: impl Duplex + 'static) {
    let agents = agents.clone();
    tokio::spawn(async move {
        if let Err(error) = agents.accept(stream).await {
            tracing::warn!(%error, "a connection was not taken up");
        }
    });
}
