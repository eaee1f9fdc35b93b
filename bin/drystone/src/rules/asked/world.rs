//! A cloud in this process in which everything is there twice: what is the personas' own, and what is a stranger's.

use super::bodies::Sent;
use super::names;
use crate::keep::Passwords;
use crate::rules::sweep::Thing;
use crate::settings::{Metal, Said, Settings};
use crate::wire_up;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt;
use kernel::{Clock, Entropy};
use metal::HostFacts;
use policy::{Policy, Who};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Db;
use web::Site;
use web::metrics::Requests;
use web::routes::Row;

/// Names of things by what they are for.
pub type Ids = HashMap<&'static str, String>;

/// What nothing is called.
pub const NOWHERE: &str = "ffffffffffffffffffffffffffffffff";

/// The microversion of compute that is asked at, where an operation has not ended before.
const NEWEST: &str = "2.90";

/// Somebody of the table's columns, who is here.
pub struct Persona {
    pub name: String,
    pub token: String,
    /// As each service's rules know him.
    pub(super) who: HashMap<&'static str, Arc<Who>>,
    /// What is his user's.
    pub(super) own: Ids,
}

impl Persona {
    pub fn who(&self, service: &str) -> &Who {
        &self.who[service]
    }
}

pub struct World {
    pub policy: Arc<Policy>,
    pub personas: Vec<Persona>,
    site: Arc<Site>,
    /// The token of the administrator who makes it all.
    pub(super) admin: String,
    pub(super) own: Ids,
    pub(super) strange: Ids,
    pub(super) shared: Ids,
    made: AtomicU64,
    _place: tempfile::TempDir,
}

impl World {
    pub async fn made() -> Self {
        let (mut world, password) = Self::empty();
        let scope = json!({"project": {"name": "admin", "domain": {"id": "default"}}});
        world.admin = world.token("admin", "default", &password, scope).await;
        world.furnish().await;
        world
    }

    /// A fresh cloud with a host that was there once, and the password of its administrator.
    fn empty() -> (Self, String) {
        let place = tempfile::tempdir().unwrap();
        let settings = Settings::of(Said {
            state_dir: Some(place.path().to_owned()),
            metal: Some(Metal::Sim),
            password_cost: Some(4),
            ..Said::default()
        });
        let (settings, clock, entropy) = (settings.unwrap(), Clock::system(), Entropy::seeded(1));
        let db = Db::open_memory(store::Parts { clock, entropy: entropy.clone() }).unwrap();
        let passwords = Passwords::make(place.path(), &entropy).unwrap();
        let policy = wire_up::policy().unwrap();
        let requests = Requests::register(&mut Registry::default());
        let url = "http://cloud.test";
        let made = wire_up::controller(db, &settings, url, Some(&passwords), requests, policy.clone(), None);
        let made = made.unwrap();
        let compute = made.compute.clone();
        let joined = move |tx: &store::Tx| {
            network::store::host::joined(tx, &host())?;
            compute.host_arrived(tx, &host())
        };
        made.db.write_now(joined).unwrap();
        let world = Self {
            policy,
            personas: Vec::new(),
            site: made.site,
            admin: String::new(),
            own: Ids::new(),
            strange: Ids::new(),
            shared: Ids::new(),
            made: AtomicU64::new(0),
            _place: place,
        };
        (world, passwords.admin.clone())
    }

    pub fn persona(&self, name: &str) -> &Persona {
        self.personas.iter().find(|persona| persona.name == name).unwrap()
    }

    /// What a thing of a kind is called here: the persona's own, a stranger's, or one that there is once.
    pub fn id(&self, noun: &str, persona: &Persona, thing: Thing) -> Option<String> {
        let side = match thing {
            Thing::Strange => self.strange.get(noun),
            _ => persona.own.get(noun).or_else(|| self.own.get(noun)),
        };
        side.or_else(|| self.shared.get(noun)).cloned()
    }

    /// The path of an operation, and whether there is all that it names.
    pub fn path(&self, service: &str, row: &Row, persona: &Persona, thing: Thing) -> (String, bool) {
        let (mut words, mut before, mut real) = (Vec::new(), "", true);
        for word in row.path.split('/') {
            if !word.starts_with('{') {
                before = word;
                words.push(word.to_owned());
                continue;
            }
            let id = self.id(names::noun(service, row, before, word), persona, thing);
            real &= id.is_some();
            words.push(id.unwrap_or_else(|| NOWHERE.to_owned()));
        }
        let mut path = words.join("/");
        if let Some((said, noun)) = names::query(service, row) {
            path = format!("{path}?{said}{}", self.id(noun, persona, thing).unwrap());
        }
        (path, real)
    }

    /// Asks, and gives status, subject token and body.
    pub async fn ask(&self, token: &str, sent: Sent) -> (u16, String, Value) {
        let number = format!("{:08}", self.made.fetch_add(1, Ordering::SeqCst));
        let body = match &sent.body {
            Value::Null => String::new(),
            body => body.to_string().replace('#', &number),
        };
        let service = sent.path.split('/').nth(1).unwrap_or_default().to_owned();
        let version = match (service.as_str(), sent.version) {
            ("placement", None) => "1.39".to_owned(),
            (_, version) => version.unwrap_or_else(|| NEWEST.to_owned()),
        };
        let request = Request::builder()
            .header("openstack-api-version", format!("{service} {version}"))
            .method(sent.method)
            .uri(sent.path)
            .header("x-auth-token", token)
            .header("x-subject-token", sent.subject.unwrap_or_default())
            .header("content-type", sent.kind)
            .body(Bytes::from(body));
        let answer = self.site.answer(request.unwrap()).await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let subject = headers.get("x-subject-token").map(|token| token.to_str().unwrap().to_owned());
        (status, subject.unwrap_or_default(), serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Does something that must work.
    pub(super) async fn done(&self, token: &str, method: Method, path: &str, body: Value) -> Value {
        let sent = Sent { method, path: path.to_owned(), body, ..Sent::default() };
        let (status, _, body) = self.ask(token, sent.clone()).await;
        assert!((200..300).contains(&status), "{sent:?}: {status} {body}");
        body
    }

    pub(super) async fn token(&self, user: &str, domain: &str, password: &str, scope: Value) -> String {
        let user = json!({"name": user, "domain": {"id": domain}, "password": password});
        let mut auth = json!({"identity": {"methods": ["password"], "password": {"user": user}}});
        if !scope.is_null() {
            auth["scope"] = scope;
        }
        let (method, path) = (Method::POST, "/identity/v3/auth/tokens".to_owned());
        let (status, token, body) =
            self.ask("", Sent { method, path, body: json!({"auth": auth}), ..Sent::default() }).await;
        assert_eq!(status, 201, "{body}");
        token
    }
}

fn host() -> HostFacts {
    HostFacts {
        name: "host".into(),
        id: "5b6f6c3e-3b8a-4b9e-9a4e-0d6f8f1f2a30".into(),
        version: "0".into(),
        epoch: 1,
        metal: "sim".into(),
        vcpus: 2,
        memory_mib: 1024,
        disk_gib: 10,
        disk_free_gib: 9,
        acceleration: "sim".into(),
        hypervisor: "sim".into(),
        hypervisor_version: 1,
        cpu_info: "{}".into(),
        address: "127.0.0.1".into(),
        physical_networks: vec!["public".into()],
        traits: Vec::new(),
    }
}
