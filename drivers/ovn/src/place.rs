//! Where everything of a cloud's switch is, and what it is called: all of it follows from the state directory, so
//! that it is found again after a restart, and so that several clouds share a host.

use std::io;
use std::path::{Path, PathBuf};

/// The longest path of a unix socket is 107 bytes; the daemons make names of up to 30 in the directory.
const LONGEST: usize = 107 - 30;
/// Where sockets of clouds with long paths are, and what clouds share.
pub const SHORT: &str = "/run/drystone";

/// Paths and names of one cloud's switch.
#[derive(Clone, Debug)]
pub struct Place {
    /// Databases and logs.
    pub state: PathBuf,
    /// Sockets and pid files: `state`, or a directory with a short path.
    pub run: PathBuf,
    /// What tells this cloud from others on the host: 8 hexadecimal digits.
    pub tag: String,
}

impl Place {
    /// The place that belongs to a state directory. Makes nothing.
    pub fn of(state_dir: &Path) -> io::Result<Self> {
        let state = std::path::absolute(state_dir)?;
        // The same directory under another name is the same cloud.
        let state = state.canonicalize().unwrap_or(state).join("ovn");
        let tag = format!("{:08x}", hash(&state.to_string_lossy()) & 0xffff_ffff);
        let short = state.as_os_str().len() <= LONGEST;
        let run = if short { state.clone() } else { Path::new(SHORT).join(&tag) };
        Ok(Self { state, run, tag })
    }

    /// The namespace of daemons, bridges and taps.
    pub fn namespace(&self) -> String {
        format!("ds-{}", self.tag)
    }

    /// The namespace in which metadata of a network is answered.
    pub fn metadata_namespace(&self, network_id: &str) -> String {
        format!("ds-{}-md-{network_id}", self.tag)
    }

    /// The name of the cloud's table in the host's nftables.
    pub fn table(&self) -> String {
        format!("drystone_{}", self.tag)
    }

    /// An interface in the host's own namespace, where clouds meet: the name differs for each cloud.
    pub fn host_interface(&self, network_id: &str) -> String {
        format!("ds{:011x}", hash(&format!("{} {network_id}", self.tag)) & 0xfff_ffff_ffff)
    }

    /// A socket.
    pub fn socket(&self, name: &str) -> PathBuf {
        self.run.join(format!("{name}.sock"))
    }

    /// The pid file of a daemon.
    pub fn pid_file(&self, daemon: &str) -> PathBuf {
        self.run.join(format!("{daemon}.pid"))
    }
}

/// An interface in the cloud's own namespace: at most 15 bytes, of which the id gives 11.
pub fn interface(prefix: &str, id: &str) -> String {
    format!("{prefix}{}", id.chars().filter(char::is_ascii_graphic).take(11).collect::<String>())
}

/// FNV-1a: names, not secrets.
pub fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_long_paths_get_short_sockets() {
        let long = Path::new("/nowhere").join("x".repeat(90));
        let place = Place::of(&long).unwrap();
        assert!(place.run.starts_with(SHORT) && place.state.starts_with(&long));
        let id = "4dd3b2a8-91b3-4b4b-8e0b-6d8c2f5a1c11";
        assert!(place.host_interface(id).len() <= 15 && interface("ds", id) == "ds4dd3b2a8-91");
        let short = Place::of(Path::new("/nowhere/a")).unwrap();
        assert_eq!(short.run, Path::new("/nowhere/a/ovn"));
        assert_ne!(short.tag, place.tag);
    }
}
