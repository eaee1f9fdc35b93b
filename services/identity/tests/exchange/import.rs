//! A small Keystone taken over. Beside a real one: `conformance/identity/takeover`.

use crate::rig::{Cloud, LIFE, login, project};
use http::Method;
use identity::import::{Count, Estate, Report, TABLES, Wishes, import};
use identity::model::fernet::{Key, seal};
use identity::model::token::{Payload, Scope, audit_id};
use kernel::Micros;
use serde_json::{Value, json};
use std::time::Duration;
use store::foreign::Tables;

const ANN: &str = "3c55f5b599544828a208e04478517e94";
const YARD: &str = "5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f";
const ADMIN_ROLE: &str = "aaaabec8f2b746ba93cb1d46a6da73bd";
const KEY: [u8; 32] = [9; 32];

fn take(cloud: &Cloud, wishes: &Wishes) -> Result<Report, fault::Fault> {
    let dump = "tests/exchange/keystone.sql";
    let estate = Estate::read(&Tables::read(dump, TABLES)?, wishes)?;
    import(&cloud.fixture.db, estate, wishes.clone())
}

fn renaming() -> Wishes {
    Wishes { rename: Some("-old".into()), token_keys: vec![KEY], ..Wishes::default() }
}

/// A token for the yard that Keystone gave out to Ann.
fn token_of_keystone(issued_at: Micros, audit: u8) -> String {
    let payload = Payload {
        user_id: ANN.into(),
        methods: vec!["password".into()],
        scope: Scope::Project(YARD.into()),
        expires_at: store::testing::START.plus(LIFE),
        audit_ids: vec![audit_id([audit; 16])],
        delegation: None,
    };
    seal(&Key::new(KEY), issued_at.0.unsigned_abs() / 1_000_000, [0; 16], &payload.pack()).unwrap()
}

#[tokio::test]
async fn users_go_on_with_their_ids_passwords_and_tokens() {
    for fixture in store::testing::databases() {
        let mut cloud = Cloud::on(fixture).await;
        let report = take(&cloud, &renaming()).unwrap();
        let count = |nouns: &str| report.counts[nouns];
        assert_eq!(count("users"), Count { made: 2, ..Count::default() });
        assert_eq!(count("domains"), Count { same: 1, ..Count::default() });
        assert_eq!(count("roles"), Count { made: 1, changed: 1, ..Count::default() });
        assert_eq!(count("assignments").made, 2, "one is of a user of LDAP");
        assert_eq!(count("users and groups of LDAP").made, 1);
        let options = cloud.get("/v3/domains/default/config").await.body["config"].clone();
        assert_eq!(options, json!({"identity": {"list_limit": 100}}), "and the password is shown to nobody");
        assert_eq!(report.renamed, ["project admin: now admin-old", "user admin: now admin-old"]);
        for (what, wanted) in [
            ("options of domains that are none here", 1),
            ("federated users", 1),
            ("passwords in a form that nobody can check any more", 1),
        ] {
            assert_eq!(report.left[what], wanted, "{what}");
        }
        assert!(cloud.valid(&cloud.admin).await, "our own tokens stay good");
        cloud.admin = cloud.token("admin-old", "secret", project("admin-old")).await;
        let ann = cloud.get(&format!("/v3/users/{ANN}")).await.one("user");
        assert_eq!(
            (&ann["email"], &ann["options"]),
            (&json!("ann@guild"), &json!({"ignore_password_expiry": true}))
        );
        let yard = cloud.get(&format!("/v3/projects/{YARD}")).await.one("project");
        assert_eq!((&yard["tags"], &yard["note"]), (&json!(["stone"]), &json!("own")));
        assert_eq!(cloud.role("admin").await, ADMIN_ROLE);
        let own = cloud.token("ann", "ann-word", project("yard")).await;
        let roles = cloud.validate(&own, &own).await.one("token")["roles"].clone();
        let names: Vec<&str> =
            roles.as_array().unwrap().iter().filter_map(|role| role["name"].as_str()).collect();
        assert!(names.contains(&"admin") && names.contains(&"reader"), "{names:?}");
        let now = store::testing::START;
        let before = |minutes: u64| now.minus(Duration::from_secs(60 * minutes));
        assert!(cloud.valid(&token_of_keystone(before(5), 1)).await);
        assert!(!cloud.valid(&token_of_keystone(before(5), 7)).await, "it was revoked");
        assert!(!cloud.valid(&token_of_keystone(before(30), 1)).await, "it is older than a revocation");
    }
}

#[tokio::test]
async fn the_second_time_changes_only_what_was_changed_there() {
    let cloud = Cloud::start().await;
    take(&cloud, &renaming()).unwrap();
    let again = take(&cloud, &renaming()).unwrap();
    assert!(again.counts.values().all(|count| (count.made, count.changed) == (0, 0)), "{again:?}");
    assert!(again.renamed.is_empty());
    let change = json!({"user": {"original_password": "ann-word", "password": "new"}});
    let changed = cloud.ask(Method::POST, &format!("/v3/users/{ANN}/password"), "", change).await;
    assert_eq!(changed.status, 204);
    let admin = cloud.token("admin-old", "secret", project("admin-old")).await;
    let other = json!({"project": {"description": "other"}});
    cloud.ask(Method::PATCH, &format!("/v3/projects/{YARD}"), &admin, other).await.one("project");
    let third = take(&cloud, &renaming()).unwrap();
    assert_eq!(third.counts["projects"].changed, 1, "Keystone's word holds");
    let young = cloud.authenticate(login("ann", "new", Value::Null)).await;
    assert_eq!(young.status, 201, "of two passwords the younger one holds");
}

#[tokio::test]
async fn what_cannot_be_taken_over_changes_nothing() {
    let cloud = Cloud::start().await;
    let refused = take(&cloud, &Wishes::default()).unwrap_err();
    assert!(refused.public().contains("project admin, user admin"), "{refused}");
    assert_eq!(cloud.get(&format!("/v3/users/{ANN}")).await.status, 404);
    assert!(cloud.valid(&cloud.admin).await);
    let no_keystone = Estate::read(&Tables::default(), &Wishes::default());
    assert!(no_keystone.unwrap_err().public().contains("no database of Keystone"));
}
