//! Databases of other programs, read as they are: an SQLite file, a PostgreSQL database, or a dump of MariaDB or MySQL.
//!
//! What is asked for is read in one piece, as of one moment, and given as rows with named columns. The three write
//! flags, numbers and times differently; [`Record`] reads each of their ways.

mod dump;

use crate::postgres::Server;
use ::postgres::{Client, IsolationLevel};
use fault::{Fault, Kind, Means};
use kernel::Micros;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// What an SQLite file begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Tables by name.
#[derive(Debug, Default)]
pub struct Tables(BTreeMap<String, Vec<Record>>);

/// A row.
#[derive(Clone)]
pub struct Record {
    table: String,
    columns: Map<String, Value>,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({})", self.table)
    }
}

impl Tables {
    /// Reads the tables that are asked for, as far as they are there, from a `postgres://` URL (or `host=… user=…`) or
    /// from a file.
    pub fn read(source: &str, wanted: &[&str]) -> Result<Self, Fault> {
        if ["postgres://", "postgresql://", "host="].iter().any(|head| source.starts_with(head)) {
            return postgres(source, wanted);
        }
        let unreadable = format!("{source} cannot be read.");
        let bytes = std::fs::File::open(source).and_then(|mut file| {
            use std::io::Read;
            let mut head = Vec::new();
            Read::by_ref(&mut file).take(SQLITE.len() as u64).read_to_end(&mut head)?;
            if head != SQLITE {
                file.read_to_end(&mut head)?;
            }
            Ok(head)
        });
        let bytes = bytes.means(Kind::BadInput, unreadable.clone())?;
        if bytes == SQLITE {
            return sqlite(Path::new(source), wanted).means(Kind::BadInput, unreadable);
        }
        let text = String::from_utf8(bytes).means(Kind::BadInput, format!("{source} is not UTF-8."))?;
        dump::read(&text, wanted).map_err(|why| Fault::bad_input(format!("{source}: {why}")))
    }

    /// Whether there is such a table.
    pub fn has(&self, table: &str) -> bool {
        self.0.contains_key(table)
    }

    /// The rows of a table; none if it is not there.
    pub fn rows(&self, table: &str) -> &[Record] {
        self.0.get(table).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, table: &str, columns: Map<String, Value>) {
        self.0.entry(table.to_owned()).or_default().push(Record { table: table.to_owned(), columns });
    }
}

impl Record {
    fn column(&self, name: &str) -> Result<&Value, Fault> {
        self.columns.get(name).ok_or_else(|| self.unfit(name, "is missing"))
    }

    fn unfit(&self, name: &str, what: &str) -> Fault {
        Fault::bad_input(format!("The column {name} of the table {} {what}.", self.table))
    }

    /// A text that must be there.
    pub fn text(&self, name: &str) -> Result<String, Fault> {
        self.opt_text(name)?.ok_or_else(|| self.unfit(name, "is empty in a row"))
    }

    /// A text, or nothing.
    pub fn opt_text(&self, name: &str) -> Result<Option<String>, Fault> {
        match self.column(name)? {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            other => Ok(Some(other.to_string())),
        }
    }

    /// A flag; nothing is no.
    pub fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.column(name)? {
            Value::Null => Ok(false),
            Value::Bool(flag) => Ok(*flag),
            _ => Ok(self.opt_int(name)? != Some(0)),
        }
    }

    /// A whole number, or nothing.
    pub fn opt_int(&self, name: &str) -> Result<Option<i64>, Fault> {
        let column = self.column(name)?;
        let number = match column {
            Value::Null => return Ok(None),
            Value::String(text) => text.parse().ok(),
            other => other.as_i64(),
        };
        number.map(Some).ok_or_else(|| self.unfit(name, "has something else than a number"))
    }

    /// A time, or nothing: microseconds since 1970, or a date and time in UTC.
    pub fn opt_at(&self, name: &str) -> Result<Option<Micros>, Fault> {
        match self.column(name)? {
            Value::String(text) if text.contains(':') => {
                let at = Micros::parse(text);
                at.map(Some).ok_or_else(|| self.unfit(name, "has something else than a time"))
            }
            _ => Ok(self.opt_int(name)?.map(Micros)),
        }
    }

    /// JSON, or null.
    pub fn json(&self, name: &str) -> Result<Value, Fault> {
        let text = self.opt_text(name)?.filter(|text| !text.is_empty());
        let read = text.map_or(Ok(Value::Null), |text| serde_json::from_str(&text));
        read.map_err(|error| self.unfit(name, "has something else than JSON").because(error))
    }
}

fn sqlite(path: &Path, wanted: &[&str]) -> rusqlite::Result<Tables> {
    let mut file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let snapshot = file.transaction()?;
    let mut tables = Tables::default();
    for table in wanted {
        let there = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1";
        if snapshot.query_row(there, [table], |row| row.get::<_, i64>(0))? == 0 {
            continue;
        }
        tables.0.insert((*table).to_owned(), Vec::new());
        let mut rows = snapshot.prepare(&format!("SELECT * FROM \"{table}\""))?;
        let names: Vec<String> = rows.column_names().map(str::to_owned).collect();
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let value = |(at, name): (usize, &String)| Ok((name.clone(), json(row.get_ref(at)?)));
            let columns = names.iter().enumerate().map(value).collect::<rusqlite::Result<_>>()?;
            tables.add(table, columns);
        }
    }
    Ok(tables)
}

fn json(value: ValueRef) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into(),
    }
}

