//! The operator's rules for passwords over the wire.

use crate::rig::{Cloud, Told, login};
use http::Method;
use identity::model::compliance::{Compliance, DAY, Lockout, PasswordForm};
use identity::settings::Settings;
use serde_json::{Value, json};
use std::time::Duration;

const DAYS: Duration = Duration::from_secs(DAY);

async fn cloud(compliance: Compliance) -> Cloud {
    Cloud::with(store::testing::chosen(), Settings { compliance, ..Settings::default() }).await
}

async fn log_in(cloud: &Cloud, user: &str, password: &str) -> u16 {
    cloud.authenticate(login(user, password, Value::Null)).await.status
}

async fn change(cloud: &Cloud, id: &str, old: &str, new: &str) -> Told {
    let body = json!({"user": {"original_password": old, "password": new}});
    cloud.ask(Method::POST, &format!("/v3/users/{id}/password"), "", body).await
}

/// The administrator's token again, after time has passed.
async fn again(cloud: &mut Cloud) {
    cloud.admin = cloud.token("admin", "secret", crate::rig::project("admin")).await;
}

#[tokio::test]
async fn too_many_failures_lock_everybody_out_for_a_time() {
    let lockout = Lockout { attempts: 3, duration: Some(Duration::from_secs(60)) };
    let mut cloud = cloud(Compliance { lockout: Some(lockout), ..Compliance::default() }).await;
    let ann = cloud.user("ann").await;
    for _ in 0..2 {
        assert_eq!(log_in(&cloud, "ann", "wrong").await, 401);
    }
    assert_eq!(log_in(&cloud, "ann", "ann").await, 201, "and the count begins anew");
    for _ in 0..3 {
        assert_eq!(log_in(&cloud, "ann", "wrong").await, 401);
    }
    let locked = cloud.authenticate(login("ann", "ann", Value::Null)).await;
    let wrong = cloud.authenticate(login("ann", "wrong", Value::Null)).await;
    assert_eq!((locked.status, locked.message()), (401, wrong.message()), "it is not told apart");
    assert_eq!(change(&cloud, &ann, "ann", "new").await.status, 401);
    cloud.fixture.clock.advance(Duration::from_secs(61));
    assert_eq!(log_in(&cloud, "ann", "wrong").await, 401);
    assert_eq!(log_in(&cloud, "ann", "ann").await, 201, "one failure is not three");
    for _ in 0..3 {
        log_in(&cloud, "ann", "wrong").await;
    }
    again(&mut cloud).await;
    cloud.patch(&format!("/v3/users/{ann}"), json!({"user": {"enabled": true}})).await;
    assert_eq!(log_in(&cloud, "ann", "ann").await, 201, "an administrator lets in");
    let spared = json!({"user": {"options": {"ignore_lockout_failure_attempts": true}}});
    cloud.patch(&format!("/v3/users/{ann}"), spared).await;
    for _ in 0..4 {
        log_in(&cloud, "ann", "wrong").await;
    }
    assert_eq!(log_in(&cloud, "ann", "ann").await, 201);
}

#[tokio::test]
async fn a_password_ends_and_can_be_changed_then() {
    let rules = Compliance { password_life: Some(10 * DAYS), ..Compliance::default() };
    let mut cloud = cloud(rules).await;
    let ann = cloud.user("ann").await;
    let told = cloud.get(&format!("/v3/users/{ann}")).await.one("user");
    assert_eq!(told["password_expires_at"], "2026-12-01T00:36:59.000000");
    cloud.fixture.clock.advance(10 * DAYS);
    let ended = cloud.authenticate(login("ann", "ann", Value::Null)).await;
    assert_eq!(ended.message(), format!("The password is expired and needs to be changed for user: {ann}."));
    assert_eq!(change(&cloud, &ann, "wrong", "new").await.status, 401);
    assert_eq!(change(&cloud, &ann, "ann", "new").await.status, 204);
    assert_eq!(log_in(&cloud, "ann", "new").await, 201);
    cloud.fixture.clock.advance(20 * DAYS);
    again(&mut cloud).await;
    let spared = json!({"user": {"options": {"ignore_password_expiry": true}}});
    cloud.patch(&format!("/v3/users/{ann}"), spared).await;
    assert_eq!(log_in(&cloud, "ann", "new").await, 201);
}

#[tokio::test]
async fn what_somebody_else_set_must_be_changed_first() {
    let cloud = cloud(Compliance { change_upon_first_use: true, ..Compliance::default() }).await;
    let ann = cloud.user("ann").await;
    assert_eq!(log_in(&cloud, "ann", "ann").await, 401);
    assert_eq!(change(&cloud, &ann, "ann", "new").await.status, 204);
    assert_eq!(log_in(&cloud, "ann", "new").await, 201);
    cloud.patch(&format!("/v3/users/{ann}"), json!({"user": {"password": "reset"}})).await;
    assert_eq!(log_in(&cloud, "ann", "reset").await, 401);
    let spared = json!({"user": {"name": "bob", "password": "bob", "options": {"ignore_change_password_upon_first_use": true}}});
    cloud.post("/v3/users", spared).await;
    assert_eq!(log_in(&cloud, "bob", "bob").await, 201);
}

