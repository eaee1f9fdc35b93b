//! Tokens over the wire: every way to get one, what it says, who may look, and how it ends.

use crate::rig::{Cloud, LIFE, NOWHERE, login, project};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_token_says_whose_it_is_and_what_for() {
    let cloud = Cloud::start().await;
    let told = cloud.authenticate(login("admin", "secret", project("admin"))).await;
    let token = told.one("token");
    assert_eq!((told.status, told.header("vary")), (201, "X-Auth-Token"));
    assert!(told.header("x-subject-token").starts_with("gAAAA"));
    assert_eq!(token["methods"], json!(["password"]));
    assert_eq!(token["user"]["name"], "admin");
    assert_eq!(token["user"]["domain"], json!({"id": "default", "name": "Default"}));
    assert_eq!(token["project"]["domain"], json!({"id": "default", "name": "Default"}));
    assert_eq!(token["is_domain"], false);
    assert_eq!(told.body["token"]["issued_at"], "2026-11-21T00:36:59.000000Z");
    assert_eq!(told.body["token"]["expires_at"], "2026-11-21T01:36:59.000000Z");
    let mut roles: Vec<&str> =
        token["roles"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap()).collect();
    roles.sort_unstable();
    assert_eq!(roles, ["admin", "manager", "member", "reader"], "implied roles are in the token");
    let compute =
        token["catalog"].as_array().unwrap().iter().find(|entry| entry["type"] == "compute").unwrap();
    let url = format!("http://cloud/compute/v2.1/{}", token["project"]["id"].as_str().unwrap());
    assert_eq!(compute["endpoints"].as_array().unwrap().len(), 3);
    assert!(compute["endpoints"].as_array().unwrap().iter().all(|endpoint| endpoint["url"] == url.as_str()));
}

#[tokio::test]
async fn every_scope_is_had_by_password_and_by_token() {
    let cloud = Cloud::start().await;
    let (user, place) = (cloud.validate(&cloud.admin, &cloud.admin).await, "token");
    let (user_id, project_id) = (&user.body[place]["user"]["id"], &user.body[place]["project"]["id"]);
    let scopes = [
        (Value::Null, "none"),
        (json!("unscoped"), "none"),
        (json!({"unscoped": {}}), "none"),
        (json!({"project": {"id": project_id}}), "project"),
        (project("admin"), "project"),
        (json!({"project": {"name": "admin", "domain": {"name": "Default"}}}), "project"),
        (json!({"domain": {"id": "default"}}), "domain"),
        (json!({"domain": {"name": "Default"}}), "domain"),
        (json!({"system": {"all": true}}), "system"),
    ];
    let by_id = json!({"methods": ["password"], "password": {"user": {"id": user_id, "password": "secret"}}});
    let by_token = json!({"methods": ["token"], "token": {"id": cloud.admin}});
    for (scope, kind) in scopes {
        for identity in [&by_id, &by_token] {
            let mut auth = json!({"identity": identity});
            if !scope.is_null() {
                auth["scope"] = scope.clone();
            }
            let told = cloud.authenticate(json!({"auth": auth})).await;
            let token = told.one("token");
            for one in ["project", "domain", "system"] {
                assert_eq!(token.get(one).is_some(), one == kind, "{scope}: {token}");
            }
            assert_eq!(token.get("catalog").is_some(), kind != "none", "{scope}");
            assert!(cloud.valid(told.header("x-subject-token")).await, "{scope}");
        }
    }
}

#[tokio::test]
async fn a_token_by_a_token_lives_no_longer_and_remembers_its_parent() {
    let cloud = Cloud::start().await;
    cloud.fixture.clock.advance(Duration::from_secs(60));
    let auth = json!({"identity": {"methods": ["token"], "token": {"id": cloud.admin}}});
    let child = cloud.authenticate(json!({"auth": auth})).await;
    let parent = cloud.validate(&cloud.admin, &cloud.admin).await;
    assert_eq!(child.body["token"]["expires_at"], parent.body["token"]["expires_at"]);
    assert_eq!(child.body["token"]["methods"], json!(["token", "password"]));
    assert_eq!(child.body["token"]["audit_ids"][1], parent.body["token"]["audit_ids"][0]);
    assert_eq!(child.body["token"]["issued_at"], "2026-11-21T00:37:59.000000Z");
}