const UNREACHED: &str = "The PostgreSQL database cannot be read.";

fn postgres(url: &str, wanted: &[&str]) -> Result<Tables, Fault> {
    let client = Server::at(url)?.connect().means(Kind::Unavailable, UNREACHED)?;
    postgres_tables(client, wanted).means(Kind::Unavailable, UNREACHED)
}

fn postgres_tables(mut client: Client, wanted: &[&str]) -> Result<Tables, ::postgres::Error> {
    let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
    let mut snapshot = snapshot.read_only(true).start()?;
    let mut tables = Tables::default();
    for table in wanted {
        let there = snapshot.query_one("SELECT to_regclass($1)::TEXT", &[&format!("\"{table}\"")])?;
        if there.get::<_, Option<String>>(0).is_none() {
            continue;
        }
        tables.0.insert((*table).to_owned(), Vec::new());
        let all = format!("SELECT row_to_json(one)::TEXT FROM \"{table}\" one");
        for row in snapshot.query(&all, &[])? {
            // what the server has made of a row is JSON
            tables.add(table, serde_json::from_str(row.get(0)).unwrap_or_default());
        }
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: &[&str] = &["user", "absent"];

    #[track_caller]
    fn check(tables: &Tables) {
        let rows = tables.rows("user");
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].text("id").unwrap(), "a'b\\");
        assert!(rows[0].flag("enabled").unwrap() && !rows[1].flag("enabled").unwrap());
        assert_eq!(rows[0].opt_int("count").unwrap(), Some(7));
        assert_eq!(rows[0].json("extra").unwrap(), serde_json::json!({"email": "ü"}));
        assert_eq!(rows[1].json("extra").unwrap(), Value::Null);
        let made = rows[0].opt_at("made_at").unwrap();
        assert_eq!(made, Micros::parse("2026-11-21 01:35:57.041288"));
        assert_eq!((rows[1].opt_at("made_at").unwrap(), rows[1].opt_text("count").unwrap()), (None, None));
        assert!(rows[0].text("nothing").is_err() && rows[0].opt_int("id").is_err());
        assert!(!tables.has("absent") && !tables.has("other"));
    }

    #[test]
    fn a_file_of_sqlite() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.db");
        let file = Connection::open(&path).unwrap();
        file.execute_batch(
            "CREATE TABLE user (id, enabled BOOLEAN, count INTEGER, extra TEXT, made_at DATETIME); CREATE TABLE other (a);
             INSERT INTO user VALUES ('a''b\\', 1, 7, '{\"email\": \"ü\"}', '2026-11-21 01:35:57.041288'),
                                     ('b', 0, NULL, NULL, NULL);",
        )
        .unwrap();
        check(&Tables::read(path.to_str().unwrap(), WANTED).unwrap());
    }

    #[test]
    fn a_dump_of_mariadb() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dump.sql");
        let dump = "-- MariaDB dump; it's a comment\n/*!40101 SET NAMES utf8mb4 */;\nDROP TABLE IF EXISTS `user`;\n\
            CREATE TABLE `user` (\n  `id` varchar(64) NOT NULL DEFAULT ',)',\n  `enabled` tinyint(1) DEFAULT NULL,\n  \
            `count` int(11),\n  `extra` text, -- why;\n  `made_at` datetime(6),\n  PRIMARY KEY (`id`),\n  \
            KEY `ix` (`count`),\n  CONSTRAINT `c` CHECK (`enabled` in (0,1))\n) ENGINE=InnoDB;\n\
            INSERT INTO `user` VALUES\n('a\\'b\\\\',1,7,'{\\\"email\\\": \\\"ü\\\"}','2026-11-21 01:35:57.041288');\n\
            INSERT INTO `user` (`enabled`, `id`, `count`, `extra`, `made_at`) VALUES (0,'b',NULL,NULL,NULL);\n\
            INSERT INTO `other` VALUES (1);\n";
        std::fs::write(&path, dump).unwrap();
        check(&Tables::read(path.to_str().unwrap(), WANTED).unwrap());
        for cut in ["made_at` datetime(6)", "'a\\'b", "7,'{"] {
            let end = dump.find(cut).unwrap() + 3;
            std::fs::write(&path, &dump[..end]).unwrap();
            assert!(Tables::read(path.to_str().unwrap(), WANTED).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_database_of_postgresql() {
        let fixtures = crate::testing::databases();
        let Some(server) = fixtures.iter().find_map(crate::testing::Fixture::url) else { return };
        let mut client = Server::at(server).unwrap().connect().unwrap();
        client
            .batch_execute(
                "CREATE TABLE \"user\" (id TEXT, enabled BOOLEAN, count INTEGER, extra TEXT, made_at TIMESTAMP);
                 INSERT INTO \"user\" VALUES ('a''b\\', true, 7, '{\"email\": \"ü\"}', '2026-11-21 01:35:57.041288'),
                                             ('b', false, NULL, NULL, NULL);",
            )
            .unwrap();
        check(&Tables::read(server, WANTED).unwrap());
    }

    #[test]
    fn what_is_no_database_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        assert!(Tables::read(path.to_str().unwrap(), WANTED).is_err());
        std::fs::write(&path, b"\xff\xfe").unwrap();
        assert!(Tables::read(path.to_str().unwrap(), WANTED).is_err());
        std::fs::write(&path, [SQLITE, b"broken"].concat()).unwrap();
        assert!(Tables::read(path.to_str().unwrap(), WANTED).is_err());
    }
}
