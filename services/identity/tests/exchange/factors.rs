//! Several factors over the wire: what is asked beside a password, and how the rest is handed in.

use crate::rig::{Cloud, Told, login, project};
use http::Method;
use identity::model::compliance::{Compliance, Lockout};
use identity::model::{receipt, totp};
use identity::settings::Settings;
use serde_json::{Value, json};
use std::time::Duration;

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A user `ann` that has a secret for passcodes, and these rules.
async fn ann(cloud: &Cloud, rules: Value) -> String {
    let ann = cloud.user("ann").await;
    let secret = json!({"credential": {"user_id": ann, "type": "totp", "blob": SECRET}});
    cloud.post("/v3/credentials", secret).await.id("credential");
    let member = cloud.role("member").await;
    let place = cloud.project("place").await;
    cloud.put(&format!("/v3/projects/{place}/users/{ann}/roles/{member}")).await;
    let options = json!({"user": {"options": {"multi_factor_auth_rules": rules}}});
    cloud.patch(&format!("/v3/users/{ann}"), options).await.one("user");
    ann
}

fn by_password(scope: Value) -> Value {
    login("ann", "ann", scope)
}

fn by_passcode(cloud: &Cloud, scope: Value) -> Value {
    let passcode = totp::passcode(SECRET, cloud.fixture.clock.now()).unwrap();
    let user = json!({"name": "ann", "domain": {"id": "default"}, "passcode": passcode});
    let mut body = json!({"auth": {"identity": {"methods": ["totp"], "totp": {"user": user}}}});
    if !scope.is_null() {
        body["auth"]["scope"] = scope;
    }
    body
}

async fn hand_in(cloud: &Cloud, receipt: &str, body: Value) -> Told {
    let headers = [("openstack-auth-receipt", receipt), ("content-type", "application/json")];
    cloud.raw(Method::POST, "/v3/auth/tokens", &headers, body.to_string().as_bytes()).await
}

#[tokio::test]
async fn the_rest_is_handed_in_with_the_receipt() {
    let cloud = Cloud::start().await;
    let ann = ann(&cloud, json!([["password", "totp"], ["token", "retina"]])).await;
    let begun = cloud.authenticate(by_password(project("place"))).await;
    assert_eq!(begun.status, 401);
    assert_eq!(begun.body["required_auth_methods"], json!([["password", "totp"]]));
    let domain = json!({"id": "default", "name": "Default"});
    assert_eq!(begun.body["receipt"]["user"], json!({"id": ann, "name": "ann", "domain": domain}));
    assert_eq!(begun.body["receipt"]["methods"], json!(["password"]));
    assert!(begun.headers.get("x-subject-token").is_none());
    let receipt = begun.header("openstack-auth-receipt").to_owned();
    assert!(!cloud.valid(&receipt).await, "a receipt is no token");
    let whole = hand_in(&cloud, &receipt, by_passcode(&cloud, project("place"))).await;
    assert_eq!(whole.one("token")["project"]["name"], "place");
    assert_eq!(whole.body["token"]["methods"], json!(["totp", "password"]));
    let token = whole.header("x-subject-token");
    assert!(cloud.valid(token).await);
    let again = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}});
    assert_eq!(cloud.authenticate(again).await.status, 201, "what was proved stays proved");
}

#[tokio::test]
async fn wrong_passcodes_lock_the_user_as_wrong_passwords_do() {
    let lockout = Some(Lockout { attempts: 3, duration: Some(Duration::from_secs(60)) });
    let compliance = Compliance { lockout, ..Compliance::default() };
    let settings = Settings { compliance, ..Settings::default() };
    let cloud = Cloud::with(store::testing::chosen(), settings).await;
    ann(&cloud, Value::Null).await;
    let mut wrong = by_passcode(&cloud, Value::Null);
    wrong["auth"]["identity"]["totp"]["user"]["passcode"] = json!("x");
    assert_eq!(cloud.authenticate(by_passcode(&cloud, Value::Null)).await.status, 201);
    for _ in 0..3 {
        assert_eq!(cloud.authenticate(wrong.clone()).await.status, 401);
    }
    assert_eq!(cloud.authenticate(by_passcode(&cloud, Value::Null)).await.status, 401);
    assert_eq!(cloud.authenticate(by_password(Value::Null)).await.status, 401);
    cloud.fixture.clock.advance(Duration::from_secs(61));
    assert_eq!(cloud.authenticate(by_passcode(&cloud, Value::Null)).await.status, 201);
}

