//! Groups and who is in them.

use super::directory::{check_own, check_own_domain, check_own_member};
use super::{check_same, describe, missing, new_name, taken, text, text_or_empty};
use crate::Identity;
use crate::model::project::merge_extra;
use crate::model::user::{Group, User};
use crate::ops::user::{list_domain, user_for, user_target};
use crate::rules;
use crate::store::{self, group::*, shadow::groups_joined};
use ::store::Tx;
use fault::Fault;
use kernel::Micros;
use policy::{Rule, Target};
use serde_json::{Map, Value};
use web::Cx;

const KNOWN: &[&str] = &["id", "name", "domain_id", "description", "links"];

/// What rules may ask of a group.
pub(super) fn group_target(target: Target, group: Option<&Group>) -> Target {
    let Some(group) = group else { return target };
    describe(target, "group", &[("id", &group.id), ("domain_id", &group.domain_id)])
}

fn group_for(tx: &Tx, cx: &Cx, id: &str, rule: &'static Rule) -> Result<Group, Fault> {
    let found = group_by_id(tx, id)?;
    cx.may(rule, &group_target(Target::none(), found.as_ref()))?;
    found.ok_or_else(|| missing("group", id))
}

/// The group and the user, if the caller may do `rule` to that pair.
fn member_for(tx: &Tx, cx: &Cx, group_id: &str, user_id: &str, rule: &'static Rule) -> Result<(), Fault> {
    let (group, user) = (group_by_id(tx, group_id)?, store::user::user_by_id(tx, user_id)?);
    cx.may(rule, &group_target(user_target(user.as_ref()), group.as_ref()))?;
    group.ok_or_else(|| missing("group", group_id))?;
    user.ok_or_else(|| missing("user", user_id))?;
    Ok(())
}

/// Whoever has a token for a domain sees members of that domain alone.
fn in_own_domain(cx: &Cx, domain_id: &str) -> bool {
    cx.who.domain_id.as_ref().is_none_or(|own| own == domain_id)
}

impl Identity {
    /// Every group that the caller may see; of a domain that has a directory, which that knows (by this name, if there
    /// is one). A list that is of no such domain shows our own groups.
    pub async fn group_list(
        &self,
        cx: &Cx,
        domain: Option<&str>,
        name: Option<&str>,
    ) -> Result<Vec<Group>, Fault> {
        let own = cx.who.domain_id.clone();
        let target =
            own.as_ref().map_or(Target::none(), |own| Target::none().with("target.group.domain_id", own));
        cx.may(&rules::LIST_GROUPS, &target)?;
        let elsewhere = match list_domain(cx, domain) {
            Some(domain) => self.directory_teams(&domain, name).await?,
            None => None,
        };
        self.db
            .read(move |tx| {
                let mirrored = store::directory::mirrored(tx, "group")?;
                let shown = |group: &Group| match &elsewhere {
                    Some(ids) => ids.contains(&group.id),
                    None => !mirrored.contains(&group.id),
                };
                let of_own = |group: &Group| own.as_ref().is_none_or(|own| group.domain_id == *own);
                Ok(groups(tx)?.into_iter().filter(|group| shown(group) && of_own(group)).collect())
            })
            .await
    }

    /// The groups of a user; with a token for a domain, those of that domain.
    pub async fn group_list_of_user(
        &self,
        cx: &Cx,
        user_id: &str,
    ) -> Result<Vec<(Group, Option<Micros>)>, Fault> {
        self.directory_refresh([user_id.to_owned()]).await?;
        let (cx, user_id) = (cx.clone(), user_id.to_owned());
        self.db
            .read(move |tx| {
                user_for(tx, &cx, &user_id, &rules::LIST_GROUPS_FOR_USER)?;
                let mut all: Vec<_> =
                    groups_of_user(tx, &user_id)?.into_iter().map(|group| (group, None)).collect();
                for (id, end) in groups_joined(tx, &user_id)? {
                    let lasting = all.iter().any(|(group, _)| group.id == id);
                    if !lasting {
                        all.extend(group_by_id(tx, &id)?.map(|group| (group, Some(end))));
                    }
                }
                all.retain(|(group, _)| in_own_domain(&cx, &group.domain_id));
                Ok(all)
            })
            .await
    }

    /// One group.
    pub async fn group_show(&self, cx: &Cx, id: &str) -> Result<Group, Fault> {
        self.directory_refresh([id.to_owned()]).await?;
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db.read(move |tx| group_for(tx, &cx, &id, &rules::GET_GROUP)).await
    }

    /// Makes a group.
    pub async fn group_create(&self, cx: &Cx, given: Map<String, Value>) -> Result<Group, Fault> {
        let (cx, said) = (cx.clone(), self.settings.domain_options.clone());
        self.db
            .write(move |tx| {
                let own = cx.who.domain_id.clone().or_else(|| cx.who.project_domain_id.clone());
                let domain_id = text(&given, "domain_id").or(own).unwrap_or_else(|| "default".into());
                let mut group = Group {
                    id: tx.entropy().hex_id(),
                    name: text(&given, "name").unwrap_or_default().trim().to_owned(),
                    domain_id,
                    description: text_or_empty(&given, "description"),
                    extra: Map::new(),
                };
                cx.may(&rules::CREATE_GROUP, &group_target(Target::none(), Some(&group)))?;
                let domain =
                    store::project::project_by_id(tx, &group.domain_id)?.filter(|domain| domain.is_domain);
                domain.ok_or_else(|| missing("domain", &group.domain_id))?;
                check_own_domain(tx, &said, &group.domain_id)?;
                merge_extra(&mut group.extra, &given, KNOWN);
                if group_insert(tx, &group)? {
                    Ok(group)
                } else {
                    Err(taken("group", &group.name, &group.domain_id))
                }
            })
            .await
    }

