//! The mapping engine alone: what `conformance/identity/mapping` compares with Keystone's.
//!
//! Reads cases, one JSON object a line (`rules`, `schema_version`, `assertion`), and answers each with a line: what came
//! out, or `error` and its sort.

use identity::model::mapping::{Mapped, Mapping, Unmapped, apply};
use serde_json::{Value, json};
use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};

fn main() -> Result<(), Box<dyn Error>> {
    for line in stdin().lock().lines() {
        let mut case: Value = serde_json::from_str(&line?)?;
        let mapping = Mapping {
            id: "m".to_owned(),
            rules: case["rules"].take(),
            schema_version: case["schema_version"].as_str().unwrap_or_default().to_owned(),
        };
        let assertion = serde_json::from_value(case["assertion"].take())?;
        let told = match apply(&mapping, &assertion) {
            Ok(Mapped { user, group_ids, group_names, projects }) => {
                json!({"user": user, "group_ids": group_ids, "group_names": group_names, "projects": projects})
            }
            Err(Unmapped::Nothing) => json!({"error": "nothing"}),
            Err(Unmapped::Invalid(why)) => json!({"error": "invalid", "why": why}),
            Err(Unmapped::Direct) => json!({"error": "direct"}),
            Err(Unmapped::Broken(_)) => json!({"error": "broken"}),
        };
        writeln!(stdout(), "{told}")?;
    }
    Ok(())
}
