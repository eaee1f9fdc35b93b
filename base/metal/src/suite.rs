//! The tests that every driver passes, simulated or real.
//!
//! A driver's own tests call these with what its engine needs (an image that boots, a network that exists). They
//! demand only what both can promise: that calls may be repeated, that nothing is left, and that refusals have the
//! right sort. Each answers with the first promise that is broken.

use crate::driver::{Data, Disks, Driven, DriverError, Hypervisor, Machine, Nic, Switch};
use crate::network::{NetworkSpec, PortSpec, RouterSpec, SecurityGroupSpec};
use crate::object::Kind;
use crate::server::{ImageSource, MachineState};
use bytes::Bytes;
use futures_util::StreamExt;
use std::time::Duration;

/// What a suite answers: nothing, or the promise that is broken.
pub type Verdict = Result<(), String>;

fn holds(condition: bool, promise: &str) -> Verdict {
    if condition { Ok(()) } else { Err(promise.to_owned()) }
}

fn done<T>(result: Driven<T>, what: &str) -> Result<T, String> {
    result.map_err(|error| format!("{what}: {error}"))
}

async fn state(hypervisor: &dyn Hypervisor, id: &str) -> Result<Option<MachineState>, String> {
    Ok(done(hypervisor.machine(id).await, "machine")?.map(|machine| machine.state))
}

/// Runs a machine through its life. Its disks exist, the taps of its interfaces are made, no machine of its id is
/// known. `further` is an interface that can be plugged in while it runs.
pub async fn hypervisor_suite(
    hypervisor: &dyn Hypervisor,
    machine: &Machine,
    further: Option<&Nic>,
) -> Verdict {
    let id = machine.id.as_str();
    let facts = done(hypervisor.facts().await, "facts")?;
    holds(
        facts.vcpus > 0 && facts.memory_mib > 0 && !facts.name.is_empty(),
        "facts name a host that can run something",
    )?;
    holds(serde_json::from_str::<serde_json::Value>(&facts.cpu_info).is_ok(), "cpu_info is JSON")?;
    holds(state(hypervisor, id).await?.is_none(), "the machine is unknown at first")?;
    done(hypervisor.stop(id, None).await, "stopping what is not there")?;
    done(hypervisor.destroy(id).await, "destroying what is not there")?;
    holds(hypervisor.pause(id).await.is_err(), "what is not there cannot be paused")?;

    for _ in 0..2 {
        done(hypervisor.start(machine).await, "start")?;
        holds(state(hypervisor, id).await? == Some(MachineState::Running), "a started machine runs")?;
    }
    let known = done(hypervisor.machine(id).await, "machine")?.ok_or("a started machine is known")?;
    let mut ports: Vec<_> = machine.nics.iter().map(|nic| nic.port_id.clone()).collect();
    ports.sort();
    let mut plugged = known.ports.clone();
    plugged.sort();
    holds(plugged == ports, "a started machine has its ports")?;
    holds(known.incarnation == machine.incarnation, "a machine knows its incarnation")?;
    holds(
        done(hypervisor.machines().await, "machines")?.contains(&known),
        "machines() has what machine() has",
    )?;
    let later = Machine { incarnation: machine.incarnation + 1, ..machine.clone() };
    holds(
        matches!(hypervisor.start(&later).await, Err(DriverError::NotYet(_))),
        "no second incarnation starts beside the first",
    )?;
    let earlier = Machine { incarnation: machine.incarnation - 1, ..machine.clone() };
    holds(
        matches!(hypervisor.start(&earlier).await, Err(DriverError::Refused(_))),
        "an incarnation that is over does not start again",
    )?;
    let stray = Machine { id: "../stray".to_owned(), ..machine.clone() };
    holds(
        matches!(hypervisor.start(&stray).await, Err(DriverError::Refused(_))),
        "what cannot be the name of a file is no machine",
    )?;

    hypervisor_pauses(hypervisor, id).await?;
    if let Some(nic) = further {
        for _ in 0..2 {
            done(hypervisor.plug(id, nic).await, "plug")?;
        }
        let known = done(hypervisor.machine(id).await, "machine")?.ok_or("the machine is known")?;
        holds(known.ports.contains(&nic.port_id), "a plugged port is there")?;
        for _ in 0..2 {
            done(hypervisor.unplug(id, &nic.port_id).await, "unplug")?;
        }
        let known = done(hypervisor.machine(id).await, "machine")?.ok_or("the machine is known")?;
        holds(!known.ports.contains(&nic.port_id), "an unplugged port is gone")?;
    }
    holds(
        done(hypervisor.console_log(id, 10).await, "console_log")?.len() <= 10,
        "the log is cut to what is asked",
    )?;
    done(hypervisor.screen(id).await, "screen").map(drop)?;
    hypervisor_stops(hypervisor, machine, further).await
}

