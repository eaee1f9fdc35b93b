//! The default group of a project: there from its first use of the network on.

use crate::Network;
use crate::model::security_group::{DEFAULT, GroupRow, RuleRow};
use crate::record::{Json, Record};
use crate::store as rows;
use fault::Fault;
use metal::Kind;
use store::{Tx, params};

impl Network {
    /// The id of the project's default group; makes it when it is not there.
    pub(crate) fn default_group_ensure(&self, tx: &Tx, project: &str) -> Result<String, Fault> {
        if let Some(id) = rows::security_group::default_of(tx, project)? {
            return Ok(id);
        }
        let row = self.group_blank(tx, project, DEFAULT, "Default security group", true);
        let sql = "INSERT INTO security_group_defaults (project_id, group_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        tx.execute(sql, params![project, &row.id])?;
        row.insert(tx)?;
        for ethertype in ["IPv4", "IPv6"] {
            group_rule(tx, &row, "egress", ethertype, None)?.insert(tx)?;
            group_rule(tx, &row, "ingress", ethertype, Some(row.id.clone()))?.insert(tx)?;
        }
        reconcile::want(tx, Kind::SecurityGroup.word(), &row.id)?;
        Ok(row.id)
    }

    /// A group without rules.
    pub(crate) fn group_blank(
        &self,
        tx: &Tx,
        project: &str,
        name: &str,
        description: &str,
        stateful: bool,
    ) -> GroupRow {
        GroupRow {
            id: tx.entropy().dashed_id(),
            project_id: project.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            stateful,
            tags: Json(Vec::new()),
            revision_number: 1,
            revision: 1,
            created_at: tx.now(),
            updated_at: tx.now(),
        }
    }
}

/// A rule that lets everything through, in one direction, perhaps only of members of a group.
pub(crate) fn group_rule(
    tx: &Tx,
    group: &GroupRow,
    direction: &str,
    ethertype: &str,
    remote_group_id: Option<String>,
) -> Result<RuleRow, Fault> {
    Ok(RuleRow {
        id: tx.entropy().dashed_id(),
        group_id: group.id.clone(),
        project_id: group.project_id.clone(),
        description: String::new(),
        direction: direction.to_owned(),
        ethertype: ethertype.to_owned(),
        protocol: None,
        port_min: None,
        port_max: None,
        remote_group_id,
        remote_ip_prefix: None,
        of_default_group: group.name == DEFAULT,
        revision_number: 0,
        created_at: tx.now(),
        updated_at: tx.now(),
    })
}
