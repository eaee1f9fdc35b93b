//! The file that keeps a second process away from an SQLite store.

use fault::Fault;
use kernel::{LockError, LockFile};
use std::path::Path;

/// Takes the lock beside `store`, or says which process has it.
pub(crate) fn take(store: &Path) -> Result<LockFile, Fault> {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    LockFile::take(Path::new(&name)).map_err(|error| match error {
        LockError::Unusable(error) => {
            Fault::unavailable(format!("Cannot open the lock file {}.", Path::new(&name).display()))
                .because(error)
        }
        held => Fault::conflict(format!(
            "The store {} is in use by {}. Stop it first, or name another directory.",
            store.display(),
            held.who()
        )),
    })
}
