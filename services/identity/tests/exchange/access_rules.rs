//! Access rules over the wire: what the tokens of an application credential are good for.

use crate::rig::{Cloud, project};
use http::Method;
use serde_json::{Value, json};

/// The demo user's id and token.
async fn demo(cloud: &Cloud) -> (String, String) {
    let token = cloud.token("demo", "demo", project("demo")).await;
    let own = cloud.validate(&token, &token).await.one("token");
    (own["user"]["id"].as_str().unwrap().to_owned(), token)
}

fn rule(service: &str, method: &str, path: &str) -> Value {
    json!({"service": service, "method": method, "path": path})
}

async fn token(cloud: &Cloud, made: &Value) -> String {
    let own = json!({"id": made["id"], "secret": made["secret"]});
    let proof = json!({"methods": ["application_credential"], "application_credential": own});
    let told = cloud.authenticate(json!({"auth": {"identity": proof}})).await;
    assert_eq!(told.status, 201, "{told:?}");
    told.header("x-subject-token").to_owned()
}

#[tokio::test]
async fn a_limited_token_is_good_for_what_its_rules_say_and_nothing_else() {
    let cloud = Cloud::start().await;
    let (user, demo) = demo(&cloud).await;
    let path = format!("/v3/users/{user}/application_credentials");
    let rules = [rule("identity", "GET", "/v3/users/*"), rule("compute", "GET", "/v3/projects")];
    let body = json!({"application_credential": {"name": "limited", "access_rules": rules}});
    let made = cloud.ask(Method::POST, &path, &demo, body).await.one("application_credential");
    assert_eq!(made["access_rules"].as_array().unwrap().len(), 2);
    let text = token(&cloud, &made).await;
    for (method, path, status) in [
        (Method::GET, format!("/v3/users/{user}"), 200),
        (Method::GET, format!("/identity/v3/users/{user}"), 200),
        (Method::GET, format!("/v3/users/{user}/projects"), 401),
        (Method::DELETE, format!("/v3/users/{user}"), 401),
        (Method::GET, "/v3/projects".to_owned(), 401),
        (Method::GET, "/v3/auth/projects".to_owned(), 401),
        (Method::POST, "/v3/ec2tokens".to_owned(), 401),
    ] {
        assert_eq!(
            cloud.ask(method.clone(), &path, &text, Value::Null).await.status,
            status,
            "{method} {path}"
        );
    }
    let subject = ("x-subject-token", text.as_str());
    let (by_admin, knows) =
        (("x-auth-token", cloud.admin.as_str()), ("openstack-identity-access-rules", "1.0"));
    let ask = |headers: Vec<(&'static str, String)>| {
        let cloud = &cloud;
        async move {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            cloud.raw(Method::GET, "/v3/auth/tokens", &headers, b"").await
        }
    };
    let owned = |(name, value): (&'static str, &str)| (name, value.to_owned());
    assert_eq!(
        ask(vec![owned(subject), owned(by_admin)]).await.status,
        404,
        "who does not know of rules is told nothing"
    );
    let told = ask(vec![owned(subject), owned(by_admin), owned(knows)]).await;
    assert_eq!(told.one("token")["application_credential"]["access_rules"].as_array().unwrap().len(), 2);
    let own = ask(vec![owned(subject), ("x-auth-token", text.clone()), owned(knows)]).await;
    assert_eq!(own.status, 200, "any token can be asked about");
}

#[tokio::test]
async fn rules_belong_to_their_user_and_stay_while_a_credential_has_them() {
    let cloud = Cloud::start().await;
    let (user, demo) = demo(&cloud).await;
    let (path, base) =
        (format!("/v3/users/{user}/application_credentials"), format!("/v3/users/{user}/access_rules"));
    let make = |name: &str, rules: Value| {
        let body = json!({"application_credential": {"name": name, "access_rules": rules}});
        let (cloud, path, demo) = (&cloud, path.clone(), demo.clone());
        async move { cloud.ask(Method::POST, &path, &demo, body).await }
    };
    let first =
        make("first", json!([rule("compute", "GET", "/v2.1/**")])).await.one("application_credential");
    let own = first["access_rules"][0]["id"].as_str().unwrap().to_owned();
    for (name, rules) in
        [("same", json!([rule("compute", "GET", "/v2.1/**")])), ("by id", json!([{"id": own}]))]
    {
        let made = make(name, rules).await.one("application_credential");
        assert_eq!(made["access_rules"][0]["id"], own.as_str(), "{name}");
    }
    for bad in
        [rule("compute", "LOOK", "/"), rule("compute", "GET", "x"), json!({"id": "unknown"}), json!("x")]
    {
        assert!([400, 404].contains(&make("bad", json!([bad])).await.status), "{bad}");
    }
    let one = format!("{base}/{own}");
    assert_eq!(cloud.ask(Method::GET, &base, &demo, Value::Null).await.each("access_rules", "id"), [&*own]);
    assert_eq!(cloud.ask(Method::DELETE, &one, &demo, Value::Null).await.status, 403, "it is used");
    cloud.user("other").await;
    let other = cloud.token("other", "other", Value::Null).await;
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(cloud.ask(method, &one, &other, Value::Null).await.status, 403);
    }
    for id in cloud.ask(Method::GET, &path, &demo, Value::Null).await.each("application_credentials", "id") {
        cloud.ask(Method::DELETE, &format!("{path}/{id}"), &demo, Value::Null).await;
    }
    assert_eq!(cloud.ask(Method::DELETE, &one, &demo, Value::Null).await.status, 204);
    assert_eq!(cloud.ask(Method::GET, &one, &demo, Value::Null).await.status, 404);
}
