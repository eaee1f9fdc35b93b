//! Whoever has no token: every body that is read before a login, forms and signed headers, what browsers bring back from a
//! provider of OpenID Connect, and lines and headers of requests that nobody sends who means well.
//!
//! The service runs as it does in a cloud, on a real socket. Nothing is answered 5xx, and every answer comes whole and soon.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use bytes::Bytes;
use fuzz::{damaged_body, damaged_text};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use identity::bootstrap::{FirstPasswords, Offer};
use identity::hashing::{Hashing, LOWEST_COST};
use identity::model::password::Scheme;
use identity::oidc::Relation;
use identity::settings::{Federation, Settings};
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
use std::time::{Duration, Instant};
use store::Db;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

const OFFERS: &[Offer] = &[Offer { kind: "identity", name: "keystone", path: "/identity/v3" }];

/// How long an answer may take, on a machine that is busy with other things too: what grows without bounds takes longer.
const LONGEST: Duration = Duration::from_secs(60);

/// A provider of OpenID Connect, which vouches for every token that it did not sign; gives where it is found.
fn provider(runtime: &Runtime) -> String {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let own = issuer.clone();
    runtime.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let own = own.clone();
            tokio::spawn(async move {
                let asked = asked(&mut stream).await;
                let answer = match asked.split(' ').nth(1) {
                    Some("/.well-known/openid-configuration") => json!({
                        "issuer": own, "jwks_uri": format!("{own}/keys"), "introspection_endpoint": format!("{own}/ask"),
                        "authorization_endpoint": format!("{own}/door"), "token_endpoint": format!("{own}/token"),
                    }),
                    Some("/keys") => json!({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}),
                    _ => json!({"active": true, "sub": "248", "client_id": "cloud", "exp": 4_000_000_000_i64}),
                };
                let answer = answer.to_string();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
                let _ = stream.write_all(format!("{head}{answer}").as_bytes()).await;
            });
        }
    });
    issuer
}

/// A whole request, as far as it comes.
async fn asked(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Starts the service; it lasts as long as the runtime.
fn service(runtime: &Runtime) -> SocketAddr {
    let (clock, entropy) = (Clock::system(), Entropy::system().unwrap());
    let db = Db::open_memory(store::Parts { clock: clock.clone(), entropy: entropy.clone() }).unwrap();
    let hashing = Hashing::start(1, Scheme::Bcrypt(LOWEST_COST), entropy.clone()).unwrap();
    let relation = Relation {
        identity_provider: "corp".to_owned(),
        protocol: "openid".to_owned(),
        issuer: provider(runtime),
        client_id: "cloud".to_owned(),
        client_secret: "secret".to_owned().into(),
        audiences: Vec::new(),
        scopes: "openid".to_owned(),
        remote_user_claim: "sub".to_owned(),
        ca_file: None,
    };
    let trusted_dashboards = vec!["http://dashboard/".to_owned()];
    let federation = Federation { trusted_dashboards, relations: vec![relation], ..Federation::default() };
    let settings = Settings { federation, ..Settings::default() };
    let identity = Identity::new(Parts { db, hashing, settings }).unwrap();
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
        let began = Instant::now();
        let status = self.runtime.block_on(async {
            if connection.ready().await.is_err() {
                *connection = connect(self.address).await;
            }
            let mut sent = connection.try_send_request(request.clone()).await;
            // It may turn out only now that the service hung up; then nothing was sent.
            if sent.as_mut().is_err_and(|refused| refused.take_message().is_some()) {
                *connection = connect(self.address).await;
                sent = connection.try_send_request(request).await;
            }
            let answer = sent.map_err(TrySendError::into_error).unwrap();
            let status = answer.status().as_u16();
            answer.into_body().collect().await.unwrap();
            status
        });
        assert!(began.elapsed() < LONGEST, "{:?}", began.elapsed());
        status
    }

    /// Makes the provider known, and what its users become.
    fn federate(&self) {
        let user = json!({"name": "admin", "domain": {"id": "default"}, "password": "secret"});
        let scope = json!({"project": {"name": "admin", "domain": {"id": "default"}}});
        let identity = json!({"methods": ["password"], "password": {"user": user}});
        let body = json!({"auth": {"identity": identity, "scope": scope}});
        let request =
            Request::post("/v3/auth/tokens").header("host", "x").header("content-type", "application/json");
        let request = request.body(Full::new(body.to_string().into())).unwrap();
        let answer = self.connection.borrow_mut().send_request(request);
        let token = self.runtime.block_on(async {
            let answer = answer.await.unwrap();
            let token = answer.headers()["x-subject-token"].clone();
            answer.into_body().collect().await.unwrap();
            token
        });
        let rules = json!([{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "REMOTE_USER"}]}]);
        for (path, body) in [
            ("mappings/m", json!({"mapping": {"rules": rules}})),
            ("identity_providers/corp", json!({"identity_provider": {"enabled": true}})),
            ("identity_providers/corp/protocols/openid", json!({"protocol": {"mapping_id": "m"}})),
        ] {
            let request = Request::put(format!("/v3/OS-FEDERATION/{path}")).header("host", "x");
            let request = request.header("x-auth-token", &token).header("content-type", "application/json");
            assert_eq!(self.status(request.body(Full::new(body.to_string().into())).unwrap()), 201, "{path}");
        }
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
        tokens(json!({"methods": ["oauth1"], "oauth1": {}}), json!("unscoped")),
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

