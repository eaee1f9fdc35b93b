//! OAuth 1.0 over the wire: a program gets from its key to a token of a user who lent it roles, and no further.

use crate::import;
use crate::rig::{Cloud, NOWHERE, Told, project};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use identity::model::token::Provider;
use identity::settings::Settings;
use serde_json::{Value, json};
use sha1::Sha1;
use std::time::Duration;
use web::ask::encoded;

/// A program, and what it was given last.
struct Program {
    key: String,
    secret: String,
    token: String,
    token_secret: String,
}

impl Program {
    async fn entered(cloud: &Cloud) -> Self {
        let body = json!({"consumer": {"description": "printer"}});
        let made = cloud.post("/v3/OS-OAUTH1/consumers", body).await.one("consumer");
        let word = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { key: word("id"), secret: word("secret"), token: String::new(), token_secret: String::new() }
    }

    /// The header of a signed request.
    fn header(&self, cloud: &Cloud, address: &str, more: &[(&str, &str)]) -> String {
        let stamp = (cloud.fixture.clock.now().0 / 1_000_000).to_string();
        let mut pairs = vec![
            ("oauth_consumer_key", self.key.as_str()),
            ("oauth_nonce", "7d8f3e4a"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", &stamp),
            ("oauth_version", "1.0"),
        ];
        pairs.extend(Some(("oauth_token", self.token.as_str())).filter(|(_, token)| !token.is_empty()));
        pairs.extend(more);
        let mut signed: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        signed.sort();
        let text = format!("POST&{}&{}", encoded(address), encoded(&signed.join("&")));
        let key = format!("{}&{}", self.secret, self.token_secret);
        let mac = <Hmac<Sha1> as KeyInit>::new_from_slice(key.as_bytes()).unwrap().chain_update(text);
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        pairs.push(("oauth_signature", &signature));
        let shown: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", encoded(value))).collect();
        format!("OAuth {}", shown.join(", "))
    }

    async fn ask(
        &self,
        cloud: &Cloud,
        path: &str,
        more: &[(&str, &str)],
        project: &str,
        body: &[u8],
    ) -> Told {
        let header = self.header(cloud, &format!("http://cloud{path}"), more);
        let kind = if body.is_empty() { "" } else { "application/json" };
        let headers =
            [("authorization", header.as_str()), ("requested-project-id", project), ("content-type", kind)];
        cloud.raw(Method::POST, path, &headers, body).await
    }

    async fn request(&self, cloud: &Cloud, project: &str) -> Told {
        let callback = [("oauth_callback", "oob")];
        self.ask(cloud, "/v3/OS-OAUTH1/request_token", &callback, project, b"").await
    }

    async fn access(&self, cloud: &Cloud, verifier: &str) -> Told {
        let verifier = [("oauth_verifier", verifier)];
        self.ask(cloud, "/v3/OS-OAUTH1/access_token", &verifier, "", b"").await
    }

    /// Goes on with what an answer gives.
    fn with(mut self, told: &Told) -> Self {
        assert_eq!((told.status, told.header("content-type")), (201, "application/x-www-form-urlencoded"));
        let form = web::Query::parse(std::str::from_utf8(&told.bytes).unwrap());
        self.token = form.get("oauth_token").unwrap().to_owned();
        self.token_secret = form.get("oauth_token_secret").unwrap().to_owned();
        assert!(form.get("oauth_expires_at").unwrap().ends_with(".000000Z"));
        self
    }

    async fn log_in(&self, cloud: &Cloud) -> Told {
        let body = json!({"auth": {"identity": {"methods": ["oauth1"], "oauth1": {}}, "scope": {"system": {"all": true}}}});
        self.ask(cloud, "/v3/auth/tokens", &[], "", body.to_string().as_bytes()).await
    }
}

async fn authorize(cloud: &Cloud, program: &Program, token: &str, roles: Value) -> Told {
    let path = format!("/v3/OS-OAUTH1/authorize/{}", program.token);
    cloud.ask(Method::PUT, &path, token, json!({"roles": roles})).await
}

async fn own_project(cloud: &Cloud) -> (String, String) {
    let own = cloud.validate(&cloud.admin, &cloud.admin).await.one("token");
    let id = |noun: &str| own[noun]["id"].as_str().unwrap().to_owned();
    (id("user"), id("project"))
}

/// A program that was lent the role `member` on the project `admin`.
async fn lent(cloud: &Cloud) -> Program {
    let (_, project) = own_project(cloud).await;
    let program = Program::entered(cloud).await;
    let told = program.request(cloud, &project).await;
    let program = program.with(&told);
    let told = authorize(cloud, &program, &cloud.admin, json!([{"name": "member"}])).await;
    let verifier = told.one("token")["oauth_verifier"].as_str().unwrap().to_owned();
    let told = program.access(cloud, &verifier).await;
    program.with(&told)
}

#[tokio::test]
async fn a_program_acts_with_the_roles_that_it_was_lent() {
    for fixture in store::testing::databases() {
        let cloud = Cloud::on(fixture).await;
        let (user, place) = own_project(&cloud).await;
        let program = lent(&cloud).await;
        let told = program.log_in(&cloud).await;
        let said = told.one("token");
        assert_eq!((&said["user"]["id"], &said["project"]["id"]), (&json!(user), &json!(place)));
        assert_eq!(said["methods"], json!(["oauth1"]));
        assert_eq!(said["OS-OAUTH1"], json!({"access_token_id": program.token, "consumer_id": program.key}));
        let mut roles: Vec<&str> =
            said["roles"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap()).collect();
        roles.sort_unstable();
        assert_eq!(roles, ["member", "reader"], "what it implies is lent too");
        let token = told.header("x-subject-token");
        assert!(cloud.valid(token).await);
        let all = format!("/v3/users/{user}/OS-OAUTH1/access_tokens");
        let one = format!("{all}/{}", program.token);
        let shown = cloud.get(&one).await.one("access_token");
        assert_eq!(
            shown,
            json!({
                "id": program.token, "consumer_id": program.key, "project_id": place, "authorizing_user_id": user,
                "expires_at": "2026-11-22T00:36:59.000000Z",
                "links": {"self": format!("http://cloud{one}"), "roles": format!("http://cloud{one}/roles")},
            })
        );
        assert_eq!(cloud.get(&all).await.body["access_tokens"], json!([shown]));
        assert_eq!(cloud.get(&format!("{one}/roles")).await.each("roles", "name"), ["member"]);
        let (member, reader) = (cloud.role("member").await, cloud.role("reader").await);
        let role = cloud.get(&format!("{one}/roles/{member}")).await.one("role");
        assert_eq!((&role["name"], role.get("description")), (&json!("member"), None));
        assert_eq!(cloud.get(&format!("{one}/roles/{reader}")).await.status, 404);
        cloud.identity.credential_keys_rotate().await.unwrap();
        assert_eq!(program.log_in(&cloud).await.status, 201, "its secrets are sealed anew");
        assert_eq!(cloud.delete(&one).await.status, 204);
        assert!(!cloud.valid(token).await);
        assert_eq!(program.log_in(&cloud).await.status, 404);
    }
}

#[tokio::test]
async fn what_was_lent_lends_nothing() {
    let cloud = Cloud::start().await;
    let (user, place) = own_project(&cloud).await;
    let token = lent(&cloud).await.log_in(&cloud).await.header("x-subject-token").to_owned();
    let by_token = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}});
    let told = cloud.authenticate(by_token).await;
    assert_eq!(told.status, 403);
    assert!(told.message().contains("Using OAuth-scoped token"), "{told:?}");
    let trust = json!({"trust": {
        "trustor_user_id": user, "trustee_user_id": user, "project_id": place, "impersonation": true,
        "roles": [{"name": "member"}],
    }});
    let key = json!({"application_credential": {"name": "more"}});
    for (path, body) in [
        ("/v3/OS-TRUST/trusts".to_owned(), trust),
        (format!("/v3/users/{user}/application_credentials"), key),
        (format!("/v3/users/{user}/credentials/OS-EC2"), json!({"tenant_id": place})),
    ] {
        assert_eq!(cloud.ask(Method::POST, &path, &token, body).await.status, 403, "{path}");
    }
    assert_eq!(cloud.get("/v3/OS-OAUTH1/request_token").await.status, 405);
}

