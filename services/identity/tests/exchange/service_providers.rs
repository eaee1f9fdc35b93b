//! Service providers over the wire: who takes the users of this cloud, which tokens tell.

use crate::rig::{Cloud, login, project};
use http::Method;
use serde_json::{Value, json};

const PROVIDERS: &str = "/v3/OS-FEDERATION/service_providers";

fn body(more: Value) -> Value {
    let mut own = json!({"auth_url": "https://there/v3/auth", "sp_url": "https://there/sso"});
    for (name, value) in more.as_object().unwrap() {
        own[name] = value.clone();
    }
    json!({"service_provider": own})
}

#[tokio::test]
async fn a_service_provider_is_kept() {
    for fixture in store::testing::databases() {
        let cloud = Cloud::on(fixture).await;
        let one = |name: &str| format!("{PROVIDERS}/{name}");
        let made = cloud.put_as(&one("there"), body(json!({"relay_state_prefix": null}))).await;
        assert_eq!(made.status, 201);
        let made = made.one("service_provider");
        assert_eq!(
            (&made["enabled"], &made["relay_state_prefix"], &made["description"]),
            (&json!(false), &json!("ss:mem:"), &Value::Null)
        );
        let again = cloud.put_as(&one("there"), body(json!({}))).await;
        assert_eq!(again.status, 409);
        let sentence =
            "Conflict occurred attempting to store service_provider - Duplicate entry found with ID there.";
        assert_eq!(again.message(), sentence);
        for bad in [
            json!({"service_provider": {"auth_url": "https://x"}}),
            body(json!({"auth_url": "no address"})),
            body(json!({"sp_url": "no address"})),
            body(json!({"color": "red"})),
        ] {
            assert_eq!(cloud.put_as(&one("bad"), bad.clone()).await.status, 400, "{bad}");
        }
        let change = json!({"service_provider": {"enabled": true, "description": "d"}});
        let changed = cloud.patch(&one("there"), change.clone()).await.one("service_provider");
        assert_eq!(
            (&changed["enabled"], &changed["auth_url"]),
            (&json!(true), &json!("https://there/v3/auth"))
        );
        assert_eq!(cloud.patch(&one("there"), json!({"service_provider": {}})).await.status, 400);
        cloud.put_as(&one("asleep"), body(json!({}))).await.one("service_provider");
        let shown = |told: crate::rig::Told| told.each("service_providers", "id");
        assert_eq!(shown(cloud.get(PROVIDERS).await), ["asleep", "there"]);
        assert_eq!(shown(cloud.get(&format!("{PROVIDERS}?enabled=false")).await), ["asleep"]);
        assert_eq!(cloud.delete(&one("there")).await.status, 204);
        for (method, given) in
            [(Method::GET, Value::Null), (Method::PATCH, change), (Method::DELETE, Value::Null)]
        {
            let told = cloud.ask(method, &one("there"), &cloud.admin, given).await;
            assert_eq!((told.status, told.message()), (404, "Could not find Service Provider: there."));
        }
    }
}

#[tokio::test]
async fn tokens_tell_of_those_that_are_enabled() {
    let cloud = Cloud::start().await;
    let before = cloud.token("demo", "demo", project("demo")).await;
    assert!(cloud.validate(&cloud.admin, &before).await.one("token").get("service_providers").is_none());
    cloud.put_as(&format!("{PROVIDERS}/on"), body(json!({"enabled": true}))).await.one("service_provider");
    cloud.put_as(&format!("{PROVIDERS}/off"), body(json!({}))).await.one("service_provider");
    let told = json!([{"id": "on", "auth_url": "https://there/v3/auth", "sp_url": "https://there/sso"}]);
    for scope in [Value::Null, json!("unscoped"), project("demo")] {
        let token = cloud.authenticate(login("demo", "demo", scope)).await.one("token");
        assert_eq!(token["service_providers"], told);
    }
    let shown = cloud.validate(&cloud.admin, &before).await.one("token");
    assert_eq!(shown["service_providers"], told, "and earlier tokens too");
}

#[tokio::test]
async fn service_providers_are_the_administrators() {
    let cloud = Cloud::start().await;
    let demo = cloud.token("demo", "demo", project("demo")).await;
    let one = format!("{PROVIDERS}/there");
    for (method, path, given) in [
        (Method::GET, PROVIDERS, Value::Null),
        (Method::GET, &one, Value::Null),
        (Method::PUT, &one, body(json!({}))),
        (Method::PATCH, &one, json!({"service_provider": {"enabled": true}})),
        (Method::DELETE, &one, Value::Null),
    ] {
        let told = cloud.ask(method.clone(), path, &demo, given).await;
        assert_eq!(told.status, 403, "{method} {path}");
    }
}
