//! The page of the API, printed from the services' own tables: what is here, who may call it, since when, whether it does as
//! OpenStack's; and what is not here.

use crate::wire_up;
use serde_json::{Value, json};
use std::fmt::Write;
use web::routes::{Absent, Access, Row};

/// The same for programs.
pub fn list() -> Value {
    let operation = |service, mount, row: &Row| {
        json!({
            "service": service, "method": row.method.as_str(), "path": format!("{mount}{}", row.path),
            "operation": row.name, "access": access(row), "microversions": versions(row),
            "state": if row.differs.is_some() { "differs" } else { "supported" }, "note": row.differs,
        })
    };
    let absent = |service, mount, one: &Absent| {
        json!({
            "service": service, "method": one.method, "path": format!("{mount}{}", one.path), "state": "absent",
            "note": one.because,
        })
    };
    let tables = wire_up::tables();
    let mut told = Vec::new();
    for (service, mount, rows) in &tables {
        told.extend(rows.iter().map(|row| operation(service, mount, row)));
        told.extend(wire_up::absent(service).iter().map(|one| absent(service, mount, one)));
    }
    json!({"event": "operations", "operations": told})
}

/// The page, as Markdown.
pub fn page() -> String {
    let mut page = String::from(
        "# Operations\n\nPrinted by `drystone operations`; a test holds it against the tables. The last column says whether an \
         operation is supported,\nhow it differs from OpenStack's on purpose, or why it is absent. What is absent, or not \
         listed, is answered 404 (405 where its path\nhas other methods), and 401 to whoever has no token. What else is \
         absent of services other than identity tells [the page above](README.md).\n",
    );
    for (service, mount, rows) in wire_up::tables() {
        let absent = wire_up::absent(service);
        let mut lines: Vec<_> = rows.iter().map(|row| (row.path, row.method.as_str(), line(row))).collect();
        lines.extend(absent.iter().map(|one| (one.path, one.method, line_of_absent(one))));
        lines.sort();
        let _ = write!(page, "\n## {service}, at {mount}: {} operations", rows.len());
        if !absent.is_empty() {
            let _ = write!(page, ", {} absent", absent.len());
        }
        page.push_str("\n\n| method | path | operation | who may call | microversions | state |\n");
        page.push_str("|---|---|---|---|---|---|\n");
        lines.iter().for_each(|(.., line)| page.push_str(line));
    }
    page
}

fn line(row: &Row) -> String {
    let state = row.differs.map_or("supported".to_owned(), |how| format!("differs: {how}"));
    let (method, path, name) = (&row.method, row.path, row.name);
    format!("| {method} | `{path}` | {name} | {} | {} | {state} |\n", access(row), versions(row))
}

fn line_of_absent(one: &Absent) -> String {
    format!("| {} | `{}` | | | | absent: {} |\n", one.method, one.path, one.because)
}

fn access(row: &Row) -> String {
    match row.access {
        Access::Rule(rule) => format!("`{}`", rule.name),
        Access::Token(because) => format!("any token: {because}"),
        Access::Open(because) => format!("anybody: {because}"),
    }
}

fn versions(row: &Row) -> String {
    match (row.since, row.until) {
        (None, None) => "all".to_owned(),
        (Some(since), None) => format!("{since} and later"),
        (None, Some(until)) => format!("up to {until}"),
        (Some(since), Some(until)) => format!("{since} to {until}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_in_the_documents_is_what_the_tables_say() {
        let kept = include_str!("../../../docs/compat/operations.md");
        let says = "write it anew: cargo run -p drystone -- operations > docs/compat/operations.md";
        assert!(kept.trim_end() == super::page().trim_end(), "docs/compat/operations.md is stale; {says}");
    }

    #[test]
    fn what_is_absent_is_not_here() {
        for (service, _, rows) in crate::wire_up::tables() {
            for one in crate::wire_up::absent(service) {
                let here = rows.iter().any(|row| row.path == one.path && row.method.as_str() == one.method);
                assert!(!here, "{} {} is here", one.method, one.path);
            }
        }
    }

    #[test]
    fn every_operation_names_a_rule_that_its_service_lists() {
        let policy = crate::wire_up::policy().unwrap();
        for (_, _, rows) in crate::wire_up::tables() {
            for row in rows {
                if let web::routes::Access::Rule(rule) = row.access {
                    assert!(policy.knows(rule.service, rule.name), "{} of {}", rule.name, row.name);
                }
            }
        }
    }
}
