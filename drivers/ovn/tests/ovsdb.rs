//! The database client against servers that break, babble or lie.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use ovn::ovsdb::{Atom, Client, Datum, Monitored, OvsdbError, Replica, Schema, Splitter};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

fn follow(socket: &Path) -> Client {
    Client::follow(Monitored {
        socket: socket.to_owned(),
        database: "D",
        tables: &[("T", &["name", "ports"])],
        tag: |row| row.get("name")?.atoms().next()?.text().map(str::to_owned),
        observer: Box::new(|_| {}),
    })
}

fn schema() -> Value {
    let many = json!({"type": {"key": "string", "min": 0, "max": "unlimited"}});
    json!({"tables": {"T": {"columns": {"name": {"type": "string"}, "ports": many}}}})
}

/// A server that answers by hand.
struct Server {
    stream: UnixStream,
    splitter: Splitter,
}

impl Server {
    async fn accept(listener: &UnixListener) -> Self {
        Self { stream: listener.accept().await.unwrap().0, splitter: Splitter::default() }
    }

    async fn next(&mut self) -> Value {
        loop {
            if let Some(object) = self.splitter.next_object().unwrap() {
                return serde_json::from_slice(&object).unwrap();
            }
            let mut bytes = [0; 4096];
            let length = self.stream.read(&mut bytes).await.unwrap();
            assert!(length > 0, "the client has gone");
            self.splitter.push(&bytes[..length]);
        }
    }

    async fn say(&mut self, message: Value) {
        self.stream.write_all(message.to_string().as_bytes()).await.unwrap();
    }

    /// Answers the next request, which must be of this method.
    async fn answer(&mut self, method: &str, result: Value) -> Value {
        let request = self.next().await;
        assert_eq!(request["method"], method);
        self.say(json!({"id": request["id"], "result": result, "error": null})).await;
        request
    }
}

#[tokio::test]
async fn a_broken_connection_is_opened_again_and_the_copy_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("s");
    let client = follow(&socket);
    tokio::time::sleep(Duration::from_millis(30)).await;
    let listener = UnixListener::bind(&socket).unwrap();
    let mut server = Server::accept(&listener).await;
    server.answer("get_schema", schema()).await;
    let rows = json!({"T": {"1": {"initial": {"name": "a", "ports": ["set", ["x", "y"]]}}}});
    server.answer("monitor_cond_since", json!([false, "t1", rows])).await;
    client.synced().await.unwrap();
    assert_eq!(client.read(|replica| replica.tagged("a").count()), 1);

    server.say(json!({"id": "e", "method": "echo", "params": [1]})).await;
    assert_eq!(server.next().await["result"], json!([1]));
    let change = json!({"T": {"1": {"modify": {"ports": "x"}}}});
    server.say(json!({"id": null, "method": "update3", "params": ["drystone", "t2", change]})).await;
    let ports = |replica: &Replica| replica.row("T", "1").and_then(|row| row.get("ports").cloned());
    client.seen(|replica| ports(replica) == Some(Datum::set(["y"]))).await.unwrap();

    // The connection breaks in the middle of a transaction: its outcome is not known.
    let (result, ()) = tokio::join!(client.transact(vec![json!({"op": "comment"})]), async {
        assert_eq!(server.next().await["method"], "transact");
        drop(server);
    });
    assert!(matches!(result, Err(OvsdbError::Lost)));
    let mut server = Server::accept(&listener).await;
    server.answer("get_schema", schema()).await;
    let rows = json!({"T": {"2": {"initial": {"name": "b"}}}});
    let request = server.answer("monitor_cond_since", json!([false, "t9", rows])).await;
    assert_eq!(request["params"][3], "t2", "it says what it has");
    client.seen(|replica| replica.tagged("b").count() == 1).await.unwrap();
    assert_eq!(client.read(|replica| replica.tagged("a").count()), 0);

    let answers = json!([{}, {"error": "timed out", "details": "x"}]);
    let (result, _) =
        tokio::join!(client.transact(vec![json!({"op": "wait"})]), server.answer("transact", answers));
    assert!(matches!(result, Err(OvsdbError::Conflict)));
    let answers = json!([{"error": "constraint violation", "details": "twice"}]);
    let (result, _) =
        tokio::join!(client.transact(vec![json!({"op": "insert"})]), server.answer("transact", answers));
    assert!(matches!(result, Err(OvsdbError::Refused { .. })));
}

#[tokio::test]
async fn a_server_that_babbles_is_left_and_asked_again() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let client = follow(&socket);
    for babble in [
        "HTTP/1.1 400 Bad Request\r\n",
        "{]",
        "{\"id\":1,\"result\":7,\"error\":null}",
        "{\"id\":1,\"error\":{}}",
    ] {
        let mut server = Server::accept(&listener).await;
        server.next().await;
        server.stream.write_all(babble.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(60), server.stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "{babble}");
    }
    let mut server = Server::accept(&listener).await;
    server.answer("get_schema", schema()).await;
    server.answer("monitor_cond_since", json!([false, "t", {"T": {"1": {"initial": {"name": "a"}}}}])).await;
    client.synced().await.unwrap();
    // An update that makes no sense costs the connection, and the copy is filled afresh.
    server
        .say(json!({"method": "update3", "params": ["drystone", "t2", {"T": {"9": {"modify": {}}}}]}))
        .await;
    let mut server = Server::accept(&listener).await;
    server.answer("get_schema", schema()).await;
    let request = server.answer("monitor_cond_since", json!([false, "t", {}])).await;
    assert_eq!(request["params"][3], "00000000-0000-0000-0000-000000000000");
    client.seen(|replica| replica.rows("T").count() == 0).await.unwrap();
}

/// Mutilated messages are errors at worst.
#[test]
fn nothing_that_is_read_panics() {
    let rows = json!({"T": {"1": {"initial": {"name": "a", "ports": ["set", ["x", ["uuid", "u"], 1, 2.5, true]]}},
        "2": {"modify": {"ports": ["map", [["k", "v"]]]}}, "3": {"delete": null}}});
    let message =
        json!({"id": 1, "method": "update3", "params": ["m", "t", rows], "s": schema()}).to_string();
    let mut seed = 42_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for _ in 0..20_000 {
        let mut bytes = message.clone().into_bytes();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes[at] = random(256) as u8,
                1 => drop(bytes.drain(at..(at + random(9)).min(bytes.len()))),
                _ => bytes.insert(at, b"[]{}\",:\\0-"[random(10)]),
            }
        }
        let mut splitter = Splitter::default();
        for piece in bytes.chunks(1 + random(bytes.len())) {
            splitter.push(piece);
            while let Ok(Some(object)) = splitter.next_object() {
                let Ok(value) = serde_json::from_slice::<Value>(&object) else { continue };
                let schema = Schema::decode(&value["s"]).unwrap_or_default();
                let mut replica = Replica::new(|row| Some(format!("{}", row.len())));
                let _ = replica.apply(&schema, &value["params"][2], random(2) == 0);
                let _ = (Datum::decode(&value), Atom::decode(&value["id"]));
            }
        }
    }
}
