//! Logging in by federation over the wire, with a provider of OpenID Connect that the test itself is.

use crate::federation::{MAPPINGS, PROVIDERS};
use crate::import;
use crate::rig::{Cloud, LIFE, Told, project};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use identity::oidc::Relation;
use identity::settings::{Federation, Settings};
use kernel::Micros;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

const DASHBOARD: &str = "https://dashboard/auth/websso/";
const AUTH: &str = "/v3/OS-FEDERATION/identity_providers/corp/protocols/openid/auth";

/// The cloud as a client of the provider: `cloud:a secret`.
const CLIENT: &str = "Basic Y2xvdWQ6YSUyMHNlY3JldA==";

/// A provider: it signs tokens, and answers questions about such as say nothing themselves.
#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    pair: Arc<EcdsaKeyPair>,
    /// What it answers instead of what is usual, by path; without a status, nothing ever.
    said: Arc<Mutex<BTreeMap<String, (u16, Bytes)>>>,
    /// The paths that it was asked, in their order.
    asked: Arc<Mutex<Vec<String>>>,
}

pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn pair() -> Arc<EcdsaKeyPair> {
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    Arc::new(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random).unwrap())
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let own = Self { issuer, pair: pair(), said: Arc::default(), asked: Arc::default() };
        let pages = own.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let pages = pages.clone();
                let service = service_fn(move |request| answer(pages.clone(), request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        own
    }

    /// The same with another key, of which nobody knows yet.
    pub fn with_a_new_key(&self) -> Self {
        Self { pair: pair(), ..self.clone() }
    }

    /// Answers this at a path from now on.
    pub fn says(&self, path: &str, status: u16, body: impl Into<Bytes>) {
        self.said.lock().unwrap().insert(path.to_owned(), (status, body.into()));
    }

    /// Answers as usual again.
    pub fn recovers(&self) {
        self.said.lock().unwrap().clear();
    }

    /// How often it was asked this.
    pub fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|own| *own == path).count()
    }

    /// What it says of itself, with `more` over it.
    pub fn document(&self, more: Value) -> Value {
        let issuer = &self.issuer;
        let mut document = json!({
            "issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
            "introspection_endpoint": format!("{issuer}/introspect"), "userinfo_endpoint": format!("{issuer}/me"),
            "authorization_endpoint": format!("{issuer}/door"), "token_endpoint": format!("{issuer}/token"),
        });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        document
    }

    /// The key as it is shown to everybody.
    pub fn key(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": encoded(&point[1..33]), "y": encoded(&point[33..])})
    }

    /// A signed token; `more` goes over what is usual.
    pub fn token(&self, now: Micros, more: Value) -> String {
        let seconds = now.0 / 1_000_000;
        let mut claims = json!({
            "iss": self.issuer, "sub": "248", "aud": "cloud", "exp": seconds + 600, "email": "ann@example.org",
            "preferred_username": "ann", "groups": ["staff", "ops"],
        });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let signed = format!("{}.{}", encoded(r#"{"alg":"ES256","kid":"k"}"#), encoded(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encoded(signature))
    }
}

/// Redeems a code that is the nonce and the challenge of whoever asked for it.
fn redeem(own: &Provider, form: &str) -> Value {
    let query = web::Query::parse(form);
    let (nonce, challenge) = query.get("code").unwrap().split_once('~').unwrap();
    let verifier = query.get("code_verifier").unwrap();
    if encoded(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes())) != challenge {
        return json!({"error": "invalid_grant"});
    }
    assert!(query.get("redirect_uri").unwrap().ends_with("/oidc/callback"));
    let now = Micros(3_000_000_000_000_000);
    json!({"access_token": "opaque", "id_token": own.token(now, json!({"nonce": nonce}))})
}

