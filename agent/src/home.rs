//! Where agents keep what must outlive them: who they are, and their ledgers.

use crate::identity::Identity;
use crate::ledger::{Ledger, Writing};
use kernel::{Clock, Entropy};
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
        let ledger = Ledger::open_all(dir, &[""], Writing::OnThread)?.pop().ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { identity, ledger })
    }

    /// The homes of several agents of this process in one directory, in the order of their names, which have no spaces.
    pub fn open_all(dir: &Path, names: &[&str], clock: &Clock, entropy: &Entropy) -> io::Result<Vec<Self>> {
        let identities = Identity::open_all(dir, names, entropy)?;
        let writing = if clock.is_stepped() { Writing::Here } else { Writing::OnThread };
        let ledgers = Ledger::open_all(dir, names, writing)?;
        ledgers.first().map_or(Ok(()), Ledger::clear_away)?;
        let homes = identities.into_iter().zip(ledgers);
        Ok(homes.map(|(identity, ledger)| Self { identity, ledger }).collect())
    }
}
