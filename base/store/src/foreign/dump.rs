//! What `mysqldump` and `mariadb-dump` write: CREATE TABLE with a column a line, INSERT with tuples of literals.
//!
//! Only these two statements are read, and everything else is skipped. A dump of PostgreSQL (`pg_dump`) is something
//! else: its database is read itself.

use super::Tables;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::iter::Peekable;
use std::str::CharIndices;

/// Reads the tables that are asked for. The error says what does not fit, and where.
pub(super) fn read(text: &str, wanted: &[&str]) -> Result<Tables, String> {
    let mut words = Words { text, letters: text.char_indices().peekable(), line: 1 };
    let (mut tables, mut columns) = (Tables::default(), HashMap::new());
    while let Some(word) = words.next()? {
        match word {
            Word::Plain("CREATE") => {
                if let Some((table, own)) = created(&mut words)? {
                    if wanted.contains(&table.as_str()) {
                        tables.0.entry(table.clone()).or_default();
                    }
                    columns.insert(table, own);
                }
            }
            Word::Plain("INSERT") => inserted(&mut words, &columns, wanted, &mut tables)?,
            Word::Sign(';') => {}
            _ => words.skip()?,
        }
    }
    match tables.0.is_empty() {
        true => Err("none of the tables is in this file, which is read as a dump of MariaDB".to_owned()),
        false => Ok(tables),
    }
}

/// `TABLE name (…)`: the name and the columns, which are the definitions that begin with a name.
fn created(words: &mut Words) -> Result<Option<(String, Vec<String>)>, String> {
    if words.next()? != Some(Word::Plain("TABLE")) {
        words.skip()?;
        return Ok(None);
    }
    let table = loop {
        match words.some()? {
            Word::Name(name) => break name,
            Word::Plain("IF" | "NOT" | "EXISTS") => {}
            _ => return Err(words.unfit("a table has no name")),
        }
    };
    let (mut columns, mut depth, mut begins) = (Vec::new(), 0_u32, false);
    loop {
        let word = words.some()?;
        let first = std::mem::replace(&mut begins, false) && depth == 1;
        match word {
            Word::Sign('(') => {
                depth += 1;
                begins = depth == 1;
            }
            Word::Sign(')') => depth = depth.saturating_sub(1),
            Word::Sign(',') => begins = depth == 1,
            Word::Sign(';') => return Ok(Some((table, columns))),
            Word::Name(name) if first => columns.push(name),
            _ => {}
        }
    }
}

/// `INTO name [(columns)] VALUES (…),(…);`
fn inserted(
    words: &mut Words,
    known: &HashMap<String, Vec<String>>,
    wanted: &[&str],
    tables: &mut Tables,
) -> Result<(), String> {
    let table = loop {
        match words.some()? {
            Word::Name(name) => break name,
            Word::Plain("INTO" | "IGNORE") => {}
            _ => return Err(words.unfit("an INSERT names no table")),
        }
    };
    if !wanted.contains(&table.as_str()) {
        return words.skip();
    }
    let mut columns = known.get(&table).cloned().unwrap_or_default();
    let mut word = words.some()?;
    if word == Word::Sign('(') {
        columns.clear();
        while let Some(name) = named(words)? {
            columns.push(name);
        }
        word = words.some()?;
    }
    if word != Word::Plain("VALUES") {
        return Err(words.unfit("an INSERT has no VALUES"));
    }
    loop {
        match words.some()? {
            Word::Sign('(') => {
                let values = tuple(words)?;
                if values.len() != columns.len() {
                    return Err(words.unfit("a row has not as many values as its table has columns"));
                }
                tables.add(&table, columns.iter().cloned().zip(values).collect::<Map<_, _>>());
            }
            Word::Sign(',') => {}
            Word::Sign(';') => return Ok(()),
            _ => return Err(words.unfit("a row begins with something else than a parenthesis")),
        }
    }
}

/// The next name in a list, or its end.
fn named(words: &mut Words) -> Result<Option<String>, String> {
    loop {
        match words.some()? {
            Word::Name(name) => return Ok(Some(name)),
            Word::Sign(')') => return Ok(None),
            Word::Sign(',') => {}
            _ => return Err(words.unfit("a list of columns has something else than names")),
        }
    }
}

