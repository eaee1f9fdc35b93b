//! Lists of assignments: as they were granted, or what that amounts to when groups, inheritance and implications are
//! followed.

use super::directory::never_seen;
use super::missing;
use super::project::project_target;
use crate::Identity;
use crate::model::assignment::{ActorKind, Assignment, TargetKind};
use crate::rules;
use crate::store::project::{project_ancestors, projects_below};
use crate::store::{self, assignment::*};
use ::store::Tx;
use fault::Fault;
use policy::Target;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
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

impl Found {
    fn plain(assignment: Assignment) -> Self {
        Self { assignment, through_group: None, inherited_from: None, prior_role: None }
    }
}

impl Identity {
    /// Who has which role on what, and the names of all that if they are wanted. With a token for a domain: on that
    /// domain and its projects.
    pub async fn assignment_list(
        &self,
        cx: &Cx,
        filter: Filter,
        named: bool,
    ) -> Result<(Vec<Found>, Option<Names>), Fault> {
        let (own, wanted) = (cx.clone(), filter.clone());
        // Directories are asked for nobody who may not see what they say.
        let look = move |tx: &Tx| check_may_list(tx, &own, &wanted).and_then(|()| strangers(tx, &wanted));
        self.directory_meet(self.db.read(look).await?).await;
        if filter.effective && filter.user.is_none() {
            let wanted = filter.clone();
            let of_directories = self.db.read(move |tx| groups_of_directories(tx, &wanted)).await?;
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
                let names = if named { Some(names(tx, &found)?) } else { None };
                Ok((found, names))
            })
            .await
    }
}

/// Whom directories have to be asked about before the list can be made: the user whom it is of, which tells its groups,
/// too, or else those who have such grants and were never seen, as after a Keystone was taken over.
fn strangers(tx: &Tx, filter: &Filter) -> Result<Vec<String>, Fault> {
    if !store::directory::has_mappings(tx)? {
        return Ok(Vec::new());
    }
    if let Some(user) = &filter.user {
        return Ok(vec![user.clone()]);
    }
    let granted = granted(tx, filter, Places::of(tx, filter)?.as_ref())?;
    never_seen(tx, granted.into_iter().map(|one| one.actor_id))
}

