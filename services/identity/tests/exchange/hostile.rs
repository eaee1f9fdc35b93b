//! A provider of OpenID Connect that means ill, or is ill: what it answers is foreign input like any other.

use crate::federated::{Provider, Relying, back, encoded, sent};
use crate::rig::Told;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const ITSELF: &str = "/.well-known/openid-configuration";

impl Relying {
    /// Logs somebody in with a token that the provider is asked about, after what is believed of it is forgotten.
    async fn asked_anew(&self) -> Told {
        self.cloud.fixture.clock.advance(Duration::from_secs(601));
        self.log_in("opaque").await
    }

    /// Logs somebody in of whom the provider says this when it is asked.
    async fn introspected(&self, more: Value) -> Told {
        let mut said = json!({
            "active": true, "sub": "248", "client_id": "cloud", "exp": 4_000_000_000_i64, "preferred_username": "ann",
            "groups": ["staff"],
        });
        said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.provider.says("/introspect", 200, said.to_string());
        self.provider.says("/me", 404, "");
        self.log_in("opaque").await
    }
}

#[tokio::test]
async fn a_provider_that_answers_nonsense_lets_nobody_in() {
    let relying = Relying::start().await;
    let provider = &relying.provider;
    let document = |more: Value| provider.document(more).to_string();
    let deep = "[".repeat(100_000);
    let key = provider.key();
    let many = json!({"keys": vec![key; 65]}).to_string();
    assert_eq!(relying.asked_anew().await.status, 201);
    for (path, status, body, wanted) in [
        (ITSELF, 200, String::new(), 503),
        (ITSELF, 200, "[]".to_owned(), 503),
        (ITSELF, 200, deep.clone(), 503),
        (ITSELF, 200, "{\"issuer\":".to_owned(), 503),
        (ITSELF, 404, document(json!({})), 503),
        (ITSELF, 302, document(json!({})), 503),
        (ITSELF, 200, document(json!({"issuer": "https://elsewhere"})), 503),
        (ITSELF, 200, document(json!({"jwks_uri": null})), 503),
        (ITSELF, 200, document(json!({"jwks_uri": "http://169.254.169.254/keys"})), 503),
        (ITSELF, 200, document(json!({"jwks_uri": "file:///etc/passwd"})), 503),
        (ITSELF, 200, document(json!({"introspection_endpoint": null})), 401),
        (ITSELF, 200, document(json!({"introspection_endpoint": "http://localhost:22/"})), 503),
        (ITSELF, 200, document(json!({"userinfo_endpoint": "https://127.0.0.1/"})), 503),
        ("/keys", 200, "keys".to_owned(), 503),
        ("/keys", 200, many, 503),
        ("/introspect", 200, "true".to_owned(), 503),
        ("/introspect", 200, deep.clone(), 503),
        ("/introspect", 401, "{\"active\": true}".to_owned(), 503),
        ("/introspect", 200, " ".repeat(300 << 10), 503),
        ("/introspect", 200, "{\"active\": true}".to_owned(), 401),
        ("/me", 200, " ".repeat(300 << 10), 503),
        ("/me", 200, deep, 401),
        ("/me", 200, "{}".to_owned(), 401),
        ("/me", 200, json!({"sub": "249", "preferred_username": "eve"}).to_string(), 401),
    ] {
        provider.says(path, status, body.clone());
        let told = relying.asked_anew().await;
        assert_eq!(told.status, wanted, "{path} {status} {:.80} {told:?}", body);
        provider.recovers();
    }
    assert_eq!(relying.asked_anew().await.status, 201);
}

#[tokio::test]
async fn what_a_provider_says_of_a_token_is_checked() {
    let relying = Relying::start().await;
    assert_eq!(relying.introspected(json!({})).await.status, 201);
    for more in [
        json!({"active": false}),
        json!({"active": "true"}),
        json!({"active": 1}),
        json!({"active": null}),
        json!({"exp": null}),
        json!({"exp": "4000000000"}),
        json!({"exp": -1}),
        json!({"nbf": 4_000_000_000_i64}),
        json!({"iss": "https://elsewhere"}),
        json!({"iss": null}),
        json!({"client_id": "calendar"}),
        json!({"client_id": ["calendar"]}),
        json!({"client_id": {"cloud": "cloud"}}),
        json!({"client_id": 7}),
        json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
    ] {
        assert_eq!(relying.introspected(more.clone()).await.status, 401, "{more}");
    }
}

