//! Server groups and their members.

use crate::model::group::{Group, Policy};
use crate::store::counter;
use fault::Fault;
use store::{Row, Tx, params};

const COLUMNS: &str = "id, project_id, user_id, name, policy, rules";

fn read(tx: &Tx, row: &Row) -> Result<Group, Fault> {
    let id = row.text(0)?;
    let sql = "SELECT m.server_id FROM compute_group_members m JOIN compute_servers s ON s.id = m.server_id
               WHERE m.group_id = ?1 AND s.deleted_at IS NULL ORDER BY s.number";
    let members = tx.query(sql, params![&id])?.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
    Ok(Group {
        id,
        project_id: row.text(1)?,
        user_id: row.text(2)?,
        name: row.text(3)?,
        policy: Policy::of(&row.text(4)?).unwrap_or(Policy::SoftAffinity),
        rules: row.json(5)?,
        members,
    })
}

/// The group of this id.
pub fn group_by_id(tx: &Tx, id: &str) -> Result<Option<Group>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM compute_groups WHERE id = ?1");
    tx.query_one(&sql, params![id])?.map(|row| read(tx, &row)).transpose()
}

/// The group that a server is in.
pub fn group_of(tx: &Tx, server_id: &str) -> Result<Option<Group>, Fault> {
    let row =
        tx.query_one("SELECT group_id FROM compute_group_members WHERE server_id = ?1", params![server_id])?;
    let Some(row) = row else { return Ok(None) };
    group_by_id(tx, &row.text(0)?)
}

/// The groups of a project, or all.
pub fn group_list(tx: &Tx, project_id: Option<&str>) -> Result<Vec<Group>, Fault> {
    let sql =
        format!("SELECT {COLUMNS} FROM compute_groups WHERE ?1 = '' OR project_id = ?1 ORDER BY number");
    tx.query(&sql, params![project_id.unwrap_or_default()])?.iter().map(|row| read(tx, row)).collect()
}

/// How many groups a project has.
pub fn group_count(tx: &Tx, project_id: &str) -> Result<i64, Fault> {
    let row =
        tx.query_one("SELECT count(*) FROM compute_groups WHERE project_id = ?1", params![project_id])?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Adds a group.
pub fn group_insert(tx: &Tx, group: &Group) -> Result<(), Fault> {
    let sql = format!(
        "INSERT INTO compute_groups ({COLUMNS}, number, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    );
    let number = counter::next(tx, "group")?;
    tx.execute(
        &sql,
        params![
            &group.id,
            &group.project_id,
            &group.user_id,
            &group.name,
            group.policy.word(),
            &group.rules,
            number,
            tx.now()
        ],
    )
    .map(drop)
}

/// Deletes a group; its servers stay.
pub fn group_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM compute_group_members WHERE group_id = ?1", params![id])?;
    tx.execute("DELETE FROM compute_groups WHERE id = ?1", params![id]).map(drop)
}

/// Puts a server into a group.
pub fn group_join(tx: &Tx, group_id: &str, server_id: &str) -> Result<(), Fault> {
    let sql = "INSERT INTO compute_group_members (group_id, server_id) VALUES (?1, ?2)";
    tx.execute(sql, params![group_id, server_id]).map(drop)
}

/// Takes a server out of its group.
pub fn group_leave(tx: &Tx, server_id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM compute_group_members WHERE server_id = ?1", params![server_id]).map(drop)
}

/// Members of a group by host: how many, and whether any has a host.
pub fn group_hosts(tx: &Tx, group_id: &str, but: &str) -> Result<Vec<(String, u64)>, Fault> {
    let sql = "SELECT s.host_id, count(*) FROM compute_group_members m JOIN compute_servers s ON s.id = m.server_id
               WHERE m.group_id = ?1 AND s.deleted_at IS NULL AND s.host_id IS NOT NULL AND s.id <> ?2 GROUP BY s.host_id";
    tx.query(sql, params![group_id, but])?.iter().map(|row| Ok((row.text(0)?, row.get(1)?))).collect()
}
