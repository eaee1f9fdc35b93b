//! Users and groups of domains that live in a directory.
//!
//! Whoever needs them asks the directory first; what it says is written down (`mirror`), and everything else, as
//! roles, tokens and trusts, reads the store as for our own users. What was asked a moment ago is not asked again
//! ([`Settings::directory_memory`](crate::settings::Settings::directory_memory)): for so long somebody who is gone from
//! the directory is still here. A directory that does not answer stops its own users and nobody else.

use super::mirror::{News, Roll};
use super::proof::{Named, find_domain};
use super::token::{token_open, unauthenticated};
use super::trust::people_of_chain;
use crate::Identity;
use crate::directory::{Asker, By};
use crate::model::directory::{Directory, Person};
use crate::model::domain_config::{Options, is_directory};
use crate::model::token::Delegation;
use crate::store::directory::*;
use crate::store::{self, project::project_by_id, token::epoch_advance};
use ::store::Tx;
use fault::{Fault, Kind};
use kernel::Micros;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// The directories that were asked so far, by domain, and when who was asked about.
#[derive(Default)]
pub struct Directories {
    askers: Mutex<HashMap<String, Arc<Asker>>>,
    asked: Mutex<HashMap<String, Micros>>,
}

/// How many users and groups are remembered to be fresh; when there are more, all are asked about again.
const REMEMBERED: usize = 50_000;

/// What nobody may do to what is only read. Keystone says no more of it.
pub(super) fn read_only() -> Fault {
    Fault::forbidden("You are not authorized to perform the requested action.")
}

/// A user or group of a directory is not changed here.
pub(super) fn check_own(tx: &Tx, id: &str) -> Result<(), Fault> {
    if mapping_by_id(tx, id)?.is_some() { Err(read_only()) } else { Ok(()) }
}

/// A user and a group are both ours, or neither is changed here. Across the two there is no membership.
pub(super) fn check_own_member(tx: &Tx, group_id: &str, user_id: &str) -> Result<(), Fault> {
    let domains = [group_id, user_id].map(|id| mapping_by_id(tx, id).map(|one| one.map(|one| one.domain_id)));
    let [group, user] = domains;
    let (group, user) = (group?, user?);
    if group != user {
        return Err(Fault::forbidden(format!(
            "Group membership across backend boundaries is not allowed. Group in question is {group_id}, user is {user_id}."
        )));
    }
    if group.is_some() { Err(read_only()) } else { Ok(()) }
}

