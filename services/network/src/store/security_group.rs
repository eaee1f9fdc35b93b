//! Security groups and rules in the store.

use super::Condition;
use crate::model::faults;
use crate::model::security_group::{Group, GroupRow, RuleRow};
use crate::record::Record;
use fault::Fault;
use policy::Who;
use std::collections::HashMap;
use store::{Tx, params};

const VISIBLE: &str = "(project_id = ? OR id IN (SELECT object_id FROM network_rbac WHERE object_type = 'security_group' \
                       AND target_project IN (?, '*')))";

/// Security groups that `who` sees: own and shared ones.
pub fn seen(tx: &Tx, who: &Who, condition: Condition) -> Result<Vec<Group>, Fault> {
    let condition = visible(who, condition);
    let rows: Vec<GroupRow> = condition.rows(tx)?;
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let columns = <RuleRow as Record>::COLUMNS.join(", ");
    let sql = format!(
        "SELECT {columns} FROM security_group_rules WHERE group_id IN ({{ids}}) ORDER BY created_at, id"
    );
    let mut rules: HashMap<String, Vec<RuleRow>> = HashMap::new();
    for row in tx.query_among(&sql, &ids)? {
        let rule = RuleRow::read(&row)?;
        rules.entry(rule.group_id.clone()).or_default().push(rule);
    }
    let shared = shared_with(tx, who.project())?;
    let groups = rows.into_iter().map(|row| Group {
        rules: rules.remove(&row.id).unwrap_or_default(),
        shared: shared.contains(&row.id),
        row,
    });
    Ok(groups.collect())
}

fn visible(who: &Who, condition: Condition) -> Condition {
    if who.overseer {
        condition
    } else {
        condition.and(VISIBLE, [who.project().into(), who.project().into()])
    }
}

fn shared_with(tx: &Tx, project: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT object_id FROM network_rbac WHERE object_type = 'security_group' AND target_project IN (?1, '*')";
    tx.query(sql, params![project])?.iter().map(|row| row.text(0)).collect()
}

/// Whether ports and rules of a project may name the group though it is another's.
pub fn is_shared_with(tx: &Tx, id: &str, project: &str) -> Result<bool, Fault> {
    Ok(shared_with(tx, project)?.iter().any(|shared| shared == id))
}

/// The group, if `who` sees it.
pub fn find_seen(tx: &Tx, who: &Who, id: &str) -> Result<GroupRow, Fault> {
    let found = visible(who, Condition::is("id", id)).row(tx)?;
    found.ok_or_else(|| faults::security_group_missing(id))
}

/// The group of an id, if ports and rules of a project may name it: own, shared.
pub fn usable(tx: &Tx, project: &str, id: &str) -> Result<GroupRow, Fault> {
    let own = Who { project_id: Some(project.to_owned()), ..Who::default() };
    find_seen(tx, &own, id)
}

/// The rules of a group.
pub fn rules(tx: &Tx, group_id: &str) -> Result<Vec<RuleRow>, Fault> {
    RuleRow::select(tx, "WHERE group_id = ?1 ORDER BY created_at, id", params![group_id])
}

/// The id of a project's default group.
pub fn default_of(tx: &Tx, project: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT group_id FROM security_group_defaults WHERE project_id = ?1";
    tx.query_one(sql, params![project])?.map(|row| row.text(0)).transpose()
}

/// Ports that have the group.
pub fn ports(tx: &Tx, group_id: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT port_id FROM port_groups WHERE group_id = ?1 ORDER BY port_id";
    tx.query(sql, params![group_id])?.iter().map(|row| row.text(0)).collect()
}
