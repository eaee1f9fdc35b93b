//! A cloud with identity alone, on a real socket, and a client that asks it.

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use identity::bootstrap::{FirstPasswords, Offer};
use identity::hashing::{Hashing, LOWEST_COST};
use identity::model::password::Scheme;
use identity::settings::Settings;
use identity::{Identity, Parts, rules};
use policy::Policy;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use store::testing::Fixture;
use tokio::net::{TcpListener, TcpStream};

pub const LIFE: Duration = Duration::from_secs(3600);
pub const NOWHERE: &str = "0123456789abcdef0123456789abcdef";
const OFFERS: &[Offer] = &[
    Offer { kind: "identity", name: "keystone", path: "/identity/v3" },
    Offer { kind: "compute", name: "nova", path: "/compute/v2.1/$(project_id)s" },
];

pub struct Cloud {
    pub identity: Arc<Identity>,
    pub fixture: Fixture,
    /// The administrator's token for the project `admin`.
    pub admin: String,
    pub address: SocketAddr,
}

/// An answer.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    /// The body as it came.
    pub bytes: Bytes,
    /// How many bytes the body has.
    pub length: usize,
}

impl Told {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The sentence of an error.
    pub fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or("")
    }

    /// One thing that must have been given.
    #[track_caller]
    pub fn one(&self, noun: &str) -> Value {
        assert!(self.status < 300, "{self:?}");
        self.body[noun].clone()
    }

    /// The id of a thing that must have been given.
    #[track_caller]
    pub fn id(&self, noun: &str) -> String {
        self.one(noun)["id"].as_str().unwrap().to_owned()
    }

    /// One attribute of every thing in a list, sorted.
    #[track_caller]
    pub fn each(&self, nouns: &str, attribute: &str) -> Vec<String> {
        let list = self.body[nouns].as_array().unwrap_or_else(|| panic!("{self:?}"));
        let mut all: Vec<String> =
            list.iter().map(|one| one[attribute].as_str().unwrap().to_owned()).collect();
        all.sort();
        all
    }
}

impl Cloud {
    pub async fn start() -> Self {
        Self::on(store::testing::chosen()).await
    }

    pub async fn on(fixture: Fixture) -> Self {
        Self::with(fixture, Settings { token_life: LIFE, ..Settings::default() }).await
    }

    pub async fn with(fixture: Fixture, settings: Settings) -> Self {
        Self::hashing(fixture, settings, Scheme::Bcrypt(LOWEST_COST)).await
    }

    /// With passwords that are hashed by this scheme.
    pub async fn hashing(fixture: Fixture, settings: Settings, scheme: Scheme) -> Self {
        let hashing = Hashing::start(1, scheme, fixture.entropy.clone()).unwrap();
        let identity = Identity::new(Parts { db: fixture.db.clone(), hashing, settings }).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let passwords = FirstPasswords { admin: "secret".to_owned().into(), demo: "demo".to_owned().into() };
        identity.bootstrap("http://cloud", "RegionOne", OFFERS, &passwords).unwrap();
        let policy = Arc::new(Policy::of(&[rules::ALL]).unwrap());
        let (clock, entropy) = (fixture.clock.clone(), fixture.entropy.clone());
        let site = web::Site::new("http://cloud", identity.clone(), policy, clock, entropy)
            .mount("/identity", identity.surface().mounted().unwrap())
            .mount("", identity.surface().mounted().unwrap());
        tokio::spawn(Arc::new(site).serve(listener, None, std::future::pending()));
        let mut cloud = Self { identity, fixture, admin: String::new(), address };
        cloud.admin = cloud.token("admin", "secret", project("admin")).await;
        cloud
    }

    /// A request with a token (or none, when it is empty), headers and a body as it is.
    pub async fn raw(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Told {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "cloud");
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Told { status: parts.status.as_u16(), headers: parts.headers, body, length: bytes.len(), bytes }
    }

    /// A request with a JSON body (null for none).
    pub async fn ask(&self, method: Method, path: &str, token: &str, body: Value) -> Told {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("x-auth-token", token), ("content-type", "application/json")];
        self.raw(method, path, &headers, text.as_bytes()).await
    }

    /// A GET by the administrator.
    pub async fn get(&self, path: &str) -> Told {
        self.ask(Method::GET, path, &self.admin, Value::Null).await
    }

    /// A HEAD by the administrator.
    pub async fn head(&self, path: &str) -> Told {
        self.ask(Method::HEAD, path, &self.admin, Value::Null).await
    }

    /// A POST by the administrator.
    pub async fn post(&self, path: &str, body: Value) -> Told {
        self.ask(Method::POST, path, &self.admin, body).await
    }

    /// A PUT by the administrator.
    pub async fn put(&self, path: &str) -> Told {
        self.ask(Method::PUT, path, &self.admin, Value::Null).await
    }

    /// A PATCH by the administrator.
    pub async fn patch(&self, path: &str, body: Value) -> Told {
        self.ask(Method::PATCH, path, &self.admin, body).await
    }

    /// A DELETE by the administrator.
    pub async fn delete(&self, path: &str) -> Told {
        self.ask(Method::DELETE, path, &self.admin, Value::Null).await
    }

    /// Asks for a token.
    pub async fn authenticate(&self, body: Value) -> Told {
        self.ask(Method::POST, "/v3/auth/tokens", "", body).await
    }

    /// A token of a user of the default domain; must be given.
    pub async fn token(&self, user: &str, password: &str, scope: Value) -> String {
        let told = self.authenticate(login(user, password, scope)).await;
        assert_eq!(told.status, 201, "{told:?}");
        told.header("x-subject-token").to_owned()
    }

    /// What the token's owner hears of another token (or of itself).
    pub async fn validate(&self, token: &str, subject: &str) -> Told {
        self.raw(
            Method::GET,
            "/v3/auth/tokens",
            &[("x-auth-token", token), ("x-subject-token", subject)],
            b"",
        )
        .await
    }

    /// Whether a token is good for anything.
    pub async fn valid(&self, token: &str) -> bool {
        let own = self.ask(Method::GET, "/v3/auth/projects", token, Value::Null).await.status;
        let others = self.validate(&self.admin, token).await.status;
        assert!([(200, 200), (401, 404)].contains(&(own, others)), "{own} {others}");
        own == 200
    }

    /// The id of a role by its name.
    pub async fn role(&self, name: &str) -> String {
        self.get(&format!("/v3/roles?name={name}")).await.body["roles"][0]["id"].as_str().unwrap().to_owned()
    }

    /// A new user of the default domain; the password is the name.
    pub async fn user(&self, name: &str) -> String {
        self.post("/v3/users", json!({"user": {"name": name, "password": name}})).await.id("user")
    }

    /// A new project of the default domain.
    pub async fn project(&self, name: &str) -> String {
        self.post("/v3/projects", json!({"project": {"name": name}})).await.id("project")
    }
}

/// The body that asks for a token by password; a null scope is none.
pub fn login(user: &str, password: &str, scope: Value) -> Value {
    let user = json!({"name": user, "password": password, "domain": {"id": "default"}});
    let mut body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}});
    if !scope.is_null() {
        body["auth"]["scope"] = scope;
    }
    body
}

/// A scope: a project of the default domain.
pub fn project(name: &str) -> Value {
    json!({"project": {"name": name, "domain": {"id": "default"}}})
}
