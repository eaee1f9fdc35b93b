//! Quotas of projects.

use super::may::may;
use crate::model::check;
use crate::model::faults;
use crate::model::quota::{RESOURCES, resource};
use crate::store::quota;
use crate::{Network, rules};
use fault::Fault;
use policy::{Rule, Target};
use serde_json::{Map, Value, json};
use store::Tx;
use web::Cx;

impl Network {
    /// The limits of a project.
    pub fn quota_show(&self, tx: &Tx, cx: &Cx, project: &str) -> Result<Value, Fault> {
        quota_seen(cx, project)?;
        known_limits(tx, cx, project)
    }

    /// What a project would have if nobody had said otherwise.
    pub fn quota_default(&self, cx: &Cx, project: &str) -> Result<Value, Fault> {
        quota_seen(cx, project)?;
        Ok(written(quota::defaults()))
    }

    /// The limits of a project with what it uses.
    pub fn quota_details(&self, tx: &Tx, cx: &Cx, project: &str) -> Result<Value, Fault> {
        // Neutron asks no rule here.
        if project != cx.who.project() && !cx.who.admin {
            let sentence = "User does not have admin privileges: Only admin is authorized to access quotas for another project.";
            return Err(Fault::forbidden(sentence).named("AdminRequired"));
        }
        let mut details = Map::new();
        for resource in RESOURCES {
            let (limit, used) = (quota::limit(tx, project, resource)?, quota::used(tx, project, resource)?);
            details.insert(resource.name.to_owned(), json!({"limit": limit, "used": used, "reserved": 0}));
        }
        Ok(Value::Object(details))
    }

    /// The limits of every project that has its own, of those that the caller knows of.
    pub fn quota_list(&self, tx: &Tx, cx: &Cx) -> Result<Vec<Value>, Fault> {
        asked(cx, &rules::GET_QUOTA)?;
        let with_id = |project: String| {
            let mut limits = written(quota::limits(tx, &project)?);
            limits["tenant_id"] = project.as_str().into();
            limits["project_id"] = project.into();
            Ok(limits)
        };
        quota::projects(tx)?.into_iter().filter(|project| knows(cx, project)).map(with_id).collect()
    }

    /// Sets limits of a project.
    pub fn quota_update(&self, tx: &Tx, cx: &Cx, project: &str, body: &Value) -> Result<Value, Fault> {
        asked(cx, &rules::UPDATE_QUOTA)?;
        let limits = body.get("quota").and_then(Value::as_object);
        let limits = limits.ok_or_else(|| faults::bad("Unable to find 'quota' in request body"))?;
        let force = limits.get("force") == Some(&Value::Bool(true));
        let known = |name: &str| {
            resource(name).is_some() || matches!(name, "force" | "check_limit" | "tenant_id" | "project_id")
        };
        let unknown: Vec<_> = limits.keys().map(String::as_str).filter(|name| !known(name)).collect();
        if !unknown.is_empty() {
            return Err(faults::bad(format!("Unrecognized attribute(s) '{}'", unknown.join(", "))));
        }
        for (name, value) in limits {
            let Some(resource) = resource(name) else { continue };
            let value = check::Convert::Number.apply(value)?;
            if let Some(reason) = check::Check::Range(-1, 2_147_483_647).refuses(&value)? {
                return Err(faults::bad(format!("Invalid input for {name}. Reason: {reason}.")));
            }
            let limit = value.as_i64().unwrap_or(-1);
            let used = quota::used(tx, project, resource)?;
            if limit >= 0 && used > limit && !force {
                return Err(faults::bad(format!(
                    "Quota limit {limit} for {name} must be greater than or equal to already used {used}"
                )));
            }
            quota::set(tx, project, name, limit)?;
        }
        known_limits(tx, cx, project)
    }

    /// The project has the defaults again.
    pub fn quota_delete(&self, tx: &Tx, cx: &Cx, project: &str) -> Result<(), Fault> {
        asked(cx, &rules::DELETE_QUOTA)?;
        if knows(cx, project) && quota::forget(tx, project)? {
            return Ok(());
        }
        let sentence = format!("Quota for project {project} could not be found.");
        Err(faults::missing("TenantQuotaNotFound", sentence))
    }
}

/// Refuses what a rule does not allow. Neutron asks of the caller's own project, whichever the limits are of, and keeps from
/// those who know of no other what others have.
fn asked(cx: &Cx, rule: &Rule) -> Result<(), Fault> {
    may(cx, rule, &Target::project(cx.who.project()))
}

/// One's own limits everybody sees, whatever the rule says.
fn quota_seen(cx: &Cx, project: &str) -> Result<(), Fault> {
    if project == cx.who.project() { Ok(()) } else { asked(cx, &rules::GET_QUOTA) }
}

/// Whether the caller knows of what was said for a project.
fn knows(cx: &Cx, project: &str) -> bool {
    cx.who.overseer || project == cx.who.project()
}

/// The limits of a project as far as the caller knows: the defaults, where nothing was said that he knows of.
fn known_limits(tx: &Tx, cx: &Cx, project: &str) -> Result<Value, Fault> {
    Ok(written(if knows(cx, project) { quota::limits(tx, project)? } else { quota::defaults() }))
}

fn written(limits: Vec<(&str, i64)>) -> Value {
    limits
        .into_iter()
        .map(|(name, limit)| (name.to_owned(), Value::from(limit)))
        .collect::<Map<_, _>>()
        .into()
}
