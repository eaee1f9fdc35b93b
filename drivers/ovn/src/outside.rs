//! The link between the host and a physical network of ours: a veth with the addresses that the specification gives
//! the host. Where no real wire leaves the machine, the host is the outside: it reaches floating IPs over this link,
//! and guests reach the world through it.

use crate::chassis::{Database, interface_on, mappings};
use crate::masquerade;
use crate::namespace;
use crate::ovsdb::Datum;
use crate::place::{Place, interface};
use crate::plug::nothing_of;
use crate::range;
use crate::rows::{Draft, Owner, Transaction};
use metal::DriverError;
use metal::driver::Driven;
use metal::network::Provider;

fn owner(network_id: &str) -> Owner {
    Owner::new("outside", network_id)
}

fn failed(error: std::io::Error) -> DriverError {
    DriverError::Failed(format!("the host cannot be linked to the external network: {error}"))
}

/// The link is there, with exactly these addresses on the host's side.
pub async fn ensure(
    switch: &Database,
    place: &Place,
    network_id: &str,
    (provider, mtu): (&Provider, u32),
    masqueraded: bool,
) -> Driven<()> {
    let space = place.namespace();
    let (host, inner) = (place.host_interface(network_id), interface("dx", network_id));
    if let Some((other, range)) = range::other_holder(&host, &provider.host_addresses).map_err(failed)? {
        return Err(DriverError::Refused(format!(
            "the host has addresses of {} on its interface {other} already: another cloud's, or its own network's",
            range.trunc()
        )));
    }
    let far = inner.clone();
    let whole = namespace::has_interface(&host)
        && namespace::within(Some(&space), move || Ok(namespace::has_interface(&far)))
            .await
            .map_err(failed)?;
    if !whole {
        let mut lines = Vec::new();
        if namespace::has_interface(&host) {
            lines.push(format!("link del dev {host}"));
        }
        lines.push(format!("link add dev {host} type veth peer name {inner} netns {space}"));
        namespace::ip(None, &lines, false).await.map_err(failed)?;
    }
    namespace::ip(Some(&space), &[format!("link set dev {inner} mtu {mtu} up")], false)
        .await
        .map_err(failed)?;
    let mut lines = vec![format!("link set dev {host} mtu {mtu} up")];
    let wanted = provider.host_addresses.iter().copied().collect();
    lines.extend(namespace::address_lines(&host, &namespace::addresses(&host).map_err(failed)?, &wanted));
    namespace::ip(None, &lines, false).await.map_err(failed)?;
    namespace::finish_checksums(&host).map_err(failed)?;
    namespace::within(Some(&space), move || namespace::finish_checksums(&inner)).await.map_err(failed)?;
    on_bridge(switch, network_id, provider).await?;
    if masqueraded {
        masquerade::ensure(place, &host, &provider.host_addresses).await.map_err(failed)?;
    }
    Ok(())
}

async fn on_bridge(switch: &Database, network_id: &str, provider: &Provider) -> Driven<()> {
    let inner = interface("dx", network_id);
    switch
        .settle(|replica| {
            let bridges = mappings(replica);
            let found = bridges.iter().find(|(network, _)| *network == provider.physical_network);
            let Some((interface, port)) = found.and_then(|(_, bridge)| interface_on(replica, bridge, &inner))
            else {
                return Err(DriverError::Refused(format!(
                    "this host has no physical network {:?}: add it to the configuration",
                    provider.physical_network
                )));
            };
            let port = port.with("tag", Datum::set(provider.vlan.map(i64::from)));
            let mut draft = Draft::new(replica);
            draft.owns(&owner(network_id), vec![interface, port]);
            Ok(draft.finish())
        })
        .await
}

/// Nothing of the link is left.
pub async fn remove(switch: &Database, place: &Place, network_id: &str) -> Driven<()> {
    switch.settle(|replica| Ok::<Transaction, DriverError>(nothing_of(replica, &owner(network_id)))).await?;
    let host = place.host_interface(network_id);
    if namespace::has_interface(&host) {
        namespace::ip(None, &[format!("link del dev {host}")], false).await.map_err(failed)?;
        masquerade::forget(place, &host).await.map_err(failed)?;
    }
    Ok(())
}
