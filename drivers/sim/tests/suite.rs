//! Simulated metal passes what every driver must pass, and what is its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use bytes::Bytes;
use futures_util::StreamExt;
use kernel::Entropy;
use metal::driver::{Disks, Hypervisor, Machine, Nic, Switch};
use metal::network::{
    FixedIp, NetworkSpec, PortSpec, RouterInterface, RouterSpec, SecurityGroupSpec, SubnetSpec,
};
use metal::server::{ImageSource, MachineState};
use metal::suite::{Wiring, disks_suite, hypervisor_suite, switch_suite};
use metal::{DriverError, Kind};
use sha2::{Digest, Sha512};
use sim::{Config, Sim};
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn host(dir: &Path, config: Config) -> Sim {
    Sim::new(dir, Entropy::seeded(1), config).unwrap()
}

fn image(bytes: &[u8]) -> ImageSource {
    let sha512 = base16ct::lower::encode_string(&Sha512::digest(bytes));
    ImageSource { id: "i".to_owned(), format: "raw".to_owned(), bytes: bytes.len() as u64, sha512 }
}

fn wiring() -> Wiring {
    let network = NetworkSpec {
        name: "net".to_owned(),
        mtu: 1442,
        provider: None,
        dns_domain: String::new(),
        subnets: vec![SubnetSpec {
            id: "sub".to_owned(),
            cidr: "10.0.0.0/24".parse().unwrap(),
            gateway: None,
            dhcp: None,
        }],
        metadata: None,
    };
    let port = PortSpec {
        network_id: "n".to_owned(),
        mac: "fa:16:3e:00:00:01".to_owned(),
        fixed_ips: vec![FixedIp { subnet_id: "sub".to_owned(), address: "10.0.0.5".parse().unwrap() }],
        admin_up: true,
        port_security: true,
        allowed_pairs: vec![],
        security_groups: vec!["g".to_owned()],
        dns_names: vec![],
        bound_host: Some("host".to_owned()),
    };
    let interface = RouterInterface {
        port_id: "rp".to_owned(),
        network_id: "n".to_owned(),
        mac: "fa:16:3e:00:00:02".to_owned(),
        addresses: vec!["10.0.0.1/24".parse().unwrap()],
    };
    let router = RouterSpec {
        name: "router".to_owned(),
        admin_up: true,
        interfaces: vec![interface],
        gateway: None,
        routes: vec![],
        floating_ips: vec![],
    };
    Wiring {
        network: ("n".to_owned(), network),
        group: (
            "g".to_owned(),
            SecurityGroupSpec { name: "default".to_owned(), stateful: true, rules: vec![] },
        ),
        port: ("p".to_owned(), port),
        router: ("r".to_owned(), router),
    }
}

/// A host on which a machine with one interface can start, and a second interface for it.
async fn ready(sim: &Sim, id: &str) -> (Machine, Nic) {
    let wiring = wiring();
    sim.network("n", 1, &wiring.network.1).await.unwrap();
    sim.security_group("g", 1, &wiring.group.1).await.unwrap();
    let mut nics = Vec::new();
    for port in ["p", "q"] {
        sim.port(port, 1, &wiring.port.1).await.unwrap();
        let tap = Switch::plug(sim, port, "fa:16:3e:00:00:01", 1442).await.unwrap();
        nics.push(Nic { port_id: port.to_owned(), mac: "fa:16:3e:00:00:01".to_owned(), mtu: 1442, tap });
    }
    let image = image(b"data");
    let data = futures_util::stream::iter([Ok(Bytes::from_static(b"data"))]).boxed();
    sim.take_image(&image, data).await.unwrap();
    let root = sim.root(id, 1, &image, 1).await.unwrap();
    let further = nics.pop().unwrap();
    let machine = Machine {
        id: id.to_owned(),
        incarnation: 1,
        name: "vm-1".to_owned(),
        vcpus: 1,
        memory_mib: 64,
        disks: vec![root],
        config_drive: None,
        direct_boot: None,
        nics,
        hardware: Default::default(),
    };
    (machine, further)
}

#[tokio::test]
async fn it_passes_the_suites() {
    let dir = tempfile::tempdir().unwrap();
    let sim = host(dir.path(), Config::default());
    switch_suite(&sim, &wiring()).await.unwrap();
    disks_suite(&sim, &image(&[7; 200_000]), &[7; 200_000]).await.unwrap();
    let (machine, further) = ready(&sim, "s").await;
    hypervisor_suite(&sim, &machine, Some(&further)).await.unwrap();
}

#[tokio::test]
async fn its_records_outlive_it_and_a_torn_end() {
    let dir = tempfile::tempdir().unwrap();
    let sim = host(dir.path(), Config::default());
    let (machine, _) = ready(&sim, "s").await;
    sim.start(&machine).await.unwrap();
    drop(sim);
    let path = dir.path().join("state");
    let mut text = std::fs::read(&path).unwrap();
    text.extend_from_slice(b"{\"area\":\"machine\",\"id\":\"t");
    std::fs::write(&path, text).unwrap();
    let sim = host(dir.path(), Config::default());
    let machines = sim.machines().await.unwrap();
    assert_eq!((machines.len(), machines[0].state), (1, MachineState::Running));
    assert_eq!(sim.plugged().await.unwrap(), ["p", "q"]);
    assert!(sim.has_image(&image(b"data")).await.unwrap());
    assert_eq!(sim.held().await.unwrap().len(), 4);
    assert!(sim.held().await.unwrap().contains(&(Kind::Port, "p".to_owned(), 1)));
}