/// A request that is right, and what it is answered.
struct Door {
    method: Method,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    status: u16,
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");
const SIGNED: (&str, &str) = (
    "authorization",
    "OAuth realm=\"x\", oauth_consumer_key=\"c\", oauth_token=\"t\", oauth_signature_method=\"HMAC-SHA1\", \
     oauth_timestamp=\"137131201\", oauth_nonce=\"n\", oauth_verifier=\"v\", oauth_signature=\"gKgrFC%2FIHF7IU%3D\"",
);
const BEARER: (&str, &str) = ("authorization", "Bearer opaque");

/// What is no body of JSON: OAuth 1.0 and 2.0, receipts, and every way in by federation.
const DOORS: &[Door] = &[
    Door {
        method: Method::POST,
        path: "/v3/OS-OAUTH1/request_token",
        headers: &[SIGNED, ("requested-project-id", "p"), FORM],
        body: "oauth_callback=oob",
        status: 404,
    },
    Door {
        method: Method::POST,
        path: "/v3/OS-OAUTH1/access_token",
        headers: &[SIGNED, FORM],
        body: "a=b",
        status: 404,
    },
    Door {
        method: Method::POST,
        path: "/v3/auth/tokens",
        headers: &[SIGNED, JSON],
        body: r#"{"auth": {"identity": {"methods": ["oauth1"], "oauth1": {}}}}"#,
        status: 404,
    },
    Door {
        method: Method::POST,
        path: "/v3/auth/tokens",
        headers: &[("openstack-auth-receipt", "gAAAAABqk_receipt"), JSON],
        body: r#"{"auth": {"identity": {"methods": ["totp"], "totp": {"user": {"id": "1", "passcode": "123456"}}}}}"#,
        status: 401,
    },
    Door {
        method: Method::POST,
        path: "/v3/OS-OAUTH2/token",
        headers: &[("authorization", "Basic eDp5"), FORM],
        body: "grant_type=client_credentials&scope=x",
        status: 404,
    },
    Door {
        method: Method::POST,
        path: "/v3/OS-OAUTH2/token",
        headers: &[FORM],
        body: "grant_type=client_credentials&client_id=x&client_secret=%79",
        status: 404,
    },
    Door {
        method: Method::GET,
        path: "/v3/OS-FEDERATION/identity_providers/corp/protocols/openid/auth",
        headers: &[BEARER],
        body: "",
        status: 201,
    },
    Door {
        method: Method::POST,
        path: "/v3/OS-FEDERATION/identity_providers/corp/protocols/openid/auth",
        headers: &[BEARER, FORM],
        body: "a=b",
        status: 201,
    },
    Door {
        method: Method::GET,
        path: "/v3/auth/OS-FEDERATION/websso/openid?origin=http%3A%2F%2Fdashboard%2F",
        headers: &[],
        body: "",
        status: 302,
    },
    Door {
        method: Method::POST,
        path: "/v3/auth/OS-FEDERATION/websso/openid?origin=http://dashboard/",
        headers: &[FORM],
        body: "a=b",
        status: 302,
    },
    Door {
        method: Method::GET,
        path: "/v3/auth/OS-FEDERATION/identity_providers/corp/protocols/openid/websso?origin=http://dashboard/",
        headers: &[],
        body: "",
        status: 302,
    },
    Door {
        method: Method::GET,
        path: "/v3/auth/OS-FEDERATION/oidc/callback?code=c&state=s",
        headers: &[("cookie", "drystone_websso=gAAAAABqk_attempt")],
        body: "",
        status: 401,
    },
];

fn door(door: &Door, path: &str, headers: &[String], body: String) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::builder().method(&door.method).uri(path).header("host", "x");
    for ((name, _), value) in door.headers.iter().zip(headers) {
        request = request.header(*name, value);
    }
    // What HTTP itself cannot carry never leaves a client.
    request.body(Full::new(body.into())).ok()
}

#[test]
fn doors_without_json() {
    let caller = Caller::start();
    caller.federate();
    for one in DOORS {
        let right: Vec<String> = one.headers.iter().map(|(_, value)| (*value).to_owned()).collect();
        let request = door(one, one.path, &right, one.body.to_owned()).unwrap();
        assert_eq!(caller.status(request), one.status, "{} {}", one.method, one.path);
        let headers: Vec<_> = right.iter().map(|value| damaged_text(&[value])).collect();
        // Most damage to a path only makes it another one.
        let path = prop_oneof![3 => Just(one.path.to_owned()), 1 => damaged_text(&[one.path])];
        let outcome = runner().run(&(path, headers, damaged_text(&[one.body])), |(path, headers, body)| {
            let Some(request) = door(one, &path, &headers, body) else { return Ok(()) };
            let status = caller.status(request);
            prop_assert!(status < 500, "{} {} was answered {}", one.method, path, status);
            Ok(())
        });
        assert!(outcome.is_ok(), "{} {}: {}", one.method, one.path, outcome.unwrap_err());
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