#[tokio::test]
async fn a_token_ends_with_what_it_was_had_of() {
    for provider in [Provider::Fernet, Provider::Jws] {
        let settings = Settings { token_provider: provider, ..Settings::default() };
        let mut cloud = Cloud::with(store::testing::chosen(), settings).await;
        let (user, place) = own_project(&cloud).await;
        let program = lent(&cloud).await;
        let token = program.log_in(&cloud).await.header("x-subject-token").to_owned();
        assert!(cloud.valid(&token).await);
        let gone = format!("/v3/OS-OAUTH1/consumers/{}", program.key);
        assert_eq!(cloud.delete(&gone).await.status, 204);
        assert!(!cloud.valid(&token).await);
        assert_eq!(cloud.delete(&gone).await.status, 404);
        let program = lent(&cloud).await;
        cloud.fixture.clock.advance(Duration::from_secs(24 * 60 * 60 + 1));
        assert_eq!(program.log_in(&cloud).await.status, 401, "it is over");
        cloud.admin = cloud.token("admin", "secret", project("admin")).await;
        let program = lent(&cloud).await;
        let token = program.log_in(&cloud).await.header("x-subject-token").to_owned();
        let own = format!("/v3/projects/{place}/users/{user}/roles/{}", cloud.role("admin").await);
        let system = cloud.token("admin", "secret", json!({"system": {"all": true}})).await;
        assert_eq!(cloud.ask(Method::DELETE, &own, &system, Value::Null).await.status, 204);
        let headers = [("x-auth-token", system.as_str()), ("x-subject-token", &token)];
        assert_eq!(cloud.raw(Method::GET, "/v3/auth/tokens", &headers, b"").await.status, 404);
        assert_eq!(program.log_in(&cloud).await.status, 401, "nobody lends what is taken away");
    }
}

