//! A check: who may do something, as a tree that is made once and asked on each request, almost always without allocating.
//!
//! `role:` compares with the roles of the caller, `rule:` asks another rule, `field:` looks at the target, and everything
//! else compares an attribute of the caller, or a literal, with a text in which `%(key)s` stands for a value of the target.

use crate::who::{Fact, Target, Who};
use std::fmt;

/// A check, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Holds always.
    Always,
    /// Holds never.
    Never,
    /// The caller has the role.
    Role(Text),
    /// Another rule holds.
    Rule(Reference),
    /// What stands left equals what stands right.
    Equal(Left, Text),
    /// A field of the target is as it says.
    Field(Field),
    /// All hold.
    All(Box<[Check]>),
    /// One holds.
    Any(Box<[Check]>),
    /// It does not hold.
    Not(Box<Check>),
}

/// Another rule, by its name; where it is found is known once all rules of the service are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name.
    pub name: Box<str>,
    pub(crate) at: usize,
}

/// The left side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// The text itself.
    Literal(Box<str>),
    /// An attribute of the caller, and the word for it.
    Caller(Fact, Box<str>),
}

/// A text in which values of the target may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub(crate) Box<[Piece]>);

/// A piece of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Plain(Box<str>),
    Target(Box<str>),
}

/// What Neutron asks of a field of the target: `field:networks:shared=True`, `field:port:device_owner=~^network:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The resource and the field: `networks:shared`.
    pub key: Box<str>,
    pub(crate) value: Box<str>,
    /// The field begins with the value, instead of being it.
    pub(crate) begins: bool,
}

/// A rule among those of its service: what [`Check::Rule`] finds.
pub(crate) trait Rules {
    fn check(&self, at: usize) -> Option<&Check>;
    /// The name of the one that says who is an administrator.
    fn admin(&self) -> Option<&str>;
    /// Whether a text stands in a rule that the service declares.
    fn is_in_defaults(&self, text: &str) -> bool;
}

impl Check {
    /// Whether it holds. That rules do not ask each other for ever is seen to where they are joined.
    pub(crate) fn holds(&self, who: &Who, target: &Target, rules: &dyn Rules) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Role(role) => match role.plain() {
                Some(role) => who.has_role(role),
                None => role.filled(target).is_some_and(|role| who.has_role(&role)),
            },
            Self::Rule(rule) => rules.check(rule.at).is_some_and(|check| check.holds(who, target, rules)),
            Self::Equal(left, right) => left.equals(right, who, target),
            Self::Field(field) => field.holds(target),
            Self::All(checks) => checks.iter().all(|check| check.holds(who, target, rules)),
            Self::Any(checks) => checks.iter().any(|check| check.holds(who, target, rules)),
            Self::Not(check) => !check.holds(who, target, rules),
        }
    }

    /// The rule for which it is another name: `rule:` and nothing else.
    pub(crate) fn asks_only(&self) -> Option<&str> {
        match self {
            Self::Rule(rule) => Some(&rule.name),
            _ => None,
        }
    }

    /// Shows every part of it, itself first, each with whether it is denied: that it must not hold.
    pub(crate) fn visit(&self, denied: bool, see: &mut dyn FnMut(&Self, bool)) {
        see(self, denied);
        match self {
            Self::All(checks) | Self::Any(checks) => {
                checks.iter().for_each(|check| check.visit(denied, see));
            }
            Self::Not(check) => check.visit(!denied, see),
            Self::Always | Self::Never | Self::Role(_) | Self::Rule(_) | Self::Equal(..) | Self::Field(_) => {
            }
        }
    }

    /// The texts with which it compares the target.
    pub(crate) fn literals(&self) -> Vec<Box<str>> {
        let mut all = Vec::new();
        self.visit(false, &mut |check, _| match check {
            Self::Equal(Left::Literal(text), _) => all.push(text.clone()),
            Self::Field(field) => all.push(field.value.clone()),
            _ => {}
        });
        all
    }

    /// As Nova reads `is_admin:`, of which any word but `true` says that the caller is no administrator. Whether a word was
    /// read that says nothing of the sort.
    pub(crate) fn read_as_nova(&mut self) -> bool {
        match self {
            Self::Equal(Left::Caller(Fact::Admin, _), right) => {
                let word = right.plain().unwrap_or_default().to_ascii_lowercase();
                let read = if word == "true" { "True" } else { "False" };
                *right = Text([Piece::Plain(read.into())].into());
                !matches!(&*word, "true" | "false")
            }
            Self::All(checks) | Self::Any(checks) => {
                let mut odd = false;
                checks.iter_mut().for_each(|check| odd |= check.read_as_nova());
                odd
            }
            Self::Not(check) => check.read_as_nova(),
            _ => false,
        }
    }

    /// Says of each rule that it asks where it is found. The error is the name of one that is not.
    pub(crate) fn bind(&mut self, find: &dyn Fn(&str) -> Option<usize>) -> Result<(), Box<str>> {
        match self {
            Self::Rule(rule) => {
                rule.at = find(&rule.name).ok_or_else(|| rule.name.clone())?;
                Ok(())
            }
            Self::All(checks) | Self::Any(checks) => checks.iter_mut().try_for_each(|check| check.bind(find)),
            Self::Not(check) => check.bind(find),
            Self::Always | Self::Never | Self::Role(_) | Self::Equal(..) | Self::Field(_) => Ok(()),
        }
    }
}

