//! Every call to a driver has a deadline.

use metal::DriverError;
use metal::driver::Driven;
use std::time::Duration;

/// Questions and small changes.
pub(crate) const BRIEF: Duration = Duration::from_secs(30);
/// Making disks, starting, saving: as long as large memory and slow disks may take.
pub(crate) const LONG: Duration = Duration::from_secs(600);

/// What the call answers, or that it took too long.
pub(crate) async fn limit<T>(time: Duration, what: &str, call: impl Future<Output = Driven<T>>) -> Driven<T> {
    match tokio::time::timeout(time, call).await {
        Ok(answer) => answer,
        Err(_) => Err(DriverError::Failed(format!("{what} took longer than {} seconds", time.as_secs()))),
    }
}
