//! Grants: who has which role on what.

use super::group::group_target;
use super::missing;
use super::project::project_target;
use super::role::role_target;
use super::user::user_target;
use crate::Identity;
use crate::model::assignment::{ActorKind, Assignment, TargetKind};
use crate::model::role::Role;
use crate::store::{self, assignment::*};
use ::store::Tx;
use fault::Fault;
use policy::{Rule, Target};
use web::Cx;

impl Identity {
    /// Grants or takes back.
    pub async fn grant(&self, cx: &Cx, one: Assignment, rule: &'static Rule, act: Act) -> Result<(), Fault> {
        self.directory_refresh([one.actor_id.clone()]).await?;
        let cx = cx.clone();
        self.db
            .write(move |tx| {
                grant_for(tx, &cx, &one, rule, act != Act::Remove)?;
                match act {
                    Act::Add => {
                        check_role_fits(tx, &one)?;
                        assignment_add(tx, &one)?;
                    }
                    Act::Remove if assignment_remove(tx, &one)? => {}
                    Act::Remove => return Err(not_granted(&one)),
                }
                store::token::epoch_advance(tx)
            })
            .await
    }

    /// It is granted, or it is a 404.
    pub async fn grant_check(&self, cx: &Cx, one: Assignment, rule: &'static Rule) -> Result<(), Fault> {
        self.directory_refresh([one.actor_id.clone()]).await?;
        let cx = cx.clone();
        self.db
            .read(move |tx| {
                grant_for(tx, &cx, &one, rule, true)?;
                if assignment_exists(tx, &one)? { Ok(()) } else { Err(not_granted(&one)) }
            })
            .await
    }

    /// The roles granted to an actor on a target.
    pub async fn grant_list(
        &self,
        cx: &Cx,
        like: Assignment,
        rule: &'static Rule,
    ) -> Result<Vec<Role>, Fault> {
        self.directory_refresh([like.actor_id.clone()]).await?;
        let cx = cx.clone();
        self.db
            .read(move |tx| {
                grant_for(tx, &cx, &like, rule, true)?;
                let mut roles = Vec::new();
                for id in roles_granted(tx, &like)? {
                    roles.extend(store::role::role_by_id(tx, &id)?);
                }
                Ok(roles)
            })
            .await
    }
}

fn not_granted(one: &Assignment) -> Fault {
    Fault::not_found(format!(
        "Could not find role assignment with role: {}, user or group: {}, project, domain, or system: {}.",
        one.role_id,
        one.actor_id,
        if one.target_kind == TargetKind::System { "system" } else { &one.target_id }
    ))
}

/// What to do with a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Make it exist.
    Add,
    /// Take it away; a 404 if it is not there.
    Remove,
}

/// Everything that an assignment names exists, and the caller may do `rule` to it. What was granted to somebody who is
/// gone can still be taken back: then the actor need not be there.
fn grant_for(
    tx: &Tx,
    cx: &Cx,
    one: &Assignment,
    rule: &'static Rule,
    actor_needed: bool,
) -> Result<(), Fault> {
    let role = store::role::role_by_id(tx, &one.role_id)?;
    let target = role_target(Target::none(), role.as_ref());
    let (target, actor) = match one.actor_kind {
        ActorKind::User => {
            let user = store::user::user_by_id(tx, &one.actor_id)?;
            (role_target(user_target(user.as_ref()), role.as_ref()), user.map(drop).ok_or("user"))
        }
        ActorKind::Group => {
            let group = store::group::group_by_id(tx, &one.actor_id)?;
            (group_target(target, group.as_ref()), group.map(drop).ok_or("group"))
        }
    };
    let place = match one.target_kind {
        TargetKind::System => None,
        TargetKind::Project | TargetKind::Domain => store::project::project_by_id(tx, &one.target_id)?,
    };
    let target = match &place {
        Some(place) => project_target(Some(place)).and(target),
        None => target,
    };
    cx.may(rule, &target)?;
    if !one.role_id.is_empty() {
        role.ok_or_else(|| missing("role", &one.role_id))?;
    }
    if actor_needed {
        actor.map_err(|noun| missing(noun, &one.actor_id))?;
    }
    let fits = match one.target_kind {
        TargetKind::System => true,
        TargetKind::Project => place.is_some(),
        TargetKind::Domain => place.is_some_and(|place| place.is_domain),
    };
    if fits { Ok(()) } else { Err(missing(one.target_kind.word(), &one.target_id)) }
}

/// A role of a domain is for the projects of that domain.
fn check_role_fits(tx: &Tx, one: &Assignment) -> Result<(), Fault> {
    let role = store::role::role_by_id(tx, &one.role_id)?.filter(|role| !role.domain_id.is_empty());
    if one.target_kind == TargetKind::System && role.is_some() {
        return Err(Fault::bad_input(format!(
            "Role {} is a domain-specific role. Unable to use a domain-specific role in a system assignment.",
            one.role_id
        )));
    }
    let place = store::project::project_by_id(tx, &one.target_id)?;
    match (role, place) {
        (Some(role), Some(place))
            if one.target_kind == TargetKind::Project && role.domain_id != place.domain_id =>
        {
            Err(Fault::forbidden(format!(
                "Project {} must be in the same domain as the role {} being assigned.",
                place.id, role.id
            )))
        }
        _ => Ok(()),
    }
}
