//! OAuth 2.0 over the wire: application credentials as clients of OAuth use them.

use crate::rig::{Cloud, LIFE, Told, project};
use base64::Engine;
use http::Method;
use serde_json::{Value, json};

async fn ask(cloud: &Cloud, authorization: &str, form: &str) -> Told {
    let headers = [("authorization", authorization), ("content-type", "application/x-www-form-urlencoded")];
    cloud.raw(Method::POST, "/v3/OS-OAUTH2/token", &headers, form.as_bytes()).await
}

#[tokio::test]
async fn a_client_with_its_credential_gets_a_token() {
    let cloud = Cloud::start().await;
    let token = cloud.token("demo", "demo", project("demo")).await;
    let user = cloud.validate(&token, &token).await.one("token")["user"]["id"].clone();
    let path = format!("/v3/users/{}/application_credentials", user.as_str().unwrap());
    let body = json!({"application_credential": {"name": "client"}});
    let made = cloud.ask(Method::POST, &path, &token, body).await.one("application_credential");
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let basic = |id: &str, secret: &str| {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}")))
    };
    let grant = "grant_type=client_credentials";
    for told in [
        ask(&cloud, &basic(id, secret), grant).await,
        ask(&cloud, "", &format!("{grant}&client_id={id}&client_secret={secret}")).await,
    ] {
        assert_eq!((told.status, &told.body["token_type"]), (200, &json!("Bearer")), "{told:?}");
        assert_eq!(told.body["expires_in"], LIFE.as_secs());
        let token = told.body["access_token"].as_str().unwrap();
        let said = cloud.validate(&cloud.admin, token).await.one("token");
        assert_eq!((&said["project"]["name"], &said["user"]["name"]), (&json!("demo"), &json!("demo")));
    }
    for (authorization, form, status, error) in [
        (basic(id, "wrong"), grant, 401, "invalid_client"),
        (basic("nobody", secret), grant, 404, "other_error"),
        (String::new(), grant, 401, "invalid_client"),
        ("Basic !".to_owned(), grant, 401, "invalid_client"),
        (basic(id, secret), "", 400, "invalid_request"),
        (basic(id, secret), "grant_type=password", 400, "unsupported_grant_type"),
    ] {
        let told = ask(&cloud, &authorization, form).await;
        assert_eq!((told.status, &told.body["error"]), (status, &json!(error)), "{form}");
        assert_eq!(told.headers.contains_key("www-authenticate"), status == 401);
        assert_ne!(told.body["error_description"], Value::Null);
    }
}
