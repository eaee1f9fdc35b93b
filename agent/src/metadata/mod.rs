//! What guests are told: over HTTP at 169.254.169.254, and on the config drive.
//!
//! * [`documents`]: all documents of one server, by path and as files
//! * [`ec2`]: the older, EC2-compatible tree
//! * [`python`]: JSON and paths as the original writes and reads them
//! * [`answer`]: who asks, and the HTTP answer
//! * this file: a listener for each network

mod answer;
mod documents;
mod ec2;
mod python;

pub use documents::Documents;

use crate::core::Core;
use crate::limit::{BRIEF, limit};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// Connections from one network at once: a guest cannot take everything.
const CONNECTIONS: usize = 128;
/// A connection lasts so long at most.
const CONNECTION: Duration = Duration::from_secs(60);
/// A request's head must have come in this time.
const HEAD: Duration = Duration::from_secs(10);
/// Until a listener is asked for again.
const AGAIN: Duration = Duration::from_secs(2);

/// The networks that want metadata.
#[derive(Default)]
pub(crate) struct Service {
    networks: Mutex<BTreeSet<String>>,
    changed: Notify,
}

impl Service {
    /// Guests of the network are answered, or not any more.
    pub(crate) fn follow(&self, network_id: &str, answered: bool) {
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let changed =
            if answered { networks.insert(network_id.to_owned()) } else { networks.remove(network_id) };
        if changed {
            self.changed.notify_one();
        }
    }

    /// No network is known.
    pub(crate) fn forget_all(&self) {
        self.networks.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.changed.notify_one();
    }

    fn wanted(&self) -> BTreeSet<String> {
        self.networks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Listens on each network that wants it. Does not end by itself.
pub(crate) async fn run(core: Arc<Core>) {
    let mut tasks = JoinSet::new();
    let mut listening: BTreeMap<String, AbortHandle> = BTreeMap::new();
    loop {
        let wanted = core.metadata.wanted();
        listening.retain(|network, task| {
            let keep = wanted.contains(network) && !task.is_finished();
            if !keep {
                task.abort();
            }
            keep
        });
        for network in wanted {
            let start = || tasks.spawn(attend(core.clone(), network.clone()));
            listening.entry(network.clone()).or_insert_with(start);
        }
        tokio::select! {
            biased;
            () = core.metadata.changed.notified() => {}
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// Answers on one network.
async fn attend(core: Arc<Core>, network_id: String) {
    loop {
        let listener = limit(BRIEF, "the switch", core.parts.switch.metadata_listener(&network_id)).await;
        match listener {
            Ok(None) => return std::future::pending().await,
            Ok(Some(listener)) => {
                if let Err(error) = listen(&core, &network_id, listener).await {
                    tracing::warn!(network = %network_id, %error, "metadata listener ended");
                }
            }
            Err(error) => tracing::debug!(network = %network_id, %error, "no metadata listener yet"),
        }
        sleep(AGAIN).await;
    }
}

async fn listen(core: &Arc<Core>, network_id: &str, listener: std::net::TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let place = room.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = listener.accept().await?;
        let (core, network_id) = (core.clone(), network_id.to_owned());
        connections.spawn(async move {
            let served = connection(core, network_id, stream, peer.ip()).await;
            drop((served, place));
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(core: Arc<Core>, network_id: String, stream: TcpStream, peer: std::net::IpAddr) {
    let service = service_fn(move |request| {
        let (core, network_id) = (core.clone(), network_id.clone());
        async move { Ok::<_, Infallible>(answer::answer(&core, &network_id, peer, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Ok(Err(error)) = timeout(CONNECTION, connection).await {
        tracing::trace!(%peer, %error, "a guest's connection broke");
    }
}
