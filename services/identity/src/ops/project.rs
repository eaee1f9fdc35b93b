//! Projects and domains: the tree, what a change of it takes away, and tags.

use super::{
    check_mutable, check_same, conflict, describe, differs, immutable, missing, new_name, own_domain, text,
    text_or_empty,
};
use crate::Identity;
use crate::model::limit::Limit;
use crate::model::narrow::Narrow;
use crate::model::project::{Project, merge_extra, merge_options};
use crate::ops::user::projects_of_user;
use crate::rules;
use crate::store::{self, project::*};
use ::store::Tx;
use fault::Fault;
use policy::{Rule, Target};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use web::Cx;

const KNOWN: &[&str] = &[
    "id",
    "name",
    "domain_id",
    "parent_id",
    "is_domain",
    "enabled",
    "description",
    "tags",
    "options",
    "links",
    "explicit_domain_id",
];
/// How deep projects may be below their domain (Keystone's `max_project_tree_depth`).
const DEEPEST: usize = 5;

/// The projects around one.
pub struct Family {
    /// The way up to the domain.
    pub above: Vec<Project>,
    /// Everything below, parents first.
    pub below: Vec<Project>,
    /// The ids of the projects on which the caller has a role.
    pub own: BTreeSet<String>,
    /// All limits, if they were asked for.
    pub limits: Option<Vec<Limit>>,
}

/// What rules may ask of a project.
pub(super) fn project_target(project: Option<&Project>) -> Target {
    let Some(project) = project else { return Target::none() };
    if project.is_domain {
        return describe(Target::none(), "domain", &[("id", &project.id)])
            .with("target.domain_id", &project.id);
    }
    let facts = [("id", project.id.as_str()), ("domain_id", &project.domain_id)];
    describe(Target::none(), "project", &facts)
}

fn noun(domain: bool) -> &'static str {
    if domain { "domain" } else { "project" }
}

/// The project (or the domain), if the caller may do `rule` to it.
pub(super) fn project_for(
    tx: &Tx,
    cx: &Cx,
    id: &str,
    domain: bool,
    rule: &'static Rule,
) -> Result<Project, Fault> {
    let found = project_by_id(tx, id)?.filter(|project| project.is_domain || !domain);
    if found.is_none() && domain && rule.name != rules::GET_DOMAIN.name {
        return Err(missing(noun(domain), id));
    }
    cx.may(rule, &project_target(found.as_ref()))?;
    found.ok_or_else(|| missing(noun(domain), id))
}

impl Identity {
    /// Every project, or every domain, that the caller may see.
    pub async fn project_list(&self, cx: &Cx, domains: bool, narrow: Narrow) -> Result<Vec<Project>, Fault> {
        let cx = cx.clone();
        self.db
            .read(move |tx| {
                let own = cx.who.domain_id.as_deref();
                let target = Target::none();
                let target = own.map_or(target.clone(), |own| {
                    target.with("target.domain_id", own).with("target.domain.id", own)
                });
                cx.may(if domains { &rules::LIST_DOMAINS } else { &rules::LIST_PROJECTS }, &target)?;
                let all = projects_narrowed(tx, domains, &narrow)?.into_iter();
                let seen =
                    |project: &Project| own.is_none_or(|own| project.domain_id == own || project.id == own);
                Ok(all.filter(seen).collect())
            })
            .await
    }

    /// One project, or what `rule` lets the caller see of it.
    pub async fn project_show(&self, cx: &Cx, id: &str, rule: &'static Rule) -> Result<Project, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db.read(move |tx| project_for(tx, &cx, &id, false, rule)).await
    }

