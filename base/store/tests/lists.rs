//! Lists mean the same on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use kernel::Entropy;
use store::list::Direction::{self, Asc, Desc};
use store::list::{Column, List, ListError, Noun, Operator};
use store::testing::{Fixture, databases};
use store::{Db, Migration, params};

const TABLES: &[Migration] = &[Migration {
    number: 1,
    name: "servers",
    sql: "CREATE TABLE servers (id TEXT PRIMARY KEY, project TEXT NOT NULL, name TEXT NOT NULL, host TEXT, ram BIGINT,
              up BIGINT NOT NULL, created_at BIGINT NOT NULL)",
}];

static SERVERS: Noun = Noun {
    from: "servers",
    id: "id",
    order: &[("created_at", Desc)],
    columns: &[
        Column::text("id", "id"),
        Column::text("name", "name"),
        Column::text("host", "host").nullable(),
        Column::int("ram", "ram").nullable(),
        Column::flag("up", "up").unsortable(),
        Column::time("created", "created_at"),
        Column::time("created_at", "created_at"),
    ],
};

static ALIASED: Noun = Noun {
    from: "servers s LEFT JOIN servers t ON t.id = s.host",
    id: "s.id",
    order: &[],
    columns: &[Column::text("name", "s.name"), Column::text("host_name", "t.name").nullable()],
};

/// A row as the table has it.
struct Server {
    project: &'static str,
    name: String,
    host: Option<String>,
    ram: Option<i64>,
    up: bool,
    created_at: i64,
}

fn server(number: i64) -> Server {
    Server {
        project: if number % 10 == 9 { "other" } else { "mine" },
        name: format!("n_{}%", number % 6),
        host: (number % 4 != 0).then(|| format!("h{}", number % 3)),
        ram: (number % 5 != 0).then_some(number % 7),
        up: number % 2 == 0,
        created_at: (number / 3) * 1_000_000,
    }
}

/// How many rows of the scope a plain test finds.
fn such(test: impl Fn(&Server) -> bool) -> Result<usize, String> {
    Ok((0..40).map(server).filter(|server| server.project == "mine" && test(server)).count())
}

fn fresh() -> Vec<Fixture> {
    let fixtures = databases();
    for fixture in &fixtures {
        fixture.db.migrate("test", TABLES).unwrap();
        fixture
            .db
            .write_now(|tx| {
                for number in 0..40i64 {
                    let row = server(number);
                    tx.execute(
                        "INSERT INTO servers (id, project, name, host, ram, up, created_at) VALUES (?1,?2,?3,?4,?5,?6,?7)",
                        params![
                            format!("id{:02}", (number * 7) % 40), row.project, row.name, row.host, row.ram, row.up,
 row.created_at],
                    )?;
                }
                Ok(())
            })
            .unwrap();
    }
    fixtures
}

fn ids(
    db: &Db,
    build: impl Fn(&mut List) -> Result<(), ListError> + Send + 'static,
) -> Result<Vec<String>, String> {
    db.read_now(move |tx| {
        let mut list = List::new(&SERVERS);
        if let Err(error) = build(list.only("project = ?", params!["mine"])) {
            return Ok(Err(error.to_string()));
        }
        match list.rows(tx, "SELECT id FROM servers") {
            Ok(rows) => Ok(Ok(rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?)),
            Err(ListError::Store(fault)) => Err(fault),
            Err(error) => Ok(Err(error.to_string())),
        }
    })
    .unwrap()
}

