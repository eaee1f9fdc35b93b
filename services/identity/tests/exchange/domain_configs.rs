//! Options of domains over the wire.

use crate::rig::{Cloud, NOWHERE, project};
use http::Method;
use identity::model::compliance::{Compliance, PasswordForm};
use identity::settings::Settings;
use serde_json::{Value, json};

const PATH: &str = "/v3/domains/default/config";

/// Sends each request as the administrator: method, what follows the path, body; status and answer.
async fn check(cloud: &Cloud, asked: &[(Method, &str, Value, u16, Value)]) {
    for (method, rest, config, status, wanted) in asked {
        let body = if config.is_null() { Value::Null } else { json!({"config": config}) };
        let told = cloud.ask(method.clone(), &format!("{PATH}{rest}"), &cloud.admin, body).await;
        assert_eq!(told.status, *status, "{method} {rest} {config}: {told:?}");
        let said = if *status < 300 { &told.body["config"] } else { &told.body["error"]["message"] };
        assert_eq!(said, wanted, "{method} {rest} {config}");
    }
}

fn refused(reason: &str) -> Value {
    json!(format!("Invalid domain specific configuration: {reason}."))
}

fn absent(what: &str) -> Value {
    json!(format!("Could not find {what} in domain configuration for domain default."))
}

