//! Rows of federated users: who here stands for whom a provider vouches for, and the memberships that end.

use fault::Fault;
use kernel::Micros;
use std::collections::BTreeSet;
use store::{Tx, params};

/// A provider, or one of its protocols, is gone; users whom nobody vouches for any more are too.
pub fn shadows_forget(tx: &Tx, provider_id: &str, protocol_id: Option<&str>) -> Result<(), Fault> {
    let sql = "SELECT DISTINCT user_id FROM identity_federated_users \
               WHERE provider_id = ?1 AND (?2 = '' OR protocol_id = ?2)";
    let protocol_id = protocol_id.unwrap_or_default();
    let users = tx.query(sql, params![provider_id, protocol_id])?;
    let sql = "DELETE FROM identity_federated_users WHERE provider_id = ?1 AND (?2 = '' OR protocol_id = ?2)";
    tx.execute(sql, params![provider_id, protocol_id])?;
    for user in users {
        let id = user.text(0)?;
        let orphan = "SELECT 1 FROM identity_users WHERE id = ?1 AND display_name IS NOT NULL AND NOT EXISTS \
                      (SELECT 1 FROM identity_federated_users WHERE user_id = ?1)";
        if tx.query_one(orphan, params![&id])?.is_some() {
            super::user::user_delete(tx, &id)?;
        }
    }
    Ok(())
}

/// The users for whom somebody vouches: by provider, protocol and what they are called there; what is empty may be any.
pub fn users_of_shadows(tx: &Tx, by: &[String; 3]) -> Result<BTreeSet<String>, Fault> {
    let sql = "SELECT user_id FROM identity_federated_users WHERE (?1 = '' OR provider_id = ?1) \
               AND (?2 = '' OR protocol_id = ?2) AND (?3 = '' OR unique_id = ?3)";
    let [provider_id, protocol_id, unique_id] = by;
    tx.query(sql, params![provider_id, protocol_id, unique_id])?.iter().map(|row| row.text(0)).collect()
}

/// The user who stands for whom a provider calls so.
pub fn user_of_shadow(
    tx: &Tx,
    provider_id: &str,
    protocol_id: &str,
    unique: &str,
) -> Result<Option<String>, Fault> {
    let sql = "SELECT user_id FROM identity_federated_users \
               WHERE provider_id = ?1 AND protocol_id = ?2 AND unique_id = ?3";
    tx.query_one(sql, params![provider_id, protocol_id, unique])?.map(|row| row.text(0)).transpose()
}

/// A user stands for whom a provider calls so from now on.
pub fn shadow_link(
    tx: &Tx,
    provider_id: &str,
    protocol_id: &str,
    unique: &str,
    user_id: &str,
) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_federated_users (provider_id, protocol_id, unique_id, user_id) \
               VALUES (?1, ?2, ?3, ?4) ON CONFLICT (provider_id, protocol_id, unique_id) DO UPDATE SET user_id = ?4";
    tx.execute(sql, params![provider_id, protocol_id, unique, user_id]).map(drop)
}

/// The same for a user who has no name of its own: it is shown under this one.
pub fn shadow_put(
    tx: &Tx,
    provider_id: &str,
    protocol_id: &str,
    unique: &str,
    user_id: &str,
    name: &str,
) -> Result<(), Fault> {
    shadow_link(tx, provider_id, protocol_id, unique, user_id)?;
    tx.execute("UPDATE identity_users SET display_name = ?2 WHERE id = ?1", params![user_id, name]).map(drop)
}

/// Whether a user has no name of its own, and is shown under that which a provider says.
pub fn is_nameless(tx: &Tx, user_id: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM identity_users WHERE id = ?1 AND display_name IS NOT NULL";
    Ok(tx.query_one(sql, params![user_id])?.is_some())
}

/// By whom a user is vouched for: provider, protocol, and what the user is called there.
pub fn shadows_of_user(tx: &Tx, user_id: &str) -> Result<Vec<(String, String, String)>, Fault> {
    let sql = "SELECT provider_id, protocol_id, unique_id FROM identity_federated_users WHERE user_id = ?1 \
               ORDER BY provider_id, protocol_id, unique_id";
    let rows = tx.query(sql, params![user_id])?;
    rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?, row.text(2)?))).collect()
}

/// The memberships of a user that end, and when: those by one provider, or all of them.
pub fn memberships_of_user(
    tx: &Tx,
    user_id: &str,
    provider_id: Option<&str>,
) -> Result<Vec<(String, Micros)>, Fault> {
    let sql = "SELECT group_id, MAX(expires_at) FROM identity_expiring_memberships \
               WHERE user_id = ?1 AND (?2 = '' OR provider_id = ?2) GROUP BY group_id ORDER BY group_id";
    let rows = tx.query(sql, params![user_id, provider_id.unwrap_or_default()])?;
    rows.iter().map(|row| Ok((row.text(0)?, row.at(1)?))).collect()
}

/// The groups that a user is in for a while, and until when.
pub fn groups_joined(tx: &Tx, user_id: &str) -> Result<Vec<(String, Micros)>, Fault> {
    let all = memberships_of_user(tx, user_id, None)?;
    Ok(all.into_iter().filter(|(_, end)| tx.now() < *end).collect())
}

/// The user is in this group, by this provider and until then.
pub fn membership_put(
    tx: &Tx,
    user_id: &str,
    group_id: &str,
    provider_id: &str,
    end: Micros,
) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_expiring_memberships (user_id, group_id, provider_id, expires_at) \
               VALUES (?1, ?2, ?3, ?4) ON CONFLICT (user_id, group_id, provider_id) DO UPDATE SET expires_at = ?4";
    tx.execute(sql, params![user_id, group_id, provider_id, end]).map(drop)
}

/// The user is in these groups, by this provider and until then, and in no other by it.
pub fn memberships_put(
    tx: &Tx,
    user_id: &str,
    provider_id: &str,
    groups: &BTreeSet<String>,
    end: Micros,
) -> Result<(), Fault> {
    let sql = "DELETE FROM identity_expiring_memberships WHERE user_id = ?1 AND provider_id = ?2";
    tx.execute(sql, params![user_id, provider_id])?;
    groups.iter().try_for_each(|group| membership_put(tx, user_id, group, provider_id, end))
}
