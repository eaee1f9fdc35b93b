//! Rows of groups and memberships.

use super::{object, text, unless_taken};
use crate::model::user::Group;
use fault::Fault;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, name, domain_id, description, extra FROM identity_groups";
/// The names of groups.
pub const NAMES: &str = "SELECT id, name, domain_id FROM identity_groups WHERE id IN ({ids})";

fn group(row: &Row) -> Result<Group, Fault> {
    Ok(Group {
        id: row.text(0)?,
        name: row.text(1)?,
        domain_id: row.text(2)?,
        description: row.opt_text(3)?,
        extra: object(row, 4)?,
    })
}

/// The group of that id.
pub fn group_by_id(tx: &Tx, id: &str) -> Result<Option<Group>, Fault> {
    tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?.as_ref().map(group).transpose()
}

/// Every group.
pub fn groups(tx: &Tx) -> Result<Vec<Group>, Fault> {
    tx.query(&format!("{SELECT} ORDER BY id"), params![])?.iter().map(group).collect()
}

/// The groups that fit a condition with one value.
pub(super) fn groups_where(tx: &Tx, condition: &str, value: &str) -> Result<Vec<Group>, Fault> {
    tx.query(&format!("{SELECT} WHERE {condition} ORDER BY id"), params![value])?.iter().map(group).collect()
}

/// The ids of the users in a group.
pub fn members(tx: &Tx, group_id: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT user_id FROM identity_memberships WHERE group_id = ?1 \
               AND user_id IN (SELECT id FROM identity_users)";
    tx.query(sql, params![group_id])?.iter().map(|row| row.text(0)).collect()
}

/// The groups that a user is in.
pub fn groups_of_user(tx: &Tx, user_id: &str) -> Result<Vec<Group>, Fault> {
    let sql = format!(
        "{SELECT} WHERE id IN (SELECT group_id FROM identity_memberships WHERE user_id = ?1) ORDER BY id"
    );
    tx.query(&sql, params![user_id])?.iter().map(group).collect()
}

/// Adds a group; false if its name is taken.
pub fn group_insert(tx: &Tx, group: &Group) -> Result<bool, Fault> {
    let sql =
        "INSERT INTO identity_groups (id, name, domain_id, description, extra) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values =
        params![&group.id, &group.name, &group.domain_id, group.description.as_deref(), text(&group.extra)];
    unless_taken(tx.try_execute(sql, values))
}

/// Writes what can change of a group; false if its new name is taken.
pub fn group_update(tx: &Tx, group: &Group) -> Result<bool, Fault> {
    let sql = "UPDATE identity_groups SET name = ?2, description = ?3, extra = ?4 WHERE id = ?1";
    unless_taken(
        tx.try_execute(
            sql,
            params![&group.id, &group.name, group.description.as_deref(), text(&group.extra)],
        ),
    )
}

/// Removes a group, its memberships and what was granted to it.
pub fn group_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_memberships WHERE group_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_expiring_memberships WHERE group_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_assignments WHERE actor_kind = 'group' AND actor_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_groups WHERE id = ?1", params![id])?;
    Ok(())
}

/// The user is in the group.
pub fn membership_add(tx: &Tx, user_id: &str, group_id: &str) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_memberships (user_id, group_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    tx.execute(sql, params![user_id, group_id])?;
    Ok(())
}

/// The user is not in the group any more; false if it was not.
pub fn membership_remove(tx: &Tx, user_id: &str, group_id: &str) -> Result<bool, Fault> {
    let sql = "DELETE FROM identity_memberships WHERE user_id = ?1 AND group_id = ?2";
    Ok(tx.execute(sql, params![user_id, group_id])? > 0)
}

/// Whether the user is in the group.
pub fn is_member(tx: &Tx, user_id: &str, group_id: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM identity_memberships WHERE user_id = ?1 AND group_id = ?2";
    Ok(tx.query_one(sql, params![user_id, group_id])?.is_some())
}
