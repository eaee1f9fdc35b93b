//! Names of entries in a directory (RFC 4514), and text in its filters (RFC 4515).

/// One step of a name: its attributes, in small letters, with their values.
type Step = Vec<(String, String)>;

/// The steps of a name, the entry's own first; `None` if it is none.
fn steps(dn: &str) -> Option<Vec<Step>> {
    if dn.is_empty() {
        return Some(Vec::new());
    }
    split(dn, &[',', ';']).into_iter().map(step).collect()
}

fn step(text: &str) -> Option<Step> {
    let one = |text: &str| {
        let (attribute, value) = text.split_once('=')?;
        let attribute = attribute.trim();
        (!attribute.is_empty()).then(|| Some((attribute.to_ascii_lowercase(), unescaped(value)?)))?
    };
    split(text, &['+']).into_iter().map(one).collect()
}

/// Cuts at separators that are not escaped.
fn split<'a>(text: &'a str, separators: &[char]) -> Vec<&'a str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if !escaped && separators.contains(&c) {
            parts.push(&text[start..at]);
            start = at + c.len_utf8();
        }
        escaped = !escaped && c == '\\';
    }
    parts.push(&text[start..]);
    parts
}

/// A value without its escapes, and without the spaces around it; `None` if an escape is cut off or the bytes are no text.
fn unescaped(value: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut keep = 0;
    let mut rest = value.trim_start().as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            keep = if *first == b' ' { keep } else { bytes.len() };
            continue;
        }
        let (byte, after) = match rest {
            [high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (u8::from_str_radix(std::str::from_utf8(&rest[..2]).ok()?, 16).ok()?, after)
            }
            [other, after @ ..] => (*other, after),
            [] => return None,
        };
        bytes.push(byte);
        keep = bytes.len();
        rest = after;
    }
    bytes.truncate(keep);
    String::from_utf8(bytes).ok()
}

/// The first attribute of an entry's own step, in small letters, and its value.
pub fn own_name(dn: &str) -> Option<(String, String)> {
    steps(dn)?.into_iter().next()?.into_iter().next()
}

/// A name in the form in which equal names are the same text: most directories tell no capitals from small letters.
pub fn comparable(dn: &str) -> String {
    let Some(steps) = steps(dn) else { return dn.to_lowercase() };
    let step = |mut step: Step| {
        step.sort();
        let parts =
            step.into_iter().map(|(attribute, value)| format!("{attribute}={value:?}").to_lowercase());
        parts.collect::<Vec<_>>().join("+")
    };
    steps.into_iter().map(step).collect::<Vec<_>>().join(",")
}

/// `(attribute=value)`, where nothing in the value means anything to a filter.
pub fn equals(attribute: &str, value: &str) -> String {
    format!("({attribute}={})", ldap3::ldap_escape(value))
}

#[cfg(test)]
mod tests {
    use super::{comparable, equals, own_name};

    fn own(dn: &str) -> Option<(String, String)> {
        own_name(dn)
    }

    fn pair(attribute: &str, value: &str) -> Option<(String, String)> {
        Some((attribute.to_owned(), value.to_owned()))
    }

    #[test]
    fn the_own_name_is_read_without_its_escapes() {
        assert_eq!(own("uid=ada,ou=People,dc=example"), pair("uid", "ada"));
        assert_eq!(own(r"CN=Lovelace\, Ada,dc=example"), pair("cn", "Lovelace, Ada"));
        assert_eq!(own(r"cn=Lovelace\2C Ada,dc=example"), pair("cn", "Lovelace, Ada"));
        assert_eq!(own(r"cn=J\C3\B6rg,dc=example"), pair("cn", "Jörg"));
        assert_eq!(own("cn = spaced  ,dc=example"), pair("cn", "spaced"));
        assert_eq!(own(r"cn=kept\ ,dc=example"), pair("cn", "kept "));
        assert_eq!(own("uid=ada+cn=Ada,dc=example"), pair("uid", "ada"));
        assert_eq!(own(r"cn=a\\,dc=example"), pair("cn", r"a\"));
        assert_eq!((own("no name"), own(""), own(r"cn=cut\")), (None, None, None));
    }

    #[test]
    fn equal_names_are_the_same_text() {
        assert_eq!(comparable("UID=Ada, OU=People,dc=example"), comparable("uid=ada,ou=people,DC=example"));
        assert_eq!(comparable("cn=a+uid=b"), comparable("uid=b+cn=a"));
        assert_eq!(comparable(r"cn=a\2cb"), comparable(r"cn=a\,b"));
        assert_ne!(comparable(r"cn=a\,cn=b"), comparable("cn=a,cn=b"));
    }

    #[test]
    fn a_value_cannot_change_its_filter() {
        assert_eq!(equals("cn", "ada"), "(cn=ada)");
        assert_eq!(equals("cn", "*)(uid=*"), r"(cn=\2a\29\28uid=\2a)");
        assert_eq!(equals("cn", "a\\b\0"), r"(cn=a\5cb\00)");
    }
}
