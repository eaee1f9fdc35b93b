//! Tokens that are signed instead of sealed, over the wire: what they say, how long their keys live, and that a change of the
//! setting throws nobody out.

use crate::rig::{Cloud, LIFE, login, project};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use identity::hashing::{Hashing, LOWEST_COST};
use identity::import::{Estate, TABLES, Wishes, import};
use identity::model::jws::{Pair, sign};
use identity::model::password::Scheme;
use identity::model::token::{Payload, Provider, Scope, audit_id};
use identity::settings::Settings;
use identity::{Identity, Parts};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use store::testing::Fixture;

fn settings(token_provider: Provider) -> Settings {
    Settings { token_life: LIFE, token_provider, ..Settings::default() }
}

async fn signing(fixture: Fixture) -> Cloud {
    Cloud::with(fixture, settings(Provider::Jws)).await
}

/// Another controller of the same cloud.
fn another(cloud: &Cloud, provider: Provider) -> Arc<Identity> {
    let hashing = Hashing::start(1, Scheme::Bcrypt(LOWEST_COST), cloud.fixture.entropy.clone()).unwrap();
    Identity::new(Parts { db: cloud.fixture.another(), hashing, settings: settings(provider) }).unwrap()
}

fn claims(token: &str) -> (Value, Value) {
    let part = |at: usize| URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap();
    (serde_json::from_slice(&part(0)).unwrap(), serde_json::from_slice(&part(1)).unwrap())
}

