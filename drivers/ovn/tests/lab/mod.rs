//! A cloud's switch in a temporary directory, with network namespaces as guests, and the probes that guests use.
//!
//! Everything is named after the lab, and taken away when it is dropped, after a failed test too.
#![allow(dead_code, reason = "every test file uses a part of it")]

use ipnet::IpNet;
use metal::Switch;
use metal::network::*;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockProtocol, SockType, SockaddrIn, recv, sendto, setsockopt, socket, sockopt,
};
use ovn::{Config, Daemons, Ovn};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// Runs a command and demands that it succeeds.
pub fn run(program: &str, arguments: &str) -> String {
    let output = Command::new(program).args(arguments.split_whitespace()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// An id made of a number, as the API writes ids.
pub fn id(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-00000000{:04x}", number & 0xffff)
}

pub struct Lab {
    directory: tempfile::TempDir,
    pub ovn: Option<Ovn>,
    /// The second and third byte of the external range.
    pub outside: [u8; 2],
    name: String,
    guests: Vec<String>,
}

impl Lab {
    pub async fn new() -> Self {
        let _ = tracing_subscriber::fmt()
            .with_test_writer()
            .with_env_filter(std::env::var("RUST_LOG").unwrap_or("ovn=debug".into()))
            .try_init();
        let directory = tempfile::Builder::new().prefix("ds").tempdir().unwrap();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("dst{}x{number}", std::process::id());
        let outside = [31, (std::process::id() % 25) as u8 * 10 + number as u8];
        let mut lab = Self { directory, ovn: None, outside, name, guests: Vec::new() };
        lab.start().await;
        lab
    }

    pub fn state(&self) -> &Path {
        self.directory.path()
    }

    pub fn config(&self) -> Config {
        Config { chassis: "lab".into(), name_servers: Some(Vec::new()), ..Config::default() }
    }

    /// Starts or adopts.
    pub async fn start(&mut self) -> Duration {
        let began = Instant::now();
        let ovn = Daemons::start(self.state(), self.config()).await;
        self.ovn = Some(ovn.unwrap_or_else(|error| panic!("{error}")));
        began.elapsed()
    }

    pub fn ovn(&self) -> &Ovn {
        self.ovn.as_ref().unwrap()
    }

    pub fn run_dir(&self) -> PathBuf {
        self.state().join("ovn")
    }

    /// The namespace of the bridges.
    pub async fn space(&self) -> String {
        let names = std::fs::read_dir("/run/netns").unwrap();
        let mut names = names.map(|name| name.unwrap().file_name().into_string().unwrap());
        let pid = self.ovn().daemon_pids()[0].1;
        names.find(|name| same_namespace(&format!("/run/netns/{name}"), pid)).unwrap()
    }

    pub fn address(&self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(172, self.outside[0], self.outside[1], last)
    }

    /// A namespace as a guest: its eth0 is plugged in as the port.
    pub async fn guest(&mut self, number: u32, address: Option<&str>, gateway: Option<&str>) -> Guest {
        let (space, name) = (self.space().await, format!("{}g{number}", self.name));
        let veth = format!("g{number}");
        run("ip", &format!("netns add {name}"));
        self.guests.push(name.clone());
        run("ip", &format!("-n {space} link add {veth} type veth peer name eth0 netns {name}"));
        run("ip", &format!("-n {space} link set {veth} up"));
        run("ip", &format!("-n {name} link set lo up"));
        run("ip", &format!("-n {name} link set eth0 address {} mtu 1442 up", mac(number)));
        if let Some(address) = address {
            run("ip", &format!("-n {name} addr add {address}/24 dev eth0"));
        }
        if let Some(gateway) = gateway {
            run("ip", &format!("-n {name} route add default via {gateway}"));
        }
        let guest = Guest { namespace: name };
        guest.run(|| no_offload("eth0")).unwrap();
        let conf = self.run_dir().join("conf.sock");
        let plug = format!("set interface {veth} external_ids:iface-id={}", id(number));
        run("ovs-vsctl", &format!("-t 10 --db=unix:{} add-port br-int {veth} -- {plug}", conf.display()));
        guest
    }

    /// The guests are gone.
    pub fn forget_guests(&mut self) {
        for guest in self.guests.drain(..) {
            run("ip", &format!("netns del {guest}"));
        }
    }

    pub async fn network(&self, number: u32, spec: &NetworkSpec) {
        self.ovn().network(&id(number), 1, spec).await.unwrap();
    }

    pub async fn port(&self, number: u32, network: u32, address: &str, groups: &[u32]) -> PortSpec {
        let spec = port(number, network, address, groups);
        self.ovn().port(&id(number), 1, &spec).await.unwrap();
        spec
    }

    pub async fn group(&self, number: u32, rules: &[RuleSpec]) {
        let spec = SecurityGroupSpec { name: "web".into(), stateful: true, rules: rules.to_vec() };
        self.ovn().security_group(&id(number), 1, &spec).await.unwrap();
    }

    pub async fn up(&self, number: u32) {
        eventually("the port comes up", async || self.ovn().port_up(&id(number)).await.unwrap()).await;
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.ovn = None;
        for guest in &self.guests {
            let _ = Command::new("ip").args(["netns", "del", guest]).status();
        }
        let state = self.state().to_owned();
        let end = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(Daemons::destroy(&state)).unwrap();
        });
        end.join().unwrap();
    }
}

