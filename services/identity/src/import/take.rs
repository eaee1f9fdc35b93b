//! Puts an estate beside what is here.

use super::keystone::after;
use super::{Count, Estate, Report, Revocation, Wishes};
use crate::model::fernet::Key;
use crate::model::project::Project;
use crate::model::user::User;
use crate::ops::key::signing_keys_make;
use crate::store::{
    self, access_rule::*, application_credential::*, assignment::*, catalog::*, credential::*, directory::*,
    domain_config::*, group::*, key::*, password::*, project::*, role::*, trust::*, user::*,
};
use ::store::Tx;
use fault::Fault;
use std::collections::HashSet;

/// How many past passwords of a user are taken over at most.
const PAST_PASSWORDS: usize = 32;

/// Takes everything over.
pub(super) fn take(tx: &Tx, estate: &Estate, wishes: &Wishes) -> Result<Report, Fault> {
    let mut report = Report::default();
    for (what, count) in &estate.left {
        report.leave(what, *count);
    }
    make_room(tx, estate, wishes, &mut report)?;
    take_places(tx, estate, &mut report)?;
    take_directories(tx, estate, &mut report)?;
    take_people(tx, estate, &mut report)?;
    take_roles(tx, estate, &mut report)?;
    take_delegations(tx, estate, &mut report)?;
    estate.federation.take(tx, &estate.nameless, wishes, &mut report)?;
    estate.oauth1.take(tx, &mut report)?;
    let projects = Known::all(tx)?.projects;
    if wishes.catalog {
        take_catalog(tx, estate, &mut report)?;
        estate.endpoint_groups.take(tx, &projects, &mut report)?;
    } else {
        report.leave("endpoints (--catalog takes them too)", estate.endpoints.len());
        estate.endpoint_groups.leave(&mut report);
    }
    estate.limits.take(tx, &projects, &mut report)?;
    estate.policies.take(tx, &mut report)?;
    take_revocations(tx, estate)?;
    take_keys(tx, wishes, &mut report)?;
    store::token::epoch_advance(tx)?;
    Ok(report)
}

/// Keys of tokens, those that seal and those that only check.
fn take_keys(tx: &Tx, wishes: &Wishes, report: &mut Report) -> Result<(), Fault> {
    let theirs: Vec<Key> = wishes.token_keys.iter().copied().map(Key::new).collect();
    let mut made = keys_take(tx, Ring::Tokens, &theirs)?;
    if !wishes.public_keys.is_empty() {
        signing_keys_make(tx)?;
        made += public_keys_take(tx, &wishes.public_keys)?;
    }
    let same = theirs.len() + wishes.public_keys.len() - made;
    report.counts.insert("token keys", Count { made, same, ..Count::default() });
    Ok(())
}

impl Report {
    /// Writes a thing that is not there as it is wanted.
    pub(super) fn put<T: PartialEq>(
        &mut self,
        nouns: &'static str,
        found: Option<T>,
        wanted: &T,
        write: impl FnOnce(bool) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let count = self.counts.entry(nouns).or_default();
        let new = match &found {
            Some(found) if found == wanted => {
                count.same += 1;
                return Ok(());
            }
            Some(_) => false,
            None => true,
        };
        if new {
            count.made += 1;
        } else {
            count.changed += 1;
        }
        match write(new)? {
            true => Ok(()),
            false => {
                Err(Fault::conflict(format!("Two of the {nouns} have changed their names with each other.")))
            }
        }
    }

    /// Counts what is either there or not.
    pub(super) fn note(&mut self, nouns: &'static str, new: bool) {
        let count = self.counts.entry(nouns).or_default();
        if new {
            count.made += 1;
        } else {
            count.same += 1;
        }
    }
}

/// Ours that have a name which one of theirs has get another, or nothing is taken over. Roles are known by their names:
/// ours take the ids of theirs.
fn make_room(tx: &Tx, estate: &Estate, wishes: &Wishes, report: &mut Report) -> Result<(), Fault> {
    let mut room = Room { wishes, in_the_way: Vec::new(), report };
    let theirs: HashSet<&str> = estate.projects.iter().map(|one| one.id.as_str()).collect();
    for one in &estate.projects {
        let noun = if one.is_domain { "domain" } else { "project" };
        let found = project_by_name(tx, &one.domain_id, &one.name)?;
        if let Some(mut ours) = found.filter(|ours| !theirs.contains(ours.id.as_str())) {
            room.rename(noun, &mut ours.name);
            project_update(tx, &ours)?;
        }
    }
    let theirs: HashSet<&str> = estate.users.iter().map(|one| one.id.as_str()).collect();
    let elsewhere = estate.of_directories();
    let named = |one: &&User| !elsewhere.contains(one.id.as_str()) && !estate.nameless.contains(&one.id);
    for one in estate.users.iter().filter(named) {
        let found = user_by_name(tx, &one.domain_id, &one.name)?;
        if let Some(mut ours) = found.filter(|ours| !theirs.contains(ours.id.as_str())) {
            room.rename("user", &mut ours.name);
            user_update(tx, &ours)?;
        }
    }
    let theirs: HashSet<&str> = estate.groups.iter().map(|one| one.id.as_str()).collect();
    for mut ours in groups(tx)?.into_iter().filter(|ours| !theirs.contains(ours.id.as_str())) {
        let same =
            |one: &&crate::model::user::Group| (&one.domain_id, &one.name) == (&ours.domain_id, &ours.name);
        if estate.groups.iter().find(same).is_some() {
            room.rename("group", &mut ours.name);
            group_update(tx, &ours)?;
        }
    }
    if !room.in_the_way.is_empty() {
        return Err(Fault::conflict(format!(
            "There are things of the same names here: {}. Say --rename=-old (or another suffix) to give them other names.",
            room.in_the_way.join(", ")
        )));
    }
    for ours in roles(tx)? {
        let same =
            |one: &&crate::model::role::Role| (&one.domain_id, &one.name) == (&ours.domain_id, &ours.name);
        if let Some(theirs) = estate.roles.iter().find(same).filter(|theirs| theirs.id != ours.id) {
            role_renumber(tx, &ours.id, &theirs.id)?;
        }
    }
    Ok(())
}

