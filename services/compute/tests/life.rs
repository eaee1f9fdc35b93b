//! The life of a server, over HTTP, with a host behind a real link.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Cloud, IMAGE, NETWORK, create};
use contract::placement::Stock;
use metal::{Kind, Wanted};
use serde_json::{Value, json};

#[tokio::test]
async fn a_server_is_built_and_deleted_and_nothing_is_left() {
    let cloud = Cloud::new().await;
    let id = cloud.server("web").await;
    let server = cloud.show(&id).await;
    assert_eq!(server["OS-EXT-STS:vm_state"], "active");
    assert_eq!(server["OS-EXT-STS:power_state"], 1);
    assert_eq!(server["OS-EXT-STS:task_state"], Value::Null);
    assert_eq!(server["addresses"]["private"][0]["addr"], "10.0.0.10");
    assert_eq!(server["OS-EXT-SRV-ATTR:host"], "one");
    assert_eq!(server["security_groups"], json!([{"name": "default"}]));
    assert_eq!(server["flavor"]["original_name"], "m1.nano");
    let wanted = cloud.host.wanted(&id).unwrap();
    let Some(metal::Spec::Server(spec)) = wanted.spec else { panic!("no server") };
    assert_eq!((spec.metadata.hostname.as_str(), spec.vcpus, spec.ports.len()), ("web.novalocal", 1, 1));

    assert_eq!(cloud.delete("member-p", &format!("/v2.1/servers/{id}"), "2.1").await.status, 204);
    assert_eq!(cloud.show(&id).await["OS-EXT-STS:task_state"], "deleting");
    cloud.settle().await;
    assert_eq!(cloud.get("member-p", &format!("/v2.1/servers/{id}"), "2.1").await.status, 404);
    assert!(cloud.host.servers().is_empty());
    assert!(cloud.wires.ports.lock().unwrap().is_empty());
    assert!(cloud.shelf.claims.lock().unwrap().is_empty());
    let rows = cloud.fixture.db.read_now(reconcile::rows).unwrap();
    assert!(rows.is_empty(), "{rows:?}");
    let deleted = cloud.get("admin-p", "/v2.1/servers/detail?deleted=True&all_tenants=1", "2.1").await;
    assert_eq!(deleted.body["servers"][0]["status"], "DELETED");
}

#[tokio::test]
async fn power_goes_round_and_each_step_is_on_record() {
    let cloud = Cloud::new().await;
    let id = cloud.server("web").await;
    for (action, during, after) in [
        ("os-stop", "powering-off", "SHUTOFF"),
        ("os-start", "powering-on", "ACTIVE"),
        ("pause", "pausing", "PAUSED"),
        ("unpause", "unpausing", "ACTIVE"),
        ("suspend", "suspending", "SUSPENDED"),
        ("resume", "resuming", "ACTIVE"),
    ] {
        assert_eq!(cloud.action("member-p", &id, json!({action: null})).await.status, 202, "{action}");
        assert_eq!(cloud.show(&id).await["OS-EXT-STS:task_state"], during);
        cloud.settle().await;
        assert_eq!(cloud.status(&id).await, after, "{action}");
    }
    assert_eq!(cloud.action("member-p", &id, json!({"reboot": {"type": "HARD"}})).await.status, 202);
    assert_eq!(cloud.status(&id).await, "HARD_REBOOT");
    cloud.settle().await;
    assert_eq!(cloud.status(&id).await, "ACTIVE");
    let refused = cloud.action("member-p", &id, json!({"os-start": null})).await;
    let message = format!("Cannot 'start' instance {id} while it is in vm_state active");
    assert_eq!(
        (refused.status, &refused.body),
        (409, &json!({"conflictingRequest": {"code": 409, "message": message}}))
    );
    let actions = cloud.get("member-p", &format!("/v2.1/servers/{id}/os-instance-actions"), "2.51").await;
    let names: Vec<&str> = actions.body["instanceActions"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["action"].as_str())
        .collect();
    assert_eq!(names, ["reboot", "resume", "suspend", "unpause", "pause", "start", "stop", "create"]);
    let request = actions.body["instanceActions"][0]["request_id"].as_str().unwrap().to_owned();
    let one =
        cloud.get("member-p", &format!("/v2.1/servers/{id}/os-instance-actions/{request}"), "2.51").await;
    assert_eq!(one.body["instanceAction"]["events"][0]["result"], "Success");
}

