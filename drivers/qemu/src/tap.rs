//! Opens taps that a switch made, in the network namespace where they are.
//!
//! QEMU gets the open descriptor and never learns about namespaces. A tap that is missing is not made here: opening it
//! would silently create one that no switch knows.

use metal::driver::{Driven, DriverError, Tap};
use nix::sched::{CloneFlags, setns};
use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

mod request {
    //! `TUNSETIFF`: attaches a descriptor to a tap.
    nix::ioctl_write_int!(attach, b'T', 202);
}

/// `struct ifreq` as far as `TUNSETIFF` reads it.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; libc::IFNAMSIZ],
    flags: libc::c_short,
    rest: [u8; 22],
}

/// The open tap. Answers [`DriverError::NotYet`] while it is missing or another process has it.
pub async fn open(tap: &Tap) -> Driven<OwnedFd> {
    let tap = tap.clone();
    // A thread of its own: it enters the namespace and ends there, so that no other work ever runs in it.
    let opening = tokio::task::spawn_blocking(move || {
        std::thread::scope(|scope| scope.spawn(|| open_here(&tap)).join())
    });
    match opening.await {
        Ok(Ok(opened)) => opened,
        _ => Err(DriverError::Failed("the thread that opens taps ended".into())),
    }
}

fn open_here(tap: &Tap) -> Driven<OwnedFd> {
    if let Some(namespace) = &tap.namespace {
        enter(namespace)?;
    }
    let failed = |what: &str, error: std::io::Error| {
        DriverError::Failed(format!("cannot {what} the tap {}: {error}", tap.name))
    };
    if nix::net::if_::if_nametoindex(tap.name.as_str()).is_err() {
        return Err(DriverError::NotYet(format!("there is no tap {} yet", tap.name)));
    }
    let tun = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open("/dev/net/tun")
        .map_err(|error| failed("open /dev/net/tun (is the kernel module tun loaded?) for", error))?;
    match attach(&tun, tap) {
        Ok(()) => Ok(tun.into()),
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
            Err(DriverError::NotYet(format!("the tap {} is still held by another process", tap.name)))
        }
        Err(error) => Err(failed("attach to", error)),
    }
}

fn enter(namespace: &str) -> Driven<()> {
    if namespace.is_empty() || namespace.contains('/') || namespace.starts_with('.') {
        return Err(DriverError::Refused(format!("{namespace:?} is no name of a network namespace")));
    }
    let path = Path::new("/run/netns").join(namespace);
    let file = File::open(&path).map_err(|error| {
        DriverError::NotYet(format!("cannot open the network namespace {}: {error}", path.display()))
    })?;
    setns(&file, CloneFlags::CLONE_NEWNET).map_err(|error| {
        DriverError::Failed(format!("cannot enter the network namespace {namespace} (needs root): {error}"))
    })
}

fn attach(tun: &File, tap: &Tap) -> std::io::Result<()> {
    use std::os::fd::AsRawFd;
    let mut request = InterfaceRequest { name: [0; libc::IFNAMSIZ], flags: 0, rest: [0; 22] };
    if tap.name.len() >= libc::IFNAMSIZ {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    request.name[..tap.name.len()].copy_from_slice(tap.name.as_bytes());
    let mut flags = libc::IFF_TAP | libc::IFF_NO_PI;
    if tap.offloads {
        flags |= libc::IFF_VNET_HDR;
    }
    request.flags = libc::c_short::try_from(flags).unwrap_or(0);
    let address = std::ptr::from_ref(&request) as libc::c_ulong;
    #[expect(unsafe_code, reason = "ioctl has no safe form")]
    // SAFETY: TUNSETIFF reads one `struct ifreq` at the address, which lives until after the call.
    let attached = unsafe { request::attach(tun.as_raw_fd(), address) };
    attached?;
    Ok(())
}