async fn answer(own: Provider, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let given = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let path = request.uri().path().to_owned();
    own.asked.lock().unwrap().push(path.clone());
    let said = own.said.lock().unwrap().get(&path).cloned();
    if let Some((status, body)) = said {
        let Ok(answer) = Response::builder().status(status).body(Full::new(body)) else {
            return std::future::pending().await;
        };
        return Ok(answer);
    }
    let form = request.into_body().collect().await.unwrap().to_bytes();
    let body = match path.as_str() {
        "/.well-known/openid-configuration" => own.document(json!({})),
        "/keys" => json!({"keys": [{"kty": "oct", "k": "c2VjcmV0"}, own.key()]}),
        "/introspect" if given.as_deref() == Some(CLIENT) => {
            let known = form.starts_with(b"token=opaque&");
            json!({"active": known, "sub": "248", "client_id": "cloud", "exp": 4_000_000_000_i64})
        }
        "/token" if given.as_deref() == Some(CLIENT) => redeem(&own, std::str::from_utf8(&form).unwrap()),
        "/me" if given.as_deref() == Some("Bearer opaque") => {
            json!({"sub": "248", "preferred_username": "ann", "groups": "staff"})
        }
        _ => return Ok(Response::builder().status(401).body(Full::default()).unwrap()),
    };
    Ok(Response::new(Full::from(body.to_string())))
}

/// A cloud that relies on a provider.
pub struct Relying {
    pub cloud: Cloud,
    pub provider: Provider,
    pub staff: String,
}

impl Relying {
    pub async fn on(fixture: store::testing::Fixture) -> Self {
        Self::with(fixture, Settings::default()).await
    }

    pub async fn with(fixture: store::testing::Fixture, settings: Settings) -> Self {
        let provider = Provider::start().await;
        let relation = Relation {
            identity_provider: "corp".into(),
            protocol: "openid".into(),
            issuer: provider.issuer.clone(),
            client_id: "cloud".into(),
            client_secret: "a secret".to_owned().into(),
            audiences: vec!["cli".into()],
            scopes: "openid".into(),
            remote_user_claim: "sub".into(),
            ca_file: None,
        };
        let federation = Federation {
            authorization_ttl: Duration::ZERO,
            trusted_dashboards: vec![DASHBOARD.into()],
            relations: vec![relation],
        };
        let cloud = Cloud::with(fixture, Settings { token_life: LIFE, federation, ..settings }).await;
        let group = json!({"group": {"name": "staff"}});
        let staff = cloud.post("/v3/groups", group).await.id("group");
        let place = cloud.get("/v3/projects?name=demo").await.each("projects", "id").remove(0);
        let reader = cloud.role("reader").await;
        cloud.put(&format!("/v3/projects/{place}/groups/{staff}/roles/{reader}")).await;
        let idp = json!({"identity_provider": {"enabled": true, "remote_ids": [provider.issuer], "domain_id": "default"}});
        cloud.put_as(&format!("{PROVIDERS}/corp"), idp).await.one("identity_provider");
        let relying = Self { cloud, provider, staff };
        relying.map(PUT, "1.0", json!({})).await;
        let protocol = json!({"protocol": {"mapping_id": "m", "remote_id_attribute": "HTTP_OIDC_ISS"}});
        relying.cloud.put_as(&format!("{PROVIDERS}/corp/protocols/openid"), protocol).await.one("protocol");
        relying
    }

    pub async fn start() -> Self {
        Self::on(store::testing::chosen()).await
    }

    /// Sets the mapping: users by their subject, groups by name, and `more`.
    async fn map(&self, method: Method, version: &str, more: Value) {
        let user = json!({"user": {"id": "{0}", "name": "{1}", "email": "{0}@corp"}});
        let groups = json!({"groups": "{2}", "domain": {"id": "default"}});
        let remote = json!([{"type": "OIDC-sub"}, {"type": "OIDC-preferred_username"}, {"type": "OIDC-groups", "blacklist": ["none"]}]);
        let rules = json!([{"local": [user, groups, more], "remote": remote}]);
        let body = json!({"mapping": {"rules": rules, "schema_version": version}});
        self.cloud.ask(method, &format!("{MAPPINGS}/m"), &self.cloud.admin, body).await.one("mapping");
    }

    pub async fn log_in(&self, token: &str) -> Told {
        self.cloud.raw(Method::GET, AUTH, &[("authorization", &format!("Bearer {token}"))], b"").await
    }

    /// A token for somebody of whom the provider says this, too.
    pub async fn entered(&self, more: Value) -> (String, Value) {
        let told = self.log_in(&self.provider.token(self.cloud.fixture.clock.now(), more)).await;
        (told.header("x-subject-token").to_owned(), told.one("token"))
    }

