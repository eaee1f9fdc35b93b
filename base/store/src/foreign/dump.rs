//! Dumps: what `mariadb-dump`, `mysqldump` and `pg_dump` write, with whichever of their options leaves it SQL.
//!
//! Only CREATE TABLE, INSERT and COPY are read, and everything else is skipped. A dump may have many databases; the one
//! that has most of the tables is meant.

use super::Tables;
use super::words::{Word, Words};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;

/// Reads the tables that are asked for. The error says what does not fit, and where.
pub(super) fn read(input: impl BufRead, wanted: &[&str]) -> Result<Tables, String> {
    let (words, databases) = (Words::new(input), BTreeMap::new());
    let mut dump = Dump { words, wanted, databases, current: String::new() };
    while let Some(word) = dump.words.next()? {
        match word {
            Word::Plain(word) => dump.statement(&word)?,
            // `\connect keystone` and its like
            Word::Sign(b'\\') => {
                let line = dump.words.rest_of_line()?.unwrap_or_default();
                if let Some(name) = String::from_utf8_lossy(&line).strip_prefix("connect ") {
                    name.clone_into(&mut dump.current);
                }
            }
            Word::Sign(b';') => {}
            _ => dump.words.skip()?,
        }
    }
    if dump.words.cut_short() {
        return Err(
            "the dump was cut short: it does not say at its end, as it should, that it is complete.".into()
        );
    }
    dump.chosen()
}

/// What is known of one database, or of one schema of it.
#[derive(Default)]
struct Database {
    tables: Tables,
    /// The columns of tables, as CREATE TABLE said.
    columns: HashMap<String, Vec<String>>,
    /// Why it cannot be taken, if it is the one.
    flaw: Option<String>,
}

struct Dump<'a, R> {
    words: Words<R>,
    wanted: &'a [&'a str],
    databases: BTreeMap<String, Database>,
    current: String,
}

