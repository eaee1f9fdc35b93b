//! What callers get: bodies by version, bad input, strangers, quotas, pages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Cloud, IMAGE, create};
use serde_json::{Value, json};

#[tokio::test]
async fn versions_are_negotiated() {
    let cloud = Cloud::new().await;
    let back = cloud.get("", "/", "2.1").await;
    assert_eq!(back.body["versions"][1]["version"], "2.104");
    let back = cloud.get("", "/v2.1", "2.1").await;
    assert_eq!(back.body["version"]["links"][0]["href"], "http://cloud/compute/v2.1/");
    let back = cloud.get("member-p", "/v2.1/flavors", "2.200").await;
    let message = "Version 2.200 is not supported by the API. Minimum is 2.1 and maximum is 2.104.";
    assert_eq!((back.status, back.body), (406, json!({"computeFault": {"code": 406, "message": message}})));
    let back = cloud.get("", "/v2.1/flavors", "2.1").await;
    assert_eq!((back.status, &back.body["error"]["title"]), (401, &json!("Unauthorized")));
    assert!(
        cloud
            .get("member-p", "/v2.1/servers", "2.96")
            .await
            .headers
            .contains("openstack-api-version: compute 2.96")
    );
}

#[tokio::test]
async fn a_server_grows_with_the_versions() {
    let cloud = Cloud::new().await;
    let id = cloud.server("web").await;
    let path = format!("/v2.1/servers/{id}");
    let keys =
        |body: &Value| -> Vec<String> { body["server"].as_object().unwrap().keys().cloned().collect() };
    let first = cloud.get("member-p", &path, "2.1").await.body;
    let mut sorted = keys(&first);
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "OS-DCF:diskConfig",
            "OS-EXT-AZ:availability_zone",
            "OS-EXT-STS:power_state",
            "OS-EXT-STS:task_state",
            "OS-EXT-STS:vm_state",
            "OS-SRV-USG:launched_at",
            "OS-SRV-USG:terminated_at",
            "accessIPv4",
            "accessIPv6",
            "addresses",
            "config_drive",
            "created",
            "flavor",
            "hostId",
            "id",
            "image",
            "key_name",
            "links",
            "metadata",
            "name",
            "os-extended-volumes:volumes_attached",
            "progress",
            "security_groups",
            "status",
            "tenant_id",
            "updated",
            "user_id",
        ]
    );
    assert_eq!(first["server"]["flavor"]["id"], "42");
    for (version, key) in [
        ("2.9", "locked"),
        ("2.19", "description"),
        ("2.26", "tags"),
        ("2.63", "trusted_image_certificates"),
        ("2.71", "server_groups"),
        ("2.73", "locked_reason"),
        ("2.90", "OS-EXT-SRV-ATTR:hostname"),
        ("2.96", "pinned_availability_zone"),
        ("2.100", "scheduler_hints"),
    ] {
        let before = format!("2.{}", version[2..].parse::<u16>().unwrap() - 1);
        assert!(
            !keys(&cloud.get("member-p", &path, &before).await.body).contains(&key.to_owned()),
            "{key} at {before}"
        );
        assert!(
            keys(&cloud.get("member-p", &path, version).await.body).contains(&key.to_owned()),
            "{key} at {version}"
        );
    }
    let before = cloud.put("member-p", &path, "2.74", json!({"server": {"name": "db"}})).await.body;
    assert!(!keys(&before).contains(&"config_drive".to_owned()));
    let after = cloud.put("member-p", &path, "2.75", json!({"server": {"name": "db"}})).await.body;
    assert!(keys(&after).contains(&"config_drive".to_owned()));
}

