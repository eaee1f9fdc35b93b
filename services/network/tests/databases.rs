//! The life of a network on both databases, and the leak check at its end.

use crate::cloud::{Cloud, DEMO};
use network::Settings;
use serde_json::{Value, json};

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

async fn life(cloud: &Cloud) {
    let make = async |path: &str, noun: &str, body: Value| {
        cloud.post(DEMO, &format!("/v2.0/{path}"), json!({noun: body})).await.one(noun)
    };
    let public = cloud.get(DEMO, "/v2.0/networks?name=public").await.ids("networks")[0].clone();
    let pool = id(&make(
        "subnetpools",
        "subnetpool",
        json!({"name": "pool", "prefixes": ["10.8.0.0/16"], "default_prefixlen": 24}),
    )
    .await);
    let network = id(&make("networks", "network", json!({"name": "net"})).await);
    let subnet =
        make("subnets", "subnet", json!({"network_id": network, "subnetpool_id": pool, "ip_version": 4}))
            .await;
    assert_eq!(subnet["cidr"], "10.8.0.0/24");
    let six = json!({"network_id": network, "ip_version": 6, "cidr": "fd00:8::/64", "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"});
    make("subnets", "subnet", six).await;
    let group = id(&make("security-groups", "security_group", json!({"name": "web"})).await);
    let rule = json!({"security_group_id": group, "direction": "ingress", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80, "remote_group_id": group});
    make("security-group-rules", "security_group_rule", rule).await;
    let port = make("ports", "port", json!({"network_id": network, "security_groups": [group]})).await;
    assert_eq!(port["fixed_ips"].as_array().unwrap().len(), 2, "one of the pool, one of its own making");
    let router =
        id(&make("routers", "router", json!({"external_gateway_info": {"network_id": public}})).await);
    let connect = json!({"subnet_id": subnet["id"]});
    assert_eq!(
        cloud
            .put(DEMO, &format!("/v2.0/routers/{router}/add_router_interface"), connect.clone())
            .await
            .status,
        200
    );
    let floating =
        id(&make("floatingips", "floatingip", json!({"floating_network_id": public, "port_id": port["id"]}))
            .await);
    cloud.put(DEMO, &format!("/v2.0/networks/{network}/tags/x"), Value::Null).await;
    assert_eq!(
        cloud.get(DEMO, "/v2.0/networks?tags=x").await.ids("networks"),
        std::slice::from_ref(&network)
    );
    cloud.settle().await;
    for path in [
        format!("floatingips/{floating}"),
        format!("ports/{}", id(&port)),
        format!("security-groups/{group}"),
    ] {
        assert_eq!(cloud.delete(DEMO, &format!("/v2.0/{path}")).await.status, 204, "{path}");
    }
    assert_eq!(
        cloud.put(DEMO, &format!("/v2.0/routers/{router}/remove_router_interface"), connect).await.status,
        200
    );
    for path in [format!("routers/{router}"), format!("networks/{network}"), format!("subnetpools/{pool}")] {
        assert_eq!(cloud.delete(DEMO, &format!("/v2.0/{path}")).await.status, 204, "{path}");
    }
    cloud.settle().await;
}

/// How many rows each table has, work included.
fn count(cloud: &Cloud) -> Vec<(String, i64)> {
    const TABLES: [&str; 14] = [
        "networks",
        "network_segments",
        "subnets",
        "subnet_pools",
        "ports",
        "port_addresses",
        "port_groups",
        "routers",
        "floating_ips",
        "security_groups",
        "security_group_rules",
        "network_tombstones",
        "network_observed",
        "work",
    ];
    let counted = cloud.fixture.db.read_now(|tx| {
        TABLES
            .iter()
            .map(|table| {
                let row = tx.query_one(&format!("SELECT COUNT(*) FROM {table}"), &[])?;
                Ok(((*table).to_owned(), row.map_or(Ok(0), |row| row.int(0))?))
            })
            .collect()
    });
    counted.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_and_removed_leaves_nothing() {
    for fixture in store::testing::databases() {
        let name = fixture.name;
        let cloud = Cloud::with("127.0.0.1:0", fixture, Settings::default()).await;
        cloud.settle().await;
        let (before, held) = (count(&cloud), cloud.host.lines());
        life(&cloud).await;
        assert_eq!(count(&cloud), before, "{name}");
        let orphans = "SELECT subnet_id FROM subnet_cursors WHERE subnet_id NOT IN (SELECT id FROM subnets)";
        let orphans = cloud.fixture.db.read_now(move |tx| tx.query(orphans, &[])).unwrap();
        assert_eq!(orphans.len(), 0, "{name}");
        assert_eq!(cloud.host.lines(), held, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_given_out_in_turn_and_none_is_lost() {
    for fixture in store::testing::databases() {
        let name = fixture.name;
        let cloud = Cloud::with("127.0.0.1:0", fixture, Settings::default()).await;
        let make = async |path: &str, noun: &str, body: Value| {
            cloud.post(DEMO, &format!("/v2.0/{path}"), json!({noun: body})).await
        };
        let network = id(&make("networks", "network", json!({"name": "net"})).await.one("network"));
        let pools =
            json!([{"start": "10.1.0.10", "end": "10.1.0.12"}, {"start": "10.1.0.20", "end": "10.1.0.20"}]);
        let subnet = json!({
            "network_id": network, "cidr": "10.1.0.0/24", "ip_version": 4, "enable_dhcp": false, "allocation_pools": pools,
        });
        make("subnets", "subnet", subnet).await;
        let take = async || {
            let answer = make("ports", "port", json!({"network_id": network})).await;
            if answer.status != 201 {
                return (String::new(), answer.status.to_string());
            }
            let port = answer.one("port");
            (id(&port), port["fixed_ips"][0]["ip_address"].as_str().unwrap().to_owned())
        };
        let ports = [take().await, take().await, take().await];
        assert_eq!(ports.each_ref().map(|port| port.1.as_str()), ["10.1.0.10", "10.1.0.11", "10.1.0.12"]);
        cloud.delete(DEMO, &format!("/v2.0/ports/{}", ports[1].0)).await;
        assert_eq!(take().await.1, "10.1.0.20", "{name}: what was given back rests");
        assert_eq!(take().await.1, "10.1.0.11", "{name}: from the beginning again");
        assert_eq!(take().await.1, "409", "{name}: none is left");
        cloud.delete(DEMO, &format!("/v2.0/ports/{}", ports[0].0)).await;
        assert_eq!(take().await.1, "10.1.0.10", "{name}");
    }
}
