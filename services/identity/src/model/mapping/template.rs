//! Texts with `{0}` in them, as Python's `format` fills them in: what matched first is number 0.
//!
//! There are `{0}`, `{}` for one after the other, `{0[1]}` for one of several values, `{0!r}`, and `{{` for a brace.
//! Attributes of what stands behind a value, and paddings, are nobody's business here and refused.

use super::engine::{Direct, Unmapped};
use serde_json::{Value, json};
use web::schema::python;

/// Fills `template` in. `room` is how many bytes may still be written, over all.
pub fn filled(template: &str, maps: &[Direct], room: &mut usize) -> Result<String, Unmapped> {
    let mut out = String::new();
    let (mut rest, mut numbering) = (template, Numbering::Unknown);
    while let Some(at) = rest.find(['{', '}']) {
        let (plain, brace) = rest.split_at(at);
        take(&mut out, plain, room)?;
        let twice = brace.starts_with("{{") || brace.starts_with("}}");
        if twice {
            take(&mut out, &brace[..1], room)?;
            rest = &brace[2..];
            continue;
        }
        if brace.starts_with('}') {
            return Err(broken("Single '}' encountered in format string"));
        }
        let end = brace.find('}').ok_or_else(|| broken("expected '}' before end of string"))?;
        let value = field(&brace[1..end], maps, &mut numbering)?;
        take(&mut out, &value, room)?;
        rest = &brace[end + 1..];
    }
    take(&mut out, rest, room)?;
    Ok(out)
}

/// A value in a sentence.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| python(value), str::to_owned)
}

enum Numbering {
    Unknown,
    Written,
    Counted(usize),
}

fn broken(why: &str) -> Unmapped {
    Unmapped::Broken(why.to_owned())
}

fn take(out: &mut String, text: &str, room: &mut usize) -> Result<(), Unmapped> {
    *room = room
        .checked_sub(text.len())
        .ok_or_else(|| broken("more text comes out of the mapping than is good"))?;
    out.push_str(text);
    Ok(())
}

fn field(field: &str, maps: &[Direct], numbering: &mut Numbering) -> Result<String, Unmapped> {
    let (head, form) = field.split_once(':').unwrap_or((field, ""));
    let (name, conversion) = head.split_once('!').map_or((head, None), |(name, how)| (name, Some(how)));
    let (number, step) = name.split_once('[').map_or((name, None), |(number, step)| (number, Some(step)));
    let value = maps.get(place(number, numbering)?).ok_or(Unmapped::Direct)?.value();
    let value = match step {
        Some(step) => member(&value, step)?,
        None => value,
    };
    match (conversion, form, &value) {
        (Some("r"), "" | "s", _) => Ok(python(&value)),
        (None, "" | "s", Value::String(text)) => Ok(text.clone()),
        (Some("s"), "" | "s", Value::String(text)) => Ok(text.clone()),
        (Some("s"), "" | "s", _) | (None, "", _) => Ok(python(&value)),
        _ => Err(Unmapped::Broken(format!("{{{field}}} asks for a form that values have not"))),
    }
}

fn place(number: &str, numbering: &mut Numbering) -> Result<usize, Unmapped> {
    match (number, &*numbering) {
        ("", Numbering::Written) => {
            Err(broken("numbers that are written cannot be mixed with such as are not"))
        }
        ("", Numbering::Unknown) => {
            *numbering = Numbering::Counted(0);
            Ok(0)
        }
        ("", Numbering::Counted(last)) => {
            let next = last + 1;
            *numbering = Numbering::Counted(next);
            Ok(next)
        }
        (digits, _) if !digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            Err(Unmapped::Broken(format!("there is nothing called {digits:?}")))
        }
        (_, Numbering::Counted(_)) => {
            Err(broken("numbers that are written cannot be mixed with such as are not"))
        }
        (digits, _) => {
            *numbering = Numbering::Written;
            digits.parse().map_err(|_| broken("Too many decimal digits in format string"))
        }
    }
}

/// One of several values, or one letter of one.
fn member(value: &Value, step: &str) -> Result<Value, Unmapped> {
    let number = step.strip_suffix(']').filter(|number| !number.is_empty());
    let number: usize =
        number.and_then(|number| number.parse().ok()).ok_or_else(|| broken("not a number in []"))?;
    let found = match value {
        Value::Array(all) => all.get(number).cloned(),
        Value::String(text) => text.chars().nth(number).map(|letter| json!(letter)),
        _ => None,
    };
    found.ok_or(Unmapped::Direct)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str) -> Result<String, Unmapped> {
        let all = |values: &[&str]| Direct(values.iter().map(|value| (*value).to_owned()).collect());
        filled(template, &[all(&["Bob"]), all(&["a", "b"]), all(&[])], &mut 100)
    }

    #[test]
    fn numbers_stand_for_what_matched() {
        for (template, wanted) in [
            ("{0}", "Bob"),
            ("{}-{}", "Bob-['a', 'b']"),
            ("{0[1]}{1[0]}", "oa"),
            ("{0!r} {0!s} {0:s}", "'Bob' Bob Bob"),
            ("{{0}} {2}", "{0} []"),
        ] {
            assert_eq!(fill(template).unwrap(), wanted, "{template}");
        }
    }

    #[test]
    fn what_did_not_match_is_told_from_what_is_malformed() {
        for template in ["{3}", "{1[2]}", "{0[3]}", "{}{}{}{}"] {
            assert_eq!(fill(template), Err(Unmapped::Direct), "{template}");
        }
        for template in
            ["{", "}", "{a}", "{0.x}", "{0:>9}", "{0!x}", "{}{0}", "{0}{}", "{0[x]}", "{1:s}", "{-1}"]
        {
            assert!(matches!(fill(template), Err(Unmapped::Broken(_))), "{template}");
        }
    }

    #[test]
    fn no_template_writes_without_end() {
        assert!(matches!(fill(&"{0}".repeat(34)), Err(Unmapped::Broken(_))));
        assert_eq!(fill(&"{0}".repeat(33)).unwrap().len(), 99);
    }
}
