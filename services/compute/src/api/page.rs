//! Query strings and pages: what may stand in a query, how many come at once, and the link to the next page.

use fault::Fault;
use kernel::Micros;
use regex_lite::Regex;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::list::Direction;
use web::schema::python;
use web::{Ask, Cx, Version};

/// The most that one page holds.
pub const MOST: u32 = 1000;

/// What a parameter must look like.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Anything.
    Any,
    /// A number that is not negative.
    Count,
    /// A time.
    Time,
    /// One of these.
    One(&'static [&'static str]),
    /// A regular expression.
    Pattern,
    /// A flag.
    Flag,
    /// The name of a host.
    Host,
}

/// Pages: `limit` and `marker`.
pub const PAGES: &[(&str, Form)] = &[("limit", Form::Count), ("marker", Form::Any)];

/// Refuses, in Nova's words, parameters of the wrong form; unknown ones from the version `strict` on.
pub fn check(ask: &Ask, known: &[(&str, Form)], strict: Version) -> Result<(), Fault> {
    for (name, form) in known {
        for value in ask.query.all(name) {
            if let Some(wrong) = complaint(*form, value) {
                return Err(Fault::bad_input(format!(
                    "Invalid input for query parameters {name}. Value: {value}. {wrong}"
                )));
            }
        }
    }
    let unknown =
        ask.query.pairs().map(|(name, _)| name).filter(|name| !known.iter().any(|(own, _)| own == name));
    let mut unknown: Vec<&str> = unknown.collect();
    unknown.dedup();
    if !ask.cx.has(strict) || unknown.is_empty() {
        return Ok(());
    }
    let verb = if unknown.len() == 1 { "was" } else { "were" };
    let list = unknown.iter().map(|name| python(&Value::from(*name))).collect::<Vec<_>>().join(", ");
    Err(Fault::bad_input(format!("Additional properties are not allowed ({list} {verb} unexpected)")))
}

fn complaint(form: Form, value: &str) -> Option<String> {
    let shown = python(&Value::from(value));
    match form {
        Form::Any => None,
        Form::Count if value.is_empty() => Some(format!("{shown} should be non-empty")),
        Form::Count => {
            (!value.bytes().all(|b| b.is_ascii_digit())).then(|| format!("{shown} does not match '^[0-9]*$'"))
        }
        Form::Time => Micros::parse(value).is_none().then(|| format!("{shown} is not a 'date-time'")),
        Form::One(all) => {
            (!all.contains(&value)).then(|| format!("{shown} is not one of {}", python(&json!(all))))
        }
        Form::Pattern => {
            (value.is_empty() || Regex::new(value).is_err()).then(|| format!("{shown} is not a 'regex'"))
        }
        Form::Flag => {
            let allowed = super::form::boolean();
            let known = allowed["enum"].as_array().is_some_and(|all| all.contains(&Value::from(value)));
            (!known).then(|| format!("{shown} is not one of {}", python(&allowed["enum"])))
        }
        Form::Host => {
            let fits = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
            (!fits).then(|| format!("{shown} does not match '^[a-zA-Z0-9-._]*$'"))
        }
    }
}

/// How many may come, and after which.
pub fn bounds(ask: &Ask) -> Result<(u32, Option<String>), Fault> {
    let limit = match ask.query.get("limit") {
        None => MOST,
        Some(text) => {
            let number: u64 = text.parse().map_err(|_| Fault::bad_input("limit must be an integer"))?;
            u32::try_from(number).unwrap_or(MOST).min(MOST)
        }
    };
    Ok((limit, ask.query.get("marker").map(str::to_owned)))
}

/// The sort keys with their directions, `created_at` downwards if there are none.
pub fn sorting(ask: &Ask, default: &str) -> Result<Vec<(String, Direction)>, Fault> {
    let keys: Vec<&str> = ask.query.all("sort_key").map(str::trim).collect();
    let directions: Vec<&str> = ask.query.all("sort_dir").map(str::trim).collect();
    let keys = if keys.is_empty() { vec![default] } else { keys };
    let direction = |at: usize| match directions.get(at).or(directions.first()).copied() {
        None | Some("desc") => Ok(Direction::Desc),
        Some("asc") => Ok(Direction::Asc),
        Some(_) => Err(Fault::bad_input("Unknown sort direction, must be 'desc' or 'asc'.")),
    };
    if directions.len() > keys.len() {
        return Err(Fault::bad_input("Sort direction size exceeds sort key size"));
    }
    keys.iter().enumerate().map(|(at, key)| Ok(((*key).to_owned(), direction(at)?))).collect()
}

/// A link, as the API writes one.
#[derive(Debug, Serialize)]
pub struct Link {
    /// What it leads to.
    pub rel: &'static str,
    /// Where that is.
    pub href: String,
}

/// `self` and `bookmark`.
pub fn links(cx: &Cx, collection: &str, id: &str) -> [Link; 2] {
    [
        Link { rel: "self", href: cx.url(&format!("/v2.1/{collection}/{id}")) },
        Link { rel: "bookmark", href: bookmark(cx, collection, id) },
    ]
}

/// The link without version.
pub fn bookmark(cx: &Cx, collection: &str, id: &str) -> String {
    cx.url(&format!("/{collection}/{id}"))
}

/// The link to the next page, if this one is full.
pub fn next(ask: &Ask, collection: &str, shown: usize, last: &str) -> Option<Value> {
    let asked = ask.query.get("limit").and_then(|text| text.parse::<usize>().ok());
    let full = asked.unwrap_or(MOST as usize).min(MOST as usize);
    if full == 0 || full != shown {
        return None;
    }
    let mut params: BTreeMap<&str, &str> = ask.query.pairs().collect();
    params.insert("marker", last);
    let encoded = |text: &str| web::ask::encoded(text);
    let query: Vec<String> =
        params.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    Some(json!([{"rel": "next", "href": ask.cx.url(&format!("/v2.1/{collection}?{}", query.join("&")))}]))
}
