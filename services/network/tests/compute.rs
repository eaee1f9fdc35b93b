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
    let told = ordered.network_data;
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
async fn servers_show_of_their_ports_what_these_are() {
    let cloud = Cloud::start().await;
    let network = |name: &str| format!("/v2.0/networks?name={name}");
    let private = cloud.get(DEMO, &network("private")).await.ids("networks")[0].clone();
    let public = cloud.get(DEMO, &network("public")).await.ids("networks")[0].clone();
    // two of one name, which a project may have
    let mut groups = Vec::new();
    for _ in 0..2 {
        let made =
            cloud.post(DEMO, "/v2.0/security-groups", json!({"security_group": {"name": "web"}})).await;
        groups.push(made.one("security_group")["id"].as_str().unwrap().to_owned());
    }
    let (service, db, on) = (cloud.service.clone(), cloud.fixture.db.clone(), private.clone());
    let ports = db.write_now(move |tx| {
        let mut ports = Vec::new();
        for (device, security_groups) in
            [(SERVER, groups.clone()), (SERVER, Vec::new()), ("another", Vec::new())]
        {
            let order = PortOrder {
                network_id: on.clone(),
                device_id: device.into(),
                device_owner: "compute:nova".into(),
                security_groups,
                ..PortOrder::default()
            };
            ports.push(service.port_order(tx, &demo(), &order)?.id);
        }
        service.fixed_ip_add(tx, SERVER, &on)?;
        Ok(ports)
    });
    let ports = ports.unwrap();
    let body = json!({"floatingip": {"floating_network_id": public, "port_id": ports[1]}});
    assert_eq!(cloud.post(DEMO, "/v2.0/floatingips", body).await.status, 201);
    let service = cloud.service.clone();
    db.read_now(move |tx| {
        let ids = [SERVER, "another", "a third"].map(str::to_owned);
        let mut shown = service.ports_shown(tx, &ids)?;
        shown.sort_by_key(|port| port.server_id == "another");
        let mut facts = service.ports_of(tx, SERVER)?;
        facts.extend(service.ports_of(tx, "another")?);
        assert_eq!(shown.iter().map(|port| &port.id).collect::<Vec<_>>(), ports.iter().collect::<Vec<_>>());
        assert_eq!((shown[0].fixed_ips.len(), shown[1].floating_ips.len()), (2, 1));
        assert_eq!(shown[0].security_groups, ["web", "web"]);
        for (shown, fact) in shown.into_iter().zip(facts) {
            assert_eq!(
                (&shown.id, &shown.server_id, &shown.mac),
                (&fact.id, &fact.device_id, &fact.wiring.mac)
            );
            assert_eq!((shown.network_name, shown.fixed_ips), (fact.network_name, fact.wiring.addresses));
            let names: Vec<String> = fact.security_groups.into_iter().map(|(_, name)| name).collect();
            assert_eq!((shown.floating_ips, shown.security_groups), (fact.floating_ips, names));
        }
        Ok(())
    })
    .unwrap();
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