fn same_namespace(path: &str, pid: i32) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = |path: &str| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    inode(path).is_some() && inode(path) == inode(&format!("/proc/{pid}/ns/net"))
}

/// `ethtool -K eth0 tx off`, as the driver does it for its own veths.
fn no_offload(interface: &str) -> std::io::Result<()> {
    #[repr(C)]
    struct Value(u32, u32);
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let mut value = Value(0x17, 0);
    let data = libc::__c_anonymous_ifr_ifru { ifru_data: (&raw mut value).cast() };
    let mut request = libc::ifreq { ifr_name: [0; 16], ifr_ifru: data };
    interface.bytes().zip(&mut request.ifr_name).for_each(|(byte, slot)| *slot = byte.cast_signed());
    #[expect(unsafe_code, reason = "SIOCETHTOOL has no safe wrapper")]
    // SAFETY: as in the driver.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), 0x8946, &raw mut request) };
    if answer == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// Asks until the answer is yes, for a minute; answers how long it took.
pub async fn eventually(what: &str, mut probe: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        if probe().await {
            return began.elapsed();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within a minute: {what}");
}

pub fn mac(number: u32) -> String {
    format!("fa:16:3e:00:{:02x}:{:02x}", number >> 8 & 0xff, number & 0xff)
}

/// Options of DHCP: code and value.
pub type Options = Vec<(u8, Vec<u8>)>;

/// A machine of the lab: a namespace, or the host.
#[derive(Clone)]
pub struct Guest {
    pub namespace: String,
}

impl Guest {
    pub fn host() -> Self {
        Self { namespace: String::new() }
    }

    /// Runs something there.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        self.spawn(work).join().unwrap()
    }

    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::thread::JoinHandle<T> {
        let namespace = self.namespace.clone();
        std::thread::spawn(move || {
            if !namespace.is_empty() {
                let file = std::fs::File::open(format!("/run/netns/{namespace}")).unwrap();
                nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            }
            work()
        })
    }

    /// One ping is answered within a second.
    pub fn ping(&self, to: impl Into<String>) -> bool {
        self.ping_from(None, to)
    }

    pub fn ping_from(&self, from: Option<Ipv4Addr>, to: impl Into<String>) -> bool {
        let to: Ipv4Addr = to.into().parse().unwrap();
        self.run(move || {
            let raw =
                socket(AddressFamily::Inet, SockType::Raw, SockFlag::empty(), SockProtocol::Icmp).unwrap();
            let second = nix::sys::time::TimeVal::new(0, 500_000);
            setsockopt(&raw, sockopt::ReceiveTimeout, &second).unwrap();
            if let Some(from) = from {
                let from = SockaddrIn::from(SocketAddrV4::new(from, 0));
                nix::sys::socket::bind(raw.as_raw_fd(), &from).unwrap();
            }
            let token = (Instant::now().elapsed().as_nanos() as u16)
                ^ (&raw const raw as usize as u16)
                ^ std::process::id() as u16;
            let mut packet = vec![8, 0, 0, 0, (token >> 8) as u8, token as u8, 0, 1];
            packet.extend_from_slice(b"drystone");
            let sum: u32 = packet.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
            let sum = !(((sum >> 16) + (sum & 0xffff)) as u16);
            packet[2..4].copy_from_slice(&sum.to_be_bytes());
            let to = SockaddrIn::from(SocketAddrV4::new(to, 0));
            if sendto(raw.as_raw_fd(), &packet, &to, nix::sys::socket::MsgFlags::empty()).is_err() {
                return false;
            }
            let mut answer = [0; 256];
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(500) {
                let Ok(length) = recv(raw.as_raw_fd(), &mut answer, nix::sys::socket::MsgFlags::empty())
                else {
                    break;
                };
                if length >= 28 && answer[20] == 0 && answer[24..26] == token.to_be_bytes() {
                    return true;
                }
            }
            false
        })
    }

    /// A TCP connection that is open, if it opens within half a second.
    pub fn connect(&self, to: impl Into<String>, port: u16) -> Option<TcpStream> {
        self.connect_within(500, to, port)
    }

    pub fn connect_within(&self, milliseconds: u64, to: impl Into<String>, port: u16) -> Option<TcpStream> {
        let (to, patience): (IpAddr, _) = (to.into().parse().unwrap(), Duration::from_millis(milliseconds));
        self.run(move || TcpStream::connect_timeout(&(to, port).into(), patience).ok())
    }

    /// Gives back every byte that it is sent, on all connections.
    pub fn echo(&self, port: u16) {
        self.serve(self.run(move || TcpListener::bind(("0.0.0.0", port)).unwrap()));
    }

    /// The same over IPv6.
    pub fn echo6(&self, port: u16) {
        self.serve(self.run(move || TcpListener::bind(("::", port)).unwrap()));
    }

    fn serve(&self, listener: TcpListener) {
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    let mut bytes = [0; 1024];
                    while let Ok(length @ 1..) = stream.read(&mut bytes) {
                        if stream.write_all(&bytes[..length]).is_err() {
                            return;
                        }
                    }
                });
            }
        });
    }

    /// Sends a datagram and waits three seconds for the answer.
    pub fn ask(&self, to: impl Into<String>, port: u16, question: Vec<u8>) -> Option<Vec<u8>> {
        let to: IpAddr = to.into().parse().unwrap();
        self.run(move || {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
            socket.send_to(&question, (to, port)).ok()?;
            let mut answer = [0; 2048];
            let length = socket.recv(&mut answer).ok()?;
            Some(answer[..length].to_vec())
        })
    }

    /// The rdata of the first answer to a DNS question.
    pub fn resolve(&self, server: &str, name: &str, kind: u8) -> Option<Vec<u8>> {
        let mut question = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for part in name.split('.') {
            question.push(part.len() as u8);
            question.extend_from_slice(part.as_bytes());
        }
        question.extend_from_slice(&[0, 0, kind, 0, 1]);
        let length = question.len();
        let answer = self.ask(server, 53, question)?;
        // The answer repeats the name or points to it; then come type, class, time to live and length (10 bytes).
        let name = if answer.get(length).is_some_and(|byte| *byte >= 0xc0) { 2 } else { length - 16 };
        (answer[7] > 0).then(|| answer[length + name + 10..].to_vec())
    }

    /// The options of the DHCP offer for a hardware address, and the address offered.
    pub fn discover(&self, mac: &str) -> Option<(Ipv4Addr, Options)> {
        let mac: Vec<u8> = mac.split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        self.run(move || {
            let mut packet = vec![0; 240];
            packet[..4].copy_from_slice(&[1, 1, 6, 0]);
            packet[10] = 0x80;
            packet[28..34].copy_from_slice(&mac);
            packet[236..240].copy_from_slice(&[99, 130, 83, 99]);
            packet.extend_from_slice(&[53, 1, 1, 55, 6, 1, 3, 6, 15, 26, 121, 255]);
            let socket = UdpSocket::bind("0.0.0.0:68").unwrap();
            socket.set_broadcast(true).unwrap();
            setsockopt(&socket, sockopt::BindToDevice, &"eth0".into()).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            socket.send_to(&packet, "255.255.255.255:67").unwrap();
            let mut offer = [0; 1500];
            let length = socket.recv(&mut offer).ok()?;
            let address = Ipv4Addr::new(offer[16], offer[17], offer[18], offer[19]);
            let (mut options, mut rest) = (Vec::new(), &offer[240..length]);
            while let [code, length, tail @ ..] = rest {
                if *code == 255 {
                    break;
                }
                options.push((*code, tail[..usize::from(*length)].to_vec()));
                rest = &tail[usize::from(*length)..];
            }
            Some((address, options))
        })
    }
}

