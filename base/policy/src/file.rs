//! An operator's policy file: YAML (or the JSON of old), the names of rules with their checks.
//!
//! Anything that is not understood is refused with its line: a rule that is silently dropped lets somebody in, or keeps
//! everybody out.

use crate::check::Check;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use std::borrow::Cow;
use std::collections::HashMap;

/// Why a policy file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct BadFile {
    /// The line, counted from 1.
    pub line: usize,
    /// The reason: a sentence without its dot.
    pub why: String,
}

impl BadFile {
    pub(crate) fn new(line: usize, why: impl Into<String>) -> Self {
        Self { line, why: why.into() }
    }
}

/// A rule as a file says it.
#[derive(Debug)]
pub(crate) struct Line {
    pub name: String,
    pub check: Check,
    pub number: usize,
}

/// Reads a file.
pub(crate) fn read(file: &[u8]) -> Result<Vec<Line>, BadFile> {
    let text = text(file)?;
    let mut reader = Reader { events: Parser::new_from_str(text), anchors: HashMap::new(), line: 1 };
    let mut lines: Vec<Line> = Vec::new();
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            // A file of comments alone.
            Event::StreamEnd => return Ok(lines),
            Event::Scalar(text, ScalarStyle::Plain, _, None) if matches!(&*text, "" | "~" | "null") => {}
            Event::DocumentEnd => {}
            Event::MappingStart(..) => break,
            _ => return Err(reader.bad("a policy file is a mapping: the name of a rule, a colon, its check")),
        }
    }
    while let Some(name) = reader.name()? {
        let number = reader.line;
        if let Some(other) = lines.iter().find(|line| line.name == name) {
            return Err(reader.bad(format!("rule {name:?} is there already, at line {}", other.number)));
        }
        let check = reader.check(&name)?;
        lines.push(Line { name, check, number });
    }
    match (reader.next()?, reader.next()?) {
        (Event::DocumentEnd, Event::StreamEnd) => Ok(lines),
        _ => Err(reader.bad("a policy file is one document")),
    }
}

/// A file as text. Editors of Windows begin theirs with a mark of the byte order.
fn text(file: &[u8]) -> Result<&str, BadFile> {
    let text = std::str::from_utf8(file).map_err(|error| {
        let good = &file[..error.valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        BadFile::new(line, "this is no text in UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    /// The texts that other checks may refer to.
    anchors: HashMap<usize, Cow<'a, str>>,
    line: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, BadFile> {
        match self.events.next() {
            Some(Ok((event, span))) => {
                self.line = span.start.line().max(1);
                Ok(event)
            }
            Some(Err(error)) => {
                Err(BadFile::new(error.marker().line(), format!("this is no YAML: {}", error.info())))
            }
            None => Ok(Event::StreamEnd),
        }
    }

    fn bad(&self, why: impl Into<String>) -> BadFile {
        BadFile::new(self.line, why)
    }

    /// The name of the next rule; none at the end.
    fn name(&mut self) -> Result<Option<String>, BadFile> {
        match self.next()? {
            Event::MappingEnd => Ok(None),
            Event::Scalar(name, ..) if !name.is_empty() => Ok(Some(name.into_owned())),
            _ => Err(self.bad("the name of a rule is a text")),
        }
    }

    fn check(&mut self, name: &str) -> Result<Check, BadFile> {
        let number = self.line;
        let read = match self.next()? {
            Event::Scalar(text, ScalarStyle::Plain, ..) if matches!(&*text, "" | "~" | "null") => {
                let why = "has no check: write \"\" for everybody, \"!\" for nobody";
                return Err(BadFile::new(number, format!("rule {name:?} {why}")));
            }
            Event::Scalar(text, _, anchor, _) => {
                let check = Check::parse(&text);
                self.anchors.insert(anchor, text);
                check
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(text) => Check::parse(text),
                None => return Err(self.bad(format!("rule {name:?} repeats something that is no text"))),
            },
            Event::SequenceStart(..) => Check::of_lists(&self.lists(name)?),
            _ => return Err(self.bad(format!("the check of rule {name:?} is neither a text nor a list"))),
        };
        read.map_err(|why| BadFile::new(number, format!("rule {name:?}: {why}")))
    }

    /// The older form of a check: a list of lists, or of texts that stand for lists of one.
    fn lists(&mut self, name: &str) -> Result<Vec<Vec<String>>, BadFile> {
        let mut lists = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(lists),
                Event::Scalar(word, ..) => lists.push(vec![word.into_owned()]),
                Event::SequenceStart(..) => {
                    let mut list = Vec::new();
                    loop {
                        match self.next()? {
                            Event::SequenceEnd => break,
                            Event::Scalar(word, ..) => list.push(word.into_owned()),
                            _ => return Err(self.deep(name)),
                        }
                    }
                    lists.push(list);
                }
                _ => return Err(self.deep(name)),
            }
        }
    }

    fn deep(&self, name: &str) -> BadFile {
        self.bad(format!("the lists of rule {name:?} hold something that is no check"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_operators_write_are_read() {
        let text = "# \"compute:old\": \"!\"\n\n\"a:b\": \"role:x or\n  role:y\"\nc: >\n  role:x\n  and role:y\n\
                    'd': [[\"role:x\", \"role:y\"], [\"role:z\"], []]\ne: []\nf: \"\"\ng: &all '@'\nh: *all\n";
        let lines: Vec<_> = read(text.as_bytes()).unwrap();
        let told: Vec<_> =
            lines.iter().map(|line| (&*line.name, line.check.to_string(), line.number)).collect();
        assert_eq!(
            told,
            [
                ("a:b", "(role:x or role:y)".to_owned(), 3),
                ("c", "(role:x and role:y)".to_owned(), 5),
                ("d", "((role:x and role:y) or role:z)".to_owned(), 8),
                ("e", "@".to_owned(), 9),
                ("f", "@".to_owned(), 10),
                ("g", "@".to_owned(), 11),
                ("h", "@".to_owned(), 12),
            ]
        );
        assert_eq!(read(br#"{"a": "@", "b": [["!"]]}"#).unwrap().len(), 2);
        for empty in ["", "# nothing\n", "---\n", "{}", "\u{feff}# nothing\n"] {
            assert!(read(empty.as_bytes()).unwrap().is_empty(), "{empty:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_at_its_line() {
        for (text, line, why) in [
            ("a: '@'\nb: role:x or\n", 2, "a check is missing"),
            ("a: '@'\n\na: '!'\n", 3, "there already, at line 1"),
            ("a: '@'\nb:\n", 2, "has no check"),
            ("a: '@'\nb: ' '\n", 2, "it is blank"),
            ("a: '@'\nb: {c: d}\n", 2, "neither a text nor a list"),
            ("a: '@'\nb: [[[c]]]\n", 2, "something that is no check"),
            ("- a\n", 1, "is a mapping"),
            ("a: '@'\nb: 'x\n", 3, "this is no YAML"),
            ("a: '@'\nb: 'http://server/%(x)s'\n", 2, "ask another server"),
            ("a: &x [['@']]\nb: *x\n", 2, "repeats something that is no text"),
            ("a: '@'\n---\nb: '@'\n", 2, "one document"),
        ] {
            let bad = read(text.as_bytes()).unwrap_err();
            assert!(bad.line.abs_diff(line) <= usize::from(why == "this is no YAML"), "{text:?}: {bad}");
            assert!(bad.why.contains(why), "{text:?}: {bad}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_at_their_line() {
        let bad = read(b"a: '@'\n# K\xf6ln\n").unwrap_err();
        assert_eq!(bad.to_string(), "line 2: this is no text in UTF-8");
    }
}
