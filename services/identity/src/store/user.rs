//! Rows of users.

use super::{narrowed, object, text, unless_taken};
use crate::model::narrow::Narrow;
use crate::model::user::{Login, User};
use fault::Fault;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, COALESCE(display_name, name), domain_id, enabled, default_project_id, password_hash, password_expires_at, \
                      options, extra, valid_since, failed_logins, failed_at, password_made_at, password_own, \
                      active_at, active_until FROM identity_users";
/// The names of users.
pub const NAMES: &str =
    "SELECT id, COALESCE(display_name, name), domain_id FROM identity_users WHERE id IN ({ids})";

fn user(tx: &Tx, row: &Row) -> Result<User, Fault> {
    let active_until = row.opt_at(15)?;
    Ok(User {
        id: row.text(0)?,
        name: row.text(1)?,
        domain_id: row.text(2)?,
        enabled: row.flag(3)? && active_until.is_none_or(|end| tx.now() < end),
        default_project_id: row.opt_text(4)?,
        password_hash: row.opt_text(5)?,
        password_expires_at: row.opt_at(6)?,
        options: object(row, 7)?,
        extra: object(row, 8)?,
        valid_since: row.at(9)?,
        login: Login {
            failures: row.int(10)?,
            failed_at: row.opt_at(11)?,
            password_made_at: row.opt_at(12)?,
            password_own: row.flag(13)?,
            active_at: row.opt_at(14)?,
            active_until,
        },
    })
}

/// The user of that id.
pub fn user_by_id(tx: &Tx, id: &str) -> Result<Option<User>, Fault> {
    tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?
        .as_ref()
        .map(|row| user(tx, row))
        .transpose()
}

/// Our own user of that name in a domain.
pub fn user_by_name(tx: &Tx, domain_id: &str, name: &str) -> Result<Option<User>, Fault> {
    let sql = format!("{SELECT} WHERE domain_id = ?1 AND name = ?2 AND mirrored = 0");
    tx.query_one(&sql, params![domain_id, name])?.as_ref().map(|row| user(tx, row)).transpose()
}

/// Every user, by id.
pub fn users(tx: &Tx) -> Result<Vec<User>, Fault> {
    users_narrowed(tx, &Narrow::default())
}

/// The users of a domain, of a name, or of both, by id.
pub fn users_narrowed(tx: &Tx, narrow: &Narrow) -> Result<Vec<User>, Fault> {
    let (condition, values) = narrowed(narrow, "COALESCE(display_name, name)");
    let rows = tx.query(&format!("{SELECT} WHERE {condition} ORDER BY id"), &values)?;
    rows.iter().map(|row| user(tx, row)).collect()
}

/// The users that fit a condition with one value.
pub(super) fn users_where(tx: &Tx, condition: &str, value: &str) -> Result<Vec<User>, Fault> {
    let sql = format!("{SELECT} WHERE {condition} ORDER BY id");
    tx.query(&sql, params![value])?.iter().map(|row| user(tx, row)).collect()
}

/// The users in a group.
pub fn users_of_group(tx: &Tx, group_id: &str) -> Result<Vec<User>, Fault> {
    let sql = format!(
        "{SELECT} WHERE id IN (SELECT user_id FROM identity_memberships WHERE group_id = ?1) ORDER BY id"
    );
    tx.query(&sql, params![group_id])?.iter().map(|row| user(tx, row)).collect()
}

/// Adds a user; false if its name is taken.
pub fn user_insert(tx: &Tx, user: &User) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_users (id, name, domain_id, enabled, default_project_id, password_hash, \
               password_expires_at, options, extra, valid_since, failed_logins, failed_at, password_made_at, password_own, \
               active_at, active_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    unless_taken(tx.try_execute(
        sql,
        params![
            &user.id,
            &user.name,
            &user.domain_id,
            user.enabled,
            user.default_project_id.as_deref(),
            user.password_hash.as_deref(),
            user.password_expires_at,
            text(&user.options),
            text(&user.extra),
            user.valid_since,
            user.login.failures,
            user.login.failed_at,
            user.login.password_made_at,
            user.login.password_own,
            user.login.active_at,
            user.login.active_until
        ],
    ))
}

/// Writes what can change of a user; false if its new name is taken. Who is disabled for not having been active stays what
/// was set: the rule may be taken back.
pub fn user_update(tx: &Tx, user: &User) -> Result<bool, Fault> {
    let inactive = !user.enabled && user.login.active_until.is_some_and(|end| end <= tx.now());
    let sql = "UPDATE identity_users SET name = CASE WHEN display_name IS NULL THEN ?2 ELSE name END, \
               display_name = CASE WHEN display_name IS NULL THEN NULL ELSE ?2 END, enabled = CASE WHEN ?16 = 1 THEN enabled ELSE ?3 END, \
               default_project_id = ?4, password_hash = ?5, password_expires_at = ?6, options = ?7, extra = ?8, valid_since = ?9, failed_logins = ?10, failed_at = ?11, \
               password_made_at = ?12, password_own = ?13, active_at = ?14, active_until = ?15 WHERE id = ?1";
    unless_taken(tx.try_execute(
        sql,
        params![
            &user.id,
            &user.name,
            user.enabled,
            user.default_project_id.as_deref(),
            user.password_hash.as_deref(),
            user.password_expires_at,
            text(&user.options),
            text(&user.extra),
            user.valid_since,
            user.login.failures,
            user.login.failed_at,
            user.login.password_made_at,
            user.login.password_own,
            user.login.active_at,
            user.login.active_until,
            inactive
        ],
    ))
}

/// Writes how active a user is, and nothing else.
pub fn user_activity(tx: &Tx, user: &User) -> Result<(), Fault> {
    let sql = "UPDATE identity_users SET active_at = ?2, active_until = ?3 WHERE id = ?1";
    tx.execute(sql, params![&user.id, user.login.active_at, user.login.active_until]).map(drop)
}

/// Removes a user, its memberships, and what was granted or entrusted to it or by it.
pub fn user_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_memberships WHERE user_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_assignments WHERE actor_kind = 'user' AND actor_id = ?1", params![id])?;
    super::application_credential::application_credentials_of_user_delete(tx, id)?;
    super::trust::trusts_of_user_delete(tx, id)?;
    super::oauth1::tokens_of_user_delete(tx, id)?;
    super::password::past_passwords_delete(tx, id)?;
    tx.execute("DELETE FROM identity_expiring_memberships WHERE user_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_federated_users WHERE user_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_credentials WHERE user_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_users WHERE id = ?1", params![id])?;
    Ok(())
}
