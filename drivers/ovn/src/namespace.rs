//! Network namespaces: work done inside one, and the `ip` command.
//!
//! A thread that entered a namespace never serves anything else: it does its piece of work and ends. Tokio's workers
//! stay where they are.

use ipnet::IpNet;
use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Where `ip netns` keeps the names.
const NAMES: &str = "/run/netns";

/// Where a program is. A service's search path may lack the directories of administrators' programs.
pub fn program(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let further = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"].map(PathBuf::from);
    std::env::split_paths(&paths)
        .chain(further)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

/// A program to be run: by its path, or by its name so that the failure names it.
pub fn command(name: &str) -> Command {
    Command::new(program(name).unwrap_or_else(|| PathBuf::from(name)))
}

/// The file behind a namespace's name.
pub fn path(name: &str) -> PathBuf {
    Path::new(NAMES).join(name)
}

/// The namespace has a name (and is not just an empty file left by a crash).
pub fn exists(name: &str) -> bool {
    matches!(nix::sys::statfs::statfs(&path(name)), Ok(found) if found.filesystem_type() == nix::sys::statfs::NSFS_MAGIC)
}

/// All names that begin with `prefix`.
pub fn names(prefix: &str) -> Vec<String> {
    let entries = std::fs::read_dir(NAMES).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .collect()
}

/// Runs `work` on a thread of its own inside a namespace (`None`: the host's).
pub async fn within<T: Send + 'static>(
    namespace: Option<&str>,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let namespace = namespace.map(path);
    let (done, result) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("namespace".to_owned()).spawn(move || {
        let enter = || match &namespace {
            Some(path) => {
                let file = std::fs::File::open(path)?;
                Ok(nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET)?)
            }
            None => Ok(()),
        };
        let outcome = enter().and_then(|()| work());
        // The caller may have gone away.
        let _ = done.send(outcome);
    })?;
    result.await.map_err(|_| io::Error::other("the thread in the namespace panicked"))?
}

/// Runs lines of the `ip` command, in a namespace or on the host. `go_on` continues after a line that fails.
pub async fn ip(namespace: Option<&str>, lines: &[String], go_on: bool) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut command = command("ip");
    if let Some(name) = namespace {
        command.args(["-n", name]);
    }
    if go_on {
        command.arg("-force");
    }
    feed(command.args(["-batch", "-"]), &(lines.join("\n") + "\n")).await
}

/// Runs a command with this input; its complaint is the error.
pub async fn feed(command: &mut Command, input: &str) -> io::Result<()> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child =
        command.spawn().map_err(|error| io::Error::other(format!("cannot run `{name}`: {error}")))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not want its input says why on its standard error.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = child.wait_with_output().await?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("`{name}` failed: {complaint}; it was given: {}", input.trim())))
}

/// The interface is in the namespace of the calling thread.
pub fn has_interface(name: &str) -> bool {
    nix::net::if_::if_nametoindex(name).is_ok()
}

/// The addresses of an interface in the namespace of the calling thread, without those that IPv6 gives itself.
pub fn addresses(interface: &str) -> io::Result<BTreeSet<IpNet>> {
    let mut found = BTreeSet::new();
    for one in nix::ifaddrs::getifaddrs()?.filter(|one| one.interface_name == interface) {
        let ip = |storage: Option<nix::sys::socket::SockaddrStorage>| -> Option<IpAddr> {
            let storage = storage?;
            let v4 = storage.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
            v4.or_else(|| storage.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
        };
        if let (Some(address), Some(mask)) = (ip(one.address), ip(one.netmask))
            && !matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
        {
            found.insert(IpNet::with_netmask(address, mask).map_err(io::Error::other)?);
        }
    }
    Ok(found)
}

/// The lines of `ip` that give an interface exactly these addresses. Those that it has stay: connections use them.
pub fn address_lines(interface: &str, now: &BTreeSet<IpNet>, wanted: &BTreeSet<IpNet>) -> Vec<String> {
    let mut lines: Vec<String> =
        now.difference(wanted).map(|one| format!("address del {one} dev {interface}")).collect();
    let without_check = |one: &IpNet| if one.addr().is_ipv6() { " nodad" } else { "" };
    let missing = wanted.difference(now);
    lines.extend(missing.map(|one| format!("address add {one} dev {interface}{}", without_check(one))));
    lines
}

/// Lets the kernel fill in every checksum before a packet leaves this interface (and so do without segmentation
/// offload). Without it the userspace datapath sees packets with unfinished checksums and its connection tracking
/// drops all TCP, silently.
pub fn finish_checksums(interface: &str) -> io::Result<()> {
    /// `struct ethtool_value` of linux/ethtool.h.
    #[repr(C)]
    struct EthtoolValue {
        command: u32,
        data: u32,
    }
    const ETHTOOL_STXCSUM: u32 = 0x17;
    const SIOCETHTOOL: u32 = 0x8946;
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    let mut value = EthtoolValue { command: ETHTOOL_STXCSUM, data: 0 };
    let data = libc::__c_anonymous_ifr_ifru { ifru_data: (&raw mut value).cast() };
    let mut request = libc::ifreq { ifr_name: [0; libc::IFNAMSIZ], ifr_ifru: data };
    if interface.len() >= libc::IFNAMSIZ {
        return Err(io::Error::other(format!("{interface} is too long for the name of an interface")));
    }
    for (slot, byte) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *slot = byte.cast_signed();
    }
    #[expect(unsafe_code, reason = "SIOCETHTOOL has no safe wrapper")]
    // SAFETY: `request` is an ifreq with a terminated name; its data points at `value`, which has the layout that
    // ETHTOOL_STXCSUM expects and outlives the call.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL as _, &raw mut request) };
    match answer {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
