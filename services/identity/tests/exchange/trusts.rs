//! Trusts over the wire: who lends what to whom, what a trust's token is, and how all of it ends.

use crate::rig::{Cloud, NOWHERE, Told, login, project};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

const TRUSTS: &str = "/v3/OS-TRUST/trusts";

/// The demo user lends to the user eve.
struct Lent<'a> {
    cloud: &'a Cloud,
    /// The trustor's token.
    demo: String,
    demo_id: String,
    eve_id: String,
    project_id: String,
}

impl<'a> Lent<'a> {
    async fn on(cloud: &'a Cloud) -> Self {
        let demo = cloud.token("demo", "demo", project("demo")).await;
        let own = cloud.validate(&demo, &demo).await.one("token");
        let id = |noun: &str| own[noun]["id"].as_str().unwrap().to_owned();
        let (demo_id, project_id) = (id("user"), id("project"));
        let eve_id = cloud.user("eve").await;
        Self { cloud, demo, demo_id, eve_id, project_id }
    }

    async fn make(&self, more: Value) -> Told {
        self.make_by(&self.demo, more).await
    }

    async fn make_by(&self, token: &str, more: Value) -> Told {
        let mut body = json!({
            "trustor_user_id": self.demo_id, "trustee_user_id": self.eve_id, "project_id": self.project_id,
            "impersonation": true, "roles": [{"name": "member"}],
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.cloud.ask(Method::POST, TRUSTS, token, json!({"trust": body})).await
    }

    async fn login(&self, trust: &str, user: &str) -> Told {
        self.cloud.authenticate(login(user, user, json!({"OS-TRUST:trust": {"id": trust}}))).await
    }

    async fn token(&self, trust: &str, user: &str) -> String {
        let told = self.login(trust, user).await;
        assert_eq!(told.status, 201, "{told:?}");
        told.header("x-subject-token").to_owned()
    }

    async fn valid(&self, token: &str) -> bool {
        self.cloud.validate(&self.cloud.admin, token).await.status == 200
    }
}

#[tokio::test]
async fn a_trustee_acts_as_the_trustor_or_in_own_name() {
    let cloud = Cloud::start().await;
    let lent = Lent::on(&cloud).await;
    for (impersonation, name) in [(true, "demo"), (false, "eve")] {
        let made = lent.make(json!({"impersonation": impersonation})).await;
        let trust = made.one("trust");
        assert_eq!(trust["roles"][0]["name"], "member");
        let id = trust["id"].as_str().unwrap();
        let told = lent.login(id, "eve").await;
        let token = told.one("token");
        assert_eq!(token["user"]["name"], name);
        assert_eq!(token["project"]["id"], lent.project_id.as_str());
        assert_eq!(
            token["OS-TRUST:trust"],
            json!({"id": id, "impersonation": impersonation, "trustor_user": {"id": lent.demo_id},
                "trustee_user": {"id": lent.eve_id}})
        );
        let roles: Vec<&str> =
            token["roles"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap()).collect();
        assert!(roles.contains(&"member") && roles.contains(&"reader") && roles.len() == 2, "{roles:?}");
        let text = told.header("x-subject-token");
        let seen = cloud.validate(&cloud.admin, text).await.one("token");
        assert_eq!((&seen["user"], &seen["OS-TRUST:trust"]), (&token["user"], &token["OS-TRUST:trust"]));
        let own =
            cloud.ask(Method::GET, &format!("/v3/projects/{}", lent.project_id), text, Value::Null).await;
        assert_eq!(own.status, 200, "the rules see the trust's project");
    }
}

#[tokio::test]
async fn a_trust_is_the_trustors_to_give_and_theirs_to_see() {
    let cloud = Cloud::start().await;
    let lent = Lent::on(&cloud).await;
    let id = lent.make(json!({})).await.id("trust");
    cloud.user("mallory").await;
    let eve = cloud.token("eve", "eve", Value::Null).await;
    let mallory = cloud.token("mallory", "mallory", Value::Null).await;
    let role = cloud.role("member").await;
    for (token, shown, listed, removed) in
        [(&mallory, 403, 403, 403), (&eve, 200, 403, 403), (&lent.demo, 200, 200, 204)]
    {
        for path in ["", "/roles", &format!("/roles/{role}")] {
            let told = cloud.ask(Method::GET, &format!("{TRUSTS}/{id}{path}"), token, Value::Null).await;
            assert_eq!(told.status, shown, "{path}");
        }
        let of_trustor = format!("{TRUSTS}?trustor_user_id={}", lent.demo_id);
        assert_eq!(cloud.ask(Method::GET, &of_trustor, token, Value::Null).await.status, listed);
        assert_eq!(cloud.ask(Method::GET, TRUSTS, token, Value::Null).await.status, 403);
        let gone = cloud.ask(Method::DELETE, &format!("{TRUSTS}/{id}"), token, Value::Null).await;
        assert_eq!(gone.status, removed);
    }
    let of_trustee = format!("{TRUSTS}?trustee_user_id={}", lent.eve_id);
    assert!(cloud.ask(Method::GET, &of_trustee, &eve, Value::Null).await.each("trusts", "id").is_empty());
    for (more, status) in [
        (json!({"roles": [{"name": "admin"}]}), 404),
        (json!({"roles": []}), 403),
        (json!({"trustee_user_id": NOWHERE}), 404),
        (json!({"trustor_user_id": lent.eve_id}), 403),
        (json!({"project_id": NOWHERE}), 404),
        (json!({"expires_at": "2001-01-01T00:00:00Z"}), 400),
        (json!({"expires_at": "bad.123Z"}), 400),
        (json!({"remaining_uses": 0}), 400),
        (json!({"impersonation": "yes"}), 400),
    ] {
        assert_eq!(lent.make(more.clone()).await.status, status, "{more}");
    }
}

#[tokio::test]
async fn a_trust_is_good_for_its_uses_and_its_time() {
    let cloud = Cloud::start().await;
    let lent = Lent::on(&cloud).await;
    let id = lent.make(json!({"remaining_uses": 2, "expires_at": "2026-11-21T01:00:00Z"})).await.id("trust");
    let first = lent.token(&id, "eve").await;
    assert_eq!(cloud.get(&format!("{TRUSTS}/{id}")).await.one("trust")["remaining_uses"], 1);
    for (user, status) in [("demo", 403), ("eve", 201), ("eve", 401)] {
        assert_eq!(lent.login(&id, user).await.status, status, "{user}");
    }
    assert_eq!(cloud.get(&format!("{TRUSTS}/{id}")).await.status, 404);
    assert!(lent.valid(&first).await, "a use that went into a token is that token's");
    assert_eq!(cloud.ask(Method::GET, "/v3/auth/projects", &first, Value::Null).await.status, 200);
    cloud.fixture.clock.advance(Duration::from_secs(30 * 60));
    assert!(!lent.valid(&first).await, "the trust ended before the token");
    assert_eq!(cloud.ask(Method::GET, "/v3/auth/projects", &first, Value::Null).await.status, 401);
}

#[tokio::test]
async fn what_a_trust_stands_on_takes_its_tokens_along() {
    let remove = |path: &str| (Method::DELETE, path.to_owned(), Value::Null);
    let disable =
        |path: &str, noun: &str| (Method::PATCH, path.to_owned(), json!({ noun: {"enabled": false} }));
    for (method, path, body) in [
        remove("/v3/OS-TRUST/trusts/LENT"),
        remove("/v3/users/DEMO"),
        remove("/v3/users/EVE"),
        remove("/v3/projects/PROJECT"),
        remove("/v3/projects/PROJECT/users/DEMO/roles/ROLE"),
        disable("/v3/users/DEMO", "user"),
        disable("/v3/users/EVE", "user"),
        disable("/v3/projects/PROJECT", "project"),
        (Method::PATCH, "/v3/users/DEMO".to_owned(), json!({"user": {"password": "other"}})),
        (Method::PATCH, "/v3/users/EVE".to_owned(), json!({"user": {"password": "other"}})),
    ] {
        let cloud = Cloud::start().await;
        let lent = Lent::on(&cloud).await;
        let id = lent.make(json!({})).await.id("trust");
        let token = lent.token(&id, "eve").await;
        assert!(lent.valid(&token).await);
        let role = cloud.role("member").await;
        let filled = [
            ("LENT", &id),
            ("DEMO", &lent.demo_id),
            ("EVE", &lent.eve_id),
            ("PROJECT", &lent.project_id),
            ("ROLE", &role),
        ]
        .iter()
        .fold(path.clone(), |path, (name, id)| path.replace(name, id));
        assert_eq!(cloud.ask(method, &filled, &cloud.admin, body).await.status / 100, 2, "{path}");
        assert!(!lent.valid(&token).await, "{path}");
        assert_eq!(
            cloud.ask(Method::GET, "/v3/auth/projects", &token, Value::Null).await.status,
            401,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_trust_is_handed_on_as_deep_as_it_says() {
    let cloud = Cloud::start().await;
    let lent = Lent::on(&cloud).await;
    let bob = cloud.user("bob").await;
    let closed = lent.make(json!({})).await.id("trust");
    let by_closed = lent.token(&closed, "eve").await;
    assert_eq!(lent.make_by(&by_closed, json!({"trustee_user_id": bob})).await.status, 403);
    let first = lent.make(json!({"allow_redelegation": true, "redelegation_count": 2})).await.id("trust");
    let by_eve = lent.token(&first, "eve").await;
    for more in [
        json!({"roles": [{"name": "reader"}]}),
        json!({"remaining_uses": 1}),
        json!({"allow_redelegation": true, "redelegation_count": 3}),
        json!({"redelegated_trust_id": closed}),
    ] {
        let mut more = more;
        more["trustee_user_id"] = json!(bob);
        assert_eq!(lent.make_by(&by_eve, more.clone()).await.status, 403, "{more}");
    }
    let second = lent.make_by(&by_eve, json!({"trustee_user_id": bob, "allow_redelegation": true})).await;
    assert_eq!(second.one("trust")["redelegated_trust_id"], first.as_str());
    assert_eq!(second.one("trust")["redelegation_count"], 1);
    let by_bob = lent.token(&second.id("trust"), "bob").await;
    let third = lent.make_by(&by_bob, json!({"allow_redelegation": true})).await;
    assert_eq!(third.one("trust")["redelegation_count"], 0);
    let last = lent.token(&third.id("trust"), "eve").await;
    assert_eq!(cloud.validate(&cloud.admin, &last).await.one("token")["user"]["name"], "demo");
    assert_eq!(lent.make_by(&last, json!({"trustee_user_id": bob})).await.status, 403, "deep enough");
    assert_eq!(cloud.delete(&format!("{TRUSTS}/{first}")).await.status, 204);
    for token in [&by_eve, &by_bob, &last] {
        assert!(!lent.valid(token).await, "the whole chain ends");
    }
}

#[tokio::test]
async fn a_trust_is_handed_on_for_its_project_alone() {
    let cloud = Cloud::start().await;
    let lent = Lent::on(&cloud).await;
    let (other, member) = (cloud.project("other").await, cloud.role("member").await);
    cloud.put(&format!("/v3/projects/{other}/users/{}/roles/{member}", lent.demo_id)).await;
    let first = lent.make(json!({"allow_redelegation": true})).await.id("trust");
    let by_eve = lent.token(&first, "eve").await;
    assert_eq!(lent.make_by(&by_eve, json!({})).await.status, 201);
    assert_eq!(lent.make_by(&by_eve, json!({"project_id": other})).await.status, 403);
}

#[tokio::test]
async fn who_lent_first_must_still_be_somebody() {
    let cloud = Cloud::start().await;
    let lent = Lent::on(&cloud).await;
    let (bob, member) = (cloud.user("bob").await, cloud.role("member").await);
    let granted = format!("/v3/projects/{}/users/{}/roles/{member}", lent.project_id, lent.eve_id);
    assert_eq!(cloud.put(&granted).await.status, 204);
    let plain = json!({"allow_redelegation": true, "impersonation": false});
    let first = lent.make(plain).await.id("trust");
    let by_eve = lent.token(&first, "eve").await;
    let second = json!({"trustor_user_id": lent.eve_id, "trustee_user_id": bob, "impersonation": false});
    let second = lent.make_by(&by_eve, second).await.id("trust");
    let by_bob = lent.token(&second, "bob").await;
    assert!(lent.valid(&by_bob).await);
    let path = format!("/v3/users/{}", lent.demo_id);
    cloud.patch(&path, json!({"user": {"enabled": false}})).await.one("user");
    assert!(!lent.valid(&by_bob).await);
}

#[tokio::test]
async fn keys_name_no_trust_of_others() {
    let cloud = Cloud::start().await;
    let lent = Lent::on(&cloud).await;
    let id = lent.make(json!({})).await.id("trust");
    let bob = cloud.user("bob").await;
    let by_bob = cloud.token("bob", "bob", Value::Null).await;
    for (owner, token, status) in [(&bob, &by_bob, 401), (&lent.demo_id, &lent.demo, 200)] {
        let key = json!({"access": format!("of-{owner}"), "secret": "secret", "trust_id": id});
        let body =
            json!({"type": "ec2", "user_id": owner, "project_id": lent.project_id, "blob": key.to_string()});
        let made = cloud.ask(Method::POST, "/v3/credentials", token, json!({"credential": body})).await;
        assert_eq!(made.status, 201, "{made:?}");
        let told = cloud.post("/v3/ec2tokens", crate::signed::signed(&key, json!({}))).await;
        assert_eq!(told.status, status, "{told:?}");
    }
}

#[tokio::test]
async fn a_trusts_token_becomes_nothing_else() {
    let cloud = Cloud::start().await;
    let lent = Lent::on(&cloud).await;
    let id = lent.make(json!({})).await.id("trust");
    let token = lent.token(&id, "eve").await;
    let by_token = json!({"methods": ["token"], "token": {"id": token}});
    for scope in [json!("unscoped"), project("demo"), json!({"OS-TRUST:trust": {"id": id}})] {
        let told = cloud.authenticate(json!({"auth": {"identity": by_token, "scope": scope}})).await;
        assert_eq!(told.status, 403, "{scope}");
    }
    let path = format!("/v3/users/{}/application_credentials", lent.demo_id);
    let body = json!({"application_credential": {"name": "x"}});
    assert_eq!(cloud.ask(Method::POST, &path, &token, body).await.status, 403);
    let body = json!({"credential": {"user_id": lent.demo_id, "type": "cert", "blob": "x"}});
    assert_eq!(cloud.ask(Method::POST, "/v3/credentials", &token, body).await.status, 403);
    let programs =
        cloud.ask(Method::POST, &path, &lent.demo, json!({"application_credential": {"name": "ci"}})).await;
    let own = programs.one("application_credential");
    let own = json!({"id": own["id"], "secret": own["secret"]});
    let proof =
        json!({"auth": {"identity": {"methods": ["application_credential"], "application_credential": own}}});
    let program = cloud.authenticate(proof).await.header("x-subject-token").to_owned();
    assert_eq!(
        lent.make_by(&program, json!({})).await.status,
        403,
        "what programs were given makes no trusts"
    );
    assert_eq!(cloud.ask(Method::GET, &format!("{TRUSTS}/{id}"), &program, Value::Null).await.status, 403);
}

#[tokio::test]
async fn what_ended_is_shown_for_a_month_and_forgotten() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    for fixture in store::testing::databases() {
        let cloud = Cloud::on(fixture).await;
        let lent = Lent::on(&cloud).await;
        let lasting = lent.make(json!({})).await.id("trust");
        let ending = lent.make(json!({"expires_at": "2026-11-22T00:00:00Z"})).await.id("trust");
        let listed = async || {
            cloud.identity.ended_forget().await.unwrap();
            let token = cloud.token("admin", "secret", project("admin")).await;
            cloud.ask(Method::GET, TRUSTS, &token, Value::Null).await.each("trusts", "id")
        };
        let mut both = vec![lasting.clone(), ending];
        both.sort();
        cloud.fixture.clock.advance(29 * DAY);
        assert_eq!(listed().await, both);
        cloud.fixture.clock.advance(3 * DAY);
        assert_eq!(listed().await, [lasting]);
    }
}
