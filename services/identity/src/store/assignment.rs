//! Rows of who has which role on what.

use crate::model::assignment::{ActorKind, Assignment, TargetKind};
use fault::Fault;
use store::{Row, Tx, params};

const SELECT: &str =
    "SELECT actor_kind, actor_id, target_kind, target_id, role_id, inherited FROM identity_assignments";

fn assignment(row: &Row) -> Result<Assignment, Fault> {
    let actor_kind = if row.text(0)? == "user" { ActorKind::User } else { ActorKind::Group };
    let target_kind = match row.text(2)?.as_str() {
        "project" => TargetKind::Project,
        "domain" => TargetKind::Domain,
        _ => TargetKind::System,
    };
    Ok(Assignment {
        actor_kind,
        actor_id: row.text(1)?,
        target_kind,
        target_id: row.text(3)?,
        role_id: row.text(4)?,
        inherited: row.flag(5)?,
    })
}

/// Every assignment.
pub fn assignments(tx: &Tx) -> Result<Vec<Assignment>, Fault> {
    tx.query(SELECT, params![])?.iter().map(assignment).collect()
}

/// What was granted to one user or group.
pub fn assignments_of_actor(tx: &Tx, kind: ActorKind, id: &str) -> Result<Vec<Assignment>, Fault> {
    let sql = format!("{SELECT} WHERE actor_kind = ?1 AND actor_id = ?2");
    tx.query(&sql, params![kind.word(), id])?.iter().map(assignment).collect()
}

/// What was granted on these targets.
pub fn assignments_on(tx: &Tx, ids: &[String]) -> Result<Vec<Assignment>, Fault> {
    let sql =
        format!("{SELECT} WHERE target_kind IN ('project', 'domain', 'system') AND target_id IN ({{ids}})");
    tx.query_among(&sql, ids)?.iter().map(assignment).collect()
}

/// What a user has by itself and through its groups, those among them that it is in for a while.
pub fn assignments_of_user(tx: &Tx, user_id: &str) -> Result<Vec<Assignment>, Fault> {
    let sql = format!(
        "{SELECT} WHERE (actor_kind = 'user' AND actor_id = ?1) OR (actor_kind = 'group' AND actor_id IN \
         (SELECT group_id FROM identity_memberships WHERE user_id = ?1 UNION SELECT group_id \
         FROM identity_expiring_memberships WHERE user_id = ?1 AND expires_at > ?2)) ORDER BY target_id, role_id"
    );
    tx.query(&sql, params![user_id, tx.now()])?.iter().map(assignment).collect()
}

/// The ids of the roles granted to `like`'s actor on its target in its way (its own role does not matter).
pub fn roles_granted(tx: &Tx, like: &Assignment) -> Result<Vec<String>, Fault> {
    let sql = "SELECT role_id FROM identity_assignments WHERE actor_kind = ?1 AND actor_id = ?2 AND target_kind = ?3 \
               AND target_id = ?4 AND inherited = ?5 ORDER BY role_id";
    let [kind, actor, target_kind, target, _, inherited] = values(like);
    tx.query(sql, &[kind, actor, target_kind, target, inherited])?.iter().map(|row| row.text(0)).collect()
}

/// The grant exists.
pub fn assignment_add(tx: &Tx, one: &Assignment) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_assignments (actor_kind, actor_id, target_kind, target_id, role_id, inherited) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    tx.execute(sql, &values(one))?;
    Ok(())
}

/// The grant does not exist any more; false if it did not.
pub fn assignment_remove(tx: &Tx, one: &Assignment) -> Result<bool, Fault> {
    Ok(tx.execute(&format!("DELETE FROM identity_assignments WHERE {EXACTLY}"), &values(one))? > 0)
}

/// Whether the grant exists.
pub fn assignment_exists(tx: &Tx, one: &Assignment) -> Result<bool, Fault> {
    Ok(tx.query_one(&format!("{SELECT} WHERE {EXACTLY}"), &values(one))?.is_some())
}

const EXACTLY: &str = "actor_kind = ?1 AND actor_id = ?2 AND target_kind = ?3 AND target_id = ?4 AND role_id = ?5 \
                       AND inherited = ?6";

fn values(one: &Assignment) -> [store::Value; 6] {
    [
        one.actor_kind.word().into(),
        one.actor_id.as_str().into(),
        one.target_kind.word().into(),
        one.target_id.as_str().into(),
        one.role_id.as_str().into(),
        one.inherited.into(),
    ]
}