#[tokio::test]
async fn it_refuses_what_real_metal_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let sim = host(dir.path(), Config { memory_mib: 100, disk_bytes: 10 << 30, ..Config::default() });
    let (machine, _) = ready(&sim, "s").await;
    sim.start(&machine).await.unwrap();
    let image_big = ImageSource { id: "b".to_owned(), bytes: 20 << 30, ..image(b"data") };
    let nothing = || futures_util::stream::empty().boxed();
    assert!(matches!(sim.take_image(&image_big, nothing()).await, Err(DriverError::Full(_))));
    let other = Machine { id: "t".to_owned(), ..machine.clone() };
    sim.root("t", 1, &image(b"data"), 1).await.unwrap();
    assert!(matches!(sim.start(&other).await, Err(DriverError::Failed(_))), "memory counts");
    let two_gib = ImageSource { bytes: 2 << 30, ..image(b"data") };
    assert!(matches!(sim.root("u", 1, &two_gib, 1).await, Err(DriverError::Refused(_))));
    assert!(matches!(sim.root("u", 1, &two_gib, 2).await, Err(DriverError::NotYet(_))));
    let (_, free) = sim.room().await.unwrap();
    sim.root("v", 1, &image(b"data"), 7).await.unwrap();
    assert_eq!(sim.room().await.unwrap().1, free - (7 << 30), "root disks take room");
    assert!(matches!(sim.root("w", 1, &image(b"data"), 2).await, Err(DriverError::Full(_))), "and it ends");
    Disks::remove(&sim, "v").await.unwrap();
    sim.root("w", 1, &image(b"data"), 2).await.unwrap();
}

#[tokio::test]
async fn it_tells_what_changes_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let sim = host(dir.path(), Config::default());
    let (machine, _) = ready(&sim, "s").await;
    assert_eq!(Switch::changed(&sim).await, "p");
    assert_eq!(Switch::changed(&sim).await, "q");
    sim.start(&machine).await.unwrap();
    sim.kill("s", "signal 9").unwrap();
    assert_eq!(Hypervisor::changed(&sim).await, "s");
    let known = sim.machine("s").await.unwrap().unwrap();
    assert_eq!((known.state, known.stopped_because.as_deref()), (MachineState::Off, Some("signal 9")));
}

#[tokio::test]
async fn its_screen_speaks_rfb() {
    let dir = tempfile::tempdir().unwrap();
    let sim = host(dir.path(), Config::default());
    let (machine, _) = ready(&sim, "s").await;
    sim.start(&machine).await.unwrap();
    let mut screen = sim.screen("s").await.unwrap();
    let mut version = [0; 12];
    screen.read_exact(&mut version).await.unwrap();
    screen.write_all(&version).await.unwrap();
    let mut security = [0; 2];
    screen.read_exact(&mut security).await.unwrap();
    assert_eq!(security, [1, 1]);
    screen.write_all(&[1]).await.unwrap();
    assert_eq!(screen.read_u32().await.unwrap(), 0);
    screen.write_all(&[1]).await.unwrap();
    let (width, height) = (screen.read_u16().await.unwrap(), screen.read_u16().await.unwrap());
    let mut format = [0; 16];
    screen.read_exact(&mut format).await.unwrap();
    let mut name = vec![0; screen.read_u32().await.unwrap() as usize];
    screen.read_exact(&mut name).await.unwrap();
    assert_eq!(name, b"vm-1");
    // Keys, encodings, then a picture in the host's format and one in eight bits.
    screen.write_all(&[4, 1, 0, 0, 0, 0, 0, 65, 2, 0, 0, 1, 0, 0, 0, 0]).await.unwrap();
    for (bits, set) in [(32, &[][..]), (8, &[0, 0, 0, 0, 8, 8, 0, 1, 0, 7, 0, 7, 0, 3, 0, 3, 6, 0, 0, 0][..])]
    {
        screen.write_all(set).await.unwrap();
        screen.write_all(&[3, 0, 0, 0, 0, 0, 1, 64, 0, 200]).await.unwrap();
        let mut head = [0; 16];
        screen.read_exact(&mut head).await.unwrap();
        assert_eq!(head[..4], [0, 0, 0, 1]);
        let mut picture = vec![0; usize::from(width) * usize::from(height) * bits / 8];
        screen.read_exact(&mut picture).await.unwrap();
        let letters = picture
            .chunks(bits / 8)
            .filter(|pixel| pixel.iter().filter(|b| **b == 255).count() == bits.div_ceil(11))
            .count();
        assert!(letters > 50, "{letters} dots of text at {bits} bits");
    }
}
