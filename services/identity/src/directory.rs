//! Asking a directory (LDAP): who there is, who is in which group, and whether a password is somebody's.
//!
//! A directory is only read. `link` holds the connections; what is asked and how it is read is [`model::directory`]'s.
//! Everything waits on tasks, never on threads of the store, and no longer than the operator's time-out; a directory that
//! did not answer is left alone for a moment, so that nobody queues up behind it.
//!
//! [`model::directory`]: crate::model::directory

mod link;
mod tls;

use crate::model::directory::{Directory, Enabled, Entry, Person, Team, Tree};
use crate::model::dn::{comparable, equals};
use crate::places::{Place, Places, Source};
use fault::{Fault, Kind};
use link::{Failure, Links};
use std::collections::HashSet;
use std::sync::Arc;

/// What Active Directory asks with when groups are in groups.
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// What nobody in a directory is called.
const NOBODY: &str = "nobody-5f0c1d7ae93b4b6f";

/// How many members of a group are asked for at once.
const AT_ONCE: usize = 50;

/// What one entry is asked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// What the directory calls it.
    Id(String),
    /// Its name here.
    Name(String),
}

impl By {
    fn condition(&self, tree: &Tree) -> String {
        match self {
            Self::Id(id) => equals(&tree.id, id),
            Self::Name(name) => equals(tree.attribute("name").unwrap_or(&tree.id), name),
        }
    }
}

/// A directory that can be asked.
pub struct Asker {
    /// What the operator says of it.
    pub settings: Directory,
    links: Links,
    places: Places,
}

impl Asker {
    /// The one that the operator describes. Nothing is asked yet.
    pub fn new(settings: Directory) -> Self {
        Self { links: Links::new(&settings), settings, places: Places::default() }
    }

    /// A place among those who log in here. Each directory has its own: one that is slow keeps no others waiting.
    pub fn place(&self, address: &Arc<str>, by: &By) -> Result<Place, Fault> {
        self.places.enter(Some(&Source { address: address.clone(), account: format!("{by:?}") }))
    }

    /// One user.
    pub async fn person(&self, by: &By) -> Result<Option<Person>, Fault> {
        let found = self.people(&by.condition(&self.settings.users)).await?;
        Ok(found.into_iter().next())
    }

    /// Every user, or those whose name is this.
    pub async fn people_named(&self, name: Option<&str>) -> Result<Vec<Person>, Fault> {
        let condition = name.map(|name| By::Name(name.to_owned()).condition(&self.settings.users));
        self.people(&condition.unwrap_or_default()).await
    }

    /// One group.
    pub async fn team(&self, by: &By) -> Result<Option<Team>, Fault> {
        let found = self.teams(&by.condition(&self.settings.groups)).await?;
        Ok(found.into_iter().next())
    }

    /// Every group, or those whose name is this.
    pub async fn teams_named(&self, name: Option<&str>) -> Result<Vec<Team>, Fault> {
        let condition = name.map(|name| By::Name(name.to_owned()).condition(&self.settings.groups));
        self.teams(&condition.unwrap_or_default()).await
    }

    /// The groups that somebody is in.
    pub async fn teams_of(&self, person: &Person) -> Result<Vec<Team>, Fault> {
        let member = self.settings.as_member(person);
        let attribute = match self.settings.nested {
            true => format!("member:{IN_CHAIN}:"),
            false => self.settings.member.clone(),
        };
        self.teams(&equals(&attribute, member)).await
    }

    /// Who is in a group. Members that are no users are passed over.
    pub async fn people_of(&self, team: &Team) -> Result<Vec<Person>, Fault> {
        if self.settings.nested {
            return self.people(&equals(&format!("memberOf:{IN_CHAIN}:"), &team.dn)).await;
        }
        let members = self.members(&team.dn, &self.settings.member, &self.settings.groups.class).await?;
        let mut ids = Vec::new();
        for member in members {
            match self.settings.member_id(&member) {
                Some(id) => ids.push(id),
                None => ids.extend(self.id_of(&member).await?),
            }
        }
        let mut people = Vec::new();
        for ids in ids.chunks(AT_ONCE) {
            let any: String = ids.iter().map(|id| equals(&self.settings.users.id, id)).collect();
            people.extend(self.people(&format!("(|{any})")).await?);
        }
        Ok(people)
    }

