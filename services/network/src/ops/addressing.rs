//! Which addresses a port gets: those that are asked for, or one of each sort that its network has.

use crate::Network;
use crate::model::port::{FixedIp, PortRow, owner};
use crate::model::subnet::Subnet;
use crate::model::{address, faults};
use crate::store as rows;
use fault::Fault;
use serde_json::Value;
use std::net::IpAddr;
use store::Tx;

/// An address that is asked for: of a subnet, the very address, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The subnet.
    pub subnet_id: Option<String>,
    /// The address.
    pub address: Option<IpAddr>,
}

impl Asked {
    /// From `fixed_ips` of a body that was checked.
    pub fn list(items: &[Value]) -> Vec<Self> {
        let one = |item: &Value| Self {
            subnet_id: item["subnet_id"].as_str().map(str::to_owned),
            address: item["ip_address"].as_str().and_then(|text| text.parse().ok()),
        };
        items.iter().map(one).collect()
    }

    /// Exactly this address.
    pub fn exactly(subnet_id: &str, address: IpAddr) -> Self {
        Self { subnet_id: Some(subnet_id.to_owned()), address: Some(address) }
    }
}

impl Network {
    /// Gives a port the addresses that are asked for, beginning at `place`; without any asked for, one of each sort.
    pub(crate) fn addresses_take(
        &self,
        tx: &Tx,
        port: &PortRow,
        asked: Option<&[Asked]>,
        place: usize,
    ) -> Result<Vec<FixedIp>, Fault> {
        let subnets = rows::subnet::of_network(tx, &port.network_id)?;
        let mut taken = Vec::new();
        match asked {
            Some(asked) => {
                for one in asked {
                    let fixed = asked_take(tx, port, &subnets, one, place + taken.len())?;
                    taken.push(fixed);
                }
            }
            None => {
                for family in [4, 6] {
                    let candidates = candidates(port, &subnets, family)?;
                    taken.extend(any_take(tx, port, &candidates, place + taken.len())?);
                }
            }
        }
        if !port.is_router_port() && asked.is_none_or(|asked| !asked.is_empty()) {
            let auto = subnets.iter().filter(|subnet| subnet.is_auto());
            let missing: Vec<_> =
                auto.filter(|subnet| taken.iter().all(|fixed| fixed.subnet_id != subnet.id)).collect();
            for subnet in missing {
                taken.extend(own_take(tx, port, subnet, place + taken.len())?);
            }
        }
        Ok(taken)
    }
}

/// The subnets that a port of this owner gets addresses from: those kept for it first.
fn candidates<'a>(port: &PortRow, subnets: &'a [Subnet], family: i64) -> Result<Vec<&'a Subnet>, Fault> {
    let of_family: Vec<&Subnet> =
        subnets.iter().filter(|subnet| subnet.ip_version == family && !subnet.is_auto()).collect();
    let kept = |subnet: &&&Subnet| subnet.service_types.0.contains(&port.device_owner);
    let open = |subnet: &&&Subnet| subnet.service_types.0.is_empty();
    let mut fitting: Vec<&Subnet> = of_family.iter().filter(kept).copied().collect();
    fitting.extend(of_family.iter().filter(open).copied());
    if fitting.is_empty() && !of_family.is_empty() && subnets.iter().all(|subnet| subnet.ip_version == family)
    {
        let sentence = format!(
            "No valid service subnet for the given device owner, network {}, service type {}.",
            port.network_id, port.device_owner
        );
        return Err(faults::conflict("IpAddressGenerationFailureNoMatchingSubnet", sentence));
    }
    Ok(fitting)
}

/// The first free address of the subnets; none without subnets, a fault when all are full.
fn any_take(tx: &Tx, port: &PortRow, subnets: &[&Subnet], place: usize) -> Result<Option<FixedIp>, Fault> {
    for subnet in subnets {
        if let Some(address) = rows::port::address_free(tx, subnet)?
            && rows::port::address_take(tx, port, subnet, address, place)?
        {
            rows::port::cursor_put(tx, subnet, address)?;
            return Ok(Some(FixedIp { subnet_id: subnet.id.clone(), address }));
        }
    }
    if subnets.is_empty() { Ok(None) } else { Err(faults::no_address_left(&port.network_id)) }
}

/// The address that the port makes itself.
fn own_take(tx: &Tx, port: &PortRow, subnet: &Subnet, place: usize) -> Result<Option<FixedIp>, Fault> {
    let Some(address) = subnet.net().and_then(|net| address::eui64(net, &port.mac)) else { return Ok(None) };
    let free = rows::port::address_take(tx, port, subnet, address, place)?;
    Ok(free.then(|| FixedIp { subnet_id: subnet.id.clone(), address }))
}

fn asked_take(
    tx: &Tx,
    port: &PortRow,
    subnets: &[Subnet],
    asked: &Asked,
    place: usize,
) -> Result<FixedIp, Fault> {
    let subnet = subnet_for(tx, port, subnets, asked)?;
    let Some(address) = asked.address else {
        let taken = match subnet.is_auto() && !port.is_router_port() {
            true => own_take(tx, port, subnet, place)?,
            false => any_take(tx, port, &[subnet], place)?,
        };
        return taken.ok_or_else(|| faults::no_address_left(&port.network_id));
    };
    if rows::port::address_take(tx, port, subnet, address, place)? {
        return Ok(FixedIp { subnet_id: subnet.id.clone(), address });
    }
    let sentence = format!("IP address {address} already allocated in subnet {}", subnet.id);
    Err(faults::conflict("IpAddressAlreadyAllocated", sentence))
}

fn subnet_for<'a>(
    tx: &Tx,
    port: &PortRow,
    subnets: &'a [Subnet],
    asked: &Asked,
) -> Result<&'a Subnet, Fault> {
    if subnets.is_empty() {
        return Err(faults::invalid("IP allocation requires subnets for network"));
    }
    let router = port.is_router_port() || port.device_owner == owner::DISTRIBUTED;
    let fits = |subnet: &Subnet, address: IpAddr| match subnet.net() {
        Some(net) if router && net.addr().is_ipv6() => net.contains(&address),
        Some(net) => address::fits(net, address),
        None => false,
    };
    match (&asked.subnet_id, asked.address) {
        (Some(id), address) => {
            let Some(subnet) = subnets.iter().find(|subnet| subnet.id == *id) else {
                rows::subnet::find(tx, id)?;
                return Err(faults::invalid(format!(
                    "Failed to create port on network {}, because fixed_ips included invalid subnet {id}",
                    port.network_id
                )));
            };
            match address {
                Some(address) if !fits(subnet, address) => Err(faults::refused(
                    "InvalidIpForSubnet",
                    format!("IP address {address} is not a valid IP for the specified subnet."),
                )),
                _ => Ok(subnet),
            }
        }
        (None, None) => Err(faults::invalid("IP allocation requires subnet_id or ip_address")),
        (None, Some(address)) => subnets.iter().find(|subnet| fits(subnet, address)).ok_or_else(|| {
            faults::refused(
                "InvalidIpForNetwork",
                format!(
                    "IP address {address} is not a valid IP for any of the subnets on the specified network."
                ),
            )
        }),
    }
}