/// The groups of directories that have such grants.
fn groups_of_directories(tx: &Tx, filter: &Filter) -> Result<Vec<String>, Fault> {
    if !store::directory::has_mappings(tx)? {
        return Ok(Vec::new());
    }
    let mirrored = store::directory::mirrored(tx, "group")?;
    let granted = granted(tx, filter, Places::of(tx, filter)?.as_ref())?;
    let groups = granted.into_iter().filter(|one| one.actor_kind == ActorKind::Group);
    let ids: BTreeSet<String> = groups.map(|one| one.actor_id).filter(|id| mirrored.contains(id)).collect();
    Ok(ids.into_iter().collect())
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
fn on_domain(tx: &Tx, mut found: Vec<Found>, domain_id: &str) -> Result<Vec<Found>, Fault> {
    let projects = store::project::projects_of_domain(tx, domain_id)?.into_iter().map(|project| project.id);
    let projects: BTreeSet<String> = projects.collect();
    found.retain(|one| match one.assignment.target_kind {
        TargetKind::System => false,
        TargetKind::Domain => one.assignment.target_id == domain_id,
        TargetKind::Project => projects.contains(&one.assignment.target_id),
    });
    Ok(found)
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

/// What a list is of, where that is said: targets of one kind.
struct Places {
    kind: TargetKind,
    ids: BTreeSet<String>,
}

impl Places {
    fn of(tx: &Tx, filter: &Filter) -> Result<Option<Self>, Fault> {
        let Some((kind, id)) = &filter.target else { return Ok(None) };
        let mut ids = BTreeSet::from([id.clone()]);
        if filter.subtree {
            ids.extend(projects_below(tx, id)?.into_iter().map(|project| project.id));
        }
        Ok(Some(Self { kind: *kind, ids }))
    }

    fn has(&self, kind: TargetKind, id: &str) -> bool {
        self.kind == kind && self.ids.contains(id)
    }
}

fn list(tx: &Tx, filter: &Filter) -> Result<Vec<Found>, Fault> {
    let places = Places::of(tx, filter)?;
    let granted = granted(tx, filter, places.as_ref())?;
    let mut found: Vec<Found> = match filter.effective {
        true => Expansion::new(tx, filter, places.as_ref())?.expand(granted)?.into_iter().collect(),
        false => granted.into_iter().map(Found::plain).collect(),
    };
    found.retain(|one| keep(one, filter, places.as_ref()));
    found.sort();
    Ok(found)
}

/// The grants that can come to what is looked for, and few others: a cloud has many. Of a user, or of a group, they are of
/// nobody else; nobody asks for both at once, nor for what a group amounts to.
fn granted(tx: &Tx, filter: &Filter, places: Option<&Places>) -> Result<Vec<Assignment>, Fault> {
    match (&filter.user, &filter.group, places) {
        (Some(user), _, _) if filter.effective => assignments_of_user(tx, user),
        (Some(user), _, _) => assignments_of_actor(tx, ActorKind::User, user),
        (None, Some(group), _) => assignments_of_actor(tx, ActorKind::Group, group),
        (None, None, Some(places)) => {
            let mut ids = places.ids.clone();
            if let (true, Some((TargetKind::Project, id))) = (filter.effective, &filter.target) {
                let above = store::project::project_by_id(tx, id)?;
                let above = above.map_or(Ok(Vec::new()), |project| project_ancestors(tx, &project))?;
                ids.extend(above.into_iter().map(|above| above.id));
            }
            assignments_on(tx, &ids.into_iter().collect::<Vec<_>>())
        }
        (None, None, None) => assignments(tx),
    }
}

fn keep(found: &Found, filter: &Filter, places: Option<&Places>) -> bool {
    let one = &found.assignment;
    let inherited = one.inherited || found.inherited_from.is_some();
    filter.role.as_ref().is_none_or(|id| one.role_id == *id)
        && filter.inherited.is_none_or(|wanted| wanted == inherited)
        && places.is_none_or(|places| places.has(one.target_kind, &one.target_id))
}

/// What grants amount to: groups become their users, inherited assignments become assignments on the projects below,
/// implied roles are added. What many grants need is read once.
struct Expansion<'a> {
    tx: &'a Tx,
    filter: &'a Filter,
    places: Option<&'a Places>,
    implications: Vec<(String, String)>,
    /// Roles of a domain only stand for what they imply.
    global: BTreeSet<String>,
    below: HashMap<String, Arc<[String]>>,
    members: HashMap<String, Arc<[String]>>,
}

impl<'a> Expansion<'a> {
    fn new(tx: &'a Tx, filter: &'a Filter, places: Option<&'a Places>) -> Result<Self, Fault> {
        let global = store::role::roles(tx)?.into_iter().filter(|role| role.domain_id.is_empty());
        Ok(Self {
            tx,
            filter,
            places,
            implications: store::role::implications(tx)?,
            global: global.map(|role| role.id).collect(),
            below: HashMap::new(),
            members: HashMap::new(),
        })
    }

    fn expand(&mut self, granted: Vec<Assignment>) -> Result<BTreeSet<Found>, Fault> {
        let mut found = BTreeSet::new();
        for grant in granted {
            let roles = self.roles(&grant.role_id);
            let places = if roles.is_empty() { Vec::new() } else { self.placed(&grant)? };
            let users = if places.is_empty() { Arc::default() } else { self.users(&grant)? };
            let pairs = roles.iter().flat_map(|role| places.iter().map(move |place| (role, place)));
            for ((role, prior), (target_kind, target)) in pairs {
                found.extend(users.iter().map(|user| Found {
                    assignment: Assignment {
                        actor_kind: ActorKind::User,
                        actor_id: user.clone(),
                        target_kind: *target_kind,
                        target_id: target.clone(),
                        role_id: role.clone(),
                        inherited: false,
                    },
                    through_group: (grant.actor_kind == ActorKind::Group).then(|| grant.actor_id.clone()),
                    inherited_from: grant.inherited.then(|| (grant.target_kind, grant.target_id.clone())),
                    prior_role: prior.clone(),
                }));
            }
        }
        Ok(found)
    }

    /// The role and all that it implies, each with the role right before it.
    fn roles(&self, granted: &str) -> Vec<(String, Option<String>)> {
        let mut all = vec![(granted.to_owned(), None)];
        let mut next = 0;
        while next < all.len() {
            let own = all[next].0.clone();
            for (_, implied) in self.implications.iter().filter(|(prior, _)| *prior == own) {
                let one = (implied.clone(), Some(own.clone()));
                if !all.contains(&one) {
                    all.push(one);
                }
            }
            next += 1;
        }
        let wanted = |id: &String| self.filter.role.as_ref().is_none_or(|role| role == id);
        all.retain(|(id, _)| self.global.contains(id) && wanted(id));
        all
    }

    /// Where the grant holds, as far as that is looked for.
    fn placed(&mut self, grant: &Assignment) -> Result<Vec<(TargetKind, String)>, Fault> {
        let mut all = Vec::new();
        if grant.inherited {
            let below = self.below(&grant.target_id)?;
            all.extend(below.iter().map(|id| (TargetKind::Project, id.clone())));
        } else {
            all.push((grant.target_kind, grant.target_id.clone()));
        }
        all.retain(|(kind, id)| self.places.is_none_or(|places| places.has(*kind, id)));
        Ok(all)
    }

    fn below(&mut self, id: &str) -> Result<Arc<[String]>, Fault> {
        if let Some(known) = self.below.get(id) {
            return Ok(known.clone());
        }
        let below: Arc<[String]> =
            projects_below(self.tx, id)?.into_iter().map(|project| project.id).collect();
        self.below.insert(id.to_owned(), below.clone());
        Ok(below)
    }

    /// Whom the grant is for. Members for a while count where the list is of one user, as in Keystone: then all grants
    /// are that user's.
    fn users(&mut self, grant: &Assignment) -> Result<Arc<[String]>, Fault> {
        let group = &grant.actor_id;
        match (grant.actor_kind, &self.filter.user, self.members.get(group)) {
            (ActorKind::User, _, _) => Ok([group.clone()].into()),
            (ActorKind::Group, Some(user), _) => Ok([user.clone()].into()),
            (ActorKind::Group, None, Some(known)) => Ok(known.clone()),
            (ActorKind::Group, None, None) => {
                let members: Arc<[String]> = store::group::members(self.tx, group)?.into();
                self.members.insert(group.clone(), members.clone());
                Ok(members)
            }
        }
    }
}

/// Names by id, for lists that ask for them: of users, groups, roles and targets, with the names of their domains.
pub type Names = HashMap<String, (String, Option<(String, String)>)>;

fn names(tx: &Tx, found: &[Found]) -> Result<Names, Fault> {
    let of = |kind| found.iter().map(|one| &one.assignment).filter(move |one| one.actor_kind == kind);
    let named = [
        (store::user::NAMES, distinct(of(ActorKind::User).map(|one| &one.actor_id))),
        (store::group::NAMES, distinct(of(ActorKind::Group).map(|one| &one.actor_id))),
        (store::project::NAMES, distinct(found.iter().map(|one| &one.assignment.target_id))),
        (store::role::NAMES, distinct(found.iter().map(|one| &one.assignment.role_id))),
    ];
    let mut rows = Vec::new();
    for (sql, ids) in named {
        rows.extend(store::names(tx, sql, &ids)?);
    }
    let domains = distinct(rows.iter().map(|(_, _, domain)| domain).filter(|id| !id.is_empty()));
    let domains = store::names(tx, store::project::NAMES, &domains)?;
    let domains: HashMap<String, String> = domains.into_iter().map(|(id, name, _)| (id, name)).collect();
    let with_domain = |(id, name, domain): (String, String, String)| {
        let domain = domains.get(&domain).map(|name| (domain, name.clone()));
        (id, (name, domain))
    };
    Ok(rows.into_iter().map(with_domain).collect())
}

fn distinct<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<String> {
    ids.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}
