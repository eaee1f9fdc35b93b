//! Passwords: how one is checked and set under the rules of the operator.

use super::directory::read_only;
use super::proof::Named;
use super::token::unauthenticated;
use crate::Identity;
use crate::model::compliance::{Compliance, DAY};
use crate::model::user::User;
use crate::places::Source;
use crate::store::{password::*, token::epoch_advance, user::*};
use ::store::Tx;
use fault::{Fault, Kind};
use serde_json::Value;
use web::Cx;
use zeroize::Zeroizing;

impl Identity {
    /// The user, if the password is the user's and nothing forbids to get in. Too many failures lock everybody out; the
    /// answer takes as long and says no more.
    pub(super) async fn password_prove(
        &self,
        source: &Source,
        found: Option<User>,
        password: Zeroizing<String>,
    ) -> Result<User, Fault> {
        let hash = found.as_ref().and_then(|user| user.password_hash.clone());
        let right = self.hashing.verify(Some(source), password.clone(), hash).await?;
        let user = found.ok_or_else(unauthenticated)?;
        self.login_judge(&user, right).await?;
        self.password_renew(user, password).await
    }

    /// Whether somebody gets in as the user who gave something right or wrong. Others may have tried at the same time, so
    /// that the lockout is decided by what is counted now.
    pub(super) async fn login_judge(&self, user: &User, right: bool) -> Result<(), Fault> {
        let (rules, id, now) = (&self.settings.compliance, &user.id, self.db.clock().now());
        let user = match rules.lockout {
            Some(_) => &self.user_still(user).await?,
            None => user,
        };
        if rules.locked(user, now) {
            return Err(unauthenticated().because(format!("the user {id} is locked out")));
        }
        if !right {
            self.login_count(id, false).await?;
            return Err(unauthenticated());
        }
        if !user.enabled {
            return Err(unauthenticated().because(format!("the user {id} is disabled")));
        }
        if user.login.failures > 0 || rules.notes(user, now) {
            self.login_count(id, true).await?;
        }
        Ok(())
    }

    /// The user as it is now, unless it is gone or its password was changed.
    async fn user_still(&self, user: &User) -> Result<User, Fault> {
        let (id, since) = (user.id.clone(), user.valid_since);
        let found = self.db.read(move |tx| user_by_id(tx, &id)).await?;
        found.filter(|user| user.valid_since == since).ok_or_else(unauthenticated)
    }

    /// Hashes a right password anew if the operator wants another scheme now. Where hashing is busy it stays as it is until
    /// the next login.
    async fn password_renew(&self, mut user: User, password: Zeroizing<String>) -> Result<User, Fault> {
        let Some(old) = user.password_hash.clone() else { return Ok(user) };
        if !self.hashing.is_outdated(&password, &old) {
            return Ok(user);
        }
        let hash = match self.hashing.hash(password).await {
            Err(fault) if fault.kind == Kind::Busy => return Ok(user),
            hash => hash?,
        };
        user.password_hash = Some(hash.clone());
        let id = user.id.clone();
        self.db
            .write(move |tx| {
                // Somebody may have changed the password in between.
                let found = user_by_id(tx, &id)?.filter(|user| user.password_hash.as_ref() == Some(&old));
                let Some(mut user) = found else { return Ok(()) };
                user.password_hash = Some(hash.clone());
                user_update(tx, &user).map(drop)
            })
            .await?;
        Ok(user)
    }

    /// Counts failed logins where that has consequences; a good one ends the row, and shows the user active.
    async fn login_count(&self, user_id: &str, good: bool) -> Result<(), Fault> {
        if self.settings.compliance.lockout.is_none() && !good {
            return Ok(());
        }
        let (user_id, rules) = (user_id.to_owned(), self.settings.compliance.clone());
        self.db
            .write(move |tx| {
                let found = user_by_id(tx, &user_id)?.filter(|user| !rules.locked(user, tx.now()));
                let Some(mut user) = found else { return Ok(()) };
                if good || rules.forgotten(&user, tx.now()) {
                    user.login.failures = 0;
                    user.login.failed_at = None;
                }
                if good {
                    rules.active(&mut user, tx.now());
                } else {
                    user.login.failures += 1;
                    user.login.failed_at = Some(tx.now());
                }
                user_update(tx, &user).map(drop)
            })
            .await
    }

