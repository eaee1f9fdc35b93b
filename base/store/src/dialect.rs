//! The few places where one text of SQL must become two: placeholders, and the types in migrations.

/// `?1` becomes `$1`, and a bare `?` the next number, outside of quotes and comments. Also the highest number.
pub(crate) fn placeholders(sql: &str) -> (String, usize) {
    let mut out = String::with_capacity(sql.len() + 8);
    let mut highest = 0usize;
    for piece in pieces(sql) {
        let Piece::Code(code) = piece else {
            out.push_str(piece.text());
            continue;
        };
        let mut rest = code;
        while let Some(at) = rest.find('?') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let number = after[..digits].parse().unwrap_or(highest + 1);
            highest = highest.max(number);
            out.push('$');
            out.push_str(&number.to_string());
            rest = &after[digits..];
        }
        out.push_str(rest);
    }
    (out, highest)
}

/// A migration as PostgreSQL wants it: BLOB is BYTEA, and each TEXT column sorts by its bytes as on SQLite.
pub(crate) fn schema(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() * 2);
    let mut before = String::new();
    for piece in pieces(sql) {
        let Piece::Code(code) = piece else {
            out.push_str(piece.text());
            continue;
        };
        for word in code.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            let bare = word.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let tail = &word[bare.len()..];
            match bare.to_ascii_uppercase().as_str() {
                "BLOB" => out.push_str("BYTEA"),
                "INTEGER" => out.push_str("BIGINT"),
                "TEXT" if before != "AS" => out.push_str("TEXT COLLATE \"C\""),
                _ => out.push_str(bare),
            }
            out.push_str(tail);
            if !bare.is_empty() {
                before = bare.to_ascii_uppercase();
            }
        }
    }
    out
}

enum Piece<'a> {
    Code(&'a str),
    Quoted(&'a str),
}

impl<'a> Piece<'a> {
    fn text(&self) -> &'a str {
        match self {
            Self::Code(text) | Self::Quoted(text) => text,
        }
    }
}

/// Splits SQL into code and what is not: quoted texts, quoted names, comments to the end of a line.
fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(start) = [rest.find('\''), rest.find('"'), rest.find("--")].into_iter().flatten().min() {
        found.push(Piece::Code(&rest[..start]));
        let (open, close) =
            if rest[start..].starts_with("--") { (2, "\n") } else { (1, &rest[start..=start]) };
        let end = rest[start + open..].find(close).map_or(rest.len(), |at| start + open + at + close.len());
        found.push(Piece::Quoted(&rest[start..end]));
        rest = &rest[end..];
    }
    found.push(Piece::Code(rest));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_renumbered_outside_of_quotes() {
        assert_eq!(
            placeholders("SELECT '?1 it''s', \"a?\" FROM t -- why?\nWHERE a = ?12 AND b = ? AND c = ?1"),
            ("SELECT '?1 it''s', \"a?\" FROM t -- why?\nWHERE a = $12 AND b = $13 AND c = $1".to_owned(), 13)
        );
    }

    #[test]
    fn types_become_those_of_postgresql() {
        assert_eq!(
            schema("CREATE TABLE a (t TEXT NOT NULL, b blob, d TEXT DEFAULT 'TEXT'); SELECT CAST(b AS TEXT)"),
            "CREATE TABLE a (t TEXT COLLATE \"C\" NOT NULL, b BYTEA, d TEXT COLLATE \"C\" DEFAULT 'TEXT'); SELECT CAST(b AS TEXT)"
        );
    }
}