/// Those of these users and groups that are of a directory.
fn of_directories(tx: &Tx, ids: &BTreeSet<String>) -> Result<Vec<Mapping>, Fault> {
    let found = ids.iter().map(|id| mapping_by_id(tx, id)).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// Those of these users and groups that are of a directory and were never seen.
pub(super) fn never_seen(tx: &Tx, ids: impl Iterator<Item = String>) -> Result<Vec<String>, Fault> {
    let [users, groups] = ["user", "group"].map(|kind| mirrored(tx, kind));
    let (users, groups) = (users?, groups?);
    let strange = ids.filter(|id| !users.contains(id) && !groups.contains(id)).collect();
    Ok(of_directories(tx, &strange)?.into_iter().map(|one| one.public_id).collect())
}

/// Whom of directories a token stands for: its owner, and who lent it.
pub(super) fn people_behind(tx: &Tx, text: &str) -> Result<Vec<String>, Fault> {
    if !has_mappings(tx)? {
        return Ok(Vec::new());
    }
    let Some((payload, _)) = token_open(tx, text)? else { return Ok(Vec::new()) };
    let mut ids = BTreeSet::from([payload.user_id]);
    if let Some(Delegation::Trust(id)) = &payload.delegation {
        ids.extend(people_of_chain(tx, id)?);
    }
    Ok(of_directories(tx, &ids)?.into_iter().map(|one| one.public_id).collect())
}

/// Options of domains by name, as the settings say them.
type SaidOptions = Arc<BTreeMap<String, Options>>;

/// What is said of a domain's directory, in the store or else in the settings; `None` if it has none.
fn options(tx: &Tx, said: &SaidOptions, domain_id: &str) -> Result<Option<Options>, Fault> {
    let own = store::domain_config::domain_options_opened(tx, domain_id)?;
    if !own.is_empty() || said.is_empty() {
        return Ok(Some(own).filter(is_directory));
    }
    let named = project_by_id(tx, domain_id)?.filter(|domain| domain.is_domain);
    Ok(named.and_then(|domain| said.get(&domain.name).cloned()).filter(is_directory))
}

/// Nobody is made in a domain whose users and groups live in a directory.
pub(crate) fn check_own_domain(tx: &Tx, said: &SaidOptions, domain_id: &str) -> Result<(), Fault> {
    if options(tx, said, domain_id)?.is_some() { Err(read_only()) } else { Ok(()) }
}

impl Identity {
    /// The directory of a domain, if it has one.
    async fn directory(&self, domain_id: &str) -> Result<Option<Arc<Asker>>, Fault> {
        let (id, said) = (domain_id.to_owned(), self.settings.domain_options.clone());
        let options = self.db.read(move |tx| options(tx, &said, &id)).await?;
        let mut askers = self.directories.askers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(options) = options else {
            askers.remove(domain_id);
            return Ok(None);
        };
        let unfit = |why: String| {
            let said = "The LDAP options of this domain cannot be used.";
            Fault::new(Kind::Unavailable, said).because(format!("domain {domain_id}: {why}"))
        };
        let settings = Directory::of(&options).map_err(unfit)?;
        if let Some(asker) = askers.get(domain_id).filter(|asker| asker.settings == settings) {
            return Ok(Some(asker.clone()));
        }
        let asker = Arc::new(Asker::new(settings));
        askers.insert(domain_id.to_owned(), asker.clone());
        Ok(Some(asker))
    }

    /// Whether it was asked about a moment ago.
    pub(super) fn directory_fresh(&self, id: &str) -> bool {
        let asked = self.directories.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let until = |at: &Micros| at.plus(self.settings.directory_memory);
        asked.get(id).is_some_and(|at| self.db.clock().now() < until(at))
    }

    fn directory_asked(&self, id: &str) {
        let mut asked = self.directories.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= REMEMBERED {
            asked.clear();
        }
        asked.insert(id.to_owned(), self.db.clock().now());
    }

    /// Asks about each of these users and groups that is of a directory, unless that was done a moment ago. Says whether
    /// anything was asked.
    pub(super) async fn directory_refresh(
        &self,
        ids: impl IntoIterator<Item = String>,
    ) -> Result<bool, Fault> {
        let ids: BTreeSet<String> = ids.into_iter().filter(|id| !self.directory_fresh(id)).collect();
        if ids.is_empty() {
            return Ok(false);
        }
        let found = self
            .db
            .read(move |tx| if has_mappings(tx)? { of_directories(tx, &ids) } else { Ok(Vec::new()) })
            .await?;
        for one in &found {
            match one.kind.as_str() {
                "user" => self.person_refresh(one).await?,
                _ => self.team_refresh(one).await?,
            }
            self.directory_asked(&one.public_id);
        }
        Ok(!found.is_empty())
    }

    async fn person_refresh(&self, one: &Mapping) -> Result<(), Fault> {
        let by = By::Id(one.local_id.clone());
        let Some(asker) = self.directory(&one.domain_id).await? else { return self.mirror_drop(one).await };
        match asker.person(&by).await? {
            Some(person) => self.person_take(&one.domain_id, &asker, person).await.map(drop),
            None => self.mirror_drop(one).await,
        }
    }

    async fn team_refresh(&self, one: &Mapping) -> Result<(), Fault> {
        let by = By::Id(one.local_id.clone());
        let Some(asker) = self.directory(&one.domain_id).await? else { return self.mirror_drop(one).await };
        match asker.team(&by).await? {
            Some(team) => {
                let news = News { domain_id: one.domain_id.clone(), teams: vec![team], ..News::default() };
                news.take(&self.db).await.map(drop)
            }
            None => self.mirror_drop(one).await,
        }
    }

    /// Writes down what a directory says of somebody, and in which groups that is. Answers the id.
    async fn person_take(&self, domain_id: &str, asker: &Asker, person: Person) -> Result<String, Fault> {
        let teams = asker.teams_of(&person).await?;
        let news = News { domain_id: domain_id.to_owned(), people: vec![person], teams, roll: Roll::Teams };
        let id = news.take(&self.db).await?.users.into_iter().next().unwrap_or_default();
        self.directory_asked(&id);
        Ok(id)
    }

    /// It is not in its directory any more.
    async fn mirror_drop(&self, one: &Mapping) -> Result<(), Fault> {
        let one = one.clone();
        self.db
            .write(move |tx| {
                if mirror_forget(tx, &one.kind, &one.public_id)? {
                    epoch_advance(tx)?;
                }
                Ok(())
            })
            .await
    }

    /// The users of a domain that has a directory, all or those with a name, by id; `None` if it has none.
    pub(super) async fn directory_people(
        &self,
        domain_id: &str,
        name: Option<&str>,
    ) -> Result<Option<BTreeSet<String>>, Fault> {
        let Some(asker) = self.directory(domain_id).await? else { return Ok(None) };
        let people = asker.people_named(name).await?;
        let news = News { domain_id: domain_id.to_owned(), people, ..News::default() };
        Ok(Some(news.take(&self.db).await?.users.into_iter().collect()))
    }

    /// The groups of a domain that has a directory, all or those with a name, by id; `None` if it has none.
    pub(super) async fn directory_teams(
        &self,
        domain_id: &str,
        name: Option<&str>,
    ) -> Result<Option<BTreeSet<String>>, Fault> {
        let Some(asker) = self.directory(domain_id).await? else { return Ok(None) };
        let teams = asker.teams_named(name).await?;
        let news = News { domain_id: domain_id.to_owned(), teams, ..News::default() };
        Ok(Some(news.take(&self.db).await?.groups.into_iter().collect()))
    }

    /// The same for lists that are no worse for one that does not answer: of whom nothing was known nothing is known
    /// still.
    pub(super) async fn directory_meet(&self, ids: Vec<String>) {
        for id in ids {
            if let Err(fault) = self.directory_refresh([id]).await {
                tracing::warn!(why = fault.public(), "a directory does not say who somebody is");
            }
        }
    }

    /// Asks who is in these groups, as far as they are of a directory.
    pub(super) async fn directory_members(
        &self,
        groups: impl IntoIterator<Item = String>,
    ) -> Result<(), Fault> {
        let groups: BTreeSet<String> =
            groups.into_iter().filter(|id| !self.directory_fresh(&roll(id))).collect();
        for one in self.db.read(move |tx| of_directories(tx, &groups)).await? {
            let Some(asker) = self.directory(&one.domain_id).await? else { continue };
            let Some(team) = asker.team(&By::Id(one.local_id.clone())).await? else { continue };
            let people = asker.people_of(&team).await?;
            let roll_of = Roll::People(one.public_id.clone());
            let news = News { domain_id: one.domain_id, people, teams: Vec::new(), roll: roll_of };
            news.take(&self.db).await?;
            self.directory_asked(&roll(&one.public_id));
        }
        Ok(())
    }

    /// The same for lists that are no worse for one that does not answer: what it said last stands.
    pub(super) async fn directory_members_if_it_answers(&self, groups: Vec<String>) {
        for group in groups {
            if let Err(fault) = self.directory_members([group]).await {
                tracing::warn!(why = fault.public(), "a directory does not say who is in a group");
            }
        }
    }

    /// Who a user of a directory is, as a caller names it; `None` if that is no such user.
    async fn directory_named(&self, user: &Named) -> Result<Option<(String, By)>, Fault> {
        let (user, said) = (user.clone(), self.settings.domain_options.clone());
        self.db
            .read(move |tx| match &user {
                Named::Id(id) => {
                    let found = mapping_by_id(tx, id)?.filter(|one| one.kind == "user");
                    Ok(found.map(|one| (one.domain_id, By::Id(one.local_id))))
                }
                Named::Domain(_) => Ok(None),
                Named::In(name, domain) => {
                    let Some(domain) = find_domain(tx, domain)? else { return Ok(None) };
                    let found = options(tx, &said, &domain.id)?;
                    Ok(found.map(|_| (domain.id, By::Name(name.clone()))))
                }
            })
            .await
    }

    /// The same user, by its id if it is of a directory, which is asked.
    pub(super) async fn directory_resolve(&self, address: &Arc<str>, user: &Named) -> Result<Named, Fault> {
        let Some((domain_id, by)) = self.directory_named(user).await? else { return Ok(user.clone()) };
        let asker = self.directory(&domain_id).await?.ok_or_else(unauthenticated)?;
        let _place = asker.place(address, &by)?;
        let person = asker.person(&by).await?.ok_or_else(unauthenticated)?;
        let id = self.person_take(&domain_id, &asker, person).await?;
        Ok(Named::Id(id))
    }

    /// The id of a directory's user who has this password; `None` if the user is of no directory.
    pub(super) async fn directory_prove(
        &self,
        address: &Arc<str>,
        user: &Named,
        password: &str,
    ) -> Result<Option<String>, Fault> {
        let Some((domain_id, by)) = self.directory_named(user).await? else { return Ok(None) };
        let asker = self.directory(&domain_id).await?.ok_or_else(unauthenticated)?;
        let _place = asker.place(address, &by)?;
        let found = asker.person(&by).await?;
        let right = asker.proves(found.as_ref(), password).await?;
        let person = found.filter(|_| right).ok_or_else(unauthenticated)?;
        let enabled = person.enabled;
        let id = self.person_take(&domain_id, &asker, person).await?;
        if !enabled {
            return Err(unauthenticated().because(format!("the user {id} is disabled")));
        }
        Ok(Some(id))
    }
}

/// Under what it is remembered when a group's members were asked for.
fn roll(group_id: &str) -> String {
    format!("members of {group_id}")
}
