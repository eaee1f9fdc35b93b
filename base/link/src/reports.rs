//! Subscriptions to reports: for each subscriber one stream from each host.
//!
//! A stream begins with the last report of each object; when it breaks, the next one does so again. That is why
//! nothing is lost and why nothing needs to be kept here. A subscriber that does not read stops its own streams by
//! flow control, and the agent then keeps only the newest report of each object for it.

use crate::agents::Table;
use crate::session::{Session, report_of};
use metal::{Kind, Report};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Reports that wait for the subscriber, over all hosts.
const WAITING: usize = 256;

type Subscriber = mpsc::Sender<(String, Report)>;

pub(crate) fn subscribe(table: &Arc<Table>, kinds: &[Kind]) -> mpsc::Receiver<(String, Report)> {
    let (subscriber, receiver) = mpsc::channel(WAITING);
    tokio::spawn(follow_all(Arc::downgrade(table), kinds.into(), subscriber));
    receiver
}

/// Follows each host that is here, until the subscriber or the table is dropped.
async fn follow_all(table: Weak<Table>, kinds: Arc<[Kind]>, subscriber: Subscriber) {
    let mut followed: BTreeMap<u64, JoinHandle<()>> = BTreeMap::new();
    let Some(mut version) = table.upgrade().map(|table| table.version.subscribe()) else { return };
    loop {
        version.mark_unchanged();
        let Some(sessions) = table.upgrade().map(|table| table.sessions()) else { break };
        followed.retain(|_, task| !task.is_finished());
        for session in sessions {
            followed.entry(session.number).or_insert_with(|| {
                tokio::spawn(follow(Arc::downgrade(&session), kinds.clone(), subscriber.clone()))
            });
        }
        tokio::select! {
            biased;
            changed = version.changed() => if changed.is_err() { break },
            () = subscriber.closed() => break,
        }
    }
    for task in followed.into_values() {
        task.abort();
    }
}

/// Follows one host over one connection.
async fn follow(session: Weak<Session>, kinds: Arc<[Kind]>, subscriber: Subscriber) {
    while let Some(session) = session.upgrade().filter(|session| !session.is_closed()) {
        if let Ok(mut lines) = session.reports(&kinds).await {
            let host_id = session.host_id.clone();
            let session = Arc::downgrade(&session);
            while let Ok(Some(line)) = lines.next().await {
                match report_of(&line) {
                    Ok(report) => {
                        if subscriber.send((host_id.clone(), report)).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => {
                        if let Some(session) = session.upgrade() {
                            session.nonsense(&error);
                        }
                        return;
                    }
                }
            }
        }
        drop(session);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