#[tokio::test]
async fn bad_input_gets_novas_answer_and_changes_nothing() {
    let cloud = Cloud::new().await;
    let base = || json!({"name": "web", "imageRef": IMAGE, "flavorRef": "42", "networks": "none"});
    let with = |name: &str, value: Value| {
        let mut server = base();
        server[name] = value;
        json!({"server": server})
    };
    let unknown = "99999999-0000-4000-8000-000000000001";
    let table: Vec<(Value, &str)> = vec![
        (json!({}), "'server' is a required property"),
        (
            json!({"server": []}),
            "Invalid input for field/attribute server. Value: []. [] is not of type 'object'",
        ),
        (with("x", json!(1)), "Additional properties are not allowed ('x' was unexpected)"),
        (
            with("name", json!(1)),
            "Invalid input for field/attribute name. Value: 1. 1 is not of type 'string'",
        ),
        (with("name", json!("")), "Invalid input for field/attribute name. Value: . '' should be non-empty"),
        (with("imageRef", json!("x")), "'x' is not valid under any of the given schemas"),
        (with("imageRef", json!(unknown)), "Can not find requested image"),
        (with("imageRef", json!("")), "Missing imageRef attribute"),
        (with("flavorRef", json!("nope")), "Flavor nope could not be found."),
        (
            with("networks", json!([{"uuid": unknown}])),
            "Network 99999999-0000-4000-8000-000000000001 could not be found.",
        ),
        (
            with("networks", json!([{"port": unknown}])),
            "Port id 99999999-0000-4000-8000-000000000001 could not be found.",
        ),
        (with("key_name", json!("nope")), "Invalid key_name provided."),
        (with("user_data", json!("Y")), "'Y' is not a 'base64'"),
        (
            with("security_groups", json!([{"name": "nope"}])),
            "Unable to find security_group with name or id 'nope'",
        ),
        (with("availability_zone", json!("mars")), "The requested availability zone is not available"),
        (with("min_count", json!(0)), "0 is less than the minimum of 1"),
        (with("min_count", json!("3")), ""),
        (with("metadata", json!({"a": 1})), "1 is not of type 'string'"),
        (with("accessIPv4", json!("1.2.3")), "'1.2.3' is not a 'ipv4'"),
        (
            json!({"server": base(), "os:scheduler_hints": {"group": unknown}}),
            "Instance group 99999999-0000-4000-8000-000000000001 could not be found.",
        ),
        (
            json!({"server": base(), "os:scheduler_hints": {"group": "x"}}),
            "'x' is not valid under any of the given schemas",
        ),
    ];
    for (body, message) in table.into_iter().filter(|(_, message)| !message.is_empty()) {
        let back = cloud.post("member-p", "/v2.1/servers", "2.37", body.clone()).await;
        let told = back.body["badRequest"]["message"].as_str().unwrap_or_default();
        assert!(back.status == 400 && told.contains(message), "{body}\n{} {}", back.status, back.body);
    }
    let counts = with("min_count", json!("3"));
    let mut counts = counts;
    counts["server"]["max_count"] = json!(2);
    let back = cloud.post("member-p", "/v2.1/servers", "2.37", counts).await;
    assert_eq!(back.body["badRequest"]["message"], "min_count must be <= max_count");
    let missing = json!({"server": {"name": "web", "imageRef": IMAGE, "flavorRef": "42"}});
    let back = cloud.post("member-p", "/v2.1/servers", "2.37", missing.clone()).await;
    assert!(
        back.body["badRequest"]["message"].as_str().unwrap().contains("'networks' is a required property")
    );
    assert_eq!(cloud.get("member-p", "/v2.1/servers", "2.1").await.body, json!({"servers": []}));
    assert_eq!(cloud.post("member-p", "/v2.1/servers", "2.36", missing).await.status, 202);
}

#[tokio::test]
async fn strangers_see_nothing_and_readers_change_nothing() {
    let cloud = Cloud::new().await;
    let id = cloud.server("web").await;
    let path = format!("/v2.1/servers/{id}");
    let absent =
        json!({"itemNotFound": {"code": 404, "message": format!("Instance {id} could not be found.")}});
    for (method, below) in [
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/ips"),
        ("GET", "/metadata"),
        ("GET", "/os-interface"),
        ("GET", "/tags"),
        ("GET", "/os-instance-actions"),
        ("GET", "/os-security-groups"),
        ("DELETE", "/tags"),
    ] {
        let back = cloud.call(method, "member-q", &format!("{path}{below}"), "2.79", None).await;
        assert_eq!((back.status, &back.body), (404, &absent), "{method} {below}");
    }
    assert_eq!(cloud.action("member-q", &id, json!({"os-stop": null})).await.status, 404);
    let back = cloud.delete("reader-p", &path, "2.1").await;
    let message = "Policy doesn't allow os_compute_api:servers:delete to be performed.";
    assert_eq!((back.status, back.body), (403, json!({"forbidden": {"code": 403, "message": message}})));
    assert_eq!(cloud.get("member-p", "/v2.1/servers?all_tenants=1", "2.1").await.status, 403);
    assert_eq!(cloud.get("member-p", "/v2.1/os-hypervisors", "2.1").await.status, 403);
    assert_eq!(cloud.get("reader-p", &path, "2.1").await.status, 200);
    assert_eq!(cloud.get("member-q", "/v2.1/servers", "2.1").await.body, json!({"servers": []}));
}

