//! A small Keystone taken over. Beside a real one: `conformance/identity/takeover`.

use crate::rig::{Cloud, LIFE, login, project};
use http::Method;
use identity::import::{Count, Estate, Report, TABLES, Wishes, import};
use identity::model::fernet::{Key, seal};
use identity::model::token::{Delegation, Federation, Payload, Scope, audit_id};
use kernel::Micros;
use serde_json::{Value, json};
use std::time::Duration;
use store::foreign::Tables;

pub const ANN: &str = "3c55f5b599544828a208e04478517e94";
/// Somebody whom the provider `corp` calls 248.
pub const FEDERATED: &str = "fedfb5b599544828a208e04478517e94";
const MASONS: &str = "a5a5bec8f2b746ba93cb1d46a6da73bd";
const YARD: &str = "5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f";
const ADMIN_ROLE: &str = "aaaabec8f2b746ba93cb1d46a6da73bd";
const POLICY: &str = "7070bec8f2b746ba93cb1d46a6da73bd";
const NORTH: &str = "e0e0bec8f2b746ba93cb1d46a6da73bd";
const KEY: [u8; 32] = [9; 32];

pub fn take(cloud: &Cloud, wishes: &Wishes) -> Result<Report, fault::Fault> {
    let dump = "tests/exchange/keystone.sql";
    let estate = Estate::read(&Tables::read(dump, TABLES)?, wishes)?;
    import(&cloud.fixture.db, estate, wishes.clone())
}

pub fn renaming() -> Wishes {
    let membership_life = Duration::from_secs(600);
    Wishes { rename: Some("-old".into()), token_keys: vec![KEY], membership_life, ..Wishes::default() }
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
    sealed(&payload, issued_at)
}

/// A token for the yard that Keystone gave out to somebody for whom a provider vouched.
fn federated_token_of_keystone(issued_at: Micros) -> String {
    let federation = Federation {
        group_ids: vec![MASONS.into()],
        provider_id: "corp".into(),
        protocol_id: "openid".into(),
    };
    let payload = Payload {
        user_id: FEDERATED.into(),
        methods: vec!["mapped".into()],
        scope: Scope::Project(YARD.into()),
        expires_at: store::testing::START.plus(LIFE),
        audit_ids: vec![audit_id([2; 16])],
        delegation: Some(Delegation::Federation(federation)),
    };
    sealed(&payload, issued_at)
}

fn sealed(payload: &Payload, issued_at: Micros) -> String {
    seal(&Key::new(KEY), issued_at.0.unsigned_abs() / 1_000_000, [0; 16], &payload.pack()).unwrap()
}