async fn hypervisor_pauses(hypervisor: &dyn Hypervisor, id: &str) -> Verdict {
    for _ in 0..2 {
        done(hypervisor.pause(id).await, "pause")?;
    }
    holds(state(hypervisor, id).await? == Some(MachineState::Paused), "a paused machine is paused")?;
    for _ in 0..2 {
        done(hypervisor.unpause(id).await, "unpause")?;
    }
    holds(state(hypervisor, id).await? == Some(MachineState::Running), "an unpaused machine runs")
}

async fn hypervisor_stops(hypervisor: &dyn Hypervisor, machine: &Machine, further: Option<&Nic>) -> Verdict {
    let id = machine.id.as_str();
    for kindly in [Some(Duration::from_secs(1)), None] {
        done(hypervisor.stop(id, kindly).await, "stop")?;
        let state = state(hypervisor, id).await?;
        holds(matches!(state, None | Some(MachineState::Off)), "a stopped machine is off")?;
    }
    let known = done(hypervisor.machine(id).await, "machine")?;
    holds(
        known.and_then(|known| known.stopped_because).is_none(),
        "a stop that was asked for has no reason",
    )?;
    done(hypervisor.start(machine).await, "start after stop")?;
    holds(state(hypervisor, id).await? == Some(MachineState::Running), "a stopped machine starts again")?;
    for _ in 0..2 {
        done(hypervisor.suspend(id).await, "suspend")?;
    }
    holds(state(hypervisor, id).await? == Some(MachineState::Suspended), "a suspended machine is suspended")?;
    if let Some(nic) = further {
        holds(
            matches!(hypervisor.plug(id, nic).await, Err(DriverError::NotYet(_))),
            "a suspended machine gets no interfaces",
        )?;
    }
    if !machine.nics.is_empty() {
        let bare = Machine { nics: Vec::new(), ..machine.clone() };
        holds(
            matches!(hypervisor.start(&bare).await, Err(DriverError::Refused(_))),
            "a suspended machine goes on with the interfaces that it had",
        )?;
    }
    done(hypervisor.start(machine).await, "start after suspend")?;
    holds(state(hypervisor, id).await? == Some(MachineState::Running), "a suspended machine goes on")?;
    for _ in 0..2 {
        done(hypervisor.destroy(id).await, "destroy")?;
    }
    holds(state(hypervisor, id).await?.is_none(), "a destroyed machine is unknown")?;
    let left = done(hypervisor.machines().await, "machines")?;
    holds(left.iter().all(|machine| machine.id != id), "nothing of a destroyed machine is left")
}

/// A network with a group, a port that is bound to this host, and a router on the network.
pub struct Wiring {
    /// The network's id and spec.
    pub network: (String, NetworkSpec),
    /// The security group's id and spec.
    pub group: (String, SecurityGroupSpec),
    /// The port's id and spec.
    pub port: (String, PortSpec),
    /// The router's id and spec.
    pub router: (String, RouterSpec),
}

/// Builds networks up in the wrong and the right order, and takes them down.
pub async fn switch_suite(switch: &dyn Switch, wiring: &Wiring) -> Verdict {
    let Wiring { network, group, port, router } = wiring;
    holds(
        matches!(switch.port(&port.0, 1, &port.1).await, Err(DriverError::NotYet(_))),
        "a port waits for its network",
    )?;
    holds(
        matches!(switch.router(&router.0, 1, &router.1).await, Err(DriverError::NotYet(_))),
        "a router waits for its networks",
    )?;
    for _ in 0..2 {
        done(switch.network(&network.0, 1, &network.1).await, "network")?;
    }
    holds(
        matches!(switch.port(&port.0, 1, &port.1).await, Err(DriverError::NotYet(_))),
        "a port waits for its groups",
    )?;
    for revision in [1, 1, 2] {
        done(switch.security_group(&group.0, revision, &group.1).await, "security_group")?;
        done(switch.port(&port.0, revision, &port.1).await, "port")?;
        done(switch.router(&router.0, revision, &router.1).await, "router")?;
    }
    let held = done(switch.held().await, "held")?;
    for (kind, id, revision) in [
        (Kind::Network, &network.0, 1),
        (Kind::SecurityGroup, &group.0, 2),
        (Kind::Port, &port.0, 2),
        (Kind::Router, &router.0, 2),
    ] {
        holds(
            held.contains(&(kind, id.clone(), revision)),
            &format!("{kind} is held at revision {revision}"),
        )?;
    }
    switch_plugs(switch, port, network.1.mtu).await?;
    for (kind, id) in [
        (Kind::Router, &router.0),
        (Kind::Port, &port.0),
        (Kind::SecurityGroup, &group.0),
        (Kind::Network, &network.0),
    ] {
        for _ in 0..2 {
            done(switch.remove(kind, id).await, "remove")?;
        }
    }
    let ours = [&network.0, &group.0, &port.0, &router.0];
    let held = done(switch.held().await, "held")?;
    holds(held.iter().all(|(_, id, _)| !ours.contains(&id)), "nothing is left of what was removed")
}