impl Left {
    /// An attribute that the caller carries as `None`, as Python writes it, equals that word alone: two things that are both
    /// absent are not the same. One that he carries not at all equals nothing.
    fn equals(&self, right: &Text, who: &Who, target: &Target) -> bool {
        match self {
            Self::Literal(text) => right.is(text, target),
            Self::Caller(fact, word) => who
                .has(*fact, |value| right.is(value, target))
                .unwrap_or_else(|| right.plain() == Some("None") && Fact::is_none(word)),
        }
    }
}

impl Text {
    /// The text, if nothing of the target stands in it.
    pub(crate) fn plain(&self) -> Option<&str> {
        match &*self.0 {
            [] => Some(""),
            [Piece::Plain(text)] => Some(text),
            _ => None,
        }
    }

    /// The key, if it is a value of the target and nothing else.
    pub(crate) fn key(&self) -> Option<&str> {
        match &*self.0 {
            [Piece::Target(key)] => Some(key),
            _ => None,
        }
    }

    /// The names of the target's values in it.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Target(key) => Some(&**key),
            Piece::Plain(_) => None,
        })
    }

    /// The text with what the target has; none if it has not all.
    fn filled(&self, target: &Target) -> Option<String> {
        self.0.iter().map(|piece| piece.text(target)).collect()
    }

    /// Whether it is this value. A value that the target has not makes it equal nothing.
    fn is(&self, value: &str, target: &Target) -> bool {
        let mut rest = value;
        for piece in &self.0 {
            match piece.text(target).and_then(|text| rest.strip_prefix(text)) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    }
}

impl Piece {
    fn text<'a>(&'a self, target: &'a Target) -> Option<&'a str> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Target(key) => target.value(key),
        }
    }
}

impl Field {
    fn holds(&self, target: &Target) -> bool {
        target.field(&self.key).is_some_and(|value| {
            if self.begins { value.starts_with(&*self.value) } else { is_field(value, &self.value) }
        })
    }
}

/// Whether a field has the value that a rule says. Neutron reads a flag in all the words that it takes for one.
fn is_field(value: &str, said: &str) -> bool {
    let among = |words: &[&str]| words.iter().any(|word| said.eq_ignore_ascii_case(word));
    value == said
        || match value {
            "True" => among(&["true", "t", "yes", "y", "on", "1"]),
            "False" => among(&["false", "f", "no", "n", "off", "0"]),
            _ => false,
        }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, checks: &[Self], word: &str| {
            f.write_str("(")?;
            for (at, check) in checks.iter().enumerate() {
                let word = if at == 0 { "" } else { word };
                write!(f, "{word}{check}")?;
            }
            f.write_str(")")
        };
        match self {
            Self::Always => f.write_str("@"),
            Self::Never => f.write_str("!"),
            Self::Role(role) => write!(f, "role:{role}"),
            Self::Rule(rule) => write!(f, "rule:{}", rule.name),
            Self::Equal(left, right) => write!(f, "{left}:{right}"),
            Self::Field(field) => {
                write!(f, "field:{}={}{}", field.key, if field.begins { "~^" } else { "" }, field.value)
            }
            Self::All(checks) => joined(f, checks, " and "),
            Self::Any(checks) => joined(f, checks, " or "),
            Self::Not(check) => write!(f, "not {check}"),
        }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) if matches!(&**text, "None" | "True" | "False") => f.write_str(text),
            Self::Literal(text) => write!(f, "'{text}'"),
            Self::Caller(_, word) => f.write_str(word),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Plain(text) => f.write_str(&text.replace('%', "%%")),
            Piece::Target(key) => write!(f, "%({key})s"),
        })
    }
}
