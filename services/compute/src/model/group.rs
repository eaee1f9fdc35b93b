//! Server groups: servers that shall be together, or apart.

use serde_json::Value;

/// A server group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its project.
    pub project_id: String,
    /// Who made it.
    pub user_id: String,
    /// Its name.
    pub name: String,
    /// Its policy.
    pub policy: Policy,
    /// `max_server_per_host`, where there is one.
    pub rules: Value,
    /// Its servers that are not deleted.
    pub members: Vec<String>,
}

/// What a group is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// All on one host.
    Affinity,
    /// Each on a host of its own.
    AntiAffinity,
    /// On one host if that can be.
    SoftAffinity,
    /// Apart if that can be.
    SoftAntiAffinity,
}

const WORDS: [(Policy, &str); 4] = [
    (Policy::Affinity, "affinity"),
    (Policy::AntiAffinity, "anti-affinity"),
    (Policy::SoftAffinity, "soft-affinity"),
    (Policy::SoftAntiAffinity, "soft-anti-affinity"),
];

impl Policy {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(policy, _)| *policy == self).map_or("", |(_, word)| word)
    }

    /// The policy of that word.
    pub fn of(word: &str) -> Option<Self> {
        WORDS.iter().find(|(_, own)| *own == word).map(|(policy, _)| *policy)
    }
}

impl Group {
    /// How many servers of an anti-affinity group may be on one host.
    pub fn most_per_host(&self) -> u64 {
        let value = self.rules.get("max_server_per_host");
        value.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok())).unwrap_or(1)
    }
}
