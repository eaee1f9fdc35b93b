//! Keys of tokens, sealed or signed, and of secrets, and when they are rotated: by hand, or when their time has come.
//!
//! The store says when a ring was rotated last, so that of several controllers one does it, and a restart forgets nothing.

use crate::Identity;
use crate::store::credential::credentials_seal;
use crate::store::domain_config::domain_options_seal;
use crate::store::key::{Ring, keys_are_due, keys_exist, keys_replace, keys_rotate};
use crate::store::oauth1::oauth1_secrets_seal;
use crate::store::token::epoch_advance;
use ::store::Tx;
use fault::Fault;
use std::time::Duration;

impl Identity {
    /// Rotates the keys of tokens. Tokens that were sealed with the former ones stay good.
    pub async fn keys_rotate(&self) -> Result<(), Fault> {
        let life = self.settings.token_life;
        self.db.write(move |tx| token_keys_rotate(tx, life)).await
    }

    /// Rotates the keys of credentials, and seals every secret with the new one.
    pub async fn credential_keys_rotate(&self) -> Result<(), Fault> {
        self.db.write(secret_keys_rotate).await
    }

    /// Rotates the keys whose time has come.
    pub async fn keys_rotate_due(&self) -> Result<(), Fault> {
        let Some(interval) = self.settings.key_rotation else { return Ok(()) };
        let life = self.settings.token_life;
        let due = move |tx: &Tx| {
            Ok((token_keys_are_due(tx, interval)?, keys_are_due(tx, Ring::Credentials, interval)?))
        };
        if self.db.read(due).await? == (false, false) {
            return Ok(());
        }
        self.db
            .write(move |tx| {
                // Another controller may have been first.
                if token_keys_are_due(tx, interval)? {
                    token_keys_rotate(tx, life)?;
                }
                if keys_are_due(tx, Ring::Credentials, interval)? {
                    secret_keys_rotate(tx)?;
                }
                Ok(())
            })
            .await?;
        tracing::info!("keys of tokens and credentials are rotated");
        Ok(())
    }
}

/// Makes keys that sign, if there are none.
pub(crate) fn signing_keys_make(tx: &Tx) -> Result<(), Fault> {
    if keys_exist(tx, Ring::Signing)? { Ok(()) } else { keys_rotate(tx, Ring::Signing, Duration::ZERO) }
}

/// Makes the keys of tokens anew: nothing that was sealed or signed so far is good.
pub(super) fn token_keys_replace(tx: &Tx) -> Result<(), Fault> {
    token_rings(tx)?.into_iter().try_for_each(|ring| keys_replace(tx, ring))
}

/// The rings behind tokens. That which signs has keys once it was asked for.
fn token_rings(tx: &Tx) -> Result<Vec<Ring>, Fault> {
    let signing = keys_exist(tx, Ring::Signing)?.then_some(Ring::Signing);
    Ok([Ring::Tokens].into_iter().chain(signing).collect())
}

fn token_keys_are_due(tx: &Tx, interval: Duration) -> Result<bool, Fault> {
    Ok(keys_are_due(tx, Ring::Tokens, interval)? || keys_are_due(tx, Ring::Signing, interval)?)
}

fn token_keys_rotate(tx: &Tx, life: Duration) -> Result<(), Fault> {
    token_rings(tx)?.into_iter().try_for_each(|ring| keys_rotate(tx, ring, life))?;
    epoch_advance(tx)
}

/// What is sealed is sealed anew at once: no former key is needed for longer.
fn secret_keys_rotate(tx: &Tx) -> Result<(), Fault> {
    keys_rotate(tx, Ring::Credentials, Duration::ZERO)?;
    credentials_seal(tx)?;
    domain_options_seal(tx)?;
    oauth1_secrets_seal(tx)
}