/// What a provider calls somebody is kept, and shown to others.
#[tokio::test]
async fn names_are_of_a_length_that_can_be_kept() {
    for fixture in store::testing::databases() {
        let relying = Relying::on(fixture).await;
        assert_eq!(relying.introspected(json!({"preferred_username": "é".repeat(255)})).await.status, 201);
        for more in [
            json!({"preferred_username": "é".repeat(256)}),
            json!({"preferred_username": "a".repeat(200_000)}),
            json!({"preferred_username": "ann\u{0}"}),
            json!({"preferred_username": "ann\r\nset-cookie: a=b"}),
            json!({"sub": "a".repeat(256)}),
        ] {
            let told = relying.introspected(more.clone()).await;
            assert_eq!(told.status, 400, "{told:?}");
        }
    }
}

#[tokio::test]
async fn many_groups_cost_little() {
    let relying = Relying::start().await;
    let mut groups: Vec<String> = (0..20_000).map(|number| format!("g{number}")).collect();
    groups.push("staff".to_owned());
    let told = relying.introspected(json!({"groups": groups})).await.one("token");
    assert_eq!(told["user"]["OS-FEDERATION"]["groups"], json!([{"id": relying.staff}]));
    let claims: serde_json::Map<String, Value> =
        (0..10_000).map(|number| (format!("c{number}"), json!(number))).collect();
    assert_eq!(relying.introspected(Value::Object(claims)).await.status, 201);
}