    /// Changes a group.
    pub async fn group_update(&self, cx: &Cx, id: &str, given: Map<String, Value>) -> Result<Group, Fault> {
        self.directory_refresh([id.to_owned()]).await?;
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let mut group = group_for(tx, &cx, &id, &rules::UPDATE_GROUP)?;
                check_same(&given, &group.id, &group.domain_id)?;
                check_own(tx, &id)?;
                if let Some(name) = new_name(&given) {
                    group.name = name;
                }
                if let Some(description) = given.get("description") {
                    group.description = description.as_str().map(str::to_owned);
                }
                merge_extra(&mut group.extra, &given, KNOWN);
                if group_update(tx, &group)? { Ok(group) } else { Err(taken("group", &group.name, "")) }
            })
            .await
    }

    /// Removes a group.
    pub async fn group_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        self.directory_refresh([id.to_owned()]).await?;
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let group = group_by_id(tx, &id)?.ok_or_else(|| missing("group", &id))?;
                cx.may(&rules::DELETE_GROUP, &group_target(Target::none(), Some(&group)))?;
                check_own(tx, &id)?;
                group_delete(tx, &id)?;
                store::token::epoch_advance(tx)
            })
            .await
    }

    /// The users in a group; with a token for a domain, those of that domain.
    pub async fn group_users(&self, cx: &Cx, id: &str) -> Result<Vec<User>, Fault> {
        self.group_show_members(cx, id, &rules::LIST_USERS_IN_GROUP).await?;
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .read(move |tx| {
                group_for(tx, &cx, &id, &rules::LIST_USERS_IN_GROUP)?;
                let mut users = store::user::users_of_group(tx, &id)?;
                users.retain(|user| in_own_domain(&cx, &user.domain_id));
                Ok(users)
            })
            .await
    }

    /// Asks who is in the group if a directory knows it and the caller may do `rule` to it.
    async fn group_show_members(&self, cx: &Cx, id: &str, rule: &'static Rule) -> Result<(), Fault> {
        self.directory_refresh([id.to_owned()]).await?;
        let (cx, id_own) = (cx.clone(), id.to_owned());
        self.db.read(move |tx| group_for(tx, &cx, &id_own, rule).map(drop)).await?;
        self.directory_members([id.to_owned()]).await
    }

    /// Puts a user into a group.
    pub async fn member_add(&self, cx: &Cx, group_id: &str, user_id: &str) -> Result<(), Fault> {
        self.directory_refresh([group_id.to_owned(), user_id.to_owned()]).await?;
        let (cx, group_id, user_id) = (cx.clone(), group_id.to_owned(), user_id.to_owned());
        self.db
            .write(move |tx| {
                member_for(tx, &cx, &group_id, &user_id, &rules::ADD_USER_TO_GROUP)?;
                check_own_member(tx, &group_id, &user_id)?;
                membership_add(tx, &user_id, &group_id)?;
                store::token::epoch_advance(tx)
            })
            .await
    }

    /// Takes a user out of a group.
    pub async fn member_remove(&self, cx: &Cx, group_id: &str, user_id: &str) -> Result<(), Fault> {
        self.directory_refresh([group_id.to_owned(), user_id.to_owned()]).await?;
        let (cx, group_id, user_id) = (cx.clone(), group_id.to_owned(), user_id.to_owned());
        self.db
            .write(move |tx| {
                member_for(tx, &cx, &group_id, &user_id, &rules::REMOVE_USER_FROM_GROUP)?;
                check_own_member(tx, &group_id, &user_id)?;
                if !membership_remove(tx, &user_id, &group_id)? {
                    return Err(not_a_member(&user_id, &group_id));
                }
                store::token::epoch_advance(tx)
            })
            .await
    }

    /// A user is in a group, or it is a 404.
    pub async fn member_check(&self, cx: &Cx, group_id: &str, user_id: &str) -> Result<(), Fault> {
        self.directory_refresh([group_id.to_owned(), user_id.to_owned()]).await?;
        let (cx, group_id, user_id) = (cx.clone(), group_id.to_owned(), user_id.to_owned());
        self.db
            .read(move |tx| {
                member_for(tx, &cx, &group_id, &user_id, &rules::CHECK_USER_IN_GROUP)?;
                let joined = || Ok(groups_joined(tx, &user_id)?.iter().any(|(id, _)| *id == group_id));
                if is_member(tx, &user_id, &group_id)? || joined()? {
                    Ok(())
                } else {
                    Err(not_a_member(&user_id, &group_id))
                }
            })
            .await
    }
}

fn not_a_member(user_id: &str, group_id: &str) -> Fault {
    Fault::not_found(format!("User '{user_id}' not found in group '{group_id}'"))
}