    /// One domain.
    pub async fn domain_show(&self, cx: &Cx, id: &str) -> Result<Project, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db.read(move |tx| project_for(tx, &cx, &id, true, &rules::GET_DOMAIN)).await
    }

    /// The projects around one, with limits if they are wanted.
    pub async fn project_family(&self, cx: &Cx, id: &str, limits: bool) -> Result<Family, Fault> {
        let (user_id, id) = (cx.who.user_id.clone(), id.to_owned());
        self.db
            .read(move |tx| {
                let project = project_by_id(tx, &id)?.ok_or_else(|| missing("project", &id))?;
                let own = projects_of_user(tx, &user_id)?.into_iter().map(|project| project.id).collect();
                let limits = limits.then(|| store::limit::limits(tx)).transpose()?;
                Ok(Family {
                    above: project_ancestors(tx, &project)?,
                    below: projects_below(tx, &id)?,
                    own,
                    limits,
                })
            })
            .await
    }

    /// Makes a project.
    pub async fn project_create(&self, cx: &Cx, given: Map<String, Value>) -> Result<Project, Fault> {
        let deepest = self.settings.limit_model.deepest().map_or(DEEPEST, |deepest| deepest.min(DEEPEST));
        let cx = cx.clone();
        self.db
            .write(move |tx| {
                let is_domain = given.get("is_domain") == Some(&Value::Bool(true));
                if is_domain {
                    if text(&given, "parent_id").or_else(|| text(&given, "domain_id")).is_some() {
                        return Err(Fault::bad_input("only root projects are allowed to act as domains."));
                    }
                    return create_domain(tx, &cx, &given);
                }
                let domain_id = text(&given, "domain_id").unwrap_or_else(|| own_domain(&cx));
                let parent_id = text(&given, "parent_id").unwrap_or_else(|| domain_id.clone());
                let mut project = new(tx, &given, false);
                (project.domain_id, project.parent_id) = (domain_id, parent_id);
                cx.may(&rules::CREATE_PROJECT, &project_target(Some(&project)))?;
                check_parent(tx, &project, deepest)?;
                if !project_insert(tx, &project)? {
                    return Err(taken(&project));
                }
                Ok(project)
            })
            .await
    }

    /// Makes a domain.
    pub async fn domain_create(&self, cx: &Cx, given: Map<String, Value>) -> Result<Project, Fault> {
        let cx = cx.clone();
        self.db.write(move |tx| create_domain(tx, &cx, &given)).await
    }

    /// Changes a project or a domain.
    pub async fn project_update(
        &self,
        cx: &Cx,
        id: &str,
        domain: bool,
        given: Map<String, Value>,
    ) -> Result<Project, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        let rule = if domain { &rules::UPDATE_DOMAIN } else { &rules::UPDATE_PROJECT };
        self.db
            .write(move |tx| {
                let mut project = project_for(tx, &cx, &id, domain, rule)?;
                check_fixed(&project, domain, &given)?;
                merge_options(&mut project.options, given.get("options"));
                if let Some(name) = new_name(&given) {
                    project.name = name;
                }
                if let Some(description) = given.get("description") {
                    project.description = description.as_str().map(str::to_owned);
                }
                if let Some(enabled) = given.get("enabled").and_then(Value::as_bool) {
                    check_enabled(tx, &project, enabled)?;
                    project.enabled = enabled;
                }
                if let Some(tags) = given.get("tags").and_then(Value::as_array) {
                    project.tags = sorted(tags.iter().filter_map(Value::as_str).map(str::to_owned).collect());
                }
                merge_extra(&mut project.extra, &given, KNOWN);
                if !project_update(tx, &project)? {
                    return Err(taken(&project));
                }
                store::token::epoch_advance(tx)?;
                Ok(project)
            })
            .await
    }

    /// Removes a project that has no projects below it, or a disabled domain with all that is in it.
    pub async fn project_delete(&self, cx: &Cx, id: &str, domain: bool) -> Result<(), Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        let rule = if domain { &rules::DELETE_DOMAIN } else { &rules::DELETE_PROJECT };
        self.db
            .write(move |tx| {
                let project = project_for(tx, &cx, &id, domain, rule)?;
                if project.immutable() {
                    return Err(immutable("delete", noun(project.is_domain), &id));
                }
                if project.is_domain {
                    delete_domain(tx, &project)?;
                } else if project_has_children(tx, &id)? {
                    return Err(Fault::forbidden(format!(
                        "Cannot delete the project {id} since it is not a leaf in the hierarchy. Use the cascade option if \
                         you want to delete a whole subtree."
                    )));
                } else {
                    project_delete(tx, &id)?;
                }
                store::token::epoch_advance(tx)
            })
            .await
    }

    /// Replaces a project's tags, or changes one of them, as `change` says of the tags that are there; `verb` says it too.
    pub async fn project_tags<F>(
        &self,
        cx: &Cx,
        id: &str,
        rule: &'static Rule,
        verb: &'static str,
        change: F,
    ) -> Result<Vec<String>, Fault>
    where
        F: Fn(&mut Vec<String>) -> Result<(), Fault> + Send + 'static,
    {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let mut project = project_for(tx, &cx, &id, false, rule)?;
                if project.immutable() {
                    return Err(Fault::forbidden(format!(
                        "Cannot {verb} project tags for {id}, project is immutable. Set \"immutable\" option to false \
                         before creating project tags."
                    )));
                }
                change(&mut project.tags)?;
                project.tags = sorted(std::mem::take(&mut project.tags));
                project_update(tx, &project)?;
                Ok(project.tags)
            })
            .await
    }
}