/// Everybody has the public key of a provider, and no signature costs nothing at all.
#[tokio::test]
async fn a_public_key_signs_nothing() {
    let relying = Relying::start().await;
    let now = relying.cloud.fixture.clock.now();
    let right = relying.provider.token(now, json!({}));
    assert_eq!(relying.log_in(&right).await.status, 201);
    let claims = right.split('.').nth(1).unwrap();
    let key = relying.provider.key().to_string();
    let signed = format!("{}.{claims}", encoded(r#"{"alg":"HS256","kid":"k"}"#));
    for secret in [key.as_bytes(), b"secret", b""] {
        let mac = <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(secret).unwrap().chain_update(&signed);
        let text = format!("{signed}.{}", encoded(mac.finalize().into_bytes()));
        assert_eq!(relying.log_in(&text).await.status, 401);
    }
    for algorithm in ["none", "None", "NONE", "ES256", "RS256"] {
        let header = json!({"alg": algorithm, "kid": "k"}).to_string();
        assert_eq!(
            relying.log_in(&format!("{}.{claims}.", encoded(header))).await.status,
            401,
            "{algorithm}"
        );
    }
}

#[tokio::test]
async fn a_provider_changes_its_keys() {
    let relying = Relying::start().await;
    let (provider, clock) = (&relying.provider, &relying.cloud.fixture.clock);
    let new = provider.with_a_new_key();
    let token = |of: &Provider| of.token(clock.now(), json!({}));
    assert_eq!(relying.log_in(&token(provider)).await.status, 201);
    assert_eq!(provider.asked("/keys"), 1);
    provider.says("/keys", 200, json!({"keys": [new.key()]}).to_string());
    for _ in 0..5 {
        assert_eq!(relying.log_in(&token(&new)).await.status, 401, "it was asked a moment ago");
    }
    assert_eq!(provider.asked("/keys"), 1, "whoever shows what nobody signed has nobody asked all the time");
    clock.advance(Duration::from_secs(11));
    assert_eq!(relying.log_in(&token(&new)).await.status, 201);
    assert_eq!(relying.log_in(&token(provider)).await.status, 401, "the old one is none any more");
    assert_eq!(provider.asked("/keys"), 2);
    provider.says("/keys", 500, "");
    clock.advance(Duration::from_secs(11));
    assert_eq!(relying.log_in(&token(provider)).await.status, 503);
    assert_eq!(relying.log_in(&token(&new)).await.status, 201, "what is known is good for a while");
}

#[tokio::test]
async fn a_provider_that_is_away_is_not_asked_by_everybody() {
    let relying = Relying::start().await;
    relying.provider.says(ITSELF, 500, "");
    for _ in 0..5 {
        assert_eq!(relying.log_in("opaque").await.status, 503);
    }
    assert_eq!(relying.provider.asked(ITSELF), 1);
    relying.provider.recovers();
    relying.cloud.fixture.clock.advance(Duration::from_secs(2));
    assert_eq!(relying.log_in("opaque").await.status, 201);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_keeps_few_waiting() {
    let relying = Arc::new(Relying::start().await);
    assert_eq!(relying.log_in("opaque").await.status, 201);
    relying.provider.says("/introspect", 0, "");
    let mut waiting = JoinSet::new();
    for _ in 0..64 {
        let relying = relying.clone();
        waiting.spawn(async move {
            loop {
                let told = relying.log_in("opaque").await;
                assert!([401, 429].contains(&told.status), "{}", told.status);
            }
        });
    }
    let asked = tokio::time::timeout(Duration::from_secs(8), async {
        while relying.provider.asked("/introspect") < 65 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let _ = asked.await;
    // On a slow machine the first ones have given up by now, and nobody asks for two seconds.
    while relying.log_in("opaque").await.status != 429 {
        relying.cloud.fixture.clock.advance(Duration::from_secs(3));
    }
    assert!(relying.provider.asked("/introspect") > 64);
    let admin = &relying.cloud.admin;
    assert!(relying.cloud.valid(admin).await, "and nobody else");
    assert!(waiting.try_join_next().is_none(), "one of them was told something else");
    waiting.shutdown().await;
}

/// One provider must not get hold of the codes that another gives.
#[tokio::test]
async fn a_code_is_of_the_provider_that_was_asked() {
    let relying = Relying::start().await;
    let (cloud, provider) = (&relying.cloud, &relying.provider);
    for (must, issuer, status) in [
        (false, None, 200),
        (false, Some("https://elsewhere"), 401),
        (false, Some(""), 401),
        (false, Some(provider.issuer.as_str()), 200),
        (true, Some(&provider.issuer), 200),
        (true, None, 401),
    ] {
        let more = json!({"authorization_response_iss_parameter_supported": must});
        provider.says(ITSELF, 200, provider.document(more).to_string());
        cloud.fixture.clock.advance(Duration::from_secs(601));
        let (cookie, asked) = sent(cloud, "/v3/auth/OS-FEDERATION/websso/openid").await;
        let got = |name: &str| asked.get(name).unwrap().to_owned();
        let mut path = back(&got("state"), &format!("{}~{}", got("nonce"), got("code_challenge")));
        path.extend(issuer.map(|issuer| format!("&iss={}", web::ask::encoded(issuer))));
        let redeemed = provider.asked("/token");
        let told = cloud.raw(Method::GET, &path, &[("cookie", &cookie)], b"").await;
        assert_eq!(told.status, status, "{must} {issuer:?}");
        assert_eq!(provider.asked("/token") > redeemed, status == 200, "a code goes to whoever gave it");
    }
    let (cookie, asked) = sent(cloud, "/v3/auth/OS-FEDERATION/websso/openid").await;
    let denied = format!("{}&error=access_denied", back(asked.get("state").unwrap(), ""));
    let denied = denied.replace("&code=", "");
    assert_eq!(
        cloud.raw(Method::GET, &denied, &[("cookie", &cookie)], b"").await.status,
        401,
        "the user said no"
    );
    for door in [json!(null), json!("javascript:alert(1)"), json!("/door"), json!("https://door/\r\nx: y")] {
        let document = provider.document(json!({"authorization_endpoint": door}));
        provider.says(ITSELF, 200, document.to_string());
        cloud.fixture.clock.advance(Duration::from_secs(601));
        let path = "/v3/auth/OS-FEDERATION/websso/openid?origin=https://dashboard/auth/websso/";
        assert_eq!(cloud.raw(Method::GET, path, &[], b"").await.status, 503, "{door}");
    }
}
