//! What directories said, written down where it is new: a look first, so that what is known already costs no write.

use crate::model::directory::{Person, Team, public_id};
use crate::model::user::{Group, User};
use crate::store::directory::*;
use crate::store::token::epoch_advance;
use ::store::{Db, Tx};
use fault::Fault;
use serde_json::{Map, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What a directory said.
#[derive(Debug, Default)]
pub(super) struct News {
    /// The domain that it is of.
    pub(super) domain_id: String,
    /// Users that there are.
    pub(super) people: Vec<Person>,
    /// Groups that there are.
    pub(super) teams: Vec<Team>,
    /// Who is in which.
    pub(super) roll: Roll,
}

/// Who is in which group.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Roll {
    /// Nothing is said of that.
    #[default]
    Unsaid,
    /// The one user is in the groups, and in no other.
    Teams,
    /// The users are in the group of this id, and nobody else is.
    People(String),
}

/// The ids of those of whom something was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    /// Users.
    pub(super) users: Vec<String>,
    /// Groups.
    pub(super) groups: Vec<String>,
}

/// Users and groups as they look now, each with whether that is new.
struct Looks {
    users: Vec<(User, bool)>,
    groups: Vec<(Group, bool)>,
}

impl Looks {
    fn ids(&self) -> Ids {
        Ids {
            users: self.users.iter().map(|(user, _)| user.id.clone()).collect(),
            groups: self.groups.iter().map(|(group, _)| group.id.clone()).collect(),
        }
    }

    fn are_new(&self) -> bool {
        self.users.iter().any(|(_, new)| *new) || self.groups.iter().any(|(_, new)| *new)
    }
}

impl News {
    /// Writes down what is new.
    pub(super) async fn take(self, db: &Db) -> Result<Ids, Fault> {
        let news = Arc::new(self);
        let own = news.clone();
        match db.read(move |tx| own.known(tx)).await? {
            Some(ids) => Ok(ids),
            None => db.write(move |tx| news.write(tx)).await,
        }
    }

    /// The ids, if nothing of it is new.
    fn known(&self, tx: &Tx) -> Result<Option<Ids>, Fault> {
        let looks = self.looks(tx)?;
        let ids = looks.ids();
        let same = match self.roll(&ids) {
            Some((kind, id, others)) => memberships(tx, kind, &id)? == others,
            None => true,
        };
        Ok((same && !looks.are_new()).then_some(ids))
    }

    fn write(&self, tx: &Tx) -> Result<Ids, Fault> {
        let looks = self.looks(tx)?;
        let ids = looks.ids();
        for ((user, new), person) in looks.users.iter().zip(&self.people) {
            if *new {
                mapping_keep(tx, &self.mapping("user", &user.id, &person.local_id))?;
                user_mirror(tx, user)?;
            }
        }
        for ((group, new), team) in looks.groups.iter().zip(&self.teams) {
            if *new {
                mapping_keep(tx, &self.mapping("group", &group.id, &team.local_id))?;
                group_mirror(tx, group)?;
            }
        }
        if let Some((kind, id, others)) = self.roll(&ids) {
            memberships_mirror(tx, kind, &id, &others)?;
        }
        epoch_advance(tx)?;
        Ok(ids)
    }

    fn mapping(&self, kind: &str, id: &str, local_id: &str) -> Mapping {
        let [public_id, domain_id, local_id, kind] = [id, &self.domain_id, local_id, kind].map(str::to_owned);
        Mapping { public_id, domain_id, local_id, kind }
    }

    /// Whose memberships these are: a user's or a group's, of which id, and the ids at the other end.
    fn roll(&self, ids: &Ids) -> Option<(&'static str, String, BTreeSet<String>)> {
        let all = |ids: &[String]| ids.iter().cloned().collect();
        match &self.roll {
            Roll::Unsaid => None,
            Roll::Teams => Some(("user", ids.users.first()?.clone(), all(&ids.groups))),
            Roll::People(group) => Some(("group", group.clone(), all(&ids.users))),
        }
    }

    fn looks(&self, tx: &Tx) -> Result<Looks, Fault> {
        let names: Vec<&str> = self.people.iter().map(|one| one.local_id.as_str()).collect();
        let ids = mappings(tx, &self.domain_id, "user", &names)?;
        let before: HashMap<String, User> = if ids.is_empty() {
            HashMap::new()
        } else {
            mirrored_users(tx, &self.domain_id, single(&ids))?
                .into_iter()
                .map(|one| (one.id.clone(), one))
                .collect()
        };
        let users = self.people.iter().map(|person| {
            let user = self.user(ids.get(&person.local_id), person);
            let new = before.get(&user.id).is_none_or(|before| !same(before, &user));
            (user, new)
        });
        let users = users.collect();
        let names: Vec<&str> = self.teams.iter().map(|one| one.local_id.as_str()).collect();
        let ids = mappings(tx, &self.domain_id, "group", &names)?;
        let before: HashMap<String, Group> = if ids.is_empty() {
            HashMap::new()
        } else {
            mirrored_groups(tx, &self.domain_id, single(&ids))?
                .into_iter()
                .map(|one| (one.id.clone(), one))
                .collect()
        };
        let groups = self.teams.iter().map(|team| {
            let group = self.group(ids.get(&team.local_id), team);
            let new = before.get(&group.id) != Some(&group);
            (group, new)
        });
        Ok(Looks { users, groups: groups.collect() })
    }

    fn user(&self, id: Option<&String>, person: &Person) -> User {
        let mut user = User {
            id: id.cloned().unwrap_or_else(|| public_id(&self.domain_id, "user", &person.local_id)),
            name: person.name.clone(),
            domain_id: self.domain_id.clone(),
            enabled: person.enabled,
            ..User::default()
        };
        for (name, value) in &person.more {
            match *name {
                "default_project_id" => user.default_project_id = Some(value.clone()),
                name => drop(user.extra.insert(name.to_owned(), json!(value))),
            }
        }
        user
    }

    fn group(&self, id: Option<&String>, team: &Team) -> Group {
        Group {
            id: id.cloned().unwrap_or_else(|| public_id(&self.domain_id, "group", &team.local_id)),
            name: team.name.clone(),
            domain_id: self.domain_id.clone(),
            description: team.description.clone(),
            extra: Map::new(),
        }
    }
}

/// The only id there is, if there is only one.
fn single(ids: &HashMap<String, String>) -> Option<&str> {
    ids.values().next().filter(|_| ids.len() == 1).map(String::as_str)
}

/// Whether a user looks the same to a directory, which knows nothing of our own attributes.
fn same(before: &User, now: &User) -> bool {
    before.name == now.name
        && before.enabled == now.enabled
        && before.default_project_id == now.default_project_id
        && before.extra == now.extra
}
