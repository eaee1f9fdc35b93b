//! Secrets as they lie in the store: sealed with the keys of credentials, whosever secrets they are.

use super::key::{Ring, keys};
use crate::model::fernet::{self, Key};
use fault::Fault;
use store::Tx;
use zeroize::Zeroizing;

/// The text, sealed with the primary key.
pub(super) fn sealed(tx: &Tx, text: &str) -> Result<String, Fault> {
    let keys = keys(tx, Ring::Credentials)?;
    let primary = keys.first().ok_or_else(|| Fault::bug("there is no key for credentials"))?;
    let seconds = u64::try_from(tx.now().0 / 1_000_000).map_err(Fault::bug)?;
    fernet::seal(primary, seconds, tx.entropy().bytes(), text.as_bytes())
        .ok_or_else(|| Fault::bug("a secret cannot be sealed"))
}

/// What was sealed with one of the keys.
pub(super) fn opened(keys: &[Key], text: &str) -> Result<Zeroizing<String>, Fault> {
    let (bytes, _) = fernet::open(keys, text).ok_or_else(|| Fault::bug("no key opens a secret"))?;
    String::from_utf8(bytes).map(Zeroizing::new).map_err(Fault::bug)
}
