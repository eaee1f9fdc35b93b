//! Taking over what a Keystone knows: its users go on with their passwords, ids and, with its keys, their tokens.
//!
//! `keystone` reads the rows of its database as ours, and changes nothing; `take` puts them beside what is here, all in
//! one transaction. Nouns that nothing else hangs on do both in a file of their own. Ids stay what they were, so that a second time finds everything and changes only what Keystone
//! changed since. What was removed there is not removed here.

mod endpoint_group;
mod federation;
mod keystone;
mod limit;
mod oauth1;
mod policy_document;
mod repository;
mod take;

pub use keystone::{Estate, TABLES};
pub use repository::{public_keys, repository};

use crate::model::jws::PublicKey;
use ::store::Db;
use fault::Fault;
use kernel::Micros;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// What is to be taken over besides users and what they may.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Regions, services and endpoints too, and who is shown which of them.
    pub catalog: bool,
    /// What is appended to the names of users, groups, projects and domains of ours that stand in the way.
    pub rename: Option<String>,
    /// How long memberships by an identity provider's word hold, if that provider says nothing of it.
    pub membership_life: Duration,
    /// Keys of tokens, primary first.
    pub token_keys: Vec<[u8; 32]>,
    /// Public keys of tokens that are signed.
    pub public_keys: Vec<PublicKey>,
    /// Keys of credentials' secrets.
    pub credential_keys: Vec<[u8; 32]>,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// By noun.
    pub counts: BTreeMap<&'static str, Count>,
    /// What of ours has another name now.
    pub renamed: Vec<String>,
    /// What was left behind, and why.
    pub left: BTreeMap<&'static str, usize>,
}

/// How many things of a noun were made, changed, or were there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Made.
    pub made: usize,
    /// Changed.
    pub changed: usize,
    /// There already, and the same.
    pub same: usize,
}

impl Report {
    fn leave(&mut self, why: &'static str, count: usize) {
        if count > 0 {
            *self.left.entry(why).or_default() += count;
        }
    }
}

/// Takes an estate over, into a cloud that has been started before. An error means that nothing was changed.
pub fn import(db: &Db, estate: Estate, wishes: Wishes) -> Result<Report, Fault> {
    if !crate::bootstrap::founded(db)? {
        return Err(Fault::conflict("There is no cloud yet: start it once, and stop it."));
    }
    let shared = Arc::new((estate, wishes));
    db.write_now(move |tx| take::take(tx, &shared.0, &shared.1))
}

impl Estate {
    /// The ids of those who live in directories.
    fn of_directories(&self) -> HashSet<&str> {
        self.mappings.iter().map(|one| one.public_id.as_str()).collect()
    }
}

/// What ended tokens before their time.
#[derive(Clone, Debug, PartialEq)]
enum Revocation {
    /// The token with this audit id, or all that was made of it, until it would have ended anyway.
    Token { audit_id: String, chain: bool, end: Micros },
    /// A user's tokens that were issued before.
    User(String, Micros),
}