#[test]
fn pages_join_to_the_whole_list_for_any_keys() {
    let fixtures = fresh();
    let entropy = Entropy::seeded(7);
    let names = ["id", "name", "host", "ram", "created"];
    for round in 0..40 {
        let mut keys: Vec<(&'static str, Direction)> = Vec::new();
        for _ in 0..=entropy.below(3) {
            let name = names[usize::try_from(entropy.below(5)).unwrap()];
            keys.push((name, if entropy.below(2) == 0 { Asc } else { Desc }));
        }
        let size = u32::try_from(1 + entropy.below(9)).unwrap();
        let sorted = |keys: Vec<(&'static str, Direction)>| {
            move |list: &mut List| keys.iter().try_for_each(|(name, way)| list.sort(name, *way).map(drop))
        };
        let mut answers = Vec::new();
        for fixture in &fixtures {
            let whole = ids(&fixture.db, sorted(keys.clone())).unwrap();
            assert_eq!(whole.len(), 36);
            for backwards in [false, true] {
                let mut pages: Vec<String> = Vec::new();
                loop {
                    let marker = if backwards { pages.first() } else { pages.last() }.cloned();
                    let sort = sorted(keys.clone());
                    let page = ids(&fixture.db, move |list| {
                        sort(list)?;
                        list.marker(marker.as_deref()).limit(Some(size)).backwards(backwards);
                        Ok(())
                    });
                    let page = page.unwrap();
                    if page.is_empty() {
                        break;
                    }
                    pages = if backwards { [page, pages].concat() } else { [pages, page].concat() };
                }
                assert_eq!(pages, whole, "{} round {round} {keys:?} backwards {backwards}", fixture.name);
            }
            answers.push(whole);
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
    }
}

#[test]
fn null_sorts_before_everything() {
    for fixture in fresh() {
        let hosts = |way| {
            fixture
                .db
                .read_now(move |tx| {
                    let mut list = List::new(&SERVERS);
                    list.sort("host", way).unwrap();
                    let rows = list.rows(tx, "SELECT host FROM servers").unwrap();
                    rows.iter().map(|row| row.opt_text(0)).collect::<Result<Vec<_>, _>>()
                })
                .unwrap()
        };
        let mut up = hosts(Asc);
        assert_eq!(
            (up.first().unwrap(), up.last().unwrap().as_deref()),
            (&None, Some("h2")),
            "{}",
            fixture.name
        );
        up.reverse();
        assert_eq!(hosts(Desc), up);
    }
}

#[test]
fn filters_compare_by_the_sort_of_their_column() {
    for fixture in fresh() {
        let count = |name: &'static str, asked: &'static str| {
            ids(&fixture.db, move |list| list.filter_asked(name, asked).map(drop)).map(|ids| ids.len())
        };
        assert_eq!(count("host", "h1"), such(|one| one.host.as_deref() == Some("h1")), "{}", fixture.name);
        assert_eq!(
            count("host", "in:h1,\"h2\",none"),
            such(|one| matches!(one.host.as_deref(), Some("h1" | "h2")))
        );
        assert_eq!(count("host", "neq:h1"), such(|one| one.host.as_ref().is_some_and(|host| host != "h1")));
        assert_eq!(count("ram", "gte:5"), such(|one| one.ram >= Some(5)));
        assert_eq!(count("ram", "nin:1,2"), such(|one| one.ram.is_some_and(|ram| ram != 1 && ram != 2)));
        assert_eq!(count("up", "True"), such(|one| one.up));
        assert_eq!(count("created_at", "lt:1970-01-01T00:00:02Z"), such(|one| one.created_at < 2_000_000));
        assert_eq!(count("name", "gte:n_5"), such(|one| one.name.as_str() >= "n_5"));
        assert_eq!(count("up", "gt:1"), Err("\"gt:1\" is not a value of \"up\"".to_owned()));
        assert_eq!(count("ram", "many"), Err("\"many\" is not a value of \"ram\"".to_owned()));
        assert_eq!(
            count("name; DROP TABLE servers", "x"),
            Err("\"name; DROP TABLE servers\" is not a key that this can be listed by".to_owned())
        );
        assert_eq!(count("name", "x\0"), Err("\"x\\0\" is not a value of \"name\"".to_owned()));
        assert_eq!(count("name", "' OR 1=1 --"), Ok(0));
    }
}

#[test]
fn patterns_mean_what_they_say() {
    let ones = such(|one| one.name == "n_1%");
    for fixture in fresh() {
        let count = |operator, value: &'static str| {
            ids(&fixture.db, move |list| list.filter("name", operator, &[value]).map(drop))
                .map(|ids| ids.len())
        };
        assert_eq!(count(Operator::Contains, "_1%"), ones.clone(), "{}", fixture.name);
        assert_eq!(count(Operator::Contains, "%1"), Ok(0));
        assert_eq!(count(Operator::Prefix, "n_"), Ok(36));
        assert_eq!(count(Operator::Prefix, "n%"), Ok(0));
        assert_eq!(count(Operator::Prefix, "N"), Ok(0));
        assert_eq!(count(Operator::Like, "n_1_"), ones.clone());
        assert_eq!(count(Operator::Like, "n\\_1\\%"), ones.clone());
        assert!(count(Operator::Like, "n\\").is_err());
        let any = ids(&fixture.db, |list| list.filter("name", Operator::Contains, &["1", "2"]).map(drop));
        assert_eq!(Ok(any.unwrap().len()), such(|one| one.name == "n_1%" || one.name == "n_2%"));
    }
}

#[test]
fn a_marker_must_be_known_within_the_scope() {
    for fixture in fresh() {
        let unknown = |marker: &'static str| {
            ids(&fixture.db, move |list| {
                list.sort("host", Desc)?
                    .filter("host", Operator::Eq, &["h1"])?
                    .marker(Some(marker))
                    .limit(Some(5));
                Ok(())
            })
        };
        let other = (9 * 7) % 40;
        assert_eq!(other, 23);
        assert_eq!(unknown("id23"), Err("the marker id23 is not known".to_owned()), "{}", fixture.name);
        assert_eq!(unknown("x"), Err("the marker x is not known".to_owned()));
        // Within the scope but not matching the filter: still a place in the order.
        assert!(unknown("id00").is_ok());
        // The last row is a marker with nothing after it.
        let last = ids(&fixture.db, |list| list.sort("id", Asc).map(drop)).unwrap().pop().unwrap();
        let after = ids(&fixture.db, move |list| {
            list.sort("id", Asc).map(|list| {
                list.marker(Some(&last));
            })
        });
        assert_eq!(after, Ok(Vec::new()));
    }
}

#[test]
fn joins_counts_and_text_in_front() {
    for fixture in fresh() {
        let found = fixture
            .db
            .read_now(|tx| {
                let mut list = List::new(&ALIASED);
                list.only("s.project = ?", params!["mine"])
                    .matching("s.ram >= ? AND s.up = ?", params![1, true])
                    .before(&[])
                    .sort_asked("host_name:desc,name", Asc)
                    .unwrap()
                    .marker(Some("id02"))
                    .limit(Some(3));
                let rows =
                    list.rows(tx, "SELECT s.id, s.ram FROM servers s LEFT JOIN servers t ON t.id = s.host");
                let mut counted = List::new(&SERVERS);
                counted.filter("host", Operator::In, &[]).unwrap();
                let mut front = List::new(&SERVERS);
                front.before(params!["tag", 5]).filter("ram", Operator::Gt, &["5"]).unwrap().limit(Some(1));
                let front = front.rows(tx, "SELECT ?1, ram + ?2 FROM servers").unwrap();
                Ok((rows.unwrap().len(), counted.count(tx).unwrap(), list.count(tx).unwrap(), front))
            })
            .unwrap();
        assert_eq!((found.0, found.1), (3, 0), "{}", fixture.name);
        assert!(found.2 > 3);
        assert_eq!((found.3[0].text(0).unwrap(), found.3[0].int(1).unwrap()), ("tag".to_owned(), 11));
    }
}
