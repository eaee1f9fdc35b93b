//! A control group for each machine: its processes can be counted, limited and ended together, and survive ours.
//!
//! Only the unified hierarchy is used (alone or beside the old ones). Where it cannot be written, machines run without.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Where control groups of machines are made.
#[derive(Clone, Debug)]
pub struct Cgroups {
    root: Option<PathBuf>,
}

impl Cgroups {
    /// Below `<unified hierarchy>/<name>`, or nowhere where that cannot be made.
    pub fn open(name: &str) -> Self {
        let root = mount_point().map(|mount| mount.join(name));
        let usable = root.filter(|root| std::fs::create_dir(root).is_ok() || root.is_dir());
        if let Some(root) = &usable {
            delegate(root);
        } else {
            tracing::info!("control groups cannot be written: machines run in that of this process");
        }
        Self { root: usable }
    }

    /// None at all.
    pub fn none() -> Self {
        Self { root: None }
    }

    /// Makes the machine's group; the file is the one that a process joins by.
    pub fn join(&self, id: &str) -> Option<File> {
        let path = self.path(id)?;
        if let Err(error) = std::fs::create_dir(&path).or_else(exists) {
            tracing::warn!(%error, path = %path.display(), "no control group for the machine");
            return None;
        }
        OpenOptions::new().write(true).open(path.join("cgroup.procs")).ok()
    }

    /// Ends whatever is left in the machine's group and removes it. `false`: it is still in use.
    pub fn remove(&self, id: &str) -> bool {
        let Some(path) = self.path(id).filter(|path| path.is_dir()) else { return true };
        // Missing before Linux 5.14; then only QEMU itself was ended.
        let _ = std::fs::write(path.join("cgroup.kill"), "1");
        std::fs::remove_dir(&path).is_ok()
    }

    /// The machine's group.
    pub fn path(&self, id: &str) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join(id))
    }
}

/// Lets the groups below count and limit. Not every host has every controller: each is asked for by itself.
fn delegate(root: &Path) {
    for controller in ["+cpu", "+memory", "+io", "+pids"] {
        let _ = std::fs::write(root.join("cgroup.subtree_control"), controller);
    }
}

fn exists(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

/// Where the unified hierarchy is mounted: `/sys/fs/cgroup`, or `/sys/fs/cgroup/unified` beside the old ones.
fn mount_point() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        kind.starts_with("cgroup2 ").then(|| place.split(' ').nth(4).map(PathBuf::from))?
    })
}
