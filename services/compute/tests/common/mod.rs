//! A small cloud around the service: other services as fakes in memory, one host behind a real link, a real site.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod host;
pub mod neighbours;

use compute::{Compute, MIGRATIONS, Parts, Settings};
use fault::Fault;
use host::FakeHost;
use neighbours::{Directory, Gallery, Shelf, Wires};
use policy::{Policy, Who};
use reconcile::Engine;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use store::testing::Fixture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use web::Site;

/// How long is waited for what has to come: a machine that is busy with other things is slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// The image that every test boots.
pub const IMAGE: &str = "11111111-0000-4000-8000-000000000001";
/// The network that every test uses.
pub const NETWORK: &str = "22222222-0000-4000-8000-000000000001";

pub struct Cloud {
    pub compute: Arc<Compute>,
    pub wires: Arc<Wires>,
    pub shelf: Arc<Shelf>,
    pub agents: link::Agents,
    pub host: Arc<FakeHost>,
    pub fixture: Fixture,
    pub address: std::net::SocketAddr,
    engine: Engine,
}

/// What came back.
#[derive(Debug)]
pub struct Back {
    pub status: u16,
    pub headers: String,
    pub body: Value,
    pub raw: Vec<u8>,
}

struct Tokens;

#[async_trait::async_trait]
impl web::Authenticate for Tokens {
    async fn who(&self, token: &str) -> Result<Option<Arc<Who>>, Fault> {
        let mut words = token.split('-');
        let (Some(role), Some(project)) = (words.next(), words.next()) else { return Ok(None) };
        let roles: &[&str] = match role {
            "admin" => &["admin", "manager", "member", "reader"],
            "manager" => &["manager", "member", "reader"],
            "member" => &["member", "reader"],
            "reader" => &["reader"],
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(Who {
            user_id: format!("{role}-of-{project}"),
            project_id: (project != "system").then(|| project.to_owned()),
            system: project == "system",
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            ..Who::default()
        })))
    }
}

impl Cloud {
    /// A cloud with one host of this size that is here already.
    pub async fn new() -> Self {
        Self::sized(8, 16384).await
    }

    pub async fn sized(vcpus: u32, memory_mib: u64) -> Self {
        let cloud = Self::empty(store::testing::chosen(), FakeHost::new("one", vcpus, memory_mib)).await;
        cloud.join().await;
        cloud
    }

    pub async fn empty(fixture: Fixture, host: Arc<FakeHost>) -> Self {
        let db = fixture.db.clone();
        reconcile::migrate(&db).unwrap();
        db.migrate("compute", MIGRATIONS).unwrap();
        let agents = link::Agents::default();
        let (wires, shelf) = (Arc::new(Wires::default()), Arc::new(Shelf::default()));
        let compute = Compute::new(Parts {
            db: db.clone(),
            agents: agents.clone(),
            identity: Arc::new(Directory),
            images: Arc::new(Gallery),
            networks: wires.clone(),
            placement: shelf.clone(),
            settings: Settings { console_url: "http://cloud/console".into(), ..Settings::default() },
        });
        let service = compute.clone();
        db.write_now(move |tx| service.bootstrap(tx)).unwrap();
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let owner = format!("start-{}", STARTS.fetch_add(1, Ordering::SeqCst));
        let engine =
            compute.reconcilers(Engine::new(db, fixture.clock.clone(), fixture.entropy.clone(), owner));
        tokio::spawn(compute.clone().follow());
        let address = serve(&compute, &fixture).await;
        Self { compute, wires, shelf, agents, host, fixture, address, engine }
    }

    /// The host dials in.
    pub async fn join(&self) {
        let (dial, piped) = link::pipe();
        tokio::spawn(link::accept_pipe(self.agents.clone(), piped));
        tokio::spawn(link::attend(dial, self.host.clone(), self.fixture.entropy.clone()));
        self.until("the host is known", || async {
            let back = self.get("admin-p", "/v2.1/os-hypervisors", "2.1").await;
            back.body["hypervisors"].as_array().is_some_and(|all| !all.is_empty())
        })
        .await;
    }

    /// Lets reconciler and host work until nothing moves any more.
    pub async fn settle(&self) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let rounds = self.engine.run_until_quiet().await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
            if rounds == 0 && self.engine.run_until_quiet().await.unwrap() == 0 && self.host.quiet() {
                return;
            }
        }
        panic!("the cloud does not come to rest");
    }

    pub async fn until<F: Future<Output = bool>>(&self, what: &str, mut test: impl FnMut() -> F) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if test().await {
                return;
            }
            let _ = self.engine.run_until_quiet().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it never came that {what}");
    }

    pub async fn get(&self, token: &str, path: &str, version: &str) -> Back {
        self.call("GET", token, path, version, None).await
    }

    pub async fn post(&self, token: &str, path: &str, version: &str, body: Value) -> Back {
        self.call("POST", token, path, version, Some(body)).await
    }

    pub async fn put(&self, token: &str, path: &str, version: &str, body: Value) -> Back {
        self.call("PUT", token, path, version, Some(body)).await
    }

    pub async fn delete(&self, token: &str, path: &str, version: &str) -> Back {
        self.call("DELETE", token, path, version, None).await
    }

    pub async fn call(
        &self,
        method: &str,
        token: &str,
        path: &str,
        version: &str,
        body: Option<Value>,
    ) -> Back {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "{method} /compute{path} HTTP/1.1\r\nhost: cloud\r\nx-auth-token: {token}\r\nconnection: close\r\n\
             openstack-api-version: compute {version}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).await.unwrap();
        let text = String::from_utf8_lossy(&raw).into_owned();
        let (headers, rest) = text.split_once("\r\n\r\n").unwrap();
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        let body = serde_json::from_str(rest).unwrap_or(Value::Null);
        Back { status, headers: headers.to_lowercase(), body, raw: rest.as_bytes().to_vec() }
    }

    /// A server of the member of `p` that runs; answers its id.
    pub async fn server(&self, name: &str) -> String {
        let back = self.post("member-p", "/v2.1/servers", "2.37", create(name)).await;
        assert_eq!(back.status, 202, "{}", back.body);
        let id = back.body["server"]["id"].as_str().unwrap().to_owned();
        self.settle().await;
        assert_eq!(self.status(&id).await, "ACTIVE", "{}", self.show(&id).await);
        id
    }

    pub async fn show(&self, id: &str) -> Value {
        self.get("admin-p", &format!("/v2.1/servers/{id}"), "2.104").await.body["server"].clone()
    }

    pub async fn status(&self, id: &str) -> String {
        self.show(id).await["status"].as_str().unwrap_or("gone").to_owned()
    }

    pub async fn action(&self, token: &str, id: &str, body: Value) -> Back {
        self.post(token, &format!("/v2.1/servers/{id}/action"), "2.79", body).await
    }
}

/// The body of a usual create request.
pub fn create(name: &str) -> Value {
    serde_json::json!({"server": {"name": name, "imageRef": IMAGE, "flavorRef": "42", "networks": "auto"}})
}

async fn serve(compute: &Arc<Compute>, fixture: &Fixture) -> std::net::SocketAddr {
    let policy = Arc::new(Policy::of(&[compute::rules::ALL]).unwrap());
    let site =
        Site::new("http://cloud", Arc::new(Tokens), policy, fixture.clock.clone(), fixture.entropy.clone())
            .mount("/compute", compute::surface(compute.clone()).mounted().unwrap())
            .mount("/console", compute::console_surface(compute.clone()).mounted().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Arc::new(site).serve(listener, None, std::future::pending()));
    address
}
