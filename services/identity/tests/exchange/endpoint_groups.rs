//! Endpoint groups over the wire: which endpoints the catalog of a project has.

use crate::rig::{Cloud, login, project};
use http::Method;
use serde_json::{Value, json};

const FILTERS: &str = "/v3/OS-EP-FILTER";

/// The interfaces that the catalog in a new token of the demo project has, with their types.
async fn seen(cloud: &Cloud) -> Vec<String> {
    let told = cloud.authenticate(login("demo", "demo", project("demo"))).await;
    let catalog = told.one("token")["catalog"].clone();
    let mut all = Vec::new();
    for service in catalog.as_array().unwrap() {
        for endpoint in service["endpoints"].as_array().unwrap() {
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            all.push(format!("{} {}", word(&service["type"]), word(&endpoint["interface"])));
        }
    }
    all.sort();
    all
}

#[tokio::test]
async fn a_project_sees_what_it_is_shown_or_all() {
    let cloud = Cloud::start().await;
    let all = seen(&cloud).await;
    assert_eq!(all.len(), 6);
    let place = cloud.get("/v3/projects?name=demo").await.each("projects", "id").remove(0);
    let compute = cloud.get("/v3/services?type=compute").await.each("services", "id").remove(0);
    let body = json!({"endpoint_group": {"name": "inside", "filters": {"interface": "internal", "service_id": compute}}});
    let group = cloud.post(&format!("{FILTERS}/endpoint_groups"), body).await.id("endpoint_group");
    let in_group = format!("{FILTERS}/endpoint_groups/{group}/projects/{place}");
    assert_eq!(cloud.get(&in_group).await.status, 404);
    assert_eq!(cloud.put(&in_group).await.status, 204);
    assert_eq!(seen(&cloud).await, ["compute internal"]);
    let public = cloud.get("/v3/endpoints?interface=public").await;
    let public = public.body["endpoints"].as_array().unwrap();
    let identity = public.iter().find(|one| one["service_id"] != compute.as_str()).unwrap()["id"].clone();
    let single = format!("{FILTERS}/projects/{place}/endpoints/{}", identity.as_str().unwrap());
    assert_eq!((cloud.put(&single).await.status, cloud.put(&single).await.status), (204, 204));
    assert_eq!(seen(&cloud).await, ["compute internal", "identity public"]);
    let listed = cloud.get(&format!("{FILTERS}/projects/{place}/endpoints")).await;
    assert_eq!(listed.each("endpoints", "interface"), ["internal", "public"]);
    assert_eq!(cloud.delete(&format!("{FILTERS}/endpoint_groups/{group}")).await.status, 204);
    assert_eq!(seen(&cloud).await, ["identity public"]);
    cloud.delete(&format!("/v3/endpoints/{}", identity.as_str().unwrap())).await;
    assert_eq!(seen(&cloud).await.len(), 5, "nothing is left of what it was shown");
}

#[tokio::test]
async fn only_administrators_narrow_catalogs() {
    let cloud = Cloud::start().await;
    let place = cloud.get("/v3/projects?name=demo").await.each("projects", "id").remove(0);
    let end = cloud.get("/v3/endpoints").await.each("endpoints", "id").remove(0);
    let demo = cloud.token("demo", "demo", project("demo")).await;
    let group = json!({"endpoint_group": {"name": "x", "filters": {"interface": "public"}}});
    for (method, path, body) in [
        (Method::POST, format!("{FILTERS}/endpoint_groups"), group),
        (Method::PUT, format!("{FILTERS}/projects/{place}/endpoints/{end}"), Value::Null),
        (Method::DELETE, format!("{FILTERS}/projects/{place}/endpoints/{end}"), Value::Null),
        (Method::GET, format!("{FILTERS}/projects/{place}/endpoints"), Value::Null),
    ] {
        assert_eq!(cloud.ask(method, &path, &demo, body).await.status, 403, "{path}");
    }
    for filters in [json!({}), json!({"color": "red"}), json!({"enabled": true}), json!({"interface": "x"})] {
        let body = json!({"endpoint_group": {"name": "x", "filters": filters}});
        assert_eq!(cloud.post(&format!("{FILTERS}/endpoint_groups"), body).await.status, 400, "{filters}");
    }
}

#[tokio::test]
async fn what_is_told_of_a_token_follows_the_catalog() {
    for fixture in store::testing::databases() {
        let cloud = Cloud::on(fixture).await;
        let told = async || {
            let token = cloud.validate(&cloud.admin, &cloud.admin).await.one("token");
            let entries = token["catalog"].as_array().unwrap().iter();
            entries.flat_map(|entry| entry["endpoints"].as_array().unwrap().clone()).collect::<Vec<_>>()
        };
        let urls =
            async || told().await.iter().map(|one| one["url"].to_string()).collect::<Vec<_>>().join(" ");
        let all = told().await.len();
        assert_eq!(told().await.len(), all);
        let service = cloud.post("/v3/services", json!({"service": {"type": "dns"}})).await.id("service");
        let endpoint =
            json!({"endpoint": {"service_id": service, "interface": "public", "url": "http://dns"}});
        let endpoint = cloud.post("/v3/endpoints", endpoint).await.id("endpoint");
        assert!(urls().await.contains("http://dns"));
        let path = format!("/v3/endpoints/{endpoint}");
        cloud.patch(&path, json!({"endpoint": {"url": "http://names"}})).await;
        assert!(urls().await.contains("http://names"));
        let project = cloud.get("/v3/projects?name=admin").await.body["projects"][0]["id"].clone();
        let shown = format!("/v3/OS-EP-FILTER/projects/{}/endpoints/{endpoint}", project.as_str().unwrap());
        assert_eq!(cloud.put(&shown).await.status, 204);
        assert_eq!(told().await.len(), 1, "the project is shown this one alone");
        assert_eq!(cloud.delete(&shown).await.status, 204);
        assert_eq!(told().await.len(), all + 1);
        cloud.patch(&format!("/v3/services/{service}"), json!({"service": {"enabled": false}})).await;
        assert_eq!(told().await.len(), all);
        assert_eq!(cloud.delete(&format!("/v3/services/{service}")).await.status, 204);
        assert_eq!(told().await.len(), all);
        let path = "/v3/auth/tokens?nocatalog";
        let headers = [("x-auth-token", &*cloud.admin), ("x-subject-token", &*cloud.admin)];
        for _ in 0..2 {
            let bare = cloud.raw(Method::GET, path, &headers, b"").await.one("token");
            assert!(bare.get("catalog").is_none(), "{bare}");
        }
    }
}
