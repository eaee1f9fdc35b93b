//! Federation over the wire: identity providers, their protocols, and mappings.

use crate::rig::{Cloud, NOWHERE, project};
use http::Method;
use serde_json::{Value, json};

pub const PROVIDERS: &str = "/v3/OS-FEDERATION/identity_providers";
pub const MAPPINGS: &str = "/v3/OS-FEDERATION/mappings";

impl Cloud {
    /// A PUT with a body by the administrator.
    pub async fn put_as(&self, path: &str, body: Value) -> crate::rig::Told {
        self.ask(Method::PUT, path, &self.admin, body).await
    }
}

/// The body of a mapping that calls users by their subject.
pub fn by_subject() -> Value {
    json!({"mapping": {"rules": [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-sub"}]}]}})
}

#[tokio::test]
async fn a_provider_has_a_domain_and_names_of_its_own() {
    for fixture in store::testing::databases() {
        let cloud = Cloud::on(fixture).await;
        let one = |name: &str| format!("{PROVIDERS}/{name}");
        let made = cloud
            .put_as(&one("first"), json!({"identity_provider": {"remote_ids": ["https://b", "https://a"]}}))
            .await;
        assert_eq!(made.status, 201);
        let first = made.one("identity_provider");
        assert_eq!(
            (&first["enabled"], &first["remote_ids"]),
            (&json!(false), &json!(["https://a", "https://b"]))
        );
        let domain =
            cloud.get(&format!("/v3/domains/{}", first["domain_id"].as_str().unwrap())).await.one("domain");
        assert_eq!(domain["description"], "Auto generated federated domain for Identity Provider: first");
        let second = json!({"identity_provider": {"domain_id": "default", "remote_ids": ["https://a"]}});
        assert_eq!(cloud.put_as(&one("second"), second.clone()).await.status, 409, "the remote id is taken");
        assert_eq!(cloud.get(&one("second")).await.status, 404, "and nothing is left of the attempt");
        assert_eq!(cloud.put_as(&one("first"), json!({"identity_provider": {}})).await.status, 409);
        let change =
            json!({"identity_provider": {"remote_ids": [], "enabled": true, "authorization_ttl": 5}});
        let changed = cloud.patch(&one("first"), change).await.one("identity_provider");
        assert_eq!((&changed["enabled"], &changed["authorization_ttl"]), (&json!(true), &json!(5)));
        assert_eq!(cloud.put_as(&one("second"), second).await.status, 201);
        let enabled = cloud.get(&format!("{PROVIDERS}?enabled=true")).await;
        assert_eq!(enabled.each("identity_providers", "id"), ["first"]);
        assert_eq!(cloud.delete(&one("second")).await.status, 204);
        assert_eq!(cloud.get(PROVIDERS).await.each("identity_providers", "id"), ["first"]);
    }
}

#[tokio::test]
async fn a_protocol_needs_a_provider_and_a_mapping() {
    let cloud = Cloud::start().await;
    let protocol = format!("{PROVIDERS}/idp/protocols/openid");
    let body = json!({"protocol": {"mapping_id": "m"}});
    assert_eq!(cloud.put_as(&protocol, body.clone()).await.message(), "Invalid mapping id: m");
    assert_eq!(cloud.put_as(&format!("{MAPPINGS}/m"), by_subject()).await.status, 201);
    assert_eq!(cloud.put_as(&protocol, body.clone()).await.status, 404);
    cloud
        .put_as(&format!("{PROVIDERS}/idp"), json!({"identity_provider": {}}))
        .await
        .one("identity_provider");
    assert_eq!(cloud.put_as(&protocol, body.clone()).await.status, 201);
    assert_eq!(cloud.put_as(&protocol, body).await.status, 409);
    let change = json!({"protocol": {"mapping_id": "m", "remote_id_attribute": "HTTP_OIDC_ISS"}});
    assert_eq!(cloud.patch(&protocol, change).await.one("protocol")["remote_id_attribute"], "HTTP_OIDC_ISS");
    assert_eq!(cloud.get(&format!("{PROVIDERS}/idp/protocols")).await.each("protocols", "id"), ["openid"]);
    assert_eq!(cloud.delete(&format!("{PROVIDERS}/idp")).await.status, 204);
    assert_eq!(cloud.get(&protocol).await.status, 404, "a protocol goes with its provider");
    assert_eq!(cloud.delete(&format!("{MAPPINGS}/m")).await.status, 204);
}

#[tokio::test]
async fn a_domain_takes_its_providers_along() {
    let cloud = Cloud::start().await;
    let body = json!({"domain": {"name": "elsewhere", "enabled": false}});
    let domain = cloud.post("/v3/domains", body).await.id("domain");
    let provider = format!("{PROVIDERS}/idp");
    cloud
        .put_as(&provider, json!({"identity_provider": {"domain_id": domain}}))
        .await
        .one("identity_provider");
    assert_eq!(cloud.delete(&format!("/v3/domains/{domain}")).await.status, 204);
    assert_eq!(cloud.get(&provider).await.status, 404);
}

#[tokio::test]
async fn a_mapping_fits_the_schema_of_its_version() {
    let cloud = Cloud::start().await;
    let path = format!("{MAPPINGS}/m");
    let told = cloud.put_as(&path, json!({"mapping": {"rules": [{"local": [], "remote": []}]}})).await;
    assert_eq!((told.status, told.message()), (400, "[] should be non-empty\n"));
    let mut body = by_subject();
    body["mapping"]["rules"][0]["local"] = json!([{"projects_json": "{0}"}]);
    assert_eq!(cloud.put_as(&path, body.clone()).await.status, 400);
    body["mapping"]["schema_version"] = json!("3.0");
    assert_eq!(cloud.put_as(&path, body.clone()).await.status, 201);
    let made = cloud.get(&path).await.one("mapping");
    assert_eq!((&made["schema_version"], &made["rules"]), (&json!("3.0"), &body["mapping"]["rules"]));
    assert_eq!(cloud.patch(&path, by_subject()).await.one("mapping")["schema_version"], "1.0");
    let mut bad = by_subject();
    bad["mapping"]["rules"][0]["remote"] = json!([{"type": "x", "any_one_of": ["("], "regex": true}]);
    assert!(cloud.patch(&path, bad).await.message().contains("is not a regular expression"));
}

#[tokio::test]
async fn only_administrators_say_who_vouches_for_users() {
    let cloud = Cloud::start().await;
    let demo = cloud.token("demo", "demo", project("demo")).await;
    let provider = json!({"identity_provider": {"enabled": true}});
    let protocol = json!({"protocol": {"mapping_id": "m"}});
    for (path, body) in [
        (format!("{PROVIDERS}/idp"), provider),
        (format!("{PROVIDERS}/idp/protocols/openid"), protocol),
        (format!("{MAPPINGS}/m"), by_subject()),
    ] {
        for (method, body) in [
            (Method::PUT, body.clone()),
            (Method::PATCH, body),
            (Method::DELETE, Value::Null),
            (Method::GET, Value::Null),
        ] {
            assert_eq!(cloud.ask(method.clone(), &path, &demo, body).await.status, 403, "{method} {path}");
        }
    }
    for own in ["projects", "domains"] {
        let told = cloud.ask(Method::GET, &format!("/v3/OS-FEDERATION/{own}"), &demo, Value::Null).await;
        assert_eq!(told.status, 200);
    }
    assert_eq!(
        cloud.get(&format!("{MAPPINGS}/{NOWHERE}")).await.message(),
        format!("Could not find mapping: {NOWHERE}.")
    );
}