struct Room<'a> {
    wishes: &'a Wishes,
    in_the_way: Vec<String>,
    report: &'a mut Report,
}

impl Room<'_> {
    fn rename(&mut self, noun: &str, name: &mut String) {
        match &self.wishes.rename {
            None => self.in_the_way.push(format!("{noun} {name}")),
            Some(suffix) => {
                let new = format!("{name}{suffix}");
                self.report.renamed.push(format!("{noun} {name}: now {new}"));
                *name = new;
            }
        }
    }
}

fn take_places(tx: &Tx, estate: &Estate, report: &mut Report) -> Result<(), Fault> {
    for one in &estate.projects {
        let nouns = if one.is_domain { "domains" } else { "projects" };
        report.put(nouns, project_by_id(tx, &one.id)?, one, |new| {
            if new { project_insert(tx, one) } else { project_update(tx, one) }
        })?;
    }
    Ok(())
}

/// What domains say of their directories, and under which ids those are known who live there. What they look like, and who
/// is in which group, the directory says itself.
fn take_directories(tx: &Tx, estate: &Estate, report: &mut Report) -> Result<(), Fault> {
    for (domain, options) in &estate.domain_options {
        report.note("options of domains", domain_options_opened(tx, domain)? != *options);
        domain_options_put(tx, domain, options)?;
    }
    for one in &estate.mappings {
        let new = mapping_by_id(tx, &one.public_id)?.is_none();
        if new && !mapping_insert(tx, one)? {
            return Err(Fault::conflict(format!("{} has another id here already.", one.local_id)));
        }
        report.note("users and groups of LDAP", new);
    }
    let elsewhere = estate.of_directories();
    for one in estate.users.iter().filter(|one| elsewhere.contains(one.id.as_str())) {
        user_mirror(tx, one)?;
    }
    Ok(())
}

fn take_people(tx: &Tx, estate: &Estate, report: &mut Report) -> Result<(), Fault> {
    let elsewhere = estate.of_directories();
    for theirs in estate.users.iter().filter(|one| !elsewhere.contains(one.id.as_str())) {
        let found = user_by_id(tx, &theirs.id)?;
        let one = merged(theirs, found.as_ref());
        if found.is_none() {
            for hash in estate.past_passwords.get(&one.id).into_iter().flatten() {
                past_password_add(tx, &one.id, hash, PAST_PASSWORDS)?;
            }
        }
        report.put("users", found, &one, |new| match new {
            // until it is shown under what its provider calls it
            true if estate.nameless.contains(&one.id) => {
                user_insert(tx, &User { name: one.id.clone(), ..one.clone() })
            }
            true => user_insert(tx, &one),
            false => user_update(tx, &one),
        })?;
    }
    for one in &estate.groups {
        report.put("groups", group_by_id(tx, &one.id)?, one, |new| {
            if new { group_insert(tx, one) } else { group_update(tx, one) }
        })?;
    }
    for (user, group) in &estate.memberships {
        if user_by_id(tx, user)?.is_none() || group_by_id(tx, group)?.is_none() {
            report.leave("memberships of users who are not here", 1);
            continue;
        }
        report.note("memberships", !is_member(tx, user, group)?);
        membership_add(tx, user, group)?;
    }
    Ok(())
}

/// A user as Keystone has it, with what only we know of it. Of two passwords the younger one holds.
fn merged(theirs: &User, ours: Option<&User>) -> User {
    let mut one = theirs.clone();
    let Some(ours) = ours else { return one };
    one.valid_since = ours.valid_since;
    if ours.login.password_made_at > one.login.password_made_at {
        one.password_hash.clone_from(&ours.password_hash);
        one.password_expires_at = ours.password_expires_at;
        one.login = ours.login.clone();
    }
    one.login.failures = ours.login.failures;
    one.login.failed_at = ours.login.failed_at;
    one.login.active_at = ours.login.active_at;
    one.login.active_until = ours.login.active_until;
    one
}