#[tokio::test]
async fn a_machine_that_is_killed_shows_as_shutoff_with_its_reason() {
    let cloud = Cloud::new().await;
    let id = cloud.server("web").await;
    cloud.host.kill(&id, "QEMU was killed by signal 9");
    cloud.settle().await;
    cloud.settle().await;
    assert_eq!(cloud.status(&id).await, "SHUTOFF");
    let actions = cloud.get("member-p", &format!("/v2.1/servers/{id}/os-instance-actions"), "2.1").await;
    assert_eq!(actions.body["instanceActions"][0]["message"], "QEMU was killed by signal 9");
    // It is wanted off from now on, so that nothing starts it behind its owner's back.
    let Some(metal::Spec::Server(spec)) = cloud.host.wanted(&id).unwrap().spec else { panic!("no server") };
    assert_eq!(spec.power, metal::server::Power::Off);
}

#[tokio::test]
async fn no_host_is_an_error_that_says_why_and_can_be_deleted() {
    let cloud = Cloud::sized(1, 1024).await;
    let mut body = create("big");
    body["server"]["flavorRef"] = json!("2");
    let id = cloud.post("member-p", "/v2.1/servers", "2.37", body).await.body["server"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(cloud.status(&id).await, "BUILD");
    cloud.settle().await;
    let server = cloud.show(&id).await;
    assert_eq!(server["status"], "ERROR");
    assert_eq!(server["fault"]["message"], "No valid host was found. There are not enough hosts available.");
    assert_eq!(server["fault"]["details"], "one: MEMORY_MB 2048 wanted, 512 free");
    let own = cloud.get("member-p", &format!("/v2.1/servers/{id}"), "2.1").await;
    assert_eq!(own.body["server"]["fault"].get("details"), None);
    assert_eq!(cloud.delete("member-p", &format!("/v2.1/servers/{id}"), "2.1").await.status, 204);
    cloud.settle().await;
    assert_eq!(cloud.status(&id).await, "gone");
}

#[tokio::test]
async fn a_host_that_leaves_while_a_server_is_placed_on_it_is_waited_for() {
    let cloud = Cloud::new().await;
    *cloud.shelf.rival.lock().unwrap() = Some(|tx| {
        let host = compute::store::host::host_list(tx).unwrap().remove(0);
        compute::store::host::host_left(tx, &host.id).unwrap();
    });
    let back = cloud.post("member-p", "/v2.1/servers", "2.37", create("web")).await;
    let id = back.body["server"]["id"].as_str().unwrap().to_owned();
    cloud.settle().await;
    assert!(cloud.shelf.rival.lock().unwrap().is_none(), "nobody was quicker");
    assert_eq!(cloud.status(&id).await, "BUILD");
    let facts = cloud.agents.hosts().remove(0);
    let service = cloud.compute.clone();
    cloud
        .fixture
        .db
        .write_now(move |tx| {
            service.host_arrived(tx, &facts)?;
            reconcile::touched(tx, compute::reconcile::HOST, &facts.id)
        })
        .unwrap();
    cloud.settle().await;
    assert_eq!(cloud.status(&id).await, "ACTIVE");
}

#[tokio::test]
async fn what_an_operator_changed_of_a_hosts_stock_outlives_its_next_arrival() {
    let cloud = Cloud::new().await;
    let mut facts = cloud.agents.hosts().remove(0);
    let stock = || cloud.shelf.providers.lock().unwrap()[&cloud.agents.hosts()[0].id].stock.clone();
    let own = Stock { total: 2, reserved: 0, max_unit: 2, allocation_ratio: 1.0 };
    {
        let mut providers = cloud.shelf.providers.lock().unwrap();
        let provider = providers.get_mut(&facts.id).unwrap();
        provider.stock.get_mut("VCPU").unwrap().allocation_ratio = 1.0;
        provider.stock.insert("CUSTOM_LICENCE".to_owned(), own.clone());
    }
    facts.vcpus += 4;
    let (service, arrived) = (cloud.compute.clone(), facts.clone());
    cloud.fixture.db.write_now(move |tx| service.host_arrived(tx, &arrived)).unwrap();
    let stock = stock();
    assert_eq!((stock["VCPU"].total, stock["VCPU"].allocation_ratio), (u64::from(facts.vcpus), 1.0));
    assert_eq!(stock["CUSTOM_LICENCE"], own);
}

#[tokio::test]
async fn a_build_that_fails_is_taken_down_and_its_ports_are_given_back() {
    let cloud = Cloud::new().await;
    cloud.host.fail_with("QEMU does not start");
    let id = cloud.post("member-p", "/v2.1/servers", "2.37", create("web")).await.body["server"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    cloud.settle().await;
    cloud.settle().await;
    let server = cloud.show(&id).await;
    assert_eq!(server["status"], "ERROR", "{server}");
    assert_eq!(server["fault"]["message"], format!("Build of instance {id} aborted: QEMU does not start"));
    assert!(cloud.host.servers().is_empty());
    assert!(cloud.wires.ports.lock().unwrap().is_empty());
    assert!(cloud.shelf.claims.lock().unwrap().is_empty());

    *cloud.wires.full.lock().unwrap() = true;
    let id = cloud.post("member-p", "/v2.1/servers", "2.37", create("db")).await.body["server"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    cloud.settle().await;
    assert_eq!(cloud.status(&id).await, "ERROR");
    assert!(cloud.shelf.claims.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_a_host_has_without_reason_is_taken_down_when_it_joins() {
    let cloud = Cloud::empty(store::testing::chosen(), common::host::FakeHost::new("one", 4, 4096)).await;
    let stranger = "55555555-0000-4000-8000-000000000001";
    cloud.host.plant(Wanted {
        format: 1,
        kind: Kind::Server,
        id: stranger.to_owned(),
        timeline: 1,
        incarnation: 3,
        revision: 7,
        spec: None,
    });
    cloud.host.plant(Wanted {
        format: 1,
        kind: Kind::Server,
        id: stranger.replace("0001", "0002"),
        timeline: 1,
        incarnation: 3,
        revision: 7,
        spec: Some(metal::Spec::SecurityGroup(metal::network::SecurityGroupSpec {
            name: String::new(),
            stateful: true,
            rules: Vec::new(),
        })),
    });
    cloud.join().await;
    cloud.until("the host is empty", || async { cloud.host.servers().is_empty() }).await;
}

#[tokio::test]
async fn interfaces_come_and_go() {
    let cloud = Cloud::new().await;
    let id = cloud.server("web").await;
    let path = format!("/v2.1/servers/{id}/os-interface");
    let made = cloud
        .post("member-p", &path, "2.70", json!({"interfaceAttachment": {"net_id": NETWORK, "tag": "lan"}}))
        .await;
    assert_eq!(made.status, 200, "{}", made.body);
    let port = made.body["interfaceAttachment"]["port_id"].as_str().unwrap().to_owned();
    assert_eq!(made.body["interfaceAttachment"]["tag"], "lan");
    assert_eq!(made.body["interfaceAttachment"]["port_state"], "ACTIVE");
    cloud.settle().await;
    let ports = |cloud: &Cloud| match cloud.host.wanted(&id).unwrap().spec {
        Some(metal::Spec::Server(spec)) => spec.ports.len(),
        _ => 0,
    };
    assert_eq!(ports(&cloud), 2);
    assert_eq!(cloud.delete("member-p", &format!("{path}/{port}"), "2.70").await.status, 202);
    cloud.settle().await;
    assert_eq!(ports(&cloud), 1);
    let both = json!({"interfaceAttachment": {"net_id": NETWORK, "port_id": port}});
    let refused = cloud.post("member-p", &path, "2.1", both).await;
    assert_eq!(refused.body["badRequest"]["message"], "Must not input both network_id and port_id");
}

#[tokio::test]
async fn a_rebuild_starts_a_new_life_on_the_same_host() {
    let cloud = Cloud::new().await;
    let id = cloud.server("web").await;
    let back = cloud.action("member-p", &id, json!({"rebuild": {"imageRef": IMAGE, "name": "db"}})).await;
    assert_eq!(back.status, 202, "{}", back.body);
    assert_eq!(
        (&back.body["server"]["status"], &back.body["server"]["name"]),
        (&json!("REBUILD"), &json!("db"))
    );
    cloud.settle().await;
    assert_eq!(cloud.status(&id).await, "ACTIVE");
    assert_eq!(cloud.host.wanted(&id).unwrap().incarnation, 2);
}

#[tokio::test]
async fn a_console_has_a_url_and_the_log_its_last_lines() {
    let cloud = Cloud::new().await;
    let id = cloud.server("web").await;
    let log = cloud.action("member-p", &id, json!({"os-getConsoleOutput": {"length": 1}})).await;
    assert_eq!(log.body, json!({"output": "login:\n"}));
    let asked = json!({"remote_console": {"protocol": "vnc", "type": "novnc"}});
    let made = cloud.post("member-p", &format!("/v2.1/servers/{id}/remote-consoles"), "2.6", asked).await;
    let url = made.body["remote_console"]["url"].as_str().unwrap().to_owned();
    let (page, token) = url.split_once("?path=console%2Fwebsockify%3Ftoken%3D").unwrap();
    assert_eq!(page, "http://cloud/console/vnc_auto.html");
    let mut screen = cloud.compute.console_connect(token).await.unwrap();
    let mut greeting = [0u8; 12];
    tokio::io::AsyncReadExt::read_exact(&mut screen, &mut greeting).await.unwrap();
    assert_eq!(&greeting, b"RFB 003.008\n");
    assert_eq!(cloud.compute.console_connect("bad").await.unwrap_err().kind, fault::Kind::Forbidden);
    let (head, frame) = websocket(&cloud, token).await;
    assert!(
        head.starts_with("HTTP/1.1 101 Switching Protocols")
            && head.contains("sec-websocket-protocol: binary"),
        "{head}"
    );
    assert_eq!((&frame[..2], &frame[2..]), (&[0x82, 12][..], &b"RFB 003.008\n"[..]));
    let (head, rest) = websocket(&cloud, "bad").await;
    assert!(head.starts_with("HTTP/1.1 403") && rest.is_empty(), "{head}");
    cloud.fixture.clock.advance(std::time::Duration::from_secs(601));
    assert_eq!(cloud.compute.console_connect(token).await.unwrap_err().kind, fault::Kind::Forbidden);
}

/// Opens the console's websocket as a viewer does; answers the head of the answer and the first bytes behind it.
async fn websocket(cloud: &Cloud, token: &str) -> (String, Vec<u8>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(cloud.address).await.unwrap();
    let head = format!(
        "GET /console/websockify?token={token} HTTP/1.1\r\nhost: cloud\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\nsec-websocket-version: 13\r\nsec-websocket-protocol: binary\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    let mut buffer = [0u8; 1024];
    loop {
        let end = all.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end.filter(|end| all.len() >= end + 4 + 14) {
            return (String::from_utf8_lossy(&all[..end]).into_owned(), all[end + 4..].to_vec());
        }
        match stream.read(&mut buffer).await.unwrap() {
            0 => {
                let end = end.unwrap_or(all.len() - 4);
                return (String::from_utf8_lossy(&all[..end]).into_owned(), all[end + 4..].to_vec());
            }
            count => all.extend(&buffer[..count]),
        }
    }
}