#[tokio::test]
async fn what_is_not_signed_as_it_should_be_gets_nothing() {
    let cloud = Cloud::start().await;
    let (_, place) = own_project(&cloud).await;
    let program = Program::entered(&cloud).await;
    let path = "/v3/OS-OAUTH1/request_token";
    let other = Program { secret: "another".to_owned(), ..clone(&program) };
    assert_eq!(other.request(&cloud, &place).await.status, 401);
    assert_eq!(program.request(&cloud, NOWHERE).await.status, 404);
    let unknown = Program { key: NOWHERE.to_owned(), ..clone(&program) };
    let told = unknown.request(&cloud, &place).await;
    assert_eq!((told.status, told.message()), (404, "Consumer not found"));
    let told = program.request(&cloud, "").await;
    assert_eq!(told.status, 400);
    assert!(told.message().starts_with("Expecting to find Requested-Project-Id in request."), "{told:?}");
    let told = program.ask(&cloud, path, &[], &place, b"").await;
    assert_eq!(
        (told.status, told.message()),
        (400, "Validation failed with errors: invalid_request, detail message is: Missing callback URI..")
    );
    for header in ["", "OAuth", "Basic YTpi", "OAuth nothing"] {
        let headers = [("authorization", header), ("requested-project-id", &place)];
        assert_eq!(cloud.raw(Method::POST, path, &headers, b"").await.status, 400, "{header}");
    }
    // The same under the names that the cloud has, and no other.
    for (address, status) in [
        ("http://cloud/v3/OS-OAUTH1/request_token", 201),
        ("http://cloud/identity/v3/OS-OAUTH1/request_token", 201),
        ("http://cloud/compute/v3/OS-OAUTH1/request_token", 401),
        ("http://CLOUD:80/v3/OS-OAUTH1/request_token", 401),
        ("https://cloud/v3/OS-OAUTH1/request_token", 401),
        ("http://elsewhere/v3/OS-OAUTH1/request_token", 401),
        ("http://cloud/v3/OS-OAUTH1/access_token", 401),
    ] {
        let header = program.header(&cloud, address, &[("oauth_callback", "oob")]);
        let headers = [("authorization", header.as_str()), ("requested-project-id", &place)];
        assert_eq!(cloud.raw(Method::POST, path, &headers, b"").await.status, status, "{address}");
    }
    let mounted = "/identity/v3/OS-OAUTH1/request_token";
    let told = program.ask(&cloud, mounted, &[("oauth_callback", "oob")], &place, b"").await;
    assert_eq!(told.status, 201);
}

fn clone(program: &Program) -> Program {
    Program {
        key: program.key.clone(),
        secret: program.secret.clone(),
        token: program.token.clone(),
        token_secret: program.token_secret.clone(),
    }
}

