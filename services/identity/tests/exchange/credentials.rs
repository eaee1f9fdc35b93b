//! Application credentials over the wire: what they are good for, and what they are not.

use crate::rig::{Cloud, Told, project};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// The demo user with a token, and where its credentials are.
async fn demo(cloud: &Cloud) -> (String, String, String) {
    let token = cloud.token("demo", "demo", project("demo")).await;
    let own = cloud.validate(&token, &token).await.one("token");
    let user = own["user"]["id"].as_str().unwrap().to_owned();
    (token, format!("/v3/users/{user}/application_credentials"), user)
}

async fn make(cloud: &Cloud, token: &str, path: &str, body: Value) -> Told {
    cloud.ask(Method::POST, path, token, json!({"application_credential": body})).await
}

fn proof(credential: &Value) -> Value {
    let own = json!({"id": credential["id"], "secret": credential["secret"]});
    json!({"auth": {"identity": {"methods": ["application_credential"], "application_credential": own}}})
}

#[tokio::test]
async fn a_credential_logs_in_for_its_project_with_its_roles() {
    let cloud = Cloud::start().await;
    let (token, path, _) = demo(&cloud).await;
    let body = json!({"name": "ci", "description": "d", "roles": [{"name": "reader"}]});
    let made = make(&cloud, &token, &path, body).await.one("application_credential");
    assert!(made["secret"].as_str().unwrap().len() > 80);
    assert_eq!((&made["unrestricted"], &made["expires_at"]), (&Value::Null, &Value::Null));
    let shown = cloud
        .ask(Method::GET, &format!("{path}/{}", made["id"].as_str().unwrap()), &token, Value::Null)
        .await;
    assert!(shown.one("application_credential").get("secret").is_none(), "the secret is told once");
    let told = cloud.authenticate(proof(&made)).await;
    let own = told.one("token");
    assert_eq!(own["methods"], json!(["application_credential"]));
    assert_eq!(own["project"]["name"], "demo");
    assert_eq!(own["application_credential"], json!({"id": made["id"], "name": "ci", "restricted": true}));
    assert_eq!(own["roles"].as_array().unwrap().len(), 1);
    let text = told.header("x-subject-token");
    assert!(cloud.valid(text).await);
    let mut by_name = proof(&made);
    by_name["auth"]["identity"]["application_credential"] = json!({"name": "ci", "secret": made["secret"], "user": {"name": "demo", "domain": {"id": "default"}}});
    assert_eq!(cloud.authenticate(by_name).await.status, 201);
    assert_eq!(make(&cloud, &token, &path, json!({"name": "ci"})).await.status, 409);
    let listed = cloud.ask(Method::GET, &format!("{path}?name=ci"), &token, Value::Null).await;
    assert_eq!(listed.each("application_credentials", "name"), ["ci"]);
}

#[tokio::test]
async fn a_restricted_one_makes_no_others_and_leaves_its_project_by_no_way() {
    let cloud = Cloud::start().await;
    let (token, path, _) = demo(&cloud).await;
    let made = make(&cloud, &token, &path, json!({"name": "ci"})).await.one("application_credential");
    let own = format!("{path}/{}", made["id"].as_str().unwrap());
    let text = cloud.authenticate(proof(&made)).await.header("x-subject-token").to_owned();
    assert_eq!(make(&cloud, &text, &path, json!({"name": "other"})).await.status, 403);
    assert_eq!(cloud.ask(Method::DELETE, &own, &text, Value::Null).await.status, 403);
    let by_token = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": text}}}});
    for scope in [json!("unscoped"), project("admin"), project("demo"), json!({"system": {"all": true}})] {
        for (mut auth, status) in [(by_token.clone(), 403), (proof(&made), 401)] {
            auth["auth"]["scope"] = scope.clone();
            assert_eq!(cloud.authenticate(auth).await.status, status, "{scope}");
        }
    }
    let free = make(&cloud, &token, &path, json!({"name": "free", "unrestricted": true}))
        .await
        .one("application_credential");
    let free = cloud.authenticate(proof(&free)).await.header("x-subject-token").to_owned();
    assert_eq!(make(&cloud, &free, &path, json!({"name": "third"})).await.status, 201);
}