    pub async fn scoped(&self, token: &str, scope: Value) -> Told {
        let identity = json!({"methods": ["token"], "token": {"id": token}});
        self.cloud.authenticate(json!({"auth": {"identity": identity, "scope": scope}})).await
    }
}

const PUT: Method = Method::PUT;

#[tokio::test]
async fn whom_a_provider_vouches_for_logs_in_and_works_by_its_groups() {
    for fixture in store::testing::databases() {
        let relying = Relying::on(fixture).await;
        let cloud = &relying.cloud;
        let (token, body) = relying.entered(json!({})).await;
        assert_eq!(body["methods"], json!(["openid"]));
        let user = &body["user"];
        assert_eq!((&user["name"], user.get("password_expires_at")), (&json!("ann"), None));
        let vouched = json!({"groups": [{"id": relying.staff}], "identity_provider": {"id": "corp"}, "protocol": {"id": "openid"}});
        assert_eq!(user["OS-FEDERATION"], vouched);
        for own in ["/v3/OS-FEDERATION/projects", "/v3/auth/projects"] {
            let mine = cloud.ask(Method::GET, own, &token, Value::Null).await;
            assert_eq!(mine.each("projects", "name"), ["demo"]);
        }
        let scoped = relying.scoped(&token, project("demo")).await;
        let text = scoped.header("x-subject-token").to_owned();
        let role = &scoped.one("token")["roles"][0];
        assert_eq!((&role["name"], &role["options"]), (&json!("reader"), &json!({"immutable": true})));
        assert_eq!(cloud.validate(&cloud.admin, &text).await.one("token")["user"]["OS-FEDERATION"], vouched);
        let id = user["id"].as_str().unwrap();
        assert_eq!(id.len(), 64);
        let shown = cloud.get(&format!("/v3/users/{id}")).await.one("user");
        let known = json!([{"idp_id": "corp", "protocols": [{"protocol_id": "openid", "unique_id": "248"}]}]);
        assert_eq!(
            (&shown["name"], &shown["email"], &shown["federated"]),
            (&json!("ann"), &json!("248@corp"), &known)
        );
        let changed =
            cloud.patch(&format!("/v3/users/{id}"), json!({"user": {"description": "d"}})).await.one("user");
        assert_eq!((&changed["description"], &changed["federated"]), (&json!("d"), &known));
        for (query, found) in [
            ("idp_id=corp", 1),
            ("idp_id=corp&protocol_id=openid&unique_id=248", 1),
            ("idp_id=other", 0),
            ("protocol_id=saml2", 0),
            ("unique_id=2", 0),
        ] {
            let all = cloud.get(&format!("/v3/users?{query}")).await.each("users", "name");
            assert_eq!(all.len(), found, "{query}: {all:?}");
        }
        let groups = cloud.get(&format!("/v3/users/{id}/groups")).await;
        assert!(groups.body["groups"][0]["membership_expires_at"].is_string(), "{groups:?}");
        let nobody =
            relying.provider.token(cloud.fixture.clock.now(), json!({"sub": "", "preferred_username": ""}));
        assert_eq!(relying.log_in(&nobody).await.status, 401, "who is called nothing is nobody");
        // Somebody else may be called the same, and another time one may be called otherwise.
        let (_, other) = relying.entered(json!({"sub": "249"})).await;
        assert_eq!(other["user"]["name"], "ann");
        let (_, again) = relying.entered(json!({"preferred_username": "annie"})).await;
        assert_eq!((&again["user"]["id"], &again["user"]["name"]), (&json!(id), &json!("annie")));
        assert_eq!(
            cloud
                .patch(&format!("{PROVIDERS}/corp"), json!({"identity_provider": {"enabled": false}}))
                .await
                .status,
            200
        );
        assert!(!cloud.valid(&token).await && !cloud.valid(&text).await, "whose provider is off is out");
        assert_eq!(cloud.delete(&format!("{PROVIDERS}/corp")).await.status, 204);
        assert_eq!(cloud.get(&format!("/v3/users/{id}")).await.status, 404, "nobody vouches for it any more");
    }
}

