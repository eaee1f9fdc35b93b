//! A directory (LDAP) that a domain's users and groups live in: where it is, and how what it says is read. The options
//! have the names, the meaning and the defaults that they have in Keystone.

use super::dn;
use super::domain_config::{Options, default_of};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;
use zeroize::Zeroizing;

/// What an operator says of a directory.
#[derive(Clone, Debug, PartialEq)]
pub struct Directory {
    /// Where it is; the next is asked when one does not answer.
    pub urls: Vec<String>,
    /// As whom we ask, and the password; nobody otherwise.
    pub bind: Option<(String, Zeroizing<String>)>,
    /// Entries lie anywhere below their tree, not only right below it.
    pub subtree: bool,
    /// How many entries are asked for at a time; 0: all at once.
    pub page_size: i32,
    /// What becomes of aliases.
    pub aliases: Aliases,
    /// The users.
    pub users: Tree,
    /// The groups.
    pub groups: Tree,
    /// How a disabled user is told.
    pub enabled: Enabled,
    /// The attribute of a group that names who is in it.
    pub member: String,
    /// It names ids, not entries.
    pub members_are_ids: bool,
    /// Groups are in groups, and the directory works that out (Active Directory).
    pub nested: bool,
    /// How it is spoken to.
    pub tls: Tls,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How many connections there are at most: for us, and for users who log in.
    pub connections: [usize; 2],
    /// How long one of each sort is kept.
    pub lives: [Duration; 2],
}

/// Where entries of a sort are, and what their attributes are called.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// What they lie below.
    pub base: String,
    /// Their object class.
    pub class: String,
    /// What else they have to fit; empty, or a filter.
    pub filter: String,
    /// The attribute that is their id.
    pub id: String,
    /// Other attributes: our name, and theirs.
    pub attributes: Vec<(&'static str, String)>,
}

/// What becomes of aliases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aliases {
    /// They stay what they are.
    Never,
    /// They are followed below the tree.
    Searching,
    /// The tree itself may be one.
    Finding,
    /// Both.
    Always,
}

/// How a disabled user is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enabled {
    /// Not at all.
    Always,
    /// By an attribute of yes and no, or the other way round, which is this if it is not there.
    Word { missing: String, inverted: bool },
    /// By a bit of a number, which is this if it is not there.
    Bit { missing: String, mask: i64 },
    /// By not being in this group.
    Group { dn: String, member: String, ids: bool },
}

/// How a directory is spoken to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// A connection becomes a TLS one before anything is said (StartTLS).
    pub start: bool,
    /// Who may vouch for it; whom the system trusts otherwise.
    pub authorities: Option<String>,
    /// Nobody need vouch for it.
    pub unchecked: bool,
}

/// What a directory has of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The entry's name.
    pub dn: String,
    /// What the directory calls it.
    pub local_id: String,
    /// The user's name.
    pub name: String,
    /// The user may log in.
    pub enabled: bool,
    /// Description, e-mail, default project; what is there.
    pub more: Vec<(&'static str, String)>,
}

/// What a directory has of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// The entry's name.
    pub dn: String,
    /// What the directory calls it.
    pub local_id: String,
    /// The group's name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
}

/// An entry: its name, and its attributes in small letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub dn: String,
    /// What it has.
    pub attributes: HashMap<String, Vec<String>>,
}

