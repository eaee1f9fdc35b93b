//! Other projects' things do not exist; one's own may be forbidden.

use crate::cloud::{ADMIN, Cloud, DEMO, MANAGER, READER, SERVICE, STRANGER, SYSTEM};
use serde_json::{Value, json};

#[tokio::test]
async fn strangers_find_nothing_and_readers_may_nothing() {
    let cloud = Cloud::start().await;
    let private = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let router = cloud.get(DEMO, "/v2.0/routers").await.ids("routers")[0].clone();
    let group = cloud.get(DEMO, "/v2.0/security-groups").await.ids("security_groups")[0].clone();
    let floating = cloud.get(DEMO, "/v2.0/networks?name=public").await.ids("networks")[0].clone();
    let floating = json!({"floatingip": {"floating_network_id": floating}});
    let floating = cloud.post(DEMO, "/v2.0/floatingips", floating).await.one("floatingip")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let things = [
        ("networks", "network", &private),
        ("routers", "router", &router),
        ("security-groups", "security_group", &group),
        ("floatingips", "floatingip", &floating),
    ];
    for (path, noun, id) in things {
        let url = format!("/v2.0/{path}/{id}");
        assert_eq!(cloud.get(STRANGER, &url).await.status, 404, "{url}");
        assert_eq!(
            cloud.put(STRANGER, &url, json!({noun: {"description": "mine"}})).await.status,
            404,
            "{url}"
        );
        assert_eq!(cloud.delete(STRANGER, &url).await.status, 404, "{url}");
        assert_eq!(cloud.get(READER, &url).await.status, 200, "{url}");
        let forbidden = cloud.delete(READER, &url).await;
        assert_eq!((forbidden.error().0, forbidden.error().1), (403, "PolicyNotAuthorized"), "{url}");
    }
    let port = json!({"port": {"network_id": private}});
    assert_eq!(cloud.post(STRANGER, "/v2.0/ports", port.clone()).await.error().1, "NetworkNotFound");
    let public = cloud.get(STRANGER, "/v2.0/networks").await.ids("networks");
    assert_eq!(public.len(), 1, "only the external network");
    let forbidden = cloud
        .put(STRANGER, &format!("/v2.0/networks/{}", public[0]), json!({"network": {"name": "x"}}))
        .await;
    assert_eq!(
        forbidden.error(),
        (403, "PolicyNotAuthorized", "rule:update_network is disallowed by policy")
    );
    let agents = cloud.get(DEMO, "/v2.0/agents").await;
    assert_eq!(agents.body, json!({"agents": []}));
    assert_eq!(cloud.get(ADMIN, "/v2.0/agents").await.ids("agents").len(), 2);
}

#[tokio::test]
async fn a_shared_network_is_used_and_then_cannot_be_taken_back() {
    let cloud = Cloud::start().await;
    let private = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let with = STRANGER.split(':').next().unwrap();
    let policy = json!({"rbac_policy": {"object_type": "network", "object_id": private, "action": "access_as_shared", "target_tenant": with}});
    let policy = cloud.post(DEMO, "/v2.0/rbac-policies", policy).await.one("rbac_policy");
    let url = format!("/v2.0/rbac-policies/{}", policy["id"].as_str().unwrap());
    assert_eq!(
        cloud.get(STRANGER, &format!("/v2.0/networks/{private}")).await.one("network")["shared"],
        true
    );
    let port =
        cloud.post(STRANGER, "/v2.0/ports", json!({"port": {"network_id": private}})).await.one("port");
    assert_eq!(cloud.delete(DEMO, &url).await.error().1, "RbacPolicyInUse");
    assert_eq!(
        cloud.delete(STRANGER, &format!("/v2.0/ports/{}", port["id"].as_str().unwrap())).await.status,
        204
    );
    assert_eq!(cloud.delete(DEMO, &url).await.status, 204);
    assert_eq!(cloud.get(STRANGER, &format!("/v2.0/networks/{private}")).await.status, 404);
}