#[tokio::test]
async fn users_go_on_with_their_ids_passwords_and_tokens() {
    for fixture in store::testing::databases() {
        let mut cloud = Cloud::on(fixture).await;
        let report = take(&cloud, &renaming()).unwrap();
        let count = |nouns: &str| report.counts[nouns];
        assert_eq!(count("users"), Count { made: 3, ..Count::default() });
        assert_eq!(count("domains"), Count { same: 1, ..Count::default() });
        assert_eq!(count("roles"), Count { made: 1, changed: 1, ..Count::default() });
        assert_eq!(count("assignments").made, 3, "one is of a user of LDAP");
        assert_eq!(count("users and groups of LDAP").made, 1);
        let options = cloud.get("/v3/domains/default/config").await.body["config"].clone();
        assert_eq!(options, json!({"identity": {"list_limit": 100}}), "and the password is shown to nobody");
        assert_eq!(report.renamed, ["project admin: now admin-old", "user admin: now admin-old"]);
        for (what, wanted) in [
            ("options of domains that are none here", 1),
            ("users without a name", 1),
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
async fn for_whom_a_provider_vouches_goes_on_too() {
    for fixture in store::testing::databases() {
        let cloud = Cloud::on(fixture).await;
        let report = take(&cloud, &renaming()).unwrap();
        for (nouns, made) in [
            ("identity providers", 2),
            ("mappings", 1),
            ("protocols", 1),
            ("service providers", 1),
            ("federated users", 2),
            ("memberships that end", 1),
        ] {
            assert_eq!(report.counts[nouns], Count { made, ..Count::default() }, "{nouns}");
        }
        for what in ["mappings that cannot be applied here", "memberships that have ended"] {
            assert_eq!(report.left[what], 1, "{what}");
        }
        let corp = cloud.get("/v3/OS-FEDERATION/identity_providers/corp").await.one("identity_provider");
        let said = (&corp["remote_ids"], &corp["authorization_ttl"], &corp["description"], &corp["enabled"]);
        assert_eq!(
            said,
            (&json!(["https://a.corp", "https://corp"]), &json!(5), &json!("the firm"), &json!(true))
        );
        let path = "/v3/OS-FEDERATION/identity_providers/corp/protocols/openid";
        let protocol = cloud.get(path).await.one("protocol");
        assert_eq!(
            (&protocol["mapping_id"], &protocol["remote_id_attribute"]),
            (&json!("m"), &json!("HTTP_OIDC_ISS"))
        );
        let mapping = cloud.get("/v3/OS-FEDERATION/mappings/m").await.one("mapping");
        assert_eq!(mapping["rules"][0]["remote"][0], json!({"type": "OIDC-sub"}));
        for (id, name, unique) in [(FEDERATED, "admin", "248"), (ANN, "ann", "7")] {
            let user = cloud.get(&format!("/v3/users/{id}")).await.one("user");
            let known =
                json!([{"idp_id": "corp", "protocols": [{"protocol_id": "openid", "unique_id": unique}]}]);
            assert_eq!((&user["name"], &user["federated"]), (&json!(name), &known));
        }
        let there = cloud.get("/v3/OS-FEDERATION/service_providers/sp").await.one("service_provider");
        assert_eq!((&there["auth_url"], &there["enabled"]), (&json!("https://sp/auth"), &json!(true)));
        let groups = cloud.get(&format!("/v3/users/{FEDERATED}/groups")).await.body["groups"].clone();
        assert_eq!(groups[0]["membership_expires_at"], "2026-11-21T00:40:00.000000");
        let token = federated_token_of_keystone(store::testing::START.minus(Duration::from_secs(60)));
        let said = cloud.validate(&cloud.admin, &token).await.one("token");
        assert_eq!(said["user"]["OS-FEDERATION"]["groups"], json!([{"id": MASONS}]));
        let roles = said["roles"].as_array().unwrap();
        assert!(roles.iter().any(|role| role["id"] == ADMIN_ROLE), "{roles:?}");
        cloud.fixture.clock.advance(Duration::from_secs(200));
        assert!(!cloud.valid(&token).await, "the membership is over");
        let again = take(&cloud, &renaming()).unwrap();
        assert_eq!(again.left["memberships that have ended"], 2);
    }
}

#[tokio::test]
async fn what_hangs_on_the_catalog_comes_with_it() {
    for fixture in store::testing::databases() {
        let cloud = Cloud::on(fixture).await;
        let without = take(&cloud, &renaming()).unwrap();
        for (what, count) in [
            ("endpoints (--catalog takes them too)", 1),
            ("endpoint groups (--catalog takes them too)", 1),
            ("endpoints of projects (--catalog takes them too)", 3),
            ("registered limits of services that are not here (--catalog takes them too)", 2),
            ("limits of what is not here", 3),
            ("associations of policy documents with what is not here", 1),
        ] {
            assert_eq!(without.left[what], count, "{what}");
        }
        let wishes = Wishes { catalog: true, ..renaming() };
        let with = take(&cloud, &wishes).unwrap();
        for (nouns, made) in [
            ("endpoint groups", 1),
            ("endpoints of projects", 2),
            ("registered limits", 2),
            ("limits", 2),
            ("associations of policy documents", 1),
        ] {
            assert_eq!(with.counts[nouns], Count { made, ..Count::default() }, "{nouns}");
        }
        assert_eq!(with.left["endpoints of projects that are not here"], 1);
        assert_eq!(with.left["limits of what is not here"], 1);
        let limit = cloud.get("/v3/limits/4343bec8f2b746ba93cb1d46a6da73bd").await.one("limit");
        let said =
            ["resource_name", "resource_limit", "region_id", "project_id"].map(|name| limit[name].clone());
        assert_eq!(said, [json!("servers"), json!(20), json!("North"), json!(YARD)]);
        let limit = cloud.get("/v3/limits/4444bec8f2b746ba93cb1d46a6da73bd").await.one("limit");
        assert_eq!((&limit["domain_id"], &limit["region_id"]), (&json!("default"), &Value::Null));
        let shown = cloud.get(&format!("/v3/OS-EP-FILTER/projects/{YARD}/endpoints")).await;
        assert_eq!(shown.each("endpoints", "url"), ["http://north"]);
        let groups = cloud.get(&format!("/v3/OS-EP-FILTER/projects/{YARD}/endpoint_groups")).await;
        assert_eq!(groups.each("endpoint_groups", "name"), ["of the north"]);
        let policy =
            cloud.get(&format!("/v3/endpoints/{NORTH}/OS-ENDPOINT-POLICY/policy")).await.one("policy");
        assert_eq!(policy["id"], POLICY);
        let again = take(&cloud, &wishes).unwrap();
        assert!(again.counts.values().all(|count| (count.made, count.changed) == (0, 0)), "{again:?}");
    }
}

#[tokio::test]
async fn policy_documents_go_on_as_texts() {
    let cloud = Cloud::start().await;
    assert_eq!(take(&cloud, &renaming()).unwrap().counts["policy documents"].made, 1);
    let policy = cloud.get(&format!("/v3/policies/{POLICY}")).await.one("policy");
    assert_eq!((&policy["blob"], &policy["name"]), (&json!(r#"{"a": "@"}"#), &json!("p")));
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
    let dump = std::fs::read_to_string("tests/exchange/keystone.sql").unwrap();
    let said = |dump: &str| {
        let tables = Tables::of_dump(dump.as_bytes(), TABLES).unwrap();
        Estate::read(&tables, &Wishes::default()).unwrap_err().public().to_owned()
    };
    let (top, below) =
        ("'{}','',1,'default','default',0)", "'{}','',1,'default','5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f',0)");
    assert!(dump.contains(top));
    assert!(
        said(&dump.replace(top, below)).starts_with("The project ")
            && said(&dump.replace(top, below)).ends_with(" is above itself.")
    );
    let tables =
        ["project", "user", "local_user", "assignment"].map(|name| format!("CREATE TABLE {name} (id int);"));
    assert!(said(&tables.concat()).contains("without its rows"));
    assert_eq!(
        said(&dump.replace("'{\\\"email\\\": ", "'{")),
        "The column extra of the table user has something else than JSON."
    );
}
