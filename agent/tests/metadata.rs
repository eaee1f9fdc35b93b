//! The metadata service over TCP, and cloud-init reading it and the config drive where cloud-init is installed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod rig;

use agent::Agent;
use agent::metadata::Documents;
use kernel::Entropy;
use metal::server::{Metadata, Power, ServerSpec};
use metal::{Kind, Wanted};
use rig::fuse::Fused;
use rig::{group, network, port, server, tombstone, until};
use sim::{Config, Sim};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

const ID: &str = "cafe1234-5b2c-4a7f-9d2e-0123456789ab";

fn guest() -> ServerSpec {
    let mut spec = rig::spec(&["p1"], Power::On);
    spec.metadata = Metadata {
        hostname: "guest.novalocal".to_owned(),
        project_id: "p".to_owned(),
        availability_zone: "nova".to_owned(),
        instance_type: "m1.tiny".to_owned(),
        reservation_id: "r-1".to_owned(),
        meta: [("role".to_owned(), "web".to_owned())].into(),
        key: Some(("mine".to_owned(), "ssh-ed25519 AAAA me".to_owned())),
        user_data: Some("I2Nsb3VkLWNvbmZpZwo=".to_owned()),
        security_groups: vec!["default".to_owned()],
        network_data: serde_json::json!({
            "links": [{"id": "tapp1", "vif_id": "p1", "type": "ovs", "mtu": 1442, "ethernet_mac_address": "fa:16:3e:00:00:01"}],
            "networks": [{"id": "network0", "type": "ipv4_dhcp", "link": "tapp1", "network_id": "n1"}],
            "services": [],
        })
        .into(),
        files: vec![("/etc/motd".to_owned(), "aGk=".to_owned())],
        ..Metadata::default()
    };
    spec
}

struct Service {
    _dir: tempfile::TempDir,
    agent: Agent,
    at: SocketAddr,
}

/// An agent that answers metadata for network `n1` on a local port.
async fn service(wanted: Vec<Wanted>) -> Service {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::new(&dir.path().join("sim"), Entropy::seeded(1), Config::default()).unwrap();
    let fused = Fused::new(&sim, i64::MAX);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    *fused.listener.lock().unwrap() = Some(listener);
    let mut parts = rig::parts(&sim, Entropy::seeded(1));
    parts.switch = Arc::new(fused);
    let agent = rig::agent(dir.path(), parts).await;
    for wanted in wanted {
        agent.host().ensure(wanted).await.unwrap();
    }
    let running = agent.clone();
    let (dial, _piped) = link::pipe();
    tokio::spawn(async move { running.run(dial).await });
    Service { _dir: dir, agent, at }
}

impl Service {
    /// One request from an address; status line and body.
    async fn ask(&self, from: &str, method: &str, path: &str, body: &str) -> (String, String) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        let mut stream = socket.connect(self.at).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }
}

#[tokio::test]
async fn guests_are_answered_and_nobody_else() {
    let service =
        service(vec![network("n1", 1), group("g1", 1), port("p1", 1), server(ID, 1, guest())]).await;
    let (head, body) = service.ask("127.0.0.1", "GET", "/openstack/latest/meta_data.json", "").await;
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("application/json"), "{head}");
    assert!(body.contains(ID) && body.contains("guest.novalocal") && !body.contains("admin_pass"), "{body}");
    let (head, body) = service.ask("127.0.0.1", "GET", "/latest/meta-data/instance-id", "").await;
    assert!(head.contains("content-type: text/plain; charset=UTF-8"), "{head}");
    assert_eq!(body, "i-cafe1234");
    for (from, path) in
        [("127.0.0.9", "/openstack"), ("127.0.0.9", "/"), ("127.0.0.1", "/openstack/1999-01-01")]
    {
        let (head, body) = service.ask(from, "GET", path, "").await;
        assert!(head.starts_with("HTTP/1.1 404"), "{from} {path}: {head}");
        assert!(body.contains("<h1>404 Not Found</h1>"), "{body}");
    }
    service.agent.host().ensure(tombstone(Kind::Server, ID, 2)).await.unwrap();
    let (head, _) = service.ask("127.0.0.1", "GET", "/openstack", "").await;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
}