/// Neutron finds things of every project for administrators and other services, and asks its rules then.
#[tokio::test]
async fn whom_a_rule_does_not_show_a_thing_finds_none() {
    let cloud = Cloud::start().await;
    for (path, nouns, to_services) in [
        ("networks", "networks", true),
        ("subnets", "subnets", true),
        ("ports", "ports", true),
        ("routers", "routers", false),
        ("security-groups", "security_groups", false),
        ("security-group-rules", "security_group_rules", false),
        ("agents", "agents", false),
    ] {
        let url = format!("/v2.0/{path}");
        let all = cloud.get(ADMIN, &url).await.ids(nouns);
        assert!(!all.is_empty(), "{url}");
        assert_eq!(cloud.get(SYSTEM, &url).await.ids(nouns).len(), 0, "{url}");
        let seen = cloud.get(SERVICE, &url).await.ids(nouns);
        assert_eq!(seen.len(), if to_services { all.len() } else { 0 }, "{url}");
        let one = format!("{url}/{}", all[0]);
        assert_eq!(cloud.get(ADMIN, &one).await.status, 200, "{one}");
        let hidden = cloud.get(SYSTEM, &one).await;
        assert_eq!(hidden.error(), (404, "HTTPNotFound", "The resource could not be found."), "{one}");
        assert_eq!(cloud.get(SERVICE, &one).await.status, if to_services { 200 } else { 404 }, "{one}");
    }
    let zones = "/v2.0/availability_zones";
    assert_eq!(cloud.get(SERVICE, zones).await.body["availability_zones"], json!([]));
    assert_eq!(cloud.get(READER, zones).await.body["availability_zones"].as_array().unwrap().len(), 2);
}

/// A change that is refused tells of the thing only him who may see it. What it would make of the thing counts for that.
#[tokio::test]
async fn what_the_caller_may_not_see_he_cannot_change_either() {
    let cloud = Cloud::start().await;
    let shared = json!({"object_type": "security_group", "action": "access_as_shared", "target_tenant": "*"});
    let group = cloud.get(DEMO, "/v2.0/security-groups").await.ids("security_groups")[0].clone();
    let mut policy = json!({"rbac_policy": shared});
    policy["rbac_policy"]["object_id"] = group.clone().into();
    assert_eq!(cloud.post(ADMIN, "/v2.0/rbac-policies", policy).await.status, 201);
    let pool = json!({"subnetpool": {"name": "pool", "prefixes": ["10.9.0.0/16"]}});
    assert_eq!(cloud.post(DEMO, "/v2.0/subnetpools", pool).await.status, 201);
    // Somebody of the project who has none of its roles; other services, which are found everything and see half of it.
    let visitor = DEMO.replace("member", "visitor");
    for (path, nouns, noun, seen_by_services) in [
        ("networks", "networks", "network", true),
        ("subnets", "subnets", "subnet", true),
        ("subnetpools", "subnetpools", "subnetpool", false),
        ("routers", "routers", "router", false),
        ("security-groups", "security_groups", "security_group", true),
        ("security-group-rules", "security_group_rules", "security_group_rule", false),
    ] {
        let project = DEMO.split(':').next().unwrap();
        let id = cloud.get(ADMIN, &format!("/v2.0/{path}?project_id={project}")).await.ids(nouns)[0].clone();
        let url = format!("/v2.0/{path}/{id}");
        for (token, seen) in [
            (SYSTEM, false),
            (SERVICE, seen_by_services),
            (&*visitor, nouns == "security_groups"),
            (READER, true),
        ] {
            let changed = cloud.put(token, &url, json!({noun: {"description": "mine"}})).await;
            let removed = cloud.delete(token, &url).await;
            for (action, told) in [("update", changed), ("delete", removed)] {
                let disallowed = format!("rule:{action}_{noun} is disallowed by policy");
                let wanted = match seen {
                    true => (403, "PolicyNotAuthorized", &*disallowed),
                    false => (404, "HTTPNotFound", "The resource could not be found."),
                };
                assert_eq!(told.error(), wanted, "{token} {action} {url}");
            }
        }
    }
    // The rules of a group that is shared are its owner's alone.
    let rule = cloud.get(DEMO, "/v2.0/security-group-rules").await.ids("security_group_rules")[0].clone();
    let hidden = cloud.delete(STRANGER, &format!("/v2.0/security-group-rules/{rule}")).await;
    assert_eq!(hidden.error().1, "HTTPNotFound");
    let visible = cloud.delete(STRANGER, &format!("/v2.0/security-groups/{group}")).await;
    assert_eq!(visible.error().1, "PolicyNotAuthorized");
    // A network that would be shared would be seen.
    let private = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let url = format!("/v2.0/networks/{private}");
    assert_eq!(cloud.put(&visitor, &url, json!({"network": {"shared": true}})).await.status, 403);
    assert_eq!(cloud.put(&visitor, &url, json!({"network": {"shared": false}})).await.status, 404);
    let router = cloud.get(DEMO, "/v2.0/routers").await.ids("routers")[0].clone();
    let url = format!("/v2.0/routers/{router}/remove_router_interface");
    assert_eq!(cloud.put(SYSTEM, &url, json!({})).await.error().1, "HTTPNotFound");
}

