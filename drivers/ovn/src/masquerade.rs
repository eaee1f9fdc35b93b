//! Guests reach what the host reaches: packets from an external network of ours leave under the host's own address.
//!
//! One nftables table a cloud, one chain in it for each link, and forwarding switched on for the two interfaces that
//! need it (not for the whole host). IPv4 only: forwarding IPv6 would turn off the host's own router discovery.

use crate::namespace::{command, feed, program};
use crate::place::{Place, SHORT};
use ipnet::IpNet;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the forwarding setting of a host's interface is remembered while any cloud has changed it.
const REMEMBERED: &str = SHORT;

/// `nft` is installed.
pub fn is_possible() -> bool {
    program("nft").is_some()
}

async fn nft(rules: &str) -> io::Result<()> {
    feed(command("nft").args(["-f", "-"]), rules).await
}

/// What comes from these ranges over the link leaves the host elsewhere under the host's address.
pub async fn ensure(place: &Place, link: &str, ranges: &[IpNet]) -> io::Result<()> {
    let Some(uplink) = uplink() else { return Ok(()) };
    let (table, mut rules) = (place.table(), String::new());
    rules += &format!("add table inet {table}\n");
    rules += &format!("add chain inet {table} {link} {{ type nat hook postrouting priority srcnat; }}\n");
    rules += &format!("flush chain inet {table} {link}\n");
    for range in ranges.iter().filter(|range| range.addr().is_ipv4()) {
        rules += &format!(
            "add rule inet {table} {link} ip saddr {} oifname != \"{link}\" masquerade\n",
            range.trunc()
        );
    }
    let _alone = alone().await?;
    nft(&rules).await?;
    std::fs::write(forwarding(link), "1")?;
    remember(&uplink)?;
    std::fs::write(forwarding(&uplink), "1")
}

/// The link is gone.
pub async fn forget(place: &Place, link: &str) -> io::Result<()> {
    let table = place.table();
    if !is_possible() || !tables().await?.contains(&table) {
        return Ok(());
    }
    // Made before it is deleted: it may never have been there.
    let chain = format!("chain inet {table} {link}");
    let made = format!("add {chain} {{ type nat hook postrouting priority srcnat; }}");
    nft(&format!("{made}\nflush {chain}\ndelete {chain}\n")).await
}

/// The table is gone, and with the last cloud's the host forwards as it did before.
pub async fn remove(place: &Place) -> io::Result<()> {
    if !is_possible() {
        return Ok(());
    }
    let _alone = alone().await?;
    if tables().await?.contains(&place.table()) {
        nft(&format!("delete table inet {}\n", place.table())).await?;
    }
    if tables().await?.iter().any(|table| table.starts_with("drystone_")) {
        return Ok(());
    }
    let notes = notes()?;
    for entry in std::fs::read_dir(REMEMBERED).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Some(interface) = name.to_str().and_then(|name| name.strip_prefix(&notes)) {
            let setting = forwarding(interface);
            if setting.exists() {
                std::fs::write(setting, std::fs::read_to_string(entry.path())?)?;
            }
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Keeps other clouds of the host out while the returned file is held: one may begin while the last one ends. The
/// directory of namespaces is what is there for all of them.
async fn alone() -> io::Result<File> {
    std::fs::create_dir_all("/run/netns")?;
    let directory = File::open("/run/netns")?;
    for _ in 0..1000 {
        match directory.try_lock() {
            Ok(()) => return Ok(directory),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    Err(io::Error::other("another process holds the lock on /run/netns (see /proc/locks)"))
}

/// The names of the tables of the family inet.
async fn tables() -> io::Result<Vec<String>> {
    let output = command("nft").args(["list", "tables", "inet"]).output().await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().filter_map(|line| line.split_whitespace().nth(2)).map(str::to_owned).collect())
}

/// The interface of the host's default route.
fn uplink() -> Option<String> {
    let routes = std::fs::read_to_string("/proc/net/route").ok()?;
    let mut fields = routes.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let default =
        fields.find(|fields| fields.get(1) == Some(&"00000000") && fields.get(7) == Some(&"00000000"))?;
    default.first().map(|name| (*name).to_owned())
}

fn forwarding(interface: &str) -> PathBuf {
    Path::new("/proc/sys/net/ipv4/conf").join(interface).join("forwarding")
}

/// How the notes of this network namespace begin: interfaces of others may have the same names.
fn notes() -> io::Result<String> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(format!("forwarding-{}-", std::fs::metadata("/proc/self/ns/net")?.ino()))
}

/// Notes the setting before the first cloud changes it.
fn remember(interface: &str) -> io::Result<()> {
    std::fs::create_dir_all(REMEMBERED)?;
    let note = Path::new(REMEMBERED).join(notes()? + interface);
    if note.exists() {
        return Ok(());
    }
    std::fs::write(note, std::fs::read_to_string(forwarding(interface))?)
}
