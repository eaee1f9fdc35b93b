//! Which addresses the outside of a new cloud gets: clouds of one host are neighbours there, and each needs a range of
//! its own. The first that nobody has is taken, so that a host's only cloud has the usual one.
//!
//! The link of a cloud keeps its range for it, even while the cloud is down: the host has an address of it. Between the
//! choice and that address lies the first start; until its process ends, a lock keeps others off.

use ipnet::{IpNet, Ipv4Net};
use std::io;
use std::net::Ipv4Addr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Ranges that are tried.
const MANY: usize = 200;

/// A range for a new cloud. Others leave it alone as long as this is held.
#[derive(Debug)]
pub struct Range {
    /// The range.
    pub net: Ipv4Net,
    _lock: UnixDatagram,
}

/// The first range from `first` on, of the same size, that no other cloud and nothing else on this host has. The error is
/// a sentence for the operator.
pub fn free_range(first: Ipv4Net) -> Result<Range, String> {
    let told = |error: io::Error| format!("The host's addresses cannot be told from free ones: {error}.");
    for net in ranges(first) {
        // Looked at under the lock: another cloud lets go of it only when its link has the address.
        if let Some(lock) = lock(net).map_err(told)?
            && !addresses().map_err(told)?.iter().any(|(_, address)| net.contains(address))
        {
            return Ok(Range { net, _lock: lock });
        }
    }
    Err(format!(
        "This host has addresses in {MANY} ranges from {first} on: none is left for the external network."
    ))
}

/// The IPv4 addresses of this host and their interfaces.
fn addresses() -> io::Result<Vec<(String, Ipv4Addr)>> {
    let all = nix::ifaddrs::getifaddrs()?;
    Ok(all.filter_map(|one| Some((one.interface_name, one.address?.as_sockaddr_in()?.ip()))).collect())
}

/// The ranges of the size of `first`, from it on.
fn ranges(first: Ipv4Net) -> impl Iterator<Item = Ipv4Net> {
    let step = u32::MAX.checked_shr(u32::from(first.prefix_len())).map_or(1, |hosts| hosts.saturating_add(1));
    let nth = move |number: u32| {
        let start = u32::from(first.network()).checked_add(number.checked_mul(step)?)?;
        Ipv4Net::new(start.into(), first.prefix_len()).ok()
    };
    (0..).map_while(nth).take(MANY)
}

/// The lock on a range; `None` when another process has it. It is a name among the sockets of this network namespace,
/// which is as far as addresses reach: nothing of it is left when its process ends.
fn lock(net: Ipv4Net) -> io::Result<Option<UnixDatagram>> {
    let name = SocketAddr::from_abstract_name(format!("drystone range {net}"))?;
    match UnixDatagram::bind_addr(&name) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
        Err(error) => Err(error),
    }
}

/// The interface of this host, other than `own`, that has an address in one of these ranges.
pub fn other_holder(own: &str, ranges: &[IpNet]) -> io::Result<Option<(String, IpNet)>> {
    let others = addresses()?.into_iter().filter(|(interface, _)| interface != own);
    Ok(others.into_iter().find_map(|(interface, address)| {
        let range =
            ranges.iter().find(|range| range.contains(&IpNet::from(std::net::IpAddr::V4(address))))?;
        Some((interface, *range))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_each_other_and_a_lock_keeps_others_off() {
        let first: Ipv4Net = "192.0.2.0/24".parse().unwrap();
        let some: Vec<String> = ranges(first).take(2).map(|net| net.to_string()).collect();
        assert_eq!(some, ["192.0.2.0/24", "192.0.3.0/24"]);
        assert_eq!(ranges("255.255.255.0/24".parse().unwrap()).count(), 1);
        let held = lock(first).unwrap().expect("nobody has it");
        assert!(lock(first).unwrap().is_none());
        drop(held);
        assert!(lock(first).unwrap().is_some());
    }

    #[test]
    fn what_the_host_has_is_not_given_to_a_cloud() {
        let local: Ipv4Net = "127.0.0.0/24".parse().unwrap();
        let range = free_range(local).unwrap();
        assert_eq!(range.net.to_string(), "127.0.1.0/24");
        assert_eq!(free_range(local).unwrap().net.to_string(), "127.0.2.0/24");
        let ranges = [IpNet::V4(local)];
        assert_eq!(other_holder("eth7", &ranges).unwrap(), Some(("lo".to_owned(), ranges[0])));
        assert_eq!(other_holder("lo", &ranges).unwrap(), None);
    }
}
