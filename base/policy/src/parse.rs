//! Reads checks: the language of oslo.policy, and the older form of lists.
//!
//! `or` binds weaker than `and`, `not` binds strongest; an empty check and `@` always hold, `!` never does. What
//! oslo.policy would read as "never", with or without a line in the log, is refused here: an operator learns of it at once.
//! What is read takes time in proportion to its length, and its depth is bounded.

use crate::check::{Check, Field, Left, Piece, Reference, Text};
use crate::who::Fact;

/// Why a check cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the check cannot be read at {at:?}: {why}")]
pub struct BadCheck {
    at: String,
    why: &'static str,
}

/// How long the text of a check may be, and how deep it may be nested.
const LONGEST: usize = 1 << 16;
const DEEPEST: u32 = 32;
/// How much of a text is shown where it is refused.
const SHOWN: usize = 60;

impl BadCheck {
    pub(crate) fn new(at: &str, why: &'static str) -> Self {
        Self { at: at.chars().take(SHOWN).collect(), why }
    }
}

impl Check {
    /// Reads a check.
    pub fn parse(text: &str) -> Result<Self, BadCheck> {
        if text.len() > LONGEST {
            return Err(BadCheck::new(text, "it is longer than a check may be"));
        }
        if text.is_empty() {
            return Ok(Self::Always);
        }
        let tokens = tokens(text);
        if tokens.is_empty() {
            return Err(BadCheck::new(text, "it is blank: write \"\" for everybody, \"!\" for nobody"));
        }
        let mut parser = Parser { tokens: &tokens, next: 0, depth: 0 };
        let check = parser.any()?;
        match parser.peek() {
            None => Ok(check),
            Some(_) => {
                Err(parser.bad("something is left over: are an `and`, an `or` or a parenthesis missing?"))
            }
        }
    }

    /// The older form: one of the lists must hold, and of a list everything.
    pub(crate) fn of_lists(lists: &[Vec<String>]) -> Result<Self, BadCheck> {
        if lists.is_empty() {
            return Ok(Self::Always);
        }
        let all = |list: &Vec<String>| list.iter().map(|word| leaf(word)).collect::<Result<Vec<_>, _>>();
        let any: Vec<_> = lists
            .iter()
            .filter(|list| !list.is_empty())
            .map(|list| all(list).map(and))
            .collect::<Result<_, _>>()?;
        Ok(or(any))
    }
}

fn and(checks: Vec<Check>) -> Check {
    match <[Check; 1]>::try_from(checks) {
        Ok([only]) => only,
        Err(checks) => Check::All(checks.into()),
    }
}

/// None of no checks holds.
fn or(checks: Vec<Check>) -> Check {
    match <[Check; 1]>::try_from(checks) {
        Ok([only]) => only,
        Err(checks) if checks.is_empty() => Check::Never,
        Err(checks) => Check::Any(checks.into()),
    }
}

/// Words and parentheses. One inside of a word, as in `%(key)s`, belongs to the word.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for word in text.split_whitespace() {
        let opened = word.trim_start_matches('(');
        tokens.extend(std::iter::repeat_n("(", word.len() - opened.len()));
        let closed = opened.trim_end_matches(')');
        if !closed.is_empty() {
            tokens.push(closed);
        }
        tokens.extend(std::iter::repeat_n(")", opened.len() - closed.len()));
    }
    tokens
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    next: usize,
    depth: u32,
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
        BadCheck::new(self.peek().unwrap_or("its end"), why)
    }

    fn any(&mut self) -> Result<Check, BadCheck> {
        let mut checks = vec![self.all()?];
        while self.take("or") {
            checks.push(self.all()?);
        }
        Ok(or(checks))
    }

    fn all(&mut self) -> Result<Check, BadCheck> {
        let mut checks = vec![self.one()?];
        while self.take("and") {
            checks.push(self.one()?);
        }
        Ok(and(checks))
    }

    fn one(&mut self) -> Result<Check, BadCheck> {
        if self.depth == DEEPEST {
            return Err(self.bad("it is nested deeper than a check may be"));
        }
        self.depth += 1;
        let check = self.nested();
        self.depth -= 1;
        check
    }

    fn nested(&mut self) -> Result<Check, BadCheck> {
        if self.take("not") {
            return Ok(Check::Not(Box::new(self.one()?)));
        }
        if self.take("(") {
            let inner = self.any()?;
            return if self.take(")") { Ok(inner) } else { Err(self.bad("a parenthesis is not closed")) };
        }
        let missing = |word: &&str| !matches!(word.to_ascii_lowercase().as_str(), "and" | "or" | ")");
        let word = self.peek().filter(missing).ok_or_else(|| self.bad("a check is missing"))?;
        let leaf = leaf(word)?;
        self.next += 1;
        Ok(leaf)
    }
}

