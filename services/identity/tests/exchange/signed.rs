//! EC2 keys, one-time passwords and how credentials are kept, over the wire.

use crate::rig::{Cloud, project};
use http::Method;
use identity::model::ec2::Signed;
use serde_json::{Value, json};
use std::time::Duration;

/// The base32 secret of RFC 6238's examples.
const TOTP: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// The demo user's id, project and token.
async fn demo(cloud: &Cloud) -> (String, String, String) {
    let token = cloud.token("demo", "demo", project("demo")).await;
    let own = cloud.validate(&token, &token).await.one("token");
    let id = |noun: &str| own[noun]["id"].as_str().unwrap().to_owned();
    (id("user"), id("project"), token)
}

/// A request that is signed with the keys.
pub fn signed(key: &Value, params: Value) -> Value {
    let mut request = json!({
        "access": key["access"], "verb": "GET", "host": "cloud:8773", "path": "/", "params": {"SignatureVersion": "2"},
    });
    for (name, value) in params.as_object().unwrap() {
        request["params"][name] = value.clone();
    }
    let signature = Signed::of(request.as_object().unwrap()).expected(key["secret"].as_str().unwrap());
    request["signature"] = json!(signature.unwrap());
    json!({"credentials": request})
}

#[tokio::test]
async fn a_signed_request_becomes_a_token_that_asks_nothing_here() {
    let cloud = Cloud::start().await;
    let (user, place, token) = demo(&cloud).await;
    let path = format!("/v3/users/{user}/credentials/OS-EC2");
    let made = cloud.ask(Method::POST, &path, &token, json!({"tenant_id": place})).await;
    let key = made.one("credential");
    let listed = cloud.ask(Method::GET, &path, &token, Value::Null).await;
    assert_eq!(listed.body["credentials"], json!([key]));
    let told = cloud.post("/v3/ec2tokens", signed(&key, json!({"Action": "all of it"}))).await;
    let own = told.one("token");
    assert_eq!((&own["methods"], &own["project"]["id"]), (&json!(["ec2credential"]), &json!(place)));
    let text = told.header("x-subject-token");
    assert_eq!(cloud.validate(&cloud.admin, text).await.one("token")["user"]["name"], "demo");
    for own in ["/v3/auth/projects", &path] {
        assert_eq!(cloud.ask(Method::GET, own, text, Value::Null).await.status, 403, "{own}");
    }
    let by_token = json!({"methods": ["token"], "token": {"id": text}});
    assert_eq!(cloud.authenticate(json!({"auth": {"identity": by_token}})).await.status, 403);
    let mut wrong = key.clone();
    wrong["secret"] = json!("another");
    let mut unknown = key.clone();
    unknown["access"] = json!("unknown");
    for (body, status) in [
        (signed(&wrong, json!({})), 401),
        (signed(&unknown, json!({})), 404),
        (signed(&key, json!({"Timestamp": "2026-11-21T00:00:00Z"})), 401),
        (signed(&key, json!({"Timestamp": "soon"})), 401),
        (signed(&key, json!({"Timestamp": "2026-11-21T00:36:59Z"})), 200),
        (json!({"credentials": {"signature": "x"}}), 401),
        (json!({}), 400),
    ] {
        assert_eq!(cloud.post("/v3/ec2tokens", body.clone()).await.status, status, "{body}");
    }
    let by_user = cloud.ask(Method::POST, "/v3/ec2tokens", &token, signed(&key, json!({}))).await;
    assert_eq!(by_user.status, 403, "only services hand in what others signed");
    let one = format!("{path}/{}", key["access"].as_str().unwrap());
    cloud.user("other").await;
    let other = cloud.token("other", "other", Value::Null).await;
    assert_eq!(cloud.ask(Method::GET, &one, &other, Value::Null).await.status, 403);
    assert_eq!(cloud.ask(Method::DELETE, &one, &token, Value::Null).await.status, 204);
    assert_eq!(cloud.post("/v3/ec2tokens", signed(&key, json!({}))).await.status, 404);
}

#[tokio::test]
async fn a_passcode_logs_in_while_it_is_young() {
    let cloud = Cloud::start().await;
    let (user, _, _) = demo(&cloud).await;
    let login = |passcode: &str| {
        let user = json!({"id": user, "passcode": passcode});
        json!({"auth": {"identity": {"methods": ["totp"], "totp": {"user": user}}, "scope": project("demo")}})
    };
    let passcode = passcode_now(&cloud);
    assert_eq!(cloud.authenticate(login(&passcode)).await.status, 401, "there is no secret yet");
    let body = json!({"credential": {"user_id": user, "type": "totp", "blob": TOTP}});
    let id = cloud.post("/v3/credentials", body).await.id("credential");
    let told = cloud.authenticate(login(&passcode)).await;
    assert_eq!(told.one("token")["methods"], json!(["totp"]));
    assert!(cloud.valid(told.header("x-subject-token")).await);
    for wrong in ["", "000000", &passcode[..5]] {
        assert_eq!(cloud.authenticate(login(wrong)).await.status, 401, "{wrong}");
    }
    cloud.fixture.clock.advance(Duration::from_secs(60));
    assert_eq!(cloud.authenticate(login(&passcode)).await.status, 401, "it is old");
    let passcode = passcode_now(&cloud);
    assert_eq!(cloud.authenticate(login(&passcode)).await.status, 201);
    cloud.delete(&format!("/v3/credentials/{id}")).await;
    assert_eq!(cloud.authenticate(login(&passcode)).await.status, 401);
}

fn passcode_now(cloud: &Cloud) -> String {
    identity::model::totp::passcode(TOTP, cloud.fixture.clock.now()).unwrap()
}

#[tokio::test]
async fn secrets_are_sealed_in_the_store_and_keys_rotate() {
    let cloud = Cloud::start().await;
    let (user, _, _) = demo(&cloud).await;
    let plain = "INSERT INTO identity_credentials (id, user_id, type, secret_blob, extra) VALUES ('old', 'nobody', 'cert', 'once plain', '{}')";
    cloud.fixture.db.write(move |tx| tx.execute(plain, store::params![])).await.unwrap();
    let body = json!({"credential": {"user_id": user, "type": "cert", "blob": "the secret"}});
    let id = cloud.post("/v3/credentials", body).await.id("credential");
    let mut earlier = kept(&cloud).await;
    assert_eq!(earlier.len(), 2);
    for _ in 0..4 {
        cloud.identity.credential_keys_rotate().await.unwrap();
        let now = kept(&cloud).await;
        assert!(now.iter().all(|text| text.starts_with("gAAAA") && !earlier.contains(text)), "{now:?}");
        for (id, blob) in [(id.as_str(), "the secret"), ("old", "once plain")] {
            assert_eq!(cloud.get(&format!("/v3/credentials/{id}")).await.one("credential")["blob"], blob);
        }
        earlier = now;
    }
}

/// The secrets as the store has them.
async fn kept(cloud: &Cloud) -> Vec<String> {
    let sql = "SELECT secret_blob FROM identity_credentials ORDER BY id";
    let read = |tx: &store::Tx| tx.query(sql, store::params![])?.iter().map(|row| row.text(0)).collect();
    cloud.fixture.db.read(read).await.unwrap()
}