#[tokio::test]
async fn a_token_counts_only_from_the_provider_and_for_a_client_of_ours() {
    let relying = Relying::start().await;
    let now = relying.cloud.fixture.clock.now();
    let seconds = now.0 / 1_000_000;
    assert_eq!(
        relying.log_in(&relying.provider.token(now, json!({"aud": ["other", "cli"]}))).await.status,
        201
    );
    for more in [
        json!({"aud": "calendar"}),
        json!({"aud": null}),
        json!({"iss": "https://elsewhere"}),
        json!({"exp": seconds - 100}),
        json!({"exp": null}),
        json!({"nbf": seconds + 100}),
    ] {
        assert_eq!(relying.log_in(&relying.provider.token(now, more.clone())).await.status, 401, "{more}");
    }
    let stranger = relying.provider.with_a_new_key();
    assert_eq!(relying.log_in(&stranger.token(now, json!({}))).await.status, 401);
    let unsigned = format!("{}.{}.", encoded(r#"{"alg":"none"}"#), encoded(r#"{"sub":"248","aud":"cloud"}"#));
    for text in [unsigned.as_str(), "", "other", "a.b.c", &"x".repeat(20_000)] {
        assert_eq!(relying.log_in(text).await.status, 401, "{}", text.len());
    }
    let opaque = relying.log_in("opaque").await;
    assert_eq!(opaque.one("token")["user"]["name"], "ann", "the provider says so when it is asked");
    let no_token = relying.cloud.raw(Method::POST, AUTH, &[], b"").await;
    assert_eq!(no_token.status, 401);
    let elsewhere = AUTH.replace("corp", "other");
    let headers = [("authorization", "Bearer opaque")];
    assert_eq!(relying.cloud.raw(Method::GET, &elsewhere, &headers, b"").await.status, 404);
    let change = json!({"identity_provider": {"remote_ids": ["https://elsewhere"]}});
    relying.cloud.patch(&format!("{PROVIDERS}/corp"), change).await.one("identity_provider");
    assert_eq!(relying.log_in("opaque").await.status, 403, "the provider is not who it is taken for");
}

#[tokio::test]
async fn memberships_end_when_the_provider_says_nothing_of_them_any_more() {
    let relying = Relying::start().await;
    let cloud = &relying.cloud;
    let change = json!({"identity_provider": {"authorization_ttl": 5}});
    cloud.patch(&format!("{PROVIDERS}/corp"), change).await.one("identity_provider");
    let (token, _) = relying.entered(json!({})).await;
    let scoped = relying.scoped(&token, project("demo")).await.header("x-subject-token").to_owned();
    assert!(cloud.valid(&scoped).await);
    cloud.fixture.clock.advance(Duration::from_secs(301));
    assert!(!cloud.valid(&scoped).await, "the membership is over, and with it the role");
    assert!(cloud.valid(&token).await);
    let (token, _) = relying.entered(json!({})).await;
    assert_eq!(
        relying.scoped(&token, project("demo")).await.status,
        201,
        "and comes back with the next login"
    );
    let (token, body) = relying.entered(json!({"groups": ["ops"]})).await;
    assert_eq!(body["user"]["OS-FEDERATION"]["groups"], json!([]));
    assert_eq!(relying.scoped(&token, project("demo")).await.status, 401);
}

#[tokio::test]
async fn a_mapping_makes_projects_and_takes_back_what_the_provider_does_not_say_any_more() {
    let relying = Relying::start().await;
    let one = |role: &str| json!([{"name": "of-{1}", "roles": [{"name": role}]}]);
    relying.map(Method::PATCH, "3.0", json!({"projects": one("member"), "domain": {"id": "default"}})).await;
    let (token, body) = relying.entered(json!({})).await;
    let roles = |told: Told| told.each_role();
    let all = roles(relying.scoped(&token, project("of-ann")).await);
    assert_eq!(all, ["member", "reader"]);
    relying.map(Method::PATCH, "3.0", json!({"projects": one("reader"), "domain": {"id": "default"}})).await;
    let (token, _) = relying.entered(json!({})).await;
    assert_eq!(roles(relying.scoped(&token, project("of-ann")).await), ["reader"]);
    relying.map(Method::PATCH, "3.0", json!({"projects": one("nobody"), "domain": {"id": "default"}})).await;
    let now = relying.cloud.fixture.clock.now();
    let told = relying.log_in(&relying.provider.token(now, json!({}))).await;
    assert_eq!((told.status, told.message()), (404, "Could not find role: nobody."));
    assert!(body["user"]["id"].is_string());
    let named =
        json!({"projects": [{"name": "{1}", "roles": [{"name": "member"}]}], "domain": {"id": "default"}});
    relying.map(Method::PATCH, "3.0", named).await;
    let long = "x".repeat(65);
    for (name, status) in [("of a name", 201), (long.as_str(), 400)] {
        let said = json!({"preferred_username": name});
        assert_eq!(relying.log_in(&relying.provider.token(now, said)).await.status, status, "{name}");
    }
}

#[tokio::test]
async fn one_of_our_own_users_may_come_by_a_provider() {
    let relying = Relying::start().await;
    let map = async |mut user: Value| {
        user["type"] = json!("local");
        let rules = json!([{"local": [{"user": user}], "remote": [{"type": "OIDC-preferred_username"}]}]);
        let body = json!({"mapping": {"rules": rules}});
        relying.cloud.patch(&format!("{MAPPINGS}/m"), body).await.one("mapping");
    };
    map(json!({"name": "{0}", "domain": {"id": "default"}})).await;
    let (token, body) = relying.entered(json!({"preferred_username": "demo"})).await;
    assert_eq!(body["user"]["name"], "demo");
    assert!(body["user"].get("OS-FEDERATION").is_none());
    assert!(relying.cloud.valid(&token).await);
    let now = relying.cloud.fixture.clock.now();
    let nobody = relying.provider.token(now, json!({"preferred_username": "nobody"}));
    assert_eq!(relying.log_in(&nobody).await.status, 401);
    let demo = relying.provider.token(now, json!({"preferred_username": "demo"}));
    map(json!({"name": "{0}", "domain": {"name": "nowhere"}})).await;
    assert_eq!(relying.log_in(&demo).await.status, 401);
    map(json!({"name": "{0}"})).await;
    let homeless = relying.log_in(&demo).await;
    assert_eq!(homeless.status, 400);
    assert!(homeless.message().starts_with("Expecting to find domain in user."), "{homeless:?}");
}

#[tokio::test]
async fn a_provider_s_word_may_be_a_part_of_what_is_asked() {
    let relying = Relying::start().await;
    let (_, body) = relying.entered(json!({})).await;
    let user = format!("/v3/users/{}", body["user"]["id"].as_str().unwrap());
    let rules = async |rules: Value| {
        let options = json!({"user": {"options": {"multi_factor_auth_rules": rules}}});
        relying.cloud.patch(&user, options).await.one("user");
        relying.log_in(&relying.provider.token(relying.cloud.fixture.clock.now(), json!({}))).await
    };
    let part = rules(json!([["openid", "totp"]])).await;
    assert_eq!(part.status, 401);
    assert_eq!(part.body["required_auth_methods"], json!([["openid", "totp"]]));
    assert!(!part.header("openstack-auth-receipt").is_empty());
    assert_eq!(rules(json!([["password"]])).await.status, 401);
    assert_eq!(rules(json!([["openid"], ["password"]])).await.status, 201);
}

impl Told {
    /// The names of the roles of a token, sorted.
    fn each_role(&self) -> Vec<String> {
        let mut all: Vec<String> = self.one("token")["roles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|role| role["name"].as_str().unwrap().to_owned())
            .collect();
        all.sort();
        all
    }
}

/// A browser that was sent to the provider: the cookie, and what the cloud asked for.
pub async fn sent(cloud: &Cloud, path: &str) -> (String, web::Query) {
    let path = format!("{path}?origin={}", web::ask::encoded(DASHBOARD));
    let told = cloud.raw(Method::GET, &path, &[], b"").await;
    assert_eq!(told.status, 302, "{told:?}");
    let (door, asked) = told.header("location").split_once('?').unwrap();
    assert!(door.ends_with("/door"));
    let cookie = told.header("set-cookie").split(';').next().unwrap().to_owned();
    (cookie, web::Query::parse(asked))
}

/// Where a browser comes back to.
pub fn back(state: &str, code: &str) -> String {
    format!("/v3/auth/OS-FEDERATION/oidc/callback?state={state}&code={code}")
}

#[tokio::test]
async fn a_browser_logs_in_and_takes_a_token_to_its_dashboard() {
    let relying = Relying::start().await;
    let cloud = &relying.cloud;
    let by_provider = "/v3/auth/OS-FEDERATION/identity_providers/corp/protocols/openid/websso";
    for path in ["/v3/auth/OS-FEDERATION/websso/openid", by_provider] {
        let (cookie, asked) = sent(cloud, path).await;
        let got = |name: &str| asked.get(name).unwrap().to_owned();
        assert_eq!([got("client_id"), got("response_type")], ["cloud", "code"]);
        assert_eq!(got("code_challenge_method"), "S256");
        let code = format!("{}~{}", got("nonce"), got("code_challenge"));
        let state = got("state");
        let (other, _) = sent(cloud, path).await;
        let (no_proof, no_nonce) =
            (format!("{}~other", got("nonce")), format!("other~{}", got("code_challenge")));
        for (cookie, state, code) in [
            ("", state.as_str(), &code),
            (&other, &state, &code),
            ("drystone_websso=gAAAAA", &state, &code),
            (&cookie, "other", &code),
            (&cookie, &state, &no_proof),
            (&cookie, &state, &no_nonce),
        ] {
            let told = cloud.raw(Method::GET, &back(state, code), &[("cookie", cookie)], b"").await;
            assert_eq!(told.status, 401, "{cookie} {state} {code}");
        }
        let told = cloud.raw(Method::GET, &back(&state, &code), &[("cookie", &cookie)], b"").await;
        assert_eq!((told.status, told.header("cache-control")), (200, "no-store"), "{told:?}");
        let page = String::from_utf8(told.bytes.to_vec()).unwrap();
        assert!(page.contains(&format!("action=\"{DASHBOARD}\" method=\"post\"")), "{page}");
        let token = page.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(cloud.validate(&cloud.admin, token).await.one("token")["user"]["name"], "ann");
        cloud.fixture.clock.advance(Duration::from_secs(601));
        let late = cloud.raw(Method::GET, &back(&state, &code), &[("cookie", &cookie)], b"").await;
        assert_eq!(late.status, 401, "too late");
    }
}

#[tokio::test]
async fn a_token_goes_only_to_dashboards_that_are_trusted() {
    let relying = Relying::start().await;
    for (query, status) in [("", 400), ("?origin=", 400), ("?origin=https://elsewhere/", 401)] {
        let path = format!("/v3/auth/OS-FEDERATION/websso/openid{query}");
        assert_eq!(relying.cloud.raw(Method::GET, &path, &[], b"").await.status, status, "{query}");
    }
    let path = format!("/v3/auth/OS-FEDERATION/websso/saml2?origin={DASHBOARD}");
    assert_eq!(relying.cloud.raw(Method::GET, &path, &[], b"").await.status, 401);
}

#[tokio::test]
async fn whom_a_keystone_knew_by_a_provider_is_the_same_here() {
    for fixture in store::testing::databases() {
        let relying = Relying::on(fixture).await;
        let report = import::take(&relying.cloud, &import::renaming()).unwrap();
        assert_eq!(report.counts["identity providers"].changed, 1, "it has the remote ids from there");
        let change = json!({"identity_provider": {"remote_ids": [relying.provider.issuer]}});
        relying.cloud.patch(&format!("{PROVIDERS}/corp"), change).await.one("identity_provider");
        relying.map(Method::PATCH, "1.0", json!({})).await;
        let (_, body) = relying.entered(json!({})).await;
        assert_eq!((&body["user"]["id"], &body["user"]["name"]), (&json!(import::FEDERATED), &json!("ann")));
        let (_, body) = relying.entered(json!({"sub": "7", "preferred_username": "annie"})).await;
        let own = (&json!(import::ANN), &json!("ann"));
        assert_eq!((&body["user"]["id"], &body["user"]["name"]), own, "who has a name of her own keeps it");
    }
}