#[tokio::test]
async fn tokens_end() {
    let cloud = Cloud::start().await;
    cloud.fixture.clock.advance(LIFE - Duration::from_secs(1));
    assert!(cloud.valid(&cloud.admin).await);
    cloud.fixture.clock.advance(Duration::from_secs(2));
    assert_eq!(cloud.get("/v3/users").await.status, 401);
}

#[tokio::test]
async fn whoever_may_looks_at_a_token_and_revokes_it() {
    let cloud = Cloud::start().await;
    let demo = cloud.token("demo", "demo", project("demo")).await;
    let system = cloud.token("admin", "secret", json!({"system": {"all": true}})).await;
    let own = cloud.validate(&demo, &demo).await;
    assert_eq!((own.status, own.header("x-subject-token")), (200, demo.as_str()));
    assert_eq!(cloud.validate(&cloud.admin, &demo).await.body, own.body);
    assert_eq!(cloud.validate(&system, &demo).await.status, 200);
    assert_eq!(cloud.validate(&demo, &cloud.admin).await.status, 403);
    assert_eq!(cloud.validate("", &demo).await.status, 401);
    let headers = [("x-auth-token", cloud.admin.as_str()), ("x-subject-token", demo.as_str())];
    let checked = cloud.raw(Method::HEAD, "/v3/auth/tokens", &headers, b"").await;
    assert_eq!((checked.status, checked.length), (200, 0));
    let bare = cloud.raw(Method::GET, "/v3/auth/tokens?nocatalog", &headers, b"").await;
    assert!(bare.body["token"].get("catalog").is_none());
    assert_eq!(cloud.raw(Method::DELETE, "/v3/auth/tokens", &headers, b"").await.status, 204);
    assert!(!cloud.valid(&demo).await);
    assert_eq!(cloud.raw(Method::HEAD, "/v3/auth/tokens", &headers, b"").await.status, 404);
    assert_eq!(cloud.raw(Method::DELETE, "/v3/auth/tokens", &headers, b"").await.status, 404);
    assert!(cloud.valid(&cloud.token("demo", "demo", project("demo")).await).await);
}

#[tokio::test]
async fn a_token_ends_at_once_when_what_it_stands_for_is_taken_away() {
    let cloud = Cloud::start().await;
    let member = cloud.role("member").await;
    let ends: [(&str, Method, &str, Value); 7] = [
        ("the user is disabled", Method::PATCH, "/v3/users/USER", json!({"user": {"enabled": false}})),
        ("a new password", Method::PATCH, "/v3/users/USER", json!({"user": {"password": "other"}})),
        ("the user is gone", Method::DELETE, "/v3/users/USER", Value::Null),
        ("the role is taken back", Method::DELETE, "/v3/projects/PROJECT/users/USER/roles/ROLE", Value::Null),
        (
            "the project is disabled",
            Method::PATCH,
            "/v3/projects/PROJECT",
            json!({"project": {"enabled": false}}),
        ),
        ("the project is gone", Method::DELETE, "/v3/projects/PROJECT", Value::Null),
        (
            "its own password",
            Method::POST,
            "/v3/users/USER/password",
            json!({"user": {"original_password": "NAME", "password": "new"}}),
        ),
    ];
    for (number, (why, method, path, body)) in ends.into_iter().enumerate() {
        let name = format!("mason-{number}");
        let (user, place) = (cloud.user(&name).await, cloud.project(&name).await);
        cloud.put(&format!("/v3/projects/{place}/users/{user}/roles/{member}")).await;
        let token = cloud.token(&name, &name, project(&name)).await;
        assert!(cloud.valid(&token).await, "{why}");
        let filled = |text: &str| {
            text.replace("USER", &user)
                .replace("PROJECT", &place)
                .replace("ROLE", &member)
                .replace("NAME", &name)
        };
        let body = serde_json::from_str(&filled(&body.to_string())).unwrap();
        assert_eq!(cloud.ask(method, &filled(path), &cloud.admin, body).await.status / 100, 2, "{why}");
        assert!(!cloud.valid(&token).await, "{why}");
    }
}

