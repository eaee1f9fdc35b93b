//! Lists in texts, as Python writes them: how values that are several get through a text and out of it again.

use serde_json::{Number, Value};

/// Lists in lists, at most so deep.
const DEEPEST: u8 = 16;

/// The members of a list that stands in a text; what is no list is one member itself.
pub fn members(text: &str) -> Vec<Value> {
    match list(text) {
        Some(Value::Array(all)) => all,
        _ => vec![Value::String(text.to_owned())],
    }
}

fn list(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text.trim_start_matches([' ', '\t']) };
    let value = reader.value(0)?;
    reader.skip();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.skip();
        let left = self.rest.strip_prefix(wanted);
        self.rest = left.unwrap_or(self.rest);
        left.is_some()
    }

    fn value(&mut self, depth: u8) -> Option<Value> {
        self.skip();
        if depth > DEEPEST {
            return None;
        }
        match self.rest.chars().next()? {
            '[' => self.array(depth),
            '{' => self.object(depth),
            '\'' | '"' => self.texts().map(Value::String),
            '0'..='9' | '-' | '+' | '.' => self.number(),
            _ => self.word(),
        }
    }

    fn array(&mut self, depth: u8) -> Option<Value> {
        self.eat('[');
        let mut all = Vec::new();
        while !self.eat(']') {
            all.push(self.value(depth + 1)?);
            if !self.eat(',') {
                return self.eat(']').then_some(Value::Array(all));
            }
        }
        Some(Value::Array(all))
    }

    /// A dictionary whose names are texts; others have no place in JSON.
    fn object(&mut self, depth: u8) -> Option<Value> {
        self.eat('{');
        let mut all = serde_json::Map::new();
        while !self.eat('}') {
            let Value::String(name) = self.value(depth + 1)? else { return None };
            if !self.eat(':') {
                return None;
            }
            all.insert(name, self.value(depth + 1)?);
            if !self.eat(',') {
                return self.eat('}').then_some(Value::Object(all));
            }
        }
        Some(Value::Object(all))
    }

    /// Texts that stand beside each other are one.
    fn texts(&mut self) -> Option<String> {
        let mut all = String::new();
        while let Some(quote) = self.rest.chars().next().filter(|letter| matches!(letter, '\'' | '"')) {
            self.rest = &self.rest[1..];
            self.text(quote, &mut all)?;
            self.skip();
        }
        Some(all)
    }

    fn text(&mut self, quote: char, into: &mut String) -> Option<()> {
        let mut letters = self.rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\n' => return None,
                '\\' => {
                    self.rest = letters.as_str();
                    into.extend(self.escaped()?);
                    letters = self.rest.char_indices();
                }
                letter if letter == quote => {
                    self.rest = &self.rest[at + letter.len_utf8()..];
                    return Some(());
                }
                letter => into.push(letter),
            }
        }
        None
    }

    /// What a backslash stands for with what follows it; nothing for the end of a line.
    fn escaped(&mut self) -> Option<std::vec::IntoIter<char>> {
        let letter = self.rest.chars().next()?;
        self.rest = &self.rest[letter.len_utf8()..];
        let made = match letter {
            '\n' => Vec::new(),
            '\\' | '\'' | '"' => vec![letter],
            'a' => vec!['\x07'],
            'b' => vec!['\x08'],
            'f' => vec!['\x0c'],
            'n' => vec!['\n'],
            'r' => vec!['\r'],
            't' => vec!['\t'],
            'v' => vec!['\x0b'],
            'x' => vec![self.coded(2, 16)?],
            'u' => vec![self.coded(4, 16)?],
            'U' => vec![self.coded(8, 16)?],
            '0'..='7' => {
                let length = self.rest.chars().take(2).take_while(|digit| digit.is_digit(8)).count();
                let digits = format!("{letter}{}", &self.rest[..length]);
                self.rest = &self.rest[length..];
                vec![char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?]
            }
            other => vec!['\\', other],
        };
        Some(made.into_iter())
    }

    fn coded(&mut self, length: usize, base: u32) -> Option<char> {
        let digits =
            self.rest.get(..length).filter(|digits| digits.chars().all(|digit| digit.is_digit(base)))?;
        self.rest = &self.rest[length..];
        char::from_u32(u32::from_str_radix(digits, base).ok()?)
    }

    fn number(&mut self) -> Option<Value> {
        let end = self
            .rest
            .find(|letter: char| !matches!(letter, '0'..='9' | '-' | '+' | '.' | 'e' | 'E' | '_'))
            .unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        let digits = digits.trim_start_matches('+');
        let whole = digits.trim_start_matches('-');
        // Python refuses 007, too.
        if whole.len() > 1 && whole.starts_with('0') && whole.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        match digits.parse::<i64>() {
            Ok(number) => Some(Value::Number(number.into())),
            Err(_) => digits.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number),
        }
    }

    fn word(&mut self) -> Option<Value> {
        let end = self.rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let value = match word {
            "None" => Value::Null,
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            _ => return None,
        };
        self.rest = rest;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use web::schema::python;

    #[test]
    fn lists_come_out_of_texts() {
        for (text, wanted) in [
            ("['a', 'b']", json!(["a", "b"])),
            (" [ 'a' , \"b\" , ]", json!(["a", "b"])),
            ("[]", json!([])),
            (r"['it\'s', 'a\\b', '\x41\u00e9\n']", json!(["it's", "a\\b", "A\u{e9}\n"])),
            (
                "['a' 'b', 1, -2, 1.5, None, True, ['x'], {'k': 'v'}]",
                json!(["ab", 1, -2, 1.5, null, true, ["x"], {"k": "v"}]),
            ),
        ] {
            assert_eq!(json!(members(text)), wanted, "{text}");
        }
    }

    #[test]
    fn everything_else_is_one_member() {
        for text in
            ["", "a", "5", "'a'", "('a',)", "[", "['a'", "[a]", "['a'] x", "[007]", "{'a': 1}", "['a\n']"]
        {
            assert_eq!(members(text), [json!(text)], "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(members(&deep).len(), 1);
    }

    #[test]
    fn what_is_written_is_read() {
        let all = json!(["it's", "\"", "'\"", "\\", "\n\t\r\u{1}", "\u{e4}\u{1f600}", ""]);
        assert_eq!(json!(members(&python(&all))), all);
    }
}
