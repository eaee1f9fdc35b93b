//! Grants: who has which role on what, and what that amounts to when groups, inheritance and implications are followed.

use super::directory::never_seen;
use super::group::group_target;
use super::missing;
use super::project::{below, project_target};
use super::role::role_target;
use super::user::user_target;
use crate::Identity;
use crate::model::assignment::{ActorKind, Assignment, TargetKind};
use crate::model::role::Role;
use crate::rules;
use crate::store::{self, assignment::*};
use ::store::Tx;
use fault::Fault;
use policy::{Rule, Target};
use std::collections::{BTreeSet, HashMap};
use web::Cx;

/// What a list of assignments is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A user.
    pub user: Option<String>,
    /// A group.
    pub group: Option<String>,
    /// A role.
    pub role: Option<String>,
    /// A target: its kind and id.
    pub target: Option<(TargetKind, String)>,
    /// Only those that are inherited, or only those that are not.
    pub inherited: Option<bool>,
    /// Users instead of groups, projects instead of inheritance, implied roles too.
    pub effective: bool,
    /// Also the projects below the target.
    pub subtree: bool,
}

/// An assignment, and where it comes from when it is an effective one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Found {
    /// The assignment.
    pub assignment: Assignment,
    /// The group that the user has it through.
    pub through_group: Option<String>,
    /// The project or domain that it is inherited from.
    pub inherited_from: Option<(TargetKind, String)>,
    /// The role that implies this one.
    pub prior_role: Option<String>,
}

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

    /// Who has which role on what, and the names of all that if they are wanted. With a token for a domain: on that
    /// domain and its projects.
    pub async fn assignment_list(
        &self,
        cx: &Cx,
        filter: Filter,
        named: bool,
    ) -> Result<(Vec<Found>, Option<Names>), Fault> {
        self.directory_meet(self.db.read(strange_actors).await?).await;
        if filter.effective {
            let of_directories = self.db.read(granted_groups_of_directories).await?;
            self.directory_members_if_it_answers(of_directories).await;
        }
        let cx = cx.clone();
        self.db
            .read(move |tx| {
                check_may_list(tx, &cx, &filter)?;
                check_known(tx, &filter)?;
                let mut found = list(tx, &filter)?;
                if let Some(own) = &cx.who.domain_id {
                    found = on_domain(tx, found, own)?;
                }
                Ok((found, if named { Some(names(tx)?) } else { None }))
            })
            .await
    }
}

/// Those of directories who have grants and were never seen, as after a Keystone was taken over.
fn strange_actors(tx: &Tx) -> Result<Vec<String>, Fault> {
    if !store::directory::has_mappings(tx)? {
        return Ok(Vec::new());
    }
    never_seen(tx, assignments(tx)?.into_iter().map(|one| one.actor_id))
}