async fn switch_plugs(switch: &dyn Switch, port: &(String, PortSpec), mtu: u32) -> Verdict {
    let first = done(switch.plug(&port.0, &port.1.mac, mtu).await, "plug")?;
    let again = done(switch.plug(&port.0, &port.1.mac, mtu).await, "plug again")?;
    holds(first == again, "a port has one tap")?;
    holds(done(switch.plugged().await, "plugged")?.contains(&port.0), "a plugged port is told")?;
    let mut up = false;
    for _ in 0..100 {
        up = done(switch.port_up(&port.0).await, "port_up")?;
        if up {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    holds(up, "a plugged port comes up within five seconds")?;
    for _ in 0..2 {
        done(switch.unplug(&port.0).await, "unplug")?;
    }
    holds(!done(switch.plugged().await, "plugged")?.contains(&port.0), "an unplugged port has no tap")
}

/// Takes an image and makes disks of it. `bytes` are the image's data; its format is as `image` says.
pub async fn disks_suite(disks: &dyn Disks, image: &ImageSource, bytes: &[u8]) -> Verdict {
    let data = |bytes: &[u8]| -> Data {
        let chunks: Vec<_> = bytes.chunks(64 * 1024).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        futures_util::stream::iter(chunks).boxed()
    };
    let server = "5c1b0f5e-6a0b-4d0f-9d8e-d15c50000001";
    let (all, free) = done(disks.room().await, "room")?;
    holds(all > 0 && free <= all, "there is room")?;
    holds(!done(disks.has_image(image).await, "has_image")?, "the image is not there at first")?;
    let unsigned = ImageSource { sha512: String::new(), ..image.clone() };
    holds(
        matches!(disks.take_image(&unsigned, data(bytes)).await, Err(DriverError::Refused(_))),
        "an image without a hash is not taken",
    )?;
    holds(
        matches!(disks.root(server, 1, image, 1).await, Err(DriverError::NotYet(_))),
        "a root disk waits for its image",
    )?;
    holds(
        disks.take_image(image, data(&bytes[..bytes.len() - 1])).await.is_err(),
        "a short copy is refused",
    )?;
    let mut wrong = bytes.to_vec();
    wrong[0] ^= 1;
    holds(disks.take_image(image, data(&wrong)).await.is_err(), "a copy with other data is refused")?;
    holds(!done(disks.has_image(image).await, "has_image")?, "a refused copy does not count")?;
    for _ in 0..2 {
        done(disks.take_image(image, data(bytes)).await, "take_image")?;
    }
    holds(done(disks.has_image(image).await, "has_image")?, "the copy is there")?;
    done(disks.image_path(image).await, "image_path")?;

    for (id, gib) in [("../stray", 1), (server, u64::MAX)] {
        holds(
            matches!(disks.root(id, 1, image, gib).await, Err(DriverError::Refused(_))),
            "a disk has a name that can be one, and a size that can be one",
        )?;
    }
    let root = done(disks.root(server, 1, image, 1).await, "root")?;
    holds(done(disks.root(server, 1, image, 1).await, "root again")? == root, "a server has one root disk")?;
    done(disks.root(server, 1, image, 2).await, "a grown root disk")?;
    let blank = done(disks.blank(server, 1, "swap", 64).await, "blank")?;
    holds(
        done(disks.blank(server, 1, "swap", 64).await, "blank again")? == blank,
        "a blank disk is made once",
    )?;
    let files = vec![("openstack/latest/meta_data.json".to_owned(), b"{}".to_vec())];
    for _ in 0..2 {
        done(disks.config_drive(server, 1, &files).await, "config_drive")?;
    }
    holds(done(disks.servers().await, "servers")?.contains(&server.to_owned()), "the server has disks")?;
    holds(
        matches!(disks.forget_image(&image.id).await, Err(DriverError::NotYet(_))),
        "an image stays while a disk lies on it",
    )?;
    for _ in 0..2 {
        done(disks.remove(server).await, "remove")?;
    }
    holds(!done(disks.servers().await, "servers")?.contains(&server.to_owned()), "no disk is left")?;
    holds(done(disks.has_image(image).await, "has_image")?, "the image outlives the disks")?;
    done(disks.forget_images(std::slice::from_ref(&image.id), Duration::ZERO).await, "forget_images")?;
    holds(done(disks.has_image(image).await, "has_image")?, "an image in use is kept")?;
    done(disks.forget_images(&[], Duration::ZERO).await, "forget_images")?;
    holds(!done(disks.has_image(image).await, "has_image")?, "an unused image is forgotten")?;
    done(disks.take_image(image, data(bytes)).await, "take_image")?;
    for _ in 0..2 {
        done(disks.forget_image(&image.id).await, "forget_image")?;
    }
    holds(!done(disks.has_image(image).await, "has_image")?, "an image that shall be forgotten is")
}
