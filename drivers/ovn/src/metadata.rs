//! Where guests ask for metadata: a namespace for each network, with the address 169.254.169.254 and a veth to the
//! network's metadata port. The server itself listens from outside: a socket stays in the namespace it was made in.
//!
//! A veth and not a port of Open vSwitch's own: the latter is dead after a restart of ovs-vswitchd.

use crate::chassis::{Database, INTEGRATION, in_kernel, interface_on};
use crate::namespace;
use crate::network::METADATA;
use crate::place::{Place, interface};
use crate::plug::nothing_of;
use crate::rows::{Draft, Owner, Transaction};
use ipnet::IpNet;
use metal::DriverError;
use metal::driver::Driven;
use metal::network::MetadataPort;
use std::collections::BTreeSet;
use std::net::TcpListener;

/// The veth's end in the namespace.
const INSIDE: &str = "md0";

fn owner(network_id: &str) -> Owner {
    Owner::new("metadata", network_id)
}

fn failed(error: std::io::Error) -> DriverError {
    DriverError::Failed(format!("metadata of the network cannot be answered: {error}"))
}

/// The veth's end on the bridge. On the host itself, names of several clouds meet.
fn outside(place: &Place, space: Option<&str>, network_id: &str) -> String {
    match space {
        Some(_) => interface("md", network_id),
        None => place.host_interface(&format!("metadata {network_id}")),
    }
}

/// The namespace is there, has the port's addresses and is on the bridge.
pub async fn ensure(
    switch: &Database,
    place: &Place,
    space: Option<&str>,
    network_id: &str,
    (port, mtu): (&MetadataPort, u32),
) -> Driven<()> {
    let home = place.metadata_namespace(network_id);
    let name = outside(place, space, network_id);
    if !namespace::exists(&home) {
        namespace::ip(None, &[format!("netns add {home}")], false).await.map_err(failed)?;
    }
    let here = name.clone();
    let there =
        namespace::within(space, move || Ok(namespace::has_interface(&here))).await.map_err(failed)?;
    let look = || Ok((namespace::has_interface(INSIDE), namespace::addresses(INSIDE)?));
    let (inside, now) = namespace::within(Some(&home), look).await.map_err(failed)?;
    let mut lines = Vec::new();
    if !(there && inside) {
        if there {
            lines.push(format!("link del dev {name}"));
        }
        lines.push(format!("link add dev {name} type veth peer name {INSIDE} netns {home}"));
    }
    lines.push(format!("link set dev {name} mtu {mtu} up"));
    namespace::ip(space, &lines, false).await.map_err(failed)?;
    let now = if there { now } else { BTreeSet::new() };
    namespace::ip(Some(&home), &inside_lines(port, mtu, &now), false).await.map_err(failed)?;
    if !switch.read(in_kernel) {
        namespace::within(Some(&home), || namespace::finish_checksums(INSIDE)).await.map_err(failed)?;
    }
    switch
        .settle(|replica| {
            let Some((interface, row)) = interface_on(replica, INTEGRATION, &name) else {
                return Err(DriverError::NotYet(format!("the bridge {INTEGRATION} is not there yet")));
            };
            let mut draft = Draft::new(replica);
            draft.owns(&owner(network_id), vec![interface.external("iface-id", &port.id), row]);
            Ok(draft.finish())
        })
        .await
}

fn inside_lines(port: &MetadataPort, mtu: u32, now: &BTreeSet<IpNet>) -> Vec<String> {
    let mut lines = vec![
        "link set dev lo up".to_owned(),
        format!("link set dev {INSIDE} address {} mtu {mtu} up", port.mac),
    ];
    let metadata = IpNet::new(METADATA.into(), 32).ok();
    let wanted = port.addresses.iter().copied().chain(metadata).collect();
    lines.extend(namespace::address_lines(INSIDE, now, &wanted));
    lines
}

/// Nothing of it is left.
pub async fn remove(switch: &Database, place: &Place, space: Option<&str>, network_id: &str) -> Driven<()> {
    switch.settle(|replica| Ok::<Transaction, DriverError>(nothing_of(replica, &owner(network_id)))).await?;
    let name = outside(place, space, network_id);
    let here = name.clone();
    if namespace::within(space, move || Ok(namespace::has_interface(&here))).await.map_err(failed)? {
        namespace::ip(space, &[format!("link del dev {name}")], false).await.map_err(failed)?;
    }
    let home = place.metadata_namespace(network_id);
    if namespace::exists(&home) {
        namespace::ip(None, &[format!("netns del {home}")], false).await.map_err(failed)?;
    }
    Ok(())
}

/// A socket on which guests of the network ask.
pub async fn listener(place: &Place, network_id: &str) -> Driven<Option<TcpListener>> {
    let home = place.metadata_namespace(network_id);
    if !namespace::exists(&home) {
        return Ok(None);
    }
    let listen = || {
        TcpListener::bind((METADATA, 80)).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        })
    };
    namespace::within(Some(&home), listen).await.map_err(failed).map(Some)
}
