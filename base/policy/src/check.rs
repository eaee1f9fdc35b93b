//! The language of checks: parsed once, evaluated on each request.
//!
//! Grammar as oslo.policy documents it: `or` binds weaker than `and`, `not` binds strongest; an empty check and `@`
//! always hold, `!` never does; `kind:match` is a role, a rule or a comparison of an attribute of the caller with a
//! literal or with `%(key)s` of the target. A literal on the left (`'x':%(key)s`, `None:%(key)s`, `True:%(key)s`) is
//! compared with the target.

use crate::who::{Target, Who};

/// A parsed check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Holds always.
    Always,
    /// Holds never.
    Never,
    /// The caller has the role.
    Role(String),
    /// Another rule holds.
    Rule(String),
    /// What stands left equals what stands right.
    Equal(Side, Side),
    /// All hold.
    All(Vec<Check>),
    /// One holds.
    Any(Vec<Check>),
    /// It does not hold.
    Not(Box<Check>),
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// The text itself.
    Literal(String),
    /// An attribute of the caller.
    Caller(String),
    /// A value of the target.
    Target(String),
}

/// Why a check cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the check {text:?} cannot be read at {at:?}: {why}")]
pub struct BadCheck {
    text: String,
    at: String,
    why: &'static str,
}

impl Check {
    /// Reads a check.
    pub fn parse(text: &str) -> Result<Self, BadCheck> {
        if text.trim().is_empty() {
            return Ok(Self::Always);
        }
        let tokens = tokens(text);
        let mut parser = Parser { text, tokens: &tokens, next: 0 };
        let check = parser.any()?;
        match parser.peek() {
            None => Ok(check),
            Some(_) => Err(parser.bad("something is left over")),
        }
    }

    /// Whether it holds. `rule` looks up another rule; nesting is bounded by the caller.
    pub fn holds(&self, who: &Who, target: &Target, rule: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Role(role) => who.has_role(role),
            Self::Rule(name) => rule(name),
            // Python writes an absent attribute as `None`, and rules ask for it by that word.
            Self::Equal(Side::Caller(key), Side::Literal(none)) if none == "None" => {
                who.attribute(key).is_none()
            }
            Self::Equal(left, right) => {
                left.value(who, target).is_some_and(|left| right.value(who, target) == Some(left))
            }
            Self::All(checks) => checks.iter().all(|check| check.holds(who, target, rule)),
            Self::Any(checks) => checks.iter().any(|check| check.holds(who, target, rule)),
            Self::Not(check) => !check.holds(who, target, rule),
        }
    }

    fn leaf(word: &str) -> Option<Self> {
        match word {
            "@" => return Some(Self::Always),
            "!" => return Some(Self::Never),
            _ => {}
        }
        let (kind, value) = word.split_once(':')?;
        Some(match kind {
            "role" => Self::Role(value.to_owned()),
            "rule" => Self::Rule(value.to_owned()),
            _ => Self::Equal(Side::left(kind), Side::right(value)),
        })
    }
}

impl Side {
    fn left(word: &str) -> Self {
        let quoted = word.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        match (quoted, word) {
            (Some(text), _) => Self::Literal(text.to_owned()),
            (None, "None" | "True" | "False") => Self::Literal(word.to_owned()),
            (None, _) => Self::Caller(word.to_owned()),
        }
    }

    fn right(word: &str) -> Self {
        match word.strip_prefix("%(").and_then(|rest| rest.strip_suffix(")s")) {
            Some(key) => Self::Target(key.to_owned()),
            None => Self::Literal(word.trim_matches('\'').to_owned()),
        }
    }

    fn value<'a>(&'a self, who: &'a Who, target: &'a Target) -> Option<&'a str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Caller(key) => who.attribute(key),
            Self::Target(key) => target.value(key),
        }
    }
}

/// Words and parentheses. A parenthesis inside `%(key)s` belongs to the word.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for mut word in text.split_whitespace() {
        while let Some(rest) = word.strip_prefix('(') {
            tokens.push("(");
            word = rest;
        }
        let mut closing = 0;
        while word.ends_with(')') && word.matches(')').count() > word.matches('(').count() {
            word = &word[..word.len() - 1];
            closing += 1;
        }
        if !word.is_empty() {
            tokens.push(word);
        }
        tokens.extend(std::iter::repeat_n(")", closing));
    }
    tokens
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [&'a str],
    next: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.next).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn bad(&self, why: &'static str) -> BadCheck {
        BadCheck { text: self.text.to_owned(), at: self.peek().unwrap_or("its end").to_owned(), why }
    }

    fn any(&mut self) -> Result<Check, BadCheck> {
        let mut checks = vec![self.all()?];
        while self.take("or") {
            checks.push(self.all()?);
        }
        Ok(if checks.len() == 1 { checks.remove(0) } else { Check::Any(checks) })
    }

    fn all(&mut self) -> Result<Check, BadCheck> {
        let mut checks = vec![self.one()?];
        while self.take("and") {
            checks.push(self.one()?);
        }
        Ok(if checks.len() == 1 { checks.remove(0) } else { Check::All(checks) })
    }

    fn one(&mut self) -> Result<Check, BadCheck> {
        if self.take("not") {
            return Ok(Check::Not(Box::new(self.one()?)));
        }
        if self.take("(") {
            let inner = self.any()?;
            return if self.take(")") { Ok(inner) } else { Err(self.bad("a parenthesis is not closed")) };
        }
        let word = self.peek().ok_or_else(|| self.bad("a check is missing"))?;
        let leaf = Check::leaf(word).ok_or_else(|| self.bad("this is no check"))?;
        self.next += 1;
        Ok(leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, who: &Who, target: &Target) -> bool {
        Check::parse(text).unwrap().holds(who, target, &|_| false)
    }

    fn member() -> Who {
        Who {
            project_id: Some("p1".into()),
            user_id: "u1".into(),
            roles: vec!["member".into()],
            ..Who::default()
        }
    }

    #[test]
    fn and_binds_stronger_than_or() {
        assert!(holds("role:member or role:x and role:y", &member(), &Target::none()));
        assert!(!holds("(role:member or role:x) and role:y", &member(), &Target::none()));
        assert!(holds("not role:y and (role:member)", &member(), &Target::none()));
    }

    #[test]
    fn the_target_is_compared_with_the_caller() {
        assert!(holds("project_id:%(project_id)s", &member(), &Target::project("p1")));
        assert!(!holds("project_id:%(project_id)s", &member(), &Target::project("p2")));
        assert!(!holds("project_id:%(absent)s", &member(), &Target::project("p1")));
        assert!(holds("(role:member and project_id:%(project_id)s)", &member(), &Target::project("p1")));
        assert!(holds("'shared':%(visibility)s", &member(), &Target::none().with("visibility", "shared")));
    }

    #[test]
    fn a_missing_attribute_equals_nothing() {
        let nobody = Who::default();
        assert!(!holds("domain_id:%(domain_id)s", &nobody, &Target::none()));
        assert!(!holds("system_scope:all", &member(), &Target::none()));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        for text in ["role:a or", "(role:a", "nonsense", "role:a role:b", "and"] {
            assert!(Check::parse(text).is_err(), "{text}");
        }
    }
}
