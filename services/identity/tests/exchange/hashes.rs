//! How passwords are hashed: as the operator wants it now, from the next login on.

use crate::rig::{Cloud, LIFE, login};
use identity::hashing::Hashing;
use identity::model::password::Scheme;
use identity::ops::proof::{Named, Proof};
use identity::ops::token::{Granted, Wish};
use identity::settings::Settings;
use identity::{Identity, Parts};
use serde_json::{Value, json};
use std::sync::Arc;
use store::params;

/// Another controller of the same cloud, whose operator wants another scheme.
fn another(cloud: &Cloud, scheme: Scheme) -> Arc<Identity> {
    let hashing = Hashing::start(1, scheme, cloud.fixture.entropy.clone()).unwrap();
    let settings = Settings { token_life: LIFE, ..Settings::default() };
    Identity::new(Parts { db: cloud.fixture.another(), hashing, settings }).unwrap()
}

/// Whether a login at a controller succeeds.
async fn gets_in(identity: &Identity, user_id: &str, password: &str) -> bool {
    let password = Some((Named::Id(user_id.to_owned()), password.to_owned().into()));
    let proof = Proof { methods: vec!["password".to_owned()], password, ..Proof::default() };
    matches!(identity.token_create(proof, None, Wish::Unscoped).await, Ok(Granted::Token(..)))
}

/// The hash as the store has it.
fn kept(cloud: &Cloud, user_id: &str) -> String {
    let id = user_id.to_owned();
    let read = move |tx: &store::Tx| {
        let row = tx.query_one("SELECT password_hash FROM identity_users WHERE id = ?1", params![&id])?;
        row.unwrap().text(0)
    };
    cloud.fixture.db.read_now(read).unwrap()
}

#[tokio::test]
async fn a_login_hashes_anew_what_was_hashed_otherwise() {
    for fixture in store::testing::databases() {
        let cloud = Cloud::on(fixture).await;
        let ann = cloud.user("ann").await;
        assert!(kept(&cloud, &ann).starts_with("$2b$04$"));
        let token = cloud.token("ann", "ann", Value::Null).await;
        let mut hash = kept(&cloud, &ann);
        for (scheme, head) in [
            (Scheme::Bcrypt(5), "$2b$05$"),
            (Scheme::BcryptSha256(4), "$bcrypt-sha256$v=2,t=2b,r=4$"),
            (Scheme::Argon2id, "$argon2id$v=19$m=19456,t=2,p=1$"),
        ] {
            let other = another(&cloud, scheme);
            assert!(!gets_in(&other, &ann, "wrong").await);
            assert_eq!(kept(&cloud, &ann), hash, "who does not get in changes nothing");
            assert!(gets_in(&other, &ann, "ann").await);
            hash = kept(&cloud, &ann);
            assert!(hash.starts_with(head), "{hash}");
            assert!(gets_in(&other, &ann, "ann").await);
            assert_eq!(kept(&cloud, &ann), hash, "once is enough");
            assert!(!gets_in(&other, &ann, "wrong").await);
        }
        assert!(cloud.valid(&token).await, "it is the same password, and ends no token");
        assert_eq!(cloud.authenticate(login("ann", "ann", Value::Null)).await.status, 201);
        assert!(kept(&cloud, &ann).starts_with("$2b$04$"));
    }
}

#[tokio::test]
async fn what_the_cloud_made_stays_cheap_to_check() {
    let cloud = Cloud::start().await;
    let made = cloud.fixture.entropy.password();
    let body = json!({"user": {"name": "robot", "password": made}});
    let robot = cloud.post("/v3/users", body).await.id("user");
    assert!(gets_in(&another(&cloud, Scheme::Argon2id), &robot, &made).await);
    assert!(kept(&cloud, &robot).starts_with("$2b$04$"));
}
