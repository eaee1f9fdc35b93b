//! Why a caller may not, and what would have let him.
//!
//! An explanation is made of the rule and of what the caller knows of himself. No target is looked at: what is asked of one
//! is said as the rule says it, whether it was met or not, so that nobody learns here what he may not see.

use crate::check::{Check, Field, Left, Rules, Text};
use crate::rule::Scopes;
use crate::who::{Fact, Who};
use std::fmt;

/// What a rule asks of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The rule.
    pub rule: String,
    /// The scopes that it takes.
    pub scopes: Scopes,
    /// Whether the caller's is one of them.
    pub scope_taken: bool,
    /// Each would do; the one that lacks least comes first.
    pub ways: Vec<Way>,
    /// More ways than these were too many to tell.
    pub more: bool,
    /// The caller's roles.
    pub roles: Vec<String>,
    /// The scope of the caller's token.
    pub scope: &'static str,
}

/// One way to be let: all of it is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way(pub Vec<Need>);

/// Something that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What it is.
    pub what: What,
    /// It must not be so.
    pub not: bool,
    /// Whether the caller has it; not told of what is asked of a target.
    pub met: Option<bool>,
}

/// Something that a rule asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A role.
    Role(String),
    /// A token for the system.
    System,
    /// An attribute of the caller, with a value that stays the operator's.
    Own(String),
    /// Something of the target.
    Target(String),
}

/// So many ways are looked at, and so many told.
const CONSIDERED: usize = 24;
const TOLD: usize = 6;

impl Explanation {
    pub(crate) fn of(rule: &str, check: &Check, scopes: Scopes, who: &Who, rules: &dyn Rules) -> Self {
        let mut found = Ways { who, rules, more: false };
        let ways = found.of(check, true);
        let mut ways = found.fewest(ways);
        let more = found.more || ways.len() > TOLD;
        ways.truncate(TOLD);
        Self {
            rule: rule.to_owned(),
            scopes,
            scope_taken: who.cloud || scopes.take(who.scope()),
            ways,
            more,
            roles: who.roles.clone(),
            scope: who.scope().word(),
        }
    }
}

impl Explanation {
    /// The same where the rule's check was asked alone, and not what the token is for.
    #[must_use]
    pub fn of_check(self) -> Self {
        Self { scope_taken: true, ..self }
    }
}

impl Way {
    /// How much of it the caller lacks for certain.
    fn lacks(&self) -> usize {
        self.0.iter().filter(|need| need.met == Some(false)).count()
    }

    fn is_part_of(&self, other: &Self) -> bool {
        self.0.iter().all(|need| other.0.contains(need))
    }
}

struct Ways<'a> {
    who: &'a Who,
    rules: &'a dyn Rules,
    more: bool,
}

