//! What one controller changed, told to the others: NOTIFY after the commit, coalesced, from one connection.
//!
//! A NOTIFY inside each writing transaction takes a lock of the whole server and was measured to more than halve the
//! rate of writes. A hint may be lost: whoever waits for one also looks by himself from time to time.

use super::server::Server;
use crate::shared::{Change, Shared};
use ::postgres::Client;
use ::postgres::fallible_iterator::FallibleIterator;
use crossbeam_channel::{Receiver, unbounded};
use fault::{Fault, Kind, Means};
use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

const COALESCE: Duration = Duration::from_millis(5);
const RECONNECT: Duration = Duration::from_secs(1);
/// PostgreSQL takes less than 8000 bytes.
const PAYLOAD: usize = 7000;

/// Starts the threads that tell and hear. They end with the store.
pub(crate) fn start(server: &Server, shared: &Arc<Shared>) -> Result<(), Fault> {
    let (sender, receiver) = unbounded();
    let own = shared.entropy.hex_id();
    shared.tell_others(sender);
    let cannot = "Cannot start a thread of the store.";
    let (server_here, own_here) = (server.clone(), own.clone());
    let tell = move || tell_loop(&server_here, &own_here, &receiver);
    thread::Builder::new().name("store-notify".to_owned()).spawn(tell).means(Kind::Unavailable, cannot)?;
    let (server, shared) = (server.clone(), Arc::downgrade(shared));
    let hear = move || hear_loop(&server, &own, &shared);
    thread::Builder::new().name("store-listen".to_owned()).spawn(hear).means(Kind::Unavailable, cannot)?;
    Ok(())
}

fn tell_loop(server: &Server, own: &str, changes: &Receiver<Vec<Change>>) {
    let mut client: Option<Client> = None;
    while let Ok(first) = changes.recv() {
        thread::sleep(COALESCE);
        let mut seen = HashSet::new();
        let all =
            std::iter::once(first).chain(changes.try_iter()).flatten().filter(|one| seen.insert(one.clone()));
        let payloads = written(own, all);
        if client.as_ref().is_none_or(Client::is_closed) {
            client = server.connect().ok();
        }
        let told = client.as_mut().map(|client| {
            payloads
                .iter()
                .try_for_each(|text| client.execute("SELECT pg_notify('drystone', $1)", &[text]).map(drop))
        });
        if !matches!(told, Some(Ok(()))) {
            tracing::warn!("hints for other controllers were lost; they will find the changes by themselves");
            client = None;
        }
    }
}

fn hear_loop(server: &Server, own: &str, shared: &Weak<Shared>) {
    while shared.strong_count() > 0 {
        let heard = server.connect().and_then(|client| hear(client, own, shared));
        if let Err(error) = heard {
            tracing::warn!(%error, "no hints from other controllers for now");
            thread::sleep(RECONNECT);
        }
    }
}

fn hear(mut client: Client, own: &str, shared: &Weak<Shared>) -> Result<(), ::postgres::Error> {
    client.batch_execute("LISTEN drystone")?;
    loop {
        let next = client.notifications().timeout_iter(Duration::from_millis(500)).next()?;
        let Some(shared) = shared.upgrade() else { return Ok(()) };
        if let Some(notification) = next {
            shared.deliver(&read(own, notification.payload()));
        } else if client.is_closed() {
            return Ok(());
        }
    }
}

/// One payload a line of JSON: who tells, then pairs of kind and id.
fn written(own: &str, changes: impl Iterator<Item = Change>) -> Vec<String> {
    let mut payloads = Vec::new();
    let mut text = String::new();
    for change in changes {
        let pair = serde_json::json!([change.kind, change.id]).to_string();
        if pair.len() > PAYLOAD {
            continue;
        }
        if !text.is_empty() && text.len() + pair.len() > PAYLOAD {
            payloads.push(format!("[\"{own}\"{text}]"));
            text.clear();
        }
        text.push(',');
        text.push_str(&pair);
    }
    if !text.is_empty() {
        payloads.push(format!("[\"{own}\"{text}]"));
    }
    payloads
}

fn read(own: &str, payload: &str) -> Vec<Change> {
    let Ok(serde_json::Value::Array(parts)) = serde_json::from_str(payload) else { return Vec::new() };
    let mut parts = parts.into_iter();
    if parts.next().is_none_or(|from| from == own) {
        return Vec::new();
    }
    parts
        .filter_map(|pair| serde_json::from_value::<(String, String)>(pair).ok())
        .map(|(kind, id)| Change { kind: kind.into(), id })
        .collect()
}
