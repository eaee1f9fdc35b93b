//! Floods of logins: they are answered 429, and neither validation nor the logins of others wait for them.

use crate::rig::{Cloud, login};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use identity::model::password::Scheme;
use identity::settings::Settings;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

/// What a password costs: enough that a queue of them is felt.
const COST: u32 = 7;
/// How many log in at once.
const FLOOD: usize = 120;
/// When who was refused comes again: hashing gives way to everything else, refusing without an end too.
const AGAIN: Duration = Duration::from_millis(200);

/// Somebody at an address of this machine.
struct Caller {
    from: String,
    cloud: SocketAddr,
    connection: SendRequest<Full<Bytes>>,
}

impl Caller {
    async fn at(from: &str, cloud: SocketAddr) -> Self {
        Self { from: from.to_owned(), cloud, connection: connect(from, cloud).await }
    }

    /// The status of an answer, and when to come again.
    async fn ask(&mut self, request: Request<Full<Bytes>>) -> (u16, Option<u64>) {
        // The service hangs up on who has asked nothing for some seconds, which a flood may last.
        if self.connection.ready().await.is_err() {
            self.connection = connect(&self.from, self.cloud).await;
        }
        let answer = self.connection.send_request(request).await.unwrap();
        let status = answer.status().as_u16();
        let wait = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
        answer.into_body().collect().await.unwrap();
        (status, wait)
    }

    async fn log_in(&mut self, user: &str, password: &str) -> (u16, Option<u64>) {
        let body = login(user, password, Value::Null).to_string();
        let request = Request::builder().method(Method::POST).uri("/v3/auth/tokens").header("host", "cloud");
        let request = request.header("content-type", "application/json");
        self.ask(request.body(Full::new(Bytes::from(body))).unwrap()).await
    }

    async fn validate(&mut self, token: &str) -> u16 {
        let request = Request::builder().uri("/v3/auth/tokens").header("host", "cloud");
        let request = request.header("x-auth-token", token).header("x-subject-token", token);
        self.ask(request.body(Full::default()).unwrap()).await.0
    }
}

async fn connect(from: &str, cloud: SocketAddr) -> SendRequest<Full<Bytes>> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let stream = socket.connect(cloud).await.unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// What a flood has heard so far.
#[derive(Default)]
struct Heard {
    over: AtomicBool,
    hashed: AtomicUsize,
    refused: AtomicUsize,
}

/// Callers who log in again and again, each as `user` from `address` says.
fn flood(
    cloud: SocketAddr,
    address: fn(usize) -> String,
    user: fn(usize) -> String,
) -> (Arc<Heard>, JoinSet<()>) {
    let heard = Arc::new(Heard::default());
    let mut callers = JoinSet::new();
    for number in 0..FLOOD {
        let heard = heard.clone();
        callers.spawn(async move {
            let mut caller = Caller::at(&address(number), cloud).await;
            while !heard.over.load(Ordering::Relaxed) {
                match caller.log_in(&user(number), "wrong").await {
                    (401, None) => heard.hashed.fetch_add(1, Ordering::Relaxed),
                    (429, Some(wait)) => {
                        assert!(wait > 0);
                        tokio::time::sleep(AGAIN).await;
                        heard.refused.fetch_add(1, Ordering::Relaxed)
                    }
                    other => panic!("{other:?}"),
                };
            }
        });
    }
    (heard, callers)
}

/// Waits until a flood is refused: all the places that it can have are taken then.
async fn refused(heard: &Heard) {
    while heard.refused.load(Ordering::Relaxed) < FLOOD {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn cloud() -> Cloud {
    Cloud::hashing(store::testing::chosen(), Settings::default(), Scheme::Bcrypt(COST)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_from_one_address_is_refused_and_nobody_else_is() {
    let cloud = cloud().await;
    cloud.user("ann").await;
    let (heard, callers) =
        flood(cloud.address, |_| "127.0.0.1".to_owned(), |number| format!("nobody-{number}"));
    refused(&heard).await;
    let mut service = Caller::at("127.0.0.3", cloud.address).await;
    let before = heard.hashed.load(Ordering::Relaxed);
    for _ in 0..100 {
        assert_eq!(service.validate(&cloud.admin).await, 200);
    }
    let meanwhile = heard.hashed.load(Ordering::Relaxed) - before;
    assert!(meanwhile < 400, "validation waits for logins: {meanwhile} were hashed while 100 were validated");
    let mut ann = Caller::at("127.0.0.2", cloud.address).await;
    for _ in 0..3 {
        assert_eq!(ann.log_in("ann", "ann").await.0, 201);
    }
    heard.over.store(true, Ordering::Relaxed);
    callers.join_all().await;
    let mut here = Caller::at("127.0.0.1", cloud.address).await;
    assert_eq!(here.log_in("ann", "ann").await.0, 201, "it is over, and so is its effect");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_at_one_account_leaves_the_others_alone() {
    let cloud = cloud().await;
    cloud.user("ann").await;
    cloud.post("/v3/users", json!({"user": {"name": "bob", "password": "bob"}})).await.id("user");
    let (heard, callers) =
        flood(cloud.address, |number| format!("127.0.1.{}", number % 60 + 1), |_| "ann".to_owned());
    refused(&heard).await;
    let mut bob = Caller::at("127.0.0.2", cloud.address).await;
    for _ in 0..3 {
        assert_eq!(bob.log_in("bob", "bob").await.0, 201);
    }
    heard.over.store(true, Ordering::Relaxed);
    callers.join_all().await;
    assert_eq!(bob.log_in("ann", "ann").await.0, 201);
}