#[tokio::test]
async fn locks_hold_against_members_and_not_against_administrators() {
    let cloud = Cloud::new().await;
    let id = cloud.server("web").await;
    assert_eq!(cloud.action("member-p", &id, json!({"lock": {"locked_reason": "mine"}})).await.status, 202);
    let back = cloud.action("member-p", &id, json!({"os-stop": null})).await;
    let message = format!("Instance {id} is locked");
    assert_eq!((back.status, &back.body["conflictingRequest"]["message"]), (409, &json!(message)));
    assert_eq!(cloud.show(&id).await["locked_reason"], "mine");
    assert_eq!(cloud.action("member-p", &id, json!({"unlock": null})).await.status, 202);
    assert_eq!(cloud.action("member-p", &id, json!({"os-stop": null})).await.status, 202);
    let back = cloud.action("member-p", &id, json!({"createImage": {"name": "x"}})).await;
    assert_eq!(back.body["badRequest"]["message"], "There is no such action: createImage");
}

#[tokio::test]
async fn quotas_are_counted_where_they_are_charged() {
    let cloud = Cloud::sized(64, 65536).await;
    let set = json!({"quota_set": {"instances": 2, "cores": 5}});
    assert_eq!(
        cloud.put("admin-p", "/v2.1/os-quota-sets/p", "2.57", set).await.body["quota_set"]["instances"],
        2
    );
    let mut body = create("web");
    body["server"]["min_count"] = json!(3);
    let back = cloud.post("member-p", "/v2.1/servers", "2.37", body.clone()).await;
    let message = "Quota exceeded for instances: Requested 3, but already used 0 of 2 instances";
    assert_eq!((back.status, back.body), (403, json!({"forbidden": {"code": 403, "message": message}})));
    body["server"]["min_count"] = json!(1);
    body["server"]["max_count"] = json!(5);
    assert_eq!(cloud.post("member-p", "/v2.1/servers", "2.37", body).await.status, 202);
    let detail = cloud.get("member-p", "/v2.1/os-quota-sets/p/detail", "2.57").await;
    assert_eq!(detail.body["quota_set"]["instances"], json!({"in_use": 2, "limit": 2, "reserved": 0}));
    let limits = cloud.get("member-p", "/v2.1/limits", "2.57").await.body["limits"]["absolute"].clone();
    assert_eq!((&limits["totalInstancesUsed"], &limits["maxTotalCores"]), (&json!(2), &json!(5)));
    let names: Vec<Value> = cloud
        .get("member-p", "/v2.1/servers?sort_key=display_name&sort_dir=asc", "2.1")
        .await
        .body["servers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|server| server["name"].clone())
        .collect();
    assert_eq!(names, [json!("web-1"), json!("web-2")]);
    let back =
        cloud.put("admin-p", "/v2.1/os-quota-sets/p", "2.57", json!({"quota_set": {"instances": 1}})).await;
    assert!(
        back.body["badRequest"]["message"]
            .as_str()
            .unwrap()
            .contains("must be greater than or equal to already used")
    );
    let back = cloud.get("admin-p", "/v2.1/os-quota-sets/nowhere", "2.57").await;
    assert_eq!(back.body["badRequest"]["message"], "Project ID nowhere is not a valid project.");
}

#[tokio::test]
async fn lists_are_filtered_and_come_in_pages() {
    let cloud = Cloud::sized(64, 65536).await;
    for name in ["web-1", "web-2", "db-1"] {
        let body = json!({"server": {"name": name, "imageRef": IMAGE, "flavorRef": "42", "networks": "none", "tags": [name]}});
        assert_eq!(cloud.post("member-p", "/v2.1/servers", "2.52", body).await.status, 202);
        cloud.fixture.clock.advance(std::time::Duration::from_secs(1));
    }
    cloud.settle().await;
    let names = |back: &common::Back| -> Vec<String> {
        back.body["servers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    for (query, expected) in [
        ("", vec!["db-1", "web-2", "web-1"]),
        ("?name=%5Eweb", vec!["web-2", "web-1"]),
        ("?status=ACTIVE&limit=2", vec!["db-1", "web-2"]),
        ("?status=SHUTOFF", vec![]),
        ("?tags=db-1", vec!["db-1"]),
        ("?tags-any=db-1,web-1", vec!["db-1", "web-1"]),
        ("?not-tags=db-1", vec!["web-2", "web-1"]),
        ("?not-tags-any=db-1,web-1", vec!["web-2"]),
        ("?flavor=1", vec![]),
        ("?flavor=42&sort_key=display_name&sort_dir=asc", vec!["db-1", "web-1", "web-2"]),
        ("?changes-since=2036-01-01T00:00:00Z", vec![]),
    ] {
        assert_eq!(
            names(&cloud.get("member-p", &format!("/v2.1/servers{query}"), "2.52").await),
            expected,
            "{query}"
        );
    }
    let mut seen = Vec::new();
    let mut path = "/v2.1/servers?limit=1".to_owned();
    loop {
        let back = cloud.get("member-p", &path, "2.52").await;
        seen.extend(names(&back));
        let Some(next) = back.body["servers_links"][0]["href"].as_str() else { break };
        path = next.strip_prefix("http://cloud/compute").unwrap().to_owned();
    }
    assert_eq!(seen, ["db-1", "web-2", "web-1"]);
    for (query, message) in [
        ("?marker=nope", "marker [nope] not found"),
        ("?status=NOPE", "Invalid status value"),
        ("?metadata=x", "Invalid filter field: metadata."),
        ("?limit=-1", "Invalid input for query parameters limit. Value: -1. '-1' does not match '^[0-9]*$'"),
        ("?name=%5B", "Invalid input for query parameters name. Value: [. '[' is not a 'regex'"),
    ] {
        let back = cloud.get("member-p", &format!("/v2.1/servers{query}"), "2.52").await;
        assert_eq!(back.body["badRequest"]["message"], message, "{query}");
    }
    let back = cloud.get("member-p", "/v2.1/servers?nonsense=1", "2.75").await;
    assert_eq!(
        back.body["badRequest"]["message"],
        "Additional properties are not allowed ('nonsense' was unexpected)"
    );
    assert_eq!(cloud.get("member-p", "/v2.1/servers?nonsense=1", "2.74").await.status, 200);
}

#[tokio::test]
async fn a_page_of_several_portions_is_whole_and_in_order() {
    let cloud = Cloud::new().await;
    let unlimited = json!({"quota_set": {"instances": -1, "cores": -1, "ram": -1}});
    assert_eq!(cloud.put("admin-p", "/v2.1/os-quota-sets/p", "2.57", unlimited).await.status, 200);
    let body = json!({"server": {"name": "web", "imageRef": IMAGE, "flavorRef": "42", "networks": "none", "min_count": 405}});
    assert_eq!(cloud.post("member-p", "/v2.1/servers", "2.52", body).await.status, 202);
    let names = |back: &common::Back| -> Vec<String> {
        let servers = back.body["servers"].as_array().unwrap();
        servers.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    let expected: Vec<String> = (1..=405).rev().map(|number| format!("web-{number}")).collect();
    for list in ["servers", "servers/detail"] {
        let whole = cloud.get("member-p", &format!("/v2.1/{list}"), "2.52").await;
        assert_eq!((names(&whole), whole.body.get("servers_links")), (expected.clone(), None), "{list}");
        let first = cloud.get("member-p", &format!("/v2.1/{list}?limit=400"), "2.52").await;
        assert_eq!(names(&first), expected[..400], "{list}");
        let next = first.body["servers_links"][0]["href"].as_str().unwrap();
        let next = next.strip_prefix("http://cloud/compute").unwrap();
        assert_eq!(names(&cloud.get("member-p", next, "2.52").await), expected[400..], "{list}");
        let none = cloud.get("member-p", &format!("/v2.1/{list}?name=nobody"), "2.52").await;
        assert_eq!(none.body, json!({"servers": []}), "{list}");
    }
}

#[tokio::test]
async fn flavors_keys_groups_tags_and_metadata() {
    let cloud = Cloud::new().await;
    let made = json!({"flavor": {"name": "big", "ram": "1024", "vcpus": 2, "disk": 1, "id": "auto-1", "description": "d"}});
    let back = cloud.post("admin-p", "/v2.1/flavors", "2.75", made.clone()).await;
    assert_eq!(
        back.body["flavor"],
        json!({"id": "auto-1", "name": "big", "links": back.body["flavor"]["links"], "description": "d",
        "ram": 1024, "disk": 1, "swap": 0, "OS-FLV-EXT-DATA:ephemeral": 0, "vcpus": 2, "os-flavor-access:is_public": true,
        "OS-FLV-DISABLED:disabled": false, "rxtx_factor": 1.0, "extra_specs": {}})
    );
    assert_eq!(cloud.post("admin-p", "/v2.1/flavors", "2.75", made).await.status, 409);
    let specs = json!({"extra_specs": {"hw:cpu_policy": "shared"}});
    assert_eq!(
        cloud.post("admin-p", "/v2.1/flavors/auto-1/os-extra_specs", "2.1", specs.clone()).await.body,
        specs
    );
    assert_eq!(
        cloud.get("member-p", "/v2.1/flavors/nope", "2.1").await.body["itemNotFound"]["message"],
        "Flavor nope could not be found."
    );
    assert_eq!(cloud.delete("admin-p", "/v2.1/flavors/auto-1", "2.1").await.status, 202);

    let back = cloud.post("member-p", "/v2.1/os-keypairs", "2.1", json!({"keypair": {"name": "made"}})).await;
    assert!(
        back.body["keypair"]["private_key"].as_str().unwrap().starts_with("-----BEGIN RSA"),
        "{}",
        back.body
    );
    let back =
        cloud.post("member-p", "/v2.1/os-keypairs", "2.92", json!({"keypair": {"name": "made"}})).await;
    assert_eq!(back.status, 400);
    let bad = json!({"keypair": {"name": "bad", "public_key": "nonsense"}});
    let back = cloud.post("member-p", "/v2.1/os-keypairs", "2.92", bad).await;
    assert_eq!(back.body["badRequest"]["message"], "Keypair data is invalid: failed to generate fingerprint");
    assert_eq!(cloud.get("member-q", "/v2.1/os-keypairs", "2.2").await.body, json!({"keypairs": []}));
    assert_eq!(cloud.delete("member-p", "/v2.1/os-keypairs/made", "2.2").await.status, 204);

    let group = json!({"server_group": {"name": "apart", "policy": "anti-affinity", "rules": {"max_server_per_host": "1"}}});
    let back = cloud.post("member-p", "/v2.1/os-server-groups", "2.64", group).await;
    assert_eq!(back.body["server_group"]["rules"], json!({"max_server_per_host": 1}));
    let group = back.body["server_group"]["id"].as_str().unwrap().to_owned();
    let mut ids = Vec::new();
    for name in ["one", "two"] {
        let mut body = create(name);
        body["os:scheduler_hints"] = json!({"group": group});
        let back = cloud.post("member-p", "/v2.1/servers", "2.37", body).await;
        ids.push(back.body["server"]["id"].as_str().unwrap().to_owned());
        cloud.settle().await;
    }
    assert_eq!(
        (cloud.status(&ids[0]).await.as_str(), cloud.status(&ids[1]).await.as_str()),
        ("ACTIVE", "ERROR")
    );
    let why = cloud.show(&ids[1]).await["fault"]["details"].clone();
    assert_eq!(why, "one: 1 server(s) of group apart are on it");

    let path = format!("/v2.1/servers/{}", ids[0]);
    assert_eq!(cloud.call("PUT", "member-p", &format!("{path}/tags/blue"), "2.26", None).await.status, 201);
    assert_eq!(cloud.call("PUT", "member-p", &format!("{path}/tags/blue"), "2.26", None).await.status, 204);
    assert_eq!(cloud.get("member-p", &format!("{path}/tags"), "2.26").await.body, json!({"tags": ["blue"]}));
    assert_eq!(cloud.get("member-p", &format!("{path}/tags"), "2.25").await.status, 404);
    let back =
        cloud.post("member-p", &format!("{path}/metadata"), "2.1", json!({"metadata": {"a": "1"}})).await;
    assert_eq!(back.body, json!({"metadata": {"a": "1"}}));
    cloud.settle().await;
    let Some(metal::Spec::Server(spec)) = cloud.host.wanted(&ids[0]).unwrap().spec else {
        panic!("no server")
    };
    assert_eq!(spec.metadata.meta.get("a").map(String::as_str), Some("1"));
    assert_eq!(
        cloud.get("member-p", &format!("{path}/metadata/b"), "2.1").await.body["itemNotFound"]["message"],
        "Metadata item was not found"
    );
}

#[tokio::test]
async fn operators_see_hosts_and_services() {
    let cloud = Cloud::new().await;
    cloud.server("web").await;
    let old = cloud.get("admin-p", "/v2.1/os-hypervisors/detail", "2.1").await.body["hypervisors"][0].clone();
    assert_eq!(
        (&old["id"], &old["vcpus_used"], &old["memory_mb_used"]),
        (&json!(1), &json!(1), &json!(128 + 512))
    );
    let new =
        cloud.get("admin-p", "/v2.1/os-hypervisors?with_servers=true", "2.88").await.body["hypervisors"][0]
            .clone();
    assert_eq!((&new["hypervisor_hostname"], new["servers"].as_array().unwrap().len()), (&json!("one"), 1));
    let services =
        cloud.get("admin-p", "/v2.1/os-services?binary=nova-compute", "2.53").await.body["services"][0]
            .clone();
    assert_eq!((&services["state"], &services["zone"]), (&json!("up"), &json!("nova")));
    let id = services["id"].as_str().unwrap();
    let off = json!({"status": "disabled", "disabled_reason": "repair"});
    assert_eq!(
        cloud.put("admin-p", &format!("/v2.1/os-services/{id}"), "2.53", off).await.body["service"]["status"],
        "disabled"
    );
    let zones = cloud.get("member-p", "/v2.1/os-availability-zone", "2.1").await;
    assert_eq!(
        zones.body["availabilityZoneInfo"][0],
        json!({"zoneName": "nova", "zoneState": {"available": false}, "hosts": null})
    );
    let id = cloud.post("member-p", "/v2.1/servers", "2.37", create("late")).await.body["server"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    cloud.settle().await;
    assert_eq!(cloud.show(&id).await["fault"]["details"], "one: its service is disabled: repair");
}

/// Lists that are always empty here are still not for everybody.
#[tokio::test]
async fn what_shows_nothing_asks_its_rule() {
    let cloud = Cloud::new().await;
    let id = cloud.server("web").await;
    let asked = async |path: &str, tokens: &[(&str, u16)]| {
        for (token, status) in tokens {
            assert_eq!(cloud.get(token, path, "2.90").await.status, *status, "{path} as {token}");
        }
    };
    for path in ["/v2.1/extensions", "/v2.1/extensions/os-volumes"] {
        asked(path, &[("reader-p", 200), ("admin-system", 403)]).await;
    }
    let volumes = format!("/v2.1/servers/{id}/os-volume_attachments");
    asked(&volumes, &[("reader-p", 200), ("admin-system", 403), ("reader-q", 404)]).await;
    let migrations = format!("/v2.1/servers/{id}/migrations");
    asked(&migrations, &[("manager-p", 200), ("member-p", 403), ("manager-q", 404)]).await;
    let of_project = "/v2.1/os-migrations?project_id=p";
    asked(of_project, &[("manager-p", 200), ("member-p", 403), ("manager-q", 403)]).await;
    // A span that cannot be says nothing to whom nothing is said; one that is not named is a short one.
    let usage = "/v2.1/os-simple-tenant-usage/p";
    asked(usage, &[("reader-p", 200), ("reader-q", 403)]).await;
    asked(&format!("{usage}?start=x"), &[("reader-p", 400), ("reader-q", 403)]).await;
}
