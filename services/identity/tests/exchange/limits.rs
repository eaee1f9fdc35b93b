//! Registered limits and limits over the wire, in both models.

use crate::rig::{Cloud, NOWHERE, Told, project};
use http::Method;
use identity::model::limit::LimitModel;
use identity::settings::Settings;
use serde_json::{Value, json};

async fn service(cloud: &Cloud) -> String {
    cloud.post("/v3/services", json!({"service": {"type": "counted"}})).await.id("service")
}

async fn register(cloud: &Cloud, service: &str, more: Value) -> Told {
    let one = json!({"service_id": service, "resource_name": "things", "default_limit": 10});
    cloud.post("/v3/registered_limits", json!({"registered_limits": [merged(one, more)]})).await
}

async fn limit(cloud: &Cloud, service: &str, more: Value) -> Told {
    let one = json!({"service_id": service, "resource_name": "things", "resource_limit": 3});
    cloud.post("/v3/limits", json!({"limits": [merged(one, more)]})).await
}

fn merged(mut one: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        one[name] = value.clone();
    }
    one
}

#[tokio::test]
async fn a_limit_stands_instead_of_a_registered_one() {
    let cloud = Cloud::start().await;
    let service = service(&cloud).await;
    let (own, other) = (cloud.project("own").await, cloud.project("other").await);
    assert_eq!(
        limit(&cloud, &service, json!({"project_id": own})).await.status,
        403,
        "nothing is registered"
    );
    let registered = register(&cloud, &service, json!({"description": "all"})).await;
    let registered = registered.one("registered_limits")[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(register(&cloud, &service, json!({})).await.status, 409);
    for (more, status) in [
        (json!({"service_id": NOWHERE}), 400),
        (json!({"region_id": "nowhere"}), 400),
        (json!({"default_limit": -2}), 400),
        (json!({"resource_name": "more", "region_id": "RegionOne"}), 201),
    ] {
        assert_eq!(register(&cloud, &service, more.clone()).await.status, status, "{more}");
    }
    let made = limit(&cloud, &service, json!({"project_id": own})).await.one("limits");
    let path = format!("/v3/limits/{}", made[0]["id"].as_str().unwrap());
    for (more, status) in [
        (json!({"project_id": own}), 409),
        (json!({"project_id": NOWHERE}), 400),
        (json!({"domain_id": NOWHERE}), 400),
        (json!({}), 400),
        (json!({"project_id": own, "domain_id": "default"}), 400),
        (json!({"project_id": other, "resource_limit": 100}), 201),
        (json!({"domain_id": "default"}), 201),
    ] {
        assert_eq!(limit(&cloud, &service, more.clone()).await.status, status, "{more}");
    }
    let changed = cloud.patch(&path, json!({"limit": {"resource_limit": 0}})).await;
    assert_eq!(changed.one("limit")["resource_limit"], 0);
    let above = format!("/v3/registered_limits/{registered}");
    assert_eq!(cloud.delete(&above).await.status, 403, "limits stand instead of it");
    assert_eq!(cloud.patch(&above, json!({"registered_limit": {"default_limit": 1}})).await.status, 403);
    assert_eq!(cloud.get("/v3/limits/model").await.one("model")["name"], "flat");
    cloud.delete(&format!("/v3/projects/{own}")).await;
    assert_eq!(cloud.get(&path).await.status, 404, "it goes with its project");
}

#[tokio::test]
async fn a_member_sees_the_limits_of_its_project_and_changes_none() {
    let cloud = Cloud::start().await;
    let service = service(&cloud).await;
    register(&cloud, &service, json!({})).await;
    let demo = cloud.token("demo", "demo", project("demo")).await;
    let own = cloud.validate(&demo, &demo).await.one("token")["project"]["id"].clone();
    let other = cloud.project("other").await;
    let mine = limit(&cloud, &service, json!({"project_id": own})).await.one("limits")[0]["id"].clone();
    let theirs = limit(&cloud, &service, json!({"project_id": other})).await.one("limits")[0]["id"].clone();
    let listed = cloud.ask(Method::GET, "/v3/limits", &demo, Value::Null).await;
    assert_eq!(listed.each("limits", "id"), [mine.as_str().unwrap()]);
    for (id, status) in [(&mine, 200), (&theirs, 403)] {
        let path = format!("/v3/limits/{}", id.as_str().unwrap());
        assert_eq!(cloud.ask(Method::GET, &path, &demo, Value::Null).await.status, status);
        assert_eq!(cloud.ask(Method::DELETE, &path, &demo, Value::Null).await.status, 403);
    }
    let registered = cloud.ask(Method::GET, "/v3/registered_limits", &demo, Value::Null).await;
    assert_eq!(registered.each("registered_limits", "resource_name"), ["things"]);
}

#[tokio::test]
async fn two_levels_are_strict() {
    let settings = Settings { limit_model: LimitModel::StrictTwoLevel, ..Settings::default() };
    let cloud = Cloud::with(store::testing::chosen(), settings).await;
    let service = service(&cloud).await;
    register(&cloud, &service, json!({})).await;
    let own = cloud.project("own").await;
    let made = |amount: i64, holder: &str, id: &str| json!({"resource_limit": amount, holder: id});
    assert_eq!(limit(&cloud, &service, made(11, "project_id", &own)).await.status, 403, "the default is 10");
    let project = limit(&cloud, &service, made(9, "project_id", &own)).await.one("limits");
    assert_eq!(
        limit(&cloud, &service, made(8, "domain_id", "default")).await.status,
        403,
        "below its project"
    );
    let domain = limit(&cloud, &service, made(20, "domain_id", "default")).await.one("limits");
    let path = |one: &Value| format!("/v3/limits/{}", one[0]["id"].as_str().unwrap());
    for (one, amount, status) in
        [(&project, 21, 403), (&project, 20, 200), (&domain, 19, 403), (&domain, 30, 200)]
    {
        let told = cloud.patch(&path(one), json!({"limit": {"resource_limit": amount}})).await;
        assert_eq!(told.status, status, "{amount}");
    }
    let below = json!({"project": {"name": "below", "parent_id": own, "domain_id": "default"}});
    let below = cloud.post("/v3/projects", below).await.id("project");
    let deeper = json!({"project": {"name": "deeper", "parent_id": below, "domain_id": "default"}});
    assert_eq!(cloud.post("/v3/projects", deeper).await.status, 403, "a third level");
}