/// The groups of directories that anything was granted to.
fn granted_groups_of_directories(tx: &Tx) -> Result<Vec<String>, Fault> {
    if !store::directory::has_mappings(tx)? {
        return Ok(Vec::new());
    }
    let mirrored = store::directory::mirrored(tx, "group")?;
    let groups = assignments(tx)?.into_iter().filter(|one| one.actor_kind == ActorKind::Group);
    let ids: BTreeSet<String> = groups.map(|one| one.actor_id).filter(|id| mirrored.contains(id)).collect();
    Ok(ids.into_iter().collect())
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

/// A list is of the domain that the caller has a token for; that of a tree, of the domain that the tree is in.
fn check_may_list(tx: &Tx, cx: &Cx, filter: &Filter) -> Result<(), Fault> {
    match &filter.target {
        Some((TargetKind::Project, id)) if filter.subtree => {
            let root = store::project::project_by_id(tx, id)?.ok_or_else(|| missing("project", id))?;
            let target = project_target(Some(&root)).with("target.domain_id", &root.domain_id);
            cx.may(&rules::LIST_ROLE_ASSIGNMENTS_FOR_TREE, &target)
        }
        _ => {
            let own = cx.who.domain_id.as_deref().unwrap_or("None");
            cx.may(&rules::LIST_ROLE_ASSIGNMENTS, &Target::none().with("target.domain_id", own))
        }
    }
}

/// What is granted on a domain and its projects.
fn on_domain(tx: &Tx, found: Vec<Found>, domain_id: &str) -> Result<Vec<Found>, Fault> {
    let mut kept = Vec::new();
    for one in found {
        let place = &one.assignment.target_id;
        let within = match one.assignment.target_kind {
            TargetKind::System => false,
            TargetKind::Domain => place == domain_id,
            TargetKind::Project => store::project::project_by_id(tx, place)?
                .is_some_and(|project| project.domain_id == domain_id),
        };
        if within {
            kept.push(one);
        }
    }
    Ok(kept)
}

/// Effective assignments are worked out for a user and a project, so these must exist; a plain list is just empty.
fn check_known(tx: &Tx, filter: &Filter) -> Result<(), Fault> {
    if !filter.effective {
        return Ok(());
    }
    if let Some(id) = &filter.user {
        store::user::user_by_id(tx, id)?.ok_or_else(|| missing("user", id))?;
    }
    if let Some((TargetKind::Project, id)) = &filter.target {
        store::project::project_by_id(tx, id)?.ok_or_else(|| missing("project", id))?;
    }
    Ok(())
}

fn list(tx: &Tx, filter: &Filter) -> Result<Vec<Found>, Fault> {
    let mut all = assignments(tx)?
        .into_iter()
        .map(|assignment| Found { assignment, through_group: None, inherited_from: None, prior_role: None })
        .collect();
    if filter.effective {
        all = effective(tx, all, filter.user.as_deref())?;
    }
    let places = match &filter.target {
        Some((TargetKind::Project, id)) if filter.subtree => {
            let below = below(tx, id)?.into_iter().map(|project| project.id);
            Some(below.chain([id.clone()]).collect::<BTreeSet<_>>())
        }
        _ => None,
    };
    all.retain(|found| keep(found, filter, places.as_ref()));
    Ok(all)
}

fn keep(found: &Found, filter: &Filter, places: Option<&BTreeSet<String>>) -> bool {
    let one = &found.assignment;
    let actor = |kind, wanted: &Option<String>| {
        wanted.as_ref().is_none_or(|id| one.actor_kind == kind && one.actor_id == *id)
    };
    let target = match (&filter.target, places) {
        (_, Some(places)) => one.target_kind == TargetKind::Project && places.contains(&one.target_id),
        (Some((kind, id)), None) => one.target_kind == *kind && one.target_id == *id,
        (None, None) => true,
    };
    let inherited =
        filter.inherited.is_none_or(|wanted| wanted == (one.inherited || found.inherited_from.is_some()));
    actor(ActorKind::User, &filter.user)
        && actor(ActorKind::Group, &filter.group)
        && filter.role.as_ref().is_none_or(|id| one.role_id == *id)
        && target
        && inherited
}

/// Groups become their users, inherited assignments become assignments on the projects below, implied roles are added.
/// Members for a while count where the list is of one user, as in Keystone.
fn effective(tx: &Tx, all: Vec<Found>, user: Option<&str>) -> Result<Vec<Found>, Fault> {
    let joined = user.map_or(Ok(Vec::new()), |id| store::shadow::groups_joined(tx, id))?;
    let implications = store::role::implications(tx)?;
    let global = store::role::roles(tx)?.into_iter().filter(|role| role.domain_id.is_empty());
    let global: BTreeSet<String> = global.map(|role| role.id).collect();
    let mut out = BTreeSet::new();
    for found in all {
        let mut by_user = Vec::new();
        match found.assignment.actor_kind {
            ActorKind::User => by_user.push(found),
            ActorKind::Group => {
                let group = &found.assignment.actor_id;
                let lasting = store::user::users_of_group(tx, group)?.into_iter().map(|user| user.id);
                let joined = user.filter(|_| joined.iter().any(|(id, _)| id == group)).map(str::to_owned);
                for id in lasting.chain(joined) {
                    let mut one = found.clone();
                    one.through_group = Some(std::mem::replace(&mut one.assignment.actor_id, id));
                    one.assignment.actor_kind = ActorKind::User;
                    by_user.push(one);
                }
            }
        }
        for one in by_user {
            for placed in placed(tx, one)? {
                // Roles of a domain only stand for what they imply.
                let all = implied(placed, &implications).into_iter();
                out.extend(all.filter(|found| global.contains(&found.assignment.role_id)));
            }
        }
    }
    Ok(out.into_iter().collect())
}

/// The assignment, and one for each role that it implies, which names the role right before it.
fn implied(found: Found, implications: &[(String, String)]) -> Vec<Found> {
    let mut all = vec![found];
    let mut next = 0;
    while next < all.len() {
        let own = all[next].assignment.role_id.clone();
        for (_, role) in implications.iter().filter(|(prior, _)| *prior == own) {
            let mut one = all[next].clone();
            one.assignment.role_id.clone_from(role);
            one.prior_role = Some(own.clone());
            if !all.contains(&one) {
                all.push(one);
            }
        }
        next += 1;
    }
    all
}

fn placed(tx: &Tx, one: Found) -> Result<Vec<Found>, Fault> {
    if !one.assignment.inherited {
        return Ok(vec![one]);
    }
    let from = (one.assignment.target_kind, one.assignment.target_id.clone());
    let there = |project: crate::model::project::Project| {
        let mut placed = one.clone();
        placed.assignment.inherited = false;
        placed.assignment.target_kind = TargetKind::Project;
        placed.assignment.target_id = project.id;
        placed.inherited_from = Some(from.clone());
        placed
    };
    Ok(below(tx, &from.1)?.into_iter().map(there).collect())
}

/// Names by id, for lists that ask for them: of users, groups, roles and targets, with the names of their domains.
pub type Names = HashMap<String, (String, Option<(String, String)>)>;

fn names(tx: &Tx) -> Result<Names, Fault> {
    let domains: HashMap<String, String> =
        store::project::projects(tx, true)?.into_iter().map(|d| (d.id, d.name)).collect();
    let domain = |id: &str| domains.get(id).map(|name| (id.to_owned(), name.clone()));
    let mut names: Names = domains.iter().map(|(id, name)| (id.clone(), (name.clone(), None))).collect();
    for user in store::user::users(tx)? {
        names.insert(user.id, (user.name, domain(&user.domain_id)));
    }
    for group in store::group::groups(tx)? {
        names.insert(group.id, (group.name, domain(&group.domain_id)));
    }
    for project in store::project::projects(tx, false)? {
        names.insert(project.id, (project.name, domain(&project.domain_id)));
    }
    for role in store::role::roles(tx)? {
        names.insert(role.id, (role.name, domain(&role.domain_id)));
    }
    Ok(names)
}
