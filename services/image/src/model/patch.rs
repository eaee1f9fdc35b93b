//! The two dialects of JSON patch in which images are changed: `openstack-images-v2.1-json-patch` has `op` and `path`,
//! `v2.0` has the operation's name as key. Only paths of one step exist, since properties are flat.

use fault::Fault;
use serde_json::Value;

/// A change of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What to do.
    pub verb: Verb,
    /// The attribute.
    pub name: String,
    /// The new value; null for a removal.
    pub value: Value,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Sets it, whether it was there or not.
    Add,
    /// Sets it; it must be there.
    Replace,
    /// Takes it away; it must be there.
    Remove,
}

/// Reads the changes of a body.
pub fn changes(body: &Value, old_dialect: bool) -> Result<Vec<Change>, Fault> {
    let all = body
        .as_array()
        .ok_or_else(|| Fault::bad_input("Request body must be a JSON array of operation objects."))?;
    all.iter().map(|one| change(one, old_dialect)).collect()
}

fn change(one: &Value, old_dialect: bool) -> Result<Change, Fault> {
    let one = one.as_object().ok_or_else(|| Fault::bad_input("Operations must be JSON objects."))?;
    let (verb, path) = if old_dialect {
        let named = ["replace", "add", "remove"].into_iter().find_map(|verb| Some((verb, one.get(verb)?)));
        let said =
            "Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\".";
        named.ok_or_else(|| Fault::bad_input(said))?
    } else {
        let missing =
            |member: &str| Fault::bad_input(format!("Unable to find '{member}' in JSON Schema change"));
        let verb = one.get("op").and_then(Value::as_str).ok_or_else(|| missing("op"))?;
        (verb, one.get("path").ok_or_else(|| missing("path"))?)
    };
    let verb = match verb {
        "add" => Verb::Add,
        "replace" => Verb::Replace,
        "remove" => Verb::Remove,
        other => {
            return Err(Fault::bad_input(format!("Operations must be add, replace or remove, not {other}.")));
        }
    };
    let name = name(path.as_str().unwrap_or_default())?;
    let value = match (verb, one.get("value")) {
        (Verb::Remove, _) => Value::Null,
        (_, Some(value)) => value.clone(),
        (_, None) => {
            return Err(Fault::bad_input("Operation \"replace\" requires a member named \"value\"."));
        }
    };
    Ok(Change { verb, name, value })
}

fn name(path: &str) -> Result<String, Fault> {
    let step = path
        .strip_prefix('/')
        .ok_or_else(|| Fault::bad_input(format!("Pointer `{path}` does not start with \"/\".")))?;
    if step.is_empty() || step.ends_with('/') {
        return Err(Fault::bad_input(format!("Pointer `{path}` does not contain a valid token.")));
    }
    if step.contains('/') {
        return Err(Fault::bad_input(format!("Pointer `{path}` contains more than one token.")));
    }
    Ok(step.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_dialects_say_the_same() {
        let new =
            json!([{"op": "replace", "path": "/name", "value": "x"}, {"op": "remove", "path": "/a~1b"}]);
        let old = json!([{"replace": "/name", "value": "x"}, {"remove": "/a~1b"}]);
        let new = changes(&new, false).unwrap();
        assert_eq!(new, changes(&old, true).unwrap());
        assert_eq!(new[1], Change { verb: Verb::Remove, name: "a/b".into(), value: Value::Null });
    }

    #[test]
    fn what_is_no_change_is_refused() {
        for bad in [
            json!({}),
            json!([1]),
            json!([{}]),
            json!([{"op": "x", "path": "/a"}]),
            json!([{"op": "add", "path": "a", "value": 1}]),
            json!([{"op": "add", "path": "/a/b", "value": 1}]),
            json!([{"op": "add", "path": "/a"}]),
        ] {
            assert!(changes(&bad, false).is_err(), "{bad}");
        }
    }
}
