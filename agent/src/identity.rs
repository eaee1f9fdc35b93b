//! Who a host is: an id that stays, an epoch that rises with each start, and the lock that keeps a second agent from the
//! same state. Agents of one process may share a directory: then they share lock and epoch, and have ids by their names.

use kernel::{Entropy, LockFile};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

pub(crate) struct Identity {
    pub host_id: String,
    pub epoch: i64,
    _lock: Arc<LockFile>,
}

impl Identity {
    /// The one host of a directory.
    pub(crate) fn open(dir: &Path, entropy: &Entropy) -> io::Result<Self> {
        let (epoch, lock) = enter(dir)?;
        let host_id = match read(&dir.join("host-id"))? {
            Some(id) => id,
            None => {
                let id = entropy.dashed_id();
                write(dir, "host-id", &id)?;
                id
            }
        };
        Ok(Self { host_id, epoch, _lock: lock })
    }

    /// The hosts of these names, in their order.
    pub(crate) fn open_all(dir: &Path, names: &[&str], entropy: &Entropy) -> io::Result<Vec<Self>> {
        let (epoch, lock) = enter(dir)?;
        let text = read(&dir.join("host-ids"))?.unwrap_or_else(|| "{}".to_owned());
        let mut ids: BTreeMap<String, String> = serde_json::from_str(&text)?;
        let known = ids.len();
        let own = |name: &&str| ids.entry((*name).to_owned()).or_insert_with(|| entropy.dashed_id()).clone();
        let own: Vec<String> = names.iter().map(own).collect();
        if ids.len() > known {
            write(dir, "host-ids", &serde_json::to_string(&ids)?)?;
        }
        Ok(own.into_iter().map(|host_id| Self { host_id, epoch, _lock: lock.clone() }).collect())
    }
}

/// Takes the directory for this process, and begins its next epoch.
fn enter(dir: &Path) -> io::Result<(i64, Arc<LockFile>)> {
    std::fs::create_dir_all(dir)?;
    // The ledger has user data and passwords of guests.
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
    let lock = LockFile::take(&dir.join("lock"))?;
    let last = match read(&dir.join("epoch"))? {
        Some(text) => text.parse::<i64>().map_err(|_| io::Error::other("the epoch file is damaged"))?,
        None => 0,
    };
    let epoch = last + 1;
    write(dir, "epoch", &epoch.to_string())?;
    Ok((epoch, Arc::new(lock)))
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a whole file that is there after a power failure, or not at all.
pub(crate) fn write(dir: &Path, name: &str, text: &str) -> io::Result<()> {
    let young = dir.join(format!("{name}.new"));
    let mut file = File::create(&young)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&young, dir.join(name))?;
    File::open(dir)?.sync_all()
}
