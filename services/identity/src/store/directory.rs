//! Rows of what directories told: under which id their users and groups are known here, and what they looked like last.
//! A user that is gone from its directory loses its row and keeps its mapping, and with it what was granted to its id.

use super::{text, unless_taken};
use crate::model::user::{Group, User};
use fault::Fault;
use serde_json::Map;
use std::collections::{BTreeSet, HashMap};
use store::{Row, Tx, params};

/// What an id stands for in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The id.
    pub public_id: String,
    /// The domain.
    pub domain_id: String,
    /// What the directory calls it.
    pub local_id: String,
    /// `user` or `group`.
    pub kind: String,
}

fn mapping(row: &Row) -> Result<Mapping, Fault> {
    Ok(Mapping {
        public_id: row.text(0)?,
        domain_id: row.text(1)?,
        local_id: row.text(2)?,
        kind: row.text(3)?,
    })
}

/// What the id stands for, if it is of a directory.
pub fn mapping_by_id(tx: &Tx, public_id: &str) -> Result<Option<Mapping>, Fault> {
    let sql = "SELECT public_id, domain_id, local_id, kind FROM identity_mappings WHERE public_id = ?1";
    tx.query_one(sql, params![public_id])?.as_ref().map(mapping).transpose()
}

/// Whether anything is of a directory.
pub fn has_mappings(tx: &Tx) -> Result<bool, Fault> {
    Ok(tx.query_one("SELECT 1 FROM identity_mappings LIMIT 1", params![])?.is_some())
}

/// The ids of a domain's users or groups, by what the directory calls them: of the one that is named, or of all.
pub fn mappings(
    tx: &Tx,
    domain_id: &str,
    kind: &str,
    names: &[&str],
) -> Result<HashMap<String, String>, Fault> {
    let sql = "SELECT local_id, public_id FROM identity_mappings WHERE domain_id = ?1 AND kind = ?2";
    let rows = match names {
        [] => return Ok(HashMap::new()),
        [one] => tx.query(&format!("{sql} AND local_id = ?3"), params![domain_id, kind, *one])?,
        [..] => tx.query(sql, params![domain_id, kind])?,
    };
    rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// The ids of all users, or groups, that are of a directory, or of that of one domain.
pub fn mapped(tx: &Tx, domain_id: Option<&str>, kind: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT public_id FROM identity_mappings WHERE kind = ?1 AND (?2 = '' OR domain_id = ?2)";
    let rows = tx.query(sql, params![kind, domain_id.unwrap_or_default()])?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// The mapping exists.
pub fn mapping_keep(tx: &Tx, one: &Mapping) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_mappings (public_id, domain_id, local_id, kind) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT DO NOTHING";
    tx.execute(sql, params![&one.public_id, &one.domain_id, &one.local_id, &one.kind]).map(drop)
}

/// Adds a mapping; false if its id or what it stands for is taken.
pub fn mapping_insert(tx: &Tx, one: &Mapping) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_mappings (public_id, domain_id, local_id, kind) VALUES (?1, ?2, ?3, ?4)";
    unless_taken(tx.try_execute(sql, params![&one.public_id, &one.domain_id, &one.local_id, &one.kind]))
}

/// Nothing of a domain is of a directory any more.
pub fn mappings_of_domain_delete(tx: &Tx, domain_id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_mappings WHERE domain_id = ?1", params![domain_id]).map(drop)
}

/// The users of a domain as its directory showed them last, or the one of this id.
pub fn mirrored_users(tx: &Tx, domain_id: &str, id: Option<&str>) -> Result<Vec<User>, Fault> {
    match id {
        Some(id) => Ok(super::user::user_by_id(tx, id)?.into_iter().collect()),
        None => super::user::users_where(tx, "domain_id = ?1 AND mirrored = 1", domain_id),
    }
}

/// The groups of a domain as its directory showed them last, or the one of this id.
pub fn mirrored_groups(tx: &Tx, domain_id: &str, id: Option<&str>) -> Result<Vec<Group>, Fault> {
    match id {
        Some(id) => Ok(super::group::group_by_id(tx, id)?.into_iter().collect()),
        None => super::group::groups_where(tx, "domain_id = ?1 AND mirrored = 1", domain_id),
    }
}

/// The ids of users, or groups, whose rows are a directory's.
pub fn mirrored(tx: &Tx, kind: &str) -> Result<BTreeSet<String>, Fault> {
    let rows = tx.query(&format!("SELECT id FROM {} WHERE mirrored = 1", table(kind)), params![])?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// A user looks like this now.
pub fn user_mirror(tx: &Tx, user: &User) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_users (id, name, domain_id, enabled, default_project_id, options, extra, valid_since, \
               mirrored) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1) ON CONFLICT (id) DO UPDATE SET name = ?2, \
               enabled = ?4, default_project_id = ?5, extra = ?7, mirrored = 1";
    let (options, extra) = (text(&Map::new()), text(&user.extra));
    let project = user.default_project_id.as_deref();
    let values = params![
        &user.id,
        &user.name,
        &user.domain_id,
        user.enabled,
        project,
        options,
        extra,
        user.valid_since
    ];
    tx.execute(sql, values).map(drop)
}

/// A group looks like this now.
pub fn group_mirror(tx: &Tx, group: &Group) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_groups (id, name, domain_id, description, extra, mirrored) \
               VALUES (?1, ?2, ?3, ?4, ?5, 1) ON CONFLICT (id) DO UPDATE SET name = ?2, description = ?4, mirrored = 1";
    let description = group.description.as_deref();
    let values = params![&group.id, &group.name, &group.domain_id, description, text(&group.extra)];
    tx.execute(sql, values).map(drop)
}

/// A user or a group is not in its directory any more. Says whether that is new.
pub fn mirror_forget(tx: &Tx, kind: &str, id: &str) -> Result<bool, Fault> {
    let table = table(kind);
    let gone = tx.execute(&format!("DELETE FROM {table} WHERE id = ?1 AND mirrored = 1"), params![id])? > 0;
    if gone {
        tx.execute(&format!("DELETE FROM identity_memberships WHERE {} = ?1", ends(kind)[0]), params![id])?;
    }
    Ok(gone)
}

/// The groups that a user is in, or the users in a group.
pub fn memberships(tx: &Tx, kind: &str, id: &str) -> Result<BTreeSet<String>, Fault> {
    let [own, other] = ends(kind);
    let sql = format!("SELECT {other} FROM identity_memberships WHERE {own} = ?1");
    tx.query(&sql, params![id])?.iter().map(|row| row.text(0)).collect()
}

/// A user is in these groups and no others, or a group has these users and no others.
pub fn memberships_mirror(tx: &Tx, kind: &str, id: &str, others: &BTreeSet<String>) -> Result<(), Fault> {
    let [own, other] = ends(kind);
    let before = memberships(tx, kind, id)?;
    for gone in before.difference(others) {
        let sql = format!("DELETE FROM identity_memberships WHERE {own} = ?1 AND {other} = ?2");
        tx.execute(&sql, params![id, gone])?;
    }
    for new in others.difference(&before) {
        let sql = format!("INSERT INTO identity_memberships ({own}, {other}) VALUES (?1, ?2)");
        tx.execute(&sql, params![id, new])?;
    }
    Ok(())
}

fn ends(kind: &str) -> [&'static str; 2] {
    if kind == "user" { ["user_id", "group_id"] } else { ["group_id", "user_id"] }
}

fn table(kind: &str) -> &'static str {
    if kind == "user" { "identity_users" } else { "identity_groups" }
}