fn sorted(mut tags: Vec<String>) -> Vec<String> {
    tags.sort();
    tags.dedup();
    tags
}

fn new(tx: &Tx, given: &Map<String, Value>, is_domain: bool) -> Project {
    let tags = given.get("tags").and_then(Value::as_array).into_iter().flatten();
    let mut project = Project {
        id: tx.entropy().hex_id(),
        name: text(given, "name").unwrap_or_default().trim().to_owned(),
        domain_id: String::new(),
        parent_id: String::new(),
        is_domain,
        enabled: given.get("enabled").and_then(Value::as_bool).unwrap_or(true),
        description: text_or_empty(given, "description"),
        tags: sorted(tags.filter_map(Value::as_str).map(str::to_owned).collect()),
        options: Map::new(),
        extra: Map::new(),
    };
    merge_options(&mut project.options, given.get("options"));
    merge_extra(&mut project.extra, given, KNOWN);
    project
}

/// The longest name of a project, in characters.
const LONGEST: usize = 64;

/// The project of that name, made if it is not there; and whether it was made.
pub(super) fn project_of_mapping(tx: &Tx, domain: &Project, name: &str) -> Result<(String, bool), Fault> {
    if let Some(project) = store::project::project_by_name(tx, &domain.id, name)? {
        return Ok((project.id, false));
    }
    // A provider may say anything.
    if name.trim().is_empty() || name.chars().count() > LONGEST || name.chars().any(char::is_control) {
        return Err(Fault::bad_input(format!(
            "The name of a project that a mapping gives has 1 to {LONGEST} characters, all of them visible."
        )));
    }
    let mut project = new(tx, &Map::new(), false);
    name.clone_into(&mut project.name);
    project.domain_id.clone_from(&domain.id);
    project.parent_id.clone_from(&domain.id);
    check_branch(std::slice::from_ref(domain))?;
    if project_insert(tx, &project)? { Ok((project.id, true)) } else { Err(taken(&project)) }
}

/// The domain that an identity provider gets that is given none: its name is its id.
pub(super) fn domain_of_provider(tx: &Tx, provider_id: &str) -> Result<String, Fault> {
    let mut domain = new(tx, &Map::new(), true);
    domain.name.clone_from(&domain.id);
    let why = format!("Auto generated federated domain for Identity Provider: {provider_id}");
    domain.description = Some(why);
    if project_insert(tx, &domain)? { Ok(domain.id) } else { Err(taken(&domain)) }
}

fn create_domain(tx: &Tx, cx: &Cx, given: &Map<String, Value>) -> Result<Project, Fault> {
    cx.may(&rules::CREATE_DOMAIN, &Target::none())?;
    let mut domain = new(tx, given, true);
    if let Some(id) = text(given, "explicit_domain_id") {
        if uuid::Uuid::try_parse(&id).is_ok_and(|uuid| uuid.simple().to_string() == id) {
            domain.id = id;
        } else {
            return Err(Fault::bad_input("Domain ID does not conform to required UUID format."));
        }
    }
    if project_by_id(tx, &domain.id)?.is_some() || !project_insert(tx, &domain)? {
        return Err(taken(&domain));
    }
    Ok(domain)
}

/// The sentence for a name that is taken.
fn taken(project: &Project) -> Fault {
    let (name, id) = (&project.name, &project.id);
    let why = match project.is_domain {
        true => {
            format!("it is not permitted to have two projects acting as domains with the same name: {name}")
        }
        false => format!(
            "it is not permitted to have two projects with either the same name or same id in the same domain: name is \
             {name}, project id {id}"
        ),
    };
    conflict("project", &why)
}

