//! What the main bodies say: names, order of life, values that clients trip on. Recorded from Neutron 29.

use crate::cloud::{ADMIN, Cloud, DEMO, Told};
use serde_json::{Value, json};

fn names(body: &Value) -> Vec<&str> {
    let mut names: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

async fn made(cloud: &Cloud, path: &str, noun: &str, body: Value) -> Value {
    cloud.post(DEMO, &format!("/v2.0/{path}"), json!({noun: body})).await.one(noun)
}

#[tokio::test]
async fn a_fresh_cloud_has_an_outside_and_the_demo_project_a_way_there() {
    let cloud = Cloud::start().await;
    let networks = cloud.get(DEMO, "/v2.0/networks?sort_key=name&sort_dir=asc").await.body;
    let seen: Vec<_> =
        networks["networks"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(seen, ["private", "public"]);
    let public = &networks["networks"][1];
    assert_eq!((&public["router:external"], &public["mtu"]), (&json!(true), &json!(1500)));
    assert!(public.get("provider:network_type").is_none(), "members do not see how a network is realised");
    let router = cloud.get(DEMO, "/v2.0/routers?name=router1").await.body["routers"][0].clone();
    let gateway = &router["external_gateway_info"];
    assert_eq!(gateway["network_id"], public["id"]);
    assert_eq!(gateway["external_fixed_ips"][0]["ip_address"], "172.24.4.2");
    assert_eq!(gateway["enable_snat"], true);
    let groups = cloud.get(DEMO, "/v2.0/security-groups").await.body;
    assert_eq!(groups["security_groups"][0]["name"], "default");
    assert_eq!(groups["security_groups"][0]["security_group_rules"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn the_first_networks_are_made_once() {
    let cloud = Cloud::start().await;
    let public = cloud.get(ADMIN, "/v2.0/networks?name=public").await.ids("networks")[0].clone();
    let renamed =
        cloud.put(ADMIN, &format!("/v2.0/networks/{public}"), json!({"network": {"name": "outside"}})).await;
    assert_eq!(renamed.status, 200);
    let again = cloud.service.clone();
    cloud.fixture.db.write_now(move |tx| again.bootstrap(tx, network::Settings::default().external)).unwrap();
    assert!(cloud.get(ADMIN, "/v2.0/networks?name=public").await.ids("networks").is_empty());
}

#[tokio::test]
async fn a_network_its_subnet_and_a_port() {
    let cloud = Cloud::start().await;
    let network = made(&cloud, "networks", "network", json!({"name": "net"})).await;
    assert_eq!(
        names(&network).join(" "),
        "admin_state_up availability_zone_hints availability_zones created_at description dns_domain id \
         ipv4_address_scope ipv6_address_scope mtu name port_security_enabled project_id qos_policy_id revision_number \
         router:external shared status subnets tags tenant_id updated_at vlan_transparent"
    );
    assert_eq!((&network["mtu"], &network["status"]), (&json!(1442), &json!("ACTIVE")));
    let seen_by_admin =
        cloud.get(ADMIN, &format!("/v2.0/networks/{}", network["id"].as_str().unwrap())).await;
    assert_eq!(seen_by_admin.body["network"]["provider:network_type"], "geneve");
    let asked = json!({"network_id": network["id"], "cidr": "10.1.0.0/24", "ip_version": 4});
    let subnet = made(&cloud, "subnets", "subnet", asked).await;
    assert_eq!(subnet["gateway_ip"], "10.1.0.1");
    assert_eq!(subnet["allocation_pools"], json!([{"start": "10.1.0.2", "end": "10.1.0.254"}]));
    let port =
        made(&cloud, "ports", "port", json!({"network_id": network["id"], "dns_name": "My-Host"})).await;
    assert_eq!(
        names(&port).join(" "),
        "admin_state_up allowed_address_pairs binding:vnic_type created_at description device_id device_owner \
         dns_assignment dns_name extra_dhcp_opts fixed_ips id ip_allocation mac_address name network_id \
         port_security_enabled project_id qos_network_policy_id qos_policy_id revision_number security_groups status tags \
         tenant_id updated_at"
    );
    // .2 answers DHCP and metadata.
    assert_eq!(port["fixed_ips"], json!([{"subnet_id": subnet["id"], "ip_address": "10.1.0.3"}]));
    let assignment =
        json!([{"ip_address": "10.1.0.3", "hostname": "my-host", "fqdn": "my-host.drystone.internal."}]);
    assert_eq!(port["dns_assignment"], assignment);
    assert!(port["mac_address"].as_str().unwrap().starts_with("fa:16:3e:"));
    assert_eq!((&port["status"], port["security_groups"].as_array().unwrap().len()), (&json!("DOWN"), 1));
}

#[tokio::test]
async fn a_floating_ip_leads_to_a_port_until_the_port_goes() {
    let cloud = Cloud::start().await;
    let id = |body: &Value| body["id"].as_str().unwrap().to_owned();
    let public = cloud.get(DEMO, "/v2.0/networks?name=public").await.ids("networks")[0].clone();
    let private = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let port = made(&cloud, "ports", "port", json!({"network_id": private})).await;
    let asked = json!({"floating_network_id": public, "port_id": port["id"]});
    let floating = made(&cloud, "floatingips", "floatingip", asked).await;
    assert_eq!(
        (&floating["status"], &floating["fixed_ip_address"]),
        (&json!("ACTIVE"), &port["fixed_ips"][0]["ip_address"])
    );
    assert_eq!(floating["port_details"]["mac_address"], port["mac_address"]);
    let twice = cloud.post(
        DEMO,
        "/v2.0/floatingips",
        json!({"floatingip": {"floating_network_id": public, "port_id": port["id"]}}),
    );
    assert_eq!(twice.await.error().1, "FloatingIPPortAlreadyAssociated");
    // The refused one left nothing behind.
    assert_eq!(cloud.get(DEMO, "/v2.0/floatingips").await.ids("floatingips").len(), 1);
    let router = floating["router_id"].as_str().unwrap();
    let gone = cloud
        .put(DEMO, &format!("/v2.0/routers/{router}"), json!({"router": {"external_gateway_info": {}}}))
        .await;
    assert_eq!((gone.error().0, gone.error().1), (409, "RouterExternalGatewayInUseByFloatingIp"));
    assert_eq!(cloud.delete(DEMO, &format!("/v2.0/ports/{}", id(&port))).await.status, 204);
    let floating = cloud.get(DEMO, &format!("/v2.0/floatingips/{}", id(&floating))).await.one("floatingip");
    assert_eq!(
        (&floating["status"], &floating["port_id"], &floating["router_id"]),
        (&json!("DOWN"), &json!(null), &json!(null))
    );
}

#[tokio::test]
async fn quotas_hold_also_in_a_bulk() {
    let cloud = Cloud::start().await;
    let project = DEMO.split(':').next().unwrap();
    let set = cloud.put(ADMIN, &format!("/v2.0/quotas/{project}"), json!({"quota": {"network": 3}})).await;
    assert_eq!(set.one("quota")["network"], 3);
    let bulk = json!({"networks": [{"name": "a"}, {"name": "b"}, {"name": "c"}]});
    let told = cloud.post(DEMO, "/v2.0/networks", bulk).await;
    assert_eq!(told.error(), (409, "OverQuota", "Quota exceeded for resources: ['network']."));
    assert_eq!(
        cloud.get(DEMO, &format!("/v2.0/networks?project_id={project}")).await.ids("networks").len(),
        1
    );
    let details = cloud.get(DEMO, &format!("/v2.0/quotas/{project}/details")).await.one("quota");
    assert_eq!(details["network"], json!({"limit": 3, "used": 1, "reserved": 0}));
}

#[tokio::test]
async fn discovery_and_the_words_of_the_middleware() {
    let cloud = Cloud::start().await;
    let versions = cloud.get("", "/").await;
    assert_eq!((versions.status, &versions.body["versions"][0]["id"]), (200, &json!("v2.0")));
    let Told { status, body, .. } = cloud.get("", "/v2.0/networks").await;
    assert_eq!((status, &body["error"]["title"]), (401, &json!("Unauthorized")));
    assert_eq!(
        cloud.get(DEMO, "/v2.0/nonsense").await.error(),
        (404, "HTTPNotFound", "The resource could not be found.")
    );
    assert_eq!(cloud.ask(DEMO, "PATCH", "/v2.0/networks", None).await.error().1, "HTTPMethodNotAllowed");
    let extension = cloud.get(DEMO, "/v2.0/extensions/router").await.one("extension");
    assert_eq!(
        (&extension["alias"], &extension["updated"]),
        (&json!("router"), &json!("2012-07-20T10:00:00-00:00"))
    );
}