#[tokio::test]
async fn a_guest_posts_its_password_once() {
    let service =
        service(vec![network("n1", 1), group("g1", 1), port("p1", 1), server(ID, 1, guest())]).await;
    let path = "/openstack/latest/password";
    assert_eq!(service.ask("127.0.0.1", "GET", path, "").await.1, "");
    let (head, _) = service.ask("127.0.0.1", "POST", path, &"x".repeat(1021)).await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    assert!(service.ask("127.0.0.1", "POST", path, "c2VjcmV0").await.0.starts_with("HTTP/1.1 200"));
    assert!(service.ask("127.0.0.1", "POST", path, "other").await.0.starts_with("HTTP/1.1 409"));
    assert!(service.ask("127.0.0.1", "PUT", path, "other").await.0.starts_with("HTTP/1.1 400"));
    assert_eq!(service.ask("127.0.0.1", "GET", path, "").await.1, "c2VjcmV0");
    until("the password is reported", || {
        let status = service.agent.status();
        let objects = status["objects"].as_array()?;
        let server = objects.iter().find(|object| object["id"] == ID)?;
        (server["observed"]["server"]["guest_password"] == "c2VjcmV0").then_some(())
    })
    .await;
}

/// What cloud-init prints for a script, or nothing where there is no cloud-init. `CLOUD_INIT_PYTHON` names a Python
/// that has its dependencies, `PYTHONPATH` where it is.
fn cloud_init(script: &str, argument: &str) -> Option<serde_json::Value> {
    let python = std::env::var("CLOUD_INIT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let there = Command::new(&python).args(["-c", "import cloudinit"]).output().ok()?;
    if !there.status.success() {
        println!("cloud-init is not installed: its part of this test is left out");
        return None;
    }
    let output = Command::new(&python).args(["-c", script, argument]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

const SHOW: &str = "
def show(value):
    if isinstance(value, bytes): return value.decode('latin-1')
    if isinstance(value, dict): return {str(k): show(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)): return [show(v) for v in value]
    return value
print(json.dumps(show(read)))
";

fn check(read: &serde_json::Value) {
    assert_eq!(read["version"], 2, "{read}");
    assert_eq!(read["metadata"]["instance-id"], ID);
    assert_eq!(read["metadata"]["local-hostname"], "guest.novalocal");
    assert_eq!(read["metadata"]["public_keys"]["mine"], "ssh-ed25519 AAAA me");
    assert_eq!(read["metadata"]["meta"]["role"], "web");
    assert_eq!(read["userdata"], "#cloud-config\n");
    assert_eq!(read["networkdata"]["networks"][0]["type"], "ipv4_dhcp");
    assert_eq!(read["vendordata2"]["static"], serde_json::json!({}));
    assert_eq!(read["metadata"]["random_seed"].as_str().unwrap().chars().count(), 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn cloud_init_reads_the_service() {
    let service =
        service(vec![network("n1", 1), group("g1", 1), port("p1", 1), server(ID, 1, guest())]).await;
    // cloud-init asks for the EC2 form at the well-known address only: here it is told the other one.
    let script = format!(
        "import json, sys\nfrom cloudinit.sources import DataSourceOpenStack as d\nfrom cloudinit.sources.helpers import ec2\nask = ec2.get_instance_metadata\nec2.get_instance_metadata = lambda **k: ask(**dict(k, metadata_address=sys.argv[1]))\nread = d.read_metadata_service(sys.argv[1], ssl_details=None)\n{SHOW}"
    );
    let at = format!("http://{}", service.at);
    let read = tokio::task::spawn_blocking(move || cloud_init(&script, &at)).await.unwrap();
    if let Some(read) = read {
        check(&read);
        assert_eq!(read["ec2-metadata"]["instance-id"], "i-cafe1234", "{read}");
        assert_eq!(read["ec2-metadata"]["placement"]["availability-zone"], "nova");
    }
}

#[test]
fn cloud_init_reads_the_config_drive() {
    let dir = tempfile::tempdir().unwrap();
    let (spec, entropy) = (guest(), Entropy::seeded(1));
    for (path, content) in Documents::new(ID, &spec, &entropy).config_drive() {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let script = format!(
        "import json, sys\nfrom cloudinit.sources import DataSourceConfigDrive as d\nread = d.read_config_drive(sys.argv[1])\n{SHOW}"
    );
    if let Some(read) = cloud_init(&script, dir.path().to_str().unwrap()) {
        check(&read);
        assert_eq!(read["files"]["/etc/motd"], "hi");
        assert_eq!(read["ec2-metadata"]["instance-id"], "i-cafe1234");
    }
}
