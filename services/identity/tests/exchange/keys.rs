//! Keys of tokens: rotated by hand and when their time has come.

use crate::rig::{Cloud, LIFE, login, project};
use identity::hashing::{Hashing, LOWEST_COST};
use identity::model::password::Scheme;
use identity::settings::Settings;
use identity::{Identity, Parts};
use std::time::Duration;

#[tokio::test]
async fn keys_rotate_and_old_tokens_live_until_their_key_is_gone() {
    let cloud = Cloud::start().await;
    for _ in 0..5 {
        cloud.identity.keys_rotate().await.unwrap();
        assert!(cloud.valid(&cloud.admin).await);
    }
    assert_eq!(numbers(&cloud), [0, 1, 2, 3, 4, 5, 6]);
    cloud.fixture.clock.advance(LIFE + Duration::from_secs(1));
    cloud.identity.keys_rotate().await.unwrap();
    assert_eq!(numbers(&cloud), [0, 6, 7], "what the others sealed has ended");
    assert_eq!(cloud.authenticate(login("admin", "secret", project("admin"))).await.status, 201);
}

/// The numbers of the keys of tokens.
fn numbers(cloud: &Cloud) -> Vec<i64> {
    let sql = "SELECT number FROM identity_keys ORDER BY number";
    let read = |tx: &store::Tx| tx.query(sql, &[])?.iter().map(|row| row.int(0)).collect();
    cloud.fixture.db.read_now(read).unwrap()
}

#[tokio::test]
async fn keys_rotate_when_their_time_has_come_and_once_among_controllers() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    for fixture in store::testing::databases() {
        let settings = Settings { key_rotation: Some(DAY), token_life: 2 * DAY, ..Settings::default() };
        let other = fixture.another();
        let hashing = Hashing::start(1, Scheme::Bcrypt(LOWEST_COST), fixture.entropy.clone()).unwrap();
        let cloud = Cloud::with(fixture, settings.clone()).await;
        let other = Identity::new(Parts { db: other, hashing, settings }).unwrap();
        let both = async || {
            let (one, two) = tokio::join!(cloud.identity.keys_rotate_due(), other.keys_rotate_due());
            one.and(two).unwrap();
        };
        both().await;
        assert_eq!(numbers(&cloud), [0, 1]);
        cloud.fixture.clock.advance(DAY);
        both().await;
        both().await;
        assert_eq!(numbers(&cloud), [0, 1, 2]);
        assert!(cloud.valid(&cloud.admin).await && other.token_read(&cloud.admin).await.unwrap().is_some());
        for _ in 0..3 {
            cloud.fixture.clock.advance(DAY);
            both().await;
        }
        assert_eq!(numbers(&cloud), [0, 2, 3, 4, 5], "keys stay as long as their tokens can live");
    }
}