    /// Changes a user's own password: whoever knows the old one may, also when that has ended.
    pub async fn password_change(
        &self,
        cx: &Cx,
        id: &str,
        old: Zeroizing<String>,
        new: Zeroizing<String>,
    ) -> Result<(), Fault> {
        if self.directory_prove(&cx.peer, &Named::Id(id.to_owned()), &old).await?.is_some() {
            return Err(read_only());
        }
        let (id_own, count) = (id.to_owned(), self.settings.compliance.unique_passwords);
        let (found, past) = self
            .db
            .read(move |tx| {
                Ok((user_by_id(tx, &id_own)?, past_passwords(tx, &id_own, count.saturating_sub(1))?))
            })
            .await?;
        let source = Source { address: cx.peer.clone(), account: id.to_owned() };
        let user = self.password_prove(&source, found, old).await?;
        self.password_check(&new)?;
        check_own(&self.settings.compliance, &user, self.db.clock().now())?;
        self.password_check_unique(&user, past, &new).await?;
        let (hash, old_hash) = (self.hashing.hash(new).await?, user.password_hash.clone());
        let (id, rules) = (id.to_owned(), self.settings.compliance.clone());
        self.db
            .write(move |tx| {
                // Somebody may have changed it in between: then the old password was not the old one any more.
                let user = user_by_id(tx, &id)?.filter(|user| user.password_hash == old_hash);
                let mut user = user.ok_or_else(unauthenticated)?;
                password_set(tx, &rules, &mut user, &hash, true)?;
                user_update(tx, &user)?;
                epoch_advance(tx)
            })
            .await
    }

    /// Whether a new password looks as the operator wants it.
    pub(super) fn password_check(&self, password: &str) -> Result<(), Fault> {
        match &self.settings.compliance.form {
            Some(form) if !form.fits(password) => {
                let said = format!("The password does not match the requirements: {}.", form.description);
                Err(Fault::bad_input(said))
            }
            _ => Ok(()),
        }
    }

    async fn password_check_unique(
        &self,
        user: &User,
        past: Vec<String>,
        new: &Zeroizing<String>,
    ) -> Result<(), Fault> {
        let count = self.settings.compliance.unique_passwords;
        if count == 0 {
            return Ok(());
        }
        for hash in user.password_hash.iter().cloned().chain(past) {
            if self.hashing.verify(None, new.clone(), Some(hash)).await? {
                return Err(Fault::bad_input(format!(
                    "The new password cannot be identical to a previous password. The total number which includes the new \
                     password must be unique is {count}."
                )));
            }
        }
        Ok(())
    }
}

/// Whether a user may change the own password at all, and already.
fn check_own(rules: &Compliance, user: &User, now: kernel::Micros) -> Result<(), Fault> {
    if user.options.get("lock_password") == Some(&Value::Bool(true)) {
        return Err(Fault::bad_input(
            "You cannot change your password at this time due to password policy disallowing password changes. Please \
             contact your administrator to reset your password.",
        ));
    }
    match rules.days_to_wait(user, now) {
        None => Ok(()),
        Some(left) => Err(Fault::bad_input(format!(
            "You cannot change your password at this time due to the minimum password age. Once you change your password, \
             it must be used for {} day(s) before it can be changed. Please try again in {left} day(s) or contact your \
             administrator to reset your password.",
            rules.minimum_age.as_secs() / DAY
        ))),
    }
}

/// Begins to watch how active users are, or stops. Who was not watched so far counts as active now, so that the setting
/// does not disable everybody at once.
pub(crate) fn activity_watch(tx: &Tx, rules: &Compliance) -> Result<(), Fault> {
    // Who of a directory is disabled that says itself.
    let mirrored = crate::store::directory::mirrored(tx, "user")?;
    for mut user in users(tx)?.into_iter().filter(|user| !mirrored.contains(&user.id)) {
        let before = user.login.clone();
        match user.login.active_at {
            Some(_) if rules.inactivity.is_some() => rules.watch(&mut user),
            _ => rules.active(&mut user, tx.now()),
        }
        if user.login != before {
            user_activity(tx, &user)?;
        }
    }
    Ok(())
}

/// A password that has ended lets nobody in; it can be changed.
pub(super) fn check_current(rules: &Compliance, user: &User, now: kernel::Micros) -> Result<(), Fault> {
    if rules.expired(user, now) {
        let said = format!("The password is expired and needs to be changed for user: {}.", user.id);
        return Err(Fault::new(Kind::Unauthenticated, said));
    }
    Ok(())
}

/// Puts a new password into a user that is still to be written, and ends the tokens of the old one.
pub(crate) fn password_set(
    tx: &Tx,
    rules: &Compliance,
    user: &mut User,
    hash: &str,
    own: bool,
) -> Result<(), Fault> {
    if let Some(old) = user.password_hash.replace(hash.to_owned()) {
        past_password_add(tx, &user.id, &old, rules.unique_passwords)?;
    }
    user.password_expires_at = rules.expiry(user, own, tx.now());
    user.login.password_made_at = Some(tx.now());
    user.login.password_own = own;
    user.revoke_tokens(tx.now());
    Ok(())
}
