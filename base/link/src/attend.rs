//! Dialling again and again: an agent is never without its controller longer than it must.

use crate::dial::Dial;
use crate::host::Host;
use crate::serve::serve;
use kernel::Entropy;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

const FIRST: Duration = Duration::from_millis(50);
/// A thousand agents whose controller is gone dial some three hundred times a second; where it dies again and again they find it
/// while it lives.
const LAST: Duration = Duration::from_secs(5);
const DIALLING: Duration = Duration::from_secs(10);
/// A connection that held this long makes the next wait short again.
const HELD: Duration = Duration::from_secs(5);

/// Serves the host over connections that `dial` makes, one after the other. Does not end by itself.
pub async fn attend(dial: Dial, host: Arc<dyn Host>, entropy: Entropy) {
    let mut wait = FIRST;
    loop {
        let began = Instant::now();
        match timeout(DIALLING, dial()).await {
            Ok(Ok(stream)) => {
                // A task of its own, so that a panic below ends this connection and nothing else.
                let mut serving = AbortOnDrop(tokio::spawn(serve(stream, host.clone())));
                match (&mut serving.0).await {
                    Ok(Ok(())) => tracing::info!("the controller ended the link"),
                    Ok(Err(error)) => tracing::info!(%error, "the link broke"),
                    Err(error) => tracing::error!(%error, "serving the link failed"),
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, "no controller answers"),
            Err(_) => tracing::debug!("no controller answers in time"),
        }
        if began.elapsed() > HELD {
            wait = FIRST;
        }
        sleep(jittered(wait, &entropy)).await;
        wait = (wait * 2).min(LAST);
    }
}

/// Between half of `wait` and all of it.
fn jittered(wait: Duration, entropy: &Entropy) -> Duration {
    let half = wait / 2;
    half + Duration::from_micros(entropy.below(u64::try_from(half.as_micros()).unwrap_or(u64::MAX)))
}

struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