/// oslo.policy looks at what a token is for where a request asks a single rule, and not where attributes have theirs.
#[tokio::test]
async fn what_a_token_is_for_counts_where_no_attribute_is_named() {
    let cloud = Cloud::start().await;
    let project = DEMO.split(':').next().unwrap();
    let plain = json!({"network": {"project_id": project}});
    let wanted = "rule:create_network requires a scope of ['project'], request was made with system scope.";
    assert_eq!(cloud.post(SYSTEM, "/v2.0/networks", plain).await.error(), (403, "InvalidScope", wanted));
    let quota = cloud.get(SYSTEM, &format!("/v2.0/quotas/{project}")).await;
    assert_eq!(quota.error().1, "InvalidScope");
    let shared = json!({"network": {"project_id": project, "shared": true}});
    let made = cloud.post(SYSTEM, "/v2.0/networks", shared.clone()).await.one("network");
    assert_eq!((&made["shared"], made.get("provider:network_type")), (&json!(true), None));
    let url = format!("/v2.0/networks/{}", made["id"].as_str().unwrap());
    assert_eq!(cloud.put(SYSTEM, &url, json!({"network": {"name": "x"}})).await.status, 404);
    let both = json!({"network": {"name": "x", "port_security_enabled": false}});
    assert_eq!(cloud.put(SYSTEM, &url, both).await.one("network")["name"], "x");
    // What the rules themselves ask, they ask of everybody.
    let reader = SYSTEM.replace("admin", "reader");
    let refused = cloud.put(&reader, &url, json!({"network": {"shared": false}})).await;
    assert_eq!(refused.error().1, "HTTPNotFound");
    let joined = "(rule:create_network and rule:create_network:shared) is disallowed by policy";
    assert_eq!(
        cloud.post(DEMO, "/v2.0/networks", shared.clone()).await.error(),
        (403, "PolicyNotAuthorized", joined)
    );
    // So a refusal does not blame what the token is for.
    let told = cloud.post("system:service", "/v2.0/networks", shared).await.explained;
    assert!(told.starts_with("create_network is for") && !told.contains("It takes tokens"), "{told}");
}

/// Other services make ports for everybody, and so does whom the operator lets.
#[tokio::test]
async fn who_makes_things_for_other_projects() {
    let cloud = Cloud::start().await;
    let private = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let project = STRANGER.split(':').next().unwrap();
    let port = json!({"port": {"network_id": private, "project_id": project}});
    assert_eq!(cloud.post(SERVICE, "/v2.0/ports", port.clone()).await.one("port")["project_id"], project);
    let network = json!({"network": {"project_id": project}});
    assert_eq!(cloud.post(SERVICE, "/v2.0/networks", network).await.error().1, "PolicyNotAuthorized");
    assert_eq!(cloud.post(MANAGER, "/v2.0/ports", port.clone()).await.error().1, "HTTPBadRequest");
    cloud.policy.amend("network", "context_can_set_project_id: 'role:manager'\n").unwrap();
    assert_eq!(cloud.post(MANAGER, "/v2.0/ports", port.clone()).await.one("port")["project_id"], project);
    assert_eq!(cloud.post(DEMO, "/v2.0/ports", port).await.error().1, "HTTPBadRequest");
}

