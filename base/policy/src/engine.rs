//! All rules of a cloud, looked up by name.

use crate::check::{BadCheck, Check};
use crate::who::{Target, Who};
use std::collections::HashMap;

/// An operation's rule as its service declares it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name as in OpenStack's policy files (`os_compute_api:servers:show`).
    pub name: &'static str,
    /// Who may, unless the operator says otherwise.
    pub default: &'static str,
    /// One sentence for the policy sample.
    pub about: &'static str,
}

/// All rules of a cloud.
#[derive(Debug, Default)]
pub struct Policy(HashMap<String, Check>);

/// How deep rules may refer to each other before the answer is no.
const DEEPEST: u32 = 16;

impl Policy {
    /// Reads the services' rules. A rule that cannot be read or that names an unknown rule is a mistake of ours and
    /// stops the start.
    pub fn of(tables: &[&[Rule]]) -> Result<Self, BadCheck> {
        let mut checks = HashMap::new();
        for rule in tables.iter().flat_map(|table| table.iter()) {
            checks.insert(rule.name.to_owned(), Check::parse(rule.default)?);
        }
        Ok(Self(checks))
    }

    /// Whether there is a rule of that name.
    pub fn knows(&self, rule: &str) -> bool {
        self.0.contains_key(rule)
    }

    /// Whether `who` may do what `rule` names to `target`. An unknown rule allows nothing.
    pub fn allows(&self, rule: &str, who: &Who, target: &Target) -> bool {
        self.holds(rule, who, target, DEEPEST)
    }

    fn holds(&self, rule: &str, who: &Who, target: &Target, depth: u32) -> bool {
        let Some(check) = self.0.get(rule) else { return false };
        depth > 0 && check.holds(who, target, &|other| self.holds(other, who, target, depth - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &[Rule] = &[
        Rule { name: "owner", default: "project_id:%(project_id)s", about: "" },
        Rule { name: "thing:show", default: "role:admin or (role:reader and rule:owner)", about: "" },
        Rule { name: "loop", default: "rule:loop", about: "" },
    ];

    #[test]
    fn rules_refer_to_rules_and_never_for_ever() {
        let policy = Policy::of(&[RULES]).unwrap();
        let who = Who { project_id: Some("p".into()), roles: vec!["reader".into()], ..Who::default() };
        assert!(policy.allows("thing:show", &who, &Target::project("p")));
        assert!(!policy.allows("thing:show", &who, &Target::project("q")));
        assert!(!policy.allows("loop", &who, &Target::none()));
        assert!(!policy.allows("unknown", &Who::cloud(), &Target::none()));
    }
}
