//! Where agents keep what must outlive them: who they are, and their ledgers.

use crate::identity::Identity;
use crate::ledger::Ledger;
use kernel::Entropy;
use std::io;
use std::path::Path;

/// The home of one agent.
pub struct Home {
    pub(crate) identity: Identity,
    pub(crate) ledger: Ledger,
}

impl Home {
    /// The home of an agent by itself. There is one agent in it at a time: while another one ends, this waits for a
    /// moment.
    pub fn open(dir: &Path, entropy: &Entropy) -> io::Result<Self> {
        let identity = Identity::open(dir, entropy)?;
        let ledger = Ledger::open_all(dir, &[""])?.pop().ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { identity, ledger })
    }

    /// The homes of several agents of this process in one directory, in the order of their names, which have no spaces.
    pub fn open_all(dir: &Path, names: &[&str], entropy: &Entropy) -> io::Result<Vec<Self>> {
        let identities = Identity::open_all(dir, names, entropy)?;
        let homes = identities.into_iter().zip(Ledger::open_all(dir, names)?);
        Ok(homes.map(|(identity, ledger)| Self { identity, ledger }).collect())
    }
}