#[tokio::test]
async fn a_manager_lists_the_limits_of_his_project_alone() {
    let cloud = Cloud::start().await;
    for token in [ADMIN, DEMO] {
        let project = token.split(':').next().unwrap();
        let limits = json!({"quota": {"port": 7}});
        assert_eq!(cloud.put(ADMIN, &format!("/v2.0/quotas/{project}"), limits).await.status, 200);
    }
    let own = cloud.get(MANAGER, "/v2.0/quotas").await.body;
    let projects: Vec<_> = own["quotas"].as_array().unwrap().iter().map(|one| &one["project_id"]).collect();
    assert_eq!(projects, [DEMO.split(':').next().unwrap()]);
    assert_eq!(cloud.get(ADMIN, "/v2.0/quotas").await.body["quotas"].as_array().unwrap().len(), 2);
    assert_eq!(cloud.get(DEMO, "/v2.0/quotas").await.status, 403);
}

/// Neutron asks of the caller's own project even where he asks for another's limits, and shows him then what he knows: that
/// nobody has said anything.
#[tokio::test]
async fn a_manager_is_told_the_defaults_for_the_limits_of_others() {
    let cloud = Cloud::start().await;
    let strange = format!("/v2.0/quotas/{}", STRANGER.split(':').next().unwrap());
    let limits = async |token: &str, path: &str| cloud.get(token, path).await.one("quota")["port"].clone();
    assert_eq!(cloud.put(ADMIN, &strange, json!({"quota": {"port": 7}})).await.one("quota")["port"], 7);
    assert_eq!(limits(ADMIN, &strange).await, 7);
    assert_eq!(limits(STRANGER, &strange).await, 7);
    assert_eq!(limits(MANAGER, &strange).await, 500);
    assert_eq!(limits(MANAGER, &format!("{strange}/default")).await, 500);
    for token in [DEMO, READER, SERVICE] {
        let refused = cloud.get(token, &strange).await;
        let wanted = (403, "PolicyNotAuthorized", "rule:get_quota is disallowed by policy");
        assert_eq!(refused.error(), wanted, "{token}");
        assert_eq!(cloud.get(token, &format!("{strange}/default")).await.error(), wanted, "{token}");
    }
    let details = cloud.get(MANAGER, &format!("{strange}/details")).await;
    assert_eq!(details.error().1, "AdminRequired");
    // Whom an operator lets change limits, he does not let know of those of others.
    let allowed = "update_quota: 'role:manager'\ndelete_quota: 'role:manager'\n";
    cloud.policy.amend("network", allowed).unwrap();
    assert_eq!(cloud.delete(MANAGER, &strange).await.error().1, "TenantQuotaNotFound");
    let changed = cloud.put(MANAGER, &strange, json!({"quota": {"port": 8}})).await;
    assert_eq!((changed.one("quota")["port"].clone(), limits(ADMIN, &strange).await), (json!(500), json!(8)));
    let homeless = cloud.get(SYSTEM, "/v2.0/quotas/project").await;
    assert_eq!(homeless.error().1, "QuotaMissingTenant");
}

#[tokio::test]
async fn the_owner_of_what_a_thing_belongs_to_has_two_names() {
    let cloud = Cloud::start().await;
    let private = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let port = json!({"port": {"network_id": private, "fixed_ips": []}});
    let file = "create_port: 'project_id:%(network:tenant_id)s'\n\
                get_security_group_rule: 'project_id:%(security_group:tenant_id)s'\n";
    cloud.policy.amend("network", file).unwrap();
    assert_eq!(cloud.post(DEMO, "/v2.0/ports", port).await.status, 201);
    assert!(!cloud.get(DEMO, "/v2.0/security-group-rules").await.ids("security_group_rules").is_empty());
}