impl Entry {
    /// The values of an attribute.
    pub fn values(&self, attribute: &str) -> &[String] {
        self.attributes.get(&attribute.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The first of them.
    fn first(&self, attribute: &str) -> Option<&str> {
        self.values(attribute).first().map(String::as_str)
    }
}

/// The id under which everybody knows a user or a group of a directory: as Keystone makes it, so that assignments of one
/// that is taken over go on.
pub fn public_id(domain_id: &str, kind: &str, local_id: &str) -> String {
    use sha2::{Digest, Sha256};
    let hash = Sha256::new().chain_update(domain_id).chain_update(kind).chain_update(local_id).finalize();
    base16ct::lower::encode_string(&hash)
}

impl Tree {
    /// What we call `name` is called that.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| *own == name).map(|(_, theirs)| theirs.as_str())
    }

    /// Everything that is asked of an entry.
    pub fn wanted(&self) -> Vec<String> {
        let mut all: Vec<String> = self.attributes.iter().map(|(_, theirs)| theirs.clone()).collect();
        all.push(self.id.clone());
        all.sort();
        all.dedup();
        all
    }

    /// The filter of its entries, with one more condition if there is any.
    pub fn fitting(&self, condition: &str) -> String {
        format!("(&{condition}{}(objectClass={})({}=*))", self.filter, self.class, self.id)
    }

    /// What the directory calls an entry. Of several ids none counts but the one in the entry's name.
    pub fn local_id(&self, entry: &Entry) -> Option<String> {
        let ids = entry.values(&self.id);
        let named = dn::own_name(&entry.dn).filter(|(attribute, _)| *attribute == self.id.to_lowercase());
        match (ids, named) {
            ([id], _) => Some(id.clone()),
            ([_, ..], Some((_, named))) => Some(named),
            ([first, ..], None) => Some(first.clone()),
            ([], _) => None,
        }
    }

    fn name(&self, entry: &Entry) -> Option<String> {
        let name = entry.first(self.attribute("name")?)?;
        (!name.trim().is_empty()).then(|| name.to_owned())
    }
}

impl Directory {
    /// Reads the options; the error names one that does not do.
    pub fn of(options: &Options) -> Result<Self, String> {
        let said = Said(options.get("ldap").unwrap_or(&Value::Null));
        let suffix = said.text("suffix").unwrap_or_default();
        let users = said.tree("user", "Users", &suffix)?;
        let groups = said.tree("group", "UserGroups", &suffix)?;
        let member = said.text("group_member_attribute").unwrap_or_else(|| "member".to_owned());
        let members_are_ids = said.flag("group_members_are_ids")?;
        let enabled = said.enabled(&users, &member, members_are_ids)?;
        let positive = |name: &str, usual: u64| -> Result<u64, String> {
            let said = said.number(name)?;
            Ok(said.and_then(|said| u64::try_from(said).ok()).filter(|said| *said > 0).unwrap_or(usual))
        };
        let size = |name: &str| Ok::<_, String>(usize::try_from(positive(name, 10)?).unwrap_or(10));
        let timeout = positive("pool_connection_timeout", positive("connection_timeout", 5)?)?;
        Ok(Self {
            urls: said.urls()?,
            bind: said.text("user").zip(said.text("password")).map(|(dn, word)| (dn, word.into())),
            subtree: match said.text("query_scope").as_deref() {
                None | Some("one") => false,
                Some("sub") => true,
                Some(other) => return Err(format!("query_scope is one or sub, not {other}")),
            },
            page_size: said.number("page_size")?.and_then(|size| i32::try_from(size).ok()).unwrap_or(0),
            aliases: said.aliases()?,
            users,
            groups,
            enabled,
            member,
            members_are_ids,
            nested: said.flag("group_ad_nesting")?,
            tls: said.tls()?,
            timeout: Duration::from_secs(timeout),
            connections: [size("pool_size")?, size("auth_pool_size")?],
            lives: [
                Duration::from_secs(positive("pool_connection_lifetime", 600)?),
                Duration::from_secs(positive("auth_pool_connection_lifetime", 60)?),
            ],
        })
    }

    /// A user from its entry; `None` if it has no id or no name. `members` are those of the group of the enabled, if
    /// there is one, to compare with.
    pub fn person(&self, entry: &Entry, members: &[String]) -> Option<Person> {
        let local_id = self.users.local_id(entry)?;
        let more = ["description", "email", "default_project_id"].into_iter().filter_map(|name| {
            let value = entry.first(self.users.attribute(name)?)?;
            Some((name, value.to_owned()))
        });
        Some(Person {
            dn: entry.dn.clone(),
            name: self.users.name(entry)?,
            enabled: self.is_enabled(entry, &local_id, members),
            more: more.collect(),
            local_id,
        })
    }

