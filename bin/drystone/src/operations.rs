//! The page of the API, printed from the services' own tables: what is here, who may call it, since when.

use crate::wire_up;
use serde_json::{Value, json};
use std::fmt::Write;
use web::routes::{Access, Row};

/// The same for programs.
pub fn list() -> Value {
    let operation = |service, mount, row: &Row| {
        json!({
            "service": service, "method": row.method.as_str(), "path": format!("{mount}{}", row.path),
            "operation": row.name, "access": access(row), "microversions": versions(row),
        })
    };
    let tables = wire_up::tables();
    let rows = tables
        .iter()
        .flat_map(|(service, mount, rows)| rows.iter().map(move |row| operation(service, mount, row)));
    json!({"event": "operations", "operations": rows.collect::<Vec<_>>()})
}

/// The page, as Markdown.
pub fn page() -> String {
    let mut page = String::from(
        "# Operations\n\nPrinted by `drystone operations`; a test holds it against the tables. What is not listed answers as \
         OpenStack answers\nan absent operation.\n",
    );
    for (service, mount, mut rows) in wire_up::tables() {
        rows.sort_by(|a, b| (a.path, a.method.as_str()).cmp(&(b.path, b.method.as_str())));
        let _ = write!(page, "\n## {service}, at {mount}: {} operations\n\n", rows.len());
        page.push_str(
            "| method | path | operation | who may call | microversions |\n|---|---|---|---|---|\n",
        );
        for row in &rows {
            let _ = writeln!(
                page,
                "| {} | `{}` | {} | {} | {} |",
                row.method,
                row.path,
                row.name,
                access(row),
                versions(row)
            );
        }
    }
    page
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
