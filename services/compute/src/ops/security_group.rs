//! Security groups through compute, as old clients have them: the network service does it all.

use crate::ops::server_for;
use crate::{Compute, rules};
use fault::{Fault, Kind};
use policy::{Rule, Target};
use serde_json::Value;
use std::sync::Arc;
use web::Cx;

/// Nova's words for a group that does not exist.
fn no_group(id: &str) -> Fault {
    Fault::not_found(format!("Security group {id} not found."))
}

/// What the network service refuses, with the status that Nova makes of it.
fn nova_fault(fault: Fault) -> Fault {
    match fault.kind {
        Kind::OverQuota => Fault::forbidden(fault.public().to_owned()).because(fault),
        Kind::Conflict => Fault::bad_input(fault.public().to_owned()).because(fault),
        _ => fault,
    }
}

impl Compute {
    /// The groups of the caller's project, as the network service shows them.
    pub async fn group_rules_list(self: &Arc<Self>, cx: &Cx) -> Result<Vec<Value>, Fault> {
        own(cx, &rules::SECURITY_GROUPS_GET)?;
        // The first look of a project at its groups makes its default group.
        self.write(cx, |this, tx, cx| {
            let mut all = this.networks.security_groups(tx, &cx.who, None)?;
            all.retain(|group| {
                group["project_id"].as_str().or(group["tenant_id"].as_str()) == Some(cx.who.project())
            });
            Ok(all)
        })
        .await
    }

    /// One group.
    pub async fn group_rules_show(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<Value, Fault> {
        own(cx, &rules::SECURITY_GROUPS_SHOW)?;
        let id = id.to_owned();
        self.read(cx, move |this, tx, cx| {
            let all = this.networks.security_groups(tx, &cx.who, Some(&id))?;
            all.into_iter().next().ok_or_else(|| no_group(&id))
        })
        .await
    }

    /// Makes a group.
    pub async fn group_rules_create(self: &Arc<Self>, cx: &Cx, body: Value) -> Result<Value, Fault> {
        own(cx, &rules::SECURITY_GROUPS_CREATE)?;
        self.write(cx, move |this, tx, cx| {
            this.networks.security_group_create(tx, &cx.who, &body).map_err(nova_fault)
        })
        .await
    }

    /// Renames a group.
    pub async fn group_rules_update(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        body: Value,
    ) -> Result<Value, Fault> {
        own(cx, &rules::SECURITY_GROUPS_UPDATE)?;
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            this.networks.security_group_update(tx, &cx.who, &id, &body).map_err(|fault| missing(fault, &id))
        })
        .await
    }

    /// Deletes a group.
    pub async fn group_rules_delete(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<(), Fault> {
        own(cx, &rules::SECURITY_GROUPS_DELETE)?;
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            this.networks.security_group_delete(tx, &cx.who, &id).map_err(|fault| missing(fault, &id))
        })
        .await
    }

    /// Adds a rule.
    pub async fn group_rule_create(self: &Arc<Self>, cx: &Cx, body: Value) -> Result<Value, Fault> {
        own(cx, &rules::SECURITY_GROUPS_RULE_CREATE)?;
        self.write(cx, move |this, tx, cx| {
            this.networks.security_group_rule_create(tx, &cx.who, &body).map_err(nova_fault)
        })
        .await
    }

    /// Deletes a rule.
    pub async fn group_rule_delete(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<(), Fault> {
        own(cx, &rules::SECURITY_GROUPS_RULE_DELETE)?;
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            this.networks.security_group_rule_delete(tx, &cx.who, &id).map_err(|fault| missing(fault, &id))
        })
        .await
    }

    /// The groups of a server.
    pub async fn group_rules_of(self: &Arc<Self>, cx: &Cx, server_id: &str) -> Result<Vec<Value>, Fault> {
        let server_id = server_id.to_owned();
        self.read(cx, move |this, tx, cx| {
            server_for(tx, cx, &server_id, &rules::SECURITY_GROUPS_LIST)?;
            let mut ids: Vec<String> = Vec::new();
            for port in this.networks.ports_of(tx, &server_id)? {
                ids.extend(
                    port.security_groups
                        .into_iter()
                        .map(|(id, _)| id)
                        .filter(|id| !ids.contains(id))
                        .collect::<Vec<_>>(),
                );
            }
            let mut all = Vec::new();
            for id in ids {
                all.extend(this.networks.security_groups(tx, &cx.who, Some(&id))?);
            }
            Ok(all)
        })
        .await
    }
}

fn own(cx: &Cx, rule: &Rule) -> Result<(), Fault> {
    cx.may(rule, &Target::own(&cx.who))
}

fn missing(fault: Fault, id: &str) -> Fault {
    if fault.kind == Kind::NotFound { no_group(id).because(fault) } else { nova_fault(fault) }
}