#[tokio::test]
async fn a_signed_token_says_what_keystones_says() {
    let cloud = signing(store::testing::chosen()).await;
    let told = cloud.authenticate(login("admin", "secret", project("admin"))).await;
    let body = told.one("token");
    let (header, said) = claims(told.header("x-subject-token"));
    assert_eq!(header, json!({"alg": "ES256", "typ": "JWT"}));
    let seconds = store::testing::START.0 / 1_000_000;
    assert_eq!(
        said,
        json!({
            "sub": body["user"]["id"], "iat": seconds, "exp": seconds + 3600, "openstack_methods": ["password"],
            "openstack_audit_ids": body["audit_ids"], "openstack_project_id": body["project"]["id"],
        })
    );
    for (scope, name, value) in [
        (json!({"system": {"all": true}}), "openstack_system", "all"),
        (json!({"domain": {"id": "default"}}), "openstack_domain_id", "default"),
    ] {
        let token = cloud.token("admin", "secret", scope).await;
        assert_eq!(claims(&token).1[name], value);
        assert!(cloud.valid(&token).await);
    }
    let again = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": cloud.admin}}}});
    let told = cloud.authenticate(again).await;
    let (_, said) = claims(told.header("x-subject-token"));
    let mut methods = said["openstack_methods"].as_array().unwrap().clone();
    methods.sort_by_key(Value::to_string);
    assert_eq!(methods, ["password", "token"]);
    assert_eq!(said["openstack_audit_ids"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_an_application_credential_lends_is_signed_too() {
    let cloud = signing(store::testing::chosen()).await;
    let token = cloud.token("demo", "demo", project("demo")).await;
    let user = cloud.validate(&token, &token).await.one("token")["user"]["id"].clone();
    let path = format!("/v3/users/{}/application_credentials", user.as_str().unwrap());
    let body = json!({"application_credential": {"name": "client"}});
    let made = cloud.ask(Method::POST, &path, &token, body).await.one("application_credential");
    let own = json!({"id": made["id"], "secret": made["secret"]});
    let body = json!({"identity": {"methods": ["application_credential"], "application_credential": own}});
    let told = cloud.authenticate(json!({"auth": body})).await;
    let text = told.header("x-subject-token");
    assert_eq!(claims(text).1["openstack_app_cred_id"], made["id"]);
    let said = cloud.validate(&cloud.admin, text).await.one("token");
    assert_eq!(said["application_credential"]["id"], made["id"]);
}

#[tokio::test]
async fn a_signed_token_ends_as_any_other() {
    for fixture in store::testing::databases() {
        let cloud = signing(fixture).await;
        let token = cloud.token("demo", "demo", project("demo")).await;
        assert!(cloud.valid(&token).await);
        let headers = [("x-auth-token", cloud.admin.as_str()), ("x-subject-token", token.as_str())];
        assert_eq!(cloud.raw(Method::DELETE, "/v3/auth/tokens", &headers, b"").await.status, 204);
        assert!(!cloud.valid(&token).await);
        let told = cloud.validate(&cloud.admin, &token).await;
        assert_eq!(told.message(), format!("Could not find token: {token}."));
        let token = cloud.token("demo", "demo", project("demo")).await;
        let (signed, _) = token.rsplit_once('.').unwrap();
        let (_, other) = cloud.admin.rsplit_once('.').unwrap();
        assert!(!cloud.valid(&format!("{signed}.{other}")).await, "the signature is of something else");
        cloud.fixture.clock.advance(LIFE - Duration::from_secs(1));
        assert!(cloud.valid(&token).await);
        cloud.fixture.clock.advance(Duration::from_secs(1));
        assert_eq!(cloud.ask(Method::GET, "/v3/auth/projects", &token, Value::Null).await.status, 401);
    }
}

#[tokio::test]
async fn a_change_of_the_setting_throws_nobody_out() {
    for fixture in store::testing::databases() {
        let cloud = Cloud::with(fixture, settings(Provider::Fernet)).await;
        let sealed = cloud.admin.clone();
        assert!(!sealed.contains('.'));
        let other = another(&cloud, Provider::Jws);
        assert!(other.token_read(&sealed).await.unwrap().is_some());
        let signed = signed_by(&cloud, &other, &sealed).await;
        assert!(signed.contains('.') && cloud.valid(&signed).await);
        cloud.identity.tokens_void().await.unwrap();
        assert!(other.token_read(&sealed).await.unwrap().is_none());
        assert!(other.token_read(&signed).await.unwrap().is_none(), "what is void is void in both forms");
    }
}

/// A token that another controller gives out for one that is shown to it.
async fn signed_by(cloud: &Cloud, other: &Arc<Identity>, shown: &str) -> String {
    use identity::ops::proof::Proof;
    use identity::ops::token::{Granted, Wish};
    let proof =
        Proof { methods: vec!["token".to_owned()], token: Some(shown.to_owned()), ..Proof::default() };
    assert!(cloud.valid(shown).await);
    match other.token_create(proof, None, Wish::Unscoped).await.unwrap() {
        Granted::Token(text, _) => text,
        Granted::Receipt(_) => panic!("nothing is left to prove"),
    }
}

#[tokio::test]
async fn keys_that_sign_rotate_with_those_that_seal() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    for fixture in store::testing::databases() {
        let settings = Settings {
            key_rotation: Some(DAY),
            token_life: 2 * DAY,
            token_provider: Provider::Jws,
            ..Settings::default()
        };
        let cloud = Cloud::with(fixture, settings).await;
        assert_eq!(numbers(&cloud), [0, 1]);
        let token = cloud.admin.clone();
        cloud.fixture.clock.advance(DAY);
        cloud.identity.keys_rotate_due().await.unwrap();
        cloud.identity.keys_rotate_due().await.unwrap();
        assert_eq!(numbers(&cloud), [0, 1, 2]);
        assert!(cloud.valid(&token).await, "the key that signed it is kept");
        let admin = cloud.token("admin", "secret", project("admin")).await;
        for _ in 0..3 {
            cloud.fixture.clock.advance(DAY);
            cloud.identity.keys_rotate_due().await.unwrap();
        }
        assert_eq!(numbers(&cloud), [0, 2, 3, 4, 5], "keys stay as long as their tokens can live");
        assert_ne!(admin.rsplit_once('.'), token.rsplit_once('.'));
    }
}

fn numbers(cloud: &Cloud) -> Vec<i64> {
    let sql = "SELECT number FROM identity_signing_keys ORDER BY number";
    let read = |tx: &store::Tx| tx.query(sql, &[])?.iter().map(|row| row.int(0)).collect();
    cloud.fixture.db.read_now(read).unwrap()
}

#[tokio::test]
async fn what_a_keystone_signed_is_good_once_its_public_key_is_here() {
    let cloud = Cloud::start().await;
    let theirs = Pair::of([9; 32]).unwrap();
    let user = cloud.validate(&cloud.admin, &cloud.admin).await.one("token")["user"]["id"].clone();
    let payload = Payload {
        user_id: user.as_str().unwrap().to_owned(),
        methods: vec!["password".into()],
        scope: Scope::Unscoped,
        expires_at: store::testing::START.plus(LIFE),
        audit_ids: vec![audit_id([1; 16])],
        delegation: None,
    };
    let token = sign(&theirs, &payload, store::testing::START).unwrap();
    assert!(!cloud.valid(&token).await);
    let wishes =
        Wishes { rename: Some("-old".into()), public_keys: vec![*theirs.public()], ..Wishes::default() };
    for made in [1, 0] {
        let tables = store::foreign::Tables::read("tests/exchange/keystone.sql", TABLES).unwrap();
        let estate = Estate::read(&tables, &wishes).unwrap();
        let report = import(&cloud.fixture.db, estate, wishes.clone()).unwrap();
        assert_eq!(report.counts["token keys"].made, made);
    }
    assert!(cloud.identity.token_read(&token).await.unwrap().is_some());
    assert_eq!(numbers(&cloud), [0, 1, 2], "our own key is primary, and theirs below it");
    let other = another(&cloud, Provider::Jws);
    let own = signed_by(&cloud, &other, &cloud.admin).await;
    assert!(cloud.identity.token_read(&own).await.unwrap().is_some());
}

/// Whoever can read such a token reads who vouches for its owner, as Keystone writes it.
#[tokio::test]
async fn somebody_from_elsewhere_has_one_too() {
    use crate::federated::Relying;
    for fixture in store::testing::databases() {
        let relying = Relying::with(fixture, settings(Provider::Jws)).await;
        let (unscoped, body) = relying.entered(json!({})).await;
        let scoped = relying.scoped(&unscoped, project("demo")).await;
        let said = scoped.one("token");
        for (token, place) in
            [(unscoped.as_str(), &Value::Null), (scoped.header("x-subject-token"), &said["project"]["id"])]
        {
            let (_, claims) = claims(token);
            assert_eq!(claims["sub"], body["user"]["id"]);
            assert_eq!(claims["openstack_group_ids"], json!([{"id": relying.staff}]));
            assert_eq!([&claims["openstack_idp_id"], &claims["openstack_protocol_id"]], ["corp", "openid"]);
            assert_eq!(&claims["openstack_project_id"], place);
            let vouched = json!({"groups": [{"id": relying.staff}], "identity_provider": {"id": "corp"}, "protocol": {"id": "openid"}});
            let told = relying.cloud.validate(&relying.cloud.admin, token).await.one("token");
            assert_eq!(told["user"]["OS-FEDERATION"], vouched);
        }
        let roles: Vec<&Value> = said["roles"].as_array().unwrap().iter().map(|role| &role["name"]).collect();
        assert_eq!(roles, ["reader"]);
        let nobody = relying.entered(json!({"groups": ["ops"]})).await.0;
        assert_eq!(claims(&nobody).1["openstack_group_ids"], json!([]));
        let off = json!({"identity_provider": {"enabled": false}});
        relying.cloud.patch("/v3/OS-FEDERATION/identity_providers/corp", off).await.one("identity_provider");
        assert!(!relying.cloud.valid(scoped.header("x-subject-token")).await, "whose provider is off is out");
    }
}
