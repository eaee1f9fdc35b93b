//! Rules of security groups.

use super::may::{may_create, may_delete, may_update};
use super::{of_group, told};
use crate::Network;
use crate::model::attribute::Wish;
use crate::model::faults;
use crate::model::rule::Traffic;
use crate::model::security_group::{DEFAULT, GroupRow, RULE_NOUN, RuleRow};
use crate::record::Record;
use crate::store::{self as rows, Condition, quota, work};
use fault::Fault;
use metal::Kind;
use policy::{Target, Who};
use store::{Tx, Value};
use web::Cx;

impl Network {
    /// Rules that the caller sees: those of the groups that it sees.
    pub fn security_group_rules_seen(
        &self,
        tx: &Tx,
        who: &Who,
        condition: Condition,
    ) -> Result<Vec<RuleRow>, Fault> {
        if who.overseer {
            return condition.rows(tx);
        }
        let visible = "(project_id = ? OR group_id IN (SELECT id FROM security_groups WHERE project_id = ?) OR group_id IN \
                       (SELECT object_id FROM network_rbac WHERE object_type = 'security_group' AND target_project IN (?, '*')))";
        let project = || Value::from(who.project());
        condition.and(visible, [project(), project(), project()]).rows(tx)
    }

    /// The rule, if the caller sees it.
    pub fn rule_seen(&self, tx: &Tx, who: &Who, id: &str) -> Result<RuleRow, Fault> {
        match self.security_group_rules_seen(tx, who, Condition::is("id", id))?.pop() {
            Some(rule) => Ok(rule),
            None if RuleRow::find(tx, id)?.is_some() => Err(faults::nothing()),
            None => Err(faults::security_group_rule_missing(id)),
        }
    }

    /// Adds a rule to a group.
    pub fn security_group_rule_create(&self, tx: &Tx, cx: &Cx, wish: &Wish) -> Result<RuleRow, Fault> {
        let group_id = wish.text_or_empty("security_group_id");
        let group =
            GroupRow::find(tx, &group_id)?.ok_or_else(|| faults::security_group_missing(&group_id))?;
        let target = of_group(Target::project(&wish.project()), &group.project_id);
        may_create(cx, &RULE_NOUN, wish, target)?;
        if let Some(id) = wish.text("remote_address_group_id") {
            return Err(faults::missing(
                "AddressGroupNotFound",
                format!("Address group {id} could not be found."),
            ));
        }
        let traffic = Traffic::wished(wish)?;
        if let Some(remote) = &traffic.remote_group_id {
            rows::security_group::usable(tx, &wish.project(), remote)?;
        }
        quota::charge(tx, &wish.project(), "security_group_rule")?;
        if let Some(same) =
            rows::security_group::rules(tx, &group_id)?.iter().find(|own| own.traffic().same(&traffic))
        {
            let sentence = format!("Security group rule already exists. Rule id is {}.", same.id);
            return Err(faults::conflict("SecurityGroupRuleExists", sentence));
        }
        let row = RuleRow {
            id: tx.entropy().dashed_id(),
            group_id: group_id.clone(),
            project_id: wish.project(),
            description: wish.text_or_empty("description"),
            direction: traffic.direction,
            ethertype: traffic.ethertype,
            protocol: traffic.protocol,
            port_min: traffic.port_min,
            port_max: traffic.port_max,
            remote_group_id: traffic.remote_group_id,
            remote_ip_prefix: traffic.remote_ip_prefix,
            of_default_group: group.name == DEFAULT,
            revision_number: 0,
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        row.insert(tx)?;
        self.group_moved(tx, &group_id)?;
        Ok(row)
    }

    /// Changes what is said of a rule.
    pub fn security_group_rule_update(
        &self,
        tx: &Tx,
        cx: &Cx,
        id: &str,
        wish: &Wish,
    ) -> Result<RuleRow, Fault> {
        let mut row = self.rule_seen(tx, &cx.who, id)?;
        let group = rows::security_group::find_seen(tx, &cx.who, &row.group_id)?;
        let target = told(of_group(Target::project(&row.project_id), &group.project_id), &row);
        may_update(cx, &RULE_NOUN, wish, target)?;
        row.description = wish.text("description").unwrap_or(row.description);
        row.revision_number += 1;
        row.updated_at = tx.now();
        row.save(tx)?;
        Ok(row)
    }

    /// Takes a rule from its group.
    pub fn security_group_rule_delete(&self, tx: &Tx, cx: &Cx, id: &str) -> Result<(), Fault> {
        let row = self.rule_seen(tx, &cx.who, id)?;
        let group = rows::security_group::find_seen(tx, &cx.who, &row.group_id)?;
        let target = told(of_group(Target::project(&row.project_id), &group.project_id), &row);
        may_delete(cx, &RULE_NOUN, &target)?;
        RuleRow::remove(tx, id)?;
        self.group_moved(tx, &row.group_id)
    }

    fn group_moved(&self, tx: &Tx, group_id: &str) -> Result<(), Fault> {
        work::renumbered(tx, "security_groups", group_id)?;
        work::changed(tx, Kind::SecurityGroup, group_id)
    }
}