impl<R: BufRead> Dump<'_, R> {
    /// One statement that begins so.
    fn statement(&mut self, begin: &str) -> Result<(), String> {
        match begin {
            "CREATE" => self.create(),
            "INSERT" | "REPLACE" => self.insert(),
            "COPY" => self.copy(),
            "USE" => {
                self.current = self.table(None)?.1;
                Ok(())
            }
            "DELIMITER" => self.leave_program(),
            "SET" => {
                let setting = self.words.some()?;
                if setting == Word::Plain("standard_conforming_strings".into()) {
                    self.words.literal_backslashes();
                }
                if setting == Word::Sign(b';') { Ok(()) } else { self.words.skip() }
            }
            _ => self.words.skip(),
        }
    }

    /// `DELIMITER ;;`: a program follows, with statements of its own, to where the delimiter is the usual one again.
    fn leave_program(&mut self) -> Result<(), String> {
        let usual = |rest: &[u8]| rest.trim_ascii() == b";";
        let mut line = self.words.rest_of_line()?;
        let mut over = line.as_deref().is_some_and(usual);
        while !over {
            line = self.words.rest_of_line()?;
            let Some(line) = &line else {
                return Err(self.words.unfit("the file ends in the middle of a program"));
            };
            over = line.strip_prefix(b"DELIMITER").is_some_and(usual);
        }
        Ok(())
    }

    /// A name of a table, perhaps behind that of its schema, and the word after it.
    fn table(&mut self, first: Option<Word>) -> Result<(String, String, Word), String> {
        let mut schema = String::new();
        let mut next = first;
        loop {
            let word = match next.take() {
                Some(word) => word,
                None => self.words.some()?,
            };
            let (Word::Name(name) | Word::Plain(name)) = word else {
                return Err(self.words.unfit("a table has no name"));
            };
            match self.words.some()? {
                Word::Sign(b'.') => schema = name,
                word => return Ok((schema, name, word)),
            }
        }
    }

    fn database(&mut self, schema: &str) -> &mut Database {
        let names = [self.current.trim(), schema];
        let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        self.databases.entry(names.join(".")).or_default()
    }

    fn wants(&self, table: &str) -> bool {
        self.wanted.contains(&table)
    }

    /// `CREATE TABLE name (…)`: the name and the columns, which are the definitions that begin with a name.
    fn create(&mut self) -> Result<(), String> {
        match self.words.some()? {
            Word::Plain(what) if what == "TABLE" => {}
            Word::Sign(b';') => return Ok(()),
            _ => return self.words.skip(),
        }
        let mut first = self.words.some()?;
        while matches!(&first, Word::Plain(word) if ["IF", "NOT", "EXISTS"].contains(&word.as_str())) {
            first = self.words.some()?;
        }
        let (schema, table, mut word) = self.table(Some(first))?;
        let (mut columns, mut depth, mut begins) = (Vec::new(), 0_u32, false);
        loop {
            let first = std::mem::replace(&mut begins, false) && depth == 1;
            match word {
                Word::Sign(b'(') => {
                    depth += 1;
                    begins = depth == 1;
                }
                Word::Sign(b')') => depth = depth.saturating_sub(1),
                Word::Sign(b',') => begins = depth == 1,
                Word::Sign(b';') => break,
                Word::Name(name) if first => columns.push(name),
                Word::Plain(name) if first && !is_keyword(&name) => columns.push(name),
                _ => {}
            }
            word = self.words.some()?;
        }
        if self.wants(&table) {
            let database = self.database(&schema);
            database.tables.0.entry(table.clone()).or_default();
            database.columns.insert(table, columns);
        }
        Ok(())
    }

    /// `INSERT INTO name [(columns)] VALUES (…),(…);`
    fn insert(&mut self) -> Result<(), String> {
        let mut first = self.words.some()?;
        let before = ["INTO", "IGNORE", "DELAYED", "LOW_PRIORITY"];
        while matches!(&first, Word::Plain(word) if before.contains(&word.as_str())) {
            first = self.words.some()?;
        }
        let (schema, table, mut word) = self.table(Some(first))?;
        if !self.wants(&table) {
            return if word == Word::Sign(b';') { Ok(()) } else { self.words.skip() };
        }
        let columns = self.columns(&schema, &table, &mut word)?;
        if word != Word::Plain("VALUES".into()) {
            return Err(self.words.unfit("an INSERT has no VALUES"));
        }
        loop {
            match self.words.some()? {
                Word::Sign(b'(') => {
                    let values = self.tuple()?;
                    self.add(&schema, &table, &columns, values)?;
                }
                Word::Sign(b',') => {}
                Word::Sign(b';') => return Ok(()),
                Word::Plain(word) if word == "ON" => return self.words.skip(),
                _ => {
                    return Err(self.words.unfit("a row begins with something else than a parenthesis"));
                }
            }
        }
    }

    /// `COPY name (columns) FROM stdin;`, and then a row a line, with tabs in between.
    fn copy(&mut self) -> Result<(), String> {
        let (schema, table, mut word) = self.table(None)?;
        let columns = self.columns(&schema, &table, &mut word)?;
        let mut here = false;
        while word != Word::Sign(b';') {
            here |= word == Word::Plain("stdin".into());
            word = self.words.some()?;
        }
        if !here {
            return Ok(());
        }
        self.words.rest_of_line()?;
        while let Some(line) = self.words.rest_of_line()? {
            if line == b"\\." {
                return Ok(());
            }
            if self.wants(&table) {
                let values = line.split(|byte| *byte == b'\t').map(field).collect();
                self.add(&schema, &table, &columns, values)?;
            }
        }
        Err(self.words.unfit("the file ends in the middle of a table"))
    }

    /// The columns that a statement names, or else those of the table. `word` is the next word, before and after.
    fn columns(&mut self, schema: &str, table: &str, word: &mut Word) -> Result<Vec<String>, String> {
        if *word != Word::Sign(b'(') {
            return Ok(self.database(schema).columns.get(table).cloned().unwrap_or_default());
        }
        let mut columns = Vec::new();
        loop {
            match self.words.some()? {
                Word::Name(name) | Word::Plain(name) => columns.push(name),
                Word::Sign(b',') => {}
                Word::Sign(b')') => break,
                _ => return Err(self.words.unfit("a list of columns has something else than names")),
            }
        }
        *word = self.words.some()?;
        Ok(columns)
    }

    /// The values up to the closing parenthesis: `None` is no value.
    fn tuple(&mut self) -> Result<Vec<Option<Cell>>, String> {
        let (mut values, mut hex) = (Vec::new(), false);
        loop {
            match self.words.some()? {
                Word::Text(text) if std::mem::take(&mut hex) => values.push(Some(self.digits(&text)?)),
                Word::Text(text) => values.push(Some(Cell::Text(text))),
                Word::Plain(word) => match word.as_str() {
                    "NULL" => values.push(None),
                    "TRUE" | "true" => values.push(Some(Cell::Plain(true.into()))),
                    "FALSE" | "false" => values.push(Some(Cell::Plain(false.into()))),
                    "X" | "x" => hex = true,
                    // which charset the next text has
                    _ if word.starts_with('_') => {}
                    _ => values.push(Some(match word.strip_prefix("0x") {
                        Some(digits) => self.digits(digits.as_bytes())?,
                        None => self.number(&word)?,
                    })),
                },
                Word::Sign(b',') => {}
                Word::Sign(b')') => return Ok(values),
                Word::Sign(_) | Word::Name(_) => return Err(self.words.unfit("a row does not end")),
            }
        }
    }

    fn number(&self, word: &str) -> Result<Cell, String> {
        match serde_json::from_str(word) {
            Ok(number @ Value::Number(_)) => Ok(Cell::Plain(number)),
            _ => Err(self.words.unfit("a row has something that is neither text nor number")),
        }
    }

    /// A text in hexadecimal digits.
    fn digits(&self, digits: &[u8]) -> Result<Cell, String> {
        let pairs = digits.chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        });
        let text: Option<Vec<u8>> = pairs.collect();
        text.map(Cell::Text)
            .ok_or_else(|| self.words.unfit("a row has something else than hexadecimal digits"))
    }

    fn add(
        &mut self,
        schema: &str,
        table: &str,
        columns: &[String],
        values: Vec<Option<Cell>>,
    ) -> Result<(), String> {
        if columns.is_empty() {
            let what = format!("nothing says which columns {table} has: dump it with its CREATE TABLE");
            return Err(self.words.unfit(&what));
        }
        if values.len() != columns.len() {
            return Err(self.words.unfit("a row has not as many values as its table has columns"));
        }
        let (mut row, mut damaged) = (Map::new(), false);
        for (column, value) in columns.iter().zip(values) {
            let value = match value {
                None => Value::Null,
                Some(Cell::Plain(value)) => value,
                Some(Cell::Text(text)) => Value::String(String::from_utf8(text).unwrap_or_else(|error| {
                    damaged = true;
                    String::from_utf8_lossy(error.as_bytes()).into_owned()
                })),
            };
            row.insert(column.clone(), value);
        }
        if damaged {
            // that of another database does not matter
            let flaw = self.words.unfit("a text is not UTF-8");
            self.database(schema).flaw.get_or_insert(flaw);
        }
        self.database(schema).tables.add(table, row);
        Ok(())
    }

    /// The database that has most of the tables.
    fn chosen(self) -> Result<Tables, String> {
        let most = self.databases.values().map(|one| one.tables.0.len()).max().unwrap_or_default();
        if most == 0 {
            return Err("none of the tables is in this file, which is read as a dump.".to_owned());
        }
        let best = self.databases.into_iter().filter(|(_, one)| one.tables.0.len() == most);
        let (mut names, mut found): (Vec<String>, Vec<Database>) = best.unzip();
        match (found.pop(), names.pop()) {
            (Some(one), _) if found.is_empty() => one.flaw.map_or(Ok(one.tables), Err),
            (_, last) => {
                let names: Vec<String> =
                    names.iter().chain(&last).map(|name| name.escape_debug().to_string()).collect();
                Err(format!("these databases have the same tables: {}. Dump one of them.", names.join(", ")))
            }
        }
    }
}

/// A value, as it stands in a dump.
enum Cell {
    Plain(Value),
    Text(Vec<u8>),
}

/// What definitions begin with that are no columns. Columns of such names are in quotes.
fn is_keyword(word: &str) -> bool {
    ["PRIMARY", "UNIQUE", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "CONSTRAINT", "FOREIGN", "CHECK", "EXCLUDE"]
        .contains(&word)
}

/// One field of a row of COPY.
fn field(bytes: &[u8]) -> Option<Cell> {
    if bytes == b"\\N" {
        return None;
    }
    let (mut text, mut rest) = (Vec::with_capacity(bytes.len()), bytes.iter().copied());
    while let Some(byte) = rest.next() {
        text.push(match byte {
            b'\\' => match rest.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'v') => 11,
                Some(other) => other,
                None => b'\\',
            },
            _ => byte,
        });
    }
    Some(Cell::Text(text))
}