impl Ways<'_> {
    /// The ways to a check that holds, or that does not.
    fn of(&mut self, check: &Check, wanted: bool) -> Vec<Way> {
        let always = || vec![Way::default()];
        match (check, wanted) {
            (Check::Always, true) | (Check::Never, false) => always(),
            (Check::Always, false) | (Check::Never, true) => Vec::new(),
            (Check::Not(check), _) => self.of(check, !wanted),
            (Check::All(checks), true) | (Check::Any(checks), false) => {
                checks.iter().fold(always(), |ways, check| {
                    let next = self.of(check, wanted);
                    self.both(&ways, &next)
                })
            }
            (Check::Any(checks), true) | (Check::All(checks), false) => {
                let ways = checks.iter().flat_map(|check| self.of(check, wanted)).collect();
                self.fewest(ways)
            }
            (Check::Rule(rule), _) => match self.rules.check(rule.at) {
                Some(check) => self.of(check, wanted),
                None => Vec::new(),
            },
            (Check::Role(role), _) => match role.plain() {
                Some(name) => self.need(What::Role(name.to_owned()), wanted, Some(self.who.has_role(name))),
                None => self.need(
                    What::Target(format!("role named by the target's {}", keys(role))),
                    wanted,
                    None,
                ),
            },
            (Check::Equal(left, right), _) => self.equal(left, right, wanted),
            (Check::Field(field), _) => self.need(What::Target(self.field(field)), wanted, None),
        }
    }

    fn equal(&self, left: &Left, right: &Text, wanted: bool) -> Vec<Way> {
        match (left, right.plain(), right.key()) {
            // What nobody has equals nothing.
            (Left::Caller(Fact::Unknown, _), _, _) if wanted => Vec::new(),
            (Left::Caller(Fact::Unknown, _), _, _) => vec![Way::default()],
            (Left::Caller(fact, word), Some(text), _) => {
                let met = self.who.has(*fact, |own| own == text);
                let met = met.unwrap_or_else(|| text == "None" && Fact::is_none(word));
                match (*fact, text) {
                    (Fact::Roles, role) => self.need(What::Role(role.to_owned()), wanted, Some(met)),
                    // Other values than these nobody has.
                    (Fact::Admin, "True" | "False") => self.administrator(wanted == (text == "True")),
                    (Fact::Admin, _) if wanted => Vec::new(),
                    (Fact::System, "all") => self.need(What::System, wanted, Some(met)),
                    // Not to be without something is to have it.
                    (_, "None") if Fact::is_none(word) => {
                        self.need(What::Own(format!("a {word}")), !wanted, Some(!met))
                    }
                    _ => self.need(What::Own(format!("the {word} that the rule names")), wanted, Some(met)),
                }
            }
            (Left::Caller(_, word), None, Some(key)) => {
                self.need(What::Target(format!("{word} equal to the target's {}", bare(key))), wanted, None)
            }
            (Left::Caller(_, word), None, None) => {
                let told = format!("{word} equal to what the rule makes of the target's {}", keys(right));
                self.need(What::Target(told), wanted, None)
            }
            (Left::Literal(text), None, Some(key)) => {
                let told = format!("the target's {} equal to {}", bare(key), self.literal(text));
                self.need(What::Target(told), wanted, None)
            }
            (Left::Literal(_), None, None) => self.need(
                What::Target(format!("the target's {} as the rule names it", keys(right))),
                wanted,
                None,
            ),
            // The same for everybody.
            (Left::Literal(text), Some(right), _) if (**text == *right) == wanted => vec![Way::default()],
            (Left::Literal(_), Some(_), _) => Vec::new(),
        }
    }

    fn field(&self, field: &Field) -> String {
        let how = if field.begins { "beginning with" } else { "equal to" };
        format!("the target's {} {how} {}", field.key, self.literal(&field.value))
    }

    /// A text that a rule names, if everybody knows it from the defaults. Any other may be an id, and stays the operator's.
    fn literal<'a>(&self, text: &'a str) -> &'a str {
        if self.rules.is_in_defaults(text) { text } else { "the value that the rule names" }
    }

    /// A service without the rule has no administrators.
    fn administrator(&self, wanted: bool) -> Vec<Way> {
        match self.rules.admin() {
            Some(rule) => self.need(
                What::Own(format!("administrator by the rule {rule}")),
                wanted,
                Some(self.who.admin),
            ),
            None if wanted => Vec::new(),
            None => vec![Way::default()],
        }
    }

    fn need(&self, what: What, wanted: bool, met: Option<bool>) -> Vec<Way> {
        vec![Way(vec![Need { what, not: !wanted, met: met.map(|met| met == wanted) }])]
    }

    /// Every way of the one with every way of the other.
    fn both(&mut self, one: &[Way], other: &[Way]) -> Vec<Way> {
        let joined = |(a, b): (&Way, &Way)| {
            let mut needs = a.0.clone();
            needs.extend(b.0.iter().filter(|need| !a.0.contains(need)).cloned());
            Way(needs)
        };
        let ways = one.iter().flat_map(|a| other.iter().map(move |b| joined((a, b)))).collect();
        self.fewest(ways)
    }

    /// Those that lack least, without those that ask for more than another one does.
    fn fewest(&mut self, mut ways: Vec<Way>) -> Vec<Way> {
        ways.sort_by_key(|way| (way.lacks(), way.0.len()));
        let mut kept: Vec<Way> = Vec::new();
        for way in ways {
            if kept.iter().any(|other| other.is_part_of(&way)) {
                continue;
            }
            if kept.len() == CONSIDERED {
                self.more = true;
                break;
            }
            kept.push(way);
        }
        kept
    }
}

/// Keystone writes `target.` before what it knows of one.
fn bare(key: &str) -> &str {
    key.strip_prefix("target.").unwrap_or(key)
}

/// The target's values in a text.
fn keys(text: &Text) -> String {
    text.keys().map(bare).collect::<Vec<_>>().join(" and ")
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.not { "not " } else { "" };
        match &self.what {
            What::Role(role) => write!(f, "{not}role {role}"),
            What::System => write!(f, "{not}system scope"),
            What::Own(text) | What::Target(text) => write!(f, "{not}{text}"),
        }?;
        if self.met == Some(true) { f.write_str(" (yours)") } else { Ok(()) }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("any token");
        }
        self.0.iter().enumerate().try_for_each(|(at, need)| {
            let and = if at == 0 { "" } else { " and " };
            write!(f, "{and}{need}")
        })
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is for ", self.rule)?;
        if self.ways.is_empty() {
            f.write_str("nobody")?;
        }
        for (at, way) in self.ways.iter().enumerate() {
            write!(f, "{}{way}", if at == 0 { "" } else { "; or " })?;
        }
        if self.more {
            f.write_str("; or more")?;
        }
        if !self.scope_taken {
            let scopes: Vec<_> = self.scopes.words().collect();
            write!(f, ". It takes tokens of scope {}", scopes.join(" or "))?;
        }
        let roles = if self.roles.is_empty() { "none".to_owned() } else { self.roles.join(" ") };
        write!(f, ". Your token: scope {}, roles {roles}", self.scope)
    }
}
