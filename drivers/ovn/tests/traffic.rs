//! Packets: what guests can and cannot reach, and how soon after a change.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod lab;

use lab::*;
use metal::network::*;
use metal::{Kind, Switch};
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

fn interface(number: u32, net: u32) -> RouterInterface {
    RouterInterface {
        port_id: id(0x700 + number),
        network_id: id(net),
        mac: mac(0x700 + number),
        addresses: vec![format!("10.0.{net}.1/24").parse().unwrap()],
    }
}

/// A router between networks 1 and 2 with a way out through network 3.
fn router(lab: &Lab) -> RouterSpec {
    RouterSpec {
        name: "r".into(),
        admin_up: true,
        interfaces: vec![interface(1, 1), interface(2, 2)],
        gateway: Some(RouterGateway {
            port_id: id(0x703),
            network_id: id(3),
            mac: mac(0x703),
            addresses: vec![format!("{}/24", lab.address(100)).parse().unwrap()],
            next_hop: Some(lab.address(1).into()),
            snat: vec!["10.0.1.0/24".parse().unwrap(), "10.0.2.0/24".parse().unwrap()],
        }),
        routes: Vec::new(),
        floating_ips: vec![FloatingIpSpec {
            id: id(0x801),
            external: lab.address(111).into(),
            fixed: "10.0.1.32".parse().unwrap(),
            port_id: id(0x20),
        }],
    }
}

