//! Whoever has no token: every body that is read before a login, and lines and headers of requests that nobody sends who means well.
//!
//! The service runs as it does in a cloud, on a real socket. Nothing is answered 5xx, and every answer comes whole.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use bytes::Bytes;
use fuzz::{damaged_body, damaged_text};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use identity::bootstrap::{FirstPasswords, Offer};
use identity::hashing::{Hashing, LOWEST_COST};
use identity::model::password::Scheme;
use identity::settings::Settings;
use identity::{Identity, Parts, rules};
use kernel::{Clock, Entropy};
use policy::Policy;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use store::Db;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

const OFFERS: &[Offer] = &[Offer { kind: "identity", name: "keystone", path: "/identity/v3" }];

/// Starts the service; it lasts as long as the runtime.
fn service(runtime: &Runtime) -> SocketAddr {
    let (clock, entropy) = (Clock::system(), Entropy::system().unwrap());
    let db = Db::open_memory(store::Parts { clock: clock.clone(), entropy: entropy.clone() }).unwrap();
    let hashing = Hashing::start(1, Scheme::Bcrypt(LOWEST_COST), entropy.clone()).unwrap();
    let identity = Identity::new(Parts { db, hashing, settings: Settings::default() }).unwrap();
    let passwords = FirstPasswords { admin: "secret".to_owned().into(), demo: "secret".to_owned().into() };
    identity.bootstrap("http://127.0.0.1", "RegionOne", OFFERS, &passwords).unwrap();
    let policy = Arc::new(Policy::of(&[rules::ALL]).unwrap());
    let site = web::Site::new("http://127.0.0.1", identity.clone(), policy, clock, entropy)
        .mount("", identity.surface().mounted().unwrap());
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(Arc::new(site).serve(listener, None, std::future::pending()));
    address
}

/// A caller, who connects again when the service hung up, as it does after a body that was too large to be read.
struct Caller {
    runtime: Runtime,
    address: SocketAddr,
    connection: RefCell<SendRequest<Full<Bytes>>>,
}

impl Caller {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let address = service(&runtime);
        let connection = RefCell::new(runtime.block_on(connect(address)));
        Self { runtime, address, connection }
    }

    /// The status of the answer, which has to come whole.
    fn status(&self, request: Request<Full<Bytes>>) -> u16 {
        let mut connection = self.connection.borrow_mut();
        self.runtime.block_on(async {
            if connection.ready().await.is_err() {
                *connection = connect(self.address).await;
            }
            let answer = connection.send_request(request).await.unwrap();
            let status = answer.status().as_u16();
            answer.into_body().collect().await.unwrap();
            status
        })
    }
}

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let (sender, connection) =
        handshake(TokioIo::new(TcpStream::connect(address).await.unwrap())).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Nothing is kept of failures: what fails is printed as small as it gets.
fn runner() -> TestRunner {
    TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })
}

/// Bodies that are right: who sends them without a token is listened to.
fn bodies() -> Vec<(&'static str, Value)> {
    let user = json!({"name": "admin", "domain": {"id": "default"}, "password": "secret"});
    let tokens = |identity: Value, scope: Value| {
        ("/v3/auth/tokens", json!({"auth": {"identity": identity, "scope": scope}}))
    };
    let credential =
        json!({"name": "x", "secret": "y", "user": {"name": "admin", "domain": {"id": "default"}}});
    let signed = json!({"access": "a", "signature": "b", "host": "h:1", "verb": "GET", "path": "/",
                        "params": {"SignatureVersion": "2"}});
    vec![
        tokens(
            json!({"methods": ["password"], "password": {"user": user}}),
            json!({"project": {"name": "admin", "domain": {"name": "Default"}}}),
        ),
        tokens(
            json!({"methods": ["token", "totp"], "token": {"id": "gAAAAA"},
                   "totp": {"user": {"id": "1", "passcode": "123456"}}}),
            json!({"system": {"all": true}}),
        ),
        tokens(
            json!({"methods": ["application_credential"], "application_credential": credential}),
            json!({"OS-TRUST:trust": {"id": "x"}}),
        ),
        ("/v3/ec2tokens", json!({"credentials": signed})),
        ("/v3/s3tokens", json!({"credentials": {"access": "a", "signature": "b", "token": "YWJj"}})),
        ("/v3/users/42/password", json!({"user": {"original_password": "secret", "password": "new"}})),
    ]
}

#[test]
fn bodies_before_a_login() {
    let caller = Caller::start();
    for (path, body) in bodies() {
        let outcome = runner().run(&damaged_body(&body), |body| {
            let bytes = Bytes::from(serde_json::to_vec(&body).unwrap());
            let request = Request::builder()
                .method(Method::POST)
                .uri(path)
                .header("host", "x")
                .header("content-type", "application/json");
            let status = caller.status(request.body(Full::new(bytes)).unwrap());
            prop_assert!(status < 500, "POST {} was answered {}", path, status);
            Ok(())
        });
        assert!(outcome.is_ok(), "POST {path}: {}", outcome.unwrap_err());
    }
}

const PATHS: &[&str] = &[
    "/v3/users/42?name=x&limit=1",
    "/v3/projects/%2e%2e/tags/a%2Fb",
    "/v3/OS-EP-FILTER/projects/1/endpoints/2",
    "//v3//",
];
const HEADERS: &[&str] = &[
    "x-auth-token",
    "x-subject-token",
    "openstack-auth-receipt",
    "accept",
    "x-openstack-request-id",
    "if-match",
];
const METHODS: &[Method] =
    &[Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::TRACE];

#[test]
fn lines_and_headers() {
    let caller = Caller::start();
    let (path, header, method) = (damaged_text(PATHS), select(HEADERS), select(METHODS));
    let value = damaged_text(&["gAAAAABqk_token", "application/json;q=0.5, */*", "0", "req-42"]);
    let outcome = runner().run(&(method, path, header, value), |(method, path, header, value)| {
        // What HTTP itself cannot carry never leaves a client.
        let built = Request::builder().method(&method).uri(&path).header("host", "x").header(header, &value);
        let Ok(request) = built.body(Full::default()) else { return Ok(()) };
        let status = caller.status(request);
        prop_assert!(status < 500, "{} {} with {}: {} was answered {}", method, path, header, value, status);
        Ok(())
    });
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
}