    /// Whether the password is the user's. An empty one is nobody's: directories take it for no login at all. For a user
    /// that is not there the directory is asked as well, so that the answer takes as long as a wrong password's.
    pub async fn proves(&self, person: Option<&Person>, password: &str) -> Result<bool, Fault> {
        let nobody = || format!("{}={NOBODY},{}", self.settings.users.id, self.settings.users.base);
        let dn = person.map_or_else(nobody, |person| person.dn.clone());
        if password.is_empty() || dn.is_empty() {
            return Ok(false);
        }
        let right = self.links.binds(&dn, password).await.map_err(|failure| self.fault(failure))?;
        Ok(right && person.is_some())
    }

    async fn people(&self, condition: &str) -> Result<Vec<Person>, Fault> {
        let entries = self.entries(&self.settings.users, condition).await?;
        let members = self.enabled_members().await?;
        let people = entries.iter().filter(|entry| !self.is_list_of_enabled(entry));
        Ok(people.filter_map(|entry| self.settings.person(entry, &members)).collect())
    }

    async fn teams(&self, condition: &str) -> Result<Vec<Team>, Fault> {
        let entries = self.entries(&self.settings.groups, condition).await?;
        Ok(entries.iter().filter_map(|entry| self.settings.team(entry)).collect())
    }

    async fn entries(&self, tree: &Tree, condition: &str) -> Result<Vec<Entry>, Fault> {
        let scope = if self.settings.subtree { ldap3::Scope::Subtree } else { ldap3::Scope::OneLevel };
        let found = self.links.search(&tree.base, scope, &tree.fitting(condition), tree.wanted()).await;
        let mut seen = HashSet::new();
        let mut entries = found.map_err(|failure| self.fault(failure))?;
        entries.retain(|entry| seen.insert(entry.dn.clone()));
        Ok(entries)
    }

    /// Who is in the group of the enabled, in a form to compare with.
    async fn enabled_members(&self) -> Result<Vec<String>, Fault> {
        let Enabled::Group { dn, member, ids } = &self.settings.enabled else { return Ok(Vec::new()) };
        let members = self.members(dn, member, "*").await?;
        Ok(if *ids { members } else { members.iter().map(|one| comparable(one)).collect() })
    }

    /// The group of the enabled may lie among the users.
    fn is_list_of_enabled(&self, entry: &Entry) -> bool {
        matches!(&self.settings.enabled, Enabled::Group { dn, .. } if comparable(dn) == comparable(&entry.dn))
    }

    async fn members(&self, dn: &str, attribute: &str, class: &str) -> Result<Vec<String>, Fault> {
        let filter = format!("(objectClass={class})");
        let found = self.links.search(dn, ldap3::Scope::Base, &filter, vec![attribute.to_owned()]).await;
        let found = found.map_err(|failure| self.fault(failure))?;
        Ok(found.iter().flat_map(|entry| entry.values(attribute).to_vec()).collect())
    }

    /// The id of a user whose entry's name does not tell it.
    async fn id_of(&self, dn: &str) -> Result<Option<String>, Fault> {
        let wanted = vec![self.settings.users.id.clone()];
        let found = self.links.search(dn, ldap3::Scope::Base, "(objectClass=*)", wanted).await;
        let found = found.map_err(|failure| self.fault(failure))?;
        Ok(found.first().and_then(|entry| self.settings.users.local_id(entry)))
    }

    fn fault(&self, failure: Failure) -> Fault {
        let (said, why) = match failure {
            Failure::Silent(why) => {
                ("Unable to establish a connection to the LDAP server of this domain.", why)
            }
            Failure::Stranger(why) => {
                ("Unable to authenticate against Identity backend - Invalid username or password", why)
            }
            Failure::TooMuch(why) => (
                "Number of User/Group entities returned by LDAP exceeded size limit. Contact your LDAP administrator.",
                why,
            ),
            Failure::Refused(why) => ("The LDAP server of this domain refuses what it is asked.", why),
        };
        // Where it is, and what it says, is for the log: whoever logs in is still a stranger.
        let cause = format!("{}: {why}", self.settings.urls.join(", "));
        Fault::new(Kind::Unavailable, said).because(cause)
    }
}
