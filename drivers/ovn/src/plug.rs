//! Taps: where a machine's network card meets the integration bridge.
//!
//! A tap is persistent, so that it is there before the hypervisor starts and while it restarts. Its row says which
//! port it is; ovn-controller then wires it up.

use crate::chassis::{Database, INTEGRATION, in_kernel, interface_on};
use crate::namespace;
use crate::place::interface;
use crate::rows::{Draft, Owner, Transaction, find};
use metal::DriverError;
use metal::driver::{Driven, Tap};

const KIND: &str = "tap";

fn owner(port_id: &str) -> Owner {
    Owner::new(KIND, port_id)
}

fn failed(error: std::io::Error) -> DriverError {
    DriverError::Failed(error.to_string())
}

async fn is_there(space: Option<&str>, name: &str) -> Driven<bool> {
    let name = name.to_owned();
    namespace::within(space, move || Ok(namespace::has_interface(&name))).await.map_err(failed)
}

/// The tap exists and is on the bridge.
pub async fn ensure(
    switch: &Database,
    space: Option<&str>,
    port_id: &str,
    mac: &str,
    mtu: u32,
) -> Driven<Tap> {
    let name = interface("ds", port_id);
    let mut lines = Vec::new();
    if !is_there(space, &name).await? {
        lines.push(format!("tuntap add dev {name} mode tap"));
    }
    lines.push(format!("link set dev {name} mtu {mtu} up"));
    namespace::ip(space, &lines, false).await.map_err(failed)?;
    switch
        .settle(|replica| {
            let Some((interface, port)) = interface_on(replica, INTEGRATION, &name) else {
                return Err(DriverError::NotYet(format!("the bridge {INTEGRATION} is not there yet")));
            };
            let mut draft = Draft::new(replica);
            let interface = interface.external("iface-id", port_id).external("attached-mac", mac);
            draft.owns(&owner(port_id), vec![interface, port]);
            Ok(draft.finish())
        })
        .await?;
    Ok(Tap { name, namespace: space.map(str::to_owned), offloads: switch.read(in_kernel) })
}

/// The tap is gone.
pub async fn remove(switch: &Database, space: Option<&str>, port_id: &str) -> Driven<()> {
    switch.settle(|replica| Ok::<Transaction, DriverError>(nothing_of(replica, &owner(port_id)))).await?;
    let name = interface("ds", port_id);
    if !is_there(space, &name).await? {
        return Ok(());
    }
    match namespace::ip(space, &[format!("link del dev {name}")], false).await {
        // The port's own end and its server's meet here: the other one was quicker.
        Err(error) if is_there(space, &name).await? => Err(failed(error)),
        _ => Ok(()),
    }
}

/// The ports that have a tap.
pub fn ports(switch: &Database) -> Vec<String> {
    switch.read(|replica| {
        let ids = replica.rows("Interface").filter_map(|(_, row)| {
            let ours = crate::rows::label(row, "kind") == Some(KIND);
            crate::rows::label(row, "id").filter(|_| ours).map(str::to_owned)
        });
        ids.collect()
    })
}

/// Why the switch cannot use the tap, if it says so.
pub fn complaint(switch: &Database, port_id: &str) -> Option<String> {
    switch.read(|replica| {
        let (_, row) = find(replica, &owner(port_id), "interface")?;
        row.get("error")?.atoms().next()?.text().map(str::to_owned)
    })
}

/// What removes all rows of an owner.
pub fn nothing_of(replica: &crate::ovsdb::Replica, owner: &Owner) -> Transaction {
    let mut draft = Draft::new(replica);
    draft.owns(owner, Vec::new());
    draft.finish()
}