/// Opens a tap as a hypervisor does.
pub fn open_tap(name: &str) -> std::fs::File {
    const TUNSETIFF: u64 = 0x4004_54ca;
    let file = std::fs::File::options().read(true).write(true).open("/dev/net/tun").unwrap();
    let flags = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;
    let ifru = libc::__c_anonymous_ifr_ifru { ifru_flags: flags };
    let mut request = libc::ifreq { ifr_name: [0; 16], ifr_ifru: ifru };
    name.bytes().zip(&mut request.ifr_name).for_each(|(byte, slot)| *slot = byte.cast_signed());
    #[expect(unsafe_code, reason = "TUNSETIFF has no safe wrapper")]
    // SAFETY: the request is an ifreq with a terminated name.
    let answer = unsafe { libc::ioctl(file.as_raw_fd(), TUNSETIFF as _, &raw mut request) };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
    file
}

/// One exchange on an open connection works within half a second.
pub fn talks(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut answer = [0; 4];
    stream.write_all(b"ping").is_ok() && stream.read_exact(&mut answer).is_ok() && &answer == b"ping"
}

/// A network 10.0.N.0/24 with DHCP and metadata.
pub fn network(number: u32) -> NetworkSpec {
    let address = |last: u8| -> IpAddr { Ipv4Addr::new(10, 0, number as u8, last).into() };
    let cidr = IpNet::new(address(0), 24).unwrap();
    let dhcp = Dhcp {
        server_mac: mac(0x1000 + number),
        server_address: address(2),
        lease_seconds: 3600,
        name_servers: Vec::new(),
        routes: Vec::new(),
    };
    NetworkSpec {
        name: format!("net{number}"),
        mtu: 1442,
        provider: None,
        dns_domain: "cloud.local".into(),
        subnets: vec![SubnetSpec {
            id: id(0x500 + number),
            cidr,
            gateway: Some(address(1)),
            dhcp: Some(dhcp),
        }],
        metadata: Some(MetadataPort {
            id: id(0x600 + number),
            mac: mac(0x1000 + number),
            addresses: vec![IpNet::new(address(2), 24).unwrap()],
        }),
    }
}