    /// A group from its entry; `None` if it has no id or no name.
    pub fn team(&self, entry: &Entry) -> Option<Team> {
        let description = self.groups.attribute("description").and_then(|theirs| entry.first(theirs));
        Some(Team {
            dn: entry.dn.clone(),
            local_id: self.groups.local_id(entry)?,
            name: self.groups.name(entry)?,
            description: description.map(str::to_owned),
        })
    }

    /// How a group names the user.
    pub fn as_member<'a>(&self, person: &'a Person) -> &'a str {
        if self.members_are_ids { &person.local_id } else { &person.dn }
    }

    /// The id of a member that a group names, if that tells it.
    pub fn member_id(&self, member: &str) -> Option<String> {
        if self.members_are_ids {
            return Some(member.to_owned());
        }
        let (attribute, value) = dn::own_name(member)?;
        (attribute == self.users.id.to_lowercase()).then_some(value)
    }

    fn is_enabled(&self, entry: &Entry, local_id: &str, members: &[String]) -> bool {
        let attribute = self.users.attribute("enabled");
        let said = |missing: &str| {
            let said = attribute.and_then(|attribute| entry.first(attribute));
            said.unwrap_or(missing).trim().to_owned()
        };
        match &self.enabled {
            Enabled::Always => true,
            Enabled::Word { missing, inverted } => {
                let said = said(missing);
                let counted = attribute.is_some_and(|name| name.eq_ignore_ascii_case("enabled"));
                let number = said.parse::<i64>().ok().filter(|_| counted);
                number.map_or_else(|| said.eq_ignore_ascii_case("true"), |number| number != 0) != *inverted
            }
            // Whoever has no number there is not let in.
            Enabled::Bit { missing, mask } => {
                said(missing).parse::<i64>().is_ok_and(|number| number & mask != *mask)
            }
            Enabled::Group { ids: true, .. } => members.iter().any(|member| member == local_id),
            Enabled::Group { ids: false, .. } => members.contains(&dn::comparable(&entry.dn)),
        }
    }
}

/// The options of the group `ldap`: as they were given, as JSON or as text, or else as they are by default.
struct Said<'a>(&'a Value);

