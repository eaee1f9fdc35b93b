//! Policies that share things with other projects.

use super::may::{may_create, may_delete, may_update};
use super::network::{no_gateways, shared_in_use, strangers_on};
use super::told;
use crate::Network;
use crate::model::attribute::Wish;
use crate::model::faults;
use crate::model::network::NetworkRow;
use crate::model::rbac::{AS_EXTERNAL, AS_SHARED, EVERYBODY, NOUN, RbacPolicy};
use crate::record::Record;
use crate::store::{self as rows, quota, work};
use fault::Fault;
use metal::Kind;
use policy::Target;
use store::{Tx, params};
use web::Cx;

impl Network {
    /// Shares a thing.
    pub fn rbac_policy_create(&self, tx: &Tx, cx: &Cx, wish: &Wish) -> Result<RbacPolicy, Fault> {
        may_create(cx, &NOUN, wish, Target::project(&wish.project()))?;
        quota::charge(tx, &wish.project(), "rbac_policy")?;
        let policy = RbacPolicy {
            id: tx.entropy().dashed_id(),
            project_id: wish.project(),
            object_type: wish.text_or_empty("object_type"),
            object_id: wish.text_or_empty("object_id"),
            action: wish.text_or_empty("action"),
            target_project: wish.text_or_empty("target_tenant"),
        };
        self.shareable(tx, cx, &policy)?;
        if rows::rbac::of(tx, &policy.object_id, &policy.action, &policy.target_project)?.is_some() {
            let sentence = "An RBAC policy already exists with those values.";
            return Err(faults::conflict("DuplicateRbacPolicy", sentence));
        }
        policy.insert(tx)?;
        follow(tx, &policy)?;
        Ok(policy)
    }

    fn shareable(&self, tx: &Tx, cx: &Cx, policy: &RbacPolicy) -> Result<(), Fault> {
        let actions: &[&str] = match policy.object_type.as_str() {
            "network" => &[AS_SHARED, AS_EXTERNAL],
            "security_group" => &[AS_SHARED],
            other => {
                let sentence = format!("'{other}' is not a valid RBAC object type");
                return Err(faults::invalid(sentence));
            }
        };
        if !actions.contains(&policy.action.as_str()) {
            let sentence = format!(
                "Invalid action '{}' for object type '{}'. Valid actions: {}",
                policy.action,
                policy.object_type,
                actions.join(", ")
            );
            return Err(faults::invalid(sentence));
        }
        let owner = match policy.object_type.as_str() {
            "network" => rows::network::find_seen(tx, &cx.who, &policy.object_id)?.row.project_id,
            _ => rows::security_group::find_seen(tx, &cx.who, &policy.object_id)?.project_id,
        };
        if cx.who.admin {
            return Ok(());
        }
        let what = if policy.object_type == "network" { "networks" } else { "objects" };
        if policy.action == AS_EXTERNAL {
            return Err(faults::invalid("Only admins can manipulate policies allowing access_as_external"));
        }
        if owner != cx.who.project() {
            return Err(faults::invalid(format!(
                "Only admins can manipulate policies on {what} they do not own"
            )));
        }
        Ok(())
    }

    /// Shares a thing with somebody else instead.
    pub fn rbac_policy_update(&self, tx: &Tx, cx: &Cx, id: &str, wish: &Wish) -> Result<RbacPolicy, Fault> {
        let mut policy = rows::rbac::find_seen(tx, &cx.who, id)?;
        may_update(cx, &NOUN, wish, told(Target::project(&policy.project_id), &policy))?;
        if let Some(to) = wish.text("target_tenant").filter(|to| *to != policy.target_project) {
            unshare(tx, &policy)?;
            policy.target_project = to;
            policy.save(tx)?;
            follow(tx, &policy)?;
        }
        Ok(policy)
    }

    /// Shares a thing no longer, unless others use it.
    pub fn rbac_policy_delete(&self, tx: &Tx, cx: &Cx, id: &str) -> Result<(), Fault> {
        let policy = rows::rbac::find_seen(tx, &cx.who, id)?;
        may_delete(cx, &NOUN, &told(Target::project(&policy.project_id), &policy))?;
        unshare(tx, &policy).map_err(|fault| in_use(&policy, fault))?;
        RbacPolicy::remove(tx, id)
    }
}

fn in_use(policy: &RbacPolicy, fault: Fault) -> Fault {
    let sentence = format!(
        "RBAC policy on object {} cannot be removed because other objects depend on it.\nDetails: {}",
        policy.object_id,
        fault.public()
    );
    faults::conflict("RbacPolicyInUse", sentence)
}

/// A network follows its policies.
fn follow(tx: &Tx, policy: &RbacPolicy) -> Result<(), Fault> {
    if policy.object_type != "network" {
        return Ok(());
    }
    match (policy.action.as_str(), policy.target_project.as_str()) {
        (AS_SHARED, EVERYBODY) => {
            tx.execute("UPDATE networks SET shared = 1 WHERE id = ?1", params![&policy.object_id])?;
        }
        (AS_EXTERNAL, _) => external_set(tx, &policy.object_id, true)?,
        _ => {}
    }
    work::renumbered(tx, "networks", &policy.object_id)
}

/// The network is external or is not, in the switch too.
fn external_set(tx: &Tx, id: &str, external: bool) -> Result<(), Fault> {
    rows::network::external_set(tx, id, external)?;
    work::changed(tx, Kind::Network, id)
}

/// What the policy allowed is not used, and its thing follows.
fn unshare(tx: &Tx, policy: &RbacPolicy) -> Result<(), Fault> {
    if policy.object_type == "security_group" {
        return group_unshare(tx, policy);
    }
    let Some(network) = NetworkRow::find(tx, &policy.object_id)? else { return Ok(()) };
    if policy.action == AS_SHARED {
        if strangers_on(tx, &network, &policy.target_project)? {
            return Err(shared_in_use(&network.id));
        }
        if policy.target_project == EVERYBODY {
            tx.execute("UPDATE networks SET shared = 0 WHERE id = ?1", params![&network.id])?;
        }
    } else {
        let others = "SELECT 1 FROM network_rbac WHERE object_id = ?1 AND action = ?2 AND id <> ?3";
        if tx.query_one(others, params![&network.id, AS_EXTERNAL, &policy.id])?.is_none() {
            no_gateways(tx, &network.id)?;
            external_set(tx, &network.id, false)?;
        }
    }
    work::renumbered(tx, "networks", &network.id)
}

fn group_unshare(tx: &Tx, policy: &RbacPolicy) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM port_groups g JOIN ports p ON p.id = g.port_id JOIN security_groups s ON s.id = g.group_id \
               WHERE g.group_id = ?1 AND p.project_id <> s.project_id AND (?2 = '*' OR p.project_id = ?2)";
    match tx.query_one(sql, params![&policy.object_id, &policy.target_project])? {
        None => Ok(()),
        Some(_) => {
            let sentence = format!("Security Group {} in use.", policy.object_id);
            Err(faults::conflict("SecurityGroupInUse", sentence))
        }
    }
}