fn take_roles(tx: &Tx, estate: &Estate, report: &mut Report) -> Result<(), Fault> {
    for one in &estate.roles {
        report.put("roles", role_by_id(tx, &one.id)?, one, |new| {
            if new { role_insert(tx, one) } else { role_update(tx, one) }
        })?;
    }
    for (prior, implied) in &estate.implications {
        let new = implication_add(tx, prior, implied)?;
        report.note("implied roles", new);
    }
    let known = Known::all(tx)?;
    for one in &estate.assignments {
        if !known.holds(one) {
            report.leave("assignments of what is not here", 1);
            continue;
        }
        report.note("assignments", !assignment_exists(tx, one)?);
        assignment_add(tx, one)?;
    }
    Ok(())
}

/// The ids of what is here.
struct Known {
    users: HashSet<String>,
    groups: HashSet<String>,
    projects: HashSet<String>,
    roles: HashSet<String>,
}

impl Known {
    fn all(tx: &Tx) -> Result<Self, Fault> {
        let places = [projects(tx, false)?, projects(tx, true)?].concat();
        let [mapped_users, mapped_groups] = ["user", "group"].map(|kind| mapped(tx, None, kind));
        Ok(Self {
            users: users(tx)?.into_iter().map(|one| one.id).chain(mapped_users?).collect(),
            groups: groups(tx)?.into_iter().map(|one| one.id).chain(mapped_groups?).collect(),
            projects: places.into_iter().map(|one: Project| one.id).collect(),
            roles: roles(tx)?.into_iter().map(|one| one.id).collect(),
        })
    }

    fn holds(&self, one: &crate::model::assignment::Assignment) -> bool {
        use crate::model::assignment::{ActorKind, TargetKind};
        let actor = match one.actor_kind {
            ActorKind::User => self.users.contains(&one.actor_id),
            ActorKind::Group => self.groups.contains(&one.actor_id),
        };
        let target = one.target_kind == TargetKind::System || self.projects.contains(&one.target_id);
        actor && target && self.roles.contains(&one.role_id)
    }
}

fn take_delegations(tx: &Tx, estate: &Estate, report: &mut Report) -> Result<(), Fault> {
    let known = Known::all(tx)?;
    for one in &estate.access_rules {
        let new = access_rule_by_id(tx, &one.id)?.is_none();
        if new {
            access_rule_insert(tx, one)?;
        }
        report.note("access rules", new);
    }
    for one in &estate.application_credentials {
        if !known.users.contains(&one.user_id) || !known.projects.contains(&one.project_id) {
            report.leave("application credentials of users who are not here", 1);
            continue;
        }
        let new = application_credential_by_id(tx, &one.id)?.is_none();
        if new && !application_credential_insert(tx, one)? {
            return Err(Fault::conflict(format!("There is another application credential {}.", one.name)));
        }
        report.note("application credentials", new);
    }
    for one in &estate.trusts {
        let new = trust_by_id(tx, &one.id)?.is_none();
        if !known.users.contains(&one.trustor_id) || !known.users.contains(&one.trustee_id) {
            report.leave("trusts of users who are not here", 1);
        } else if one.expires_at.is_some_and(|end| end < tx.now()) {
            report.leave("trusts that have ended", 1);
        } else if new && !trust_insert(tx, one)? {
            return Err(Fault::conflict(format!("There is another trust like {}.", one.id)));
        } else {
            report.note("trusts", new);
        }
    }
    for one in &estate.credentials {
        if !known.users.contains(&one.user_id) {
            report.leave("credentials of users who are not here", 1);
            continue;
        }
        report.put("credentials", credential_by_id(tx, &one.id)?, one, |new| match new {
            true => credential_insert(tx, one),
            false => credential_update(tx, one).map(|()| true),
        })?;
    }
    Ok(())
}

fn take_catalog(tx: &Tx, estate: &Estate, report: &mut Report) -> Result<(), Fault> {
    for one in &estate.regions {
        report.put("regions", region_by_id(tx, &one.id)?, one, |new| match new {
            true => region_insert(tx, one),
            false => region_update(tx, one).map(|()| true),
        })?;
    }
    for one in &estate.services {
        let found = service_by_id(tx, &one.id)?;
        report.put("services", found, one, |_| service_put(tx, one).map(|()| true))?;
    }
    for one in &estate.endpoints {
        let found = endpoint_by_id(tx, &one.id)?;
        report.put("endpoints", found, one, |_| endpoint_put(tx, one).map(|()| true))?;
    }
    Ok(())
}

fn take_revocations(tx: &Tx, estate: &Estate) -> Result<(), Fault> {
    for one in &estate.revocations {
        match one {
            Revocation::Token { audit_id, chain, end } => {
                store::token::token_revoke(tx, audit_id, *chain, *end)?;
            }
            Revocation::User(id, before) => {
                if let Some(mut user) = user_by_id(tx, id)?.filter(|user| user.valid_since < after(*before)) {
                    user.valid_since = after(*before);
                    user_update(tx, &user)?;
                }
            }
        }
    }
    Ok(())
}