/// A single check.
fn leaf(word: &str) -> Result<Check, BadCheck> {
    match word {
        "@" => return Ok(Check::Always),
        "!" => return Ok(Check::Never),
        _ => {}
    }
    let bad = |why| Err(BadCheck::new(word, why));
    if word.len() > 1 && ["'", "\""].into_iter().any(|quote| word.starts_with(quote) && word.ends_with(quote))
    {
        return bad("a quoted text is no check");
    }
    let Some((kind, value)) = word.split_once(':') else {
        return bad("a check is `kind:value`, `@` or `!`");
    };
    match kind {
        "role" => Ok(Check::Role(Text::parse(value)?)),
        "rule" => Ok(Check::Rule(Reference { name: value.into(), at: usize::MAX })),
        "field" => Field::parse(value).map(Check::Field).ok_or_else(|| {
            BadCheck::new(
                word,
                "a field is `field:resource:field=value`, or `=~^text` for what it begins with",
            )
        }),
        "http" | "https" => {
            bad("rules that ask another server (http:, https:) are not taken: say it in roles and scopes")
        }
        _ => match Left::parse(kind) {
            Some(left) => Ok(Check::Equal(left, Text::parse(value)?)),
            None => bad("what stands before the colon is neither an attribute nor a literal"),
        },
    }
}

impl Left {
    fn parse(word: &str) -> Option<Self> {
        for quote in ['\'', '"'] {
            if let Some(rest) = word.strip_prefix(quote) {
                return rest.strip_suffix(quote).map(|text| Self::Literal(text.into()));
            }
        }
        let number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        match word {
            "None" | "True" | "False" => Some(Self::Literal(word.into())),
            _ if number => word.parse::<f64>().ok().map(|_| Self::Literal(word.into())),
            _ if !word.is_empty() && word.chars().all(plain) => {
                Some(Self::Caller(Fact::of(word), word.into()))
            }
            _ => None,
        }
    }
}

impl Text {
    fn parse(word: &str) -> Result<Self, BadCheck> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = word;
        while let Some((before, after)) = rest.split_once('%') {
            plain.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                plain.push('%');
                rest = after;
                continue;
            }
            let key = after.strip_prefix('(').and_then(|after| after.split_once(')'));
            let key = key.and_then(|(key, after)| Some((key, after.strip_prefix('s')?)));
            let (key, after) =
                key.ok_or_else(|| BadCheck::new(word, "a value of the target is written `%(name)s`"))?;
            if !plain.is_empty() {
                pieces.push(Piece::Plain(std::mem::take(&mut plain).into()));
            }
            pieces.push(Piece::Target(key.into()));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Plain(plain.into()));
        }
        Ok(Self(pieces.into()))
    }
}

impl Field {
    fn parse(value: &str) -> Option<Self> {
        let (key, value) = value.split_once('=')?;
        let (resource, field) = key.split_once(':')?;
        if resource.is_empty() || field.is_empty() {
            return None;
        }
        let begins = value.starts_with('~');
        let value = if begins { value.strip_prefix("~^")? } else { value };
        if begins && value.contains(|c| r"\^$.|?*+()[]{}".contains(c)) {
            return None;
        }
        Some(Self { key: key.into(), value: value.into(), begins })
    }
}
