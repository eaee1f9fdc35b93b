//! The administrator, let in again after all that can keep somebody out.

use crate::rig::{Cloud, Told, login, project};
use identity::bootstrap::DEFAULT_DOMAIN;
use identity::readmit::readmit;
use identity::settings::Settings;
use serde_json::{Value, json};

impl Cloud {
    /// Lets the administrator in again with this password; what was said of it.
    fn readmit(&self, password: &str) -> Vec<&'static str> {
        readmit(&self.fixture.db, &Settings::default(), password).unwrap()
    }

    async fn id_of(&self, nouns: &str) -> String {
        let told = self.get(&format!("/v3/{nouns}?name=admin")).await;
        told.body[nouns][0]["id"].as_str().unwrap().to_owned()
    }
}

async fn enters(cloud: &Cloud, password: &str) -> Told {
    cloud.authenticate(login("admin", password, project("admin"))).await
}

#[tokio::test]
async fn a_lost_password_is_replaced_and_nothing_else() {
    for fixture in store::testing::databases() {
        let cloud = Cloud::on(fixture).await;
        let before = cloud.get("/v3/role_assignments").await.body["role_assignments"].clone();
        assert_eq!(cloud.readmit("found"), Vec::<&str>::new());
        assert_eq!(cloud.get("/v3/users").await.status, 401, "tokens of the old password have ended");
        assert_eq!(enters(&cloud, "secret").await.status, 401);
        let told = enters(&cloud, "found").await;
        assert_eq!(told.status, 201, "{told:?}");
        let token = told.header("x-subject-token");
        let after = cloud.ask(http::Method::GET, "/v3/role_assignments", token, Value::Null).await;
        assert_eq!(after.body["role_assignments"], before);
    }
}

#[tokio::test]
async fn whatever_kept_the_administrator_out_is_taken_back() {
    let mut cloud = Cloud::start().await;
    let [user, role, place] =
        [cloud.id_of("users").await, cloud.id_of("roles").await, cloud.id_of("projects").await];
    for (place, said) in [
        (format!("domains/{DEFAULT_DOMAIN}"), "It had no role admin on the domain Default."),
        (format!("projects/{place}"), "It had no role admin on the project admin."),
        ("system".to_owned(), "It had no role admin on the system."),
    ] {
        let grant = format!("/v3/{place}/users/{user}/roles/{role}");
        assert_eq!(cloud.delete(&grant).await.status, 204, "{grant}");
        assert_eq!(cloud.readmit("secret"), [said]);
        cloud.admin = cloud.token("admin", "secret", project("admin")).await;
        assert_eq!(cloud.head(&grant).await.status, 204, "{grant}");
    }
    let rules = json!({"multi_factor_auth_enabled": true, "multi_factor_auth_rules": [["password", "totp"]]});
    let path = format!("/v3/users/{user}");
    assert_eq!(cloud.patch(&path, json!({"user": {"options": rules}})).await.status, 200);
    assert_eq!(cloud.patch(&path, json!({"user": {"enabled": false}})).await.status, 200);
    assert_eq!(enters(&cloud, "secret").await.status, 401);
    let said = cloud.readmit("again");
    assert_eq!(said, ["It was disabled.", "It had rules of several factors: they are gone."]);
    let told = enters(&cloud, "again").await;
    assert_eq!(told.status, 201, "{told:?}");
}

#[tokio::test]
async fn an_administrator_who_is_gone_is_made_anew() {
    let cloud = Cloud::start().await;
    let [user, place] = [cloud.id_of("users").await, cloud.id_of("projects").await];
    assert_eq!(cloud.delete(&format!("/v3/projects/{place}")).await.status, 204);
    let token = cloud.token("admin", "secret", json!({"system": {"all": true}})).await;
    let gone = cloud.ask(http::Method::DELETE, &format!("/v3/users/{user}"), &token, Value::Null).await;
    assert_eq!(gone.status, 204);
    let said = cloud.readmit("again");
    assert_eq!(said.len(), 5, "the project, the user, and three grants: {said:?}");
    assert_eq!(enters(&cloud, "again").await.status, 201);
    assert_eq!(cloud.readmit("again").len(), 0, "it can be done again");
}

#[tokio::test]
async fn where_there_is_no_cloud_nobody_is_let_in() {
    let fixture = store::testing::chosen();
    let refused = readmit(&fixture.db, &Settings::default(), "word").unwrap_err();
    assert!(refused.public().starts_with("There is no cloud here yet"), "{refused:?}");
}
