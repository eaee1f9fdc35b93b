//! Databases of other programs, read as they are: an SQLite file, a PostgreSQL database, or a dump of either that or of
//! MariaDB or MySQL.
//!
//! What is asked for is read in one piece, as of one moment, and given as rows with named columns. They write flags,
//! numbers and times differently; [`Record`] reads each of their ways.

mod dump;
mod words;

use crate::postgres::Server;
use ::postgres::{Client, IsolationLevel};
use fault::{Fault, Kind, Means};
use kernel::Micros;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// What an SQLite file begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// What files begin with that have to be made something else first, and how.
const PACKED: &[(&[u8], &str)] = &[
    (b"PGDMP", "is in the form for pg_restore: `pg_restore -f keystone.sql` makes SQL of it"),
    (b"\x1f\x8b", "is compressed: `gunzip` it first"),
    (b"\x28\xb5\x2f\xfd", "is compressed: `unzstd` it first"),
    (b"\xfd7zXZ", "is compressed: `unxz` it first"),
    (b"BZh", "is compressed: `bunzip2` it first"),
];

/// The last point in time that can be written, in December 9999: the end of what ends later, or never.
pub const LAST: Micros = Micros(253_402_207_200_000_000);

/// A MariaDB server is not asked itself.
const DUMP_FIRST: &str = "A database of MariaDB or MySQL is read from a dump: `mariadb-dump --single-transaction keystone > \
                          keystone.sql`, and then --from keystone.sql.";

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
    /// Reads the tables that are asked for, as far as they are there, from a `postgres://` URL (or `host=… user=…`), also
    /// as SQLAlchemy has it (`postgresql+psycopg2://`), or from a file.
    pub fn read(source: &str, wanted: &[&str]) -> Result<Self, Fault> {
        match source.split_once("://") {
            Some((scheme, rest)) if scheme == "postgres" || scheme.starts_with("postgresql") => {
                return postgres(&format!("postgresql://{rest}"), wanted);
            }
            Some((scheme, _)) if scheme.starts_with("mysql") || scheme.starts_with("mariadb") => {
                return Err(Fault::bad_input(DUMP_FIRST));
            }
            None if source.starts_with("host=") => return postgres(source, wanted),
            Some(_) | None => {}
        }
        let unreadable = format!("{source} cannot be read.");
        let file = File::open(source).means(Kind::BadInput, unreadable.clone())?;
        let mut file = BufReader::with_capacity(1 << 16, file);
        let head = file.fill_buf().means(Kind::BadInput, unreadable.clone())?;
        if head.starts_with(SQLITE) {
            return sqlite(Path::new(source), wanted).means(Kind::BadInput, unreadable);
        }
        if let Some((_, what)) = PACKED.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(Fault::bad_input(format!("{source} {what}.")));
        }
        Self::of_dump(file, wanted).map_err(|why| Fault::bad_input(format!("{source}: {why}")))
    }

    /// Reads the tables that are asked for from a dump. The error says what does not fit, and where.
    pub fn of_dump(dump: impl BufRead, wanted: &[&str]) -> Result<Self, String> {
        dump::read(dump, wanted)
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

    /// Whether its table has such a column.
    pub fn has(&self, name: &str) -> bool {
        self.columns.contains_key(name)
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
            // no database of ours keeps it
            Value::String(text) if text.contains('\0') => {
                Err(self.unfit(name, "has a text with a zero byte"))
            }
            Value::String(text) => Ok(Some(text.clone())),
            other => Ok(Some(other.to_string())),
        }
    }

    /// A flag; nothing is no.
    pub fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.column(name)? {
            Value::Null => Ok(false),
            Value::Bool(flag) => Ok(*flag),
            // as PostgreSQL copies them
            Value::String(text) if text == "t" || text == "f" => Ok(text == "t"),
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

    /// A time, or nothing: microseconds since 1970, or a date and time in UTC. What is after [`LAST`] is that.
    pub fn opt_at(&self, name: &str) -> Result<Option<Micros>, Fault> {
        match self.column(name)? {
            Value::String(text) if text.contains(':') => {
                let at = Micros::parse(text).or_else(|| text.starts_with("9999-12-3").then_some(LAST));
                at.map(Some).ok_or_else(|| self.unfit(name, "has something else than a time"))
            }
            _ => Ok(self.opt_int(name)?.map(|at| Micros(at.clamp(-LAST.0, LAST.0)))),
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
        assert!(rows[0].has("count") && !rows[0].has("nothing"));
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

    fn dumped(dump: &str) -> Result<Tables, String> {
        Tables::of_dump(dump.as_bytes(), WANTED)
    }

    const MARIADB: &str = "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19; it's a comment\n/*!40101 SET NAMES utf8mb4 */;\n\
        CREATE DATABASE /*!32312 IF NOT EXISTS*/ `keystone` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;\n\nUSE `keystone`;\n\
        DROP TABLE IF EXISTS `user`;\n\
        CREATE TABLE `user` (\n  `id` varchar(64) NOT NULL DEFAULT ',)',\n  `enabled` tinyint(1) DEFAULT NULL,\n  \
        `count` int(11),\n  `extra` text, -- why;\n  `made_at` datetime(6),\n  PRIMARY KEY (`id`),\n  \
        KEY `ix` (`count`),\n  CONSTRAINT `c` CHECK (`enabled` in (0,1))\n) ENGINE=InnoDB;\n\
        INSERT INTO `user` VALUES\n('a\\'b\\\\',1,7,'{\\\"email\\\": \\\"ü\\\"}','2026-11-21 01:35:57.041288');\n\
        DELIMITER ;;\nCREATE PROCEDURE p() BEGIN INSERT INTO `user` VALUES (1); END ;;\nDELIMITER ;\n\
        INSERT INTO `user` (`enabled`, `id`, `count`, `extra`, `made_at`) VALUES (0,_utf8mb4 0x62,NULL,NULL,NULL);\n\
        INSERT INTO `other` VALUES (1);\n-- Dump completed on 2026-11-21\n";

    #[test]
    fn a_dump_of_mariadb() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dump.sql");
        std::fs::write(&path, MARIADB).unwrap();
        check(&Tables::read(path.to_str().unwrap(), WANTED).unwrap());
        for cut in ["made_at` datetime(6)", "'a\\'b", "7,'{", "PROCEDURE", "`other` VALUES (1);"] {
            let end = MARIADB.find(cut).unwrap() + cut.len();
            assert!(dumped(&MARIADB[..end]).is_err(), "{cut}");
        }
        let told = dumped(&MARIADB[..MARIADB.find("-- Dump").unwrap()]).unwrap_err();
        assert!(told.contains("cut short"), "{told}");
    }

    #[test]
    fn a_dump_of_many_databases() {
        let other = "USE `mysql`;\nCREATE TABLE `user` (`id` text, `hash` blob);\nINSERT INTO `user` VALUES ('x','\u{1}');\n";
        let other = other.as_bytes().iter().map(|byte| if *byte == 1 { 0xff } else { *byte });
        let both: Vec<u8> = other.clone().chain(MARIADB.bytes()).collect();
        let most = ["user", "more"];
        let more = "CREATE TABLE more (id int);\n-- Dump completed";
        let full = MARIADB.replace("-- Dump completed", more);
        let wanted: Vec<u8> = other.clone().chain(full.bytes()).collect();
        assert_eq!(Tables::of_dump(&wanted[..], &most).unwrap().rows("user").len(), 2);
        let told = Tables::of_dump(&both[..], &most).unwrap_err();
        assert!(told.contains("keystone, mysql"), "{told}");
        let alone: Vec<u8> = other.collect();
        let told = Tables::of_dump(&alone[..], &most).unwrap_err();
        assert!(told.contains("not UTF-8, at line 3"), "{told}");
    }

    const POSTGRES: &str = "-- PostgreSQL database dump\n\\restrict abc\nSET standard_conforming_strings = on;\n\
        CREATE FUNCTION public.f() RETURNS trigger\n    LANGUAGE plpgsql\n    AS $$\nBEGIN\n INSERT INTO x; 'it\n$$;\n\
        CREATE TABLE public.\"user\" (\n    id character varying(64) DEFAULT ','::text,\n    enabled boolean,\n    count integer,\n    \
        extra text,\n    made_at timestamp,\n    CONSTRAINT c CHECK (enabled)\n);\n";

    #[test]
    fn dumps_of_postgresql() {
        let copied = format!(
            "{POSTGRES}COPY public.other (a) FROM stdin;\n1\n\\.\n\n\
             COPY public.\"user\" (id, enabled, count, extra, made_at) FROM stdin;\n\
             a'b\\\\\tt\t7\t{{\"email\": \"ü\"}}\t2026-11-21 01:35:57.041288\nb\tf\t\\N\t\\N\t\\N\n\\.\n\n\
             -- PostgreSQL database dump complete\n"
        );
        check(&dumped(&copied).unwrap());
        let inserted = format!(
            "{POSTGRES}INSERT INTO public.\"user\" VALUES ('a''b\\', true, 7, '{{\"email\": \"ü\"}}', '2026-11-21 01:35:57.041288');\n\
             INSERT INTO public.\"user\" (id, enabled) VALUES (E'\\b', false) ON CONFLICT DO NOTHING;\n\
             -- PostgreSQL database dump complete\n"
        );
        let short =
            inserted.replace("(id, enabled) VALUES (E'\\b', false)", "VALUES ('b', false, NULL, NULL, NULL)");
        check(&dumped(&short).unwrap());
        assert_eq!(dumped(&inserted).unwrap().rows("user")[1].text("id").unwrap(), "b");
        for cut in ["\tf\t", "$$\n", "FROM stdin;", "\\.\n\n"] {
            let end = copied.find(cut).unwrap() + cut.len();
            assert!(dumped(&copied[..end]).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused_or_comes_near() {
        let row = "('a\\0', -9223372036854775808, 'later', '9999-12-31 23:59:59', 253402300799000000)";
        let dump = format!("INSERT INTO user (id, at, until, text, number) VALUES {row};");
        let tables = dumped(&dump).unwrap();
        let row = &tables.rows("user")[0];
        assert!(row.text("id").unwrap_err().public().contains("zero byte") && row.opt_at("until").is_err());
        assert_eq!(["text", "number"].map(|name| row.opt_at(name).unwrap()), [Some(LAST); 2]);
        assert_eq!(Micros::parse(&LAST.micros_z()), Some(LAST));
        assert!(row.opt_at("at").unwrap() < Some(Micros(0)));
    }

    #[test]
    fn what_has_to_be_made_a_dump_first_says_how() {
        let told = |source: &str| Tables::read(source, WANTED).unwrap_err().public().to_owned();
        assert!(told("mysql+pymysql://keystone:secret@db/keystone").contains("mariadb-dump"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        for (magic, _) in PACKED {
            std::fs::write(&path, [*magic, b"..."].concat()).unwrap();
            assert!(told(path.to_str().unwrap()).contains("` "), "{magic:?}");
        }
        let told = dumped("INSERT INTO user VALUES (1);").unwrap_err();
        assert!(told.contains("with its CREATE TABLE"), "{told}");
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
