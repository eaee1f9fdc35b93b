//! Security groups.

use super::default_group::group_rule;
use super::may::{may_create, may_delete, may_update};
use super::{flagged, told};
use crate::Network;
use crate::model::attribute::Wish;
use crate::model::faults;
use crate::model::security_group::{DEFAULT, Group, GroupRow, NOUN};
use crate::record::Record;
use crate::store::{self as rows, Condition, quota, work};
use fault::Fault;
use metal::Kind;
use policy::Target;
use store::{Tx, params};
use web::Cx;

impl Network {
    /// Makes a security group, whose ports may say everything and hear nothing until it has further rules.
    pub fn security_group_create(&self, tx: &Tx, cx: &Cx, wish: &Wish) -> Result<Group, Fault> {
        may_create(cx, &NOUN, wish, Target::project(&wish.project()))?;
        self.default_group_ensure(tx, &wish.project())?;
        quota::charge(tx, &wish.project(), "security_group")?;
        let (name, description) = (wish.text_or_empty("name"), wish.text_or_empty("description"));
        let row =
            self.group_blank(tx, &wish.project(), &name, &description, wish.flag("stateful").unwrap_or(true));
        row.insert(tx)?;
        for ethertype in ["IPv4", "IPv6"] {
            group_rule(tx, &row, "egress", ethertype, None)?.insert(tx)?;
        }
        reconcile::want(tx, Kind::SecurityGroup.word(), &row.id)?;
        group(tx, cx, &row.id)
    }

    /// Changes a security group.
    pub fn security_group_update(&self, tx: &Tx, cx: &Cx, id: &str, wish: &Wish) -> Result<Group, Fault> {
        let mut row = rows::security_group::find_seen(tx, &cx.who, id)?;
        let shared = rows::security_group::is_shared_with(tx, id, cx.who.project())?;
        may_update(cx, &NOUN, wish, alone(&row, shared))?;
        let stateful = wish.flag("stateful").unwrap_or(row.stateful);
        if stateful != row.stateful && !rows::security_group::ports(tx, id)?.is_empty() {
            return Err(in_use(id));
        }
        if row.name == DEFAULT && wish.has("name") {
            let sentence = "Updating default security group not allowed.";
            return Err(faults::conflict("SecurityGroupCannotUpdateDefault", sentence));
        }
        row.stateful = stateful;
        row.name = wish.text("name").unwrap_or(row.name);
        row.description = wish.text("description").unwrap_or(row.description);
        row.revision_number += 1;
        row.updated_at = tx.now();
        row.save(tx)?;
        work::changed(tx, Kind::SecurityGroup, id)?;
        group(tx, cx, id)
    }

    /// Removes a security group that no port has.
    pub fn security_group_delete(&self, tx: &Tx, cx: &Cx, id: &str) -> Result<(), Fault> {
        let row = rows::security_group::find_seen(tx, &cx.who, id)?;
        let shared = rows::security_group::is_shared_with(tx, id, cx.who.project())?;
        may_delete(cx, &NOUN, &alone(&row, shared))?;
        if !rows::security_group::ports(tx, id)?.is_empty() {
            return Err(in_use(id));
        }
        if row.name == DEFAULT && !cx.who.admin {
            let sentence = "Insufficient rights for removing default security group.";
            return Err(faults::conflict("SecurityGroupCannotRemoveDefault", sentence));
        }
        // Rules of other groups that let this one's members in go with it.
        let others = "SELECT DISTINCT group_id FROM security_group_rules WHERE remote_group_id = ?1 AND group_id <> ?1";
        for other in tx.query(others, params![id])? {
            work::changed(tx, Kind::SecurityGroup, &other.text(0)?)?;
        }
        tx.execute(
            "DELETE FROM security_group_rules WHERE group_id = ?1 OR remote_group_id = ?1",
            params![id],
        )?;
        tx.execute("DELETE FROM security_group_defaults WHERE group_id = ?1", params![id])?;
        rows::rbac::forget(tx, id)?;
        work::buried::<GroupRow>(tx, Kind::SecurityGroup, id, row.revision)
    }
}

/// The group as the caller sees it.
pub(crate) fn group(tx: &Tx, cx: &Cx, id: &str) -> Result<Group, Fault> {
    let found = rows::security_group::seen(tx, &cx.who, Condition::is("id", id))?.pop();
    found.ok_or_else(|| faults::security_group_missing(id))
}

/// All that rules see of a group; what its rules are is nothing that they could name.
pub(crate) fn alone(row: &GroupRow, shared: bool) -> Target {
    told(target(row, shared), &Group { row: row.clone(), rules: Vec::new(), shared })
}

/// What rules see of a group, which is shared with the caller or not.
pub(crate) fn target(row: &GroupRow, shared: bool) -> Target {
    flagged(Target::project(&row.project_id), "shared", shared)
}

fn in_use(id: &str) -> Fault {
    faults::conflict("SecurityGroupInUse", format!("Security Group {id} in use."))
}