impl Said<'_> {
    fn get(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_else(|| default_of("ldap", name))
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(true) => Some("True".to_owned()),
            Value::Bool(false) => Some("False".to_owned()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        match self.text(name).unwrap_or_default().to_lowercase().as_str() {
            "" | "false" | "0" | "no" | "off" => Ok(false),
            "true" | "1" | "yes" | "on" => Ok(true),
            other => Err(format!("{name} is true or false, not {other}")),
        }
    }

    fn number(&self, name: &str) -> Result<Option<i64>, String> {
        let read = |text: String| text.parse().map_err(|_| format!("{name} is a number, not {text}"));
        self.text(name).map(read).transpose()
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::String(text) => text.split(',').map(|one| one.trim().to_owned()).collect(),
            _ => Vec::new(),
        }
    }

    fn urls(&self) -> Result<Vec<String>, String> {
        let text = self.text("url").unwrap_or_default();
        let all = text.split([',', ' ']).map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned);
        let all: Vec<String> = all.collect();
        let usable = |url: &String| {
            let host = url.strip_prefix("ldap://").or_else(|| url.strip_prefix("ldaps://"));
            host.is_some_and(|host| !host.is_empty() && !host.starts_with(['/', ':', '?']))
        };
        match all.iter().find(|url| !usable(url)) {
            Some(bad) => Err(format!("url is ldap:// or ldaps:// and a host, not {bad}")),
            None if all.is_empty() => Err("url is missing".to_owned()),
            None => Ok(all),
        }
    }

    fn aliases(&self) -> Result<Aliases, String> {
        match self.text("alias_dereferencing").as_deref() {
            None | Some("default" | "never") => Ok(Aliases::Never),
            Some("searching") => Ok(Aliases::Searching),
            Some("finding") => Ok(Aliases::Finding),
            Some("always") => Ok(Aliases::Always),
            Some(other) => Err(format!("alias_dereferencing cannot be {other}")),
        }
    }

    fn tls(&self) -> Result<Tls, String> {
        let unchecked = match self.text("tls_req_cert").as_deref() {
            None | Some("demand") => false,
            Some("never" | "allow") => true,
            Some(other) => return Err(format!("tls_req_cert is demand, allow or never, not {other}")),
        };
        let authorities = self.text("tls_cacertfile").or_else(|| self.text("tls_cacertdir"));
        Ok(Tls { start: self.flag("use_tls")?, authorities, unchecked })
    }

    /// Users or groups; `place` is where they are unless it is said.
    fn tree(&self, noun: &str, place: &str, suffix: &str) -> Result<Tree, String> {
        let named = |name: &str| format!("{noun}_{name}");
        let must = |name: &str| self.text(&named(name)).ok_or_else(|| format!("{} is missing", named(name)));
        let ignored = self.list(&named("attribute_ignore"));
        let known: &[(&'static str, &str)] = match noun {
            "user" => &[
                ("name", "name_attribute"),
                ("description", "description_attribute"),
                ("email", "mail_attribute"),
                ("enabled", "enabled_attribute"),
                ("default_project_id", "default_project_id_attribute"),
            ],
            _ => &[("name", "name_attribute"), ("description", "desc_attribute")],
        };
        let known = known.iter().filter(|(own, _)| *own == "name" || !ignored.iter().any(|one| one == own));
        let attributes = known.filter_map(|(own, option)| Some((*own, self.text(&named(option))?)));
        let tree = Tree {
            base: self.text(&named("tree_dn")).unwrap_or_else(|| format!("ou={place},{suffix}")),
            class: must("objectclass")?,
            filter: self.text(&named("filter")).unwrap_or_default(),
            id: must("id_attribute")?,
            attributes: attributes.collect(),
        };
        tree.attribute("name").ok_or_else(|| format!("{} is missing", named("name_attribute")))?;
        Ok(tree)
    }

    fn enabled(&self, users: &Tree, member: &str, ids: bool) -> Result<Enabled, String> {
        let ignored = self.list("user_attribute_ignore").iter().any(|one| one == "enabled");
        let emulated = self.flag("user_enabled_emulation")?;
        let missing = self.text("user_enabled_default").unwrap_or_default();
        let mask = self.number("user_enabled_mask")?.unwrap_or(0);
        if emulated && !ignored {
            let dn = self.text("user_enabled_emulation_dn");
            let dn = dn.unwrap_or_else(|| format!("cn=enabled_users,{}", users.base));
            let (member, ids) = match self.flag("user_enabled_emulation_use_group_config")? {
                true => (member.to_owned(), ids),
                false => ("member".to_owned(), false),
            };
            return Ok(Enabled::Group { dn, member, ids });
        }
        Ok(match mask {
            0 if ignored || emulated => Enabled::Always,
            0 => Enabled::Word { missing, inverted: self.flag("user_enabled_invert")? },
            mask => Enabled::Bit { missing, mask },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn directory(ldap: &Value) -> Result<Directory, String> {
        Directory::of(&Options::from_iter([("ldap".to_owned(), ldap.clone())]))
    }

    fn entry(dn: &str, attributes: &[(&str, &[&str])]) -> Entry {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let attributes = attributes.iter().map(|(name, own)| ((*name).to_owned(), values(own)));
        Entry { dn: dn.to_owned(), attributes: attributes.collect() }
    }

    /// What Keystone's generator gives.
    #[test]
    fn ids_are_those_of_keystone() {
        let domain = "4f3c1a2b5d6e47f8a9b0c1d2e3f40516";
        for (domain, kind, local, wanted) in [
            (domain, "user", "ada", "52beda7fb4acf419dccc0d033a8045bf61d643092b9128a519024a0bdf803f55"),
            (domain, "group", "ada", "dcb99aa9a5a64f2a0a0bda16ee5d5879ea9aa2f1d325dd52fe07741df971b523"),
            (
                "default",
                "user",
                "Jörg Müller, x",
                "9348fc1a7c5ee01d568c41d9afb1e4a5c41065eb023aed4317222db3e23b602d",
            ),
        ] {
            assert_eq!(public_id(domain, kind, local), wanted, "{local}");
        }
    }

    #[test]
    fn what_is_not_said_is_as_in_keystone() {
        let found = directory(&json!({})).unwrap();
        assert_eq!(found.urls, ["ldap://localhost"]);
        assert_eq!(
            (found.users.base.as_str(), found.groups.base.as_str()),
            ("ou=Users,cn=example,cn=com", "ou=UserGroups,cn=example,cn=com")
        );
        assert_eq!(found.users.fitting(""), "(&(objectClass=inetOrgPerson)(cn=*))");
        assert_eq!(found.groups.fitting("(x=y)"), "(&(x=y)(objectClass=groupOfNames)(cn=*))");
        assert_eq!((found.users.attribute("name"), found.groups.attribute("name")), (Some("sn"), Some("ou")));
        assert_eq!(
            (found.bind, found.subtree, found.page_size, found.member.as_str()),
            (None, false, 0, "member")
        );
        assert_eq!(found.enabled, Enabled::Word { missing: "True".into(), inverted: false });
    }

    #[test]
    fn options_come_as_json_and_as_text_and_bad_ones_are_named() {
        let text =
            directory(&json!({"page_size": "50", "use_tls": "True", "url": "ldap://a, ldaps://b:636"}))
                .unwrap();
        assert_eq!(
            (text.page_size, text.tls.start, text.urls),
            (50, true, vec!["ldap://a".into(), "ldaps://b:636".into()])
        );
        for (bad, why) in [
            (json!({"url": "http://a"}), "url is ldap:// or ldaps:// and a host, not http://a"),
            (json!({"url": "ldap://"}), "url is ldap:// or ldaps:// and a host, not ldap://"),
            (json!({"page_size": "many"}), "page_size is a number, not many"),
            (json!({"query_scope": "base"}), "query_scope is one or sub, not base"),
            (json!({"tls_req_cert": "maybe"}), "tls_req_cert is demand, allow or never, not maybe"),
            (json!({"user_enabled_invert": "perhaps"}), "user_enabled_invert is true or false, not perhaps"),
        ] {
            assert_eq!(directory(&bad).err().as_deref(), Some(why));
        }
    }

    #[test]
    fn entries_are_read_as_users() {
        let found = directory(&json!({"user_name_attribute": "uid"})).unwrap();
        let dn = "cn=Ada,ou=Users,dc=example";
        let ada = entry(dn, &[("cn", &["Ada"]), ("uid", &["ada"]), ("mail", &["a@b", "c@d"])]);
        let person = found.person(&ada, &[]).unwrap();
        assert_eq!((person.local_id.as_str(), person.name.as_str(), person.enabled), ("Ada", "ada", true));
        assert_eq!(person.more, [("email", "a@b".to_owned())]);
        let two = entry(dn, &[("cn", &["Countess", "Ada"]), ("uid", &["ada"])]);
        assert_eq!(found.person(&two, &[]).unwrap().local_id, "Ada", "of two ids that in the name counts");
        assert!(found.person(&entry(dn, &[("cn", &["Ada"])]), &[]).is_none(), "it has no name");
        assert!(found.person(&entry(dn, &[("cn", &["Ada"]), ("uid", &[" "])]), &[]).is_none());
        assert!(found.person(&entry(dn, &[("uid", &["ada"])]), &[]).is_none(), "it has no id");
        assert_eq!(found.member_id("CN=Lovelace\\, Ada,dc=example").as_deref(), Some("Lovelace, Ada"));
        assert_eq!(found.member_id("uid=ada,dc=example"), None);
    }
}
