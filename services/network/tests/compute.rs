//! What compute asks: ports for a server from order to giving back.

use crate::cloud::{Cloud, DEMO};
use contract::Networks;
use contract::network::PortOrder;
use policy::Who;
use serde_json::json;

fn demo() -> Who {
    let project = DEMO.split(':').next().unwrap();
    Who { project_id: Some(project.into()), roles: vec!["member".into(), "reader".into()], ..Who::default() }
}

const SERVER: &str = "11111111-2222-4333-8444-555555555555";

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_port_comes_up_when_it_is_bound_and_goes_with_the_server() {
    let cloud = Cloud::start().await;
    let (service, db) = (cloud.service.clone(), cloud.fixture.db.clone());
    let ordered = db.write_now(move |tx| {
        let networks = service.networks_for(tx, &demo())?;
        assert_eq!(networks.iter().map(|network| network.name.as_str()).collect::<Vec<_>>(), ["private"]);
        let order = PortOrder {
            network_id: networks[0].id.clone(),
            device_id: SERVER.into(),
            device_owner: "compute:nova".into(),
            dns_name: "one".into(),
            ..PortOrder::default()
        };
        let port = service.port_order(tx, &demo(), &order)?;
        service.ports_bind(tx, SERVER, Some("host-1"))?;
        Ok(port)
    });
    let ordered = ordered.unwrap();
    assert_eq!((ordered.made_by_compute, ordered.up, ordered.wiring.mtu), (true, false, 1442));
    let told = ordered.network_data.unwrap();
    assert_eq!(told.link["ethernet_mac_address"], ordered.wiring.mac);
    assert_eq!(told.networks[0]["type"], "ipv4_dhcp");
    cloud.settle().await;
    let url = format!("/v2.0/ports/{}", ordered.id);
    let seen = cloud.get(DEMO, &url).await.one("port");
    assert_eq!((&seen["status"], &seen["device_id"]), (&json!("ACTIVE"), &json!(SERVER)));
    let (service, id) = (cloud.service.clone(), ordered.id.clone());
    db.write_now(move |tx| {
        assert!(service.ports_of(tx, SERVER)?[0].up);
        service.ports_bind(tx, SERVER, None)?;
        service.port_give_back(tx, &id)
    })
    .unwrap();
    assert_eq!(cloud.get(DEMO, &url).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_port_is_free_again_and_only_one_server_has_it() {
    let cloud = Cloud::start().await;
    let private = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let port = cloud.post(DEMO, "/v2.0/ports", json!({"port": {"network_id": private}})).await.one("port");
    let id = port["id"].as_str().unwrap().to_owned();
    let (service, db, port_id) = (cloud.service.clone(), cloud.fixture.db.clone(), id.clone());
    db.write_now(move |tx| {
        let order = |server: &str| PortOrder {
            device_id: server.into(),
            device_owner: "compute:nova".into(),
            ..PortOrder::default()
        };
        service.port_take(tx, &port_id, &order(SERVER))?;
        assert!(service.port_take(tx, &port_id, &order("another")).is_err());
        let second = service.fixed_ip_add(tx, SERVER, &private)?;
        assert_eq!(service.ports_of(tx, SERVER)?[0].fixed_ips.len(), 2);
        assert!(service.fixed_ip_remove(tx, SERVER, second)?);
        assert!(!service.fixed_ip_remove(tx, SERVER, second)?);
        service.port_give_back(tx, &port_id)
    })
    .unwrap();
    let seen = cloud.get(DEMO, &format!("/v2.0/ports/{id}")).await.one("port");
    assert_eq!(
        (&seen["device_id"], &seen["device_owner"], &seen["status"]),
        (&json!(""), &json!(""), &json!("DOWN"))
    );
}