#[tokio::test]
async fn a_token_that_follows_a_revocation_in_the_same_second_is_good() {
    let cloud = Cloud::start().await;
    let user = cloud.user("ann").await;
    let before = cloud.token("ann", "ann", Value::Null).await;
    cloud.patch(&format!("/v3/users/{user}"), json!({"user": {"password": "new"}})).await;
    let after = cloud.token("ann", "new", Value::Null).await;
    assert!(!cloud.valid(&before).await && cloud.valid(&after).await);
    assert_eq!(cloud.authenticate(login("ann", "ann", Value::Null)).await.status, 401);
}

#[tokio::test]
async fn bad_proofs_get_the_answers_of_keystone_and_say_no_more_than_that() {
    let cloud = Cloud::start().await;
    let refused = "The request you have made requires authentication.";
    let user = |user: Value| json!({"identity": {"methods": ["password"], "password": {"user": user}}});
    let domain = json!({"id": "default"});
    let admin = json!({"name": "admin", "password": "secret", "domain": domain});
    let scoped = |scope: Value| json!({"identity": user(admin.clone())["identity"], "scope": scope});
    let table = [
        (user(json!({"name": "admin", "password": "wrong", "domain": domain})), 401, refused),
        (user(json!({"name": "nobody", "password": "wrong", "domain": domain})), 401, refused),
        (user(json!({"name": "admin", "password": "secret", "domain": {"id": "nowhere"}})), 401, refused),
        (user(json!({"id": NOWHERE, "password": "x"})), 401, refused),
        (scoped(json!({"project": {"id": NOWHERE}})), 401, refused),
        (scoped(json!({"domain": {"id": NOWHERE}})), 401, refused),
        (
            json!({"identity": {"methods": ["token"], "token": {"id": "gAAAAAnope"}}}),
            404,
            "Could not recognize Fernet token",
        ),
        (user(json!({"name": "admin", "password": "secret"})), 400, "Expecting to find domain in user."),
        (user(json!({"name": "admin", "domain": domain})), 401, refused),
        (json!({"identity": {"methods": ["password"]}}), 400, "Expecting to find password in identity."),
        (json!({"identity": {"methods": "password"}}), 400, ""),
        (json!({"identity": 5}), 400, ""),
        (json!([]), 400, ""),
        (json!(null), 400, ""),
    ];
    for (auth, status, message) in table {
        let told = cloud.authenticate(json!({"auth": auth})).await;
        assert_eq!(told.status, status, "{auth}: {told:?}");
        assert!(told.message().starts_with(message), "{auth}: {told:?}");
        assert_eq!(told.body["error"]["code"], status, "{auth}");
        assert!(told.headers.get("x-subject-token").is_none());
        let challenge = if status == 401 { "Keystone uri=\"http://cloud/v3\"" } else { "" };
        assert_eq!(told.header("www-authenticate"), challenge);
    }
    for text in ["", "{", "[]", "null", "\"x\"", "{\"auth\": {\"identity\": ", "\u{0}"] {
        let told = cloud.raw(Method::POST, "/v3/auth/tokens", &[], text.as_bytes()).await;
        assert_eq!(told.status, 400, "{text}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(cloud.raw(Method::POST, "/v3/auth/tokens", &[], deep.as_bytes()).await.status, 400);
    let large = vec![b' '; 200_000];
    assert_eq!(cloud.raw(Method::POST, "/v3/auth/tokens", &[], &large).await.status, 413);
}

#[tokio::test]
async fn strangers_learn_nothing_and_are_told_where_to_ask() {
    let cloud = Cloud::start().await;
    for row in cloud.identity.surface().routes.rows() {
        let path = row.path.replace(['{', '}'], "");
        if matches!(row.access, web::routes::Access::Open(_)) {
            continue;
        }
        for token in ["", "nonsense", "gAAAAABnonsense", &"A".repeat(5000)] {
            let told = cloud.ask(row.method.clone(), &path, token, Value::Null).await;
            assert_eq!(told.status, 401, "{} {path}", row.method);
            assert_eq!(told.header("www-authenticate"), "Keystone uri=\"http://cloud/v3\"");
            assert!(told.headers.contains_key("x-openstack-request-id"));
        }
    }
}

#[tokio::test]
async fn no_operation_answers_nonsense_with_a_bug() {
    let cloud = Cloud::start().await;
    let bodies =
        [json!({}), json!([]), json!({"user": 1, "project": [], "role": null, "tags": {}}), Value::Null];
    for row in cloud.identity.surface().routes.rows() {
        for id in ["x", "%00", "%F0%9F%A7%B1", "..%2F..", NOWHERE, &"y".repeat(3000)] {
            let mut path = String::new();
            for step in row.path.split('/').skip(1) {
                path.push('/');
                path.push_str(if step.starts_with('{') { id } else { step });
            }
            for body in &bodies {
                let told = cloud
                    .ask(
                        row.method.clone(),
                        &format!("{path}?limit=x&enabled=%00&=&a"),
                        &cloud.admin,
                        body.clone(),
                    )
                    .await;
                assert!(told.status < 500, "{} {path} {body}: {told:?}", row.method);
            }
        }
    }
    assert_eq!(cloud.get("/v3/users?name=admin").await.each("users", "name"), ["admin"]);
    assert_eq!(cloud.get("/v3/users?name=admin%00").await.each("users", "name"), Vec::<String>::new());
    assert_eq!(cloud.get("/v3/users/%00").await.status, 404);
    let (place, role) = (cloud.project("wall").await, cloud.role("reader").await);
    let grant = format!("/v3/projects/{place}/users/%00/roles/{role}");
    assert_eq!(cloud.delete(&grant).await.status, 404);
    assert_eq!(cloud.authenticate(login("admin\u{0}", "secret", Value::Null)).await.status, 401);
    for zero in [json!({"name": "a\u{0}"}), json!({"name": "a", "description": "\u{0}"})] {
        let told = cloud.post("/v3/projects", json!({"project": zero})).await;
        assert_eq!((told.status, told.message()), (400, "Text must not have the character U+0000 in it."));
    }
}

#[tokio::test]
async fn a_cached_answer_costs_one_read_and_no_write() {
    let cloud = Cloud::start().await;
    assert!(cloud.valid(&cloud.admin).await);
    let before = cloud.fixture.db.read(epoch).await.unwrap();
    for _ in 0..20 {
        assert_eq!(cloud.get("/v3/auth/system").await.status, 200);
        assert_eq!(cloud.validate(&cloud.admin, &cloud.admin).await.status, 200);
    }
    assert_eq!(cloud.fixture.db.read(epoch).await.unwrap(), before, "looking changes nothing");
}

fn epoch(tx: &store::Tx) -> Result<(i64, i64), fault::Fault> {
    let epoch = tx.query_one("SELECT epoch FROM identity_epoch", store::params![])?.unwrap().int(0)?;
    let revoked =
        tx.query_one("SELECT COUNT(*) FROM identity_revoked_tokens", store::params![])?.unwrap().int(0)?;
    Ok((epoch, revoked))
}

fn by_token(token: &str, scope: Value) -> Value {
    json!({"auth": {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": scope}})
}

#[tokio::test]
async fn what_was_made_of_a_token_ends_with_it_unless_one_says_otherwise() {
    let cloud = Cloud::start().await;
    for (query, scoped_ends) in [("", true), ("?cascade=false", false), ("?cascade=odd", true)] {
        let first = cloud.token("demo", "demo", Value::Null).await;
        let scoped = cloud.authenticate(by_token(&first, project("demo"))).await;
        let scoped = scoped.header("x-subject-token").to_owned();
        let other = cloud.token("demo", "demo", Value::Null).await;
        let headers = [("x-auth-token", first.as_str()), ("x-subject-token", first.as_str())];
        let path = format!("/v3/auth/tokens{query}");
        assert_eq!(cloud.raw(Method::DELETE, &path, &headers, b"").await.status, 204);
        assert!(!cloud.valid(&first).await && cloud.valid(&other).await);
        assert_eq!(cloud.valid(&scoped).await, !scoped_ends, "{query}");
        // What was made of it takes nothing along but itself.
        let headers = [("x-auth-token", other.as_str()), ("x-subject-token", scoped.as_str())];
        cloud.raw(Method::DELETE, "/v3/auth/tokens", &headers, b"").await;
        assert!(cloud.valid(&other).await && !cloud.valid(&scoped).await);
    }
}

#[tokio::test]
async fn a_token_that_has_ended_can_be_asked_about_for_two_days() {
    let cloud = Cloud::start().await;
    let token = cloud.token("demo", "demo", project("demo")).await;
    let revoked = cloud.token("demo", "demo", project("demo")).await;
    let headers = [("x-auth-token", revoked.as_str()), ("x-subject-token", revoked.as_str())];
    assert_eq!(cloud.raw(Method::DELETE, "/v3/auth/tokens", &headers, b"").await.status, 204);
    for (hours, open) in [(2, true), (46, true), (2, false)] {
        cloud.fixture.clock.advance(Duration::from_secs(hours * 60 * 60));
        let admin = cloud.token("admin", "secret", project("admin")).await;
        for (query, text, status) in [
            ("", &token, 404),
            ("?allow_expired=0", &token, 404),
            ("?allow_expired=1", &token, if open { 200 } else { 404 }),
            ("?allow_expired=1", &revoked, 404),
        ] {
            let headers = [("x-auth-token", admin.as_str()), ("x-subject-token", text.as_str())];
            let path = format!("/v3/auth/tokens{query}");
            assert_eq!(cloud.raw(Method::GET, &path, &headers, b"").await.status, status, "{query} {hours}");
        }
        let asked = cloud.ask(Method::GET, "/v3/auth/projects", &token, Value::Null).await;
        assert_eq!(asked.status, 401, "it is good for nothing");
        // A revocation is remembered for as long as the token can be asked about.
        let headers = [("x-auth-token", admin.as_str()), ("x-subject-token", admin.as_str())];
        assert_eq!(cloud.raw(Method::DELETE, "/v3/auth/tokens", &headers, b"").await.status, 204);
    }
}

#[tokio::test]
async fn all_tokens_of_a_user_end_at_once() {
    let cloud = Cloud::start().await;
    let (one, other) =
        (cloud.token("demo", "demo", Value::Null).await, cloud.token("demo", "demo", project("demo")).await);
    let id = cloud.get("/v3/users?name=demo").await.each("users", "id").remove(0);
    let path = format!("/v3/users/{id}/tokens");
    assert_eq!(cloud.delete(&format!("/v3/users/{NOWHERE}/tokens")).await.status, 404);
    assert_eq!(cloud.ask(Method::DELETE, &path, &one, Value::Null).await.status, 204);
    assert!(!cloud.valid(&one).await && !cloud.valid(&other).await);
    let admin = cloud.get("/v3/users?name=admin").await.each("users", "id").remove(0);
    let own = cloud.token("demo", "demo", project("demo")).await;
    let of_admin = format!("/v3/users/{admin}/tokens");
    assert_eq!(cloud.ask(Method::DELETE, &of_admin, &own, Value::Null).await.status, 403);
    assert!(cloud.valid(&own).await);
    assert_eq!(cloud.delete(&path).await.status, 204);
    assert!(!cloud.valid(&own).await);
}

#[tokio::test]
async fn nobody_comes_from_the_system_to_a_project() {
    let cloud = Cloud::start().await;
    let system = json!({"system": {"all": true}});
    let token = cloud.token("admin", "secret", system.clone()).await;
    for (scope, status) in [
        (project("admin"), 403),
        (json!({"domain": {"id": "default"}}), 403),
        (json!({"project": {"id": NOWHERE}}), 401),
        (system, 201),
        (json!("unscoped"), 201),
    ] {
        assert_eq!(cloud.authenticate(by_token(&token, scope.clone())).await.status, status, "{scope}");
    }
}
