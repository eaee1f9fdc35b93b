//! Policy documents and the endpoints that they are for, over the wire.

use crate::rig::{Cloud, NOWHERE, project};
use http::Method;
use serde_json::{Value, json};

/// A region in another, a service, and its endpoint there.
struct Place {
    land: String,
    town: String,
    service: String,
    endpoint: String,
}

impl Place {
    async fn make(cloud: &Cloud) -> Self {
        let land = cloud.post("/v3/regions", json!({"region": {"id": "land"}})).await.id("region");
        let below = json!({"region": {"id": "town", "parent_region_id": land}});
        let town = cloud.post("/v3/regions", below).await.id("region");
        let service = cloud.post("/v3/services", json!({"service": {"type": "letters"}})).await.id("service");
        let body =
            json!({"interface": "public", "url": "http://x", "service_id": service, "region_id": town});
        let endpoint = cloud.post("/v3/endpoints", json!({"endpoint": body})).await.id("endpoint");
        Self { land, town, service, endpoint }
    }

    /// The ways to a policy document's association with each, the farthest first.
    fn ways(&self, policy: &str) -> [String; 4] {
        let Self { land, town, service, endpoint } = self;
        let base = format!("/v3/policies/{policy}/OS-ENDPOINT-POLICY");
        [
            format!("{base}/services/{service}"),
            format!("{base}/services/{service}/regions/{land}"),
            format!("{base}/services/{service}/regions/{town}"),
            format!("{base}/endpoints/{endpoint}"),
        ]
    }
}

async fn document(cloud: &Cloud) -> String {
    cloud.post("/v3/policies", json!({"policy": {"type": "text/plain", "blob": "x"}})).await.id("policy")
}

#[tokio::test]
async fn the_nearest_document_is_an_endpoints() {
    for fixture in store::testing::databases() {
        let cloud = Cloud::on(fixture).await;
        let place = Place::make(&cloud).await;
        let asked = format!("/v3/endpoints/{}/OS-ENDPOINT-POLICY/policy", place.endpoint);
        let none = cloud.get(&asked).await;
        let sentence = format!("No policy is associated with endpoint {}.", place.endpoint);
        assert_eq!((none.status, none.message()), (404, &*sentence));
        for at in 0..4 {
            let policy = document(&cloud).await;
            let way = &place.ways(&policy)[at];
            let check = cloud.get(way).await;
            assert_eq!((check.status, check.message()), (404, "Could not find policy association."), "{way}");
            assert_eq!((cloud.put(way).await.status, cloud.put(way).await.status), (204, 204), "{way}");
            assert_eq!((cloud.get(way).await.status, cloud.head(way).await.status), (204, 204), "{way}");
            assert_eq!(cloud.get(&asked).await.id("policy"), policy, "{way}");
            let listed = cloud.get(&format!("/v3/policies/{policy}/OS-ENDPOINT-POLICY/endpoints")).await;
            assert_eq!(listed.each("endpoints", "id"), [&*place.endpoint], "{way}");
        }
    }
}

#[tokio::test]
async fn one_thing_has_one_document() {
    let cloud = Cloud::start().await;
    let place = Place::make(&cloud).await;
    let (first, second) = (document(&cloud).await, document(&cloud).await);
    for (old, new) in place.ways(&first).into_iter().zip(place.ways(&second)) {
        cloud.put(&old).await;
        cloud.put(&new).await;
        assert_eq!((cloud.get(&old).await.status, cloud.get(&new).await.status), (404, 204));
        assert_eq!(cloud.delete(&old).await.status, 204, "what is not so can be ended");
        assert_eq!(cloud.get(&new).await.status, 204, "and that changes nothing");
        assert_eq!(cloud.delete(&new).await.status, 204);
        assert_eq!(cloud.get(&new).await.status, 404);
    }
}

#[tokio::test]
async fn nothing_is_left_of_what_is_gone() {
    let cloud = Cloud::start().await;
    let place = Place::make(&cloud).await;
    let [policy, gone] = [document(&cloud).await, document(&cloud).await];
    for way in place.ways(&policy) {
        cloud.put(&way).await;
    }
    assert_eq!(
        cloud.patch(&format!("/v3/policies/{policy}"), json!({"policy": {"blob": "y"}})).await.status,
        200
    );
    assert_eq!(
        cloud.get(&place.ways(&policy)[0]).await.status,
        204,
        "a change of the document is none of that"
    );
    let listed = format!("/v3/policies/{policy}/OS-ENDPOINT-POLICY/endpoints");
    assert_eq!(cloud.get(&listed).await.each("endpoints", "id"), [&*place.endpoint], "each once");
    for path in [
        format!("/v3/policies/{gone}"),
        format!("/v3/endpoints/{}", place.endpoint),
        format!("/v3/regions/{}", place.land),
        format!("/v3/services/{}", place.service),
    ] {
        assert_eq!(cloud.delete(&path).await.status, 204, "{path}");
    }
    let left = "SELECT count(*) FROM identity_policy_associations";
    let left = cloud.fixture.db.read(move |tx| tx.query_one(left, store::params![])).await.unwrap().unwrap();
    assert_eq!(left.int(0).unwrap(), 0);
    assert_eq!(cloud.get(&listed).await.each("endpoints", "id"), Vec::<String>::new());
}

#[tokio::test]
async fn strangers_and_what_is_not_there_are_refused() {
    let cloud = Cloud::start().await;
    let place = Place::make(&cloud).await;
    let policy = document(&cloud).await;
    let demo = cloud.token("demo", "demo", project("demo")).await;
    for way in place.ways(&policy) {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            assert_eq!(cloud.ask(method, &way, &demo, Value::Null).await.status, 403, "{way}");
        }
    }
    let base = format!("/v3/policies/{policy}/OS-ENDPOINT-POLICY");
    for (path, sentence) in [
        (place.ways(NOWHERE)[0].clone(), format!("Could not find policy: {NOWHERE}.")),
        (format!("{base}/endpoints/{NOWHERE}"), format!("Could not find endpoint: {NOWHERE}.")),
        (format!("{base}/services/{NOWHERE}"), format!("Could not find service: {NOWHERE}.")),
        (
            format!("{base}/services/{}/regions/{NOWHERE}", place.service),
            format!("Could not find region: {NOWHERE}."),
        ),
    ] {
        let told = cloud.put(&path).await;
        assert_eq!((told.status, told.message()), (404, &*sentence));
    }
}
