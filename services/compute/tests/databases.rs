//! Every sort of statement once on each database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::host::FakeHost;
use common::{Cloud, create};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_both_databases() {
    for fixture in store::testing::databases() {
        let name = fixture.name;
        let cloud = Cloud::empty(fixture, FakeHost::new("one", 8, 16384)).await;
        cloud.join().await;
        let group = json!({"server_group": {"name": "apart", "policies": ["anti-affinity"]}});
        let back = cloud.post("member-p", "/v2.1/os-server-groups", "2.1", group).await;
        let group = back.body["server_group"]["id"].as_str().unwrap().to_owned();
        let mut body = create("web");
        body["server"]["tags"] = json!(["blue", "green"]);
        body["os:scheduler_hints"] = json!({"group": group});
        let back = cloud.post("member-p", "/v2.1/servers", "2.52", body).await;
        assert_eq!(back.status, 202, "{name} {}", back.body);
        let id = back.body["server"]["id"].as_str().unwrap().to_owned();
        cloud.until("it runs", || async { cloud.status(&id).await == "ACTIVE" }).await;
        for (path, version) in [
            (
                "/servers/detail?status=ACTIVE&tags-any=blue,red&not-tags=red&sort_key=host&sort_dir=asc",
                "2.104",
            ),
            ("/servers?changes-since=2026-01-01T00:00:00Z&limit=1", "2.1"),
            ("/servers?deleted=true&all_tenants=true", "2.1"),
            ("/flavors/detail?minRam=64&is_public=none&sort_key=memory_mb", "2.61"),
            ("/os-keypairs?limit=5", "2.35"),
            ("/os-server-groups?all_projects=True", "2.64"),
            ("/os-hypervisors/detail?with_servers=true", "2.75"),
            ("/os-services", "2.69"),
            ("/os-availability-zone/detail", "2.1"),
            ("/os-aggregates", "2.1"),
            ("/limits", "2.1"),
            ("/os-quota-sets/p/detail?user_id=u", "2.1"),
            ("/os-quota-class-sets/default", "2.50"),
            ("/os-simple-tenant-usage?start=2026-01-01T00:00:00&detailed=1", "2.40"),
        ] {
            let back = cloud.get("admin-p", &format!("/v2.1{path}"), version).await;
            assert_eq!(back.status, 200, "{name} {path} {}", back.body);
        }
        let set = json!({"quota_class_set": {"instances": 20}});
        assert_eq!(cloud.put("admin-p", "/v2.1/os-quota-class-sets/default", "2.57", set).await.status, 200);
        for action in ["os-stop", "os-start"] {
            assert_eq!(cloud.action("member-p", &id, json!({action: null})).await.status, 202);
            let after = if action == "os-stop" { "SHUTOFF" } else { "ACTIVE" };
            cloud.until("it is done", || async { cloud.status(&id).await == after }).await;
        }
        assert_eq!(cloud.delete("member-p", &format!("/v2.1/servers/{id}"), "2.1").await.status, 204);
        cloud.until("it is gone", || async { cloud.status(&id).await == "gone" }).await;
        cloud.until("the host is empty", || async { cloud.host.servers().is_empty() }).await;
        assert_eq!(
            cloud.delete("member-p", &format!("/v2.1/os-server-groups/{group}"), "2.1").await.status,
            204
        );
    }
}