#[tokio::test]
async fn a_new_password_has_a_form_an_age_and_no_past() {
    let rules = Compliance {
        unique_passwords: 3,
        minimum_age: 2 * DAYS,
        form: Some(PasswordForm::new(r"^(?=.*\d).{3,}$", "three, and one a digit").unwrap()),
        ..Compliance::default()
    };
    let cloud = cloud(rules).await;
    let bad = cloud.post("/v3/users", json!({"user": {"name": "ann", "password": "abc"}})).await;
    let said = "The password does not match the requirements: three, and one a digit.";
    assert_eq!((bad.status, bad.message()), (400, said));
    let ann = cloud.post("/v3/users", json!({"user": {"name": "ann", "password": "abc1"}})).await.id("user");
    assert_eq!(change(&cloud, &ann, "abc1", "no").await.message(), said);
    assert_eq!(change(&cloud, &ann, "abc1", "abc1").await.status, 400, "it is the present one");
    assert_eq!(change(&cloud, &ann, "abc1", "abc2").await.status, 204);
    let early = change(&cloud, &ann, "abc2", "abc3").await;
    assert!(early.message().contains("must be used for 2 day(s)") && early.status == 400, "{early:?}");
    for (old, new, status) in [
        ("abc2", "abc1", 400),
        ("abc2", "abc3", 204),
        ("abc3", "abc1", 400),
        ("abc3", "abc4", 204),
        ("abc4", "abc1", 204),
    ] {
        cloud.fixture.clock.advance(2 * DAYS);
        assert_eq!(change(&cloud, &ann, old, new).await.status, status, "{old} {new}");
    }
}

#[tokio::test]
async fn who_is_not_active_is_disabled() {
    let life = Duration::from_secs(30 * DAY);
    let compliance = Compliance { inactivity: Some(10 * DAYS), ..Compliance::default() };
    let settings = Settings { compliance, token_life: life, ..Settings::default() };
    let mut cloud = Cloud::with(store::testing::chosen(), settings).await;
    let ann = cloud.user("ann").await;
    let spared =
        json!({"user": {"name": "bob", "password": "bob", "options": {"ignore_user_inactivity": true}}});
    cloud.post("/v3/users", spared).await.id("user");
    cloud.fixture.clock.advance(4 * DAYS);
    assert_eq!(log_in(&cloud, "ann", "ann").await, 201);
    assert_eq!(log_in(&cloud, "admin", "secret").await, 201);
    cloud.fixture.clock.advance(9 * DAYS);
    again(&mut cloud).await;
    let token = cloud.token("ann", "ann", Value::Null).await;
    cloud.fixture.clock.advance(5 * DAYS);
    again(&mut cloud).await;
    assert!(cloud.valid(&token).await);
    cloud.fixture.clock.advance(5 * DAYS - Duration::from_secs(30 * 60));
    assert!(!cloud.valid(&token).await, "days begin at midnight");
    assert_eq!(cloud.get(&format!("/v3/users/{ann}")).await.one("user")["enabled"], false);
    assert_eq!(cloud.get("/v3/users?enabled=false").await.each("users", "name"), ["ann", "demo"]);
    assert_eq!(log_in(&cloud, "ann", "ann").await, 401);
    assert_eq!(log_in(&cloud, "bob", "bob").await, 201);
    cloud.patch(&format!("/v3/users/{ann}"), json!({"user": {"enabled": true}})).await.one("user");
    assert_eq!(log_in(&cloud, "ann", "ann").await, 201);
    cloud.fixture.clock.advance(11 * DAYS);
    assert_eq!(log_in(&cloud, "ann", "wrong").await, 401);
    assert_eq!(log_in(&cloud, "ann", "ann").await, 401);
    let spared = json!({"user": {"options": {"ignore_user_inactivity": true}}});
    assert_eq!(log_in(&cloud, "bob", "bob").await, 201);
    let admin = cloud.get("/v3/users/none").await.status;
    assert_eq!(admin, 401, "nobody is there to help");
    let id = ann.clone();
    let spare = move |tx: &store::Tx| {
        let sql = "UPDATE identity_users SET options = ?2, active_until = NULL WHERE id = ?1";
        tx.execute(sql, store::params![&id, spared["user"]["options"].to_string()]).map(drop)
    };
    cloud.fixture.db.write(spare).await.unwrap();
    assert_eq!(log_in(&cloud, "ann", "ann").await, 201, "who was disabled for that alone was never set so");
}

#[tokio::test]
async fn a_remembered_token_ends_with_its_inactive_user() {
    let compliance = Compliance { inactivity: Some(DAYS), ..Compliance::default() };
    let settings = Settings { compliance, token_life: 9 * DAYS, ..Settings::default() };
    let cloud = Cloud::with(store::testing::chosen(), settings).await;
    let ask = async || cloud.get("/v3/auth/projects").await.status;
    assert_eq!(ask().await, 200);
    cloud.fixture.clock.advance(DAYS);
    assert_eq!(ask().await, 401);
}