#[tokio::test]
async fn options_are_kept_and_secrets_are_not_shown() {
    let cloud = Cloud::start().await;
    let (get, put, patch) = (Method::GET, Method::PUT, Method::PATCH);
    let both = json!({"ldap": {"url": "x", "password": "hush"}});
    check(
        &cloud,
        &[
            (get.clone(), "", Value::Null, 404, absent("any options")),
            (put.clone(), "", both.clone(), 201, json!({"ldap": {"url": "x"}})),
            (put, "", both, 200, json!({"ldap": {"url": "x"}})),
            (get.clone(), "/ldap", Value::Null, 200, json!({"ldap": {"url": "x"}})),
            (get.clone(), "/ldap/url", Value::Null, 200, json!({"url": "x"})),
            (get.clone(), "/ldap/password", Value::Null, 404, absent("option password in group ldap")),
            (patch.clone(), "/ldap/url", json!({"url": "z"}), 200, json!({"ldap": {"url": "z"}})),
            (
                patch.clone(),
                "/ldap",
                json!({"ldap": {"user": "u"}}),
                200,
                json!({"ldap": {"url": "z", "user": "u"}}),
            ),
            (patch.clone(), "/identity", json!({"identity": {"driver": "z"}}), 404, absent("group identity")),
            (
                patch,
                "",
                json!({"identity": {"list_limit": 7}}),
                200,
                json!({"identity": {"list_limit": 7}, "ldap": {"url": "z", "user": "u"}}),
            ),
            (Method::DELETE, "/ldap/user", Value::Null, 204, Value::Null),
            (Method::DELETE, "/ldap/user", Value::Null, 404, absent("option user in group ldap")),
            (Method::DELETE, "/ldap/password", Value::Null, 204, Value::Null),
            (Method::DELETE, "", Value::Null, 204, Value::Null),
            (get, "", Value::Null, 404, absent("any options")),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_no_option_is_refused_and_changes_nothing() {
    let cloud = Cloud::start().await;
    let url = json!({"ldap": {"url": "x"}});
    check(&cloud, &[(Method::PUT, "", url.clone(), 201, url.clone())]).await;
    for (method, rest, config, reason) in [
        (Method::PUT, "", json!({}), "No options specified"),
        (
            Method::PUT,
            "",
            json!({"ldap": "x"}),
            "The value of group ldap specified in the config should be a dictionary of options",
        ),
        (
            Method::PUT,
            "",
            json!({"no": {"a": 1}}),
            "Group no is not supported for domain specific configurations",
        ),
        (
            Method::PATCH,
            "",
            json!({"ldap": {"url": "y", "no": 1}}),
            "Option no in group ldap is not supported for domain specific configurations",
        ),
        (
            Method::PATCH,
            "/identity",
            url.clone(),
            "request to update group identity, but config provided contains group ldap instead",
        ),
        (
            Method::PATCH,
            "/ldap/url",
            json!({"user": "z"}),
            "Trying to update option url in group ldap, but config provided contains option user instead",
        ),
        (
            Method::PATCH,
            "/ldap/url",
            json!({"url": "1", "user": "z"}),
            "Trying to update option url in group ldap, so that, and only that, option must be specified  in the config",
        ),
        (Method::GET, "/no", Value::Null, "Group no is not supported for domain specific configurations"),
    ] {
        check(&cloud, &[(method, rest, config, 403, refused(reason))]).await;
    }
    check(&cloud, &[(Method::GET, "", Value::Null, 200, url)]).await;
    let nowhere = format!("/v3/domains/{NOWHERE}/config");
    let body = json!({"config": {"ldap": {"url": "x"}}});
    assert_eq!(cloud.ask(Method::PUT, &nowhere, &cloud.admin, body.clone()).await.status, 404);
    let demo = cloud.token("demo", "demo", project("demo")).await;
    assert_eq!(cloud.ask(Method::GET, PATH, &demo, Value::Null).await.status, 403);
    assert_eq!(cloud.ask(Method::PUT, PATH, &demo, body).await.status, 403);
}

#[tokio::test]
async fn a_secret_is_sealed_and_stays_so_when_keys_rotate() {
    let cloud = Cloud::start().await;
    let secret = json!({"ldap": {"password": "hush"}});
    check(&cloud, &[(Method::PUT, "", secret, 201, json!({}))]).await;
    let kept = || {
        let read = |tx: &store::Tx| {
            let sql = "SELECT option_value FROM identity_domain_options WHERE name = 'password'";
            tx.query_one(sql, &[])?.map_or(Ok(String::new()), |row| row.text(0))
        };
        cloud.fixture.db.read_now(read).unwrap()
    };
    let first = kept();
    assert!(first.len() > 80 && !first.contains("hush"));
    cloud.identity.credential_keys_rotate().await.unwrap();
    assert_ne!(kept(), first);
    cloud.identity.credential_keys_rotate().await.unwrap();
    cloud.identity.credential_keys_rotate().await.unwrap();
    check(&cloud, &[(Method::DELETE, "/ldap/password", Value::Null, 204, Value::Null)]).await;
    assert_eq!(kept(), "");
}

#[tokio::test]
async fn defaults_and_the_rules_for_passwords_can_be_read() {
    let form = PasswordForm::new(r"^\d+$", "digits").unwrap();
    let compliance = Compliance { form: Some(form), ..Compliance::default() };
    let settings = Settings { compliance, ..Settings::default() };
    let cloud = Cloud::with(store::testing::chosen(), settings).await;
    let all = cloud.get("/v3/domains/config/default").await.one("config");
    assert_eq!((&all["identity"]["driver"], &all["ldap"]["pool_size"]), (&json!("sql"), &json!(10)));
    assert!(all["ldap"].get("password").is_none());
    let group = cloud.get("/v3/domains/config/identity/default").await.one("config");
    assert_eq!(group, json!({"identity": {"driver": "sql", "list_limit": null}}));
    let option = cloud.get("/v3/domains/config/ldap/url/default").await.one("config");
    assert_eq!(option, json!({"url": "ldap://localhost"}));
    let secret = cloud.get("/v3/domains/config/ldap/password/default").await;
    assert_eq!(secret.status, 403);
    let demo = cloud.token("demo", "demo", project("demo")).await;
    let rules = cloud.ask(Method::GET, &format!("{PATH}/security_compliance"), &demo, Value::Null).await;
    let wanted = json!({"password_regex": r"^\d+$", "password_regex_description": "digits"});
    assert_eq!(rules.one("config"), json!({"security_compliance": wanted}));
    let one = format!("{PATH}/security_compliance/password_regex");
    let told = cloud.ask(Method::GET, &one, &demo, Value::Null).await;
    assert_eq!(told.one("config"), json!({"password_regex": r"^\d+$"}));
    assert_eq!(cloud.get(&format!("{PATH}/security_compliance/lockout_duration")).await.status, 403);
    assert_eq!(cloud.get(&format!("/v3/domains/{NOWHERE}/config/security_compliance")).await.status, 403);
}