#[tokio::test]
async fn both_at_once_need_no_receipt() {
    let cloud = Cloud::start().await;
    ann(&cloud, json!([["password", "totp"]])).await;
    let mut both = by_password(project("place"));
    let passcode = by_passcode(&cloud, Value::Null);
    both["auth"]["identity"]["methods"] = json!(["password", "totp"]);
    both["auth"]["identity"]["totp"] = passcode["auth"]["identity"]["totp"].clone();
    assert_eq!(cloud.authenticate(both.clone()).await.status, 201);
    both["auth"]["identity"]["totp"]["user"]["passcode"] = json!("000000");
    assert_eq!(cloud.authenticate(both).await.body["error"]["code"], 401);
}

#[tokio::test]
async fn a_receipt_is_its_users_for_five_minutes() {
    let cloud = Cloud::start().await;
    let ann = ann(&cloud, json!([["password", "totp"]])).await;
    let begun = async || {
        let begun = cloud.authenticate(by_password(Value::Null)).await;
        begun.header("openstack-auth-receipt").to_owned()
    };
    let receipt = begun().await;
    let others = hand_in(&cloud, &receipt, login("demo", "demo", Value::Null)).await;
    assert_eq!(
        (others.status, others.message()),
        (401, &*format!("Could not find auth receipt: {receipt}."))
    );
    let forged = hand_in(&cloud, "gAAAAA", by_passcode(&cloud, Value::Null)).await;
    assert_eq!((forged.status, forged.message()), (401, "Could not find auth receipt: gAAAAA."));
    let token = hand_in(&cloud, &cloud.admin, by_passcode(&cloud, Value::Null)).await;
    assert_eq!(token.status, 401, "a token is no receipt");
    cloud.fixture.clock.advance(receipt::LIFE - Duration::from_secs(1));
    assert_eq!(hand_in(&cloud, &receipt, by_passcode(&cloud, Value::Null)).await.status, 201);
    cloud.fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(hand_in(&cloud, &receipt, by_passcode(&cloud, Value::Null)).await.status, 401);
    let receipt = begun().await;
    cloud.patch(&format!("/v3/users/{ann}"), json!({"user": {"password": "new"}})).await.one("user");
    let late = hand_in(&cloud, &receipt, by_passcode(&cloud, Value::Null)).await;
    assert_eq!(late.status, 401, "a new password ends what the old one began");
}

#[tokio::test]
async fn rules_are_lists_of_methods_and_can_be_off() {
    let cloud = Cloud::start().await;
    let ann = ann(&cloud, json!([["password", "totp"]])).await;
    let path = format!("/v3/users/{ann}");
    for rules in [json!("password"), json!([[]]), json!([["a", "a"]]), json!([["a"], ["a"]]), json!([[1]])] {
        let body = json!({"user": {"options": {"multi_factor_auth_rules": rules}}});
        assert_eq!(cloud.patch(&path, body.clone()).await.status, 400, "{body}");
    }
    let off = json!({"user": {"options": {"multi_factor_auth_enabled": false}}});
    cloud.patch(&path, off).await.one("user");
    assert_eq!(cloud.authenticate(by_password(Value::Null)).await.status, 201);
    let on = json!({"user": {"options": {"multi_factor_auth_enabled": null}}});
    cloud.patch(&path, on).await.one("user");
    assert_eq!(cloud.authenticate(by_password(Value::Null)).await.status, 401);
    let none = json!({"user": {"options": {"multi_factor_auth_rules": null}}});
    assert_eq!(cloud.patch(&path, none).await.one("user")["options"], json!({}));
    assert_eq!(cloud.authenticate(by_password(Value::Null)).await.status, 201);
}
