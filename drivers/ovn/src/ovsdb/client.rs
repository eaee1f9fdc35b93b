//! The connection to a database server: opened again whenever it breaks, brought in sync, then asked.
//!
//! One task owns the socket. A request waits in its queue while there is no connection, until the caller's patience
//! ends. A transaction whose connection breaks before the answer came has an unknown outcome ([`OvsdbError::Lost`]):
//! the caller looks at the copy again and commits what is still missing.

use super::frame::{FrameError, Splitter};
use super::replica::{Change, Replica, Row};
use super::schema::Schema;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

/// How long a caller waits for an answer, a broken connection included.
const PATIENCE: Duration = Duration::from_secs(10);
/// A server that has been silent for so long is asked for a sign of life, and given up after as long again.
const SILENCE: Duration = Duration::from_secs(5);
/// The pause between attempts to connect, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));
const ZERO: &str = "00000000-0000-0000-0000-000000000000";

/// Why a database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum OvsdbError {
    /// No answer came in time.
    #[error("the database server at {0} has not answered for {PATIENCE:?}; see its log beside its database")]
    Silent(String),
    /// The connection broke before the answer came: the outcome is not known.
    #[error("the connection to the database server broke during a transaction")]
    Lost,
    /// A `wait` found other values than those that the transaction was computed from.
    #[error("somebody else changed the rows at the same time")]
    Conflict,
    /// The database refuses the transaction.
    #[error("the database refuses: {error}: {details}")]
    Refused {
        /// OVSDB's word.
        error: String,
        /// Its explanation.
        details: String,
    },
    /// The server does not speak OVSDB.
    #[error("the database server's answer cannot be understood: {0}")]
    Malformed(&'static str),
}

/// What breaks a connection.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the server's message cannot be understood: {0}")]
    Malformed(&'static str),
    #[error("the server is silent")]
    Silent,
    #[error("the server closed the connection")]
    Closed,
}

/// What is wanted of a database.
pub struct Monitored {
    /// The server's socket.
    pub socket: PathBuf,
    /// The database's name.
    pub database: &'static str,
    /// Tables with the columns that are followed.
    pub tables: &'static [(&'static str, &'static [&'static str])],
    /// By what rows are found in the copy.
    pub tag: fn(&Row) -> Option<String>,
    /// Is told of every change, on the connection's task.
    pub observer: Box<dyn Fn(&Change) + Send + Sync>,
}

struct Request {
    method: &'static str,
    params: Value,
    reply: oneshot::Sender<Result<Value, OvsdbError>>,
}

