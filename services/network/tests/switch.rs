//! What the host holds follows what the API says; what it should not hold is taken down.

use crate::cloud::{ADMIN, Cloud, DEMO, PATIENCE};
use metal::{Kind, Observed, Spec, Wanted};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn the_host_holds_what_the_api_says_and_nothing_else() {
    let cloud = Cloud::start().await;
    cloud.settle().await;
    let kinds = |kind| cloud.host.held().iter().filter(|(own, _)| *own == kind).count();
    assert_eq!(
        (kinds(Kind::Network), kinds(Kind::Router), kinds(Kind::SecurityGroup), kinds(Kind::Port)),
        (2, 1, 2, 0)
    );
    let router = cloud.get(DEMO, "/v2.0/routers").await.ids("routers")[0].clone();
    let Some(Spec::Router(spec)) = cloud.host.spec(Kind::Router, &router) else { panic!("no router") };
    assert_eq!(spec.interfaces[0].addresses[0].to_string(), "10.0.0.1/24");
    let gateway = spec.gateway.unwrap();
    assert_eq!(
        (gateway.next_hop.unwrap().to_string(), gateway.snat[0].to_string()),
        ("172.24.4.1".into(), "10.0.0.0/24".into())
    );
    let private = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let Some(Spec::Network(network)) = cloud.host.spec(Kind::Network, &private) else { panic!("no network") };
    assert_eq!(network.subnets[0].dhcp.as_ref().unwrap().server_address.to_string(), "10.0.0.2");
    assert_eq!(network.metadata.unwrap().addresses[0].to_string(), "10.0.0.2/24");

    let port = cloud.post(DEMO, "/v2.0/ports", json!({"port": {"network_id": private}})).await.one("port");
    let port = port["id"].as_str().unwrap().to_owned();
    cloud.settle().await;
    assert!(cloud.host.spec(Kind::Port, &port).is_some());
    assert_eq!(cloud.delete(DEMO, &format!("/v2.0/ports/{port}")).await.status, 204);
    assert_eq!(cloud.get(DEMO, &format!("/v2.0/ports/{port}")).await.status, 404, "gone at once");
    cloud.settle().await;
    assert!(cloud.host.spec(Kind::Port, &port).is_none());
    let left = cloud.fixture.db.read_now(|tx| {
        let tombstones = tx.query("SELECT id FROM network_tombstones", &[])?.len();
        Ok((tombstones, reconcile::rows(tx)?.into_iter().filter(|row| row.kind == "port").count()))
    });
    assert_eq!(left.unwrap(), (0, 0), "no tombstone and no work is left");
    assert_eq!(cloud.host.held().len(), cloud.host.lines(), "no tombstone is left in the ledger");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_cannot_do_is_kept_for_operators_until_it_can() {
    let cloud = Cloud::start().await;
    cloud.settle().await;
    let private = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let troubles = || cloud.fixture.db.read_now(network::store::host::troubles).unwrap();
    assert!(troubles().is_empty(), "{:?}", troubles());
    let reason = "the bridge is gone".to_owned();
    cloud.host.tell(Kind::Network, &private, Observed::Failed { reason });
    cloud.settle().await;
    let told: Vec<_> =
        troubles().into_iter().map(|one| (one.kind, one.id, one.host, one.state, one.reason)).collect();
    let words = ["network", &private, "host-1", "failed", "the bridge is gone"].map(str::to_owned);
    assert_eq!(told, [words.into()]);
    cloud.host.tell(Kind::Network, &private, Observed::Applied { up: true });
    cloud.settle().await;
    assert!(troubles().is_empty(), "{:?}", troubles());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_and_a_floating_ip_reach_the_switch() {
    let cloud = Cloud::start().await;
    let group = cloud.get(DEMO, "/v2.0/security-groups").await.ids("security_groups")[0].clone();
    let rule = json!({"security_group_rule": {"security_group_id": group, "direction": "ingress", "protocol": "tcp",
        "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "0.0.0.0/0"}});
    let rule = cloud.post(DEMO, "/v2.0/security-group-rules", rule).await.one("security_group_rule");
    cloud.settle().await;
    let held = |id: &str| match cloud.host.spec(Kind::SecurityGroup, id) {
        Some(Spec::SecurityGroup(group)) => group.rules.len(),
        _ => 0,
    };
    assert_eq!(held(&group), 5);
    let url = format!("/v2.0/security-group-rules/{}", rule["id"].as_str().unwrap());
    assert_eq!(cloud.delete(DEMO, &url).await.status, 204);
    cloud.settle().await;
    assert_eq!(held(&group), 4);

    let public = cloud.get(DEMO, "/v2.0/networks?name=public").await.ids("networks")[0].clone();
    let private = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let port = cloud.post(DEMO, "/v2.0/ports", json!({"port": {"network_id": private}})).await.one("port");
    let floating = json!({"floatingip": {"floating_network_id": public, "port_id": port["id"]}});
    let floating = cloud.post(DEMO, "/v2.0/floatingips", floating).await.one("floatingip");
    cloud.settle().await;
    let router = floating["router_id"].as_str().unwrap().to_owned();
    let translated = || match cloud.host.spec(Kind::Router, &router) {
        Some(Spec::Router(router)) => {
            router.floating_ips.iter().map(|one| one.external.to_string()).collect()
        }
        _ => Vec::new(),
    };
    assert_eq!(translated(), [floating["floating_ip_address"].as_str().unwrap()]);
    assert_eq!(
        cloud.delete(DEMO, &format!("/v2.0/ports/{}", port["id"].as_str().unwrap())).await.status,
        204
    );
    cloud.settle().await;
    assert!(translated().is_empty());
}

/// The host answers the gateway addresses of external networks, however a network became one.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_a_policy_makes_external_is_so_in_the_switch() {
    let cloud = Cloud::start().await;
    let network =
        json!({"network": {"provider:network_type": "flat", "provider:physical_network": "second"}});
    let network = cloud.post(ADMIN, "/v2.0/networks", network).await.one("network");
    let (id, before) = (network["id"].as_str().unwrap(), network["revision_number"].as_i64().unwrap());
    let subnet =
        json!({"subnet": {"network_id": id, "cidr": "10.8.0.0/24", "ip_version": 4, "enable_dhcp": false}});
    assert_eq!(cloud.post(ADMIN, "/v2.0/subnets", subnet).await.status, 201);
    cloud.settle().await;
    let answered = || match cloud.host.spec(Kind::Network, id) {
        Some(Spec::Network(network)) => network.provider.unwrap().host_addresses,
        _ => panic!("no network"),
    };
    let numbered = async || {
        let network = cloud.get(ADMIN, &format!("/v2.0/networks/{id}")).await.one("network");
        (network["router:external"].as_bool().unwrap(), network["revision_number"].as_i64().unwrap())
    };
    assert!(answered().is_empty());
    let (external, made) = numbered().await;
    assert!(!external && made > before);
    let policy = json!({"object_type": "network", "object_id": id, "action": "access_as_external", "target_tenant": "*"});
    let policy = cloud.post(ADMIN, "/v2.0/rbac-policies", json!({"rbac_policy": policy})).await;
    let policy = policy.one("rbac_policy")["id"].as_str().unwrap().to_owned();
    cloud.settle().await;
    assert_eq!((answered()[0].to_string(), numbered().await), ("10.8.0.1/24".into(), (true, made + 1)));
    assert_eq!(cloud.delete(ADMIN, &format!("/v2.0/rbac-policies/{policy}")).await.status, 204);
    cloud.settle().await;
    assert_eq!((answered().len(), numbered().await), (0, (false, made + 2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_becomes_a_routers_is_taken_down_as_a_port() {
    let cloud = Cloud::start().await;
    let network =
        cloud.post(DEMO, "/v2.0/networks", json!({"network": {}})).await.one("network")["id"].clone();
    let subnet = json!({"subnet": {"network_id": network, "cidr": "10.7.0.0/24", "ip_version": 4}});
    assert_eq!(cloud.post(DEMO, "/v2.0/subnets", subnet).await.status, 201);
    let port = cloud.post(DEMO, "/v2.0/ports", json!({"port": {"network_id": network}})).await.one("port");
    let port = port["id"].as_str().unwrap().to_owned();
    cloud.settle().await;
    assert!(cloud.host.spec(Kind::Port, &port).is_some());
    let router = cloud.get(DEMO, "/v2.0/routers").await.ids("routers")[0].clone();
    let add = format!("/v2.0/routers/{router}/add_router_interface");
    assert_eq!(cloud.put(DEMO, &add, json!({"port_id": port})).await.status, 200);
    cloud.settle().await;
    assert!(cloud.host.spec(Kind::Port, &port).is_none());
    let Some(Spec::Router(spec)) = cloud.host.spec(Kind::Router, &router) else { panic!("no router") };
    assert!(spec.interfaces.iter().any(|interface| interface.port_id == port));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_joins_is_rid_of_what_nobody_knows_and_told_what_it_lacks() {
    let cloud = Cloud::start().await;
    cloud.settle().await;
    let before = cloud.host.held().len();
    let timeline = cloud.fixture.db.read_now(|tx| Ok(tx.timeline())).unwrap();
    let network = cloud.get(ADMIN, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let Some(spec) = cloud.host.spec(Kind::Network, &network) else { panic!("no network") };
    let lost = Wanted {
        format: Wanted::FORMAT,
        kind: Kind::Network,
        id: "0f0f0f0f-0000-4000-8000-000000000001".into(),
        timeline,
        incarnation: 1,
        revision: 7,
        spec: Some(spec),
    };
    cloud.host.smuggle(lost);
    cloud.host.forget_all_of(Kind::Router);
    cloud.host.clone().dial(&cloud.agents);
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(10)).await;
        cloud.settle().await;
        if cloud.host.held().len() == before && cloud.host.lines() == before {
            return;
        }
    }
    panic!("{:?}", cloud.host.held());
}