/// The parent exists, is in the same domain, is enabled and not too deep.
fn check_parent(tx: &Tx, project: &Project, deepest: usize) -> Result<(), Fault> {
    let (domain_id, parent_id) = (&project.domain_id, &project.parent_id);
    let Some(parent) = project_by_id(tx, parent_id)? else {
        return Err(Fault::bad_input(format!(
            "Could not find {}: {parent_id}.",
            noun(parent_id == domain_id)
        )));
    };
    let domain = if parent.is_domain { &parent.id } else { &parent.domain_id };
    if domain != domain_id {
        return Err(Fault::bad_input(format!(
            "Cannot create project, since it specifies its domain_id {domain_id}, but specifies a parent in a different \
             domain ({domain})."
        )));
    }
    let above = project_ancestors(tx, project)?;
    check_branch(&above)?;
    if above.len() > deepest {
        return Err(Fault::forbidden(format!("Max hierarchy depth reached for {parent_id} branch.")));
    }
    Ok(())
}

/// Nothing is made below what is disabled.
fn check_branch(above: &[Project]) -> Result<(), Fault> {
    match above.iter().find(|above| !above.enabled) {
        None => Ok(()),
        Some(disabled) => {
            let id = &disabled.id;
            let said = format!("cannot create a project in a branch containing a disabled project: {id}");
            Err(Fault::bad_input(said))
        }
    }
}

/// Where a project hangs never changes, and an immutable one not at all.
fn check_fixed(project: &Project, domain: bool, given: &Map<String, Value>) -> Result<(), Fault> {
    // Of a domain, another id is not looked at.
    if !domain {
        check_same(given, &project.id, &project.domain_id)?;
    }
    check_mutable(&project.options, given, noun(project.is_domain), &project.id)?;
    if differs(given, "parent_id", &project.parent_id) {
        return Err(Fault::forbidden("Update of `parent_id` is not allowed."));
    }
    if given.get("is_domain").and_then(Value::as_bool).is_some_and(|is_domain| is_domain != project.is_domain)
    {
        return Err(Fault::bad_input("Update of `is_domain` is not allowed."));
    }
    Ok(())
}

/// No enabled project is below a disabled one.
fn check_enabled(tx: &Tx, project: &Project, enabled: bool) -> Result<(), Fault> {
    if project.is_domain || enabled == project.enabled {
        return Ok(());
    }
    let id = &project.id;
    if enabled && project_ancestors(tx, project)?.iter().any(|above| !above.enabled) {
        return Err(Fault::forbidden(format!("Cannot enable project {id} since it has disabled parents")));
    }
    if !enabled && projects_below(tx, id)?.iter().any(|below| below.enabled) {
        let said = format!("Cannot disable project {id} since its subtree contains enabled projects.");
        return Err(Fault::forbidden(said));
    }
    Ok(())
}

fn delete_domain(tx: &Tx, domain: &Project) -> Result<(), Fault> {
    if domain.enabled {
        return Err(Fault::forbidden("Cannot delete a domain that is enabled, please disable it first."));
    }
    if domain.id == "default" {
        let said = "You are not authorized to perform the requested action: delete the default domain.";
        return Err(Fault::forbidden(said));
    }
    super::identity_provider::domain_forget(tx, &domain.id)?;
    let of_domain = Narrow { domain_id: Some(domain.id.clone()), name: None };
    for user in store::user::users_narrowed(tx, &of_domain)? {
        store::user::user_delete(tx, &user.id)?;
    }
    for group in store::group::groups(tx)?.iter().filter(|group| group.domain_id == domain.id) {
        store::group::group_delete(tx, &group.id)?;
    }
    // Of a directory's users and groups not all have rows, and any may have been granted something.
    for user in store::directory::mapped(tx, Some(&domain.id), "user")? {
        store::user::user_delete(tx, &user)?;
    }
    for group in store::directory::mapped(tx, Some(&domain.id), "group")? {
        store::group::group_delete(tx, &group)?;
    }
    store::directory::mappings_of_domain_delete(tx, &domain.id)?;
    for role in store::role::roles(tx)?.iter().filter(|role| role.domain_id == domain.id) {
        store::role::role_delete(tx, &role.id)?;
    }
    for project in projects_of_domain(tx, &domain.id)? {
        project_delete(tx, &project.id)?;
    }
    project_delete(tx, &domain.id)
}