/// A database that is kept in sync. Dropping it ends the connection.
pub struct Client {
    socket: String,
    database: &'static str,
    requests: mpsc::Sender<Request>,
    replica: Arc<RwLock<Replica>>,
    version: watch::Receiver<u64>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Client {
    /// Begins to follow a database. The server need not be there yet.
    pub fn follow(monitored: Monitored) -> Self {
        let (requests, queue) = mpsc::channel(256);
        let (versions, version) = watch::channel(0);
        let replica = Arc::new(RwLock::new(Replica::new(monitored.tag)));
        let socket = monitored.socket.display().to_string();
        let database = monitored.database;
        let follower =
            Follower { monitored, replica: Arc::clone(&replica), versions, queue, last: ZERO.to_owned() };
        Self { socket, database, requests, replica, version, task: tokio::spawn(follower.run()) }
    }

    /// Waits until the copy has been filled for the first time.
    pub async fn synced(&self) -> Result<(), OvsdbError> {
        self.seen(|_| *self.version.borrow() > 0).await
    }

    /// Looks at the copy. Nothing may be awaited meanwhile.
    pub fn read<T>(&self, look: impl FnOnce(&Replica) -> T) -> T {
        look(&self.replica.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the copy satisfies `enough`.
    pub async fn seen(&self, enough: impl Fn(&Replica) -> bool) -> Result<(), OvsdbError> {
        let mut version = self.version.clone();
        let wait = async {
            loop {
                version.mark_unchanged();
                if self.read(&enough) {
                    return Ok(());
                }
                version.changed().await.map_err(|_| OvsdbError::Lost)?;
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| Err(OvsdbError::Silent(self.socket.clone())))
    }

    /// Commits operations; answers with one result for each.
    pub async fn transact(&self, operations: Vec<Value>) -> Result<Vec<Value>, OvsdbError> {
        let mut params = vec![json!(self.database)];
        params.extend(operations);
        match self.call("transact", Value::Array(params)).await? {
            Value::Array(results) => outcome(results),
            _ => Err(OvsdbError::Malformed("transact")),
        }
    }

    async fn call(&self, method: &'static str, params: Value) -> Result<Value, OvsdbError> {
        let (reply, answer) = oneshot::channel();
        let ask = async {
            self.requests.send(Request { method, params, reply }).await.map_err(|_| OvsdbError::Lost)?;
            answer.await.map_err(|_| OvsdbError::Lost)?
        };
        timeout(PATIENCE, ask).await.unwrap_or_else(|_| Err(OvsdbError::Silent(self.socket.clone())))
    }
}

/// The results of a transaction, unless one of them is an error.
fn outcome(results: Vec<Value>) -> Result<Vec<Value>, OvsdbError> {
    let Some(failed) =
        results.iter().find(|result| result.get("error").is_some_and(|error| !error.is_null()))
    else {
        return Ok(results);
    };
    let word = |key: &str| failed.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    match word("error") {
        error if error == "timed out" => Err(OvsdbError::Conflict),
        error => Err(OvsdbError::Refused { error, details: word("details") }),
    }
}

/// The task behind a [`Client`].
struct Follower {
    monitored: Monitored,
    replica: Arc<RwLock<Replica>>,
    versions: watch::Sender<u64>,
    queue: mpsc::Receiver<Request>,
    last: String,
}

impl Follower {
    async fn run(mut self) {
        let mut pause = PAUSE.0;
        loop {
            match Wire::open(&self.monitored.socket).await {
                Ok(wire) => {
                    let began = Instant::now();
                    let Err(error) = self.serve(wire).await else { return };
                    tracing::debug!(database = self.monitored.database, %error, "connection lost");
                    if began.elapsed() > PAUSE.1 {
                        pause = PAUSE.0;
                    }
                }
                Err(error) => tracing::trace!(database = self.monitored.database, %error, "no connection"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// Works on one connection until it breaks, or until the client is gone (then `Ok`).
    async fn serve(&mut self, mut wire: Wire) -> Result<(), Broken> {
        let schema = self.sync(&mut wire).await?;
        let mut pending: HashMap<u64, oneshot::Sender<Result<Value, OvsdbError>>> = HashMap::new();
        loop {
            tokio::select! {
                request = self.queue.recv() => {
                    let Some(request) = request else { return Ok(()) };
                    if !request.reply.is_closed() {
                        let id = wire.send(request.method, request.params).await?;
                        pending.insert(id, request.reply);
                    }
                }
                event = wire.receive() => {
                    let Some(message) = wire.digest(event?).await? else { continue };
                    match message.get("method").and_then(Value::as_str) {
                        Some("update3") => self.update(&schema, &message)?,
                        Some("monitor_canceled") => return Err(Broken::Malformed("monitor_canceled")),
                        Some(_) => {}
                        None => if let Some(reply) = reply_id(&message).and_then(|id| pending.remove(&id)) {
                            // Nobody may be waiting any more.
                            let _ = reply.send(result_of(message));
                        },
                    }
                }
            }
        }
    }

    /// Learns the schema and fills the copy.
    async fn sync(&mut self, wire: &mut Wire) -> Result<Schema, Broken> {
        let schema = wire.ask("get_schema", json!([self.monitored.database])).await?;
        let schema =
            Schema::decode(&schema).ok_or(Broken::Malformed("get_schema"))?.part(self.monitored.tables);
        let tables: serde_json::Map<String, Value> = schema
            .tables()
            .map(|(table, columns)| (table.to_owned(), json!([{ "columns": columns }])))
            .collect();
        let params = json!([self.monitored.database, "drystone", tables, self.last]);
        let answer = wire.ask("monitor_cond_since", params).await?;
        let Some([Value::Bool(found), Value::String(last), updates]) = answer.as_array().map(Vec::as_slice)
        else {
            return Err(Broken::Malformed("monitor_cond_since"));
        };
        self.take(&schema, updates, !found)?;
        self.last.clone_from(last);
        Ok(schema)
    }

    fn update(&mut self, schema: &Schema, message: &Value) -> Result<(), Broken> {
        let params = message.get("params").and_then(Value::as_array).map(Vec::as_slice);
        let Some([_, Value::String(last), updates]) = params else {
            return Err(Broken::Malformed("update3"));
        };
        self.take(schema, updates, false)?;
        self.last.clone_from(last);
        Ok(())
    }

    fn take(&mut self, schema: &Schema, updates: &Value, afresh: bool) -> Result<(), Broken> {
        let changes = {
            let mut replica = self.replica.write().unwrap_or_else(PoisonError::into_inner);
            replica.apply(schema, updates, afresh)
        };
        let Some(changes) = changes else {
            ZERO.clone_into(&mut self.last);
            return Err(Broken::Malformed("table-updates2"));
        };
        changes.iter().for_each(|change| (self.monitored.observer)(change));
        self.versions.send_modify(|version| *version += 1);
        Ok(())
    }
}

/// Messages on a socket.
struct Wire {
    stream: UnixStream,
    splitter: Splitter,
    next_id: u64,
    heard: Instant,
    probed: bool,
}

impl Wire {
    async fn open(socket: &Path) -> Result<Self, Broken> {
        let stream = UnixStream::connect(socket).await?;
        Ok(Self { stream, splitter: Splitter::default(), next_id: 1, heard: Instant::now(), probed: false })
    }

    async fn send(&mut self, method: &str, params: Value) -> Result<u64, Broken> {
        let id = self.next_id;
        self.next_id += 1;
        self.write(&json!({"id": id, "method": method, "params": params})).await?;
        Ok(id)
    }

    async fn write(&mut self, message: &Value) -> Result<(), Broken> {
        let written = timeout(SILENCE, self.stream.write_all(message.to_string().as_bytes())).await;
        Ok(written.map_err(|_| Broken::Silent)??)
    }

    /// Sends a request and waits for its answer; only before updates are asked for.
    async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Broken> {
        let id = self.send(method, params).await?;
        loop {
            let event = self.receive().await?;
            if let Some(message) = self.digest(event).await?
                && reply_id(&message) == Some(id)
            {
                return result_of(message)
                    .map_err(|_| Broken::Malformed("an error instead of schema or content"));
            }
        }
    }

    /// What comes next; `None` is silence. Only reads, so that it may be dropped while it waits: what has been read
    /// stays in the splitter.
    async fn receive(&mut self) -> Result<Option<Value>, Broken> {
        loop {
            if let Some(object) = self.splitter.next_object()? {
                return serde_json::from_slice(&object)
                    .map_err(|_| Broken::Malformed("this is not JSON"))
                    .map(Some);
            }
            match timeout_at(self.heard + SILENCE, self.read()).await {
                Ok(more) => more?,
                Err(_) => return Ok(None),
            }
        }
    }

    /// Deals with what is about the connection itself: signs of life, asked of us or by us.
    async fn digest(&mut self, event: Option<Value>) -> Result<Option<Value>, Broken> {
        let Some(message) = event else {
            if self.probed {
                return Err(Broken::Silent);
            }
            (self.probed, self.heard) = (true, Instant::now());
            self.write(&json!({"id": "probe", "method": "echo", "params": []})).await?;
            return Ok(None);
        };
        match message.get("method").and_then(Value::as_str) {
            Some("echo") => {
                let answer = json!({"id": message["id"], "result": message["params"], "error": null});
                self.write(&answer).await?;
                Ok(None)
            }
            None if message["id"] == json!("probe") => Ok(None),
            _ => Ok(Some(message)),
        }
    }

    async fn read(&mut self) -> Result<(), Broken> {
        let mut piece = [0; 16 << 10];
        match self.stream.read(&mut piece).await? {
            0 => Err(Broken::Closed),
            length => {
                (self.probed, self.heard) = (false, Instant::now());
                self.splitter.push(piece.get(..length).unwrap_or_default());
                Ok(())
            }
        }
    }
}

fn reply_id(message: &Value) -> Option<u64> {
    message.get("id").and_then(Value::as_u64)
}

fn result_of(mut message: Value) -> Result<Value, OvsdbError> {
    match message.get("error") {
        None | Some(Value::Null) => Ok(message.get_mut("result").map(Value::take).unwrap_or_default()),
        Some(error) => Err(OvsdbError::Refused { error: error.to_string(), details: String::new() }),
    }
}
