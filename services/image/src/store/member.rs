//! Rows of members.

use crate::model::member::Member;
use ::store::{Row, Tx, params};
use fault::Fault;

const SELECT: &str = "SELECT image_id, member_id, status, created_at, updated_at FROM image_members";

fn member(row: &Row) -> Result<Member, Fault> {
    Ok(Member {
        image_id: row.text(0)?,
        member_id: row.text(1)?,
        status: row.text(2)?,
        created_at: row.at(3)?,
        updated_at: row.at(4)?,
    })
}

/// The members of an image.
pub fn members(tx: &Tx, image_id: &str) -> Result<Vec<Member>, Fault> {
    let sql = format!("{SELECT} WHERE image_id = ?1 ORDER BY created_at, member_id");
    tx.query(&sql, params![image_id])?.iter().map(member).collect()
}

/// One member.
pub fn member_by_id(tx: &Tx, image_id: &str, member_id: &str) -> Result<Option<Member>, Fault> {
    let sql = format!("{SELECT} WHERE image_id = ?1 AND member_id = ?2");
    tx.query_one(&sql, params![image_id, member_id])?.as_ref().map(member).transpose()
}

/// Adds a member; false if the project is one already.
pub fn member_insert(tx: &Tx, image_id: &str, member_id: &str) -> Result<bool, Fault> {
    let sql = "INSERT INTO image_members (image_id, member_id, status, created_at, updated_at) \
               VALUES (?1, ?2, 'pending', ?3, ?3) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, params![image_id, member_id, tx.now()])? > 0)
}

/// The member's answer.
pub fn member_update(tx: &Tx, image_id: &str, member_id: &str, status: &str) -> Result<(), Fault> {
    let sql = "UPDATE image_members SET status = ?3, updated_at = ?4 WHERE image_id = ?1 AND member_id = ?2";
    tx.execute(sql, params![image_id, member_id, status, tx.now()])?;
    Ok(())
}

/// Removes a member; false if it was none.
pub fn member_delete(tx: &Tx, image_id: &str, member_id: &str) -> Result<bool, Fault> {
    let sql = "DELETE FROM image_members WHERE image_id = ?1 AND member_id = ?2";
    Ok(tx.execute(sql, params![image_id, member_id])? > 0)
}