/// Two networks with a router and a way out; guests 0x20 and 0x21 on network 1, 0x22 on network 2.
async fn topology() -> (Lab, [Guest; 3]) {
    let mut lab = Lab::new().await;
    lab.network(1, &network(1)).await;
    lab.network(2, &network(2)).await;
    lab.network(3, &external(&lab)).await;
    lab.group(0x10, &usual_rules()).await;
    for (number, net, address) in [(0x20, 1, "10.0.1.32"), (0x21, 1, "10.0.1.33"), (0x22, 2, "10.0.2.34")] {
        lab.port(number, net, address, &[0x10]).await;
    }
    lab.ovn().router(&id(0x30), 1, &router(&lab)).await.unwrap();
    let guests = [
        lab.guest(0x20, Some("10.0.1.32"), Some("10.0.1.1")).await,
        lab.guest(0x21, Some("10.0.1.33"), Some("10.0.1.1")).await,
        lab.guest(0x22, Some("10.0.2.34"), Some("10.0.2.1")).await,
    ];
    for number in [0x20, 0x21, 0x22] {
        lab.up(number).await;
    }
    (lab, guests)
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_reach_each_other_and_the_outside() {
    let (lab, [one, two, three]) = topology().await;
    eventually("same switch", async || one.ping("10.0.1.33")).await;
    eventually("routed", async || two.ping("10.0.2.34")).await;
    eventually("the host, under the gateway's address", async || three.ping(lab.address(1).to_string()))
        .await;
    eventually("a floating IP from the host", async || Guest::host().ping(lab.address(111).to_string()))
        .await;
    let mut spec = router(&lab);
    spec.floating_ips.push(FloatingIpSpec {
        id: id(0x802),
        external: lab.address(112).into(),
        fixed: "10.0.2.34".parse().unwrap(),
        port_id: id(0x22),
    });
    let began = Instant::now();
    lab.ovn().router(&id(0x30), 2, &spec).await.unwrap();
    let committed = began.elapsed();
    eventually("a new floating IP", async || Guest::host().ping(lab.address(112).to_string())).await;
    let answered = began.elapsed();
    eventually("a guest reaches another's floating IP", async || three.ping(lab.address(111).to_string()))
        .await;
    eventually("and the other way round", async || one.ping(lab.address(112).to_string())).await;
    println!("floating IP: committed in {committed:?}, answers after {answered:?}");

    spec.floating_ips.remove(0);
    lab.ovn().router(&id(0x30), 3, &spec).await.unwrap();
    eventually("no floating IP", async || !Guest::host().ping(lab.address(111).to_string())).await;
    spec.interfaces.pop();
    spec.floating_ips.clear();
    lab.ovn().router(&id(0x30), 4, &spec).await.unwrap();
    eventually("no route", async || !two.ping("10.0.2.34")).await;
    spec.admin_up = false;
    lab.ovn().router(&id(0x30), 5, &spec).await.unwrap();
    eventually("a router that is down", async || !one.ping(lab.address(1).to_string())).await;
    spec.admin_up = true;
    lab.ovn().router(&id(0x30), 6, &spec).await.unwrap();
    eventually("a router that is up again", async || one.ping(lab.address(1).to_string())).await;
    spec.gateway = None;
    lab.ovn().router(&id(0x30), 7, &spec).await.unwrap();
    eventually("no gateway", async || !one.ping(lab.address(1).to_string())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_open_and_cut_connections() {
    let (lab, [one, two, _three]) = topology().await;
    two.echo(81);
    eventually("pings are let in", async || one.ping("10.0.1.33")).await;
    assert!(one.connect("10.0.1.33", 81).is_none(), "port 81 is closed");
    let mut rules = usual_rules();
    for remote in [Remote::Any, Remote::Group(id(0x10)), Remote::Range("10.0.1.0/27".parse().unwrap())] {
        rules.push(rule(0x902, true, Some(6), Some(81), remote.clone()));
        let began = Instant::now();
        lab.group(0x10, &rules).await;
        let fits = !matches!(remote, Remote::Range(_));
        if !fits {
            // 10.0.1.32 is outside of 10.0.1.0/27.
            assert!(one.connect("10.0.1.33", 81).is_none(), "{remote:?}");
            rules.pop();
            continue;
        }
        let mut stream = None;
        eventually("port 81 opens", async || {
            stream = one.connect_within(30, "10.0.1.33", 81);
            stream.is_some()
        })
        .await;
        println!("rule added: connected after {:?}", began.elapsed());
        let mut stream = stream.unwrap();
        eventually("the connection works", async || talks(&mut stream)).await;
        rules.pop();
        let began = Instant::now();
        lab.group(0x10, &rules).await;
        let committed = began.elapsed();
        // The answer that does not come is waited for.
        let cut = eventually("the connection is cut", async || !talks(&mut stream)).await;
        println!(
            "rule deleted: committed in {committed:?}, an established connection was cut within {cut:?}"
        );
        assert!(one.connect("10.0.1.33", 81).is_none(), "port 81 is closed again");
        eventually("pings are still let in", async || one.ping("10.0.1.33")).await;
    }
}

/// The server of a connection only sends: without an answer from the client nothing must get through either.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_in_one_direction_is_cut_too() {
    let (lab, [one, two, _three]) = topology().await;
    let mut rules = usual_rules();
    rules.push(rule(0x902, true, Some(6), Some(82), Remote::Any));
    lab.group(0x10, &rules).await;
    let listener = two.run(|| std::net::TcpListener::bind(("0.0.0.0", 82)).unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        while stream.write_all(&[7; 100]).is_ok() {
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    let mut stream = None;
    eventually("port 82 opens", async || {
        stream = one.connect("10.0.1.33", 82);
        stream.is_some()
    })
    .await;
    let mut stream = stream.unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut bytes = [0; 1000];
    assert!(stream.read(&mut bytes).is_ok());
    rules.pop();
    lab.group(0x10, &rules).await;
    let cut = eventually("the stream is cut", async || stream.read(&mut bytes).is_err()).await;
    println!(
        "a stream towards the client was cut after {:?}",
        cut.saturating_sub(Duration::from_millis(300))
    );
}

/// A host with a way out, made of two namespaces: the test beside runs in the first of them.
#[test]
fn guests_reach_what_the_host_reaches() {
    let (host, world) = (format!("dst{}host", std::process::id()), format!("dst{}world", std::process::id()));
    for name in [&host, &world] {
        run("ip", &format!("netns add {name}"));
        run("ip", &format!("-n {name} link set lo up"));
    }
    run("ip", &format!("-n {host} link add up0 type veth peer name up0 netns {world}"));
    for (name, address) in [(&host, "10.255.9.1/24"), (&world, "10.255.9.2/24")] {
        run("ip", &format!("-n {name} addr add {address} dev up0"));
        run("ip", &format!("-n {name} link set up0 up"));
    }
    run("ip", &format!("-n {host} route add default via 10.255.9.2"));
    let itself = std::env::current_exe().unwrap();
    let inner =
        format!("--net=/run/netns/{host} {} --ignored --exact on_a_host_with_a_way_out", itself.display());
    let output = std::process::Command::new("nsenter").args(inner.split_whitespace()).output().unwrap();
    for name in [&host, &world] {
        run("ip", &format!("netns del {name}"));
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs inside of guests_reach_what_the_host_reaches"]
async fn on_a_host_with_a_way_out() {
    let forwarding = || std::fs::read_to_string("/proc/sys/net/ipv4/conf/up0/forwarding").unwrap();
    std::fs::write("/proc/sys/net/ipv4/conf/up0/forwarding", "0").unwrap();
    let (mut lab, [one, _two, three]) = topology().await;
    eventually("a guest with a floating IP", async || one.ping("10.255.9.2")).await;
    eventually("a guest without one", async || three.ping("10.255.9.2")).await;
    lab.ovn().remove(Kind::Network, &id(3)).await.unwrap();
    assert!(!run("nft", "list ruleset").contains("172."));
    lab.ovn.take().unwrap().destroy().await.unwrap();
    assert_eq!((forwarding().trim(), run("nft", "list tables").trim()), ("0", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn ipv6_is_advertised_routed_and_filtered() {
    let mut lab = Lab::new().await;
    let v6 = |net: u32| {
        let cidr = format!("fd00:{net}::/64").parse().unwrap();
        let gateway = format!("fd00:{net}::1").parse().ok();
        let mut spec = network(net);
        spec.subnets = vec![SubnetSpec { id: id(0x500 + net), cidr, gateway, dhcp: None }];
        spec.metadata = None;
        spec
    };
    let slaac = |net: u32, number: u32| format!("fd00:{net}::f816:3eff:fe00:{number:x}");
    let mut router = router(&lab);
    router.gateway = None;
    router.floating_ips.clear();
    let mut rules = usual_rules();
    rules.iter_mut().for_each(|rule| rule.ipv6 = true);
    rules[1].protocol = Some(58);
    lab.group(0x10, &rules).await;
    for net in [1, 2] {
        lab.network(net, &v6(net)).await;
        router.interfaces[net as usize - 1].addresses = vec![format!("fd00:{net}::1/64").parse().unwrap()];
        lab.port(0x20 + net, net, &slaac(net, 0x20 + net), &[0x10]).await;
    }
    lab.ovn().router(&id(0x30), 1, &router).await.unwrap();
    let one = lab.guest(0x21, None, None).await;
    let two = lab.guest(0x22, None, None).await;
    let has = |guest: &Guest, address: String| {
        let found =
            run("ip", &format!("-6 -n {} addr show dev eth0 scope global -tentative", guest.namespace));
        found.contains(&address)
    };
    eventually("one has its address", async || has(&one, slaac(1, 0x21))).await;
    eventually("two has its address", async || has(&two, slaac(2, 0x22))).await;
    two.echo6(81);
    assert!(one.connect(slaac(2, 0x22), 81).is_none());
    let mut tcp = rule(0x902, true, Some(6), Some(81), Remote::Range("fd00:1::/64".parse().unwrap()));
    tcp.ipv6 = true;
    rules.push(tcp);
    lab.group(0x10, &rules).await;
    eventually("the port opens", async || one.connect(slaac(2, 0x22), 81).is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_say_only_what_they_are() {
    let (lab, [one, two, _three]) = topology().await;
    eventually("as itself", async || one.ping("10.0.1.33")).await;
    run("ip", &format!("-n {} addr add 10.0.1.99/24 dev eth0", one.namespace));
    let foreign = Some(Ipv4Addr::new(10, 0, 1, 99));
    assert!(!one.ping_from(foreign, "10.0.1.33"), "a foreign address is dropped");
    let mut spec = port(0x20, 1, "10.0.1.32", &[0x10]);
    spec.allowed_pairs.push((None, "10.0.1.99/32".parse().unwrap()));
    lab.ovn().port(&id(0x20), 2, &spec).await.unwrap();
    eventually("an allowed pair", async || one.ping_from(foreign, "10.0.1.33")).await;
    spec.admin_up = false;
    lab.ovn().port(&id(0x20), 3, &spec).await.unwrap();
    eventually("a port that is down", async || !one.ping("10.0.1.33")).await;
    let mut open = port(0x20, 1, "10.0.1.32", &[]);
    open.port_security = false;
    lab.ovn().port(&id(0x20), 4, &open).await.unwrap();
    eventually("without port security", async || one.ping_from(foreign, "10.0.1.33")).await;
    eventually("nothing is asked of it either", async || two.ping("10.0.1.32")).await;
    let closed = port(0x20, 1, "10.0.1.32", &[]);
    lab.ovn().port(&id(0x20), 5, &closed).await.unwrap();
    eventually("without a group nothing gets in", async || !two.ping("10.0.1.32")).await;
    assert!(!one.ping("10.0.1.33"), "nor out");
    assert!(one.discover(&mac(0x20)).is_some(), "but an address is given");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_names_and_metadata_are_answered() {
    let (mut lab, [one, _two, three]) = topology().await;
    lab.port(0x23, 1, "10.0.1.35", &[0x10]).await;
    let fresh = lab.guest(0x23, None, None).await;
    lab.up(0x23).await;
    let (address, options) = fresh.discover(&mac(0x23)).expect("an offer");
    assert_eq!(address, Ipv4Addr::new(10, 0, 1, 35));
    let option = |code: u8| options.iter().find(|(found, _)| *found == code).map(|(_, value)| value.clone());
    assert_eq!(option(26), Some(vec![5, 162]), "the MTU is 1442");
    assert_eq!(option(3), Some(vec![10, 0, 1, 1]), "the router");
    assert_eq!(option(6), Some(vec![10, 0, 1, 2]), "the name server");
    assert_eq!(option(15), Some(b"cloud.local".to_vec()), "the domain");
    assert_eq!(option(121), Some(vec![32, 169, 254, 169, 254, 10, 0, 1, 2, 0, 10, 0, 1, 1]), "the routes");

    let server = "10.0.1.2";
    assert_eq!(one.resolve(server, "vm33.cloud.local", 1), Some(vec![10, 0, 1, 33]));
    assert_eq!(one.resolve(server, "vm33", 1), Some(vec![10, 0, 1, 33]));
    let name = one.resolve(server, "33.1.0.10.in-addr.arpa", 12).expect("a name");
    assert!(name.starts_with(b"\x04vm33\x05cloud\x05local"), "{name:?}");
    lab.ovn().remove(Kind::Port, &id(0x23)).await.unwrap();
    eventually("a removed port has no name", async || one.resolve(server, "vm35.cloud.local", 1).is_none())
        .await;

    for (guest, net) in [(&one, 1_u32), (&three, 2)] {
        let listener = lab.ovn().metadata_listener(&id(net)).await.unwrap().unwrap();
        listener.set_nonblocking(false).unwrap();
        let route = format!("-n {} route add 169.254.169.254 via 10.0.{net}.2", guest.namespace);
        run("ip", &route);
        let answer = std::thread::spawn(move || {
            let (mut stream, peer) = listener.accept().unwrap();
            stream.write_all(b"ping").unwrap();
            peer.ip()
        });
        let mut stream = guest.connect_within(10_000, "169.254.169.254", 80).expect("metadata");
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).unwrap();
        assert_eq!(answer.join().unwrap().to_string(), if net == 1 { "10.0.1.32" } else { "10.0.2.34" });
    }
    assert!(lab.ovn().metadata_listener(&id(3)).await.unwrap().is_none());
}
