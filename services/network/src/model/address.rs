//! Addresses: pools, gateways, offsets within a subnet.

use super::faults;
use super::subnet::Pool;
use fault::Fault;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address as a number.
pub fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// The address of a number, of the sort that `like` is.
pub fn of_number(like: IpAddr, number: u128) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX))),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

/// How far an address is from the begin of its range. What lies beyond 2^63 is kept at that end: no pool of ours
/// hands out so many addresses, and uniqueness is by the address itself.
pub fn offset(net: IpNet, address: IpAddr) -> i64 {
    i64::try_from(number(address).saturating_sub(number(net.network()))).unwrap_or(i64::MAX)
}

/// The address so far from the begin of a range.
pub fn at_offset(net: IpNet, offset: i64) -> IpAddr {
    of_number(net.network(), number(net.network()) + u128::from(offset.unsigned_abs()))
}

/// The first and the last address of a range that ports may have.
pub fn usable(net: IpNet) -> (u128, u128) {
    let (first, last) = (number(net.network()), number(net.broadcast()));
    match net {
        IpNet::V4(net) if net.prefix_len() <= 30 => (first + 1, last - 1),
        IpNet::V4(_) => (first, last),
        IpNet::V6(_) if first == last => (first, last),
        IpNet::V6(_) => (first + 1, last),
    }
}

/// Whether a port may have the address.
pub fn fits(net: IpNet, address: IpAddr) -> bool {
    match net {
        IpNet::V4(_) => net.contains(&address) && address != net.network() && address != net.broadcast(),
        IpNet::V6(_) => net.contains(&address),
    }
}

/// The gateway that a subnet gets when nobody names one.
pub fn default_gateway(net: IpNet) -> IpAddr {
    match net {
        IpNet::V4(_) => of_number(net.network(), number(net.network()) + 1),
        IpNet::V6(_) => net.network(),
    }
}

/// The pools of a subnet: all that is usable, without the gateway.
pub fn default_pools(net: IpNet, gateway: Option<IpAddr>) -> Vec<Pool> {
    let (first, last) = usable(net);
    let pool = |start: u128, end: u128| {
        (start <= end)
            .then(|| Pool { start: of_number(net.network(), start), end: of_number(net.network(), end) })
    };
    match gateway.map(number).filter(|gateway| (first..=last).contains(gateway)) {
        None => pool(first, last).into_iter().collect(),
        Some(gateway) => {
            let before = if gateway > first { pool(first, gateway - 1) } else { None };
            before.into_iter().chain(pool(gateway + 1, last)).collect()
        }
    }
}

fn written(pool: &Pool) -> String {
    format!("{}-{}", pool.start, pool.end)
}

/// Refuses pools that lie outside of the subnet, overlap or hold the gateway.
pub fn check_pools(net: IpNet, gateway: Option<IpAddr>, pools: &[Pool]) -> Result<(), Fault> {
    let (first, last) = usable(net);
    for pool in pools {
        let same_sort =
            pool.start.is_ipv4() == net.network().is_ipv4() && pool.end.is_ipv4() == pool.start.is_ipv4();
        if !same_sort || number(pool.start) > number(pool.end) {
            let sentence = format!(
                "The allocation pool {{'start': '{}', 'end': '{}'}} is not valid.",
                pool.start, pool.end
            );
            return Err(faults::refused("InvalidAllocationPool", sentence));
        }
        if number(pool.start) < first || number(pool.end) > last {
            let sentence =
                format!("The allocation pool {} spans beyond the subnet cidr {net}.", written(pool));
            return Err(faults::refused("OutOfBoundsAllocationPool", sentence));
        }
    }
    for (at, pool) in pools.iter().enumerate() {
        let overlaps = |other: &&Pool| {
            number(other.start) <= number(pool.end) && number(pool.start) <= number(other.end)
        };
        if let Some(other) = pools[at + 1..].iter().find(overlaps) {
            let sentence = format!(
                "Found overlapping allocation pools: {} {} for subnet {net}.",
                written(pool),
                written(other)
            );
            return Err(faults::conflict("OverlappingAllocationPools", sentence));
        }
    }
    check_gateway_outside(gateway, pools)
}

/// Refuses a gateway inside of a pool.
pub fn check_gateway_outside(gateway: Option<IpAddr>, pools: &[Pool]) -> Result<(), Fault> {
    let Some(gateway) = gateway else { return Ok(()) };
    let inside = |pool: &&Pool| (number(pool.start)..=number(pool.end)).contains(&number(gateway));
    match pools.iter().find(inside) {
        None => Ok(()),
        Some(pool) => Err(faults::conflict(
            "GatewayConflictWithAllocationPools",
            format!("Gateway ip {gateway} conflicts with allocation pool {}.", written(pool)),
        )),
    }
}

/// Whether two ranges share addresses.
pub fn overlap(a: IpNet, b: IpNet) -> bool {
    a.contains(&b.network()) || b.contains(&a.network())
}

/// The address that a port with this MAC address makes itself in a subnet of IPv6 (EUI-64).
pub fn eui64(net: IpNet, mac: &str) -> Option<IpAddr> {
    let bytes: Vec<u8> = mac.split(':').filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
    let [a, b, c, d, e, f] = bytes.as_slice() else { return None };
    let host = u64::from_be_bytes([a ^ 2, *b, *c, 0xff, 0xfe, *d, *e, *f]);
    Some(of_number(net.network(), number(net.network()) | u128::from(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(net: &str, gateway: Option<&str>) -> Vec<String> {
        let gateway = gateway.map(|text| text.parse().unwrap());
        default_pools(net.parse().unwrap(), gateway).iter().map(written).collect()
    }

    #[test]
    fn pools_leave_out_network_gateway_and_broadcast() {
        assert_eq!(pools("10.0.0.0/24", Some("10.0.0.1")), ["10.0.0.2-10.0.0.254"]);
        assert_eq!(pools("10.0.0.0/24", Some("10.0.0.9")), ["10.0.0.1-10.0.0.8", "10.0.0.10-10.0.0.254"]);
        assert_eq!(pools("10.0.0.0/24", None), ["10.0.0.1-10.0.0.254"]);
        assert_eq!(pools("10.0.0.0/30", Some("10.0.0.1")), ["10.0.0.2-10.0.0.2"]);
        assert_eq!(pools("10.0.0.0/31", Some("10.0.0.1")), ["10.0.0.0-10.0.0.0"]);
        assert_eq!(pools("fd00::/64", Some("fd00::")), ["fd00::1-fd00::ffff:ffff:ffff:ffff"]);
    }

    #[test]
    fn a_port_makes_its_own_address() {
        let made = eui64("fd00::/64".parse().unwrap(), "fa:16:3e:00:00:01").unwrap();
        assert_eq!(made.to_string(), "fd00::f816:3eff:fe00:1");
    }
}