/// Neutron asks whatever rule there is of an attribute, and asks it of the thing.
#[tokio::test]
async fn an_operator_hides_attributes_of_things() {
    let cloud = Cloud::start().await;
    let private = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let url = format!("/v2.0/networks/{private}");
    let file = "get_network:mtu: '!'\nget_network:status: \"'private':%(name)s\"\n\
                get_network:description: 'rule:network_owner'\n";
    cloud.policy.amend("network", file).unwrap();
    let told = |network: &Value| ["mtu", "status", "description"].map(|name| network.get(name).is_some());
    assert_eq!(told(&cloud.get(DEMO, &url).await.one("network")), [false, true, true]);
    let listed = cloud.get(DEMO, "/v2.0/networks").await.body["networks"].clone();
    for network in listed.as_array().unwrap() {
        let own = network["name"] == "private";
        assert_eq!(told(network), [false, own, own], "{network}");
    }
    let renamed = cloud.put(DEMO, &url, json!({"network": {"name": "mine"}})).await.one("network");
    assert_eq!(told(&renamed), [false, false, true]);
    let made =
        cloud.post(DEMO, "/v2.0/networks", json!({"network": {"name": "private"}})).await.one("network");
    assert_eq!(told(&made), [false, true, true]);
    // A rule may ask for what another one hides.
    let file = "get_network:mtu: '!'\nget_network:status: \"'1442':%(mtu)s\"\n";
    assert_eq!(cloud.policy.amend("network", file), Ok(Vec::new()));
    assert_eq!(told(&cloud.get(DEMO, &url).await.one("network")), [false, true, true]);
    cloud.policy.amend("network", "").unwrap();
    assert_eq!(told(&cloud.get(DEMO, &url).await.one("network")), [true, true, true]);
}

#[tokio::test]
async fn rules_ask_all_that_is_said_of_a_thing() {
    let cloud = Cloud::start().await;
    let private = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let file = "get_port: 'not field:port:device_owner=~^network:'\ndelete_port: \"'mine':%(name)s\"\n\
                update_port: \"'mine':%(name)s and 'False':%(admin_state_up)s\"\n\
                update_router: \"'ACTIVE':%(status)s\"\ndelete_router: \"'DOWN':%(status)s\"\n\
                update_router:tags: \"'DOWN':%(status)s\"\ncreate_network:tags: \"'private':%(name)s\"\n\
                update_subnet: \"'4':%(ip_version)s\"\nupdate_network: \"'None':%(ip_version)s\"\n";
    cloud.policy.amend("network", file).unwrap();
    let ports = cloud.get(ADMIN, "/v2.0/ports").await.body["ports"].clone();
    let owners = ports.as_array().unwrap().iter().map(|port| port["device_owner"].as_str().unwrap());
    assert_eq!(owners.filter(|owner| owner.starts_with("network:")).count(), 0);
    for (name, status) in [("mine", [200, 204]), ("other", [403, 403])] {
        let port = json!({"port": {"network_id": private, "name": name, "admin_state_up": false}});
        let port = cloud.post(DEMO, "/v2.0/ports", port).await.one("port");
        let url = format!("/v2.0/ports/{}", port["id"].as_str().unwrap());
        let changed = cloud.put(DEMO, &url, json!({"port": {"description": "x"}})).await.status;
        assert_eq!([changed, cloud.delete(DEMO, &url).await.status], status, "{name}");
    }
    let described = |noun: &str| json!({noun: {"description": "x"}});
    let router = format!("/v2.0/routers/{}", cloud.get(DEMO, "/v2.0/routers").await.ids("routers")[0]);
    assert_eq!(cloud.put(DEMO, &router, described("router")).await.status, 200);
    assert_eq!(cloud.delete(DEMO, &router).await.status, 403);
    let (tagged, tags) = (format!("{router}/tags"), json!({"tags": ["a"]}));
    assert_eq!(cloud.put(DEMO, &tagged, tags.clone()).await.status, 403);
    assert_eq!(cloud.post(DEMO, &format!("/v2.0/networks/{private}/tags"), tags).await.status, 200);
    let subnet =
        cloud.get(DEMO, &format!("/v2.0/subnets?network_id={private}")).await.ids("subnets")[0].clone();
    assert_eq!(cloud.put(DEMO, &format!("/v2.0/subnets/{subnet}"), described("subnet")).await.status, 200);
    assert_eq!(cloud.put(DEMO, &format!("/v2.0/networks/{private}"), described("network")).await.status, 403);
}