#[tokio::test]
async fn only_what_a_user_authorized_is_given() {
    let cloud = Cloud::start().await;
    let (_, place) = own_project(&cloud).await;
    let program = Program::entered(&cloud).await;
    let told = program.request(&cloud, &place).await;
    let program = program.with(&told);
    assert_eq!(program.access(&cloud, "abcdefgh").await.status, 401, "nobody authorised it");
    let told = program.access(&cloud, "iIlL1oO0").await;
    assert!(told.message().contains("Invalid verifier format."), "{told:?}");
    let demo = cloud.token("demo", "demo", project("demo")).await;
    assert_eq!(authorize(&cloud, &program, &demo, json!([{"name": "member"}])).await.status, 403);
    for (roles, status) in [
        (json!([{"name": "nobody"}]), 404),
        (json!([{"id": NOWHERE}]), 401),
        (json!([{"id": NOWHERE, "name": "member"}]), 400),
        (json!([{}]), 400),
        (json!("member"), 400),
    ] {
        assert_eq!(authorize(&cloud, &program, &cloud.admin, roles.clone()).await.status, status, "{roles}");
    }
    let unknown = Program { token: NOWHERE.to_owned(), ..clone(&program) };
    let told = authorize(&cloud, &unknown, &cloud.admin, json!([])).await;
    assert_eq!((told.status, told.message()), (404, "Request token not found"));
    let told = authorize(&cloud, &program, &cloud.admin, json!([{"name": "reader"}])).await;
    let verifier = told.one("token")["oauth_verifier"].as_str().unwrap().to_owned();
    let other = Program::entered(&cloud).await;
    let other = Program { token: program.token.clone(), token_secret: program.token_secret.clone(), ..other };
    assert_eq!(other.access(&cloud, &verifier).await.status, 401, "it is another program's");
    let wrong = Program { token_secret: "x".to_owned(), ..clone(&program) };
    assert_eq!(wrong.access(&cloud, &verifier).await.status, 401);
    let told = program.access(&cloud, &verifier).await;
    assert_eq!(program.access(&cloud, &verifier).await.status, 404, "it is used up");
    let program = program.with(&told);
    assert_eq!(program.log_in(&cloud).await.status, 201);
    let late = Program::entered(&cloud).await;
    let told = late.request(&cloud, &place).await;
    let late = late.with(&told);
    cloud.fixture.clock.advance(Duration::from_secs(8 * 60 * 60 + 1));
    let admin = cloud.token("admin", "secret", project("admin")).await;
    assert_eq!(authorize(&cloud, &late, &admin, json!([])).await.status, 401, "nobody authorised it in time");
}

#[tokio::test]
async fn consumers_are_entered_changed_and_removed() {
    let cloud = Cloud::start().await;
    let all = "/v3/OS-OAUTH1/consumers";
    let made = cloud.post(all, json!({"consumer": {"description": "one", "note": 7}})).await.one("consumer");
    assert_eq!(made["secret"].as_str().unwrap().len(), 32);
    let one = format!("{all}/{}", made["id"].as_str().unwrap());
    let shown = cloud.get(&one).await.one("consumer");
    assert_eq!((shown.get("secret"), &shown["note"]), (None, &json!(7)));
    assert_eq!(shown["links"]["self"], format!("http://cloud{one}"));
    let changed = cloud.patch(&one, json!({"consumer": {"description": null}})).await.one("consumer");
    assert_eq!((&changed["description"], changed.get("secret")), (&Value::Null, None));
    for (body, status) in [
        (json!({"consumer": {"secret": "own"}}), 400),
        (json!({"consumer": {}}), 400),
        (json!({"consumer": {"id": NOWHERE}}), 400),
        (json!({"consumer": {"description": 7}}), 400),
        (json!({"consumer": {"note": 8}}), 200),
    ] {
        assert_eq!(cloud.patch(&one, body.clone()).await.status, status, "{body}");
    }
    assert_eq!(cloud.post(all, json!({})).await.status, 201);
    assert_eq!(cloud.get(all).await.body["consumers"].as_array().unwrap().len(), 2);
    let demo = cloud.token("demo", "demo", project("demo")).await;
    for (method, path) in [(Method::GET, all), (Method::POST, all), (Method::DELETE, &one)] {
        assert_eq!(cloud.ask(method, path, &demo, json!({})).await.status, 403);
    }
    assert_eq!(cloud.delete(&one).await.status, 204);
    assert_eq!(cloud.get(&one).await.message(), "Consumer not found");
    assert_eq!(cloud.patch(&one, json!({"consumer": {"note": 8}})).await.status, 404);
}

#[tokio::test]
async fn what_a_keystone_lent_to_a_program_is_lent_here() {
    for fixture in store::testing::databases() {
        let cloud = Cloud::on(fixture).await;
        let report = import::take(&cloud, &import::renaming()).unwrap();
        assert_eq!(
            (report.counts["OAuth consumers"].made, report.counts["OAuth access tokens"].made),
            (1, 2)
        );
        assert_eq!(report.left["OAuth access tokens that have ended"], 1);
        let id = |head: &str| format!("{head}bec8f2b746ba93cb1d46a6da73bd");
        let (key, secret, token) = (id("c0c0"), id("c1c1"), id("ac00"));
        let program = Program { key, secret, token, token_secret: id("ac01") };
        let said = program.log_in(&cloud).await.one("token");
        assert_eq!(said["OS-OAUTH1"], json!({"access_token_id": program.token, "consumer_id": program.key}));
        assert_eq!(said["user"]["id"], import::ANN);
        let endless = format!("/v3/users/{}/OS-OAUTH1/access_tokens/{}", import::ANN, id("ac02"));
        let endless = cloud.get(&endless).await.one("access_token");
        assert_eq!(endless["expires_at"], "9999-12-30T22:00:00.000000Z");
        let again = import::take(&cloud, &import::renaming()).unwrap();
        assert_eq!((again.counts["OAuth consumers"].same, again.counts["OAuth access tokens"].same), (1, 2));
    }
}