#[tokio::test]
async fn a_credential_ends_with_its_time_its_removal_and_its_user_s_role() {
    let cloud = Cloud::start().await;
    let (token, path, user) = demo(&cloud).await;
    let place = cloud.get("/v3/projects?name=demo").await.each("projects", "id").remove(0);
    let member = cloud.role("member").await;
    let timed = json!({"name": "timed", "expires_at": "2026-11-21T00:40:00"});
    let timed = make(&cloud, &token, &path, timed).await.one("application_credential");
    let mut tokens = vec![cloud.authenticate(proof(&timed)).await.header("x-subject-token").to_owned()];
    assert!(cloud.valid(&tokens[0]).await);
    cloud.fixture.clock.advance(Duration::from_secs(600));
    assert!(!cloud.valid(&tokens[0]).await);
    assert_eq!(cloud.authenticate(proof(&timed)).await.status, 401);
    let [gone, lost] = ["gone", "lost"].map(|name| json!({"name": name}));
    let gone = make(&cloud, &token, &path, gone).await.one("application_credential");
    let lost = make(&cloud, &token, &path, lost).await.one("application_credential");
    tokens.clear();
    for one in [&gone, &lost] {
        tokens.push(cloud.authenticate(proof(one)).await.header("x-subject-token").to_owned());
    }
    let own = format!("{path}/{}", gone["id"].as_str().unwrap());
    assert_eq!(cloud.ask(Method::DELETE, &own, &token, Value::Null).await.status, 204);
    assert!(!cloud.valid(&tokens[0]).await && cloud.valid(&tokens[1]).await);
    let granted = format!("/v3/projects/{place}/users/{user}/roles/{member}");
    cloud.delete(&granted).await;
    assert!(!cloud.valid(&tokens[1]).await);
    assert_eq!(cloud.authenticate(proof(&lost)).await.status, 401, "it is there, and lends nothing");
    assert_eq!(cloud.put(&granted).await.status, 204);
    assert!(cloud.valid(&tokens[1]).await);
}

#[tokio::test]
async fn a_credential_goes_with_the_role_that_was_granted_where_it_is_for() {
    let cloud = Cloud::start().await;
    let (_, path, user) = demo(&cloud).await;
    let place = cloud.get("/v3/projects?name=demo").await.each("projects", "id").remove(0);
    let role = cloud.post("/v3/roles", json!({"role": {"name": "passing"}})).await.one("role");
    let role = role["id"].as_str().unwrap();
    assert_eq!(cloud.put(&format!("/v3/projects/{place}/users/{user}/roles/{role}")).await.status, 204);
    let token = cloud.token("demo", "demo", project("demo")).await;
    let one = make(&cloud, &token, &path, json!({"name": "one"})).await.one("application_credential");
    assert_eq!(cloud.authenticate(proof(&one)).await.status, 201);
    cloud.delete(&format!("/v3/roles/{role}")).await;
    assert_eq!(cloud.authenticate(proof(&one)).await.status, 404);
}

#[tokio::test]
async fn bad_credentials_are_refused() {
    let cloud = Cloud::start().await;
    let (token, path, _) = demo(&cloud).await;
    for (body, status) in [
        (json!({}), 400),
        (json!({"name": "x", "expires_at": "nonsense"}), 400),
        (json!({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}), 400),
        (json!({"name": "x", "roles": [{"name": "admin"}]}), 400),
        (json!({"name": "x", "roles": [{"name": "nothing"}]}), 404),
    ] {
        assert_eq!(make(&cloud, &token, &path, body.clone()).await.status, status, "{body}");
    }
    assert_eq!(
        make(&cloud, &cloud.admin, &path, json!({"name": "x"})).await.status,
        403,
        "nobody makes them for others"
    );
    let made = make(&cloud, &token, &path, json!({"name": "x", "secret": "own"}))
        .await
        .one("application_credential");
    let other = cloud.user("other").await;
    let stranger = cloud.token("other", "other", Value::Null).await;
    let disguised = format!("/v3/users/{other}/application_credentials/{}", made["id"].as_str().unwrap());
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(cloud.ask(method, &disguised, &stranger, Value::Null).await.status, 403);
    }
    let mut wrong = proof(&made);
    wrong["auth"]["identity"]["application_credential"]["secret"] = json!("other");
    assert_eq!(cloud.authenticate(wrong).await.status, 401);
    assert_eq!(cloud.authenticate(proof(&json!({"id": "nothing", "secret": "x"}))).await.status, 404);
}
