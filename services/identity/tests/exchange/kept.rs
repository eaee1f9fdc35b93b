//! Credentials for other systems and policy documents over the wire: kept for their owners, shown to nobody else.

use crate::rig::{Cloud, project};
use http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_credential_is_its_owners() {
    let cloud = Cloud::start().await;
    let demo = cloud.token("demo", "demo", project("demo")).await;
    let token = cloud.validate(&demo, &demo).await.one("token");
    let id_of = |noun: &str| token[noun]["id"].as_str().unwrap().to_owned();
    let (user, own, other) = (id_of("user"), id_of("project"), cloud.user("other").await);
    let body = |user: &str, blob: &str| json!({"credential": {"user_id": user, "project_id": own, "type": "ec2", "blob": blob}});
    let path = "/v3/credentials";
    let made = cloud.ask(Method::POST, path, &demo, body(&user, r#"{"access": "a", "secret": "s"}"#)).await;
    let id = made.id("credential");
    // the SHA-256 of "a"
    assert_eq!(id, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
    for (body, status) in [
        (body(&user, r#"{"access": "a"}"#), 409),
        (body(&user, "{}"), 400),
        (body(&user, "no JSON"), 400),
        (body(&other, r#"{"access": "b"}"#), 403),
        (json!({"credential": {"type": "ec2", "blob": "{}", "user_id": user}}), 400),
    ] {
        assert_eq!(cloud.ask(Method::POST, path, &demo, body.clone()).await.status, status, "{body}");
    }
    let strange = json!({"credential": {"user_id": other, "type": "cert", "blob": "x"}});
    let strange = cloud.post(path, strange).await.id("credential");
    let one = |id: &str| format!("{path}/{id}");
    assert_eq!(cloud.ask(Method::GET, &one(&strange), &demo, Value::Null).await.status, 403);
    assert_eq!(cloud.ask(Method::GET, path, &demo, Value::Null).await.each("credentials", "id"), [&*id]);
    assert_eq!(cloud.get(&format!("{path}?type=cert")).await.each("credentials", "id"), [&*strange]);
    let change = json!({"credential": {"blob": r#"{"access": "c"}"#}});
    let changed = cloud.ask(Method::PATCH, &one(&id), &demo, change).await;
    assert_eq!(changed.one("credential")["blob"], r#"{"access": "c"}"#);
    assert_eq!(
        cloud.patch(&one(&id), json!({"credential": {"type": "cert", "blob": "{}"}})).await.status,
        400
    );
    cloud.delete(&format!("/v3/users/{user}")).await;
    assert_eq!(cloud.get(&one(&id)).await.status, 404, "it goes with its owner");
}

#[tokio::test]
async fn a_policy_document_is_kept_as_it_is() {
    let cloud = Cloud::start().await;
    let demo = cloud.token("demo", "demo", project("demo")).await;
    let body = json!({"policy": {"type": "application/json", "blob": "{}", "note": "own"}});
    assert_eq!(cloud.ask(Method::POST, "/v3/policies", &demo, body.clone()).await.status, 403);
    let id = cloud.post("/v3/policies", body).await.id("policy");
    let path = format!("/v3/policies/{id}");
    cloud.patch(&path, json!({"policy": {"type": "text/plain"}})).await;
    let shown = cloud.get(&path).await.one("policy");
    assert_eq!(
        (&shown["type"], &shown["blob"], &shown["note"]),
        (&json!("text/plain"), &json!("{}"), &json!("own"))
    );
    assert_eq!(cloud.delete(&path).await.status, 204);
    assert_eq!(cloud.get(&path).await.status, 404);
}