/// The values up to the closing parenthesis.
fn tuple(words: &mut Words) -> Result<Vec<Value>, String> {
    let mut values = Vec::new();
    loop {
        match words.some()? {
            Word::Text(text) => values.push(text.into()),
            Word::Plain("NULL") => values.push(Value::Null),
            Word::Plain("_binary") | Word::Sign(',') => {}
            Word::Plain(number) => match serde_json::from_str(number) {
                Ok(number @ Value::Number(_)) => values.push(number),
                _ => return Err(words.unfit("a row has something that is neither text nor number")),
            },
            Word::Sign(')') => return Ok(values),
            Word::Sign(_) | Word::Name(_) => return Err(words.unfit("a row does not end")),
        }
    }
}

#[derive(Debug, PartialEq)]
enum Word<'a> {
    /// A keyword or a number.
    Plain(&'a str),
    /// A name in backquotes.
    Name(String),
    /// A text in quotes.
    Text(String),
    Sign(char),
}

struct Words<'a> {
    text: &'a str,
    letters: Peekable<CharIndices<'a>>,
    line: usize,
}

impl<'a> Words<'a> {
    fn unfit(&self, what: &str) -> String {
        format!("{what}, at line {}.", self.line)
    }

    fn letter(&mut self) -> Option<(usize, char)> {
        let next = self.letters.next();
        self.line += usize::from(next.is_some_and(|(_, letter)| letter == '\n'));
        next
    }

    /// The next word, which must be there.
    fn some(&mut self) -> Result<Word<'a>, String> {
        self.next()?.ok_or_else(|| self.unfit("the file ends in the middle of a statement"))
    }

    /// Goes on behind the end of the statement.
    fn skip(&mut self) -> Result<(), String> {
        while self.next()?.is_some_and(|word| word != Word::Sign(';')) {}
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Word<'a>>, String> {
        while let Some((at, letter)) = self.letter() {
            let rest = &self.text[at..];
            match letter {
                '#' => self.leave("\n"),
                '-' if rest.starts_with("-- ") || rest.starts_with("--\n") => self.leave("\n"),
                '/' if rest.starts_with("/*") => self.leave("*/"),
                _ if letter.is_whitespace() => {}
                '`' => return self.quoted('`').map(|name| Some(Word::Name(name))),
                '\'' | '"' => return self.quoted(letter).map(|text| Some(Word::Text(text))),
                _ if is_plain(letter) => {
                    let end = rest.find(|letter| !is_plain(letter)).unwrap_or(rest.len());
                    while self.letters.peek().is_some_and(|(next, _)| *next < at + end) {
                        self.letter();
                    }
                    return Ok(Some(Word::Plain(&rest[..end])));
                }
                _ => return Ok(Some(Word::Sign(letter))),
            }
        }
        Ok(None)
    }

    /// Goes on behind the end of a comment.
    fn leave(&mut self, end: &str) {
        while let Some((at, letter)) = self.letter() {
            if self.text[..at + letter.len_utf8()].ends_with(end) {
                return;
            }
        }
    }

    /// What stands before the closing quote. A quote in it is written twice, or behind a backslash.
    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        while let Some((_, letter)) = self.letter() {
            match letter {
                '\\' if quote != '`' => match self.letter().map(|(_, letter)| letter) {
                    Some('n') => text.push('\n'),
                    Some('r') => text.push('\r'),
                    Some('t') => text.push('\t'),
                    Some('0') => text.push('\0'),
                    Some('Z') => text.push('\u{1a}'),
                    Some(other) => text.push(other),
                    None => break,
                },
                _ if letter != quote => text.push(letter),
                _ if self.letters.peek().is_some_and(|(_, next)| *next == quote) => {
                    self.letter();
                    text.push(quote);
                }
                _ => return Ok(text),
            }
        }
        Err(self.unfit("the file ends in the middle of a text"))
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_alphanumeric() || "_.+-".contains(letter)
}
