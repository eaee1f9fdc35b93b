//! Quotas: what projects may have, and what they have.

use crate::model::quota::{Quota, RESOURCES};
use crate::store as rows;
use crate::store::quota;
use crate::{Compute, rules};
use fault::Fault;
use policy::{Rule, Target};
use std::collections::HashMap;
use std::sync::Arc;
use store::Tx;
use web::Cx;

/// Limits and use of every resource, in the order of [`RESOURCES`].
pub type Quotas = Vec<Quota>;

fn quotas(tx: &Tx, project_id: &str, user_id: &str) -> Result<Quotas, Fault> {
    let limits = quota::limits(tx, project_id, user_id)?;
    let user = Some(user_id).filter(|user| !user.is_empty());
    let (instances, cores, ram) = rows::server::servers_usage(tx, project_id, user)?;
    let groups = rows::group::group_count(tx, project_id)?;
    let used = |name: &str| match name {
        "instances" => instances,
        "cores" => cores,
        "ram" => ram,
        "server_groups" => groups,
        // Nova counts these only where they are checked.
        _ => 0,
    };
    let quota = |resource: &crate::model::quota::Resource| Quota {
        resource: *resource,
        limit: limits.get(resource.name).copied().unwrap_or(-1),
        used: used(resource.name),
    };
    Ok(RESOURCES.iter().map(quota).collect())
}

impl Compute {
    /// Limits and use of a project, or of a user in it.
    pub async fn quota_show(
        self: &Arc<Self>,
        cx: &Cx,
        rule: &'static Rule,
        project_id: &str,
        user_id: &str,
    ) -> Result<Quotas, Fault> {
        cx.may(rule, &Target::project(project_id))?;
        let (project_id, user_id) = (project_id.to_owned(), user_id.to_owned());
        self.read(cx, move |this, tx, _| {
            this.project_must_be(tx, &project_id)?;
            quotas(tx, &project_id, &user_id)
        })
        .await
    }

    /// One's own limits and use, or another project's.
    pub async fn limits_show(self: &Arc<Self>, cx: &Cx, project_id: Option<String>) -> Result<Quotas, Fault> {
        cx.may(&rules::LIMITS, &Target::none())?;
        if project_id.is_some() {
            cx.may(&rules::LIMITS_OTHER_PROJECT, &Target::own(&cx.who))?;
        }
        self.read(cx, move |_, tx, cx| quotas(tx, project_id.as_deref().unwrap_or(cx.who.project()), ""))
            .await
    }

    /// The limits of those that have none of their own.
    pub async fn quota_defaults(
        self: &Arc<Self>,
        cx: &Cx,
        project_id: &str,
    ) -> Result<HashMap<&'static str, i64>, Fault> {
        cx.may(&rules::QUOTA_SETS_DEFAULTS, &Target::project(project_id))?;
        let project_id = project_id.to_owned();
        self.read(cx, move |this, tx, _| {
            this.project_must_be(tx, &project_id)?;
            quota::defaults(tx)
        })
        .await
    }

    /// Sets limits. Without `force` none may go below what is in use.
    pub async fn quota_update(
        self: &Arc<Self>,
        cx: &Cx,
        project_id: &str,
        user_id: &str,
        limits: Vec<(String, i64)>,
        force: bool,
    ) -> Result<Quotas, Fault> {
        cx.may(&rules::QUOTA_SETS_UPDATE, &Target::project(project_id))?;
        let (project_id, user_id) = (project_id.to_owned(), user_id.to_owned());
        self.write(cx, move |this, tx, _| {
            this.project_must_be(tx, &project_id)?;
            let now = quotas(tx, &project_id, &user_id)?;
            for (name, value) in &limits {
                let Some(own) = now.iter().find(|quota| quota.resource.name == name) else { continue };
                if !force && *value >= 0 && *value < own.used {
                    return Err(Fault::bad_input(format!(
                        "Quota limit {value} for {name} must be greater than or equal to already used and reserved {}.",
                        own.used
                    )));
                }
                quota::limit_set(tx, &project_id, &user_id, &own.resource, *value)?;
            }
            quotas(tx, &project_id, &user_id)
        })
        .await
    }

    /// A project (or a user in it) gets the defaults again.
    pub async fn quota_delete(
        self: &Arc<Self>,
        cx: &Cx,
        project_id: &str,
        user_id: &str,
    ) -> Result<(), Fault> {
        cx.may(&rules::QUOTA_SETS_DELETE, &Target::project(project_id))?;
        let (project_id, user_id) = (project_id.to_owned(), user_id.to_owned());
        self.write(cx, move |_, tx, _| quota::limits_reset(tx, &project_id, &user_id)).await
    }

    /// The limits of a class. Only the default one counts.
    pub async fn quota_class_show(
        self: &Arc<Self>,
        cx: &Cx,
        class: &str,
    ) -> Result<HashMap<&'static str, i64>, Fault> {
        cx.may(&rules::QUOTA_CLASS_SETS_SHOW, &Target::none())?;
        let class = class.to_owned();
        self.read(cx, move |_, tx, _| of_class(tx, &class)).await
    }

    /// Sets limits of a class.
    pub async fn quota_class_update(
        self: &Arc<Self>,
        cx: &Cx,
        class: &str,
        limits: Vec<(String, i64)>,
    ) -> Result<HashMap<&'static str, i64>, Fault> {
        cx.may(&rules::QUOTA_CLASS_SETS_UPDATE, &Target::none())?;
        let class = class.to_owned();
        self.write(cx, move |_, tx, _| {
            for (name, value) in &limits {
                quota::class_limit_set(tx, &class, name, *value)?;
            }
            of_class(tx, &class)
        })
        .await
    }
}

fn of_class(tx: &Tx, class: &str) -> Result<HashMap<&'static str, i64>, Fault> {
    let set = quota::class_limits(tx, class)?;
    Ok(RESOURCES
        .iter()
        .map(|resource| (resource.name, set.get(resource.name).copied().unwrap_or(resource.default)))
        .collect())
}
