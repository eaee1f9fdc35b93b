//! A network service with a store in memory, a host over the link's pipe, and clients by persona.

mod host;

pub use host::Held;

use bytes::Bytes;
use fault::Fault;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kernel::{Clock, Entropy};
use network::{Network, Parts, Settings};
use policy::{Policy, Who};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::testing::Fixture;
use tokio::net::{TcpListener, TcpStream};
use web::{Authenticate, Site};

/// How long is waited for what has to come: a machine that is busy with other things is slow.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub struct Cloud {
    pub address: SocketAddr,
    pub service: Arc<Network>,
    pub fixture: Fixture,
    pub host: Arc<Held>,
    pub engine: reconcile::Engine,
    pub agents: link::Agents,
    pub policy: Arc<Policy>,
}

/// An answer: status and body, and why it refuses.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub body: Value,
    pub explained: String,
}

impl Told {
    /// The body of one thing, which must have been given.
    #[track_caller]
    pub fn one(self, noun: &str) -> Value {
        assert!(self.status < 300, "{self:?}");
        self.body[noun].clone()
    }

    /// The ids of a list.
    #[track_caller]
    pub fn ids(&self, nouns: &str) -> Vec<String> {
        let list = self.body[nouns].as_array().unwrap_or_else(|| panic!("{self:?}"));
        list.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Status, type and message of an error.
    pub fn error(&self) -> (u16, &str, &str) {
        let error = &self.body["NeutronError"];
        (self.status, error["type"].as_str().unwrap_or(""), error["message"].as_str().unwrap_or(""))
    }
}

/// Tokens are `project:role,role`, or `system:role,role`.
struct ByToken;

#[async_trait::async_trait]
impl Authenticate for ByToken {
    async fn who(&self, token: &str) -> Result<Option<Arc<Who>>, Fault> {
        let Some((project, roles)) = token.split_once(':') else { return Ok(None) };
        let mut names: Vec<String> = roles.split(',').map(str::to_owned).collect();
        for (role, implied) in [("admin", "manager"), ("manager", "member"), ("member", "reader")] {
            if names.iter().any(|name| name == role) {
                names.push(implied.into());
            }
        }
        let system = project == "system";
        let project_id = (!system).then(|| project.to_owned());
        Ok(Some(Arc::new(Who { user_id: "u".into(), project_id, system, roles: names, ..Who::default() })))
    }
}

/// The projects `admin` and `demo`.
struct Projects;

impl contract::Identity for Projects {
    fn has_project(&self, _: &store::Tx, _: &str) -> Result<bool, Fault> {
        Ok(true)
    }

    fn has_user(&self, _: &store::Tx, _: &str) -> Result<bool, Fault> {
        Ok(true)
    }

    fn project_named(&self, _: &store::Tx, name: &str) -> Result<Option<String>, Fault> {
        let token = if name == "admin" { ADMIN } else { DEMO };
        Ok(token.split(':').next().map(str::to_owned))
    }
}

pub const ADMIN: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:admin";
pub const DEMO: &str = "dddddddddddddddddddddddddddddddd:member";
pub const READER: &str = "dddddddddddddddddddddddddddddddd:reader";
pub const MANAGER: &str = "dddddddddddddddddddddddddddddddd:manager";
pub const SYSTEM: &str = "system:admin";
pub const SERVICE: &str = "ffffffffffffffffffffffffffffffff:service";
pub const STRANGER: &str = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee:member";

impl Cloud {
    pub async fn start() -> Self {
        Self::on("127.0.0.1:0").await
    }

    pub async fn on(listen: &str) -> Self {
        let fixture = store::testing::chosen();
        Self::with(listen, fixture, Settings::default()).await
    }

    pub async fn with(listen: &str, fixture: Fixture, settings: Settings) -> Self {
        let db = fixture.db.clone();
        let agents = link::Agents::default();
        let service = service(&fixture, &agents, settings);
        let host = Held::join(&agents).await;
        tokio::spawn(service.clone().follow());
        let engine = reconcile::Engine::new(db, fixture.clock.clone(), fixture.entropy.clone(), "test");
        let engine = service.reconcilers(engine);
        let listener = TcpListener::bind(listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let policy = Arc::new(Policy::of(&[network::rules::ALL]).unwrap());
        let site = Site::new(
            &format!("http://{address}"),
            Arc::new(ByToken),
            policy.clone(),
            Clock::system(),
            Entropy::seeded(7),
        )
        .mount("/network", network::surface(service.clone()).mounted().unwrap());
        tokio::spawn(Arc::new(site).serve(listener, None, std::future::pending()));
        Self { address, service, fixture, host, engine, agents, policy }
    }

    /// Lets the reconcilers and the host do all that is due, and takes the reports in.
    pub async fn settle(&self) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            self.engine.run_until_quiet().await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
            let heard = self.host.is_heard(&self.fixture.db);
            if heard && !self.engine.step().await.unwrap() && self.host.is_quiet() {
                return;
            }
        }
    }

    pub async fn ask(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Told {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let uri = format!("http://{}/network{path}", self.address);
        let mut request = http::Request::builder().method(method).uri(uri);
        if !token.is_empty() {
            request = request.header("x-auth-token", token);
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let status = answer.status().as_u16();
        let explained = answer.headers().get("x-drystone-explain");
        let explained = explained.map(|told| told.to_str().unwrap().to_owned()).unwrap_or_default();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        Told { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null), explained }
    }

    pub async fn get(&self, token: &str, path: &str) -> Told {
        self.ask(token, "GET", path, None).await
    }

    pub async fn post(&self, token: &str, path: &str, body: Value) -> Told {
        self.ask(token, "POST", path, Some(body)).await
    }

    pub async fn put(&self, token: &str, path: &str, body: Value) -> Told {
        self.ask(token, "PUT", path, Some(body)).await
    }

    pub async fn delete(&self, token: &str, path: &str) -> Told {
        self.ask(token, "DELETE", path, None).await
    }
}

/// The service over a fresh store, bootstrapped.
fn service(fixture: &Fixture, agents: &link::Agents, settings: Settings) -> Arc<Network> {
    let db = &fixture.db;
    reconcile::migrate(db).unwrap();
    let service = Network::new(Parts {
        db: db.clone(),
        agents: agents.clone(),
        identity: Arc::new(Projects),
        policy: Arc::new(Policy::of(&[network::rules::ALL]).unwrap()),
        settings,
    })
    .unwrap();
    let first = service.clone();
    db.write_now(move |tx| first.bootstrap(tx, network::Settings::default().external)).unwrap();
    service
}

/// A service and a host without the wire, made from where nothing can be awaited.
pub fn bare() -> (Fixture, Arc<Network>, Arc<Held>) {
    let fixture = store::testing::sqlite();
    let agents = link::Agents::default();
    let service = service(&fixture, &agents, Settings::default());
    let host =
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(Held::join(&agents)));
    tokio::spawn(service.clone().follow());
    (fixture, service, host)
}
