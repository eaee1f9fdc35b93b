//! Ports: realised by the switch; whether their link is up is told as it changes.
//!
//! A port that goes is waited for by nobody who still names it: if a running machine has it and is not about to give
//! it up, it is pulled out, because the tombstone says that it goes.

use super::{BRIEF, Outcome, failed, limit, realise, take_off};
use crate::core::{Core, Key};
use crate::ledger::Entry;
use metal::network::PortSpec;
use metal::{DriverError, Kind, Observed};

pub(super) async fn reach(core: &Core, key: &Key, entry: &Entry, spec: &PortSpec) -> Outcome {
    let call = core.parts.switch.port(&key.1, entry.wanted.revision, spec);
    let outcome = realise(core, entry, call).await;
    if matches!(outcome, Outcome::Settled(_)) {
        match limit(BRIEF, "the switch", core.parts.switch.port_up(&key.1)).await {
            Ok(up) => core.board.tell(&entry.wanted, Observed::Applied { up }),
            Err(error) => return failed(core, entry, &error),
        }
    }
    outcome
}

pub(super) async fn remove(core: &Core, key: &Key, entry: &Entry) -> Outcome {
    let servers = core.ledger.users(key);
    if !servers.iter().any(|server| super::is_letting_go(core, server, key)) {
        for server in servers.iter().filter(|(kind, _)| *kind == Kind::Server) {
            if let Err(error) = pull_out(core, key, server).await {
                return failed(core, entry, &error);
            }
        }
    }
    take_off(core, key, entry).await
}

async fn pull_out(core: &Core, port: &Key, server: &Key) -> Result<(), DriverError> {
    let machine = limit(BRIEF, "the hypervisor", core.parts.hypervisor.machine(&server.1)).await?;
    if machine.is_some_and(|machine| machine.ports.contains(&port.1)) {
        limit(BRIEF, "the hypervisor", core.parts.hypervisor.unplug(&server.1, &port.1)).await?;
    }
    limit(BRIEF, "the switch", core.parts.switch.unplug(&port.1)).await
}