/// The external network of a lab.
pub fn external(lab: &Lab) -> NetworkSpec {
    let cidr = IpNet::new(lab.address(0).into(), 24).unwrap();
    NetworkSpec {
        name: "public".into(),
        mtu: 1500,
        provider: Some(Provider {
            physical_network: "public".into(),
            vlan: None,
            host_addresses: vec![IpNet::new(lab.address(1).into(), 24).unwrap()],
        }),
        dns_domain: String::new(),
        subnets: vec![SubnetSpec { id: id(0x5ff), cidr, gateway: Some(lab.address(1).into()), dhcp: None }],
        metadata: None,
    }
}

pub fn port(number: u32, network: u32, address: &str, groups: &[u32]) -> PortSpec {
    PortSpec {
        network_id: id(network),
        mac: mac(number),
        fixed_ips: vec![FixedIp { subnet_id: id(0x500 + network), address: address.parse().unwrap() }],
        admin_up: true,
        port_security: true,
        allowed_pairs: Vec::new(),
        security_groups: groups.iter().map(|group| id(*group)).collect(),
        dns_names: vec![format!("vm{number}")],
        bound_host: Some("lab".into()),
    }
}

pub fn rule(number: u32, ingress: bool, protocol: Option<u8>, port: Option<u16>, remote: Remote) -> RuleSpec {
    RuleSpec { id: id(number), ingress, ipv6: false, protocol, port_min: port, port_max: port, remote }
}

/// Everything out, pings in.
pub fn usual_rules() -> Vec<RuleSpec> {
    vec![rule(0x900, false, None, None, Remote::Any), rule(0x901, true, Some(1), None, Remote::Any)]
}

/// What is to be seen of switches on this host: processes, namespaces, interfaces, tables, files.
pub fn traces() -> Vec<String> {
    let mut traces = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let program = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if ["ovsdb-server", "ovs-vswitchd", "ovn-northd", "ovn-controller"].contains(&program.trim()) {
            traces.push(format!("process {} {}", program.trim(), entry.file_name().display()));
        }
    }
    traces.extend(run("ip", "-o link").lines().map(|line| line.split(':').nth(1).unwrap().to_owned()));
    for directory in ["/run/netns", "/run/drystone"] {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        traces.extend(entries.map(|entry| entry.path().display().to_string()));
    }
    traces.extend(run("nft", "list tables").lines().map(str::to_owned));
    traces.sort();
    traces
}
